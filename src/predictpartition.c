/*-------------------------------------------------------------------------
 *
 * predictpartition.c
 *		What attaching, detaching and creating a partition does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_utilcmd.h"
#include "partitioning/partbounds.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

#include "predicting.h"

/* Return what rows of a bound fulfil, as of the columns of the parent. */
static List *
predictpartition_bound(Relation parent, PartitionBoundSpec *bound)
{
	ParseState *pstate = make_parsestate(NULL);

	return get_qual_from_partbound(parent, transformPartitionBound(pstate, parent, copyObject(bound)));
}

/* Tell whether the constraints of a table leave a condition of its parent to be checked. */
static bool
predictpartition_scans(Relation parent, Oid relid, List *condition)
{
	Relation	rel = migrate_prediction_open(relid);
	bool		scans;

	if (rel == NULL)
		return true;
	condition = (List *) eval_const_expressions(NULL, (Node *) condition);
	condition = list_make1(make_ands_explicit(condition));
	condition = map_partition_varattnos(condition, 1, rel, parent);
	scans = !PartConstraintImpliedByRelConstraint(rel, condition);
	migrate_prediction_close(rel);
	return scans;
}

/* Note that the rows of a table, or of its partitions, are read. */
static void
predictpartition_read(Prediction *prediction, Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		PredictedRelation *relation = migrate_prediction_lock(prediction, lfirst_oid(lc),
															  AccessExclusiveLock);

		if (get_rel_relkind(relation->relid) == RELKIND_RELATION)
			relation->scan = true;
	}
}

/* Lock the default partition, which rows of the new bound must not be in. */
static void
predictpartition_default(Prediction *prediction, Oid parent, PartitionBoundSpec *bound)
{
	Oid			other = get_default_partition_oid(parent);
	Relation	rel;

	if (!OidIsValid(other))
		return;
	(void) migrate_prediction_lock(prediction, other, AccessExclusiveLock);
	if (prediction->locks_only || bound->is_default)
		return;
	rel = migrate_prediction_open(parent);
	if (rel == NULL)
		return;
	if (predictpartition_scans(rel, other,
							   get_proposed_default_constraint(predictpartition_bound(rel, bound))))
		predictpartition_read(prediction, other);
	migrate_prediction_close(rel);
}

/*
 * Lock the other ends of a parent's foreign keys: its partitions have them, too.
 * A key that the partition has already is merged, which drops its triggers.
 */
static void
predictpartition_keys(Prediction *prediction, Oid parent, Oid relid, LOCKMODE referring)
{
	ListCell   *lc;

	foreach(lc, migrate_predict_keys(parent))
	{
		PredictKey *key = lfirst(lc);

		migrate_prediction_lock_family(prediction, key->other,
									   OidIsValid(relid) && migrate_predict_has_key(relid, key) ?
									   AccessExclusiveLock : ShareRowExclusiveLock);
	}
	foreach(lc, migrate_predict_referring_tables(parent))
		(void) migrate_prediction_lock(prediction, lfirst_oid(lc), referring);
}

/* ALTER TABLE or INDEX ... ATTACH PARTITION */
void
migrate_predict_attach(Prediction *prediction, Oid parent, PartitionCmd *command)
{
	Oid			relid = migrate_prediction_relation(prediction, command->name);
	Relation	rel;
	List	   *condition;

	if (command->bound == NULL || get_rel_relkind(parent) != RELKIND_PARTITIONED_TABLE)
	{
		if (OidIsValid(relid))
			(void) migrate_prediction_lock(prediction, relid, AccessExclusiveLock);
		return;
	}
	predictpartition_default(prediction, parent, command->bound);
	predictpartition_keys(prediction, parent, relid, ShareRowExclusiveLock);
	if (!OidIsValid(relid))
		return;
	migrate_prediction_lock_family(prediction, relid, AccessExclusiveLock);
	if (prediction->locks_only)
		return;
	rel = migrate_prediction_open(parent);
	if (rel == NULL)
		return;
	condition = list_concat(predictpartition_bound(rel, command->bound),
							RelationGetPartitionQual(rel));
	if (condition != NIL && predictpartition_scans(rel, relid, condition))
		predictpartition_read(prediction, relid);
	migrate_prediction_close(rel);
}

/* ALTER TABLE ... DETACH PARTITION */
void
migrate_predict_detach(Prediction *prediction, Oid parent, PartitionCmd *command)
{
	Oid			relid = migrate_prediction_relation(prediction, command->name);
	Oid			other = get_default_partition_oid(parent);
	LOCKMODE	mode = command->concurrent ? ShareUpdateExclusiveLock : AccessExclusiveLock;

	if (OidIsValid(other))
		(void) migrate_prediction_lock(prediction, other, AccessExclusiveLock);
	predictpartition_keys(prediction, parent, InvalidOid, AccessExclusiveLock);
	if (!OidIsValid(relid))
		return;
	if (command->concurrent)
		(void) migrate_prediction_lock(prediction, relid, mode);
	else
		migrate_prediction_lock_family(prediction, relid, mode);
}

/* CREATE TABLE ... PARTITION OF */
void
migrate_predict_partition_of(Prediction *prediction, CreateStmt *statement)
{
	Oid			parent = migrate_prediction_relation(prediction,
													 linitial_node(RangeVar, statement->inhRelations));

	if (!OidIsValid(parent) || get_rel_relkind(parent) != RELKIND_PARTITIONED_TABLE)
		return;
	(void) migrate_prediction_lock(prediction, parent, AccessExclusiveLock);
	predictpartition_default(prediction, parent, statement->partbound);
	predictpartition_keys(prediction, parent, InvalidOid, ShareRowExclusiveLock);
}
