/*-------------------------------------------------------------------------
 *
 * lintlive.c
 *		Rules of lint on what the server is doing now.
 *
 * Nothing here needs more than any role may know: that somebody holds a lock and
 * which process it is, as in pg_locks.  For how long is told to who may see it in
 * pg_stat_activity.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "replication/slot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "lint.h"
#include "predicting.h"

/* Who stands in the way of a lock. */
typedef struct LiveHolders
{
	int			count;
	int			pid;			/* of the one that is there for longest, or 0 */
	TransactionId prepared;		/* one that is prepared, or 0 */
	int			wraparound;		/* pid of a vacuum that does not give way, or
								 * 0 */
	int			autovacuum;		/* how many give way to whoever waits */
	int64		ms;				/* for how long; -1 = it is not known */
} LiveHolders;

/* Return for how many milliseconds a process has been in its transaction; -1 = not known. */
static int64
lintlive_age(int pid)
{
	int			count = pgstat_fetch_stat_numbackends();

	for (int i = 1; i <= count; i++)
	{
		const PgBackendStatus *status = compat_backend_status(i);

		if (status->st_procpid != pid)
			continue;
		if (status->st_xact_start_timestamp == 0 ||
			(!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) &&
			 !has_privs_of_role(GetUserId(), status->st_userid)))
			return -1;
		return TimestampDifferenceMilliseconds(status->st_xact_start_timestamp, GetCurrentTimestamp());
	}
	return -1;
}

/* Add one holder. */
static void
lintlive_holder(LiveHolders *holders, const VirtualTransactionId *transaction)
{
	PGPROC	   *process = compat_vxid_proc(transaction);
	int			pid = process == NULL || !compat_proc_is_in(process, transaction) ? 0 : process->pid;
	bool		more;
	int64		ms;

	if (pid == 0)
	{
		TransactionId prepared = TwoPhaseGetXidByVirtualXID(*transaction, &more);

		if (TransactionIdIsValid(prepared))
			holders->prepared = prepared;
		holders->count += TransactionIdIsValid(prepared);
		return;
	}
	if (process->statusFlags & PROC_VACUUM_FOR_WRAPAROUND)
		holders->wraparound = pid;
	else if (process->statusFlags & PROC_IS_AUTOVACUUM)
	{
		holders->autovacuum++;
		return;
	}
	ms = lintlive_age(pid);
	holders->count++;
	if (holders->pid == 0 || ms > holders->ms)
	{
		holders->pid = pid;
		holders->ms = ms;
	}
}

/* Find out who stands in the way of a lock. */
static LiveHolders
lintlive_holders(const PredictedRelation *relation)
{
	LiveHolders holders = {.ms = -1};
	VirtualTransactionId *transactions;
	LOCKTAG		tag;
	int			count;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relation->relid);
	transactions = GetLockConflicts(&tag, relation->mode, &count);
	if (count > 0)				/* see what they do now, not what they did
								 * before */
		pgstat_clear_backend_activity_snapshot();
	for (int i = 0; i < count; i++)
		lintlive_holder(&holders, &transactions[i]);
	return holders;
}

/* Say who stands in the way of a lock. */
static void
lintlive_conflict(LintStatement *statement, const PredictedRelation *relation)
{
	LiveHolders holders = lintlive_holders(relation);
	const char *name = get_rel_name(relation->relid);

	if (holders.wraparound != 0)
		migrate_lint_find(statement, LINT_WRAPAROUND_VACUUM_IN_PROGRESS, relation->relid,
						  "process %d vacuums %s to prevent wraparound, and does not give way", holders.wraparound, name);
	if (holders.count == 0)
		return;
	if (TransactionIdIsValid(holders.prepared))
		migrate_lint_find_waiting(statement, LINT_LOCK_CONFLICT_NOW, relation, 0,
								  "prepared transaction %u holds %s until somebody ends it", holders.prepared, name);
	else
		migrate_lint_find_waiting(statement, LINT_LOCK_CONFLICT_NOW, relation, Max(holders.ms, 0),
								  "process %d holds %s%s%s", holders.pid, name,
								  holders.ms < 0 ? "" : psprintf(", for " INT64_FORMAT " s so far", holders.ms / 1000),
								  holders.count == 1 ? "" : psprintf(", and %d more", holders.count - 1));
}

/* Tell whether the script has looked at a lock, or one as strong, already. */
static bool
lintlive_is_probed(LintCourse *course, const PredictedRelation *relation)
{
	bool		found;
	KeySetEntry *entry = keyset_insert(course->probed, relation->relid, &found);

	if (found && entry->value >= relation->mode)
		return true;
	entry->value = relation->mode;
	return false;
}

/* Return how large a table is with its indexes and what it stores out of line. */
static int64
lintlive_total_bytes(Oid relid)
{
	Relation	rel = migrate_prediction_open(relid);
	int64		bytes = Max(migrate_lint_bytes(relid), 0);
	ListCell   *lc;

	if (rel == NULL)
		return bytes;
	if (OidIsValid(rel->rd_rel->reltoastrelid))
		bytes += Max(migrate_lint_bytes(rel->rd_rel->reltoastrelid), 0);
	migrate_prediction_close(rel);
	foreach(lc, migrate_prediction_indexes(relid))
		bytes += Max(migrate_lint_bytes(lfirst_oid(lc)), 0);
	return bytes;
}

/* Count the replication slots: each keeps WAL until it has been read. */
static int
lintlive_slots(void)
{
	int			count = 0;

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
		count += ReplicationSlotCtl->replication_slots[i].in_use;
	LWLockRelease(ReplicationSlotControlLock);
	return count;
}

/* What a rewrite takes besides time. */
static void
lintlive_rewrite(LintStatement *statement, const PredictedRelation *relation)
{
	bool		logged = get_rel_persistence(relation->relid) == RELPERSISTENCE_PERMANENT && XLogIsNeeded();
	int			slots;
	char	   *size;

	if (get_rel_relkind(relation->relid) == RELKIND_INDEX || !migrate_lint_is_slow(relation))
		return;
	slots = logged ? lintlive_slots() : 0;
	size = TextDatumGetCString(DirectFunctionCall1(pg_size_pretty,
												   Int64GetDatum(lintlive_total_bytes(relation->relid))));
	migrate_lint_find(statement, LINT_REWRITE_RESOURCE_RISK, relation->relid,
					  "%s is written again: it takes about %s of disk until the end%s%s", get_rel_name(relation->relid), size,
					  logged ? ", and as much WAL" : "",
					  slots == 0 ? "" : psprintf(", which %d replication slots keep until it is read", slots));
}

/* Look at a statement. */
void
migrate_lint_live(LintStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (relation->relid >= FirstNormalObjectId && !lintlive_is_probed(&statement->lint->course, relation))
			lintlive_conflict(statement, relation);
		if (relation->rewrite)
			lintlive_rewrite(statement, relation);
	}
}
