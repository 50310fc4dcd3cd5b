/*-------------------------------------------------------------------------
 *
 * revalue.c
 *		Keep columns to which an ALTER gives other values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "revalue.h"
#include "salvage.h"

/*
 * Tell whether another type can change the values of a column.  It cannot where
 * the server finds nothing to compute, as from varchar(10) to varchar(20).
 */
static bool
revalue_type_changes(Form_pg_attribute att, const ColumnDef *def)
{
	Oid			type;
	int32		typmod;
	Type		tuple;
	Node	   *expr;

	if (def->raw_default != NULL)
		return true;
	tuple = LookupTypeName(NULL, def->typeName, &typmod, true);
	if (tuple == NULL)
		return true;
	type = typeTypeId(tuple);
	ReleaseSysCache(tuple);
	expr = (Node *) makeVar(1, att->attnum, att->atttypid, att->atttypmod, att->attcollation, 0);
	expr = coerce_to_target_type(NULL, expr, att->atttypid, type, typmod,
								 COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		return true;
	expr = (Node *) expression_planner((Expr *) expr);
	while (IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	return !IsA(expr, Var);
}

/* Return the number of a column that an ALTER TABLE gives other values, or 0. */
static AttrNumber
revalue_column(Relation rel, const AlterTableCmd *cmd)
{
	AttrNumber	attnum;

	if (cmd->subtype != AT_AlterColumnType && !compat_sets_expression(cmd->subtype))
		return 0;
	attnum = get_attnum(RelationGetRelid(rel), cmd->name);
	if (attnum <= 0)
		return 0;
	if (cmd->subtype == AT_AlterColumnType &&
		!revalue_type_changes(TupleDescAttr(RelationGetDescr(rel), attnum - 1),
								  castNode(ColumnDef, cmd->def)))
		return 0;
	return attnum;
}

/* Tell whether an ALTER TABLE may give columns other values. */
static bool
revalue_alters(const AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);

		if (cmd->subtype == AT_AlterColumnType || compat_sets_expression(cmd->subtype))
			return true;
	}
	return false;
}

/* Keep columns, by their names in one relation, of it and its children. */
static void
revalue_keep_columns(Relation rel, bool recurse, Bitmapset *attnums, const char *operation)
{
	List	   *relids = list_make1_oid(RelationGetRelid(rel));
	ListCell   *lc;

	if (recurse)
		relids = find_all_inheritors(RelationGetRelid(rel), AccessExclusiveLock, NULL);
	foreach(lc, relids)
	{
		Bitmapset  *columns = NULL;
		int			attnum = -1;

		while ((attnum = bms_next_member(attnums, attnum)) > 0)
		{
			char	   *name = get_attname(RelationGetRelid(rel), attnum, false);
			AttrNumber	column = get_attnum(lfirst_oid(lc), name);

			if (column > 0)
				columns = bms_add_member(columns, column);
		}
		migrate_salvage_columns(lfirst_oid(lc), columns, operation);
	}
}

/* Keep the columns to which an ALTER TABLE gives other values. */
void
migrate_revalue_keep(const AlterTableStmt *stmt)
{
	Oid			relid;
	Relation	rel;
	Bitmapset  *types = NULL;
	Bitmapset  *expressions = NULL;
	ListCell   *lc;

	if (!revalue_alters(stmt))
		return;
	relid = AlterTableLookupRelation(unconstify(AlterTableStmt *, stmt),
									 AlterTableGetLockLevel(stmt->cmds));
	if (!OidIsValid(relid))
		return;
	rel = relation_open(relid, NoLock);
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);
		AttrNumber	attnum = revalue_column(rel, cmd);

		if (attnum == 0)
			continue;
		if (cmd->subtype == AT_AlterColumnType)
			types = bms_add_member(types, attnum);
		else
			expressions = bms_add_member(expressions, attnum);
	}
	if (types != NULL)
		revalue_keep_columns(rel, stmt->relation->inh, types, "alter type");
	if (expressions != NULL)
		revalue_keep_columns(rel, stmt->relation->inh, expressions, "set expression");
	relation_close(rel, NoLock);
}

