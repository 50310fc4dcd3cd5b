/*-------------------------------------------------------------------------
 *
 * keptrows.h
 *		Read the rows of a kept table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_KEPTROWS_H
#define MIGRATE_KEPTROWS_H

#include "executor/tuptable.h"
#include "utils/rel.h"

typedef struct KeptRows KeptRows;

extern KeptRows *migrate_keptrows_begin(Relation kept, bool latest_first);
extern bool migrate_keptrows_next(KeptRows *rows);
extern TupleTableSlot *migrate_keptrows_slot(KeptRows *rows);
extern void migrate_keptrows_end(KeptRows *rows);

#endif							/* MIGRATE_KEPTROWS_H */
