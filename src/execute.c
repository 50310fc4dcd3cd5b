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
 *   a script changes ends with it.
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
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "copydata.h"
#include "execute.h"
#include "settings.h"

/* Change one setting until the script's nest level ends. */
static void
execute_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* Give the script the settings it runs with. */
static void
execute_settings(const ScriptDirectives *directives)
{
	execute_set("standard_conforming_strings", "on");
	if (directives->lock_timeout != NULL)
		execute_set("lock_timeout", directives->lock_timeout);
	else if (migrate_lock_timeout > 0)
	{
		char		value[32];

		snprintf(value, sizeof(value), "%d", migrate_lock_timeout);
		execute_set("lock_timeout", value);
	}
	if (directives->search_path != NULL)
		execute_set("search_path", directives->search_path);
	if (directives->role != NULL)
		execute_set("role", directives->role);
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
	CopyStmt   *node = copyObject((CopyStmt *) stmt->raw->stmt);
	uint64		rows;

	if (stmt->copy == NULL)
		return migrate_copydata_run(node, frame->slice, "", 0);
	frame->copy_line = stmt->copy->line;
	rows = migrate_copydata_run(node, frame->slice,
								script->text + stmt->copy->offset, stmt->copy->length);
	frame->copy_line = 0;
	return rows;
}

/* Tell whether a statement reads data that stands in the script. */
static bool
execute_reads_script(const ScriptStatement *stmt)
{
	CopyStmt   *node = (CopyStmt *) stmt->raw->stmt;

	return IsA(node, CopyStmt) && node->filename == NULL && !node->is_program;
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
		if (execute_reads_script(stmt))
			result->rows += execute_copy(script, stmt, frame);
		else
			result->rows += execute_spi(frame);
		result->statements++;
		frame->slice = NULL;
		MemoryContextReset(per_statement);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(per_statement);
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
			 obstacle->nontransactional ?
			 errhint("Run the script with psql, then record it with migrate_baseline(" INT64_FORMAT ").",
					 frame->version) : 0));
}

/*
 * Put the mode of every deferrable constraint back to what its definition
 * says.  SET CONSTRAINTS cannot do that in one command: all are deferred
 * first, then those that are INITIALLY IMMEDIATE are named.
 */
static void
execute_reset_constraints(void)
{
	ConstraintsSetStmt deferred = {.type = T_ConstraintsSetStmt, .deferred = true};
	ConstraintsSetStmt immediate = {.type = T_ConstraintsSetStmt, .deferred = false};

	AfterTriggerSetState(&deferred);
	if (SPI_execute("SELECT DISTINCT n.nspname, c.conname"
					" FROM pg_catalog.pg_constraint c"
					" JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.connamespace"
					" WHERE c.condeferrable AND NOT c.condeferred", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the deferrable constraints");
	for (uint64 i = 0; i < SPI_processed; i++)
		immediate.constraints =
			lappend(immediate.constraints,
					makeRangeVar(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1),
								 SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2),
								 -1));
	SPI_freetuptable(SPI_tuptable);
	if (immediate.constraints != NIL)
		AfterTriggerSetState(&immediate);
}

/*
 * Fire what is deferred to the commit now, while the error can still name the
 * migration, and so that the next one may alter the tables concerned.
 *
 * Left out when no trigger event was queued in this transaction at all: the
 * server keeps those in a memory context of this name below the transaction's.
 */
static void
execute_deferred(void)
{
	ConstraintsSetStmt immediate = {.type = T_ConstraintsSetStmt, .deferred = false};
	MemoryContext child = TopTransactionContext->firstchild;

	while (child != NULL && strcmp(child->name, "AfterTriggerEvents") != 0)
		child = child->nextchild;
	if (child == NULL)
		return;
	AfterTriggerSetState(&immediate);
	execute_reset_constraints();
}

/* Add what can be said about running out of locks. */
static void
execute_hint(ErrorData *edata)
{
	if (edata->sqlerrcode == ERRCODE_OUT_OF_MEMORY && edata->hint != NULL &&
		strstr(edata->hint, "max_locks_per_transaction") != NULL)
		edata->hint = psprintf("%s Or apply fewer migrations in one transaction, as in migrate_apply(VERSION).",
							   edata->hint);
	else if (edata->sqlerrcode == ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE)
		edata->hint = pstrdup("Add the value in one migration, commit, and use it in a later one.");
}

/*
 * Run a script to its end as the current user, inside the current transaction;
 * the caller is connected to SPI.  Raises whatever a statement raises, with
 * its place.
 */
void
migrate_execute(const Script *script, PositionFrame *frame, ExecuteResult *result)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = migrate_position_callback,
		.arg = frame,
	};

	frame->text = script->clean;
	frame->statements = script->count;
	frame->statement = 0;
	error_context_stack = &callback;
	PG_TRY();
	{
		int			guc_level;

		execute_check_obstacle(script, frame);
		guc_level = NewGUCNestLevel();
		execute_settings(&script->directives);
		execute_statements(script, frame, result);
		execute_deferred();
		AtEOXact_GUC(false, guc_level);
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		execute_hint(edata);
		migrate_position_annotate(edata, frame);
		error_context_stack = callback.previous;
		ReThrowError(edata);
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(context); /* SPI leaves its own */
}
