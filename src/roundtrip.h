/*-------------------------------------------------------------------------
 *
 * roundtrip.h
 *		Rehearse up, and as an option down and up again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_ROUNDTRIP_H
#define MIGRATE_ROUNDTRIP_H

#include "rehearse.h"

extern void migrate_roundtrip_check(const MigratePlan *plan);
extern void migrate_roundtrip_run(Rehearsal *rehearsal, const MigratePlan *plan);

#endif							/* MIGRATE_ROUNDTRIP_H */
