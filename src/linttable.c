/*-------------------------------------------------------------------------
 *
 * linttable.c
 *		Rules of lint on tables and schemas.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/lsyscache.h"

#include "lint.h"

/* A table that comes in the place of one that was dropped. */
static void
linttable_recreate(LintStatement *statement, const RangeVar *name)
{
	Oid			relid = migrate_lint_relation(name);

	if (name->relpersistence != RELPERSISTENCE_TEMP && get_rel_relkind(relid) == RELKIND_RELATION &&
		migrate_lint_is_dropped(statement->lint, RelationRelationId, relid))
		migrate_lint_find(statement, LINT_DROP_AND_RECREATE_TABLE, relid,
						  "%s was dropped before: the new one has none of its rows and privileges, and no foreign key refers to it",
						  get_rel_name(relid));
}

/* Return the largest relation that the statement reads; InvalidOid = all are empty. */
static Oid
linttable_largest_source(const Prediction *prediction)
{
	Oid			largest = InvalidOid;
	int64		bytes = 0;
	ListCell   *lc;

	foreach(lc, prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);
		int64		size;

		if (relation->mode != AccessShareLock && relation->mode != RowShareLock)
			continue;
		size = migrate_lint_bytes(relation->relid);
		if (size <= bytes)
			continue;
		bytes = size;
		largest = relation->relid;
	}
	return largest;
}

/* CREATE TABLE ... AS, SELECT INTO */
static void
linttable_as(LintStatement *statement, const IntoClause *into)
{
	Oid			source = linttable_largest_source(statement->prediction);

	linttable_recreate(statement, into->rel);
	if (OidIsValid(source) && into->rel->relpersistence != RELPERSISTENCE_TEMP && !into->skipData)
		migrate_lint_find(statement, LINT_CREATE_TABLE_AS_SELECT, source,
						  "%s is read and copied in one transaction, and %s gets none of its constraints and indexes",
						  get_rel_name(source), into->rel->relname);
}

/* LOCK TABLE */
static void
linttable_lock(LintStatement *statement, const LockStmt *lock)
{
	ListCell   *lc;

	foreach(lc, lock->mode >= ShareLock ? lock->relations : NIL)
	{
		LintTarget	target = migrate_lint_target(statement, lfirst_node(RangeVar, lc));

		if (OidIsValid(target.relid))
			migrate_lint_find(statement, LINT_EXPLICIT_LOCK_TABLE, target.relid,
							  lock->mode == AccessExclusiveLock ?
							  "reads and writes of %s wait until the migration ends" :
							  "writes to %s wait until the migration ends", target.name);
	}
}

/* Look at a statement. */
void
migrate_lint_table(LintStatement *statement)
{
	Node	   *node = statement->node;

	migrate_lint_drop(statement);
	migrate_lint_storage(statement);
	migrate_lint_name(statement);
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			linttable_recreate(statement, ((CreateStmt *) node)->relation);
			break;
		case T_CreateTableAsStmt:
			if (((CreateTableAsStmt *) node)->objtype == OBJECT_TABLE)
				linttable_as(statement, ((CreateTableAsStmt *) node)->into);
			break;
		case T_SelectStmt:
			if (((SelectStmt *) node)->intoClause != NULL)
				linttable_as(statement, ((SelectStmt *) node)->intoClause);
			break;
		case T_LockStmt:
			linttable_lock(statement, (LockStmt *) node);
			break;
		default:
			break;
	}
}
