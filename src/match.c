/*-------------------------------------------------------------------------
 *
 * match.c
 *		Put back rows of tables without a key: found by what they look like.
 *
 * Rows with the same values cannot be told apart, and need not be: they are
 * matched one to one.  The table is read once for as many kept rows as fit into
 * memory.  What is found is read with a snapshot that does not see what is written
 * meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "backup.h"
#include "capture.h"
#include "putback.h"
#include "rowimage.h"

/* One row that is to become what it was. */
typedef struct MatchRow
{
	bool		is_insert;		/* it is gone, and comes back */
	bool		is_delete;		/* it came from another partition, and goes */
	bool		settled;
	uint64		now;			/* image to be found, unless it is an insert */
	HeapTuple	kept;			/* what it becomes */
	struct MatchRow *next;		/* with the same image */
} MatchRow;

/* Rows with one image. */
typedef struct MatchEntry
{
	uint64		image;			/* hash key */
	MatchRow   *rows;			/* that are looked for */
	int64		count;			/* match_table: how many are missing;
								 * match_rows: how many are there */
	int64		fresh;			/* of these, by the script that has just run */
} MatchEntry;

/* What is known while rows are matched. */
typedef struct Match
{
	PutBack    *putback;
	AttrNumber	except;			/* column of the kept table that does not
								 * count, or 0 */
	MemoryContext context;		/* reset for each batch */
	HTAB	   *wanted;			/* MatchEntry by the image to be found */
	HTAB	   *outcomes;		/* MatchEntry by the image of what comes of it */
	List	   *rows;			/* of MatchRow * */
	int64		bytes;
	CaptureChange *changes;
	RefillFound found;			/* match_column: what is done with a row */
	void	   *found_arg;
} Match;

/* Make a hash table of images. */
static HTAB *
match_hash(MemoryContext context)
{
	HASHCTL		ctl = {
		.keysize = sizeof(uint64),
		.entrysize = sizeof(MatchEntry),
		.hcxt = context,
	};

	return hash_create("migrate match", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Find an image, or enter it. */
static MatchEntry *
match_entry(HTAB *hash, uint64 image, bool enter)
{
	bool		found;
	MatchEntry *entry = hash_search(hash, &image, enter ? HASH_ENTER : HASH_FIND, &found);

	if (enter && !found)
	{
		entry->rows = NULL;
		entry->count = 0;
		entry->fresh = 0;
	}
	return entry;
}

/* Begin a batch. */
static void
match_reset(Match *match)
{
	MemoryContextReset(match->context);
	match->wanted = match_hash(match->context);
	match->outcomes = match_hash(match->context);
	match->rows = NIL;
	match->bytes = 0;
}

/* Begin. */
static void
match_begin(Match *match, PutBack *putback, AttrNumber except)
{
	memset(match, 0, sizeof(Match));
	match->putback = putback;
	match->except = except;
	match->context = AllocSetContextCreate(CurrentMemoryContext, "migrate match",
										   ALLOCSET_DEFAULT_SIZES);
	match->changes = palloc(sizeof(CaptureChange) * Max(putback->target->count, 1));
	match_reset(match);
}

/* Tell whether a column of a kept row counts when rows are compared. */
static bool
match_counts(Match *match, const TargetColumn *column)
{
	return column->attnum != 0 && !column->generated && column->kept != match->except;
}

/* Return the image of a kept row, or of a row of the target. */
static uint64
match_image(Match *match, TupleTableSlot *row, bool is_kept)
{
	RestoreTarget *target = match->putback->target;
	uint64		image = ROWIMAGE_EMPTY;

	for (int i = 0; i < target->count; i++)
	{
		TargetColumn *column = &target->columns[i];

		if (match_counts(match, column))
			image = migrate_image_add(image,
									  is_kept ? migrate_target_kept_image(target, column, row) :
									  migrate_target_image(target, column, row));
	}
	return image;
}

/* Read all rows of the target, with what was written before this. */
static void
match_scan(Match *match, void (*see) (Match *match, uint64 image))
{
	RestoreTarget *target = match->putback->target;
	Snapshot	snapshot;
	TableScanDesc scan;

	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = table_beginscan(target->rel, snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, target->found))
	{
		MemoryContext old = MemoryContextSwitchTo(target->row);

		CHECK_FOR_INTERRUPTS();
		see(match, match_image(match, target->found, false));
		MemoryContextSwitchTo(old);
		MemoryContextReset(target->row);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
}

/* Add a row to the batch. */
static MatchRow *
match_add(Match *match, TupleTableSlot *kept, bool is_insert)
{
	MemoryContext old = MemoryContextSwitchTo(match->context);
	MatchRow   *row = palloc0(sizeof(MatchRow));

	row->is_insert = is_insert;
	row->kept = ExecCopySlotHeapTuple(kept);
	match->rows = lappend(match->rows, row);
	match->bytes += row->kept->t_len + sizeof(MatchRow) + 2 * sizeof(MatchEntry) + 64;
	MemoryContextSwitchTo(old);
	return row;
}

/* Look for the row with this image. */
static void
match_want(Match *match, MatchRow *row, uint64 image)
{
	MatchEntry *entry = match_entry(match->wanted, image, true);

	row->now = image;
	row->next = entry->rows;
	entry->rows = row;
}

/* Let a row of the batch be found by what comes of it. */
static void
match_promise(Match *match, MatchRow *row, uint64 image)
{
	MatchEntry *entry = match_entry(match->outcomes, image, true);
	MatchRow   *link;

	/* a list of its own: next is taken by the other hash */
	link = MemoryContextAllocZero(match->context, sizeof(MatchRow));
	link->next = entry->rows;
	link->kept = (HeapTuple) row;
	entry->rows = link;
}

/* Take a row of the batch that becomes one with this image, or NULL. */
static MatchRow *
match_take(Match *match, uint64 image)
{
	MatchEntry *entry = match_entry(match->outcomes, image, false);
	MatchRow   *link = entry != NULL ? entry->rows : NULL;

	if (link == NULL)
		return NULL;
	entry->rows = link->next;
	return (MatchRow *) link->kept;
}

/* Tell whether an update changed a column that is still there. */
static bool
match_matters(Match *match, TupleTableSlot *kept)
{
	RestoreTarget *target = match->putback->target;
	bool		isnull;
	Datum		value = slot_getattr(kept, BACKUP_ROWS_CHANGES, &isnull);
	int			count = isnull ? 0 : migrate_capture_changes(value, match->changes, target->count);

	for (int i = 0; i < count; i++)
	{
		if (match_counts(match, &target->columns[match->changes[i].column]))
			return true;
	}
	return false;
}

/* Take back that a row came from another partition: also one that the batch would make. */
static void
match_arrival(Match *match, TupleTableSlot *kept, uint64 now)
{
	MatchRow   *row = match_take(match, now);

	if (row == NULL)
	{
		row = match_add(match, kept, false);
		match_want(match, row, now);
	}
	else if (row->is_insert)
		row->settled = true;
	row->is_delete = true;
}

/*
 * Add what happened to one row.  If the row it became is one that the batch will
 * make, that one is made what it was before.
 */
static void
match_change(Match *match, TupleTableSlot *kept)
{
	bool		isnull;
	char		operation = DatumGetChar(slot_getattr(kept, BACKUP_ROWS_OPERATION, &isnull));
	uint64		image = match_image(match, kept, true);
	uint64		now = (uint64) DatumGetInt64(slot_getattr(kept, BACKUP_ROWS_NEW_IMAGE, &isnull));
	MatchRow   *row;

	if (operation == CAPTURE_UPDATED && !match_matters(match, kept))
		return;
	if (operation == CAPTURE_ARRIVED)
	{
		match_arrival(match, kept, now);
		return;
	}
	if (operation != CAPTURE_UPDATED && operation != CAPTURE_DELETED)
		return;
	row = operation == CAPTURE_UPDATED ? match_take(match, now) : NULL;
	if (row != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(match->context);

		row->kept = ExecCopySlotHeapTuple(kept);
		MemoryContextSwitchTo(old);
	}
	else
	{
		row = match_add(match, kept, operation == CAPTURE_DELETED);
		if (!row->is_insert)
			match_want(match, row, now);
	}
	match_promise(match, row, image);
}

/*
 * Tell whether the row that was found is the work of the script that has just run:
 * the table is another one than that whose rows were kept, or the row was written
 * by this transaction.
 */
static bool
match_is_fresh(PutBack *putback)
{
	bool		isnull;
	Datum		xmin;

	if (putback->item->name.relid != RelationGetRelid(putback->target->rel))
		return true;
	xmin = slot_getsysattr(putback->target->found, MinTransactionIdAttributeNumber, &isnull);
	return TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin));
}

/* Make the row that was found one of those wanted. */
static void
match_see_row(Match *match, uint64 image)
{
	PutBack    *putback = match->putback;
	RestoreTarget *target = putback->target;
	MatchEntry *entry = match_entry(match->wanted, image, false);
	MatchEntry *outcome = match_entry(match->outcomes, image, false);
	TupleTableSlot *kept;
	MatchRow   *row;

	if (entry == NULL || entry->rows == NULL)
	{
		if (outcome != NULL)
		{
			outcome->count++;
			outcome->fresh += match_is_fresh(putback);
		}
		return;
	}
	row = entry->rows;
	entry->rows = row->next;
	row->settled = true;
	if (row->is_delete)
	{
		migrate_target_delete(target);
		return;
	}
	kept = MakeSingleTupleTableSlot(RelationGetDescr(putback->kept), &TTSOpsHeapTuple);
	ExecStoreHeapTuple(row->kept, kept, false);
	migrate_target_begin_update(target);
	for (int i = 0; i < target->count; i++)
	{
		if (match_counts(match, &target->columns[i]))
			migrate_target_set(target, &target->columns[i], kept);
	}
	if (migrate_target_update(target))
		putback->restored++;
	else
		migrate_putback_conflict(putback, kept, "another row has a unique value of this one");
	ExecDropSingleTupleTableSlot(kept);
}

/* Settle a row that was not found: it is inserted, is as it was already, or is a conflict. */
static void
match_settle_row(Match *match, MatchRow *row, TupleTableSlot *kept)
{
	PutBack    *putback = match->putback;
	MatchEntry *outcome;

	if (row->is_delete)
		return;					/* it is gone already */
	ExecStoreHeapTuple(row->kept, kept, false);
	outcome = match_entry(match->outcomes, match_image(match, kept, true), false);
	if (row->is_insert)
	{
		/* the script may have made the row again */
		if (outcome != NULL && outcome->fresh > 0)
			outcome->fresh--;
		else if (migrate_target_insert(putback->target, kept, true))
			putback->restored++;
		else
			migrate_putback_conflict(putback, kept, "another row has a unique value of this one");
	}
	else if (outcome != NULL && outcome->count > 0)
		outcome->count--;
	else
		migrate_putback_conflict(putback, kept, "changed since");
}

/* Put the rows of a batch back. */
static void
match_batch_rows(Match *match)
{
	PutBack    *putback = match->putback;
	MemoryContext row_context = putback->target->row;
	TupleTableSlot *kept;
	ListCell   *lc;

	if (match->rows == NIL)
		return;
	match_scan(match, match_see_row);
	kept = MakeSingleTupleTableSlot(RelationGetDescr(putback->kept), &TTSOpsHeapTuple);
	foreach(lc, match->rows)
	{
		MatchRow   *row = lfirst(lc);
		MemoryContext old = MemoryContextSwitchTo(row_context);

		if (!row->settled)
			match_settle_row(match, row, kept);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
	migrate_target_flush(putback->target);
	ExecDropSingleTupleTableSlot(kept);
	match_reset(match);
}

/* Put changed rows back. */
void
migrate_match_rows(PutBack *putback)
{
	Match		match;
	KeptRows   *rows = migrate_keptrows_begin(putback->kept, true);

	match_begin(&match, putback, 0);
	while (migrate_keptrows_next(rows))
	{
		MemoryContext old = MemoryContextSwitchTo(putback->target->row);

		match_change(&match, migrate_keptrows_slot(rows));
		MemoryContextSwitchTo(old);
		MemoryContextReset(putback->target->row);
		if (match.bytes > (int64) maintenance_work_mem * 1024)
			match_batch_rows(&match);
	}
	match_batch_rows(&match);
	migrate_keptrows_end(rows);
	MemoryContextDelete(match.context);
}

/* Give the row that was found the value of the column. */
static void
match_see_column(Match *match, uint64 image)
{
	MatchEntry *entry = match_entry(match->wanted, image, false);
	TupleTableSlot *kept;

	if (entry == NULL || entry->rows == NULL)
		return;
	kept = MakeSingleTupleTableSlot(RelationGetDescr(match->putback->kept), &TTSOpsHeapTuple);
	ExecStoreHeapTuple(entry->rows->kept, kept, false);
	entry->rows = entry->rows->next;
	match->found(match->found_arg, kept);
	ExecDropSingleTupleTableSlot(kept);
}

/* Find the row of each kept value of a column, and let the caller put it back. */
void
migrate_match_column(PutBack *putback, TargetColumn *column, RefillFound found, void *arg)
{
	Match		match;
	KeptRows   *rows = migrate_keptrows_begin(putback->kept, false);

	match_begin(&match, putback, column->kept);
	match.found = found;
	match.found_arg = arg;
	while (migrate_keptrows_next(rows))
	{
		TupleTableSlot *kept = migrate_keptrows_slot(rows);
		MemoryContext old = MemoryContextSwitchTo(putback->target->row);

		match_want(&match, match_add(&match, kept, false), match_image(&match, kept, true));
		MemoryContextSwitchTo(old);
		MemoryContextReset(putback->target->row);
		if (match.bytes > (int64) maintenance_work_mem * 1024)
		{
			match_scan(&match, match_see_column);
			match_reset(&match);
		}
	}
	match_scan(&match, match_see_column);
	migrate_keptrows_end(rows);
	MemoryContextDelete(match.context);
}

/* Count a row that is there. */
static void
match_see_table(Match *match, uint64 image)
{
	MatchEntry *entry = match_entry(match->wanted, image, false);

	if (entry != NULL)
		entry->count--;
}

/* What is done with a kept row of a table. */
typedef void (*MatchTableRow) (Match *match, TupleTableSlot *kept, uint64 image);

/* Count a kept row. */
static void
match_count(Match *match, TupleTableSlot *kept, uint64 image)
{
	match_entry(match->wanted, image, true)->count++;
}

/* Insert a kept row, if rows that look like it are missing. */
static void
match_fill(Match *match, TupleTableSlot *kept, uint64 image)
{
	PutBack    *putback = match->putback;
	MatchEntry *entry = match_entry(match->wanted, image, false);

	if (entry == NULL || entry->count <= 0)
		return;
	entry->count--;
	if (migrate_target_insert(putback->target, kept, true))
		putback->restored++;
	else
		migrate_putback_conflict(putback, kept, "another row has a unique value of this one");
}

/* Go through the kept rows of one part; returns how many there are in all parts. */
static int64
match_each(Match *match, uint64 parts, uint64 part, MatchTableRow work)
{
	PutBack    *putback = match->putback;
	KeptRows   *rows = migrate_keptrows_begin(putback->kept, false);
	int64		count = 0;

	while (migrate_keptrows_next(rows))
	{
		TupleTableSlot *kept = migrate_keptrows_slot(rows);
		MemoryContext old = MemoryContextSwitchTo(putback->target->row);
		uint64		image = work != NULL ? match_image(match, kept, true) : 0;

		if (work != NULL && image % parts == part)
			work(match, kept, image);
		count++;
		MemoryContextSwitchTo(old);
		MemoryContextReset(putback->target->row);
	}
	migrate_keptrows_end(rows);
	return count;
}

/*
 * Put back the rows of a table that has others: those that are missing.  The rows
 * are counted by image, in as many parts as memory makes necessary.
 */
void
migrate_match_table(PutBack *putback)
{
	Match		match;
	uint64		parts;

	match_begin(&match, putback, 0);
	parts = 1 + match_each(&match, 1, 0, NULL) /
		((int64) maintenance_work_mem * 1024 / (2 * sizeof(MatchEntry)));
	for (uint64 part = 0; part < parts; part++)
	{
		match_each(&match, parts, part, match_count);
		match_scan(&match, match_see_table);
		match_each(&match, parts, part, match_fill);
		migrate_target_flush(putback->target);
		match_reset(&match);
	}
	MemoryContextDelete(match.context);
}
