/*-------------------------------------------------------------------------
 *
 * lockplan.h
 *		Which relations the statements of a plan will lock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKPLAN_H
#define MIGRATE_LOCKPLAN_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

#include "position.h"
#include "script.h"

typedef struct LockPlan LockPlan;

/* One relation, and what will be asked of it. */
typedef struct LockPlanEntry
{
	Oid			relid;			/* hash key: first */
	LOCKMODE	mode;			/* excludes what any of the statements
								 * excludes */
	LOCKMODE	asked;			/* the strongest that one statement asks for */
	PositionFrame frame;		/* which statement does so first */
	char	   *lock_timeout;	/* that its script wants, or NULL */

	/* of those that are to be locked */
	Oid			schema;
	char	   *name;			/* without the schema */
	char	   *label;			/* as a message shows it */
	bool		is_index;
} LockPlanEntry;

extern LockPlan *migrate_lockplan_create(void);
extern void migrate_lockplan_add(LockPlan *plan, const Script *script, const PositionFrame *frame);
extern List *migrate_lockplan_wanted(LockPlan *plan);
extern bool migrate_lockplan_is_user_relation(Oid relid);
extern bool migrate_lockplan_same_relation(const LockPlanEntry *entry);
extern void migrate_lockplan_warn(const LockPlan *plan);

#endif							/* MIGRATE_LOCKPLAN_H */
