/*-------------------------------------------------------------------------
 *
 * forecast.c
 *		How much the scripts of a plan will copy to keep rows, found out before
 *		any of them runs.
 *
 * The limit on what is copied holds for each statement as it runs.  That may
 * be late in a long plan, so what can be known is added up first: tables that
 * a DROP or TRUNCATE takes and that cannot be moved, and columns that an ALTER
 * TABLE drops or gives other values.  Rows that UPDATE and DELETE change are not
 * among it, nor what CASCADE and code take.
 *
 * A forecast must never refuse a plan that would go through.  So each relation
 * counts only as long as no statement before has touched it, and nothing counts
 * behind a statement that may do anything: a DO block, a CALL, a SET search_path;
 * nor in the script of a role that an earlier one may make.
 *
 * Most databases are smaller than the limit: then scripts are not even read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/evtcache.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "allowance.h"
#include "compat.h"
#include "copyrows.h"
#include "execute.h"
#include "exempt.h"
#include "forecast.h"
#include "revalue.h"
#include "salvage.h"

struct Forecast
{
	MemoryContext context;
	int64		bytes;			/* that will be copied, so far */
	List	   *touched;		/* OIDs of relations that may be others by
								 * then */
	bool		ended;			/* nothing more can be known */
};

/* One script that is looked at. */
typedef struct ForecastRun
{
	Forecast   *forecast;
	const Script *script;
	PositionFrame *frame;
	ExemptStep	exempt;
} ForecastRun;

/* Return about how many bytes the tables of the database take. */
static int64
forecast_database_size(void)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(catalog, 0, NULL);
	HeapTuple	tuple;
	int64		pages = 0;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		if (class->oid >= FirstNormalObjectId &&
			(class->relkind == RELKIND_RELATION || class->relkind == RELKIND_TOASTVALUE))
			pages += class->relpages;
	}
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
	return pages * BLCKSZ;
}

/* Begin with a plan; NULL = whatever it keeps is within the limit. */
Forecast *
migrate_forecast_begin(void)
{
	int64		left = migrate_allowance_left();
	Forecast   *forecast;

	if (left < 0 || forecast_database_size() <= left)
		return NULL;
	forecast = palloc0(sizeof(Forecast));
	forecast->context = CurrentMemoryContext;
	return forecast;
}

/* Find a relation by its name, without a lock and without an error. */
static Oid
forecast_find(const RangeVar *name)
{
	Oid			schema;

	if (name->schemaname == NULL)
		return RelnameGetRelid(name->relname);
	schema = get_namespace_oid(name->schemaname, true);
	return OidIsValid(schema) ? get_relname_relid(name->relname, schema) : InvalidOid;
}

/* Note that a relation may be another one from here on. */
static void
forecast_touch(Forecast *forecast, Oid relid)
{
	MemoryContext old = MemoryContextSwitchTo(forecast->context);

	if (OidIsValid(relid))
		forecast->touched = list_append_unique_oid(forecast->touched, relid);
	MemoryContextSwitchTo(old);
}

/* Open a relation if it is as it will be, and if that does not mean to wait. */
static Relation
forecast_open(Forecast *forecast, Oid relid)
{
	Relation	rel;

	if (!OidIsValid(relid) || list_member_oid(forecast->touched, relid) ||
		!ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
		UnlockRelationOid(relid, AccessShareLock);
	return rel;
}

/* The same, of a table with rows that are to be kept. */
static Relation
forecast_open_rows(ForecastRun *run, Oid relid)
{
	Relation	rel;

	if (get_rel_relkind(relid) != RELKIND_RELATION || migrate_exempt_relation(&run->exempt, relid))
		return NULL;
	rel = forecast_open(run->forecast, relid);
	if (rel != NULL && !migrate_copyrows_any(rel))
	{
		relation_close(rel, AccessShareLock);
		rel = NULL;
	}
	return rel;
}

/* Add to what will be copied, or refuse it. */
static void
forecast_add(Forecast *forecast, Relation rel, int64 bytes)
{
	migrate_allowance_check(rel, bytes, forecast->bytes);
	forecast->bytes += bytes;
}

/* Count tables that go, or whose rows go. */
static void
forecast_tables(ForecastRun *run, List *relids, bool watched)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		Relation	rel = forecast_open_rows(run, lfirst_oid(lc));

		if (rel != NULL)
		{
			forecast_add(run->forecast, rel, migrate_salvage_table_size(rel, watched));
			relation_close(rel, AccessShareLock);
		}
		forecast_touch(run->forecast, lfirst_oid(lc));
	}
}

/* Return a relation and, if wanted, all below it. */
static List *
forecast_with_children(Oid relid, bool children)
{
	if (!OidIsValid(relid))
		return NIL;
	return children ? find_all_inheritors(relid, NoLock, NULL) : list_make1_oid(relid);
}

/* Count what a TRUNCATE empties. */
static void
forecast_truncate(ForecastRun *run, const TruncateStmt *stmt)
{
	List	   *relids = NIL;
	List	   *more;
	bool		watched = false;
	ListCell   *lc;

	foreach(lc, stmt->relations)
	{
		RangeVar   *name = lfirst(lc);

		relids = list_concat_unique_oid(relids, forecast_with_children(forecast_find(name), name->inh));
	}
	while (stmt->behavior == DROP_CASCADE && (more = heap_truncate_find_FKs(relids)) != NIL)
		relids = list_concat_unique_oid(relids, more);
	foreach(lc, relids)
	{
		Relation	rel = forecast_open(run->forecast, lfirst_oid(lc));

		if (rel == NULL)
			continue;
		watched |= rel->trigdesc && rel->trigdesc->trig_truncate_before_statement;
		relation_close(rel, AccessShareLock);
	}
	forecast_tables(run, relids, watched);
}

/* Count what a DROP TABLE takes. */
static void
forecast_drop(ForecastRun *run, const DropStmt *stmt)
{
	bool		watched = EventCacheLookup(EVT_DDLCommandStart) != NIL;
	ListCell   *lc;

	if (stmt->removeType != OBJECT_TABLE)
		return;
	foreach(lc, stmt->objects)
	{
		Oid			relid = forecast_find(makeRangeVarFromNameList(lfirst(lc)));
		bool		children = OidIsValid(relid) &&
		(stmt->behavior == DROP_CASCADE || get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE);

		forecast_tables(run, forecast_with_children(relid, children), watched);
	}
}

/* Count columns of a table, found by their names in its parent. */
static void
forecast_columns(ForecastRun *run, Relation rel, Relation parent, const Bitmapset *attnums)
{
	Bitmapset  *columns = NULL;
	int			attnum = -1;

	while ((attnum = bms_next_member(attnums, attnum)) > 0)
	{
		AttrNumber	column = get_attnum(RelationGetRelid(rel),
										get_attname(RelationGetRelid(parent), attnum, false));

		if (column > 0)
			columns = bms_add_member(columns, column);
	}
	attnum = -1;
	while ((attnum = bms_next_member(columns, attnum)) > 0)
		forecast_add(run->forecast, rel, migrate_salvage_column_size(rel, attnum, columns));
}

/* Tell whether an ALTER TABLE changes what is below what. */
static bool
forecast_regroups(const AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		switch (((AlterTableCmd *) lfirst(lc))->subtype)
		{
			case AT_AttachPartition:
			case AT_DetachPartition:
			case AT_AddInherit:
			case AT_DropInherit:
				return true;
			default:
				break;
		}
	}
	return false;
}

/* Tell whether a SET may let names mean other relations. */
static bool
forecast_changes_names(const VariableSetStmt *stmt)
{
	return stmt->name == NULL || strcmp(stmt->name, "search_path") == 0 ||
		strcmp(stmt->name, "role") == 0 || strcmp(stmt->name, "session_authorization") == 0;
}

/* Count the columns that an ALTER TABLE drops or gives other values. */
static void
forecast_alter(ForecastRun *run, const AlterTableStmt *stmt)
{
	Oid			relid = forecast_find(stmt->relation);
	Relation	parent = stmt->objtype == OBJECT_TABLE ? forecast_open(run->forecast, relid) : NULL;
	Bitmapset  *dropped = NULL;
	Bitmapset  *altered = NULL;
	ListCell   *lc;

	run->forecast->ended |= forecast_regroups(stmt);
	if (parent == NULL)
		return;
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);
		AttrNumber	drop = cmd->subtype == AT_DropColumn ? get_attnum(relid, cmd->name) : 0;
		AttrNumber	alter = migrate_revalue_column(parent, cmd);

		if (drop > 0)
			dropped = bms_add_member(dropped, drop);
		if (alter > 0)
			altered = bms_add_member(altered, alter);
	}
	foreach(lc, forecast_with_children(relid, (dropped || altered) && stmt->relation->inh))
	{
		Relation	rel = forecast_open_rows(run, lfirst_oid(lc));

		if (rel == NULL)
			continue;
		/* children other than partitions may keep a column */
		if (rel == parent || rel->rd_rel->relispartition)
			forecast_columns(run, rel, parent, dropped);
		forecast_columns(run, rel, parent, altered);
		relation_close(rel, AccessShareLock);
		forecast_touch(run->forecast, lfirst_oid(lc));
	}
	relation_close(parent, AccessShareLock);
}

/* Look at one statement. */
static void
forecast_statement(ForecastRun *run, Node *node)
{
	Forecast   *forecast = run->forecast;

	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			forecast_alter(run, (AlterTableStmt *) node);
			break;
		case T_DropStmt:
			forecast_drop(run, (DropStmt *) node);
			break;
		case T_TruncateStmt:
			forecast_truncate(run, (TruncateStmt *) node);
			break;
		case T_CreateStmt:

			/*
			 * it hides one of the same name in a schema that is searched
			 * later
			 */
			forecast_touch(forecast, forecast_find(((CreateStmt *) node)->relation));
			break;
		case T_CreateTableAsStmt:
			forecast_touch(forecast, forecast_find(((CreateTableAsStmt *) node)->into->rel));
			break;
		case T_RenameStmt:
			if (((RenameStmt *) node)->relation != NULL)
				forecast_touch(forecast, forecast_find(((RenameStmt *) node)->relation));
			else if (((RenameStmt *) node)->renameType == OBJECT_SCHEMA)
				forecast->ended = true;
			break;
		case T_AlterObjectSchemaStmt:
			if (((AlterObjectSchemaStmt *) node)->relation != NULL)
				forecast_touch(forecast, forecast_find(((AlterObjectSchemaStmt *) node)->relation));
			break;
		case T_VariableSetStmt:
			forecast->ended |= forecast_changes_names((VariableSetStmt *) node);
			break;
		case T_DiscardStmt:
		case T_DoStmt:
		case T_CallStmt:
		case T_ClusterStmt:
		case T_DropOwnedStmt:
			forecast->ended = true;
			break;
		default:
			break;
	}
}

/* Tell whether the role that a script runs as is not there yet, or not within reach. */
static bool
forecast_role_is_to_come(const char *role)
{
	Oid			roleid;

	if (role == NULL)
		return false;
	roleid = get_role_oid(role, true);
	return !OidIsValid(roleid) || !compat_can_set_role(GetUserId(), roleid);
}

/* Look at every statement of a script, as what it will run as. */
static void
forecast_script(void *arg)
{
	ForecastRun *run = (ForecastRun *) arg;
	PositionFrame *frame = run->frame;
	int			guc_level = NewGUCNestLevel();
	ListCell   *lc;

	migrate_execute_settings(&run->script->directives);
	foreach(lc, run->script->statements)
	{
		ScriptStatement *stmt = lfirst(lc);
		ListCell   *lc2;

		if (stmt->skipped)
			continue;
		if (run->forecast->ended)
			break;
		frame->statement++;
		frame->line = stmt->line;
		frame->offset = stmt->offset;
		frame->slice = pnstrdup(run->script->clean + stmt->offset, stmt->length);
		foreach(lc2, pg_parse_query(frame->slice))
			forecast_statement(run, lfirst_node(RawStmt, lc2)->stmt);
		frame->slice = NULL;
	}
	AtEOXact_GUC(false, guc_level);
}

/*
 * Look at the next script of a plan; raises when it would copy more than may be,
 * with the place.  Memory of the script may be freed afterwards.
 */
void
migrate_forecast_script(Forecast *forecast, const Script *script, PositionFrame *frame)
{
	ForecastRun run = {.forecast = forecast, .script = script, .frame = frame};

	forecast->ended |= forecast_role_is_to_come(script->directives.role);
	if (forecast->ended)
		return;
	run.exempt.context = CurrentMemoryContext;
	run.exempt.no_backup = script->directives.no_backup;
	run.exempt.quiet = true;
	frame->text = script->clean;
	frame->statements = script->count;
	frame->statement = 0;
	migrate_position_guard(frame, forecast_script, &run, NULL);
}
