/*-------------------------------------------------------------------------
 *
 * stampset.h
 *		What a set of stamps consists of, for those that look into it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_STAMPSET_H
#define MIGRATE_STAMPSET_H

#include "stamp.h"

/* One object. */
typedef struct StampEntry
{
	uint64		key;
	uint64		own;			/* sum over the rows of its catalogs */
	uint64		notes;			/* sum over comments, labels, memberships */
	uint64		first;			/* of a relation: what is on it */
	uint64		next;			/* what else is on the same relation */
	Oid			relation;
	uint32		names;
	char		relkind;
	bool		member;			/* of an extension, or depends on one */
	bool		gone;			/* kept for the chain it stands in */
	bool		matched;		/* scratch of migrate_stamp_load() */
	char		status;
} StampEntry;

#define SH_PREFIX stamptab
#define SH_ELEMENT_TYPE StampEntry
#define SH_KEY_TYPE uint64
#define SH_KEY key
#define SH_HASH_KEY(table, key) ((uint32) ((key) * UINT64CONST(0x9e3779b97f4a7c15) >> 32))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct Stamps
{
	stamptab_hash *table;
	stamptab_hash *relations;	/* where relations are looked up */
};

/* Find an object, if it is there. */
static inline StampEntry *
stampset_find(stamptab_hash *table, uint64 key)
{
	StampEntry *entry = stamptab_lookup(table, key);

	return entry == NULL || entry->gone ? NULL : entry;
}

/* Begin again with an entry. */
static inline void
stampset_clear(StampEntry *entry)
{
	memset((char *) entry + sizeof(uint64), 0, offsetof(StampEntry, status) - sizeof(uint64));
}

/* Tell whether two entries differ. */
static inline bool
stampset_differs(const StampEntry *one, const StampEntry *other)
{
	return one->own + one->notes != other->own + other->notes;
}

extern Stamps *migrate_stampset_make(uint32 size);
extern StampEntry *migrate_stampset_enter(Stamps *stamps, const TrackedRow *row);
extern void migrate_stampset_note(StampChanges *changes, const StampEntry *entry, StampMove move,
								  bool renamed);
extern void migrate_stampset_scan(Stamps *stamps, const TrackedCatalog *tracked);

#endif							/* MIGRATE_STAMPSET_H */
