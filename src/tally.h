/*-------------------------------------------------------------------------
 *
 * tally.h
 *		Counts that follow subtransactions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TALLY_H
#define MIGRATE_TALLY_H

#include "nodes/pg_list.h"

extern void migrate_tally_add(List **tally, Oid what, int64 count);
extern int64 migrate_tally_sum(const List *tally, Oid what);
extern void migrate_tally_commit(List **tally, SubTransactionId subid,
								 SubTransactionId parent);
extern void migrate_tally_abort(List **tally, SubTransactionId subid);

#endif							/* MIGRATE_TALLY_H */
