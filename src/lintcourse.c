/*-------------------------------------------------------------------------
 *
 * lintcourse.c
 *		What statements leave for the names in those after them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "lint.h"

/* Set search_path as the script does; one that is none is left alone. */
static void
lintcourse_set_path(Lint *lint, const char *value)
{
	if (value != NULL &&
		set_config_option("search_path", value, PGC_USERSET, PGC_S_SESSION,
						  GUC_ACTION_SAVE, true, DEBUG5, false) > 0)
		lint->search_path = pstrdup(value);
}

/* Return the string of a constant; NULL = it is something else. */
static const char *
lintcourse_string(Node *node)
{
	A_Const    *value = (A_Const *) node;

	return IsA(node, A_Const) && !value->isnull && IsA(&value->val, String) ? strVal(&value->val) : NULL;
}

/* SET and RESET */
static void
lintcourse_set(Lint *lint, const VariableSetStmt *set)
{
	StringInfoData path;
	ListCell   *lc;

	if (set->name != NULL && (strcmp(set->name, "role") == 0 || strcmp(set->name, "session_authorization") == 0))
		lint->unsure = true;
	if (set->kind != VAR_RESET_ALL && (set->name == NULL || strcmp(set->name, "search_path") != 0))
		return;
	if (set->kind != VAR_SET_VALUE)
	{
		lintcourse_set_path(lint, GetConfigOptionResetString("search_path"));
		return;
	}
	initStringInfo(&path);
	foreach(lc, set->args)
	{
		const char *schema = lintcourse_string(lfirst(lc));

		if (schema != NULL)
			appendStringInfo(&path, "%s%s", path.len > 0 ? ", " : "", quote_identifier(schema));
	}
	lintcourse_set_path(lint, path.data);
}

/* SELECT set_config('search_path', ...), as pg_dump writes it */
static void
lintcourse_select(Lint *lint, const SelectStmt *select)
{
	FuncCall   *call;
	const char *name;

	if (list_length(select->targetList) != 1 ||
		!IsA(linitial_node(ResTarget, select->targetList)->val, FuncCall))
		return;
	call = castNode(FuncCall, linitial_node(ResTarget, select->targetList)->val);
	if (strcmp(strVal(llast(call->funcname)), "set_config") != 0 || list_length(call->args) != 3)
		return;
	name = lintcourse_string(linitial(call->args));
	if (name != NULL && pg_strcasecmp(name, "search_path") == 0)
		lintcourse_set_path(lint, lintcourse_string(lsecond(call->args)));
}

/* Statements that change what names mean in ways that are not followed. */
static void
lintcourse_confuses(Lint *lint, Node *node)
{
	switch (nodeTag(node))
	{
		case T_RenameStmt:
			lint->unsure |= ((RenameStmt *) node)->renameType == OBJECT_SCHEMA;
			break;
		case T_CreateSchemaStmt:
			lint->made_schema = true;
			break;
		case T_DropStmt:
			lint->unsure |= ((DropStmt *) node)->removeType == OBJECT_EXTENSION;
			break;
		default:
			break;
	}
}

/* Remember what a statement does to relations that are there. */
static void
lintcourse_touches(LintStatement *statement)
{
	Lint	   *lint = statement->lint;
	ListCell   *lc;

	foreach(lc, statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (relation->mode >= ShareUpdateExclusiveLock)
			(void) keyset_add(lint->altered, relation->relid, 0);
		else if (relation->mode == RowExclusiveLock && migrate_lint_has_trigger(relation->relid))
			lint->opaque = true;
	}
}

/* Remember what a statement leaves for those after it. */
void
migrate_lint_course(LintStatement *statement)
{
	if (IsA(statement->node, VariableSetStmt))
		lintcourse_set(statement->lint, (VariableSetStmt *) statement->node);
	else if (IsA(statement->node, SelectStmt))
		lintcourse_select(statement->lint, (SelectStmt *) statement->node);
	lintcourse_confuses(statement->lint, statement->node);
	lintcourse_touches(statement);
}
