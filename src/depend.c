/*-------------------------------------------------------------------------
 *
 * depend.c
 *		What objects have to do with each other: the edges of pg_depend.
 *
 * Edges are looked up one object at a time, or read at once (DependAll) when
 * most are needed; both ways give the same.
 *
 * Parts (the rule of a view, the default of a column, the index of a
 * constraint, row and array types) are the object they are a part of.
 *
 * Everything is allocated in the current memory context and stays there: that is
 * the one of a snapshot, which goes at its end.
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
#include "catalog/dependency.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_type.h"
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
void
migrate_depend_look(uint64 key, bool ends, DependEdges *edges)
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
bool
migrate_depend_is_system(uint64 key)
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
		migrate_depend_look(key, false, edges);
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

	/*
	 * loose members of a family depend in the same way on their operator or
	 * function
	 */
	if (class == AccessMethodOperatorRelationId || class == AccessMethodProcedureRelationId)
		return OBJECT_KEY_CLASS(edge->to) == OperatorFamilyRelationId;
	/* what is published depends in the same way on its publication */
	if (class == PublicationRelRelationId || class == PublicationNamespaceRelationId)
		return OBJECT_KEY_CLASS(edge->to) == PublicationRelationId;
	return class == AttrDefaultRelationId;
}

/* Find what an object is a part of; itself if it is none. */
uint64
migrate_depend_whole(DependAll *all, uint64 key)
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
			whole->from = migrate_depend_whole(all, edge->from);
		whole->to = depend_extension(all, migrate_depend_whole(all, edge->to));
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

		if (migrate_depend_is_system(edge.from) || migrate_depend_is_system(edge.to))
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

/* Add what edges of an object, or of a part of one, lead to. */
static void
depend_add_needs(uint64 self, const DependEdges *edges, bool mapped, DependList *needs)
{
	for (int i = 0; i < edges->count; i++)
	{
		uint64		to = edges->edges[i].to;
		bool		known = false;

		if (migrate_depend_is_system(to) || edges->edges[i].type == DEPENDENCY_EXTENSION)
			continue;
		if (!mapped)
			to = depend_extension(NULL, migrate_depend_whole(NULL, to));
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
	migrate_depend_look(key, false, &own);
	depend_add_needs(key, &own, false, needs);
	/* a composite type depends on its schema by its row in pg_type */
	if (OBJECT_KEY_CLASS(key) == RelationRelationId &&
		get_rel_relkind(OBJECT_KEY_OID(key)) == RELKIND_COMPOSITE_TYPE)
	{
		migrate_depend_look(OBJECT_KEY(TypeRelationId, get_rel_type_id(OBJECT_KEY_OID(key))), false, &own);
		depend_add_needs(key, &own, false, needs);
	}
	if (!depend_can_have_parts(OBJECT_KEY_CLASS(key)))
		return;
	migrate_depend_look(key, true, &parts);
	for (int i = 0; i < parts.count; i++)
	{
		if (!depend_is_part(&parts.edges[i]))
			continue;
		migrate_depend_look(parts.edges[i].from, false, &own);
		depend_add_needs(key, &own, false, needs);
	}
}
