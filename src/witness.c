/*-------------------------------------------------------------------------
 *
 * witness.c
 *		Ask what the script that has just run found in a row, and then changed.
 *
 * A down script that undoes an update by another one leaves rows that neither are
 * what the up script made of them nor what they were before.  Whether somebody
 * else has changed them in between is known all the same: what the down script
 * found was kept, too.
 *
 * Kept rows that raise the question are collected, as many as fit into memory;
 * then the other kept tables are read once for all of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "changedrow.h"
#include "rowimage.h"
#include "witness.h"

/* One key that is asked about. */
typedef struct WitnessEntry
{
	uint64		key;			/* hash key: image of the key */
	List	   *rows;			/* kept rows, of HeapTuple, in the order asked */
	HeapTuple	seen;			/* what was found there, or NULL */
	int64		ordinal;		/* when */
} WitnessEntry;

struct Witness
{
	PutBack    *putback;
	WitnessVerdict verdict;
	MemoryContext context;		/* of the questions; reset when they are
								 * answered */
	HTAB	   *entries;
	int64		bytes;
};

/* Return the attribute number of a column of a kept table, or 0. */
static AttrNumber
witness_attnum(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped &&
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return i + 1;
	}
	return 0;
}

/* Return the image, in a row that was seen, of the column of a kept row. */
uint64
migrate_witness_image(TupleTableSlot *kept, AttrNumber column, TupleTableSlot *seen)
{
	TupleDesc	desc = seen->tts_tupleDescriptor;
	const char *name = NameStr(TupleDescAttr(kept->tts_tupleDescriptor, column - 1)->attname);
	AttrNumber	attnum = witness_attnum(desc, name);
	bool		isnull = true;
	Datum		value = (Datum) 0;

	if (attnum == 0)
		return ROWIMAGE_EMPTY;
	value = slot_getattr(seen, attnum, &isnull);
	return migrate_image_value(value, isnull, TupleDescAttr(desc, attnum - 1));
}

/* Return the image of the key, of a kept row or of one that was seen. */
static uint64
witness_key(Witness *witness, TupleTableSlot *row)
{
	RestoreTarget *target = witness->putback->target;
	TupleDesc	desc = RelationGetDescr(target->kept);
	uint64		image = ROWIMAGE_EMPTY;

	for (int i = 0; i < target->keys; i++)
	{
		AttrNumber	kept = target->columns[target->key[i]].kept;
		AttrNumber	attnum = witness_attnum(row->tts_tupleDescriptor,
											NameStr(TupleDescAttr(desc, kept - 1)->attname));
		bool		isnull;
		Datum		value;

		if (attnum == 0)
			return ROWIMAGE_EMPTY;
		value = slot_getattr(row, attnum, &isnull);
		image = migrate_image_add(image, migrate_image_value(value, isnull,
															 TupleDescAttr(row->tts_tupleDescriptor, attnum - 1)));
	}
	return image;
}

/* Begin with an empty set of questions. */
static void
witness_reset(Witness *witness)
{
	HASHCTL		ctl = {
		.keysize = sizeof(uint64),
		.entrysize = sizeof(WitnessEntry),
	};

	MemoryContextReset(witness->context);
	ctl.hcxt = witness->context;
	witness->entries = hash_create("migrate witness", 256, &ctl,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	witness->bytes = 0;
}

/* Begin. */
Witness *
migrate_witness_begin(PutBack *putback, WitnessVerdict verdict)
{
	Witness    *witness = palloc0(sizeof(Witness));

	witness->putback = putback;
	witness->verdict = verdict;
	witness->context = AllocSetContextCreate(CurrentMemoryContext, "migrate witness",
											 ALLOCSET_DEFAULT_SIZES);
	witness_reset(witness);
	return witness;
}

/* Note what was seen in a row, if it is asked about and is the first that was seen. */
static void
witness_hear(Witness *witness, TupleTableSlot *seen, int64 ordinal)
{
	uint64		key = witness_key(witness, seen);
	WitnessEntry *entry = hash_search(witness->entries, &key, HASH_FIND, NULL);
	MemoryContext old;

	if (entry == NULL || (entry->seen != NULL && entry->ordinal <= ordinal))
		return;
	old = MemoryContextSwitchTo(witness->context);
	entry->seen = ExecCopySlotHeapTuple(seen);
	entry->ordinal = ordinal;
	MemoryContextSwitchTo(old);
}

/* Tell whether a kept row is one that was seen by the script, and when. */
static bool
witness_was_seen(TupleTableSlot *row, int64 *ordinal)
{
	char		operation;

	*ordinal = 0;
	if (witness_attnum(row->tts_tupleDescriptor, "migrate.operation") != CHANGEDROW_OPERATION)
		return true;
	*ordinal = migrate_changedrow_ordinal(row);
	operation = migrate_changedrow_operation(row);
	return operation == CHANGEDROW_UPDATED || operation == CHANGEDROW_DELETED;
}

/* Read one other kept table. */
static void
witness_read(Witness *witness, Relation other)
{
	KeptRows   *rows = migrate_keptrows_begin(other, false);
	MemoryContext row = witness->putback->target->row;

	while (migrate_keptrows_next(rows))
	{
		TupleTableSlot *slot = migrate_keptrows_slot(rows);
		MemoryContext old = MemoryContextSwitchTo(row);
		int64		ordinal;

		if (witness_was_seen(slot, &ordinal))
			witness_hear(witness, slot, ordinal);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
	}
	migrate_keptrows_end(rows);
}

/* Judge the rows of one key. */
static void
witness_judge(Witness *witness, WitnessEntry *entry, TupleTableSlot *kept, TupleTableSlot *seen)
{
	PutBack    *putback = witness->putback;
	MemoryContext row = putback->target->row;
	ListCell   *lc;

	if (entry->seen != NULL)
		ExecStoreHeapTuple(entry->seen, seen, false);
	foreach(lc, entry->rows)
	{
		MemoryContext old = MemoryContextSwitchTo(row);

		ExecStoreHeapTuple(lfirst(lc), kept, false);
		if (entry->seen == NULL || !witness->verdict(putback, kept, seen))
			migrate_putback_conflict(putback, kept, "changed since");
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
	}
	ExecClearTuple(kept);
	ExecClearTuple(seen);
}

/* Answer with one other kept table; rows that it does not settle stay asked. */
static void
witness_answer_from(Witness *witness, Oid relid, bool last)
{
	Relation	other = table_open(relid, AccessShareLock);
	TupleTableSlot *kept = MakeSingleTupleTableSlot(RelationGetDescr(witness->putback->kept),
													&TTSOpsHeapTuple);
	TupleTableSlot *seen = MakeSingleTupleTableSlot(RelationGetDescr(other), &TTSOpsHeapTuple);
	HASH_SEQ_STATUS scan;
	WitnessEntry *entry;

	witness_read(witness, other);
	hash_seq_init(&scan, witness->entries);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->seen == NULL && !last)
			continue;
		witness_judge(witness, entry, kept, seen);
		(void) hash_search(witness->entries, &entry->key, HASH_REMOVE, NULL);
	}
	ExecDropSingleTupleTableSlot(kept);
	ExecDropSingleTupleTableSlot(seen);
	table_close(other, NoLock);
}

/* Answer what was asked. */
static void
witness_answer(Witness *witness)
{
	List	   *relids = witness->putback->item->witnesses;

	for (int i = 0; i < list_length(relids); i++)
	{
		if (hash_get_num_entries(witness->entries) > 0)
			witness_answer_from(witness, list_nth_oid(relids, i), i == list_length(relids) - 1);
	}
	witness_reset(witness);
}

/* Ask about a kept row. */
void
migrate_witness_ask(Witness *witness, TupleTableSlot *kept)
{
	uint64		key = witness_key(witness, kept);
	MemoryContext old = MemoryContextSwitchTo(witness->context);
	bool		found;
	WitnessEntry *entry = hash_search(witness->entries, &key, HASH_ENTER, &found);
	HeapTuple	tuple = ExecCopySlotHeapTuple(kept);

	if (!found)
	{
		entry->rows = NIL;
		entry->seen = NULL;
	}
	entry->rows = lappend(entry->rows, tuple);
	MemoryContextSwitchTo(old);
	/* what was seen will take about as much again */
	witness->bytes += 2 * tuple->t_len + 128;
	if (witness->bytes > (int64) maintenance_work_mem * 1024)
		witness_answer(witness);
}

/* Tell whether a later change of the same row is being asked about. */
bool
migrate_witness_asked(Witness *witness, TupleTableSlot *kept)
{
	uint64		key = witness_key(witness, kept);

	return hash_search(witness->entries, &key, HASH_FIND, NULL) != NULL;
}

/* Answer what is left to answer, and end. */
void
migrate_witness_end(Witness *witness)
{
	witness_answer(witness);
	MemoryContextDelete(witness->context);
	pfree(witness);
}
