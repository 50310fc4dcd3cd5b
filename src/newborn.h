/*-------------------------------------------------------------------------
 *
 * newborn.h
 *		Which rows of a relation the running step has inserted itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_NEWBORN_H
#define MIGRATE_NEWBORN_H

#include "executor/tuptable.h"
#include "utils/rel.h"

typedef struct Newborn Newborn;

extern Newborn *migrate_newborn_begin(MemoryContext context, CommandId first);
extern void migrate_newborn_look(Newborn *newborn, Relation rel);
extern bool migrate_newborn_is(Newborn *newborn, TupleTableSlot *row);
extern void migrate_newborn_add(Newborn *newborn, ItemPointer tid);
extern void migrate_newborn_arrived(Newborn *newborn, ItemPointer tid);
extern void migrate_newborn_forget(Newborn *newborn);

#endif							/* MIGRATE_NEWBORN_H */
