/*-------------------------------------------------------------------------
 *
 * backup.c
 *		Rows kept because a migration is about to destroy or change them: the
 *		running step, and its rows in migrate.backup.
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
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "backup.h"
#include "capture.h"
#include "exempt.h"
#include "intercept.h"
#include "owner.h"
#include "tally.h"

struct BackupEntry
{
	int64		backup;
	Oid			source;
	Oid			kept;			/* InvalidOid = nothing but the row (a
								 * sequence) */
	bool		is_rows;		/* changed rows: more may come */
	KeepMap    *map;			/* of is_rows */
	SubTransactionId subid;
};

/* The step that is running. */
typedef struct BackupRun
{
	MemoryContextCallback callback;
	MemoryContext context;
	BackupStep	step;
	int64		next;			/* number of the next backup, 0 = not known
								 * yet */
	List	   *entries;		/* of BackupEntry * */
	List	   *tally;			/* rows of kept tables */
	ExemptStep	exempt;
} BackupRun;

static BackupRun *backup_running = NULL;

/* The first backup of the last step that ended, for settling; 0 = it had none. */
static int64 backup_unsettled = 0;

/* Forget a step when its memory goes. */
static void
backup_forget(void *arg)
{
	if (backup_running == arg)
		backup_running = NULL;
}

/* Follow the subtransactions of the script. */
static void
backup_subxact_callback(SubXactEvent event, SubTransactionId subid,
						SubTransactionId parent, void *arg)
{
	BackupRun  *run = backup_running;
	ListCell   *lc;

	if (run == NULL || (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
		return;
	foreach(lc, run->entries)
	{
		BackupEntry *entry = lfirst(lc);

		if (entry->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			entry->subid = parent;
		else
			run->entries = foreach_delete_current(run->entries, lc);
	}
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		migrate_tally_commit(&run->tally, subid, parent);
	else
		migrate_tally_abort(&run->tally, subid);
}

/* Set up the module. */
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
	run->exempt.context = CurrentMemoryContext;
	run->exempt.no_backup = step->no_backup;
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

/* Return the step that is running; only while one is. */
const BackupStep *
migrate_backup_step(void)
{
	return &backup_running->step;
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
	migrate_exempt_created(&backup_running->exempt, relid);
}

/* Tell whether rows of a relation are to be kept now. */
bool
migrate_backup_concerns(Oid relid)
{
	return backup_running != NULL && relid != backup_running->step.kept_in_step &&
		!migrate_exempt_relation(&backup_running->exempt, relid);
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

	if (entry != NULL && !migrate_keep_fits(entry->map, source))
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
	MemoryContext old = MemoryContextSwitchTo(backup_running->context);

	migrate_tally_add(&backup_running->tally, kept, rows);
	MemoryContextSwitchTo(old);
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
	int64		rows = migrate_tally_sum(backup_running->tally, entry->kept);
	Datum		values[3];

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
