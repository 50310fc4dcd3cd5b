/*-------------------------------------------------------------------------
 *
 * sight.h
 *		The relations that a run has seen.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SIGHT_H
#define MIGRATE_SIGHT_H

#include "storage/lock.h"

#include "compat.h"
#include "observed.h"

/* What is known of one relation while a run is on. */
typedef struct Sight
{
	Oid			relid;			/* hash key */
	char		status;
	char		relkind;
	bool		created;		/* by this transaction */
	bool		ignored;		/* a catalog, a TOAST table, one of our own */
	const char *name;
	LOCKMASK	held;			/* modes that were seen */
	LOCKMASK	taken;			/* modes that statements have taken */
	Oid			storage;		/* when it was looked at last; 0 = other than
								 * at the beginning */
	CompatCounts counts;		/* when it was looked at last */
	ObservedRelation *now;		/* what the running statement did, or NULL */
	bool		truncated;		/* by the running statement */
	bool		dropped;		/* by the running statement */
} Sight;

#define SH_PREFIX sight
#define SH_ELEMENT_TYPE Sight
#define SH_KEY_TYPE Oid
#define SH_KEY relid
#define SH_HASH_KEY(table, key) ((uint32) ((key) * UINT32_C(0x9e3779b1)))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* All of them. */
typedef struct Sights
{
	MemoryContext context;
	MemoryContext records;		/* of ObservedRelations */
	sight_hash *entries;
	Oid			own_schemas[2];
	List	   *tables;			/* OIDs: those that were there before */

	/* of the running statement */
	List	   *touched;		/* of ObservedRelation * */
	List	   *made;			/* OIDs of relations that it has made */
} Sights;

extern Sights *migrate_sights_begin(MemoryContext records);
extern Sight *migrate_sight_find(Sights *sights, Oid relid);
extern ObservedRelation *migrate_sight_touch(Sights *sights, Sight *entry);
extern void migrate_sight_made(Sights *sights, Oid relid);
extern List *migrate_sights_settle(Sights *sights);

#endif							/* MIGRATE_SIGHT_H */
