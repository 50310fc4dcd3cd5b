/*-------------------------------------------------------------------------
 *
 * copyrows.c
 *		Copy rows of a relation into a kept table.
 *
 * Rows go from the storage of the one to that of the other, without a query: so
 * neither privileges nor row security of the source take part, no function of
 * the user's runs but the output functions of types that are kept as text, and
 * neither children nor partitions are read.  It is one scan and multi-inserts,
 * as COPY does them; memory is that of one batch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "copyrows.h"

#define COPYROWS_BATCH 500		/* rows */
#define COPYROWS_BATCH_BYTES 65536	/* of the source's rows, about */
#define COPYROWS_ROW_OVERHEAD 28	/* bytes of a row that are not its columns */

/* A copy under way. */
typedef struct CopyRun
{
	const CopyRows *copy;
	Relation	kept;
	BulkInsertState bulk;
	MemoryContext batch_context;	/* reset after each batch */
	TupleTableSlot *slots[COPYROWS_BATCH];
	int			count;			/* in the batch */
	Size		bytes;			/* in the batch, about */
} CopyRun;

/* Begin to read all rows of a relation as they are now, in physical order. */
static TableScanDesc
copyrows_begin(Relation source, Snapshot *snapshot)
{
	CommandCounterIncrement();
	*snapshot = RegisterSnapshot(GetLatestSnapshot());
	return table_beginscan_strat(source, *snapshot, 0, NULL, true, false);
}

/* Return how wide a column is on average, or -1 for what is not a column. */
static int32
copyrows_width(Relation source, int attnum)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(source), attnum - 1);
	int32		width;

	if (att->attisdropped)
		return -1;
	if (att->attlen > 0)
		return att->attlen;
	width = get_attavgwidth(RelationGetRelid(source), attnum);
	return width > 0 ? width : get_typavgwidth(att->atttypid, att->atttypmod);
}

/*
 * Estimate how many bytes a copy will take: those of the table, its TOAST table
 * included, by the share of the columns that are copied.
 */
int64
migrate_copyrows_size(const CopyRows *copy)
{
	Relation	source = copy->source;
	int64		bytes = (int64) RelationGetNumberOfBlocks(source) * BLCKSZ;
	double		all = COPYROWS_ROW_OVERHEAD;
	double		some = COPYROWS_ROW_OVERHEAD;

	if (OidIsValid(source->rd_rel->reltoastrelid))
	{
		Relation	toast = table_open(source->rd_rel->reltoastrelid, AccessShareLock);

		bytes += (int64) RelationGetNumberOfBlocks(toast) * BLCKSZ;
		table_close(toast, AccessShareLock);
	}
	for (int i = 1; i <= RelationGetDescr(source)->natts; i++)
		all += Max(copyrows_width(source, i), 0);
	for (int i = 0; i < copy->map->count; i++)
		some += Max(copyrows_width(source, copy->map->columns[i].attnum), 0);
	return (int64) (bytes * some / all);
}

/* Tell whether a relation has any row. */
bool
migrate_copyrows_any(Relation source)
{
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;
	bool		any;

	if (RelationGetNumberOfBlocks(source) == 0)
		return false;
	scan = copyrows_begin(source, &snapshot);
	slot = table_slot_create(source, NULL);
	any = table_scan_getnextslot(scan, ForwardScanDirection, slot);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	return any;
}

/* Count the rows of a relation. */
int64
migrate_copyrows_count(Relation source)
{
	Snapshot	snapshot;
	TableScanDesc scan = copyrows_begin(source, &snapshot);
	TupleTableSlot *slot = table_slot_create(source, NULL);
	int64		count = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		count++;
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	return count;
}

/* Write the batch. */
static void
copyrows_flush(CopyRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->batch_context);

	table_multi_insert(run->kept, run->slots, run->count,
					   GetCurrentCommandId(true), TABLE_INSERT_SKIP_FSM, run->bulk);
	for (int i = 0; i < run->count; i++)
		ExecClearTuple(run->slots[i]);
	run->count = 0;
	run->bytes = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->batch_context);
	CHECK_FOR_INTERRUPTS();
}

/* Add a row of the source to the batch. */
static void
copyrows_add(CopyRun *run, TupleTableSlot *row)
{
	TupleTableSlot *slot = run->slots[run->count];
	int			before = run->copy->before;
	MemoryContext old;

	if (slot == NULL)
		slot = run->slots[run->count] = table_slot_create(run->kept, NULL);
	ExecClearTuple(slot);
	old = MemoryContextSwitchTo(run->batch_context);
	migrate_keep_fill(run->copy->map, row, slot->tts_values + before, slot->tts_isnull + before);
	for (int i = 0; i < before; i++)
	{
		slot->tts_values[i] = Int64GetDatum(0);
		slot->tts_isnull[i] = !run->copy->reserve;
	}
	ExecStoreVirtualTuple(slot);
	ExecMaterializeSlot(slot);
	MemoryContextSwitchTo(old);
	run->bytes += ((HeapTupleTableSlot *) slot)->tuple->t_len;
	if (++run->count == COPYROWS_BATCH || run->bytes >= COPYROWS_BATCH_BYTES)
		copyrows_flush(run);
}

/* Release what a copy holds. */
static void
copyrows_end(CopyRun *run)
{
	FreeBulkInsertState(run->bulk);
	table_finish_bulk_insert(run->kept, TABLE_INSERT_SKIP_FSM);
	for (int i = 0; i < COPYROWS_BATCH && run->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(run->slots[i]);
	MemoryContextDelete(run->batch_context);
}

/*
 * Copy all rows of a relation, which the caller has locked, into a kept table;
 * returns how many there are.
 */
int64
migrate_copyrows_run(const CopyRows *copy, Oid kept)
{
	CopyRun		run = {.copy = copy};
	int			settings = migrate_keep_pin_settings();
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *row;
	int64		rows = 0;

	run.kept = table_open(kept, RowExclusiveLock);
	run.bulk = GetBulkInsertState();
	run.batch_context = AllocSetContextCreate(CurrentMemoryContext, "migrate copy",
											  ALLOCSET_DEFAULT_SIZES);
	scan = copyrows_begin(copy->source, &snapshot);
	row = table_slot_create(copy->source, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		copyrows_add(&run, row);
		rows++;
	}
	if (run.count > 0)
		copyrows_flush(&run);
	ExecDropSingleTupleTableSlot(row);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	copyrows_end(&run);
	table_close(run.kept, NoLock);
	CommandCounterIncrement();
	AtEOXact_GUC(false, settings);
	return rows;
}
