/*-------------------------------------------------------------------------
 *
 * prelock.c
 *		Take the locks a statement is predicted to need before it runs.
 *
 * So the wait for them is told apart from the work.  When the statement is over
 * they are let go once: what it has taken itself stays locked, what it did not
 * need is free again, and what is seen to be held is what the statement really
 * took.
 *
 * A relation is locked in advance only if the role that runs the script could do
 * so with LOCK TABLE, more or less: a script must not lock what it may not touch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "portability/instr_time.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "budget.h"
#include "compat.h"
#include "prelock.h"

/* Tell whether a relation is locked in a mode, or more strongly. */
static bool
prelock_is_held(Oid relid, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	for (; mode <= AccessExclusiveLock; mode++)
	{
		if (compat_lock_held(&tag, mode))
			return true;
	}
	return false;
}

/* Tell whether the current role may lock a relation. */
static bool
prelock_may(Oid relid, LOCKMODE mode)
{
	AclMode		needed = ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE | ACL_REFERENCES;

	if (mode <= RowExclusiveLock)
		needed |= ACL_SELECT | ACL_INSERT;
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) &&
		(compat_is_owner(relid, GetUserId()) ||
		 pg_class_aclcheck(relid, GetUserId(), needed) == ACLCHECK_OK);
}

/* Parse one statement; its text was parsed before, with the whole script. */
static Node *
prelock_parse(const PositionFrame *frame, const ScriptStatement *stmt)
{
	List	   *parsed;

	if (stmt->node != NULL)
		return stmt->node;
	parsed = raw_parser(frame->slice, RAW_PARSE_DEFAULT);
	return linitial_node(RawStmt, parsed)->stmt;
}

/* Tell whether a statement does what no transaction undoes. */
static bool
prelock_goes_outside(const Node *node)
{
	const CopyStmt *copy = (const CopyStmt *) node;

	return IsA(node, CopyStmt) && (copy->is_program || (copy->filename != NULL && !copy->is_from));
}

/* Tell whether a prediction is of locks that make others wait. */
static bool
prelock_makes_wait(const Prediction *prediction)
{
	ListCell   *lc;

	if (prediction->opaque)
		return true;
	foreach(lc, prediction->relations)
	{
		if (((PredictedRelation *) lfirst(lc))->mode >= RowExclusiveLock)
			return true;
	}
	return false;
}

/* Keep with the statement what was predicted of one relation. */
static void
prelock_keep(ObservedStatement *statement, const PredictedRelation *relation)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(statement));
	ObservedPrediction *kept = palloc(sizeof(ObservedPrediction));

	kept->relation = *relation;
	kept->held = prelock_is_held(relation->relid, relation->mode);
	kept->taken = false;
	statement->predicted = lappend(statement->predicted, kept);
	MemoryContextSwitchTo(old);
}

/* Predict what a statement locks, and lock it; the wait is told in lock_wait. */
static void
prelock_take(ObservedStatement *statement, const PositionFrame *frame, const ScriptStatement *stmt)
{
	Node	   *node = prelock_parse(frame, stmt);
	Prediction *prediction;
	instr_time	end;
	ListCell   *lc;

	migrate_budget_check();
	prediction = migrate_predict(node);
	statement->outside = prelock_goes_outside(node);
	statement->opaque = prediction->opaque;
	INSTR_TIME_SET_CURRENT(statement->lock_start);
	if (prelock_makes_wait(prediction))
		migrate_budget_start(statement->lock_start);
	statement->lock_wait = 0;
	foreach(lc, prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (relation->relid >= FirstNormalObjectId && relation->mode != NoLock)
			prelock_keep(statement, relation);
	}
	foreach(lc, statement->predicted)
	{
		ObservedPrediction *predicted = lfirst(lc);
		PredictedRelation *relation = &predicted->relation;

		if (predicted->held || !prelock_may(relation->relid, relation->mode))
			continue;
		statement->locking = predicted;
		LockRelationOid(relation->relid, relation->mode);
		statement->locking = NULL;
		predicted->taken = true;
	}
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, statement->lock_start);
	statement->lock_wait = INSTR_TIME_GET_MICROSEC(end);
}

/* Let the locks go that were taken in advance. */
static void
prelock_settle(const ObservedStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->predicted)
	{
		ObservedPrediction *predicted = lfirst(lc);

		if (predicted->taken)
			UnlockRelationOid(predicted->relation.relid, predicted->relation.mode);
	}
}

/* See whether the statement has really taken a lock that makes others wait. */
static void
prelock_judge(const ObservedStatement *statement, instr_time start)
{
	bool		held = false;
	ListCell   *lc;

	foreach(lc, statement->relations)
	{
		ObservedRelation *relation = lfirst(lc);

		held |= relation->mode >= RowExclusiveLock;
	}
	migrate_budget_settle(held, start);
}

const ObserveLocking migrate_prelock = {
	.take = prelock_take,
	.settle = prelock_settle,
	.judge = prelock_judge,
};
