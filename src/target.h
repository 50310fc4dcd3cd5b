/*-------------------------------------------------------------------------
 *
 * target.h
 *		A table that kept rows go back to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TARGET_H
#define MIGRATE_TARGET_H

#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "nodes/bitmapset.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

/* How values get from the kept table to the target and back. */
typedef enum TargetWay
{
	TARGET_SAME,				/* the same type */
	TARGET_TEXT,				/* kept as text */
	TARGET_CAST					/* by way of text: the column has another type
								 * now */
} TargetWay;

/* One column of the kept table. */
typedef struct TargetColumn
{
	AttrNumber	kept;			/* in the kept table */
	AttrNumber	attnum;			/* in the target; 0 = it has none of this name */
	bool		generated;		/* there; computed, not put back */
	TargetWay	way;
	bool		is_domain;
	Oid			type;			/* in the target */
	int32		typmod;
	FmgrInfo	input;			/* of that */
	Oid			ioparam;
	FmgrInfo	output;
	FmgrInfo	kept_output;	/* of the type in the kept table */
	void	   *domain;			/* what domain_check() remembers */
} TargetColumn;

/* A column of the target that was not kept, and has a default. */
typedef struct TargetDefault
{
	AttrNumber	attnum;
	ExprState  *expression;
} TargetDefault;

/* An index that refuses rows at once: unique, or of an exclusion constraint. */
typedef struct TargetUnique
{
	Oid			index;
	Bitmapset  *attnums;		/* that it depends on */
} TargetUnique;

/* What finds a target. */
typedef struct TargetName
{
	const char *schema;
	const char *relation;
	Oid			relid;			/* InvalidOid = only the name counts */
	List	   *key;			/* names of columns, of char * */
} TargetName;

/* Hears of each row that was written: what it was, if it was there, and what it is. */
typedef void (*TargetWritten) (void *arg, TupleTableSlot *old, TupleTableSlot *row,
							   List *deferred);

/* A table that is open for rows to go back to. */
typedef struct RestoreTarget
{
	Relation	rel;
	Relation	kept;
	int			before;			/* columns of the kept table that are ours */
	int			count;
	TargetColumn *columns;
	MemoryContext context;
	MemoryContext row;			/* reset for each row by the caller */

	/* finding rows */
	int			keys;			/* 0 = there is no key, or no index on it */
	int		   *key;			/* its columns, in the order of the index */
	Relation	index;
	IndexScanDesc scan;
	ScanKey		scankeys;
	TupleTableSlot *found;		/* what a search found */

	/* writing rows */
	EState	   *estate;
	ResultRelInfo *result;
	TupleTableSlot *slot;		/* the row to write */
	List	   *defaults;		/* of TargetDefault * */
	List	   *uniques;		/* of TargetUnique * */
	Bitmapset  *changed;		/* attribute numbers that were set */
	TupleTableSlot **many;		/* rows to insert together */
	int			waiting;
	int64		waiting_bytes;
	TargetWritten written;
	void	   *written_arg;

	/* to be put back */
	Oid			userid;
	int			sec_context;
	int			guc_level;
} RestoreTarget;

extern Oid	migrate_target_lookup(const TargetName *name);
extern RestoreTarget *migrate_target_open(const TargetName *name, Relation kept, int before);
extern void migrate_target_close(RestoreTarget *target);
extern TargetColumn *migrate_target_column(RestoreTarget *target, const char *name);
extern bool migrate_target_is_empty(RestoreTarget *target);

extern Datum migrate_target_in(RestoreTarget *target, TargetColumn *column, Datum kept, bool *isnull);
extern uint64 migrate_target_image(RestoreTarget *target, TargetColumn *column,
								   TupleTableSlot *row);
extern uint64 migrate_target_kept_image(RestoreTarget *target, TargetColumn *column,
										TupleTableSlot *kept);
extern bool migrate_target_equal(RestoreTarget *target, TupleTableSlot *kept);
extern char *migrate_target_describe(RestoreTarget *target, TupleTableSlot *kept);

extern bool migrate_target_find(RestoreTarget *target, TupleTableSlot *kept);
extern void migrate_target_begin_update(RestoreTarget *target);
extern void migrate_target_set(RestoreTarget *target, TargetColumn *column, TupleTableSlot *kept);
extern bool migrate_target_update(RestoreTarget *target);
extern void migrate_target_delete(RestoreTarget *target);
extern bool migrate_target_insert(RestoreTarget *target, TupleTableSlot *kept, bool check);
extern void migrate_target_flush(RestoreTarget *target);

#endif							/* MIGRATE_TARGET_H */
