/*-------------------------------------------------------------------------
 *
 * column.c
 *		Many values as one array parameter.
 *
 * One statement with unnest() of arrays instead of one for each row: what a
 * statement costs is then paid once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/lsyscache.h"

#include "column.h"

/* Add a value; what it points to must live as long as the column. */
void
migrate_column_add(Column *column, Datum value)
{
	if (column->count == column->allocated)
	{
		column->allocated = Max(16, 2 * column->allocated);
		if (column->values == NULL)
			column->values = palloc(column->allocated * sizeof(Datum));
		else
			column->values = repalloc_huge(column->values,
										   (Size) column->allocated * sizeof(Datum));
	}
	column->values[column->count++] = value;
}

/* Return some of the values as an array. */
Datum
migrate_column_array(const Column *column, int from, int count)
{
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(column->type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(column->values + from, Min(count, column->count - from),
										   column->type, length, by_value, align));
}
