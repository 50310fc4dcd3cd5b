/*-------------------------------------------------------------------------
 *
 * reference.c
 *		Check foreign keys and deferred unique constraints of rows put back.
 *
 * Rows go back table by table, so what they refer to may come later: the rows
 * that have something to be checked are noted, in a store that spills to disk,
 * and are checked when all are back.  The checks are the server's own, called as
 * its triggers call them, with all they do to be right: who reads, partitions,
 * types that differ, rows that have gone meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "reference.h"

/* One table with rows that were put back. */
typedef struct ReferenceTable
{
	References *all;
	Oid			relid;
	Relation	rel;			/* while rows are put back, or checked */
	TriggerDesc *triggers;
	Tuplestorestate *written;	/* TIDs, and OIDs of deferred unique indexes
								 * or 0 */
	Tuplestorestate *removed;	/* rows that others may refer to */
} ReferenceTable;

struct References
{
	MemoryContext context;
	TupleDesc	desc;			/* of the written ones */
	List	   *tables;			/* of ReferenceTable * */
};

/* Begin. */
References *
migrate_reference_begin(void)
{
	References *references = palloc0(sizeof(References));

	references->context = CurrentMemoryContext;
	references->desc = CreateTemplateTupleDesc(2);
	TupleDescInitEntry(references->desc, 1, "tid", TIDOID, -1, 0);
	TupleDescInitEntry(references->desc, 2, "index", OIDOID, -1, 0);
	return references;
}

/* Tell whether a foreign key holds for the rows there are. */
static bool
reference_is_valid(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		valid;

	if (!HeapTupleIsValid(tuple))
		return false;
	valid = ((Form_pg_constraint) GETSTRUCT(tuple))->convalidated;
	ReleaseSysCache(tuple);
	return valid;
}

/* Tell whether a trigger checks rows that refer to others. */
static bool
reference_is_referring(const Trigger *trigger)
{
	return trigger->tgisinternal && trigger->tgfoid == F_RI_FKEY_CHECK_INS &&
		reference_is_valid(trigger->tgconstraint);
}

/* Tell whether a trigger looks after rows that others refer to. */
static bool
reference_is_referred(const Trigger *trigger)
{
	return trigger->tgisinternal && TRIGGER_FOR_DELETE(trigger->tgtype) &&
		RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_PK;
}

/* Note that a row must be checked. */
static void
reference_note(ReferenceTable *table, TupleTableSlot *row, Oid index)
{
	Datum		values[2] = {PointerGetDatum(&row->tts_tid), ObjectIdGetDatum(index)};
	bool		isnull[2] = {false, false};

	tuplestore_putvalues(table->written, table->all->desc, values, isnull);
}

/* Hear of a row that was written: old and new, one of which may be NULL. */
static void
reference_written(void *arg, TupleTableSlot *old, TupleTableSlot *row, List *deferred)
{
	ReferenceTable *table = arg;
	bool		refers = false;
	bool		referred = false;
	ListCell   *lc;

	for (int i = 0; i < table->triggers->numtriggers; i++)
	{
		Trigger    *trigger = &table->triggers->triggers[i];

		if (row != NULL && !refers && reference_is_referring(trigger))
			refers = old == NULL ||
				RI_FKey_fk_upd_check_required(trigger, table->rel, old, row);
		if (old != NULL && !referred && reference_is_referred(trigger))
			referred = row == NULL ||
				RI_FKey_pk_upd_check_required(trigger, table->rel, old, row);
	}
	if (refers)
		reference_note(table, row, InvalidOid);
	foreach(lc, deferred)
		reference_note(table, row, lfirst_oid(lc));
	if (referred)
		tuplestore_puttupleslot(table->removed, old);
}

/* Note what is written to a target, if there is something to be checked. */
void
migrate_reference_watch(References *references, RestoreTarget *target)
{
	MemoryContext old = MemoryContextSwitchTo(references->context);
	ReferenceTable *table;

	if (target->rel->trigdesc != NULL)
	{
		table = palloc0(sizeof(ReferenceTable));
		table->all = references;
		table->rel = target->rel;
		table->relid = RelationGetRelid(target->rel);
		table->triggers = CopyTriggerDesc(target->rel->trigdesc);
		table->written = tuplestore_begin_heap(false, false, work_mem);
		table->removed = tuplestore_begin_heap(false, false, work_mem);
		references->tables = lappend(references->tables, table);
		target->written = reference_written;
		target->written_arg = table;
	}
	MemoryContextSwitchTo(old);
}

/* Note that all rows of a table must be checked. */
void
migrate_reference_add_table(References *references, Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	RestoreTarget target = {.rel = rel};
	TupleTableSlot *row;
	TableScanDesc scan;

	if (rel == NULL)
		return;
	migrate_reference_watch(references, &target);
	if (target.written != NULL)
	{
		row = table_slot_create(rel, NULL);
		scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
		while (table_scan_getnextslot(scan, ForwardScanDirection, row))
			target.written(target.written_arg, NULL, row, NIL);
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(row);
	}
	relation_close(rel, NoLock);
}

/* Run one of the server's checks on a row, as its trigger would. */
static void
reference_run(ReferenceTable *table, Trigger *trigger, TupleTableSlot *row, TriggerEvent event)
{
	LOCAL_FCINFO(fcinfo, 0);
	TriggerData data = {.type = T_TriggerData};

	data.tg_event = event | TRIGGER_EVENT_ROW | TRIGGER_EVENT_AFTER;
	data.tg_relation = table->rel;
	data.tg_trigslot = row;
	data.tg_trigtuple = ExecFetchSlotHeapTuple(row, false, NULL);
	data.tg_trigger = trigger;
	MemSet(fcinfo, 0, SizeForFunctionCallInfo(0));
	fcinfo->context = (Node *) &data;
	if (event == TRIGGER_EVENT_DELETE)
		(void) RI_FKey_noaction_del(fcinfo);
	else if (trigger->tgfoid == F_RI_FKEY_CHECK_INS)
		(void) RI_FKey_check_ins(fcinfo);
	else
		(void) unique_key_recheck(fcinfo);
}

/* Check one row that was written; the index is a deferred unique one, or 0. */
static void
reference_check_row(ReferenceTable *table, TupleTableSlot *row, Oid index)
{
	for (int i = 0; i < table->triggers->numtriggers; i++)
	{
		Trigger    *trigger = &table->triggers->triggers[i];

		if (OidIsValid(index) ?
			(trigger->tgfoid == F_UNIQUE_KEY_RECHECK && trigger->tgconstrindid == index) :
			reference_is_referring(trigger))
			reference_run(table, trigger, row, TRIGGER_EVENT_INSERT);
	}
}

/* Check the rows of a table that were written. */
static void
reference_check_written(ReferenceTable *table)
{
	TupleTableSlot *noted = MakeSingleTupleTableSlot(table->all->desc, &TTSOpsMinimalTuple);
	TupleTableSlot *row = table_slot_create(table->rel, NULL);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "migrate reference",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	while (tuplestore_gettupleslot(table->written, true, false, noted))
	{
		bool		isnull;
		ItemPointer tid = (ItemPointer) DatumGetPointer(slot_getattr(noted, 1, &isnull));
		Oid			index = DatumGetObjectId(slot_getattr(noted, 2, &isnull));

		CHECK_FOR_INTERRUPTS();
		if (table_tuple_fetch_row_version(table->rel, tid, SnapshotSelf, row))
			reference_check_row(table, row, index);
		ExecClearTuple(row);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	ExecDropSingleTupleTableSlot(noted);
	ExecDropSingleTupleTableSlot(row);
}

/* Check that nothing refers to rows of a table that have gone. */
static void
reference_check_removed(ReferenceTable *table)
{
	TupleTableSlot *row = MakeSingleTupleTableSlot(RelationGetDescr(table->rel),
												   &TTSOpsMinimalTuple);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "migrate reference",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	while (tuplestore_gettupleslot(table->removed, true, false, row))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
		for (int i = 0; i < table->triggers->numtriggers; i++)
		{
			if (reference_is_referred(&table->triggers->triggers[i]))
				reference_run(table, &table->triggers->triggers[i], row, TRIGGER_EVENT_DELETE);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	ExecDropSingleTupleTableSlot(row);
}

/* Say in an error what was being done. */
static void
reference_error_callback(void *arg)
{
	errcontext("checking constraints of rows put back into table \"%s\"",
			   RelationGetRelationName(((ReferenceTable *) arg)->rel));
	if (geterrcode() == ERRCODE_FOREIGN_KEY_VIOLATION)
		errhint("Rows were written or removed since that do not go with the kept ones: change these, or let the down script do so.");
}

/* Check all rows that were noted; raises what the constraints raise. */
void
migrate_reference_check(References *references)
{
	ListCell   *lc;

	foreach(lc, references->tables)
	{
		ReferenceTable *table = lfirst(lc);
		ErrorContextCallback callback = {
			.previous = error_context_stack,
			.callback = reference_error_callback,
			.arg = table,
		};

		table->rel = table_open(table->relid, AccessShareLock);
		error_context_stack = &callback;
		reference_check_written(table);
		reference_check_removed(table);
		error_context_stack = callback.previous;
		tuplestore_end(table->written);
		tuplestore_end(table->removed);
		table_close(table->rel, NoLock);
	}
}
