/*-------------------------------------------------------------------------
 *
 * locktell.c
 *		What people are told about locks that a migration waits for.
 *
 * While it waits: pg_stat_activity, and a notice now and then.  When it gives up:
 * the lock, who is in the way, which statement needs it, and what to type.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "storage/proc.h"

#include "blocker.h"
#include "locktell.h"
#include "settings.h"

/* A refusal. */
typedef struct LockTellRefusal
{
	const LockPlanEntry *entry;
	LockTellReason reason;
} LockTellRefusal;

/* Return the name of the mode that an entry wants. */
static const char *
locktell_mode(const LockPlanEntry *entry)
{
	return GetLockmodeName(DEFAULT_LOCKMETHOD, entry->mode);
}

/* Show in pg_stat_activity what is waited for. */
void
migrate_locktell_activity(const LockPlanEntry *entry)
{
	char	   *what;

	if (!pgstat_track_activities)
		return;
	what = psprintf("migration " INT64_FORMAT " (%s) waits for %s on %s",
					entry->frame.version, entry->frame.name,
					locktell_mode(entry), entry->label);
	pgstat_report_activity(STATE_RUNNING, what);
	pfree(what);
}

/* Tell the client what is waited for, and for how long at most. */
void
migrate_locktell_waiting(const LockPlanEntry *entry, long seconds)
{
	BlockerReport report;

	migrate_blocker_report(entry->relid, entry->mode, &report);
	if (report.list[0] == '\0')
		return;
	ereport(NOTICE,
			(errmsg("migration " INT64_FORMAT " waits for %s on %s, for at most %ld s more",
					entry->frame.version, locktell_mode(entry), entry->label, seconds),
			 errdetail("%s", report.list),
			 report.command ? errhint("To end what is in the way: %s.", report.command) : 0));
}

/* Return what to do about a lock that is not to be had. */
static char *
locktell_advice(LockTellReason reason, const BlockerReport *report)
{
	char	   *end = report->command ? psprintf(", or end what is in the way: %s", report->command) : "";

	if (reason == LOCKTELL_KEEPS_OUT)
		return psprintf("It was tried once only, because this transaction keeps others out of relations itself. Commit that first%s.",
						end);
	if (reason == LOCKTELL_STATEMENT_TIMEOUT)
		return psprintf("Nothing was changed. There was no time left before statement_timeout (now %d ms). Try again when it is quieter, raise it%s.",
						StatementTimeout, end);
	return psprintf("Nothing was changed. Try again when it is quieter, raise migrate.lock_patience (now %d ms)%s.",
					migrate_lock_patience, end);
}

/* Raise what a lock that is not to be had raises. */
static void
locktell_refuse(const LockPlanEntry *entry, LockTellReason reason, const BlockerReport *report)
{
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("could not get %s on %s",
					locktell_mode(entry), entry->label),
			 errdetail("%s", report->list[0] ? report->list : "What was in the way has just ended."),
			 errhint("%s", locktell_advice(reason, report))));
}

/* Raise what a vacuum against wraparound raises. */
static void
locktell_refuse_wraparound(const LockPlanEntry *entry, const BlockerReport *report)
{
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("%s is being vacuumed to prevent transaction ID wraparound", entry->label),
			 errdetail("%s", report->list),
			 errhint("Such a vacuum does not give way. Nothing was changed; try again when it has ended: pg_stat_progress_vacuum shows how far it is.")));
}

/* Give up. */
static void
locktell_give_up(void *arg)
{
	LockTellRefusal *refusal = (LockTellRefusal *) arg;
	BlockerReport report;

	migrate_blocker_report(refusal->entry->relid, refusal->entry->mode, &report);
	if (refusal->reason == LOCKTELL_WRAPAROUND)
		locktell_refuse_wraparound(refusal->entry, &report);
	locktell_refuse(refusal->entry, refusal->reason, &report);
}

/* Raise that a lock is not to be had, at the statement that needs it. */
void
migrate_locktell_refuse(const LockPlanEntry *entry, LockTellReason reason)
{
	LockTellRefusal refusal = {.entry = entry, .reason = reason};
	PositionFrame frame = entry->frame;

	migrate_position_guard(&frame, locktell_give_up, &refusal, NULL);
}
