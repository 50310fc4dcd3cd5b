/*-------------------------------------------------------------------------
 *
 * putback.c
 *		Put changed rows back, found by their key.
 *
 * Kept rows are undone latest first, each by itself:
 *
 * - Of an updated row, the columns that the update changed get their old values,
 *   if all of them are still what the update made them.  What somebody else has
 *   changed in other columns since stays.
 * - A deleted row is inserted, unless one with its key is there.
 * - A row that came from another partition is deleted, if it is still the same.
 *
 * A row that is not as expected is left as it is and counted as a conflict; but
 * not where it has the old values already, and not where it is gone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "changedrow.h"
#include "putback.h"
#include "rowimage.h"
#include "witness.h"

/* What is known while changed rows go back. */
typedef struct PutBackRows
{
	PutBack    *putback;
	KeptRows   *rows;
	TupleTableSlot *new_key;	/* the key after the update that comes next */
	int64		new_key_ordinal;	/* of that update; 0 = it did not change */
	ChangedColumn *changes;
	Witness    *witness;
} PutBackRows;

/* Count a row that is left as it is, and list it. */
void
migrate_putback_conflict(PutBack *putback, TupleTableSlot *kept, const char *reason)
{
	MemoryContext old;
	PutBackConflict *conflict;

	if (putback->conflicts++ >= PUTBACK_MAX_CONFLICTS)
		return;
	old = MemoryContextSwitchTo(putback->context);
	conflict = palloc(sizeof(PutBackConflict));
	conflict->key = putback->target->keys > 0 ? migrate_target_describe(putback->target, kept) : NULL;
	conflict->reason = reason;
	putback->listed = lappend(putback->listed, conflict);
	MemoryContextSwitchTo(old);
}

/* Count a row that was written, or was refused because of a unique index. */
static void
putback_count(PutBack *putback, TupleTableSlot *kept, bool written)
{
	if (written)
		putback->restored++;
	else
		migrate_putback_conflict(putback, kept, "another row has a unique value of this one");
}

/* Insert a kept row, as migrate_target_insert() does, and count what came of it. */
void
migrate_putback_insert(PutBack *putback, TupleTableSlot *kept, bool check)
{
	putback_count(putback, kept, migrate_target_insert(putback->target, kept, check));
}

/* Write the values that were set of the row that was found, and count what came of it. */
void
migrate_putback_update(PutBack *putback, TupleTableSlot *kept)
{
	putback_count(putback, kept, migrate_target_update(putback->target));
}

/* Return the column that an item of the list of changes is about, or NULL if it is gone. */
static TargetColumn *
putback_changed(RestoreTarget *target, const ChangedColumn *change)
{
	TargetColumn *column = &target->columns[change->column];

	return column->attnum == 0 || column->generated ? NULL : column;
}

/* Tell how many of the changed columns of the row that was found are still as the update left them. */
static bool
putback_is_untouched(RestoreTarget *target, const ChangedColumn *changes, int count)
{
	for (int i = 0; i < count; i++)
	{
		TargetColumn *column = putback_changed(target, &changes[i]);

		if (column != NULL &&
			migrate_target_image(target, column, target->found) != changes[i].image)
			return false;
	}
	return true;
}

/* Tell whether the changed columns of the row that was found have their old values. */
static bool
putback_is_undone(RestoreTarget *target, TupleTableSlot *kept, const ChangedColumn *changes, int count)
{
	for (int i = 0; i < count; i++)
	{
		TargetColumn *column = putback_changed(target, &changes[i]);

		if (column != NULL &&
			migrate_target_image(target, column, target->found) !=
			migrate_target_kept_image(target, column, kept))
			return false;
	}
	return true;
}

/* Give the changed columns of the row that was found their old values. */
static void
putback_undo(PutBack *putback, TupleTableSlot *kept, const ChangedColumn *changes, int count)
{
	RestoreTarget *target = putback->target;
	bool		any = false;

	migrate_target_begin_update(target);
	for (int i = 0; i < count; i++)
	{
		TargetColumn *column = putback_changed(target, &changes[i]);

		if (column == NULL)
			continue;
		migrate_target_set(target, column, kept);
		any = true;
	}
	if (!any)
		return;
	migrate_putback_update(putback, kept);
}

/* Read the list of changed columns of a kept row. */
static int
putback_changes(PutBackRows *state, TupleTableSlot *kept)
{
	return migrate_changedrow_changes(kept, state->changes, state->putback->target->count);
}

/* Undo an update. */
static void
putback_updated(PutBackRows *state, TupleTableSlot *kept)
{
	PutBack    *putback = state->putback;
	RestoreTarget *target = putback->target;
	int			count = putback_changes(state, kept);
	bool		has_new_key = state->new_key_ordinal == migrate_changedrow_ordinal(kept);

	if (has_new_key && migrate_target_find(target, kept) &&
		putback_is_undone(target, kept, state->changes, count))
		return;
	if (state->witness != NULL && migrate_witness_asked(state->witness, kept))
	{
		migrate_witness_ask(state->witness, kept);
		return;
	}
	if (!migrate_target_find(target, has_new_key ? state->new_key : kept))
		return;
	if (putback_is_untouched(target, state->changes, count))
		putback_undo(putback, kept, state->changes, count);
	else if (putback_is_undone(target, kept, state->changes, count))
		return;
	else if (state->witness != NULL && !has_new_key)
		migrate_witness_ask(state->witness, kept);
	else
		migrate_putback_conflict(putback, kept, "changed since");
}

/* Undo a deletion. */
static void
putback_deleted(PutBack *putback, TupleTableSlot *kept)
{
	RestoreTarget *target = putback->target;

	if (!migrate_target_find(target, kept))
	{
		migrate_putback_insert(putback, kept, true);
		migrate_target_flush(target);
	}
	else if (!migrate_target_equal(target, kept))
		migrate_putback_conflict(putback, kept, "another row has the key");
}

/* Return the image of the row that was found, over the columns that were kept. */
static uint64
putback_image(RestoreTarget *target)
{
	uint64		image = ROWIMAGE_EMPTY;

	for (int i = 0; i < target->count; i++)
	{
		if (!target->columns[i].generated && target->columns[i].attnum != 0)
			image = migrate_image_add(image, migrate_target_image(target, &target->columns[i],
																  target->found));
	}
	return image;
}

/* Undo that a row came from another partition. */
static void
putback_arrived(PutBack *putback, TupleTableSlot *kept)
{
	RestoreTarget *target = putback->target;

	if (!migrate_target_find(target, kept))
		return;
	if (putback_image(target) == migrate_changedrow_new_image(kept))
		migrate_target_delete(target);
	else
		migrate_putback_conflict(putback, kept, "changed since it came from another partition");
}

/* Remember the new key of the row that comes next. */
static void
putback_new_key(PutBackRows *state, TupleTableSlot *kept)
{
	ExecCopySlot(state->new_key, kept);
	state->new_key_ordinal = migrate_changedrow_ordinal(kept) - 1;
}

/* Undo what happened to one row. */
static void
putback_row(PutBackRows *state, TupleTableSlot *kept)
{
	switch (migrate_changedrow_operation(kept))
	{
		case CHANGEDROW_KEY:
			putback_new_key(state, kept);
			break;
		case CHANGEDROW_UPDATED:
			putback_updated(state, kept);
			break;
		case CHANGEDROW_DELETED:
			putback_deleted(state->putback, kept);
			break;
		case CHANGEDROW_ARRIVED:
			putback_arrived(state->putback, kept);
			break;
		default:
			elog(ERROR, "kept row has no operation");
	}
}

/*
 * Judge a row that neither is as the update left it nor as it was before: seen is
 * what the script that has just run found and then changed.  If that was what the
 * update left, nobody else has changed it.
 */
static bool
putback_verdict(PutBack *putback, TupleTableSlot *kept, TupleTableSlot *seen)
{
	RestoreTarget *target = putback->target;
	ChangedColumn *changes = palloc(sizeof(ChangedColumn) * Max(target->count, 1));
	int			count = migrate_changedrow_changes(kept, changes, target->count);

	if (!migrate_target_find(target, kept))
		return true;
	for (int i = 0; i < count; i++)
	{
		TargetColumn *column = putback_changed(target, &changes[i]);

		if (column != NULL &&
			migrate_target_image(target, column, target->found) != changes[i].image &&
			migrate_witness_image(kept, column->kept, seen) != changes[i].image)
			return false;
	}
	putback_undo(putback, kept, changes, count);
	return true;
}

/* Put changed rows back. */
void
migrate_putback_rows(PutBack *putback)
{
	PutBackRows state = {.putback = putback};
	RestoreTarget *target = putback->target;
	MemoryContext old = CurrentMemoryContext;

	state.rows = migrate_keptrows_begin(putback->kept, true);
	state.new_key = MakeSingleTupleTableSlot(RelationGetDescr(putback->kept), &TTSOpsHeapTuple);
	state.changes = palloc(sizeof(ChangedColumn) * Max(target->count, 1));
	if (putback->item->witnesses != NIL)
		state.witness = migrate_witness_begin(putback, putback_verdict);
	while (migrate_keptrows_next(state.rows))
	{
		MemoryContextSwitchTo(target->row);
		putback_row(&state, migrate_keptrows_slot(state.rows));
		MemoryContextSwitchTo(old);
		MemoryContextReset(target->row);
	}
	if (state.witness != NULL)
		migrate_witness_end(state.witness);
	ExecDropSingleTupleTableSlot(state.new_key);
	migrate_keptrows_end(state.rows);
}
