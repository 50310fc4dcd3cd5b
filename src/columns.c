/*-------------------------------------------------------------------------
 *
 * columns.c
 *		The columns of a relation, as a part of its definition.
 *
 * A schema has more columns than anything else, so this decides how long a
 * first snapshot takes: one pass over the rows that each catalog has for the
 * relation, and text is put together only once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_description.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "column.h"
#include "describe.h"
#include "identity.h"
#include "property.h"

PG_FUNCTION_INFO_V1(migrate_columns_json);
PG_FUNCTION_INFO_V1(migrate_column_numbers);
PG_FUNCTION_INFO_V1(migrate_system_columns_json);

/* The relation whose columns are described. */
typedef struct ColumnsRelation
{
	Oid			relid;
	Oid			owner;
	char		relkind;
	char		persistence;
	bool		is_partition;
	int			natts;
	char	  **defaults;		/* by attnum */
	char	  **comments;		/* by attnum */
	bool		has_labels;		/* there are some in this database */
	StringInfo	json;
} ColumnsRelation;

/* Begin to read the rows that a catalog has for a relation. */
static SysScanDesc
columns_scan(Relation rel, Oid index, AttrNumber column, Oid relid)
{
	ScanKeyData key;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	return systable_beginscan(rel, index, true, NULL, 1, &key);
}

/* Tell whether an expression has anything but what is printed on one line. */
static bool
columns_is_involved(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Const:
		case T_FuncExpr:
		case T_OpExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_SQLValueFunction:
		case T_List:
			return expression_tree_walker(node, columns_is_involved, context);
		default:
			return true;
	}
}

/*
 * Print the default of a column.  pg_get_expr() opens the relation, which only
 * expressions with columns in them need.
 */
static char *
columns_expression(Datum expression, Oid relid)
{
	Node	   *node = stringToNode(TextDatumGetCString(expression));

	if (!columns_is_involved(node, NULL))
		return deparse_expression(node, NIL, false, false);
	return TextDatumGetCString(DirectFunctionCall2(pg_get_expr, expression, ObjectIdGetDatum(relid)));
}

/* Read the defaults of all columns. */
static void
columns_read_defaults(ColumnsRelation *of)
{
	Relation	rel = table_open(AttrDefaultRelationId, AccessShareLock);
	SysScanDesc scan = columns_scan(rel, AttrDefaultIndexId, Anum_pg_attrdef_adrelid, of->relid);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		AttrNumber	number = ((Form_pg_attrdef) GETSTRUCT(tuple))->adnum;
		bool		isnull;
		Datum		expression = heap_getattr(tuple, Anum_pg_attrdef_adbin, RelationGetDescr(rel), &isnull);

		if (number > 0 && number <= of->natts && !isnull)
			of->defaults[number] = columns_expression(expression, of->relid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Read the comments of all columns. */
static void
columns_read_comments(ColumnsRelation *of)
{
	Relation	rel = table_open(DescriptionRelationId, AccessShareLock);
	SysScanDesc scan = columns_scan(rel, DescriptionObjIndexId, Anum_pg_description_objoid, of->relid);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_description form = (Form_pg_description) GETSTRUCT(tuple);
		bool		isnull;
		Datum		comment;

		if (form->classoid != RelationRelationId || form->objsubid <= 0 || form->objsubid > of->natts)
			continue;
		comment = heap_getattr(tuple, Anum_pg_description_description, RelationGetDescr(rel), &isnull);
		if (!isnull)
			of->comments[form->objsubid] = TextDatumGetCString(comment);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Tell whether there is any security label in this database. */
static bool
columns_has_labels(void)
{
	Relation	rel = table_open(SecLabelRelationId, AccessShareLock);
	bool		result = RelationGetNumberOfBlocks(rel) > 0;

	table_close(rel, AccessShareLock);
	return result;
}

/* Append what depends on the type of a column. */
static void
columns_type(const ColumnsRelation *of, Form_pg_attribute form)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(form->atttypid));
	Form_pg_type type;

	if (!HeapTupleIsValid(tuple))
		return;
	type = (Form_pg_type) GETSTRUCT(tuple);
	if (OidIsValid(form->attcollation) && form->attcollation != type->typcollation)
		migrate_property_text(of->json, "collation", migrate_describe_collation(form->attcollation));
	if (form->attstorage != type->typstorage && of->relkind != RELKIND_COMPOSITE_TYPE)
		migrate_property_text(of->json, "storage",
							  form->attstorage == TYPSTORAGE_PLAIN ? "plain" :
							  form->attstorage == TYPSTORAGE_EXTERNAL ? "external" :
							  form->attstorage == TYPSTORAGE_MAIN ? "main" : "extended");
	ReleaseSysCache(tuple);
}

/* Append what few columns have. */
static void
columns_extras(const ColumnsRelation *of, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
	Datum		value;
	bool		isnull;

	columns_type(of, form);
	if (form->attcompression != '\0')
		migrate_property_text(of->json, "compression", form->attcompression == 'l' ? "lz4" : "pglz");
	/* 17 made it NULL where it was -1 */
	value = heap_getattr(tuple, Anum_pg_attribute_attstattarget, desc, &isnull);
	if (!isnull)
	{
		int			target = TupleDescAttr(desc, Anum_pg_attribute_attstattarget - 1)->attlen == 2 ?
		DatumGetInt16(value) : DatumGetInt32(value);

		if (target >= 0)
			appendStringInfo(of->json, ",\"statistics\":%d", target);
	}
	value = heap_getattr(tuple, Anum_pg_attribute_attoptions, desc, &isnull);
	migrate_property_options(of->json, "options", value, isnull);
	value = heap_getattr(tuple, Anum_pg_attribute_attfdwoptions, desc, &isnull);
	migrate_property_options(of->json, "fdw_options", value, isnull);
	value = heap_getattr(tuple, Anum_pg_attribute_attacl, desc, &isnull);
	migrate_property_acl(of->json, value, isnull, 'c', of->owner);
}

/* Append one column. */
static void
columns_add(const ColumnsRelation *of, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
	StringInfo	json = of->json;

	appendStringInfoString(json, json->len > 1 ? ",{\"name\":" : "{\"name\":");
	escape_json(json, NameStr(form->attname));
	migrate_property_text(json, "type", format_type_with_typemod(form->atttypid, form->atttypmod));
	if (form->attnotnull)
		appendStringInfoString(json, ",\"not_null\":true");
	if (form->atthasdef)
		migrate_property_text(json, form->attgenerated == '\0' ? "default" : "generated", of->defaults[form->attnum]);
	if (form->attgenerated == 'v')
		appendStringInfoString(json, ",\"virtual\":true");
	if (form->attidentity != '\0')
	{
		appendStringInfo(json, ",\"identity\":{\"generation\":\"%s\"",
						 form->attidentity == 'a' ? "always" : "by default");
		migrate_identity_append(json, of->relid, form->attnum, of->persistence, of->has_labels);
		appendStringInfoChar(json, '}');
	}
	columns_extras(of, tuple, desc);
	if (!form->attislocal && !of->is_partition && of->relkind != RELKIND_PARTITIONED_TABLE)
		appendStringInfoString(json, ",\"local\":false");
	migrate_property_text(json, "comment", of->comments[form->attnum]);
	if (of->has_labels)
		migrate_property_labels(json, of->relid, form->attnum);
	appendStringInfoChar(json, '}');
}

/* Read what the relation itself says; false = it is not there. */
static bool
columns_read_relation(ColumnsRelation *of)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(of->relid));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	of->owner = form->relowner;
	of->relkind = form->relkind;
	of->persistence = form->relpersistence;
	of->is_partition = form->relispartition;
	of->natts = form->relnatts;
	ReleaseSysCache(tuple);
	of->defaults = palloc0(sizeof(char *) * (of->natts + 1));
	of->comments = palloc0(sizeof(char *) * (of->natts + 1));
	return true;
}

/* SQL: migrate.columns_json(relation oid) */
Datum
migrate_columns_json(PG_FUNCTION_ARGS)
{
	ColumnsRelation of = {.relid = PG_GETARG_OID(0)};
	StringInfoData json;
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!columns_read_relation(&of))
		PG_RETURN_NULL();
	columns_read_defaults(&of);
	columns_read_comments(&of);
	of.has_labels = columns_has_labels();
	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	of.json = &json;
	rel = table_open(AttributeRelationId, AccessShareLock);
	scan = columns_scan(rel, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, of.relid);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);

		if (form->attnum > 0 && form->attnum <= of.natts && !form->attisdropped)
			columns_add(&of, tuple, RelationGetDescr(rel));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (json.len == 1)
		PG_RETURN_NULL();
	appendStringInfoChar(&json, ']');
	PG_RETURN_TEXT_P(cstring_to_text_with_len(json.data, json.len));
}

/* SQL: migrate.column_numbers(relation oid) */
Datum
migrate_column_numbers(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(AttributeRelationId, AccessShareLock);
	SysScanDesc scan = columns_scan(rel, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid,
									PG_GETARG_OID(0));
	Column		numbers = {.type = INT2OID};
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);

		if (form->attnum > 0 && !form->attisdropped)
			migrate_column_add(&numbers, Int16GetDatum(form->attnum));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (numbers.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(migrate_column_array(&numbers, 0, numbers.count));
}

/* SQL: migrate.system_columns_json(relation oid) */
Datum
migrate_system_columns_json(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(AttributeRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	StringInfoData json;

	ScanKeyInit(&keys[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ,
				PG_GETARG_DATUM(0));
	ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTLessStrategyNumber, F_INT2LT,
				Int16GetDatum(0));
	scan = systable_beginscan(rel, AttributeRelidNumIndexId, true, NULL, 2, keys);
	initStringInfo(&json);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		acl = heap_getattr(tuple, Anum_pg_attribute_attacl, RelationGetDescr(rel), &isnull);

		if (isnull || ARR_NDIM(DatumGetAclP(acl)) == 0)
			continue;
		appendStringInfoString(&json, json.len == 0 ? "[{\"name\":" : ",{\"name\":");
		escape_json(&json, NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
		migrate_property_acl(&json, acl, false, 'c', InvalidOid);
		appendStringInfoChar(&json, '}');
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (json.len == 0)
		PG_RETURN_NULL();
	appendStringInfoChar(&json, ']');
	PG_RETURN_TEXT_P(cstring_to_text_with_len(json.data, json.len));
}
