/*-------------------------------------------------------------------------
 *
 * lockphase.c
 *		Lock what a plan will change, before it changes anything.
 *
 * A lock request that waits keeps out everybody who comes after it, readers
 * included, and a migration that waits for a second lock keeps out everybody
 * from the first.  Invariants:
 *
 * - All locks are taken in one subtransaction before the first statement runs.
 *   While one of them is waited for, none of the others is held; the others are
 *   taken only where nobody is in the way.  So this phase is part of no
 *   deadlock, whatever order others lock in.
 * - A wait in a lock's queue lasts at most migrate.lock_timeout; then the
 *   subtransaction is rolled back.  Nothing is held while asleep.
 * - After a wait in vain the queue is entered again only when those who held
 *   the lock all the time have gone, which is seen without touching the lock.
 *   So one long transaction makes others wait once, not at every attempt.
 * - No longer in a queue than asleep, so that others get at least half the time.
 *
 * Each attempt at an ACCESS EXCLUSIVE lock takes a transaction ID, which is why
 * attempts that only look are not attempts.
 *
 * What the transaction has locked before the call is beyond this; if that keeps
 * others out, they are not made to wait for more than one attempt.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/sinval.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "blocker.h"
#include "locklook.h"
#include "lockphase.h"
#include "locktell.h"
#include "settings.h"

#define LOCKPHASE_SLEEP_MIN 50	/* ms */
#define LOCKPHASE_SLEEP_MAX 1000	/* ms */
#define LOCKPHASE_NOTICE 5000	/* ms between the first two messages */
#define LOCKPHASE_HOPS 10		/* from one relation to another without sleep */
#define LOCKPHASE_ATTEMPTS 10000
#define LOCKPHASE_MARGIN 500	/* ms before statement_timeout */

/* How an attempt ended. */
typedef enum LockPhaseOutcome
{
	LOCKPHASE_TAKEN,
	LOCKPHASE_BUSY,				/* one lock was not to be had at once */
	LOCKPHASE_TIMED_OUT,		/* waited in vain */
	LOCKPHASE_CHANGED			/* a relation is not what it was */
} LockPhaseOutcome;

/* The phase, while it goes on. */
typedef struct LockPhase
{
	LockPhaseGather gather;
	void	   *arg;
	MemoryContext context;		/* of what was gathered */
	uint64		gathered_at;	/* what of others' changes was known then */
	List	   *entries;		/* of LockPlanEntry */
	const LockPlanEntry *awaited;	/* waited for next, or NULL */
	int			hops;			/* attempts since the last sleep */
	int			sleep;			/* ms, the last one */
	int			attempts;
	TimestampTz start;
	TimestampTz deadline;
	bool		cut_short;		/* by statement_timeout */
	TimestampTz noticed;		/* when the client was last told */
	int			notice_pause;	/* ms until it is told again */
	int64		queued;			/* ms, the last wait in vain */
} LockPhase;

/* Find out which relations are to be locked, from the catalogs as they stand. */
static void
lockphase_gather(LockPhase *phase)
{
	MemoryContext old;
	LockPlan   *plan;

	MemoryContextReset(phase->context);
	phase->awaited = NULL;
	AcceptInvalidationMessages();
	phase->gathered_at = SharedInvalidMessageCounter;
	old = MemoryContextSwitchTo(phase->context);
	plan = migrate_lockplan_create();
	phase->gather(plan, phase->arg);
	phase->entries = migrate_lockplan_wanted(plan);
	MemoryContextSwitchTo(old);
	if (phase->attempts == 0)
		migrate_lockplan_warn(plan);
}

/*
 * Gather again if others have changed catalogs meanwhile, and go on waiting for
 * the same relation if it is still wanted.
 */
static void
lockphase_gather_again(LockPhase *phase)
{
	Oid			awaited = phase->awaited ? phase->awaited->relid : InvalidOid;
	ListCell   *lc;

	AcceptInvalidationMessages();
	if (phase->gathered_at == SharedInvalidMessageCounter)
		return;
	lockphase_gather(phase);
	foreach(lc, phase->entries)
	{
		const LockPlanEntry *entry = lfirst(lc);

		if (entry->relid == awaited)
			phase->awaited = entry;
	}
}

/*
 * Bound the wait in a queue until the nest level of settings ends.  The check for
 * deadlocks is what makes an autovacuum give way, so it has to come before that.
 */
static void
lockphase_settings(const LockPhase *phase, const LockPlanEntry *entry)
{
	char		value[32];
	long		left;

	if (entry->lock_timeout != NULL)
		(void) set_config_option("lock_timeout", entry->lock_timeout, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	else
		migrate_settings_lock_timeout();
	left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), phase->deadline);
	if (phase->cut_short && (LockTimeout == 0 || left < LockTimeout))
	{
		snprintf(value, sizeof(value), "%ld", Max(left, 1));
		(void) set_config_option("lock_timeout", value, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	}
	if (LockTimeout <= 1 || DeadlockTimeout < LockTimeout)
		return;
	snprintf(value, sizeof(value), "%d", LockTimeout / 2);
	(void) set_config_option("deadlock_timeout", value, PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Wait in the queue of the awaited relation; raises 55P03 in the end. */
static void
lockphase_wait(const LockPhase *phase, const LockPlanEntry *entry)
{
	int			guc_level = NewGUCNestLevel();

	lockphase_settings(phase, entry);
	LockRelationOid(entry->relid, entry->mode);
	AtEOXact_GUC(false, guc_level);
}

/* Take the locks: wait for the awaited one, then take the others if they are free. */
static LockPhaseOutcome
lockphase_lock(LockPhase *phase)
{
	const LockPlanEntry *awaited = phase->awaited;
	ListCell   *lc;

	if (awaited != NULL)
		lockphase_wait(phase, awaited);
	foreach(lc, phase->entries)
	{
		const LockPlanEntry *entry = lfirst(lc);

		if (entry != awaited && !ConditionalLockRelationOid(entry->relid, entry->mode))
		{
			phase->awaited = entry;
			return LOCKPHASE_BUSY;
		}
	}
	/* Now nobody changes them any more. */
	foreach(lc, phase->entries)
	{
		if (!migrate_lockplan_same_relation(lfirst(lc)))
			return LOCKPHASE_CHANGED;
	}
	return LOCKPHASE_TAKEN;
}

/* Tell whether an error says that a lock was not to be had. */
static bool
lockphase_is_refusal(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		edata->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

/* Take all locks, or none. */
static LockPhaseOutcome
lockphase_attempt(LockPhase *phase)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;
	volatile LockPhaseOutcome outcome = LOCKPHASE_TIMED_OUT;

	phase->attempts++;
	phase->hops++;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		outcome = lockphase_lock(phase);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (outcome == LOCKPHASE_TAKEN && error == NULL)
		ReleaseCurrentSubTransaction();
	else
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return outcome;
	if (!lockphase_is_refusal(error))
		ReThrowError(error);
	FreeErrorData(error);
	return LOCKPHASE_TIMED_OUT;
}

/* Tell whether a relation was made by this transaction, so that nobody misses it. */
static bool
lockphase_is_new(Oid relid)
{
	Relation	rel = RelationIdGetRelation(relid);
	bool		is_new;

	if (rel == NULL)
		return false;
	is_new = rel->rd_createSubid != InvalidSubTransactionId;
	RelationClose(rel);
	return is_new;
}

/* Tell whether the transaction itself has kept others out of a relation since before. */
static bool
lockphase_keeps_others_out(void)
{
	List	   *held = migrate_locklook_held(LOCKBIT_ON(ShareRowExclusiveLock) |
											 LOCKBIT_ON(ExclusiveLock) |
											 LOCKBIT_ON(AccessExclusiveLock));
	ListCell   *lc;

	foreach(lc, held)
	{
		if (!lockphase_is_new(lfirst_oid(lc)))
			return true;
	}
	return false;
}

/* Give up. */
static void
lockphase_fail(LockPhase *phase, LockTellReason reason)
{
	if (reason == LOCKTELL_IMPATIENT && phase->cut_short)
		reason = LOCKTELL_STATEMENT_TIMEOUT;
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	migrate_locktell_refuse(phase->awaited, reason);
}

/* Tell the client, now and then, what is being waited for. */
static void
lockphase_notice(LockPhase *phase)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!TimestampDifferenceExceeds(phase->noticed, now, phase->notice_pause))
		return;
	phase->noticed = now;
	phase->notice_pause = phase->notice_pause == 0 ? LOCKPHASE_NOTICE :
		Min(2 * phase->notice_pause, 12 * LOCKPHASE_NOTICE);
	migrate_locktell_waiting(phase->awaited,
							 TimestampDifferenceMilliseconds(now, phase->deadline) / 1000);
}

/* Sleep once; decorrelated jitter keeps those who wait for each other apart. */
static void
lockphase_nap(LockPhase *phase)
{
	int			upper = Min(LOCKPHASE_SLEEP_MAX, phase->sleep * 3);
	long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), phase->deadline);

	phase->sleep = pg_prng_uint64_range(&pg_global_prng_state, LOCKPHASE_SLEEP_MIN, upper);
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 Min(phase->sleep, Max(left, 1)), PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	phase->hops = 0;
}

/*
 * Sleep until it makes sense to enter the queue again: nobody is in the way; or
 * those who were have gone, and others had as much time as they lost by us.
 */
static void
lockphase_sleep(LockPhase *phase, const VirtualTransactionId *before)
{
	const LockPlanEntry *entry = phase->awaited;
	MemoryContext naps = AllocSetContextCreate(CurrentMemoryContext, "migrate lock nap",
											   ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(naps);
	TimestampTz start = GetCurrentTimestamp();

	phase->sleep = LOCKPHASE_SLEEP_MIN;
	for (;;)
	{
		VirtualTransactionId *now;

		lockphase_notice(phase);
		lockphase_nap(phase);
		now = migrate_blocker_find(entry->relid, entry->mode);
		if (!VirtualTransactionIdIsValid(*now) ||
			GetCurrentTimestamp() >= phase->deadline)
			break;
		if (migrate_blocker_prevents_wraparound(now))
			lockphase_fail(phase, LOCKTELL_WRAPAROUND);
		if (TimestampDifferenceExceeds(start, GetCurrentTimestamp(), phase->queued) &&
			!migrate_blocker_remains(before, now))
			break;
		MemoryContextReset(naps);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(naps);
}

/* After a wait in vain: give up, or sleep. */
static void
lockphase_waited(LockPhase *phase)
{
	const LockPlanEntry *entry = phase->awaited;
	VirtualTransactionId *before = migrate_blocker_find(entry->relid, entry->mode);

	if (migrate_blocker_prevents_wraparound(before))
		lockphase_fail(phase, LOCKTELL_WRAPAROUND);
	if (migrate_lock_patience == 0 || phase->attempts >= LOCKPHASE_ATTEMPTS)
		lockphase_fail(phase, LOCKTELL_IMPATIENT);
	if (lockphase_keeps_others_out())
		lockphase_fail(phase, LOCKTELL_KEEPS_OUT);
	lockphase_sleep(phase, before);
	pfree(before);
	if (GetCurrentTimestamp() >= phase->deadline)
		lockphase_fail(phase, LOCKTELL_IMPATIENT);
}

/* Before the queue is entered: refuse where that is in vain, rest now and then. */
static void
lockphase_enter(LockPhase *phase)
{
	const LockPlanEntry *entry = phase->awaited;
	VirtualTransactionId *now = migrate_blocker_find(entry->relid, entry->mode);

	if (migrate_blocker_prevents_wraparound(now))
		lockphase_fail(phase, LOCKTELL_WRAPAROUND);
	pfree(now);
	migrate_locktell_activity(entry);
	if (phase->hops < LOCKPHASE_HOPS)
		return;
	if (GetCurrentTimestamp() >= phase->deadline)
		lockphase_fail(phase, LOCKTELL_IMPATIENT);
	lockphase_nap(phase);
}

/* Attempt until all locks are taken; raises when patience is over. */
static void
lockphase_run(LockPhase *phase)
{
	for (;;)
	{
		TimestampTz start = GetCurrentTimestamp();

		switch (lockphase_attempt(phase))
		{
			case LOCKPHASE_TAKEN:
				return;
			case LOCKPHASE_BUSY:
				lockphase_enter(phase);
				break;
			case LOCKPHASE_TIMED_OUT:
				phase->queued = TimestampDifferenceMilliseconds(start, GetCurrentTimestamp());
				lockphase_waited(phase);
				break;
			case LOCKPHASE_CHANGED:
				CHECK_FOR_INTERRUPTS();
				break;
		}
		lockphase_gather_again(phase);
	}
}

/*
 * Set until when attempts are made.  A statement_timeout that comes earlier would
 * end the wait without a word about who was in the way.
 */
static void
lockphase_set_deadline(LockPhase *phase)
{
	phase->start = GetCurrentTimestamp();
	phase->deadline = TimestampTzPlusMilliseconds(phase->start, migrate_lock_patience);
	if (get_timeout_active(STATEMENT_TIMEOUT))
	{
		TimestampTz limit = TimestampTzPlusMilliseconds(get_timeout_finish_time(STATEMENT_TIMEOUT),
														-LOCKPHASE_MARGIN);

		phase->cut_short = limit < phase->deadline;
		phase->deadline = Min(limit, phase->deadline);
	}
}

/*
 * Lock all relations that the scripts of a plan will lock in modes that exclude
 * others, for the rest of the transaction; raises 55P03 when they are not to be
 * had.  The caller is connected to SPI, and has locked none of them.
 */
void
migrate_lockphase_take(LockPhaseGather gather, void *arg, LockPhaseResult *result)
{
	LockPhase	phase = {.gather = gather, .arg = arg, .sleep = LOCKPHASE_SLEEP_MIN};

	phase.context = AllocSetContextCreate(CurrentMemoryContext, "migrate lock phase",
										  ALLOCSET_DEFAULT_SIZES);
	lockphase_gather(&phase);
	if (phase.entries != NIL)
	{
		lockphase_set_deadline(&phase);
		lockphase_run(&phase);
		if (phase.attempts > 1)
			result->waited = GetCurrentTimestamp() - phase.start;
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
	}
	result->relations = list_length(phase.entries);
	result->attempts = phase.attempts;
	MemoryContextDelete(phase.context);
}
