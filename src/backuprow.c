/*-------------------------------------------------------------------------
 *
 * backuprow.c
 *		What is written to migrate.backup while rows are kept.
 *
 * Every function that runs a statement wants its caller to be connected to SPI
 * and to have become the owner (migrate_owner_begin()), and to hold the deploy
 * lock, under which backups are numbered.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "backuprow.h"
#include "owner.h"

/* Return the number of the last backup, 0 = there is none. */
int64
migrate_backuprow_last(void)
{
	static OwnerQuery query = {
		.sql = "SELECT coalesce(max(backup), 0) FROM migrate.backup"
	};
	bool		isnull;
	int64		last;

	migrate_owner_run(&query, NULL, NULL);
	last = DatumGetInt64(migrate_owner_value(0, 1, &isnull));
	migrate_owner_free();
	return last;
}

/* Return the key columns of a table, as a text[]. */
static Datum
backuprow_key(Relation source, const Bitmapset *lost)
{
	List	   *key = NIL;
	Datum	   *names;
	int			count = 0;
	ListCell   *lc;

	if (source->rd_rel->relkind == RELKIND_RELATION)
		key = migrate_keep_key_without(source, lost);
	names = palloc(sizeof(Datum) * Max(list_length(key), 1));
	foreach(lc, key)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(source), lfirst_int(lc) - 1);

		names[count++] = CStringGetTextDatum(NameStr(att->attname));
	}
	return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Return the name of the column that a request is about. */
const char *
migrate_backuprow_column(const BackupRequest *request)
{
	TupleDesc	desc = RelationGetDescr(request->source);

	return NameStr(TupleDescAttr(desc, request->column - 1)->attname);
}

/* Write the row of a backup. */
void
migrate_backuprow_insert(const BackupRow *row)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO migrate.backup (backup, version, direction, statement, what,"
		" operation, schema_name, relation_name, column_name, relation_oid, owner,"
		" key_columns, kept_as, kept_oid, moved)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
		.nargs = 15,
		.argtypes = {INT8OID, INT8OID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		TEXTOID, OIDOID, TEXTOID, TEXTARRAYOID, TEXTOID, OIDOID, BOOLOID}
	};
	const BackupRequest *request = row->request;
	const BackupStep *step = row->step;
	Relation	source = request->source;
	Datum		values[15];
	bool		isnull[15] = {false};

	values[0] = Int64GetDatum(row->backup);
	values[1] = Int64GetDatum(step->version);
	values[2] = CStringGetTextDatum(step->down ? "down" : "up");
	values[3] = Int32GetDatum(step->frame->statement);
	isnull[3] = step->frame->statement <= 0;
	values[4] = CStringGetTextDatum(request->what);
	values[5] = CStringGetTextDatum(request->operation);
	values[6] = CStringGetTextDatum(get_namespace_name(RelationGetNamespace(source)));
	values[7] = CStringGetTextDatum(RelationGetRelationName(source));
	isnull[8] = request->column == 0;
	if (!isnull[8])
		values[8] = CStringGetTextDatum(migrate_backuprow_column(request));
	values[9] = ObjectIdGetDatum(RelationGetRelid(source));
	values[10] = CStringGetTextDatum(GetUserNameFromId(source->rd_rel->relowner, false));
	values[11] = backuprow_key(source, request->lost);
	isnull[12] = isnull[13] = row->kept_as == NULL;
	values[12] = isnull[12] ? (Datum) 0 : CStringGetTextDatum(row->kept_as);
	values[13] = ObjectIdGetDatum(row->kept);
	values[14] = BoolGetDatum(request->moved);
	migrate_owner_run(&query, values, isnull);
}

/* Write where the sequence of a backup was. */
void
migrate_backuprow_sequence(int64 backup, int64 last_value, bool is_called)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.backup SET last_value = $2, is_called = $3 WHERE backup = $1",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, BOOLOID}
	};
	Datum		values[3] = {Int64GetDatum(backup), Int64GetDatum(last_value), BoolGetDatum(is_called)};

	migrate_owner_run(&query, values, NULL);
}

/* Write how much a backup holds. */
void
migrate_backuprow_measure(int64 backup, Oid kept, int64 rows)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.backup SET rows = $2, bytes = pg_catalog.pg_table_size($3)"
		" WHERE backup = $1",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, OIDOID}
	};
	Datum		values[3] = {Int64GetDatum(backup), Int64GetDatum(rows), ObjectIdGetDatum(kept)};

	migrate_owner_run(&query, values, NULL);
}

/* Write the ledger entry of a step to its backups, from the first on. */
void
migrate_backuprow_settle(int64 first, int64 version, int64 entry)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.backup SET entry = $2"
		" WHERE backup >= $1 AND version = $3 AND entry IS NULL",
		.nargs = 3,
		.argtypes = {INT8OID, INT8OID, INT8OID}
	};
	Datum		values[3] = {Int64GetDatum(first), Int64GetDatum(entry), Int64GetDatum(version)};

	migrate_owner_run(&query, values, NULL);
}
