/*-------------------------------------------------------------------------
 *
 * leftover.c
 *		What a rehearsal cannot undo.
 *
 * Sequences do not go back, and advisory locks of the session stay.  Where all
 * sequences stood is read before the rehearsal, since which of them it moves is
 * known only afterwards.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_sequence.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "leftover.h"
#include "ownlocks.h"

#define LEFTOVER_LIMIT 1000		/* sequences that are read in advance */

/* Where a sequence stands. */
typedef struct LeftoverSequence
{
	Oid			relid;
	int64		last_value;
	bool		is_called;
} LeftoverSequence;

struct Leftovers
{
	int			advisory;		/* locks */
	int			count;
	LeftoverSequence sequences[LEFTOVER_LIMIT];
};

/* Read where a sequence stands; false = it is gone, or another session's. */
static bool
leftover_read(Oid relid, LeftoverSequence *sequence)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	TupleTableSlot *slot;
	TableScanDesc scan;
	bool		isnull;

	if (rel == NULL)
		return false;
	if (rel->rd_rel->relkind != RELKIND_SEQUENCE || RELATION_IS_OTHER_TEMP(rel))
	{
		relation_close(rel, AccessShareLock);
		return false;
	}
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, SnapshotAny, 0, NULL);
	if (!table_scan_getnextslot(scan, ForwardScanDirection, slot))
		elog(ERROR, "sequence \"%s\" has no row", RelationGetRelationName(rel));
	sequence->relid = relid;
	sequence->last_value = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	sequence->is_called = DatumGetBool(slot_getattr(slot, 3, &isnull));
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	relation_close(rel, AccessShareLock);
	return true;
}

/* See how things stand before a rehearsal. */
Leftovers *
migrate_leftover_before(void)
{
	Leftovers  *before = palloc(sizeof(Leftovers));
	Relation	rel = table_open(SequenceRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	before->advisory = migrate_ownlocks_advisory();
	before->count = 0;
	while (before->count < LEFTOVER_LIMIT && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			relid = ((Form_pg_sequence) GETSTRUCT(tuple))->seqrelid;

		if (leftover_read(relid, &before->sequences[before->count]))
			before->count++;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return before;
}

/* Find a sequence as it stood before, or NULL. */
static const LeftoverSequence *
leftover_find(const Leftovers *before, Oid relid)
{
	for (int i = 0; i < before->count; i++)
	{
		if (before->sequences[i].relid == relid)
			return &before->sequences[i];
	}
	return NULL;
}

/* Say that a sequence has moved, if it has. */
static void
leftover_tell_sequence(const Leftovers *before, Oid relid)
{
	const LeftoverSequence *was = leftover_find(before, relid);
	LeftoverSequence now;
	char	   *name;

	if (!leftover_read(relid, &now))
		return;
	if (was != NULL && was->last_value == now.last_value && was->is_called == now.is_called)
		return;
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
	if (was == NULL)
		ereport(NOTICE,
				(errmsg("not undone: sequence %s stands at " INT64_FORMAT, name, now.last_value)));
	else
		ereport(NOTICE,
				(errmsg("not undone: sequence %s stands at " INT64_FORMAT "%s, and stood at " INT64_FORMAT "%s",
						name, now.last_value, now.is_called ? "" : " (not used yet)",
						was->last_value, was->is_called ? "" : " (not used yet)")));
}

/* Say what has not been undone; sequences are those that may have moved. */
void
migrate_leftover_tell(const Leftovers *before, const List *sequences)
{
	int			advisory = migrate_ownlocks_advisory() - before->advisory;
	ListCell   *lc;

	foreach(lc, sequences)
		leftover_tell_sequence(before, lfirst_oid(lc));
	if (advisory != 0)
		ereport(NOTICE,
				(errmsg("not undone: the session holds %d advisory %s %s than before",
						abs(advisory), abs(advisory) == 1 ? "lock" : "locks",
						advisory > 0 ? "more" : "less")));
}
