/*-------------------------------------------------------------------------
 *
 * loss.c
 *		Keep what a utility statement is about to destroy.
 *
 * Two hooks of the server work together while a script runs.  The one on utility
 * commands sees every such statement, also those in functions and DO blocks,
 * finds out what it will take, and keeps that before the statement runs.  The
 * one on object access sees what goes: during a probe that is what is looked
 * for; while the statement itself runs, it is the net under the first.  Rows that
 * would go without having been kept are an error, whatever way it was.
 *
 * Nothing is kept twice within a statement, and nothing of tables that the same
 * step has made.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/tablecmds.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/evtcache.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "backup.h"
#include "compat.h"
#include "copyrows.h"
#include "loss.h"
#include "move.h"
#include "probe.h"

static ProcessUtility_hook_type loss_previous_utility = NULL;
static object_access_hook_type loss_previous_access = NULL;

/* What the running statements may take: it is kept, or need not be. */
typedef struct LossHandled
{
	MemoryContextCallback callback;
	List	   *items;			/* of ProbeFound * */
} LossHandled;

/* That of the running step, NULL while there is nothing to take. */
static LossHandled *loss_handled = NULL;

/* Forget everything when the memory of the step goes. */
static void
loss_forget(void *arg)
{
	if (loss_handled == arg)
		loss_handled = NULL;
}

/* Remember that a relation, or a column, may go. */
static void
loss_handle(Oid relid, AttrNumber attnum)
{
	MemoryContext old = MemoryContextSwitchTo(migrate_backup_context());
	ProbeFound *item = palloc(sizeof(ProbeFound));

	if (loss_handled == NULL)
	{
		loss_handled = palloc0(sizeof(LossHandled));
		loss_handled->callback.func = loss_forget;
		loss_handled->callback.arg = loss_handled;
		MemoryContextRegisterResetCallback(migrate_backup_context(), &loss_handled->callback);
	}
	item->relid = relid;
	item->attnum = attnum;
	loss_handled->items = lappend(loss_handled->items, item);
	MemoryContextSwitchTo(old);
}

/* Tell whether a relation, or a column, may go. */
static bool
loss_is_handled(Oid relid, AttrNumber attnum)
{
	ListCell   *lc;

	if (loss_handled == NULL)
		return false;
	foreach(lc, loss_handled->items)
	{
		ProbeFound *item = lfirst(lc);

		if (item->relid == relid && (item->attnum == attnum || item->attnum == 0))
			return true;
	}
	return false;
}

/* Keep columns of a relation by copying them. */
static void
loss_copy(const BackupRequest *request, KeepMap *map, int before)
{
	CopyRows	copy = {.source = request->source, .map = map, .before = before};
	TupleDesc	desc = migrate_keep_desc(map, before);
	BackupEntry *entry;
	Oid			kept;

	if (before > 0)
		TupleDescInitEntry(desc, 1, "migrate.new_image", INT8OID, -1, 0);
	migrate_backup_charge(request->source, migrate_copyrows_size(&copy));
	entry = migrate_backup_new(request, desc);
	kept = migrate_backup_kept(entry);
	migrate_backup_count_rows(kept, migrate_copyrows_run(&copy, kept));
}

/*
 * Tell whether somebody sees the tables of a statement between this hook and the
 * statement: they must have their rows still then.
 */
static bool
loss_is_watched(Node *statement, List *relids)
{
	ListCell   *lc;

	if (!IsA(statement, TruncateStmt))
		return EventCacheLookup(EVT_DDLCommandStart) != NIL;
	foreach(lc, relids)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		bool		watched = rel->trigdesc && rel->trigdesc->trig_truncate_before_statement;

		table_close(rel, NoLock);
		if (watched)
			return true;
	}
	return false;
}

/* Keep a table that goes, or whose rows go. */
static void
loss_keep_table(Oid relid, const char *operation, bool watched)
{
	BackupRequest request = {.what = "table", .operation = operation};
	bool		move;

	if (!migrate_backup_concerns(relid))
		return;
	loss_handle(relid, 0);
	request.source = table_open(relid, AccessExclusiveLock);
	if (!migrate_copyrows_any(request.source))
	{
		table_close(request.source, NoLock);
		return;
	}
	move = !watched && migrate_move_possible(request.source);
	if (!move)
		loss_copy(&request, migrate_keep_map(request.source, NULL), 0);
	table_close(request.source, NoLock);
	if (move)
		migrate_move_run(relid, operation);
}

/* Keep a column, with what finds its rows again. */
static void
loss_keep_column(Relation source, AttrNumber attnum, Bitmapset *lost, const char *operation)
{
	BackupRequest request = {
		.source = source, .what = "column", .operation = operation,
		.column = attnum, .lost = lost
	};
	Bitmapset  *attnums = NULL;
	List	   *key = migrate_keep_key_without(source, lost);
	ListCell   *lc;

	if (compat_is_virtual(TupleDescAttr(RelationGetDescr(source), attnum - 1)))
		return;
	if (key != NIL)
		attnums = bms_make_singleton(attnum);
	foreach(lc, key)
		attnums = bms_add_member(attnums, lfirst_int(lc));
	loss_copy(&request, migrate_keep_map(source, attnums),
			  strcmp(operation, "alter type") == 0 ? 1 : 0);
}

/* Keep some columns of a table that stays. */
static void
loss_keep_columns(Oid relid, Bitmapset *lost, const char *operation)
{
	Relation	source;
	int			attnum = -1;

	if (!migrate_backup_concerns(relid))
		return;
	source = table_open(relid, AccessExclusiveLock);
	if (source->rd_rel->relkind == RELKIND_RELATION && migrate_copyrows_any(source))
	{
		while ((attnum = bms_next_member(lost, attnum)) > 0)
			loss_keep_column(source, attnum, lost, operation);
	}
	attnum = -1;
	while ((attnum = bms_next_member(lost, attnum)) > 0)
		loss_handle(relid, attnum);
	table_close(source, NoLock);
}

/* Keep where a sequence is, unless it was never used. */
static void
loss_keep_sequence(Oid relid, const char *operation)
{
	BackupRequest request = {.what = "sequence", .operation = operation};
	TableScanDesc scan;
	TupleTableSlot *slot;

	if (!migrate_backup_concerns(relid))
		return;
	request.source = table_open(relid, AccessExclusiveLock);
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
static void
loss_keep_relation(Oid relid, const char *operation, bool watched)
{
	switch (get_rel_relkind(relid))
	{
		case RELKIND_RELATION:
			loss_keep_table(relid, operation ? operation : "drop table", watched);
			break;
		case RELKIND_SEQUENCE:
			loss_keep_sequence(relid, operation ? operation : "drop sequence");
			break;
		default:
			break;
	}
}

/* Collect the columns of one relation among what was found, or NULL if all goes. */
static Bitmapset *
loss_columns(List *found, Oid relid)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	foreach(lc, found)
	{
		ProbeFound *item = lfirst(lc);

		if (item->relid != relid)
			continue;
		if (item->attnum == 0)
			return NULL;
		columns = bms_add_member(columns, item->attnum);
	}
	return columns;
}

/* Keep what a statement drops. */
static void
loss_keep_dropped(const ProbeStatement *statement)
{
	List	   *found = migrate_probe_run(statement);
	List	   *done = NIL;
	bool		watched = loss_is_watched(statement->pstmt->utilityStmt, NIL);
	ListCell   *lc;

	foreach(lc, found)
	{
		ProbeFound *item = lfirst(lc);

		if (list_member_oid(done, item->relid))
			continue;
		if (item->attnum != 0)
		{
			Bitmapset  *columns = loss_columns(found, item->relid);

			if (columns == NULL)
				continue;		/* the relation itself comes later */
			loss_keep_columns(item->relid, columns, "drop column");
		}
		else
			loss_keep_relation(item->relid, NULL, watched);
		done = lappend_oid(done, item->relid);
	}
}

/* Lock a relation that TRUNCATE names or reaches, and note it; false = not ours to. */
static bool
loss_truncate_add(List **relids, Oid relid, bool check)
{
	if (list_member_oid(*relids, relid))
		return true;
	if (check && pg_class_aclcheck(relid, GetUserId(), ACL_TRUNCATE) != ACLCHECK_OK)
		return false;
	LockRelationOid(relid, AccessExclusiveLock);
	*relids = lappend_oid(*relids, relid);
	return true;
}

/*
 * Return the relations that a TRUNCATE empties, locked; NIL when it will fail
 * for a lack of privileges.
 */
static List *
loss_truncated(const TruncateStmt *stmt)
{
	List	   *relids = NIL;
	List	   *more = NIL;
	ListCell   *lc;

	foreach(lc, stmt->relations)
	{
		RangeVar   *rv = lfirst(lc);
		Oid			relid = RangeVarGetRelid(rv, NoLock, true);
		ListCell   *lc2;

		if (!OidIsValid(relid) || !loss_truncate_add(&relids, relid, true))
			return NIL;
		if (!rv->inh)
			continue;
		foreach(lc2, find_all_inheritors(relid, AccessExclusiveLock, NULL))
			(void) loss_truncate_add(&relids, lfirst_oid(lc2), false);
	}
	if (stmt->behavior == DROP_CASCADE)
		more = heap_truncate_find_FKs(relids);
	while (more != NIL)
	{
		foreach(lc, more)
		{
			if (!loss_truncate_add(&relids, lfirst_oid(lc), true))
				return NIL;
		}
		more = heap_truncate_find_FKs(relids);
	}
	return relids;
}

/* Keep what a TRUNCATE takes. */
static void
loss_keep_truncated(TruncateStmt *stmt)
{
	List	   *relids = loss_truncated(stmt);
	bool		watched = loss_is_watched((Node *) stmt, relids);
	ListCell   *lc;

	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		ListCell   *lc2;

		loss_keep_relation(relid, "truncate", watched);
		if (!stmt->restart_seqs)
			continue;
		foreach(lc2, getOwnedSequences(relid))
			loss_keep_relation(lfirst_oid(lc2), "truncate", watched);
	}
}

/*
 * Tell whether another type can change the values of a column.  It cannot where
 * the server finds nothing to compute, as from varchar(10) to varchar(20).
 */
static bool
loss_type_changes_values(Form_pg_attribute att, const ColumnDef *def)
{
	Oid			type;
	int32		typmod;
	Type		tuple;
	Node	   *expr;

	if (def->raw_default != NULL)
		return true;
	tuple = LookupTypeName(NULL, def->typeName, &typmod, true);
	if (tuple == NULL)
		return true;
	type = typeTypeId(tuple);
	ReleaseSysCache(tuple);
	expr = (Node *) makeVar(1, att->attnum, att->atttypid, att->atttypmod, att->attcollation, 0);
	expr = coerce_to_target_type(NULL, expr, att->atttypid, type, typmod,
								 COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		return true;
	expr = (Node *) expression_planner((Expr *) expr);
	while (IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	return !IsA(expr, Var);
}

/* Return the number of a column that an ALTER TABLE gives other values, or 0. */
static AttrNumber
loss_altered_column(Relation rel, const AlterTableCmd *cmd)
{
	AttrNumber	attnum;

	if (cmd->subtype != AT_AlterColumnType && !compat_sets_expression(cmd->subtype))
		return 0;
	attnum = get_attnum(RelationGetRelid(rel), cmd->name);
	if (attnum <= 0)
		return 0;
	if (cmd->subtype == AT_AlterColumnType &&
		!loss_type_changes_values(TupleDescAttr(RelationGetDescr(rel), attnum - 1),
								  castNode(ColumnDef, cmd->def)))
		return 0;
	return attnum;
}

/* Tell whether an ALTER TABLE may give columns other values. */
static bool
loss_alters_values(const AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);

		if (cmd->subtype == AT_AlterColumnType || compat_sets_expression(cmd->subtype))
			return true;
	}
	return false;
}

/* Keep columns, by their names in one relation, of it and its children. */
static void
loss_keep_altered_columns(Relation rel, bool recurse, Bitmapset *attnums, const char *operation)
{
	List	   *relids = list_make1_oid(RelationGetRelid(rel));
	ListCell   *lc;

	if (recurse)
		relids = find_all_inheritors(RelationGetRelid(rel), AccessExclusiveLock, NULL);
	foreach(lc, relids)
	{
		Bitmapset  *columns = NULL;
		int			attnum = -1;

		while ((attnum = bms_next_member(attnums, attnum)) > 0)
		{
			char	   *name = get_attname(RelationGetRelid(rel), attnum, false);
			AttrNumber	column = get_attnum(lfirst_oid(lc), name);

			if (column > 0)
				columns = bms_add_member(columns, column);
		}
		loss_keep_columns(lfirst_oid(lc), columns, operation);
	}
}

/* Keep the columns to which an ALTER TABLE gives other values. */
static void
loss_keep_altered(const AlterTableStmt *stmt)
{
	LOCKMODE	lockmode = AlterTableGetLockLevel(stmt->cmds);
	Oid			relid = AlterTableLookupRelation(unconstify(AlterTableStmt *, stmt), lockmode);
	Relation	rel;
	Bitmapset  *types = NULL;
	Bitmapset  *expressions = NULL;
	ListCell   *lc;

	if (!OidIsValid(relid))
		return;
	rel = relation_open(relid, NoLock);
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);
		AttrNumber	attnum = loss_altered_column(rel, cmd);

		if (attnum == 0)
			continue;
		if (cmd->subtype == AT_AlterColumnType)
			types = bms_add_member(types, attnum);
		else
			expressions = bms_add_member(expressions, attnum);
	}
	if (types != NULL)
		loss_keep_altered_columns(rel, stmt->relation->inh, types, "alter type");
	if (expressions != NULL)
		loss_keep_altered_columns(rel, stmt->relation->inh, expressions, "set expression");
	relation_close(rel, NoLock);
}

/* Keep what a statement is about to destroy. */
static void
loss_keep(const ProbeStatement *statement)
{
	Node	   *node = statement->pstmt->utilityStmt;

	if (migrate_probe_needed(node))
		loss_keep_dropped(statement);
	if (IsA(node, TruncateStmt))
		loss_keep_truncated((TruncateStmt *) node);
	else if (IsA(node, AlterTableStmt) && loss_alters_values((AlterTableStmt *) node))
		loss_keep_altered((AlterTableStmt *) node);
}

/* Keep what is about to be destroyed, then let the statement run. */
static void
loss_utility(PlannedStmt *pstmt, const char *text, bool read_only_tree,
			 ProcessUtilityContext context, ParamListInfo params,
			 QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *qc)
{
	ProcessUtility_hook_type next = loss_previous_utility ? loss_previous_utility : standard_ProcessUtility;
	ProbeStatement statement = {pstmt, text, params, environment};
	int			before = loss_handled ? list_length(loss_handled->items) : 0;

	if (migrate_backup_active())
		loss_keep(&statement);
	next(pstmt, text, read_only_tree, context, params, environment, dest, qc);
	if (loss_handled != NULL)
		loss_handled->items = list_truncate(loss_handled->items, before);
}

/* Refuse that rows go which nobody has kept. */
static void
loss_check(Oid relid, AttrNumber attnum)
{
	Relation	rel;

	if (loss_is_handled(relid, attnum) || get_rel_relkind(relid) != RELKIND_RELATION ||
		!migrate_backup_concerns(relid))
		return;
	rel = table_open(relid, NoLock);
	if (migrate_copyrows_any(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rows of \"%s.%s\" would be lost",
						get_namespace_name(RelationGetNamespace(rel)),
						RelationGetRelationName(rel)),
				 errdetail("They go by another way than a DROP, TRUNCATE or ALTER TABLE that could be foreseen, so they were not kept."),
				 errhint("Let them go with \"-- migrate: no-backup %s: REASON\" in the script.",
						 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
													RelationGetRelationName(rel)))));
	table_close(rel, NoLock);
}

/* See what is made, and what goes. */
static void
loss_access(ObjectAccessType access, Oid class, Oid object, int subid, void *arg)
{
	if (loss_previous_access)
		loss_previous_access(access, class, object, subid, arg);
	if (class != RelationRelationId || !migrate_backup_active())
		return;
	switch (access)
	{
		case OAT_POST_CREATE:
			if (subid == 0)
				migrate_backup_created(object);
			break;
		case OAT_DROP:
			if (migrate_probe_collects())
				migrate_probe_collect(object, subid);
			else
				loss_check(object, subid);
			break;
		case OAT_TRUNCATE:
			loss_check(object, 0);
			break;
		default:
			break;
	}
}

/* Set up the module. */
void
migrate_loss_init(void)
{
	loss_previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = loss_utility;
	loss_previous_access = object_access_hook;
	object_access_hook = loss_access;
}
