/*-------------------------------------------------------------------------
 *
 * outside.c
 *		Touch relations that are not ours.
 *
 * Some relations of others are kept in step with the ledger; they are found by
 * name, so anybody who may create a table could have put one there, with
 * triggers that wait for a caller with more privileges.  Therefore:
 *
 * - if the owner of the relation could act as the caller anyway, the caller
 *   touches it;
 * - otherwise, if the caller may act as the owner, the owner does, within a
 *   security-restricted operation;
 * - otherwise nobody does, and the caller is told.
 *
 * The caller's search_path stays, because triggers of the relation may need
 * it; the SQL that runs here qualifies every name.  migrate.lock_timeout holds,
 * since the deploy lock is held meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "outside.h"
#include "reach.h"
#include "settings.h"

/* Return the owner of a relation, or InvalidOid if it is no plain table. */
static Oid
outside_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	Oid			owner = InvalidOid;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE)
		owner = form->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Become who may safely touch a relation; false = nobody may, which a message of
 * this level says.  Ends with
 * migrate_outside_end(), or with the transaction's or subtransaction's abort.
 */
bool
migrate_outside_begin(Oid relid, int elevel, OutsideScope *scope)
{
	Oid			owner = outside_owner(relid);

	if (!OidIsValid(owner))
		return false;
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	if (!migrate_reach_caller(owner))
	{
		if (!has_privs_of_role(scope->userid, owner))
		{
			ereport(elevel,
					(errmsg("table \"%s\" belongs to role \"%s\" and is left alone",
							get_rel_name(relid), GetUserNameFromId(owner, false)),
					 errdetail("Its triggers would run with privileges that their author does not have."),
					 errhint("Give the table to a role of yours, or become a member of its owner.")));
			return false;
		}
		SetUserIdAndSecContext(owner, scope->sec_context |
							   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	}
	scope->guc_level = NewGUCNestLevel();
	migrate_settings_lock_timeout();
	return true;
}

/* Become the caller again. */
void
migrate_outside_end(const OutsideScope *scope)
{
	AtEOXact_GUC(false, scope->guc_level);
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
}

/*
 * Run one statement, in which every name is qualified, between begin and end;
 * the caller is connected to SPI.
 *
 * Rows are in SPI_tuptable, which the caller frees; returns their number, or
 * the number of rows changed.
 */
uint64
migrate_outside_run(const char *sql, int nargs, Oid *argtypes, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	int			rc = SPI_execute_with_args(sql, nargs, argtypes, values, NULL, false, 0);

	if (rc < 0)
		elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(rc));
	MemoryContextSwitchTo(context); /* SPI leaves its own */
	return SPI_processed;
}
