/*-------------------------------------------------------------------------
 *
 * backup.c
 *		Rows kept because a migration is about to destroy or change them: the
 *		running step, its rows in migrate.backup, and the size limit.
 *
 * Invariants:
 *
 * - Something is kept only between migrate_backup_begin() and _end(), which
 *   enclose a script.  What was begun is forgotten when its memory goes, however
 *   it ended.
 * - A kept table and its row in migrate.backup are made by the same
 *   subtransaction, and are forgotten with it: a script catches errors.
 * - Backups are numbered under the deploy lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "backup.h"
#include "capture.h"
#include "directive.h"
#include "intercept.h"
#include "owner.h"
#include "settings.h"

struct BackupEntry
{
	int64		backup;
	Oid			source;
	Oid			kept;			/* InvalidOid = nothing but the row (a sequence) */
	bool		is_rows;		/* changed rows: more may come */
	KeepMap    *map;			/* of is_rows */
	SubTransactionId subid;
};

/* Rows that one subtransaction has added to a kept table. */
typedef struct BackupCount
{
	Oid			kept;
	int64		rows;
	SubTransactionId subid;
} BackupCount;

/* The step that is running. */
typedef struct BackupRun
{
	MemoryContextCallback callback;
	MemoryContext context;
	BackupStep	step;
	int64		next;			/* number of the next backup, 0 = not known yet */
	List	   *entries;		/* of BackupEntry * */
	List	   *counts;			/* of BackupCount * */
	HTAB	   *created;		/* OIDs of relations that the step has made */
	List	   *told;			/* OIDs of relations that are not kept, and it was said */
} BackupRun;

static BackupRun *backup_running = NULL;

/* The first backup of the last step that ended, for settling; 0 = it had none. */
static int64 backup_unsettled = 0;

/* What the current transaction has copied. */
static FullTransactionId backup_charged_xid;
static int64 backup_charged = 0;

/* Forget a step when its memory goes. */
static void
backup_forget(void *arg)
{
	if (backup_running == arg)
		backup_running = NULL;
}

/* Return what a subtransaction has added to a kept table, from zero on. */
static BackupCount *
backup_count(Oid kept, SubTransactionId subid)
{
	MemoryContext old;
	BackupCount *count;
	ListCell   *lc;

	foreach(lc, backup_running->counts)
	{
		count = lfirst(lc);
		if (count->kept == kept && count->subid == subid)
			return count;
	}
	old = MemoryContextSwitchTo(backup_running->context);
	count = palloc0(sizeof(BackupCount));
	count->kept = kept;
	count->subid = subid;
	backup_running->counts = lappend(backup_running->counts, count);
	MemoryContextSwitchTo(old);
	return count;
}

/* Give what a subtransaction has kept to its parent. */
static void
backup_subxact_commit(SubTransactionId subid, SubTransactionId parent)
{
	ListCell   *lc;

	foreach(lc, backup_running->entries)
	{
		BackupEntry *entry = lfirst(lc);

		if (entry->subid == subid)
			entry->subid = parent;
	}
	foreach(lc, backup_running->counts)
	{
		BackupCount *count = lfirst(lc);

		if (count->subid != subid)
			continue;
		count->subid = InvalidSubTransactionId; /* not to be found below */
		backup_count(count->kept, parent)->rows += count->rows;
	}
}

/* Forget what a subtransaction has kept. */
static void
backup_subxact_abort(SubTransactionId subid)
{
	ListCell   *lc;

	foreach(lc, backup_running->entries)
	{
		if (((BackupEntry *) lfirst(lc))->subid == subid)
			backup_running->entries = foreach_delete_current(backup_running->entries, lc);
	}
	foreach(lc, backup_running->counts)
	{
		BackupCount *count = lfirst(lc);

		if (count->subid == subid)
			count->subid = InvalidSubTransactionId;
	}
}

/* Drop the counts that were given away or forgotten. */
static void
backup_sweep_counts(void)
{
	ListCell   *lc;

	foreach(lc, backup_running->counts)
	{
		BackupCount *count = lfirst(lc);

		if (count->subid == InvalidSubTransactionId)
		{
			backup_running->counts = foreach_delete_current(backup_running->counts, lc);
			pfree(count);
		}
	}
}

/* Follow the subtransactions of the script. */
static void
backup_subxact_callback(SubXactEvent event, SubTransactionId subid,
						SubTransactionId parent, void *arg)
{
	if (backup_running == NULL)
		return;
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		backup_subxact_commit(subid, parent);
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		backup_subxact_abort(subid);
	else
		return;
	backup_sweep_counts();
}

/* Set up the module, and those that find what is to be kept. */
void
migrate_backup_init(void)
{
	RegisterSubXactCallback(backup_subxact_callback, NULL);
	migrate_intercept_init();
}

/* Begin to keep rows for a step; ends when the current memory context goes. */
void
migrate_backup_begin(const BackupStep *step)
{
	BackupRun  *run = palloc0(sizeof(BackupRun));

	run->context = CurrentMemoryContext;
	run->step = *step;
	run->callback.func = backup_forget;
	run->callback.arg = run;
	MemoryContextRegisterResetCallback(run->context, &run->callback);
	backup_running = run;
	backup_unsettled = 0;
	migrate_capture_begin();
}

/* Tell whether rows are to be kept now. */
bool
migrate_backup_active(void)
{
	return backup_running != NULL;
}

/* Return the memory context of the step. */
MemoryContext
migrate_backup_context(void)
{
	return backup_running->context;
}

/* Remember that the step has made a relation: its rows were not there before. */
void
migrate_backup_created(Oid relid)
{
	if (backup_running->created == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(Oid),
			.entrysize = sizeof(Oid),
			.hcxt = backup_running->context,
		};

		backup_running->created = hash_create("migrate created", 64, &ctl,
											  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(backup_running->created, &relid, HASH_ENTER, NULL);
}

/* Tell whether a directive's relation, as written, is this one. */
static bool
backup_is_named(const char *written, Oid relid)
{
	List	   *names;
	Oid			schema = get_rel_namespace(relid);

	if (!SplitIdentifierString(pstrdup(written), '.', &names))
		return false;
	switch (list_length(names))
	{
		case 1:
			return RelnameGetRelid(linitial(names)) == relid;
		case 2:
			return strcmp(lsecond(names), get_rel_name(relid)) == 0 &&
				OidIsValid(schema) &&
				strcmp(linitial(names), get_namespace_name(schema)) == 0;
		default:
			return false;
	}
}

/* Return the directive that lets a relation, or what it is a partition of, go. */
static DirectiveNoBackup *
backup_directive(Oid relid)
{
	List	   *relids = list_make1_oid(relid);
	ListCell   *lc;

	if (backup_running->step.no_backup == NIL)
		return NULL;
	if (get_rel_relispartition(relid))
		relids = list_concat(relids, get_partition_ancestors(relid));
	foreach(lc, backup_running->step.no_backup)
	{
		DirectiveNoBackup *item = lfirst(lc);
		ListCell   *lc2;

		foreach(lc2, relids)
		{
			if (backup_is_named(item->relation, lfirst_oid(lc2)))
				return item;
		}
	}
	return NULL;
}

/* Tell whether a directive lets a relation go; says so once. */
static bool
backup_let_go(Oid relid)
{
	DirectiveNoBackup *item = backup_directive(relid);
	MemoryContext old;

	if (item == NULL)
		return false;
	if (list_member_oid(backup_running->told, relid))
		return true;
	old = MemoryContextSwitchTo(backup_running->context);
	backup_running->told = lappend_oid(backup_running->told, relid);
	MemoryContextSwitchTo(old);
	ereport(NOTICE,
			(errmsg("rows of \"%s.%s\" are not kept: %s",
					get_namespace_name(get_rel_namespace(relid)),
					get_rel_name(relid), item->reason)));
	return true;
}

/* Tell whether a schema holds relations that are never kept. */
static bool
backup_ignores_schema(Oid schema)
{
	char	   *name;

	if (schema < FirstNormalObjectId && schema != PG_PUBLIC_NAMESPACE)
		return true;
	name = get_namespace_name(schema);
	return name == NULL || strcmp(name, "migrate") == 0 || strcmp(name, "migrate_backup") == 0;
}

/*
 * Tell whether rows of a relation are to be kept: tables and sequences that are
 * not temporary, not ours, were there before the step, and that no directive
 * lets go.
 */
bool
migrate_backup_concerns(Oid relid)
{
	HeapTuple	tuple;
	Form_pg_class class;
	bool		concerns;

	if (backup_running == NULL || relid < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return false;
	class = (Form_pg_class) GETSTRUCT(tuple);
	concerns = (class->relkind == RELKIND_RELATION || class->relkind == RELKIND_SEQUENCE ||
				class->relkind == RELKIND_PARTITIONED_TABLE) &&
		class->relpersistence != RELPERSISTENCE_TEMP &&
		!backup_ignores_schema(class->relnamespace);
	ReleaseSysCache(tuple);
	if (!concerns)
		return false;
	if (backup_running->created != NULL &&
		hash_search(backup_running->created, &relid, HASH_FIND, NULL) != NULL)
		return false;
	return !backup_let_go(relid);
}

/* Return the number of the next backup; the caller is connected to SPI and raised. */
static int64
backup_next_number(void)
{
	static OwnerQuery query = {
		.sql = "SELECT coalesce(max(backup), 0) FROM migrate.backup"
	};
	bool		isnull;

	if (backup_running->next == 0)
	{
		migrate_owner_run(&query, NULL, NULL);
		backup_running->next = DatumGetInt64(migrate_owner_value(0, 1, &isnull)) + 1;
		migrate_owner_free();
		backup_unsettled = backup_running->next;
	}
	return backup_running->next++;
}

/* Return the key columns of a table, as a text[]. */
static Datum
backup_key_names(Relation source, const Bitmapset *lost)
{
	List	   *key = NIL;
	Datum	   *names;
	int			count = 0;
	ListCell   *lc;

	if (source->rd_rel->relkind == RELKIND_RELATION)
		key = migrate_keep_key_without(source, lost);
	names = palloc(sizeof(Datum) * Max(list_length(key), 1));
	foreach(lc, key)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(source), lfirst_int(lc) - 1);

		names[count++] = CStringGetTextDatum(NameStr(att->attname));
	}
	return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Return the name of the column that a request is about. */
static const char *
backup_column_name(const BackupRequest *request)
{
	TupleDesc	desc = RelationGetDescr(request->source);

	return NameStr(TupleDescAttr(desc, request->column - 1)->attname);
}

/* Write the row of a backup; the caller is connected to SPI and raised. */
static void
backup_insert(const BackupRequest *request, const BackupEntry *entry, const char *kept_as)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO migrate.backup (backup, version, direction, statement, what,"
		" operation, schema_name, relation_name, column_name, relation_oid, owner,"
		" key_columns, kept_as, kept_oid, moved)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
		.nargs = 15,
		.argtypes = {INT8OID, INT8OID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		TEXTOID, OIDOID, TEXTOID, TEXTARRAYOID, TEXTOID, OIDOID, BOOLOID}
	};
	Relation	source = request->source;
	const BackupStep *step = &backup_running->step;
	Datum		values[15];
	bool		isnull[15] = {false};

	values[0] = Int64GetDatum(entry->backup);
	values[1] = Int64GetDatum(step->version);
	values[2] = CStringGetTextDatum(step->down ? "down" : "up");
	values[3] = Int32GetDatum(step->frame->statement);
	isnull[3] = step->frame->statement <= 0;
	values[4] = CStringGetTextDatum(request->what);
	values[5] = CStringGetTextDatum(request->operation);
	values[6] = CStringGetTextDatum(get_namespace_name(RelationGetNamespace(source)));
	values[7] = CStringGetTextDatum(RelationGetRelationName(source));
	isnull[8] = request->column == 0;
	if (!isnull[8])
		values[8] = CStringGetTextDatum(backup_column_name(request));
	values[9] = ObjectIdGetDatum(RelationGetRelid(source));
	values[10] = CStringGetTextDatum(GetUserNameFromId(source->rd_rel->relowner, false));
	values[11] = backup_key_names(source, request->lost);
	isnull[12] = isnull[13] = kept_as == NULL;
	values[12] = isnull[12] ? (Datum) 0 : CStringGetTextDatum(kept_as);
	values[13] = ObjectIdGetDatum(entry->kept);
	values[14] = BoolGetDatum(request->moved);
	migrate_owner_run(&query, values, isnull);
}

/* Return the name of a kept table: that of the source, and the backup's number. */
static char *
backup_table_name(const char *relname, int64 backup)
{
	char	   *suffix = psprintf("_" INT64_FORMAT, backup);
	int			length = pg_mbcliplen(relname, strlen(relname),
									  NAMEDATALEN - 1 - strlen(suffix));

	return psprintf("%.*s%s", length, relname, suffix);
}

/* Make the table of a backup; returns its name. */
static char *
backup_create(const BackupRequest *request, BackupEntry *entry, TupleDesc desc)
{
	Relation	source = request->source;
	const BackupStep *step = &backup_running->step;
	char	   *name = backup_table_name(RelationGetRelationName(source), entry->backup);
	char	   *comment;

	comment = psprintf("kept by migrate_ext, backup " INT64_FORMAT ": %s of %s before %s, %s script of migration " INT64_FORMAT,
					   entry->backup,
					   request->column ? quote_identifier(backup_column_name(request)) : "rows",
					   quote_qualified_identifier(get_namespace_name(RelationGetNamespace(source)),
												  RelationGetRelationName(source)),
					   request->operation, step->down ? "down" : "up", step->version);
	entry->kept = migrate_keep_create(name, desc, source->rd_rel->reltablespace, comment);
	migrate_backup_created(entry->kept);
	return name;
}

/* Make a backup and its table, which is empty; without desc, only the row. */
BackupEntry *
migrate_backup_new(const BackupRequest *request, TupleDesc desc)
{
	MemoryContext old = MemoryContextSwitchTo(backup_running->context);
	BackupEntry *entry = palloc0(sizeof(BackupEntry));
	OwnerScope	scope;

	entry->source = RelationGetRelid(request->source);
	entry->subid = GetCurrentSubTransactionId();
	backup_running->entries = lappend(backup_running->entries, entry);
	MemoryContextSwitchTo(old);

	SPI_connect();
	migrate_owner_begin(&scope);
	entry->backup = backup_next_number();
	backup_insert(request, entry, desc ? backup_create(request, entry, desc) : NULL);
	migrate_owner_end(&scope);
	SPI_finish();
	return entry;
}

/* Return the OID of the table of a backup. */
Oid
migrate_backup_kept(const BackupEntry *entry)
{
	return entry->kept;
}

/* Keep where a sequence is. */
void
migrate_backup_sequence(const BackupRequest *request, int64 last_value, bool is_called)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.backup SET last_value = $2, is_called = $3 WHERE backup = $1",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, BOOLOID}
	};
	BackupEntry *entry = migrate_backup_new(request, NULL);
	Datum		values[3] = {Int64GetDatum(entry->backup), Int64GetDatum(last_value), BoolGetDatum(is_called)};
	OwnerScope	scope;

	SPI_connect();
	migrate_owner_begin(&scope);
	migrate_owner_run(&query, values, NULL);
	migrate_owner_end(&scope);
	SPI_finish();
}

/* Return the descriptor of a table of changed rows. */
static TupleDesc
backup_rows_desc(const KeepMap *map)
{
	TupleDesc	desc = migrate_keep_desc(map, BACKUP_ROWS_BEFORE);

	TupleDescInitEntry(desc, BACKUP_ROWS_ORDINAL, "migrate.ordinal", INT8OID, -1, 0);
	TupleDescInitEntry(desc, BACKUP_ROWS_OPERATION, "migrate.operation", CHAROID, -1, 0);
	TupleDescInitEntry(desc, BACKUP_ROWS_NEW_IMAGE, "migrate.new_image", INT8OID, -1, 0);
	TupleDescInitEntry(desc, BACKUP_ROWS_CHANGES, "migrate.changes", BYTEAOID, -1, 0);
	return desc;
}

/* Find the table for changed rows of a relation that the step has made already. */
static BackupEntry *
backup_find_rows(Oid source)
{
	ListCell   *lc;

	foreach(lc, backup_running->entries)
	{
		BackupEntry *entry = lfirst(lc);

		if (entry->is_rows && entry->source == source)
			return entry;
	}
	return NULL;
}

/* Tell whether a kept table still has the columns of its source. */
static bool
backup_rows_fit(const BackupEntry *entry, Relation source)
{
	KeepMap    *now = migrate_keep_map(source, NULL);
	bool		fit = now->count == entry->map->count;

	for (int i = 0; fit && i < now->count; i++)
	{
		KeepColumn *one = &entry->map->columns[i];
		KeepColumn *other = &now->columns[i];

		fit = one->attnum == other->attnum && one->type == other->type &&
			one->typmod == other->typmod && one->as_text == other->as_text &&
			one->output.fn_oid == other->output.fn_oid &&
			strcmp(one->name, other->name) == 0;
	}
	return fit;
}

/*
 * Open the table that keeps changed rows of a relation, made at the first need
 * in the step, and anew where the relation's columns have changed since.  The
 * map, valid while the step runs, says which columns follow the
 * BACKUP_ROWS_BEFORE first.  The caller closes the relation with NoLock, tells
 * migrate_backup_count_rows() what it has added, and pins settings with
 * migrate_keep_pin_settings() while it fills in columns as text.
 */
Relation
migrate_backup_open_rows(Relation source, KeepMap **map)
{
	BackupEntry *entry = backup_find_rows(RelationGetRelid(source));

	if (entry != NULL && !backup_rows_fit(entry, source))
	{
		entry->is_rows = false;
		entry = NULL;
	}
	if (entry == NULL)
	{
		BackupRequest request = {
			.source = source, .what = "rows", .operation = "changed rows"
		};
		MemoryContext old = MemoryContextSwitchTo(backup_running->context);
		KeepMap    *made = migrate_keep_map(source, NULL);

		MemoryContextSwitchTo(old);
		entry = migrate_backup_new(&request, backup_rows_desc(made));
		entry->is_rows = true;
		entry->map = made;
	}
	*map = entry->map;
	return table_open(entry->kept, RowExclusiveLock);
}

/* Count rows that the current subtransaction has added to a kept table. */
void
migrate_backup_count_rows(Oid kept, int64 rows)
{
	backup_count(kept, GetCurrentSubTransactionId())->rows += rows;
}

/*
 * Count bytes of a relation that are about to be copied, or refuse it when the
 * transaction would copy more than the limit.
 */
void
migrate_backup_charge(Relation source, int64 bytes)
{
	int64		limit = (int64) migrate_backup_limit * 1024 * 1024;
	FullTransactionId xid = GetTopFullTransactionId();

	if (!FullTransactionIdEquals(backup_charged_xid, xid))
	{
		backup_charged_xid = xid;
		backup_charged = 0;
	}
	if (limit > 0 && backup_charged + bytes > limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("keeping rows of \"%s.%s\" would exceed migrate.backup_limit",
						get_namespace_name(RelationGetNamespace(source)),
						RelationGetRelationName(source)),
				 errdetail("They take about " INT64_FORMAT " kB, " INT64_FORMAT " kB are kept already, and the limit is " INT64_FORMAT " kB.",
						   (bytes + 1023) / 1024, backup_charged / 1024, limit / 1024),
				 errhint("Raise migrate.backup_limit, or let the rows go with \"-- migrate: no-backup %s: REASON\" in the script.",
						 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(source)),
													RelationGetRelationName(source)))));
	backup_charged += bytes;
}

/* Write how much a backup holds; the caller is connected to SPI and raised. */
static int64
backup_measure(const BackupEntry *entry)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.backup SET rows = $2, bytes = pg_catalog.pg_table_size($3)"
		" WHERE backup = $1",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, OIDOID}
	};
	int64		rows = 0;
	ListCell   *lc;
	Datum		values[3];

	foreach(lc, backup_running->counts)
	{
		BackupCount *count = lfirst(lc);

		if (count->kept == entry->kept)
			rows += count->rows;
	}
	values[0] = Int64GetDatum(entry->backup);
	values[1] = Int64GetDatum(rows);
	values[2] = ObjectIdGetDatum(entry->kept);
	migrate_owner_run(&query, values, NULL);
	return rows;
}

/* Stop keeping rows; returns how many were kept.  The caller is connected to SPI. */
int64
migrate_backup_end(void)
{
	int64		rows = 0;
	OwnerScope	scope;
	ListCell   *lc;

	migrate_capture_end();
	if (backup_running->entries != NIL && OidIsValid(migrate_extension_oid()))
	{
		migrate_owner_begin(&scope);
		foreach(lc, backup_running->entries)
		{
			BackupEntry *entry = lfirst(lc);

			if (OidIsValid(entry->kept))
				rows += backup_measure(entry);
		}
		migrate_owner_end(&scope);
	}
	backup_running = NULL;
	return rows;
}

/* Write the ledger entry of the last step to its backups; connected to SPI. */
void
migrate_backup_settle(int64 version, bool down, int64 entry)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.backup SET entry = $2"
		" WHERE backup >= $1 AND version = $3 AND entry IS NULL",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, INT8OID}
	};
	Datum		values[3] = {Int64GetDatum(backup_unsettled), Int64GetDatum(entry), Int64GetDatum(version)};
	OwnerScope	scope;

	if (backup_unsettled == 0)
		return;
	migrate_owner_begin(&scope);
	migrate_owner_run(&query, values, NULL);
	migrate_owner_end(&scope);
	backup_unsettled = 0;
}
