/*-------------------------------------------------------------------------
 *
 * putback.h
 *		Put the rows of one backup back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_PUTBACK_H
#define MIGRATE_PUTBACK_H

#include "keptrows.h"
#include "reference.h"
#include "target.h"

#define PUTBACK_MAX_CONFLICTS 1000	/* that are listed; all are counted */

/* One row of migrate.backup, as far as restoring needs it. */
typedef struct PutBackItem
{
	int64		backup;
	char	   *what;
	char	   *operation;
	char	   *column;			/* NULL = not about one */
	char	   *kept_as;		/* NULL = nothing but a sequence */
	TargetName	name;
	int64		last_value;
	bool		is_called;
	bool		down;			/* a rollback restores: what the down script
								 * made is less than what was kept */
	List	   *witnesses;		/* OIDs of kept tables: what that script found
								 * and changed here */
} PutBackItem;

/* A row that was left as it is. */
typedef struct PutBackConflict
{
	char	   *key;			/* NULL = there is none */
	const char *reason;
} PutBackConflict;

/* What is known while the rows of one backup go back. */
typedef struct PutBack
{
	const PutBackItem *item;
	MemoryContext context;		/* of the conflicts */
	RestoreTarget *target;
	Relation	kept;
	int64		restored;
	int64		conflicts;
	List	   *listed;			/* of PutBackConflict * */
} PutBack;

/* Puts the value of a column back into the row that was found. */
typedef void (*RefillFound) (void *arg, TupleTableSlot *kept);

/* putback.c: what all ways share, and changed rows found by key */
extern void migrate_putback_conflict(PutBack *putback, TupleTableSlot *kept, const char *reason);
extern void migrate_putback_insert(PutBack *putback, TupleTableSlot *kept, bool check);
extern void migrate_putback_update(PutBack *putback, TupleTableSlot *kept);
extern void migrate_putback_rows(PutBack *putback);

/* matchrows.c, matchtable.c: rows without a key, found by what they look like */
extern void migrate_match_rows(PutBack *putback);
extern void migrate_match_column(PutBack *putback, TargetColumn *column, RefillFound found,
								 void *arg);
extern void migrate_match_table(PutBack *putback);

/* refill.c: whole tables and columns */
extern void migrate_refill_table(PutBack *putback);
extern void migrate_refill_column(PutBack *putback);

#endif							/* MIGRATE_PUTBACK_H */
