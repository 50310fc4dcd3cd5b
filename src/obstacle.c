/*-------------------------------------------------------------------------
 *
 * obstacle.c
 *		Statements that migrate_apply() cannot run, found before any runs.
 *
 * The decision is taken from the parse tree alone, so it is the same at
 * registration, in a plan and at apply.  What depends on catalogs (DROP
 * SUBSCRIPTION with a slot, REINDEX and CLUSTER of a partitioned table) is left
 * to the server, which refuses it when it runs.  Two kinds are told apart:
 *
 * - what PostgreSQL refuses inside a transaction block (PreventInTransactionBlock
 *   in the server's source); it could run outside of one;
 * - what would break the promises of a migration: it would end or split the
 *   transaction, change its isolation, or outlive it in the session.  Of the
 *   last kind, session-level advisory locks and what functions and DO blocks do
 *   cannot be seen here.
 *
 * A balanced BEGIN ... COMMIT is neither: the engine gives the same atomicity,
 * so the pair is marked as skipped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "nodes/parsenodes.h"

#include "obstacle.h"

/* What the walk through the statements knows. */
typedef struct ObstacleWalk
{
	ScriptObstacle *found;		/* the first one, or NULL */
	ScriptStatement *stmt;		/* at hand */
	int			number;			/* of it, counting those that run */
	ScriptStatement *begin;		/* an open BEGIN, or NULL */
} ObstacleWalk;

/* Record an obstacle unless an earlier one stands already. */
static void
obstacle_add(ObstacleWalk *walk, int sqlerrcode, bool nontransactional,
			 const char *message)
{
	ScriptObstacle *obstacle;

	if (walk->found != NULL)
		return;
	obstacle = palloc0(sizeof(ScriptObstacle));
	obstacle->sqlerrcode = sqlerrcode;
	obstacle->statement = walk->stmt->skipped ? 0 : walk->number;
	obstacle->line = walk->stmt->line;
	obstacle->message = pstrdup(message);
	obstacle->nontransactional = nontransactional;
	walk->found = obstacle;
}

/* Record a statement that the server refuses inside a transaction block. */
static void
obstacle_nontransactional(ObstacleWalk *walk, const char *command)
{
	obstacle_add(walk, ERRCODE_ACTIVE_SQL_TRANSACTION, true,
				 psprintf("%s cannot run inside a transaction", command));
}

/* Tell whether a list of DefElem switches an option on. */
static bool
obstacle_option(List *options, const char *name, bool otherwise)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) == 0)
			return defGetBoolean(option);
	}
	return otherwise;
}

/* Tell whether a list of DefElem names an option. */
static bool
obstacle_has_option(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, name) == 0)
			return true;
	}
	return false;
}

/* Judge BEGIN: one that is balanced need not run. */
static void
obstacle_begin(ObstacleWalk *walk, TransactionStmt *node)
{
	walk->stmt->skipped = true;
	if (walk->begin != NULL)
		obstacle_add(walk, ERRCODE_ACTIVE_SQL_TRANSACTION, false,
					 "BEGIN inside BEGIN is not allowed in a migration");
	else if (node->options != NIL)
		obstacle_add(walk, ERRCODE_ACTIVE_SQL_TRANSACTION, false,
					 "BEGIN with transaction modes is not allowed in a migration");
	walk->begin = walk->stmt;
}

/* Judge COMMIT: one that is balanced need not run. */
static void
obstacle_commit(ObstacleWalk *walk, TransactionStmt *node)
{
	walk->stmt->skipped = true;
	if (walk->begin == NULL)
		obstacle_add(walk, ERRCODE_INVALID_TRANSACTION_TERMINATION, false,
					 "COMMIT without BEGIN is not allowed in a migration");
	else if (node->chain)
		obstacle_add(walk, ERRCODE_INVALID_TRANSACTION_TERMINATION, false,
					 "COMMIT AND CHAIN is not allowed in a migration");
	walk->begin = NULL;
}

/* Judge BEGIN, COMMIT and their like. */
static void
obstacle_transaction(ObstacleWalk *walk, TransactionStmt *node)
{
	switch (node->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			obstacle_begin(walk, node);
			break;
		case TRANS_STMT_COMMIT:
			obstacle_commit(walk, node);
			break;
		case TRANS_STMT_ROLLBACK:
			obstacle_add(walk, ERRCODE_INVALID_TRANSACTION_TERMINATION, false,
						 "ROLLBACK is not allowed in a migration");
			walk->begin = NULL;
			break;
		case TRANS_STMT_SAVEPOINT:
		case TRANS_STMT_RELEASE:
		case TRANS_STMT_ROLLBACK_TO:
			obstacle_add(walk, ERRCODE_FEATURE_NOT_SUPPORTED, false,
						 "savepoints are not allowed in a migration");
			break;
		case TRANS_STMT_PREPARE:
			obstacle_add(walk, ERRCODE_FEATURE_NOT_SUPPORTED, false,
						 "PREPARE TRANSACTION is not allowed in a migration");
			break;
		case TRANS_STMT_COMMIT_PREPARED:
		case TRANS_STMT_ROLLBACK_PREPARED:
			obstacle_nontransactional(walk, "COMMIT PREPARED or ROLLBACK PREPARED");
			break;
	}
}

/* Judge SET: the transaction's own modes are not the script's to change. */
static void
obstacle_set(ObstacleWalk *walk, VariableSetStmt *node)
{
	if (node->kind != VAR_SET_MULTI)
		return;
	obstacle_add(walk, ERRCODE_ACTIVE_SQL_TRANSACTION, false,
				 psprintf("SET %s is not allowed in a migration", node->name));
}

/* Judge COPY: only data that stands in the script can be read from stdin. */
static void
obstacle_copy(ObstacleWalk *walk, CopyStmt *node)
{
	if (node->filename != NULL || node->is_program)
		return;
	if (!node->is_from)
		obstacle_add(walk, ERRCODE_FEATURE_NOT_SUPPORTED, false,
					 "COPY TO STDOUT is not supported in a migration");
	else if (node->whereClause != NULL)
		obstacle_add(walk, ERRCODE_FEATURE_NOT_SUPPORTED, false,
					 "COPY FROM STDIN with WHERE is not supported in a migration");
}

/* Judge DROP: concurrent index drops, and the engine itself. */
static void
obstacle_drop(ObstacleWalk *walk, DropStmt *node)
{
	ListCell   *lc;

	if (node->concurrent)
		obstacle_nontransactional(walk, "DROP INDEX CONCURRENTLY");
	if (node->removeType != OBJECT_EXTENSION)
		return;
	foreach(lc, node->objects)
	{
		if (strcmp(strVal(lfirst(lc)), "migrate_ext") == 0)
			obstacle_add(walk, ERRCODE_OBJECT_IN_USE, false,
						 "extension migrate_ext cannot be dropped by a migration");
	}
}

/* Judge ALTER TABLE: only DETACH PARTITION CONCURRENTLY is special. */
static void
obstacle_alter_table(ObstacleWalk *walk, AlterTableStmt *node)
{
	ListCell   *lc;

	foreach(lc, node->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_DetachPartition && cmd->def != NULL &&
			((PartitionCmd *) cmd->def)->concurrent)
			obstacle_nontransactional(walk, "ALTER TABLE ... DETACH PARTITION CONCURRENTLY");
	}
}

/* Judge REINDEX: concurrent, or of more than one table. */
static void
obstacle_reindex(ObstacleWalk *walk, ReindexStmt *node)
{
	if (obstacle_option(node->params, "concurrently", false))
		obstacle_nontransactional(walk, "REINDEX CONCURRENTLY");
	else if (node->kind != REINDEX_OBJECT_INDEX && node->kind != REINDEX_OBJECT_TABLE)
		obstacle_nontransactional(walk, "REINDEX of a schema, database or system");
}

/*
 * Judge the subscription commands; those that work on the publisher refuse a
 * transaction block.
 */
static void
obstacle_subscription(ObstacleWalk *walk, Node *node)
{
	if (IsA(node, CreateSubscriptionStmt))
	{
		List	   *options = ((CreateSubscriptionStmt *) node)->options;
		bool		connects = obstacle_option(options, "connect", true);

		if (obstacle_option(options, "create_slot", connects))
			obstacle_nontransactional(walk, "CREATE SUBSCRIPTION with create_slot");
	}
	else if (IsA(node, AlterSubscriptionStmt))
	{
		AlterSubscriptionStmt *alter = (AlterSubscriptionStmt *) node;

		if (alter->kind == ALTER_SUBSCRIPTION_REFRESH)
			obstacle_nontransactional(walk, "ALTER SUBSCRIPTION ... REFRESH");
		else if ((alter->kind == ALTER_SUBSCRIPTION_SET_PUBLICATION ||
				  alter->kind == ALTER_SUBSCRIPTION_ADD_PUBLICATION ||
				  alter->kind == ALTER_SUBSCRIPTION_DROP_PUBLICATION) &&
				 obstacle_option(alter->options, "refresh", true))
			obstacle_nontransactional(walk, "ALTER SUBSCRIPTION ... PUBLICATION with refresh");
	}
}

/* Judge statements that are refused whatever their options are. */
static void
obstacle_plain(ObstacleWalk *walk, Node *node)
{
	static const struct
	{
		NodeTag		tag;
		const char *command;
	}			outside[] = {
		{T_AlterSystemStmt, "ALTER SYSTEM"},
		{T_CreatedbStmt, "CREATE DATABASE"},
		{T_DropdbStmt, "DROP DATABASE"},
		{T_CreateTableSpaceStmt, "CREATE TABLESPACE"},
		{T_DropTableSpaceStmt, "DROP TABLESPACE"},
	},			lasting[] = {
		{T_ListenStmt, "LISTEN"},
		{T_UnlistenStmt, "UNLISTEN"},
		{T_LoadStmt, "LOAD"},
		{T_PrepareStmt, "PREPARE"},
		{T_DeallocateStmt, "DEALLOCATE"},
		{T_DiscardStmt, "DISCARD"},
	};

	for (int i = 0; i < lengthof(outside); i++)
	{
		if (nodeTag(node) == outside[i].tag)
			obstacle_nontransactional(walk, outside[i].command);
	}
	/* Neither the transaction's end nor the engine would undo these. */
	for (int i = 0; i < lengthof(lasting); i++)
	{
		if (nodeTag(node) == lasting[i].tag)
			obstacle_add(walk, ERRCODE_FEATURE_NOT_SUPPORTED, false,
						 psprintf("%s is not supported in a migration: it would outlast it in the session",
								  lasting[i].command));
	}
}

/* Dispatch one statement to its judge. */
static void
obstacle_statement(ObstacleWalk *walk)
{
	Node	   *node = walk->stmt->node;

	switch (nodeTag(node))
	{
		case T_TransactionStmt:
			obstacle_transaction(walk, (TransactionStmt *) node);
			break;
		case T_VariableSetStmt:
			obstacle_set(walk, (VariableSetStmt *) node);
			break;
		case T_CopyStmt:
			obstacle_copy(walk, (CopyStmt *) node);
			break;
		case T_DropStmt:
			obstacle_drop(walk, (DropStmt *) node);
			break;
		case T_AlterTableStmt:
			obstacle_alter_table(walk, (AlterTableStmt *) node);
			break;
		case T_ReindexStmt:
			obstacle_reindex(walk, (ReindexStmt *) node);
			break;
		case T_IndexStmt:
			if (((IndexStmt *) node)->concurrent)
				obstacle_nontransactional(walk, "CREATE INDEX CONCURRENTLY");
			break;
		case T_VacuumStmt:
			if (((VacuumStmt *) node)->is_vacuumcmd)
				obstacle_nontransactional(walk, "VACUUM");
			break;
		case T_ClusterStmt:
			if (((ClusterStmt *) node)->relation == NULL)
				obstacle_nontransactional(walk, "CLUSTER of all tables");
			break;
		case T_DeclareCursorStmt:
			if (((DeclareCursorStmt *) node)->options & CURSOR_OPT_HOLD)
				obstacle_add(walk, ERRCODE_FEATURE_NOT_SUPPORTED, false,
							 "DECLARE CURSOR WITH HOLD is not supported in a migration: it would outlast it in the session");
			break;
		case T_ClosePortalStmt:
			if (((ClosePortalStmt *) node)->portalname == NULL)
				obstacle_add(walk, ERRCODE_FEATURE_NOT_SUPPORTED, false,
							 "CLOSE ALL is not supported in a migration: it would close the caller's cursors");
			break;
		case T_AlterDatabaseStmt:
			if (obstacle_has_option(((AlterDatabaseStmt *) node)->options, "tablespace"))
				obstacle_nontransactional(walk, "ALTER DATABASE ... SET TABLESPACE");
			break;
		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
			obstacle_subscription(walk, node);
			break;
		default:
			obstacle_plain(walk, node);
			break;
	}
}

/*
 * Return the first obstacle among the statements of a script, or NULL, and mark
 * the BEGIN and COMMIT that need not run.
 */
ScriptObstacle *
migrate_obstacle_find(List *statements)
{
	ObstacleWalk walk = {0};
	ListCell   *lc;

	foreach(lc, statements)
	{
		walk.stmt = lfirst(lc);
		walk.number++;
		obstacle_statement(&walk);
		if (walk.stmt->skipped)
			walk.number--;
	}
	if (walk.begin != NULL && walk.found == NULL)
	{
		walk.stmt = walk.begin;
		obstacle_add(&walk, ERRCODE_INVALID_TRANSACTION_TERMINATION, false,
					 "BEGIN without COMMIT is not allowed in a migration");
		walk.found->unfinished = true;
	}
	return walk.found;
}
