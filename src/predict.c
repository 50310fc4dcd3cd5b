/*-------------------------------------------------------------------------
 *
 * predict.c
 *		What a statement will do to relations, before it runs.
 *
 * From the parse tree and the catalogs as they stand, without running anything:
 * which relations will be locked and how strongly, and which of them are read,
 * written again or indexed as a whole.  Where the server exports the function by
 * which it decides, that one is asked.  What is said of locks was measured on
 * PostgreSQL 15; tools/predict.sh compares it with what happens.
 *
 * Invariants:
 *
 * - Nothing is waited for, and no lock is held at the end: a relation whose
 *   columns matter is looked into under an AccessShareLock, if it is to be had at
 *   once.
 * - Relations that the statement itself makes are not told.  A name that means
 *   nothing yet is told as missing.  Toast tables are part of their table.
 * - A prediction never raises an error because the statement is wrong: the
 *   statement will say so itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "storage/lmgr.h"

#include "attempt.h"
#include "predicting.h"

/* Find a relation in a prediction, or NULL. */
PredictedRelation *
migrate_prediction_find(const Prediction *prediction, Oid relid)
{
	ListCell   *lc;

	foreach(lc, prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (relation->relid == relid)
			return relation;
	}
	return NULL;
}

/* Add a lock; returns the relation. */
PredictedRelation *
migrate_prediction_lock(Prediction *prediction, Oid relid, LOCKMODE mode)
{
	PredictedRelation *relation = migrate_prediction_find(prediction, relid);

	if (relation == NULL)
	{
		relation = palloc0(sizeof(PredictedRelation));
		relation->relid = relid;
		prediction->relations = lappend(prediction->relations, relation);
	}
	relation->mode = Max(relation->mode, mode);
	return relation;
}

/* Add a lock on a relation and on all that inherit from it, partitions included. */
void
migrate_prediction_lock_family(Prediction *prediction, Oid relid, LOCKMODE mode)
{
	ListCell   *lc;

	if (!has_subclass(relid))
	{
		(void) migrate_prediction_lock(prediction, relid, mode);
		return;
	}
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		(void) migrate_prediction_lock(prediction, lfirst_oid(lc), mode);
}

/* Look up a relation by its name; InvalidOid = there is none, which is noted. */
Oid
migrate_prediction_relation(Prediction *prediction, const RangeVar *name)
{
	Oid			relid;

	if (name->schemaname == NULL && list_member(prediction->own_names, makeString(name->relname)))
		return InvalidOid;
	relid = RangeVarGetRelid(name, NoLock, true);
	if (!OidIsValid(relid))
		prediction->missing = lappend(prediction->missing, unconstify(RangeVar *, name));
	return relid;
}

/*
 * Open a relation to look into it; NULL = somebody holds it, or it is gone.  Its
 * lock ends with migrate_prediction_close().
 */
Relation
migrate_prediction_open(Oid relid)
{
	Relation	rel;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
		UnlockRelationOid(relid, AccessShareLock);
	return rel;
}

/* Close it. */
void
migrate_prediction_close(Relation rel)
{
	relation_close(rel, AccessShareLock);
}

/* A statement to be looked at. */
typedef struct PredictWork
{
	Prediction *prediction;
	Node	   *statement;
} PredictWork;

/* Look at it. */
static void
predict_work(void *argument)
{
	PredictWork *work = argument;

	migrate_prediction_statement(work->prediction, work->statement);
}

/* Predict, and put up with statements that are wrong. */
static Prediction *
predict_safely(Node *statement, bool locks_only)
{
	Prediction *prediction = palloc0(sizeof(Prediction));
	PredictWork work = {.prediction = prediction, .statement = statement};

	prediction->locks_only = locks_only;
	(void) migrate_attempt(predict_work, &work);
	return prediction;
}

/*
 * Predict what a raw statement does.  Names are looked up as the current user, in
 * the search path in force.
 */
Prediction *
migrate_predict(Node *statement)
{
	return predict_safely(statement, false);
}

/* The same, for the locks alone: cheaper, because no expression is looked into. */
Prediction *
migrate_predict_locks(Node *statement)
{
	return predict_safely(statement, true);
}
