/*-------------------------------------------------------------------------
 *
 * restoreitem.c
 *		Which backups are to be put back, and what came of it.
 *
 * What reads and writes migrate.backup and migrate.restore_conflict.  Callers are
 * connected to SPI, and not raised.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "keep.h"
#include "owner.h"
#include "restoreitem.h"

#define RESTOREITEM_COLUMNS \
	"SELECT b.backup, b.what, b.operation, b.schema_name, b.relation_name, b.column_name," \
	" b.relation_oid, b.owner, b.key_columns, b.kept_as, b.kept_oid, b.last_value, b.is_called," \
	" b.restored_at IS NOT NULL"

/* Return the elements of an array of names, of char *. */
static List *
restoreitem_names(Datum array)
{
	List	   *names = NIL;
	Datum	   *elements;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		names = lappend(names, TextDatumGetCString(elements[i]));
	return names;
}

/* Return the OIDs of an array. */
static List *
restoreitem_oids(Datum array)
{
	List	   *oids = NIL;
	Datum	   *elements;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), OIDOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		oids = lappend_oid(oids, DatumGetObjectId(elements[i]));
	return oids;
}

/*
 * Find the table that holds the rows.  If it is the very one that was made then,
 * the relation is known by its OID, too.
 */
static void
restoreitem_find_kept(RestoreItem *restore, Oid relid, Oid kept)
{
	if (restore->item.kept_as == NULL)
		return;
	restore->kept = get_relname_relid(restore->item.kept_as, migrate_keep_schema());
	if (get_rel_relkind(restore->kept) != RELKIND_RELATION)
		restore->kept = InvalidOid;
	else if (restore->kept == kept)
		restore->item.name.relid = relid;
}

/* Read one row of the result of a query. */
static RestoreItem *
restoreitem_read(uint64 row)
{
	RestoreItem *restore = palloc0(sizeof(RestoreItem));
	PutBackItem *item = &restore->item;
	bool		isnull;

	item->backup = DatumGetInt64(migrate_owner_value(row, 1, &isnull));
	item->what = migrate_owner_text(row, 2);
	item->operation = migrate_owner_text(row, 3);
	item->name.schema = migrate_owner_text(row, 4);
	item->name.relation = migrate_owner_text(row, 5);
	item->column = migrate_owner_text(row, 6);
	restore->owner = migrate_owner_text(row, 8);
	item->name.key = restoreitem_names(migrate_owner_value(row, 9, &isnull));
	item->kept_as = migrate_owner_text(row, 10);
	restoreitem_find_kept(restore,
						  DatumGetObjectId(migrate_owner_value(row, 7, &isnull)),
						  DatumGetObjectId(migrate_owner_value(row, 11, &isnull)));
	item->last_value = DatumGetInt64(migrate_owner_value(row, 12, &isnull));
	item->is_called = DatumGetBool(migrate_owner_value(row, 13, &isnull));
	restore->done = DatumGetBool(migrate_owner_value(row, 14, &isnull));
	return restore;
}

/*
 * Return what is to be put back after a script, of RestoreItem *: what the last
 * run of the opposite script kept, the latest first, so that each step back finds
 * what the statement left; sequences last.  Of witnesses, what the script that
 * has just run has kept, which has no ledger entry yet.
 */
List *
migrate_restoreitem_step(int64 version, bool down)
{
	static OwnerQuery query = {
		.sql = RESTOREITEM_COLUMNS ", ARRAY("
		"SELECT w.kept_oid FROM migrate.backup w"
		" WHERE (w.version = b.version AND w.direction <> b.direction AND w.entry IS NULL"
		"  OR b.operation = 'alter type' AND w.entry = b.entry AND w.backup > b.backup AND w.what <> 'column')"
		" AND (b.column_name IS NULL OR w.what <> 'column' OR w.column_name = b.column_name)"
		" AND w.kept_oid IS NOT NULL AND (w.relation_oid = b.relation_oid"
		" OR w.schema_name = b.schema_name AND w.relation_name = b.relation_name)"
		" ORDER BY w.backup DESC)"
		" FROM migrate.backup b"
		" WHERE b.version = $1 AND b.direction = $2 AND b.restored_at IS NULL"
		" AND b.entry = (SELECT max(l.entry) FROM migrate.ledger l"
		" WHERE l.version = $1 AND l.event = $3)"
		" ORDER BY b.what = 'sequence', b.backup DESC",
		.nargs = 3,
		.argtypes = {INT8OID, TEXTOID, TEXTOID}
	};
	Datum		values[3];
	List	   *items = NIL;
	OwnerScope	scope;
	uint64		count;

	values[0] = Int64GetDatum(version);
	values[1] = CStringGetTextDatum(down ? "up" : "down");
	values[2] = CStringGetTextDatum(down ? "applied" : "rolled back");
	migrate_owner_begin(&scope);
	count = migrate_owner_run(&query, values, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		RestoreItem *restore = restoreitem_read(i);
		bool		isnull;

		restore->item.down = down;
		restore->item.witnesses = restoreitem_oids(migrate_owner_value(i, 15, &isnull));
		items = lappend(items, restore);
	}
	migrate_owner_free();
	migrate_owner_end(&scope);
	return items;
}

/* Tell whether any script of the other direction has kept rows that are not back. */
bool
migrate_restoreitem_any(bool down)
{
	static OwnerQuery query = {
		.sql = "SELECT FROM migrate.backup b"
		" WHERE b.direction = $1 AND b.restored_at IS NULL LIMIT 1",
		.nargs = 1,
		.argtypes = {TEXTOID}
	};
	Datum		value = CStringGetTextDatum(down ? "up" : "down");
	OwnerScope	scope;
	bool		any;

	migrate_owner_begin(&scope);
	any = migrate_owner_run(&query, &value, NULL) > 0;
	migrate_owner_free();
	migrate_owner_end(&scope);
	return any;
}

/* Return one backup, or NULL if there is none of this number. */
RestoreItem *
migrate_restoreitem_one(int64 backup)
{
	static OwnerQuery query = {
		.sql = RESTOREITEM_COLUMNS " FROM migrate.backup b WHERE b.backup = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(backup);
	RestoreItem *restore = NULL;
	OwnerScope	scope;

	migrate_owner_begin(&scope);
	if (migrate_owner_run(&query, &value, NULL) > 0)
		restore = restoreitem_read(0);
	migrate_owner_free();
	migrate_owner_end(&scope);
	return restore;
}

/* Write the conflicts that are listed; the caller is raised. */
static void
restoreitem_list(const PutBack *putback)
{
	static OwnerQuery forget = {
		.sql = "DELETE FROM migrate.restore_conflict WHERE backup = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	static OwnerQuery insert = {
		.sql = "INSERT INTO migrate.restore_conflict (backup, key, reason) VALUES ($1, $2, $3)",
		.nargs = 3,
		.argtypes = {INT8OID, TEXTOID, TEXTOID}
	};
	Datum		values[3] = {Int64GetDatum(putback->item->backup)};
	ListCell   *lc;

	migrate_owner_run(&forget, values, NULL);
	foreach(lc, putback->listed)
	{
		const PutBackConflict *conflict = lfirst(lc);
		bool		isnull[3] = {false, conflict->key == NULL, false};

		values[1] = isnull[1] ? (Datum) 0 : CStringGetTextDatum(conflict->key);
		values[2] = CStringGetTextDatum(conflict->reason);
		migrate_owner_run(&insert, values, isnull);
	}
}

/* Write what came of putting a backup back. */
void
migrate_restoreitem_mark(const PutBack *putback)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.backup SET restored_at = clock_timestamp(),"
		" restored_rows = coalesce(restored_rows, 0) + $2, conflicts = $3 WHERE backup = $1",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, INT8OID}
	};
	Datum		values[3];
	OwnerScope	scope;

	values[0] = Int64GetDatum(putback->item->backup);
	values[1] = Int64GetDatum(putback->restored);
	values[2] = Int64GetDatum(putback->conflicts);
	migrate_owner_begin(&scope);
	migrate_owner_run(&query, values, NULL);
	restoreitem_list(putback);
	migrate_owner_end(&scope);
}
