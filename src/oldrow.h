/*-------------------------------------------------------------------------
 *
 * oldrow.h
 *		Put changed rows together as they are kept.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OLDROW_H
#define MIGRATE_OLDROW_H

#include "capturesource.h"
#include "pending.h"

/* Room for one row at a time. */
typedef struct OldRow OldRow;

extern OldRow *migrate_oldrow_begin(Pending *pending, CaptureSources *sources);
extern void migrate_oldrow_updated(OldRow *row, Relation rel, CaptureSource *source,
								   TupleTableSlot *slot);
extern void migrate_oldrow_deleted(OldRow *row, Relation rel, CaptureSource *source);
extern void migrate_oldrow_arrived(OldRow *row, Relation rel, CaptureSource *source,
								   TupleTableSlot *slot);

#endif							/* MIGRATE_OLDROW_H */
