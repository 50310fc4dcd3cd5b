/*-------------------------------------------------------------------------
 *
 * lintcolumn.c
 *		Rules of lint on columns that come, change and go.
 *
 * What values they may have is looked at in lintvalue.c, changes of type in
 * lintretype.c, and new definitions, as they are written, in lintdefinition.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "attempt.h"
#include "compat.h"
#include "lint.h"
#include "lintcolumn.h"
#include "predicting.h"

/* Columns from which on a table is a very wide one, and those numbers ever given. */
#define LINTCOLUMN_WIDE 100
#define LINTCOLUMN_WIDE_EVER 1200

/* Return the table and what inherits from it, if the statement goes on to that. */
List *
migrate_lint_family(const LintColumnWalk *walk)
{
	return walk->recurse && has_subclass(walk->relid) ?
		find_all_inheritors(walk->relid, NoLock, NULL) : list_make1_oid(walk->relid);
}

/* Tell whether a statement writes all rows of a table again, whichever. */
static bool
lintcolumn_any_rewrite(const Prediction *prediction)
{
	ListCell   *lc;

	foreach(lc, prediction->relations)
		if (((PredictedRelation *) lfirst(lc))->rewrite)
		return true;
	return false;
}

/* Tell whether ADD COLUMN writes the rows of the table, or of a child, again. */
static bool
lintcolumn_rewrites(const LintColumnWalk *walk, const ColumnDef *column)
{
	bool		rewrites = false;
	ListCell   *lc;

	if (!lintcolumn_any_rewrite(walk->statement->prediction))
		return false;
	foreach(lc, migrate_lint_family(walk))
	{
		Relation	rel = migrate_prediction_open(lfirst_oid(lc));

		if (rel == NULL)
			continue;
		rewrites |= migrate_predict_add_rewrites(rel, column);
		migrate_prediction_close(rel);
	}
	return rewrites;
}

/* Return the domain that a column is of, if values of it are checked, or InvalidOid. */
static Oid
lintcolumn_checked_domain(const ColumnDef *column)
{
	Oid			type = OidIsValid(migrate_predict_serial_type(column->typeName)) ? InvalidOid :
	typenameTypeId(NULL, column->typeName);

	return OidIsValid(type) && DomainHasConstraints(type) ? type : InvalidOid;
}

/* ADD COLUMN that writes all rows again: why? */
static void
lintcolumn_rewriting(const LintColumnWalk *walk, const ColumnDef *column)
{
	const char *table = get_rel_name(walk->relid);

	if (!lintcolumn_rewrites(walk, column))
		return;
	if (migrate_predict_column_constraint(column, CONSTR_GENERATED) != NULL)
		migrate_lint_find(walk->statement, LINT_ADDING_STORED_GENERATED_COLUMN, walk->relid,
						  "reads and writes of %s wait until all rows are written again with the values of \"%s\"",
						  table, column->colname);
	else if (OidIsValid(migrate_predict_serial_type(column->typeName)) ||
			 migrate_predict_column_constraint(column, CONSTR_IDENTITY) != NULL)
		migrate_lint_find(walk->statement, LINT_ADDING_IDENTITY_OR_SERIAL_COLUMN, walk->relid,
						  "reads and writes of %s wait until all rows are written again with a number in \"%s\"",
						  table, column->colname);
	else if (OidIsValid(lintcolumn_checked_domain(column)))
		migrate_lint_find(walk->statement, LINT_ADDING_CONSTRAINED_DOMAIN_COLUMN, walk->relid,
						  "the domain of \"%s\" has constraints: reads and writes of %s wait until all rows are written again",
						  column->colname, table);
	else
		migrate_lint_find(walk->statement, LINT_ADDING_FIELD_WITH_DEFAULT, walk->relid,
						  "the default of \"%s\" is volatile: reads and writes of %s wait until all rows are written again",
						  column->colname, table);
}

/* Tell whether a column gets values in rows that are there, or may do so. */
static bool
lintcolumn_is_filled(const ColumnDef *column)
{
	Constraint *set = migrate_predict_column_constraint(column, CONSTR_DEFAULT);
	Oid			type;

	if (set != NULL)
		return !(IsA(set->raw_expr, A_Const) && ((A_Const *) set->raw_expr)->isnull);
	if (migrate_predict_column_constraint(column, CONSTR_GENERATED) != NULL ||
		migrate_predict_column_constraint(column, CONSTR_IDENTITY) != NULL ||
		OidIsValid(migrate_predict_serial_type(column->typeName)))
		return true;
	/* a type that is not there yet may be a domain with a default */
	type = LookupTypeNameOid(NULL, column->typeName, true);
	return !OidIsValid(type) || get_typdefault(type) != NULL;
}

/* ADD COLUMN that needs a value which nobody gives. */
static void
lintcolumn_required(const LintColumnWalk *walk, const ColumnDef *column)
{
	if ((migrate_predict_column_constraint(column, CONSTR_NOTNULL) == NULL &&
		 migrate_predict_column_constraint(column, CONSTR_PRIMARY) == NULL) ||
		lintcolumn_is_filled(column))
		return;
	if (migrate_lint_probe_rows(walk->statement, walk->relid))
		migrate_lint_find(walk->statement, LINT_ADDING_REQUIRED_FIELD, walk->relid,
						  "%s has rows, and they have no value for \"%s\", which is NOT NULL",
						  get_rel_name(walk->relid), column->colname);
	else
		migrate_lint_find(walk->statement, LINT_NEW_CONSTRAINT_BREAKS_OLD_WRITERS, walk->relid,
						  "an INSERT into %s that does not know \"%s\" fails from now on",
						  get_rel_name(walk->relid), column->colname);
}

/* Return how many columns a table has ever had. */
static int
lintcolumn_ever(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int			ever;

	if (!HeapTupleIsValid(tuple))
		return 0;
	ever = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return ever;
}

/* ADD COLUMN to a very wide table. */
static void
lintcolumn_wide(const LintColumnWalk *walk)
{
	int			ever = lintcolumn_ever(walk->relid);
	Relation	rel = ever < LINTCOLUMN_WIDE ? NULL : migrate_prediction_open(walk->relid);
	int			now = 0;

	if (rel == NULL)
		return;
	for (int i = 0; i < ever; i++)
		now += !TupleDescAttr(RelationGetDescr(rel), i)->attisdropped;
	migrate_prediction_close(rel);
	if (now >= LINTCOLUMN_WIDE || ever >= LINTCOLUMN_WIDE_EVER)
		migrate_lint_find(walk->statement, LINT_WIDE_TABLE_ADD_COLUMN, walk->relid,
						  "%s has %d columns, and dropped ones count, too: %d of at most %d were ever made",
						  get_rel_name(walk->relid), now, ever, MaxHeapAttributeNumber);
}

/* ADD COLUMN */
static void
lintcolumn_add(const LintColumnWalk *walk, const ColumnDef *column)
{
	/* IF NOT EXISTS does nothing then, and otherwise it is an error */
	if (get_attnum(walk->relid, column->colname) != InvalidAttrNumber)
		return;
	lintcolumn_wide(walk);
	lintcolumn_required(walk, column);
	/* the last one, for it raises errors where the statement will */
	lintcolumn_rewriting(walk, column);
}

/* Count what would not let a column go but for CASCADE. */
static int
lintcolumn_dependents(Oid relid, AttrNumber attnum)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	int			count = 0;
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	ScanKeyInit(&keys[2], Anum_pg_depend_refobjsubid, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(attnum));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 3, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		count += ((Form_pg_depend) GETSTRUCT(tuple))->deptype == DEPENDENCY_NORMAL;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return count;
}

/* DROP COLUMN */
static void
lintcolumn_drop(const LintColumnWalk *walk)
{
	const char *name = walk->command->name;
	AttrNumber	attnum = get_attnum(walk->relid, name);
	int			dependents;

	if (attnum <= 0)
		return;
	dependents = lintcolumn_dependents(walk->relid, attnum);
	if (dependents == 0)
		migrate_lint_find(walk->statement, LINT_BAN_DROP_COLUMN, walk->relid,
						  "\"%s\" of %s goes with its values, and what names it fails from now on",
						  name, get_rel_name(walk->relid));
	else
		migrate_lint_find(walk->statement, LINT_BAN_DROP_COLUMN, walk->relid,
						  "\"%s\" of %s goes with its values; what depends on it (%d objects) %s",
						  name, get_rel_name(walk->relid), dependents,
						  walk->command->behavior == DROP_CASCADE ? "goes, too" : "has to go first");
}

/* Tell whether an index has a column. */
static bool
lintcolumn_index_has(Form_pg_index index, AttrNumber attnum)
{
	for (int i = 0; i < index->indnkeyatts; i++)
		if (index->indkey.values[i] == attnum)
			return true;
	return false;
}

/*
 * Tell whether a column is part of a primary key, or of what replication finds rows
 * by.  The indexes are not opened: somebody may build them again.
 */
static const char *
lintcolumn_key_of(Oid relid, AttrNumber attnum)
{
	const char *found = NULL;
	ListCell   *lc;

	foreach(lc, migrate_prediction_indexes(relid))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (index->indisprimary && lintcolumn_index_has(index, attnum))
			found = "it is part of the primary key, so this fails";
		else if (found == NULL && index->indisreplident && lintcolumn_index_has(index, attnum))
			found = "it is part of the replica identity, so this fails";
		ReleaseSysCache(tuple);
	}
	return found;
}

/* DROP NOT NULL */
static void
lintcolumn_drop_not_null(const LintColumnWalk *walk)
{
	const char *name = walk->command->name;
	AttrNumber	attnum = get_attnum(walk->relid, name);
	Relation	rel = attnum <= 0 ? NULL : migrate_prediction_open(walk->relid);
	const char *key;
	bool		changes;

	if (rel == NULL)
		return;
	changes = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attnotnull;
	migrate_prediction_close(rel);
	if (!changes)
		return;
	key = lintcolumn_key_of(walk->relid, attnum);
	migrate_lint_find(walk->statement, LINT_BAN_DROP_NOT_NULL, walk->relid,
					  "what reads \"%s\" of %s may rely on values: %s", name, get_rel_name(walk->relid),
					  key != NULL ? key : "from now on there may be NULLs");
}

/* DROP DEFAULT of a column that the plan makes: it is a matter of those who do not know it. */
static bool
lintcolumn_made_needs_default(const LintColumn *made)
{
	return migrate_predict_column_constraint(made->definition, CONSTR_NOTNULL) != NULL &&
		migrate_predict_column_constraint(made->definition, CONSTR_DEFAULT) != NULL;
}

/* SET and DROP DEFAULT */
static void
lintcolumn_default(const LintColumnWalk *walk)
{
	const char *name = walk->command->name;
	const char *table = get_rel_name(walk->relid);
	const LintColumn *made = migrate_lint_made_column(walk->statement->lint, walk->relid, name);
	AttrNumber	attnum = get_attnum(walk->relid, name);
	Form_pg_attribute attribute;
	Relation	rel;
	bool		has;
	bool		required;

	if (made != NULL)
	{
		if (walk->command->def == NULL && lintcolumn_made_needs_default(made))
			migrate_lint_find(walk->statement, LINT_CHANGING_COLUMN_DEFAULT, walk->relid,
							  "an INSERT into %s that does not know \"%s\", which is NOT NULL, fails from now on",
							  table, name);
		return;
	}
	rel = attnum <= 0 ? NULL : migrate_prediction_open(walk->relid);
	if (rel == NULL)
		return;
	attribute = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	has = attribute->atthasdef;
	required = attribute->attnotnull;
	migrate_prediction_close(rel);
	if (walk->command->def != NULL)
		migrate_lint_find(walk->statement, LINT_CHANGING_COLUMN_DEFAULT, walk->relid,
						  "what knows the table already may go on writing the old default of \"%s\" of %s",
						  name, table);
	else if (has)
		migrate_lint_find(walk->statement, LINT_CHANGING_COLUMN_DEFAULT, walk->relid,
						  required ? "an INSERT into %s without \"%s\", which is NOT NULL, fails from now on" :
						  "an INSERT into %s without \"%s\" leaves it NULL from now on", table, name);
}

/* One part of ALTER TABLE. */
static void
lintcolumn_command(void *argument)
{
	const LintColumnWalk *walk = argument;
	const AlterTableCmd *command = walk->command;

	switch (command->subtype)
	{
		case AT_AddColumn:
			lintcolumn_add(walk, castNode(ColumnDef, command->def));
			break;
		case AT_DropColumn:
			lintcolumn_drop(walk);
			break;
		case AT_SetNotNull:
			migrate_lint_set_not_null(walk, command->name);
			break;
		case AT_DropNotNull:
			lintcolumn_drop_not_null(walk);
			break;
		case AT_ColumnDefault:
			lintcolumn_default(walk);
			break;
		case AT_AddConstraint:
			migrate_lint_add_constraint(walk, castNode(Constraint, command->def));
			break;
		case AT_AlterColumnType:
			migrate_lint_type_change(walk);
			break;
		default:
			if (compat_sets_expression(command->subtype) &&
				get_attnum(walk->relid, command->name) > 0)
				migrate_lint_find(walk->statement, LINT_ADDING_STORED_GENERATED_COLUMN, walk->relid,
								  "reads and writes of %s wait until all rows are written again with the values of \"%s\"",
								  get_rel_name(walk->relid), command->name);
	}
}

/* ALTER TABLE */
static void
lintcolumn_alter(LintStatement *statement, const AlterTableStmt *alter)
{
	LintTarget	target = migrate_lint_target(statement, alter->relation);
	LintColumnWalk walk = {.statement = statement, .relid = target.relid, .recurse = alter->relation->inh};
	ListCell   *lc;

	foreach(lc, OidIsValid(target.relid) ? alter->cmds : NIL)
	{
		walk.command = lfirst_node(AlterTableCmd, lc);
		/* an error in one part is not the end of the others */
		if (list_length(alter->cmds) > 1)
			(void) migrate_attempt(lintcolumn_command, &walk);
		else
			lintcolumn_command(&walk);
	}
}

/* Tell whether a text has a name as a word. */
static bool
lintcolumn_has_word(const char *text, const char *name)
{
	size_t		length = strlen(name);

	for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name))
	{
		unsigned char before = at == text ? ' ' : at[-1];
		unsigned char after = at[length];

		if (!isalnum(before) && before != '_' && !isalnum(after) && after != '_')
			return true;
	}
	return false;
}

/* Count functions whose body is a text that names both a table and a column. */
static int
lintcolumn_functions(const char *table, const char *column)
{
	Relation	rel = table_open(ProcedureRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	int			count = 0;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
		bool		isnull;
		Datum		source;
		char	   *body;

		if (form->oid < FirstNormalObjectId || form->prolang == ClanguageId ||
			form->prolang == INTERNALlanguageId)
			continue;
		source = heap_getattr(tuple, Anum_pg_proc_prosrc, RelationGetDescr(rel), &isnull);
		if (isnull)
			continue;
		body = TextDatumGetCString(source);
		count += lintcolumn_has_word(body, table) && lintcolumn_has_word(body, column);
		pfree(body);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return count;
}

/* RENAME COLUMN, and of the attributes of a type */
static void
lintcolumn_rename(LintStatement *statement, const RenameStmt *rename)
{
	Oid			relid;
	int			functions;

	if ((rename->renameType != OBJECT_COLUMN && rename->renameType != OBJECT_ATTRIBUTE) ||
		rename->relation == NULL)
		return;
	relid = migrate_lint_target(statement, rename->relation).relid;
	if (!OidIsValid(relid) || get_attnum(relid, rename->subname) <= 0)
		return;
	functions = lintcolumn_functions(get_rel_name(relid), rename->subname);
	if (functions == 0)
		migrate_lint_find(statement, LINT_RENAMING_COLUMN, relid,
						  "what names \"%s\" of %s fails from now on", rename->subname, get_rel_name(relid));
	else
		migrate_lint_find(statement, LINT_RENAMING_COLUMN, relid,
						  "what names \"%s\" of %s fails from now on; functions whose bodies seem to: %d",
						  rename->subname, get_rel_name(relid), functions);
}

/* Look at a statement. */
void
migrate_lint_column(LintStatement *statement)
{
	switch (nodeTag(statement->node))
	{
		case T_AlterTableStmt:
			lintcolumn_alter(statement, (AlterTableStmt *) statement->node);
			break;
		case T_IndexStmt:
			migrate_lint_unique_index(statement, (IndexStmt *) statement->node);
			break;
		case T_RenameStmt:
			lintcolumn_rename(statement, (RenameStmt *) statement->node);
			break;
		default:
			break;
	}
}
