/*-------------------------------------------------------------------------
 *
 * keep.h
 *		Tables that hold kept rows: how they look, and how they are made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_KEEP_H
#define MIGRATE_KEEP_H

#include "access/attnum.h"
#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/* One column of a relation, and how it is kept. */
typedef struct KeepColumn
{
	AttrNumber	attnum;			/* in the source */
	const char *name;
	Oid			type;			/* in the kept table: never a user-defined one */
	int32		typmod;
	Oid			collation;
	bool		as_text;		/* by the output function of its type */
	FmgrInfo	output;			/* of as_text */
} KeepColumn;

/* The columns of a relation that are kept, in attnum order. */
typedef struct KeepMap
{
	int			count;
	KeepColumn *columns;
	bool		any_text;		/* some column is kept as text */
} KeepMap;

extern KeepMap *migrate_keep_map(Relation source, const Bitmapset *attnums);
extern bool migrate_keep_fits(const KeepMap *map, Relation source);
extern TupleDesc migrate_keep_desc(const KeepMap *map, int before);
extern void migrate_keep_fill(KeepMap *map, TupleTableSlot *slot,
							  Datum *values, bool *isnull);
extern int	migrate_keep_pin_settings(void);
extern bool migrate_keep_plain_type(Oid type, Oid *base, int32 *typmod);
extern List *migrate_keep_key(Relation source);
extern List *migrate_keep_key_without(Relation source, const Bitmapset *columns);
extern Oid	migrate_keep_schema(void);
extern Oid	migrate_keep_create(const char *name, TupleDesc desc, Oid tablespace,
								const char *comment);

#endif							/* MIGRATE_KEEP_H */
