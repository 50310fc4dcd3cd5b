/*-------------------------------------------------------------------------
 *
 * adopt.c
 *		Take over the history that another migration tool has kept.
 *
 * The tools' tables, as they create them themselves (source: their own CREATE
 * TABLE statements):
 *
 * - Supabase CLI: supabase_migrations.schema_migrations(version text, name)
 * - golang-migrate: schema_migrations(version bigint, dirty boolean), one row:
 *   the current version
 * - Rails, dbmate: schema_migrations(version varchar), one row per version
 * - Flyway: flyway_schema_history(installed_rank, version varchar, description,
 *   type, success, ...); undone versions keep their rows and get one more
 * - sqitch: sqitch.changes(change, planned_at, committed_at, ...); it has no
 *   versions, so the planned time serves as one
 *
 * They are the user's tables, so they are read as the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "argument.h"
#include "baseline.h"
#include "deploy.h"
#include "owner.h"

PG_FUNCTION_INFO_V1(migrate_adopt);

/* Where a tool keeps what it has applied. */
typedef struct AdoptSource
{
	const char *name;
	const char *schema;			/* NULL = on the search_path */
	const char *table;
	const char *columns;		/* version, name, whether its last run failed */
	const char *rest;			/* of the query, behind the table */
	bool		single;			/* one row: everything up to it is applied */
} AdoptSource;

static const AdoptSource adopt_sources[] = {
	{"supabase", "supabase_migrations", "schema_migrations",
	"version::text, pg_catalog.to_jsonb(t) OPERATOR(pg_catalog.->>) 'name', false", "ORDER BY version", false},
	{"golang-migrate", NULL, "schema_migrations",
	"version::text, NULL::text, dirty", "", true},
	{"rails", NULL, "schema_migrations",
	"version::text, NULL::text, false", "ORDER BY version", false},
	{"dbmate", NULL, "schema_migrations",
	"version::text, NULL::text, false", "ORDER BY version", false},
	{"flyway", NULL, "flyway_schema_history",
		"version::text, description::text, NOT success",
		"WHERE version IS NOT NULL AND type NOT IN ('UNDO_SQL', 'DELETE')"
		" AND installed_rank = (SELECT max(u.installed_rank) FROM %s u WHERE u.version = t.version)"
	" ORDER BY installed_rank", false},
	{"sqitch", "sqitch", "changes",
		"pg_catalog.to_char(planned_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'), change::text, false",
	"ORDER BY planned_at, committed_at", false},
};

/* Return the source of a name, or raise 22023. */
static const AdoptSource *
adopt_find(const char *name)
{
	StringInfoData known;

	initStringInfo(&known);
	for (int i = 0; i < lengthof(adopt_sources); i++)
	{
		if (pg_strcasecmp(adopt_sources[i].name, name) == 0)
			return &adopt_sources[i];
		appendStringInfo(&known, "%s\"%s\"", i ? ", " : "", adopt_sources[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown source \"%s\"", name),
			 errhint("Known are: %s.", known.data)));
	return NULL;				/* keep the compiler quiet */
}

/* Return the quoted name of a source's table, or raise 42P01. */
static char *
adopt_table(const AdoptSource *source)
{
	Oid			schema = source->schema ? get_namespace_oid(source->schema, true) : InvalidOid;
	Oid			relid;

	if (source->schema == NULL)
		relid = RelnameGetRelid(source->table);
	else
		relid = OidIsValid(schema) ? get_relname_relid(source->table, schema) : InvalidOid;
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("%s has no table \"%s\" here", source->name, source->table),
				 errhint("Check the database and the search_path.")));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  source->table);
}

/* Return a version, or raise 22023 for one that is not a whole number. */
static int64
adopt_version(const AdoptSource *source, const char *text)
{
	char	   *end;
	int64		version;

	errno = 0;
	version = text ? strtoll(text, &end, 10) : 0;
	if (version <= 0 || errno != 0 || *end != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s has applied version \"%s\", which is not a whole number",
						source->name, text ? text : ""),
				 errhint("Register the migrations under whole numbers and call migrate_baseline().")));
	return version;
}

/* Make a description of another tool the name of a migration. */
static char *
adopt_name(char *description)
{
	if (description == NULL || *description == '\0')
		return pstrdup("adopted");
	description = pnstrdup(description, 200);
	for (char *c = description; *c; c++)
	{
		if (!isalnum((unsigned char) *c) && strchr("._-", *c) == NULL)
			*c = '_';
	}
	return description;
}

/* Read what a tool has applied; returns the number of rows. */
static uint64
adopt_read(const AdoptSource *source, BaselineVersion **found)
{
	char	   *table = adopt_table(source);
	StringInfoData sql;
	uint64		rows;
	int64		last = 0;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM %s t ", source->columns, table);
	appendStringInfo(&sql, source->rest, table);
	rows = migrate_caller_run(sql.data, 0, NULL, NULL);
	*found = palloc0(sizeof(BaselineVersion) * (rows + 1));
	for (uint64 row = 0; row < rows; row++)
	{
		BaselineVersion *baseline = &(*found)[row];
		bool		isnull;

		baseline->version_text = migrate_owner_text(row, 1);
		baseline->version = adopt_version(source, baseline->version_text);
		baseline->name = adopt_name(migrate_owner_text(row, 2));
		if (DatumGetBool(migrate_owner_value(row, 3, &isnull)))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("%s says that version %s failed half-way",
							source->name, baseline->version_text),
					 errhint("Bring the schema in order with that tool first.")));
		/* Only times can be equal: what was planned later comes later. */
		if (source->schema != NULL && baseline->version <= last)
		{
			baseline->version = last + 1;
			baseline->version_text = psprintf(INT64_FORMAT, baseline->version);
		}
		last = baseline->version;
	}
	migrate_owner_free();
	return rows;
}

/* SQL: migrate_adopt(source) */
Datum
migrate_adopt(PG_FUNCTION_ARGS)
{
	const AdoptSource *source = adopt_find(migrate_argument_text(fcinfo, 0, "source"));
	char	   *reason = psprintf("adopted from %s", source->name);
	BaselineVersion *found;
	uint64		rows;
	int			marked = 0;

	SPI_connect();
	migrate_deploy_begin("migrate_adopt()");
	rows = adopt_read(source, &found);
	for (uint64 row = 0; row < rows; row++)
	{
		if (source->single)
			marked += migrate_baseline_below(found[row].version, reason);
		marked += migrate_baseline_mark(&found[row], reason);
	}
	if (marked > 0)
		migrate_baseline_settle(reason);
	migrate_deploy_end();
	SPI_finish();
	PG_RETURN_INT32(marked);
}
