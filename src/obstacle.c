/*-------------------------------------------------------------------------
 *
 * obstacle.c
 *		Statements that migrate_apply() cannot run, found before any runs.
 *
 * The decision is taken from the parse tree alone, so it is the same at
 * registration, in a plan and at apply.  Two kinds are told apart:
 *
 * - what PostgreSQL refuses inside a transaction block (PreventInTransactionBlock
 *   in the server's source); it could run outside of one;
 * - what would break the promises of a migration: it would end or split the
 *   transaction, change its isolation, or outlive it in the session.
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
	Script	   *script;
	int			number;			/* of the statement at hand */
	ScriptStatement *begin;		/* an open BEGIN, or NULL */
	int			begin_number;
} ObstacleWalk;

/* Record an obstacle unless an earlier one stands already. */
static void
obstacle_add(ObstacleWalk *walk, int sqlerrcode, bool nontransactional,
			 const char *message)
{
	ScriptStatement *stmt = list_nth(walk->script->statements, walk->number - 1);
	ScriptObstacle *obstacle;

	if (walk->script->obstacle != NULL)
		return;
	obstacle = palloc0(sizeof(ScriptObstacle));
	obstacle->sqlerrcode = sqlerrcode;
	obstacle->statement = walk->number;
	obstacle->line = stmt->line;
	obstacle->message = pstrdup(message);
	obstacle->nontransactional = nontransactional;
	walk->script->obstacle = obstacle;
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

/* Judge BEGIN, COMMIT and their like. */
static void
obstacle_transaction(ObstacleWalk *walk, ScriptStatement *stmt)
{
	TransactionStmt *node = (TransactionStmt *) stmt->raw->stmt;

	switch (node->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			if (walk->begin != NULL)
				obstacle_add(walk, ERRCODE_ACTIVE_SQL_TRANSACTION, false,
							 "BEGIN inside BEGIN is not allowed in a migration");
			else if (node->options != NIL)
				obstacle_add(walk, ERRCODE_ACTIVE_SQL_TRANSACTION, false,
							 "BEGIN with transaction modes is not allowed in a migration");
			stmt->skipped = true;
			walk->begin = stmt;
			walk->begin_number = walk->number;
			break;
		case TRANS_STMT_COMMIT:
			if (walk->begin == NULL)
				obstacle_add(walk, ERRCODE_INVALID_TRANSACTION_TERMINATION, false,
							 "COMMIT without BEGIN is not allowed in a migration");
			else if (node->chain)
				obstacle_add(walk, ERRCODE_INVALID_TRANSACTION_TERMINATION, false,
							 "COMMIT AND CHAIN is not allowed in a migration");
			stmt->skipped = true;
			walk->begin = NULL;
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
	if (strcmp(node->name, "TRANSACTION") == 0 ||
		strcmp(node->name, "SESSION CHARACTERISTICS") == 0)
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
		if (((AlterSubscriptionStmt *) node)->kind == ALTER_SUBSCRIPTION_REFRESH)
			obstacle_nontransactional(walk, "ALTER SUBSCRIPTION ... REFRESH");
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
obstacle_statement(ObstacleWalk *walk, ScriptStatement *stmt)
{
	Node	   *node = stmt->raw->stmt;

	switch (nodeTag(node))
	{
		case T_TransactionStmt:
			obstacle_transaction(walk, stmt);
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
		case T_DiscardStmt:
			if (((DiscardStmt *) node)->target == DISCARD_ALL)
				obstacle_add(walk, ERRCODE_ACTIVE_SQL_TRANSACTION, false,
							 "DISCARD ALL is not allowed in a migration");
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
 * Find the first obstacle of a script, and mark the BEGIN and COMMIT that need
 * not run.
 */
void
migrate_obstacle_find(Script *script)
{
	ObstacleWalk walk = {.script = script};
	ListCell   *lc;

	foreach(lc, script->statements)
	{
		walk.number++;
		obstacle_statement(&walk, lfirst(lc));
	}
	if (walk.begin != NULL)
	{
		walk.number = walk.begin_number;
		obstacle_add(&walk, ERRCODE_INVALID_TRANSACTION_TERMINATION, false,
					 "BEGIN without COMMIT is not allowed in a migration");
	}
	if (script->obstacle == NULL && script->directives.no_transaction)
	{
		ScriptObstacle *obstacle = palloc0(sizeof(ScriptObstacle));

		obstacle->sqlerrcode = ERRCODE_ACTIVE_SQL_TRANSACTION;
		obstacle->message = pstrdup("the script asks not to run in a transaction (\"-- migrate: no-transaction\")");
		obstacle->nontransactional = true;
		script->obstacle = obstacle;
	}
}
