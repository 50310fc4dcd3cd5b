/*-------------------------------------------------------------------------
 *
 * predictindex.c
 *		What CREATE INDEX, REINDEX, CLUSTER and REFRESH will do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "predicting.h"

/* Return the indexes of a relation; none if it cannot be looked into. */
List *
migrate_prediction_indexes(Oid relid)
{
	Relation	rel = migrate_prediction_open(relid);
	List	   *indexes;

	if (rel == NULL)
		return NIL;
	indexes = RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind) ||
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? RelationGetIndexList(rel) : NIL;
	migrate_prediction_close(rel);
	return indexes;
}

/* Note that a relation is written again, and its indexes with it. */
void
migrate_prediction_rewrite(Prediction *prediction, Oid relid)
{
	PredictedRelation *relation = migrate_prediction_lock(prediction, relid, AccessExclusiveLock);
	ListCell   *lc;

	relation->scan = relation->rewrite = true;
	foreach(lc, migrate_prediction_indexes(relid))
		migrate_prediction_lock(prediction, lfirst_oid(lc), AccessExclusiveLock)->build = true;
}

/* Note that an index is built on a table, or on each partition that has rows. */
void
migrate_prediction_build(Prediction *prediction, Oid relid, LOCKMODE mode, bool recurse)
{
	List	   *family = list_make1_oid(relid);
	ListCell   *lc;

	/* the children of plain inheritance are not indexed */
	if (recurse && get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		family = find_all_inheritors(relid, NoLock, NULL);
	foreach(lc, family)
	{
		PredictedRelation *relation = migrate_prediction_lock(prediction, lfirst_oid(lc), mode);

		if (get_rel_relkind(relation->relid) != RELKIND_PARTITIONED_TABLE)
			relation->build = relation->scan = true;
	}
}

/* CREATE INDEX */
static void
predictindex_create(Prediction *prediction, const IndexStmt *statement)
{
	Oid			relid = migrate_prediction_relation(prediction, statement->relation);
	LOCKMODE	mode = statement->concurrent ? ShareUpdateExclusiveLock : ShareLock;

	if (!OidIsValid(relid))
		return;
	if (statement->if_not_exists && statement->idxname != NULL &&
		OidIsValid(get_relname_relid(statement->idxname, get_rel_namespace(relid))))
		(void) migrate_prediction_lock(prediction, relid, mode);
	else
		migrate_prediction_build(prediction, relid, mode, statement->relation->inh);
}

/* Note that an index is built again. */
static void
predictindex_again(Prediction *prediction, Oid index, Oid table)
{
	migrate_prediction_lock(prediction, index, AccessExclusiveLock)->build = true;
	migrate_prediction_lock(prediction, table, ShareLock)->scan = true;
}

/* REINDEX of an index or a table, or of their partitions. */
static void
predictindex_reindex(Prediction *prediction, const ReindexStmt *statement)
{
	Oid			relid;
	ListCell   *lc;

	if (statement->relation == NULL)
		return;
	relid = migrate_prediction_relation(prediction, statement->relation);
	if (!OidIsValid(relid))
		return;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Oid			member = lfirst_oid(lc);
		ListCell   *index;

		if (statement->kind == REINDEX_OBJECT_INDEX)
		{
			Oid			table = IndexGetRelation(member, true);

			if (OidIsValid(table) && get_rel_relkind(member) == RELKIND_INDEX)
				predictindex_again(prediction, member, table);
			continue;
		}
		(void) migrate_prediction_lock(prediction, member, ShareLock);
		if (get_rel_relkind(member) != RELKIND_PARTITIONED_TABLE)
			foreach(index, migrate_prediction_indexes(member))
				predictindex_again(prediction, lfirst_oid(index), member);
	}
}

/* REFRESH MATERIALIZED VIEW */
static void
predictindex_refresh(Prediction *prediction, const RefreshMatViewStmt *statement)
{
	Oid			relid = migrate_prediction_relation(prediction, statement->relation);

	if (!OidIsValid(relid))
		return;
	if (statement->concurrent)
		migrate_prediction_lock(prediction, relid, ExclusiveLock)->scan = true;
	else
	{
		migrate_prediction_rewrite(prediction, relid);
		migrate_prediction_find(prediction, relid)->scan = false;
	}
	migrate_predict_view_sources(prediction, relid, AccessShareLock);
}

/* Add what one of these statements does; false = it is none of them. */
bool
migrate_predict_index_statement(Prediction *prediction, Node *statement)
{
	Oid			relid;

	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			predictindex_create(prediction, (IndexStmt *) statement);
			return true;
		case T_ReindexStmt:
			predictindex_reindex(prediction, (ReindexStmt *) statement);
			return true;
		case T_RefreshMatViewStmt:
			predictindex_refresh(prediction, (RefreshMatViewStmt *) statement);
			return true;
		case T_ClusterStmt:
			if (((ClusterStmt *) statement)->relation == NULL)
				return true;
			relid = migrate_prediction_relation(prediction, ((ClusterStmt *) statement)->relation);
			if (OidIsValid(relid))
				migrate_prediction_rewrite(prediction, relid);
			return true;
		default:
			return false;
	}
}
