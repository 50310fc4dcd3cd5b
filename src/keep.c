/*-------------------------------------------------------------------------
 *
 * keep.c
 *		Tables that hold kept rows: how they look, and how they are made.
 *
 * Invariants:
 *
 * - A kept table depends on nothing of the user's: columns of domains over
 *   types of the server have the base type, columns of other user-defined types
 *   are text, made by the output function of the type.  No collation, default,
 *   constraint, option or access method is taken over.
 * - It belongs to the owner of the schema migrate_backup, which is that of the
 *   extension: so DROP OWNED and DROP ROLE of the source's owner neither take
 *   the kept rows nor are stopped by them.  Row security without any policy is
 *   forced on it, so that only who bypasses it reads there at all, whatever
 *   pg_read_all_data or a GRANT on the schema allows.
 * - It is made without running a command: no event trigger and no default
 *   privilege of anybody's takes part.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "catalog/toasting.h"
#include "commands/comment.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "keep.h"

/* Tell whether a type is one of the server's, and nothing but itself. */
static bool
keep_is_server_type(Oid type)
{
	char		typtype = get_typtype(type);

	return type < FirstNormalObjectId &&
		(typtype == TYPTYPE_BASE || typtype == TYPTYPE_RANGE || typtype == TYPTYPE_MULTIRANGE);
}

/*
 * Tell whether values of a type can be kept as they are, and as which type:
 * domains as what they are over.  An array knows the type of its elements, so
 * arrays of domains cannot.
 */
bool
migrate_keep_plain_type(Oid type, Oid *base, int32 *typmod)
{
	Oid			element;

	*base = getBaseTypeAndTypmod(type, typmod);
	element = get_element_type(*base);
	return keep_is_server_type(*base) &&
		(!OidIsValid(element) || keep_is_server_type(element));
}

/* Decide how one column is kept. */
static void
keep_column(Form_pg_attribute att, KeepColumn *column)
{
	column->attnum = att->attnum;
	column->name = pstrdup(NameStr(att->attname));
	column->typmod = att->atttypmod;
	column->as_text = !migrate_keep_plain_type(att->atttypid, &column->type, &column->typmod);
	if (column->as_text)
	{
		Oid			output;
		bool		is_varlena;

		getTypeOutputInfo(att->atttypid, &output, &is_varlena);
		fmgr_info(output, &column->output);
		column->type = TEXTOID;
		column->typmod = -1;
	}
	column->collation = get_typcollation(column->type);
}

/*
 * Say how the columns of a relation are kept: those of a set of attribute
 * numbers, or with NULL all that have values of their own.
 */
KeepMap *
migrate_keep_map(Relation source, const Bitmapset *attnums)
{
	TupleDesc	desc = RelationGetDescr(source);
	KeepMap    *map = palloc0(sizeof(KeepMap));

	map->columns = palloc0(sizeof(KeepColumn) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		KeepColumn *column = &map->columns[map->count];

		if (att->attisdropped || compat_is_virtual(att))
			continue;
		if (attnums != NULL && !bms_is_member(att->attnum, attnums))
			continue;
		keep_column(att, column);
		map->any_text |= column->as_text;
		map->count++;
	}
	return map;
}

/* Tell whether a map of all columns still fits its relation. */
bool
migrate_keep_fits(const KeepMap *map, Relation source)
{
	KeepMap    *now = migrate_keep_map(source, NULL);
	bool		fits = now->count == map->count;

	for (int i = 0; fits && i < now->count; i++)
	{
		KeepColumn *one = &map->columns[i];
		KeepColumn *other = &now->columns[i];

		fits = one->attnum == other->attnum && one->type == other->type &&
			one->typmod == other->typmod && one->as_text == other->as_text &&
			one->output.fn_oid == other->output.fn_oid &&
			strcmp(one->name, other->name) == 0;
	}
	return fits;
}

/*
 * Return the descriptor of the table that keeps the columns of a map, with
 * room for some that come before them.
 */
TupleDesc
migrate_keep_desc(const KeepMap *map, int before)
{
	TupleDesc	desc = CreateTemplateTupleDesc(before + map->count);

	for (int i = 0; i < map->count; i++)
	{
		KeepColumn *column = &map->columns[i];
		AttrNumber	attnum = before + i + 1;

		TupleDescInitEntry(desc, attnum, column->name, column->type, column->typmod, 0);
		TupleDescInitEntryCollation(desc, attnum, column->collation);
	}
	return desc;
}

/*
 * Take the kept columns out of a row of the source; values are valid as long as
 * the row and the current memory context are.
 */
void
migrate_keep_fill(KeepMap *map, TupleTableSlot *slot, Datum *values, bool *isnull)
{
	slot_getallattrs(slot);
	for (int i = 0; i < map->count; i++)
	{
		KeepColumn *column = &map->columns[i];

		values[i] = slot->tts_values[column->attnum - 1];
		isnull[i] = slot->tts_isnull[column->attnum - 1];
		if (column->as_text && !isnull[i])
			values[i] = CStringGetTextDatum(OutputFunctionCall(&column->output, values[i]));
	}
}

/*
 * Pin the settings that output functions look at, so that what is kept as text
 * can be read again under any; ends with AtEOXact_GUC(false, result).
 */
int
migrate_keep_pin_settings(void)
{
	static const char *const settings[][2] = {
		{"DateStyle", "ISO"},
		{"IntervalStyle", "postgres"},
		{"extra_float_digits", "1"},
		{"bytea_output", "hex"},
		{"search_path", "pg_catalog, pg_temp"},
	};
	int			level = NewGUCNestLevel();

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/*
 * Tell whether an index finds single rows by columns, for good and at once, and
 * without some that are about to go.
 */
static bool
keep_index_is_key(Relation source, HeapTuple tuple, const Bitmapset *without)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);

	if (!index->indisunique || !index->indisvalid || !index->indimmediate ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < index->indnkeyatts; i++)
	{
		AttrNumber	attnum = index->indkey.values[i];

		if (attnum <= 0 || bms_is_member(attnum, without) ||
			!TupleDescAttr(RelationGetDescr(source), attnum - 1)->attnotnull)
			return false;
	}
	return true;
}

/*
 * Return the attribute numbers (a list of integers) that find a row of the
 * source: those of the primary key, else of the replica identity, else of the
 * oldest unique index that does it; NIL = there is none.  Some columns do not
 * count, because the statement takes or changes them.
 */
List *
migrate_keep_key_without(Relation source, const Bitmapset *columns)
{
	List	   *key = NIL;
	int			best = 0;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(source))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;
		int			rank;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		rank = index->indisprimary ? 3 : index->indisreplident ? 2 : 1;
		if (rank > best && keep_index_is_key(source, tuple, columns))
		{
			best = rank;
			key = NIL;
			for (int i = 0; i < index->indnkeyatts; i++)
				key = lappend_int(key, index->indkey.values[i]);
		}
		ReleaseSysCache(tuple);
	}
	return key;
}

/* The same, of all columns. */
List *
migrate_keep_key(Relation source)
{
	return migrate_keep_key_without(source, NULL);
}

/* Return the OID of the schema of kept tables. */
Oid
migrate_keep_schema(void)
{
	Oid			schema = get_namespace_oid("migrate_backup", true);

	if (!OidIsValid(schema))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("schema \"migrate_backup\" of extension migrate_ext is gone"),
				 errhint("Create the extension anew, from a backup of schema migrate.")));
	return schema;
}

/* Return the owner of the schema of kept tables. */
static Oid
keep_owner(Oid schema)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for schema %u", schema);
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Force row security on a table; without policies it hides every row. */
static void
keep_hide_rows(Oid relid)
{
	Relation	catalog = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity = true;
	((Form_pg_class) GETSTRUCT(tuple))->relforcerowsecurity = true;
	CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
	table_close(catalog, RowExclusiveLock);
}

/*
 * Make an empty kept table; returns its OID.  It is locked until the
 * transaction ends, and of no extension, even where an extension's script runs.
 */
Oid
migrate_keep_create(const char *name, TupleDesc desc, Oid tablespace, const char *comment)
{
	Oid			schema = migrate_keep_schema();
	bool		in_extension = creating_extension;
	Oid			relid;

	creating_extension = false; /* an error would reset it anyway */
	relid = heap_create_with_catalog(name, schema, tablespace, InvalidOid,
									 InvalidOid, InvalidOid, keep_owner(schema),
									 HEAP_TABLE_AM_OID, desc, NIL,
									 RELKIND_RELATION, RELPERSISTENCE_PERMANENT,
									 false, false, ONCOMMIT_NOOP, (Datum) 0,
									 false, false, true, InvalidOid, NULL);
	creating_extension = in_extension;
	CommandCounterIncrement();
	NewRelationCreateToastTable(relid, (Datum) 0);
	keep_hide_rows(relid);
	CreateComments(relid, RelationRelationId, 0, comment);
	CommandCounterIncrement();
	return relid;
}
