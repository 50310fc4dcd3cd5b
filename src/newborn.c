/*-------------------------------------------------------------------------
 *
 * newborn.c
 *		Which rows of a relation the running step has inserted itself.
 *
 * What a step inserts and then updates or deletes was not there before, so there
 * is nothing to keep; and a deleted one must not come back.  A row tells when it
 * was inserted, but after an update only that; therefore the places of updated
 * newborn rows are remembered, a bit for each.
 *
 * A row is taken for older than it may be wherever that is not certain:
 *
 * - rows of storage that was made anew (a rewrite looks like inserting all rows)
 *   count from the first query on that finds it so;
 * - rows that came from another partition are never newborn;
 * - when a subtransaction aborts, the places are forgotten, as they may be used
 *   again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "utils/hsearch.h"

#include "compat.h"
#include "newborn.h"

/* Places in one block. */
typedef struct NewbornBlock
{
	BlockNumber block;			/* hash key */
	uint8		bits[(MaxHeapTuplesPerPage + 8) / 8];
} NewbornBlock;

struct Newborn
{
	MemoryContext context;
	CommandId	first;			/* rows of earlier commands are not newborn */
	Oid			storage;		/* of the relation, when it was looked at last */
	HTAB	   *places;			/* of updated newborn rows, or NULL */
	HTAB	   *arrived;		/* of rows from other partitions, or NULL */
};

/* Begin with a relation; first is the first command of the step. */
Newborn *
migrate_newborn_begin(MemoryContext context, CommandId first)
{
	Newborn    *newborn = MemoryContextAllocZero(context, sizeof(Newborn));

	newborn->context = context;
	newborn->first = first;
	return newborn;
}

/* Look at a relation when a query starts. */
void
migrate_newborn_look(Newborn *newborn, Relation rel)
{
	Oid			storage = rel->rd_rel->relfilenode;

	if (storage == newborn->storage)
		return;
	if (OidIsValid(newborn->storage) || compat_has_new_storage(rel))
	{
		newborn->first = Max(newborn->first, GetCurrentCommandId(false));
		migrate_newborn_forget(newborn);
	}
	newborn->storage = storage;
}

/* Tell whether a place is among some. */
static bool
newborn_has(HTAB *places, ItemPointer tid)
{
	BlockNumber block = ItemPointerGetBlockNumber(tid);
	OffsetNumber offset = ItemPointerGetOffsetNumber(tid);
	NewbornBlock *entry;

	if (places == NULL)
		return false;
	entry = hash_search(places, &block, HASH_FIND, NULL);
	return entry != NULL && (entry->bits[offset / 8] & (1 << (offset % 8))) != 0;
}

/* Add a place to some. */
static void
newborn_put(Newborn *newborn, HTAB **places, ItemPointer tid)
{
	BlockNumber block = ItemPointerGetBlockNumber(tid);
	OffsetNumber offset = ItemPointerGetOffsetNumber(tid);
	NewbornBlock *entry;
	bool		found;

	if (offset > MaxHeapTuplesPerPage)
		return;
	if (*places == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(BlockNumber),
			.entrysize = sizeof(NewbornBlock),
			.hcxt = newborn->context,
		};

		*places = hash_create("migrate newborn", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(*places, &block, HASH_ENTER, &found);
	if (!found)
		memset(entry->bits, 0, sizeof(entry->bits));
	entry->bits[offset / 8] |= 1 << (offset % 8);
}

/* Tell whether a row, as it was read, is one that the step has inserted. */
bool
migrate_newborn_is(Newborn *newborn, TupleTableSlot *row)
{
	HeapTupleHeader header;

	if (!TTS_IS_BUFFERTUPLE(row))
		return false;
	header = ((BufferHeapTupleTableSlot *) row)->base.tuple->t_data;
	if ((header->t_infomask & HEAP_COMBOCID) != 0 ||
		!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(header)) ||
		HeapTupleHeaderGetRawCommandId(header) < newborn->first ||
		newborn_has(newborn->arrived, &row->tts_tid))
		return false;
	return (header->t_infomask & HEAP_UPDATED) == 0 || newborn_has(newborn->places, &row->tts_tid);
}

/* Remember where a newborn row is after an update. */
void
migrate_newborn_add(Newborn *newborn, ItemPointer tid)
{
	newborn_put(newborn, &newborn->places, tid);
}

/* Remember where a row is that came from another partition. */
void
migrate_newborn_arrived(Newborn *newborn, ItemPointer tid)
{
	newborn_put(newborn, &newborn->arrived, tid);
}

/* Forget the places of updated rows. */
void
migrate_newborn_forget(Newborn *newborn)
{
	if (newborn->places != NULL)
		hash_destroy(newborn->places);
	newborn->places = NULL;
}
