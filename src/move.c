/*-------------------------------------------------------------------------
 *
 * move.c
 *		Keep a table that goes by taking its storage over, in constant time.
 *
 * The kept table gets the same physical layout as the source, dropped columns
 * and values of columns that were added later included, and then the two swap
 * their storage and their TOAST tables, as CLUSTER swaps a table with its new
 * version.  The DROP or TRUNCATE itself runs on the source, which is empty now,
 * and takes all that it takes.
 *
 * Invariants:
 *
 * - The source is locked in ACCESS EXCLUSIVE mode and not in use by this session
 *   (open cursors, pending triggers), as the statement would check.
 * - Nothing is left that would be wrong when the statement does not follow: the
 *   indexes of the source are built anew, on other files.  Otherwise TRUNCATE,
 *   which works in place on storage of the same transaction, would empty index
 *   files that a rollback brings back.
 * - Where rows are stored, the transaction horizon of the storage
 *   (relfrozenxid, relminmxid) is on record.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "optimizer/plancat.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "backup.h"
#include "compat.h"
#include "copyrows.h"
#include "keep.h"
#include "move.h"

#define MOVE_COUNT_BLOCKS 1024	/* larger tables are not counted, but
								 * estimated */

#define MOVE_SWAP(type, one, other) \
	do { type swapped = (one); (one) = (other); (other) = swapped; } while (0)

/*
 * Tell whether the storage of a table can be taken over: one of the server's own
 * kind that survives a crash, with nothing in it that needs a user-defined type
 * to be read.
 */
bool
migrate_move_possible(Relation source)
{
	TupleDesc	desc = RelationGetDescr(source);

	if (source->rd_rel->relkind != RELKIND_RELATION ||
		source->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT ||
		source->rd_rel->relam != HEAP_TABLE_AM_OID ||
		source->rd_rel->relisshared || RelationIsMapped(source))
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		int32		typmod = att->atttypmod;
		Oid			base;

		if (!att->attisdropped && !migrate_keep_plain_type(att->atttypid, &base, &typmod))
			return false;
	}
	return true;
}

/* Make an attribute of a descriptor one that was dropped. */
static void
move_drop_attribute(Form_pg_attribute att)
{
	snprintf(NameStr(att->attname), NAMEDATALEN, "........pg.dropped.%d........", att->attnum);
	att->attisdropped = true;
	att->atttypid = InvalidOid;
	att->atttypmod = -1;
	att->attcollation = InvalidOid;
}

/* Return a descriptor of the same physical layout that needs nothing of the user's. */
static TupleDesc
move_desc(Relation source)
{
	TupleDesc	desc = CreateTupleDescCopy(RelationGetDescr(source));

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Oid			base;

		att->attislocal = true;
		att->attinhcount = 0;
		if (!att->attisdropped && compat_is_virtual(TupleDescAttr(RelationGetDescr(source), i)))
			move_drop_attribute(att);
		if (!att->attisdropped)
		{
			(void) migrate_keep_plain_type(att->atttypid, &base, &att->atttypmod);
			att->atttypid = base;
			att->attcollation = get_typcollation(base);
		}
		compat_attribute_changed(desc, att->attnum);
	}
	return desc;
}

/* Give a column the value that rows have which are older than the column. */
static void
move_missing_value(Relation catalog, Oid kept, Form_pg_attribute att, Datum missing)
{
	HeapTuple	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(kept), Int16GetDatum(att->attnum));
	Datum		values[Natts_pg_attribute] = {0};
	bool		isnull[Natts_pg_attribute] = {false};
	bool		replace[Natts_pg_attribute] = {false};
	int			first = 1;
	int32		typmod = att->atttypmod;
	Oid			base;
	bool		is_missing_null;
	Datum		value;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for attribute %d of relation %u", att->attnum, kept);
	(void) migrate_keep_plain_type(att->atttypid, &base, &typmod);
	value = array_get_element(missing, 1, &first, -1, att->attlen, att->attbyval,
							  att->attalign, &is_missing_null);
	if (is_missing_null)
		elog(ERROR, "missing value of attribute %d of relation %u is not there", att->attnum, att->attrelid);
	replace[Anum_pg_attribute_atthasmissing - 1] = true;
	values[Anum_pg_attribute_atthasmissing - 1] = BoolGetDatum(true);
	replace[Anum_pg_attribute_attmissingval - 1] = true;
	values[Anum_pg_attribute_attmissingval - 1] =
		PointerGetDatum(construct_array(&value, 1, base, att->attlen, att->attbyval, att->attalign));
	tuple = heap_modify_tuple(tuple, RelationGetDescr(catalog), values, isnull, replace);
	CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
}

/* Give the kept table the values that rows have which are older than their columns. */
static void
move_missing_values(Relation source, Oid kept)
{
	TupleDesc	desc = RelationGetDescr(source);
	Relation	catalog = table_open(AttributeRelationId, RowExclusiveLock);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		HeapTuple	tuple;
		Datum		missing;
		bool		isnull;

		if (att->attisdropped || !att->atthasmissing || compat_is_virtual(att))
			continue;
		tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(RelationGetRelid(source)),
								Int16GetDatum(att->attnum));
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for attribute %d of relation %u",
				 att->attnum, RelationGetRelid(source));
		missing = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attmissingval, &isnull);
		if (!isnull)
			move_missing_value(catalog, kept, att, missing);
		ReleaseSysCache(tuple);
	}
	table_close(catalog, RowExclusiveLock);
}

/* Return a relation's row of pg_class, to be changed. */
static HeapTuple
move_class_tuple(Oid relid)
{
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	return tuple;
}

/* Swap what two relations store, their TOAST tables included. */
static void
move_swap_storage(Oid source, Oid kept)
{
	Relation	catalog = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple1 = move_class_tuple(source);
	HeapTuple	tuple2 = move_class_tuple(kept);
	Form_pg_class one = (Form_pg_class) GETSTRUCT(tuple1);
	Form_pg_class other = (Form_pg_class) GETSTRUCT(tuple2);
	Relation	from;
	Relation	to;

	MOVE_SWAP(Oid, one->relfilenode, other->relfilenode);
	MOVE_SWAP(Oid, one->reltablespace, other->reltablespace);
	MOVE_SWAP(Oid, one->reltoastrelid, other->reltoastrelid);
	MOVE_SWAP(TransactionId, one->relfrozenxid, other->relfrozenxid);
	MOVE_SWAP(TransactionId, one->relminmxid, other->relminmxid);
	MOVE_SWAP(int32, one->relpages, other->relpages);
	MOVE_SWAP(float4, one->reltuples, other->reltuples);
	MOVE_SWAP(int32, one->relallvisible, other->relallvisible);
	compat_swap_all_frozen(one, other);

	from = table_open(source, NoLock);
	to = table_open(kept, NoLock);
	compat_take_storage(from, to);
	table_close(to, NoLock);
	table_close(from, NoLock);

	CatalogTupleUpdate(catalog, &tuple1->t_self, tuple1);
	CatalogTupleUpdate(catalog, &tuple2->t_self, tuple2);
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
}

/* Give a relation another name and owner. */
static void
move_rename(Relation catalog, Oid relid, const char *name, Oid owner)
{
	HeapTuple	tuple = move_class_tuple(relid);
	Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

	namestrcpy(&class->relname, name);
	class->relowner = owner;
	CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
}

/* Give a TOAST table and its indexes the names and the owner that a table demands. */
static void
move_rename_toast(Oid toast, const char *name, Oid owner)
{
	Relation	catalog = table_open(RelationRelationId, RowExclusiveLock);
	Relation	rel = table_open(toast, AccessExclusiveLock);
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	table_close(rel, NoLock);
	move_rename(catalog, toast, name, owner);
	foreach(lc, indexes)
	{
		char	   *number = foreach_current_index(lc) == 0 ? "" : psprintf("%d", foreach_current_index(lc));

		move_rename(catalog, lfirst_oid(lc), psprintf("%s_index%s", name, number), owner);
	}
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
}

/* Make a TOAST table that of another table. */
static void
move_toast(Oid toast, Oid from, Oid to, Oid owner)
{
	if (changeDependencyFor(RelationRelationId, toast, RelationRelationId, from, to) != 1)
		elog(ERROR, "expected one dependency of TOAST table %u on relation %u", toast, from);
	move_rename_toast(toast, psprintf("pg_toast_%u", to), owner);
}

/* Return the TOAST table of a table, locked, or InvalidOid; and the table's owner. */
static Oid
move_find_toast(Oid relid, Oid *owner)
{
	Relation	rel = table_open(relid, NoLock);
	Oid			toast = rel->rd_rel->reltoastrelid;

	*owner = rel->rd_rel->relowner;
	table_close(rel, NoLock);
	if (OidIsValid(toast))
		LockRelationOid(toast, AccessExclusiveLock);
	return toast;
}

/* Swap storage and TOAST tables of two tables of the same layout. */
static void
move_swap(Oid source, Oid kept)
{
	Oid			source_owner;
	Oid			kept_owner;
	Oid			full = move_find_toast(source, &source_owner);
	Oid			empty = move_find_toast(kept, &kept_owner);

	move_swap_storage(source, kept);
	if (OidIsValid(empty))
		move_rename_toast(empty, psprintf("pg_toast_%u_moving", kept), source_owner);
	if (OidIsValid(full))
		move_toast(full, source, kept, kept_owner);
	if (OidIsValid(empty))
		move_toast(empty, kept, source, source_owner);
}

/* Say how many rows a table has: about, if it is large. */
static int64
move_count(Relation source)
{
	BlockNumber pages;
	double		tuples;
	double		all_visible;

	if (RelationGetNumberOfBlocks(source) <= MOVE_COUNT_BLOCKS)
		return migrate_copyrows_count(source);
	estimate_rel_size(source, NULL, &pages, &tuples, &all_visible);
	return (int64) tuples;
}

/*
 * Keep the rows of a table by making its storage that of a kept table; the table
 * is locked in ACCESS EXCLUSIVE mode and can be moved.
 */
void
migrate_move_run(Oid relid, const char *operation)
{
	Relation	source = table_open(relid, NoLock);
	BackupRequest request = {
		.source = source, .what = "table", .operation = operation, .moved = true
	};
	bool		has_index = source->rd_rel->relhasindex;
	int64		rows;
	Oid			kept;

	CheckTableNotInUse(source, strcmp(operation, "truncate") == 0 ? "TRUNCATE" : "DROP TABLE");
	rows = move_count(source);
	kept = migrate_backup_kept(migrate_backup_new(&request, move_desc(source)));
	move_missing_values(source, kept);
	table_close(source, NoLock);
	CommandCounterIncrement();
	move_swap(relid, kept);
	if (has_index)
		compat_reindex(relid);
	migrate_backup_count_rows(kept, rows);
}
