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

#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/evtcache.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "backup.h"
#include "copyrows.h"
#include "loss.h"
#include "probe.h"
#include "validation.h"
#include "revalue.h"
#include "salvage.h"

static ProcessUtility_hook_type loss_previous_utility = NULL;
static object_access_hook_type loss_previous_access = NULL;
static LossValidation loss_before_validation = NULL;

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
			migrate_salvage_columns(item->relid, columns, "drop column");
		}
		else
			migrate_salvage_relation(item->relid, NULL, watched);
		done = lappend_oid(done, item->relid);
	}
}

/* Note, and lock, a relation that TRUNCATE empties; refuses as TRUNCATE does. */
static void
loss_truncate_add(List **relids, Oid relid, bool check)
{
	if (list_member_oid(*relids, relid))
		return;
	if (check)
	{
		AclResult	result = pg_class_aclcheck(relid, GetUserId(), ACL_TRUNCATE);

		if (result != ACLCHECK_OK)
			aclcheck_error(result, get_relkind_objtype(get_rel_relkind(relid)),
						   get_rel_name(relid));
	}
	LockRelationOid(relid, AccessExclusiveLock);
	*relids = lappend_oid(*relids, relid);
}

/* Return the relations that a TRUNCATE empties, locked. */
static List *
loss_truncated(const TruncateStmt *stmt)
{
	List	   *relids = NIL;
	List	   *more;
	ListCell   *lc;

	foreach(lc, stmt->relations)
	{
		RangeVar   *rv = lfirst(lc);
		Oid			relid = RangeVarGetRelid(rv, NoLock, false);
		ListCell   *lc2;

		loss_truncate_add(&relids, relid, true);
		if (!rv->inh)
			continue;
		foreach(lc2, find_all_inheritors(relid, AccessExclusiveLock, NULL))
			loss_truncate_add(&relids, lfirst_oid(lc2), false);
	}
	while (stmt->behavior == DROP_CASCADE && (more = heap_truncate_find_FKs(relids)) != NIL)
	{
		foreach(lc, more)
			loss_truncate_add(&relids, lfirst_oid(lc), true);
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

		migrate_salvage_relation(relid, "truncate", watched);
		if (!stmt->restart_seqs)
			continue;
		foreach(lc2, getOwnedSequences(relid))
			migrate_salvage_relation(lfirst_oid(lc2), "truncate", watched);
	}
}

/* Keep where a sequence is that starts anew. */
static void
loss_keep_restarted(const AlterSeqStmt *stmt)
{
	ListCell   *lc;
	Oid			relid;

	foreach(lc, stmt->options)
	{
		if (strcmp(((DefElem *) lfirst(lc))->defname, "restart") != 0)
			continue;
		relid = RangeVarGetRelid(stmt->sequence, NoLock, true);
		if (OidIsValid(relid))
			migrate_salvage_relation(relid, "alter sequence", false);
	}
}

/* Let kept rows come back to the tables whose rows a statement checks. */
static void
loss_prepare(Node *statement)
{
	Validation	validation;
	ListCell   *lc;

	if (loss_before_validation == NULL)
		return;
	migrate_validation_find(statement, &validation);
	foreach(lc, validation.referenced)
		loss_before_validation(lfirst_oid(lc), true);
	foreach(lc, validation.checked)
		loss_before_validation(lfirst_oid(lc), false);
}

/* Keep what a statement is about to destroy. */
static void
loss_keep(const ProbeStatement *statement)
{
	Node	   *node = statement->pstmt->utilityStmt;

	loss_prepare(node);
	if (migrate_probe_needed(node))
		loss_keep_dropped(statement);
	if (IsA(node, TruncateStmt))
		loss_keep_truncated((TruncateStmt *) node);
	else if (IsA(node, AlterSeqStmt))
		loss_keep_restarted((AlterSeqStmt *) node);
	else if (IsA(node, AlterTableStmt))
		migrate_revalue_keep((AlterTableStmt *) node);
}

/* Call this before a statement that checks the rows of a relation. */
void
migrate_loss_before_validation(LossValidation callback)
{
	loss_before_validation = callback;
}

/* Keep what is about to be destroyed, then let the statement run. */
static void
loss_utility(PlannedStmt *pstmt, const char *text, bool read_only_tree,
			 ProcessUtilityContext context, ParamListInfo params,
			 QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *qc)
{
	ProcessUtility_hook_type next = loss_previous_utility ? loss_previous_utility : standard_ProcessUtility;
	ProbeStatement statement = {pstmt, text, params, environment};
	int			mark = migrate_salvage_mark();

	if (migrate_backup_active())
		loss_keep(&statement);
	if (!migrate_salvage_waits(mark))
		next(pstmt, text, read_only_tree, context, params, environment, dest, qc);
	else
	{
		int			settings = NewGUCNestLevel();

		(void) set_config_option("synchronize_seqscans", "off", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
		next(pstmt, text, read_only_tree, context, params, environment, dest, qc);
		AtEOXact_GUC(false, settings);
	}
	migrate_salvage_release(mark);
}

/* Refuse that rows go which nobody has kept. */
static void
loss_check(Oid relid, AttrNumber attnum)
{
	Relation	rel;

	if (migrate_salvage_covers(relid, attnum) || get_rel_relkind(relid) != RELKIND_RELATION ||
		!migrate_backup_concerns(relid))
		return;
	rel = table_open(relid, AccessShareLock);
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

/* Set up the module, and the one below. */
void
migrate_loss_init(void)
{
	loss_previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = loss_utility;
	loss_previous_access = object_access_hook;
	object_access_hook = loss_access;
	migrate_salvage_init();
}
