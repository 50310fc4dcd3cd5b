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

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/index.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "executor/instrument.h"
#include "portability/instr_time.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "observe.h"
#include "ownlocks.h"
#include "sight.h"

/* One run; lives in its memory context. */
struct Observation
{
	MemoryContextCallback callback;
	MemoryContext records;		/* statements */
	const ObserveLocking *locking;	/* or NULL */
	OwnLocks   *locks;
	Sights	   *sights;
	List	   *statements;		/* of ObservedStatement *, finished or not */
	int			script;			/* statements of earlier scripts */
	ObservedStatement *statement;	/* the running one, or NULL */
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

/* An object is made, altered, dropped or truncated. */
static void
observe_object_access(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	Observation *run = observe_running;
	Sight	   *entry;

	if (observe_next_object_access)
		observe_next_object_access(access, class, object, sub, arg);
	if (run == NULL || run->statement == NULL || class != RelationRelationId || object < FirstNormalObjectId)
		return;
	if (access == OAT_POST_CREATE && sub == 0)
		migrate_sight_made(run->sights, object);
	else if (access == OAT_POST_CREATE || access == OAT_POST_ALTER ||
			 access == OAT_DROP || access == OAT_TRUNCATE)
	{
		entry = migrate_sight_find(run->sights, object);
		if (access == OAT_DROP && sub == 0)
			entry->dropped = true;
		if (entry->created || entry->ignored)
			return;
		(void) migrate_sight_touch(run->sights, entry);
		if (access == OAT_TRUNCATE)
			entry->truncated = true;
	}
}

/* Set up the module. */
void
migrate_observe_init(void)
{
	migrate_ownlocks_init();
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

/* Note which locks are held before the first statement of a script: those are the engine's. */
static void
observe_held(Observation *run)
{
	int			count;
	const OwnLock *locks = migrate_ownlocks_look(run->locks, &count);

	for (int i = 0; i < count; i++)
		migrate_sight_find(run->sights, locks[i].relid)->held |= locks[i].mask;
}

/* Tell whether a relation is known to be none of the users'. */
static bool
observe_ignores(void *arg, Oid relid)
{
	Sight	   *entry = sight_lookup(((Sights *) arg)->entries, relid);

	return entry != NULL && entry->ignored;
}

/* Begin to observe; it ends at the latest when the current memory context goes. */
Observation *
migrate_observe_begin(const ObserveLocking *locking)
{
	Observation *run = palloc0(sizeof(Observation));

	run->records = AllocSetContextCreate(CurrentMemoryContext, "migrate observed statements",
										 ALLOCSET_DEFAULT_SIZES);
	run->locking = locking;
	run->sights = migrate_sights_begin(run->records);
	run->locks = migrate_ownlocks_begin(observe_ignores, run->sights);
	observe_held(run);
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
	if (statement->number == 1)
		observe_held(run);
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
		Sight	   *entry;
		LOCKMASK	mask = locks[i].mask;
		LOCKMODE	before;
		ObservedRelation *now;

		entry = migrate_sight_find(run->sights, locks[i].relid);
		if (!locks[i].again)
			mask &= ~entry->held;
		before = migrate_ownlocks_strongest(entry->taken);
		entry->held |= mask;
		entry->taken |= mask;
		/* a weaker one than is held does nothing to anybody */
		if (entry->ignored || entry->created || migrate_ownlocks_strongest(mask) <= before)
			continue;
		now = migrate_sight_touch(run->sights, entry);
		now->mode = Max(now->mode, migrate_ownlocks_strongest(mask));
	}
}

/* Take in what was read and written of a relation. */
static void
observe_count(Observation *run, Sight *entry)
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
	now = migrate_sight_touch(run->sights, entry);
	now->rows = Max(rows, 0);
	if (scans > 0 && !entry->dropped)
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

	foreach(lc, run->sights->tables)
		observe_count(run, sight_lookup(run->sights->entries, lfirst_oid(lc)));
}

/* Note that an index was built, if its table was there before; false = it was truncated. */
static bool
observe_built(Observation *run, Oid index)
{
	Oid			table = IndexGetRelation(index, true);
	Sight	   *entry;

	if (!OidIsValid(table))
		return true;
	entry = migrate_sight_find(run->sights, table);
	if (entry->truncated)
		return false;
	if (!entry->created && !entry->ignored)
		migrate_sight_touch(run->sights, entry)->build = true;
	return true;
}

/* Tell whether a relation has other storage than at the last look. */
static bool
observe_storage_moved(Sight *entry)
{
	Relation	rel;
	bool		moved;

	/* a dropped one is not asked for: the catalog cache would remember that */
	if (entry->dropped || entry->held < LOCKBIT_ON(ShareLock) ||
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(entry->relid)) ||
		(rel = RelationIdGetRelation(entry->relid)) == NULL)
		return false;
	moved = entry->storage != compat_storage(rel);
	entry->storage = compat_storage(rel);
	RelationClose(rel);
	return moved;
}

/* See whether a relation was written again, or an index built again. */
static void
observe_storage(Observation *run, ObservedRelation *now)
{
	Sight	   *entry = sight_lookup(run->sights->entries, now->relid);

	switch (now->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_MATVIEW:
			now->rewrite = observe_storage_moved(entry) && !entry->truncated;
			break;
		case RELKIND_INDEX:
			now->build = observe_storage_moved(entry) && observe_built(run, now->relid);
			break;
		default:
			break;
	}
}

/* See what was written again, and which indexes were built. */
static void
observe_rewrites(Observation *run)
{
	ListCell   *lc;

	if (run->sights->touched == NIL)
		return;
	/* more may come at the end of the list meanwhile */
	foreach(lc, run->sights->touched)
		observe_storage(run, lfirst(lc));
	foreach(lc, run->sights->made)
	{
		if (!sight_lookup(run->sights->entries, lfirst_oid(lc))->dropped &&
			get_rel_relkind(lfirst_oid(lc)) == RELKIND_INDEX)
			(void) observe_built(run, lfirst_oid(lc));
	}
}

/* Sum up what the statement did to single relations. */
static void
observe_sum(Observation *run, ObservedStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->relations)
	{
		ObservedRelation *now = lfirst(lc);

		statement->rows += now->rows;
		/* the moment, until the end of the script makes it a time span */
		if (migrate_observe_is_blocking(now->mode))
			statement->hold = INSTR_TIME_GET_MICROSEC(run->start);
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
	statement->relations = migrate_sights_settle(run->sights);
	observe_sum(run, statement);
	if (run->locking != NULL)
		run->locking->judge(statement, run->start);
	statement->rows = Max(statement->rows, (int64) rows);
	statement->finished = true;
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
	sight_iterator iterator;
	Sight	   *entry;

	sight_start_iterate(run->sights->entries, &iterator);
	while ((entry = sight_iterate(run->sights->entries, &iterator)) != NULL)
	{
		if (entry->relkind == RELKIND_SEQUENCE && !entry->created && !entry->ignored &&
			(entry->held & LOCKBIT_ON(RowExclusiveLock)))
			sequences = lappend_oid(sequences, entry->relid);
	}
	return sequences;
}
