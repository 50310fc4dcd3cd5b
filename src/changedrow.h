/*-------------------------------------------------------------------------
 *
 * changedrow.h
 *		How a changed row is kept: the columns before its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_CHANGEDROW_H
#define MIGRATE_CHANGEDROW_H

#include "executor/tuptable.h"

#include "keep.h"

/* Columns of a table of changed rows that come before those of the source. */
#define CHANGEDROW_ORDINAL 1	/* bigint: order of capture within the step */
#define CHANGEDROW_OPERATION 2	/* "char": one of the following */
#define CHANGEDROW_NEW_IMAGE 3	/* bigint: image of the row after an update */
#define CHANGEDROW_CHANGES 4	/* bytea: the columns that an update changed */
#define CHANGEDROW_BEFORE 4		/* how many there are */

/* What happened to a row. */
#define CHANGEDROW_UPDATED 'U'	/* the row before the update */
#define CHANGEDROW_DELETED 'D'	/* the row that was deleted */
#define CHANGEDROW_ARRIVED 'I'	/* key and image of a row moved here from
								 * another partition */
#define CHANGEDROW_KEY 'K'		/* the new key of the row kept just before,
								 * whose key changed */

/* One item of the list of changes: a column that an update changed. */
typedef struct ChangedColumn
{
	uint16		column;			/* of the source's kept columns, counting from
								 * 0 */
	uint64		image;			/* of the new value */
} ChangedColumn;

#define CHANGEDROW_COLUMN_SIZE (sizeof(uint16) + sizeof(uint64))	/* as it is stored */

extern TupleDesc migrate_changedrow_desc(const KeepMap *map);
extern char *migrate_changedrow_put(char *end, const ChangedColumn *change);
extern int64 migrate_changedrow_ordinal(TupleTableSlot *row);
extern char migrate_changedrow_operation(TupleTableSlot *row);
extern uint64 migrate_changedrow_new_image(TupleTableSlot *row);
extern int	migrate_changedrow_changes(TupleTableSlot *row, ChangedColumn *changes, int limit);

#endif							/* MIGRATE_CHANGEDROW_H */
