/*-------------------------------------------------------------------------
 *
 * owner.c
 *		Run the engine's own SQL as the owner of the extension.
 *
 * Invariants:
 *
 * - Only constant SQL on the tables of schema migrate runs raised; values are
 *   parameters.  Nothing of a user's (no script, no trigger, no function) runs
 *   between migrate_owner_begin() and migrate_owner_end().
 * - search_path is "pg_catalog, pg_temp" while raised: with pg_catalog alone a
 *   temporary table could stand in for a catalog.
 * - An error needs no clean-up here: the abort of the transaction or
 *   subtransaction puts user, security context and settings back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "commands/trigger.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "owner.h"

PG_FUNCTION_INFO_V1(migrate_owner_only);

/* Find the extension: its OID and owner, or false when it is not installed. */
static bool
owner_lookup(Oid *extension, Oid *owner)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum("migrate_ext"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		*extension = ((Form_pg_extension) GETSTRUCT(tuple))->oid;
		*owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* Return the OID of the extension, or InvalidOid: a script may have dropped it. */
Oid
migrate_extension_oid(void)
{
	Oid			extension;
	Oid			owner;

	return owner_lookup(&extension, &owner) ? extension : InvalidOid;
}

/* Pin the search_path until the nest level of settings ends. */
static void
owner_set_search_path(void)
{
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* Become the owner of the extension, with a search_path nobody can bend. */
void
migrate_owner_begin(OwnerScope *scope)
{
	Oid			extension;
	Oid			owner;

	if (!owner_lookup(&extension, &owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"migrate_ext\" is not installed in this database"),
				 errhint("Run CREATE EXTENSION migrate_ext.")));

	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	SetUserIdAndSecContext(owner,
						   scope->sec_context | SECURITY_LOCAL_USERID_CHANGE);
	scope->guc_level = NewGUCNestLevel();
	owner_set_search_path();
}

/* Become the caller again. */
void
migrate_owner_end(const OwnerScope *scope)
{
	AtEOXact_GUC(false, scope->guc_level);
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
}

/*
 * Run one constant statement; the caller is connected to SPI and raised.
 *
 * isnull may be NULL when no value is.  Rows are in SPI_tuptable, which the
 * caller frees; returns their number, or the number of rows changed.
 */
uint64
migrate_owner_run(OwnerQuery *query, Datum *values, const bool *isnull)
{
	MemoryContext context = CurrentMemoryContext;
	char		nulls[OWNER_MAX_ARGS];
	int			rc;

	if (query->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(query->sql, query->nargs, query->argtypes);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare \"%s\": %s", query->sql,
				 SPI_result_code_string(SPI_result));
		query->plan = plan;
	}

	for (int i = 0; i < query->nargs; i++)
		nulls[i] = (isnull != NULL && isnull[i]) ? 'n' : ' ';

	rc = SPI_execute_plan(query->plan, values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "could not run \"%s\": %s", query->sql,
			 SPI_result_code_string(rc));
	MemoryContextSwitchTo(context); /* SPI leaves its own */
	return SPI_processed;
}

/* Return one value of the last result; column counts from 1. */
Datum
migrate_owner_value(uint64 row, int column, bool *isnull)
{
	Assert(row < SPI_tuptable->numvals);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column, isnull);
}

/* Return one value of the last result as text, or NULL; column counts from 1. */
char *
migrate_owner_text(uint64 row, int column)
{
	Assert(row < SPI_tuptable->numvals);
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

/* Free the rows of the last result. */
void
migrate_owner_free(void)
{
	SPI_freetuptable(SPI_tuptable);
}

/* Turn a SHA-256 digest (NULL: none) into a parameter. */
Datum
migrate_owner_checksum(const uint8 *digest, bool *isnull)
{
	bytea	   *value;

	*isnull = digest == NULL;
	if (digest == NULL)
		return (Datum) 0;
	value = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	SET_VARSIZE(value, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	memcpy(VARDATA(value), digest, PG_SHA256_DIGEST_LENGTH);
	return PointerGetDatum(value);
}

/*
 * SQL: migrate.owner_only(), a trigger.  Refuse to write to the extension's
 * tables for all but their owner and superusers: scripts run with the
 * privileges of who applies them, so a general right to write data
 * (pg_write_all_data) must not reach them.
 */
Datum
migrate_owner_only(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("migrate.owner_only() was not called as a trigger")));
	if (GetUserId() != trigger->tg_relation->rd_rel->relowner && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to write to table \"%s\"",
						RelationGetRelationName(trigger->tg_relation)),
				 errhint("It is written by the functions of migrate_ext.")));
	return PointerGetDatum(NULL);
}
