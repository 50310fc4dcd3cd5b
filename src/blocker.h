/*-------------------------------------------------------------------------
 *
 * blocker.h
 *		Who keeps us from locking a relation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BLOCKER_H
#define MIGRATE_BLOCKER_H

#include "storage/lock.h"

/* What a message says of those who are in the way. */
typedef struct BlockerReport
{
	char	   *list;			/* a line for each; "" = there is none */
	char	   *command;		/* that ends the first of them, or NULL */
} BlockerReport;

extern VirtualTransactionId *migrate_blocker_find(Oid relid, LOCKMODE mode);
extern bool migrate_blocker_remains(const VirtualTransactionId *before,
									const VirtualTransactionId *now);
extern bool migrate_blocker_prevents_wraparound(const VirtualTransactionId *blockers);
extern void migrate_blocker_report(Oid relid, LOCKMODE mode, BlockerReport *report);

#endif							/* MIGRATE_BLOCKER_H */
