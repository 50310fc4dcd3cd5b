/*-------------------------------------------------------------------------
 *
 * lookup.c
 *		Small look-ups for the views migrate.live_*.
 *
 * As subqueries they would cost the views more to set up than to run: most
 * relations have no parent, no tablespace and no foreign server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "describe.h"

PG_FUNCTION_INFO_V1(migrate_user_relation_name);
PG_FUNCTION_INFO_V1(migrate_parents_json);
PG_FUNCTION_INFO_V1(migrate_parent_name);
PG_FUNCTION_INFO_V1(migrate_reloptions_json);
PG_FUNCTION_INFO_V1(migrate_tablespace_name);
PG_FUNCTION_INFO_V1(migrate_access_method_name);
PG_FUNCTION_INFO_V1(migrate_comment);
PG_FUNCTION_INFO_V1(migrate_foreign_server_name);
PG_FUNCTION_INFO_V1(migrate_foreign_options_json);

/* Return a name as text, or NULL. */
#define LOOKUP_RETURN(name) \
	do { \
		const char *lookup_name_ = (name); \
		if (lookup_name_ == NULL) \
			PG_RETURN_NULL(); \
		PG_RETURN_TEXT_P(cstring_to_text(lookup_name_)); \
	} while (0)

/* Tell whether the objects in a schema are rendered; migrate.user_namespace says the same. */
static bool
lookup_is_user_namespace(Oid namespace, const char *name)
{
	return (namespace >= FirstNormalObjectId || namespace == PG_PUBLIC_NAMESPACE) &&
		strcmp(name, "migrate") != 0 && strcmp(name, "migrate_backup") != 0 &&
		!isAnyTempNamespace(namespace);
}

/* SQL: migrate.user_relation_name(relation oid) */
Datum
migrate_user_relation_name(PG_FUNCTION_ARGS)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, PG_GETARG_DATUM(0));
	Form_pg_class form;
	char	   *schema;
	char	   *name = NULL;

	if (!HeapTupleIsValid(tuple))
		PG_RETURN_NULL();
	form = (Form_pg_class) GETSTRUCT(tuple);
	schema = form->relpersistence == RELPERSISTENCE_TEMP ? NULL :
		get_namespace_name(form->relnamespace);
	if (schema != NULL && lookup_is_user_namespace(form->relnamespace, schema))
		name = quote_qualified_identifier(schema, NameStr(form->relname));
	ReleaseSysCache(tuple);
	LOOKUP_RETURN(name);
}

/* List the parents of a table, index or partition, in their order. */
static List *
lookup_parents(Oid relid)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	List	   *parents = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	/* the index orders them */
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return parents;
}

/* SQL: migrate.parents_json(relation oid) */
Datum
migrate_parents_json(PG_FUNCTION_ARGS)
{
	List	   *parents = lookup_parents(PG_GETARG_OID(0));
	StringInfoData json;
	ListCell   *lc;

	if (parents == NIL)
		PG_RETURN_NULL();
	initStringInfo(&json);
	foreach(lc, parents)
	{
		char	   *name = migrate_describe_relation(lfirst_oid(lc));

		appendStringInfoChar(&json, json.len == 0 ? '[' : ',');
		escape_json(&json, name == NULL ? "" : name);
	}
	appendStringInfoChar(&json, ']');
	PG_RETURN_TEXT_P(cstring_to_text_with_len(json.data, json.len));
}

/* SQL: migrate.parent_name(relation oid) */
Datum
migrate_parent_name(PG_FUNCTION_ARGS)
{
	List	   *parents = lookup_parents(PG_GETARG_OID(0));

	if (parents == NIL)
		PG_RETURN_NULL();
	LOOKUP_RETURN(migrate_describe_relation(linitial_oid(parents)));
}

/* Return an array of options that a row of a cache has, as json or NULL. */
static Datum
lookup_options(FunctionCallInfo fcinfo, int cache, AttrNumber column)
{
	HeapTuple	tuple = SearchSysCache1(cache, PG_GETARG_DATUM(0));
	StringInfoData json;
	bool		isnull;
	Datum		options;

	if (!HeapTupleIsValid(tuple))
		PG_RETURN_NULL();
	options = SysCacheGetAttr(cache, tuple, column, &isnull);
	initStringInfo(&json);
	if (!isnull)
		isnull = !migrate_describe_options(&json, options);
	ReleaseSysCache(tuple);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(json.data, json.len));
}

/* SQL: migrate.reloptions_json(relation oid) */
Datum
migrate_reloptions_json(PG_FUNCTION_ARGS)
{
	return lookup_options(fcinfo, RELOID, Anum_pg_class_reloptions);
}

/* SQL: migrate.foreign_options_json(relation oid) */
Datum
migrate_foreign_options_json(PG_FUNCTION_ARGS)
{
	return lookup_options(fcinfo, FOREIGNTABLEREL, Anum_pg_foreign_table_ftoptions);
}

/* SQL: migrate.foreign_server_name(relation oid) */
Datum
migrate_foreign_server_name(PG_FUNCTION_ARGS)
{
	LOOKUP_RETURN(GetForeignServer(GetForeignServerIdByRelId(PG_GETARG_OID(0)))->servername);
}

/* SQL: migrate.tablespace_name(tablespace oid) */
Datum
migrate_tablespace_name(PG_FUNCTION_ARGS)
{
	LOOKUP_RETURN(get_tablespace_name(PG_GETARG_OID(0)));
}

/* SQL: migrate.access_method_name(access_method oid) */
Datum
migrate_access_method_name(PG_FUNCTION_ARGS)
{
	LOOKUP_RETURN(get_am_name(PG_GETARG_OID(0)));
}

/* SQL: migrate.comment(class oid, object oid) */
Datum
migrate_comment(PG_FUNCTION_ARGS)
{
	LOOKUP_RETURN(GetComment(PG_GETARG_OID(1), PG_GETARG_OID(0), 0));
}
