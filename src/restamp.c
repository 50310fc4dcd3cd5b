/*-------------------------------------------------------------------------
 *
 * restamp.c
 *		Look again at the stamps of single objects.
 *
 * A script changes few objects; those that track.c noted are looked up by the
 * indexes of the catalogs, with what is on them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_sequence.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "stampset.h"

/* Replace the entry of an object by what a look at it gave (NULL = it is gone). */
static void
restamp_settle(Stamps *stamps, uint64 key, const StampEntry *fresh, StampChanges *changes)
{
	StampEntry *entry = stampset_find(stamps->table, key);

	if (fresh == NULL)
	{
		if (entry != NULL)
		{
			migrate_stampset_note(changes, entry, STAMP_GONE, true);
			entry->gone = true;
		}
		return;
	}
	if (entry == NULL)
	{
		TrackedRow	row = {.key = key, .relation = fresh->relation, .relkind = fresh->relkind};

		entry = migrate_stampset_enter(stamps, &row);
		if (entry == NULL)
			return;
		migrate_stampset_note(changes, fresh, STAMP_NEW, true);
	}
	else if (stampset_differs(entry, fresh))
		migrate_stampset_note(changes, fresh, STAMP_CHANGED, entry->names != fresh->names);
	entry->own = fresh->own;
	entry->notes = fresh->notes;
	entry->names = fresh->names;
	entry->relkind = fresh->relkind;
	entry->member = fresh->member;
}

/* Begin to look for the rows of one object in a catalog. */
static SysScanDesc
restamp_look(Relation rel, const TrackedCatalog *tracked, uint64 key)
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

/* Tell whether nothing is in a catalog that has nothing in most databases. */
static bool
restamp_is_empty(Relation rel)
{
	return (RelationGetRelid(rel) == SecLabelRelationId || RelationGetRelid(rel) == InheritsRelationId) &&
		RelationGetNumberOfBlocks(rel) == 0;
}

/* Count the rows that one catalog has of an object; returns how many. */
static int
restamp_count_rows(const TrackedCatalog *tracked, uint64 key, StampEntry *fresh, Oid *toast)
{
	Relation	rel = table_open(tracked->catalog, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	TrackedRow	row;
	int			count = 0;

	if (restamp_is_empty(rel))
	{
		table_close(rel, AccessShareLock);
		return 0;
	}
	scan = restamp_look(rel, tracked, key);
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
restamp_may_have_rows(const TrackedCatalog *tracked, char relkind)
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
restamp_take(uint64 key, StampEntry *fresh)
{
	Oid			class = OBJECT_KEY_CLASS(key);
	Oid			toast = InvalidOid;
	StampEntry	part = {0};
	bool		found = false;

	stampset_clear(fresh);
	fresh->key = key;
	for (int i = 0; i < migrate_tracked_count; i++)
	{
		const TrackedCatalog *tracked = &migrate_tracked[i];
		int			count;

		if (tracked->role != TRACKED_NOTE && tracked->class != class)
			continue;
		if (class == RelationRelationId && !restamp_may_have_rows(tracked, fresh->relkind))
			continue;
		count = restamp_count_rows(tracked, key, fresh, &toast);
		if (count == 0 && tracked->catalog == class)
			return false;
		found |= tracked->catalog == class;
	}
	if (!found)
		return false;
	if (OidIsValid(toast))
		(void) restamp_count_rows(&migrate_tracked[0], OBJECT_KEY(class, toast), &part, &toast);
	fresh->own += part.own;
	return fresh->relkind != RELKIND_TOASTVALUE;
}

/* Look at one object again. */
static void
restamp_refresh_one(Stamps *stamps, uint64 key, StampChanges *changes)
{
	StampEntry	fresh;

	if (restamp_take(key, &fresh))
		restamp_settle(stamps, key, &fresh, changes);
	else
		restamp_settle(stamps, key, NULL, changes);
}

/* Look again at what is on a relation, in one catalog. */
static void
restamp_refresh_on(Stamps *stamps, const TrackedCatalog *tracked, Oid relid, StampChanges *changes)
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
			stampset_find(stamps->table, row.key) == NULL)
			restamp_refresh_one(stamps, row.key, changes);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Tell whether constraints, triggers and the like can be on such a relation. */
static bool
restamp_can_carry(char relkind)
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

	restamp_refresh_one(stamps, key, changes);
	if (OBJECT_KEY_CLASS(key) != RelationRelationId)
		return;
	entry = stamptab_lookup(stamps->table, key);
	if (entry == NULL)
		return;
	for (next = entry->first; next != 0; next = stamptab_lookup(stamps->table, next)->next)
		restamp_refresh_one(stamps, next, changes);
	entry = stampset_find(stamps->table, key);
	if (entry == NULL || !restamp_can_carry(entry->relkind))
		return;
	for (int i = 0; i < migrate_tracked_count; i++)
		if (migrate_tracked[i].relation >= 0)
			restamp_refresh_on(stamps, &migrate_tracked[i], OBJECT_KEY_OID(key), changes);
}

/*
 * Look again at the constraints of the tables that inherit from one: the server
 * changes their rows without a word when the parent's constraint goes.
 */
void
migrate_stamp_refresh_inherited(Stamps *stamps, Oid relid, StampChanges *changes)
{
	StampEntry *entry = stampset_find(stamps->table, OBJECT_KEY(RelationRelationId, relid));
	ListCell   *lc;

	if (entry == NULL || !restamp_can_carry(entry->relkind) || !has_subclass(relid))
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		uint64		key = OBJECT_KEY(RelationRelationId, lfirst_oid(lc));

		entry = lfirst_oid(lc) == relid ? NULL : stampset_find(stamps->table, key);
		for (key = entry == NULL ? 0 : entry->first; key != 0;
			 key = stamptab_lookup(stamps->table, key)->next)
			if (OBJECT_KEY_CLASS(key) == ConstraintRelationId)
				restamp_refresh_one(stamps, key, changes);
	}
}

/*
 * Look at all objects of a catalog again.  Those that are gone are not found
 * this way: the caller knows them.
 */
void
migrate_stamp_refresh_class(Stamps *stamps, Oid class, StampChanges *changes)
{
	Stamps	   *fresh = migrate_stampset_make(256);
	stamptab_iterator iterator;
	StampEntry *entry;

	fresh->relations = stamps->table;
	for (int i = 0; i < migrate_tracked_count; i++)
		if (migrate_tracked[i].class == class)
			migrate_stampset_scan(fresh, &migrate_tracked[i]);
	stamptab_start_iterate(fresh->table, &iterator);
	while ((entry = stamptab_iterate(fresh->table, &iterator)) != NULL)
	{
		StampEntry *before = stampset_find(stamps->table, entry->key);

		if (before == NULL || before->own != entry->own)
			restamp_refresh_one(stamps, entry->key, changes);
	}
	stamptab_destroy(fresh->table);
	pfree(fresh);
}
