/*-------------------------------------------------------------------------
 *
 * backup.h
 *		Rows kept because a migration is about to destroy or change them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BACKUP_H
#define MIGRATE_BACKUP_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

#include "keep.h"
#include "position.h"

/* One step of a deployment, as far as keeping rows needs to know it. */
typedef struct BackupStep
{
	int64		version;
	bool		down;
	const PositionFrame *frame; /* which statement is running */
	List	   *no_backup;		/* of DirectiveNoBackup * */
	Oid			kept_in_step;	/* the schema_version that the engine sets
								 * itself, or 0 */
} BackupStep;

/* What is kept; the words are those of the columns of migrate.backup. */
typedef struct BackupRequest
{
	Relation	source;			/* a table, or a sequence */
	const char *what;
	const char *operation;
	AttrNumber	column;			/* 0 = not about one */
	Bitmapset  *lost;			/* columns that the statement takes or changes */
	bool		moved;			/* not copied: its storage is taken over */
} BackupRequest;

/* One row of migrate.backup that the running step has written. */
typedef struct BackupEntry BackupEntry;

extern void migrate_backup_init(void);
extern void migrate_backup_begin(const BackupStep *step);
extern int64 migrate_backup_end(void);
extern void migrate_backup_settle(int64 version, int64 entry);

/* what looks for rows to keep, while a script runs */
extern bool migrate_backup_active(void);
extern const BackupStep *migrate_backup_step(void);
extern MemoryContext migrate_backup_context(void);
extern bool migrate_backup_concerns(Oid relid);
extern void migrate_backup_created(Oid relid);
extern Relation migrate_backup_open_rows(Relation source, KeepMap **map);
extern void migrate_backup_count_rows(Oid kept, int64 rows);

/* what makes kept tables of its own */
extern BackupEntry *migrate_backup_new(const BackupRequest *request, TupleDesc desc);
extern Oid	migrate_backup_kept(const BackupEntry *entry);
extern void migrate_backup_sequence(const BackupRequest *request, int64 last_value,
									bool is_called);

#endif							/* MIGRATE_BACKUP_H */
