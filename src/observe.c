/*-------------------------------------------------------------------------
 *
 * observe.c
 *		What each statement of a script really did.
 *
 * Nothing is run and no lock is taken to find out; the server is asked what it
 * knows anyway, when the statement is over:
 *
 * - the locks of this session, compared with those before (ownlocks);
 * - the storage of relations, compared with that before: other storage means
 *   that all rows were written again, or an index was built again;
 * - the counts of rows read and written that are waiting for the statistics;
 * - the object access hook, which names what is made, altered and dropped.
 *
 * A statement that locks nothing that was there before the transaction costs a
 * look at the session's locks and a few look-ups.
 *
 * Known limits: what a parallel worker reads is not counted; locks that were let
 * go within the statement, with a subtransaction that failed, are not seen.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "observe.h"
#include "ownlocks.h"

/* What is known of one relation while a run is on. */
typedef struct ObserveEntry
{
	Oid			relid;			/* hash key */
	char		status;
	char		relkind;
	bool		created;		/* by this transaction */
	bool		ignored;		/* a catalog, a TOAST table, one of our own */
	const char *name;
	LOCKMASK	held;			/* modes that were seen */
	Oid			storage;		/* when it was looked at last; 0 = other than at
								 * the beginning */
	CompatCounts counts;		/* when it was looked at last */
	ObservedRelation *now;		/* what the running statement did, or NULL */
	bool		truncated;		/* by the running statement */
} ObserveEntry;

#define SH_PREFIX observe
#define SH_ELEMENT_TYPE ObserveEntry
#define SH_KEY_TYPE Oid
#define SH_KEY relid
#define SH_HASH_KEY(table, key) ((uint32) ((key) * UINT32_C(0x9e3779b1)))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* One run; lives in its memory context. */
struct Observation
{
	MemoryContextCallback callback;
	MemoryContext context;
	MemoryContext records;		/* statements */
	const ObserveLocking *locking;	/* or NULL */
	OwnLocks   *locks;
	observe_hash *entries;
	List	   *tables;			/* OIDs: those that were there before */
	Oid			own_schemas[2];
	List	   *statements;		/* of ObservedStatement *, finished or not */
	int			script;			/* statements of earlier scripts */
	ObservedStatement *statement;	/* the running one, or NULL */
	List	   *made;			/* OIDs of relations that it has made */
	instr_time	start;
	WalUsage	wal;
	BufferUsage buffers;
};

static Observation *observe_running = NULL;
static object_access_hook_type observe_next_object_access = NULL;

/* Tell whether a lock keeps other sessions from writing. */
bool
migrate_observe_is_blocking(LOCKMODE mode)
{
	return mode >= ShareLock;
}

/* Return the strongest mode of a mask, or 0. */
static LOCKMODE
observe_strongest(LOCKMASK mask)
{
	LOCKMODE	mode = AccessExclusiveLock;

	while (mode > NoLock && (mask & LOCKBIT_ON(mode)) == 0)
		mode--;
	return mode;
}

/* Tell whether a relation is none of the users'. */
static bool
observe_ignores(const Observation *run, Oid relid, Oid schema)
{
	return relid < FirstNormalObjectId || IsCatalogNamespace(schema) || IsToastNamespace(schema) ||
		schema == run->own_schemas[0] || schema == run->own_schemas[1];
}

/* Learn what a relation is, the first time it is seen. */
static void
observe_learn(Observation *run, ObserveEntry *entry, bool created)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(entry->relid));
	Relation	rel;

	memset(&entry->relkind, 0, sizeof(ObserveEntry) - offsetof(ObserveEntry, relkind));
	entry->created = created;
	entry->ignored = !HeapTupleIsValid(tuple) && !created;
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		entry->relkind = form->relkind;
		entry->ignored = observe_ignores(run, entry->relid, form->relnamespace);
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
		run->tables = lappend_oid(run->tables, entry->relid);
	MemoryContextSwitchTo(old);
}

/* Find a relation; one that was there before is learned when it is first seen. */
static ObserveEntry *
observe_find(Observation *run, Oid relid)
{
	bool		found;
	ObserveEntry *entry = observe_insert(run->entries, relid, &found);

	if (!found)
		observe_learn(run, entry, false);
	return entry;
}

/* Note that the running statement did something to a relation; NULL = it is ignored. */
static ObservedRelation *
observe_touch(Observation *run, ObserveEntry *entry)
{
	MemoryContext old;

	if (entry->now != NULL)
		return entry->now;
	old = MemoryContextSwitchTo(run->records);
	if (entry->created && entry->name == NULL)
	{
		/* the hook saw it before its row was there to be read */
		Oid			schema = get_rel_namespace(entry->relid);

		entry->relkind = get_rel_relkind(entry->relid);
		entry->ignored = !OidIsValid(schema) || observe_ignores(run, entry->relid, schema);
		if (!entry->ignored)
			entry->name = MemoryContextStrdup(run->context,
											  quote_qualified_identifier(get_namespace_name(schema),
																		 get_rel_name(entry->relid)));
	}
	if (entry->ignored)
	{
		MemoryContextSwitchTo(old);
		return NULL;
	}
	entry->now = palloc0(sizeof(ObservedRelation));
	entry->now->relid = entry->relid;
	entry->now->relkind = entry->relkind;
	entry->now->name = pstrdup(entry->name);
	entry->now->created = entry->created;
	run->statement->relations = lappend(run->statement->relations, entry->now);
	MemoryContextSwitchTo(old);
	return entry->now;
}

/* A relation was made. */
static void
observe_made(Observation *run, Oid relid)
{
	bool		found;
	ObserveEntry *entry = observe_insert(run->entries, relid, &found);
	MemoryContext old = MemoryContextSwitchTo(run->records);

	memset(&entry->relkind, 0, sizeof(ObserveEntry) - offsetof(ObserveEntry, relkind));
	entry->created = true;
	run->made = lappend_oid(run->made, relid);
	MemoryContextSwitchTo(old);
}

/* An object is made, altered, dropped or truncated. */
static void
observe_object_access(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	Observation *run = observe_running;
	ObserveEntry *entry;

	if (observe_next_object_access)
		observe_next_object_access(access, class, object, sub, arg);
	if (run == NULL || run->statement == NULL || class != RelationRelationId || object < FirstNormalObjectId)
		return;
	if (access == OAT_POST_CREATE && sub == 0)
		observe_made(run, object);
	else if (access == OAT_POST_ALTER || access == OAT_DROP || access == OAT_TRUNCATE)
	{
		entry = observe_find(run, object);
		if (entry->created || entry->ignored)
			return;
		(void) observe_touch(run, entry);
		if (access == OAT_TRUNCATE)
			entry->truncated = true;
	}
}

/* Set up the module. */
void
migrate_observe_init(void)
{
	observe_next_object_access = object_access_hook;
	object_access_hook = observe_object_access;
}

/* Forget a run when its memory goes, however it ended. */
static void
observe_forget_run(void *arg)
{
	if (observe_running == arg)
		observe_running = NULL;
}

/*
 * Remember what earlier transactions of this session have counted, and the
 * statistics have not been told yet.
 */
static void
observe_read_counts(Observation *run)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		ObserveEntry *entry;

		if (form->oid < FirstNormalObjectId ||
			(form->relkind != RELKIND_RELATION && form->relkind != RELKIND_MATVIEW) ||
			observe_ignores(run, form->oid, form->relnamespace) ||
			!compat_has_counts(form->oid))
			continue;
		entry = observe_find(run, form->oid);
		entry->counts = compat_counts(form->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Begin to observe; it ends at the latest when the current memory context goes. */
Observation *
migrate_observe_begin(const ObserveLocking *locking)
{
	Observation *run = palloc0(sizeof(Observation));

	run->context = CurrentMemoryContext;
	run->records = AllocSetContextCreate(CurrentMemoryContext, "migrate observed statements",
										 ALLOCSET_DEFAULT_SIZES);
	run->locking = locking;
	run->locks = migrate_ownlocks_begin();
	run->entries = observe_create(CurrentMemoryContext, 128, NULL);
	run->own_schemas[0] = get_namespace_oid("migrate", true);
	run->own_schemas[1] = get_namespace_oid("migrate_backup", true);
	if (pgstat_track_counts)
		observe_read_counts(run);
	run->callback.func = observe_forget_run;
	run->callback.arg = run;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &run->callback);
	observe_running = run;
	return run;
}

/* Stop to observe; what was seen stays. */
void
migrate_observe_end(Observation *run)
{
	if (observe_running == run)
		observe_running = NULL;
}

/* A statement begins. */
void
migrate_observe_statement(const ScriptStatement *stmt, const PositionFrame *frame)
{
	Observation *run = observe_running;
	ObservedStatement *statement;
	MemoryContext old;

	if (run == NULL)
		return;
	old = MemoryContextSwitchTo(run->records);
	statement = palloc0(sizeof(ObservedStatement));
	statement->version = frame->version;
	statement->direction = frame->direction;
	statement->number = frame->statement;
	statement->line = frame->line;
	statement->tag = stmt->tag;
	statement->lock_wait = statement->hold = -1;
	run->statements = lappend(run->statements, statement);
	run->statement = statement;
	MemoryContextSwitchTo(old);
	INSTR_TIME_SET_CURRENT(run->start);
	if (run->locking != NULL)
	{
		run->locking->take(statement, frame, stmt);
		INSTR_TIME_SET_CURRENT(run->start);
	}
	run->wal = pgWalUsage;
	run->buffers = pgBufferUsage;
}

/* See which locks the statement has taken. */
static void
observe_locks(Observation *run)
{
	int			count;
	const OwnLock *locks = migrate_ownlocks_look(run->locks, &count);

	for (int i = 0; i < count; i++)
	{
		ObserveEntry *entry;
		LOCKMASK	mask = locks[i].mask;

		if (locks[i].relid < FirstNormalObjectId)
			continue;
		entry = observe_find(run, locks[i].relid);
		mask &= ~entry->held;
		entry->held |= mask;
		if (mask == 0 || entry->ignored)
			continue;
		if (!entry->created)
		{
			ObservedRelation *now = observe_touch(run, entry);

			now->mode = Max(now->mode, observe_strongest(mask));
		}
		else if (mask & LOCKBIT_ON(RowExclusiveLock))
			(void) observe_touch(run, entry);
	}
}

/* Take in what was read and written of a relation. */
static void
observe_count(Observation *run, ObserveEntry *entry)
{
	CompatCounts counts = compat_counts(entry->relid);
	int64		rows = counts.inserted + counts.updated + counts.deleted -
		entry->counts.inserted - entry->counts.updated - entry->counts.deleted;
	int64		scans = counts.scans - entry->counts.scans;
	int64		returned = counts.returned - entry->counts.returned;
	ObservedRelation *now;

	if (rows == 0 && scans == 0)
		return;
	entry->counts = counts;
	now = observe_touch(run, entry);
	now->rows = Max(rows, 0);
	if (scans > 0 && !entry->created)
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(entry->relid));
		double		size = -1;

		if (HeapTupleIsValid(tuple))
		{
			size = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
			ReleaseSysCache(tuple);
		}
		/* one that stops early, as with LIMIT, has read less */
		now->scan = size <= 0 || returned >= size / 10;
	}
}

/* Take in what was read and written of all relations. */
static void
observe_counts(Observation *run)
{
	ListCell   *lc;

	foreach(lc, run->tables)
		observe_count(run, observe_lookup(run->entries, lfirst_oid(lc)));
	foreach(lc, run->statement->relations)
	{
		ObservedRelation *now = lfirst(lc);

		if (now->created && now->relkind == RELKIND_RELATION)
			observe_count(run, observe_lookup(run->entries, now->relid));
	}
}

/* Note that an index of a relation was built, if that was there before. */
static void
observe_built(Observation *run, Oid index)
{
	Oid			table = IndexGetRelation(index, true);
	ObserveEntry *entry;

	if (!OidIsValid(table))
		return;
	entry = observe_find(run, table);
	if (!entry->created && !entry->ignored && !entry->truncated)
		observe_touch(run, entry)->build = true;
}

/* See whether a relation has other storage. */
static void
observe_storage(Observation *run, ObservedRelation *now)
{
	ObserveEntry *entry = observe_lookup(run->entries, now->relid);
	Relation	rel;
	Oid			storage;

	if (now->created || entry->held < LOCKBIT_ON(ShareLock) ||
		(now->relkind != RELKIND_RELATION && now->relkind != RELKIND_MATVIEW &&
		 now->relkind != RELKIND_INDEX))
		return;
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(now->relid)) ||
		(rel = RelationIdGetRelation(now->relid)) == NULL)
		return;
	storage = compat_storage(rel);
	RelationClose(rel);
	if (storage == entry->storage)
		return;
	entry->storage = storage;
	if (entry->truncated)
		return;
	if (now->relkind == RELKIND_INDEX)
	{
		now->build = true;
		observe_built(run, now->relid);
	}
	else
		now->rewrite = true;
}

/* See what was written again, and which indexes were built. */
static void
observe_rewrites(Observation *run)
{
	ListCell   *lc;

	if (run->statement->relations == NIL)
		return;
	/* more may come at the end of the list meanwhile */
	foreach(lc, run->statement->relations)
		observe_storage(run, lfirst(lc));
	foreach(lc, run->made)
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_INDEX)
			observe_built(run, lfirst_oid(lc));
	}
}

/*
 * Leave out what says nothing: indexes and sequences that were locked as every
 * use of their table does.
 */
static void
observe_weed(Observation *run)
{
	List	   *relations = NIL;
	ListCell   *lc;
	MemoryContext old = MemoryContextSwitchTo(run->records);

	foreach(lc, run->statement->relations)
	{
		ObservedRelation *now = lfirst(lc);
		ObserveEntry *entry = observe_lookup(run->entries, now->relid);
		bool		plain = now->relkind != RELKIND_INDEX && now->relkind != RELKIND_PARTITIONED_INDEX &&
			now->relkind != RELKIND_SEQUENCE;

		entry->now = NULL;
		entry->truncated = false;
		run->statement->rows += now->rows;
		if (now->created ? now->rows > 0 :
			plain || now->build || now->mode >= ShareUpdateExclusiveLock)
			relations = lappend(relations, now);
	}
	run->statement->relations = relations;
	MemoryContextSwitchTo(old);
}

/* Remember when a statement that took a blocking lock began. */
static void
observe_hold(Observation *run)
{
	ListCell   *lc;

	foreach(lc, run->statement->relations)
	{
		ObservedRelation *now = lfirst(lc);

		if (!now->created && migrate_observe_is_blocking(now->mode))
		{
			/* the moment, until the end of the script makes it a time span */
			run->statement->hold = INSTR_TIME_GET_MICROSEC(run->start);
			return;
		}
	}
}

/* A statement is over; rows is what the server says it has processed. */
void
migrate_observe_done(uint64 rows)
{
	Observation *run = observe_running;
	ObservedStatement *statement = run ? run->statement : NULL;
	instr_time	now;
	WalUsage	wal = {0};
	BufferUsage buffers = {0};

	if (statement == NULL)
		return;
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, run->start);
	statement->duration = INSTR_TIME_GET_MICROSEC(now);
	WalUsageAccumDiff(&wal, &pgWalUsage, &run->wal);
	BufferUsageAccumDiff(&buffers, &pgBufferUsage, &run->buffers);
	statement->wal_bytes = wal.wal_bytes;
	statement->buffers = buffers.shared_blks_hit + buffers.shared_blks_read +
		buffers.local_blks_hit + buffers.local_blks_read;
	if (run->locking != NULL)
		run->locking->settle(statement);
	/* what the statement did is to be seen */
	CommandCounterIncrement();
	observe_locks(run);
	observe_counts(run);
	observe_rewrites(run);
	observe_weed(run);
	observe_hold(run);
	if (run->locking != NULL)
		run->locking->judge(statement, run->start);
	statement->rows = Max(statement->rows, (int64) rows);
	statement->finished = true;
	list_free(run->made);
	run->made = NIL;
	run->statement = NULL;
}

/* The script is over; returns what was observed of it, a list of ObservedStatement *. */
List *
migrate_observe_script_end(void)
{
	Observation *run = observe_running;
	instr_time	now;
	List	   *statements;

	if (run == NULL)
		return NIL;
	INSTR_TIME_SET_CURRENT(now);
	statements = list_copy_tail(run->statements, run->script);
	run->script = list_length(run->statements);
	for (int i = 0; i < list_length(statements); i++)
	{
		ObservedStatement *statement = list_nth(statements, i);

		if (statement->hold >= 0)
			statement->hold = INSTR_TIME_GET_MICROSEC(now) - statement->hold;
	}
	return statements;
}

/* Forget the statements that were observed. */
void
migrate_observe_forget(void)
{
	Observation *run = observe_running;

	if (run == NULL)
		return;
	MemoryContextReset(run->records);
	run->statements = NIL;
	run->script = 0;
}

/* Return everything that was observed, a statement that failed at the end. */
List *
migrate_observe_statements(Observation *run)
{
	return run->statements;
}

/* Return the statement that did not run to its end, or NULL. */
ObservedStatement *
migrate_observe_failed(Observation *run)
{
	ObservedStatement *last = run->statements ? llast(run->statements) : NULL;

	return last != NULL && !last->finished ? last : NULL;
}

/* Return the OIDs of the sequences from before that were moved on, or may have been. */
List *
migrate_observe_sequences(Observation *run)
{
	List	   *sequences = NIL;
	observe_iterator iterator;
	ObserveEntry *entry;

	observe_start_iterate(run->entries, &iterator);
	while ((entry = observe_iterate(run->entries, &iterator)) != NULL)
	{
		if (entry->relkind == RELKIND_SEQUENCE && !entry->created && !entry->ignored &&
			(entry->held & LOCKBIT_ON(RowExclusiveLock)))
			sequences = lappend_oid(sequences, entry->relid);
	}
	return sequences;
}
