/*-------------------------------------------------------------------------
 *
 * copyrows.h
 *		Copy rows of a relation into a kept table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_COPYROWS_H
#define MIGRATE_COPYROWS_H

#include "keep.h"

/* What is copied. */
typedef struct CopyRows
{
	Relation	source;
	KeepMap    *map;
	int			before;			/* bigint columns of the kept table that come
								 * first */
	bool		reserve;		/* they are 0, to be filled in later, not NULL */
} CopyRows;

extern int64 migrate_copyrows_size(const CopyRows *copy);
extern bool migrate_copyrows_any(Relation source);
extern int64 migrate_copyrows_count(Relation source);
extern int64 migrate_copyrows_run(const CopyRows *copy, Oid kept);

#endif							/* MIGRATE_COPYROWS_H */
