/*-------------------------------------------------------------------------
 *
 * match.c
 *		Look through a table for rows, by what they look like.
 *
 * So rows of tables without a key are found: by an image (rowimage.c) of all their
 * columns.  Rows with the same values cannot be told apart, and need not be: they
 * are matched one to one.
 *
 * Invariants:
 *
 * - The table is read once for a batch: as many kept rows as fit into
 *   maintenance_work_mem.  What a batch needs lives in its memory context.
 * - What is found is read with a snapshot that does not see what is written
 *   meanwhile, but all that was written before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "match.h"
#include "rowimage.h"

#define MATCH_OVERHEAD 128		/* bytes of a row in two hash tables */

/* Make a hash table of entries that begin with an image. */
HTAB *
migrate_match_hash(MemoryContext context, Size entrysize)
{
	HASHCTL		ctl = {
		.keysize = sizeof(uint64),
		.entrysize = entrysize,
		.hcxt = context,
	};

	return hash_create("migrate match", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Begin a batch. */
void
migrate_match_reset(Match *match)
{
	MemoryContextReset(match->context);
	match->wanted = migrate_match_hash(match->context, sizeof(MatchEntry));
	match->rows = NIL;
	match->bytes = 0;
}

/* Begin; what is needed lives below the current memory context. */
void
migrate_match_begin(Match *match, PutBack *putback, AttrNumber except)
{
	memset(match, 0, sizeof(Match));
	match->putback = putback;
	match->except = except;
	match->context = AllocSetContextCreate(CurrentMemoryContext, "migrate match",
										   ALLOCSET_DEFAULT_SIZES);
	migrate_match_reset(match);
}

/* End. */
void
migrate_match_end(Match *match)
{
	MemoryContextDelete(match->context);
}

/* Tell whether a column of a kept row counts when rows are compared. */
bool
migrate_match_counts(const Match *match, const TargetColumn *column)
{
	return column->attnum != 0 && !column->generated && column->kept != match->except;
}

/* Return the image of a kept row, or of a row of the target. */
uint64
migrate_match_image(const Match *match, TupleTableSlot *row, bool is_kept)
{
	RestoreTarget *target = match->putback->target;
	uint64		image = ROWIMAGE_EMPTY;

	for (int i = 0; i < target->count; i++)
	{
		TargetColumn *column = &target->columns[i];

		if (migrate_match_counts(match, column))
			image = migrate_image_add(image,
									  is_kept ? migrate_target_kept_image(target, column, row) :
									  migrate_target_image(target, column, row));
	}
	return image;
}

/* Add a row to the batch. */
MatchRow *
migrate_match_add(Match *match, TupleTableSlot *kept)
{
	MemoryContext old = MemoryContextSwitchTo(match->context);
	MatchRow   *row = palloc0(sizeof(MatchRow));

	row->kept = ExecCopySlotHeapTuple(kept);
	match->rows = lappend(match->rows, row);
	match->bytes += row->kept->t_len + sizeof(MatchRow) + MATCH_OVERHEAD;
	MemoryContextSwitchTo(old);
	return row;
}

/* Tell whether the batch takes as much memory as it may. */
bool
migrate_match_is_full(const Match *match)
{
	return match->bytes > (int64) maintenance_work_mem * 1024;
}

/* Find what there is of an image, or enter it. */
MatchEntry *
migrate_match_enter(Match *match, uint64 image)
{
	bool		found;
	MatchEntry *entry = hash_search(match->wanted, &image, HASH_ENTER, &found);

	if (!found)
	{
		entry->rows = NULL;
		entry->count = 0;
	}
	return entry;
}

/* Find what there is of an image, or NULL. */
MatchEntry *
migrate_match_find(const Match *match, uint64 image)
{
	return hash_search(match->wanted, &image, HASH_FIND, NULL);
}

/* Look for the row with this image. */
void
migrate_match_want(Match *match, MatchRow *row, uint64 image)
{
	MatchEntry *entry = migrate_match_enter(match, image);

	row->next = entry->rows;
	entry->rows = row;
}

/* Take one of the rows with this image that are looked for, or NULL. */
MatchRow *
migrate_match_take(const Match *match, uint64 image)
{
	MatchEntry *entry = migrate_match_find(match, image);
	MatchRow   *row = entry != NULL ? entry->rows : NULL;

	if (row != NULL)
		entry->rows = row->next;
	return row;
}

/* Read all rows of the target, with what was written before this. */
void
migrate_match_scan(Match *match, MatchSee see)
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
		see(match, migrate_match_image(match, target->found, false));
		MemoryContextSwitchTo(old);
		MemoryContextReset(target->row);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
}
