/*-------------------------------------------------------------------------
 *
 * outside.c
 *		Touch relations that are not ours.
 *
 * Some tables of others are kept in step with the ledger; they are found by
 * name, so anybody who may create a table could have put one there, with
 * triggers that wait for a caller with more privileges.  Therefore:
 *
 * - if the owner of the table could act as the caller anyway, the caller touches
 *   it;
 * - otherwise, if the caller may act as the owner, the owner does, within a
 *   security-restricted operation;
 * - otherwise nobody does, and the caller is told.  So it is if a trigger of the
 *   table is somebody's who could not act as the one who touches it, or if the
 *   table has children: they may be anybody's.
 *
 * The table is judged and touched under one lock, and what runs is checked to
 * be on that very table: names can come to mean another one while a lock is
 * waited for.  The caller's search_path stays, because triggers of the table may
 * need it; the SQL that runs here qualifies every name.  migrate.lock_timeout
 * holds, since the deploy lock is held meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "outside.h"
#include "reach.h"
#include "settings.h"

/* Tell whether what a role wrote may run as the one who touches the table. */
static bool
outside_trusts(Oid role, Oid user, bool is_caller)
{
	return is_caller ? migrate_reach_caller(role) : compat_can_set_role(role, user);
}

/* Return the owner of a function. */
static Oid
outside_function_owner(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* Tell whether all triggers of a table may run as the one who touches it. */
static bool
outside_trusts_triggers(Relation rel, Oid user, bool is_caller)
{
	TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (!trigger->tgisinternal &&
			!outside_trusts(outside_function_owner(trigger->tgfoid), user, is_caller))
			return false;
	}
	return true;
}

/* Judge a locked table; returns who shall touch it, or InvalidOid for nobody. */
static Oid
outside_judge(Relation rel, Oid caller)
{
	Oid			owner = rel->rd_rel->relowner;
	bool		is_caller = migrate_reach_caller(owner);
	Oid			user = is_caller ? caller : owner;

	if (!is_caller && !has_privs_of_role(caller, owner))
		return InvalidOid;
	if (!outside_trusts_triggers(rel, user, is_caller))
		return InvalidOid;
	if (rel->rd_rel->relhassubclass &&
		find_inheritance_children(RelationGetRelid(rel), NoLock) != NIL)
		return InvalidOid;
	return user;
}

/*
 * Lock a table and become who may safely touch it; false = there is no plain
 * table of this OID, or nobody may, which a message of this level says.  Ends
 * with migrate_outside_end(), or with the transaction's or subtransaction's
 * abort; the lock stays.
 */
bool
migrate_outside_begin(Oid relid, int elevel, OutsideScope *scope)
{
	Relation	rel;
	Oid			user = InvalidOid;

	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	scope->relid = relid;
	scope->guc_level = NewGUCNestLevel();
	migrate_settings_lock_timeout();
	rel = try_relation_open(relid, RowExclusiveLock);
	if (rel != NULL && rel->rd_rel->relkind == RELKIND_RELATION)
	{
		user = outside_judge(rel, scope->userid);
		if (!OidIsValid(user))
			ereport(elevel,
					(errmsg("table \"%s\" of role \"%s\" is left alone",
							RelationGetRelationName(rel),
							GetUserNameFromId(rel->rd_rel->relowner, false)),
					 errdetail("The table, one of its triggers or one of its children belongs to a role that could not act as yours."),
					 errhint("Give the table and its trigger functions to a role of yours, or become a member of the owner.")));
	}
	if (rel != NULL)
		relation_close(rel, NoLock);
	if (!OidIsValid(user))
	{
		AtEOXact_GUC(false, scope->guc_level);
		return false;
	}
	if (user != scope->userid)
		SetUserIdAndSecContext(user, scope->sec_context |
							   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
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
 * Tell whether a column is there, of a type that comes with the server (whose
 * casts are nobody's), and ours to write.
 */
bool
migrate_outside_column(Oid relid, const char *column)
{
	HeapTuple	tuple = SearchSysCacheAttName(relid, column);
	bool		plain;

	if (!HeapTupleIsValid(tuple))
		return false;
	plain = ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid < FirstNormalObjectId &&
		((Form_pg_attribute) GETSTRUCT(tuple))->attgenerated == '\0' &&
		((Form_pg_attribute) GETSTRUCT(tuple))->attidentity == '\0';
	ReleaseSysCache(tuple);
	return plain;
}

/*
 * Run one statement on the table, in which every name is qualified, between
 * begin and end; the caller is connected to SPI.
 *
 * Rows are in SPI_tuptable, which the caller frees; returns their number, or
 * the number of rows changed.
 */
uint64
migrate_outside_run(const OutsideScope *scope, const char *sql, int nargs,
					Oid *argtypes, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	SPIPlanPtr	plan = SPI_prepare(sql, nargs, argtypes);
	CachedPlanSource *source;
	int			rc;

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
	source = linitial(SPI_plan_get_plan_sources(plan));
	if (!list_member_oid(source->relationOids, scope->relid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("table was replaced while it was waited for"),
				 errhint("Try again.")));
	rc = SPI_execute_plan(plan, values, NULL, false, 0);
	if (rc < 0)
		elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(rc));
	SPI_freeplan(plan);
	MemoryContextSwitchTo(context); /* SPI leaves its own */
	return SPI_processed;
}
