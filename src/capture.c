/*-------------------------------------------------------------------------
 *
 * capture.c
 *		Keep what rows were before a script changes them.
 *
 * intercept.c tells of each row; backup.c has the table that keeps them.
 *
 * Invariants:
 *
 * - A row is kept by the subtransaction that changed it, or not at all (pending.c).
 * - Rows that the step itself has inserted are not kept (newborn.c).
 * - An update that changes nothing is not kept; neither is, where a key finds the
 *   row again, a large value that an update leaves alone.
 * - No code of the user's runs here but output functions of types, with their
 *   settings pinned.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/table.h"
#include "port/pg_bswap.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "allowance.h"
#include "backup.h"
#include "capture.h"
#include "newborn.h"
#include "pending.h"
#include "rowimage.h"

/* One relation whose rows change. */
typedef struct CaptureSource
{
	Oid			relid;			/* hash key */
	uint64		query;			/* when it was last looked at */
	TupleDesc	desc;			/* a copy */
	TupleTableSlot *old;		/* the row as it was, made at the first need */
	uint64		old_epoch;
	bool		old_is_newborn;
	Newborn    *newborn;		/* rows that the step has inserted */

	/* how its rows are kept */
	bool		valid;			/* this is about the relation as it is */
	SubTransactionId subid;		/* made its kept table */
	MemoryContext context;
	Oid			kept;
	KeepMap    *map;
	TupleDesc	kept_desc;
	bool	   *is_key;			/* of the map's columns */
	bool	   *is_generated;
	bool		has_key;
} CaptureSource;

/* What is known while a step runs. */
typedef struct CaptureRun
{
	MemoryContextCallback callback;
	MemoryContext context;
	MemoryContext row;			/* reset for each row */
	MemoryContext old;			/* of the slots for old rows */
	uint64		old_epoch;		/* counts how often that was emptied */
	HTAB	   *sources;
	CaptureSource *last;
	Pending    *pending;
	uint64		query;			/* counts queries */
	CommandId	first;			/* command of the step */
	int64		ordinal;
	Datum	   *values;
	bool	   *isnull;
	char	   *changes;		/* a bytea as large as may be needed */
	int			columns;		/* room in these */
} CaptureRun;

static CaptureRun *capture_run = NULL;

/* Forget a step when its memory goes. */
static void
capture_forget(void *arg)
{
	if (capture_run == arg)
		capture_run = NULL;
}

/* Begin with a step; ends when the current memory context goes. */
void
migrate_capture_begin(void)
{
	MemoryContext caller = CurrentMemoryContext;
	CaptureRun *run = palloc0(sizeof(CaptureRun));
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(CaptureSource),
	};

	run->context = AllocSetContextCreate(CurrentMemoryContext, "migrate capture",
										 ALLOCSET_DEFAULT_SIZES);
	run->row = AllocSetContextCreate(run->context, "migrate capture row",
									 ALLOCSET_DEFAULT_SIZES);
	run->old = AllocSetContextCreate(run->context, "migrate capture slots",
									 ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(run->context);
	run->pending = migrate_pending_begin();
	MemoryContextSwitchTo(caller);
	ctl.hcxt = run->context;
	run->sources = hash_create("migrate sources", 64, &ctl,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	run->first = GetCurrentCommandId(false);
	run->callback.func = capture_forget;
	run->callback.arg = run;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &run->callback);
	capture_run = run;
}

/* End with a step: nothing waits, since every query has ended. */
void
migrate_capture_end(void)
{
	migrate_capture_flush();
	Assert(migrate_pending_is_empty(capture_run->pending));
	MemoryContextDelete(capture_run->context);
	capture_run = NULL;
}

/* Tell whether changed rows are kept now. */
bool
migrate_capture_active(void)
{
	return capture_run != NULL;
}

/* Take note that another query has started. */
void
migrate_capture_query(void)
{
	capture_run->query++;
}

/* Write what the current subtransaction has waiting. */
void
migrate_capture_flush(void)
{
	if (capture_run != NULL)
		migrate_pending_flush(capture_run->pending);
}

/* Drop the kept tables that a subtransaction made, and slots that it used. */
static void
capture_abort(SubTransactionId subid)
{
	HASH_SEQ_STATUS scan;
	CaptureSource *source;

	migrate_pending_abort(capture_run->pending, subid);
	hash_seq_init(&scan, capture_run->sources);
	while ((source = hash_seq_search(&scan)) != NULL)
	{
		if (source->valid && source->subid == subid)
			source->valid = false;
		migrate_newborn_forget(source->newborn);
	}
	/* a slot may hold a pin that the resource owner gives up */
	MemoryContextReset(capture_run->old);
	capture_run->old_epoch++;
}

/* Follow the subtransactions of the script. */
void
migrate_capture_subxact(SubXactEvent event, SubTransactionId subid, SubTransactionId parent)
{
	HASH_SEQ_STATUS scan;
	CaptureSource *source;

	if (capture_run == NULL)
		return;
	if (event == SUBXACT_EVENT_PRE_COMMIT_SUB)
		migrate_capture_flush();
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		capture_abort(subid);
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		hash_seq_init(&scan, capture_run->sources);
		while ((source = hash_seq_search(&scan)) != NULL)
		{
			if (source->subid == subid)
				source->subid = parent;
		}
	}
}

/* Tell whether a relation has the columns it had when its kept table was made. */
static bool
capture_is_same(const CaptureSource *source, TupleDesc now)
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

/* Make room for the values of a row. */
static void
capture_make_room(int columns)
{
	MemoryContext old;

	if (columns <= capture_run->columns)
		return;
	old = MemoryContextSwitchTo(capture_run->context);
	capture_run->columns = columns;
	capture_run->values = palloc(sizeof(Datum) * columns);
	capture_run->isnull = palloc(sizeof(bool) * columns);
	capture_run->changes = palloc(VARHDRSZ + CAPTURE_CHANGE_SIZE * columns);
	MemoryContextSwitchTo(old);
}

/* Learn how the rows of a relation are kept. */
static void
capture_learn(CaptureSource *source, Relation rel)
{
	Relation	kept = migrate_backup_open_rows(rel, &source->map);
	MemoryContext old;
	List	   *key;

	if (source->context != NULL)
		MemoryContextDelete(source->context);
	source->context = AllocSetContextCreate(capture_run->context, "migrate capture source",
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
	capture_make_room(source->kept_desc->natts);
	source->valid = true;
}

/* Look at a relation in a new query: it may have changed. */
static void
capture_look(CaptureSource *source, Relation rel)
{
	MemoryContext old;

	migrate_newborn_look(source->newborn, rel);
	source->query = capture_run->query;
	if (source->desc != NULL && capture_is_same(source, RelationGetDescr(rel)))
		return;
	old = MemoryContextSwitchTo(capture_run->context);
	source->desc = CreateTupleDescCopy(RelationGetDescr(rel));
	MemoryContextSwitchTo(old);
	source->valid = false;
	source->old = NULL;
}

/* Find what is known of a relation. */
static CaptureSource *
capture_source(Relation rel)
{
	CaptureSource *source = capture_run->last;
	Oid			relid = RelationGetRelid(rel);
	bool		found;

	if (source == NULL || source->relid != relid)
	{
		source = hash_search(capture_run->sources, &relid, HASH_ENTER, &found);
		if (!found)
		{
			memset((char *) source + sizeof(Oid), 0, sizeof(CaptureSource) - sizeof(Oid));
			source->newborn = migrate_newborn_begin(capture_run->context, capture_run->first);
		}
		capture_run->last = source;
	}
	if (source->query != capture_run->query)
		capture_look(source, rel);
	return source;
}

/*
 * Read a row before it changes; returns false if it is not to be kept.  What
 * follows must be migrate_capture_update() or migrate_capture_delete().
 */
bool
migrate_capture_read(Relation rel, const TableAmRoutine *routines, ItemPointer tid)
{
	CaptureSource *source;
	MemoryContext old;

	if (capture_run == NULL)
		return false;
	source = capture_source(rel);
	if (source->old == NULL || source->old_epoch != capture_run->old_epoch)
	{
		old = MemoryContextSwitchTo(capture_run->old);
		source->old = MakeSingleTupleTableSlot(source->desc, routines->slot_callbacks(rel));
		source->old_epoch = capture_run->old_epoch;
		MemoryContextSwitchTo(old);
	}
	if (!routines->tuple_fetch_row_version(rel, tid, SnapshotAny, source->old))
		elog(ERROR, "could not read the row of \"%s\" that is about to change",
			 RelationGetRelationName(rel));
	source->old_is_newborn = migrate_newborn_is(source->newborn, source->old);
	return true;
}

/* Count the bytes of the values that lie outside of a row. */
static int64
capture_outside_bytes(TupleDesc desc)
{
	int64		bytes = 0;

	for (int i = BACKUP_ROWS_BEFORE; i < desc->natts; i++)
	{
		if (!capture_run->isnull[i] && TupleDescAttr(desc, i)->attlen == -1 &&
			VARATT_IS_EXTERNAL(DatumGetPointer(capture_run->values[i])))
			bytes += toast_datum_size(capture_run->values[i]);
	}
	return bytes;
}

/* Let the row that stands in values wait; the row counts as kept, or belongs to one. */
static void
capture_add(Relation rel, CaptureSource *source, char operation, bool counts)
{
	PendingRow	row = {
		.kept = source->kept,
		.desc = source->kept_desc,
		.values = capture_run->values,
		.isnull = capture_run->isnull,
		.counts = counts,
	};
	int64		outside = capture_outside_bytes(source->kept_desc);

	capture_run->values[BACKUP_ROWS_ORDINAL - 1] = Int64GetDatum(++capture_run->ordinal);
	capture_run->isnull[BACKUP_ROWS_ORDINAL - 1] = false;
	capture_run->values[BACKUP_ROWS_OPERATION - 1] = CharGetDatum(operation);
	capture_run->isnull[BACKUP_ROWS_OPERATION - 1] = false;
	migrate_allowance_charge(rel, migrate_pending_add(capture_run->pending, &row) + outside);
}

/* Put the columns of a row of the source where they are kept. */
static void
capture_fill(Relation rel, CaptureSource *source, TupleTableSlot *slot)
{
	int			level = 0;

	if (!source->valid)
		capture_learn(source, rel);
	if (source->map->any_text)
		level = migrate_keep_pin_settings();
	migrate_keep_fill(source->map, slot, capture_run->values + BACKUP_ROWS_BEFORE,
					  capture_run->isnull + BACKUP_ROWS_BEFORE);
	if (source->map->any_text)
		AtEOXact_GUC(false, level);
	capture_run->isnull[BACKUP_ROWS_NEW_IMAGE - 1] = true;
	capture_run->isnull[BACKUP_ROWS_CHANGES - 1] = true;
}

/* Return the image of a whole row of the source, as it would be kept. */
static uint64
capture_image(CaptureSource *source, const Datum *values, const bool *isnull)
{
	uint64		image = ROWIMAGE_EMPTY;

	for (int i = 0; i < source->map->count; i++)
	{
		if (!source->is_generated[i])
			image = migrate_image_add(image,
									  migrate_image_value(values[i], isnull[i],
														  TupleDescAttr(source->kept_desc,
																		BACKUP_ROWS_BEFORE + i)));
	}
	return image;
}

/* Append an item to the list of changed columns; returns its new end. */
static char *
capture_put_change(char *end, uint16 column, uint64 image)
{
	column = pg_hton16(column);
	image = pg_hton64(image);
	memcpy(end, &column, sizeof(column));
	memcpy(end + sizeof(column), &image, sizeof(image));
	return end + CAPTURE_CHANGE_SIZE;
}

/* Read a list of changed columns; returns how many there are. */
int
migrate_capture_changes(Datum value, CaptureChange *changes, int limit)
{
	bytea	   *bytes = DatumGetByteaPP(value);
	int			count = VARSIZE_ANY_EXHDR(bytes) / CAPTURE_CHANGE_SIZE;
	const char *item = VARDATA_ANY(bytes);

	if (count > limit)
		elog(ERROR, "list of changed columns is too long");
	for (int i = 0; i < count; i++, item += CAPTURE_CHANGE_SIZE)
	{
		memcpy(&changes[i].column, item, sizeof(uint16));
		memcpy(&changes[i].image, item + sizeof(uint16), sizeof(uint64));
		changes[i].column = pg_ntoh16(changes[i].column);
		changes[i].image = pg_ntoh64(changes[i].image);
	}
	return count;
}

/* Tell whether two values of a column, as they are kept, are the same. */
static bool
capture_is_equal(Datum one, bool one_null, Datum other, bool other_null, Form_pg_attribute att)
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
capture_compare(CaptureSource *source, const Datum *values, const bool *isnull, bool *key)
{
	char	   *end = VARDATA(capture_run->changes);

	*key = false;
	for (int i = 0; i < source->map->count; i++)
	{
		int			k = BACKUP_ROWS_BEFORE + i;
		Form_pg_attribute att = TupleDescAttr(source->kept_desc, k);

		if (source->is_generated[i])
			continue;
		if (!capture_is_equal(capture_run->values[k], capture_run->isnull[k],
							  values[i], isnull[i], att))
		{
			end = capture_put_change(end, i, migrate_image_value(values[i], isnull[i], att));
			*key |= source->is_key[i];
		}
		else if (source->has_key && !capture_run->isnull[k] && att->attlen == -1 &&
				 VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(capture_run->values[k])))
			capture_run->isnull[k] = true;
	}
	SET_VARSIZE(capture_run->changes, end - capture_run->changes);
	return (end - VARDATA(capture_run->changes)) / CAPTURE_CHANGE_SIZE;
}

/* Keep the key of a row only; the values are those of the row. */
static void
capture_add_key(Relation rel, CaptureSource *source, char operation)
{
	for (int i = 0; i < source->map->count; i++)
		capture_run->isnull[BACKUP_ROWS_BEFORE + i] |= source->has_key && !source->is_key[i];
	capture_add(rel, source, operation, false);
}

/* Tell whether an update has changed nothing. */
static bool
capture_is_unchanged(CaptureSource *source, TupleTableSlot *slot)
{
	TupleTableSlot *old = source->old;

	slot_getallattrs(slot);
	slot_getallattrs(old);
	for (int i = 0; i < source->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(source->desc, i);

		if (!att->attisdropped && att->attgenerated == '\0' &&
			!capture_is_equal(old->tts_values[i], old->tts_isnull[i],
							  slot->tts_values[i], slot->tts_isnull[i], att))
			return false;
	}
	return true;
}

/* Keep a row that was updated. */
static void
capture_updated(Relation rel, CaptureSource *source, TupleTableSlot *slot)
{
	Datum	   *values;
	bool	   *isnull;
	bool		key;

	if (capture_is_unchanged(source, slot))
		return;
	capture_fill(rel, source, slot);
	values = palloc(sizeof(Datum) * source->map->count);
	isnull = palloc(sizeof(bool) * source->map->count);
	memcpy(values, capture_run->values + BACKUP_ROWS_BEFORE, sizeof(Datum) * source->map->count);
	memcpy(isnull, capture_run->isnull + BACKUP_ROWS_BEFORE, sizeof(bool) * source->map->count);
	capture_fill(rel, source, source->old);
	if (capture_compare(source, values, isnull, &key) == 0)
		return;
	capture_run->values[BACKUP_ROWS_CHANGES - 1] = PointerGetDatum(capture_run->changes);
	capture_run->isnull[BACKUP_ROWS_CHANGES - 1] = false;
	if (!source->has_key)
	{
		capture_run->values[BACKUP_ROWS_NEW_IMAGE - 1] =
			Int64GetDatum((int64) capture_image(source, values, isnull));
		capture_run->isnull[BACKUP_ROWS_NEW_IMAGE - 1] = false;
	}
	capture_add(rel, source, CAPTURE_UPDATED, true);
	if (key)
	{
		capture_fill(rel, source, slot);
		capture_add_key(rel, source, CAPTURE_KEY);
	}
}

/* Keep the row that was read, now that it was updated; NULL = it was not. */
void
migrate_capture_update(Relation rel, TupleTableSlot *slot)
{
	CaptureSource *source = capture_source(rel);
	MemoryContext old = MemoryContextSwitchTo(capture_run->row);

	if (slot != NULL && source->old_is_newborn)
		migrate_newborn_add(source->newborn, &slot->tts_tid);
	else if (slot != NULL)
		capture_updated(rel, source, slot);
	MemoryContextSwitchTo(old);
	ExecClearTuple(source->old);
	MemoryContextReset(capture_run->row);
}

/* Keep the row that was read, if it was deleted; returns whether it is kept. */
bool
migrate_capture_delete(Relation rel, bool done)
{
	CaptureSource *source = capture_source(rel);
	MemoryContext old = MemoryContextSwitchTo(capture_run->row);
	bool		keep = done && !source->old_is_newborn;

	if (keep)
	{
		capture_fill(rel, source, source->old);
		capture_add(rel, source, CAPTURE_DELETED, true);
	}
	MemoryContextSwitchTo(old);
	ExecClearTuple(source->old);
	MemoryContextReset(capture_run->row);
	return keep;
}

/* Keep that a row came from another partition. */
void
migrate_capture_arrival(Relation rel, TupleTableSlot *slot)
{
	CaptureSource *source;
	MemoryContext old;

	if (capture_run == NULL || !migrate_backup_concerns(RelationGetRelid(rel)))
		return;
	source = capture_source(rel);
	old = MemoryContextSwitchTo(capture_run->row);
	capture_fill(rel, source, slot);
	capture_run->values[BACKUP_ROWS_NEW_IMAGE - 1] =
		Int64GetDatum((int64) capture_image(source, capture_run->values + BACKUP_ROWS_BEFORE,
											capture_run->isnull + BACKUP_ROWS_BEFORE));
	capture_run->isnull[BACKUP_ROWS_NEW_IMAGE - 1] = false;
	capture_add_key(rel, source, CAPTURE_ARRIVED);
	migrate_newborn_arrived(source->newborn, &slot->tts_tid);
	MemoryContextSwitchTo(old);
	MemoryContextReset(capture_run->row);
}
