/*-------------------------------------------------------------------------
 *
 * lintvalue.c
 *		Rules of lint on the values that columns may have.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "lint.h"
#include "lintcolumn.h"
#include "predicting.h"

/* Tell whether SET NOT NULL has to read the table, or a child. */
static bool
lintvalue_not_null_scans(const LintColumnWalk *walk, const char *name)
{
	bool		scans = false;
	ListCell   *lc;

	foreach(lc, migrate_lint_family(walk))
	{
		PredictedRelation *predicted = migrate_prediction_find(walk->statement->prediction, lfirst_oid(lc));
		Relation	rel = predicted == NULL || !predicted->scan ? NULL :
		migrate_prediction_open(lfirst_oid(lc));

		if (rel == NULL)
			continue;
		scans |= migrate_predict_not_null_scans(rel, name);
		migrate_prediction_close(rel);
	}
	return scans;
}

/* SET NOT NULL on a column that the plan makes: all rows are read for it. */
static void
lintvalue_made_not_null(const LintColumnWalk *walk, const LintColumn *column)
{
	PredictedRelation work = {.relid = walk->relid, .mode = AccessExclusiveLock, .scan = true};

	if (migrate_predict_column_constraint(column->definition, CONSTR_NOTNULL) == NULL &&
		migrate_predict_column_constraint(column->definition, CONSTR_PRIMARY) == NULL &&
		!migrate_lint_proves_not_null(walk->statement->lint, walk->relid, column->name))
		migrate_lint_find_under(walk->statement, LINT_ADDING_NOT_NULLABLE_FIELD, &work,
								"reads and writes of %s wait until all rows are checked for NULL in \"%s\"",
								get_rel_name(walk->relid), column->name);
}

/* SET NOT NULL */
void
migrate_lint_set_not_null(const LintColumnWalk *walk, const char *name)
{
	const LintColumn *made = migrate_lint_made_column(walk->statement->lint, walk->relid, name);

	if (made != NULL)
	{
		lintvalue_made_not_null(walk, made);
		return;
	}
	if (!lintvalue_not_null_scans(walk, name) ||
		migrate_lint_proves_not_null(walk->statement->lint, walk->relid, name))
		return;
	migrate_lint_find(walk->statement, LINT_ADDING_NOT_NULLABLE_FIELD, walk->relid,
					  "reads and writes of %s wait until all rows are checked for NULL in \"%s\"",
					  get_rel_name(walk->relid), name);
	migrate_lint_find(walk->statement, LINT_NEW_CONSTRAINT_BREAKS_OLD_WRITERS, walk->relid,
					  "a statement that leaves \"%s\" of %s NULL fails from now on",
					  name, get_rel_name(walk->relid));
	if (migrate_lint_probe_null(walk->statement, walk->relid, name))
		migrate_lint_find(walk->statement, LINT_SET_NOT_NULL_WILL_FAIL, walk->relid,
						  "\"%s\" of %s has NULLs", name, get_rel_name(walk->relid));
}

/* Return names as one text. */
static char *
lintvalue_names(List *names)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, names)
		appendStringInfo(&text, "%s%s", foreach_current_index(lc) == 0 ? "" : ", ",
						 quote_identifier(strVal(lfirst(lc))));
	return text.data;
}

/* A unique index to be built on columns. */
static void
lintvalue_unique(LintStatement *statement, Oid relid, List *columns, bool nulls_are_equal)
{
	if (migrate_lint_probe_duplicate(statement, relid, columns, nulls_are_equal))
		migrate_lint_find(statement, LINT_UNIQUE_WILL_FAIL, relid,
						  "rows of %s have the same (%s)", get_rel_name(relid), lintvalue_names(columns));
}

/* A key that comes. */
static void
lintvalue_add_key(const LintColumnWalk *walk, const Constraint *key)
{
	ListCell   *lc;

	if (key->indexname != NULL)
		return;
	foreach(lc, key->contype == CONSTR_PRIMARY ? key->keys : NIL)
	{
		const char *name = strVal(lfirst(lc));

		if (lintvalue_not_null_scans(walk, name) &&
			migrate_lint_probe_null(walk->statement, walk->relid, name))
			migrate_lint_find(walk->statement, LINT_SET_NOT_NULL_WILL_FAIL, walk->relid,
							  "\"%s\" of %s has NULLs", name, get_rel_name(walk->relid));
	}
	lintvalue_unique(walk->statement, walk->relid, key->keys, key->nulls_not_distinct);
}

/*
 * Tell whether what runs may write columns: not if all of them are new, or one is
 * not there, when the statement fails anyway.
 */
static bool
lintvalue_are_written(const LintColumnWalk *walk, List *names)
{
	bool		written = names == NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		const char *name = strVal(lfirst(lc));

		if (migrate_lint_made_column(walk->statement->lint, walk->relid, name) != NULL)
			continue;
		if (get_attnum(walk->relid, name) == InvalidAttrNumber)
			return false;
		written = true;
	}
	return written;
}

/* Collect the columns that an expression as it was written names. */
static bool
lintvalue_collect(Node *node, void *names)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String))
		*(List **) names = lappend(*(List **) names, llast(((ColumnRef *) node)->fields));
	return raw_expression_tree_walker(node, lintvalue_collect, names);
}

/* ADD CONSTRAINT: what runs knows nothing of it. */
void
migrate_lint_add_constraint(const LintColumnWalk *walk, const Constraint *constraint)
{
	List	   *names = NIL;

	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			(void) lintvalue_collect(constraint->raw_expr, &names);
			break;
		case CONSTR_FOREIGN:
			names = constraint->fk_attrs;
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			/* an index that is there says the same already */
			if (constraint->indexname != NULL)
				return;
			names = constraint->keys;
			break;
		case CONSTR_EXCLUSION:
			break;
		default:
			return;
	}
	if (lintvalue_are_written(walk, names))
		migrate_lint_find(walk->statement, LINT_NEW_CONSTRAINT_BREAKS_OLD_WRITERS, walk->relid,
						  "a statement that writes to %s what the constraint forbids fails from now on",
						  get_rel_name(walk->relid));
	if (constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_UNIQUE)
		lintvalue_add_key(walk, constraint);
}

/* CREATE UNIQUE INDEX: of columns, with nothing special. */
void
migrate_lint_unique_index(LintStatement *statement, const IndexStmt *index)
{
	Oid			relid = index->unique && index->whereClause == NULL ?
	migrate_lint_target(statement, index->relation).relid : InvalidOid;
	List	   *names = NIL;
	ListCell   *lc;

	if (!OidIsValid(relid))
		return;
	if (index->if_not_exists && index->idxname != NULL &&
		OidIsValid(get_relname_relid(index->idxname, get_rel_namespace(relid))))
		return;
	foreach(lc, index->indexParams)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		if (element->name == NULL || element->collation != NIL || element->opclass != NIL)
			return;
		names = lappend(names, makeString(element->name));
	}
	lintvalue_unique(statement, relid, names, index->nulls_not_distinct);
}
