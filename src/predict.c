/*-------------------------------------------------------------------------
 *
 * predict.c
 *		What a statement will do to relations, before it runs.
 *
 * From the parse tree and the catalogs as they stand, without a lock and
 * without running anything: which relations will be locked and how strongly,
 * and which of them are read, written again or indexed as a whole.  Where the
 * server exports the function by which it decides, that one is asked.
 *
 * Relations that the statement itself makes are not told.  A name that means
 * nothing yet is told as missing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/tablecmds.h"

#include "predict.h"

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
static PredictedRelation *
predict_lock(Prediction *prediction, Oid relid, LOCKMODE mode)
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

/* Look up a relation by its name; InvalidOid = it is noted as missing. */
static Oid
predict_relation(Prediction *prediction, RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);

	if (!OidIsValid(relid))
		prediction->missing = lappend(prediction->missing, name);
	return relid;
}

/*
 * Predict what a raw statement does.  source is the text its locations point
 * into.  Names are looked up as the current user, in the search path in force.
 */
Prediction *
migrate_predict(Node *statement, const char *source)
{
	Prediction *prediction = palloc0(sizeof(Prediction));

	if (IsA(statement, AlterTableStmt))
	{
		AlterTableStmt *alter = (AlterTableStmt *) statement;
		Oid			relid = predict_relation(prediction, alter->relation);

		if (OidIsValid(relid))
			(void) predict_lock(prediction, relid, AlterTableGetLockLevel(alter->cmds));
	}
	return prediction;
}
