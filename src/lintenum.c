/*-------------------------------------------------------------------------
 *
 * lintenum.c
 *		Uses of enum values that were added in the same transaction.
 *
 * The server refuses them.  A string is such a use where its type is known to be
 * the enum: by a cast, by the column it is written to or is the default of, or by
 * the column it is compared with.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_attribute.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "lint.h"

/* A walk through a statement. */
typedef struct EnumWalk
{
	const LintStatement *statement;
	const LintEnumValue *used;	/* the one that was found */
} EnumWalk;

static bool lintenum_walk(Node *node, void *context);

/* Tell whether an expression is a string that is a value of a type, added before. */
static bool
lintenum_is_value(EnumWalk *walk, Node *node, Oid type)
{
	A_Const    *constant = (A_Const *) node;
	ListCell   *lc;

	if (node == NULL || !OidIsValid(type))
		return false;
	if (IsA(node, List))
	{
		foreach(lc, (List *) node)
			if (lintenum_is_value(walk, lfirst(lc), type))
			return true;
		return false;
	}
	if (!IsA(node, A_Const) || constant->isnull || !IsA(&constant->val, String))
		return false;
	foreach(lc, walk->statement->lint->enum_values)
	{
		LintEnumValue *added = lfirst(lc);

		if (added->type != type || strcmp(added->value, strVal(&constant->val)) != 0)
			continue;
		walk->used = added;
		return true;
	}
	return false;
}

/* Tell whether a string in an expression has the value of some added one at all. */
static bool
lintenum_may_be_value(EnumWalk *walk, Node *node)
{
	ListCell   *lc;

	foreach(lc, walk->statement->lint->enum_values)
		if (lintenum_is_value(walk, node, ((LintEnumValue *) lfirst(lc))->type))
		return true;
	return false;
}

/* Return the type of a column of a relation; InvalidOid = there is none. */
static Oid
lintenum_column_type(Oid relid, const char *name)
{
	AttrNumber	attnum = name == NULL ? InvalidAttrNumber : get_attnum(relid, name);

	return attnum == InvalidAttrNumber ? InvalidOid : get_atttype(relid, attnum);
}

/* Tell whether a column and an expression are an enum and a value that was added. */
static bool
lintenum_is_compared(EnumWalk *walk, Node *column, Node *node)
{
	List	   *fields;
	ListCell   *lc;

	if (column == NULL || !IsA(column, ColumnRef) || !lintenum_may_be_value(walk, node))
		return false;
	fields = ((ColumnRef *) column)->fields;
	if (!IsA(llast(fields), String))
		return false;
	foreach(lc, walk->statement->prediction->relations)
	{
		Oid			relid = ((PredictedRelation *) lfirst(lc))->relid;

		if (lintenum_is_value(walk, node, lintenum_column_type(relid, strVal(llast(fields)))))
			return true;
	}
	return false;
}

/* Return the type of the column that the n-th value of an INSERT goes to. */
static Oid
lintenum_insert_type(const InsertStmt *insert, Oid relid, int n)
{
	HeapTuple	tuple;
	Oid			type = InvalidOid;

	if (insert->cols != NIL)
		return n >= list_length(insert->cols) ? InvalidOid :
			lintenum_column_type(relid, list_nth_node(ResTarget, insert->cols, n)->name);
	for (AttrNumber attnum = 1; !OidIsValid(type); attnum++)
	{
		Form_pg_attribute attribute;

		tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
		if (!HeapTupleIsValid(tuple))
			break;
		attribute = (Form_pg_attribute) GETSTRUCT(tuple);
		if (!attribute->attisdropped && n-- == 0)
			type = attribute->atttypid;
		ReleaseSysCache(tuple);
	}
	return type;
}

/* INSERT */
static bool
lintenum_insert(EnumWalk *walk, const InsertStmt *insert)
{
	Oid			relid = migrate_lint_target(walk->statement, insert->relation).relid;
	SelectStmt *source = (SelectStmt *) insert->selectStmt;
	ListCell   *lc;
	int			n;

	if (!OidIsValid(relid) || source == NULL || !IsA(source, SelectStmt))
		return false;
	foreach(lc, source->valuesLists)
	{
		List	   *row = lfirst_node(List, lc);

		for (n = 0; n < list_length(row); n++)
			if (lintenum_may_be_value(walk, list_nth(row, n)) &&
				lintenum_is_value(walk, list_nth(row, n), lintenum_insert_type(insert, relid, n)))
				return true;
	}
	for (n = 0; n < list_length(source->targetList); n++)
	{
		Node	   *value = list_nth_node(ResTarget, source->targetList, n)->val;

		if (lintenum_may_be_value(walk, value) &&
			lintenum_is_value(walk, value, lintenum_insert_type(insert, relid, n)))
			return true;
	}
	return false;
}

/* UPDATE */
static bool
lintenum_update(EnumWalk *walk, const UpdateStmt *update)
{
	Oid			relid = migrate_lint_target(walk->statement, update->relation).relid;
	ListCell   *lc;

	foreach(lc, OidIsValid(relid) ? update->targetList : NIL)
	{
		ResTarget  *target = lfirst_node(ResTarget, lc);

		if (target->indirection == NIL && lintenum_may_be_value(walk, target->val) &&
			lintenum_is_value(walk, target->val, lintenum_column_type(relid, target->name)))
			return true;
	}
	return false;
}

/* Look at one node, and at what is in it; true = a use was found. */
static bool
lintenum_walk(Node *node, void *context)
{
	EnumWalk   *walk = context;

	if (node == NULL)
		return false;
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_TypeCast:
			if (lintenum_may_be_value(walk, ((TypeCast *) node)->arg) &&
				lintenum_is_value(walk, ((TypeCast *) node)->arg,
								  migrate_lint_type_oid(((TypeCast *) node)->typeName)))
				return true;
			break;
		case T_A_Expr:
			if (lintenum_is_compared(walk, ((A_Expr *) node)->lexpr, ((A_Expr *) node)->rexpr) ||
				lintenum_is_compared(walk, ((A_Expr *) node)->rexpr, ((A_Expr *) node)->lexpr))
				return true;
			break;
		case T_InsertStmt:
			if (lintenum_insert(walk, (InsertStmt *) node))
				return true;
			break;
		case T_UpdateStmt:
			if (lintenum_update(walk, (UpdateStmt *) node))
				return true;
			break;
		default:
			break;
	}
	return raw_expression_tree_walker(node, lintenum_walk, context);
}

/* A column as it is written: its default and its constraints. */
static bool
lintenum_column(EnumWalk *walk, const ColumnDef *column)
{
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype == CONSTR_DEFAULT && column->typeName != NULL &&
			lintenum_may_be_value(walk, constraint->raw_expr) &&
			lintenum_is_value(walk, constraint->raw_expr, migrate_lint_type_oid(column->typeName)))
			return true;
		if (lintenum_walk(constraint->raw_expr, walk))
			return true;
	}
	return false;
}

/* An element of a table, or the definition in a command of ALTER TABLE. */
static bool
lintenum_element(EnumWalk *walk, Node *element)
{
	if (element != NULL && IsA(element, ColumnDef))
		return lintenum_column(walk, (ColumnDef *) element);
	if (element != NULL && IsA(element, Constraint))
		return lintenum_walk(((Constraint *) element)->raw_expr, walk);
	return false;
}

/* ALTER TABLE */
static bool
lintenum_alter(EnumWalk *walk, const AlterTableStmt *alter)
{
	Oid			relid = migrate_lint_target(walk->statement, alter->relation).relid;
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (lintenum_element(walk, command->def))
			return true;
		if (command->subtype == AT_ColumnDefault &&
			(lintenum_walk(command->def, walk) ||
			 (OidIsValid(relid) && lintenum_may_be_value(walk, command->def) &&
			  lintenum_is_value(walk, command->def, lintenum_column_type(relid, command->name)))))
			return true;
	}
	return false;
}

/* Tell whether a statement uses a value that was added before. */
static bool
lintenum_statement(EnumWalk *walk, Node *node)
{
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return lintenum_walk(node, walk);
		case T_CreateTableAsStmt:
			return lintenum_statement(walk, ((CreateTableAsStmt *) node)->query);
		case T_ViewStmt:
			return lintenum_statement(walk, ((ViewStmt *) node)->query);
		case T_IndexStmt:
			return lintenum_walk(((IndexStmt *) node)->whereClause, walk);
		case T_CreatePolicyStmt:
			return lintenum_walk(((CreatePolicyStmt *) node)->qual, walk) ||
				lintenum_walk(((CreatePolicyStmt *) node)->with_check, walk);
		case T_AlterTableStmt:
			return lintenum_alter(walk, (AlterTableStmt *) node);
		case T_CreateStmt:
			foreach(lc, ((CreateStmt *) node)->tableElts)
				if (lintenum_element(walk, lfirst(lc)))
				return true;
			return false;
		default:
			return false;
	}
}

/* A value that an earlier statement added is used before its transaction ends. */
void
migrate_lint_enum_use(LintStatement *statement)
{
	EnumWalk	walk = {.statement = statement};

	if (!lintenum_statement(&walk, statement->node))
		return;
	migrate_lint_prove(migrate_lint_find(statement, LINT_ENUM_VALUE_USED_IN_SAME_TRANSACTION, InvalidOid,
										 "value '%s' of %s is added in the same transaction: the statement fails",
										 walk.used->value, format_type_be(walk.used->type)));
}
