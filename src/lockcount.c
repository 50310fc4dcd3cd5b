/*-------------------------------------------------------------------------
 *
 * lockcount.c
 *		How many locks statements will hold.
 *
 * All locks of a transaction are held to its end, also those on what it makes,
 * and the lock table of the server has a fixed size.  This is an estimate, made
 * from the parse tree: what triggers, functions and the server itself make
 * besides is not in it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lock.h"

#include "lockcount.h"

/* What a table has besides itself: a TOAST table, and that one's index. */
#define LOCKCOUNT_TABLE 3

/* Count the indexes and sequences that come with a constraint. */
static int
lockcount_constraint(const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			return constraint->indexname == NULL ? 1 : 0;
		case CONSTR_IDENTITY:
			return 1;
		default:
			return 0;
	}
}

/* Tell whether a column's type is one of those that make a sequence. */
static bool
lockcount_is_serial(const TypeName *type)
{
	static const char *const names[] = {"serial", "bigserial", "smallserial",
	"serial2", "serial4", "serial8"};

	if (type == NULL || list_length(type->names) != 1)
		return false;
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(strVal(linitial(type->names)), names[i]) == 0)
			return true;
	}
	return false;
}

/* Count what comes with a column. */
static int
lockcount_column(const ColumnDef *column)
{
	int			locks = lockcount_is_serial(column->typeName) ? 1 : 0;
	ListCell   *lc;

	foreach(lc, column->constraints)
		locks += lockcount_constraint(lfirst(lc));
	return locks;
}

/* Count what comes with one element of a table. */
static int
lockcount_element(Node *element)
{
	if (element != NULL && IsA(element, ColumnDef))
		return lockcount_column((ColumnDef *) element);
	if (element != NULL && IsA(element, Constraint))
		return lockcount_constraint((Constraint *) element);
	return 0;
}

/* Count what the parts of an ALTER TABLE make. */
static int
lockcount_alter(const AlterTableStmt *stmt)
{
	int			locks = 0;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
		locks += lockcount_element(((AlterTableCmd *) lfirst(lc))->def);
	return locks;
}

/* Count the locks on what a raw statement makes. */
int
migrate_lockcount_created(Node *statement)
{
	int			locks = 0;
	ListCell   *lc;

	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			foreach(lc, ((CreateStmt *) statement)->tableElts)
				locks += lockcount_element(lfirst(lc));
			return LOCKCOUNT_TABLE + locks;
		case T_CreateSchemaStmt:
			foreach(lc, ((CreateSchemaStmt *) statement)->schemaElts)
				locks += migrate_lockcount_created(lfirst(lc));
			return locks;
		case T_AlterTableStmt:
			return lockcount_alter((AlterTableStmt *) statement);
		case T_CreateTableAsStmt:
			return LOCKCOUNT_TABLE;
		case T_IndexStmt:
		case T_ViewStmt:
		case T_CreateSeqStmt:
		case T_CompositeTypeStmt:
		case T_CreateForeignTableStmt:
			return 1;
		default:
			return 0;
	}
}

/* Warn when so many locks fill more than half of the lock table. */
void
migrate_lockcount_warn(int64 locks)
{
	int64		capacity = (int64) max_locks_per_xact * (MaxBackends + max_prepared_xacts);

	if (locks <= capacity / 2)
		return;
	ereport(WARNING,
			(errmsg("the migrations will hold about " INT64_FORMAT " locks, more than half of what the server has room for",
					locks),
			 errdetail("There is room for " INT64_FORMAT " locks of all sessions together.", capacity),
			 errhint("Apply fewer migrations in one transaction, as in migrate_apply(VERSION), or raise max_locks_per_transaction.")));
}
