/*-------------------------------------------------------------------------
 *
 * lintsecurity.c
 *		Rules of lint on row security and grants.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_policy.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "lint.h"
#include "predicting.h"

/* Tell whether row security of a table is on, and whether for its owner too. */
static bool
lintsecurity_is_on(Oid relid, bool *forced)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		on;

	*forced = false;
	if (!HeapTupleIsValid(tuple))
		return false;
	on = ((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity;
	*forced = ((Form_pg_class) GETSTRUCT(tuple))->relforcerowsecurity;
	ReleaseSysCache(tuple);
	return on;
}

/* Tell whether a table has a policy that lets rows through, by now. */
static bool
lintsecurity_has_policy(const LintStatement *statement, Oid relid)
{
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		has = list_member_oid(statement->lint->policies, relid);

	rel = table_open(PolicyRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_policy_polrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, PolicyPolrelidPolnameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_policy policy = (Form_pg_policy) GETSTRUCT(tuple);

		has |= policy->polpermissive &&
			!migrate_lint_is_dropped(statement->lint, PolicyRelationId, policy->oid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return has;
}

/* Row security goes on or off. */
static void
lintsecurity_switch(LintStatement *statement, Oid relid, AlterTableType command)
{
	bool		forced;
	bool		on = lintsecurity_is_on(relid, &forced);
	const char *message = NULL;

	switch (command)
	{
		case AT_EnableRowSecurity:
			if (!on)
				message = lintsecurity_has_policy(statement, relid) ?
					"queries of %s see only the rows that its policies let through" :
					"nobody but the owner of %s sees a row of it: it has no policy";
			break;
		case AT_DisableRowSecurity:
			if (on)
				message = "whoever may read %s sees all its rows";
			break;
		case AT_ForceRowSecurity:
			if (!forced)
				message = "the policies of %s hold for its owner, too";
			break;
		case AT_NoForceRowSecurity:
			if (forced)
				message = "the policies of %s no longer hold for its owner";
			break;
		default:
			break;
	}
	if (message != NULL)
		migrate_lint_find(statement, LINT_ROW_SECURITY_CHANGE, relid, message, get_rel_name(relid));
}

/* ALTER TABLE */
static void
lintsecurity_alter(LintStatement *statement, const AlterTableStmt *alter)
{
	LintTarget	target = migrate_lint_target(statement, alter->relation);
	ListCell   *lc;

	foreach(lc, OidIsValid(target.relid) ? alter->cmds : NIL)
		lintsecurity_switch(statement, target.relid, lfirst_node(AlterTableCmd, lc)->subtype);
}

/* A policy of a table comes, changes or goes. */
static void
lintsecurity_policy(LintStatement *statement, Oid relid, const char *does)
{
	bool		forced;

	if (OidIsValid(relid) && lintsecurity_is_on(relid, &forced))
		migrate_lint_find(statement, LINT_ROW_SECURITY_CHANGE, relid,
						  "which rows of %s are seen and written changes: a policy %s", get_rel_name(relid), does);
}

/* CREATE POLICY */
static void
lintsecurity_create(LintStatement *statement, const CreatePolicyStmt *policy)
{
	LintTarget	target = migrate_lint_target(statement, policy->table);
	ListCell   *lc;

	if (!OidIsValid(target.relid))
		return;
	lintsecurity_policy(statement, target.relid, "is added");
	if (!policy->permissive)
		return;
	/* an earlier statement of the script turned row security on */
	foreach(lc, statement->lint->findings)
	{
		LintFinding *finding = lfirst(lc);

		if (finding->rule == LINT_ROW_SECURITY_CHANGE && finding->relid == target.relid &&
			strstr(finding->message, "has no policy") != NULL)
			finding->message = psprintf("queries of %s see only the rows that its policies let through",
										get_rel_name(target.relid));
	}
	statement->lint->policies = list_append_unique_oid(statement->lint->policies, target.relid);
}

/* DROP POLICY */
static void
lintsecurity_drop(LintStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->prediction->dropped)
	{
		PredictedDrop *drop = lfirst(lc);

		if (drop->way == PREDICTED_DROP_NAMED && drop->object.classId == PolicyRelationId)
			lintsecurity_policy(statement, migrate_predict_holder(&drop->object, NULL), "goes");
	}
}

/* Tell whether PUBLIC is among some roles. */
static bool
lintsecurity_has_public(List *roles)
{
	ListCell   *lc;

	foreach(lc, roles)
		if (lfirst_node(RoleSpec, lc)->roletype == ROLESPEC_PUBLIC)
		return true;
	return false;
}

/* Write the privileges of a GRANT. */
static char *
lintsecurity_privileges(List *privileges)
{
	StringInfoData names;
	ListCell   *lc;

	if (privileges == NIL)
		return "all privileges";
	initStringInfo(&names);
	foreach(lc, privileges)
	{
		const char *name = lfirst_node(AccessPriv, lc)->priv_name;
		char	   *upper = asc_toupper(name == NULL ? "all" : name, name == NULL ? 3 : strlen(name));

		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", upper);
	}
	return names.data;
}

/* GRANT ... TO PUBLIC */
static void
lintsecurity_grant(LintStatement *statement, const GrantStmt *grant, bool future)
{
	char	   *privileges;
	ListCell   *lc;

	if (!grant->is_grant || !lintsecurity_has_public(grant->grantees))
		return;
	privileges = lintsecurity_privileges(grant->privileges);
	if (future || grant->targtype != ACL_TARGET_OBJECT ||
		(grant->objtype != OBJECT_TABLE && grant->objtype != OBJECT_SEQUENCE))
	{
		migrate_lint_find(statement, LINT_OVERBROAD_GRANT, InvalidOid,
						  future ? "every role, also one to come, gets %s on what is made later" :
						  "every role, also one to come, gets %s", privileges);
		return;
	}
	foreach(lc, grant->objects)
	{
		LintTarget	target = migrate_lint_target(statement, lfirst_node(RangeVar, lc));

		migrate_lint_find(statement, LINT_OVERBROAD_GRANT, target.relid,
						  "every role, also one to come, gets %s on %s", privileges, target.name);
	}
}

/* Look at a statement. */
void
migrate_lint_security(LintStatement *statement)
{
	Node	   *node = statement->node;

	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			lintsecurity_alter(statement, (AlterTableStmt *) node);
			break;
		case T_CreatePolicyStmt:
			lintsecurity_create(statement, (CreatePolicyStmt *) node);
			break;
		case T_AlterPolicyStmt:
			lintsecurity_policy(statement, migrate_lint_target(statement, ((AlterPolicyStmt *) node)->table).relid,
								"changes");
			break;
		case T_DropStmt:
			lintsecurity_drop(statement);
			break;
		case T_GrantStmt:
			lintsecurity_grant(statement, (GrantStmt *) node, false);
			break;
		case T_AlterDefaultPrivilegesStmt:
			lintsecurity_grant(statement, ((AlterDefaultPrivilegesStmt *) node)->action, true);
			break;
		default:
			break;
	}
}
