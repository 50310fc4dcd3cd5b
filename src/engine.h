/*-------------------------------------------------------------------------
 *
 * engine.h
 *		Carry migrations up and down.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_ENGINE_H
#define MIGRATE_ENGINE_H

#include "nodes/execnodes.h"

#include "lockphase.h"
#include "plan.h"
#include "position.h"
#include "restorepoint.h"
#include "trace.h"

/* One call that carries migrations up or down. */
typedef struct EngineRun
{
	ReturnSetInfo *result;		/* NULL = a rehearsal: nothing is told, and
								 * nothing is done that cannot be undone */
	bool		down;
	Oid			extension;		/* must be the same after each script */
	int64		snapshot;		/* equals the schema as it stands; 0 = none */
	RestorePoint restore_point;
	bool		restores;		/* there are kept rows to be put back */
	int64		current;		/* version of the schema, as of the step that
								 * is being concluded */
	const MigratePlan *plan;
	LockPhaseResult locks;		/* what it took to get them */
	Trace	   *trace;			/* what the statements do */
	MemoryContext step_context; /* reset after each step */
	PositionFrame frame;		/* where the running script is */
} EngineRun;

extern void migrate_engine_init(void);
extern void migrate_engine_open(EngineRun *run, const MigratePlan *plan);
extern void migrate_engine_step(EngineRun *run, const PlanStep *plan);
extern void migrate_engine_refuse(EngineRun *run, const PlanStep *plan);
extern void migrate_engine_close(EngineRun *run);

#endif							/* MIGRATE_ENGINE_H */
