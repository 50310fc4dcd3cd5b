/*-------------------------------------------------------------------------
 *
 * indexdef.c
 *		What pg_get_indexdef() says, sooner for plain indexes.
 *
 * The server opens the table of every index that it describes, and looks
 * through all operator classes for each column.  Plain indexes (columns of the
 * table, with default operator classes) need neither; the server describes the
 * others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "describe.h"

PG_FUNCTION_INFO_V1(migrate_index_definition);

/* The default operator class of a type, as far as one statement has asked. */
typedef struct IndexDefClass
{
	Oid			type;
	Oid			method;
	Oid			class;
} IndexDefClass;

typedef struct IndexDefCache
{
	int			count;
	IndexDefClass classes[32];
} IndexDefCache;

/* An index while it is described. */
typedef struct IndexDef
{
	IndexDefCache *cache;
	Form_pg_index form;
	Oid			method;
	oidvector  *collations;
	oidvector  *classes;
	int2vector *options;
	StringInfoData text;
} IndexDef;

/* Return the default operator class of a type. */
static Oid
indexdef_default_class(IndexDefCache *cache, Oid type, Oid method)
{
	Oid			class;

	for (int i = 0; i < cache->count; i++)
		if (cache->classes[i].type == type && cache->classes[i].method == method)
			return cache->classes[i].class;
	class = GetDefaultOpClass(type, method);
	if (cache->count < lengthof(cache->classes))
	{
		IndexDefClass *entry = &cache->classes[cache->count++];

		entry->type = type;
		entry->method = method;
		entry->class = class;
	}
	return class;
}

/* Append how a column is ordered, where it is not the default. */
static void
indexdef_order(StringInfo text, int16 option)
{
	if (option & INDOPTION_DESC)
	{
		appendStringInfoString(text, " DESC");
		if (!(option & INDOPTION_NULLS_FIRST))
			appendStringInfoString(text, " NULLS LAST");
	}
	else if (option & INDOPTION_NULLS_FIRST)
		appendStringInfoString(text, " NULLS FIRST");
}

/* Append a column; false = it is not plain. */
static bool
indexdef_column(IndexDef *index, int place)
{
	AttrNumber	number = index->form->indkey.values[place];
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (number <= 0)
		return false;
	appendStringInfoString(&index->text,
						   quote_identifier(get_attname(index->form->indrelid, number, false)));
	if (place >= index->form->indnkeyatts)
		return true;
	get_atttypetypmodcoll(index->form->indrelid, number, &type, &typmod, &collation);
	if (OidIsValid(index->collations->values[place]) && index->collations->values[place] != collation)
		return false;
	if (indexdef_default_class(index->cache, type, index->method) != index->classes->values[place] ||
		get_attoptions(index->form->indexrelid, place + 1) != (Datum) 0)
		return false;
	if (index->method == BTREE_AM_OID)
		indexdef_order(&index->text, index->options->values[place]);
	return true;
}

/* Describe an index; false = it is not plain. */
static bool
indexdef_describe(IndexDef *index, HeapTuple tuple, Form_pg_class relation)
{
	Form_pg_index form = index->form;
	bool		isnull;

	if (relation->relkind != RELKIND_INDEX || form->indisexclusion || form->indnullsnotdistinct ||
		!heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
		return false;
	index->method = relation->relam;
	index->collations = (oidvector *)
		DatumGetPointer(SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indcollation, &isnull));
	index->classes = (oidvector *)
		DatumGetPointer(SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indclass, &isnull));
	index->options = (int2vector *)
		DatumGetPointer(SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indoption, &isnull));

	appendStringInfo(&index->text, "CREATE %sINDEX %s ON %s USING %s (",
					 form->indisunique ? "UNIQUE " : "",
					 quote_identifier(NameStr(relation->relname)),
					 migrate_describe_relation(form->indrelid),
					 quote_identifier(get_am_name(relation->relam)));
	for (int i = 0; i < form->indnatts; i++)
	{
		if (i == form->indnkeyatts)
			appendStringInfoString(&index->text, ") INCLUDE (");
		else if (i > 0)
			appendStringInfoString(&index->text, ", ");
		if (!indexdef_column(index, i))
			return false;
	}
	appendStringInfoChar(&index->text, ')');
	return true;
}

/* SQL: migrate.index_definition(index oid) */
Datum
migrate_index_definition(PG_FUNCTION_ARGS)
{
	Oid			indexrelid = PG_GETARG_OID(0);
	IndexDef	index = {0};
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexrelid));
	HeapTuple	relation = SearchSysCache1(RELOID, ObjectIdGetDatum(indexrelid));
	bool		done = false;

	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
														  sizeof(IndexDefCache));
	index.cache = fcinfo->flinfo->fn_extra;
	initStringInfo(&index.text);
	if (HeapTupleIsValid(tuple) && HeapTupleIsValid(relation) &&
		heap_attisnull(relation, Anum_pg_class_reloptions, NULL))
	{
		index.form = (Form_pg_index) GETSTRUCT(tuple);
		done = indexdef_describe(&index, tuple, (Form_pg_class) GETSTRUCT(relation));
	}
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	if (HeapTupleIsValid(relation))
		ReleaseSysCache(relation);
	if (done)
		PG_RETURN_TEXT_P(cstring_to_text_with_len(index.text.data, index.text.len));
	if (!HeapTupleIsValid(tuple))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(DirectFunctionCall1(pg_get_indexdef, ObjectIdGetDatum(indexrelid)));
}
