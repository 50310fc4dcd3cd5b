/*-------------------------------------------------------------------------
 *
 * lintdepend.c
 *		What uses an object, by the catalogs and by the text of functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "attempt.h"
#include "lint.h"
#include "predicting.h"

/* How many objects a message names. */
#define LINTDEPEND_NAMED 3

/* A name that is looked up, and what it means. */
typedef struct DependName
{
	const TypeName *type;
	ObjectType	kind;
	const ObjectWithArgs *function;
	Oid			oid;
} DependName;

/* Look up a type. */
static void
lintdepend_look_up_type(void *arg)
{
	DependName *name = arg;

	name->oid = LookupTypeNameOid(NULL, name->type, true);
}

/* Return a type by its name; InvalidOid = there is none, or the name is nonsense. */
Oid
migrate_lint_type_oid(const TypeName *name)
{
	DependName	looked_up = {.type = name};

	return migrate_attempt(lintdepend_look_up_type, &looked_up) ? looked_up.oid : InvalidOid;
}

/* Look up a function. */
static void
lintdepend_look_up_function(void *arg)
{
	DependName *name = arg;

	name->oid = LookupFuncWithArgs(name->kind, unconstify(ObjectWithArgs *, name->function), true);
}

/* Return a function by its name; InvalidOid = there is none, or it is ambiguous. */
Oid
migrate_lint_function_oid(ObjectType type, const ObjectWithArgs *name)
{
	DependName	looked_up = {.kind = type, .function = name};

	return migrate_attempt(lintdepend_look_up_function, &looked_up) ? looked_up.oid : InvalidOid;
}

/* Return the object that another one is a part of, or that one itself. */
static ObjectAddress
lintdepend_whole(ObjectAddress object)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object.classId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object.objectId));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->deptype == DEPENDENCY_INTERNAL && object.objectSubId == 0)
			ObjectAddressSubSet(object, form->refclassid, form->refobjid, form->refobjsubid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return object;
}

/* Add an object to a list, once. */
static List *
lintdepend_add(List *objects, ObjectAddress object)
{
	ListCell   *lc;
	ObjectAddress *copy;

	foreach(lc, objects)
		if (memcmp(lfirst(lc), &object, sizeof(ObjectAddress)) == 0)
		return objects;
	copy = palloc(sizeof(ObjectAddress));
	*copy = object;
	return lappend(objects, copy);
}

/* List what depends on an object without being a part of it, as ObjectAddress. */
List *
migrate_lint_users(Oid class, Oid object)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	List	   *users = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(class));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress user;

		if (form->deptype != DEPENDENCY_NORMAL)
			continue;
		ObjectAddressSubSet(user, form->classid, form->objid, form->objsubid);
		user = lintdepend_whole(user);
		if (user.classId != class || user.objectId != object)
			users = lintdepend_add(users, user);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return users;
}

/* Leave out of some objects what this statement or an earlier one drops. */
List *
migrate_lint_left(const LintStatement *statement, List *objects)
{
	Lint		all = {.dropped = list_concat_copy(statement->lint->dropped, statement->prediction->dropped)};
	List	   *left = NIL;
	ListCell   *lc;

	foreach(lc, objects)
	{
		ObjectAddress *object = lfirst(lc);

		if (!migrate_lint_is_dropped(&all, object->classId, object->objectId) &&
			!migrate_lint_is_dropped(&all, RelationRelationId, migrate_predict_holder(object, NULL)))
			left = lappend(left, object);
	}
	return left;
}

/* Tell whether a text has a word in it, in any case. */
static bool
lintdepend_has_word(const char *text, const char *word)
{
	size_t		length = strlen(word);
	unsigned char first = pg_tolower((unsigned char) *word);

	for (const char *at = text; *at != '\0'; at++)
	{
		if (pg_tolower((unsigned char) *at) == first && pg_strncasecmp(at, word, length) == 0 &&
			(at == text || !(isalnum((unsigned char) at[-1]) || at[-1] == '_')) &&
			!(isalnum((unsigned char) at[length]) || at[length] == '_'))
			return true;
	}
	return false;
}

/* Tell whether the body or a setting of a function has a word in it. */
static bool
lintdepend_names(Relation rel, HeapTuple tuple, const char *word)
{
	static const AttrNumber columns[] = {Anum_pg_proc_prosrc, Anum_pg_proc_proconfig};
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

	if (form->prolang == INTERNALlanguageId || form->prolang == ClanguageId)
		return false;
	for (int i = 0; i < lengthof(columns); i++)
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, columns[i], RelationGetDescr(rel), &isnull);
		char	   *written;

		if (isnull)
			continue;
		written = columns[i] == Anum_pg_proc_prosrc ? TextDatumGetCString(value) :
			OidOutputFunctionCall(F_ARRAY_OUT, value);
		if (lintdepend_has_word(written, word))
			return true;
	}
	return false;
}

/*
 * List the functions whose body or settings have a name in them, as ObjectAddress:
 * a word in a text, so this is no proof.  Functions of extensions are left out.
 */
List *
migrate_lint_namers(const char *name)
{
	Relation	rel = table_open(ProcedureRelationId, AccessShareLock);
	List	   *namers = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_proc_oid, BTGreaterEqualStrategyNumber, F_OIDGE,
				ObjectIdGetDatum(FirstNormalObjectId));
	scan = systable_beginscan(rel, ProcedureOidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		ObjectAddress function;

		ObjectAddressSet(function, ProcedureRelationId, ((Form_pg_proc) GETSTRUCT(tuple))->oid);
		if (lintdepend_names(rel, tuple, name) &&
			!OidIsValid(getExtensionOfObject(ProcedureRelationId, function.objectId)))
			namers = lintdepend_add(namers, function);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return namers;
}

/* Compare two descriptions. */
static int
lintdepend_compare(const ListCell *one, const ListCell *other)
{
	return strcmp(lfirst(one), lfirst(other));
}

/* Name some objects in a message: the first of them, and how many more there are. */
char *
migrate_lint_describe(List *objects)
{
	List	   *names = NIL;
	StringInfoData text;
	ListCell   *lc;

	foreach(lc, objects)
	{
		char	   *name = getObjectDescription(lfirst(lc), true);

		if (name != NULL)
			names = lappend(names, name);
	}
	list_sort(names, lintdepend_compare);
	initStringInfo(&text);
	for (int i = 0; i < list_length(names) && i < LINTDEPEND_NAMED; i++)
		appendStringInfo(&text, "%s%s", i == 0 ? "" :
						 i == list_length(names) - 1 ? " and " : ", ", (char *) list_nth(names, i));
	if (list_length(names) > LINTDEPEND_NAMED)
		appendStringInfo(&text, " and %d more", list_length(names) - LINTDEPEND_NAMED);
	return text.data;
}
