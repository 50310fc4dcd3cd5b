/*-------------------------------------------------------------------------
 *
 * revalue.c
 *		Keep columns to which an ALTER gives other values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "revalue.h"
#include "salvage.h"

/* Tell whether every value of one type is a value of the other, and comes back. */
static bool
revalue_widens(Oid from, Oid to, int32 typmod)
{
	switch (to)
	{
		case INT4OID:
			return from == INT2OID;
		case INT8OID:
			return from == INT2OID || from == INT4OID;
		case NUMERICOID:
			return typmod == -1 && (from == INT2OID || from == INT4OID || from == INT8OID);
		case FLOAT8OID:
			return from == FLOAT4OID;
		default:
			return false;
	}
}

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
	if (revalue_widens(att->atttypid, type, typmod))
		return false;
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
AttrNumber
migrate_revalue_column(Relation rel, const AlterTableCmd *cmd)
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

/* Tell whether an ALTER TABLE or ALTER TYPE may give columns other values. */
static bool
revalue_alters(const AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);

		if (cmd->subtype == AT_AlterColumnType || compat_sets_expression(cmd->subtype) ||
			(cmd->subtype == AT_DropColumn && stmt->objtype == OBJECT_TYPE))
			return true;
	}
	return false;
}

/* Return the tables that are of a composite type. */
static List *
revalue_typed_tables(Oid type)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	TableScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *relids = NIL;

	ScanKeyInit(&key, Anum_pg_class_reloftype, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = table_beginscan_catalog(catalog, 1, &key);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
		relids = lappend_oid(relids, ((Form_pg_class) GETSTRUCT(tuple))->oid);
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
	return relids;
}

/* Keep the columns that are of a type: it is about to lose an attribute. */
static void
revalue_keep_users(Oid type)
{
	Relation	catalog;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *addresses = NIL;
	ListCell   *lc;

	if (!OidIsValid(type))
		return;
	catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(TypeRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan(catalog, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->classid == RelationRelationId && depend->objsubid > 0)
			addresses = lappend(addresses, list_make2_oid(depend->objid, depend->objsubid));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	foreach(lc, addresses)
		migrate_salvage_columns(linitial_oid((List *) lfirst(lc)),
								bms_make_singleton(lsecond_oid((List *) lfirst(lc))),
								"alter type");
}

/* Keep columns, by their names in one relation, of some and their children. */
static void
revalue_keep_columns(Relation named, List *parents, bool recurse, Bitmapset *attnums,
					 const char *operation)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, parents)
	{
		if (recurse)
			relids = list_concat_unique_oid(relids, find_all_inheritors(lfirst_oid(lc), AccessExclusiveLock, NULL));
		else
			relids = lappend_oid(relids, lfirst_oid(lc));
	}
	foreach(lc, relids)
	{
		Bitmapset  *columns = NULL;
		int			attnum = -1;

		while ((attnum = bms_next_member(attnums, attnum)) > 0)
		{
			char	   *name = get_attname(RelationGetRelid(named), attnum, false);
			AttrNumber	column = get_attnum(lfirst_oid(lc), name);

			if (column > 0)
				columns = bms_add_member(columns, column);
		}
		migrate_salvage_columns(lfirst_oid(lc), columns, operation);
	}
}

/* Keep the columns to which a relation's ALTER TABLE or ALTER TYPE gives other values. */
static void
revalue_keep(const AlterTableStmt *stmt, Relation rel)
{
	bool		is_type = stmt->objtype == OBJECT_TYPE;
	List	   *parents = list_make1_oid(RelationGetRelid(rel));
	Bitmapset  *types = NULL;
	Bitmapset  *expressions = NULL;
	bool		drops = false;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);
		AttrNumber	attnum = migrate_revalue_column(rel, cmd);

		drops |= cmd->subtype == AT_DropColumn;
		if (attnum == 0)
			continue;
		if (cmd->subtype == AT_AlterColumnType)
			types = bms_add_member(types, attnum);
		else
			expressions = bms_add_member(expressions, attnum);
	}
	if (is_type && types != NULL)
		parents = revalue_typed_tables(rel->rd_rel->reltype);
	if (is_type && drops)
	{
		revalue_keep_users(rel->rd_rel->reltype);
		revalue_keep_users(get_array_type(rel->rd_rel->reltype));
	}
	if (types != NULL)
		revalue_keep_columns(rel, parents, is_type || stmt->relation->inh, types, "alter type");
	if (expressions != NULL)
		revalue_keep_columns(rel, parents, stmt->relation->inh, expressions, "set expression");
}

/* Keep the columns to which an ALTER TABLE or ALTER TYPE gives other values. */
void
migrate_revalue_keep(const AlterTableStmt *stmt)
{
	Oid			relid;
	Relation	rel;

	if (!revalue_alters(stmt))
		return;
	relid = AlterTableLookupRelation(unconstify(AlterTableStmt *, stmt),
									 AlterTableGetLockLevel(stmt->cmds));
	if (!OidIsValid(relid))
		return;
	rel = relation_open(relid, NoLock);
	revalue_keep(stmt, rel);
	relation_close(rel, NoLock);
}
