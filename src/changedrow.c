/*-------------------------------------------------------------------------
 *
 * changedrow.c
 *		How a changed row is kept: the columns before its own.
 *
 * A table of changed rows has four columns of ours before those that are kept of
 * the source (keep.c); this is the one place that knows how they are stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "port/pg_bswap.h"

#include "changedrow.h"

/* Return the descriptor of a table of changed rows. */
TupleDesc
migrate_changedrow_desc(const KeepMap *map)
{
	TupleDesc	desc = migrate_keep_desc(map, CHANGEDROW_BEFORE);

	TupleDescInitEntry(desc, CHANGEDROW_ORDINAL, "migrate.ordinal", INT8OID, -1, 0);
	TupleDescInitEntry(desc, CHANGEDROW_OPERATION, "migrate.operation", CHAROID, -1, 0);
	TupleDescInitEntry(desc, CHANGEDROW_NEW_IMAGE, "migrate.new_image", INT8OID, -1, 0);
	TupleDescInitEntry(desc, CHANGEDROW_CHANGES, "migrate.changes", BYTEAOID, -1, 0);
	return desc;
}

/*
 * Append an item to a list of changes, which has room for CHANGEDROW_COLUMN_SIZE
 * more bytes; returns its new end.
 */
char *
migrate_changedrow_put(char *end, const ChangedColumn *change)
{
	uint16		column = pg_hton16(change->column);
	uint64		image = pg_hton64(change->image);

	memcpy(end, &column, sizeof(column));
	memcpy(end + sizeof(column), &image, sizeof(image));
	return end + CHANGEDROW_COLUMN_SIZE;
}

/* Return the ordinal of a row. */
int64
migrate_changedrow_ordinal(TupleTableSlot *row)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(row, CHANGEDROW_ORDINAL, &isnull));
}

/* Return what happened to a row. */
char
migrate_changedrow_operation(TupleTableSlot *row)
{
	bool		isnull;

	return DatumGetChar(slot_getattr(row, CHANGEDROW_OPERATION, &isnull));
}

/* Return the image of what a row became; of no use where none is stored. */
uint64
migrate_changedrow_new_image(TupleTableSlot *row)
{
	bool		isnull;

	return (uint64) DatumGetInt64(slot_getattr(row, CHANGEDROW_NEW_IMAGE, &isnull));
}

/* Read which columns an update changed; returns how many, which is within the limit. */
int
migrate_changedrow_changes(TupleTableSlot *row, ChangedColumn *changes, int limit)
{
	bool		isnull;
	Datum		value = slot_getattr(row, CHANGEDROW_CHANGES, &isnull);
	bytea	   *bytes;
	const char *item;
	int			count;

	if (isnull)
		return 0;
	bytes = DatumGetByteaPP(value);
	count = VARSIZE_ANY_EXHDR(bytes) / CHANGEDROW_COLUMN_SIZE;
	item = VARDATA_ANY(bytes);
	if (count > limit)
		elog(ERROR, "list of changed columns is too long");
	for (int i = 0; i < count; i++, item += CHANGEDROW_COLUMN_SIZE)
	{
		memcpy(&changes[i].column, item, sizeof(uint16));
		memcpy(&changes[i].image, item + sizeof(uint16), sizeof(uint64));
		changes[i].column = pg_ntoh16(changes[i].column);
		changes[i].image = pg_ntoh64(changes[i].image);
	}
	return count;
}
