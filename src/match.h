/*-------------------------------------------------------------------------
 *
 * match.h
 *		Look through a table for rows, by what they look like.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_MATCH_H
#define MIGRATE_MATCH_H

#include "utils/hsearch.h"

#include "putback.h"

/* One kept row that is looked for, or waits for that. */
typedef struct MatchRow
{
	bool		is_insert;		/* it is gone, and comes back */
	bool		is_delete;		/* it came from another partition, and goes */
	bool		settled;
	HeapTuple	kept;			/* what it becomes */
	struct MatchRow *next;		/* looked for, with the same image */
	struct MatchRow *next_outcome;	/* that becomes one with the same image */
} MatchRow;

/* Rows with one image. */
typedef struct MatchEntry
{
	uint64		image;			/* hash key */
	MatchRow   *rows;			/* that are looked for */
	int64		count;			/* of a whole table: how many are missing */
} MatchEntry;

/* What is known while rows are matched; begins the state of each user. */
typedef struct Match
{
	PutBack    *putback;
	AttrNumber	except;			/* column of the kept table that does not
								 * count, or 0 */
	MemoryContext context;		/* reset for each batch */
	HTAB	   *wanted;			/* MatchEntry by the image to be found */
	List	   *rows;			/* of MatchRow * */
	int64		bytes;
} Match;

/* Hears of the image of the row that stands in the target's found. */
typedef void (*MatchSee) (Match *match, uint64 image);

extern void migrate_match_begin(Match *match, PutBack *putback, AttrNumber except);
extern void migrate_match_reset(Match *match);
extern void migrate_match_end(Match *match);
extern HTAB *migrate_match_hash(MemoryContext context, Size entrysize);
extern bool migrate_match_counts(const Match *match, const TargetColumn *column);
extern uint64 migrate_match_image(const Match *match, TupleTableSlot *row, bool is_kept);
extern MatchRow *migrate_match_add(Match *match, TupleTableSlot *kept);
extern bool migrate_match_is_full(const Match *match);
extern MatchEntry *migrate_match_enter(Match *match, uint64 image);
extern MatchEntry *migrate_match_find(const Match *match, uint64 image);
extern void migrate_match_want(Match *match, MatchRow *row, uint64 image);
extern MatchRow *migrate_match_take(const Match *match, uint64 image);
extern void migrate_match_scan(Match *match, MatchSee see);

#endif							/* MIGRATE_MATCH_H */
