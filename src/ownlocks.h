/*-------------------------------------------------------------------------
 *
 * ownlocks.h
 *		The locks on relations that this session holds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OWNLOCKS_H
#define MIGRATE_OWNLOCKS_H

#include "storage/lock.h"

typedef struct OwnLocks OwnLocks;

/* What is locked of one relation. */
typedef struct OwnLock
{
	Oid			relid;
	LOCKMASK	mask;
	bool		again;			/* held since before the first look, and taken
								 * once more */
} OwnLock;

extern void migrate_ownlocks_init(void);

/* Tells that a relation is of no interest; may not allocate memory. */
typedef bool (*OwnLocksFilter) (void *arg, Oid relid);

extern OwnLocks *migrate_ownlocks_begin(OwnLocksFilter ignores, void *arg);
extern const OwnLock *migrate_ownlocks_look(OwnLocks *locks, int *count);
extern LOCKMODE migrate_ownlocks_strongest(LOCKMASK mask);
extern int	migrate_ownlocks_advisory(void);

#endif							/* MIGRATE_OWNLOCKS_H */
