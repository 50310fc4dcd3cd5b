/*-------------------------------------------------------------------------
 *
 * trace.c
 *		What each statement did, on the record.
 *
 * The rows of migrate.ledger_statement belong to an entry of the ledger and are
 * written in one go.  A script of very many statements is mostly data: past the
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

#include "column.h"
#include "observe.h"
#include "owner.h"
#include "trace.h"

#define TRACE_ALL 1000			/* statements of a script recorded in any case */
#define TRACE_COLUMNS 10

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

		if (relation->created)
			continue;
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

/* Add a statement to the columns. */
static void
trace_add(Column *columns, const ObservedStatement *statement, char *relations)
{
	migrate_column_add(&columns[0], Int32GetDatum(statement->number));
	migrate_column_add(&columns[1], Int32GetDatum(statement->line));
	migrate_column_add(&columns[2], CStringGetTextDatum(GetCommandTagName(statement->tag)));
	migrate_column_add(&columns[3], Int64GetDatum(statement->duration));
	migrate_column_add(&columns[4], Int64GetDatum(statement->lock_wait));
	migrate_column_add(&columns[5], Int64GetDatum(statement->hold));
	migrate_column_add(&columns[6], Int64GetDatum(statement->rows));
	migrate_column_add(&columns[7], Int64GetDatum(statement->wal_bytes));
	migrate_column_add(&columns[8], Int64GetDatum(statement->buffers));
	migrate_column_add(&columns[9], CStringGetTextDatum(relations));
}

/* Write what the statements of a script did, for an entry of the ledger. */
void
migrate_trace_write(int64 entry, const List *statements)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO migrate.ledger_statement"
		" SELECT $1, s.statement, s.line, s.command, s.duration * interval '1 microsecond',"
		"  nullif(s.lock_wait, -1) * interval '1 microsecond',"
		"  nullif(s.hold, -1) * interval '1 microsecond',"
		"  s.rows, s.wal_bytes, s.buffers, nullif(s.relations, '')::pg_catalog.jsonb"
		" FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
		" s (statement, line, command, duration, lock_wait, hold, rows, wal_bytes, buffers, relations)",
		.nargs = TRACE_COLUMNS + 1,
		.argtypes = {INT8OID, INT4ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TEXTARRAYOID},
	};
	Column		columns[TRACE_COLUMNS] = {
		{.type = INT4OID}, {.type = INT4OID}, {.type = TEXTOID}, {.type = INT8OID}, {.type = INT8OID},
		{.type = INT8OID}, {.type = INT8OID}, {.type = INT8OID}, {.type = INT8OID}, {.type = TEXTOID}
	};
	Datum		values[TRACE_COLUMNS + 1] = {Int64GetDatum(entry)};
	OwnerScope	scope;
	ListCell   *lc;

	foreach(lc, statements)
	{
		ObservedStatement *statement = lfirst(lc);
		char	   *relations = trace_relations(statement);

		if (columns[0].count < TRACE_ALL || *relations != '\0')
			trace_add(columns, statement, relations);
	}
	if (columns[0].count == 0)
		return;
	for (int i = 0; i < TRACE_COLUMNS; i++)
		values[i + 1] = migrate_column_array(&columns[i], 0, columns[i].count);
	migrate_owner_begin(&scope);
	migrate_owner_run(&query, values, NULL);
	migrate_owner_end(&scope);
}
