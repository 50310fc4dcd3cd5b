/*-------------------------------------------------------------------------
 *
 * predictlookup.c
 *		What predictions have to know of constraints and types that are there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "predicting.h"

/* Look up a constraint of a relation; false = there is none of that name. */
bool
migrate_predict_constraint(Oid relid, const char *name, PredictConstraint *constraint)
{
	HeapTuple	tuple;
	Form_pg_constraint form;

	constraint->oid = get_relation_constraint_oid(relid, name, true);
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint->oid));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	constraint->valid = form->convalidated;
	constraint->inherits = form->contype == CONSTRAINT_CHECK && !form->connoinherit;
	constraint->other = form->contype == CONSTRAINT_FOREIGN ? form->confrelid : InvalidOid;
	ReleaseSysCache(tuple);
	return true;
}

/* Tell whether a table has a row trigger; of a name, or any (NULL). */
bool
migrate_predict_has_row_trigger(Oid relid, const char *name)
{
	Relation	rel = migrate_prediction_open(relid);
	bool		has = false;

	if (rel == NULL)
		return true;
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &rel->trigdesc->triggers[i];

		has |= TRIGGER_FOR_ROW(trigger->tgtype) &&
			(name == NULL || strcmp(trigger->tgname, name) == 0);
	}
	migrate_prediction_close(rel);
	return has;
}

/* Tell whether a constraint is a foreign key that refers to a table. */
static bool
predictlookup_refers(Oid constraint, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		refers;

	if (!HeapTupleIsValid(tuple))
		return false;
	refers = ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid == relid;
	ReleaseSysCache(tuple);
	return refers;
}

/* List the tables whose foreign keys refer to a table; there is no index for that. */
List *
migrate_predict_referring_tables(Oid relid)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	List	   *tables = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_confrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		/*
		 * what a key of a partitioned table made for its partitions comes
		 * with that
		 */
		if (form->contype == CONSTRAINT_FOREIGN &&
			!predictlookup_refers(form->conparentid, relid))
			tables = list_append_unique_oid(tables, form->conrelid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return tables;
}

/* Return the names of the columns of a foreign key. */
static List *
predictlookup_columns(HeapTuple tuple)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	bool		isnull;
	ArrayType  *columns = DatumGetArrayTypeP(SysCacheGetAttr(CONSTROID, tuple,
															 Anum_pg_constraint_conkey, &isnull));
	List	   *names = NIL;

	for (int i = 0; i < ArrayGetNItems(ARR_NDIM(columns), ARR_DIMS(columns)); i++)
		names = lappend(names, makeString(get_attname(form->conrelid,
													  ((int16 *) ARR_DATA_PTR(columns))[i], false)));
	return names;
}

/* List the foreign keys of a table. */
List *
migrate_predict_keys(Oid relid)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	List	   *keys = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		PredictKey *item;

		if (form->contype != CONSTRAINT_FOREIGN)
			continue;
		item = palloc0(sizeof(PredictKey));
		item->other = form->confrelid;
		item->names = predictlookup_columns(tuple);
		item->on_update = form->confupdtype;
		item->on_delete = form->confdeltype;
		keys = lappend(keys, item);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return keys;
}

/* Tell whether a table has a foreign key already, as tryAttachPartitionForeignKey() would. */
bool
migrate_predict_has_key(Oid relid, const PredictKey *key)
{
	ListCell   *lc;

	foreach(lc, migrate_predict_keys(relid))
	{
		PredictKey *item = lfirst(lc);

		if (item->other == key->other && item->on_update == key->on_update &&
			item->on_delete == key->on_delete && equal(item->names, key->names))
			return true;
	}
	return false;
}

/* List the tables made by CREATE TABLE ... OF a type. */
List *
migrate_predict_typed_tables(Oid type)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	List	   *tables = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(TypeRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == RelationRelationId && form->objsubid == 0 &&
			form->deptype == DEPENDENCY_NORMAL)
			tables = lappend_oid(tables, form->objid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return tables;
}
