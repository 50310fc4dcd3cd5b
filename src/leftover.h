/*-------------------------------------------------------------------------
 *
 * leftover.h
 *		What a rehearsal cannot undo.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LEFTOVER_H
#define MIGRATE_LEFTOVER_H

#include "nodes/pg_list.h"

typedef struct Leftovers Leftovers;

extern Leftovers *migrate_leftover_before(void);
extern void migrate_leftover_tell(const Leftovers *before, const List *sequences);

#endif							/* MIGRATE_LEFTOVER_H */
