/*-------------------------------------------------------------------------
 *
 * keyset.h
 *		A set of objects by key, with a number for each.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_KEYSET_H
#define MIGRATE_KEYSET_H

typedef struct KeySetEntry
{
	uint64		key;
	int			value;
	char		status;
} KeySetEntry;

#define SH_PREFIX keyset
#define SH_ELEMENT_TYPE KeySetEntry
#define SH_KEY_TYPE uint64
#define SH_KEY key
#define SH_HASH_KEY(table, key) ((uint32) ((key) * UINT64CONST(0x9e3779b97f4a7c15) >> 32))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Add a key; false = it was there. */
static inline bool
keyset_add(keyset_hash *set, uint64 key, int value)
{
	bool		found;
	KeySetEntry *entry = keyset_insert(set, key, &found);

	if (!found)
		entry->value = value;
	return !found;
}

#endif							/* MIGRATE_KEYSET_H */
