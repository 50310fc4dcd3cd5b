/*-------------------------------------------------------------------------
 *
 * backup.c
 *		Rows kept because a migration is about to destroy or change them: the
 *		running step, and its kept tables.
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
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "backup.h"
#include "backuprow.h"
#include "capture.h"
#include "changedrow.h"
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
	if (backup_running->next == 0)
		backup_running->next = backup_unsettled = migrate_backuprow_last() + 1;
	return backup_running->next++;
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
					   request->column ? quote_identifier(migrate_backuprow_column(request)) : "rows",
					   quote_qualified_identifier(get_namespace_name(RelationGetNamespace(source)),
												  RelationGetRelationName(source)),
					   request->operation, step->down ? "down" : "up", step->version);
	entry->kept = migrate_keep_create(name, desc, source->rd_rel->reltablespace, comment);
	migrate_backup_created(entry->kept);
	return name;
}

/*
 * Make a backup and its table, which is empty; without desc, only the row.  The
 * entry lives as long as the step.
 */
BackupEntry *
migrate_backup_new(const BackupRequest *request, TupleDesc desc)
{
	MemoryContext old = MemoryContextSwitchTo(backup_running->context);
	BackupEntry *entry = palloc0(sizeof(BackupEntry));
	BackupRow	row = {.step = &backup_running->step, .request = request};
	OwnerScope	scope;

	entry->source = RelationGetRelid(request->source);
	entry->subid = GetCurrentSubTransactionId();
	backup_running->entries = lappend(backup_running->entries, entry);
	MemoryContextSwitchTo(old);

	SPI_connect();
	migrate_owner_begin(&scope);
	row.backup = entry->backup = backup_next_number();
	row.kept_as = desc ? backup_create(request, entry, desc) : NULL;
	row.kept = entry->kept;
	migrate_backuprow_insert(&row);
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
	BackupEntry *entry = migrate_backup_new(request, NULL);
	OwnerScope	scope;

	SPI_connect();
	migrate_owner_begin(&scope);
	migrate_backuprow_sequence(entry->backup, last_value, is_called);
	migrate_owner_end(&scope);
	SPI_finish();
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
 * CHANGEDROW_BEFORE first.  The caller closes the relation with NoLock, tells
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
		entry = migrate_backup_new(&request, migrate_changedrow_desc(made));
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
			int64		kept;

			if (!OidIsValid(entry->kept))
				continue;
			kept = migrate_tally_sum(backup_running->tally, entry->kept);
			migrate_backuprow_measure(entry->backup, entry->kept, kept);
			rows += kept;
		}
		migrate_owner_end(&scope);
	}
	backup_running = NULL;
	return rows;
}

/* Write the ledger entry of the last step to its backups; connected to SPI. */
void
migrate_backup_settle(int64 version, int64 entry)
{
	OwnerScope	scope;

	if (backup_unsettled == 0)
		return;
	migrate_owner_begin(&scope);
	migrate_backuprow_settle(backup_unsettled, version, entry);
	migrate_owner_end(&scope);
	backup_unsettled = 0;
}
