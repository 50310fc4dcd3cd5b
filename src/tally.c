/*-------------------------------------------------------------------------
 *
 * tally.c
 *		Counts that follow subtransactions.
 *
 * A tally is a list with one count for each thing and subtransaction.  What a
 * subtransaction has counted goes to its parent, or is forgotten with it; so the
 * list stays as short as the things are few.  It lives where the first count was
 * made; the caller sees to the memory context.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "tally.h"

typedef struct TallyCount
{
	Oid			what;
	SubTransactionId subid;
	int64		count;
} TallyCount;

/* Return the count of one thing in one subtransaction, or NULL. */
static TallyCount *
tally_find(const List *tally, Oid what, SubTransactionId subid)
{
	ListCell   *lc;

	foreach(lc, tally)
	{
		TallyCount *item = lfirst(lc);

		if (item->what == what && item->subid == subid)
			return item;
	}
	return NULL;
}

/* Count something in the current subtransaction. */
void
migrate_tally_add(List **tally, Oid what, int64 count)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	TallyCount *item = tally_find(*tally, what, subid);

	if (item == NULL)
	{
		item = palloc0(sizeof(TallyCount));
		item->what = what;
		item->subid = subid;
		*tally = lappend(*tally, item);
	}
	item->count += count;
}

/* Return what was counted of one thing. */
int64
migrate_tally_sum(const List *tally, Oid what)
{
	int64		sum = 0;
	ListCell   *lc;

	foreach(lc, tally)
	{
		TallyCount *item = lfirst(lc);

		if (item->what == what)
			sum += item->count;
	}
	return sum;
}

/* Give what a subtransaction has counted to its parent. */
void
migrate_tally_commit(List **tally, SubTransactionId subid, SubTransactionId parent)
{
	ListCell   *lc;

	foreach(lc, *tally)
	{
		TallyCount *item = lfirst(lc);
		TallyCount *other;

		if (item->subid != subid)
			continue;
		other = tally_find(*tally, item->what, parent);
		if (other == NULL)
			item->subid = parent;
		else
		{
			other->count += item->count;
			*tally = foreach_delete_current(*tally, lc);
			pfree(item);
		}
	}
}

/* Forget what a subtransaction has counted. */
void
migrate_tally_abort(List **tally, SubTransactionId subid)
{
	ListCell   *lc;

	foreach(lc, *tally)
	{
		TallyCount *item = lfirst(lc);

		if (item->subid == subid)
		{
			*tally = foreach_delete_current(*tally, lc);
			pfree(item);
		}
	}
}
