/*-------------------------------------------------------------------------
 *
 * prune.c
 *		Give back the space of old backups and snapshots.
 *
 * Two snapshots always stay: the last one, with which the next is compared, and
 * the one that the records vouch for, which drift is measured against.
 *
 * Kept tables are dropped without running a command, so that no event trigger of
 * anybody's runs with the privileges of the extension's owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "deploy.h"
#include "keep.h"
#include "owner.h"

PG_FUNCTION_INFO_V1(migrate_backup_prune);
PG_FUNCTION_INFO_V1(migrate_snapshot_prune);

/* Drop a kept table, if it is there still; returns how much space it took. */
static int64
prune_table(const char *name)
{
	ObjectAddress table = {
		.classId = RelationRelationId,
		.objectId = get_relname_relid(name, migrate_keep_schema())
	};
	int64		bytes;

	if (!OidIsValid(table.objectId))
		return 0;
	LockRelationOid(table.objectId, AccessExclusiveLock);
	if (get_rel_relkind(table.objectId) != RELKIND_RELATION)
		return 0;
	bytes = DatumGetInt64(DirectFunctionCall1(pg_table_size, ObjectIdGetDatum(table.objectId)));
	performDeletion(&table, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	return bytes;
}

/* Drop the tables of backups that are older than an interval; returns their size. */
static int64
prune_tables(Datum older_than)
{
	static OwnerQuery query = {
		.sql = "SELECT kept_as FROM migrate.backup"
		" WHERE at OPERATOR(pg_catalog.<) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) $1)"
		" AND kept_as IS NOT NULL ORDER BY backup",
		.nargs = 1,
		.argtypes = {INTERVALOID}
	};
	uint64		count = migrate_owner_run(&query, &older_than, NULL);
	char	  **names = palloc(sizeof(char *) * Max(count, 1));
	int64		bytes = 0;

	for (uint64 i = 0; i < count; i++)
		names[i] = migrate_owner_text(i, 1);
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		bytes += prune_table(names[i]);
	}
	return bytes;
}

/* Return how many were removed, and their size, as a row. */
static Datum
prune_result(FunctionCallInfo fcinfo, int64 removed, int64 bytes)
{
	Datum		values[2] = {Int64GetDatum(removed), Int64GetDatum(bytes)};
	bool		isnull[2] = {false};
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull));
}

/*
 * SQL: migrate.backup_prune(older_than interval), returns how many backups were
 * removed and their size.
 */
Datum
migrate_backup_prune(PG_FUNCTION_ARGS)
{
	static OwnerQuery query = {
		.sql = "DELETE FROM migrate.backup"
		" WHERE at OPERATOR(pg_catalog.<) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) $1)",
		.nargs = 1,
		.argtypes = {INTERVALOID}
	};
	Datum		older_than = PG_GETARG_DATUM(0);
	OwnerScope	scope;
	int64		removed;
	int64		bytes;

	SPI_connect();
	migrate_deploy_begin("migrate_prune()");
	migrate_owner_begin(&scope);
	bytes = prune_tables(older_than);
	removed = migrate_owner_run(&query, &older_than, NULL);
	migrate_owner_end(&scope);
	migrate_deploy_end();
	SPI_finish();
	return prune_result(fcinfo, removed, bytes);
}

/* Remove definitions that no object version has any more; returns their size. */
static int64
prune_definitions(void)
{
	static OwnerQuery query = {
		.sql = "WITH gone AS (DELETE FROM migrate.definition d WHERE NOT EXISTS"
		"  (SELECT FROM migrate.object_version v WHERE v.digest OPERATOR(pg_catalog.=) d.digest)"
		"  RETURNING pg_catalog.pg_column_size(d.body) AS bytes)"
		" SELECT pg_catalog.sum(bytes)::bigint FROM gone"
	};
	Datum		bytes;
	bool		isnull;

	(void) migrate_owner_run(&query, NULL, NULL);
	bytes = migrate_owner_value(0, 1, &isnull);
	return isnull ? 0 : DatumGetInt64(bytes);
}

/*
 * SQL: migrate.snapshot_prune(older_than interval), returns how many snapshots
 * were removed, and the size of what only they consisted of.
 */
Datum
migrate_snapshot_prune(PG_FUNCTION_ARGS)
{
	static OwnerQuery snapshots = {
		.sql = "DELETE FROM migrate.snapshot WHERE at OPERATOR(pg_catalog.<) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) $1)"
		" AND snapshot OPERATOR(pg_catalog.<) (SELECT pg_catalog.max(k.snapshot) FROM migrate.snapshot k)"
		" AND NOT EXISTS (SELECT FROM migrate.vouched_snapshot v WHERE v.snapshot OPERATOR(pg_catalog.=) snapshot.snapshot)",
		.nargs = 1,
		.argtypes = {INTERVALOID}
	};
	static OwnerQuery versions = {
		.sql = "DELETE FROM migrate.object_version"
		" WHERE until OPERATOR(pg_catalog.<=) (SELECT pg_catalog.min(k.snapshot) FROM migrate.snapshot k)"
	};
	Datum		older_than = PG_GETARG_DATUM(0);
	OwnerScope	scope;
	int64		removed;
	int64		bytes = 0;

	SPI_connect();
	migrate_deploy_begin("migrate_prune()");
	migrate_owner_begin(&scope);
	removed = migrate_owner_run(&snapshots, &older_than, NULL);
	if (migrate_owner_run(&versions, NULL, NULL) > 0)
		bytes = prune_definitions();
	migrate_owner_end(&scope);
	migrate_deploy_end();
	SPI_finish();
	return prune_result(fcinfo, removed, bytes);
}
