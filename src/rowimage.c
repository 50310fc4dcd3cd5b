/*-------------------------------------------------------------------------
 *
 * rowimage.c
 *		Images: numbers that tell whether values are still what they were.
 *
 * An image is a hash of 64 bits over the form in which a value is kept (keep.c):
 * the detoasted bytes of a type of the server, the text of any other.  So it is
 * the same before and after a rewrite, whatever way the value was stored, and
 * after a user-defined type was dropped and created again.  Values that are
 * equal but look different (1.0 and 1.00) have different images.
 *
 * The image of a row is made of those of its columns, in their order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "keep.h"
#include "rowimage.h"

#define ROWIMAGE_NULL UINT64CONST(0x6e756c6c)	/* the image of a null */

PG_FUNCTION_INFO_V1(migrate_row_image);

/* Return the image of a value whose type is one of the server's. */
uint64
migrate_image_value(Datum value, bool isnull, Form_pg_attribute att)
{
	if (isnull)
		return ROWIMAGE_NULL;
	if (att->attbyval)
		return hash_bytes_uint32_extended((uint32) value, (uint64) value >> 32);
	if (att->attlen == -1)
	{
		struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
		uint64		image = hash_bytes_extended((unsigned char *) VARDATA_ANY(bytes),
												VARSIZE_ANY_EXHDR(bytes), 0);

		if ((Pointer) bytes != DatumGetPointer(value))
			pfree(bytes);
		return image;
	}
	return hash_bytes_extended((unsigned char *) DatumGetPointer(value),
							   att->attlen > 0 ? att->attlen : strlen(DatumGetCString(value)), 0);
}

/* Add the image of one more column to that of a row. */
uint64
migrate_image_add(uint64 image, uint64 value)
{
	return hash_combine64(image, value);
}

/* Return the image of a row as it is kept, from a column (counting from 0) on. */
uint64
migrate_image_row(TupleDesc desc, int first, const Datum *values, const bool *isnull)
{
	uint64		image = ROWIMAGE_EMPTY;

	for (int i = first; i < desc->natts; i++)
		image = migrate_image_add(image, migrate_image_value(values[i], isnull[i],
															 TupleDescAttr(desc, i)));
	return image;
}

/* Tell whether two values of one type, not null, have the same bytes. */
bool
migrate_image_equal(Datum one, Datum other, Form_pg_attribute att)
{
	struct varlena *left;
	struct varlena *right;
	bool		equal;

	if (att->attbyval)
		return one == other;
	if (att->attlen > 0)
		return memcmp(DatumGetPointer(one), DatumGetPointer(other), att->attlen) == 0;
	if (att->attlen == -2)
		return strcmp(DatumGetCString(one), DatumGetCString(other)) == 0;
	left = (struct varlena *) DatumGetPointer(one);
	right = (struct varlena *) DatumGetPointer(other);
	if (left == right ||
		(VARSIZE_ANY(left) == VARSIZE_ANY(right) &&
		 !VARATT_IS_EXTERNAL_EXPANDED(left) && !VARATT_IS_EXTERNAL_EXPANDED(right) &&
		 memcmp(left, right, VARSIZE_ANY(left)) == 0))
		return true;			/* also of what lies elsewhere: the same place */
	if (toast_raw_datum_size(one) != toast_raw_datum_size(other))
		return false;
	left = PG_DETOAST_DATUM_PACKED(one);
	right = PG_DETOAST_DATUM_PACKED(other);
	equal = memcmp(VARDATA_ANY(left), VARDATA_ANY(right), VARSIZE_ANY_EXHDR(left)) == 0;
	if ((Pointer) left != DatumGetPointer(one))
		pfree(left);
	if ((Pointer) right != DatumGetPointer(other))
		pfree(right);
	return equal;
}

/* Return the image of one column of a record, in the form in which it is kept. */
static uint64
image_of_column(Datum value, bool isnull, Form_pg_attribute att)
{
	int32		typmod = att->atttypmod;
	FormData_pg_attribute text = {.attlen = -1};
	Oid			base;
	Oid			output;
	bool		is_varlena;

	if (isnull || migrate_keep_plain_type(att->atttypid, &base, &typmod))
		return migrate_image_value(value, isnull, att);
	getTypeOutputInfo(att->atttypid, &output, &is_varlena);
	return migrate_image_value(CStringGetTextDatum(OidOutputFunctionCall(output, value)),
							   false, &text);
}

/* SQL: migrate.row_image(record) */
Datum
migrate_row_image(PG_FUNCTION_ARGS)
{
	HeapTupleHeader record = PG_GETARG_HEAPTUPLEHEADER(0);
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(record),
											  HeapTupleHeaderGetTypMod(record));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(record), .t_data = record};
	Datum	   *values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	bool	   *isnull = palloc(sizeof(bool) * Max(desc->natts, 1));
	uint64		image = ROWIMAGE_EMPTY;
	int			level = migrate_keep_pin_settings();

	heap_deform_tuple(&tuple, desc, values, isnull);
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			image = migrate_image_add(image, image_of_column(values[i], isnull[i],
															 TupleDescAttr(desc, i)));
	AtEOXact_GUC(false, level);
	ReleaseTupleDesc(desc);
	PG_RETURN_INT64((int64) image);
}
