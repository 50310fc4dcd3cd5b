/*-------------------------------------------------------------------------
 *
 * salvage.c
 *		Keep one table, column or sequence that a statement is about to take.
 *
 * What was kept, or had no rows, is noted until the statement has run: that is
 * what it may take.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "allowance.h"
#include "backup.h"
#include "compat.h"
#include "copyrows.h"
#include "move.h"
#include "newimage.h"
#include "salvage.h"

/* A relation that a running statement may take, or a column of one. */
typedef struct SalvageItem
{
	Oid			relid;
	AttrNumber	attnum;			/* 0 = the relation */
	Oid			kept;			/* a table that waits for images of the new
								 * values */
	SubTransactionId subid;
} SalvageItem;

/* All of them: they are kept, or need not be. */
typedef struct SalvageDone
{
	MemoryContextCallback callback;
	List	   *items;			/* of SalvageItem * */
} SalvageDone;

/* That of the running step, NULL while there is nothing to take. */
static SalvageDone *salvage_done = NULL;

/* Forget everything when the memory of the step goes. */
static void
salvage_forget(void *arg)
{
	if (salvage_done == arg)
		salvage_done = NULL;
}

/* Remember that a relation, or a column, may go. */
static void
salvage_note(Oid relid, AttrNumber attnum, Oid kept)
{
	MemoryContext old = MemoryContextSwitchTo(migrate_backup_context());
	SalvageItem *item = palloc(sizeof(SalvageItem));

	if (salvage_done == NULL)
	{
		salvage_done = palloc0(sizeof(SalvageDone));
		salvage_done->callback.func = salvage_forget;
		salvage_done->callback.arg = salvage_done;
		MemoryContextRegisterResetCallback(migrate_backup_context(), &salvage_done->callback);
	}
	item->relid = relid;
	item->attnum = attnum;
	item->kept = kept;
	item->subid = GetCurrentSubTransactionId();
	salvage_done->items = lappend(salvage_done->items, item);
	MemoryContextSwitchTo(old);
}

/* Tell whether a relation, or a column, may go. */
bool
migrate_salvage_covers(Oid relid, AttrNumber attnum)
{
	ListCell   *lc;

	if (salvage_done == NULL)
		return false;
	foreach(lc, salvage_done->items)
	{
		SalvageItem *item = lfirst(lc);

		if (item->relid == relid && (item->attnum == attnum || item->attnum == 0))
			return true;
	}
	return false;
}

/* Follow the subtransactions of the script: statements that failed take nothing. */
static void
salvage_subxact_callback(SubXactEvent event, SubTransactionId subid,
						 SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	if (salvage_done == NULL ||
		(event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
		return;
	foreach(lc, salvage_done->items)
	{
		SalvageItem *item = lfirst(lc);

		if (item->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			item->subid = parent;
		else
			salvage_done->items = foreach_delete_current(salvage_done->items, lc);
	}
}

/* Set up the module. */
void
migrate_salvage_init(void)
{
	RegisterSubXactCallback(salvage_subxact_callback, NULL);
}

/* Return how much is noted, before a statement is looked at. */
int
migrate_salvage_mark(void)
{
	return salvage_done ? list_length(salvage_done->items) : 0;
}

/* Tell whether something noted since waits for the statement. */
bool
migrate_salvage_waits(int mark)
{
	for (int i = mark; salvage_done != NULL && i < list_length(salvage_done->items); i++)
	{
		if (OidIsValid(((SalvageItem *) list_nth(salvage_done->items, i))->kept))
			return true;
	}
	return false;
}

/* Finish, and forget, what was noted since, after the statement has run. */
void
migrate_salvage_release(int mark)
{
	if (salvage_done == NULL)
		return;
	for (int i = mark; i < list_length(salvage_done->items); i++)
	{
		SalvageItem *item = list_nth(salvage_done->items, i);

		if (OidIsValid(item->kept))
			migrate_newimage_fill(item->relid, item->attnum, item->kept);
	}
	salvage_done->items = list_truncate(salvage_done->items, mark);
}

/* Keep columns of a relation by copying them; returns the kept table. */
static Oid
salvage_copy(const BackupRequest *request, KeepMap *map, bool images)
{
	CopyRows	copy = {.source = request->source, .map = map, .before = images ? 1 : 0};
	TupleDesc	desc = migrate_keep_desc(map, copy.before);
	Oid			kept;

	if (images)
	{
		TupleDescInitEntry(desc, NEWIMAGE_ATTNUM, "migrate.new_image", INT8OID, -1, 0);
		copy.reserve = request->source->rd_rel->relam == HEAP_TABLE_AM_OID;
	}
	migrate_allowance_charge(request->source, migrate_copyrows_size(&copy));
	kept = migrate_backup_kept(migrate_backup_new(request, desc));
	migrate_backup_count_rows(kept, migrate_copyrows_run(&copy, kept));
	return kept;
}

/*
 * Return about how many bytes it takes to keep a table that goes: none where its
 * storage can be taken over.
 */
int64
migrate_salvage_table_size(Relation source, bool watched)
{
	CopyRows	copy = {.source = source};

	if (!watched && migrate_move_possible(source))
		return 0;
	copy.map = migrate_keep_map(source, NULL);
	return migrate_copyrows_size(&copy);
}

/* Keep a table that goes, or whose rows go. */
static void
salvage_table(Oid relid, const char *operation, bool watched)
{
	BackupRequest request = {.what = "table", .operation = operation};
	bool		move;

	if (!migrate_backup_concerns(relid))
		return;
	salvage_note(relid, 0, InvalidOid);
	request.source = table_open(relid, AccessExclusiveLock);
	if (!migrate_copyrows_any(request.source))
	{
		table_close(request.source, NoLock);
		return;
	}
	move = !watched && migrate_move_possible(request.source);
	if (!move)
		(void) salvage_copy(&request, migrate_keep_map(request.source, NULL), false);
	table_close(request.source, NoLock);
	if (move)
		migrate_move_run(relid, operation);
}

/* Say what is kept of a column: with it, what finds its rows again. */
static KeepMap *
salvage_column_map(Relation source, AttrNumber attnum, Bitmapset *lost)
{
	Bitmapset  *attnums = NULL;
	List	   *key = migrate_keep_key_without(source, lost);
	ListCell   *lc;

	if (key != NIL)
		attnums = bms_make_singleton(attnum);
	foreach(lc, key)
		attnums = bms_add_member(attnums, lfirst_int(lc));
	return migrate_keep_map(source, attnums);
}

/* Return about how many bytes it takes to keep a column. */
int64
migrate_salvage_column_size(Relation source, AttrNumber attnum, Bitmapset *lost)
{
	CopyRows	copy = {.source = source};

	if (compat_is_virtual(TupleDescAttr(RelationGetDescr(source), attnum - 1)))
		return 0;
	copy.map = salvage_column_map(source, attnum, lost);
	return migrate_copyrows_size(&copy);
}

/*
 * Keep a column, with what finds its rows again; returns the kept table if it
 * waits for images of the new values, else InvalidOid.
 */
static Oid
salvage_column(Relation source, AttrNumber attnum, Bitmapset *lost, const char *operation)
{
	BackupRequest request = {
		.source = source, .what = "column", .operation = operation,
		.column = attnum, .lost = lost
	};
	bool		images = strcmp(operation, "alter type") == 0;
	Oid			kept = salvage_copy(&request, salvage_column_map(source, attnum, lost), images);

	return images && source->rd_rel->relam == HEAP_TABLE_AM_OID ? kept : InvalidOid;
}

/* Keep some columns of a table that stays. */
void
migrate_salvage_columns(Oid relid, Bitmapset *lost, const char *operation)
{
	Relation	source;
	bool		any;
	int			attnum = -1;

	if (!migrate_backup_concerns(relid))
		return;
	source = table_open(relid, AccessExclusiveLock);
	any = source->rd_rel->relkind == RELKIND_RELATION && migrate_copyrows_any(source);
	while ((attnum = bms_next_member(lost, attnum)) > 0)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(source), attnum - 1);
		Oid			kept = InvalidOid;

		if (any && !compat_is_virtual(att))
			kept = salvage_column(source, attnum, lost, operation);
		salvage_note(relid, attnum, kept);
	}
	table_close(source, NoLock);
}

/* Keep where a sequence is, unless it was never used. */
static void
salvage_sequence(Oid relid, const char *operation)
{
	BackupRequest request = {.what = "sequence", .operation = operation};
	TableScanDesc scan;
	TupleTableSlot *slot;

	if (!migrate_backup_concerns(relid))
		return;
	request.source = table_open(relid, AccessShareLock);
	slot = table_slot_create(request.source, NULL);
	scan = table_beginscan(request.source, SnapshotAny, 0, NULL);
	if (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		int64		last_value = DatumGetInt64(slot_getattr(slot, 1, &isnull));
		bool		is_called = DatumGetBool(slot_getattr(slot, 3, &isnull));

		if (is_called)
			migrate_backup_sequence(&request, last_value, is_called);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(request.source, NoLock);
}

/* Keep one relation that a statement takes whole. */
void
migrate_salvage_relation(Oid relid, const char *operation, bool watched)
{
	switch (get_rel_relkind(relid))
	{
		case RELKIND_RELATION:
			salvage_table(relid, operation ? operation : "drop table", watched);
			break;
		case RELKIND_SEQUENCE:
			salvage_sequence(relid, operation ? operation : "drop sequence");
			break;
		default:
			break;
	}
}
