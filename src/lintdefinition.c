/*-------------------------------------------------------------------------
 *
 * lintdefinition.c
 *		Rules of lint on the definitions of columns, as they are written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"

#include "lintcolumn.h"
#include "predicting.h"

/* Bytes of each row from which on another order of columns is worth it. */
#define LINTDEFINITION_PADDING 8

/* A column, and what is defined with it. */
typedef struct LintDefinition
{
	LintStatement *statement;
	Oid			relid;			/* InvalidOid = the table is new */
	const char *table;
	const char *name;			/* of the column */
	TypeName   *type;
	Oid			type_oid;		/* InvalidOid = not known */
	List	   *constraints;	/* of the column */
	List	   *elements;		/* all that CREATE TABLE has, or NIL */
} LintDefinition;

/* Return the type that a column is declared with, or InvalidOid if it is not there yet. */
static Oid
lintdefinition_type(const TypeName *type)
{
	Oid			serial = migrate_predict_serial_type(type);

	/* those of columns make the server tell what they stand for */
	if (type->pct_type || type->setof)
		return InvalidOid;
	return OidIsValid(serial) ? serial : LookupTypeNameOid(NULL, type, true);
}

/* Types that there is something to say of, whatever the column is for. */
static void
lintdefinition_check_type(const LintDefinition *definition)
{
	LintStatement *statement = definition->statement;
	Oid			relid = definition->relid;
	const char *name = definition->name;
	const char *table = definition->table;

	switch (definition->type_oid)
	{
		case BPCHAROID:
			migrate_lint_find(statement, LINT_BAN_CHAR_FIELD, relid,
							  "values of \"%s\" of %s are filled up with blanks", name, table);
			break;
		case VARCHAROID:
			if (definition->type->typmods != NIL)
				migrate_lint_find(statement, LINT_PREFER_TEXT_FIELD, relid,
								  "to make the limit of \"%s\" of %s smaller later writes all rows again", name, table);
			break;
		case TIMESTAMPOID:
			migrate_lint_find(statement, LINT_PREFER_TIMESTAMP_TZ, relid,
							  "\"%s\" of %s does not tell in which time zone a time is meant", name, table);
			break;
		case INT2OID:
			migrate_lint_find(statement, LINT_PREFER_BIGINT_OVER_SMALLINT, relid,
							  "\"%s\" of %s ends at 32767", name, table);
			break;
		case JSONOID:
			migrate_lint_find(statement, LINT_BAN_JSON_COLUMN, relid,
							  "\"%s\" of %s cannot be compared, so that DISTINCT, GROUP BY and UNION fail", name, table);
			break;
		default:
			break;
	}
}

/* Find a constraint of a kind on the column alone. */
static bool
lintdefinition_has(const LintDefinition *definition, ConstrType type)
{
	ListCell   *lc;

	foreach(lc, definition->constraints)
		if (lfirst_node(Constraint, lc)->contype == type)
		return true;
	foreach(lc, definition->elements)
	{
		Constraint *constraint = lfirst(lc);

		if (IsA(constraint, Constraint) && constraint->contype == type &&
			list_length(constraint->keys) == 1 &&
			strcmp(strVal(linitial(constraint->keys)), definition->name) == 0)
			return true;
	}
	return false;
}

/* Tell whether an expression as it was written names a column. */
static bool
lintdefinition_names(Node *node, void *name)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String))
		return strcmp(strVal(llast(((ColumnRef *) node)->fields)), name) == 0;
	return raw_expression_tree_walker(node, lintdefinition_names, name);
}

/* Tell whether a CHECK names the column. */
static bool
lintdefinition_is_checked(const LintDefinition *definition)
{
	ListCell   *lc;

	foreach(lc, definition->constraints)
		if (lfirst_node(Constraint, lc)->contype == CONSTR_CHECK)
		return true;
	foreach(lc, definition->elements)
	{
		Constraint *constraint = lfirst(lc);

		if (IsA(constraint, Constraint) && constraint->contype == CONSTR_CHECK &&
			lintdefinition_names(constraint->raw_expr, unconstify(char *, definition->name)))
			return true;
	}
	return false;
}

/* A new column: rules on its type together with what else is said of it. */
static void
lintdefinition_check_column(const LintDefinition *definition)
{
	LintStatement *statement = definition->statement;
	bool		serial = OidIsValid(migrate_predict_serial_type(definition->type));
	bool		key = lintdefinition_has(definition, CONSTR_PRIMARY);

	lintdefinition_check_type(definition);
	if (serial)
		migrate_lint_find(statement, LINT_PREFER_IDENTITY, definition->relid,
						  "who inserts into %s needs rights on the sequence of \"%s\", too",
						  definition->table, definition->name);
	if (definition->type_oid == INT4OID &&
		(serial || key || lintdefinition_has(definition, CONSTR_IDENTITY)))
		migrate_lint_find(statement, LINT_PREFER_BIGINT_OVER_INT, definition->relid,
						  "\"%s\" of %s ends at 2147483647, and to change it then writes all rows again",
						  definition->name, definition->table);
	if ((definition->type_oid == TEXTOID ||
		 (definition->type_oid == VARCHAROID && definition->type->typmods == NIL)) &&
		!lintdefinition_is_checked(definition))
		migrate_lint_find(statement, LINT_TEXT_COLUMN_WITHOUT_LIMIT, definition->relid,
						  "values of \"%s\" of %s may be of any length", definition->name, definition->table);
	if (definition->type_oid == BOOLOID && !key && !lintdefinition_has(definition, CONSTR_NOTNULL))
		migrate_lint_find(statement, LINT_NULLABLE_BOOLEAN_COLUMN, definition->relid,
						  "\"%s\" of %s has three states: true, false and NULL",
						  definition->name, definition->table);
}

/* Set it up for a column as it is written. */
static LintDefinition
lintdefinition_of(LintStatement *statement, Oid relid, const char *table, const ColumnDef *column)
{
	LintDefinition definition = {.statement = statement, .relid = relid, .table = table};

	definition.name = column->colname;
	definition.type = column->typeName;
	definition.type_oid = lintdefinition_type(column->typeName);
	definition.constraints = column->constraints;
	return definition;
}

/*
 * Return how many bytes the fixed columns of a row take in an order; those of any
 * length are left out, since nobody knows what comes of them.  Returns false if a
 * type is not known yet.
 */
static bool
lintdefinition_width(List *elements, Size *ordered, Size *packed)
{
	ListCell   *lc;

	*ordered = *packed = 0;
	foreach(lc, elements)
	{
		ColumnDef  *column = lfirst(lc);
		int16		length;
		bool		by_value;
		char		align;
		Oid			type;

		if (!IsA(column, ColumnDef) || column->typeName == NULL)
			continue;
		type = lintdefinition_type(column->typeName);
		if (!OidIsValid(type))
			return false;
		get_typlenbyvalalign(type, &length, &by_value, &align);
		if (length <= 0)
			continue;
		*ordered = att_align_nominal(*ordered, align) + length;
		*packed += length;
	}
	*ordered = MAXALIGN(*ordered);
	*packed = MAXALIGN(*packed);
	return true;
}

/* CREATE TABLE */
static void
lintdefinition_create(LintStatement *statement, const CreateStmt *create)
{
	LintTarget	target = migrate_lint_target(statement, create->relation);
	Size		ordered;
	Size		packed;
	ListCell   *lc;

	if (create->relation->relpersistence == RELPERSISTENCE_TEMP ||
		(create->if_not_exists && OidIsValid(target.relid)))
		return;
	foreach(lc, create->tableElts)
	{
		ColumnDef  *column = lfirst(lc);
		LintDefinition definition;

		if (!IsA(column, ColumnDef) || column->typeName == NULL)
			continue;
		definition = lintdefinition_of(statement, InvalidOid, target.name, column);
		definition.elements = create->tableElts;
		lintdefinition_check_column(&definition);
	}
	if (migrate_lint_wanted(LINT_COLUMN_ALIGNMENT_PADDING) &&
		lintdefinition_width(create->tableElts, &ordered, &packed) &&
		ordered >= packed + LINTDEFINITION_PADDING)
		migrate_lint_find(statement, LINT_COLUMN_ALIGNMENT_PADDING, InvalidOid,
						  "in another order of columns, each row of %s is %zu bytes shorter",
						  target.name, ordered - packed);
}

/* ALTER TABLE */
static void
lintdefinition_alter(LintStatement *statement, const AlterTableStmt *alter)
{
	LintTarget	target = migrate_lint_target(statement, alter->relation);
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		LintDefinition definition;

		if (command->subtype != AT_AddColumn && command->subtype != AT_AlterColumnType)
			continue;
		definition = lintdefinition_of(statement, target.relid, target.name, castNode(ColumnDef, command->def));
		if (command->subtype == AT_AlterColumnType)
		{
			definition.name = command->name;
			lintdefinition_check_type(&definition);
		}
		else if (!OidIsValid(target.relid) ||
				 get_attnum(target.relid, definition.name) == InvalidAttrNumber)
			lintdefinition_check_column(&definition);
	}
}

/* Look at a statement. */
void
migrate_lint_definition(LintStatement *statement)
{
	Node	   *node = statement->node;
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_CreateStmt:
			lintdefinition_create(statement, (CreateStmt *) node);
			break;
		case T_CreateSchemaStmt:
			foreach(lc, ((CreateSchemaStmt *) node)->schemaElts)
				if (IsA(lfirst(lc), CreateStmt))
				lintdefinition_create(statement, lfirst(lc));
			break;
		case T_AlterTableStmt:
			lintdefinition_alter(statement, (AlterTableStmt *) node);
			break;
		default:
			break;
	}
}
