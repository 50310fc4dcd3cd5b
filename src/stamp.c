/*-------------------------------------------------------------------------
 *
 * stamp.c
 *		Which objects of the schema changed, without rendering any.
 *
 * The stamp of an object is the sum of the hashes (tracked.c) of all catalog
 * rows that make it up.  An object whose stamp is the one it had when it was
 * rendered last has the definition it had then, apart from names of others in
 * it: depend.c follows those.
 *
 * Stamps are always taken before objects are rendered: what another session
 * commits between the two is rendered again next time, never missed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "column.h"
#include "owner.h"
#include "stamp.h"

/* Stored stamps stand in chunks, each for a range of OIDs of one catalog. */
#define STAMP_RANGE_BITS 10
#define STAMP_ITEM_SIZE (sizeof(uint32) + sizeof(uint64))

/* One object. */
typedef struct StampEntry
{
	uint64		key;
	uint64		own;			/* sum over the rows of its catalogs */
	uint64		notes;			/* sum over comments, labels, memberships */
	uint64		first;			/* of a relation: what is on it */
	uint64		next;			/* what else is on the same relation */
	Oid			relation;
	uint32		names;
	char		relkind;
	bool		member;			/* of an extension, or depends on one */
	bool		gone;			/* kept for the chain it stands in */
	bool		matched;		/* scratch of migrate_stamp_load() */
	char		status;
} StampEntry;

#define SH_PREFIX stamptab
#define SH_ELEMENT_TYPE StampEntry
#define SH_KEY_TYPE uint64
#define SH_KEY key
#define SH_HASH_KEY(table, key) ((uint32) ((key) * UINT64CONST(0x9e3779b97f4a7c15) >> 32))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct Stamps
{
	stamptab_hash *table;
	stamptab_hash *relations;	/* where relations are looked up */
};

/* One pass over a catalog. */
typedef struct StampPass
{
	Stamps	   *stamps;
	const TrackedCatalog *tracked;
	uint64		last_key;		/* of the row before, and its entry */
	StampEntry *last;
} StampPass;

/* Find an object, if it is there. */
static inline StampEntry *
stamp_find(stamptab_hash *table, uint64 key)
{
	StampEntry *entry = stamptab_lookup(table, key);

	return entry == NULL || entry->gone ? NULL : entry;
}

/* Begin again with an entry. */
static inline void
stamp_clear(StampEntry *entry)
{
	memset((char *) entry + sizeof(uint64), 0, offsetof(StampEntry, status) - sizeof(uint64));
}

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
static void
stamp_note(StampChanges *changes, const StampEntry *entry, StampMove move, bool renamed)
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
static StampEntry *
stamp_enter(Stamps *stamps, const TrackedRow *row)
{
	StampEntry *entry;
	bool		found;

	if (OidIsValid(row->relation))
	{
		StampEntry *relation = stamp_find(stamps->relations,
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
		stamp_clear(entry);
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
		entry = stamp_enter(pass->stamps, &row);
	else
		entry = stamp_find(pass->stamps->table, row.key);
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
static void
stamp_scan_catalog(Stamps *stamps, const TrackedCatalog *tracked)
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
static Stamps *
stamp_make(uint32 size)
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
	Stamps	   *stamps = stamp_make(4096);

	for (int i = 0; i < migrate_tracked_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		stamp_scan_catalog(stamps, &migrate_tracked[i]);
	}
	return stamps;
}

/* Tell whether two entries differ. */
static inline bool
stamp_differs(const StampEntry *one, const StampEntry *other)
{
	return one->own + one->notes != other->own + other->notes;
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
		StampEntry *before = stamp_find(old->table, entry->key);

		if (before == NULL)
			stamp_note(changes, entry, STAMP_NEW, true);
		else if (stamp_differs(before, entry))
			stamp_note(changes, entry, STAMP_CHANGED, before->names != entry->names);
	}
	stamptab_start_iterate(old->table, &iterator);
	while ((entry = stamptab_iterate(old->table, &iterator)) != NULL)
		if (!entry->gone && stamp_find(new->table, entry->key) == NULL)
			stamp_note(changes, entry, STAMP_GONE, true);
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
			stamp_note(changes, entry, STAMP_NEW, true);
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
	return stamp_find(stamps->table, key) != NULL;
}

/* Tell whether an object is the server's or an extension's, as far as is known. */
bool
migrate_stamp_foreign(Stamps *stamps, uint64 key)
{
	StampEntry *entry = stamp_find(stamps->table, key);

	return OBJECT_KEY_OID(key) < FirstNormalObjectId || (entry != NULL && entry->member);
}

/* Return the kind of a relation, or 0. */
char
migrate_stamp_relkind(Stamps *stamps, Oid relid)
{
	StampEntry *entry = stamp_find(stamps->table, OBJECT_KEY(RelationRelationId, relid));

	return entry == NULL ? '\0' : entry->relkind;
}

/* Replace the entry of an object by what a look at it gave (NULL = it is gone). */
static void
stamp_settle(Stamps *stamps, uint64 key, const StampEntry *fresh, StampChanges *changes)
{
	StampEntry *entry = stamp_find(stamps->table, key);

	if (fresh == NULL)
	{
		if (entry != NULL)
		{
			stamp_note(changes, entry, STAMP_GONE, true);
			entry->gone = true;
		}
		return;
	}
	if (entry == NULL)
	{
		TrackedRow	row = {.key = key, .relation = fresh->relation, .relkind = fresh->relkind};

		entry = stamp_enter(stamps, &row);
		if (entry == NULL)
			return;
		stamp_note(changes, fresh, STAMP_NEW, true);
	}
	else if (stamp_differs(entry, fresh))
		stamp_note(changes, fresh, STAMP_CHANGED, entry->names != fresh->names);
	entry->own = fresh->own;
	entry->notes = fresh->notes;
	entry->names = fresh->names;
	entry->relkind = fresh->relkind;
	entry->member = fresh->member;
}

/* Begin to look for the rows of one object in a catalog. */
static SysScanDesc
stamp_look(Relation rel, const TrackedCatalog *tracked, uint64 key)
{
	ScanKeyData keys[2];
	int			n = 0;

	if (tracked->catalog == DependRelationId)
		ScanKeyInit(&keys[n++], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(OBJECT_KEY_CLASS(key)));
	ScanKeyInit(&keys[n++], tracked->object_column, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(OBJECT_KEY_OID(key)));
	return systable_beginscan(rel, tracked->object_index, OidIsValid(tracked->object_index),
							  NULL, n, keys);
}

/* Count the rows in that one catalog has of an object; returns how many. */
static int
stamp_count_rows(const TrackedCatalog *tracked, uint64 key, StampEntry *fresh, Oid *toast)
{
	Relation	rel = table_open(tracked->catalog, AccessShareLock);
	SysScanDesc scan = stamp_look(rel, tracked, key);
	HeapTuple	tuple;
	TrackedRow	row;
	int			count = 0;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (!migrate_tracked_read(tracked, tuple, &row) || row.key != key)
			continue;
		count++;
		if (tracked->role == TRACKED_NOTE)
			fresh->notes += row.hash;
		else
			fresh->own += row.hash;
		fresh->names += row.names;
		fresh->member |= tracked->catalog == DependRelationId;
		if (tracked->role == TRACKED_OBJECT)
		{
			fresh->relation = row.relation;
			fresh->relkind = row.relkind;
		}
		if (tracked->catalog == RelationRelationId)
			*toast = ((Form_pg_class) GETSTRUCT(tuple))->reltoastrelid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return count;
}

/* Tell whether a catalog can have rows for a relation of this kind. */
static bool
stamp_may_have_rows(const TrackedCatalog *tracked, char relkind)
{
	switch (tracked->catalog)
	{
		case PartitionedRelationId:
			return relkind == RELKIND_PARTITIONED_TABLE;
		case SequenceRelationId:
			return relkind == RELKIND_SEQUENCE;
		case ForeignTableRelationId:
			return relkind == RELKIND_FOREIGN_TABLE;
		case IndexRelationId:
			return relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX;
		default:
			return true;
	}
}

/* Stamp one object; false = it is not there. */
static bool
stamp_take(uint64 key, StampEntry *fresh)
{
	Oid			class = OBJECT_KEY_CLASS(key);
	Oid			toast = InvalidOid;
	StampEntry	part = {0};
	bool		found = false;

	stamp_clear(fresh);
	fresh->key = key;
	for (int i = 0; i < migrate_tracked_count; i++)
	{
		const TrackedCatalog *tracked = &migrate_tracked[i];
		int			count;

		if (tracked->role != TRACKED_NOTE && tracked->class != class)
			continue;
		if (class == RelationRelationId && !stamp_may_have_rows(tracked, fresh->relkind))
			continue;
		count = stamp_count_rows(tracked, key, fresh, &toast);
		if (count == 0 && tracked->catalog == class)
			return false;
		found |= tracked->catalog == class;
	}
	if (!found)
		return false;
	if (OidIsValid(toast))
		(void) stamp_count_rows(&migrate_tracked[0], OBJECT_KEY(class, toast), &part, &toast);
	fresh->own += part.own;
	return fresh->relkind != RELKIND_TOASTVALUE;
}

/* Look at one object again. */
static void
stamp_refresh_one(Stamps *stamps, uint64 key, StampChanges *changes)
{
	StampEntry	fresh;

	if (stamp_take(key, &fresh))
		stamp_settle(stamps, key, &fresh, changes);
	else
		stamp_settle(stamps, key, NULL, changes);
}

/* Look again at what is on a relation, in one catalog. */
static void
stamp_refresh_on(Stamps *stamps, const TrackedCatalog *tracked, Oid relid, StampChanges *changes)
{
	Relation	rel = table_open(tracked->catalog, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	TrackedRow	row;

	ScanKeyInit(&key, tracked->relation_column, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, tracked->relation_index, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (migrate_tracked_read(tracked, tuple, &row) &&
			stamp_find(stamps->table, row.key) == NULL)
			stamp_refresh_one(stamps, row.key, changes);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Tell whether constraints, triggers and the like can be on such a relation. */
static bool
stamp_can_carry(char relkind)
{
	return relkind != RELKIND_INDEX && relkind != RELKIND_PARTITIONED_INDEX &&
		relkind != RELKIND_SEQUENCE && relkind != RELKIND_COMPOSITE_TYPE;
}

/* Look at an object again, and at what is on it; note what moved. */
void
migrate_stamp_refresh(Stamps *stamps, uint64 key, StampChanges *changes)
{
	StampEntry *entry;
	uint64		next;

	stamp_refresh_one(stamps, key, changes);
	if (OBJECT_KEY_CLASS(key) != RelationRelationId)
		return;
	entry = stamptab_lookup(stamps->table, key);
	if (entry == NULL)
		return;
	for (next = entry->first; next != 0; next = stamptab_lookup(stamps->table, next)->next)
		stamp_refresh_one(stamps, next, changes);
	entry = stamp_find(stamps->table, key);
	if (entry == NULL || !stamp_can_carry(entry->relkind))
		return;
	for (int i = 0; i < migrate_tracked_count; i++)
		if (migrate_tracked[i].relation >= 0)
			stamp_refresh_on(stamps, &migrate_tracked[i], OBJECT_KEY_OID(key), changes);
}

/*
 * Look again at the constraints of the tables that inherit from one: the server
 * changes their rows without a word when the parent's constraint goes.
 */
void
migrate_stamp_refresh_inherited(Stamps *stamps, Oid relid, StampChanges *changes)
{
	StampEntry *entry = stamp_find(stamps->table, OBJECT_KEY(RelationRelationId, relid));
	ListCell   *lc;

	if (entry == NULL || !stamp_can_carry(entry->relkind) || !has_subclass(relid))
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		uint64		key = OBJECT_KEY(RelationRelationId, lfirst_oid(lc));

		entry = lfirst_oid(lc) == relid ? NULL : stamp_find(stamps->table, key);
		for (key = entry == NULL ? 0 : entry->first; key != 0;
			 key = stamptab_lookup(stamps->table, key)->next)
			if (OBJECT_KEY_CLASS(key) == ConstraintRelationId)
				stamp_refresh_one(stamps, key, changes);
	}
}

/*
 * Look at all objects of a catalog again.  Those that are gone are not found
 * this way: the caller knows them.
 */
void
migrate_stamp_refresh_class(Stamps *stamps, Oid class, StampChanges *changes)
{
	Stamps	   *fresh = stamp_make(256);
	stamptab_iterator iterator;
	StampEntry *entry;

	fresh->relations = stamps->table;
	for (int i = 0; i < migrate_tracked_count; i++)
		if (migrate_tracked[i].class == class)
			stamp_scan_catalog(fresh, &migrate_tracked[i]);
	stamptab_start_iterate(fresh->table, &iterator);
	while ((entry = stamptab_iterate(fresh->table, &iterator)) != NULL)
	{
		StampEntry *before = stamp_find(stamps->table, entry->key);

		if (before == NULL || before->own != entry->own)
			stamp_refresh_one(stamps, entry->key, changes);
	}
	stamptab_destroy(fresh->table);
	pfree(fresh);
}

/* Compare one stored chunk with the stamps of now. */
static void
stamp_load_chunk(Stamps *stamps, Oid class, bytea *chunk, StampChanges *changes)
{
	char	   *data = VARDATA_ANY(chunk);
	char	   *end = data + VARSIZE_ANY_EXHDR(chunk);

	for (; data + STAMP_ITEM_SIZE <= end; data += STAMP_ITEM_SIZE)
	{
		uint32		object;
		uint64		stamp;
		StampEntry *entry;
		StampEntry	gone = {0};

		memcpy(&object, data, sizeof(object));
		memcpy(&stamp, data + sizeof(object), sizeof(stamp));
		entry = stamp_find(stamps->table, OBJECT_KEY(class, object));
		if (entry == NULL)
		{
			gone.key = OBJECT_KEY(class, object);
			stamp_note(changes, &gone, STAMP_GONE, true);
			continue;
		}
		entry->matched = true;
		if (entry->own + entry->notes != stamp)
			stamp_note(changes, entry, STAMP_CHANGED, true);
	}
}

/*
 * Compare the stored stamps with those of now; false = none are stored.  The
 * caller is raised.
 */
bool
migrate_stamp_load(Stamps *stamps, StampChanges *changes)
{
	static OwnerQuery query = {.sql = "SELECT class, stamps FROM migrate.stamp"};
	uint64		count = migrate_owner_run(&query, NULL, NULL);
	stamptab_iterator iterator;
	StampEntry *entry;

	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		Oid			class = DatumGetObjectId(migrate_owner_value(i, 1, &isnull));

		stamp_load_chunk(stamps, class,
						 DatumGetByteaPP(migrate_owner_value(i, 2, &isnull)), changes);
	}
	migrate_owner_free();
	if (count == 0)
		return false;
	stamptab_start_iterate(stamps->table, &iterator);
	while ((entry = stamptab_iterate(stamps->table, &iterator)) != NULL)
		if (!entry->matched && !entry->gone)
			stamp_note(changes, entry, STAMP_NEW, true);
	return true;
}

/* A chunk while it is filled. */
typedef struct StampChunk
{
	uint64		number;			/* key without its low bits */
	StringInfoData data;
} StampChunk;

/* Order chunks by number. */
static int
stamp_chunk_compare(const void *one, const void *other)
{
	uint64		a = ((const StampChunk *) one)->number;
	uint64		b = ((const StampChunk *) other)->number;

	return a < b ? -1 : a > b;
}

/* List the chunks that changes lie in, in order. */
static StampChunk *
stamp_list_chunks(const StampChanges *changes, int *count)
{
	StampChunk *chunks = MemoryContextAllocHuge(CurrentMemoryContext,
												sizeof(StampChunk) * (Size) Max(changes->count, 1));
	int			kept = 0;

	for (int i = 0; i < changes->count; i++)
		chunks[i].number = changes->items[i].key >> STAMP_RANGE_BITS;
	qsort(chunks, changes->count, sizeof(StampChunk), stamp_chunk_compare);
	for (int i = 0; i < changes->count; i++)
	{
		if (kept > 0 && chunks[kept - 1].number == chunks[i].number)
			continue;
		chunks[kept].number = chunks[i].number;
		initStringInfo(&chunks[kept].data);
		/* room for the length word */
		appendStringInfoSpaces(&chunks[kept].data, VARHDRSZ);
		kept++;
	}
	*count = kept;
	return chunks;
}

/* Write chunks; empty ones go. */
static void
stamp_write_chunks(StampChunk *chunks, int count)
{
	static OwnerQuery query = {
		.sql = "MERGE INTO migrate.stamp s"
		" USING (SELECT * FROM unnest($1, $2, $3) u (class, range, stamps)) u"
		" ON s.class OPERATOR(pg_catalog.=) u.class AND s.range OPERATOR(pg_catalog.=) u.range"
		" WHEN MATCHED AND pg_catalog.length(u.stamps) OPERATOR(pg_catalog.=) 0 THEN DELETE"
		" WHEN MATCHED THEN UPDATE SET stamps = u.stamps"
		" WHEN NOT MATCHED AND pg_catalog.length(u.stamps) OPERATOR(pg_catalog.>) 0"
		" THEN INSERT (class, range, stamps) VALUES (u.class, u.range, u.stamps)",
		.nargs = 3,
		.argtypes = {OIDARRAYOID, INT4ARRAYOID, BYTEAARRAYOID},
	};
	Column		columns[3] = {{.type = OIDOID}, {.type = INT4OID}, {.type = BYTEAOID}};
	Datum		values[3];

	for (int i = 0; i < count; i++)
	{
		uint64		first = chunks[i].number << STAMP_RANGE_BITS;

		SET_VARSIZE(chunks[i].data.data, chunks[i].data.len);
		migrate_column_add(&columns[0], ObjectIdGetDatum(OBJECT_KEY_CLASS(first)));
		migrate_column_add(&columns[1], Int32GetDatum(OBJECT_KEY_OID(first) >> STAMP_RANGE_BITS));
		migrate_column_add(&columns[2], PointerGetDatum(chunks[i].data.data));
	}
	for (int i = 0; i < 3; i++)
		values[i] = migrate_column_array(&columns[i], 0, count);
	migrate_owner_run(&query, values, NULL);
}

/* Store the stamps of what changed; the caller is raised. */
void
migrate_stamp_save(Stamps *stamps, const StampChanges *changes)
{
	int			count;
	StampChunk *chunks = stamp_list_chunks(changes, &count);
	stamptab_iterator iterator;
	StampEntry *entry;

	if (count == 0)
		return;
	stamptab_start_iterate(stamps->table, &iterator);
	while ((entry = stamptab_iterate(stamps->table, &iterator)) != NULL)
	{
		StampChunk	wanted = {.number = entry->key >> STAMP_RANGE_BITS};
		StampChunk *chunk;
		uint32		object = OBJECT_KEY_OID(entry->key);
		uint64		stamp = entry->own + entry->notes;

		if (entry->gone)
			continue;
		chunk = bsearch(&wanted, chunks, count, sizeof(StampChunk), stamp_chunk_compare);
		if (chunk == NULL)
			continue;
		appendBinaryStringInfo(&chunk->data, (char *) &object, sizeof(object));
		appendBinaryStringInfo(&chunk->data, (char *) &stamp, sizeof(stamp));
	}
	stamp_write_chunks(chunks, count);
}
