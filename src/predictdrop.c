/*-------------------------------------------------------------------------
 *
 * predictdrop.c
 *		What a DROP and a TRUNCATE take with them.
 *
 * The walk through pg_depend is that of findDependentObjects(): parts always go
 * with their whole, what else depends on it goes with CASCADE.  Dropping a part
 * of a table locks the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "rewrite/rewriteSupport.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "keyset.h"
#include "predicting.h"
#include "tracked.h"

/* One walk. */
typedef struct DropWalk
{
	Prediction *prediction;
	keyset_hash *taken;			/* whole objects; value: 1 = taken */
	bool		cascade;
} DropWalk;

static void predictdrop_take(DropWalk *walk, const ObjectAddress *object, PredictedDropWay way);

/* Catalogs whose rows are parts of a relation: where they name it, and how it is locked. */
static const struct
{
	Oid			class;
	Oid			index;			/* by OID */
	AttrNumber	oid_column;
	int			relation;		/* offset of the relation's OID */
	LOCKMODE	mode;
}			predictdrop_parts[] = {
	{ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid, offsetof(FormData_pg_constraint, conrelid), AccessExclusiveLock},
	{TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, offsetof(FormData_pg_trigger, tgrelid), AccessExclusiveLock},
	{RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid, offsetof(FormData_pg_rewrite, ev_class), AccessExclusiveLock},
	{PolicyRelationId, PolicyOidIndexId, Anum_pg_policy_oid, offsetof(FormData_pg_policy, polrelid), AccessExclusiveLock},
	{AttrDefaultRelationId, AttrDefaultOidIndexId, Anum_pg_attrdef_oid, offsetof(FormData_pg_attrdef, adrelid), AccessExclusiveLock},
	{StatisticExtRelationId, StatisticExtOidIndexId, Anum_pg_statistic_ext_oid, offsetof(FormData_pg_statistic_ext, stxrelid), ShareUpdateExclusiveLock},
};

/*
 * Return which relation an object is a part of, and (unless NULL) how that is
 * locked when the part goes; InvalidOid = it is none.
 */
Oid
migrate_predict_holder(const ObjectAddress *object, LOCKMODE *mode)
{
	for (int i = 0; i < lengthof(predictdrop_parts); i++)
	{
		Relation	rel;
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;
		Oid			relid = InvalidOid;

		if (predictdrop_parts[i].class != object->classId)
			continue;
		if (mode != NULL)
			*mode = predictdrop_parts[i].mode;
		rel = table_open(object->classId, AccessShareLock);
		ScanKeyInit(&key, predictdrop_parts[i].oid_column, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(object->objectId));
		scan = systable_beginscan(rel, predictdrop_parts[i].index, true, NULL, 1, &key);
		tuple = systable_getnext(scan);
		if (HeapTupleIsValid(tuple))
			memcpy(&relid, (char *) GETSTRUCT(tuple) + predictdrop_parts[i].relation, sizeof(Oid));
		systable_endscan(scan);
		table_close(rel, AccessShareLock);
		return relid;
	}
	return InvalidOid;
}

/* Lock the relation that an object is a part of. */
static void
predictdrop_lock_holder(DropWalk *walk, const ObjectAddress *object)
{
	LOCKMODE	mode;
	Oid			relid = migrate_predict_holder(object, &mode);

	if (OidIsValid(relid))
		(void) migrate_prediction_lock(walk->prediction, relid, mode);
}

/* Lock a relation that goes, and what has to know of it. */
static void
predictdrop_lock_relation(DropWalk *walk, Oid relid)
{
	Oid			parent;
	Oid			other;

	(void) migrate_prediction_lock(walk->prediction, relid, AccessExclusiveLock);
	switch (get_rel_relkind(relid))
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			parent = IndexGetRelation(relid, true);
			if (OidIsValid(parent))
				(void) migrate_prediction_lock(walk->prediction, parent, AccessExclusiveLock);
			break;
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_FOREIGN_TABLE:
			if (!get_rel_relispartition(relid))
				break;
			parent = get_partition_parent(relid, true);
			(void) migrate_prediction_lock(walk->prediction, parent, AccessExclusiveLock);
			other = get_default_partition_oid(parent);
			if (OidIsValid(other))
				(void) migrate_prediction_lock(walk->prediction, other, AccessExclusiveLock);
			break;
		default:
			break;
	}
}

/* Remember an object that goes. */
static List *
predictdrop_remember(List *objects, Oid class, Oid object, int32 part, PredictedDropWay way)
{
	PredictedDrop *drop = palloc(sizeof(PredictedDrop));

	ObjectAddressSubSet(drop->object, class, object, part);
	drop->way = way;
	return lappend(objects, drop);
}

/* List what an object is an internal part of: that goes, too, and the same way. */
static List *
predictdrop_owners(const ObjectAddress *object, PredictedDropWay way)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	List	   *owners = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->objectId));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->deptype == DEPENDENCY_INTERNAL && form->objsubid == 0)
			owners = predictdrop_remember(owners, form->refclassid, form->refobjid,
										  form->refobjsubid, way);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return owners;
}

/* List what depends on an object and goes with it. */
static List *
predictdrop_dependents(DropWalk *walk, const ObjectAddress *object)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	List	   *dependents = NIL;
	ScanKeyData keys[3];
	int			n = 2;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->objectId));
	if (object->objectSubId != 0)
		ScanKeyInit(&keys[n++], Anum_pg_depend_refobjsubid, BTEqualStrategyNumber, F_INT4EQ,
					Int32GetDatum(object->objectSubId));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, n, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->deptype == DEPENDENCY_NORMAL && !walk->cascade)
			continue;
		/* a column that depends on its own table */
		if (form->classid == object->classId && form->objid == object->objectId)
			continue;
		dependents = predictdrop_remember(dependents, form->classid, form->objid, form->objsubid,
										  form->deptype == DEPENDENCY_NORMAL ?
										  PREDICTED_DROP_CASCADE : PREDICTED_DROP_PART);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return dependents;
}

/* Take each of some objects. */
static void
predictdrop_take_all(DropWalk *walk, List *drops)
{
	ListCell   *lc;

	foreach(lc, drops)
	{
		PredictedDrop *drop = lfirst(lc);

		predictdrop_take(walk, &drop->object, drop->way);
	}
}

/* Take an object, and what goes with it. */
static void
predictdrop_take(DropWalk *walk, const ObjectAddress *object, PredictedDropWay way)
{
	Prediction *prediction = walk->prediction;
	List	   *owners = NIL;

	check_stack_depth();
	if (object->objectSubId == 0 &&
		!keyset_add(walk->taken, OBJECT_KEY(object->classId, object->objectId), 1))
		return;
	if (object->classId != RelationRelationId)
	{
		predictdrop_lock_holder(walk, object);
		owners = predictdrop_owners(object, way);
	}
	else if (object->objectSubId != 0)
		(void) migrate_prediction_lock(prediction, object->objectId, AccessExclusiveLock);
	else
		predictdrop_lock_relation(walk, object->objectId);
	prediction->dropped = predictdrop_remember(prediction->dropped, object->classId,
											   object->objectId, object->objectSubId,
											   owners == NIL ? way : PREDICTED_DROP_PART);
	predictdrop_take_all(walk, owners);
	predictdrop_take_all(walk, predictdrop_dependents(walk, object));
}

/* Add what dropping an object does. */
void
migrate_predict_drop_object(Prediction *prediction, const ObjectAddress *object,
							DropBehavior behavior)
{
	DropWalk	walk = {.prediction = prediction, .cascade = behavior == DROP_CASCADE};

	walk.taken = keyset_create(CurrentMemoryContext, 64, NULL);
	predictdrop_take(&walk, object, PREDICTED_DROP_NAMED);
	keyset_destroy(walk.taken);
}

/* Find a part of a relation by name; InvalidOid = there is none. */
static ObjectAddress
predictdrop_part(Prediction *prediction, ObjectType type, List *name)
{
	ObjectAddress object = InvalidObjectAddress;
	List	   *table = list_copy_head(name, list_length(name) - 1);
	const char *part = strVal(llast(name));
	Oid			relid = table == NIL ? InvalidOid :
	migrate_prediction_relation(prediction, makeRangeVarFromNameList(table));

	if (!OidIsValid(relid))
		return object;
	switch (type)
	{
		case OBJECT_TRIGGER:
			ObjectAddressSet(object, TriggerRelationId, get_trigger_oid(relid, part, true));
			break;
		case OBJECT_RULE:
			ObjectAddressSet(object, RewriteRelationId, get_rewrite_oid(relid, part, true));
			break;
		default:
			ObjectAddressSet(object, PolicyRelationId, get_relation_policy_oid(relid, part, true));
	}
	return object;
}

/* Find an object that a DROP names. */
static ObjectAddress
predictdrop_find(Prediction *prediction, const DropStmt *statement, Node *name)
{
	ObjectAddress object = InvalidObjectAddress;
	Relation	rel = NULL;
	Oid			relid;

	switch (statement->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
			relid = migrate_prediction_relation(prediction, makeRangeVarFromNameList((List *) name));
			if (OidIsValid(relid))
				ObjectAddressSet(object, RelationRelationId, relid);
			if (get_rel_relkind(relid) == RELKIND_PARTITIONED_INDEX)
				migrate_prediction_lock_family(prediction, IndexGetRelation(relid, false),
											   AccessExclusiveLock);
			return object;
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			return predictdrop_part(prediction, statement->removeType, (List *) name);
		default:
			return get_object_address(statement->removeType, name, &rel, AccessShareLock, true);
	}
}

/* DROP */
void
migrate_predict_drop(Prediction *prediction, DropStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->objects)
	{
		ObjectAddress object = predictdrop_find(prediction, statement, lfirst(lc));

		if (OidIsValid(object.objectId))
			migrate_predict_drop_object(prediction, &object, statement->behavior);
	}
}

/* TRUNCATE */
void
migrate_predict_truncate(Prediction *prediction, TruncateStmt *statement)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, statement->relations)
	{
		RangeVar   *name = lfirst_node(RangeVar, lc);
		Oid			relid = migrate_prediction_relation(prediction, name);

		if (!OidIsValid(relid))
			continue;
		relids = list_append_unique_oid(relids, relid);
		if (name->inh)
			relids = list_concat_unique_oid(relids, find_all_inheritors(relid, NoLock, NULL));
	}
	/* what refers to them goes too, and what refers to that */
	for (List *referring = relids; statement->behavior == DROP_CASCADE && referring != NIL;)
	{
		referring = heap_truncate_find_FKs(relids);
		relids = list_concat_unique_oid(relids, referring);
	}
	foreach(lc, relids)
	{
		PredictedRelation *relation = migrate_prediction_lock(prediction, lfirst_oid(lc),
															  AccessExclusiveLock);

		relation->rewrite = get_rel_relkind(relation->relid) != RELKIND_PARTITIONED_TABLE;
	}
}
