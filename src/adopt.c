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
 * They are the users' tables: outside.c says what follows from that.
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
#include "outside.h"
#include "owner.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(migrate_adopt);

/* One version that a tool has applied. */
typedef struct AdoptVersion
{
	BaselineVersion baseline;
	bool		below;			/* and everything below it */
} AdoptVersion;

/* Where a tool keeps what it has applied. */
typedef struct AdoptSource
{
	const char *name;
	const char *schema;			/* NULL = on the search_path */
	const char *table;
	const char *columns;		/* version, name, whether its last run failed,
								 * whether everything below is applied too */
	const char *rest;			/* of the query, behind the table */
	bool		timed;			/* versions are times: equal ones are moved */
} AdoptSource;

static const AdoptSource adopt_sources[] = {
	{"supabase", "supabase_migrations", "schema_migrations",
		"version::pg_catalog.text, pg_catalog.to_jsonb(t) OPERATOR(pg_catalog.->>) 'name', false, false",
	"", false},
	{"golang-migrate", NULL, "schema_migrations",
	"version::pg_catalog.text, NULL::pg_catalog.text, dirty IS NOT FALSE, true", "", false},
	{"rails", NULL, "schema_migrations",
	"version::pg_catalog.text, NULL::pg_catalog.text, false, false", "", false},
	{"dbmate", NULL, "schema_migrations",
	"version::pg_catalog.text, NULL::pg_catalog.text, false, false", "", false},
	{"flyway", NULL, "flyway_schema_history",
		"version::pg_catalog.text, description::pg_catalog.text, NOT success,"
		" type::pg_catalog.text OPERATOR(pg_catalog.=) 'BASELINE'",
		"WHERE version IS NOT NULL"
		" AND NOT type::pg_catalog.text OPERATOR(pg_catalog.~) '^(UNDO|DELETE)'"
		" AND NOT EXISTS (SELECT FROM %s u"
		"  WHERE u.version::pg_catalog.text OPERATOR(pg_catalog.=) t.version::pg_catalog.text"
	"  AND u.installed_rank OPERATOR(pg_catalog.>) t.installed_rank)", false},
	{"sqitch", "sqitch", "changes",
		"pg_catalog.to_char(pg_catalog.timezone('UTC', planned_at), 'YYYYMMDDHH24MISS'),"
		" change::pg_catalog.text, false, false",
	"ORDER BY planned_at, committed_at", true},
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

/* Return a source's table, or raise 42P01. */
static Oid
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
	return relid;
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
		if (strchr(MIGRATE_NAME_CHARACTERS, *c) == NULL)
			*c = '_';
	}
	return description;
}

/* Read one row of a tool's table. */
static void
adopt_read_row(const AdoptSource *source, uint64 row, AdoptVersion *found)
{
	bool		isnull;

	found->baseline.version_text = migrate_owner_text(row, 1);
	found->baseline.version = adopt_version(source, found->baseline.version_text);
	found->baseline.name = adopt_name(migrate_owner_text(row, 2));
	found->below = DatumGetBool(migrate_owner_value(row, 4, &isnull));
	if (DatumGetBool(migrate_owner_value(row, 3, &isnull)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s says that version %s failed half-way",
						source->name, found->baseline.version_text),
				 errhint("Bring the schema in order with that tool first.")));
}

/* Order by version. */
static int
adopt_compare(const void *a, const void *b)
{
	int64		x = ((const AdoptVersion *) a)->baseline.version;
	int64		y = ((const AdoptVersion *) b)->baseline.version;

	return (x > y) - (x < y);
}

/* Move what was planned in the same second apart, in the order it was. */
static void
adopt_move_apart(AdoptVersion *found, uint64 rows)
{
	for (uint64 row = 1; row < rows; row++)
	{
		BaselineVersion *baseline = &found[row].baseline;

		if (baseline->version > found[row - 1].baseline.version)
			continue;
		baseline->version = found[row - 1].baseline.version + 1;
		baseline->version_text = psprintf(INT64_FORMAT, baseline->version);
	}
}

/* Read what a tool has applied, in order; returns the number of rows. */
static uint64
adopt_read(const AdoptSource *source, AdoptVersion **found)
{
	Oid			relid = adopt_table(source);
	char	   *table = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
												   source->table);
	OutsideScope scope;
	StringInfoData sql;
	uint64		rows;

	if (!migrate_outside_begin(relid, WARNING, &scope))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the history in %s cannot be read safely", table),
				 errdetail("It is not a plain table, or not of a role that could act as yours."),
				 errhint("Adopt it as the owner of the table.")));
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM %s t ", source->columns, table);
	appendStringInfo(&sql, source->rest, table);
	rows = migrate_outside_run(&scope, sql.data, 0, NULL, NULL);
	*found = palloc0(sizeof(AdoptVersion) * (rows + 1));
	for (uint64 row = 0; row < rows; row++)
		adopt_read_row(source, row, &(*found)[row]);
	migrate_owner_free();
	migrate_outside_end(&scope);
	if (source->timed)
		adopt_move_apart(*found, rows);
	else
		qsort(*found, rows, sizeof(AdoptVersion), adopt_compare);
	return rows;
}

/* SQL: migrate_adopt(source) */
Datum
migrate_adopt(PG_FUNCTION_ARGS)
{
	const AdoptSource *source = adopt_find(migrate_argument_text(fcinfo, 0, "source"));
	BaselineRecord record = {.reason = psprintf("adopted from %s", source->name)};
	AdoptVersion *found;
	uint64		rows;
	int			marked = 0;

	SPI_connect();
	migrate_deploy_begin("migrate_adopt()");
	rows = adopt_read(source, &found);
	if (rows > 0)
		migrate_baseline_open(&record);
	for (uint64 row = 0; row < rows; row++)
	{
		if (found[row].below)
			marked += migrate_baseline_below(found[row].baseline.version, &record);
		marked += migrate_baseline_mark(&found[row].baseline, &record);
	}
	if (marked > 0)
		migrate_baseline_settle(record.reason);
	migrate_deploy_end();
	SPI_finish();
	PG_RETURN_INT32(marked);
}
