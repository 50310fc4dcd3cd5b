/*-------------------------------------------------------------------------
 *
 * move.h
 *		Keep a table that goes by taking its storage over.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_MOVE_H
#define MIGRATE_MOVE_H

#include "utils/relcache.h"

extern bool migrate_move_possible(Relation source);
extern void migrate_move_run(Oid relid, const char *operation);

#endif							/* MIGRATE_MOVE_H */
