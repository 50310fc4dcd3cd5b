/*-------------------------------------------------------------------------
 *
 * revalue.h
 *		Keep columns to which an ALTER gives other values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REVALUE_H
#define MIGRATE_REVALUE_H

#include "nodes/parsenodes.h"
#include "utils/relcache.h"

extern AttrNumber migrate_revalue_column(Relation rel, const AlterTableCmd *cmd);
extern void migrate_revalue_keep(const AlterTableStmt *stmt);

#endif							/* MIGRATE_REVALUE_H */
