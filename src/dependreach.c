/*-------------------------------------------------------------------------
 *
 * dependreach.c
 *		How far a change reaches: which definitions it may show in.
 *
 * A definition is made from the object's own catalog rows and from names of
 * objects it refers to, which pg_depend knows.  So when an object changes,
 * those that refer to it directly are looked at too; when a name changes (of
 * an object, or of a column), all that lead to it by any way.  The answer may
 * hold more than what changed, never less.
 *
 * Keys are added to a set of the caller's, in its memory context; all else is in
 * the current one, that of a snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_shdepend.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_tablespace.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"

#include "depend.h"

/* One walk from objects to those that refer to them. */
typedef struct DependWalk
{
	keyset_hash *reach;			/* what is to be rendered */
	keyset_hash *visited;		/* value: 1 = deeply */
} DependWalk;

static void dependreach_visit(DependWalk *walk, uint64 key, bool deep);

/* Add an object, and what it is a part of. */
static void
dependreach_add(DependWalk *walk, uint64 key, bool deep)
{
	uint64		whole;

	if (!keyset_add(walk->reach, key, 0) && !deep)
		return;
	whole = migrate_depend_whole(NULL, key);
	if (whole != key)
		(void) keyset_add(walk->reach, whole, 0);
	if (deep)
	{
		dependreach_visit(walk, key, true);
		if (whole != key)
			dependreach_visit(walk, whole, true);
	}
}

/*
 * Add what refers to an object, and to its parts; deep = and what refers to
 * those, and so on.
 */
static void
dependreach_visit(DependWalk *walk, uint64 key, bool deep)
{
	bool		found;
	KeySetEntry *entry = keyset_insert(walk->visited, key, &found);
	DependEdges edges;

	if (found && (entry->value || !deep))
		return;
	entry->value = deep;
	check_stack_depth();
	migrate_depend_look(key, true, &edges);
	for (int i = 0; i < edges.count; i++)
	{
		DependEdge *edge = &edges.edges[i];

		if (edge->type == DEPENDENCY_EXTENSION || edge->from == key)
			continue;
		dependreach_add(walk, edge->from, deep);
		if (!deep && edge->type == DEPENDENCY_INTERNAL)
			dependreach_visit(walk, edge->from, false);
	}
	if (edges.edges != NULL)
		pfree(edges.edges);
}

/* Add what refers to a role of another name. */
static void
dependreach_add_role(DependWalk *walk, Oid role)
{
	Relation	rel = table_open(SharedDependRelationId, AccessShareLock);
	DependList	found = {0};
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_shdepend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(AuthIdRelationId));
	ScanKeyInit(&keys[1], Anum_pg_shdepend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(role));
	scan = systable_beginscan(rel, SharedDependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_shdepend form = (Form_pg_shdepend) GETSTRUCT(tuple);

		/*
		 * subscriptions belong to a shared catalog, so their owners to no
		 * database
		 */
		if (form->dbid == MyDatabaseId || form->classid == SubscriptionRelationId)
			migrate_depend_append(&found, OBJECT_KEY(form->classid, form->objid));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	for (int i = 0; i < found.count; i++)
		dependreach_add(walk, found.keys[i], false);
}

/* How far a change of an object may show. */
typedef enum DependScope
{
	DEPEND_SELF,				/* in what refers to it only by its name */
	DEPEND_DIRECT,				/* in what refers to it */
	DEPEND_DEEP,				/* in what leads to it */
	DEPEND_EVERYWHERE			/* in objects that do not refer to it */
} DependScope;

/* Tell how far a change may show. */
static DependScope
dependreach_scope(const StampChange *change)
{
	Oid			class = OBJECT_KEY_CLASS(change->key);

	switch (class)
	{
		case AuthIdRelationId:
			return DEPEND_SELF;
		case TableSpaceRelationId:
			return change->move == STAMP_CHANGED ? DEPEND_EVERYWHERE : DEPEND_SELF;
		case OperatorClassRelationId:
		case OperatorFamilyRelationId:
		case AccessMethodOperatorRelationId:
		case AccessMethodProcedureRelationId:
		case CastRelationId:
			return DEPEND_EVERYWHERE;
		default:
			break;
	}
	/* a constraint may take over an index that was there */
	if (change->move == STAMP_NEW && class == ConstraintRelationId)
		return DEPEND_DIRECT;
	if (change->move != STAMP_CHANGED)
		return DEPEND_SELF;
	switch (class)
	{
		case NamespaceRelationId:
		case ProcedureRelationId:
		case ExtensionRelationId:
			return DEPEND_SELF;
		case RelationRelationId:
			return change->renamed ? DEPEND_DEEP : DEPEND_DIRECT;
		default:
			return DEPEND_DEEP;
	}
}

/*
 * Gather the objects whose definitions may have changed; false = all may.
 * Those whose names turn out to have changed: migrate_depend_reach_names().
 */
bool
migrate_depend_reach(keyset_hash *reach, const StampChanges *changes)
{
	DependWalk	walk = {.reach = reach};

	walk.visited = keyset_create(CurrentMemoryContext, 64, NULL);
	for (int i = 0; i < changes->count; i++)
	{
		const StampChange *change = &changes->items[i];
		DependScope scope = dependreach_scope(change);

		if (scope == DEPEND_EVERYWHERE)
			return false;
		if (OBJECT_KEY_CLASS(change->key) == AuthIdRelationId)
		{
			if (change->move != STAMP_CHANGED)
				continue;
			/* dependencies on roles of the server's own are not recorded */
			if (migrate_depend_is_system(change->key))
				return false;
			dependreach_add_role(&walk, OBJECT_KEY_OID(change->key));
			continue;
		}
		if (change->move == STAMP_GONE)
			(void) keyset_add(reach, change->key, 0);
		else
			dependreach_add(&walk, change->key, false);
		if (scope != DEPEND_SELF)
			dependreach_visit(&walk, change->key, scope == DEPEND_DEEP);
	}
	keyset_destroy(walk.visited);
	return true;
}

/* Gather all objects that lead to some that have another name now. */
void
migrate_depend_reach_names(keyset_hash *reach, const DependList *renamed)
{
	DependWalk	walk = {.reach = reach};

	walk.visited = keyset_create(CurrentMemoryContext, 64, NULL);
	for (int i = 0; i < renamed->count; i++)
		dependreach_visit(&walk, renamed->keys[i], true);
	keyset_destroy(walk.visited);
}
