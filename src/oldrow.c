/*-------------------------------------------------------------------------
 *
 * oldrow.c
 *		Put changed rows together as they are kept.
 *
 * Invariants:
 *
 * - An update that changes nothing is not kept; neither is, where a key finds the
 *   row again, a large value that an update leaves alone.
 * - No code of the user's runs here but output functions of types, with their
 *   settings pinned.
 *
 * Callers reset the memory context they call in after each row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "allowance.h"
#include "backup.h"
#include "changedrow.h"
#include "oldrow.h"
#include "rowimage.h"

struct OldRow
{
	MemoryContext context;
	Pending    *pending;
	CaptureSources *sources;
	int64		ordinal;		/* of the last row */
	Datum	   *values;
	bool	   *isnull;
	char	   *changes;		/* a bytea as large as may be needed */
	int			columns;		/* room in these */
};

/* Begin with a step, in the current memory context; rows wait in pending. */
OldRow *
migrate_oldrow_begin(Pending *pending, CaptureSources *sources)
{
	OldRow	   *row = palloc0(sizeof(OldRow));

	row->context = CurrentMemoryContext;
	row->pending = pending;
	row->sources = sources;
	return row;
}

/* Make room for the values of a row. */
static void
oldrow_make_room(OldRow *row, int columns)
{
	MemoryContext old;

	if (columns <= row->columns)
		return;
	old = MemoryContextSwitchTo(row->context);
	row->columns = columns;
	row->values = palloc(sizeof(Datum) * columns);
	row->isnull = palloc(sizeof(bool) * columns);
	row->changes = palloc(VARHDRSZ + CHANGEDROW_COLUMN_SIZE * columns);
	MemoryContextSwitchTo(old);
}

/* Set one of our own columns. */
static void
oldrow_set(OldRow *row, AttrNumber column, Datum value)
{
	row->values[column - 1] = value;
	row->isnull[column - 1] = false;
}

/* Count the bytes of the values that lie outside of a row. */
static int64
oldrow_outside_bytes(const OldRow *row, TupleDesc desc)
{
	int64		bytes = 0;

	for (int i = CHANGEDROW_BEFORE; i < desc->natts; i++)
	{
		if (!row->isnull[i] && TupleDescAttr(desc, i)->attlen == -1 &&
			VARATT_IS_EXTERNAL(DatumGetPointer(row->values[i])))
			bytes += toast_datum_size(row->values[i]);
	}
	return bytes;
}

/* Let the row that was put together wait; it counts as kept, or belongs to one. */
static void
oldrow_add(OldRow *row, Relation rel, CaptureSource *source, char operation, bool counts)
{
	PendingRow	waiting = {
		.kept = source->kept,
		.desc = source->kept_desc,
		.values = row->values,
		.isnull = row->isnull,
		.counts = counts,
	};
	int64		outside = oldrow_outside_bytes(row, source->kept_desc);

	oldrow_set(row, CHANGEDROW_ORDINAL, Int64GetDatum(++row->ordinal));
	oldrow_set(row, CHANGEDROW_OPERATION, CharGetDatum(operation));
	migrate_allowance_charge(rel, migrate_pending_add(row->pending, &waiting) + outside);
}

/* Put the columns of a row of the source where they are kept. */
static void
oldrow_fill(OldRow *row, Relation rel, CaptureSource *source, TupleTableSlot *slot)
{
	int			level = 0;

	migrate_capturesource_learn(row->sources, source, rel);
	oldrow_make_room(row, source->kept_desc->natts);
	if (source->map->any_text)
		level = migrate_keep_pin_settings();
	migrate_keep_fill(source->map, slot, row->values + CHANGEDROW_BEFORE,
					  row->isnull + CHANGEDROW_BEFORE);
	if (source->map->any_text)
		AtEOXact_GUC(false, level);
	row->isnull[CHANGEDROW_NEW_IMAGE - 1] = true;
	row->isnull[CHANGEDROW_CHANGES - 1] = true;
}

/* Return the image of a whole row of the source, as it would be kept. */
static uint64
oldrow_image(CaptureSource *source, const Datum *values, const bool *isnull)
{
	uint64		image = ROWIMAGE_EMPTY;

	for (int i = 0; i < source->map->count; i++)
	{
		if (!source->is_generated[i])
			image = migrate_image_add(image,
									  migrate_image_value(values[i], isnull[i],
														  TupleDescAttr(source->kept_desc,
																		CHANGEDROW_BEFORE + i)));
	}
	return image;
}

/* Tell whether two values of a column, as they are kept, are the same. */
static bool
oldrow_is_equal(Datum one, bool one_null, Datum other, bool other_null, Form_pg_attribute att)
{
	if (one_null || other_null)
		return one_null && other_null;
	return migrate_image_equal(one, other, att);
}

/*
 * Compare the old row, in the kept values, with the new one: list the columns
 * that differ.  Returns their number; sets whether the key is among them.
 */
static int
oldrow_compare(OldRow *row, CaptureSource *source, const Datum *values, const bool *isnull,
			   bool *key)
{
	char	   *end = VARDATA(row->changes);

	*key = false;
	for (int i = 0; i < source->map->count; i++)
	{
		int			k = CHANGEDROW_BEFORE + i;
		Form_pg_attribute att = TupleDescAttr(source->kept_desc, k);

		if (source->is_generated[i])
			continue;
		if (!oldrow_is_equal(row->values[k], row->isnull[k],
							 values[i], isnull[i], att))
		{
			ChangedColumn change = {i, migrate_image_value(values[i], isnull[i], att)};

			end = migrate_changedrow_put(end, &change);
			*key |= source->is_key[i];
		}
		else if (source->has_key && !row->isnull[k] && att->attlen == -1 &&
				 VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(row->values[k])))
			row->isnull[k] = true;
	}
	SET_VARSIZE(row->changes, end - row->changes);
	return (end - VARDATA(row->changes)) / CHANGEDROW_COLUMN_SIZE;
}

/* Keep the key of a row only; the values are those of the row. */
static void
oldrow_add_key(OldRow *row, Relation rel, CaptureSource *source, char operation)
{
	for (int i = 0; i < source->map->count; i++)
		row->isnull[CHANGEDROW_BEFORE + i] |= source->has_key && !source->is_key[i];
	oldrow_add(row, rel, source, operation, false);
}

/* Tell whether an update has changed nothing. */
static bool
oldrow_is_unchanged(CaptureSource *source, TupleTableSlot *slot)
{
	TupleTableSlot *old = source->old;

	slot_getallattrs(slot);
	slot_getallattrs(old);
	for (int i = 0; i < source->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(source->desc, i);

		if (!att->attisdropped && att->attgenerated == '\0' &&
			!oldrow_is_equal(old->tts_values[i], old->tts_isnull[i],
							 slot->tts_values[i], slot->tts_isnull[i], att))
			return false;
	}
	return true;
}

/* Keep the source's old row, which was updated to the one in the slot. */
void
migrate_oldrow_updated(OldRow *row, Relation rel, CaptureSource *source, TupleTableSlot *slot)
{
	Datum	   *values;
	bool	   *isnull;
	bool		key;

	if (oldrow_is_unchanged(source, slot))
		return;
	oldrow_fill(row, rel, source, slot);
	values = palloc(sizeof(Datum) * source->map->count);
	isnull = palloc(sizeof(bool) * source->map->count);
	memcpy(values, row->values + CHANGEDROW_BEFORE, sizeof(Datum) * source->map->count);
	memcpy(isnull, row->isnull + CHANGEDROW_BEFORE, sizeof(bool) * source->map->count);
	oldrow_fill(row, rel, source, source->old);
	if (oldrow_compare(row, source, values, isnull, &key) == 0)
		return;
	oldrow_set(row, CHANGEDROW_CHANGES, PointerGetDatum(row->changes));
	if (!source->has_key)
		oldrow_set(row, CHANGEDROW_NEW_IMAGE,
				   Int64GetDatum((int64) oldrow_image(source, values, isnull)));
	oldrow_add(row, rel, source, CHANGEDROW_UPDATED, true);
	if (key)
	{
		oldrow_fill(row, rel, source, slot);
		oldrow_add_key(row, rel, source, CHANGEDROW_KEY);
	}
}

/* Keep the source's old row, which was deleted. */
void
migrate_oldrow_deleted(OldRow *row, Relation rel, CaptureSource *source)
{
	oldrow_fill(row, rel, source, source->old);
	oldrow_add(row, rel, source, CHANGEDROW_DELETED, true);
}

/* Keep that the row in the slot came from another partition. */
void
migrate_oldrow_arrived(OldRow *row, Relation rel, CaptureSource *source, TupleTableSlot *slot)
{
	oldrow_fill(row, rel, source, slot);
	oldrow_set(row, CHANGEDROW_NEW_IMAGE,
			   Int64GetDatum((int64) oldrow_image(source, row->values + CHANGEDROW_BEFORE,
												  row->isnull + CHANGEDROW_BEFORE)));
	oldrow_add_key(row, rel, source, CHANGEDROW_ARRIVED);
}
