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

/* Look up a relation that a statement names, by what earlier statements made of names. */
LintTarget
migrate_lint_target(const LintStatement *statement, const RangeVar *name)
{
	LintTarget	target = {.name = quote_qualified_identifier(name->schemaname, name->relname)};
	ListCell   *lc;

	foreach(lc, statement->lint->renamed)
	{
		LintRenamed *renamed = lfirst(lc);

		if (lintmemory_same_name(renamed->name, name))
			target.relid = renamed->relid;
	}
	if (OidIsValid(target.relid))
		return target;
	foreach(lc, statement->lint->made)
		target.is_new |= lintmemory_same_name(lfirst(lc), name);
	if (!target.is_new)
		target.relid = migrate_lint_relation(name);
	return target;
}

/* Remember a relation that a statement makes, unless there is one of the name. */
static void
lintmemory_made(Lint *lint, RangeVar *name, bool if_not_exists)
{
	ListCell   *lc;

	if (if_not_exists && OidIsValid(migrate_lint_relation(name)))
		return;
	foreach(lc, lint->renamed)
		if (lintmemory_same_name(((LintRenamed *) lfirst(lc))->name, name))
		lint->renamed = foreach_delete_current(lint->renamed, lc);
	lint->made = lappend(lint->made, name);
}

/* Remember that a relation gets another name. */
static void
lintmemory_renamed(LintStatement *statement, const RangeVar *from, const char *schema, const char *name)
{
	LintTarget	target = migrate_lint_target(statement, from);
	RangeVar   *to = makeRangeVar(unconstify(char *, schema), pstrdup(name), -1);

	if (OidIsValid(target.relid))
	{
		LintRenamed *renamed = palloc(sizeof(LintRenamed));

		renamed->name = to;
		renamed->relid = target.relid;
		statement->lint->renamed = lappend(statement->lint->renamed, renamed);
	}
	else
		lintmemory_made(statement->lint, to, false);
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
	ListCell   *held;

	foreach(lc, statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);
		bool		known = false;

		if (relation->mode < ShareUpdateExclusiveLock)
			continue;
		foreach(held, lint->held)
		{
			PredictedRelation *before = lfirst(held);

			if (before->relid != relation->relid)
				continue;
			before->mode = Max(before->mode, relation->mode);
			known = true;
		}
		if (!known)
			lint->held = lappend(lint->held, memcpy(palloc(sizeof(PredictedRelation)), relation,
													sizeof(PredictedRelation)));
	}
}

/* Remember a relation that a statement makes. */
static void
lintmemory_remember_relation(LintStatement *statement)
{
	Lint	   *lint = statement->lint;
	Node	   *node = statement->node;
	CreateStmt *create;

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
		case T_RenameStmt:
			if (((RenameStmt *) node)->renameType == OBJECT_TABLE)
				lintmemory_renamed(statement, ((RenameStmt *) node)->relation,
								   ((RenameStmt *) node)->relation->schemaname, ((RenameStmt *) node)->newname);
			break;
		case T_AlterObjectSchemaStmt:
			if (((AlterObjectSchemaStmt *) node)->objectType == OBJECT_TABLE)
				lintmemory_renamed(statement, ((AlterObjectSchemaStmt *) node)->relation,
								   ((AlterObjectSchemaStmt *) node)->newschema,
								   ((AlterObjectSchemaStmt *) node)->relation->relname);
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
	lint->altered |= lintmemory_alters(statement);
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
