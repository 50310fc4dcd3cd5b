/*-------------------------------------------------------------------------
 *
 * predict.h
 *		What a statement will do to relations, before it runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_PREDICT_H
#define MIGRATE_PREDICT_H

#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* What is done to one relation that is there before the statement. */
typedef struct PredictedRelation
{
	Oid			relid;
	LOCKMODE	mode;			/* the strongest */
	bool		scan;			/* all its rows are read */
	bool		build;			/* an index of it is built; of an index: it is
								 * built again */
	bool		rewrite;		/* all its rows are written again */
} PredictedRelation;

/* How an object comes to be dropped. */
typedef enum PredictedDropWay
{
	PREDICTED_DROP_NAMED,		/* the statement names it */
	PREDICTED_DROP_PART,		/* it is a part of one that goes */
	PREDICTED_DROP_CASCADE		/* it depends on one that goes */
} PredictedDropWay;

/* An object that is dropped. */
typedef struct PredictedDrop
{
	ObjectAddress object;
	PredictedDropWay way;
} PredictedDrop;

/* What a statement will do. */
typedef struct Prediction
{
	List	   *relations;		/* of PredictedRelation, each relation once */
	List	   *missing;		/* of RangeVar that name nothing there is */
	List	   *dropped;		/* of PredictedDrop, in the order they are
								 * found */
	bool		opaque;			/* it runs code that cannot be looked into */
	bool		locks_only;		/* scan, build and rewrite are not told */
	List	   *own_names;		/* while it is made: of tables that are being
								 * made, as String */
} Prediction;

extern Prediction *migrate_predict(Node *statement);
extern Prediction *migrate_predict_locks(Node *statement);
extern PredictedRelation *migrate_prediction_find(const Prediction *prediction, Oid relid);

#endif							/* MIGRATE_PREDICT_H */
