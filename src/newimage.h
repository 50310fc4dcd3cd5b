/*-------------------------------------------------------------------------
 *
 * newimage.h
 *		What became of the values of a kept column.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_NEWIMAGE_H
#define MIGRATE_NEWIMAGE_H

#include "access/attnum.h"

#define NEWIMAGE_ATTNUM 1		/* of the kept table, where the images are */

extern void migrate_newimage_fill(Oid relid, AttrNumber attnum, Oid kept);

#endif							/* MIGRATE_NEWIMAGE_H */
