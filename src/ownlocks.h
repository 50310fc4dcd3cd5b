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

/* A relation on which locks were taken since the last look. */
typedef struct OwnLock
{
	Oid			relid;
	LOCKMASK	mask;			/* of the modes that are new */
} OwnLock;

extern OwnLocks *migrate_ownlocks_begin(void);
extern const OwnLock *migrate_ownlocks_look(OwnLocks *locks, int *count);
extern int	migrate_ownlocks_advisory(void);

#endif							/* MIGRATE_OWNLOCKS_H */
