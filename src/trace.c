/*-------------------------------------------------------------------------
 *
 * trace.c
 *		What each statement did, on the record.
 *
 * The rows of migrate.ledger_statement belong to entries of the ledger.  They are
 * collected, and written many at a time, since one by one they would be felt
 * beside small migrations; at the latest at the end of the call.  A script of very many statements is mostly data: past the
 * first TRACE_ALL of them only those are recorded that did something to what was
 * there before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "tcop/cmdtag.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "column.h"
#include "observe.h"
#include "owner.h"
#include "trace.h"

#define TRACE_ALL 1000			/* statements of a script recorded in any case */
#define TRACE_BATCH 256			/* rows that are written at once */
#define TRACE_COLUMNS 11

struct Trace
{
	MemoryContext context;		/* of what the columns point to */
	Column		columns[TRACE_COLUMNS];
};

/* Append a member of an object that is true. */
static void
trace_flag(StringInfo buf, const char *name, bool value)
{
	if (value)
		appendStringInfo(buf, ", \"%s\": true", name);
}

/* Describe as json what a statement did to relations; empty = to none. */
static char *
trace_relations(const ObservedStatement *statement)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, statement->relations)
	{
		ObservedRelation *relation = lfirst(lc);

		appendStringInfoString(&buf, buf.len > 0 ? ", {\"relation\": " : "[{\"relation\": ");
		escape_json(&buf, relation->name);
		if (relation->mode != NoLock)
			appendStringInfo(&buf, ", \"lock_mode\": \"%s\"",
							 GetLockmodeName(DEFAULT_LOCKMETHOD, relation->mode));
		trace_flag(&buf, "rewrite", relation->rewrite);
		trace_flag(&buf, "build", relation->build);
		trace_flag(&buf, "scan", relation->scan);
		if (relation->rows > 0)
			appendStringInfo(&buf, ", \"rows\": " INT64_FORMAT, relation->rows);
		appendStringInfoChar(&buf, '}');
	}
	if (buf.len > 0)
		appendStringInfoChar(&buf, ']');
	return buf.data;
}

/* Begin to collect; it lives in the current memory context. */
Trace *
migrate_trace_begin(void)
{
	static const Oid types[TRACE_COLUMNS] = {INT8OID, INT4OID, INT4OID, TEXTOID, INT8OID, INT8OID,
	INT8OID, INT8OID, INT8OID, INT8OID, TEXTOID};
	Trace	   *trace = palloc0(sizeof(Trace));

	trace->context = AllocSetContextCreate(CurrentMemoryContext, "migrate trace",
										   ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < TRACE_COLUMNS; i++)
		trace->columns[i].type = types[i];
	return trace;
}

/* Write what was collected. */
void
migrate_trace_flush(Trace *trace)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO migrate.ledger_statement"
		" SELECT s.entry, s.statement, s.line, s.command, s.duration * interval '1 microsecond',"
		"  nullif(s.lock_wait, -1) * interval '1 microsecond',"
		"  nullif(s.hold, -1) * interval '1 microsecond',"
		"  s.rows, s.wal_bytes, s.buffers, nullif(s.relations, '')::pg_catalog.jsonb"
		" FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
		" s (entry, statement, line, command, duration, lock_wait, hold, rows, wal_bytes, buffers, relations)",
		.nargs = TRACE_COLUMNS,
		.argtypes = {INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TEXTARRAYOID},
	};
	MemoryContext old;
	Datum		values[TRACE_COLUMNS];
	OwnerScope	scope;

	if (trace->columns[0].count == 0)
		return;
	old = MemoryContextSwitchTo(trace->context);
	for (int i = 0; i < TRACE_COLUMNS; i++)
	{
		values[i] = migrate_column_array(&trace->columns[i], 0, trace->columns[i].count);
		trace->columns[i].values = NULL;
		trace->columns[i].count = trace->columns[i].allocated = 0;
	}
	migrate_owner_begin(&scope);
	migrate_owner_run(&query, values, NULL);
	migrate_owner_end(&scope);
	MemoryContextSwitchTo(old);
	MemoryContextReset(trace->context);
}

/* Add a row. */
static void
trace_add(Trace *trace, int64 entry, const ObservedStatement *statement, char *relations)
{
	Column	   *column = trace->columns;

	migrate_column_add(column++, Int64GetDatum(entry));
	migrate_column_add(column++, Int32GetDatum(statement->number));
	migrate_column_add(column++, Int32GetDatum(statement->line));
	migrate_column_add(column++, CStringGetTextDatum(GetCommandTagName(statement->tag)));
	migrate_column_add(column++, Int64GetDatum(statement->duration));
	migrate_column_add(column++, Int64GetDatum(statement->lock_wait));
	migrate_column_add(column++, Int64GetDatum(statement->hold));
	migrate_column_add(column++, Int64GetDatum(statement->rows));
	migrate_column_add(column++, Int64GetDatum(statement->wal_bytes));
	migrate_column_add(column++, Int64GetDatum(statement->buffers));
	migrate_column_add(column++, CStringGetTextDatum(relations));
}

/* Put on the record what the statements of a script did, for an entry of the ledger. */
void
migrate_trace_add(Trace *trace, int64 entry, const List *statements)
{
	ListCell   *lc;

	foreach(lc, statements)
	{
		ObservedStatement *statement = lfirst(lc);
		MemoryContext old = MemoryContextSwitchTo(trace->context);
		char	   *relations = trace_relations(statement);

		if (foreach_current_index(lc) < TRACE_ALL || *relations != '\0')
			trace_add(trace, entry, statement, relations);
		MemoryContextSwitchTo(old);
		if (trace->columns[0].count >= TRACE_BATCH)
			migrate_trace_flush(trace);
	}
}
