/*-------------------------------------------------------------------------
 *
 * lockphase.h
 *		Lock what a plan will change, before it changes anything.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKPHASE_H
#define MIGRATE_LOCKPHASE_H

#include "lockplan.h"

/* Adds the scripts that will run to an empty plan. */
typedef void (*LockPhaseGather) (LockPlan *plan, void *arg);

/* What it took. */
typedef struct LockPhaseResult
{
	int			relations;		/* that were locked */
	int			attempts;
	int64		waited;			/* microseconds, asleep or in a queue */
} LockPhaseResult;

extern void migrate_lockphase_take(LockPhaseGather gather, void *arg, LockPhaseResult *result);

#endif							/* MIGRATE_LOCKPHASE_H */
