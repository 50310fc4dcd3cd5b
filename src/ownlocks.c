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
 * A look compares these lists with what they were at the last look.  New locks
 * are appended, and the others keep their order, so one pass tells what has gone
 * and what is new.  A place in memory is used again when its lock has gone; so
 * the relation is compared too.
 *
 * A partition is read under its lock, since others may move our weak locks into
 * it; no memory is allocated meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"

#include "compat.h"
#include "ownlocks.h"

/* One lock in the list of a partition, when it was looked at last. */
typedef struct OwnLockEntry
{
	PROCLOCK   *place;
	Oid			relid;			/* 0 = not on a relation of this database */
	LOCKMASK	mask;
} OwnLockEntry;

/* The list of one partition. */
typedef struct OwnLockList
{
	OwnLockEntry *entries;
	int			count;
	int			size;
} OwnLockList;

struct OwnLocks
{
	OwnLockList lists[NUM_LOCK_PARTITIONS];
	OwnLockEntry *slots;		/* those of the session's own entry */
	int			slot_count;
	OwnLock    *changed;		/* what the last look found */
	int			changed_count;
	int			changed_size;
};

/* Where a look is in the list of a partition. */
typedef struct OwnLockCursor
{
	PROCLOCK   *place;			/* next to be looked at, or NULL */
	int			read;			/* what it is compared with */
	int			known;			/* how many there are of those */
	int			written;		/* entries that are up to date */
} OwnLockCursor;

/* Return the relation that a lock is on, or 0. */
static Oid
ownlocks_relation(const PROCLOCK *place)
{
	const LOCKTAG *tag = &place->tag.myLock->tag;

	if (tag->locktag_type != LOCKTAG_RELATION || tag->locktag_field1 != MyDatabaseId)
		return InvalidOid;
	return tag->locktag_field2;
}

/* Note a change; there is room. */
static void
ownlocks_note(OwnLocks *locks, Oid relid, LOCKMASK mask)
{
	if (mask == 0 || !OidIsValid(relid))
		return;
	locks->changed[locks->changed_count].relid = relid;
	locks->changed[locks->changed_count].mask = mask;
	locks->changed_count++;
}

/* Find what a lock was at the last look, or NULL; what was before it has gone. */
static OwnLockEntry *
ownlocks_match(OwnLockList *list, OwnLockCursor *cursor, Oid relid)
{
	while (cursor->read < cursor->known)
	{
		OwnLockEntry *entry = &list->entries[cursor->read++];

		if (entry->place == cursor->place && entry->relid == relid)
			return entry;
	}
	return NULL;
}

/*
 * Look on in the list of a partition, which is locked, as far as there is room;
 * returns whether there was enough.  What is written is never ahead of what is
 * read, until all that was known has been read.
 */
static bool
ownlocks_walk(OwnLocks *locks, OwnLockList *list, int partition, OwnLockCursor *cursor)
{
	for (; cursor->place != NULL; cursor->place = compat_next_own_lock(partition, cursor->place))
	{
		OwnLockEntry entry = {.place = cursor->place, .mask = cursor->place->holdMask};
		OwnLockEntry *last;

		if (locks->changed_count == locks->changed_size || cursor->written == list->size)
			return false;
		entry.relid = ownlocks_relation(cursor->place);
		last = ownlocks_match(list, cursor, entry.relid);
		ownlocks_note(locks, entry.relid, last ? entry.mask & ~last->mask : entry.mask);
		list->entries[cursor->written++] = entry;
	}
	return true;
}

/* Make room for some more changes. */
static void
ownlocks_make_room(OwnLocks *locks, int more)
{
	while (locks->changed_size - locks->changed_count < more)
	{
		locks->changed_size *= 2;
		locks->changed = repalloc_huge(locks->changed, locks->changed_size * sizeof(OwnLock));
	}
}

/* Look at one partition. */
static void
ownlocks_look_partition(OwnLocks *locks, int partition)
{
	OwnLockList *list = &locks->lists[partition];
	LWLock	   *lock = LockHashPartitionLockByIndex(partition);
	OwnLockCursor cursor = {.known = list->count};
	bool		done;

	LWLockAcquire(lock, LW_SHARED);
	cursor.place = compat_first_own_lock(partition);
	done = ownlocks_walk(locks, list, partition, &cursor);
	LWLockRelease(lock);
	/* only this session takes its locks out of the list, so the place holds */
	while (!done)
	{
		ownlocks_make_room(locks, 1);
		if (cursor.written == list->size)
		{
			list->size *= 2;
			list->entries = repalloc_huge(list->entries, list->size * sizeof(OwnLockEntry));
		}
		LWLockAcquire(lock, LW_SHARED);
		done = ownlocks_walk(locks, list, partition, &cursor);
		LWLockRelease(lock);
	}
	list->count = cursor.written;
}

/* Look at the slots of the session's own entry. */
static void
ownlocks_look_slots(OwnLocks *locks)
{
	ownlocks_make_room(locks, locks->slot_count);
	LWLockAcquire(&MyProc->fpInfoLock, LW_SHARED);
	for (int slot = 0; slot < locks->slot_count; slot++)
	{
		OwnLockEntry *entry = &locks->slots[slot];
		uint64		bits = compat_fast_bits(slot / COMPAT_FAST_GROUP);
		LOCKMASK	mask = bits >> (slot % COMPAT_FAST_GROUP * COMPAT_FAST_BITS) &
			((1 << COMPAT_FAST_BITS) - 1);

		mask <<= AccessShareLock;
		if (entry->relid != MyProc->fpRelId[slot])
			entry->mask = 0;
		entry->relid = MyProc->fpRelId[slot];
		ownlocks_note(locks, entry->relid, mask & ~entry->mask);
		entry->mask = mask;
	}
	LWLockRelease(&MyProc->fpInfoLock);
}

/*
 * Return what was locked since the last look, or more strongly: an array that is
 * good until the next one.  A relation may come up twice.
 */
const OwnLock *
migrate_ownlocks_look(OwnLocks *locks, int *count)
{
	locks->changed_count = 0;
	for (int partition = 0; partition < NUM_LOCK_PARTITIONS; partition++)
		ownlocks_look_partition(locks, partition);
	ownlocks_look_slots(locks);
	*count = locks->changed_count;
	return locks->changed;
}

/* Begin with what is held now; it lives in the current memory context. */
OwnLocks *
migrate_ownlocks_begin(void)
{
	OwnLocks   *locks = palloc0(sizeof(OwnLocks));
	int			count;

	locks->changed_size = 64;
	locks->changed = palloc(locks->changed_size * sizeof(OwnLock));
	for (int partition = 0; partition < NUM_LOCK_PARTITIONS; partition++)
	{
		locks->lists[partition].size = 8;
		locks->lists[partition].entries = palloc(8 * sizeof(OwnLockEntry));
	}
	locks->slot_count = compat_fast_groups() * COMPAT_FAST_GROUP;
	locks->slots = palloc0(locks->slot_count * sizeof(OwnLockEntry));
	(void) migrate_ownlocks_look(locks, &count);
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
