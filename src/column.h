/*-------------------------------------------------------------------------
 *
 * column.h
 *		Many values as one array parameter.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_COLUMN_H
#define MIGRATE_COLUMN_H

/* Values of one type; set the type, zero the rest. */
typedef struct Column
{
	Oid			type;
	Datum	   *values;
	int			count;
	int			allocated;
} Column;

extern void migrate_column_add(Column *column, Datum value);
extern Datum migrate_column_array(const Column *column, int from, int count);

#endif							/* MIGRATE_COLUMN_H */
