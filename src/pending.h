/*-------------------------------------------------------------------------
 *
 * pending.h
 *		Kept rows that wait to be written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_PENDING_H
#define MIGRATE_PENDING_H

#include "access/tupdesc.h"
#include "access/xact.h"

typedef struct Pending Pending;

/* A row to be kept. */
typedef struct PendingRow
{
	Oid			kept;			/* table that it goes to */
	TupleDesc	desc;			/* of that */
	Datum	   *values;
	bool	   *isnull;
	bool		counts;			/* as kept; else it belongs to one that does */
} PendingRow;

extern Pending *migrate_pending_begin(void);
extern int64 migrate_pending_add(Pending *pending, const PendingRow *row);
extern void migrate_pending_flush(Pending *pending);
extern void migrate_pending_abort(Pending *pending, SubTransactionId subid);
extern bool migrate_pending_is_empty(const Pending *pending);

#endif							/* MIGRATE_PENDING_H */
