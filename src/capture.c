/*-------------------------------------------------------------------------
 *
 * capture.c
 *		Keep what rows were before a script changes them.
 *
 * intercept.c tells of each row; oldrow.c puts together what is kept of it;
 * backup.c has the table that keeps it.
 *
 * Invariants:
 *
 * - A row is kept by the subtransaction that changed it, or not at all (pending.c).
 * - Rows that the step itself has inserted are not kept (newborn.c).
 * - Nothing of a row stays in memory but what waits to be written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "backup.h"
#include "capture.h"
#include "oldrow.h"

/* What is known while a step runs. */
typedef struct CaptureRun
{
	MemoryContextCallback callback;
	MemoryContext context;
	MemoryContext row;			/* reset for each row */
	CaptureSources *sources;
	Pending    *pending;
	OldRow	   *old;
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

	run->context = AllocSetContextCreate(CurrentMemoryContext, "migrate capture",
										 ALLOCSET_DEFAULT_SIZES);
	run->row = AllocSetContextCreate(run->context, "migrate capture row",
									 ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(run->context);
	run->sources = migrate_capturesource_begin();
	run->pending = migrate_pending_begin();
	run->old = migrate_oldrow_begin(run->pending, run->sources);
	MemoryContextSwitchTo(caller);
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
	migrate_capturesource_query(capture_run->sources);
}

/* Write what the current subtransaction has waiting. */
void
migrate_capture_flush(void)
{
	if (capture_run != NULL)
		migrate_pending_flush(capture_run->pending);
}

/* Follow the subtransactions of the script. */
void
migrate_capture_subxact(SubXactEvent event, SubTransactionId subid, SubTransactionId parent)
{
	if (capture_run == NULL)
		return;
	if (event == SUBXACT_EVENT_PRE_COMMIT_SUB)
		migrate_capture_flush();
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		migrate_capturesource_commit(capture_run->sources, subid, parent);
	else if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		migrate_pending_abort(capture_run->pending, subid);
		migrate_capturesource_abort(capture_run->sources, subid);
	}
}

/*
 * Read a row before it changes; returns false if it is not to be kept.  What
 * follows must be migrate_capture_update() or migrate_capture_delete().
 */
bool
migrate_capture_read(Relation rel, const TableAmRoutine *routines, ItemPointer tid)
{
	CaptureSource *source;

	if (capture_run == NULL)
		return false;
	source = migrate_capturesource_find(capture_run->sources, rel);
	migrate_capturesource_slot(capture_run->sources, source, rel, routines);
	if (!routines->tuple_fetch_row_version(rel, tid, SnapshotAny, source->old))
		elog(ERROR, "could not read the row of \"%s\" that is about to change",
			 RelationGetRelationName(rel));
	source->old_is_newborn = migrate_newborn_is(source->newborn, source->old);
	return true;
}

/* Keep the row that was read, now that it was updated; NULL = it was not. */
void
migrate_capture_update(Relation rel, TupleTableSlot *slot)
{
	CaptureSource *source = migrate_capturesource_find(capture_run->sources, rel);
	MemoryContext old = MemoryContextSwitchTo(capture_run->row);

	if (slot != NULL && source->old_is_newborn)
		migrate_newborn_add(source->newborn, &slot->tts_tid);
	else if (slot != NULL)
		migrate_oldrow_updated(capture_run->old, rel, source, slot);
	MemoryContextSwitchTo(old);
	ExecClearTuple(source->old);
	MemoryContextReset(capture_run->row);
}

/* Keep the row that was read, if it was deleted; returns whether it is kept. */
bool
migrate_capture_delete(Relation rel, bool done)
{
	CaptureSource *source = migrate_capturesource_find(capture_run->sources, rel);
	MemoryContext old = MemoryContextSwitchTo(capture_run->row);
	bool		keep = done && !source->old_is_newborn;

	if (keep)
		migrate_oldrow_deleted(capture_run->old, rel, source);
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
	source = migrate_capturesource_find(capture_run->sources, rel);
	old = MemoryContextSwitchTo(capture_run->row);
	migrate_oldrow_arrived(capture_run->old, rel, source, slot);
	migrate_newborn_arrived(source->newborn, &slot->tts_tid);
	MemoryContextSwitchTo(old);
	MemoryContextReset(capture_run->row);
}
