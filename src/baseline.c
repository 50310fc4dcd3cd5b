/*-------------------------------------------------------------------------
 *
 * baseline.c
 *		Put on the record what no script of ours has done: migrations that are
 *		applied already, and scripts that changed since.
 *
 * All of it is written under the deploy lock.  A version that nobody
 * registered gets a migration without scripts; the script registered for it
 * later counts as the one that was applied.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "argument.h"
#include "baseline.h"
#include "deploy.h"
#include "layout.h"
#include "ledger.h"
#include "owner.h"
#include "registry.h"
#include "schema_version.h"
#include "settings.h"
#include "snapshot.h"
#include "supabase.h"

PG_FUNCTION_INFO_V1(migrate_baseline);
PG_FUNCTION_INFO_V1(migrate_repair);

/*
 * Return the migration of a version; one that nobody registered is made here,
 * without scripts.
 */
static RegistryMigration *
baseline_find(const BaselineVersion *baseline)
{
	RegistryMigration *stored = migrate_registry_find(baseline->version);

	if (stored != NULL)
		return stored;
	migrate_layout_check_name(baseline->name);
	/* If somebody is faster, that one's name and script count. */
	(void) migrate_registry_insert(baseline->version, baseline->name,
								   baseline->version_text);
	return migrate_registry_find(baseline->version);
}

/*
 * Take a snapshot for what will be marked: what was done by hand counts from here
 * on, and is no drift.
 */
void
migrate_baseline_open(BaselineRecord *record)
{
	record->snapshot = 0;
	if (!migrate_snapshots)
		return;
	record->snapshot = migrate_snapshot_begin();
	migrate_snapshot_end();
}

/* Mark one version; returns whether it was not applied before. */
int
migrate_baseline_mark(const BaselineVersion *baseline, const BaselineRecord *record)
{
	RegistryMigration *stored = baseline_find(baseline);
	LedgerEntry entry = {
		.version = stored->version,
		.name = stored->name,
		.event = "baselined",
		.statements = -1,
		.snapshot_after = record->snapshot,
		.reason = record->reason,
	};
	Script		script = {0};
	bool		known = stored->up.checksums.known;

	if (stored->applied)
		return 0;
	if (known)
	{
		memcpy(script.checksum, stored->up.checksums.text, sizeof(script.checksum));
		memcpy(script.token_checksum, stored->up.checksums.tokens, sizeof(script.token_checksum));
		entry.checksum = script.checksum;
		entry.token_checksum = script.token_checksum;
	}
	migrate_registry_mark(stored->version, migrate_ledger_append(&entry),
						  known ? &script : NULL);
	migrate_supabase_add(stored->version_text, stored->name, NULL);
	return 1;
}

/* Mark every registered version up to this one; returns how many were. */
int
migrate_baseline_below(int64 version, const BaselineRecord *record)
{
	static OwnerQuery query = {
		.sql = "SELECT version, version_text, name FROM migrate.step_up"
		" WHERE version <= $1 ORDER BY version",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		values[1] = {Int64GetDatum(version)};
	OwnerScope	scope;
	uint64		rows;
	BaselineVersion *pending;
	int			marked = 0;

	migrate_owner_begin(&scope);
	rows = migrate_owner_run(&query, values, NULL);
	pending = palloc0(sizeof(BaselineVersion) * (rows + 1));
	for (uint64 row = 0; row < rows; row++)
	{
		bool		isnull;

		pending[row].version = DatumGetInt64(migrate_owner_value(row, 1, &isnull));
		pending[row].version_text = migrate_owner_text(row, 2);
		pending[row].name = migrate_owner_text(row, 3);
	}
	migrate_owner_free();
	migrate_owner_end(&scope);

	for (uint64 row = 0; row < rows; row++)
		marked += migrate_baseline_mark(&pending[row], record);
	return marked;
}

/* Make schema_version say what is applied now. */
void
migrate_baseline_settle(const char *description)
{
	SchemaVersion before = {.known = false};
	SchemaVersionGoal goal = {.current = migrate_registry_current()};

	goal.own = goal.current;
	goal.down = false;
	goal.description = description;
	migrate_schema_version_settle(&before, &goal);
}

/* SQL: migrate_baseline(version, description DEFAULT NULL) */
Datum
migrate_baseline(PG_FUNCTION_ARGS)
{
	BaselineVersion baseline = {.version = migrate_argument_version(fcinfo, 0, 1)};
	char	   *description = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	BaselineRecord record = {.reason = description};
	int			marked;

	SPI_connect();
	migrate_deploy_begin("migrate_baseline()");
	migrate_baseline_open(&record);
	baseline.version_text = psprintf(INT64_FORMAT, baseline.version);
	baseline.name = "baseline";
	marked = migrate_baseline_below(baseline.version, &record);
	marked += migrate_baseline_mark(&baseline, &record);
	migrate_baseline_settle(description ? description : "baseline");
	migrate_deploy_end();
	SPI_finish();
	PG_RETURN_INT32(marked);
}

/* SQL: migrate_repair(version, reason) */
Datum
migrate_repair(PG_FUNCTION_ARGS)
{
	int64		version = migrate_argument_version(fcinfo, 0, 1);
	LedgerEntry entry = {.version = version, .event = "repaired", .statements = -1};
	RegistryMigration *stored;
	char	   *reason = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (reason == NULL || strspn(reason, " \t\r\n") == strlen(reason))
		ereport(ERROR,
				(errcode(reason ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a repair needs a reason"),
				 errhint("It is recorded in the ledger: migrate_repair(" INT64_FORMAT ", 'typo in a default').",
						 version)));
	SPI_connect();
	migrate_deploy_begin("migrate_repair()");
	stored = migrate_registry_named(version);
	if (!stored->applied)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("migration " INT64_FORMAT " (%s) is not applied", version, stored->name),
				 errhint("Its script can be registered again without a repair.")));
	entry.name = stored->name;
	entry.reason = reason;
	(void) migrate_ledger_append(&entry);
	migrate_registry_accept(version, NULL);
	migrate_deploy_end();
	SPI_finish();
	PG_RETURN_VOID();
}
