/*-------------------------------------------------------------------------
 *
 * schema_version.c
 *		The one-row relation schema_version that migration files read and set.
 *
 * Files in the seed format check it first and UPDATE it last, because psql
 * gave them nothing better.  They run unchanged: what they write is checked,
 * and what they do not write is written for them.  The relation is the user's,
 * so it is read and written as the caller.
 *
 * It is found on the caller's search_path, by its name and its columns; one
 * with more than one row is another tool's table and left alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "owner.h"
#include "schema_version.h"

/* Return the quoted name of the relation, or NULL when there is none. */
static char *
schema_version_relation(void)
{
	Oid			relid = RelnameGetRelid("schema_version");
	char		relkind;

	if (!OidIsValid(relid))
		return NULL;
	relkind = get_rel_relkind(relid);
	if (relkind != RELKIND_RELATION && relkind != RELKIND_VIEW &&
		relkind != RELKIND_PARTITIONED_TABLE)
		return NULL;
	if (get_attnum(relid, "version") == InvalidAttrNumber ||
		get_attnum(relid, "applied_at") == InvalidAttrNumber ||
		get_attnum(relid, "description") == InvalidAttrNumber)
		return NULL;
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  "schema_version");
}

/*
 * Read the version; returns the number of rows, 2 meaning more than one.  A
 * version that is NULL or no number is reported as -1.
 */
static uint64
schema_version_fetch(const char *relation, int64 *version)
{
	uint64		rows = migrate_caller_run(psprintf("SELECT version::text FROM %s LIMIT 2", relation),
										  0, NULL, NULL);
	char	   *text = rows == 1 ? migrate_owner_text(0, 1) : NULL;
	char	   *end;

	*version = -1;
	if (text != NULL)
	{
		*version = strtoll(text, &end, 10);
		if (end == text || *end != '\0')
			*version = -1;
	}
	migrate_owner_free();
	return rows;
}

/* Remember what the relation says before a script runs. */
void
migrate_schema_version_read(SchemaVersion *before)
{
	char	   *relation = schema_version_relation();

	before->known = relation != NULL &&
		schema_version_fetch(relation, &before->version) == 1;
}

/* Write the version as the caller. */
static void
schema_version_write(const char *relation, bool insert, const SchemaVersionGoal *goal)
{
	Oid			argtypes[2] = {INT8OID, TEXTOID};
	Datum		values[2] = {Int64GetDatum(goal->current),
	CStringGetTextDatum(goal->description)};
	const char *sql = insert ?
	"INSERT INTO %s (version, applied_at, description) VALUES ($1, pg_catalog.now(), $2)" :
	"UPDATE %s SET version = $1, applied_at = pg_catalog.now(), description = $2";
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, sql, relation);
	(void) migrate_caller_run(buf.data, 2, argtypes, values);
}

/*
 * Check what a script left in the relation and make it say the latest applied
 * version.  Raises 22023 when the script wrote a version that is neither its
 * own nor the latest; before may say that nothing was known.
 */
void
migrate_schema_version_settle(const SchemaVersion *before, const SchemaVersionGoal *goal)
{
	char	   *relation = schema_version_relation();
	int64		found;
	uint64		rows;

	if (relation == NULL)
		return;
	rows = schema_version_fetch(relation, &found);
	if (rows > 1)
		return;
	if (rows == 1 && before->known && found != before->version &&
		found != goal->own && found != goal->current)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("script set %s to version " INT64_FORMAT ", which is not its own",
						relation, found),
				 errdetail("Its own version there is " INT64_FORMAT ".", goal->own),
				 errhint("Correct the UPDATE in the script, or leave it out: it is done for you.")));
	if (rows == 0 || found != goal->current)
		schema_version_write(relation, rows == 0, goal);
}
