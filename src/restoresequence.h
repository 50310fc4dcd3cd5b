/*-------------------------------------------------------------------------
 *
 * restoresequence.h
 *		Let a sequence go on where it was.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RESTORESEQUENCE_H
#define MIGRATE_RESTORESEQUENCE_H

#include "utils/rel.h"

extern bool migrate_restoresequence(Relation rel, int64 last_value, bool is_called);

#endif							/* MIGRATE_RESTORESEQUENCE_H */
