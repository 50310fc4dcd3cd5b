/*-------------------------------------------------------------------------
 *
 * track.h
 *		Which objects a script may have changed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TRACK_H
#define MIGRATE_TRACK_H

#include "stamp.h"

extern void migrate_track_init(void);
extern void migrate_track_begin(void);
extern bool migrate_track_look(Stamps *stamps, StampChanges *changes);
extern void migrate_track_end(void);

#endif							/* MIGRATE_TRACK_H */
