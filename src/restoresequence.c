/*-------------------------------------------------------------------------
 *
 * restoresequence.c
 *		Let a sequence go on where it was.
 *
 * A sequence never goes back: values that were handed out since stay used.  What
 * a sequence is set to is not undone by an abort, which does no harm for the same
 * reason.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/pg_sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "restoresequence.h"

/* Read where a sequence is. */
static int64
restoresequence_read(Relation rel, bool *is_called)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, SnapshotAny, 0, NULL);
	int64		last_value;
	bool		isnull;

	if (!table_scan_getnextslot(scan, ForwardScanDirection, slot))
		elog(ERROR, "sequence \"%s\" has no row", RelationGetRelationName(rel));
	last_value = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	*is_called = DatumGetBool(slot_getattr(slot, 3, &isnull));
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return last_value;
}

/* Set a sequence, with the privileges of its owner. */
static void
restoresequence_set(Relation rel, int64 last_value, bool is_called)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(rel->rd_rel->relowner, sec_context | SECURITY_LOCAL_USERID_CHANGE);
	(void) OidFunctionCall3(F_SETVAL_REGCLASS_INT8_BOOL,
							ObjectIdGetDatum(RelationGetRelid(rel)),
							Int64GetDatum(last_value), BoolGetDatum(is_called));
	SetUserIdAndSecContext(userid, sec_context);
}

/*
 * Bring a sequence to where it was, if it is not as far yet; returns whether it
 * was set.
 */
bool
migrate_restoresequence(Relation rel, int64 last_value, bool is_called)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(RelationGetRelid(rel)));
	FormData_pg_sequence form;
	int64		now;
	bool		now_called;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for sequence %u", RelationGetRelid(rel));
	form = *(Form_pg_sequence) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);
	last_value = Min(Max(last_value, form.seqmin), form.seqmax);
	now = restoresequence_read(rel, &now_called);
	if (form.seqincrement > 0 ? now > last_value : now < last_value)
		return false;
	if (now == last_value && (now_called || !is_called))
		return false;
	restoresequence_set(rel, last_value, is_called);
	return true;
}
