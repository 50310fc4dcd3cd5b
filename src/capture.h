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

/* What happened to a row; stands in "migrate.operation". */
#define CAPTURE_UPDATED 'U'		/* the row before the update */
#define CAPTURE_DELETED 'D'		/* the row that was deleted */
#define CAPTURE_ARRIVED 'I'		/* key and image of a row moved here from
								 * another partition */
#define CAPTURE_KEY 'K'			/* the new key of the row kept just before,
								 * whose key changed */

/* One item of "migrate.changes": a column that an update changed. */
typedef struct CaptureChange
{
	uint16		column;			/* of the source's kept columns, counting from
								 * 0 */
	uint64		image;			/* of the new value */
} CaptureChange;

#define CAPTURE_CHANGE_SIZE (sizeof(uint16) + sizeof(uint64))

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

/* called by what reads kept rows */
extern int	migrate_capture_changes(Datum value, CaptureChange *changes, int limit);

#endif							/* MIGRATE_CAPTURE_H */
