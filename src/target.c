/*-------------------------------------------------------------------------
 *
 * target.c
 *		A table that kept rows go back to: which it is, and how their values fit.
 *
 * Rows are written as logical replication writes them (targetwrite.c): no trigger
 * fires, no row security and no privilege is asked; what checks, generates,
 * indexes and converts values does run, and is the user's code.  Therefore:
 *
 * - From migrate_target_open() to migrate_target_close() the current user is the
 *   owner of the table, within a security-restricted operation.  If the owner
 *   could not act as the caller, search_path is pinned too: it is the caller's,
 *   and must not bend what runs as somebody else.
 * - The table is locked against writers (SHARE ROW EXCLUSIVE) until the
 *   transaction ends, so what is found is what is written to.
 * - The table is found by its OID while the kept table is the one that was made
 *   then, so a table that was renamed meanwhile is found; else by its name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "castimage.h"
#include "compat.h"
#include "keep.h"
#include "reach.h"
#include "rowimage.h"
#include "target.h"

/* Find the table by what is known of it; returns its OID, or InvalidOid. */
Oid
migrate_target_lookup(const TargetName *name)
{
	Oid			schema = get_namespace_oid(name->schema, true);

	if (OidIsValid(name->relid) && get_rel_relkind(name->relid) == RELKIND_RELATION)
		return name->relid;
	return OidIsValid(schema) ? get_relname_relid(name->relation, schema) : InvalidOid;
}

/* Become the owner of the table, with settings that read kept text. */
static void
target_become_owner(RestoreTarget *target)
{
	Oid			owner = target->rel->rd_rel->relowner;
	char	   *path = pstrdup(namespace_search_path);

	GetUserIdAndSecContext(&target->userid, &target->sec_context);
	target->guc_level = migrate_keep_pin_settings();
	if (migrate_reach_caller(owner))
		(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	SetUserIdAndSecContext(owner, target->sec_context |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

/* Say how the values of one column go back. */
static void
target_map_column(RestoreTarget *target, Form_pg_attribute kept, TargetColumn *column)
{
	TupleDesc	desc = RelationGetDescr(target->rel);
	AttrNumber	attnum = get_attnum(RelationGetRelid(target->rel), NameStr(kept->attname));
	Form_pg_attribute att;
	int32		typmod;
	Oid			base;
	Oid			function;
	bool		is_varlena;
	bool		plain;

	column->kept = kept->attnum;
	if (attnum <= 0)
		return;
	column->attnum = attnum;
	att = TupleDescAttr(desc, attnum - 1);
	column->generated = att->attgenerated != '\0';
	column->type = att->atttypid;
	column->typmod = typmod = att->atttypmod;
	plain = migrate_keep_plain_type(att->atttypid, &base, &typmod);
	column->is_domain = base != att->atttypid;
	if (plain && base == kept->atttypid && (typmod == kept->atttypmod || typmod < 0))
		column->way = TARGET_SAME;
	else
		column->way = kept->atttypid == TEXTOID ? TARGET_TEXT : TARGET_CAST;
	getTypeInputInfo(att->atttypid, &function, &column->ioparam);
	fmgr_info_cxt(function, &column->input, target->context);
	getTypeOutputInfo(att->atttypid, &function, &is_varlena);
	fmgr_info_cxt(function, &column->output, target->context);
	getTypeOutputInfo(kept->atttypid, &function, &is_varlena);
	fmgr_info_cxt(function, &column->kept_output, target->context);
}

/* Say how the values of all columns go back. */
static void
target_map_columns(RestoreTarget *target)
{
	TupleDesc	kept = RelationGetDescr(target->kept);

	target->columns = palloc0(sizeof(TargetColumn) * Max(kept->natts, 1));
	for (int i = target->before; i < kept->natts; i++)
	{
		if (!TupleDescAttr(kept, i)->attisdropped)
			target_map_column(target, TupleDescAttr(kept, i), &target->columns[target->count++]);
	}
}

/* Return the column of the kept table that has a name, or NULL. */
TargetColumn *
migrate_target_column(RestoreTarget *target, const char *name)
{
	TupleDesc	kept = RelationGetDescr(target->kept);

	for (int i = 0; i < target->count; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(kept, target->columns[i].kept - 1)->attname), name) == 0)
			return &target->columns[i];
	}
	return NULL;
}

/* Return the column of the kept table that goes to a column of the target, or NULL. */
static TargetColumn *
target_column_of(RestoreTarget *target, AttrNumber attnum)
{
	for (int i = 0; i < target->count; i++)
	{
		if (target->columns[i].attnum == attnum)
			return &target->columns[i];
	}
	return NULL;
}

/* Tell whether an index is unique, for good and at once, on just the columns of a key. */
static bool
target_is_key(RestoreTarget *target, Relation index, List *key)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || !form->indisvalid || !form->indimmediate ||
		form->indnkeyatts != list_length(key) || RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		TargetColumn *column = target_column_of(target, form->indkey.values[i]);
		ListCell   *lc;
		bool		member = false;

		if (form->indkey.values[i] <= 0 || column == NULL)
			return false;
		foreach(lc, key)
			member |= migrate_target_column(target, lfirst(lc)) == column;
		if (!member)
			return false;
	}
	return true;
}

/* Prepare searches through an index. */
static void
target_use_index(RestoreTarget *target, Relation index)
{
	target->index = index;
	target->keys = index->rd_index->indnkeyatts;
	target->key = palloc(sizeof(int) * target->keys);
	target->scankeys = palloc0(sizeof(ScanKeyData) * target->keys);
	for (int i = 0; i < target->keys; i++)
	{
		Oid			type = index->rd_opcintype[i];
		Oid			operator = get_opfamily_member(index->rd_opfamily[i], type, type,
												   BTEqualStrategyNumber);

		if (!OidIsValid(operator))
			elog(ERROR, "index \"%s\" has no equality operator", RelationGetRelationName(index));
		target->key[i] = target_column_of(target, index->rd_index->indkey.values[i]) - target->columns;
		ScanKeyEntryInitialize(&target->scankeys[i], 0, i + 1, BTEqualStrategyNumber,
							   InvalidOid, index->rd_indcollation[i],
							   get_opcode(operator), (Datum) 0);
	}
	target->scan = compat_index_beginscan(target->rel, index, SnapshotSelf, target->keys);
}

/* Find an index that finds rows by their key. */
static void
target_find_index(RestoreTarget *target, List *key)
{
	ListCell   *lc;

	if (key == NIL)
		return;
	foreach(lc, RelationGetIndexList(target->rel))
	{
		Relation	index = index_open(lfirst_oid(lc), RowExclusiveLock);

		if (target_is_key(target, index, key))
		{
			target_use_index(target, index);
			return;
		}
		index_close(index, RowExclusiveLock);
	}
}

/* Find the columns of the target that were not kept, and have defaults. */
static void
target_find_defaults(RestoreTarget *target)
{
	TupleDesc	desc = RelationGetDescr(target->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		TargetDefault *item;
		Node	   *expression;

		if (att->attisdropped || att->attgenerated != '\0' ||
			target_column_of(target, att->attnum) != NULL)
			continue;
		expression = build_column_default(target->rel, att->attnum);
		if (expression == NULL)
			continue;
		item = palloc(sizeof(TargetDefault));
		item->attnum = att->attnum;
		item->expression = ExecPrepareExpr((Expr *) expression, target->estate);
		target->defaults = lappend(target->defaults, item);
	}
}

/* Find the indexes that refuse rows at once. */
static void
target_find_uniques(RestoreTarget *target)
{
	ResultRelInfo *result = target->result;

	for (int i = 0; i < result->ri_NumIndices; i++)
	{
		IndexInfo  *info = result->ri_IndexRelationInfo[i];
		Form_pg_index form = result->ri_IndexRelationDescs[i]->rd_index;
		TargetUnique *unique;

		if (!form->indimmediate || (!info->ii_Unique && info->ii_ExclusionOps == NULL))
			continue;
		unique = palloc0(sizeof(TargetUnique));
		unique->index = form->indexrelid;
		for (int k = 0; k < info->ii_NumIndexKeyAttrs; k++)
			unique->attnums = bms_add_member(unique->attnums, info->ii_IndexAttrNumbers[k] -
											 FirstLowInvalidHeapAttributeNumber);
		pull_varattnos((Node *) info->ii_Expressions, 1, &unique->attnums);
		pull_varattnos((Node *) info->ii_Predicate, 1, &unique->attnums);
		target->uniques = lappend(target->uniques, unique);
	}
}

/* Prepare writes, without triggers. */
static void
target_prepare(RestoreTarget *target)
{
	target->estate = CreateExecutorState();
	target->result = makeNode(ResultRelInfo);
	InitResultRelInfo(target->result, target->rel, 0, NULL, 0);
	target->result->ri_TrigDesc = NULL;
	ExecOpenIndices(target->result, true);
	target->slot = table_slot_create(target->rel, NULL);
	target->found = table_slot_create(target->rel, NULL);
	target_find_defaults(target);
	target_find_uniques(target);
}

/*
 * Open a table for the rows of a kept one; returns NULL if there is no such
 * table any more.  Until migrate_target_close(), or the abort of the transaction
 * or subtransaction, its owner is the current user.
 */
RestoreTarget *
migrate_target_open(const TargetName *name, Relation kept, int before)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "migrate target",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RestoreTarget *target = palloc0(sizeof(RestoreTarget));
	Oid			relid = migrate_target_lookup(name);

	target->context = context;
	target->kept = kept;
	target->before = before;
	if (OidIsValid(relid))
		target->rel = try_relation_open(relid, ShareRowExclusiveLock);
	if (target->rel == NULL || target->rel->rd_rel->relkind != RELKIND_RELATION)
	{
		if (target->rel != NULL)
			relation_close(target->rel, ShareRowExclusiveLock);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		return NULL;
	}
	target->row = AllocSetContextCreate(context, "migrate target row", ALLOCSET_DEFAULT_SIZES);
	target_become_owner(target);
	target_map_columns(target);
	target_prepare(target);
	target_find_index(target, name->key);
	MemoryContextSwitchTo(old);
	return target;
}

/* Let go of a table, and become the caller again; the lock stays. */
void
migrate_target_close(RestoreTarget *target)
{
	migrate_target_flush(target);
	if (target->scan != NULL)
	{
		index_endscan(target->scan);
		index_close(target->index, NoLock);
	}
	ExecDropSingleTupleTableSlot(target->found);
	ExecDropSingleTupleTableSlot(target->slot);
	for (int i = 0; target->many != NULL && target->many[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(target->many[i]);
	ExecCloseIndices(target->result);
	FreeExecutorState(target->estate);
	relation_close(target->rel, NoLock);
	AtEOXact_GUC(false, target->guc_level);
	SetUserIdAndSecContext(target->userid, target->sec_context);
	MemoryContextDelete(target->context);
}

/* Tell whether a table has no rows. */
bool
migrate_target_is_empty(RestoreTarget *target)
{
	TableScanDesc scan = table_beginscan(target->rel, SnapshotSelf, 0, NULL);
	bool		empty = !table_scan_getnextslot(scan, ForwardScanDirection, target->found);

	table_endscan(scan);
	ExecClearTuple(target->found);
	return empty;
}

/* Make a value of the target's column from a kept one. */
Datum
migrate_target_in(RestoreTarget *target, TargetColumn *column, Datum kept, bool *isnull)
{
	if (column->way == TARGET_SAME)
	{
		if (column->is_domain)
			domain_check(kept, *isnull, column->type, &column->domain, target->context);
		return kept;
	}
	if (*isnull)
	{
		if (column->is_domain)
			(void) InputFunctionCall(&column->input, NULL, column->ioparam, column->typmod);
		return (Datum) 0;
	}
	return InputFunctionCall(&column->input, OutputFunctionCall(&column->kept_output, kept),
							 column->ioparam, column->typmod);
}

/* Return how a column is kept. */
static Form_pg_attribute
target_kept_attribute(RestoreTarget *target, TargetColumn *column)
{
	return TupleDescAttr(RelationGetDescr(target->kept), column->kept - 1);
}

/* Return the image of a column of a row of the target, in the form in which it is kept. */
uint64
migrate_target_image(RestoreTarget *target, TargetColumn *column, TupleTableSlot *row)
{
	Form_pg_attribute kept = target_kept_attribute(target, column);
	bool		isnull;
	Datum		value = slot_getattr(row, column->attnum, &isnull);

	if (column->way == TARGET_CAST)
		return migrate_cast_image(TupleDescAttr(RelationGetDescr(target->rel), column->attnum - 1),
								  value, isnull, kept);
	if (column->way == TARGET_TEXT && !isnull)
		value = CStringGetTextDatum(OutputFunctionCall(&column->output, value));
	return migrate_image_value(value, isnull, kept);
}

/* Return the image of a column of a kept row. */
uint64
migrate_target_kept_image(RestoreTarget *target, TargetColumn *column, TupleTableSlot *kept)
{
	bool		isnull;
	Datum		value = slot_getattr(kept, column->kept, &isnull);

	return migrate_image_value(value, isnull, target_kept_attribute(target, column));
}

/* Tell whether the row that was found has the values of a kept one. */
bool
migrate_target_equal(RestoreTarget *target, TupleTableSlot *kept)
{
	for (int i = 0; i < target->count; i++)
	{
		TargetColumn *column = &target->columns[i];

		if (column->attnum != 0 && !column->generated &&
			migrate_target_image(target, column, target->found) !=
			migrate_target_kept_image(target, column, kept))
			return false;
	}
	return true;
}

/* Name the key of a kept row, as in the messages of constraints. */
char *
migrate_target_describe(RestoreTarget *target, TupleTableSlot *kept)
{
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < target->keys; i++)
	{
		TargetColumn *column = &target->columns[target->key[i]];
		const char *separator = i > 0 ? ", " : "";
		bool		isnull;
		Datum		value = slot_getattr(kept, column->kept, &isnull);

		appendStringInfo(&names, "%s%s", separator,
						 NameStr(target_kept_attribute(target, column)->attname));
		appendStringInfo(&values, "%s%s", separator,
						 isnull ? "null" : OutputFunctionCall(&column->kept_output, value));
	}
	return psprintf("(%s)=(%s)", names.data, values.data);
}

/* Find the row with the key of a kept one; it stands in target->found then. */
bool
migrate_target_find(RestoreTarget *target, TupleTableSlot *kept)
{
	MemoryContext old;
	bool		found;

	for (int i = 0; i < target->keys; i++)
	{
		TargetColumn *column = &target->columns[target->key[i]];
		bool		isnull;
		Datum		value = slot_getattr(kept, column->kept, &isnull);

		if (isnull)
			return false;
		target->scankeys[i].sk_argument = migrate_target_in(target, column, value, &isnull);
	}
	old = MemoryContextSwitchTo(target->context);	/* the scan keeps some of
													 * it */
	index_rescan(target->scan, target->scankeys, target->keys, NULL, 0);
	found = index_getnext_slot(target->scan, ForwardScanDirection, target->found);
	MemoryContextSwitchTo(old);
	return found;
}
