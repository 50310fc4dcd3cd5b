/*-------------------------------------------------------------------------
 *
 * lintindex.c
 *		Rules of lint on indexes and constraints.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "lint.h"
#include "predicting.h"

/* CREATE INDEX IF NOT EXISTS that meets an index nobody can use. */
static void
lintindex_meets_invalid(LintStatement *statement, const IndexStmt *index, Oid relid)
{
	Oid			there = index->idxname == NULL ? InvalidOid :
	get_relname_relid(index->idxname, get_rel_namespace(relid));

	if (index->if_not_exists && OidIsValid(there) && get_rel_relkind(there) == RELKIND_INDEX &&
		!get_index_isvalid(there))
		migrate_lint_find(statement, LINT_INVALID_INDEX_LEFT_BEHIND, there,
						  "index \"%s\" is there, but invalid: the statement succeeds, and queries do not use it",
						  index->idxname);
}

/* Return the columns of an index as it was written; NIL if one is an expression. */
static List *
lintindex_columns(const IndexStmt *index)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, index->indexParams)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		if (element->name == NULL)
			return NIL;
		names = lappend(names, makeString(element->name));
	}
	return names;
}

/*
 * Tell whether a usable index begins with some columns, in their order, or (any
 * order) as a set.
 */
static bool
lintindex_begins_with(Relation index, Oid relid, List *names, bool any_order)
{
	Form_pg_index form = index->rd_index;
	int			count = list_length(names);

	if (!form->indisvalid || form->indnkeyatts < count ||
		index->rd_rel->relam != BTREE_AM_OID || RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int i = 0; i < count; i++)
	{
		char	   *name = form->indkey.values[i] == 0 ? NULL :
		get_attname(relid, form->indkey.values[i], true);

		if (name == NULL)
			return false;
		if (any_order ? !list_member(names, makeString(name)) :
			strcmp(name, strVal(list_nth(names, i))) != 0)
			return false;
	}
	return true;
}

/* Find such an index of a table. */
static Oid
lintindex_covering(Oid relid, List *names, bool any_order)
{
	Oid			found = InvalidOid;
	ListCell   *lc;

	foreach(lc, names == NIL ? NIL : migrate_prediction_indexes(relid))
	{
		Relation	index = migrate_prediction_open(lfirst_oid(lc));

		if (index == NULL)
			continue;
		if (!OidIsValid(found) && lintindex_begins_with(index, relid, names, any_order))
			found = lfirst_oid(lc);
		migrate_prediction_close(index);
	}
	return found;
}

/* CREATE INDEX */
static void
lintindex_create(LintStatement *statement, const IndexStmt *index)
{
	LintTarget	target = migrate_lint_target(statement, index->relation);
	Oid			covering;

	if (index->idxname == NULL)
		migrate_lint_find(statement, LINT_REQUIRE_EXPLICIT_OBJECT_NAME, target.relid,
						  "the index on %s has no name of its own", target.name);
	if (!OidIsValid(target.relid))
		return;
	lintindex_meets_invalid(statement, index, target.relid);
	if (get_rel_relkind(target.relid) == RELKIND_PARTITIONED_TABLE)
	{
		if (index->relation->inh)
			migrate_lint_find(statement, LINT_PARTITIONED_INDEX_ON_PARENT, target.relid,
							  "writes to %s and all its partitions wait until all indexes are built", target.name);
	}
	else if (!index->concurrent)
		migrate_lint_find(statement, LINT_REQUIRE_CONCURRENT_INDEX_CREATION, target.relid,
						  "writes to %s wait until the index is built", target.name);
	covering = index->unique || index->whereClause != NULL ? InvalidOid :
		lintindex_covering(target.relid, lintindex_columns(index), false);
	if (OidIsValid(covering))
		migrate_lint_find(statement, LINT_REDUNDANT_INDEX, target.relid,
						  "index \"%s\" begins with the same columns", get_rel_name(covering));
}

/* DROP INDEX */
static void
lintindex_drop(LintStatement *statement, const DropStmt *drop)
{
	ListCell   *lc;

	if (drop->removeType != OBJECT_INDEX || drop->concurrent)
		return;
	foreach(lc, drop->objects)
	{
		Oid			index = RangeVarGetRelid(makeRangeVarFromNameList(lfirst(lc)), NoLock, true);
		Oid			table = OidIsValid(index) ? IndexGetRelation(index, true) : InvalidOid;

		if (!OidIsValid(table) || OidIsValid(get_index_constraint(index)))
			continue;
		migrate_lint_find(statement, LINT_REQUIRE_CONCURRENT_INDEX_DELETION, table,
						  get_rel_relkind(index) == RELKIND_PARTITIONED_INDEX ?
						  "reads and writes of %s and its partitions wait for the drop of an index, which cannot be concurrent" :
						  "reads and writes of %s wait for the drop of an index", get_rel_name(table));
	}
}

/* REINDEX */
static void
lintindex_reindex(LintStatement *statement, const ReindexStmt *reindex)
{
	ListCell   *lc;

	foreach(lc, reindex->params)
		if (strcmp(lfirst_node(DefElem, lc)->defname, "concurrently") == 0)
			return;
	foreach(lc, statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (relation->mode == ShareLock)
			migrate_lint_find(statement, LINT_REQUIRE_CONCURRENT_REINDEX, relation->relid,
							  "writes to %s wait until its indexes are built again, and reads that would use them too",
							  get_rel_name(relation->relid));
	}
}

/* What a foreign key is without an index on its own side. */
static void
lintindex_check_key_index(LintStatement *statement, Oid relid, List *columns, const char *other)
{
	if (OidIsValid(relid) && columns != NIL &&
		!OidIsValid(lintindex_covering(relid, columns, true)))
		migrate_lint_find(statement, LINT_FOREIGN_KEY_MISSING_INDEX, relid,
						  "no index of %s begins with the columns of the key: a DELETE or UPDATE of %s reads all of it",
						  get_rel_name(relid), other);
}

/* A foreign key of a table that is there. */
static void
lintindex_foreign_key(LintStatement *statement, Oid relid, const Constraint *key, bool filled)
{
	LintTarget	other = migrate_lint_target(statement, key->pktable);

	if (!key->skip_validation && filled)
		migrate_lint_find(statement, LINT_ADDING_FOREIGN_KEY_CONSTRAINT, relid,
						  "writes to %s and %s wait until all rows are checked", get_rel_name(relid), other.name);
	if (key->fk_attrs != NIL)
		lintindex_check_key_index(statement, relid, key->fk_attrs, other.name);
	if (!OidIsValid(other.relid))
		return;
	if (statement->lint->key_parents != NIL &&
		!list_member_oid(statement->lint->key_parents, other.relid))
		migrate_lint_find(statement, LINT_MULTIPLE_FOREIGN_KEYS_IN_TRANSACTION, other.relid,
						  "%s is locked until the end while another referenced table is, too", other.name);
	statement->lint->key_parents = list_append_unique_oid(statement->lint->key_parents, other.relid);
}

/* ADD UNIQUE, PRIMARY KEY, EXCLUDE */
static void
lintindex_key(LintStatement *statement, Oid relid, const Constraint *key)
{
	const char *table = get_rel_name(relid);
	PredictedRelation *predicted = migrate_prediction_find(statement->prediction, relid);

	if (key->contype == CONSTR_EXCLUSION)
		migrate_lint_find(statement, LINT_ADDING_EXCLUSION_CONSTRAINT, relid,
						  "reads and writes of %s wait until its index is built and all rows are checked", table);
	else if (key->indexname != NULL)
	{
		if (key->contype == CONSTR_PRIMARY && predicted != NULL && predicted->scan)
			migrate_lint_find(statement, LINT_PRIMARY_KEY_USING_NULLABLE_INDEX, relid,
							  "a column of the index may be NULL: reads and writes of %s wait until all rows are checked", table);
	}
	else if (key->contype == CONSTR_PRIMARY)
		migrate_lint_find(statement, LINT_ADDING_SERIAL_PRIMARY_KEY_FIELD, relid,
						  "reads and writes of %s wait until the index of the primary key is built", table);
	else
		migrate_lint_find(statement, LINT_DISALLOWED_UNIQUE_CONSTRAINT, relid,
						  "reads and writes of %s wait until the index of the constraint is built", table);
}

/* A constraint that comes; filled: of a column, rows have values at once. */
static void
lintindex_constraint(LintStatement *statement, Oid relid, const Constraint *constraint, bool filled)
{
	switch (constraint->contype)
	{
		case CONSTR_FOREIGN:
			lintindex_foreign_key(statement, relid, constraint, filled);
			break;
		case CONSTR_CHECK:
			if (!constraint->skip_validation)
				migrate_lint_find(statement, LINT_CONSTRAINT_MISSING_NOT_VALID, relid,
								  "reads and writes of %s wait until all rows are checked", get_rel_name(relid));
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			lintindex_key(statement, relid, constraint);
			break;
		default:
			return;
	}
	if (constraint->conname == NULL)
		migrate_lint_find(statement, LINT_REQUIRE_EXPLICIT_OBJECT_NAME, relid,
						  "the constraint on %s has no name of its own", get_rel_name(relid));
}

/* VALIDATE CONSTRAINT under the lock of an earlier statement. */
static void
lintindex_validate(LintStatement *statement, Oid relid)
{
	ListCell   *lc;

	foreach(lc, statement->lint->held)
	{
		PredictedRelation held = *(PredictedRelation *) lfirst(lc);

		/* the constraint may not be there yet, so the prediction does not tell */
		held.scan = true;
		if (held.relid == relid && held.mode >= ShareRowExclusiveLock)
			migrate_lint_find_under(statement, LINT_NOT_VALID_VALIDATE_SAME_TRANSACTION, &held,
									"an earlier statement holds %s until the end: the rows are checked under its lock",
									get_rel_name(relid));
	}
}

/* ALTER TABLE */
static void
lintindex_alter(LintStatement *statement, const AlterTableStmt *alter)
{
	LintTarget	target = migrate_lint_target(statement, alter->relation);
	ListCell   *lc;
	ListCell   *inner;

	foreach(lc, OidIsValid(target.relid) ? alter->cmds : NIL)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		ColumnDef  *column;

		switch (command->subtype)
		{
			case AT_AddConstraint:
				lintindex_constraint(statement, target.relid, castNode(Constraint, command->def), true);
				break;
			case AT_AddColumn:
				column = castNode(ColumnDef, command->def);
				foreach(inner, column->constraints)
					lintindex_constraint(statement, target.relid, lfirst_node(Constraint, inner),
										 migrate_predict_column_constraint(column, CONSTR_DEFAULT) != NULL);
				break;
			case AT_ValidateConstraint:
				lintindex_validate(statement, target.relid);
				break;
			default:
				break;
		}
	}
}

/* Look at a statement. */
void
migrate_lint_index(LintStatement *statement)
{
	const ScriptObstacle *obstacle = statement->script->obstacle;

	if (obstacle != NULL && obstacle->nontransactional && obstacle->statement == statement->number)
		migrate_lint_find(statement, LINT_BAN_CONCURRENT_INDEX_CREATION_IN_TRANSACTION, InvalidOid,
						  "%s", obstacle->message);
	switch (nodeTag(statement->node))
	{
		case T_IndexStmt:
			lintindex_create(statement, (IndexStmt *) statement->node);
			break;
		case T_DropStmt:
			lintindex_drop(statement, (DropStmt *) statement->node);
			break;
		case T_ReindexStmt:
			lintindex_reindex(statement, (ReindexStmt *) statement->node);
			break;
		case T_AlterTableStmt:
			lintindex_alter(statement, (AlterTableStmt *) statement->node);
			break;
		default:
			break;
	}
}
