/*-------------------------------------------------------------------------
 *
 * newimage.c
 *		What became of the values of a kept column.
 *
 * The old values are kept before the statement, the new ones are there after it.
 * A rewrite keeps the physical order of the rows, and so does the copy; so the
 * two are read side by side, without any key, and the images of the new values
 * are written into the place that the copy has left for them: the first column
 * of the kept table, which is not null and as wide as they are.
 *
 * The kept table was made by this transaction, and nobody else reads it yet.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/comment.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "keep.h"
#include "newimage.h"
#include "rowimage.h"

/* One relation that is read. */
typedef struct NewimageScan
{
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
} NewimageScan;

/* The images of one page. */
typedef struct NewimagePage
{
	Relation	kept;
	Buffer		buffer;			/* pinned, or InvalidBuffer */
	int			count;
	OffsetNumber offsets[MaxHeapTuplesPerPage];
	int64		images[MaxHeapTuplesPerPage];
} NewimagePage;

/* Begin to read a relation in physical order. */
static void
newimage_scan_begin(NewimageScan *at, Oid relid, Snapshot snapshot)
{
	at->rel = table_open(relid, NoLock);
	at->slot = table_slot_create(at->rel, NULL);
	at->scan = table_beginscan_strat(at->rel, snapshot, 0, NULL, true, false);
}

/* Read the next row; false = that was the last. */
static bool
newimage_scan_next(NewimageScan *at)
{
	return table_scan_getnextslot(at->scan, ForwardScanDirection, at->slot);
}

/* Stop to read a relation. */
static void
newimage_scan_end(NewimageScan *at)
{
	table_endscan(at->scan);
	ExecDropSingleTupleTableSlot(at->slot);
	table_close(at->rel, NoLock);
}

/* Write the images of a page into its rows. */
static void
newimage_flush(NewimagePage *at)
{
	GenericXLogState *log;
	Page		page;

	if (at->buffer == InvalidBuffer)
		return;
	CHECK_FOR_INTERRUPTS();
	LockBuffer(at->buffer, BUFFER_LOCK_EXCLUSIVE);
	log = GenericXLogStart(at->kept);
	page = GenericXLogRegisterBuffer(log, at->buffer, 0);
	for (int i = 0; i < at->count; i++)
	{
		HeapTupleHeader tuple = (HeapTupleHeader) PageGetItem(page, PageGetItemId(page, at->offsets[i]));

		memcpy((char *) tuple + tuple->t_hoff, &at->images[i], sizeof(int64));
	}
	GenericXLogFinish(log);
	UnlockReleaseBuffer(at->buffer);
	at->buffer = InvalidBuffer;
	at->count = 0;
}

/* Note the image of a row that was read. */
static void
newimage_add(NewimagePage *at, TupleTableSlot *slot, int64 image)
{
	Buffer		buffer = ((BufferHeapTupleTableSlot *) slot)->buffer;

	if (at->buffer != buffer)
	{
		newimage_flush(at);
		at->buffer = buffer;
		IncrBufferRefCount(buffer);
	}
	at->offsets[at->count] = ItemPointerGetOffsetNumber(&slot->tts_tid);
	at->images[at->count++] = image;
}

/* Return the image of the only column of a map in a row. */
static int64
newimage_of(KeepMap *map, TupleDesc desc, TupleTableSlot *row)
{
	Datum		value;
	bool		isnull;

	migrate_keep_fill(map, row, &value, &isnull);
	return (int64) migrate_image_row(desc, 0, &value, &isnull);
}

/* Leave word of which type the images are, where the kept table goes in a dump too. */
static void
newimage_name_type(Relation now, AttrNumber attnum, Oid kept)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(now), attnum - 1);

	CreateComments(kept, RelationRelationId, 1,
				   format_type_extended(att->atttypid, att->atttypmod,
										FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

/* Fill in the images of what a column holds now, after the statement. */
void
migrate_newimage_fill(Oid relid, AttrNumber attnum, Oid kept)
{
	MemoryContext per_row = AllocSetContextCreate(CurrentMemoryContext, "migrate image",
												  ALLOCSET_DEFAULT_SIZES);
	NewimagePage page = {.buffer = InvalidBuffer};
	int			settings = migrate_keep_pin_settings();
	NewimageScan now;
	NewimageScan old;
	Snapshot	snapshot;
	KeepMap    *map;
	TupleDesc	desc;

	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	newimage_scan_begin(&now, relid, snapshot);
	newimage_scan_begin(&old, kept, snapshot);
	page.kept = old.rel;
	map = migrate_keep_map(now.rel, bms_make_singleton(attnum));
	desc = migrate_keep_desc(map, 0);
	while (newimage_scan_next(&old))
	{
		MemoryContext before = MemoryContextSwitchTo(per_row);

		if (!newimage_scan_next(&now))
			break;
		newimage_add(&page, old.slot, newimage_of(map, desc, now.slot));
		MemoryContextSwitchTo(before);
		MemoryContextReset(per_row);
	}
	newimage_flush(&page);
	if (!TTS_EMPTY(old.slot) || newimage_scan_next(&now))
		elog(ERROR, "rows of relation %u are not those that were kept of it", relid);
	newimage_name_type(now.rel, attnum, kept);
	newimage_scan_end(&old);
	newimage_scan_end(&now);
	UnregisterSnapshot(snapshot);
	MemoryContextDelete(per_row);
	AtEOXact_GUC(false, settings);
}
