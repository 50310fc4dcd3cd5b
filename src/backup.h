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

#include "position.h"

/* One step of a deployment, as far as keeping rows needs to know it. */
typedef struct BackupStep
{
	int64		version;
	bool		down;
	const PositionFrame *frame; /* which statement is running */
	List	   *no_backup;		/* of DirectiveNoBackup * */
} BackupStep;

extern void migrate_backup_init(void);
extern void migrate_backup_begin(const BackupStep *step);
extern int64 migrate_backup_end(void);
extern void migrate_backup_settle(int64 version, bool down, int64 entry);

#endif							/* MIGRATE_BACKUP_H */
