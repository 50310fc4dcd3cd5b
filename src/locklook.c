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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/resowner.h"

#include "compat.h"
#include "locklook.h"
#include "lockplan.h"

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

/* Do something, and let go of what it has only looked at. */
void
migrate_locklook_run(void (*look) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	List	   *before = migrate_locklook_held(LOCKBIT_ON(AccessShareLock));
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		look(arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (error != NULL)
		RollbackAndReleaseCurrentSubTransaction();
	else
	{
		locklook_release_new(before);
		ReleaseCurrentSubTransaction();
	}
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	list_free(before);
	if (error != NULL)
		ReThrowError(error);
}
