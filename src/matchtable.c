/*-------------------------------------------------------------------------
 *
 * matchtable.c
 *		Put tables without a key back as a whole, or a column of one.
 *
 * Of a table that has rows, those that are missing come back: of each image, as
 * many as there are more kept rows than rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "match.h"

/* What is known while a column goes back. */
typedef struct MatchColumn
{
	Match		match;			/* must be first */
	RefillFound found;			/* what is done with a row */
	void	   *found_arg;
} MatchColumn;

/* Give the row that was found the value of the column. */
static void
matchtable_see_column(Match *match, uint64 image)
{
	MatchColumn *state = (MatchColumn *) match;
	MatchRow   *row = migrate_match_take(match, image);
	TupleTableSlot *kept;

	if (row == NULL)
		return;
	kept = MakeSingleTupleTableSlot(RelationGetDescr(match->putback->kept), &TTSOpsHeapTuple);
	ExecStoreHeapTuple(row->kept, kept, false);
	state->found(state->found_arg, kept);
	ExecDropSingleTupleTableSlot(kept);
}

/* Find the row of each kept value of a column, and let the caller put it back. */
void
migrate_match_column(PutBack *putback, TargetColumn *column, RefillFound found, void *arg)
{
	MatchColumn state = {.found = found, .found_arg = arg};
	Match	   *match = &state.match;
	KeptRows   *rows = migrate_keptrows_begin(putback->kept, false);

	migrate_match_begin(match, putback, column->kept);
	while (migrate_keptrows_next(rows))
	{
		TupleTableSlot *kept = migrate_keptrows_slot(rows);
		MemoryContext old = MemoryContextSwitchTo(putback->target->row);

		migrate_match_want(match, migrate_match_add(match, kept),
						   migrate_match_image(match, kept, true));
		MemoryContextSwitchTo(old);
		MemoryContextReset(putback->target->row);
		if (migrate_match_is_full(match))
		{
			migrate_match_scan(match, matchtable_see_column);
			migrate_match_reset(match);
		}
	}
	migrate_match_scan(match, matchtable_see_column);
	migrate_keptrows_end(rows);
	migrate_match_end(match);
}

/* Count a row that is there. */
static void
matchtable_see(Match *match, uint64 image)
{
	MatchEntry *entry = migrate_match_find(match, image);

	if (entry != NULL)
		entry->count--;
}

/* What is done with a kept row of a table. */
typedef void (*MatchTableRow) (Match *match, TupleTableSlot *kept, uint64 image);

/* Count a kept row. */
static void
matchtable_count(Match *match, TupleTableSlot *kept, uint64 image)
{
	migrate_match_enter(match, image)->count++;
}

/* Insert a kept row, if rows that look like it are missing. */
static void
matchtable_fill(Match *match, TupleTableSlot *kept, uint64 image)
{
	PutBack    *putback = match->putback;
	MatchEntry *entry = migrate_match_find(match, image);

	if (entry == NULL || entry->count <= 0)
		return;
	entry->count--;
	migrate_putback_insert(putback, kept, true);
}

/* Go through the kept rows of one part; returns how many there are in all parts. */
static int64
matchtable_each(Match *match, uint64 parts, uint64 part, MatchTableRow work)
{
	PutBack    *putback = match->putback;
	KeptRows   *rows = migrate_keptrows_begin(putback->kept, false);
	int64		count = 0;

	while (migrate_keptrows_next(rows))
	{
		TupleTableSlot *kept = migrate_keptrows_slot(rows);
		MemoryContext old = MemoryContextSwitchTo(putback->target->row);
		uint64		image = work != NULL ? migrate_match_image(match, kept, true) : 0;

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

	migrate_match_begin(&match, putback, 0);
	parts = 1 + matchtable_each(&match, 1, 0, NULL) /
		((int64) maintenance_work_mem * 1024 / (2 * sizeof(MatchEntry)));
	for (uint64 part = 0; part < parts; part++)
	{
		matchtable_each(&match, parts, part, matchtable_count);
		migrate_match_scan(&match, matchtable_see);
		matchtable_each(&match, parts, part, matchtable_fill);
		migrate_target_flush(putback->target);
		migrate_match_reset(&match);
	}
	migrate_match_end(&match);
}
