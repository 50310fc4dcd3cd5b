/*-------------------------------------------------------------------------
 *
 * depend.h
 *		What a definition may have to do with another object.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_DEPEND_H
#define MIGRATE_DEPEND_H

#include "keyset.h"
#include "stamp.h"

/* One row of pg_depend. */
typedef struct DependEdge
{
	uint64		from;
	uint64		to;
	char		type;
} DependEdge;

/* Objects as a list that grows. */
typedef struct DependList
{
	uint64	   *keys;
	int			count;
	int			allocated;
} DependList;

/* All rows of pg_depend, ordered; for when most are needed. */
typedef struct DependAll DependAll;

extern void migrate_depend_append(DependList *list, uint64 key);
extern bool migrate_depend_reach(keyset_hash *reach, const StampChanges *changes);
extern void migrate_depend_reach_names(keyset_hash *reach, const DependList *renamed);
extern DependAll *migrate_depend_load(void);
extern void migrate_depend_needs(DependAll *all, uint64 key, DependList *needs);

#endif							/* MIGRATE_DEPEND_H */
