/*-------------------------------------------------------------------------
 *
 * salvage.h
 *		Keep one table, column or sequence that a statement is about to take.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SALVAGE_H
#define MIGRATE_SALVAGE_H

#include "access/attnum.h"
#include "nodes/bitmapset.h"
#include "utils/relcache.h"

extern void migrate_salvage_init(void);
extern int	migrate_salvage_mark(void);
extern bool migrate_salvage_waits(int mark);
extern void migrate_salvage_release(int mark);
extern bool migrate_salvage_covers(Oid relid, AttrNumber attnum);
extern int64 migrate_salvage_table_size(Relation source, bool watched);
extern int64 migrate_salvage_column_size(Relation source, AttrNumber attnum, Bitmapset *lost);
extern void migrate_salvage_relation(Oid relid, const char *operation, bool watched);
extern void migrate_salvage_columns(Oid relid, Bitmapset *lost, const char *operation);

#endif							/* MIGRATE_SALVAGE_H */
