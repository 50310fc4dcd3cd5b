/*-------------------------------------------------------------------------
 *
 * predicttype.c
 *		What ALTER COLUMN TYPE will do to a table and to what is on the column.
 *
 * Its constraints and indexes are made anew by ATPostAlterTypeCleanup(), with the
 * foreign keys of other tables that refer to it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "predicting.h"

/* Tell whether an array of column numbers of a constraint has one. */
static bool
predicttype_has(HeapTuple tuple, AttrNumber array, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(CONSTROID, tuple, array, &isnull);
	ArrayType  *columns;

	if (isnull)
		return false;
	columns = DatumGetArrayTypeP(value);
	for (int i = 0; i < ArrayGetNItems(ARR_NDIM(columns), ARR_DIMS(columns)); i++)
		if (((int16 *) ARR_DATA_PTR(columns))[i] == attnum)
			return true;
	return false;
}

/* Tell whether an index has a column. */
static bool
predicttype_index_has(Relation index, AttrNumber attnum)
{
	if (RelationGetIndexExpressions(index) != NIL || RelationGetIndexPredicate(index) != NIL)
	{
		Bitmapset  *used = NULL;

		pull_varattnos((Node *) RelationGetIndexExpressions(index), 1, &used);
		pull_varattnos((Node *) RelationGetIndexPredicate(index), 1, &used);
		if (bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, used))
			return true;
	}
	for (int i = 0; i < index->rd_index->indnatts; i++)
		if (index->rd_index->indkey.values[i] == attnum)
			return true;
	return false;
}

/* Note that the rows of a table are read. */
static void
predicttype_scan(Prediction *prediction, Oid relid)
{
	migrate_prediction_lock(prediction, relid, AccessExclusiveLock)->scan =
		get_rel_relkind(relid) == RELKIND_RELATION;
}

/*
 * Constraints on the column; with referring set, foreign keys that refer to it.
 * There is no index by the table referred to.
 */
static void
predicttype_constraints(Prediction *prediction, Oid relid, AttrNumber attnum, bool referring)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, referring ? Anum_pg_constraint_confrelid : Anum_pg_constraint_conrelid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, referring ? InvalidOid : ConstraintRelidTypidNameIndexId,
							  !referring, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (form->contype != CONSTRAINT_CHECK && form->contype != CONSTRAINT_FOREIGN)
			continue;
		if (!predicttype_has(tuple, referring ? Anum_pg_constraint_confkey : Anum_pg_constraint_conkey,
							 attnum))
			continue;
		predicttype_scan(prediction, form->conrelid);
		if (form->contype == CONSTRAINT_FOREIGN)
			predicttype_scan(prediction, form->confrelid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Indexes on the column: they are built again if the new definition is another. */
static void
predicttype_indexes(Prediction *prediction, Oid relid, AttrNumber attnum, const ColumnDef *column)
{
	ListCell   *lc;

	foreach(lc, migrate_prediction_indexes(relid))
	{
		Relation	index = migrate_prediction_open(lfirst_oid(lc));

		if (index == NULL)
			continue;
		if (predicttype_index_has(index, attnum) &&
			!migrate_predict_index_stays(index, attnum, column))
		{
			migrate_prediction_lock(prediction, lfirst_oid(lc), AccessExclusiveLock)->build = true;
			predicttype_scan(prediction, relid);
		}
		migrate_prediction_close(index);
	}
}

/* Tell whether a foreign key may refer to a column: a unique index has it then. */
static bool
predicttype_is_key(Oid relid, AttrNumber attnum)
{
	List	   *indexes = migrate_prediction_indexes(relid);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index form;
		bool		has = false;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_index) GETSTRUCT(tuple);
		for (int i = 0; form->indisunique && i < form->indnatts; i++)
			has |= form->indkey.values[i] == attnum;
		ReleaseSysCache(tuple);
		if (has)
			return true;
	}
	return indexes == NIL;		/* perhaps they could not be looked at */
}

/* ALTER COLUMN TYPE, on one table. */
void
migrate_predict_type(Prediction *prediction, Oid relid, const AlterTableCmd *command)
{
	ColumnDef  *column = castNode(ColumnDef, command->def);
	AttrNumber	attnum = get_attnum(relid, command->name);
	Relation	rel;
	bool		rewrites;

	if (attnum == InvalidAttrNumber)
		return;
	predicttype_constraints(prediction, relid, attnum, false);
	if (predicttype_is_key(relid, attnum))
		predicttype_constraints(prediction, relid, attnum, true);
	if (prediction->locks_only)
		return;
	rel = migrate_prediction_open(relid);
	if (rel == NULL)
		return;
	rewrites = migrate_predict_type_rewrites(rel, command->name, column);
	migrate_prediction_close(rel);
	if (rewrites)
		migrate_prediction_rewrite(prediction, relid);
	else
		predicttype_indexes(prediction, relid, attnum, column);
}
