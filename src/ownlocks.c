/*-------------------------------------------------------------------------
 *
 * ownlocks.c
 *		The locks on relations that this session holds.
 *
 * The view pg_locks copies the whole lock table, of all sessions.  What this
 * session holds is linked from its own entry in shared memory, in a list for
 * each partition of the lock table; weak locks may stand in slots of the entry
 * itself instead.
 *
 * With thousands of locks held, most of them in ACCESS EXCLUSIVE mode on tables
 * that the transaction has made, even reading these lists after each statement
 * would be felt.  A lock in that mode stays until the end of the transaction,
 * unless a subtransaction fails, and cannot become stronger; and new locks are
 * appended.  So a look begins behind the last such lock of each list.  What is
 * locked less strongly before it is remembered, and asked for by itself.
 *
 * What is held before the first look (locks may be taken in advance) is counted in
 * the session's local table of locks: there a lock that is taken once more tells.
 *
 * A partition is read under its lock, since others may move our weak locks into
 * it; no memory is allocated meanwhile.  Catalogs are left out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lwlock.h"

#include "compat.h"
#include "ownlocks.h"

#define OWNLOCKS_WEAK 8			/* weaker locks remembered of a partition */

/* What is known of the list of one partition. */
typedef struct OwnLockList
{
	PROCLOCK   *settled;		/* the last that needs no look, or NULL */
	OwnLock		weak[OWNLOCKS_WEAK];	/* weaker ones before it, and then
										 * those behind it */
	int			before;			/* how many are before it */
} OwnLockList;

/* A lock that was held before the first look. */
typedef struct OwnLockCount
{
	Oid			relid;
	LOCKMODE	mode;
	LOCALLOCK  *local;			/* stays, since one of the times is ours */
	int64		times;			/* it was taken, at the last look */
} OwnLockCount;

struct OwnLocks
{
	OwnLocksFilter ignores;
	void	   *arg;
	OwnLockCount *before;
	int			before_count;
	OwnLockList lists[NUM_LOCK_PARTITIONS];
	uint64		failures;		/* of subtransactions, at the last look */
	OwnLock    *found;			/* by the last look */
	int			count;
	int			size;
};

/* How many subtransactions of this session have failed. */
static uint64 ownlocks_failures = 0;

/* Count the subtransactions that fail: they let their locks go. */
static void
ownlocks_subxact_callback(SubXactEvent event, SubTransactionId subid,
						  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		ownlocks_failures++;
}

/* Set up the module. */
void
migrate_ownlocks_init(void)
{
	RegisterSubXactCallback(ownlocks_subxact_callback, NULL);
}

/* Return the strongest mode of a mask, or 0. */
LOCKMODE
migrate_ownlocks_strongest(LOCKMASK mask)
{
	LOCKMODE	mode = AccessExclusiveLock;

	while (mode > NoLock && (mask & LOCKBIT_ON(mode)) == 0)
		mode--;
	return mode;
}

/* Return the relation that a lock is on, or 0 if it is none of the users'. */
static Oid
ownlocks_relation(const PROCLOCK *place)
{
	const LOCKTAG *tag = &place->tag.myLock->tag;

	if (tag->locktag_type != LOCKTAG_RELATION || tag->locktag_field1 != MyDatabaseId ||
		tag->locktag_field2 < FirstNormalObjectId)
		return InvalidOid;
	return tag->locktag_field2;
}

/* Make room for some more that is found. */
static void
ownlocks_make_room(OwnLocks *locks, int more)
{
	while (locks->size - locks->count < more)
	{
		locks->size *= 2;
		locks->found = repalloc_huge(locks->found, locks->size * sizeof(OwnLock));
	}
}

/* Add what is found; there is room. */
static void
ownlocks_add(OwnLocks *locks, Oid relid, LOCKMASK mask)
{
	locks->found[locks->count].relid = relid;
	locks->found[locks->count].mask = mask;
	locks->found[locks->count].again = false;
	locks->count++;
}

/*
 * Walk the list of a partition, which is locked; returns whether there was room
 * for everything that was found.
 */
static bool
ownlocks_walk(OwnLocks *locks, int partition)
{
	OwnLockList *list = &locks->lists[partition];
	int			weak = list->before;
	PROCLOCK   *place = list->settled ? compat_next_own_lock(partition, list->settled) :
	compat_first_own_lock(partition);

	for (; place != NULL; place = compat_next_own_lock(partition, place))
	{
		Oid			relid = ownlocks_relation(place);

		if (!OidIsValid(relid))
			continue;
		if (locks->count == locks->size)
			return false;
		ownlocks_add(locks, relid, place->holdMask);
		if (weak > OWNLOCKS_WEAK)
			continue;			/* too many: nothing more gets settled */
		if (place->holdMask & LOCKBIT_ON(AccessExclusiveLock))
		{
			list->settled = place;
			list->before = weak;
		}
		else if (!locks->ignores(locks->arg, relid) && weak++ < OWNLOCKS_WEAK)
			list->weak[weak - 1] = locks->found[locks->count - 1];
	}
	return true;
}

/* Look at one partition. */
static void
ownlocks_look_partition(OwnLocks *locks, int partition)
{
	LWLock	   *lock = LockHashPartitionLockByIndex(partition);
	bool		done;

	do
	{
		ownlocks_make_room(locks, 16);
		LWLockAcquire(lock, LW_SHARED);
		done = ownlocks_walk(locks, partition);
		LWLockRelease(lock);
	} while (!done);
}

/* See which of the weaker locks that are not looked at have become stronger. */
static void
ownlocks_ask(OwnLocks *locks, OwnLockList *list)
{
	ownlocks_make_room(locks, list->before);
	for (int i = 0; i < list->before; i++)
	{
		OwnLock    *weak = &list->weak[i];
		LOCKTAG		tag;

		if (locks->ignores(locks->arg, weak->relid))
		{
			list->weak[i--] = list->weak[--list->before];
			continue;
		}
		SET_LOCKTAG_RELATION(tag, MyDatabaseId, weak->relid);
		for (LOCKMODE mode = migrate_ownlocks_strongest(weak->mask) + 1; mode <= AccessExclusiveLock; mode++)
		{
			if (compat_lock_held(&tag, mode))
				weak->mask |= LOCKBIT_ON(mode);
		}
		ownlocks_add(locks, weak->relid, weak->mask);
	}
}

/* Look at the slots of the session's own entry. */
static void
ownlocks_look_slots(OwnLocks *locks)
{
	int			groups = compat_fast_groups();

	ownlocks_make_room(locks, groups * COMPAT_FAST_GROUP);
	LWLockAcquire(&MyProc->fpInfoLock, LW_SHARED);
	for (int group = 0; group < groups; group++)
	{
		uint64		bits = compat_fast_bits(group);

		for (int slot = group * COMPAT_FAST_GROUP; bits != 0; slot++, bits >>= COMPAT_FAST_BITS)
		{
			LOCKMASK	mask = bits & ((1 << COMPAT_FAST_BITS) - 1);

			if (mask != 0 && MyProc->fpRelId[slot] >= FirstNormalObjectId)
				ownlocks_add(locks, MyProc->fpRelId[slot], mask << AccessShareLock);
		}
	}
	LWLockRelease(&MyProc->fpInfoLock);
}

/* See which of the locks that were held before were taken once more. */
static void
ownlocks_look_before(OwnLocks *locks)
{
	ownlocks_make_room(locks, locks->before_count);
	for (int i = 0; i < locks->before_count; i++)
	{
		OwnLockCount *before = &locks->before[i];

		if (before->local->nLocks > before->times)
		{
			ownlocks_add(locks, before->relid, LOCKBIT_ON(before->mode));
			locks->found[locks->count - 1].again = true;
		}
		before->times = before->local->nLocks;
	}
}

/*
 * Return what is held: an array that is good until the next look.  Everything
 * that was locked since the last one, or more strongly, is in it; other things
 * may be, and a relation may come up twice.
 */
const OwnLock *
migrate_ownlocks_look(OwnLocks *locks, int *count)
{
	if (locks->failures != ownlocks_failures)
		memset(locks->lists, 0, sizeof(locks->lists));
	locks->failures = ownlocks_failures;
	locks->count = 0;
	for (int partition = 0; partition < NUM_LOCK_PARTITIONS; partition++)
	{
		ownlocks_ask(locks, &locks->lists[partition]);
		ownlocks_look_partition(locks, partition);
	}
	ownlocks_look_slots(locks);
	ownlocks_look_before(locks);
	*count = locks->count;
	return locks->found;
}

/* Take the locks that are held once more, to see how often they are taken. */
static void
ownlocks_count_before(OwnLocks *locks)
{
	int			held;
	const OwnLock *found = migrate_ownlocks_look(locks, &held);

	locks->before = palloc(sizeof(OwnLockCount) * (held + 1) * MAX_LOCKMODES);
	for (int i = 0; i < held; i++)
	{
		LOCKTAG		tag;

		SET_LOCKTAG_RELATION(tag, MyDatabaseId, found[i].relid);
		/* every reader holds the weakest one, and nobody waits for it */
		for (LOCKMODE mode = RowShareLock; mode <= AccessExclusiveLock; mode++)
		{
			OwnLockCount *before = &locks->before[locks->before_count];

			if ((found[i].mask & LOCKBIT_ON(mode)) == 0 || !compat_lock_held(&tag, mode))
				continue;
			before->relid = found[i].relid;
			before->mode = mode;
			before->local = compat_lock_again(&tag, mode);
			before->times = before->local->nLocks;
			locks->before_count++;
		}
	}
}

/* Begin; it lives in the current memory context, and no longer than the transaction. */
OwnLocks *
migrate_ownlocks_begin(OwnLocksFilter ignores, void *arg)
{
	OwnLocks   *locks = palloc0(sizeof(OwnLocks));

	locks->ignores = ignores;
	locks->arg = arg;
	locks->failures = ownlocks_failures;
	locks->size = 64;
	locks->found = palloc(locks->size * sizeof(OwnLock));
	ownlocks_count_before(locks);
	/* the first look of the caller is to tell everything */
	memset(locks->lists, 0, sizeof(locks->lists));
	return locks;
}

/* Return how many advisory locks this session holds. */
int
migrate_ownlocks_advisory(void)
{
	int			count = 0;

	for (int partition = 0; partition < NUM_LOCK_PARTITIONS; partition++)
	{
		LWLock	   *lock = LockHashPartitionLockByIndex(partition);

		LWLockAcquire(lock, LW_SHARED);
		for (PROCLOCK *place = compat_first_own_lock(partition); place != NULL;
			 place = compat_next_own_lock(partition, place))
		{
			if (place->tag.myLock->tag.locktag_type == LOCKTAG_ADVISORY)
				count++;
		}
		LWLockRelease(lock);
	}
	return count;
}
