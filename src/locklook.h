/*-------------------------------------------------------------------------
 *
 * locklook.h
 *		Look at relations without keeping them locked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKLOOK_H
#define MIGRATE_LOCKLOOK_H

#include "nodes/pg_list.h"
#include "storage/lock.h"

extern List *migrate_locklook_held(LOCKMASK modes);
extern void migrate_locklook_run(void (*look) (void *arg), void *arg);

#endif							/* MIGRATE_LOCKLOOK_H */
