/*-------------------------------------------------------------------------
 *
 * allowance.h
 *		How much a transaction may copy to keep rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_ALLOWANCE_H
#define MIGRATE_ALLOWANCE_H

#include "utils/relcache.h"

extern int64 migrate_allowance_left(void);
extern void migrate_allowance_check(Relation source, int64 bytes, int64 before);
extern void migrate_allowance_charge(Relation source, int64 bytes);

#endif							/* MIGRATE_ALLOWANCE_H */
