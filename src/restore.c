/*-------------------------------------------------------------------------
 *
 * restore.c
 *		Put kept rows back where they belong.
 *
 * After the script of one direction, the backups go back that the last run of
 * the other one has made and that are not back yet, latest first.  Then all
 * foreign keys of what was written are checked (reference.c).  What could not go
 * back is counted, listed in migrate.restore_conflict, and stays kept.
 *
 * Reading and writing migrate.backup is the extension owner's; writing a table is
 * its owner's (target.c).  The caller of migrate_restore() must own the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "argument.h"
#include "backup.h"
#include "compat.h"
#include "deploy.h"
#include "keep.h"
#include "loss.h"
#include "owner.h"
#include "putback.h"
#include "restore.h"

PG_FUNCTION_INFO_V1(migrate_restore);

#define RESTORE_COLUMNS 4

#define RESTORE_ITEM \
	"SELECT b.backup, b.what, b.operation, b.schema_name, b.relation_name, b.column_name," \
	" b.relation_oid, b.key_columns, b.kept_as, b.kept_oid, b.last_value, b.is_called," \
	" b.direction, b.restored_at IS NOT NULL" \
	" FROM migrate.backup b"

/* What the running step has put back before its end, and where; checked at the end. */
static RestoreResult restore_done;
static List *restore_early_relids;

/* Read the names of columns from a text[]. */
static List *
restore_names(Datum array)
{
	Datum	   *values;
	int			count;
	List	   *names = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &values, NULL, &count);
	for (int i = 0; i < count; i++)
		names = lappend(names, TextDatumGetCString(values[i]));
	return names;
}

/* Return the OID of a kept table, or InvalidOid. */
static Oid
restore_kept(const PutBackItem *item)
{
	return item->kept_as == NULL ? InvalidOid :
		get_relname_relid(item->kept_as, migrate_keep_schema());
}

/* Take an item out of the last result. */
static PutBackItem *
restore_item(uint64 row, bool down)
{
	PutBackItem *item = palloc0(sizeof(PutBackItem));
	bool		isnull;
	Oid			kept;

	item->down = down;
	item->backup = DatumGetInt64(migrate_owner_value(row, 1, &isnull));
	item->what = migrate_owner_text(row, 2);
	item->operation = migrate_owner_text(row, 3);
	item->name.schema = migrate_owner_text(row, 4);
	item->name.relation = migrate_owner_text(row, 5);
	item->column = migrate_owner_text(row, 6);
	item->name.key = restore_names(migrate_owner_value(row, 8, &isnull));
	item->kept_as = migrate_owner_text(row, 9);
	kept = DatumGetObjectId(migrate_owner_value(row, 10, &isnull));
	if (!isnull && kept == restore_kept(item))
		item->name.relid = DatumGetObjectId(migrate_owner_value(row, 7, &isnull));
	item->last_value = DatumGetInt64(migrate_owner_value(row, 11, &isnull));
	item->is_called = DatumGetBool(migrate_owner_value(row, 12, &isnull));
	return item;
}

/*
 * Find what the other script kept of the same relation; and of a column that got
 * another type, what the same script kept later: that has gone back by now.
 */
static void
restore_find_witnesses(PutBackItem *item, int64 version, bool down)
{
	static OwnerQuery query = {
		.sql = "SELECT kept_as FROM migrate.backup"
		" WHERE version = $1 AND direction = $2 AND entry IS NULL AND relation_oid = $3"
		"  AND what = $4 AND column_name IS NOT DISTINCT FROM $5 AND kept_as IS NOT NULL"
		" OR $4 = 'column' AND version = $1 AND direction <> $2 AND relation_oid = $3"
		"  AND backup > $6 AND what <> 'column' AND kept_as IS NOT NULL"
		"  AND entry = (SELECT b.entry FROM migrate.backup b WHERE b.backup = $6)"
		" ORDER BY backup DESC",
		.nargs = 6,
		.argtypes = {INT8OID, TEXTOID, OIDOID, TEXTOID, TEXTOID, INT8OID}
	};
	Datum		values[6];
	bool		isnull[6] = {false};
	uint64		count;

	values[5] = Int64GetDatum(item->backup);
	if (!OidIsValid(item->name.relid))
		return;
	values[0] = Int64GetDatum(version);
	values[1] = CStringGetTextDatum(down ? "down" : "up");
	values[2] = ObjectIdGetDatum(item->name.relid);
	values[3] = CStringGetTextDatum(item->what);
	isnull[4] = item->column == NULL;
	values[4] = isnull[4] ? (Datum) 0 : CStringGetTextDatum(item->column);
	count = migrate_owner_run(&query, values, isnull);
	for (uint64 i = 0; i < count; i++)
	{
		Oid			kept = get_relname_relid(migrate_owner_text(i, 1), migrate_keep_schema());

		if (OidIsValid(kept))
			item->witnesses = lappend_oid(item->witnesses, kept);
	}
	migrate_owner_free();
}

/* Read what the last run of the other direction kept, latest first. */
static List *
restore_read_step(int64 version, bool down)
{
	static OwnerQuery query = {
		.sql = RESTORE_ITEM
		" WHERE b.version = $1 AND b.direction = $2 AND b.restored_at IS NULL"
		" AND b.entry = (SELECT max(l.entry) FROM migrate.ledger l WHERE l.version = $1 AND l.event = $3)"
		" ORDER BY b.backup DESC",
		.nargs = 3,
		.argtypes = {INT8OID, TEXTOID, TEXTOID}
	};
	Datum		values[3];
	OwnerScope	scope;
	List	   *items = NIL;
	ListCell   *lc;
	uint64		count;

	values[0] = Int64GetDatum(version);
	values[1] = CStringGetTextDatum(down ? "up" : "down");
	values[2] = CStringGetTextDatum(down ? "applied" : "rolled back");
	migrate_owner_begin(&scope);
	count = migrate_owner_run(&query, values, NULL);
	for (uint64 i = 0; i < count; i++)
		items = lappend(items, restore_item(i, down));
	migrate_owner_free();
	foreach(lc, items)
		restore_find_witnesses(lfirst(lc), version, down);
	migrate_owner_end(&scope);
	return items;
}

/* List the rows that were left as they are. */
static void
restore_list_conflicts(PutBack *putback)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO migrate.restore_conflict (backup, number, key, reason)"
		" VALUES ($1, $2, $3, $4)",
		.nargs = 4,
		.argtypes = {INT8OID, INT4OID, TEXTOID, TEXTOID}
	};

	for (int i = 0; i < list_length(putback->listed); i++)
	{
		PutBackConflict *conflict = list_nth(putback->listed, i);
		Datum		values[4];
		bool		isnull[4] = {false};

		values[0] = Int64GetDatum(putback->item->backup);
		values[1] = Int32GetDatum(i + 1);
		isnull[2] = conflict->key == NULL;
		values[2] = isnull[2] ? (Datum) 0 : CStringGetTextDatum(conflict->key);
		values[3] = CStringGetTextDatum(conflict->reason);
		migrate_owner_run(&query, values, isnull);
	}
}

/* Write what became of a backup. */
static void
restore_settle(PutBack *putback)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.backup SET restored_at = pg_catalog.clock_timestamp(),"
		" restored_rows = $2, conflicts = $3 WHERE backup = $1",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, INT8OID}
	};
	static OwnerQuery forget = {
		.sql = "DELETE FROM migrate.restore_conflict WHERE backup = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		values[3] = {
		Int64GetDatum(putback->item->backup),
		Int64GetDatum(putback->restored),
		Int64GetDatum(putback->conflicts)
	};
	OwnerScope	scope;

	migrate_owner_begin(&scope);
	migrate_owner_run(&query, values, NULL);
	migrate_owner_run(&forget, values, NULL);
	restore_list_conflicts(putback);
	migrate_owner_end(&scope);
}

/* Return the name of the relation of an item, quoted. */
static char *
restore_name(const PutBackItem *item)
{
	return quote_qualified_identifier(item->name.schema, item->name.relation);
}

/* Put what one kept table has back into an open target. */
static void
restore_rows(PutBack *putback)
{
	if (strcmp(putback->item->what, "table") == 0)
		migrate_refill_table(putback);
	else if (strcmp(putback->item->what, "column") == 0)
		migrate_refill_column(putback);
	else if (putback->item->name.key == NIL)
		migrate_match_rows(putback);
	else if (putback->target->keys > 0)
		migrate_putback_rows(putback);
	else
		ereport(WARNING,
				(errmsg("changed rows of %s were not put back", restore_name(putback->item)),
				 errdetail("The table has no unique index on the key that they are to be found by."),
				 errhint("Create the index, then run migrate_restore(" INT64_FORMAT ").",
						 putback->item->backup)));
}

/* Tell whether a current row can take the columns that were kept. */
static bool
restore_open(PutBack *putback, Oid kept)
{
	bool		is_rows = strcmp(putback->item->what, "rows") == 0;
	TupleDesc	desc;
	int			before = 0;

	putback->kept = table_open(kept, AccessShareLock);
	desc = RelationGetDescr(putback->kept);
	if (is_rows)
		before = BACKUP_ROWS_BEFORE;
	else if (desc->natts > 0 &&
			 strcmp(NameStr(TupleDescAttr(desc, 0)->attname), "migrate.new_image") == 0)
		before = 1;
	putback->target = migrate_target_open(&putback->item->name, putback->kept, before);
	if (putback->target == NULL)
		table_close(putback->kept, AccessShareLock);
	return putback->target != NULL;
}

/* Put one kept table back; returns false if there is nothing to put it into. */
static bool
restore_table(PutBack *putback, References *references)
{
	const PutBackItem *item = putback->item;
	Oid			kept = restore_kept(item);
	MemoryContext old;
	MemoryContext context;

	if (!OidIsValid(kept))
	{
		ereport(WARNING,
				(errmsg("rows of %s were not put back", restore_name(item)),
				 errdetail("The table \"%s\" that kept them is gone from schema migrate_backup.",
						   item->kept_as)));
		return false;
	}
	if (!restore_open(putback, kept))
	{
		ereport(WARNING,
				(errmsg("rows of %s were not put back", restore_name(item)),
				 errdetail("There is no such table now."),
				 errhint("They stay in migrate_backup.%s; create the table, then run migrate_restore(" INT64_FORMAT ").",
						 quote_identifier(item->kept_as), item->backup)));
		return false;
	}
	context = AllocSetContextCreate(CurrentMemoryContext, "migrate restore", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	migrate_reference_watch(references, putback->target);
	restore_rows(putback);
	MemoryContextSwitchTo(old);
	migrate_target_close(putback->target);
	table_close(putback->kept, NoLock);
	MemoryContextDelete(context);
	CommandCounterIncrement();
	return true;
}

/* Return the OID of the sequence of an item, or InvalidOid. */
static Oid
restore_sequence_oid(const PutBackItem *item)
{
	Oid			schema = get_namespace_oid(item->name.schema, true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(item->name.relation, schema) : InvalidOid;

	return OidIsValid(relid) && get_rel_relkind(relid) == RELKIND_SEQUENCE ? relid : InvalidOid;
}

/* Read where a sequence is. */
static int64
restore_sequence_read(Oid relid, bool *is_called)
{
	Relation	rel = table_open(relid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, SnapshotAny, 0, NULL);
	int64		value = 0;
	bool		isnull;

	*is_called = false;
	if (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		value = DatumGetInt64(slot_getattr(slot, 1, &isnull));
		*is_called = DatumGetBool(slot_getattr(slot, 3, &isnull));
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return value;
}

/* Set a sequence to where it was, if that is farther than it is; as its owner. */
static bool
restore_sequence(PutBack *putback)
{
	const PutBackItem *item = putback->item;
	Oid			relid = restore_sequence_oid(item);
	Relation	rel;
	List	   *options;
	Oid			userid;
	int			sec_context;
	bool		is_called;
	int64		now;
	bool		descends;

	if (!OidIsValid(relid))
		return false;
	now = restore_sequence_read(relid, &is_called);
	options = sequence_options(relid);
	descends = defGetInt64(list_nth(options, 3)) < 0;
	if (is_called ? (descends ? item->last_value >= now : item->last_value <= now) :
		(descends ? item->last_value > now : item->last_value < now))
		return true;
	rel = table_open(relid, AccessShareLock);
	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(rel->rd_rel->relowner, sec_context |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	table_close(rel, NoLock);
	DirectFunctionCall3(setval3_oid, ObjectIdGetDatum(relid), Int64GetDatum(item->last_value),
						BoolGetDatum(item->is_called));
	SetUserIdAndSecContext(userid, sec_context);
	putback->restored = 1;
	return true;
}

/* Warn of rows that were left as they are. */
static void
restore_warn(const PutBack *putback)
{
	if (putback->conflicts == 0)
		return;
	ereport(WARNING,
			(errmsg("%s: " INT64_FORMAT " %s not put back", restore_name(putback->item),
					putback->conflicts, putback->conflicts == 1 ? "row was" : "rows were"),
			 errdetail("What is there now was written by somebody else."),
			 errhint("migrate.restore_conflict lists them for backup " INT64_FORMAT "; migrate_backup.%s has what they were.",
					 putback->item->backup, quote_identifier(putback->item->kept_as))));
}

/* Put one backup back; the caller is connected to SPI. */
static void
restore_one(PutBack *putback, const PutBackItem *item, References *references)
{
	memset(putback, 0, sizeof(PutBack));
	putback->item = item;
	putback->context = CurrentMemoryContext;
	if (strcmp(item->what, "sequence") == 0 ? restore_sequence(putback) :
		restore_table(putback, references))
		restore_settle(putback);
	restore_warn(putback);
}

/* Check the foreign keys of what was written. */
static void
restore_check(References *references)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	migrate_reference_check(references);
	PopActiveSnapshot();
}

/*
 * Tell whether rows of a backup are looked at by a statement that is about to
 * check a relation: of a column that was made again, or, where other tables refer
 * to the relation, of the relation or its partitions.  A table that was made again
 * is empty for now, so what is declared for itself holds.
 */
static bool
restore_is_looked_at(const PutBackItem *item, Oid relid, bool referenced)
{
	Oid			target = migrate_target_lookup(&item->name);

	if (!OidIsValid(target) || strcmp(item->what, "sequence") == 0 ||
		strcmp(item->operation, "alter type") == 0)
		return false;
	if (target != relid && !(referenced && get_rel_relispartition(target) &&
							 list_member_oid(get_partition_ancestors(target), relid)))
		return false;
	if (strcmp(item->what, "column") == 0)
		return get_attnum(target, item->column) != InvalidAttrNumber;
	return referenced;
}

/*
 * Put tables and columns that the running script has made again back before a
 * statement of it that checks their rows.
 */
static void
restore_early(Oid relid, bool referenced)
{
	const BackupStep *step = migrate_backup_step();
	List	   *items;
	References *references;
	ListCell   *lc;

	SPI_connect();
	items = restore_read_step(step->version, step->down);
	references = migrate_reference_begin();
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, items)
	{
		PutBack		putback;
		MemoryContext old;
		Oid			written = migrate_target_lookup(&((PutBackItem *) lfirst(lc))->name);

		if (!restore_is_looked_at(lfirst(lc), relid, referenced))
			continue;
		restore_one(&putback, lfirst(lc), references);
		restore_done.restored += putback.restored;
		restore_done.conflicts += putback.conflicts;
		old = MemoryContextSwitchTo(TopTransactionContext);
		restore_early_relids = list_append_unique_oid(restore_early_relids, written);
		MemoryContextSwitchTo(old);
	}
	PopActiveSnapshot();
	SPI_finish();
}

/* Begin a step: nothing is back yet. */
void
migrate_restore_begin(void)
{
	memset(&restore_done, 0, sizeof(RestoreResult));
	restore_early_relids = NIL;
}

/* Set up the module. */
void
migrate_restore_init(void)
{
	migrate_loss_before_validation(restore_early);
}

/*
 * Put back what the last run of the other direction kept; the caller is
 * connected to SPI.
 */
void
migrate_restore_step(int64 version, bool down, RestoreResult *result)
{
	List	   *items = restore_read_step(version, down);
	References *references = migrate_reference_begin();
	ListCell   *lc;

	*result = restore_done;
	if (items == NIL && restore_done.restored == 0)
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, restore_early_relids)
		migrate_reference_add_table(references, lfirst_oid(lc));
	foreach(lc, items)
	{
		const PutBackItem *item = lfirst(lc);
		PutBack		putback;

		restore_one(&putback, item, references);
		if (strcmp(item->what, "sequence") != 0)
			result->restored += putback.restored;
		result->conflicts += putback.conflicts;
	}
	PopActiveSnapshot();
	restore_check(references);
}

/* Read one backup, which must be there and must not be back already. */
static PutBackItem *
restore_read(int64 backup)
{
	static OwnerQuery query = {
		.sql = RESTORE_ITEM " WHERE b.backup = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		value = Int64GetDatum(backup);
	OwnerScope	scope;
	PutBackItem *item;
	bool		isnull;

	migrate_owner_begin(&scope);
	if (migrate_owner_run(&query, &value, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("backup " INT64_FORMAT " does not exist", backup),
				 errhint("migrate_backups() lists what was kept.")));
	item = restore_item(0, strcmp(migrate_owner_text(0, 13), "up") == 0);
	if (DatumGetBool(migrate_owner_value(0, 14, &isnull)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("backup " INT64_FORMAT " was put back already", backup),
				 errdetail("It holds what %s was at that time.", restore_name(item))));
	migrate_owner_free();
	migrate_owner_end(&scope);
	return item;
}

/* Refuse to restore a relation of others. */
static void
restore_check_owner(const PutBackItem *item)
{
	bool		is_sequence = strcmp(item->what, "sequence") == 0;
	Oid			relid = is_sequence ? restore_sequence_oid(item) : migrate_target_lookup(&item->name);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no %s %s to put rows back into",
						is_sequence ? "sequence" : "table", restore_name(item)),
				 errhint("Create it as it was; migrate_schema() shows how.")));
	if (!compat_is_owner(relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of %s to put rows back", restore_name(item))));
}

/* SQL: migrate_restore(backup bigint) */
Datum
migrate_restore(PG_FUNCTION_ARGS)
{
	int64		backup;
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PutBackItem *item;
	PutBack		putback;
	References *references;
	Datum		values[RESTORE_COLUMNS] = {0};
	bool		isnull[RESTORE_COLUMNS] = {false};

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("backup must not be null"),
				 errhint("migrate_backups() lists what was kept.")));
	backup = PG_GETARG_INT64(0);
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	migrate_deploy_begin("migrate_restore()");
	item = restore_read(backup);
	restore_check_owner(item);
	references = migrate_reference_begin();
	PushActiveSnapshot(GetTransactionSnapshot());
	restore_one(&putback, item, references);
	migrate_reference_check(references);
	PopActiveSnapshot();

	values[0] = CStringGetTextDatum(restore_name(item));
	values[1] = Int64GetDatum(putback.restored);
	values[2] = Int64GetDatum(putback.conflicts);
	isnull[3] = putback.conflicts == 0;
	values[3] = isnull[3] ? (Datum) 0 :
		CStringGetTextDatum(psprintf("see migrate.restore_conflict, backup " INT64_FORMAT, backup));
	tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
	migrate_deploy_end();
	SPI_finish();
	return (Datum) 0;
}
