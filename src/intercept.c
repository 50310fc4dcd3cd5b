/*-------------------------------------------------------------------------
 *
 * intercept.c
 *		See every row that the executor updates, deletes or moves.
 *
 * While a query runs, the relations it writes to get another table of access
 * method routines: the same but for those that update, delete and insert rows,
 * which call capture.c.  Whatever way a row is changed (UPDATE, DELETE, MERGE, ON
 * CONFLICT, a view, a function, a trigger, a foreign key's action), it goes
 * through these; and nothing is seen that a trigger vetoes or that a concurrent
 * change takes out of the query.  No tuple is locked for it, and no trigger, rule
 * or plan looks different.  (A trigger added to the plan's result relations, the
 * other way, makes the server lock each row and log that.)
 *
 * Invariants:
 *
 * - Only relations that a running query of this backend holds open are in the
 *   list, so their relcache entries stay where they are.  An entry leaves the
 *   list, and gets its own routines back, before the query lets go of it: when
 *   the executor ends, and when the query's subtransaction or transaction aborts
 *   (callbacks come before the resource owners let go).
 * - When the server rebuilds an entry in place, the routines are put back at once
 *   by a relcache callback; that none was lost is checked when the query ends.
 * - What is left behind by an error elsewhere does no harm: the routines pass
 *   everything on unless rows are being captured.
 * - Partitions that are opened while a query runs (tuple routing) are opened
 *   beforehand where rows in them can be updated or rows can be moved to them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "nodes/plannodes.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "backup.h"
#include "capture.h"
#include "compat.h"
#include "intercept.h"

/* The routines of one access method, and the same with ours among them. */
typedef struct InterceptRoutines
{
	TableAmRoutine ours;		/* first: rd_tableam points here */
	const TableAmRoutine *theirs;
	struct InterceptRoutines *next;
} InterceptRoutines;

/* One running query and the relations it writes to. */
typedef struct InterceptQuery
{
	MemoryContext context;		/* this struct's; the query's may go too early */
	EState	   *estate;
	SubTransactionId subid;
	List	   *relations;		/* of Relation, open */
	List	   *opened;			/* of Relation, those that were opened here */
	List	   *roots;			/* OIDs whose partitions are among them */
	struct InterceptQuery *next;
} InterceptQuery;

/* One row that was deleted because it moves to another partition. */
typedef struct InterceptMove
{
	bool		pending;
	Oid			root;
	CommandId	cid;
} InterceptMove;

static ExecutorStart_hook_type intercept_next_start = NULL;
static ExecutorEnd_hook_type intercept_next_end = NULL;
static InterceptRoutines *intercept_routines = NULL;
static InterceptQuery *intercept_queries = NULL;
static InterceptMove intercept_move;

/* Return the access method's own routines of an intercepted relation. */
static const TableAmRoutine *
intercept_theirs(Relation rel)
{
	return ((const InterceptRoutines *) rel->rd_tableam)->theirs;
}

/* Return the topmost table that a relation is a partition of, or itself. */
static Oid
intercept_root(Relation rel)
{
	List	   *ancestors = NIL;

	if (rel->rd_rel->relispartition)
		ancestors = get_partition_ancestors(RelationGetRelid(rel));
	return ancestors == NIL ? RelationGetRelid(rel) : llast_oid(ancestors);
}

static void intercept_partitions(InterceptQuery *query, Oid root);

/* Remember that a row was deleted to be inserted elsewhere. */
static void
intercept_expect(Relation rel, CommandId cid)
{
	InterceptQuery *query = intercept_queries;

	while (query != NULL && !list_member_ptr(query->relations, rel))
		query = query->next;
	if (query == NULL)
		return;
	intercept_move.root = intercept_root(rel);
	intercept_move.cid = cid;
	intercept_partitions(query, intercept_move.root);
	intercept_move.pending = true;
}

/* Update a row. */
static TM_Result
intercept_update(Relation rel, ItemPointer tid, TupleTableSlot *slot, CommandId cid,
				 Snapshot snapshot, Snapshot crosscheck, bool wait, TM_FailureData *failure,
				 LockTupleMode *lockmode, CompatUpdateIndexes *update_indexes)
{
	const TableAmRoutine *theirs = intercept_theirs(rel);
	bool		captured = migrate_capture_read(rel, theirs, tid);
	TM_Result	result = theirs->tuple_update(rel, tid, slot, cid, snapshot, crosscheck, wait,
											  failure, lockmode, update_indexes);

	if (captured)
		migrate_capture_update(rel, result == TM_Ok ? slot : NULL);
	return result;
}

/* Delete a row. */
static TM_Result
intercept_delete(Relation rel, ItemPointer tid, CommandId cid, Snapshot snapshot,
				 Snapshot crosscheck, bool wait, TM_FailureData *failure, bool moves)
{
	const TableAmRoutine *theirs = intercept_theirs(rel);
	bool		captured = migrate_capture_read(rel, theirs, tid);
	TM_Result	result = theirs->tuple_delete(rel, tid, cid, snapshot, crosscheck, wait,
											  failure, moves);

	if (captured && migrate_capture_delete(rel, result == TM_Ok) && moves)
		intercept_expect(rel, cid);
	return result;
}

/* Insert a row, which may be the other half of a move. */
static void
intercept_insert(Relation rel, TupleTableSlot *slot, CommandId cid, int options,
				 struct BulkInsertStateData *bistate)
{
	intercept_theirs(rel)->tuple_insert(rel, slot, cid, options, bistate);
	if (!intercept_move.pending || intercept_move.cid != cid ||
		intercept_move.root != intercept_root(rel))
		return;
	intercept_move.pending = false;
	migrate_capture_arrival(rel, slot);
}

/* Run an access method's routine that would not know ours, with its own. */
static double
intercept_build(Relation rel, Relation index, struct IndexInfo *info, bool allow_sync,
				bool anyvisible, bool progress, BlockNumber start, BlockNumber count,
				IndexBuildCallback callback, void *state, TableScanDesc scan)
{
	const TableAmRoutine *ours = rel->rd_tableam;
	double		rows;

	rel->rd_tableam = intercept_theirs(rel);
	rows = rel->rd_tableam->index_build_range_scan(rel, index, info, allow_sync, anyvisible,
												   progress, start, count, callback, state, scan);
	rel->rd_tableam = ours;
	return rows;
}

/* Find the routines with ours among them, or make them if they may be made. */
static InterceptRoutines *
intercept_find(const TableAmRoutine *theirs, bool make)
{
	InterceptRoutines *routines = intercept_routines;

	while (routines != NULL && routines->theirs != theirs)
		routines = routines->next;
	if (routines != NULL || !make)
		return routines;
	routines = MemoryContextAlloc(TopMemoryContext, sizeof(InterceptRoutines));
	routines->ours = *theirs;
	routines->ours.tuple_update = intercept_update;
	routines->ours.tuple_delete = intercept_delete;
	routines->ours.tuple_insert = intercept_insert;
	routines->ours.index_build_range_scan = intercept_build;
	routines->theirs = theirs;
	routines->next = intercept_routines;
	intercept_routines = routines;
	return routines;
}

/* Tell whether a relation has our routines. */
static bool
intercept_is_ours(Relation rel)
{
	return rel->rd_tableam != NULL && rel->rd_tableam->tuple_update == intercept_update;
}

/* Give a relation our routines. */
static void
intercept_begin(Relation rel, bool make)
{
	InterceptRoutines *routines;

	if (rel->rd_tableam == NULL || intercept_is_ours(rel))
		return;
	routines = intercept_find(rel->rd_tableam, make);
	if (routines != NULL)
		rel->rd_tableam = &routines->ours;
}

/* Give relations their own routines back, unless another query needs ours. */
static void
intercept_end(InterceptQuery *query)
{
	ListCell   *lc;

	foreach(lc, query->relations)
	{
		Relation	rel = lfirst(lc);
		InterceptQuery *other = intercept_queries;

		while (other != NULL && !list_member_ptr(other->relations, rel))
			other = other->next;
		if (other == NULL && intercept_is_ours(rel))
			rel->rd_tableam = intercept_theirs(rel);
	}
}

/* Add a relation that stays open as long as the query runs. */
static void
intercept_add(InterceptQuery *query, Relation rel)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION ||
		list_member_ptr(query->relations, rel) ||
		!migrate_backup_concerns(RelationGetRelid(rel)))
		return;
	intercept_begin(rel, true);
	query->relations = lappend(query->relations, rel);
}

/* Open and add the partitions of a table. */
static void
intercept_partitions(InterceptQuery *query, Oid root)
{
	MemoryContext old;
	ListCell   *lc;

	if (list_member_oid(query->roots, root))
		return;
	old = MemoryContextSwitchTo(query->context);
	query->roots = lappend_oid(query->roots, root);
	foreach(lc, find_all_inheritors(root, RowExclusiveLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		query->opened = lappend(query->opened, rel);
		intercept_add(query, rel);
	}
	MemoryContextSwitchTo(old);
}

/* Tell whether a plan node updates rows that stand in the way of new ones. */
static bool
intercept_updates_conflicts(const Plan *plan)
{
	return IsA(plan, ModifyTable) &&
		((const ModifyTable *) plan)->onConflictAction == ONCONFLICT_UPDATE;
}

/* Open the partitions whose rows an INSERT may update. */
static void
intercept_conflicts(InterceptQuery *query, const Plan *plan)
{
	Relation	rel;

	if (plan == NULL || !intercept_updates_conflicts(plan))
		return;
	rel = query->estate->es_relations[linitial_int(((const ModifyTable *) plan)->resultRelations) - 1];
	if (rel != NULL && rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		intercept_partitions(query, RelationGetRelid(rel));
}

/* Tell whether a query can do nothing but insert rows. */
static bool
intercept_is_insert(const PlannedStmt *stmt)
{
	return stmt->commandType == CMD_INSERT && !stmt->hasModifyingCTE &&
		!intercept_updates_conflicts(stmt->planTree);
}

/* Give the relations that a query writes to our routines. */
static void
intercept_query(EState *estate)
{
	MemoryContext context = AllocSetContextCreate(TopTransactionContext, "migrate intercept",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	InterceptQuery *query = palloc0(sizeof(InterceptQuery));
	ListCell   *lc;

	query->context = context;
	query->estate = estate;
	query->subid = GetCurrentSubTransactionId();
	query->next = intercept_queries;
	intercept_queries = query;
	migrate_capture_query();
	foreach(lc, estate->es_opened_result_relations)
		intercept_add(query, ((ResultRelInfo *) lfirst(lc))->ri_RelationDesc);
	intercept_conflicts(query, estate->es_plannedstmt->planTree);
	foreach(lc, estate->es_plannedstmt->subplans)
		intercept_conflicts(query, lfirst(lc));
	MemoryContextSwitchTo(old);
}

/* Hook: a query starts. */
static void
intercept_start_hook(QueryDesc *desc, int eflags)
{
	if (intercept_next_start)
		intercept_next_start(desc, eflags);
	else
		standard_ExecutorStart(desc, eflags);
	if (migrate_capture_active() && (eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0 &&
		desc->estate != NULL && desc->estate->es_opened_result_relations != NIL &&
		!intercept_is_insert(desc->plannedstmt))
		intercept_query(desc->estate);
}

/* Make sure that no relation of a query lost our routines, or was never given them. */
static void
intercept_check(InterceptQuery *query)
{
	ListCell   *lc;

	foreach(lc, query->relations)
	{
		if (!intercept_is_ours(lfirst(lc)))
			elog(ERROR, "rows of \"%s\" may have changed unseen",
				 RelationGetRelationName((Relation) lfirst(lc)));
	}
	if (query->roots == NIL)
		return;
	foreach(lc, query->estate->es_tuple_routing_result_relations)
	{
		Relation	rel = ((ResultRelInfo *) lfirst(lc))->ri_RelationDesc;

		if (rel->rd_rel->relkind == RELKIND_RELATION && !list_member_ptr(query->opened, rel) &&
			!list_member_ptr(query->relations, rel))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("partition \"%s\" was attached while the statement was running",
							RelationGetRelationName(rel)),
					 errhint("Try again.")));
	}
}

/* Take a query off the list. */
static void
intercept_drop(InterceptQuery *query)
{
	InterceptQuery **link = &intercept_queries;

	while (*link != query)
		link = &(*link)->next;
	*link = query->next;
	intercept_end(query);
	MemoryContextDelete(query->context);
}

/* Hook: a query ends. */
static void
intercept_end_hook(QueryDesc *desc)
{
	InterceptQuery *query = intercept_queries;

	while (query != NULL && query->estate != desc->estate)
		query = query->next;
	if (query != NULL)
	{
		List	   *opened = list_copy(query->opened);
		ListCell   *lc;

		intercept_check(query);
		migrate_capture_flush();
		intercept_drop(query);
		foreach(lc, opened)
			table_close((Relation) lfirst(lc), NoLock);
		list_free(opened);
	}
	if (intercept_next_end)
		intercept_next_end(desc);
	else
		standard_ExecutorEnd(desc);
}

/* Put our routines back where the server has rebuilt a relcache entry. */
static void
intercept_relcache_callback(Datum arg, Oid relid)
{
	InterceptQuery *query;
	ListCell   *lc;

	for (query = intercept_queries; query != NULL; query = query->next)
	{
		foreach(lc, query->relations)
		{
			Relation	rel = lfirst(lc);

			if (!OidIsValid(relid) || RelationGetRelid(rel) == relid)
				intercept_begin(rel, false);
		}
	}
}

/* Follow the subtransactions of the script. */
static void
intercept_subxact_callback(SubXactEvent event, SubTransactionId subid,
						   SubTransactionId parent, void *arg)
{
	InterceptQuery *query;
	InterceptQuery *next;

	if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (query = intercept_queries; query != NULL; query = query->next)
			if (query->subid == subid)
				query->subid = parent;
	}
	else if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		intercept_move.pending = false;
		for (query = intercept_queries; query != NULL; query = next)
		{
			next = query->next;
			if (query->subid == subid)
				intercept_drop(query);
		}
	}
	migrate_capture_subxact(event, subid, parent);
}

/* Forget everything when the transaction ends. */
static void
intercept_xact_callback(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_ABORT && event != XACT_EVENT_COMMIT && event != XACT_EVENT_PREPARE)
		return;
	intercept_move.pending = false;
	while (intercept_queries != NULL)
		intercept_drop(intercept_queries);
}

/* Set up the module. */
void
migrate_intercept_init(void)
{
	intercept_next_start = ExecutorStart_hook;
	ExecutorStart_hook = intercept_start_hook;
	intercept_next_end = ExecutorEnd_hook;
	ExecutorEnd_hook = intercept_end_hook;
	CacheRegisterRelcacheCallback(intercept_relcache_callback, (Datum) 0);
	RegisterSubXactCallback(intercept_subxact_callback, NULL);
	RegisterXactCallback(intercept_xact_callback, NULL);
}
