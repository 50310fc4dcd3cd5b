/*-------------------------------------------------------------------------
 *
 * lintpartition.c
 *		Rules of lint on partitions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "lint.h"
#include "predicting.h"

/* Return by what a table is partitioned, as in pg_partitioned_table; 0 = it is not. */
static char
lintpartition_strategy(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(relid));
	char		strategy = 0;

	if (!HeapTupleIsValid(tuple))
		return 0;
	strategy = ((Form_pg_partitioned_table) GETSTRUCT(tuple))->partstrat;
	ReleaseSysCache(tuple);
	return strategy;
}

/* Return what a strategy is called. */
static const char *
lintpartition_strategy_name(char strategy)
{
	return strategy == PARTITION_STRATEGY_HASH ? "hash" :
		strategy == PARTITION_STRATEGY_LIST ? "list" : "range";
}

/* A bound that does not go with the parent; false = nothing can come of the statement. */
static bool
lintpartition_check_bound(LintStatement *statement, Oid parent, const PartitionBoundSpec *bound)
{
	char		strategy = lintpartition_strategy(parent);

	if (strategy == 0)
		migrate_lint_find(statement, LINT_PARTITION_STRATEGY_MISMATCH, parent,
						  "%s is not partitioned", get_rel_name(parent));
	else if (bound->is_default && strategy == PARTITION_STRATEGY_HASH)
		migrate_lint_find(statement, LINT_PARTITION_STRATEGY_MISMATCH, parent,
						  "%s is partitioned by hash, and cannot have a default partition", get_rel_name(parent));
	else if (!bound->is_default && strategy != bound->strategy)
		migrate_lint_find(statement, LINT_PARTITION_STRATEGY_MISMATCH, parent,
						  "%s is partitioned by %s, and the bound is one of %s", get_rel_name(parent),
						  lintpartition_strategy_name(strategy), lintpartition_strategy_name(bound->strategy));
	else
		return true;
	return false;
}

/* The default partition, if it is read for rows that belong into a new one. */
static void
lintpartition_read_default(LintStatement *statement, LintRuleId rule, Oid parent)
{
	Oid			other = get_default_partition_oid(parent);
	ListCell   *lc;

	foreach(lc, OidIsValid(other) ? find_all_inheritors(other, NoLock, NULL) : NIL)
	{
		PredictedRelation *relation = migrate_prediction_find(statement->prediction, lfirst_oid(lc));

		if (relation != NULL && relation->scan)
			migrate_lint_find(statement, rule, relation->relid,
							  "reads and writes of the default partition %s wait until all its rows are checked: no constraint of it keeps them out of the new one",
							  get_rel_name(relation->relid));
	}
}

/* ATTACH PARTITION */
static void
lintpartition_attach(LintStatement *statement, Oid parent, const PartitionCmd *command)
{
	LintTarget	part = migrate_lint_target(statement, command->name);
	ListCell   *lc;

	if (!lintpartition_check_bound(statement, parent, command->bound))
		return;
	foreach(lc, OidIsValid(part.relid) ? find_all_inheritors(part.relid, NoLock, NULL) : NIL)
	{
		PredictedRelation *relation = migrate_prediction_find(statement->prediction, lfirst_oid(lc));

		if (relation != NULL && relation->scan)
			migrate_lint_find(statement, LINT_ATTACH_PARTITION_VALIDATION, relation->relid,
							  "reads and writes of %s wait until all its rows are checked: no constraint of it says that they fit",
							  get_rel_name(relation->relid));
	}
	lintpartition_read_default(statement, LINT_ATTACH_PARTITION_VALIDATION, parent);
}

/* DETACH PARTITION */
static void
lintpartition_detach(LintStatement *statement, Oid parent, const PartitionCmd *command)
{
	if (command->concurrent || lintpartition_strategy(parent) == 0)
		return;
	migrate_lint_find(statement, LINT_REQUIRE_CONCURRENT_PARTITION_DETACH, parent,
					  OidIsValid(get_default_partition_oid(parent)) ?
					  "reads and writes of %s wait, and of its default partition, because of which the partition cannot be detached concurrently" :
					  "reads and writes of %s wait until the partition is detached", get_rel_name(parent));
}

/* A statement on a partitioned table that locks all its partitions, too. */
static void
lintpartition_fan_out(LintStatement *statement, Oid parent)
{
	int			parts = 0;
	int			locks = list_length(statement->prediction->relations);
	ListCell   *lc;

	if (lintpartition_strategy(parent) == 0)
		return;
	foreach(lc, find_all_inheritors(parent, NoLock, NULL))
	{
		PredictedRelation *relation = migrate_prediction_find(statement->prediction, lfirst_oid(lc));

		if (relation == NULL || relation->mode < ShareLock)
			return;
		parts += relation->relid != parent;
	}
	if (parts > 0)
		migrate_lint_find(statement, LINT_PARTITION_FAN_OUT, parent,
						  "partitions of %s that are locked as it is, until the end: %d%s", get_rel_name(parent), parts,
						  locks <= max_locks_per_xact ? "" :
						  psprintf("; the lock table may not have room for %d locks", locks));
}

/* ALTER TABLE */
static void
lintpartition_alter(LintStatement *statement, const AlterTableStmt *alter)
{
	LintTarget	target = migrate_lint_target(statement, alter->relation);
	ListCell   *lc;

	if (!OidIsValid(target.relid) || alter->objtype != OBJECT_TABLE)
		return;
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		/* they come alone */
		if (command->subtype == AT_AttachPartition)
			lintpartition_attach(statement, target.relid, castNode(PartitionCmd, command->def));
		else if (command->subtype == AT_DetachPartition)
			lintpartition_detach(statement, target.relid, castNode(PartitionCmd, command->def));
		else
			continue;
		return;
	}
	lintpartition_fan_out(statement, target.relid);
}

/* CREATE TABLE ... PARTITION OF */
static void
lintpartition_create(LintStatement *statement, const CreateStmt *create)
{
	LintTarget	parent;

	if (create->partbound == NULL)
		return;
	parent = migrate_lint_target(statement, linitial_node(RangeVar, create->inhRelations));
	if (!OidIsValid(parent.relid) ||
		!lintpartition_check_bound(statement, parent.relid, create->partbound) ||
		migrate_prediction_find(statement->prediction, parent.relid) == NULL)
		return;
	migrate_lint_find(statement, LINT_CREATE_PARTITION_OF_LOCKS_PARENT, parent.relid,
					  "reads and writes of %s wait for the end of the migration", get_rel_name(parent.relid));
	lintpartition_read_default(statement, LINT_CREATE_PARTITION_OF_LOCKS_PARENT, parent.relid);
}

/* Statements on one relation that may go on to its partitions. */
static void
lintpartition_other(LintStatement *statement, const RangeVar *name)
{
	LintTarget	target;

	if (name == NULL)
		return;
	target = migrate_lint_target(statement, name);
	if (OidIsValid(target.relid))
		lintpartition_fan_out(statement, target.relid);
}

/* Look at a statement. */
void
migrate_lint_partition(LintStatement *statement)
{
	switch (nodeTag(statement->node))
	{
		case T_AlterTableStmt:
			lintpartition_alter(statement, (AlterTableStmt *) statement->node);
			break;
		case T_CreateStmt:
			lintpartition_create(statement, (CreateStmt *) statement->node);
			break;
		case T_CreateForeignTableStmt:
			lintpartition_create(statement, &((CreateForeignTableStmt *) statement->node)->base);
			break;
		case T_IndexStmt:
			lintpartition_other(statement, ((IndexStmt *) statement->node)->relation);
			break;
		case T_CreateTrigStmt:
			lintpartition_other(statement, ((CreateTrigStmt *) statement->node)->relation);
			break;
		case T_RenameStmt:
			lintpartition_other(statement, ((RenameStmt *) statement->node)->relation);
			break;
		default:
			break;
	}
}
