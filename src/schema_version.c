/*-------------------------------------------------------------------------
 *
 * schema_version.c
 *		The one-row relation schema_version that migration files read and set.
 *
 * Files in the seed format check it first and UPDATE it last, because psql
 * gave them nothing better.  They run unchanged: what they write is checked,
 * and what they do not write is written for them.
 *
 * The relation is the users' (outside.c says what follows from that).  It is a
 * table found on the caller's search_path by its name and its columns; one with
 * more than one row is another tool's and left alone, and so is one whose rows
 * row-level security may hide.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "outside.h"
#include "owner.h"
#include "schema_version.h"

/* The relation, while it is touched. */
typedef struct SchemaVersionTable
{
	Oid			relid;
	char	   *name;			/* qualified and quoted */
	OutsideScope scope;
} SchemaVersionTable;

/*
 * Find the relation and become who may touch it; false = there is none, or a
 * message of this level has said why it is left alone.
 */
static bool
schema_version_begin(SchemaVersionTable *table, int elevel)
{
	Oid			relid = RelnameGetRelid("schema_version");

	if (!OidIsValid(relid) ||
		!migrate_outside_column(relid, "version") ||
		!migrate_outside_column(relid, "applied_at") ||
		!migrate_outside_column(relid, "description"))
		return false;
	table->relid = relid;
	table->name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
											 "schema_version");
	return migrate_outside_begin(relid, elevel, &table->scope);
}

/*
 * Read the version; returns the number of rows, 2 meaning more than one, or a
 * version that is no number: another tool's table.  NULL is reported as -1.
 */
static uint64
schema_version_fetch(const SchemaVersionTable *table, int64 *version)
{
	uint64		rows = migrate_outside_run(&table->scope, psprintf("SELECT version::pg_catalog.text FROM %s LIMIT 2",
																   table->name), 0, NULL, NULL);
	char	   *text = rows == 1 ? migrate_owner_text(0, 1) : NULL;
	char	   *end;

	*version = -1;
	if (text != NULL)
	{
		*version = strtoll(text, &end, 10);
		if (end == text || *end != '\0')
			rows = 2;
	}
	migrate_owner_free();
	return rows;
}

/* Remember what the relation says before a script runs. */
void
migrate_schema_version_read(SchemaVersion *before)
{
	SchemaVersionTable table;

	before->known = false;
	if (!schema_version_begin(&table, DEBUG1))
		return;
	before->relid = table.relid;
	before->known = schema_version_fetch(&table, &before->version) == 1;
	migrate_outside_end(&table.scope);
}

/* Refuse a version that the column cannot hold. */
static void
schema_version_check_type(const SchemaVersionTable *table, int64 version)
{
	Oid			type = get_atttype(table->relid, get_attnum(table->relid, "version"));

	if ((type == INT4OID && version > PG_INT32_MAX) ||
		(type == INT2OID && version > PG_INT16_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("version " INT64_FORMAT " does not fit into %s", version, table->name),
				 errhint("ALTER TABLE %s ALTER version TYPE bigint.", table->name)));
}

/* Write the version. */
static void
schema_version_write(const SchemaVersionTable *table, bool insert,
					 const SchemaVersionGoal *goal)
{
	Oid			argtypes[2] = {INT8OID, TEXTOID};
	Datum		values[2] = {Int64GetDatum(goal->current),
	CStringGetTextDatum(goal->description)};
	AttrNumber	attnum = get_attnum(table->relid, "description");
	Oid			type;
	int32		typmod;
	Oid			collation;
	char	   *shortened;
	const char *sql;

	/* An explicit cast shortens what is too long. */
	get_atttypetypmodcoll(table->relid, attnum, &type, &typmod, &collation);
	shortened = psprintf("$2::%s", format_type_extended(type, typmod,
														FORMAT_TYPE_TYPEMOD_GIVEN |
														FORMAT_TYPE_FORCE_QUALIFY));
	schema_version_check_type(table, goal->current);
	if (insert)
		sql = psprintf("INSERT INTO %s (version, applied_at, description)"
					   " VALUES ($1, pg_catalog.now(), %s)", table->name, shortened);
	else
		sql = psprintf("UPDATE %s SET version = $1, applied_at = pg_catalog.now(),"
					   " description = %s", table->name, shortened);
	if (migrate_outside_run(&table->scope, sql, 2, argtypes, values) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("could not set %s to version " INT64_FORMAT, table->name, goal->current),
				 errdetail("A trigger, a rule or row-level security keeps the row from being written."),
				 errhint("Let the role of the deployment write it.")));
}

/* Refuse a version that a script has no business to write. */
static void
schema_version_check_script(const SchemaVersionTable *table, int64 found,
							const SchemaVersion *before, const SchemaVersionGoal *goal)
{
	if (!before->known || before->relid != table->relid || found == before->version ||
		found == goal->own || found == goal->current ||
		(goal->down && found < goal->own))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("script set %s to version " INT64_FORMAT ", which is not its own",
					table->name, found),
			 errdetail("Its own version there is " INT64_FORMAT ".", goal->own),
			 errhint("Correct the UPDATE in the script, or leave it out: it is done for you.")));
}

/*
 * Check what a script left in the relation and make it say the latest applied
 * version.  Raises 22023 when the script wrote a version that is neither its
 * own nor the latest; before may say that nothing was known.
 */
void
migrate_schema_version_settle(const SchemaVersion *before, const SchemaVersionGoal *goal)
{
	SchemaVersionTable table;
	int64		found;
	uint64		rows;

	if (!schema_version_begin(&table, WARNING))
		return;
	rows = schema_version_fetch(&table, &found);
	if (rows == 1)
	{
		schema_version_check_script(&table, found, before, goal);
		if (found != goal->current)
			schema_version_write(&table, false, goal);
	}
	else if (rows == 0 && check_enable_rls(table.relid, InvalidOid, true) != RLS_ENABLED)
		schema_version_write(&table, true, goal);
	migrate_outside_end(&table.scope);
}
