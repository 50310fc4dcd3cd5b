/*-------------------------------------------------------------------------
 *
 * keptrows.c
 *		Read the rows of a kept table.
 *
 * Changed rows are wanted latest first.  Mostly they stand in the order in which
 * they were kept, and are read backwards; where subtransactions mixed them up,
 * they are sorted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

#include "changedrow.h"
#include "keptrows.h"

#define KEPTROWS_INT8_GREATER 413	/* OID of the operator bigint > bigint */

struct KeptRows
{
	Snapshot	snapshot;
	TableScanDesc scan;
	ScanDirection direction;
	Tuplesortstate *sort;
	TupleTableSlot *slot;		/* of the scan */
	TupleTableSlot *sorted;		/* of the sort */
};

/* Start over, in a direction. */
static void
keptrows_scan(KeptRows *rows, Relation kept, ScanDirection direction)
{
	rows->direction = direction;
	rows->scan = table_beginscan_strat(kept, rows->snapshot, 0, NULL, true, false);
}

/* Tell whether changed rows stand in their order. */
static bool
keptrows_are_ordered(KeptRows *rows, Relation kept)
{
	int64		last = 0;
	bool		ordered = true;

	keptrows_scan(rows, kept, ForwardScanDirection);
	while (ordered && table_scan_getnextslot(rows->scan, ForwardScanDirection, rows->slot))
	{
		int64		ordinal = migrate_changedrow_ordinal(rows->slot);

		CHECK_FOR_INTERRUPTS();
		ordered = ordinal > last;
		last = ordinal;
	}
	table_endscan(rows->scan);
	return ordered;
}

/* Sort changed rows, latest first. */
static void
keptrows_sort(KeptRows *rows, Relation kept)
{
	AttrNumber	attnum = CHANGEDROW_ORDINAL;
	Oid			operator = KEPTROWS_INT8_GREATER;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;

	rows->sort = tuplesort_begin_heap(RelationGetDescr(kept), 1, &attnum, &operator,
									  &collation, &nulls_first, work_mem, NULL,
									  TUPLESORT_NONE);
	rows->sorted = MakeSingleTupleTableSlot(RelationGetDescr(kept), &TTSOpsMinimalTuple);
	keptrows_scan(rows, kept, ForwardScanDirection);
	while (table_scan_getnextslot(rows->scan, ForwardScanDirection, rows->slot))
		tuplesort_puttupleslot(rows->sort, rows->slot);
	tuplesort_performsort(rows->sort);
}

/* Begin to read a kept table. */
KeptRows *
migrate_keptrows_begin(Relation kept, bool latest_first)
{
	KeptRows   *rows = palloc0(sizeof(KeptRows));

	rows->snapshot = RegisterSnapshot(GetLatestSnapshot());
	rows->slot = table_slot_create(kept, NULL);
	if (!latest_first)
		keptrows_scan(rows, kept, ForwardScanDirection);
	else if (keptrows_are_ordered(rows, kept))
		keptrows_scan(rows, kept, BackwardScanDirection);
	else
		keptrows_sort(rows, kept);
	return rows;
}

/* Read the next row; it stands in migrate_keptrows_slot(). */
bool
migrate_keptrows_next(KeptRows *rows)
{
	CHECK_FOR_INTERRUPTS();
	if (rows->sort != NULL)
		return tuplesort_gettupleslot(rows->sort, true, false, rows->sorted, NULL);
	return table_scan_getnextslot(rows->scan, rows->direction, rows->slot);
}

/* Return the slot in which rows are read. */
TupleTableSlot *
migrate_keptrows_slot(KeptRows *rows)
{
	return rows->sort != NULL ? rows->sorted : rows->slot;
}

/* End. */
void
migrate_keptrows_end(KeptRows *rows)
{
	table_endscan(rows->scan);
	if (rows->sort != NULL)
	{
		tuplesort_end(rows->sort);
		ExecDropSingleTupleTableSlot(rows->sorted);
	}
	ExecDropSingleTupleTableSlot(rows->slot);
	UnregisterSnapshot(rows->snapshot);
	pfree(rows);
}
