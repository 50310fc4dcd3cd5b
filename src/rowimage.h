/*-------------------------------------------------------------------------
 *
 * rowimage.h
 *		Images: numbers that tell whether values are still what they were.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_ROWIMAGE_H
#define MIGRATE_ROWIMAGE_H

#include "access/tupdesc.h"

#define ROWIMAGE_EMPTY UINT64CONST(0)	/* the image of no columns */

extern uint64 migrate_image_value(Datum value, bool isnull, Form_pg_attribute att);
extern uint64 migrate_image_add(uint64 image, uint64 value);
extern uint64 migrate_image_row(TupleDesc desc, int first, const Datum *values,
								const bool *isnull);
extern bool migrate_image_equal(Datum one, Datum other, Form_pg_attribute att);

#endif							/* MIGRATE_ROWIMAGE_H */
