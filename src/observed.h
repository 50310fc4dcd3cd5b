/*-------------------------------------------------------------------------
 *
 * observed.h
 *		What a statement of a script really did.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OBSERVED_H
#define MIGRATE_OBSERVED_H

#include "nodes/pg_list.h"
#include "portability/instr_time.h"
#include "tcop/cmdtag.h"

#include "predict.h"

/* What a statement did to one relation. */
typedef struct ObservedRelation
{
	Oid			relid;
	char		relkind;
	const char *name;			/* with its schema, from before the statement */
	LOCKMODE	mode;			/* the strongest that was not held before, or
								 * 0 */
	bool		rewrite;		/* all its rows were written again */
	bool		build;			/* an index of it was built; of an index: it
								 * was built again */
	bool		scan;			/* all its rows were read */
	int64		rows;			/* inserted, updated and deleted */
} ObservedRelation;

/* What was predicted of one relation. */
typedef struct ObservedPrediction
{
	PredictedRelation relation;
	bool		held;			/* the lock was held already, or a stronger
								 * one */
	bool		taken;			/* before the statement */
} ObservedPrediction;

/* What a statement did. */
typedef struct ObservedStatement
{
	int64		version;
	const char *direction;		/* "up" or "down" */
	int			number;			/* counting from 1 */
	int			line;
	CommandTag	tag;
	bool		finished;
	int64		duration;		/* microseconds, the wait for predicted locks
								 * not counted */
	int64		lock_wait;		/* -1 = no locks were taken before it */
	int64		hold;			/* from its first lock that keeps writers out
								 * to the end of the script; -1 = it took none */
	int64		rows;			/* inserted, updated and deleted */
	int64		wal_bytes;
	int64		buffers;		/* read or hit */
	List	   *relations;		/* of ObservedRelation * */
	List	   *predicted;		/* of ObservedPrediction *, if predictions are
								 * made */
	ObservedPrediction *locking;	/* the lock of these that it waits for */
	instr_time	lock_start;		/* when it began to take them */
	bool		outside;		/* it writes to a file, or runs a program */
	bool		opaque;			/* more may have been needed than is predicted */
} ObservedStatement;

#endif							/* MIGRATE_OBSERVED_H */
