/*-------------------------------------------------------------------------
 *
 * verify.h
 *		Hold the schema against what it should be.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_VERIFY_H
#define MIGRATE_VERIFY_H

/* The snapshots around an up script and around the down script that undoes it. */
typedef struct VerifyRollback
{
	int64		version;
	const char *name;
	int64		before_up;		/* 0 = none was taken */
	int64		after_up;
	int64		before_down;
	int64		after_down;
} VerifyRollback;

extern int64 migrate_verify_drift(void);
extern char *migrate_verify_rollback(const VerifyRollback *rollback);

#endif							/* MIGRATE_VERIFY_H */
