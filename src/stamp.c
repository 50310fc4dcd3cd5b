/*-------------------------------------------------------------------------
 *
 * stamp.c
 *		Which objects of the schema changed, without rendering any.
 *
 * The stamp of an object is the sum of the hashes (tracked.c) of all catalog
 * rows that make it up.  An object whose stamp is the one it had when it was
 * rendered last has the definition it had then, apart from names of others in
 * it: dependreach.c follows those.
 *
 * Stamps are always taken before objects are rendered: what another session
 * commits between the two is rendered again next time, never missed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"

#include "stampset.h"

/* One pass over a catalog. */
typedef struct StampPass
{
	Stamps	   *stamps;
	const TrackedCatalog *tracked;
	uint64		last_key;		/* of the row before, and its entry */
	StampEntry *last;
} StampPass;

/* Add a change to a list. */
static void
stamp_push(StampChanges *changes, StampChange change)
{
	if (changes->count == changes->allocated)
	{
		changes->allocated = Max(64, 2 * changes->allocated);
		if (changes->items == NULL)
			changes->items = palloc(changes->allocated * sizeof(StampChange));
		else
			changes->items = repalloc_huge(changes->items,
										   (Size) changes->allocated * sizeof(StampChange));
	}
	changes->items[changes->count++] = change;
}

/* Note how the stamp of an object moved. */
void
migrate_stampset_note(StampChanges *changes, const StampEntry *entry, StampMove move, bool renamed)
{
	StampChange change = {
		.key = entry->key,
		.move = move,
		.renamed = renamed,
	};

	stamp_push(changes, change);
}

/* Chain what is on a relation to it. */
static void
stamp_chain(Stamps *stamps, StampEntry *entry)
{
	StampEntry *relation = stamptab_lookup(stamps->table,
										   OBJECT_KEY(RelationRelationId, entry->relation));

	if (relation == NULL)
		return;
	entry->next = relation->first;
	relation->first = entry->key;
}

/* Find the entry that a row of an object's own catalog is for, or make it. */
StampEntry *
migrate_stampset_enter(Stamps *stamps, const TrackedRow *row)
{
	StampEntry *entry;
	bool		found;

	if (OidIsValid(row->relation))
	{
		StampEntry *relation = stampset_find(stamps->relations,
											 OBJECT_KEY(RelationRelationId, row->relation));

		/* row types follow their relations, unless they are composite types */
		if (relation == NULL ||
			(OBJECT_KEY_CLASS(row->key) == TypeRelationId &&
			 relation->relkind != RELKIND_COMPOSITE_TYPE))
			return NULL;
	}
	entry = stamptab_insert(stamps->table, row->key, &found);
	if (!found)
	{
		stampset_clear(entry);
		entry->relation = row->relation;
		entry->relkind = row->relkind;
		if (OidIsValid(row->relation))
			stamp_chain(stamps, entry);
	}
	entry->gone = false;
	return entry;
}

/* Return the table that a toast table is of. */
static Oid
stamp_toast_owner(Oid toast)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(toast));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->refclassid == RelationRelationId)
			owner = depend->refobjid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return owner;
}

/* Count a row of a catalog in. */
static void
stamp_add(StampPass *pass, HeapTuple tuple, List **toast)
{
	TrackedRow	row;
	StampEntry *entry;

	if (!migrate_tracked_read(pass->tracked, tuple, &row))
		return;
	if (row.relkind == RELKIND_TOASTVALUE)
	{
		TrackedRow *kept = palloc(sizeof(TrackedRow));

		*kept = row;
		*toast = lappend(*toast, kept);
		return;
	}
	if (pass->last != NULL && row.key == pass->last_key)
		entry = pass->last;
	else if (pass->tracked->role == TRACKED_OBJECT || pass->tracked->role == TRACKED_NAME)
		entry = migrate_stampset_enter(pass->stamps, &row);
	else
		entry = stampset_find(pass->stamps->table, row.key);
	if (entry == NULL)
		return;
	pass->last_key = row.key;
	pass->last = entry;
	if (pass->tracked->role == TRACKED_NOTE)
		entry->notes += row.hash;
	else
		entry->own += row.hash;
	entry->names += row.names;
	entry->member |= pass->tracked->catalog == DependRelationId;
}

/* Tell whether only few rows of a catalog count, which an index finds. */
static inline bool
stamp_selects(const TrackedCatalog *tracked)
{
	return tracked->catalog == DependRelationId ||
		(tracked->catalog == ConstraintRelationId && tracked->role == TRACKED_PART);
}

/* Scan a catalog that has few rows for us, or may have many. */
void
migrate_stampset_scan(Stamps *stamps, const TrackedCatalog *tracked)
{
	StampPass	pass = {.stamps = stamps, .tracked = tracked};
	Relation	rel = table_open(tracked->catalog, AccessShareLock);
	List	   *toast = NIL;
	ListCell   *lc;
	HeapTuple	tuple;

	if (stamp_selects(tracked))
	{
		ScanKeyData key;
		SysScanDesc scan;

		if (tracked->catalog == DependRelationId)
			ScanKeyInit(&key, Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
						ObjectIdGetDatum(ExtensionRelationId));
		else
			ScanKeyInit(&key, Anum_pg_constraint_contypid, BTGreaterStrategyNumber, F_OIDGT,
						ObjectIdGetDatum(InvalidOid));
		scan = systable_beginscan(rel, tracked->catalog == DependRelationId ?
								  DependReferenceIndexId : ConstraintTypidIndexId,
								  true, NULL, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			stamp_add(&pass, tuple, &toast);
		systable_endscan(scan);
	}
	else
	{
		TableScanDesc scan = table_beginscan_catalog(rel, 0, NULL);

		while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
			stamp_add(&pass, tuple, &toast);
		table_endscan(scan);
	}
	table_close(rel, AccessShareLock);

	foreach(lc, toast)
	{
		TrackedRow *row = lfirst(lc);
		Oid			owner = stamp_toast_owner(OBJECT_KEY_OID(row->key));
		StampEntry *entry = stamptab_lookup(stamps->table, OBJECT_KEY(RelationRelationId, owner));

		if (entry != NULL)
			entry->own += row->hash;
	}
	list_free_deep(toast);
}

/* Make an empty set of stamps in the current memory context. */
Stamps *
migrate_stampset_make(uint32 size)
{
	Stamps	   *stamps = palloc(sizeof(Stamps));

	stamps->table = stamptab_create(CurrentMemoryContext, size, NULL);
	stamps->relations = stamps->table;
	return stamps;
}

/* Stamp every object of the schema, in one pass over the catalogs. */
Stamps *
migrate_stamp_scan(void)
{
	Stamps	   *stamps = migrate_stampset_make(4096);

	for (int i = 0; i < migrate_tracked_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		migrate_stampset_scan(stamps, &migrate_tracked[i]);
	}
	return stamps;
}

/* Note what moved between two sets of stamps. */
void
migrate_stamp_compare(Stamps *old, Stamps *new, StampChanges *changes)
{
	stamptab_iterator iterator;
	StampEntry *entry;

	stamptab_start_iterate(new->table, &iterator);
	while ((entry = stamptab_iterate(new->table, &iterator)) != NULL)
	{
		StampEntry *before = stampset_find(old->table, entry->key);

		if (before == NULL)
			migrate_stampset_note(changes, entry, STAMP_NEW, true);
		else if (stampset_differs(before, entry))
			migrate_stampset_note(changes, entry, STAMP_CHANGED, before->names != entry->names);
	}
	stamptab_start_iterate(old->table, &iterator);
	while ((entry = stamptab_iterate(old->table, &iterator)) != NULL)
		if (!entry->gone && stampset_find(new->table, entry->key) == NULL)
			migrate_stampset_note(changes, entry, STAMP_GONE, true);
}

/* Note every object as new. */
void
migrate_stamp_all(Stamps *stamps, StampChanges *changes)
{
	stamptab_iterator iterator;
	StampEntry *entry;

	stamptab_start_iterate(stamps->table, &iterator);
	while ((entry = stamptab_iterate(stamps->table, &iterator)) != NULL)
		if (!entry->gone)
			migrate_stampset_note(changes, entry, STAMP_NEW, true);
}

/* Add all of some changes to others. */
void
migrate_stamp_append(StampChanges *all, const StampChanges *changes)
{
	for (int i = 0; i < changes->count; i++)
		stamp_push(all, changes->items[i]);
}

/* Free a set of stamps. */
void
migrate_stamp_free(Stamps *stamps)
{
	stamptab_destroy(stamps->table);
	pfree(stamps);
}

/* Tell whether an object is there. */
bool
migrate_stamp_known(Stamps *stamps, uint64 key)
{
	return stampset_find(stamps->table, key) != NULL;
}

/* Tell whether an object is the server's or an extension's, as far as is known. */
bool
migrate_stamp_foreign(Stamps *stamps, uint64 key)
{
	StampEntry *entry = stampset_find(stamps->table, key);

	return OBJECT_KEY_OID(key) < FirstNormalObjectId || (entry != NULL && entry->member);
}

/* Return the kind of a relation, or 0. */
char
migrate_stamp_relkind(Stamps *stamps, Oid relid)
{
	StampEntry *entry = stampset_find(stamps->table, OBJECT_KEY(RelationRelationId, relid));

	return entry == NULL ? '\0' : entry->relkind;
}
