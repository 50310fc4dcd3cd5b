/*-------------------------------------------------------------------------
 *
 * roundtrip.c
 *		Rehearse up, and as an option down and up again.
 *
 * After each down script the schema is compared with what it was before its up
 * script; after the second up script, with what it was after the first.  What
 * differs is told, whatever migrate.rollback_verify says.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "owner.h"
#include "registry.h"
#include "restoreitem.h"
#include "roundtrip.h"
#include "settings.h"
#include "snapshot.h"

/* Refuse a round trip that cannot be judged, or would take others along. */
void
migrate_roundtrip_check(const MigratePlan *plan)
{
	ListCell   *lc;

	if (!migrate_snapshots)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a round trip needs snapshots"),
				 errhint("SET migrate.snapshots = on.")));
	foreach(lc, plan->steps)
	{
		const PlanStep *step = lfirst(lc);

		if (step->out_of_order)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("migration " INT64_FORMAT " (%s) is older than an applied one, so it cannot make a round trip",
							step->version, step->name),
					 errdetail("The way down would roll back the later ones first.")));
	}
}

/* Tell whether a difference was told before: what one step leaves, others find. */
static bool
roundtrip_told(const Rehearsal *rehearsal, const char *text)
{
	ListCell   *lc;

	foreach(lc, rehearsal->notes)
	{
		if (strcmp(((RehearseNote *) lfirst(lc))->text, text) == 0)
			return true;
	}
	return false;
}

/* Tell what differs between two snapshots. */
static void
roundtrip_compare(Rehearsal *rehearsal, int64 expected, int64 found)
{
	static OwnerQuery query = {
		.sql = "SELECT migrate.difference_text(d.kind, d.object, d.change, d.before, d.after)"
		" FROM migrate.snapshot_difference($1, $2) d",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID}
	};
	Datum		values[2] = {Int64GetDatum(expected), Int64GetDatum(found)};
	RehearseNote note = {
		.version = rehearsal->version,
		.direction = rehearsal->direction,
		.command = "round trip",
	};
	OwnerScope	scope;
	uint64		rows;

	if (migrate_snapshot_equal(expected, found))
		return;
	migrate_owner_begin(&scope);
	rows = migrate_owner_run(&query, values, NULL);
	for (uint64 row = 0; row < rows; row++)
	{
		note.text = migrate_owner_text(row, 1);
		if (!roundtrip_told(rehearsal, note.text))
			migrate_rehearse_note(rehearsal, &note);
	}
	migrate_owner_free();
	migrate_owner_end(&scope);
}

/* Go down again; before are the snapshots before each step up. */
static void
roundtrip_down(Rehearsal *rehearsal, int64 start, const int64 *before, int count)
{
	EngineRun  *engine = &rehearsal->engine;
	MigratePlan *plan;
	ListCell   *lc;

	rehearsal->direction = "down";
	plan = migrate_plan_down(start);
	if (list_length(plan->steps) != count)
		elog(ERROR, "the way down has %d steps, the way up %d", list_length(plan->steps), count);
	engine->down = true;
	engine->restores = migrate_restoreitem_any(true);
	foreach(lc, plan->steps)
	{
		migrate_rehearse_step(rehearsal, lfirst(lc), "down");
		roundtrip_compare(rehearsal, before[--count], engine->snapshot);
	}
}

/* Go up once more; after are the snapshots after each step up. */
static void
roundtrip_up(Rehearsal *rehearsal, const int64 *after)
{
	EngineRun  *engine = &rehearsal->engine;
	MigratePlan *plan;
	ListCell   *lc;

	rehearsal->direction = "up";
	plan = migrate_plan_up(rehearsal->target);
	engine->down = false;
	engine->restores = migrate_restoreitem_any(false);
	foreach(lc, plan->steps)
	{
		migrate_rehearse_step(rehearsal, lfirst(lc), "up");
		roundtrip_compare(rehearsal, *after++, engine->snapshot);
	}
}

/* Rehearse a plan, with the way down and up again if that is asked for. */
void
migrate_roundtrip_run(Rehearsal *rehearsal, const MigratePlan *plan)
{
	int			count = list_length(plan->steps);
	int64	   *before = palloc(sizeof(int64) * count);
	int64	   *after = palloc(sizeof(int64) * count);
	int64		start = migrate_registry_current();
	ListCell   *lc;

	foreach(lc, plan->steps)
	{
		before[foreach_current_index(lc)] = rehearsal->engine.snapshot;
		migrate_rehearse_step(rehearsal, lfirst(lc), "up");
		after[foreach_current_index(lc)] = rehearsal->engine.snapshot;
	}
	if (!rehearsal->round_trip)
		return;
	roundtrip_down(rehearsal, start, before, count);
	roundtrip_up(rehearsal, after);
}
