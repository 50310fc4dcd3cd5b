/*-------------------------------------------------------------------------
 *
 * sight.c
 *		The relations that a run has seen.
 *
 * What a relation is, whether it was there before the transaction, and how it
 * stood when it was looked at last, so that the next look tells what a statement
 * did to it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "sight.h"

/* Tell whether a relation is none of the users'. */
static bool
sight_ignores(const Sights *sights, Oid relid, Oid schema)
{
	return relid < FirstNormalObjectId || IsCatalogNamespace(schema) || IsToastNamespace(schema) ||
		schema == sights->own_schemas[0] || schema == sights->own_schemas[1];
}

/* Learn what a relation is, the first time it is seen. */
static void
sight_learn(Sights *sights, Sight *entry, bool created)
{
	MemoryContext old = MemoryContextSwitchTo(sights->context);
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(entry->relid));
	Relation	rel;

	memset(&entry->relkind, 0, sizeof(Sight) - offsetof(Sight, relkind));
	entry->created = created;
	entry->ignored = !HeapTupleIsValid(tuple) && !created;
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		entry->relkind = form->relkind;
		entry->ignored = sight_ignores(sights, entry->relid, form->relnamespace);
		if (!entry->ignored)
			entry->name = quote_qualified_identifier(get_namespace_name(form->relnamespace),
													 NameStr(form->relname));
		ReleaseSysCache(tuple);
	}
	if (!entry->ignored && !created && (rel = RelationIdGetRelation(entry->relid)) != NULL)
	{
		entry->created = rel->rd_createSubid != InvalidSubTransactionId;
		entry->storage = compat_has_new_storage(rel) ? InvalidOid : compat_storage(rel);
		RelationClose(rel);
	}
	if (!entry->ignored && !entry->created &&
		(entry->relkind == RELKIND_RELATION || entry->relkind == RELKIND_MATVIEW))
		sights->tables = lappend_oid(sights->tables, entry->relid);
	MemoryContextSwitchTo(old);
}

/* Find a relation; one that was there before is learned when it is first seen. */
Sight *
migrate_sight_find(Sights *sights, Oid relid)
{
	bool		found;
	Sight	   *entry = sight_insert(sights->entries, relid, &found);

	if (!found)
		sight_learn(sights, entry, false);
	return entry;
}

/* Note that the running statement did something to a relation from before. */
ObservedRelation *
migrate_sight_touch(Sights *sights, Sight *entry)
{
	MemoryContext old;

	if (entry->now != NULL)
		return entry->now;
	old = MemoryContextSwitchTo(sights->records);
	entry->now = palloc0(sizeof(ObservedRelation));
	entry->now->relid = entry->relid;
	entry->now->relkind = entry->relkind;
	entry->now->name = pstrdup(entry->name);
	sights->touched = lappend(sights->touched, entry->now);
	MemoryContextSwitchTo(old);
	return entry->now;
}

/* A relation was made. */
void
migrate_sight_made(Sights *sights, Oid relid)
{
	bool		found;
	Sight	   *entry = sight_insert(sights->entries, relid, &found);
	MemoryContext old = MemoryContextSwitchTo(sights->records);

	memset(&entry->relkind, 0, sizeof(Sight) - offsetof(Sight, relkind));
	entry->created = true;
	sights->made = lappend_oid(sights->made, relid);
	MemoryContextSwitchTo(old);
}

/*
 * Remember what earlier transactions of this session have counted, and the
 * statistics have not been told yet.
 */
static void
sight_read_counts(Sights *sights)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		Sight	   *entry;

		if (form->oid < FirstNormalObjectId ||
			(form->relkind != RELKIND_RELATION && form->relkind != RELKIND_MATVIEW) ||
			sight_ignores(sights, form->oid, form->relnamespace) ||
			!compat_has_counts(form->oid))
			continue;
		entry = migrate_sight_find(sights, form->oid);
		entry->counts = compat_counts(form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Begin; they live in the current memory context. */
Sights *
migrate_sights_begin(MemoryContext records)
{
	Sights	   *sights = palloc0(sizeof(Sights));

	sights->context = CurrentMemoryContext;
	sights->records = records;
	sights->entries = sight_create(CurrentMemoryContext, 128, NULL);
	sights->own_schemas[0] = get_namespace_oid("migrate", true);
	sights->own_schemas[1] = get_namespace_oid("migrate_backup", true);
	if (pgstat_track_counts)
		sight_read_counts(sights);
	return sights;
}

/* Compare two relations: the stronger lock first, then by name. */
static int
sight_compare(const ListCell *a, const ListCell *b)
{
	const ObservedRelation *one = lfirst(a);
	const ObservedRelation *other = lfirst(b);

	if (one->mode != other->mode)
		return other->mode - one->mode;
	return strcmp(one->name, other->name);
}

/*
 * The running statement is over: return what it did, without what says nothing,
 * indexes and sequences that were locked as every use of their table does.
 */
List *
migrate_sights_settle(Sights *sights)
{
	List	   *relations = NIL;
	ListCell   *lc;
	MemoryContext old = MemoryContextSwitchTo(sights->records);

	foreach(lc, sights->touched)
	{
		ObservedRelation *now = lfirst(lc);
		Sight	   *entry = sight_lookup(sights->entries, now->relid);
		bool		plain = now->relkind != RELKIND_INDEX && now->relkind != RELKIND_PARTITIONED_INDEX &&
		now->relkind != RELKIND_SEQUENCE;

		entry->now = NULL;
		entry->truncated = entry->dropped = false;
		if (plain || now->build || now->mode >= ShareUpdateExclusiveLock)
			relations = lappend(relations, now);
	}
	list_sort(relations, sight_compare);
	list_free(sights->made);
	sights->touched = sights->made = NIL;
	MemoryContextSwitchTo(old);
	return relations;
}
