/*-------------------------------------------------------------------------
 *
 * tell.h
 *		What a rehearsal has found, as rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TELL_H
#define MIGRATE_TELL_H

#include "nodes/execnodes.h"

#include "rehearse.h"

extern void migrate_tell_rows(const Rehearsal *rehearsal, ReturnSetInfo *result);
extern void migrate_tell_end(const Rehearsal *rehearsal);

#endif							/* MIGRATE_TELL_H */
