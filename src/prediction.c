/*-------------------------------------------------------------------------
 *
 * prediction.c
 *		SQL: what statements would do to relations as they are now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "storage/lock.h"
#include "utils/builtins.h"

#include "describe.h"
#include "predict.h"

PG_FUNCTION_INFO_V1(migrate_prediction);

#define PREDICTION_COLUMNS 7

/* Add a row for one relation; NULL = for a statement that has none. */
static void
prediction_put(ReturnSetInfo *result, int statement, const Prediction *prediction,
			   const PredictedRelation *relation)
{
	Datum		values[PREDICTION_COLUMNS];
	bool		isnull[PREDICTION_COLUMNS];
	char	   *name = relation == NULL ? NULL : migrate_describe_relation(relation->relid);

	memset(isnull, name == NULL, sizeof(isnull));
	isnull[0] = isnull[6] = false;
	values[0] = Int32GetDatum(statement);
	values[6] = BoolGetDatum(prediction->opaque);
	if (name != NULL)
	{
		values[1] = CStringGetTextDatum(name);
		values[2] = CStringGetTextDatum(GetLockmodeName(DEFAULT_LOCKMETHOD, relation->mode));
		values[3] = BoolGetDatum(relation->scan);
		values[4] = BoolGetDatum(relation->build);
		values[5] = BoolGetDatum(relation->rewrite);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
}

/* Make the place of a syntax error one in the script, not in the query around. */
static void
prediction_error_place(void *arg)
{
	int			place = geterrposition();

	if (place > 0)
	{
		errposition(0);
		internalerrposition(place);
		internalerrquery(arg);
	}
}

/* SQL: migrate.prediction(script text) */
Datum
migrate_prediction(PG_FUNCTION_ARGS)
{
	char	   *script = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ErrorContextCallback callback = {.callback = prediction_error_place, .arg = script};
	List	   *statements;
	int			number = 0;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	statements = raw_parser(script, RAW_PARSE_DEFAULT);
	error_context_stack = callback.previous;
	foreach(lc, statements)
	{
		Prediction *prediction = migrate_predict(lfirst_node(RawStmt, lc)->stmt);
		ListCell   *relation;

		CHECK_FOR_INTERRUPTS();
		number++;
		if (prediction->relations == NIL && prediction->opaque)
			prediction_put((ReturnSetInfo *) fcinfo->resultinfo, number, prediction, NULL);
		foreach(relation, prediction->relations)
			prediction_put((ReturnSetInfo *) fcinfo->resultinfo, number, prediction, lfirst(relation));
	}
	return (Datum) 0;
}
