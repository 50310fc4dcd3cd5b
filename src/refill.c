/*-------------------------------------------------------------------------
 *
 * refill.c
 *		Put whole tables and columns back.
 *
 * Rows of a table that was dropped or emptied are inserted where no row has their
 * key.  Values of a column are given to the rows that have their key, where the
 * column is NULL or has its default; after a rollback also where the down script
 * has made the column again, since nobody else can have filled it in between.  A
 * column that got another type is put back where nobody has changed it since: it
 * still is what the statement made of it, or the script that has just run found
 * it so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "castimage.h"
#include "compat.h"
#include "keep.h"
#include "putback.h"
#include "rowimage.h"
#include "witness.h"

/* What is known while a column goes back. */
typedef struct RefillColumn
{
	PutBack    *putback;
	TargetColumn *column;
	bool		retyped;		/* it was never gone */
	FormData_pg_attribute made; /* the type it had then, if atttypid is set */
	bool		anything;		/* may be replaced */
	uint64		default_image;	/* of the column's default */
	Witness    *witness;
} RefillColumn;

/* Insert one row of a table, unless a row has its key. */
static void
refill_row(PutBack *putback, TupleTableSlot *kept, bool search)
{
	RestoreTarget *target = putback->target;

	if (search && migrate_target_find(target, kept))
	{
		if (!migrate_target_equal(target, kept))
			migrate_putback_conflict(putback, kept, "another row has the key");
		return;
	}
	migrate_putback_insert(putback, kept, search);
}

/* Put the rows of a table back. */
void
migrate_refill_table(PutBack *putback)
{
	RestoreTarget *target = putback->target;
	bool		search = !migrate_target_is_empty(target);
	KeptRows   *rows;

	if (search && target->keys == 0)
	{
		migrate_match_table(putback);
		return;
	}
	rows = migrate_keptrows_begin(putback->kept, false);
	while (migrate_keptrows_next(rows))
	{
		MemoryContext old = MemoryContextSwitchTo(target->row);

		refill_row(putback, migrate_keptrows_slot(rows), search);
		MemoryContextSwitchTo(old);
		MemoryContextReset(target->row);
	}
	migrate_target_flush(target);
	migrate_keptrows_end(rows);
}

/* Tell whether this transaction has made a column, or changed its definition. */
static bool
refill_is_new(RestoreTarget *target, TargetColumn *column)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(RelationGetRelid(target->rel)),
										Int16GetDatum(column->attnum));
	bool		is_new;

	if (!HeapTupleIsValid(tuple))
		return false;
	is_new = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	ReleaseSysCache(tuple);
	return is_new;
}

/* Return the image of the default of a column; that of NULL if it varies. */
static uint64
refill_default(RestoreTarget *target, TargetColumn *column)
{
	Node	   *expression = build_column_default(target->rel, column->attnum);
	TupleTableSlot *slot = target->slot;
	int			i = column->attnum - 1;
	uint64		image;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	if (expression != NULL && !contain_volatile_functions(expression))
		slot->tts_values[i] =
			ExecEvalExpr(ExecPrepareExpr((Expr *) expression, target->estate),
						 GetPerTupleExprContext(target->estate), &slot->tts_isnull[i]);
	ExecStoreVirtualTuple(slot);
	image = migrate_target_image(target, column, slot);
	ExecClearTuple(slot);
	return image;
}

/* Learn which type the column had after the statement that changed it, if that is known. */
static void
refill_learn_type(RefillColumn *refill)
{
	Relation	kept = refill->putback->kept;
	Form_pg_attribute made = &refill->made;
	char	   *name = NULL;
	int32		typmod;
	Oid			base;

	if (strcmp(NameStr(TupleDescAttr(RelationGetDescr(kept), 0)->attname), "migrate.new_image") == 0)
		name = GetComment(RelationGetRelid(kept), RelationRelationId, 1);
	if (name == NULL || !compat_parse_type(name, &made->atttypid, &typmod))
		return;
	made->atttypmod = typmod;
	if (!migrate_keep_plain_type(made->atttypid, &base, &typmod) || base != made->atttypid)
	{
		made->atttypid = TEXTOID;
		made->atttypmod = -1;
	}
	get_typlenbyval(made->atttypid, &made->attlen, &made->attbyval);
	made->attcollation = get_typcollation(made->atttypid);
}

/* Learn what is to be known of a column that goes back; false = there is nothing to do. */
static bool
refill_learn(PutBack *putback, RefillColumn *refill)
{
	RestoreTarget *target = putback->target;

	memset(refill, 0, sizeof(RefillColumn));
	refill->putback = putback;
	refill->column = migrate_target_column(target, putback->item->column);
	if (refill->column == NULL || refill->column->attnum == 0 || refill->column->generated)
		return false;
	refill->retyped = strcmp(putback->item->operation, "drop column") != 0;
	refill->anything = !refill->retyped && putback->item->down &&
		refill_is_new(target, refill->column);
	refill->default_image = refill_default(target, refill->column);
	return true;
}

/* Write the kept value into the row that was found. */
static void
refill_set(RefillColumn *refill, TupleTableSlot *kept)
{
	RestoreTarget *target = refill->putback->target;

	migrate_target_begin_update(target);
	migrate_target_set(target, refill->column, kept);
	migrate_putback_update(refill->putback, kept);
}

/* Tell whether an image is that of what the statement made of a value. */
static bool
refill_is_made(TupleTableSlot *kept, uint64 image)
{
	bool		isnull;
	uint64		made;

	if (strcmp(NameStr(TupleDescAttr(kept->tts_tupleDescriptor, 0)->attname), "migrate.new_image") != 0)
		return false;
	made = (uint64) DatumGetInt64(slot_getattr(kept, 1, &isnull));
	return !isnull && made == migrate_image_add(ROWIMAGE_EMPTY, image);
}

/*
 * Tell whether the value of the row that was found is what the statement that
 * changed the type made of it, be it in another type again.
 */
static bool
refill_is_untouched(RefillColumn *refill, TupleTableSlot *kept, uint64 image)
{
	RestoreTarget *target = refill->putback->target;
	AttrNumber	attnum = refill->column->attnum;
	bool		isnull;
	Datum		value;

	if (refill_is_made(kept, image))
		return true;
	if (!OidIsValid(refill->made.atttypid))
		return false;
	value = slot_getattr(target->found, attnum, &isnull);
	return refill_is_made(kept, migrate_cast_image(TupleDescAttr(RelationGetDescr(target->rel), attnum - 1),
												   value, isnull, &refill->made));
}

/* Tell whether a value may be replaced by the one that was kept. */
static bool
refill_may_replace(RefillColumn *refill, TupleTableSlot *kept, uint64 image)
{
	bool		isnull;

	if (refill->retyped)
		return refill_is_untouched(refill, kept, image);
	(void) slot_getattr(refill->putback->target->found, refill->column->attnum, &isnull);
	return isnull || refill->anything || image == refill->default_image;
}

/* Put the value of the row that was found back. */
static void
refill_found(void *arg, TupleTableSlot *kept)
{
	RefillColumn *refill = arg;
	RestoreTarget *target = refill->putback->target;
	uint64		now = migrate_target_image(target, refill->column, target->found);

	if (now == migrate_target_kept_image(target, refill->column, kept))
		return;
	if (refill_may_replace(refill, kept, now))
		refill_set(refill, kept);
	else if (refill->witness != NULL)
		migrate_witness_ask(refill->witness, kept);
	else
		migrate_putback_conflict(refill->putback, kept, "has another value");
}

/* Return the text of a value. */
static char *
refill_text(Form_pg_attribute att, Datum value)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(att->atttypid, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}

/*
 * Judge a value whose column got another type and then its first one again: seen
 * is the value in between.  If that is the kept one in another type, nobody has
 * changed it.
 */
static bool
refill_verdict(PutBack *putback, TupleTableSlot *kept, TupleTableSlot *seen)
{
	RefillColumn refill;
	TupleDesc	desc = seen->tts_tupleDescriptor;
	Form_pg_attribute from;
	Form_pg_attribute to = NULL;
	bool		isnull;
	bool		seen_isnull = true;
	Datum		value;
	Datum		seen_value = (Datum) 0;

	if (!refill_learn(putback, &refill))
		return true;
	from = TupleDescAttr(kept->tts_tupleDescriptor, refill.column->kept - 1);
	for (int i = 0; i < desc->natts && to == NULL; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), putback->item->column) == 0)
		{
			to = TupleDescAttr(desc, i);
			seen_value = slot_getattr(seen, i + 1, &seen_isnull);
		}
	}
	value = slot_getattr(kept, refill.column->kept, &isnull);
	if (to == NULL)
		return false;
	if (refill_is_made(kept, migrate_image_value(seen_value, seen_isnull, to)))
		;						/* exactly what the statement made of it */
	else if (isnull || seen_isnull ||
			 strcmp(refill_text(from, value), refill_text(to, seen_value)) != 0)
	{
		if (migrate_cast_image(from, value, isnull, to) !=
			migrate_image_value(seen_value, seen_isnull, to))
			return false;
	}
	if (migrate_target_find(putback->target, kept))
		refill_set(&refill, kept);
	return true;
}

/* Put the values of a column back. */
void
migrate_refill_column(PutBack *putback)
{
	RestoreTarget *target = putback->target;
	RefillColumn refill;
	KeptRows   *rows;

	if (!refill_learn(putback, &refill))
		return;
	if (refill.retyped)
		refill_learn_type(&refill);
	if (target->keys == 0)
	{
		migrate_match_column(putback, refill.column, refill_found, &refill);
		return;
	}
	if (refill.retyped && putback->item->witnesses != NIL)
		refill.witness = migrate_witness_begin(putback, refill_verdict);
	rows = migrate_keptrows_begin(putback->kept, false);
	while (migrate_keptrows_next(rows))
	{
		MemoryContext old = MemoryContextSwitchTo(target->row);

		if (migrate_target_find(target, migrate_keptrows_slot(rows)))
			refill_found(&refill, migrate_keptrows_slot(rows));
		MemoryContextSwitchTo(old);
		MemoryContextReset(target->row);
	}
	if (refill.witness != NULL)
		migrate_witness_end(refill.witness);
	migrate_keptrows_end(rows);
}
