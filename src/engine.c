/*-------------------------------------------------------------------------
 *
 * engine.c
 *		Carry migrations up and down: migrate_apply() and migrate_rollback().
 *
 * Invariants:
 *
 * - All steps of a call, their ledger entries and what else is kept in step
 *   are written by the caller's transaction; they become visible together or
 *   not at all.  Nothing here commits, and nothing survives an error.
 * - Every step is judged (plan.c) and every script that cannot run is refused
 *   before the first statement runs.
 * - A step's memory goes with the step.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/async.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "argument.h"
#include "backup.h"
#include "deploy.h"
#include "engine.h"
#include "execute.h"
#include "forecast.h"
#include "ledger.h"
#include "locklook.h"
#include "lockphase.h"
#include "loss.h"
#include "observe.h"
#include "owner.h"
#include "registry.h"
#include "restore.h"
#include "restoreitem.h"
#include "restorepoint.h"
#include "schema_version.h"
#include "settings.h"
#include "snapshot.h"
#include "supabase.h"
#include "verify.h"

PG_FUNCTION_INFO_V1(migrate_apply);
PG_FUNCTION_INFO_V1(migrate_rollback);

#define ENGINE_COLUMNS 6

/* One step, while it runs. */
typedef struct EngineStep
{
	EngineRun  *run;
	const PlanStep *plan;
	PositionFrame *frame;
	Script	   *script;
	SchemaVersion before;
	ExecuteResult executed;
	int64		duration;		/* microseconds */
	int64		rows_kept;		/* -1 = none were looked for */
	RestoreResult restored;
	List	   *statements;		/* of ObservedStatement * */
	int64		snapshot_before;
	int64		snapshot_after;
	char	   *differences;	/* that a rollback has left, or NULL */
} EngineStep;

/* Set up what the engine and the floors below need. */
void
migrate_engine_init(void)
{
	migrate_deploy_init();
	migrate_snapshot_init();
	migrate_backup_init();
	migrate_restore_init();
	migrate_loss_init();
	migrate_observe_init();
}

/* Fetch the script of a step from the registry. */
static char *
engine_fetch(EngineRun *run, const PlanStep *plan, EngineStep *step)
{
	const char *direction = run->down ? "down" : "up";
	char	   *body = migrate_registry_body(plan->version, direction);

	if (body == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("the %s script of migration " INT64_FORMAT " (%s) has gone from the registry",
						direction, plan->version, plan->name),
				 errhint("Scripts must not write to the tables of schema migrate.")));
	step->plan = plan;
	step->frame = &run->frame;
	memset(step->frame, 0, sizeof(PositionFrame));
	step->frame->version = plan->version;
	step->frame->name = plan->name;
	step->frame->direction = direction;
	return body;
}

/* Read the script of a step. */
static void
engine_read(EngineRun *run, const PlanStep *plan, EngineStep *step)
{
	char	   *body = engine_fetch(run, plan, step);

	step->script = migrate_script_read(body, step->frame);
}

/* Refuse the whole plan if it would keep more rows than may be, as far as can be known. */
static void
engine_check_limit(EngineRun *run, const MigratePlan *plan)
{
	Forecast   *forecast = migrate_backups && plan->steps != NIL ? migrate_forecast_begin() : NULL;
	MemoryContext context;
	ListCell   *lc;

	if (forecast == NULL)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "migrate forecast",
									ALLOCSET_DEFAULT_SIZES);
	foreach(lc, plan->steps)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		EngineStep	step = {0};

		engine_read(run, lfirst(lc), &step);
		migrate_forecast_script(forecast, step.script, step.frame);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

/* Write the ledger entry of a step and mark its migration. */
static void
engine_record(EngineRun *run, EngineStep *step)
{
	LedgerEntry entry = {
		.version = step->plan->version,
		.name = step->plan->name,
		.event = run->down ? "rolled back" : "applied",
		.duration = step->duration,
		.statements = step->executed.statements,
		.rows = step->executed.rows,
		.rows_kept = step->rows_kept,
		.snapshot_before = step->snapshot_before,
		.snapshot_after = step->snapshot_after,
		.restore_point = run->restore_point.name,
		.restore_lsn = run->restore_point.lsn,
		.reason = step->differences,
		.checksum = step->script->checksum,
		.token_checksum = step->script->token_checksum,
	};
	int64		number = migrate_ledger_append(&entry);

	/* the locks of the whole plan were waited for before its first statement */
	if (run->locks.attempts > 0 && step->statements != NIL)
	{
		((ObservedStatement *) linitial(step->statements))->lock_wait = run->locks.waited;
		run->locks.attempts = 0;
	}
	migrate_trace_add(run->trace, number, step->statements);

	if (step->rows_kept >= 0)
		migrate_backup_settle(step->plan->version, number);
	if (run->down)
		migrate_registry_mark(step->plan->version, 0, NULL);
	else
		migrate_registry_mark(step->plan->version, number, step->script);
}

/* Bring the relations of others in step with the ledger. */
static void
engine_keep_in_step(EngineRun *run, EngineStep *step)
{
	const PlanStep *plan = step->plan;
	const char *what = plan->description ? plan->description : plan->name;
	SchemaVersionGoal goal;

	goal.own = run->down ? plan->version - 1 : plan->version;
	goal.down = run->down;
	goal.current = run->current;
	goal.description = run->down ?
		psprintf("rolled back " INT64_FORMAT ": %s", plan->version, what) : what;
	migrate_schema_version_settle(&step->before, &goal);
	if (run->down)
		migrate_supabase_remove(plan->version_text);
	else
		migrate_supabase_add(plan->version_text, plan->name, step->script->text);
}

/* What comes before a script: look at what others keep. */
static void
engine_prepare(void *arg)
{
	EngineStep *step = (EngineStep *) arg;

	migrate_schema_version_read(&step->before);
}

/* Take the snapshot after a script; after a down script, see what it should be. */
static void
engine_snapshot(EngineRun *run, EngineStep *step)
{
	VerifyRollback rollback = {.version = step->plan->version, .name = step->plan->name};
	LedgerSnapshots up;

	if (run->snapshot == 0)
		return;
	step->snapshot_before = run->snapshot;
	step->snapshot_after = run->snapshot = migrate_snapshot_take(NULL, run->current);
	if (!run->down || run->result == NULL)
		return;
	migrate_ledger_snapshots(step->plan->version, &up);
	rollback.before_up = up.before;
	rollback.after_up = up.after;
	rollback.before_down = step->snapshot_before;
	rollback.after_down = step->snapshot_after;
	step->differences = migrate_verify_rollback(&rollback);
}

/* What follows a script: put it on the record. */
static void
engine_conclude(void *arg)
{
	EngineStep *step = (EngineStep *) arg;

	if (migrate_extension_oid() != step->run->extension)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("the script drops extension migrate_ext, which is running it"),
				 errhint("Drop it outside of migrations.")));
	if (step->rows_kept >= 0 && step->run->restores)
		migrate_restore_step(step->plan->version, step->run->down, &step->restored);
	step->run->current = step->run->down ?
		migrate_registry_current_without(step->plan->version) :
		Max(step->run->current, step->plan->version);
	engine_snapshot(step->run, step);
	engine_record(step->run, step);
	engine_keep_in_step(step->run, step);
}

/* Return ", N rows" and what was done with them; empty when there were none. */
static char *
engine_rows(int64 rows, const char *what)
{
	if (rows <= 0)
		return "";
	return psprintf(", " INT64_FORMAT " %s %s", rows, rows == 1 ? "row" : "rows", what);
}

/* Add the row of a step to the result, and tell the client. */
static void
engine_report(EngineRun *run, EngineStep *step)
{
	Interval	duration = {.time = step->duration};
	Datum		values[ENGINE_COLUMNS] = {0};
	bool		isnull[ENGINE_COLUMNS] = {false};

	values[0] = Int64GetDatum(step->plan->version);
	values[1] = CStringGetTextDatum(step->plan->name);
	values[2] = Int32GetDatum(step->executed.statements);
	values[3] = IntervalPGetDatum(&duration);
	values[4] = Int64GetDatum(step->snapshot_after);
	isnull[4] = step->snapshot_after == 0;
	values[5] = Int64GetDatum(step->rows_kept);
	isnull[5] = step->rows_kept < 0;
	tuplestore_putvalues(run->result->setResult, run->result->setDesc, values, isnull);

	ereport(NOTICE,
			(errmsg("%s " INT64_FORMAT " %s: %d %s, " INT64_FORMAT " ms%s%s",
					run->down ? "rolled back" : "applied",
					step->plan->version, step->plan->name,
					step->executed.statements,
					step->executed.statements == 1 ? "statement" : "statements",
					(step->duration + 500) / 1000,
					engine_rows(step->rows_kept, "kept"),
					engine_rows(step->restored.restored, "put back"))));
}

/* Run the script of a step, and keep what it destroys. */
static void
engine_execute(EngineStep *step)
{
	BackupStep	backup = {
		.version = step->plan->version,
		.down = step->run->down,
		.frame = step->frame,
		.no_backup = step->script->directives.no_backup,
		.kept_in_step = step->before.relid,
	};
	instr_time	start;
	instr_time	end;

	migrate_restore_begin();
	if (migrate_backups)
		migrate_backup_begin(&backup);
	INSTR_TIME_SET_CURRENT(start);
	migrate_execute(step->script, step->frame, &step->executed);
	INSTR_TIME_SET_CURRENT(end);
	step->statements = migrate_observe_script_end();
	if (migrate_backups)
		step->rows_kept = migrate_backup_end();
	INSTR_TIME_SUBTRACT(end, start);
	step->duration = INSTR_TIME_GET_MICROSEC(end);
}

/* Carry one migration up or down. */
static void
engine_step(EngineRun *run, const PlanStep *plan)
{
	EngineStep	step = {.run = run, .rows_kept = -1};

	migrate_deploy_announce(plan->version);
	engine_read(run, plan, &step);
	migrate_position_guard(step.frame, engine_prepare, &step, NULL);
	engine_execute(&step);
	step.frame->statement = POSITION_AFTER;
	step.frame->text = NULL;
	migrate_position_guard(step.frame, engine_conclude, &step, NULL);
	if (run->result == NULL)
		return;
	engine_report(run, &step);
	migrate_observe_forget();
}

/* Carry one migration up or down, in a memory context that goes with it. */
void
migrate_engine_step(EngineRun *run, const PlanStep *plan)
{
	MemoryContext old = MemoryContextSwitchTo(run->step_context);

	engine_step(run, plan);
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->step_context);
}

/* Raise the obstacle of a script that cannot be run. */
void
migrate_engine_refuse(EngineRun *run, const PlanStep *plan)
{
	EngineStep	step = {0};

	engine_read(run, plan, &step);
	migrate_execute(step.script, step.frame, NULL);
}

/*
 * Refuse the whole plan if one of its scripts cannot be run; the first is
 * named, with its line.
 */
static void
engine_check_obstacles(EngineRun *run, const MigratePlan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->steps)
	{
		PlanStep   *planned = lfirst(lc);

		if (planned->has_obstacle)
			migrate_engine_refuse(run, planned);
	}
}

/* Tell PostgREST that the schema is another one, and the statistics who runs. */
static void
engine_finish(const MigratePlan *plan)
{
	if (plan->steps != NIL)
		Async_Notify("pgrst", "reload schema");
	else
		ereport(NOTICE,
				(errmsg(plan->down ? "nothing to roll back" : "nothing to apply")));
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
}

/* Gather what the scripts will lock. */
static void
engine_gather_locks(LockPlan *locks, void *arg)
{
	EngineRun  *run = (EngineRun *) arg;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "migrate gather",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ListCell   *lc;

	foreach(lc, run->plan->steps)
	{
		EngineStep	step = {0};
		char	   *body = engine_fetch(run, lfirst(lc), &step);

		step.script = migrate_script_read_trees(body, step.frame);
		migrate_lockplan_add(locks, step.script, step.frame);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Take the first snapshot, and judge drift. */
static void
engine_look(void *arg)
{
	EngineRun  *run = (EngineRun *) arg;

	run->snapshot = migrate_verify_drift();
}

/*
 * What comes before the first step of a plan; the caller is connected to SPI and
 * holds the deploy lock.  Locks come after the look at the whole schema, which takes
 * a while, and right before the first change; a rehearsal locks for each statement.
 */
void
migrate_engine_open(EngineRun *run, const MigratePlan *plan)
{
	const PlanStep *first = linitial(plan->steps);

	engine_check_limit(run, plan);
	if (migrate_snapshots)
		migrate_locklook_run(engine_look, run);
	run->restores = migrate_restoreitem_any(run->down);
	run->current = migrate_registry_current();
	migrate_deploy_announce(first->version);
	run->plan = plan;
	if (run->result != NULL)
	{
		migrate_lockphase_take(engine_gather_locks, run, &run->locks);
		migrate_restorepoint_write(first->version, &run->restore_point);
	}
	run->trace = migrate_trace_begin();
	run->step_context = AllocSetContextCreate(CurrentMemoryContext, "migrate step",
											  ALLOCSET_DEFAULT_SIZES);
}

/* What comes after the last step. */
void
migrate_engine_close(EngineRun *run)
{
	migrate_trace_flush(run->trace);
	if (run->snapshot != 0)
		migrate_snapshot_end();
}

/* Run the steps of a plan, and put on the record what their statements do. */
static void
engine_steps(EngineRun *run, const MigratePlan *plan)
{
	Observation *observation;
	ListCell   *lc;

	migrate_engine_open(run, plan);
	observation = migrate_observe_begin(NULL);
	foreach(lc, plan->steps)
		migrate_engine_step(run, lfirst(lc));
	migrate_observe_end(observation);
	migrate_engine_close(run);
}

/* Run a plan made after the deploy lock was taken. */
static void
engine_run(FunctionCallInfo fcinfo, const char *command,
		   MigratePlan *(*make_plan) (int64), int64 version)
{
	EngineRun	run = {0};
	MigratePlan *plan;

	InitMaterializedSRF(fcinfo, 0);
	run.result = (ReturnSetInfo *) fcinfo->resultinfo;
	SPI_connect();
	migrate_deploy_begin(command);
	plan = make_plan(version);
	run.down = plan->down;
	run.extension = migrate_extension_oid();
	engine_check_obstacles(&run, plan);
	if (plan->steps != NIL)
		engine_steps(&run, plan);
	engine_finish(plan);
	migrate_deploy_end();
	SPI_finish();
}

/* SQL: migrate_apply(version bigint DEFAULT NULL) */
Datum
migrate_apply(PG_FUNCTION_ARGS)
{
	int64		version = 0;

	if (!PG_ARGISNULL(0))
		version = migrate_argument_version(fcinfo, 0, 1);
	engine_run(fcinfo, "migrate_apply()", migrate_plan_up, version);
	return (Datum) 0;
}

/* SQL: migrate_rollback(to_version bigint DEFAULT NULL) */
Datum
migrate_rollback(PG_FUNCTION_ARGS)
{
	int64		to_version = -1;

	if (!PG_ARGISNULL(0))
		to_version = migrate_argument_version(fcinfo, 0, 0);
	engine_run(fcinfo, "migrate_rollback()", migrate_plan_down, to_version);
	return (Datum) 0;
}
