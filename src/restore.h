/*-------------------------------------------------------------------------
 *
 * restore.h
 *		Put kept rows back where they belong.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RESTORE_H
#define MIGRATE_RESTORE_H

/* What a restore did. */
typedef struct RestoreResult
{
	int64		restored;		/* rows put back */
	int64		conflicts;		/* rows left as they are, because they changed
								 * since */
} RestoreResult;

extern void migrate_restore_init(void);
extern void migrate_restore_begin(void);
extern void migrate_restore_step(int64 version, bool down, RestoreResult *result);

#endif							/* MIGRATE_RESTORE_H */
