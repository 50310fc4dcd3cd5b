/*-------------------------------------------------------------------------
 *
 * pending.c
 *		Kept rows that wait to be written.
 *
 * Rows are written many at a time.  They wait in a level of their own for each
 * subtransaction, are written before that one commits, and are dropped when it
 * aborts: a row is kept by the subtransaction that changed it, or not at all.
 * Few rows wait in a level, so memory does not grow with rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "utils/memutils.h"

#include "backup.h"
#include "pending.h"

#define PENDING_MAX_ROWS 1000	/* of one table that wait */
#define PENDING_MAX_BYTES (256 * 1024)	/* of all tables that wait */

/* Rows of one kept table that wait to be written. */
typedef struct PendingTable
{
	Oid			kept;
	TupleDesc	desc;
	int			rows;			/* how many wait */
	int			counted;		/* how many of them count as kept */
	TupleTableSlot *slots[PENDING_MAX_ROWS];	/* made at the first need */
} PendingTable;

/* What one subtransaction has changed and not written yet. */
typedef struct PendingLevel
{
	SubTransactionId subid;
	MemoryContext context;		/* of the level */
	MemoryContext tuples;		/* below it: what waits */
	int64		bytes;
	List	   *tables;			/* of PendingTable * */
	PendingTable *last;
	struct PendingLevel *parent;
} PendingLevel;

struct Pending
{
	MemoryContext context;
	MemoryContext write;		/* reset after each write */
	PendingLevel *level;
};

/* Begin, in the current memory context. */
Pending *
migrate_pending_begin(void)
{
	Pending    *pending = palloc0(sizeof(Pending));

	pending->context = CurrentMemoryContext;
	pending->write = AllocSetContextCreate(pending->context, "migrate pending write",
										   ALLOCSET_DEFAULT_SIZES);
	return pending;
}

/* Return the level of the current subtransaction. */
static PendingLevel *
pending_level(Pending *pending)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	PendingLevel *level = pending->level;
	MemoryContext context;

	if (level != NULL && level->subid == subid)
		return level;
	context = AllocSetContextCreate(pending->context, "migrate pending level",
									ALLOCSET_SMALL_SIZES);
	level = MemoryContextAllocZero(context, sizeof(PendingLevel));
	level->subid = subid;
	level->context = context;
	level->tuples = AllocSetContextCreate(context, "migrate pending tuples",
										  ALLOCSET_DEFAULT_SIZES);
	level->parent = pending->level;
	pending->level = level;
	return level;
}

/* Leave the level on top. */
static void
pending_leave(Pending *pending)
{
	PendingLevel *level = pending->level;

	pending->level = level->parent;
	MemoryContextDelete(level->context);
}

/* Return where rows of a kept table wait in a level. */
static PendingTable *
pending_table(PendingLevel *level, Oid kept, TupleDesc desc)
{
	PendingTable *table = level->last;
	MemoryContext old;
	ListCell   *lc;

	if (table != NULL && table->kept == kept)
		return table;
	foreach(lc, level->tables)
	{
		table = lfirst(lc);
		if (table->kept == kept)
			return level->last = table;
	}
	old = MemoryContextSwitchTo(level->context);
	table = palloc0(sizeof(PendingTable));
	table->kept = kept;
	table->desc = CreateTupleDescCopy(desc);
	level->tables = lappend(level->tables, table);
	MemoryContextSwitchTo(old);
	return level->last = table;
}

/* Write what waits for one kept table. */
static void
pending_write_table(Pending *pending, PendingTable *table)
{
	Relation	kept = table_open(table->kept, RowExclusiveLock);
	MemoryContext old = MemoryContextSwitchTo(pending->write);

	table_multi_insert(kept, table->slots, table->rows, GetCurrentCommandId(true),
					   TABLE_INSERT_SKIP_FSM, NULL);
	MemoryContextSwitchTo(old);
	MemoryContextReset(pending->write);
	for (int i = 0; i < table->rows; i++)
		ExecClearTuple(table->slots[i]);
	migrate_backup_count_rows(table->kept, table->counted);
	table->rows = table->counted = 0;
	table_close(kept, NoLock);
}

/* Write what waits in the level on top. */
static void
pending_write(Pending *pending)
{
	PendingLevel *level = pending->level;
	ListCell   *lc;

	foreach(lc, level->tables)
	{
		PendingTable *table = lfirst(lc);

		if (table->rows > 0)
			pending_write_table(pending, table);
	}
	level->bytes = 0;
	MemoryContextReset(level->tuples);
}

/* Let a row wait; it counts as kept, or belongs to one that does.  Returns its size. */
int64
migrate_pending_add(Pending *pending, const PendingRow *row)
{
	PendingLevel *level = pending_level(pending);
	PendingTable *table = pending_table(level, row->kept, row->desc);
	MemoryContext old = MemoryContextSwitchTo(level->tuples);
	HeapTuple	tuple = heap_form_tuple(table->desc, row->values, row->isnull);
	int64		size = tuple->t_len;

	if (table->slots[table->rows] == NULL)
	{
		MemoryContextSwitchTo(level->context);
		table->slots[table->rows] = MakeSingleTupleTableSlot(table->desc, &TTSOpsHeapTuple);
	}
	MemoryContextSwitchTo(old);
	ExecStoreHeapTuple(tuple, table->slots[table->rows], false);
	table->rows++;
	table->counted += row->counts;
	level->bytes += size;
	if (table->rows == PENDING_MAX_ROWS || level->bytes > PENDING_MAX_BYTES)
		pending_write(pending);
	return size;
}

/* Write what the current subtransaction has waiting. */
void
migrate_pending_flush(Pending *pending)
{
	if (pending->level == NULL || pending->level->subid != GetCurrentSubTransactionId())
		return;
	pending_write(pending);
	pending_leave(pending);
}

/* Drop what a subtransaction that aborts has waiting. */
void
migrate_pending_abort(Pending *pending, SubTransactionId subid)
{
	while (pending->level != NULL && pending->level->subid == subid)
		pending_leave(pending);
}

/* Tell whether nothing waits. */
bool
migrate_pending_is_empty(const Pending *pending)
{
	return pending->level == NULL;
}
