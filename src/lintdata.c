/*-------------------------------------------------------------------------
 *
 * lintdata.c
 *		Rules of lint on statements that change rows, and on running again what
 *		has stopped half-way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "optimizer/plancat.h"
#include "parser/parse_type.h"
#include "nodes/makefuncs.h"
#include "nodes/plannodes.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "attempt.h"
#include "lint.h"
#include "predicting.h"

/* A statement that writes this part of a table's rows, or more, is a bulk change. */
#define LINTDATA_BULK 0.2

/* Note that a statement fails if it, or what it makes, has been there before. */
static void
lintdata_not_robust(LintStatement *statement, const char *guard, const char *command)
{
	migrate_lint_find(statement, LINT_PREFER_ROBUST_STMTS, InvalidOid,
					  "%s without %s: if the migration stops half-way, it fails when it is run again",
					  command, guard);
}

/* Commands of ALTER TABLE. */
static void
lintdata_robust_alter(LintStatement *statement, const AlterTableStmt *alter)
{
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->missing_ok)
			continue;
		if (command->subtype == AT_AddColumn)
			lintdata_not_robust(statement, "IF NOT EXISTS", "ADD COLUMN");
		else if (command->subtype == AT_DropColumn)
			lintdata_not_robust(statement, "IF EXISTS", "DROP COLUMN");
		else if (command->subtype == AT_DropConstraint)
			lintdata_not_robust(statement, "IF EXISTS", "DROP CONSTRAINT");
	}
}

/* CREATE INDEX: an invalid one that was left is to be dropped first. */
static void
lintdata_robust_index(LintStatement *statement, const IndexStmt *index)
{
	if (!index->if_not_exists && index->idxname != NULL &&
		!list_member(statement->lint->course.dropped, makeString(index->idxname)))
		lintdata_not_robust(statement, "IF NOT EXISTS or a DROP INDEX IF EXISTS before it", "CREATE INDEX");
}

/* Statements of a script that does not run in one transaction. */
static void
lintdata_robust(LintStatement *statement)
{
	Node	   *node = statement->node;

	switch (nodeTag(node))
	{
		case T_CreateStmt:
			if (!((CreateStmt *) node)->if_not_exists)
				lintdata_not_robust(statement, "IF NOT EXISTS", "CREATE TABLE");
			break;
		case T_CreateTableAsStmt:
			if (!((CreateTableAsStmt *) node)->if_not_exists)
				lintdata_not_robust(statement, "IF NOT EXISTS", "CREATE TABLE AS");
			break;
		case T_IndexStmt:
			lintdata_robust_index(statement, (IndexStmt *) node);
			break;
		case T_CreateSchemaStmt:
			if (!((CreateSchemaStmt *) node)->if_not_exists)
				lintdata_not_robust(statement, "IF NOT EXISTS", "CREATE SCHEMA");
			break;
		case T_CreateSeqStmt:
			if (!((CreateSeqStmt *) node)->if_not_exists)
				lintdata_not_robust(statement, "IF NOT EXISTS", "CREATE SEQUENCE");
			break;
		case T_ViewStmt:
			if (!((ViewStmt *) node)->replace)
				lintdata_not_robust(statement, "OR REPLACE", "CREATE VIEW");
			break;
		case T_CreateFunctionStmt:
			if (!((CreateFunctionStmt *) node)->replace)
				lintdata_not_robust(statement, "OR REPLACE", "CREATE FUNCTION");
			break;
		case T_AlterEnumStmt:
			if (((AlterEnumStmt *) node)->oldVal == NULL && !((AlterEnumStmt *) node)->skipIfNewValExists)
				lintdata_not_robust(statement, "IF NOT EXISTS", "ADD VALUE");
			break;
		case T_DropStmt:
			if (!((DropStmt *) node)->missing_ok)
				lintdata_not_robust(statement, "IF EXISTS", "DROP");
			break;
		case T_AlterTableStmt:
			lintdata_robust_alter(statement, (AlterTableStmt *) node);
			break;
		default:
			break;
	}
}

/* ADD COLUMN IF NOT EXISTS that meets a column of another type. */
static void
lintdata_meets_column(LintStatement *statement, Oid relid, const ColumnDef *column)
{
	AttrNumber	attnum = get_attnum(relid, column->colname);
	Type		tuple;
	Oid			type;
	int32		typmod;
	Oid			other;
	int32		other_typmod;
	Oid			collation;

	if (attnum == InvalidAttrNumber || column->typeName == NULL)
		return;
	tuple = LookupTypeName(NULL, column->typeName, &typmod, true);
	if (tuple == NULL)
		return;
	type = typeTypeId(tuple);
	ReleaseSysCache(tuple);
	get_atttypetypmodcoll(relid, attnum, &other, &other_typmod, &collation);
	if (type != other || typmod != other_typmod)
		migrate_lint_find(statement, LINT_PREFER_ROBUST_STMTS, relid,
						  "column \"%s\" is there as %s: the statement succeeds, and does not make it %s",
						  column->colname, format_type_with_typemod(other, other_typmod),
						  format_type_with_typemod(type, typmod));
}

/* IF NOT EXISTS that meets something else of the name. */
static void
lintdata_meets(LintStatement *statement)
{
	LintTarget	target;
	ListCell   *lc;

	if (IsA(statement->node, IndexStmt))
	{
		IndexStmt  *index = (IndexStmt *) statement->node;
		Oid			there;

		target = migrate_lint_target(statement, index->relation);
		if (!OidIsValid(target.relid) || !index->if_not_exists || index->idxname == NULL)
			return;
		there = get_relname_relid(index->idxname, get_rel_namespace(target.relid));
		if (OidIsValid(there) && !list_member_oid(migrate_prediction_indexes(target.relid), there))
			migrate_lint_find(statement, LINT_PREFER_ROBUST_STMTS, there,
							  "\"%s\" is there, but no index of %s: the statement succeeds, and makes none",
							  index->idxname, target.name);
	}
	else if (IsA(statement->node, AlterTableStmt))
	{
		AlterTableStmt *alter = (AlterTableStmt *) statement->node;

		target = migrate_lint_target(statement, alter->relation);
		if (!OidIsValid(target.relid) || keyset_lookup(statement->lint->altered, target.relid) != NULL)
			return;
		foreach(lc, alter->cmds)
		{
			AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

			if (command->subtype == AT_AddColumn && command->missing_ok)
				lintdata_meets_column(statement, target.relid, castNode(ColumnDef, command->def));
		}
	}
}

/* Look at whether a statement can be run again. */
void
migrate_lint_robust(LintStatement *statement)
{
	const ScriptObstacle *obstacle = statement->script->obstacle;
	Node	   *node = statement->node;
	ListCell   *lc;

	lintdata_meets(statement);
	if (obstacle != NULL && obstacle->nontransactional && statement->script->count > 1)
		lintdata_robust(statement);
	if (!IsA(node, DropStmt) || ((DropStmt *) node)->removeType != OBJECT_INDEX)
		return;
	foreach(lc, ((DropStmt *) node)->objects)
		statement->lint->course.dropped = lappend(statement->lint->course.dropped, llast((List *) lfirst(lc)));
}

/* Columns of an UPDATE that are assigned more than once. */
static void
lintdata_assignments(LintStatement *statement, List *targets)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, targets)
	{
		ResTarget  *target = lfirst_node(ResTarget, lc);

		/* parts of a column may be assigned one by one */
		if (target->name == NULL || target->indirection != NIL)
			continue;
		if (list_member(names, makeString(target->name)))
			migrate_lint_find(statement, LINT_BAN_DUPLICATE_COLUMN_ASSIGNMENTS, InvalidOid,
							  "column \"%s\" is assigned more than once", target->name);
		names = lappend(names, makeString(target->name));
	}
}

/* Lock what a statement names as it will, where nobody stands in the way. */
static bool
lintdata_lock(const Prediction *prediction)
{
	ListCell   *lc;

	foreach(lc, prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (!ConditionalLockRelationOid(relation->relid, relation->mode))
			return false;
	}
	return true;
}

/* Return how many rows a table has about, with its children. */
static double
lintdata_rows(Oid relid)
{
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Relation	rel = migrate_prediction_open(lfirst_oid(lc));
		BlockNumber pages;
		double		tuples = 0;
		double		visible;

		if (rel == NULL)
			continue;
		if (rel->rd_rel->relkind == RELKIND_RELATION)
			estimate_rel_size(rel, NULL, &pages, &tuples, &visible);
		rows += tuples;
		migrate_prediction_close(rel);
	}
	return rows;
}

/* How many rows a statement writes, while that is found out. */
typedef struct DataEstimate
{
	const LintStatement *statement;
	double		rows;			/* -1 = it is not known */
} DataEstimate;

/* Ask the planner; work of lintdata_estimate(). */
static void
lintdata_plan(void *arg)
{
	DataEstimate *estimate = arg;
	RawStmt    *raw = makeNode(RawStmt);
	List	   *queries;
	PlannedStmt *plan;

	if (!lintdata_lock(estimate->statement->prediction))
		return;
	raw->stmt = copyObject(estimate->statement->node);
	queries = pg_analyze_and_rewrite_fixedparams(raw, "", NULL, 0, NULL);
	if (list_length(queries) != 1)
		return;
	plan = pg_plan_query(linitial_node(Query, queries), "", 0, NULL);
	if (outerPlan(plan->planTree) != NULL)
		estimate->rows = outerPlan(plan->planTree)->plan_rows;
}

/*
 * Estimate how many rows a statement writes; -1 = it is wrong, somebody holds its
 * tables, or planning it may run functions that are not the server's own.
 */
static double
lintdata_estimate(const LintStatement *statement)
{
	DataEstimate estimate = {.statement = statement, .rows = -1};

	if (!statement->prediction->opaque)
		(void) migrate_attempt(lintdata_plan, &estimate);
	return estimate.rows;
}

/* UPDATE or DELETE of much of a table, unless that is soon done. */
static void
lintdata_bulk(LintStatement *statement, const RangeVar *name, bool all)
{
	LintTarget	target = migrate_lint_target(statement, name);
	PredictedRelation *relation = !OidIsValid(target.relid) ? NULL :
	migrate_prediction_find(statement->prediction, target.relid);
	PredictedRelation lock;
	double		rows;
	double		there;

	if (relation == NULL)
		return;
	lock = *relation;
	lock.rewrite = true;
	if (!migrate_lint_is_slow(&lock))
		return;
	if (all)
	{
		migrate_lint_find_under(statement, LINT_BULK_DATA_CHANGE, &lock,
								"all rows of %s are written, and locked until the end", get_rel_name(target.relid));
		return;
	}
	rows = lintdata_estimate(statement);
	there = lintdata_rows(target.relid);
	if (rows >= there * LINTDATA_BULK && there > 0)
		migrate_lint_find_under(statement, LINT_BULK_DATA_CHANGE, &lock,
								"about %.0f of %.0f rows of %s are written, and locked until the end",
								Min(rows, there), there, get_rel_name(target.relid));
}

/* Look at a statement that changes rows. */
void
migrate_lint_data(LintStatement *statement)
{
	UpdateStmt *update = (UpdateStmt *) statement->node;
	DeleteStmt *delete = (DeleteStmt *) statement->node;
	InsertStmt *insert = (InsertStmt *) statement->node;

	switch (nodeTag(statement->node))
	{
		case T_UpdateStmt:
			lintdata_assignments(statement, update->targetList);
			lintdata_bulk(statement, update->relation,
						  update->whereClause == NULL && update->fromClause == NIL);
			break;
		case T_DeleteStmt:
			lintdata_bulk(statement, delete->relation,
						  delete->whereClause == NULL && delete->usingClause == NIL);
			break;
		case T_InsertStmt:
			lintdata_assignments(statement, insert->cols);
			if (insert->onConflictClause != NULL)
				lintdata_assignments(statement, insert->onConflictClause->targetList);
			break;
		default:
			break;
	}
}
