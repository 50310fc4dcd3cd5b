/*-------------------------------------------------------------------------
 *
 * capturesource.h
 *		Relations whose rows change while a script runs, and how they are kept.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_CAPTURESOURCE_H
#define MIGRATE_CAPTURESOURCE_H

#include "access/tableam.h"
#include "access/xact.h"

#include "keep.h"
#include "newborn.h"

/* One relation whose rows change. */
typedef struct CaptureSource
{
	Oid			relid;			/* hash key */
	uint64		query;			/* when it was last looked at */
	TupleDesc	desc;			/* a copy */
	TupleTableSlot *old;		/* the row as it was, made at the first need */
	uint64		old_epoch;
	bool		old_is_newborn;
	Newborn    *newborn;		/* rows that the step has inserted */

	/* how its rows are kept, if valid */
	bool		valid;			/* this is about the relation as it is */
	SubTransactionId subid;		/* made its kept table */
	MemoryContext context;
	Oid			kept;
	KeepMap    *map;
	TupleDesc	kept_desc;
	bool	   *is_key;			/* of the map's columns */
	bool	   *is_generated;
	bool		has_key;
} CaptureSource;

/* Those of one step. */
typedef struct CaptureSources CaptureSources;

extern CaptureSources *migrate_capturesource_begin(void);
extern void migrate_capturesource_query(CaptureSources *sources);
extern void migrate_capturesource_commit(CaptureSources *sources, SubTransactionId subid,
										 SubTransactionId parent);
extern void migrate_capturesource_abort(CaptureSources *sources, SubTransactionId subid);
extern CaptureSource *migrate_capturesource_find(CaptureSources *sources, Relation rel);
extern void migrate_capturesource_slot(CaptureSources *sources, CaptureSource *source,
									   Relation rel, const TableAmRoutine *routines);
extern void migrate_capturesource_learn(CaptureSources *sources, CaptureSource *source,
										Relation rel);

#endif							/* MIGRATE_CAPTURESOURCE_H */
