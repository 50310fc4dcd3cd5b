/*-------------------------------------------------------------------------
 *
 * castimage.h
 *		Images of values in another type.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_CASTIMAGE_H
#define MIGRATE_CASTIMAGE_H

#include "catalog/pg_attribute.h"

extern uint64 migrate_cast_image(Form_pg_attribute from, Datum value, bool isnull,
								 Form_pg_attribute to);

#endif							/* MIGRATE_CASTIMAGE_H */
