/*-------------------------------------------------------------------------
 *
 * depend.c
 *		What a definition may have to do with another object.
 *
 * A definition is made from the object's own catalog rows and from names of
 * objects it refers to, which pg_depend knows.  So when an object changes,
 * those that refer to it directly are looked at too; when a name changes (of
 * an object, or of a column), all that lead to it by any way.
 *
 * Parts (the rule of a view, the default of a column, the index of a
 * constraint, row and array types) are the object they are a part of.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_shdepend.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "depend.h"

struct DependAll
{
	DependEdge *edges;			/* ordered by from */
	DependEdge *wholes;			/* the same between wholes */
	int64		count;
	int64		allocated;
};

/* Add an object to a list. */
void
migrate_depend_append(DependList *list, uint64 key)
{
	if (list->count == list->allocated)
	{
		list->allocated = Max(16, 2 * list->allocated);
		if (list->keys == NULL)
			list->keys = palloc(list->allocated * sizeof(uint64));
		else
			list->keys = repalloc_huge(list->keys, (Size) list->allocated * sizeof(uint64));
	}
	list->keys[list->count++] = key;
}

/* Read a row of pg_depend. */
static DependEdge
depend_edge(HeapTuple tuple)
{
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
	DependEdge	edge = {
		.from = OBJECT_KEY(form->classid, form->objid),
		.to = OBJECT_KEY(form->refclassid, form->refobjid),
		.type = form->deptype,
	};

	return edge;
}

/* Edges of one object, gathered before anything else is looked up. */
typedef struct DependEdges
{
	DependEdge *edges;
	int			count;
	int			allocated;
} DependEdges;

/* Add an edge. */
static void
depend_gather(DependEdges *edges, DependEdge edge)
{
	if (edges->count == edges->allocated)
	{
		edges->allocated = Max(16, 2 * edges->allocated);
		if (edges->edges == NULL)
			edges->edges = palloc(edges->allocated * sizeof(DependEdge));
		else
			edges->edges = repalloc_huge(edges->edges, (Size) edges->allocated * sizeof(DependEdge));
	}
	edges->edges[edges->count++] = edge;
}

/* Look up the edges that start (or end) at an object. */
static void
depend_look(uint64 key, bool ends, DependEdges *edges)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	memset(edges, 0, sizeof(DependEdges));
	ScanKeyInit(&keys[0], ends ? Anum_pg_depend_refclassid : Anum_pg_depend_classid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(OBJECT_KEY_CLASS(key)));
	ScanKeyInit(&keys[1], ends ? Anum_pg_depend_refobjid : Anum_pg_depend_objid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(OBJECT_KEY_OID(key)));
	scan = systable_beginscan(rel, ends ? DependReferenceIndexId : DependDependerIndexId,
							  true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		depend_gather(edges, depend_edge(tuple));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Order edges by where they start. */
static int
depend_compare(const void *one, const void *other)
{
	uint64		a = ((const DependEdge *) one)->from;
	uint64		b = ((const DependEdge *) other)->from;

	return a < b ? -1 : a > b;
}

/* Tell whether an object comes with the server. */
static inline bool
depend_is_system(uint64 key)
{
	return OBJECT_KEY_OID(key) < FirstNormalObjectId &&
		key != OBJECT_KEY(NamespaceRelationId, PG_PUBLIC_NAMESPACE);
}

/* Find the edges that start at an object among ordered ones. */
static void
depend_find(DependEdge *ordered, int64 count, uint64 key, DependEdges *edges)
{
	int64		low = 0;
	int64		high = count;

	while (low < high)
	{
		int64		middle = (low + high) / 2;

		if (ordered[middle].from < key)
			low = middle + 1;
		else
			high = middle;
	}
	memset(edges, 0, sizeof(DependEdges));
	edges->edges = ordered + low;
	for (; low < count && ordered[low].from == key; low++)
		edges->count++;
}

/* Find the edges that start at an object, in memory or in the catalog. */
static void
depend_starting(DependAll *all, uint64 key, DependEdges *edges)
{
	if (all == NULL)
		depend_look(key, false, edges);
	else
		depend_find(all->edges, all->count, key, edges);
}

/* Tell whether an edge leads from a part to what it is a part of. */
static bool
depend_is_part(const DependEdge *edge)
{
	Oid			class = OBJECT_KEY_CLASS(edge->from);

	/*
	 * Of a composite type, the relation is the object, not the type.  What a
	 * foreign key has for each partition of the table it refers to is neither
	 * an object nor a part of one: those partitions come and go.
	 */
	if (edge->type == DEPENDENCY_INTERNAL)
		return (class != RelationRelationId || OBJECT_KEY_CLASS(edge->to) != TypeRelationId) &&
			(class != ConstraintRelationId || OBJECT_KEY_CLASS(edge->to) != ConstraintRelationId);
	if (edge->type != DEPENDENCY_AUTO)
		return false;
	/* the constraints of a domain */
	if (class == ConstraintRelationId)
		return OBJECT_KEY_CLASS(edge->to) == TypeRelationId;
	/* loose members of a family depend in the same way on their operator or function */
	if (class == AccessMethodOperatorRelationId || class == AccessMethodProcedureRelationId)
		return OBJECT_KEY_CLASS(edge->to) == OperatorFamilyRelationId;
	/* what is published depends in the same way on its publication */
	if (class == PublicationRelRelationId || class == PublicationNamespaceRelationId)
		return OBJECT_KEY_CLASS(edge->to) == PublicationRelationId;
	return class == AttrDefaultRelationId;
}

/* Find what an object is a part of; itself if it is none. */
static uint64
depend_whole(DependAll *all, uint64 key)
{
	for (int depth = 0; depth < 8; depth++)
	{
		DependEdges edges;
		uint64		next = 0;

		if (OBJECT_KEY_CLASS(key) == TypeRelationId)
		{
			Oid			relid = get_typ_typrelid(OBJECT_KEY_OID(key));

			if (OidIsValid(relid))
				return OBJECT_KEY(RelationRelationId, relid);
		}
		depend_starting(all, key, &edges);
		for (int i = 0; i < edges.count && next == 0; i++)
			if (depend_is_part(&edges.edges[i]))
				next = edges.edges[i].to;
		if (next == 0)
			break;
		key = next;
	}
	return key;
}

/* Find the extension that an object is a member of; itself if it is in none. */
static uint64
depend_extension(DependAll *all, uint64 key)
{
	DependEdges edges;

	depend_starting(all, key, &edges);
	for (int i = 0; i < edges.count; i++)
		if (edges.edges[i].type == DEPENDENCY_EXTENSION)
			return edges.edges[i].to;
	return key;
}

/* Map all edges to the objects that their ends are parts of. */
static void
depend_load_wholes(DependAll *all)
{
	all->wholes = MemoryContextAllocHuge(CurrentMemoryContext,
										 Max(all->count, 1) * sizeof(DependEdge));
	for (int64 i = 0; i < all->count; i++)
	{
		DependEdge *edge = &all->edges[i];
		DependEdge *whole = &all->wholes[i];

		whole->type = edge->type;
		if (i > 0 && edge->from == edge[-1].from)
			whole->from = whole[-1].from;
		else
			whole->from = depend_whole(all, edge->from);
		whole->to = depend_extension(all, depend_whole(all, edge->to));
	}
	qsort(all->wholes, all->count, sizeof(DependEdge), depend_compare);
}

/* Read all of pg_depend that is between objects of the user. */
DependAll *
migrate_depend_load(void)
{
	DependAll  *all = palloc0(sizeof(DependAll));
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(rel, 0, NULL);
	HeapTuple	tuple;

	all->allocated = 8192;
	all->edges = palloc(all->allocated * sizeof(DependEdge));
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		DependEdge	edge = depend_edge(tuple);

		if (depend_is_system(edge.from) || depend_is_system(edge.to))
			continue;
		if (all->count == all->allocated)
		{
			all->allocated *= 2;
			all->edges = repalloc_huge(all->edges, all->allocated * sizeof(DependEdge));
		}
		all->edges[all->count++] = edge;
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	qsort(all->edges, all->count, sizeof(DependEdge), depend_compare);
	depend_load_wholes(all);
	return all;
}

/* One walk from objects to those that refer to them. */
typedef struct DependWalk
{
	keyset_hash *reach;			/* what is to be rendered */
	keyset_hash *visited;		/* value: 1 = deeply */
} DependWalk;

static void depend_visit(DependWalk *walk, uint64 key, bool deep);

/* Add an object, and what it is a part of. */
static void
depend_add(DependWalk *walk, uint64 key, bool deep)
{
	uint64		whole;

	if (!keyset_add(walk->reach, key, 0) && !deep)
		return;
	whole = depend_whole(NULL, key);
	if (whole != key)
		(void) keyset_add(walk->reach, whole, 0);
	if (deep)
	{
		depend_visit(walk, key, true);
		if (whole != key)
			depend_visit(walk, whole, true);
	}
}

/*
 * Add what refers to an object, and to its parts; deep = and what refers to
 * those, and so on.
 */
static void
depend_visit(DependWalk *walk, uint64 key, bool deep)
{
	bool		found;
	KeySetEntry *entry = keyset_insert(walk->visited, key, &found);
	DependEdges edges;

	if (found && (entry->value || !deep))
		return;
	entry->value = deep;
	check_stack_depth();
	depend_look(key, true, &edges);
	for (int i = 0; i < edges.count; i++)
	{
		DependEdge *edge = &edges.edges[i];

		if (edge->type == DEPENDENCY_EXTENSION || edge->from == key)
			continue;
		depend_add(walk, edge->from, deep);
		if (!deep && edge->type == DEPENDENCY_INTERNAL)
			depend_visit(walk, edge->from, false);
	}
	if (edges.edges != NULL)
		pfree(edges.edges);
}

/* Add what refers to a role of another name. */
static void
depend_add_role(DependWalk *walk, Oid role)
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

		if (form->dbid == MyDatabaseId)
			migrate_depend_append(&found, OBJECT_KEY(form->classid, form->objid));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	for (int i = 0; i < found.count; i++)
		depend_add(walk, found.keys[i], false);
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
depend_scope(const StampChange *change)
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
		DependScope scope = depend_scope(change);

		if (scope == DEPEND_EVERYWHERE)
			return false;
		if (OBJECT_KEY_CLASS(change->key) == AuthIdRelationId)
		{
			if (change->move != STAMP_CHANGED)
				continue;
			/* dependencies on roles of the server's own are not recorded */
			if (depend_is_system(change->key))
				return false;
			depend_add_role(&walk, OBJECT_KEY_OID(change->key));
			continue;
		}
		if (change->move == STAMP_GONE)
			(void) keyset_add(reach, change->key, 0);
		else
			depend_add(&walk, change->key, false);
		if (scope != DEPEND_SELF)
			depend_visit(&walk, change->key, scope == DEPEND_DEEP);
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
		depend_visit(&walk, renamed->keys[i], true);
	keyset_destroy(walk.visited);
}

/* Add what edges of an object, or of a part of one, lead to. */
static void
depend_add_needs(uint64 self, const DependEdges *edges, bool mapped, DependList *needs)
{
	for (int i = 0; i < edges->count; i++)
	{
		uint64		to = edges->edges[i].to;
		bool		known = false;

		if (depend_is_system(to) || edges->edges[i].type == DEPENDENCY_EXTENSION)
			continue;
		if (!mapped)
			to = depend_extension(NULL, depend_whole(NULL, to));
		for (int k = 0; k < needs->count && !known; k++)
			known = needs->keys[k] == to;
		if (to != self && !known)
			migrate_depend_append(needs, to);
	}
}

/* Tell whether an object of a catalog can have parts. */
static bool
depend_can_have_parts(Oid class)
{
	switch (class)
	{
		case ProcedureRelationId:
		case NamespaceRelationId:
		case ExtensionRelationId:
			return false;
		default:
			return true;
	}
}

/*
 * List what an object, with its parts, refers to; the list is emptied before.
 * all may be NULL.
 */
void
migrate_depend_needs(DependAll *all, uint64 key, DependList *needs)
{
	DependEdges own;
	DependEdges parts;

	needs->count = 0;
	if (all != NULL)
	{
		depend_find(all->wholes, all->count, key, &own);
		depend_add_needs(key, &own, true, needs);
		return;
	}
	depend_look(key, false, &own);
	depend_add_needs(key, &own, false, needs);
	/* a composite type depends on its schema by its row in pg_type */
	if (OBJECT_KEY_CLASS(key) == RelationRelationId &&
		get_rel_relkind(OBJECT_KEY_OID(key)) == RELKIND_COMPOSITE_TYPE)
	{
		depend_look(OBJECT_KEY(TypeRelationId, get_rel_type_id(OBJECT_KEY_OID(key))), false, &own);
		depend_add_needs(key, &own, false, needs);
	}
	if (!depend_can_have_parts(OBJECT_KEY_CLASS(key)))
		return;
	depend_look(key, true, &parts);
	for (int i = 0; i < parts.count; i++)
	{
		if (!depend_is_part(&parts.edges[i]))
			continue;
		depend_look(parts.edges[i].from, false, &own);
		depend_add_needs(key, &own, false, needs);
	}
}
