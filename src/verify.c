/*-------------------------------------------------------------------------
 *
 * verify.c
 *		Hold the schema against what it should be: what the last entry of the
 *		ledger has left, before a deployment (drift); the snapshot from before
 *		the up script, after a rollback.
 *
 * What an object should be after a rollback is what it was before the up script
 * if nothing else changed it since; what it was right before the rollback if the
 * up script had not touched it (then somebody else has); and what it was before
 * the up script otherwise, which then is reported for a person to judge.  The
 * function migrate.rollback_difference() says so in SQL.
 *
 * A difference in column order alone is told but never refused: no down script
 * can bring a dropped column back to its place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"

#include "ledger.h"
#include "owner.h"
#include "registry.h"
#include "settings.h"
#include "snapshot.h"
#include "verify.h"

#define VERIFY_SHOWN 10			/* differences that a message lists */

/* Differences, as a message shows them. */
typedef struct VerifyDifferences
{
	uint64		count;
	bool		only_order;		/* of columns */
	char	   *list;			/* lines */
} VerifyDifferences;

/* Read differences: column 1 is a line of text, column 2 the change. */
static void
verify_read(OwnerQuery *query, Datum *values, VerifyDifferences *differences)
{
	OwnerScope	scope;
	StringInfoData buf;

	initStringInfo(&buf);
	migrate_owner_begin(&scope);
	differences->count = migrate_owner_run(query, values, NULL);
	differences->only_order = differences->count > 0;
	for (uint64 row = 0; row < differences->count; row++)
	{
		if (strcmp(migrate_owner_text(row, 2), "moved") != 0)
			differences->only_order = false;
		if (row < VERIFY_SHOWN)
			appendStringInfo(&buf, "%s%s", row ? "\n" : "", migrate_owner_text(row, 1));
	}
	if (differences->count > VERIFY_SHOWN)
		appendStringInfo(&buf, "\nand " UINT64_FORMAT " more", differences->count - VERIFY_SHOWN);
	migrate_owner_free();
	migrate_owner_end(&scope);
	differences->list = buf.data;
}

/* Read what differs between two snapshots. */
static void
verify_read_between(int64 from, int64 to, VerifyDifferences *differences)
{
	static OwnerQuery query = {
		.sql = "SELECT migrate.difference_text(d.kind, d.object, d.change, d.before, d.after), d.change"
		" FROM migrate.snapshot_difference($1, $2) d",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID}
	};
	Datum		values[2] = {Int64GetDatum(from), Int64GetDatum(to)};

	verify_read(&query, values, differences);
}

/* Put drift on the record: what differs between two snapshots. */
static void
verify_accept_drift(int64 from, int64 to, const VerifyDifferences *differences)
{
	LedgerEntry entry = {
		.version = migrate_registry_current(),
		.name = "drift",
		.event = "drift accepted",
		.statements = -1,
		.snapshot_before = from,
		.snapshot_after = to,
		.reason = differences->list,
	};

	(void) migrate_ledger_append(&entry);
}

/*
 * Take the first snapshot of a deployment and return its number.  What differs
 * from the schema that the records vouch for is drift: refused, told or put on
 * the record, as migrate.drift says.  A snapshot taken by hand vouches for
 * nothing.
 */
int64
migrate_verify_drift(void)
{
	int64		now = migrate_snapshot_begin();
	int64		vouched = migrate_ledger_vouched_snapshot();
	VerifyDifferences differences;
	SettingsDrift policy = migrate_settings_drift();

	if (vouched == 0 || migrate_snapshot_equal(vouched, now))
		return now;
	verify_read_between(vouched, now, &differences);
	if (differences.count == 0)
		return now;
	if (policy == SETTINGS_DRIFT_ACCEPT)
		verify_accept_drift(vouched, now, &differences);
	ereport(policy == SETTINGS_DRIFT_REFUSE ? ERROR :
			policy == SETTINGS_DRIFT_WARN ? WARNING : NOTICE,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the schema was changed outside of migrations"),
			 errdetail("%s", differences.list),
			 policy == SETTINGS_DRIFT_ACCEPT ?
			 errhint("The change is recorded in the ledger.") :
			 errhint("Undo the change or write a migration of it; SET migrate.drift = 'accept' records it as it is.")));
	return now;
}

/*
 * Compare the schema after a down script with what it was before the up script.
 * Raises what differs, or warns, as migrate.rollback_verify says; then returns
 * it as a text for the ledger, otherwise NULL.
 */
char *
migrate_verify_rollback(const VerifyRollback *rollback)
{
	static OwnerQuery query = {
		.sql = "SELECT migrate.difference_text(d.kind, d.object, d.change, d.before, d.after), d.change"
		" FROM migrate.rollback_difference($1, $2, $3, $4) d",
		.nargs = 4,
		.argtypes = {INT8OID, INT8OID, INT8OID, INT8OID}
	};
	Datum		values[4] = {Int64GetDatum(rollback->before_up), Int64GetDatum(rollback->after_up),
	Int64GetDatum(rollback->before_down), Int64GetDatum(rollback->after_down)};
	VerifyDifferences differences;

	if (rollback->before_up == 0 || rollback->after_up == 0 ||
		migrate_snapshot_equal(rollback->before_up, rollback->after_down))
		return NULL;
	verify_read(&query, values, &differences);
	if (differences.count == 0)
		return NULL;
	if (differences.only_order)
		ereport(NOTICE,
				(errmsg("the order of columns is not what it was before migration " INT64_FORMAT " (%s)",
						rollback->version, rollback->name),
				 errdetail("%s", differences.list)));
	else
		ereport(migrate_rollback_verify == SETTINGS_VERIFY_STRICT ? ERROR : WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the down script of migration " INT64_FORMAT " (%s) does not bring back the schema from before its up script",
						rollback->version, rollback->name),
				 errdetail("%s", differences.list),
				 errhint("Complete the down script, or register what migrate_generate_rollback(" INT64_FORMAT ") writes; SET migrate.rollback_verify = 'warn' rolls back all the same.",
						 rollback->version)));
	return psprintf("the schema differs from before the up script:\n%s", differences.list);
}
