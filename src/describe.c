/*-------------------------------------------------------------------------
 *
 * describe.c
 *		Pieces of definitions that the views migrate.live_* need often.
 *
 * In SQL, each of these would be parsed and planned again whenever a view is
 * read, which would cost more than all the rest of a small snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_init_privs.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "describe.h"
#include "keyset.h"
#include "tracked.h"

PG_FUNCTION_INFO_V1(migrate_relation_name);
PG_FUNCTION_INFO_V1(migrate_collation_name);
PG_FUNCTION_INFO_V1(migrate_is_member);
PG_FUNCTION_INFO_V1(migrate_needed_extension);
PG_FUNCTION_INFO_V1(migrate_acl_json);
PG_FUNCTION_INFO_V1(migrate_changed_acl);
PG_FUNCTION_INFO_V1(migrate_labels_json);
PG_FUNCTION_INFO_V1(migrate_options_json);

/* A key and its value; either may stand alone. */
typedef struct DescribePair
{
	char	   *key;
	char	   *value;
} DescribePair;

/* Order pairs by key, byte by byte. */
static int
describe_compare(const void *one, const void *other)
{
	return strcmp(((const DescribePair *) one)->key, ((const DescribePair *) other)->key);
}

/* Append pairs as a json object, or their keys as an array. */
static void
describe_json(StringInfo json, const DescribePair *pairs, int count, bool is_object)
{
	appendStringInfoChar(json, is_object ? '{' : '[');
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		escape_json(json, pairs[i].key);
		if (!is_object)
			continue;
		appendStringInfoChar(json, ':');
		escape_json(json, pairs[i].value);
	}
	appendStringInfoChar(json, is_object ? '}' : ']');
}

/* Return the qualified and quoted name of a relation, or NULL. */
char *
migrate_describe_relation(Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *schema = name == NULL ? NULL : get_namespace_name(get_rel_namespace(relid));

	return schema == NULL ? NULL : quote_qualified_identifier(schema, name);
}

/* Return the qualified and quoted name of a collation, or NULL. */
char *
migrate_describe_collation(Oid collation)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	char	   *schema;
	char	   *result;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_collation) GETSTRUCT(tuple);
	schema = get_namespace_name(form->collnamespace);
	result = schema == NULL ? NULL :
		quote_qualified_identifier(schema, NameStr(form->collname));
	ReleaseSysCache(tuple);
	return result;
}

/* List the entries of an ACL as text, sorted. */
static DescribePair *
describe_acl(const Acl *acl, int *count)
{
	DescribePair *pairs;

	*count = ARR_NDIM(acl) == 0 ? 0 : ACL_NUM(acl);
	pairs = palloc0(sizeof(DescribePair) * (*count + 1));
	for (int i = 0; i < *count; i++)
		pairs[i].key = DatumGetCString(DirectFunctionCall1(aclitemout,
														   PointerGetDatum(&ACL_DAT(acl)[i])));
	qsort(pairs, *count, sizeof(DescribePair), describe_compare);
	return pairs;
}

/* Tell whether two sorted lists have the same keys. */
static bool
describe_is_same(const DescribePair *one, int count, const DescribePair *other, int other_count)
{
	if (count != other_count)
		return false;
	for (int i = 0; i < count; i++)
	{
		if (strcmp(one[i].key, other[i].key) != 0)
			return false;
	}
	return true;
}

/*
 * Append privileges as a json array; false = they are what an object of this
 * kind (as for acldefault()) and owner has anyway.
 */
bool
migrate_describe_acl(StringInfo json, const Acl *acl, char kind, Oid owner)
{
	const Acl  *standard = DatumGetAclP(DirectFunctionCall2(acldefault_sql, CharGetDatum(kind),
															ObjectIdGetDatum(owner)));
	int			count;
	int			standard_count;
	DescribePair *granted = describe_acl(acl, &count);
	DescribePair *by_default = describe_acl(standard, &standard_count);

	if (describe_is_same(granted, count, by_default, standard_count))
		return false;
	describe_json(json, granted, count, false);
	return true;
}

/* Begin to read what pg_seclabel or pg_init_privs say of an object or column. */
static SysScanDesc
describe_scan(Relation rel, Oid index, Oid class, Oid object, int32 sub)
{
	ScanKeyData keys[3];

	StaticAssertStmt(Anum_pg_init_privs_objoid == Anum_pg_seclabel_objoid &&
					 Anum_pg_init_privs_classoid == Anum_pg_seclabel_classoid &&
					 Anum_pg_init_privs_objsubid == Anum_pg_seclabel_objsubid,
					 "the keys are not the same columns");
	ScanKeyInit(&keys[0], Anum_pg_seclabel_objoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	ScanKeyInit(&keys[1], Anum_pg_seclabel_classoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(class));
	ScanKeyInit(&keys[2], Anum_pg_seclabel_objsubid, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(sub));
	return systable_beginscan(rel, index, true, NULL, 3, keys);
}

/* Append the security labels of an object or column; false = there are none. */
bool
migrate_describe_labels(StringInfo json, Oid class, Oid object, int32 sub)
{
	Relation	rel = table_open(SecLabelRelationId, AccessShareLock);
	DescribePair *pairs = NULL;
	int			count = 0;
	SysScanDesc scan = describe_scan(rel, SecLabelObjectIndexId, class, object, sub);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		TupleDesc	desc = RelationGetDescr(rel);

		pairs = pairs == NULL ? palloc(sizeof(DescribePair)) :
			repalloc(pairs, sizeof(DescribePair) * (count + 1));
		pairs[count].key = TextDatumGetCString(heap_getattr(tuple, Anum_pg_seclabel_provider, desc, &isnull));
		pairs[count].value = TextDatumGetCString(heap_getattr(tuple, Anum_pg_seclabel_label, desc, &isnull));
		count++;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (count == 0)
		return false;
	qsort(pairs, count, sizeof(DescribePair), describe_compare);
	describe_json(json, pairs, count, true);
	return true;
}

/*
 * Append options, an array of name=value, sorted; false = there are none.  Some
 * minor releases count the changes of a column in an option of their own.
 */
bool
migrate_describe_options(StringInfo json, Datum array)
{
	Datum	   *options;
	int			count;
	int			kept = 0;
	DescribePair *pairs;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &options, NULL, &count);
	pairs = palloc(sizeof(DescribePair) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		char	   *option = TextDatumGetCString(options[i]);
		char	   *equals = strchr(option, '=');

		if (strncmp(option, "pg_attver=", strlen("pg_attver=")) == 0)
			continue;
		if (equals != NULL)
			*equals = '\0';
		pairs[kept].key = option;
		pairs[kept].value = equals == NULL ? "" : equals + 1;
		kept++;
	}
	count = kept;
	if (count == 0)
		return false;
	qsort(pairs, count, sizeof(DescribePair), describe_compare);
	describe_json(json, pairs, count, true);
	return true;
}

/* SQL: migrate.relation_name(relation oid) */
Datum
migrate_relation_name(PG_FUNCTION_ARGS)
{
	char	   *name = migrate_describe_relation(PG_GETARG_OID(0));

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* SQL: migrate.collation_name(collation_oid oid) */
Datum
migrate_collation_name(PG_FUNCTION_ARGS)
{
	char	   *name = migrate_describe_collation(PG_GETARG_OID(0));

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* How often one statement has asked, and the members once that was often. */
typedef struct DescribeMembers
{
	int			calls;
	keyset_hash *keys;
} DescribeMembers;

/* After so many calls it is cheaper to know all. */
#define DESCRIBE_MEMBERS_CALLS 100

/* Read the members of all extensions. */
static keyset_hash *
describe_members(MemoryContext context)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	keyset_hash *keys = keyset_create(context, 256, NULL);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ExtensionRelationId));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->deptype == DEPENDENCY_EXTENSION)
			(void) keyset_add(keys, OBJECT_KEY(form->classid, form->objid), 0);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return keys;
}

/* SQL: migrate.is_member(class oid, object oid) */
Datum
migrate_is_member(PG_FUNCTION_ARGS)
{
	DescribeMembers *members = fcinfo->flinfo->fn_extra;
	Oid			class = PG_GETARG_OID(0);
	Oid			object = PG_GETARG_OID(1);

	if (members == NULL)
		fcinfo->flinfo->fn_extra = members =
			MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(DescribeMembers));
	if (members->keys == NULL && members->calls++ < DESCRIBE_MEMBERS_CALLS)
		PG_RETURN_BOOL(OidIsValid(getExtensionOfObject(class, object)));
	if (members->keys == NULL)
		members->keys = describe_members(fcinfo->flinfo->fn_mcxt);
	PG_RETURN_BOOL(keyset_lookup(members->keys, OBJECT_KEY(class, object)) != NULL);
}

/* SQL: migrate.needed_extension(class oid, object oid) */
Datum
migrate_needed_extension(PG_FUNCTION_ARGS)
{
	List	   *extensions = getAutoExtensionsOfObject(PG_GETARG_OID(0), PG_GETARG_OID(1));
	DescribePair *pairs = palloc0(sizeof(DescribePair) * (list_length(extensions) + 1));
	int			count = 0;
	StringInfoData json;
	ListCell   *lc;

	foreach(lc, extensions)
	{
		pairs[count].key = get_extension_name(lfirst_oid(lc));
		if (pairs[count].key != NULL)
			count++;
	}
	if (count == 0)
		PG_RETURN_NULL();
	qsort(pairs, count, sizeof(DescribePair), describe_compare);
	initStringInfo(&json);
	describe_json(&json, pairs, count, false);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(json.data, json.len));
}

/* SQL: migrate.acl_json(acl aclitem[], kind "char", owner oid) */
Datum
migrate_acl_json(PG_FUNCTION_ARGS)
{
	StringInfoData json;

	initStringInfo(&json);
	if (!migrate_describe_acl(&json, PG_GETARG_ACL_P(0), PG_GETARG_CHAR(1), PG_GETARG_OID(2)))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(json.data, json.len));
}

/* Return the privileges that an object had at first, or NULL. */
static Acl *
describe_initial_acl(Oid class, Oid object, int32 sub)
{
	Relation	rel = table_open(InitPrivsRelationId, AccessShareLock);
	Acl		   *acl = NULL;
	SysScanDesc scan = describe_scan(rel, InitPrivsObjIndexId, class, object, sub);
	HeapTuple	tuple;

	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, Anum_pg_init_privs_initprivs, RelationGetDescr(rel), &isnull);

		if (!isnull)
			acl = DatumGetAclPCopy(value);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return acl;
}

/*
 * SQL: migrate.changed_acl(class oid, object oid, subobject integer,
 *		acl aclitem[], standard aclitem[])
 */
Datum
migrate_changed_acl(PG_FUNCTION_ARGS)
{
	Acl		   *initial;
	DescribePair *now;
	DescribePair *before = NULL;
	int			count;
	int			before_count = 0;
	StringInfoData json;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	now = describe_acl(PG_GETARG_ACL_P(3), &count);
	initial = describe_initial_acl(PG_GETARG_OID(0), PG_GETARG_OID(1), PG_GETARG_INT32(2));
	if (initial == NULL && !PG_ARGISNULL(4))
		initial = PG_GETARG_ACL_P(4);
	if (initial != NULL)
		before = describe_acl(initial, &before_count);
	if (describe_is_same(now, count, before, before_count))
		PG_RETURN_NULL();
	initStringInfo(&json);
	appendStringInfoString(&json, "{\"initial\":");
	describe_json(&json, before, before_count, false);
	appendStringInfoString(&json, ",\"acl\":");
	describe_json(&json, now, count, false);
	appendStringInfoChar(&json, '}');
	PG_RETURN_TEXT_P(cstring_to_text_with_len(json.data, json.len));
}

/* SQL: migrate.labels_json(class oid, object oid, subobject integer) */
Datum
migrate_labels_json(PG_FUNCTION_ARGS)
{
	StringInfoData json;

	initStringInfo(&json);
	if (!migrate_describe_labels(&json, PG_GETARG_OID(0), PG_GETARG_OID(1), PG_GETARG_INT32(2)))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(json.data, json.len));
}

/* SQL: migrate.options_json(options text[]) */
Datum
migrate_options_json(PG_FUNCTION_ARGS)
{
	StringInfoData json;

	initStringInfo(&json);
	if (!migrate_describe_options(&json, PG_GETARG_DATUM(0)))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(json.data, json.len));
}
