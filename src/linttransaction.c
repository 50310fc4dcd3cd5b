/*-------------------------------------------------------------------------
 *
 * linttransaction.c
 *		Rules of lint on the transaction of a script: timeouts, locks held to its
 *		end, and statements that would end it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "lint.h"
#include "predicting.h"
#include "settings.h"

/* A wait for a lock that is longer than this, in ms, is an outage of its own. */
#define LINTTRANSACTION_LONG_WAIT 10000

/* Read a time as lock_timeout has it; false = it is none. */
static bool
linttransaction_read_ms(const char *value, int *ms)
{
	return value != NULL && parse_int(value, ms, GUC_UNIT_MS, NULL);
}

/* Return the lock_timeout that a script begins with, in ms; 0 = none. */
static int
linttransaction_first_lock_timeout(const Script *script)
{
	int			ms;

	if (linttransaction_read_ms(script->directives.lock_timeout, &ms))
		return ms;
	if (migrate_lock_timeout == 0 || (LockTimeout > 0 && LockTimeout < migrate_lock_timeout))
		return LockTimeout;
	return migrate_lock_timeout;
}

/* Begin with a script. */
void
migrate_lint_transaction_begin(Lint *lint, const Script *script)
{
	LintCourse *course = &lint->course;

	memset(course, 0, sizeof(LintCourse));
	course->lock_timeout = linttransaction_first_lock_timeout(script);
	course->worked = keyset_create(CurrentMemoryContext, 64, NULL);
	course->probed = keyset_create(CurrentMemoryContext, 64, NULL);
}

/* Tell whether a relation is one that the application reads and writes by name. */
static bool
linttransaction_is_table(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE ||
		relkind == RELKIND_MATVIEW;
}

/* Return the first table that a statement locks so strongly that writes wait, or NULL. */
static const PredictedRelation *
linttransaction_strong(const LintStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (relation->mode >= ShareLock && linttransaction_is_table(relation->relid))
			return relation;
	}
	return NULL;
}

/* Tell whether an earlier statement has locked something so strongly. */
static bool
linttransaction_has_waited(const Lint *lint)
{
	ListCell   *lc;

	foreach(lc, lint->held)
		if (((PredictedRelation *) lfirst(lc))->mode >= ShareLock)
		return true;
	return false;
}

/* Return the value that a SET gives, as text; NULL = it is not one value. */
static const char *
linttransaction_set_value(const VariableSetStmt *set)
{
	A_Const    *value;

	if (set->kind != VAR_SET_VALUE || list_length(set->args) != 1 ||
		!IsA(linitial(set->args), A_Const))
		return NULL;
	value = linitial(set->args);
	switch (nodeTag(&value->val))
	{
		case T_Integer:
			return psprintf("%d", intVal(&value->val));
		case T_Float:
			return castNode(Float, &value->val)->fval;
		case T_String:
			return strVal(&value->val);
		default:
			return NULL;
	}
}

/* SET or RESET lock_timeout */
static void
linttransaction_set_lock_timeout(LintStatement *statement, const char *value)
{
	LintCourse *course = &statement->lint->course;
	int			before = course->lock_timeout;
	int			ms;

	if (!linttransaction_read_ms(value, &ms))
		return;
	course->lock_timeout = ms;
	course->sets_lock_timeout = true;
	if (ms == 0)
		migrate_lint_find(statement, LINT_INEFFECTIVE_TIMEOUT, InvalidOid,
						  "from here on, locks are waited for without end");
	else if (ms > LINTTRANSACTION_LONG_WAIT)
		migrate_lint_find(statement, LINT_INEFFECTIVE_TIMEOUT, InvalidOid,
						  "while a lock is waited for, everybody else waits, too: %d s is long", ms / 1000);
	else if (before == 0 && linttransaction_has_waited(statement->lint))
		migrate_lint_find(statement, LINT_INEFFECTIVE_TIMEOUT, InvalidOid,
						  "statements before this one wait for their locks without end");
}

/* SET and RESET */
static void
linttransaction_set(LintStatement *statement, const VariableSetStmt *set)
{
	const ScriptObstacle *obstacle = statement->script->obstacle;
	const char *value = linttransaction_set_value(set);
	int			ms;

	if (set->kind == VAR_RESET_ALL)
		linttransaction_set_lock_timeout(statement, GetConfigOptionResetString("lock_timeout"));
	else if (set->name == NULL)
		return;
	else if (strcmp(set->name, "lock_timeout") == 0)
		linttransaction_set_lock_timeout(statement, set->kind == VAR_SET_VALUE ? value :
										 GetConfigOptionResetString("lock_timeout"));
	else if (strcmp(set->name, "statement_timeout") == 0 &&
			 linttransaction_read_ms(value, &ms) && ms > 0 &&
			 (obstacle == NULL || !obstacle->nontransactional))
		migrate_lint_find(statement, LINT_INEFFECTIVE_TIMEOUT, InvalidOid,
						  "statement_timeout counts from the start of the call that applies the migration: set in it, it has no effect");
}

/* Statements that need a timeout where there is none; each is told once. */
static void
linttransaction_need_timeouts(LintStatement *statement)
{
	LintCourse *course = &statement->lint->course;
	const PredictedRelation *strong = linttransaction_strong(statement);
	ListCell   *lc;

	if (strong != NULL && course->lock_timeout == 0 && !course->sets_lock_timeout &&
		!course->told_lock_timeout)
		course->told_lock_timeout = migrate_lint_find(statement, LINT_REQUIRE_LOCK_TIMEOUT, strong->relid,
													  "if %s is in use, the statement waits without end, and everybody else behind it",
													  get_rel_name(strong->relid)) != NULL;
	if (compat_run_is_bounded() || course->told_statement_timeout)
		return;
	foreach(lc, statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (!linttransaction_is_table(relation->relid) || !migrate_lint_is_slow(relation))
			continue;
		course->told_statement_timeout =
			migrate_lint_find(statement, LINT_REQUIRE_STATEMENT_TIMEOUT, relation->relid,
							  "all rows of %s are gone through, for as long as it takes", get_rel_name(relation->relid)) != NULL;
		return;
	}
}

/* Return a table that everybody else is kept from since an earlier statement, or NULL. */
static const PredictedRelation *
linttransaction_kept(const Lint *lint, const PredictedRelation *work)
{
	ListCell   *lc;

	foreach(lc, lint->held)
	{
		PredictedRelation *held = lfirst(lc);

		if (held->mode == AccessExclusiveLock && linttransaction_is_table(held->relid) &&
			(held->relid != work->relid || work->mode < AccessExclusiveLock) &&
			!migrate_lint_is_empty(held->relid))
			return held;
	}
	return NULL;
}

/* Work that goes on while nobody can use a table: told again only where it takes longer. */
static void
linttransaction_work_after(LintStatement *statement, const PredictedRelation *work)
{
	int			effort = work->rewrite ? 3 : work->build ? 2 : 1;
	const PredictedRelation *kept;
	PredictedRelation lock = *work;
	KeySetEntry *told;
	bool		found;

	told = keyset_insert(statement->lint->course.worked, work->relid, &found);
	if (found && told->value >= effort)
		return;
	told->value = found ? told->value : 0;
	kept = linttransaction_kept(statement->lint, work);
	if (kept == NULL || (IsA(statement->node, AlterTableStmt) && kept->relid == work->relid))
		return;
	lock.mode = AccessExclusiveLock;
	told->value = effort;
	migrate_lint_find_under(statement, LINT_STATEMENT_AFTER_ACCESS_EXCLUSIVE, &lock,
							"reads and writes of %s, locked by an earlier statement, wait for what is done to %s, too",
							get_rel_name(kept->relid), get_rel_name(work->relid));
}

/* A statement that goes through rows while earlier ones hold locks. */
static void
linttransaction_after_exclusive(LintStatement *statement)
{
	Node	   *node = statement->node;
	bool		writes = IsA(node, UpdateStmt) || IsA(node, DeleteStmt);
	ListCell   *lc;

	foreach(lc, statement->prediction->relations)
	{
		PredictedRelation work = *(PredictedRelation *) lfirst(lc);

		if (!linttransaction_is_table(work.relid))
			continue;
		/* how many rows a query reads is not known: all of them, perhaps */
		work.scan |= (writes || IsA(node, InsertStmt)) && work.mode <= RowExclusiveLock;
		if (work.scan || work.build || work.rewrite)
		{
			linttransaction_work_after(statement, &work);
			return;
		}
	}
}

/* Locks on another table than those that earlier statements have locked. */
static void
linttransaction_tables(LintStatement *statement)
{
	const PredictedRelation *strong = linttransaction_strong(statement);
	ListCell   *lc;

	if (strong == NULL || statement->lint->course.told_tables || get_rel_relispartition(strong->relid))
		return;
	foreach(lc, statement->lint->held)
	{
		PredictedRelation *held = lfirst(lc);

		if (held->mode < ShareLock || !linttransaction_is_table(held->relid) ||
			held->relid == strong->relid || get_rel_relispartition(held->relid) ||
			migrate_lint_is_empty(held->relid))
			continue;
		statement->lint->course.told_tables =
			migrate_lint_find(statement, LINT_LOCKS_MULTIPLE_TABLES, strong->relid,
							  "%s is locked while %s still is: who uses both waits for both, or is in a deadlock",
							  get_rel_name(strong->relid), get_rel_name(held->relid)) != NULL;
		return;
	}
}

/* Tell whether an ALTER TABLE does what one of several commands could do in one pass. */
static bool
linttransaction_combines(const AlterTableStmt *alter)
{
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		/*
		 * keys are checked one by one, and a validation has its reasons to
		 * come later
		 */
		if (command->subtype != AT_ValidateConstraint && command->subtype != AT_AttachPartition &&
			!(command->subtype == AT_AddConstraint &&
			  castNode(Constraint, command->def)->contype == CONSTR_FOREIGN))
			return true;
	}
	return false;
}

/* ALTER TABLE that reads or writes all rows once more. */
static void
linttransaction_passes(LintStatement *statement)
{
	LintCourse *course = &statement->lint->course;
	Node	   *node = statement->node;
	ListCell   *lc;

	if (IsA(node, UpdateStmt) || IsA(node, DeleteStmt) || IsA(node, InsertStmt) ||
		IsA(node, MergeStmt) || IsA(node, CopyStmt) || statement->prediction->opaque)
		course->read = NIL;		/* what follows may need what they write */
	if (!IsA(node, AlterTableStmt) || !linttransaction_combines((AlterTableStmt *) node))
		return;
	foreach(lc, statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (!(relation->scan || relation->rewrite) || !linttransaction_is_table(relation->relid))
			continue;
		if (list_member_oid(course->read, relation->relid) && !migrate_lint_is_empty(relation->relid))
			migrate_lint_find(statement, LINT_MULTIPLE_ALTER_TABLE_SAME_TABLE, relation->relid,
							  "all rows of %s are gone through again: one ALTER TABLE would do so once",
							  get_rel_name(relation->relid));
		course->read = list_append_unique_oid(course->read, relation->relid);
	}
}

/* Say what keeps the script from running, if it is not for want of a transaction. */
static void
linttransaction_obstacle(LintStatement *statement)
{
	const ScriptObstacle *obstacle = statement->script->obstacle;
	LintFinding *finding;

	if (obstacle == NULL || obstacle->nontransactional || obstacle->statement != statement->number)
		return;
	finding = migrate_lint_find(statement, obstacle->unfinished ? LINT_BAN_UNCOMMITTED_TRANSACTION :
								LINT_TRANSACTION_NESTING, InvalidOid, "%s", obstacle->message);
	if (finding != NULL)
		finding->line = obstacle->line;
}

/* Look at a statement. */
void
migrate_lint_transaction(LintStatement *statement)
{
	linttransaction_obstacle(statement);
	if (IsA(statement->node, VariableSetStmt))
		linttransaction_set(statement, (VariableSetStmt *) statement->node);
	linttransaction_need_timeouts(statement);
	linttransaction_after_exclusive(statement);
	linttransaction_tables(statement);
	linttransaction_passes(statement);
	migrate_lint_robust(statement);
	migrate_lint_data(statement);
	migrate_lint_live(statement);
	migrate_lint_drift(statement);
	migrate_lint_course(statement);
}

/* The way back of a script that has none, or one that does not bring all back. */
static void
linttransaction_way_back(LintStatement *script)
{
	const Lint *lint = script->lint;
	ListCell   *lc;

	if (lint->version != 0 && !lint->has_down && !lint->down)
		migrate_lint_find(script, LINT_IRREVERSIBLE_MIGRATION, InvalidOid,
						  "there is no down script: the migration cannot be rolled back");
	foreach(lc, script->script->directives.no_backup)
		migrate_lint_find(script, LINT_IRREVERSIBLE_MIGRATION, InvalidOid,
						  "rows of %s are not kept: a rollback does not bring them back",
						  ((DirectiveNoBackup *) lfirst(lc))->relation);
}

/* Look at a script as a whole. */
void
migrate_lint_transaction_end(LintStatement *script)
{
	int			ms;

	linttransaction_obstacle(script);
	linttransaction_way_back(script);
	if (script->lint->out_of_order)
		migrate_lint_find(script, LINT_NON_LINEAR_HISTORY, InvalidOid,
						  "a later version is applied already: elsewhere, this one may run before it");
	if (linttransaction_read_ms(script->script->directives.lock_timeout, &ms) &&
		ms > LINTTRANSACTION_LONG_WAIT)
		migrate_lint_find(script, LINT_INEFFECTIVE_TIMEOUT, InvalidOid,
						  "while a lock is waited for, everybody else waits, too: %d s is long", ms / 1000);
}
