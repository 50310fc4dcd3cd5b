/*-------------------------------------------------------------------------
 *
 * probe.c
 *		Find what a statement would drop, by running it and undoing that.
 *
 * What CASCADE takes only the server knows.  So the server drops it, within a
 * subtransaction that is rolled back, while the object access hook collects what
 * goes.  Only the part that drops runs, as the current user, by the functions
 * that the command itself calls: event triggers and the hooks of others on
 * utility commands see nothing of it, and the client gets no message.
 *
 * An error of a probe is the one that the statement would raise.  Only the
 * command's own pass that drops is run of an ALTER TABLE; it is the first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/defrem.h"
#include "commands/event_trigger.h"
#include "commands/tablecmds.h"
#include "commands/user.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "probe.h"

/* What the running probe has found; lives in probe_context. */
static List *probe_found = NIL;
static MemoryContext probe_context = NULL;

/* Tell whether a DROP can take rows with it; most cannot, and are not probed. */
static bool
probe_drop_takes_rows(const DropStmt *stmt)
{
	if (stmt->concurrent)
		return false;
	switch (stmt->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
		case OBJECT_EXTENSION:
			return true;
		case OBJECT_INDEX:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
		case OBJECT_PUBLICATION:
		case OBJECT_EVENT_TRIGGER:
		case OBJECT_STATISTIC_EXT:
			return false;
		default:
			return stmt->behavior == DROP_CASCADE;
	}
}

/* Tell whether a part of ALTER TABLE drops what holds values. */
static bool
probe_alter_takes_rows(const AlterTableCmd *cmd)
{
	return cmd->subtype == AT_DropColumn || cmd->subtype == AT_DropIdentity;
}

/* Tell whether a statement may drop tables, columns or sequences. */
bool
migrate_probe_needed(Node *statement)
{
	ListCell   *lc;

	switch (nodeTag(statement))
	{
		case T_DropStmt:
			return probe_drop_takes_rows((DropStmt *) statement);
		case T_DropOwnedStmt:
			return true;
		case T_AlterTableStmt:
			foreach(lc, ((AlterTableStmt *) statement)->cmds)
			{
				if (probe_alter_takes_rows(lfirst(lc)))
					return true;
			}
			return false;
		default:
			return false;
	}
}

/* Run what an ALTER TABLE does in its pass that drops. */
static void
probe_alter(const ProbeStatement *statement)
{
	AlterTableStmt *stmt = copyObject((AlterTableStmt *) statement->pstmt->utilityStmt);
	AlterTableUtilityContext context = {
		.pstmt = statement->pstmt,
		.queryString = statement->text,
		.params = statement->params,
		.queryEnv = statement->environment,
	};
	LOCKMODE	lockmode;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst(lc);

		if (!probe_alter_takes_rows(cmd) && cmd->subtype != AT_DropConstraint &&
			cmd->subtype != AT_DropExpression)
			stmt->cmds = foreach_delete_current(stmt->cmds, lc);
	}
	lockmode = AlterTableGetLockLevel(stmt->cmds);
	context.relid = AlterTableLookupRelation(stmt, lockmode);
	if (OidIsValid(context.relid))
		AlterTable(stmt, lockmode, &context);
}

/* Run the part of a statement that drops. */
static void
probe_drop(const ProbeStatement *statement)
{
	Node	   *node = copyObject(statement->pstmt->utilityStmt);

	switch (nodeTag(node))
	{
		case T_DropStmt:
			switch (((DropStmt *) node)->removeType)
			{
				case OBJECT_TABLE:
				case OBJECT_SEQUENCE:
				case OBJECT_VIEW:
				case OBJECT_MATVIEW:
				case OBJECT_FOREIGN_TABLE:
					RemoveRelations((DropStmt *) node);
					break;
				default:
					RemoveObjects((DropStmt *) node);
			}
			break;
		case T_DropOwnedStmt:
			DropOwnedObjects((DropOwnedStmt *) node);
			break;
		default:
			probe_alter(statement);
	}
}

/* Run the part of a statement that drops, unseen by event triggers and the client. */
static void
probe_drop_unseen(const ProbeStatement *statement)
{
	bool		event_triggers = EventTriggerBeginCompleteQuery();

	EventTriggerInhibitCommandCollection();
	(void) set_config_option("client_min_messages", "error", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	PG_TRY();
	{
		probe_drop(statement);
	}
	PG_FINALLY();
	{
		if (event_triggers)
			EventTriggerEndCompleteQuery();
	}
	PG_END_TRY();
}

/*
 * Return what a statement would drop, a list of ProbeFound *; raises what the
 * statement would raise.
 */
List *
migrate_probe_run(const ProbeStatement *statement)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;
	List	   *found;

	Assert(probe_context == NULL);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	probe_found = NIL;
	probe_context = context;
	PG_TRY();
	{
		probe_drop_unseen(statement);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	probe_context = NULL;
	found = probe_found;
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL)
		ReThrowError(error);
	return found;
}

/* Tell whether a probe is running. */
bool
migrate_probe_collects(void)
{
	return probe_context != NULL;
}

/* Take down what goes, in the order it goes. */
void
migrate_probe_collect(Oid relid, AttrNumber attnum)
{
	MemoryContext old = MemoryContextSwitchTo(probe_context);
	ProbeFound *item = palloc(sizeof(ProbeFound));

	item->relid = relid;
	item->attnum = attnum;
	probe_found = lappend(probe_found, item);
	MemoryContextSwitchTo(old);
}
