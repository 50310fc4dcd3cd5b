/*-------------------------------------------------------------------------
 *
 * lintchange.c
 *		What earlier statements of the plan have done to relations that are there.
 *
 * The catalogs are those from before the plan.  What is remembered here says
 * where they are not to be trusted any more: columns and checks that came, and
 * relations whose rows or form may be others by then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "lint.h"
#include "predicting.h"

/* Tell whether a part of ALTER TABLE leaves the rows that are there. */
static bool
lintchange_part_adds(const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_AddColumn:
		case AT_AddConstraint:
		case AT_ValidateConstraint:
		case AT_SetNotNull:
		case AT_DropNotNull:
		case AT_ColumnDefault:
		case AT_DropConstraint:
		case AT_SetStatistics:
		case AT_SetStorage:
		case AT_SetRelOptions:
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetTableSpace:
		case AT_ChangeOwner:
		case AT_ReplicaIdentity:
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
			return true;
		default:
			return false;
	}
}

/* Tell whether a statement leaves the rows of what it locks. */
static bool
lintchange_adds(Node *node)
{
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_IndexStmt:
		case T_ReindexStmt:
		case T_ClusterStmt:
		case T_CommentStmt:
		case T_CreateStatsStmt:
		case T_CreateStmt:
		case T_GrantStmt:
		case T_LockStmt:
		case T_SecLabelStmt:
		case T_VacuumStmt:
			return true;
		case T_DropStmt:
			return ((DropStmt *) node)->removeType == OBJECT_INDEX;
		case T_AlterTableStmt:
			foreach(lc, ((AlterTableStmt *) node)->cmds)
				if (!lintchange_part_adds(lfirst_node(AlterTableCmd, lc)))
				return false;
			return true;
		default:
			return false;
	}
}

/* Tell whether a statement drops or renames what it locks, or parts of that. */
static bool
lintchange_clears(Node *node)
{
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_AlterPolicyStmt:
		case T_RenameStmt:
		case T_RuleStmt:
		case T_ViewStmt:
			return true;
		case T_DropStmt:
			return ((DropStmt *) node)->removeType != OBJECT_INDEX;
		case T_AlterTableStmt:
			foreach(lc, ((AlterTableStmt *) node)->cmds)
			{
				AlterTableType type = lfirst_node(AlterTableCmd, lc)->subtype;

				if (type == AT_DropColumn || type == AT_DropConstraint || type == AT_DropExpression)
					return true;
			}
			return false;
		default:
			return false;
	}
}

/* Remember which relations a statement may have changed. */
static void
lintchange_touch(LintStatement *statement)
{
	Lint	   *lint = statement->lint;
	bool		adds = lintchange_adds(statement->node);
	bool		clears = lintchange_clears(statement->node);
	ListCell   *lc;

	foreach(lc, adds && !clears ? NIL : statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (relation->mode < RowExclusiveLock)
			continue;
		if (!adds)
			lint->touched = list_append_unique_oid(lint->touched, relation->relid);
		if (clears)
			lint->cleared = list_append_unique_oid(lint->cleared, relation->relid);
	}
}

/* Remember a CHECK. */
static void
lintchange_check(Lint *lint, Oid relid, const char *name, Node *expression, bool valid)
{
	LintCheck  *check = palloc(sizeof(LintCheck));

	check->relid = relid;
	check->name = name;
	check->expression = expression;
	check->valid = valid;
	lint->checks = lappend(lint->checks, check);
}

/* Remember that a CHECK holds for all rows from now on. */
static void
lintchange_validate(Lint *lint, Oid relid, const char *name)
{
	ListCell   *lc;

	foreach(lc, lint->checks)
	{
		LintCheck  *check = lfirst(lc);

		if (check->relid != relid || check->name == NULL || strcmp(check->name, name) != 0)
			continue;
		check->valid = true;
		return;
	}
	lintchange_check(lint, relid, name, NULL, true);
}

/* Forget one that is dropped. */
static void
lintchange_drop(Lint *lint, Oid relid, const char *name)
{
	ListCell   *lc;

	foreach(lc, lint->checks)
	{
		LintCheck  *check = lfirst(lc);

		if (check->relid == relid && check->name != NULL && strcmp(check->name, name) == 0)
			lint->checks = foreach_delete_current(lint->checks, lc);
	}
}

/* Remember a column. */
static void
lintchange_column(Lint *lint, Oid relid, ColumnDef *definition)
{
	LintColumn *column;

	if (get_attnum(relid, definition->colname) != InvalidAttrNumber)
		return;
	column = palloc(sizeof(LintColumn));
	column->relid = relid;
	column->name = definition->colname;
	column->definition = definition;
	lint->made_columns = lappend(lint->made_columns, column);
}

/* Remember an index on columns. */
static void
lintchange_index(Lint *lint, Oid relid, List *columns)
{
	LintIndex  *index = palloc(sizeof(LintIndex));

	index->relid = relid;
	index->columns = columns;
	lint->indexes = lappend(lint->indexes, index);
}

/* Remember CREATE INDEX, if that is of columns. */
static void
lintchange_create_index(LintStatement *statement, const IndexStmt *create)
{
	Oid			relid = migrate_lint_target(statement, create->relation).relid;
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, create->indexParams)
	{
		if (lfirst_node(IndexElem, lc)->name == NULL)
			break;
		columns = lappend(columns, makeString(lfirst_node(IndexElem, lc)->name));
	}
	if (OidIsValid(relid) && columns != NIL && create->whereClause == NULL)
		lintchange_index(statement->lint, relid, columns);
}

/* Remember what ALTER TABLE adds. */
static void
lintchange_alter(LintStatement *statement, const AlterTableStmt *alter)
{
	Oid			relid = migrate_lint_target(statement, alter->relation).relid;
	ListCell   *lc;

	foreach(lc, OidIsValid(relid) ? alter->cmds : NIL)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		Constraint *constraint;

		switch (command->subtype)
		{
			case AT_AddColumn:
				lintchange_column(statement->lint, relid, castNode(ColumnDef, command->def));
				break;
			case AT_AddConstraint:
				constraint = castNode(Constraint, command->def);
				if (constraint->contype == CONSTR_CHECK && !constraint->is_no_inherit)
					lintchange_check(statement->lint, relid, constraint->conname,
									 constraint->raw_expr, !constraint->skip_validation);
				if (constraint->keys != NIL)
					lintchange_index(statement->lint, relid, constraint->keys);
				break;
			case AT_ValidateConstraint:
				lintchange_validate(statement->lint, relid, command->name);
				break;
			case AT_DropConstraint:
				lintchange_drop(statement->lint, relid, command->name);
				break;
			default:
				break;
		}
	}
}

/* Remember what a statement did to what is there. */
void
migrate_lint_note_changes(LintStatement *statement)
{
	lintchange_touch(statement);
	switch (nodeTag(statement->node))
	{
		case T_AlterTableStmt:
			lintchange_alter(statement, (AlterTableStmt *) statement->node);
			break;
		case T_IndexStmt:
			lintchange_create_index(statement, (IndexStmt *) statement->node);
			break;
		case T_DropStmt:
		case T_CreateFunctionStmt:
		case T_AlterPublicationStmt:
			statement->lint->redefined = true;
			break;
		default:
			break;
	}
}

/* Find a column that an earlier statement adds to a table that is there, or NULL. */
LintColumn *
migrate_lint_made_column(const Lint *lint, Oid relid, const char *name)
{
	ListCell   *lc;

	foreach(lc, lint->made_columns)
	{
		LintColumn *column = lfirst(lc);

		if (column->relid == relid && strcmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}

/* Tell whether an earlier statement makes an index that begins with columns, in any order. */
bool
migrate_lint_made_index(const Lint *lint, Oid relid, List *columns)
{
	ListCell   *lc;

	foreach(lc, lint->indexes)
	{
		LintIndex  *index = lfirst(lc);

		if (index->relid == relid && list_length(index->columns) >= list_length(columns) &&
			list_difference(list_copy_head(index->columns, list_length(columns)), columns) == NIL)
			return true;
	}
	return false;
}

/* Tell whether a table has triggers at all. */
static bool
lintchange_may_have_trigger(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		may;

	if (!HeapTupleIsValid(tuple))
		return false;
	may = ((Form_pg_class) GETSTRUCT(tuple))->relhastriggers;
	ReleaseSysCache(tuple);
	return may;
}

/* Tell whether a table has a trigger of somebody's, which may do anything. */
bool
migrate_lint_has_trigger(Oid relid)
{
	Relation	rel = lintchange_may_have_trigger(relid) ? migrate_prediction_open(relid) : NULL;
	bool		has = false;

	if (rel == NULL)
		return lintchange_may_have_trigger(relid);
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
		has |= !rel->trigdesc->triggers[i].tgisinternal;
	migrate_prediction_close(rel);
	return has;
}

/* Follow what was touched to where actions of foreign keys and triggers lead. */
static void
lintchange_reach(Lint *lint)
{
	while (lint->reached < list_length(lint->touched))
	{
		Oid			relid = list_nth_oid(lint->touched, lint->reached++);

		lint->triggered |= migrate_lint_has_trigger(relid);
		lint->touched = list_concat_unique_oid(lint->touched, migrate_predict_referring_tables(relid));
	}
}

/*
 * Tell whether an earlier statement, or another part of this one, may have changed
 * the rows of a relation: itself, by an action of a foreign key, or by a trigger.
 */
bool
migrate_lint_is_touched(const LintStatement *statement, Oid relid)
{
	Lint	   *lint = statement->lint;

	if (lint->opaque || !lintchange_adds(statement->node))
		return true;
	lintchange_reach(lint);
	return lint->triggered || list_member_oid(lint->touched, relid);
}

/* Tell whether an expression as it was written can only hold where a column is not NULL. */
static bool
lintchange_implies(Node *expression, const char *column)
{
	ListCell   *lc;

	if (IsA(expression, BoolExpr) && ((BoolExpr *) expression)->boolop == AND_EXPR)
	{
		foreach(lc, ((BoolExpr *) expression)->args)
			if (lintchange_implies(lfirst(lc), column))
			return true;
	}
	else if (IsA(expression, NullTest) && ((NullTest *) expression)->nulltesttype == IS_NOT_NULL)
	{
		Node	   *arg = (Node *) ((NullTest *) expression)->arg;

		return IsA(arg, ColumnRef) && list_length(((ColumnRef *) arg)->fields) == 1 &&
			IsA(linitial(((ColumnRef *) arg)->fields), String) &&
			strcmp(strVal(linitial(((ColumnRef *) arg)->fields)), column) == 0;
	}
	return false;
}

/* Tell the same of a CHECK that is there. */
static bool
lintchange_check_implies(Oid relid, const char *name, const char *column)
{
	Relation	rel = migrate_prediction_open(relid);
	AttrNumber	attnum = get_attnum(relid, column);
	bool		implies = false;

	if (rel == NULL)
		return false;
	for (int i = 0; rel->rd_att->constr != NULL && i < rel->rd_att->constr->num_check && attnum > 0; i++)
	{
		ConstrCheck *check = &rel->rd_att->constr->check[i];
		Form_pg_attribute attribute = TupleDescAttr(rel->rd_att, attnum - 1);
		NullTest   *test = makeNode(NullTest);

		if (strcmp(check->ccname, name) != 0)
			continue;
		test->arg = (Expr *) makeVar(1, attnum, attribute->atttypid, attribute->atttypmod,
									 attribute->attcollation, 0);
		test->nulltesttype = IS_NOT_NULL;
		test->location = -1;
		implies = predicate_implied_by(list_make1(test),
									   make_ands_implicit(stringToNode(check->ccbin)), true);
	}
	migrate_prediction_close(rel);
	return implies;
}

/* Tell whether a CHECK that comes, or is validated, earlier in the plan rules out NULL in a column. */
bool
migrate_lint_proves_not_null(const Lint *lint, Oid relid, const char *column)
{
	ListCell   *lc;

	foreach(lc, lint->checks)
	{
		LintCheck  *check = lfirst(lc);

		if (check->relid == relid && check->valid &&
			(check->expression != NULL ? lintchange_implies(check->expression, column) :
			 lintchange_check_implies(relid, check->name, column)))
			return true;
	}
	return false;
}
