/*-------------------------------------------------------------------------
 *
 * predictquery.c
 *		Which relations queries read and write.
 *
 * From the parse tree as it was written.  Functions that are not the server's own
 * may do anything, triggers and rules too: a query that runs one is opaque.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_rewrite.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "predicting.h"

/* A walk through a query. */
typedef struct QueryWalk
{
	Prediction *prediction;
	List	   *names;			/* of common table expressions, as String */
	LOCKMODE	mode;			/* of what is only read */
} QueryWalk;

static bool predictquery_walk(Node *node, void *context);

/* List the rules of a view. */
static List *
predictquery_rules(Oid view)
{
	Relation	rel = table_open(RewriteRelationId, AccessShareLock);
	List	   *rules = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(view));
	scan = systable_beginscan(rel, RewriteRelRulenameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		rules = lappend_oid(rules, ((Form_pg_rewrite) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return rules;
}

/* List the relations that a rule refers to. */
static List *
predictquery_rule_sources(Oid rule)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	List	   *sources = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RewriteRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(rule));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == RelationRelationId)
			sources = list_append_unique_oid(sources, form->refobjid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return sources;
}

/* Add a lock on all that a view reads, by way of other views too. */
void
migrate_predict_view_sources(Prediction *prediction, Oid view, LOCKMODE mode)
{
	ListCell   *rule;
	ListCell   *source;

	check_stack_depth();
	foreach(rule, predictquery_rules(view))
	{
		foreach(source, predictquery_rule_sources(lfirst_oid(rule)))
		{
			Oid			relid = lfirst_oid(source);
			PredictedRelation *known = migrate_prediction_find(prediction, relid);

			if (relid == view || relid < FirstNormalObjectId ||
				(known != NULL && known->mode >= mode))
				continue;
			(void) migrate_prediction_lock(prediction, relid, mode);
			if (get_rel_relkind(relid) == RELKIND_VIEW)
				migrate_predict_view_sources(prediction, relid, mode);
		}
	}
}

/* Add a lock on a relation that a query names. */
static void
predictquery_name(QueryWalk *walk, const RangeVar *name, LOCKMODE mode)
{
	Oid			relid;
	ListCell   *lc;

	if (name->schemaname == NULL)
		foreach(lc, walk->names)
			if (strcmp(strVal(lfirst(lc)), name->relname) == 0)
			return;
	relid = migrate_prediction_relation(walk->prediction, name);
	if (!OidIsValid(relid) || relid < FirstNormalObjectId)
		return;
	if (name->inh)
		migrate_prediction_lock_family(walk->prediction, relid, mode);
	else
		(void) migrate_prediction_lock(walk->prediction, relid, mode);
	if (get_rel_relkind(relid) == RELKIND_VIEW)
		migrate_predict_view_sources(walk->prediction, relid, AccessShareLock);
}

/* Tell whether writing to a relation may run somebody's trigger, or a rule. */
static bool
predictquery_is_watched(Oid relid)
{
	Relation	rel = migrate_prediction_open(relid);
	bool		watched;

	if (rel == NULL)
		return true;
	watched = rel->rd_rules != NULL && rel->rd_rel->relkind != RELKIND_VIEW;
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
		watched |= !rel->trigdesc->triggers[i].tgisinternal;
	migrate_prediction_close(rel);
	return watched;
}

/* Add a lock on a relation that a query writes to. */
static void
predictquery_target(QueryWalk *walk, const RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);

	predictquery_name(walk, name, RowExclusiveLock);
	if (OidIsValid(relid) && predictquery_is_watched(relid))
		walk->prediction->opaque = true;
}

/* Remember the names that WITH gives; they hold for the whole walk. */
static void
predictquery_with(QueryWalk *walk, WithClause *with)
{
	ListCell   *lc;

	if (with == NULL)
		return;
	foreach(lc, with->ctes)
		walk->names = lappend(walk->names, makeString(lfirst_node(CommonTableExpr, lc)->ctename));
}

/* Tell whether a function of this name may be one that the server did not bring. */
static bool
predictquery_is_foreign(List *name)
{
	FuncCandidateList candidate = FuncnameGetCandidates(name, -1, NIL, false, false, false, true);

	for (; candidate != NULL; candidate = candidate->next)
		if (candidate->oid >= FirstNormalObjectId)
			return true;
	return false;
}

/* Look at one node, and at what is in it. */
static bool
predictquery_walk(Node *node, void *context)
{
	QueryWalk  *walk = context;

	if (node == NULL)
		return false;
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_RangeVar:
			predictquery_name(walk, (RangeVar *) node, walk->mode);
			return false;
		case T_LockingClause:	/* names what FROM has, under other names
								 * perhaps */
		case T_IntoClause:		/* what is made */
			return false;
		case T_FuncCall:
			if (predictquery_is_foreign(((FuncCall *) node)->funcname))
				walk->prediction->opaque = true;
			break;
		case T_SelectStmt:
			predictquery_with(walk, ((SelectStmt *) node)->withClause);
			break;
		case T_InsertStmt:
			predictquery_with(walk, ((InsertStmt *) node)->withClause);
			predictquery_target(walk, ((InsertStmt *) node)->relation);
			break;
		case T_UpdateStmt:
			predictquery_with(walk, ((UpdateStmt *) node)->withClause);
			predictquery_target(walk, ((UpdateStmt *) node)->relation);
			break;
		case T_DeleteStmt:
			predictquery_with(walk, ((DeleteStmt *) node)->withClause);
			predictquery_target(walk, ((DeleteStmt *) node)->relation);
			break;
		case T_MergeStmt:
			predictquery_with(walk, ((MergeStmt *) node)->withClause);
			predictquery_target(walk, ((MergeStmt *) node)->relation);
			break;
		default:
			break;
	}
	return raw_expression_tree_walker(node, predictquery_walk, context);
}

/* COPY */
static void
predictquery_copy(QueryWalk *walk, CopyStmt *statement)
{
	if (statement->relation != NULL && statement->is_from)
		predictquery_target(walk, statement->relation);
	else if (statement->relation != NULL)
		predictquery_name(walk, statement->relation, AccessShareLock);
	(void) predictquery_walk(statement->query, walk);
}

/* Add what a query does, also one inside of another statement. */
void
migrate_predict_query(Prediction *prediction, Node *query)
{
	QueryWalk	walk = {.prediction = prediction, .mode = AccessShareLock};

	switch (nodeTag(query))
	{
		case T_SelectStmt:
			if (((SelectStmt *) query)->lockingClause != NIL)
				walk.mode = RowShareLock;
			/* FALLTHROUGH */
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			(void) predictquery_walk(query, &walk);
			break;
		case T_CopyStmt:
			predictquery_copy(&walk, (CopyStmt *) query);
			break;
		case T_ExplainStmt:
			migrate_predict_query(prediction, ((ExplainStmt *) query)->query);
			break;
		case T_CreateTableAsStmt:
			migrate_predict_query(prediction, ((CreateTableAsStmt *) query)->query);
			break;
		case T_DeclareCursorStmt:
			migrate_predict_query(prediction, ((DeclareCursorStmt *) query)->query);
			break;
		default:
			break;
	}
}
