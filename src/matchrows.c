/*-------------------------------------------------------------------------
 *
 * matchrows.c
 *		Put changed rows of tables without a key back.
 *
 * What happened is read latest first, and gathered in a batch before the table is
 * read: the row that a change of the batch would make is what an earlier change of
 * the same row started from, so both become one.  For this, rows are entered twice:
 * by the image to be found (match.c), and by the image of what comes of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "utils/memutils.h"

#include "changedrow.h"
#include "match.h"

/* Rows of one image that come of the batch, or are there already. */
typedef struct MatchOutcome
{
	uint64		image;			/* hash key */
	MatchRow   *rows;			/* that become so */
	int64		count;			/* how many are there, and not looked for */
	int64		fresh;			/* of these, by the script that has just run */
} MatchOutcome;

/* What is known while changed rows go back. */
typedef struct MatchRows
{
	Match		match;			/* must be first */
	HTAB	   *outcomes;		/* MatchOutcome by image */
	ChangedColumn *changes;		/* room for those of one row */
} MatchRows;

/* Begin a batch. */
static void
matchrows_reset(MatchRows *state)
{
	migrate_match_reset(&state->match);
	state->outcomes = migrate_match_hash(state->match.context, sizeof(MatchOutcome));
}

/* Find what comes of an image, or NULL. */
static MatchOutcome *
matchrows_outcome(MatchRows *state, uint64 image)
{
	return hash_search(state->outcomes, &image, HASH_FIND, NULL);
}

/* Let a row of the batch be found by what comes of it. */
static void
matchrows_promise(MatchRows *state, MatchRow *row, uint64 image)
{
	bool		found;
	MatchOutcome *outcome = hash_search(state->outcomes, &image, HASH_ENTER, &found);

	if (!found)
	{
		outcome->rows = NULL;
		outcome->count = 0;
		outcome->fresh = 0;
	}
	row->next_outcome = outcome->rows;
	outcome->rows = row;
}

/* Take a row of the batch that becomes one with this image, or NULL. */
static MatchRow *
matchrows_take(MatchRows *state, uint64 image)
{
	MatchOutcome *outcome = matchrows_outcome(state, image);
	MatchRow   *row = outcome != NULL ? outcome->rows : NULL;

	if (row != NULL)
		outcome->rows = row->next_outcome;
	return row;
}

/* Tell whether an update changed a column that is still there. */
static bool
matchrows_matters(MatchRows *state, TupleTableSlot *kept)
{
	RestoreTarget *target = state->match.putback->target;
	int			count = migrate_changedrow_changes(kept, state->changes, target->count);

	for (int i = 0; i < count; i++)
	{
		if (migrate_match_counts(&state->match, &target->columns[state->changes[i].column]))
			return true;
	}
	return false;
}

/* Take back that a row came from another partition: also one that the batch would make. */
static void
matchrows_arrival(MatchRows *state, TupleTableSlot *kept, uint64 now)
{
	MatchRow   *row = matchrows_take(state, now);

	if (row == NULL)
	{
		row = migrate_match_add(&state->match, kept);
		migrate_match_want(&state->match, row, now);
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
matchrows_change(MatchRows *state, TupleTableSlot *kept)
{
	char		operation = migrate_changedrow_operation(kept);
	uint64		image = migrate_match_image(&state->match, kept, true);
	uint64		now = migrate_changedrow_new_image(kept);
	MatchRow   *row;

	if (operation == CHANGEDROW_UPDATED && !matchrows_matters(state, kept))
		return;
	if (operation == CHANGEDROW_ARRIVED)
	{
		matchrows_arrival(state, kept, now);
		return;
	}
	if (operation != CHANGEDROW_UPDATED && operation != CHANGEDROW_DELETED)
		return;
	row = operation == CHANGEDROW_UPDATED ? matchrows_take(state, now) : NULL;
	if (row != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(state->match.context);

		row->kept = ExecCopySlotHeapTuple(kept);
		MemoryContextSwitchTo(old);
	}
	else
	{
		row = migrate_match_add(&state->match, kept);
		row->is_insert = operation == CHANGEDROW_DELETED;
		if (!row->is_insert)
			migrate_match_want(&state->match, row, now);
	}
	matchrows_promise(state, row, image);
}

/*
 * Tell whether the row that was found is the work of the script that has just run:
 * the table is another one than that whose rows were kept, or the row was written
 * by this transaction.
 */
static bool
matchrows_is_fresh(const PutBack *putback)
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
matchrows_see(Match *match, uint64 image)
{
	MatchRows  *state = (MatchRows *) match;
	PutBack    *putback = match->putback;
	RestoreTarget *target = putback->target;
	MatchRow   *row = migrate_match_take(match, image);
	MatchOutcome *outcome;
	TupleTableSlot *kept;

	if (row == NULL)
	{
		outcome = matchrows_outcome(state, image);
		if (outcome != NULL)
		{
			outcome->count++;
			outcome->fresh += matchrows_is_fresh(putback);
		}
		return;
	}
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
		if (migrate_match_counts(&state->match, &target->columns[i]))
			migrate_target_set(target, &target->columns[i], kept);
	}
	migrate_putback_update(putback, kept);
	ExecDropSingleTupleTableSlot(kept);
}

/* Settle a row that was not found: it is inserted, is as it was already, or is a conflict. */
static void
matchrows_settle(MatchRows *state, MatchRow *row, TupleTableSlot *kept)
{
	PutBack    *putback = state->match.putback;
	MatchOutcome *outcome;

	if (row->is_delete)
		return;					/* it is gone already */
	ExecStoreHeapTuple(row->kept, kept, false);
	outcome = matchrows_outcome(state, migrate_match_image(&state->match, kept, true));
	if (row->is_insert)
	{
		/* the script may have made the row again */
		if (outcome != NULL && outcome->fresh > 0)
			outcome->fresh--;
		else
			migrate_putback_insert(putback, kept, true);
	}
	else if (outcome != NULL && outcome->count > 0)
		outcome->count--;
	else
		migrate_putback_conflict(putback, kept, "changed since");
}

/* Put the rows of a batch back. */
static void
matchrows_batch(MatchRows *state)
{
	PutBack    *putback = state->match.putback;
	MemoryContext row_context = putback->target->row;
	TupleTableSlot *kept;
	ListCell   *lc;

	if (state->match.rows == NIL)
		return;
	migrate_match_scan(&state->match, matchrows_see);
	kept = MakeSingleTupleTableSlot(RelationGetDescr(putback->kept), &TTSOpsHeapTuple);
	foreach(lc, state->match.rows)
	{
		MatchRow   *row = lfirst(lc);
		MemoryContext old = MemoryContextSwitchTo(row_context);

		if (!row->settled)
			matchrows_settle(state, row, kept);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
	migrate_target_flush(putback->target);
	ExecDropSingleTupleTableSlot(kept);
	matchrows_reset(state);
}

/* Put changed rows back. */
void
migrate_match_rows(PutBack *putback)
{
	MatchRows	state;
	KeptRows   *rows = migrate_keptrows_begin(putback->kept, true);

	migrate_match_begin(&state.match, putback, 0);
	state.changes = palloc(sizeof(ChangedColumn) * Max(putback->target->count, 1));
	matchrows_reset(&state);
	while (migrate_keptrows_next(rows))
	{
		MemoryContext old = MemoryContextSwitchTo(putback->target->row);

		matchrows_change(&state, migrate_keptrows_slot(rows));
		MemoryContextSwitchTo(old);
		MemoryContextReset(putback->target->row);
		if (migrate_match_is_full(&state.match))
			matchrows_batch(&state);
	}
	matchrows_batch(&state);
	migrate_keptrows_end(rows);
	migrate_match_end(&state.match);
}
