/*-------------------------------------------------------------------------
 *
 * lintname.c
 *		Rules of lint on names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "describe.h"
#include "lexer.h"
#include "lint.h"
#include "naming.h"

/* Say which functions have a name in their text, as the end of a message. */
static char *
lintname_namers(const char *name)
{
	List	   *namers = migrate_lint_namers(name);

	return namers == NIL ? "" : psprintf("; its name is in the text of %s", migrate_lint_describe(namers));
}

/* A relation gets another name or schema. */
static void
lintname_rename(LintStatement *statement, const RangeVar *name, const char *becomes)
{
	LintTarget	target = migrate_lint_target(statement, name);
	char		relkind = OidIsValid(target.relid) ? get_rel_relkind(target.relid) : '\0';

	if (relkind == '\0' || strchr("rpvmfS", relkind) == NULL ||
		get_rel_persistence(target.relid) == RELPERSISTENCE_TEMP)
		return;
	migrate_lint_find(statement, LINT_RENAMING_TABLE, target.relid,
					  "what calls it %s fails once it is %s%s", target.name, becomes,
					  lintname_namers(name->relname));
}

/* A view takes the place of a relation that was renamed before: nothing breaks. */
static void
lintname_shim(LintStatement *statement, const RangeVar *view)
{
	List	  **findings = &statement->lint->findings;
	Oid			relid = migrate_lint_relation(view);
	ListCell   *lc;

	foreach(lc, OidIsValid(relid) ? *findings : NIL)
	{
		LintFinding *finding = lfirst(lc);

		if (finding->rule == LINT_RENAMING_TABLE && finding->relid == relid)
			*findings = foreach_delete_current(*findings, lc);
	}
}

/* ALTER SCHEMA ... RENAME */
static void
lintname_schema(LintStatement *statement, const RenameStmt *rename)
{
	Oid			schema = get_namespace_oid(rename->subname, true);
	List	   *users = OidIsValid(schema) ? migrate_lint_users(NamespaceRelationId, schema) : NIL;

	if (users != NIL)
		migrate_lint_prove(migrate_lint_find(statement, LINT_RENAMING_SCHEMA, InvalidOid,
											 "what calls it \"%s\" fails, in names and in search_path: in it are %s%s", rename->subname,
											 migrate_lint_describe(users), lintname_namers(rename->subname)));
}

/* RENAME */
static void
lintname_renames(LintStatement *statement, const RenameStmt *rename)
{
	switch (rename->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_SEQUENCE:
			lintname_rename(statement, rename->relation, quote_identifier(rename->newname));
			break;
		case OBJECT_SCHEMA:
			lintname_schema(statement, rename);
			break;
		default:
			break;
	}
}

/* An identifier longer than the server has room for. */
static void
lintname_check_length(LintStatement *statement, const char *written, int length, List **told)
{
	char	   *name = pnstrdup(written, length);
	char	   *cut;

	if (length < NAMEDATALEN || list_member(*told, makeString(name)))
		return;
	*told = lappend(*told, makeString(name));
	cut = pnstrdup(name, pg_mbcliplen(name, length, NAMEDATALEN - 1));
	migrate_lint_find(statement, LINT_IDENTIFIER_TOO_LONG, InvalidOid,
					  "\"%s\" has %d bytes, of which the first %d are its name: \"%s\"", name, length,
					  (int) strlen(cut), cut);
}

/* Tell whether a text may have an identifier in it that is too long. */
static bool
lintname_may_be_long(const char *text)
{
	int			run = 0;

	for (const char *c = text; *c != '\0'; c++)
	{
		if (*c == '"')
			return strlen(text) > NAMEDATALEN;
		run = isalnum((unsigned char) *c) || *c == '_' || *c == '$' || IS_HIGHBIT_SET(*c) ? run + 1 : 0;
		if (run >= NAMEDATALEN)
			return true;
	}
	return false;
}

/* Identifiers that are too long: the parse tree has them cut off already. */
static void
lintname_lengths(LintStatement *statement)
{
	List	   *told = NIL;
	Lexer		lexer;
	LexToken	token;

	if (!lintname_may_be_long(statement->text))
		return;
	lexer_init(&lexer, statement->text, strlen(statement->text));
	while (lexer_next(&lexer, &token) != LEX_END)
	{
		const char *written = statement->text + token.offset;

		if (token.kind == LEX_WORD)
			lintname_check_length(statement, written, token.length, &told);
		else if (token.kind == LEX_IDENT && *written == '"' && token.length >= NAMEDATALEN + 2)
		{
			char	   *name = palloc(token.length);
			int			length = 0;

			for (size_t i = 1; i + 1 < token.length; i++)
			{
				name[length++] = written[i];
				if (written[i] == '"')
					i++;
			}
			lintname_check_length(statement, name, length, &told);
		}
	}
}

/* List the relations that a DROP names, as RangeVar. */
static List *
lintname_dropped(const DropStmt *drop)
{
	List	   *names = NIL;
	ListCell   *lc;

	switch (drop->removeType)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
		case OBJECT_FOREIGN_TABLE:
			foreach(lc, drop->objects)
				if (list_length(lfirst(lc)) <= 3)
				names = lappend(names, makeRangeVarFromNameList(lfirst(lc)));
			return names;
		default:
			return NIL;
	}
}

/* List the relations that a statement defines or changes, as RangeVar. */
static List *
lintname_relations(Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			return list_make1(((CreateStmt *) node)->relation);
		case T_CreateTableAsStmt:
			return list_make1(((CreateTableAsStmt *) node)->into->rel);
		case T_ViewStmt:
			return list_make1(((ViewStmt *) node)->view);
		case T_AlterTableStmt:
			return list_make1(((AlterTableStmt *) node)->relation);
		case T_IndexStmt:
			return list_make1(((IndexStmt *) node)->relation);
		case T_CreateTrigStmt:
			return list_make1(((CreateTrigStmt *) node)->relation);
		case T_CreateSeqStmt:
			return list_make1(((CreateSeqStmt *) node)->sequence);
		case T_TruncateStmt:
			return ((TruncateStmt *) node)->relations;
		case T_RenameStmt:
			return ((RenameStmt *) node)->relation == NULL ? NIL :
				list_make1(((RenameStmt *) node)->relation);
		case T_DropStmt:
			return lintname_dropped((DropStmt *) node);
		default:
			return NIL;
	}
}

/* Names of relations without a schema. */
static void
lintname_schemas(LintStatement *statement)
{
	ListCell   *lc;

	foreach(lc, lintname_relations(statement->node))
	{
		RangeVar   *name = lfirst(lc);
		LintTarget	target = migrate_lint_target(statement, name);

		if (name->schemaname != NULL || name->relpersistence == RELPERSISTENCE_TEMP)
			continue;
		if (OidIsValid(target.relid))
			migrate_lint_find(statement, LINT_REQUIRE_TABLE_SCHEMA, target.relid,
							  "which %s is meant is up to search_path: now it is %s", target.name,
							  migrate_describe_relation(target.relid));
		else
			migrate_lint_find(statement, LINT_REQUIRE_TABLE_SCHEMA, InvalidOid,
							  "which schema %s is in is up to search_path", target.name);
	}
}

/* Judge a name that the statement gives. */
static void
lintname_give(LintStatement *statement, NamingKind kind, const char *name)
{
	if (name != NULL && !migrate_naming_matches(kind, name))
		migrate_lint_find(statement, LINT_NAMING_CONVENTION, InvalidOid,
						  "%s name \"%s\" is against the convention", migrate_naming_kind(kind), name);
}

/* Judge the names in an element of a table. */
static void
lintname_give_element(LintStatement *statement, Node *element)
{
	ListCell   *lc;

	if (element == NULL)
		return;
	if (IsA(element, Constraint))
		lintname_give(statement, NAMING_CONSTRAINT, ((Constraint *) element)->conname);
	if (!IsA(element, ColumnDef))
		return;
	lintname_give(statement, NAMING_COLUMN, ((ColumnDef *) element)->colname);
	foreach(lc, ((ColumnDef *) element)->constraints)
		lintname_give_element(statement, lfirst(lc));
}

/* Judge the name that a RENAME gives. */
static void
lintname_give_renamed(LintStatement *statement, const RenameStmt *rename)
{
	static const struct
	{
		ObjectType	type;
		NamingKind	kind;
	}			kinds[] = {
		{OBJECT_TABLE, NAMING_TABLE}, {OBJECT_FOREIGN_TABLE, NAMING_TABLE},
		{OBJECT_VIEW, NAMING_VIEW}, {OBJECT_MATVIEW, NAMING_VIEW},
		{OBJECT_INDEX, NAMING_INDEX}, {OBJECT_COLUMN, NAMING_COLUMN},
		{OBJECT_TABCONSTRAINT, NAMING_CONSTRAINT}, {OBJECT_SEQUENCE, NAMING_SEQUENCE},
		{OBJECT_FUNCTION, NAMING_FUNCTION}, {OBJECT_PROCEDURE, NAMING_FUNCTION},
		{OBJECT_ROUTINE, NAMING_FUNCTION}, {OBJECT_TRIGGER, NAMING_TRIGGER},
		{OBJECT_TYPE, NAMING_TYPE}, {OBJECT_DOMAIN, NAMING_TYPE}, {OBJECT_SCHEMA, NAMING_SCHEMA},
	};

	for (int i = 0; i < lengthof(kinds); i++)
		if (kinds[i].type == rename->renameType)
			lintname_give(statement, kinds[i].kind, rename->newname);
}

/* Judge the names that a statement gives to relations and parts of them. */
static bool
lintname_give_relation(LintStatement *statement, Node *node)
{
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			lintname_give(statement, NAMING_TABLE, ((CreateStmt *) node)->relation->relname);
			foreach(lc, ((CreateStmt *) node)->tableElts)
				lintname_give_element(statement, lfirst(lc));
			return true;
		case T_CreateTableAsStmt:
			lintname_give(statement, ((CreateTableAsStmt *) node)->objtype == OBJECT_MATVIEW ?
						  NAMING_VIEW : NAMING_TABLE, ((CreateTableAsStmt *) node)->into->rel->relname);
			return true;
		case T_ViewStmt:
			lintname_give(statement, NAMING_VIEW, ((ViewStmt *) node)->view->relname);
			return true;
		case T_IndexStmt:
			lintname_give(statement, NAMING_INDEX, ((IndexStmt *) node)->idxname);
			return true;
		case T_CreateSeqStmt:
			lintname_give(statement, NAMING_SEQUENCE, ((CreateSeqStmt *) node)->sequence->relname);
			return true;
		case T_AlterTableStmt:
			foreach(lc, ((AlterTableStmt *) node)->cmds)
				if (lfirst_node(AlterTableCmd, lc)->subtype == AT_AddColumn ||
					lfirst_node(AlterTableCmd, lc)->subtype == AT_AddConstraint)
				lintname_give_element(statement, lfirst_node(AlterTableCmd, lc)->def);
			return true;
		default:
			return false;
	}
}

/* Judge the names that a statement gives. */
static void
lintname_conventions(LintStatement *statement)
{
	Node	   *node = statement->node;

	if (lintname_give_relation(statement, node))
		return;
	switch (nodeTag(node))
	{
		case T_CreateTrigStmt:
			lintname_give(statement, NAMING_TRIGGER, ((CreateTrigStmt *) node)->trigname);
			break;
		case T_CreateFunctionStmt:
			lintname_give(statement, NAMING_FUNCTION, strVal(llast(((CreateFunctionStmt *) node)->funcname)));
			break;
		case T_CreateSchemaStmt:
			lintname_give(statement, NAMING_SCHEMA, ((CreateSchemaStmt *) node)->schemaname);
			break;
		case T_CreateEnumStmt:
			lintname_give(statement, NAMING_TYPE, strVal(llast(((CreateEnumStmt *) node)->typeName)));
			break;
		case T_CreateDomainStmt:
			lintname_give(statement, NAMING_TYPE, strVal(llast(((CreateDomainStmt *) node)->domainname)));
			break;
		case T_CompositeTypeStmt:
			lintname_give(statement, NAMING_TYPE, ((CompositeTypeStmt *) node)->typevar->relname);
			break;
		case T_RenameStmt:
			lintname_give_renamed(statement, (RenameStmt *) node);
			break;
		default:
			break;
	}
}

/* Look at a statement. */
void
migrate_lint_name(LintStatement *statement)
{
	Node	   *node = statement->node;
	AlterObjectSchemaStmt *move = (AlterObjectSchemaStmt *) node;

	if (IsA(node, RenameStmt))
		lintname_renames(statement, (RenameStmt *) node);
	else if (IsA(node, AlterObjectSchemaStmt) && move->relation != NULL)
		lintname_rename(statement, move->relation,
						quote_qualified_identifier(move->newschema, move->relation->relname));
	else if (IsA(node, ViewStmt))
		lintname_shim(statement, ((ViewStmt *) node)->view);
	lintname_lengths(statement);
	if (migrate_lint_wanted(LINT_REQUIRE_TABLE_SCHEMA))
		lintname_schemas(statement);
	if (migrate_lint_wanted(LINT_NAMING_CONVENTION))
		lintname_conventions(statement);
}
