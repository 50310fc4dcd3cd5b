/*-------------------------------------------------------------------------
 *
 * rehearse.c
 *		Run migrations for real, measure, and undo it: migrate_rehearse().
 *
 * Invariants:
 *
 * - Everything runs in one subtransaction that is always rolled back: deploy lock,
 *   snapshots, kept rows, ledger entries and notifications go with it.  What is
 *   told lives in a memory context outside of it.
 * - It is the engine's own road, so an error is the one that migrate_apply() would
 *   raise.  The first one ends the rehearsal and is a row of the result.
 * - What keeps an apply from starting at all (unknown version, another deployment)
 *   is raised, and so is a cancel: it is never turned into a result.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "argument.h"
#include "budget.h"
#include "deploy.h"
#include "leftover.h"
#include "owner.h"
#include "prelock.h"
#include "rehearse.h"
#include "roundtrip.h"
#include "settings.h"
#include "tell.h"

PG_FUNCTION_INFO_V1(migrate_rehearse);

/* Add something to be said of a step; texts are copied. */
void
migrate_rehearse_note(Rehearsal *rehearsal, const RehearseNote *note)
{
	MemoryContext old = MemoryContextSwitchTo(rehearsal->context);
	RehearseNote *kept = palloc(sizeof(RehearseNote));

	*kept = *note;
	kept->text = pstrdup(note->text);
	rehearsal->notes = lappend(rehearsal->notes, kept);
	MemoryContextSwitchTo(old);
}

/* Carry one migration up or down; one that has an obstacle raises it. */
void
migrate_rehearse_step(Rehearsal *rehearsal, const PlanStep *step, const char *direction)
{
	rehearsal->version = step->version;
	rehearsal->direction = direction;
	if (step->has_obstacle)
		migrate_engine_refuse(&rehearsal->engine, step);
	migrate_engine_step(&rehearsal->engine, step);
	rehearsal->steps++;
}

/* Everything that is undone afterwards. */
static void
rehearse_run(Rehearsal *rehearsal)
{
	EngineRun  *engine = &rehearsal->engine;
	MigratePlan *plan;

	SPI_connect();
	migrate_deploy_begin("migrate_rehearse()");
	plan = migrate_plan_up(rehearsal->target);
	engine->extension = migrate_extension_oid();
	if (rehearsal->round_trip && plan->steps != NIL)
		migrate_roundtrip_check(plan);
	if (plan->steps != NIL)
	{
		rehearsal->started = true;
		rehearsal->version = ((PlanStep *) linitial(plan->steps))->version;
		rehearsal->direction = "up";
		migrate_engine_open(engine, plan);
		migrate_roundtrip_run(rehearsal, plan);
		migrate_engine_close(engine);
	}
	migrate_deploy_end();
	SPI_finish();
}

/* Turn the error that has ended a rehearsal into something to be said of its step. */
static void
rehearse_note_error(Rehearsal *rehearsal, const ErrorData *error)
{
	const PositionFrame *frame = &rehearsal->engine.frame;
	bool		in_script = frame->version == rehearsal->version;
	ObservedStatement *failed = migrate_observe_failed(rehearsal->observation);
	RehearseNote note = {
		.version = rehearsal->version,
		.direction = rehearsal->direction,
		.statement = in_script ? Max(frame->statement, 0) : 0,
		.line = in_script && frame->statement > 0 ? frame->line : 0,
	};

	if (failed != NULL && failed->locking != NULL)
	{
		instr_time	now;

		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_SUBTRACT(now, failed->lock_start);
		failed->lock_wait = INSTR_TIME_GET_MICROSEC(now);
	}
	if (migrate_budget_is_spent())
		note.text = psprintf("stopped: locks that make other sessions wait were held for %d ms, as long as migrate.rehearse_budget allows",
							 migrate_rehearse_budget);
	else
		note.text = psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), error->message);
	migrate_rehearse_note(rehearsal, &note);
}

/*
 * Tell whether an error is raised: it came before the first step, or somebody
 * wants the caller's own statement to end.
 */
static bool
rehearse_raises(const Rehearsal *rehearsal, const ErrorData *error)
{
	if (!rehearsal->started)
		return true;
	return error->sqlerrcode == ERRCODE_QUERY_CANCELED && !migrate_budget_is_spent();
}

/* Run, and undo it; an error that ends it is caught. */
static void
rehearse_undo(Rehearsal *rehearsal)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		rehearse_run(rehearsal);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	migrate_budget_end();
	migrate_observe_end(rehearsal->observation);
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	if (error == NULL)
		return;
	if (rehearse_raises(rehearsal, error))
		ReThrowError(error);
	rehearse_note_error(rehearsal, error);
}

/* SQL: migrate_rehearse(version bigint DEFAULT NULL, round_trip boolean DEFAULT false) */
Datum
migrate_rehearse(PG_FUNCTION_ARGS)
{
	Rehearsal	rehearsal = {0};
	Leftovers  *before;
	MemoryContext old;

	if (!PG_ARGISNULL(0))
		rehearsal.target = migrate_argument_version(fcinfo, 0, 1);
	rehearsal.round_trip = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	InitMaterializedSRF(fcinfo, 0);
	migrate_deploy_check("migrate_rehearse()");
	rehearsal.context = AllocSetContextCreate(CurrentMemoryContext, "migrate rehearsal",
											  ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(rehearsal.context);
	before = migrate_leftover_before();
	rehearsal.observation = migrate_observe_begin(&migrate_prelock);
	migrate_budget_begin(migrate_rehearse_budget);
	rehearse_undo(&rehearsal);
	migrate_tell_rows(&rehearsal, (ReturnSetInfo *) fcinfo->resultinfo);
	migrate_leftover_tell(before, migrate_observe_sequences(rehearsal.observation));
	migrate_tell_end(&rehearsal);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(rehearsal.context);
	return (Datum) 0;
}
