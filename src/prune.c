/*-------------------------------------------------------------------------
 *
 * prune.c
 *		Give back the space of old backups.
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
	TupleDesc	desc;
	OwnerScope	scope;
	Datum		values[2];
	bool		isnull[2] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	SPI_connect();
	migrate_deploy_begin("migrate_prune()");
	migrate_owner_begin(&scope);
	values[1] = Int64GetDatum(prune_tables(older_than));
	values[0] = Int64GetDatum((int64) migrate_owner_run(&query, &older_than, NULL));
	migrate_owner_end(&scope);
	migrate_deploy_end();
	SPI_finish();
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull));
}
