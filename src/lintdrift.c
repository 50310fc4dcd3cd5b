/*-------------------------------------------------------------------------
 *
 * lintdrift.c
 *		Rule of lint on names that are not there, or are there already.
 *
 * Such a statement fails, so nothing is said where earlier statements of the plan
 * may have changed what there is.  lintcourse.c keeps track of these.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"

#include "lint.h"
#include "predicting.h"

/* Say that a statement fails. */
static void
lintdrift_fails(LintStatement *statement, Oid relid, const char *message)
{
	LintFinding *finding = migrate_lint_find(statement, LINT_SCHEMA_DRIFT, relid, "%s", message);

	if (finding != NULL)
		finding->proved = true;
}

/* Tell whether a statement puts up with a relation that is not there. */
static bool
lintdrift_may_miss(const Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			return ((AlterTableStmt *) node)->missing_ok;
		case T_RenameStmt:
			return ((RenameStmt *) node)->missing_ok;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) node)->missing_ok;
		case T_AlterSeqStmt:
			return ((AlterSeqStmt *) node)->missing_ok;
		case T_DropStmt:
			return ((DropStmt *) node)->missing_ok;
		case T_CreateSchemaStmt:	/* its elements may name each other */
			return true;
		default:
			return false;
	}
}

/* Tell whether a statement is on an index or a sequence, which tables bring with them. */
static bool
lintdrift_is_on_part(const Node *node)
{
	ObjectType	type;

	switch (nodeTag(node))
	{
		case T_AlterSeqStmt:
			return true;
		case T_AlterTableStmt:
			type = ((AlterTableStmt *) node)->objtype;
			break;
		case T_RenameStmt:
			type = ((RenameStmt *) node)->renameType;
			break;
		case T_AlterObjectSchemaStmt:
			type = ((AlterObjectSchemaStmt *) node)->objectType;
			break;
		case T_DropStmt:
			type = ((DropStmt *) node)->removeType;
			break;
		case T_CommentStmt:
			type = ((CommentStmt *) node)->objtype;
			break;
		default:
			return false;
	}
	return type == OBJECT_INDEX || type == OBJECT_SEQUENCE;
}

/* Tell whether a name may be of what a statement so far has made along with a table. */
static bool
lintdrift_may_be_part(const LintStatement *statement, const RangeVar *name)
{
	const char *end = strrchr(name->relname, '_');

	return (statement->lint->made != NIL || statement->lint->altered->members > 0) &&
		(lintdrift_is_on_part(statement->node) || (end != NULL && strcmp(end, "_seq") == 0));
}

/* Names that mean nothing. */
static void
lintdrift_missing(LintStatement *statement)
{
	List	   *told = NIL;
	ListCell   *lc;

	if (lintdrift_may_miss(statement->node))
		return;
	foreach(lc, statement->prediction->missing)
	{
		RangeVar   *name = lfirst(lc);
		LintTarget	target = migrate_lint_target(statement, name);

		if (target.is_new || OidIsValid(target.relid) ||
			list_member(told, makeString(unconstify(char *, target.name))) ||
			(IsA(statement->node, CreateStmt) &&
			 strcmp(((CreateStmt *) statement->node)->relation->relname, name->relname) == 0) ||
			lintdrift_may_be_part(statement, name))
			continue;
		told = lappend(told, makeString(unconstify(char *, target.name)));
		lintdrift_fails(statement, InvalidOid, psprintf("relation %s does not exist", target.name));
	}
}

/* A relation of the name is there, unless earlier statements have touched it. */
static void
lintdrift_check_new(LintStatement *statement, const char *name, Oid schema)
{
	Oid			there = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (OidIsValid(there) && keyset_lookup(statement->lint->altered, there) == NULL)
		lintdrift_fails(statement, there, psprintf("relation \"%s\" already exists", name));
}

/* A relation that a statement makes. */
static void
lintdrift_new(LintStatement *statement, const RangeVar *name)
{
	List	   *path;

	if (name->relpersistence == RELPERSISTENCE_TEMP || name->catalogname != NULL ||
		(name->schemaname != NULL && strcmp(name->schemaname, "pg_temp") == 0))
		return;
	if (name->schemaname != NULL)
	{
		lintdrift_check_new(statement, name->relname, get_namespace_oid(name->schemaname, true));
		return;
	}
	path = statement->lint->made_schema ? NIL : fetch_search_path(false);
	if (path != NIL)
		lintdrift_check_new(statement, name->relname, linitial_oid(path));
}

/* Statements that make a relation. */
static void
lintdrift_exists(LintStatement *statement)
{
	Node	   *node = statement->node;
	CreateTableAsStmt *as = (CreateTableAsStmt *) node;
	IndexStmt  *index = (IndexStmt *) node;
	LintTarget	target;

	switch (nodeTag(node))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:	/* begins with one */
			if (!((CreateStmt *) node)->if_not_exists)
				lintdrift_new(statement, ((CreateStmt *) node)->relation);
			break;
		case T_CreateTableAsStmt:
			if (!as->if_not_exists)
				lintdrift_new(statement, as->into->rel);
			break;
		case T_CreateSeqStmt:
			if (!((CreateSeqStmt *) node)->if_not_exists)
				lintdrift_new(statement, ((CreateSeqStmt *) node)->sequence);
			break;
		case T_ViewStmt:
			if (!((ViewStmt *) node)->replace)
				lintdrift_new(statement, ((ViewStmt *) node)->view);
			break;
		case T_IndexStmt:
			target = migrate_lint_target(statement, index->relation);
			if (!index->if_not_exists && index->idxname != NULL && OidIsValid(target.relid))
				lintdrift_check_new(statement, index->idxname, get_rel_namespace(target.relid));
			break;
		default:
			break;
	}
}

/* Tell whether a command of the same ALTER TABLE is of some kind, on some column. */
static bool
lintdrift_is_along(const AlterTableStmt *alter, AlterTableType subtype, const char *name)
{
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		const char *other = command->subtype == AT_AddColumn ?
		castNode(ColumnDef, command->def)->colname : command->name;

		if (command->subtype == subtype && other != NULL && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* A column that is there already, or that is not. */
static void
lintdrift_column(LintStatement *statement, Oid relid, const AlterTableCmd *command)
{
	const AlterTableStmt *alter = (AlterTableStmt *) statement->node;
	const char *name;

	switch (command->subtype)
	{
		case AT_AddColumn:
			name = castNode(ColumnDef, command->def)->colname;
			if (!command->missing_ok && get_attnum(relid, name) != InvalidAttrNumber &&
				!lintdrift_is_along(alter, AT_DropColumn, name))
				lintdrift_fails(statement, relid, psprintf("column \"%s\" already exists", name));
			break;
		case AT_DropColumn:
			if (!command->missing_ok && get_attnum(relid, command->name) == InvalidAttrNumber)
				lintdrift_fails(statement, relid, psprintf("column \"%s\" does not exist", command->name));
			break;
		case AT_ColumnDefault:
		case AT_SetNotNull:
		case AT_DropNotNull:
		case AT_AlterColumnType:
			if (get_attnum(relid, command->name) == InvalidAttrNumber &&
				!lintdrift_is_along(alter, AT_AddColumn, command->name))
				lintdrift_fails(statement, relid, psprintf("column \"%s\" does not exist", command->name));
			break;
		default:
			break;
	}
}

/* A constraint that is there already, or that is not. */
static void
lintdrift_constraint(LintStatement *statement, Oid relid, const AlterTableCmd *command)
{
	const AlterTableStmt *alter = (AlterTableStmt *) statement->node;
	PredictConstraint there;
	const char *name = command->name;

	switch (command->subtype)
	{
		case AT_AddConstraint:
			name = castNode(Constraint, command->def)->conname;
			/* a check that a child has inherited may be added to it again */
			if (name != NULL && !has_superclass(relid) && migrate_predict_constraint(relid, name, &there) &&
				!lintdrift_is_along(alter, AT_DropConstraint, name))
				lintdrift_fails(statement, relid, psprintf("constraint \"%s\" already exists", name));
			break;
		case AT_DropConstraint:
			if (!command->missing_ok && !migrate_predict_constraint(relid, name, &there))
				lintdrift_fails(statement, relid, psprintf("constraint \"%s\" does not exist", name));
			break;
		case AT_ValidateConstraint:

			/*
			 * one that comes in the same statement has its name in a node of
			 * its own
			 */
			if (list_length(alter->cmds) == 1 && !migrate_predict_constraint(relid, name, &there))
				lintdrift_fails(statement, relid, psprintf("constraint \"%s\" does not exist", name));
			break;
		default:
			break;
	}
}

/* Tell whether a table is as the catalogs say, whatever statements have run so far. */
static bool
lintdrift_is_untouched(const LintStatement *statement, const LintTarget *target)
{
	char		relkind;

	if (!OidIsValid(target->relid) || keyset_lookup(statement->lint->altered, target->relid) != NULL)
		return false;
	relkind = get_rel_relkind(target->relid);
	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
}

/* ALTER TABLE */
static void
lintdrift_alter(LintStatement *statement, const AlterTableStmt *alter)
{
	LintTarget	target = migrate_lint_target(statement, alter->relation);
	ListCell   *lc;

	if (alter->objtype != OBJECT_TABLE || !lintdrift_is_untouched(statement, &target))
		return;
	foreach(lc, alter->cmds)
	{
		lintdrift_column(statement, target.relid, lfirst_node(AlterTableCmd, lc));
		lintdrift_constraint(statement, target.relid, lfirst_node(AlterTableCmd, lc));
	}
}

/* ALTER TABLE ... RENAME COLUMN */
static void
lintdrift_rename(LintStatement *statement, const RenameStmt *rename)
{
	LintTarget	target;

	if (rename->renameType != OBJECT_COLUMN || rename->relationType != OBJECT_TABLE)
		return;
	target = migrate_lint_target(statement, rename->relation);
	if (!lintdrift_is_untouched(statement, &target))
		return;
	if (get_attnum(target.relid, rename->subname) == InvalidAttrNumber)
		lintdrift_fails(statement, target.relid, psprintf("column \"%s\" does not exist", rename->subname));
	else if (get_attnum(target.relid, rename->newname) != InvalidAttrNumber)
		lintdrift_fails(statement, target.relid, psprintf("column \"%s\" already exists", rename->newname));
}

/* Look at a statement. */
void
migrate_lint_drift(LintStatement *statement)
{
	const Lint *lint = statement->lint;

	if (lint->opaque || lint->unsure || lint->down || statement->script->directives.role != NULL)
		return;
	lintdrift_missing(statement);
	lintdrift_exists(statement);
	if (IsA(statement->node, AlterTableStmt))
		lintdrift_alter(statement, (AlterTableStmt *) statement->node);
	else if (IsA(statement->node, RenameStmt))
		lintdrift_rename(statement, (RenameStmt *) statement->node);
}
