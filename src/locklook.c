/*-------------------------------------------------------------------------
 *
 * locklook.c
 *		Look at relations without keeping them locked.
 *
 * The server's functions that render views and rules lock what these mention, to
 * the end of the transaction.  Who then waits for another lock with all these in
 * hand can be part of a deadlock, and keeps others from DDL for as long.
 *
 * So the look is a subtransaction.  Before that ends, those of its locks that were
 * only for reading, on relations of users that were not locked before, are
 * released.  All others stay, as they must.
 *
 * What somebody else has locked is waited for no longer than migrate.lock_timeout;
 * then the look is undone, and begins anew after a while, until
 * migrate.lock_patience is over.  It begins anew too when what it was about to
 * read has just been dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "locklook.h"
#include "lockplan.h"
#include "settings.h"

#define LOCKLOOK_REPEATS 5		/* when something has gone meanwhile */
#define LOCKLOOK_SLEEP 100		/* ms, at least */

/*
 * Return the OIDs of relations of users that this transaction holds in one of
 * some modes.
 */
List *
migrate_locklook_held(LOCKMASK modes)
{
	LockData   *data = GetLockStatusData();
	List	   *held = NIL;

	for (int i = 0; i < data->nelements; i++)
	{
		const LockInstanceData *lock = &data->locks[i];
		Oid			relid = lock->locktag.locktag_field2;

		if (lock->pid == MyProcPid &&
			lock->locktag.locktag_type == LOCKTAG_RELATION &&
			lock->locktag.locktag_field1 == MyDatabaseId &&
			(lock->holdMask & modes) != 0 &&
			migrate_lockplan_is_user_relation(relid))
			held = lappend_oid(held, relid);
	}
	return held;
}

/* Release the lock for reading on a relation, as often as it was taken. */
static void
locklook_release(Oid relid)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	while (compat_lock_held(&tag, AccessShareLock))
	{
		if (!LockRelease(&tag, AccessShareLock, false))
			break;
	}
}

/* Release what has been locked for reading only, and was not before. */
static void
locklook_release_new(const List *before)
{
	List	   *held = migrate_locklook_held(LOCKBIT_ON(AccessShareLock));
	ListCell   *lc;

	foreach(lc, held)
	{
		if (!list_member_oid(before, lfirst_oid(lc)))
			locklook_release(lfirst_oid(lc));
	}
	list_free(held);
}

/*
 * Look once.  Returns NULL, or the error that ended it; then what it allocated
 * has gone.
 */
static ErrorData *
locklook_attempt(void (*look) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext looking = AllocSetContextCreate(context, "migrate look",
												  ALLOCSET_DEFAULT_SIZES);
	ResourceOwner owner = CurrentResourceOwner;
	List	   *before = migrate_locklook_held(LOCKBIT_ON(AccessShareLock));
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(looking);
	PG_TRY();
	{
		int			guc_level = NewGUCNestLevel();

		migrate_settings_lock_timeout();
		look(arg);
		AtEOXact_GUC(false, guc_level);
		locklook_release_new(before);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (error == NULL)
		ReleaseCurrentSubTransaction();
	else
	{
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextDelete(looking);
	}
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	list_free(before);
	return error;
}

/* Tell whether it may go better when it begins anew. */
static bool
locklook_may_repeat(const ErrorData *error, int attempt, TimestampTz deadline)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_LOCK_NOT_AVAILABLE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
			return GetCurrentTimestamp() < deadline;
		case ERRCODE_INTERNAL_ERROR:	/* cache lookup failed, could not open
										 * relation */
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_OBJECT:
			return attempt < LOCKLOOK_REPEATS;
		default:
			return false;
	}
}

/*
 * Do something, and let go of what it has only looked at.  It is done again when
 * others were in its way; what it allocates lives as long as the current memory
 * context.
 */
void
migrate_locklook_run(void (*look) (void *arg), void *arg)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), migrate_lock_patience);

	for (int attempt = 1;; attempt++)
	{
		ErrorData  *error = locklook_attempt(look, arg);

		if (error == NULL)
			return;
		if (!locklook_may_repeat(error, attempt, deadline))
		{
			if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
				error->hint = pstrdup("Somebody keeps a relation locked that a definition in the schema mentions. Nothing was changed. Try again when it is quieter, or raise migrate.lock_patience.");
			ReThrowError(error);
		}
		FreeErrorData(error);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 pg_prng_uint64_range(&pg_global_prng_state, LOCKLOOK_SLEEP, 3 * LOCKLOOK_SLEEP),
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}
