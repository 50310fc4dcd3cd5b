/*-------------------------------------------------------------------------
 *
 * registry.c
 *		The known migrations and their scripts: every statement on the tables
 *		migrate.migration and migrate.script.
 *
 * What these functions do is decided by their callers; here nothing is judged.
 * Callers are connected to SPI, and hold the deploy lock where they change
 * what is there already.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "owner.h"
#include "reach.h"
#include "registry.h"
#include "settings.h"

/* Run a constant statement as the owner; its rows, if any, are freed. */
static uint64
registry_run(OwnerQuery *query, Datum *values, const bool *isnull)
{
	OwnerScope	scope;
	uint64		rows;

	migrate_owner_begin(&scope);
	rows = migrate_owner_run(query, values, isnull);
	migrate_owner_free();
	migrate_owner_end(&scope);
	return rows;
}

/* Return a text parameter; NULL becomes an SQL null. */
static Datum
registry_text(const char *value, bool *isnull)
{
	*isnull = value == NULL;
	return value ? CStringGetTextDatum(value) : (Datum) 0;
}

/* Read two columns of the first row as checksums. */
static void
registry_read_checksums(RegistryChecksums *checksums, int column)
{
	bool		isnull;
	Datum		text = migrate_owner_value(0, column, &isnull);
	Datum		tokens;

	checksums->known = !isnull;
	if (isnull)
		return;
	tokens = migrate_owner_value(0, column + 1, &isnull);
	memcpy(checksums->text, VARDATA_ANY(DatumGetByteaPP(text)),
		   sizeof(checksums->text));
	memcpy(checksums->tokens, VARDATA_ANY(DatumGetByteaPP(tokens)),
		   sizeof(checksums->tokens));
}

/* Return a stored migration, or NULL. */
RegistryMigration *
migrate_registry_find(int64 version)
{
	static OwnerQuery query = {
		.sql = "SELECT m.name, m.entry IS NOT NULL, m.applied_checksum, m.applied_token_checksum,"
		" u.checksum, u.token_checksum,"
		"  u.registered_by = $2 AND u.registered_by_oid = $3 AND u.registered_session_oid = $4"
		"  AND u.registered_login_oid = $5,"
		" d.checksum, d.token_checksum,"
		"  d.registered_by = $2 AND d.registered_by_oid = $3 AND d.registered_session_oid = $4"
		"  AND d.registered_login_oid = $5,"
		" m.version_text"
		" FROM migrate.migration m"
		" LEFT JOIN migrate.script u ON u.version = m.version AND u.direction = 'up'"
		" LEFT JOIN migrate.script d ON d.version = m.version AND d.direction = 'down'"
		" WHERE m.version = $1",
		.nargs = 5,
		.argtypes = {INT8OID, TEXTOID, OIDOID, OIDOID, OIDOID}
	};
	Datum		values[5] = {Int64GetDatum(version),
		CStringGetTextDatum(GetUserNameFromId(GetUserId(), false)),
		ObjectIdGetDatum(GetUserId()), ObjectIdGetDatum(migrate_reach_session()),
	ObjectIdGetDatum(migrate_reach_login())};
	RegistryMigration *migration = NULL;
	OwnerScope	scope;

	migrate_owner_begin(&scope);
	if (migrate_owner_run(&query, values, NULL) > 0)
	{
		bool		isnull;

		migration = palloc0(sizeof(RegistryMigration));
		migration->version = version;
		migration->name = migrate_owner_text(0, 1);
		migration->applied = DatumGetBool(migrate_owner_value(0, 2, &isnull));
		registry_read_checksums(&migration->accepted, 3);
		registry_read_checksums(&migration->up.checksums, 5);
		migration->up.mine = DatumGetBool(migrate_owner_value(0, 7, &isnull));
		registry_read_checksums(&migration->down.checksums, 8);
		migration->down.mine = DatumGetBool(migrate_owner_value(0, 10, &isnull));
		migration->version_text = migrate_owner_text(0, 11);
	}
	migrate_owner_free();
	migrate_owner_end(&scope);
	return migration;
}

/* Return the migration of a version that the caller named, or raise 42704. */
RegistryMigration *
migrate_registry_named(int64 version)
{
	RegistryMigration *migration = migrate_registry_find(version);

	if (migration == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("migration " INT64_FORMAT " does not exist", version),
				 errhint("See migrate_status() for the versions there are.")));
	return migration;
}

/*
 * Add a migration without scripts; false = there is one already.  version_text
 * may be NULL.
 */
bool
migrate_registry_insert(int64 version, const char *name, const char *version_text)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO migrate.migration (version, name, version_text)"
		" VALUES ($1, $2, coalesce($3, $1::text)) ON CONFLICT (version) DO NOTHING",
		.nargs = 3,
		.argtypes = {INT8OID, TEXTOID, TEXTOID}
	};
	Datum		values[3] = {Int64GetDatum(version), CStringGetTextDatum(name)};
	bool		isnull[3] = {false};
	int			guc_level = NewGUCNestLevel();
	bool		inserted;

	/* Another session may be about to register the same version. */
	migrate_settings_lock_timeout();
	values[2] = registry_text(version_text, &isnull[2]);
	inserted = registry_run(&query, values, isnull) == 1;
	AtEOXact_GUC(false, guc_level);
	return inserted;
}

/* Give a migration another name, and its version another spelling unless NULL. */
void
migrate_registry_rename(int64 version, const char *name, const char *version_text)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.migration SET name = $2, version_text = coalesce($3, version_text)"
		" WHERE version = $1 AND (name <> $2 OR version_text <> $3)",
		.nargs = 3,
		.argtypes = {INT8OID, TEXTOID, TEXTOID}
	};
	Datum		values[3] = {Int64GetDatum(version), CStringGetTextDatum(name)};
	bool		isnull[3] = {false};

	values[2] = registry_text(version_text, &isnull[2]);
	(void) registry_run(&query, values, isnull);
}

/* Return the versions a script requires as an array. */
static Datum
registry_requires(const Script *script)
{
	List	   *requires = script->directives.requires;
	Datum	   *items = palloc(sizeof(Datum) * Max(list_length(requires), 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, requires)
		items[count++] = Int64GetDatum(*(int64 *) lfirst(lc));
	return PointerGetDatum(construct_array(items, count, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Store what the header and the directives of an up script say. */
void
migrate_registry_describe(int64 version, const Script *script)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.migration SET description = $2, author = $3, date = $4,"
		" release = $5, requires = $6 WHERE version = $1",
		.nargs = 6,
		.argtypes = {INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8ARRAYOID}
	};
	Datum		values[6];
	bool		isnull[6] = {false};

	values[0] = Int64GetDatum(version);
	values[1] = registry_text(script->header.description, &isnull[1]);
	values[2] = registry_text(script->header.author, &isnull[2]);
	values[3] = registry_text(script->header.date, &isnull[3]);
	values[4] = registry_text(script->header.release, &isnull[4]);
	values[5] = registry_requires(script);
	(void) registry_run(&query, values, isnull);
}

/* Store a script, as registered by the roles at hand. */
void
migrate_registry_put_script(int64 version, const char *direction, const Script *script)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO migrate.script (version, direction, body, checksum, token_checksum,"
		"  statements, obstacle, nontransactional, registered_by, registered_by_oid,"
		"  registered_session, registered_session_oid, registered_login_oid)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
		" ON CONFLICT (version, direction) DO UPDATE SET body = excluded.body,"
		"  checksum = excluded.checksum, token_checksum = excluded.token_checksum,"
		"  statements = excluded.statements, obstacle = excluded.obstacle,"
		"  nontransactional = excluded.nontransactional,"
		"  registered_at = excluded.registered_at, registered_by = excluded.registered_by,"
		"  registered_by_oid = excluded.registered_by_oid,"
		"  registered_session = excluded.registered_session,"
		"  registered_session_oid = excluded.registered_session_oid,"
		"  registered_login_oid = excluded.registered_login_oid",
		.nargs = 13,
		.argtypes = {INT8OID, TEXTOID, TEXTOID, BYTEAOID, BYTEAOID, INT4OID,
		TEXTOID, BOOLOID, TEXTOID, OIDOID, TEXTOID, OIDOID, OIDOID}
	};
	const ScriptObstacle *obstacle = script->obstacle;
	char	   *why = NULL;
	Oid			session = migrate_reach_session();
	Datum		values[13];
	bool		isnull[13] = {false};

	if (obstacle != NULL)
		why = obstacle->line > 0 ?
			psprintf("line %d: %s", obstacle->line, obstacle->message) : obstacle->message;
	values[0] = Int64GetDatum(version);
	values[1] = CStringGetTextDatum(direction);
	values[2] = CStringGetTextDatum(script->text);
	values[3] = migrate_owner_checksum(script->checksum, &isnull[3]);
	values[4] = migrate_owner_checksum(script->token_checksum, &isnull[4]);
	values[5] = Int32GetDatum(script->count);
	values[6] = registry_text(why, &isnull[6]);
	values[7] = BoolGetDatum(obstacle != NULL && obstacle->nontransactional);
	values[8] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	values[9] = ObjectIdGetDatum(GetUserId());
	values[10] = CStringGetTextDatum(GetUserNameFromId(session, false));
	values[11] = ObjectIdGetDatum(session);
	values[12] = ObjectIdGetDatum(migrate_reach_login());
	(void) registry_run(&query, values, isnull);
}

/* Remove a script. */
void
migrate_registry_drop_script(int64 version, const char *direction)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM migrate.script WHERE version = $1 AND direction = $2",
		.nargs = 2,
		.argtypes = {INT8OID, TEXTOID}
	};
	Datum		values[2] = {Int64GetDatum(version), CStringGetTextDatum(direction)};

	(void) registry_run(&query, values, NULL);
}

/* Return the text of a script, or NULL. */
char *
migrate_registry_body(int64 version, const char *direction)
{
	static OwnerQuery query = {
		.sql = "SELECT body FROM migrate.script WHERE version = $1 AND direction = $2",
		.nargs = 2,
		.argtypes = {INT8OID, TEXTOID}
	};
	Datum		values[2] = {Int64GetDatum(version), CStringGetTextDatum(direction)};
	OwnerScope	scope;
	char	   *body = NULL;

	migrate_owner_begin(&scope);
	if (migrate_owner_run(&query, values, NULL) > 0)
		body = migrate_owner_text(0, 1);
	migrate_owner_free();
	migrate_owner_end(&scope);
	return body;
}

/* Let an up script count as the applied one; NULL = the next one registered. */
void
migrate_registry_accept(int64 version, const Script *script)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.migration SET applied_checksum = $2, applied_token_checksum = $3"
		" WHERE version = $1",
		.nargs = 3,
		.argtypes = {INT8OID, BYTEAOID, BYTEAOID}
	};
	Datum		values[3] = {Int64GetDatum(version)};
	bool		isnull[3] = {false};

	values[1] = migrate_owner_checksum(script ? script->checksum : NULL, &isnull[1]);
	values[2] = migrate_owner_checksum(script ? script->token_checksum : NULL, &isnull[2]);
	(void) registry_run(&query, values, isnull);
}

/*
 * Mark a migration as applied by a ledger entry, or as not applied (entry 0);
 * script is the up script that counts as applied, if it is known.
 */
void
migrate_registry_mark(int64 version, int64 entry, const Script *script)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.migration SET entry = nullif($2, 0),"
		" applied_checksum = $3, applied_token_checksum = $4 WHERE version = $1",
		.nargs = 4,
		.argtypes = {INT8OID, INT8OID, BYTEAOID, BYTEAOID}
	};
	Datum		values[4] = {Int64GetDatum(version), Int64GetDatum(entry)};
	bool		isnull[4] = {false};

	values[2] = migrate_owner_checksum(script ? script->checksum : NULL, &isnull[2]);
	values[3] = migrate_owner_checksum(script ? script->token_checksum : NULL, &isnull[3]);
	if (registry_run(&query, values, isnull) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("migration " INT64_FORMAT " has gone from the registry", version),
				 errhint("Scripts must not write to the tables of schema migrate.")));
}

/*
 * Forget a migration and its scripts.  What was kept because of it stays kept,
 * but does not go back by itself when the version is used again.
 */
void
migrate_registry_delete(int64 version)
{
	static OwnerQuery query = {
		.sql = "WITH gone AS (DELETE FROM migrate.script WHERE version = $1),"
		" released AS (UPDATE migrate.backup SET entry = 0 WHERE version = $1 AND restored_at IS NULL)"
		" DELETE FROM migrate.migration WHERE version = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		values[1] = {Int64GetDatum(version)};

	(void) registry_run(&query, values, NULL);
}

/* Run a query for one version; 0 when it finds none. */
static int64
registry_one_version(OwnerQuery *query, Datum *values)
{
	OwnerScope	scope;
	bool		isnull = true;
	Datum		version = (Datum) 0;
	int64		found = 0;

	migrate_owner_begin(&scope);
	if (migrate_owner_run(query, values, NULL) > 0)
		version = migrate_owner_value(0, 1, &isnull);
	if (!isnull)
		found = DatumGetInt64(version);
	migrate_owner_free();
	migrate_owner_end(&scope);
	return found;
}

/* Return the latest applied version, or 0. */
int64
migrate_registry_current(void)
{
	static OwnerQuery query = {
		.sql = "SELECT max(version) FROM migrate.migration WHERE entry IS NOT NULL"
	};

	return registry_one_version(&query, NULL);
}

/* Return the latest applied version but this one, or 0. */
int64
migrate_registry_current_without(int64 version)
{
	static OwnerQuery query = {
		.sql = "SELECT max(version) FROM migrate.migration WHERE entry IS NOT NULL AND version <> $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		values[1] = {Int64GetDatum(version)};

	return registry_one_version(&query, values);
}

/* Return the version of a release, or 0. */
int64
migrate_registry_release(const char *release)
{
	static OwnerQuery query = {
		.sql = "SELECT version FROM migrate.migration WHERE release = $1",
		.nargs = 1,
		.argtypes = {TEXTOID}
	};
	Datum		values[1] = {CStringGetTextDatum(release)};

	return registry_one_version(&query, values);
}
