/*-------------------------------------------------------------------------
 *
 * supabase.c
 *		Keep the Supabase CLI's own table in step.
 *
 * supabase_migrations.schema_migrations(version text PRIMARY KEY, statements
 * text[], name text) is what "supabase migration list" compares the files
 * with (source: the CLI's own CREATE TABLE statements; the last two columns
 * came later).  Where it exists, an applied migration is in it and one that is
 * rolled back is not.  The table is the users': outside.c says what follows from
 * that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "outside.h"
#include "supabase.h"

/*
 * Find the table and become who may touch it; false where the CLI was never
 * used.
 */
static bool
supabase_begin(Oid *table, OutsideScope *scope)
{
	Oid			schema = get_namespace_oid("supabase_migrations", true);

	*table = OidIsValid(schema) ? get_relname_relid("schema_migrations", schema) : InvalidOid;
	return OidIsValid(*table) && migrate_outside_column(*table, "version") &&
		migrate_outside_begin(*table, WARNING, scope);
}

/*
 * Add a version, spelt as in the name of its file, unless it is there; script
 * may be NULL.
 */
void
migrate_supabase_add(const char *version_text, const char *name, const char *script)
{
	Oid			argtypes[3] = {TEXTOID, TEXTOID, TEXTOID};
	Datum		values[3];
	OutsideScope scope;
	Oid			table;
	bool		named;

	if (!supabase_begin(&table, &scope))
		return;
	values[0] = CStringGetTextDatum(version_text);
	values[1] = CStringGetTextDatum(name);
	values[2] = CStringGetTextDatum(script ? script : "");
	named = migrate_outside_column(table, "name") &&
		migrate_outside_column(table, "statements");
	(void) migrate_outside_run(&scope, named ?
							   "INSERT INTO supabase_migrations.schema_migrations (version, name, statements)"
							   " SELECT $1, $2, CASE WHEN $3 OPERATOR(pg_catalog.<>) '' THEN ARRAY[$3] END"
							   " WHERE NOT EXISTS (SELECT FROM supabase_migrations.schema_migrations"
							   " WHERE version OPERATOR(pg_catalog.=) $1)" :
							   "INSERT INTO supabase_migrations.schema_migrations (version) SELECT $1"
							   " WHERE NOT EXISTS (SELECT FROM supabase_migrations.schema_migrations"
							   " WHERE version OPERATOR(pg_catalog.=) $1)",
							   named ? 3 : 1, argtypes, values);
	migrate_outside_end(&scope);
}

/* Change the spelling of a version. */
void
migrate_supabase_respell(const char *old_text, const char *new_text)
{
	Oid			argtypes[2] = {TEXTOID, TEXTOID};
	Datum		values[2];
	OutsideScope scope;
	Oid			table;

	if (!supabase_begin(&table, &scope))
		return;
	values[0] = CStringGetTextDatum(old_text);
	values[1] = CStringGetTextDatum(new_text);
	(void) migrate_outside_run(&scope, "UPDATE supabase_migrations.schema_migrations SET version = $2"
							   " WHERE version OPERATOR(pg_catalog.=) $1",
							   2, argtypes, values);
	migrate_outside_end(&scope);
}

/* Remove a version, spelt as in the name of its file. */
void
migrate_supabase_remove(const char *version_text)
{
	Oid			argtypes[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(version_text)};
	OutsideScope scope;
	Oid			table;

	if (!supabase_begin(&table, &scope))
		return;
	(void) migrate_outside_run(&scope, "DELETE FROM supabase_migrations.schema_migrations"
							   " WHERE version OPERATOR(pg_catalog.=) $1",
							   1, argtypes, values);
	migrate_outside_end(&scope);
}
