/*-------------------------------------------------------------------------
 *
 * lintroutine.c
 *		Rules of lint on triggers, functions and materialized views.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "attempt.h"
#include "lint.h"
#include "predicting.h"

/* CREATE TRIGGER */
static void
lintroutine_create_trigger(LintStatement *statement, const CreateTrigStmt *trigger)
{
	LintTarget	target = migrate_lint_target(statement, trigger->relation);

	if (OidIsValid(target.relid))
		migrate_lint_find(statement, LINT_CREATING_TRIGGER, target.relid,
						  "writes to %s wait until the migration ends", target.name);
}

/* DROP TRIGGER */
static void
lintroutine_drop_trigger(LintStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->prediction->dropped)
	{
		PredictedDrop *drop = lfirst(lc);
		Oid			relid = drop->way != PREDICTED_DROP_NAMED || drop->object.classId != TriggerRelationId ?
		InvalidOid : migrate_predict_holder(&drop->object, NULL);

		if (OidIsValid(relid))
			migrate_lint_find(statement, LINT_DROPPING_TRIGGER, relid,
							  "reads and writes of %s wait until the migration ends", get_rel_name(relid));
	}
}

/* Return the state that a command brings triggers into; 0 = it is about none. */
static char
lintroutine_trigger_state(AlterTableType command)
{
	switch (command)
	{
		case AT_EnableTrig:
		case AT_EnableTrigAll:
		case AT_EnableTrigUser:
			return TRIGGER_FIRES_ON_ORIGIN;
		case AT_EnableAlwaysTrig:
			return TRIGGER_FIRES_ALWAYS;
		case AT_EnableReplicaTrig:
			return TRIGGER_FIRES_ON_REPLICA;
		case AT_DisableTrig:
		case AT_DisableTrigAll:
		case AT_DisableTrigUser:
			return TRIGGER_DISABLED;
		default:
			return '\0';
	}
}

/* Tell whether a command is about a trigger. */
static bool
lintroutine_is_meant(const AlterTableCmd *command, const Trigger *trigger)
{
	if (command->name != NULL)
		return strcmp(trigger->tgname, command->name) == 0;
	return command->subtype == AT_EnableTrigAll || command->subtype == AT_DisableTrigAll ||
		!trigger->tgisinternal;
}

/* ENABLE and DISABLE TRIGGER: those whose state changes. */
static void
lintroutine_switch_trigger(LintStatement *statement, Oid relid, const AlterTableCmd *command)
{
	char		state = lintroutine_trigger_state(command->subtype);
	Relation	rel = state == '\0' ? NULL : migrate_prediction_open(relid);
	int			changed = 0;
	int			keys = 0;

	if (rel == NULL)
		return;
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &rel->trigdesc->triggers[i];

		if (trigger->tgenabled == state || !lintroutine_is_meant(command, trigger))
			continue;
		changed++;
		keys += trigger->tgisinternal;
	}
	migrate_prediction_close(rel);
	if (changed > 0 && state != TRIGGER_DISABLED)
		migrate_lint_find(statement, LINT_DISABLING_TRIGGER, relid,
						  "what triggers of %s check and do from now on was not checked and done for rows written before",
						  get_rel_name(relid));
	else if (changed > 0)
		migrate_lint_find(statement, LINT_DISABLING_TRIGGER, relid,
						  keys > 0 ? "triggers of %s no longer fire, and its foreign keys are not checked" :
						  "what triggers of %s check and do is not done until they are enabled", get_rel_name(relid));
}

/* ALTER TABLE */
static void
lintroutine_alter_table(LintStatement *statement, const AlterTableStmt *alter)
{
	LintTarget	target = migrate_lint_target(statement, alter->relation);
	ListCell   *lc;

	foreach(lc, OidIsValid(target.relid) ? alter->cmds : NIL)
		lintroutine_switch_trigger(statement, target.relid, lfirst_node(AlterTableCmd, lc));
}

/* Tell whether a materialized view can be refreshed CONCURRENTLY: it has a unique index. */
static bool
lintroutine_has_key(Oid relid)
{
	bool		has = false;
	ListCell   *lc;

	foreach(lc, migrate_prediction_indexes(relid))
	{
		Relation	index = migrate_prediction_open(lfirst_oid(lc));

		if (index == NULL)
			continue;
		has |= index->rd_index->indisunique && index->rd_index->indimmediate &&
			index->rd_index->indisvalid && RelationGetIndexPredicate(index) == NIL &&
			RelationGetIndexExpressions(index) == NIL;
		migrate_prediction_close(index);
	}
	return has;
}

/* REFRESH MATERIALIZED VIEW */
static void
lintroutine_refresh(LintStatement *statement, const RefreshMatViewStmt *refresh)
{
	LintTarget	target = migrate_lint_target(statement, refresh->relation);
	Relation	rel;
	bool		populated;

	if (refresh->concurrent || !OidIsValid(target.relid) ||
		get_rel_relkind(target.relid) != RELKIND_MATVIEW)
		return;
	rel = migrate_prediction_open(target.relid);
	populated = rel == NULL || rel->rd_rel->relispopulated;
	if (rel != NULL)
		migrate_prediction_close(rel);
	/* nobody can read it as it is */
	if (!populated)
		return;
	migrate_lint_find(statement, LINT_REQUIRE_CONCURRENT_REFRESH, target.relid,
					  refresh->skipData ? "%s cannot be read from now on" :
					  lintroutine_has_key(target.relid) ? "reads of %s wait until it is filled again" :
					  "reads of %s wait until it is filled again: without a unique index there is no other way",
					  target.name);
}

/* Return the volatility that options of a function give; 0 = none. */
static char
lintroutine_volatility(List *options)
{
	char		volatility = '\0';
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "volatility") == 0)
			volatility = *strVal(option->arg);
	}
	return volatility;
}

/* List what uses a function and relies on its volatility: not triggers. */
static List *
lintroutine_relying(Oid function)
{
	List	   *relying = NIL;
	ListCell   *lc;

	foreach(lc, migrate_lint_users(ProcedureRelationId, function))
		if (((ObjectAddress *) lfirst(lc))->classId != TriggerRelationId)
		relying = lappend(relying, lfirst(lc));
	return relying;
}

/* A function that is there gets another volatility. */
static void
lintroutine_change_volatility(LintStatement *statement, Oid function, char volatility)
{
	static const char *const names[] = {"IMMUTABLE", "STABLE", "VOLATILE"};
	char		letters[] = {PROVOLATILE_IMMUTABLE, PROVOLATILE_STABLE, PROVOLATILE_VOLATILE, '\0'};
	List	   *relying;

	if (!OidIsValid(function) || volatility == '\0' || func_volatile(function) == volatility)
		return;
	relying = lintroutine_relying(function);
	if (relying != NIL)
		migrate_lint_prove(migrate_lint_find(statement, LINT_FUNCTION_VOLATILITY_CHANGE, InvalidOid,
											 "%s was %s, and is %s from now on: on that relies %s", get_func_name(function),
											 names[strchr(letters, func_volatile(function)) - letters],
											 names[strchr(letters, volatility) - letters], migrate_lint_describe(relying)));
}

/* Return the function that CREATE OR REPLACE FUNCTION replaces. */
static Oid
lintroutine_replaced(const CreateFunctionStmt *create)
{
	ObjectWithArgs *name = makeNode(ObjectWithArgs);
	ListCell   *lc;

	name->objname = create->funcname;
	foreach(lc, create->parameters)
	{
		FunctionParameter *parameter = lfirst_node(FunctionParameter, lc);

		if (parameter->mode != FUNC_PARAM_OUT && parameter->mode != FUNC_PARAM_TABLE)
			name->objargs = lappend(name->objargs, parameter->argType);
	}
	return migrate_lint_function_oid(create->is_procedure ? OBJECT_PROCEDURE : OBJECT_FUNCTION, name);
}

/* CREATE FUNCTION: one that was dropped before is there again for those who name it. */
static void
lintroutine_create_function(LintStatement *statement, const CreateFunctionStmt *create)
{
	const char *name = strVal(llast(create->funcname));
	List	  **findings = &statement->lint->findings;
	char		volatility = lintroutine_volatility(create->options);
	ListCell   *lc;

	foreach(lc, *findings)
	{
		LintFinding *finding = lfirst(lc);

		if (finding->rule == LINT_DROPPING_DEPENDED_FUNCTION && !finding->proved &&
			strcmp(get_func_name(finding->object), name) == 0)
			*findings = foreach_delete_current(*findings, lc);
	}
	if (create->replace && !create->is_procedure)
		lintroutine_change_volatility(statement, lintroutine_replaced(create),
									  volatility == '\0' ? PROVOLATILE_VOLATILE : volatility);
}

/* A function that goes. */
static void
lintroutine_drop_function(LintStatement *statement, Oid function, bool cascade)
{
	const char *name = get_func_name(function);
	List	   *users = cascade ? NIL :
	migrate_lint_left(statement, migrate_lint_users(ProcedureRelationId, function));
	List	   *namers;
	LintFinding *finding;

	if (name == NULL)
		return;
	if (users != NIL)
	{
		migrate_lint_prove((statement->lint->rewired ? migrate_lint_find : migrate_lint_find_failing)
						   (statement, LINT_DROPPING_DEPENDED_FUNCTION, InvalidOid,
							"%s is in use, so that the statement fails: by %s", name,
							migrate_lint_describe(users)));
		return;
	}
	namers = migrate_lint_left(statement, migrate_lint_namers(name));
	if (namers == NIL)
		return;
	finding = migrate_lint_find(statement, LINT_DROPPING_DEPENDED_FUNCTION, InvalidOid,
								"%s is dropped, and its name is in the text of %s", name,
								migrate_lint_describe(namers));
	if (finding != NULL)
		finding->object = function;
}

/* DROP */
static void
lintroutine_drop(LintStatement *statement, const DropStmt *drop)
{
	ListCell   *lc;

	if (drop->removeType == OBJECT_TRIGGER)
		lintroutine_drop_trigger(statement);
	foreach(lc, statement->prediction->dropped)
	{
		PredictedDrop *item = lfirst(lc);

		if (item->way == PREDICTED_DROP_NAMED && item->object.classId == ProcedureRelationId)
			lintroutine_drop_function(statement, item->object.objectId, drop->behavior == DROP_CASCADE);
	}
}

/* A query, and whether it calls such a function. */
typedef struct RoutineCalls
{
	Node	   *query;
	bool		found;
} RoutineCalls;

/* Tell whether a query calls a function that the server did not bring and that may change things. */
static bool
lintroutine_calls(Node *node, void *context)
{
	FuncCandidateList candidate = NULL;

	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, FuncCall) && list_length(((FuncCall *) node)->funcname) <= 2)
		candidate = FuncnameGetCandidates(((FuncCall *) node)->funcname, -1, NIL, false, false, false, true);
	for (; candidate != NULL; candidate = candidate->next)
		if (candidate->oid >= FirstNormalObjectId && func_volatile(candidate->oid) == PROVOLATILE_VOLATILE)
			return true;
	return raw_expression_tree_walker(node, lintroutine_calls, context);
}

/* Look for such a call; for migrate_attempt(). */
static void
lintroutine_look_for_calls(void *arg)
{
	RoutineCalls *calls = arg;

	calls->found = lintroutine_calls(calls->query, NULL);
}

/* Statements that nobody can look into. */
static void
lintroutine_opaque(LintStatement *statement)
{
	Node	   *node = statement->node;
	RoutineCalls calls = {.query = node};
	const char *what;

	switch (nodeTag(node))
	{
		case T_DoStmt:
			what = "the DO block";
			break;
		case T_CallStmt:
			what = "the procedure";
			break;
		case T_ExecuteStmt:
			what = "the prepared statement";
			break;
		case T_SelectStmt:
			(void) migrate_attempt(lintroutine_look_for_calls, &calls);
			what = calls.found ? "the function" : NULL;
			break;
		default:
			what = "the statement";
			break;
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
		case T_ViewStmt:
		case T_CreateTableAsStmt:
		case T_CopyStmt:
		case T_ExplainStmt:
		case T_DeclareCursorStmt:
			what = NULL;
			break;
	}
	if (what != NULL)
		migrate_lint_find(statement, LINT_OPAQUE_DYNAMIC_SQL, InvalidOid,
						  "what %s does to which tables is not known before it runs", what);
}

/* Look at a statement. */
void
migrate_lint_routine(LintStatement *statement)
{
	Node	   *node = statement->node;

	migrate_lint_security(statement);
	migrate_lint_type(statement);
	if (statement->prediction->opaque)
		lintroutine_opaque(statement);
	switch (nodeTag(node))
	{
		case T_CreateTrigStmt:
			lintroutine_create_trigger(statement, (CreateTrigStmt *) node);
			break;
		case T_AlterTableStmt:
			lintroutine_alter_table(statement, (AlterTableStmt *) node);
			break;
		case T_RefreshMatViewStmt:
			lintroutine_refresh(statement, (RefreshMatViewStmt *) node);
			break;
		case T_CreateFunctionStmt:
			lintroutine_create_function(statement, (CreateFunctionStmt *) node);
			break;
		case T_AlterFunctionStmt:
			lintroutine_change_volatility(statement,
										  migrate_lint_function_oid(((AlterFunctionStmt *) node)->objtype,
																	((AlterFunctionStmt *) node)->func),
										  lintroutine_volatility(((AlterFunctionStmt *) node)->actions));
			break;
		case T_DropStmt:
			lintroutine_drop(statement, (DropStmt *) node);
			break;
		default:
			break;
	}
}
