/*-------------------------------------------------------------------------
 *
 * targetwrite.c
 *		Write rows of a table that kept rows go back to.
 *
 * The part of target.c that changes the table.  Constraints, generated columns,
 * partition bounds and indexes are dealt with as the executor would; foreign keys
 * and deferred unique constraints are the concern of who set target->written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "target.h"

#define TARGET_MANY 1000		/* rows that are inserted together */
#define TARGET_MANY_BYTES (1024 * 1024) /* the same in bytes */

/*
 * A command does not change what it has written itself: begin a new one if the
 * row that was found was written by the current one.
 */
static void
target_next_command(RestoreTarget *target)
{
	bool		isnull;
	TransactionId xmin = DatumGetTransactionId(slot_getsysattr(target->found,
															   MinTransactionIdAttributeNumber, &isnull));
	CommandId	cmin;

	if (!TransactionIdIsCurrentTransactionId(xmin))
		return;
	cmin = DatumGetCommandId(slot_getsysattr(target->found, MinCommandIdAttributeNumber, &isnull));
	if (cmin >= GetCurrentCommandId(false))
		CommandCounterIncrement();
}

/* Compute and check what depends on the values of a row. */
static void
target_check(RestoreTarget *target, TupleTableSlot *row, CmdType command)
{
	TupleConstr *constr = RelationGetDescr(target->rel)->constr;

	row->tts_tableOid = RelationGetRelid(target->rel);
	if (constr != NULL && constr->has_generated_stored)
		ExecComputeStoredGenerated(target->result, target->estate, row, command);
	if (constr != NULL)
		ExecConstraints(target->result, row, target->estate);
	if (target->rel->rd_rel->relispartition)
		ExecPartitionCheck(target->result, row, target->estate, true);
}

/* Enter a row into the indexes, and tell who wants to know. */
static void
target_enter(RestoreTarget *target, TupleTableSlot *row, const CompatUpdateIndexes *update)
{
	TupleTableSlot *old = update != NULL ? target->found : NULL;
	List	   *deferred = NIL;

	if (target->result->ri_NumIndices > 0 &&
		(update == NULL || compat_indexes_change(*update)))
		deferred = compat_insert_indexes(target->result, row, target->estate, update);
	if (target->written != NULL)
		target->written(target->written_arg, old, row, deferred);
	ResetPerTupleExprContext(target->estate);
}

/*
 * Tell whether another row stands in the way of a new or changed one: changed
 * are the attributes that matter, NULL = all.
 */
static bool
target_clashes(RestoreTarget *target, TupleTableSlot *row, const Bitmapset *changed)
{
	List	   *indexes = NIL;
	ItemPointerData tid;
	ListCell   *lc;

	foreach(lc, target->uniques)
	{
		TargetUnique *unique = lfirst(lc);

		if (changed == NULL || bms_overlap(changed, unique->attnums))
			indexes = lappend_oid(indexes, unique->index);
	}
	return indexes != NIL &&
		!compat_check_indexes(target->result, row, target->estate, &tid, indexes);
}

/* Begin to change the row that was found. */
void
migrate_target_begin_update(RestoreTarget *target)
{
	TupleTableSlot *slot = target->slot;
	int			natts = slot->tts_tupleDescriptor->natts;

	target->changed = NULL;
	ExecClearTuple(slot);
	slot_getallattrs(target->found);
	memcpy(slot->tts_values, target->found->tts_values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, target->found->tts_isnull, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);
}

/* Give one column of the row to write the value that was kept. */
void
migrate_target_set(RestoreTarget *target, TargetColumn *column, TupleTableSlot *kept)
{
	int			i = column->attnum - 1;
	bool		isnull;
	Datum		value = slot_getattr(kept, column->kept, &isnull);

	target->slot->tts_values[i] = migrate_target_in(target, column, value, &isnull);
	target->slot->tts_isnull[i] = isnull;
	target->changed = bms_add_member(target->changed,
									 column->attnum - FirstLowInvalidHeapAttributeNumber);
}

/*
 * Write the changed row in the place of the one that was found; returns false if
 * another row stands in its way.
 */
bool
migrate_target_update(RestoreTarget *target)
{
	CompatUpdateIndexes update;

	CheckCmdReplicaIdentity(target->rel, CMD_UPDATE);
	target_check(target, target->slot, CMD_UPDATE);
	if (target_clashes(target, target->slot, target->changed))
		return false;
	target_next_command(target);
	simple_table_tuple_update(target->rel, &target->found->tts_tid, target->slot,
							  GetActiveSnapshot(), &update);
	target_enter(target, target->slot, &update);
	ExecClearTuple(target->slot);
	return true;
}

/* Delete the row that was found. */
void
migrate_target_delete(RestoreTarget *target)
{
	CheckCmdReplicaIdentity(target->rel, CMD_DELETE);
	target_next_command(target);
	simple_table_tuple_delete(target->rel, &target->found->tts_tid, GetActiveSnapshot());
	if (target->written != NULL)
		target->written(target->written_arg, target->found, NULL, NIL);
}

/* Return a slot for one more row to insert. */
static TupleTableSlot *
target_next_slot(RestoreTarget *target)
{
	MemoryContext old = MemoryContextSwitchTo(target->context);

	if (target->many == NULL)
		target->many = palloc0(sizeof(TupleTableSlot *) * (TARGET_MANY + 1));
	if (target->many[target->waiting] == NULL)
		target->many[target->waiting] = table_slot_create(target->rel, NULL);
	MemoryContextSwitchTo(old);
	return target->many[target->waiting++];
}

/* Fill a row from a kept one, and defaults. */
static void
target_fill(RestoreTarget *target, TupleTableSlot *slot, TupleTableSlot *kept)
{
	int			natts = slot->tts_tupleDescriptor->natts;
	ListCell   *lc;

	ExecClearTuple(slot);
	memset(slot->tts_values, 0, sizeof(Datum) * natts);
	memset(slot->tts_isnull, true, sizeof(bool) * natts);
	slot_getallattrs(kept);
	for (int i = 0; i < target->count; i++)
	{
		TargetColumn *column = &target->columns[i];
		bool		isnull = kept->tts_isnull[column->kept - 1];

		if (column->attnum == 0 || column->generated)
			continue;
		slot->tts_values[column->attnum - 1] =
			migrate_target_in(target, column, kept->tts_values[column->kept - 1], &isnull);
		slot->tts_isnull[column->attnum - 1] = isnull;
	}
	foreach(lc, target->defaults)
	{
		TargetDefault *item = lfirst(lc);

		slot->tts_values[item->attnum - 1] =
			ExecEvalExpr(item->expression, GetPerTupleExprContext(target->estate),
						 &slot->tts_isnull[item->attnum - 1]);
	}
	ExecStoreVirtualTuple(slot);
}

/*
 * Insert a kept row, at the latest with migrate_target_flush(); with check,
 * returns false if another row stands in its way.
 */
bool
migrate_target_insert(RestoreTarget *target, TupleTableSlot *kept, bool check)
{
	TupleTableSlot *slot = target_next_slot(target);

	target_fill(target, slot, kept);
	target_check(target, slot, CMD_INSERT);
	if (check && target_clashes(target, slot, NULL))
	{
		ExecClearTuple(slot);
		target->waiting--;
		return false;
	}
	ExecMaterializeSlot(slot);
	if (TTS_IS_BUFFERTUPLE(slot))
		target->waiting_bytes += ((BufferHeapTupleTableSlot *) slot)->base.tuple->t_len;
	if (target->waiting == TARGET_MANY || target->waiting_bytes > TARGET_MANY_BYTES)
		migrate_target_flush(target);
	else
		ResetPerTupleExprContext(target->estate);
	return true;
}

/* Write the rows that wait to be inserted. */
void
migrate_target_flush(RestoreTarget *target)
{
	MemoryContext old;

	if (target->waiting == 0)
		return;
	CheckCmdReplicaIdentity(target->rel, CMD_INSERT);
	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(target->estate));
	table_multi_insert(target->rel, target->many, target->waiting, GetCurrentCommandId(true),
					   0, NULL);
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(target->estate);
	for (int i = 0; i < target->waiting; i++)
	{
		target_enter(target, target->many[i], NULL);
		ExecClearTuple(target->many[i]);
	}
	target->waiting = 0;
	target->waiting_bytes = 0;
}
