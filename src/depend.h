/*-------------------------------------------------------------------------
 *
 * depend.h
 *		What objects have to do with each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_DEPEND_H
#define MIGRATE_DEPEND_H

#include "keyset.h"
#include "stamp.h"

/* Objects as a list that grows. */
typedef struct DependList
{
	uint64	   *keys;
	int			count;
	int			allocated;
} DependList;

/* All rows of pg_depend between objects of the user; for when most are needed. */
typedef struct DependAll DependAll;

extern void migrate_depend_append(DependList *list, uint64 key);
extern DependAll *migrate_depend_load(void);
extern void migrate_depend_needs(DependAll *all, uint64 key, DependList *needs);

/* dependreach.c: which definitions a change may show in */
extern bool migrate_depend_reach(keyset_hash *reach, const StampChanges *changes);
extern void migrate_depend_reach_names(keyset_hash *reach, const DependList *renamed);

/* called by dependreach.c */

/* One row of pg_depend. */
typedef struct DependEdge
{
	uint64		from;
	uint64		to;
	char		type;
} DependEdge;

/* Edges of one object, gathered before anything else is looked up. */
typedef struct DependEdges
{
	DependEdge *edges;			/* NULL if there are none */
	int			count;
	int			allocated;
} DependEdges;

extern void migrate_depend_look(uint64 key, bool ends, DependEdges *edges);
extern uint64 migrate_depend_whole(DependAll *all, uint64 key);
extern bool migrate_depend_is_system(uint64 key);

#endif							/* MIGRATE_DEPEND_H */
