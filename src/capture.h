/*-------------------------------------------------------------------------
 *
 * capture.h
 *		Keep what rows were before a script changes them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_CAPTURE_H
#define MIGRATE_CAPTURE_H

#include "access/tableam.h"
#include "access/xact.h"

/* called by intercept.c */
extern bool migrate_capture_active(void);
extern void migrate_capture_query(void);
extern bool migrate_capture_read(Relation rel, const TableAmRoutine *routines, ItemPointer tid);
extern void migrate_capture_update(Relation rel, TupleTableSlot *slot);
extern bool migrate_capture_delete(Relation rel, bool done);
extern void migrate_capture_arrival(Relation rel, TupleTableSlot *slot);
extern void migrate_capture_flush(void);
extern void migrate_capture_subxact(SubXactEvent event, SubTransactionId subid,
									SubTransactionId parent);

/* called by backup.c */
extern void migrate_capture_begin(void);
extern void migrate_capture_end(void);

#endif							/* MIGRATE_CAPTURE_H */
