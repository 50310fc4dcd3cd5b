/*-------------------------------------------------------------------------
 *
 * lintmemory.c
 *		What earlier statements leave for those after them.
 *
 * The catalogs are those from before the first statement: what the statements
 * make, rename and drop is remembered here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/dbcommands.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "lint.h"

/* Tell whether two names, with or without a schema, may be those of one relation. */
static bool
lintmemory_same_name(const RangeVar *one, const RangeVar *other)
{
	return strcmp(one->relname, other->relname) == 0 &&
		(one->schemaname == NULL || other->schemaname == NULL ||
		 strcmp(one->schemaname, other->schemaname) == 0);
}

/*
 * Look up a relation in the catalogs; InvalidOid = there is none.  Unlike
 * RangeVarGetRelid(), this raises no error about privileges or databases.
 */
Oid
migrate_lint_relation(const RangeVar *name)
{
	Oid			schema;

	if (name->schemaname == NULL)
		return RelnameGetRelid(name->relname);
	if (name->catalogname != NULL && strcmp(name->catalogname, get_database_name(MyDatabaseId)) != 0)
		return InvalidOid;
	schema = LookupNamespaceNoError(name->schemaname);
	return OidIsValid(schema) ? get_relname_relid(name->relname, schema) : InvalidOid;
}

/* Tell whether an object was dropped by an earlier statement. */
bool
migrate_lint_is_dropped(const Lint *lint, Oid class, Oid object)
{
	ListCell   *lc;

	foreach(lc, lint->dropped)
	{
		PredictedDrop *drop = lfirst(lc);

		if (drop->object.classId == class && drop->object.objectId == object &&
			drop->object.objectSubId == 0)
			return true;
	}
	return false;
}

/* Tell whether a type, by its name, was made by an earlier statement. */
bool
migrate_lint_type_is_new(const Lint *lint, List *name)
{
	ListCell   *lc;

	foreach(lc, lint->made_types)
	{
		List	   *made = lfirst(lc);

		if (strcmp(strVal(llast(made)), strVal(llast(name))) == 0 &&
			(list_length(made) == 1 || list_length(name) == 1 ||
			 strcmp(strVal(list_nth(made, list_length(made) - 2)),
					strVal(list_nth(name, list_length(name) - 2))) == 0))
			return true;
	}
	return false;
}

/* Return the key of a relation's name, whatever its schema. */
static uint64
lintmemory_key(const char *relname)
{
	return hash_bytes_extended((const unsigned char *) relname, strlen(relname), 0);
}

/* Return what an earlier statement has made or renamed to a name last; NULL = nothing. */
static LintMade *
lintmemory_find(const Lint *lint, const RangeVar *name)
{
	KeySetEntry *entry = keyset_lookup(lint->names.made, lintmemory_key(name->relname));

	if (entry == NULL)
		return NULL;
	for (int i = entry->value; i >= 0; i--)
	{
		LintMade   *made = list_nth(lint->made, i);

		if (lintmemory_same_name(made->name, name))
			return made;
	}
	return NULL;
}

/* Look up a relation that a statement names, by what earlier statements made of names. */
LintTarget
migrate_lint_target(const LintStatement *statement, const RangeVar *name)
{
	LintNames  *names = &statement->lint->names;
	LintMade   *made;

	if (names->last == name)
		return names->target;
	made = lintmemory_find(statement->lint, name);
	names->target.name = quote_qualified_identifier(name->schemaname, name->relname);
	names->target.relid = made == NULL ? migrate_lint_relation(name) : made->relid;
	names->target.is_new = made != NULL && !OidIsValid(made->relid);
	names->last = name;
	return names->target;
}

/* Remember what a name means from now on: a relation that is there, or (InvalidOid) a new one. */
static void
lintmemory_name(Lint *lint, const RangeVar *name, Oid relid)
{
	LintMade   *made = palloc(sizeof(LintMade));
	bool		found;

	made->name = name;
	made->relid = relid;
	keyset_insert(lint->names.made, lintmemory_key(name->relname), &found)->value = list_length(lint->made);
	lint->made = lappend(lint->made, made);
}

/* Remember a relation that a statement makes, unless there is one of the name. */
static void
lintmemory_made(Lint *lint, const RangeVar *name, bool if_not_exists)
{
	if (!if_not_exists || !OidIsValid(migrate_lint_relation(name)))
		lintmemory_name(lint, name, InvalidOid);
}

/* Remember that a relation gets another name. */
static void
lintmemory_renamed(LintStatement *statement, const RangeVar *from, const char *schema, const char *name)
{
	lintmemory_name(statement->lint, makeRangeVar(unconstify(char *, schema), pstrdup(name), -1),
					migrate_lint_target(statement, from).relid);
}

/* Remember a value that is added to an enum that is there. */
static void
lintmemory_enum_value(LintStatement *statement, const AlterEnumStmt *alter)
{
	LintEnumValue *added;
	Oid			type;

	if (alter->oldVal != NULL || migrate_lint_type_is_new(statement->lint, alter->typeName) ||
		statement->script->directives.no_transaction)
		return;
	type = migrate_lint_type_oid(makeTypeNameFromNameList(alter->typeName));
	if (!OidIsValid(type) ||
		SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(type), CStringGetDatum(alter->newVal)))
		return;
	added = palloc(sizeof(LintEnumValue));
	added->type = type;
	added->value = alter->newVal;
	statement->lint->enum_values = lappend(statement->lint->enum_values, added);
}

/* Remember how strongly the statement locks what is there. */
static void
lintmemory_held(LintStatement *statement)
{
	Lint	   *lint = statement->lint;
	ListCell   *lc;

	foreach(lc, statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);
		PredictedRelation *held;
		KeySetEntry *place;

		if (relation->mode < ShareUpdateExclusiveLock)
			continue;
		place = keyset_lookup(lint->held_places, relation->relid);
		if (place != NULL)
		{
			held = list_nth(lint->held, place->value);
			held->mode = Max(held->mode, relation->mode);
			continue;
		}
		(void) keyset_add(lint->held_places, relation->relid, list_length(lint->held));
		lint->held = lappend(lint->held, memcpy(palloc(sizeof(PredictedRelation)), relation,
												sizeof(PredictedRelation)));
	}
}

/* ALTER ... RENAME: of constraints, the index of that name may be renamed, too. */
static void
lintmemory_rename(LintStatement *statement, const RenameStmt *rename)
{
	if (rename->relation == NULL)
		return;
	switch (rename->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
			lintmemory_renamed(statement, rename->relation, rename->relation->schemaname, rename->newname);
			break;
		case OBJECT_COLUMN:
			break;
		default:
			lintmemory_made(statement->lint, makeRangeVar(rename->relation->schemaname, rename->newname, -1), false);
			break;
	}
}

/* Remember a relation that a statement makes or renames. */
static void
lintmemory_remember_relation(LintStatement *statement)
{
	Lint	   *lint = statement->lint;
	Node	   *node = statement->node;
	CreateStmt *create;
	AlterObjectSchemaStmt *move;
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			create = (CreateStmt *) node;
			lintmemory_made(lint, create->relation, create->if_not_exists);
			break;
		case T_CreateTableAsStmt:
			lintmemory_made(lint, ((CreateTableAsStmt *) node)->into->rel, ((CreateTableAsStmt *) node)->if_not_exists);
			break;
		case T_SelectStmt:
			if (((SelectStmt *) node)->intoClause != NULL)
				lintmemory_made(lint, ((SelectStmt *) node)->intoClause->rel, false);
			break;
		case T_ViewStmt:
			lintmemory_made(lint, ((ViewStmt *) node)->view, ((ViewStmt *) node)->replace);
			break;
		case T_CreateSeqStmt:
			lintmemory_made(lint, ((CreateSeqStmt *) node)->sequence, ((CreateSeqStmt *) node)->if_not_exists);
			break;
		case T_CompositeTypeStmt:
			lintmemory_made(lint, ((CompositeTypeStmt *) node)->typevar, false);
			break;
		case T_CreateSchemaStmt:
			foreach(lc, ((CreateSchemaStmt *) node)->schemaElts)
				if (IsA(lfirst(lc), CreateStmt))
				lintmemory_made(lint, ((CreateStmt *) lfirst(lc))->relation, false);
			break;
		case T_RenameStmt:
			lintmemory_rename(statement, (RenameStmt *) node);
			break;
		case T_AlterObjectSchemaStmt:
			move = (AlterObjectSchemaStmt *) node;
			if (move->relation != NULL)
				lintmemory_renamed(statement, move->relation, move->newschema, move->relation->relname);
			break;
		default:
			break;
	}
}

/* Tell whether a statement may change what depends on what, other than by a DROP. */
static bool
lintmemory_alters(const LintStatement *statement)
{
	switch (nodeTag(statement->node))
	{
		case T_AlterTableStmt:
		case T_AlterDomainStmt:
		case T_AlterObjectSchemaStmt:
		case T_AlterObjectDependsStmt:
		case T_AlterPolicyStmt:
		case T_AlterFunctionStmt:
		case T_AlterTypeStmt:
		case T_AlterOperatorStmt:
		case T_AlterOpFamilyStmt:
		case T_AlterStatsStmt:
		case T_CreateFunctionStmt:
		case T_CreateTrigStmt:
		case T_DefineStmt:
		case T_RuleStmt:
		case T_ViewStmt:
			return true;
		default:
			return statement->prediction->opaque;
	}
}

/* Remember what a statement leaves for those after it. */
void
migrate_lint_remember(LintStatement *statement)
{
	Lint	   *lint = statement->lint;
	Node	   *node = statement->node;

	lint->opaque |= statement->prediction->opaque;
	lint->rewired |= lintmemory_alters(statement);
	lint->dropped = list_concat(lint->dropped, statement->prediction->dropped);
	lintmemory_held(statement);
	switch (nodeTag(node))
	{
		case T_CreateEnumStmt:
			lint->made_types = lappend(lint->made_types, ((CreateEnumStmt *) node)->typeName);
			break;
		case T_CreateDomainStmt:
			lint->made_types = lappend(lint->made_types, ((CreateDomainStmt *) node)->domainname);
			break;
		case T_AlterEnumStmt:
			lintmemory_enum_value(statement, (AlterEnumStmt *) node);
			break;
		default:
			lintmemory_remember_relation(statement);
	}
}
