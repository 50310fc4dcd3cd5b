/*-------------------------------------------------------------------------
 *
 * reference.h
 *		Check foreign keys and deferred unique constraints of rows put back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REFERENCE_H
#define MIGRATE_REFERENCE_H

#include "target.h"

typedef struct References References;

extern References *migrate_reference_begin(void);
extern void migrate_reference_watch(References *references, RestoreTarget *target);
extern void migrate_reference_add_table(References *references, Oid relid);
extern void migrate_reference_check(References *references);

#endif							/* MIGRATE_REFERENCE_H */
