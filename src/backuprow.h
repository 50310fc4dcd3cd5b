/*-------------------------------------------------------------------------
 *
 * backuprow.h
 *		What is written to migrate.backup while rows are kept.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BACKUPROW_H
#define MIGRATE_BACKUPROW_H

#include "backup.h"

/* One row of migrate.backup that is about to be written. */
typedef struct BackupRow
{
	int64		backup;
	const BackupStep *step;
	const BackupRequest *request;
	Oid			kept;			/* InvalidOid = there is no table */
	const char *kept_as;		/* its name, or NULL */
} BackupRow;

extern const char *migrate_backuprow_column(const BackupRequest *request);
extern int64 migrate_backuprow_last(void);
extern void migrate_backuprow_insert(const BackupRow *row);
extern void migrate_backuprow_sequence(int64 backup, int64 last_value, bool is_called);
extern void migrate_backuprow_measure(int64 backup, Oid kept, int64 rows);
extern void migrate_backuprow_settle(int64 first, int64 version, int64 entry);

#endif							/* MIGRATE_BACKUPROW_H */
