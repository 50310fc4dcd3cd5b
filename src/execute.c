/*-------------------------------------------------------------------------
 *
 * execute.c
 *		Run one script.
 *
 * Invariants:
 *
 * - Statements run under SPI as the current user, or as the role the script
 *   names if the session may become it.  Nothing is raised while they run.
 * - Settings, SET ROLE included, are those of a nest level of their own: what
 *   a script changes ends with it.  Constraint modes that a SET CONSTRAINTS of
 *   the script sets end with it too, and become what the definitions say; what
 *   is INITIALLY DEFERRED is deferred after each script that fired it.
 * - Result rows are counted, never kept, so that a SELECT over a large table
 *   costs no memory.
 * - A script either runs to its end or raises; no negative code of SPI is
 *   passed over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "pgstat.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "compat.h"
#include "copydata.h"
#include "execute.h"
#include "observe.h"
#include "settings.h"

/* Change one setting until the script's nest level ends. */
static void
execute_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Become the role that the script names.  SET ROLE would ask what the session
 * may become; over PostgREST that is more than the caller may.
 */
static void
execute_set_role(const char *role)
{
	Oid			roleid = get_role_oid(role, false);

	if (!compat_can_set_role(GetUserId(), roleid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to run the script as role \"%s\"", role),
				 errdetail("Role \"%s\" cannot become it.",
						   GetUserNameFromId(GetUserId(), false))));
	execute_set("role", role);
}

/* Give the script the settings it runs with, until the caller's nest level ends. */
void
migrate_execute_settings(const ScriptDirectives *directives)
{
	execute_set("standard_conforming_strings", "on");
	if (directives->lock_timeout != NULL)
		execute_set("lock_timeout", directives->lock_timeout);
	else
		migrate_settings_lock_timeout();
	if (directives->search_path != NULL)
		execute_set("search_path", directives->search_path);
	if (directives->role != NULL)
		execute_set_role(directives->role);
}

/* Show in pg_stat_activity what is running. */
static void
execute_report(const PositionFrame *frame)
{
	char	   *where;

	if (!pgstat_track_activities)
		return;
	where = migrate_position_where(frame, frame->line);
	pgstat_report_activity(STATE_RUNNING, where);
	pfree(where);
}

/* Run one statement that is not COPY; returns the number of rows it changed. */
static uint64
execute_spi(const PositionFrame *frame)
{
	SPIExecuteOptions options = {.dest = None_Receiver};
	int			rc = SPI_execute_extended(frame->slice, &options);

	switch (rc)
	{
		case SPI_OK_INSERT:
		case SPI_OK_UPDATE:
		case SPI_OK_DELETE:
		case SPI_OK_MERGE:
		case SPI_OK_INSERT_RETURNING:
		case SPI_OK_UPDATE_RETURNING:
		case SPI_OK_DELETE_RETURNING:
		case SPI_OK_MERGE_RETURNING:
			return SPI_processed;
		default:
			break;
	}
	if (rc < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("statement cannot run in a migration"),
				 errdetail("The server answered %s.", SPI_result_code_string(rc))));
	return 0;
}

/* Run one COPY ... FROM stdin; returns the number of rows it read. */
static uint64
execute_copy(const Script *script, const ScriptStatement *stmt, PositionFrame *frame)
{
	CopyStmt   *node = castNode(CopyStmt, stmt->node);
	uint64		rows;

	if (stmt->copy == NULL)
		return migrate_copydata_run(node, script->clean, "", 0);
	frame->copy_line = stmt->copy->line;
	rows = migrate_copydata_run(node, script->clean,
								script->text + stmt->copy->offset, stmt->copy->length);
	frame->copy_line = 0;
	return rows;
}

/* Tell whether a statement reads data that stands in the script. */
static bool
execute_reads_script(const ScriptStatement *stmt)
{
	CopyStmt   *node = (CopyStmt *) stmt->node;

	return node != NULL && node->filename == NULL && !node->is_program;
}

/* Run every statement of a script. */
static void
execute_statements(const Script *script, PositionFrame *frame, ExecuteResult *result)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext per_statement = AllocSetContextCreate(CurrentMemoryContext,
														"migrate statement",
														ALLOCSET_DEFAULT_SIZES);
	ListCell   *lc;

	foreach(lc, script->statements)
	{
		ScriptStatement *stmt = lfirst(lc);
		uint64		rows;

		if (stmt->skipped)
			continue;
		CHECK_FOR_INTERRUPTS();
		/* SPI leaves its own context behind, so this comes in each round */
		MemoryContextSwitchTo(per_statement);
		frame->statement++;
		frame->line = stmt->line;
		frame->offset = stmt->offset;
		frame->slice = pnstrdup(script->clean + stmt->offset, stmt->length);
		execute_report(frame);
		migrate_observe_statement(stmt, frame);
		if (execute_reads_script(stmt))
			rows = execute_copy(script, stmt, frame);
		else
			rows = execute_spi(frame);
		migrate_observe_done(rows);
		result->rows += rows;
		result->statements++;
		frame->slice = NULL;
		MemoryContextReset(per_statement);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(per_statement);
}

/* Say how to get past a script that cannot run in a transaction. */
static int
execute_hint_obstacle(const PositionFrame *frame)
{
	if (strcmp(frame->direction, "up") == 0)
		return errhint("Apply what comes before it, run its file with psql, then record it with migrate_baseline(" INT64_FORMAT ").",
					   frame->version);
	return errhint("Roll back what comes after it, run its file with psql, then register 'SELECT 1' as its down script and roll it back.");
}

/* Raise the script's obstacle, if there is one. */
static void
execute_check_obstacle(const Script *script, PositionFrame *frame)
{
	ScriptObstacle *obstacle = script->obstacle;

	if (obstacle == NULL)
		return;
	frame->statement = obstacle->statement;
	frame->line = obstacle->line;
	ereport(ERROR,
			(errcode(obstacle->sqlerrcode),
			 errmsg("%s", obstacle->message),
			 obstacle->nontransactional ? execute_hint_obstacle(frame) :
			 errhint("Remove the statement: the engine runs each script in a transaction of its caller.")));
}

/*
 * Name the constraints that a condition selects, as SET CONSTRAINTS wants them.
 * Those in schemas that the caller may not use are left out.
 */
static List *
execute_name_constraints(const char *condition)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *names = NIL;

	if (SPI_execute(psprintf("SELECT DISTINCT n.nspname, c.conname"
							 " FROM pg_catalog.pg_constraint c"
							 " JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.connamespace"
							 " WHERE c.condeferrable AND %s"
							 " AND NOT pg_catalog.pg_is_other_temp_schema(n.oid)"
							 " AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')", condition),
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the deferrable constraints");
	MemoryContextSwitchTo(context); /* SPI leaves its own */
	for (uint64 i = 0; i < SPI_processed; i++)
		names = lappend(names,
						makeRangeVar(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1),
									 SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2),
									 -1));
	SPI_freetuptable(SPI_tuptable);
	return names;
}

/* SET CONSTRAINTS: some, or with NIL all. */
static void
execute_set_constraints(List *names, bool deferred)
{
	ConstraintsSetStmt stmt = {.type = T_ConstraintsSetStmt};

	stmt.constraints = names;
	stmt.deferred = deferred;
	AfterTriggerSetState(&stmt);
}

/*
 * Fire what is deferred to the commit now, while the error can still name the
 * migration, and so that the next one may alter the tables concerned; and put
 * the modes that the script has set back to what the definitions say.
 *
 * Without SET CONSTRAINTS in the script only the constraints that are INITIALLY
 * DEFERRED are named: an ALL would last, and hold for constraints that a later
 * script makes.  Nothing is done when no trigger event was queued in this
 * transaction at all; the server keeps those in a memory context of this name
 * below the transaction's.
 */
static void
execute_deferred(const Script *script, PositionFrame *frame)
{
	MemoryContext child = TopTransactionContext->firstchild;
	List	   *names;

	while (child != NULL && strcmp(child->name, "AfterTriggerEvents") != 0)
		child = child->nextchild;
	if (child == NULL && !script->sets_constraints)
		return;
	frame->statement = POSITION_AFTER;
	if (script->sets_constraints)
	{
		execute_set_constraints(NIL, false);
		execute_set_constraints(NIL, true);
		names = execute_name_constraints("NOT c.condeferred");
		if (names != NIL)
			execute_set_constraints(names, false);
		return;
	}
	names = execute_name_constraints("c.condeferred");
	if (names == NIL)
		return;
	execute_set_constraints(names, false);
	/* A trigger may have dropped one meanwhile. */
	names = execute_name_constraints("c.condeferred");
	if (names != NIL)
		execute_set_constraints(names, true);
}

/* Add what can be said about running out of locks, and leave pg_stat_activity. */
static void
execute_amend(ErrorData *edata, const PositionFrame *frame)
{
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	if (edata->sqlerrcode == ERRCODE_OUT_OF_MEMORY && edata->hint != NULL &&
		strstr(edata->hint, "max_locks_per_transaction") != NULL)
		edata->hint = psprintf("%s Or apply fewer migrations in one transaction, as in migrate_apply(VERSION).",
							   edata->hint);
	else if (edata->sqlerrcode == ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE)
		edata->hint = pstrdup("Add the value in one migration, commit, and use it in a later one.");
}

/* One script that runs. */
typedef struct ExecuteRun
{
	const Script *script;
	PositionFrame *frame;
	ExecuteResult *result;		/* NULL = only check it */
} ExecuteRun;

/* Check, then run a whole script in a settings level of its own. */
static void
execute_script(void *arg)
{
	ExecuteRun *run = (ExecuteRun *) arg;
	int			guc_level;

	execute_check_obstacle(run->script, run->frame);
	if (run->result == NULL)
		return;
	guc_level = NewGUCNestLevel();
	migrate_execute_settings(&run->script->directives);
	execute_statements(run->script, run->frame, run->result);
	execute_deferred(run->script, run->frame);
	AtEOXact_GUC(false, guc_level);
}

/*
 * Run a script to its end as the current user, inside the current transaction;
 * the caller is connected to SPI.  Raises whatever a statement raises, with
 * its place.  Without a result, only raise the script's obstacle if it has one.
 */
void
migrate_execute(const Script *script, PositionFrame *frame, ExecuteResult *result)
{
	ExecuteRun	run = {.script = script, .frame = frame, .result = result};

	frame->text = script->clean;
	frame->statements = script->count;
	frame->statement = 0;
	migrate_position_guard(frame, execute_script, &run, execute_amend);
}
