/*-------------------------------------------------------------------------
 *
 * supabase.c
 *		Keep the Supabase CLI's own table in step.
 *
 * supabase_migrations.schema_migrations(version text PRIMARY KEY, statements
 * text[], name text) is what "supabase migration list" compares the files
 * with (source: the CLI's own CREATE TABLE statements; the last two columns
 * came later).  Where it exists, an applied migration is in it and one that is
 * rolled back is not.  It is the user's, so it is written as the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "owner.h"
#include "supabase.h"

/* Return the table, or InvalidOid where the CLI was never used. */
static Oid
supabase_table(void)
{
	Oid			schema = get_namespace_oid("supabase_migrations", true);

	if (!OidIsValid(schema))
		return InvalidOid;
	return get_relname_relid("schema_migrations", schema);
}

/*
 * Add a version, spelt as in the name of its file, unless it is there; script
 * may be NULL.
 */
void
migrate_supabase_add(const char *version_text, const char *name, const char *script)
{
	Oid			table = supabase_table();
	Oid			argtypes[3] = {TEXTOID, TEXTOID, TEXTOID};
	Datum		values[3];
	bool		named;

	if (!OidIsValid(table))
		return;
	values[0] = CStringGetTextDatum(version_text);
	values[1] = CStringGetTextDatum(name);
	values[2] = CStringGetTextDatum(script ? script : "");
	named = get_attnum(table, "name") != InvalidAttrNumber &&
		get_attnum(table, "statements") != InvalidAttrNumber;
	(void) migrate_caller_run(named ?
							  "INSERT INTO supabase_migrations.schema_migrations (version, name, statements)"
							  " VALUES ($1, $2, CASE WHEN $3 OPERATOR(pg_catalog.<>) '' THEN ARRAY[$3] END)"
							  " ON CONFLICT (version) DO NOTHING" :
							  "INSERT INTO supabase_migrations.schema_migrations (version)"
							  " VALUES ($1) ON CONFLICT (version) DO NOTHING",
							  named ? 3 : 1, argtypes, values);
}

/* Remove a version, spelt as in the name of its file. */
void
migrate_supabase_remove(const char *version_text)
{
	Oid			argtypes[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(version_text)};

	if (!OidIsValid(supabase_table()))
		return;
	(void) migrate_caller_run("DELETE FROM supabase_migrations.schema_migrations"
							  " WHERE version OPERATOR(pg_catalog.=) $1",
							  1, argtypes, values);
}
