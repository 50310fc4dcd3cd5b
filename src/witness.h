/*-------------------------------------------------------------------------
 *
 * witness.h
 *		Ask what the script that has just run found in a row, and then changed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_WITNESS_H
#define MIGRATE_WITNESS_H

#include "putback.h"

typedef struct Witness Witness;

/*
 * Judges a kept row by what was seen; returns false if the row is a conflict,
 * and does with it what is to be done otherwise.
 */
typedef bool (*WitnessVerdict) (PutBack *putback, TupleTableSlot *kept, TupleTableSlot *seen);

extern Witness *migrate_witness_begin(PutBack *putback, WitnessVerdict verdict);
extern void migrate_witness_ask(Witness *witness, TupleTableSlot *kept);
extern bool migrate_witness_asked(Witness *witness, TupleTableSlot *kept);
extern void migrate_witness_end(Witness *witness);
extern uint64 migrate_witness_image(TupleTableSlot *kept, AttrNumber column, TupleTableSlot *seen);

#endif							/* MIGRATE_WITNESS_H */
