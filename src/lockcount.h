/*-------------------------------------------------------------------------
 *
 * lockcount.h
 *		How many locks statements will hold.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKCOUNT_H
#define MIGRATE_LOCKCOUNT_H

#include "nodes/nodes.h"

extern int	migrate_lockcount_created(Node *statement);
extern void migrate_lockcount_warn(int64 locks);

#endif							/* MIGRATE_LOCKCOUNT_H */
