/*-------------------------------------------------------------------------
 *
 * restorepoint.h
 *		A target for point-in-time recovery, written before an apply.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RESTOREPOINT_H
#define MIGRATE_RESTOREPOINT_H

/* Where recovery can stop. */
typedef struct RestorePoint
{
	const char *name;			/* NULL = none was written */
	const char *lsn;
} RestorePoint;

extern void migrate_restorepoint_write(int64 version, RestorePoint *point);

#endif							/* MIGRATE_RESTOREPOINT_H */
