/*-------------------------------------------------------------------------
 *
 * rehearse.h
 *		Run migrations for real, measure, and undo it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REHEARSE_H
#define MIGRATE_REHEARSE_H

#include "nodes/pg_list.h"

#include "engine.h"
#include "observe.h"

/* What is to be said of a step besides what its statements did. */
typedef struct RehearseNote
{
	int64		version;		/* 0 = of no one */
	const char *direction;		/* or NULL */
	int			statement;		/* 0 = of none */
	int			line;			/* 0 = of none */
	const char *command;		/* or NULL */
	const char *text;
} RehearseNote;

/* One rehearsal; it outlives the subtransaction in which everything happens. */
typedef struct Rehearsal
{
	EngineRun	engine;
	Observation *observation;
	MemoryContext context;
	int64		target;			/* version, 0 = latest */
	bool		round_trip;
	bool		started;		/* errors are results from here on */
	int64		version;		/* of the step that runs, or ran last; 0 =
								 * none */
	const char *direction;
	int			steps;			/* that were carried up or down */
	List	   *notes;			/* of RehearseNote * */
} Rehearsal;

extern void migrate_rehearse_note(Rehearsal *rehearsal, const RehearseNote *note);
extern void migrate_rehearse_step(Rehearsal *rehearsal, const PlanStep *step,
								  const char *direction);

#endif							/* MIGRATE_REHEARSE_H */
