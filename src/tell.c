/*-------------------------------------------------------------------------
 *
 * tell.c
 *		What a rehearsal has found, as rows.
 *
 * A statement has one row for each relation from before that it did something to,
 * and one without a relation for rows of others, or if there would be none.  What is measured of the statement as a whole stands in its
 * first row only, so that columns can be summed up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/lmgr.h"
#include "tcop/cmdtag.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "tell.h"

/* The columns of migrate_rehearse(). */
enum TellColumn
{
	TELL_VERSION, TELL_STATEMENT, TELL_LINE, TELL_COMMAND, TELL_RELATION, TELL_LOCK_MODE,
	TELL_REWRITE, TELL_ROWS, TELL_WAL_BYTES, TELL_LOCK_WAIT, TELL_DURATION, TELL_ERROR,
	TELL_DIRECTION, TELL_SCAN, TELL_BUILD, TELL_BUFFERS, TELL_HOLD,
	TELL_PREDICTED_LOCK_MODE, TELL_PREDICTED_REWRITE, TELL_COLUMNS
};

/* One row in the making; columns are NULL until they are set. */
typedef struct TellRow
{
	Datum		values[TELL_COLUMNS];
	bool		isnull[TELL_COLUMNS];
} TellRow;

/* Set a column. */
static void
tell_set(TellRow *row, enum TellColumn column, Datum value)
{
	row->values[column] = value;
	row->isnull[column] = false;
}

/* Set a column to a text, unless there is none. */
static void
tell_set_text(TellRow *row, enum TellColumn column, const char *text)
{
	if (text != NULL)
		tell_set(row, column, CStringGetTextDatum(text));
}

/* Set a column to a time span, unless it is not known. */
static void
tell_set_time(TellRow *row, enum TellColumn column, int64 microseconds)
{
	Interval   *interval;

	if (microseconds < 0)
		return;
	interval = palloc0(sizeof(Interval));
	interval->time = microseconds;
	tell_set(row, column, IntervalPGetDatum(interval));
}

/* Set a column to the name of a lock mode, unless there is none. */
static void
tell_set_mode(TellRow *row, enum TellColumn column, LOCKMODE mode)
{
	if (mode != NoLock)
		tell_set_text(row, column, GetLockmodeName(DEFAULT_LOCKMETHOD, mode));
}

/* Begin a row with what all rows of a statement have. */
static void
tell_begin(TellRow *row, const ObservedStatement *statement)
{
	memset(row->isnull, true, sizeof(row->isnull));
	tell_set(row, TELL_VERSION, Int64GetDatum(statement->version));
	tell_set(row, TELL_STATEMENT, Int32GetDatum(statement->number));
	tell_set(row, TELL_LINE, Int32GetDatum(statement->line));
	tell_set_text(row, TELL_COMMAND, GetCommandTagName(statement->tag));
	tell_set_text(row, TELL_DIRECTION, statement->direction);
}

/* Set what is measured of a statement as a whole. */
static void
tell_measured(TellRow *row, const ObservedStatement *statement)
{
	tell_set_time(row, TELL_LOCK_WAIT, statement->lock_wait);
	if (!statement->finished)
		return;
	tell_set(row, TELL_WAL_BYTES, Int64GetDatum(statement->wal_bytes));
	tell_set(row, TELL_BUFFERS, Int64GetDatum(statement->buffers));
	tell_set_time(row, TELL_DURATION, statement->duration);
	tell_set_time(row, TELL_HOLD, statement->hold);
}

/* Find what was predicted of a relation, or NULL. */
static const ObservedPrediction *
tell_predicted(const ObservedStatement *statement, Oid relid)
{
	ListCell   *lc;

	foreach(lc, statement->predicted)
	{
		const ObservedPrediction *predicted = lfirst(lc);

		if (predicted->relation.relid == relid)
			return predicted;
	}
	return NULL;
}

/* Set what was done to a relation, and what was predicted of it. */
static void
tell_relation(TellRow *row, const ObservedStatement *statement, const ObservedRelation *relation)
{
	const ObservedPrediction *predicted = tell_predicted(statement, relation->relid);

	tell_set_text(row, TELL_RELATION, relation->name);
	tell_set_mode(row, TELL_LOCK_MODE, relation->mode);
	tell_set(row, TELL_REWRITE, BoolGetDatum(relation->rewrite));
	tell_set(row, TELL_SCAN, BoolGetDatum(relation->scan));
	tell_set(row, TELL_BUILD, BoolGetDatum(relation->build));
	tell_set(row, TELL_ROWS, Int64GetDatum(relation->rows));
	if (predicted == NULL)
		return;
	if (!predicted->held)
		tell_set_mode(row, TELL_PREDICTED_LOCK_MODE, predicted->relation.mode);
	tell_set(row, TELL_PREDICTED_REWRITE, BoolGetDatum(predicted->relation.rewrite));
}

/* Add a row. */
static void
tell_put(ReturnSetInfo *result, TellRow *row)
{
	tuplestore_putvalues(result->setResult, result->setDesc, row->values, row->isnull);
}

/* Add the rows of a statement that ran to its end. */
static void
tell_finished(ReturnSetInfo *result, const ObservedStatement *statement)
{
	TellRow		row;
	int64		rows = statement->rows;
	ListCell   *lc;

	tell_begin(&row, statement);
	tell_measured(&row, statement);
	foreach(lc, statement->relations)
	{
		ObservedRelation *relation = lfirst(lc);

		tell_relation(&row, statement, relation);
		tell_put(result, &row);
		tell_begin(&row, statement);
		rows -= relation->rows;
	}
	if (statement->relations != NIL && rows <= 0)
		return;
	/* of what the transaction has made itself */
	tell_set(&row, TELL_ROWS, Int64GetDatum(rows));
	tell_put(result, &row);
}

/* Add the row of a statement that has failed, with the relation that it waited for. */
static void
tell_failed(ReturnSetInfo *result, const ObservedStatement *statement, const char *error)
{
	const ObservedPrediction *locking = statement->locking;
	TellRow		row;

	tell_begin(&row, statement);
	tell_measured(&row, statement);
	if (locking != NULL)
	{
		Oid			relid = locking->relation.relid;

		tell_set_text(&row, TELL_RELATION,
					  quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
												 get_rel_name(relid)));
		tell_set_mode(&row, TELL_PREDICTED_LOCK_MODE, locking->relation.mode);
	}
	tell_set_text(&row, TELL_ERROR, error);
	tell_put(result, &row);
}

/* Add the row of a note. */
static void
tell_note(ReturnSetInfo *result, const RehearseNote *note)
{
	TellRow		row;

	memset(row.isnull, true, sizeof(row.isnull));
	tell_set(&row, TELL_VERSION, Int64GetDatum(note->version));
	if (note->statement > 0)
		tell_set(&row, TELL_STATEMENT, Int32GetDatum(note->statement));
	if (note->line > 0)
		tell_set(&row, TELL_LINE, Int32GetDatum(note->line));
	tell_set_text(&row, TELL_COMMAND, note->command);
	tell_set_text(&row, TELL_DIRECTION, note->direction);
	tell_set_text(&row, TELL_ERROR, note->text);
	tell_put(result, &row);
}

/* Fill the result of a rehearsal. */
void
migrate_tell_rows(const Rehearsal *rehearsal, ReturnSetInfo *result)
{
	RehearseNote *last = rehearsal->notes ? llast(rehearsal->notes) : NULL;
	ListCell   *lc;

	foreach(lc, migrate_observe_statements(rehearsal->observation))
	{
		ObservedStatement *statement = lfirst(lc);

		if (statement->finished)
			tell_finished(result, statement);
	}
	foreach(lc, rehearsal->notes)
	{
		ObservedStatement *failed = migrate_observe_failed(rehearsal->observation);

		/* only the last note is about what has ended the rehearsal */
		if (lfirst(lc) == last && failed != NULL)
			tell_failed(result, failed, last->text);
		else
			tell_note(result, lfirst(lc));
	}
}

/* Say in one message what was done. */
void
migrate_tell_end(const Rehearsal *rehearsal)
{
	int			statements = 0;
	ListCell   *lc;

	if (!rehearsal->started)
	{
		ereport(NOTICE, (errmsg("nothing to rehearse")));
		return;
	}
	foreach(lc, migrate_observe_statements(rehearsal->observation))
	{
		ObservedStatement *statement = lfirst(lc);

		statements += statement->finished;
		if (statement->outside)
			ereport(NOTICE,
					(errmsg("not undone: what statement %d of migration " INT64_FORMAT " has done outside of the database",
							statement->number, statement->version)));
	}
	ereport(NOTICE,
			(errmsg("rehearsed %d %s, %d %s; everything is undone", rehearsal->steps,
					rehearsal->steps == 1 ? "script" : "scripts", statements,
					statements == 1 ? "statement" : "statements")));
}
