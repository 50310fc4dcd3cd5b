/*-------------------------------------------------------------------------
 *
 * plan.c
 *		Which migrations run, in which order.
 *
 * A plan is complete or refused: every step is judged before the first one
 * runs.  The views migrate.step_up and migrate.step_down are what
 * migrate_plan() shows, so what is shown is what is done.  Callers are
 * connected to SPI and hold the deploy lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "owner.h"
#include "plan.h"
#include "reach.h"
#include "registry.h"
#include "settings.h"

/* Read one row of a plan's query. */
static PlanStep *
plan_read_step(uint64 row, bool down)
{
	PlanStep   *step = palloc0(sizeof(PlanStep));
	bool		isnull;
	Datum		value;

	step->version = DatumGetInt64(migrate_owner_value(row, 1, &isnull));
	step->name = migrate_owner_text(row, 2);
	step->version_text = migrate_owner_text(row, 3);
	step->description = migrate_owner_text(row, 4);
	(void) migrate_owner_value(row, 5, &isnull);
	step->has_script = !isnull;
	(void) migrate_owner_value(row, 6, &isnull);
	step->has_obstacle = !isnull;
	step->author = migrate_owner_text(row, 7);
	value = migrate_owner_value(row, 8, &isnull);
	step->author_oid = isnull ? InvalidOid : DatumGetObjectId(value);
	value = migrate_owner_value(row, 9, &isnull);
	step->author_session_oid = isnull ? InvalidOid : DatumGetObjectId(value);
	value = migrate_owner_value(row, 10, &isnull);
	step->author_login_oid = isnull ? InvalidOid : DatumGetObjectId(value);
	if (down)
		return step;
	value = migrate_owner_value(row, 11, &isnull);
	step->out_of_order = !isnull && DatumGetBool(value);
	value = migrate_owner_value(row, 12, &isnull);
	step->unknown_requirement = isnull ? 0 : DatumGetInt64(value);
	return step;
}

/* Read the steps of a plan. */
static void
plan_read(MigratePlan *plan, OwnerQuery *query, int64 version)
{
	Datum		values[1] = {Int64GetDatum(version)};
	OwnerScope	scope;
	uint64		rows;

	migrate_owner_begin(&scope);
	rows = migrate_owner_run(query, values, NULL);
	for (uint64 row = 0; row < rows; row++)
		plan->steps = lappend(plan->steps, plan_read_step(row, plan->down));
	migrate_owner_free();
	migrate_owner_end(&scope);
}

/* Tell whether a name and OID of a role still belong together. */
static bool
plan_role_is(const char *name, Oid role)
{
	char	   *now = GetUserNameFromId(role, true);

	return now != NULL && strcmp(now, name) == 0;
}

/*
 * Refuse to run a script with privileges that who registered it does not have.
 *
 * Otherwise a role that may only register could wait for a superuser to apply.
 * A script can RESET ROLE and RESET SESSION AUTHORIZATION, so the roles that
 * these lead to count too.  A role is known by name and OID: after a rename, or
 * a restore into another cluster, it may be somebody else.
 */
static void
plan_check_author(const PlanStep *step)
{
	bool		known = plan_role_is(step->author, step->author_oid);

	if (known && step->author_oid == GetUserId() &&
		step->author_session_oid == migrate_reach_session() &&
		step->author_login_oid == migrate_reach_login())
		return;
	if (known && migrate_reach_caller(step->author_oid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 known ?
			 errmsg("migration " INT64_FORMAT " (%s) was registered by role \"%s\", which cannot become \"%s\"",
					step->version, step->name, step->author,
					GetUserNameFromId(migrate_reach_beyond(step->author_oid), false)) :
			 errmsg("migration " INT64_FORMAT " (%s) was registered by role \"%s\", which is not that role any more",
					step->version, step->name, step->author),
			 errdetail("Its script would run with privileges that its author may not have."),
			 errhint("Review the script, then register it again yourself.")));
}

/* Refuse a step whose script is missing. */
static void
plan_check_script(const PlanStep *step, bool down)
{
	if (step->has_script)
		return;
	if (down)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("migration " INT64_FORMAT " (%s) has no down script",
						step->version, step->name),
				 errhint("Read what migrate_generate_rollback(" INT64_FORMAT ") writes, and register it with migrate_register().",
						 step->version)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("migration " INT64_FORMAT " (%s) has no up script",
					step->version, step->name),
			 errhint("Register one with migrate_register() or migrate_register_file(), or forget the migration with migrate_unregister(" INT64_FORMAT ").",
					 step->version)));
}

/* Refuse a step that comes too late or too early. */
static void
plan_check_order(const PlanStep *step, int64 current)
{
	if (step->out_of_order && !migrate_out_of_order)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("migration " INT64_FORMAT " (%s) is older than the applied version " INT64_FORMAT,
						step->version, step->name, current),
				 errhint("Give it a later version, or SET migrate.out_of_order = on.")));
	if (step->unknown_requirement != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("migration " INT64_FORMAT " (%s) requires " INT64_FORMAT ", which is not registered",
						step->version, step->name, step->unknown_requirement),
				 errhint("Register version " INT64_FORMAT " first.", step->unknown_requirement)));
}

/*
 * Plan every pending migration up to a version (0 = all), or raise what stands
 * in the way of one.
 */
MigratePlan *
migrate_plan_up(int64 version)
{
	static OwnerQuery query = {
		.sql = "SELECT version, name, version_text, description, statements, obstacle,"
		" registered_by, registered_by_oid, registered_session_oid, registered_login_oid, out_of_order, unknown_requirement"
		" FROM migrate.step_up WHERE version <= $1 ORDER BY version",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	MigratePlan *plan = palloc0(sizeof(MigratePlan));
	int64		current;
	ListCell   *lc;

	if (version != 0)
	{
		RegistryMigration *target = migrate_registry_named(version);

		if (target->applied)
			ereport(NOTICE,
					(errmsg("migration " INT64_FORMAT " (%s) is already applied, skipping",
							version, target->name)));
	}
	plan_read(plan, &query, version != 0 ? version : PG_INT64_MAX);
	current = migrate_registry_current();
	foreach(lc, plan->steps)
	{
		PlanStep   *step = lfirst(lc);

		plan_check_order(step, current);
		plan_check_script(step, false);
		plan_check_author(step);
	}
	return plan;
}

/*
 * Plan the way down to a version (0 = roll back all, -1 = only the last one),
 * or raise what stands in the way of one.
 */
MigratePlan *
migrate_plan_down(int64 to_version)
{
	static OwnerQuery query = {
		.sql = "SELECT version, name, version_text, description, statements, obstacle,"
		" registered_by, registered_by_oid, registered_session_oid, registered_login_oid"
		" FROM migrate.step_down WHERE version > $1 ORDER BY version DESC",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	MigratePlan *plan = palloc0(sizeof(MigratePlan));
	ListCell   *lc;

	plan->down = true;
	if (to_version > 0 && !migrate_registry_named(to_version)->applied)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("migration " INT64_FORMAT " is not applied", to_version),
				 errhint("Name an applied version to return to, or 0 for none; see migrate_status().")));
	plan_read(plan, &query, to_version >= 0 ? to_version : migrate_registry_current() - 1);
	foreach(lc, plan->steps)
	{
		PlanStep   *step = lfirst(lc);

		plan_check_script(step, true);
		plan_check_author(step);
	}
	return plan;
}
