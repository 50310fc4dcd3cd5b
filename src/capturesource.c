/*-------------------------------------------------------------------------
 *
 * capturesource.c
 *		Relations whose rows change while a script runs, and how they are kept.
 *
 * What is known of a relation holds for one query: a later one looks again, since
 * the relation may have other columns or another storage then.
 *
 * Invariants:
 *
 * - A kept table is used as long as the subtransaction that made it has not been
 *   rolled back, and the relation has the columns it had then.
 * - The slots for old rows, which may hold pins, go with any subtransaction that
 *   aborts; their epoch tells which are gone.
 *
 * All of it lives below the memory context in which it began.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "backup.h"
#include "capturesource.h"

struct CaptureSources
{
	MemoryContext context;
	MemoryContext slots;		/* for old rows */
	uint64		epoch;			/* counts how often that was emptied */
	HTAB	   *hash;			/* of CaptureSource by relid */
	CaptureSource *last;
	uint64		query;			/* counts queries */
	CommandId	first;			/* command of the step */
};

/* Begin with a step, in the current memory context. */
CaptureSources *
migrate_capturesource_begin(void)
{
	CaptureSources *sources = palloc0(sizeof(CaptureSources));
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(CaptureSource),
		.hcxt = CurrentMemoryContext,
	};

	sources->context = CurrentMemoryContext;
	sources->slots = AllocSetContextCreate(sources->context, "migrate capture slots",
										   ALLOCSET_SMALL_SIZES);
	sources->hash = hash_create("migrate sources", 64, &ctl,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	sources->first = GetCurrentCommandId(false);
	return sources;
}

/* Take note that another query has started. */
void
migrate_capturesource_query(CaptureSources *sources)
{
	sources->query++;
}

/* Give the kept tables that a subtransaction made to its parent. */
void
migrate_capturesource_commit(CaptureSources *sources, SubTransactionId subid,
							 SubTransactionId parent)
{
	HASH_SEQ_STATUS scan;
	CaptureSource *source;

	hash_seq_init(&scan, sources->hash);
	while ((source = hash_seq_search(&scan)) != NULL)
	{
		if (source->subid == subid)
			source->subid = parent;
	}
}

/* Drop the kept tables that a subtransaction made, and slots that it used. */
void
migrate_capturesource_abort(CaptureSources *sources, SubTransactionId subid)
{
	HASH_SEQ_STATUS scan;
	CaptureSource *source;

	hash_seq_init(&scan, sources->hash);
	while ((source = hash_seq_search(&scan)) != NULL)
	{
		if (source->valid && source->subid == subid)
			source->valid = false;
		migrate_newborn_forget(source->newborn);
	}
	/* a slot may hold a pin that the resource owner gives up */
	MemoryContextReset(sources->slots);
	sources->epoch++;
}

/* Tell whether a relation has the columns it had when its kept table was made. */
static bool
capturesource_is_same(const CaptureSource *source, TupleDesc now)
{
	if (source->desc->natts != now->natts)
		return false;
	for (int i = 0; i < now->natts; i++)
	{
		Form_pg_attribute one = TupleDescAttr(source->desc, i);
		Form_pg_attribute other = TupleDescAttr(now, i);

		if (one->attisdropped != other->attisdropped || one->atttypid != other->atttypid ||
			one->atttypmod != other->atttypmod || one->attgenerated != other->attgenerated ||
			strcmp(NameStr(one->attname), NameStr(other->attname)) != 0)
			return false;
	}
	return true;
}

/* Look at a relation in a new query: it may have changed. */
static void
capturesource_look(CaptureSources *sources, CaptureSource *source, Relation rel)
{
	MemoryContext old;

	migrate_newborn_look(source->newborn, rel);
	source->query = sources->query;
	if (source->desc != NULL && capturesource_is_same(source, RelationGetDescr(rel)))
		return;
	old = MemoryContextSwitchTo(sources->context);
	source->desc = CreateTupleDescCopy(RelationGetDescr(rel));
	MemoryContextSwitchTo(old);
	source->valid = false;
	source->old = NULL;
}

/* Find what is known of a relation. */
CaptureSource *
migrate_capturesource_find(CaptureSources *sources, Relation rel)
{
	CaptureSource *source = sources->last;
	Oid			relid = RelationGetRelid(rel);
	bool		found;

	if (source == NULL || source->relid != relid)
	{
		source = hash_search(sources->hash, &relid, HASH_ENTER, &found);
		if (!found)
		{
			memset((char *) source + sizeof(Oid), 0, sizeof(CaptureSource) - sizeof(Oid));
			source->newborn = migrate_newborn_begin(sources->context, sources->first);
		}
		sources->last = source;
	}
	if (source->query != sources->query)
		capturesource_look(sources, source, rel);
	return source;
}

/* Make a slot for a row as it was, unless there is one. */
void
migrate_capturesource_slot(CaptureSources *sources, CaptureSource *source,
						   Relation rel, const TableAmRoutine *routines)
{
	MemoryContext old;

	if (source->old != NULL && source->old_epoch == sources->epoch)
		return;
	old = MemoryContextSwitchTo(sources->slots);
	source->old = MakeSingleTupleTableSlot(source->desc, routines->slot_callbacks(rel));
	source->old_epoch = sources->epoch;
	MemoryContextSwitchTo(old);
}

/*
 * Learn how the rows of a relation are kept, unless that is known; makes its kept
 * table at the first need, which stays locked (ROW EXCLUSIVE) up to the end of the
 * transaction.
 */
void
migrate_capturesource_learn(CaptureSources *sources, CaptureSource *source, Relation rel)
{
	Relation	kept;
	MemoryContext old;
	List	   *key;

	if (source->valid)
		return;
	kept = migrate_backup_open_rows(rel, &source->map);
	if (source->context != NULL)
		MemoryContextDelete(source->context);
	source->context = AllocSetContextCreate(sources->context, "migrate capture source",
											ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(source->context);
	source->subid = GetCurrentSubTransactionId();
	source->kept = RelationGetRelid(kept);
	source->kept_desc = CreateTupleDescCopy(RelationGetDescr(kept));
	source->is_key = palloc0(sizeof(bool) * source->map->count);
	source->is_generated = palloc0(sizeof(bool) * source->map->count);
	key = migrate_keep_key(rel);
	source->has_key = key != NIL;
	for (int i = 0; i < source->map->count; i++)
	{
		AttrNumber	attnum = source->map->columns[i].attnum;

		source->is_key[i] = list_member_int(key, attnum);
		source->is_generated[i] =
			TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attgenerated != '\0';
	}
	MemoryContextSwitchTo(old);
	table_close(kept, NoLock);
	source->valid = true;
}
