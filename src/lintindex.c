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

/*
 * CREATE INDEX IF NOT EXISTS where there is something of the name: nothing is done,
 * which is not enough if it is an index nobody can use.  Returns whether it is so.
 */
static bool
lintindex_is_there(LintStatement *statement, const IndexStmt *index, Oid relid)
{
	Oid			there = index->if_not_exists && index->idxname != NULL ?
	get_relname_relid(index->idxname, get_rel_namespace(relid)) : InvalidOid;

	if (OidIsValid(there) && get_rel_relkind(there) == RELKIND_INDEX && !get_index_isvalid(there))
		migrate_lint_find(statement, LINT_INVALID_INDEX_LEFT_BEHIND, there,
						  "index \"%s\" is there, but invalid: the statement succeeds, and queries do not use it",
						  index->idxname);
	return OidIsValid(there);
}

/*
 * Return the columns of an index as it was written; NIL if there is more to it than
 * columns in the order of their values.
 */
static List *
lintindex_columns(const IndexStmt *index)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (index->unique || index->whereClause != NULL || index->indexIncludingParams != NIL ||
		strcmp(index->accessMethod, DEFAULT_INDEX_TYPE) != 0)
		return NIL;
	foreach(lc, index->indexParams)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		if (element->name == NULL || element->opclass != NIL || element->collation != NIL ||
			element->ordering == SORTBY_DESC || element->nulls_ordering != SORTBY_NULLS_DEFAULT)
			return NIL;
		names = lappend(names, makeString(element->name));
	}
	return names;
}

/* Tell whether a column of an index is kept as it is when nothing is said of it. */
static bool
lintindex_is_plain(Relation index, Oid relid, int column)
{
	AttrNumber	attnum = index->rd_index->indkey.values[column];
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	return index->rd_indoption[column] == 0 && index->rd_indcollation[column] == collation &&
		index->rd_opfamily[column] == get_opclass_family(GetDefaultOpClass(type, BTREE_AM_OID));
}

/* How an index has to compare to a list of columns. */
typedef enum LintIndexMatch
{
	LINTINDEX_ANY_ORDER,		/* it begins with them, in any order */
	LINTINDEX_BEGINS,			/* it begins with them, as they are */
	LINTINDEX_SAME,				/* it has just these, and is unique */
	LINTINDEX_LESS				/* they begin with it, and it is good for
								 * nothing else */
} LintIndexMatch;

/* Tell whether the number of columns of an index, and what it is for, allow a match. */
static bool
lintindex_may_match(Relation index, int count, LintIndexMatch match)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisvalid || index->rd_rel->relam != BTREE_AM_OID || RelationGetIndexPredicate(index) != NIL)
		return false;
	switch (match)
	{
		case LINTINDEX_SAME:
			return form->indnkeyatts == count && form->indisunique && form->indimmediate &&
				!OidIsValid(get_index_constraint(RelationGetRelid(index)));
		case LINTINDEX_LESS:
			return form->indnatts < count && !form->indisunique && !form->indisreplident &&
				!form->indisclustered;
		default:
			return form->indnkeyatts >= count;
	}
}

/* Tell whether an index compares so to some columns. */
static bool
lintindex_matches(Relation index, Oid relid, List *names, LintIndexMatch match)
{
	int			count = Min(list_length(names), index->rd_index->indnkeyatts);

	if (!lintindex_may_match(index, list_length(names), match))
		return false;
	for (int i = 0; i < count; i++)
	{
		AttrNumber	attnum = index->rd_index->indkey.values[i];
		char	   *name = attnum == 0 ? NULL : get_attname(relid, attnum, true);

		if (name == NULL)
			return false;
		if (match == LINTINDEX_ANY_ORDER ? !list_member(names, makeString(name)) :
			strcmp(name, strVal(list_nth(names, i))) != 0 || !lintindex_is_plain(index, relid, i))
			return false;
	}
	return true;
}

/* Find such an index of a table. */
static Oid
lintindex_find(Oid relid, List *names, LintIndexMatch match)
{
	Oid			found = InvalidOid;
	ListCell   *lc;

	foreach(lc, names == NIL ? NIL : migrate_prediction_indexes(relid))
	{
		Relation	index = migrate_prediction_open(lfirst_oid(lc));

		if (index == NULL)
			continue;
		if (!OidIsValid(found) && lintindex_matches(index, relid, names, match))
			found = lfirst_oid(lc);
		migrate_prediction_close(index);
	}
	return found;
}

/* An index beside those that are there. */
static void
lintindex_beside(LintStatement *statement, Oid relid, List *names)
{
	Oid			other = lintindex_find(relid, names, LINTINDEX_BEGINS);

	if (OidIsValid(other))
	{
		migrate_lint_find(statement, LINT_REDUNDANT_INDEX, relid,
						  "index \"%s\" begins with the same columns", get_rel_name(other));
		return;
	}
	other = lintindex_find(relid, names, LINTINDEX_LESS);
	if (OidIsValid(other))
		migrate_lint_find(statement, LINT_REDUNDANT_INDEX, relid,
						  "index \"%s\" is not needed any more then: the new one begins with its columns",
						  get_rel_name(other));
}

/* CREATE INDEX */
static void
lintindex_create(LintStatement *statement, const IndexStmt *index)
{
	LintTarget	target = migrate_lint_target(statement, index->relation);
	char		relkind;

	if (index->idxname == NULL)
		migrate_lint_find(statement, LINT_REQUIRE_EXPLICIT_OBJECT_NAME, target.relid,
						  "the index on %s has no name of its own", target.name);
	if (!OidIsValid(target.relid) || lintindex_is_there(statement, index, target.relid))
		return;
	relkind = get_rel_relkind(target.relid);
	if (relkind == RELKIND_PARTITIONED_TABLE)
	{
		if (index->relation->inh)
			migrate_lint_find(statement, LINT_PARTITIONED_INDEX_ON_PARENT, target.relid,
							  "writes to %s and all its partitions wait until all indexes are built", target.name);
	}
	else if (!index->concurrent && (relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW))
		migrate_lint_find(statement, LINT_REQUIRE_CONCURRENT_INDEX_CREATION, target.relid,
						  "writes to %s wait until the index is built", target.name);
	lintindex_beside(statement, target.relid, lintindex_columns(index));
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
		PredictedRelation work = *(PredictedRelation *) lfirst(lc);
		char		relkind = get_rel_relkind(work.relid);

		/*
		 * what is built is an index, but the table is what everybody waits
		 * for
		 */
		work.build = true;
		if (work.mode == ShareLock && (relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW))
			migrate_lint_find_under(statement, LINT_REQUIRE_CONCURRENT_REINDEX, &work,
									"writes to %s wait until its indexes are built again, and reads that would use them too",
									get_rel_name(work.relid));
	}
}

/* What a foreign key is without an index on its own side. */
static void
lintindex_check_key_index(LintStatement *statement, Oid relid, List *columns, const char *other)
{
	if (!OidIsValid(lintindex_find(relid, columns, LINTINDEX_ANY_ORDER)) &&
		!migrate_lint_made_index(statement->lint, relid, columns))
		migrate_lint_find(statement, LINT_FOREIGN_KEY_MISSING_INDEX, relid,
						  "no index of %s begins with the columns of the key: a DELETE or UPDATE of %s reads all of it",
						  get_rel_name(relid), other);
}

/* A table that a foreign key refers to. */
static void
lintindex_key_parent(LintStatement *statement, Oid other)
{
	if (!OidIsValid(other))
		return;
	if (statement->lint->key_parents != NIL &&
		!list_member_oid(statement->lint->key_parents, other))
		migrate_lint_find(statement, LINT_MULTIPLE_FOREIGN_KEYS_IN_TRANSACTION, other,
						  "%s is locked until the end while another referenced table is, too",
						  get_rel_name(other));
	statement->lint->key_parents = list_append_unique_oid(statement->lint->key_parents, other);
}

/* A foreign key of a table that is there. */
static void
lintindex_foreign_key(LintStatement *statement, Oid relid, const Constraint *key, bool filled)
{
	LintTarget	other = migrate_lint_target(statement, key->pktable);

	if (!OidIsValid(other.relid) && !other.is_new)
		return;
	if (!key->skip_validation && filled)
		migrate_lint_find(statement, LINT_ADDING_FOREIGN_KEY_CONSTRAINT, relid,
						  "writes to %s and %s wait until all rows are checked", get_rel_name(relid), other.name);
	if (key->fk_attrs != NIL)
		lintindex_check_key_index(statement, relid, key->fk_attrs, other.name);
	if (other.relid != relid)
		lintindex_key_parent(statement, other.relid);
}

/* CREATE TABLE: the tables that its foreign keys refer to. */
static void
lintindex_create_table(LintStatement *statement, const CreateStmt *create)
{
	ListCell   *lc;
	ListCell   *inner;

	foreach(lc, create->tableElts)
	{
		Node	   *element = lfirst(lc);
		List	   *constraints = IsA(element, ColumnDef) ? ((ColumnDef *) element)->constraints :
		list_make1(element);

		foreach(inner, constraints)
		{
			Constraint *constraint = lfirst(inner);

			if (IsA(constraint, Constraint) && constraint->contype == CONSTR_FOREIGN)
				lintindex_key_parent(statement, migrate_lint_target(statement, constraint->pktable).relid);
		}
	}
}

/* ADD UNIQUE */
static void
lintindex_unique(LintStatement *statement, Oid relid, const Constraint *key)
{
	Oid			same = lintindex_find(relid, key->keys, LINTINDEX_SAME);

	if (OidIsValid(same))
		migrate_lint_find(statement, LINT_DISALLOWED_UNIQUE_CONSTRAINT, relid,
						  "reads and writes of %s wait until an index is built like \"%s\", which is there for USING INDEX",
						  get_rel_name(relid), get_rel_name(same));
	else
		migrate_lint_find(statement, LINT_DISALLOWED_UNIQUE_CONSTRAINT, relid,
						  "reads and writes of %s wait until the index of the constraint is built",
						  get_rel_name(relid));
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
		lintindex_unique(statement, relid, key);
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

/* VALIDATE CONSTRAINT under the lock of an earlier statement, or of other parts of this one. */
static void
lintindex_validate(LintStatement *statement, Oid relid)
{
	PredictedRelation *own = migrate_prediction_find(statement->prediction, relid);
	PredictedRelation held = {.relid = relid, .mode = own == NULL ? NoLock : own->mode};
	ListCell   *lc;

	foreach(lc, statement->lint->held)
	{
		PredictedRelation *before = lfirst(lc);

		if (before->relid == relid)
			held.mode = Max(held.mode, before->mode);
	}
	/* the constraint may not be there yet, so the prediction does not tell */
	held.scan = true;
	if (held.mode >= ShareRowExclusiveLock)
		migrate_lint_find_under(statement, LINT_NOT_VALID_VALIDATE_SAME_TRANSACTION, &held,
								"what comes before holds %s until the end: the rows are checked under its lock",
								get_rel_name(relid));
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

	if (obstacle != NULL && obstacle->nontransactional && !statement->script->directives.no_transaction && obstacle->statement == statement->number)
		migrate_lint_find(statement, LINT_BAN_CONCURRENT_INDEX_CREATION_IN_TRANSACTION, InvalidOid,
						  "%s", obstacle->message);
	switch (nodeTag(statement->node))
	{
		case T_CreateStmt:
			lintindex_create_table(statement, (CreateStmt *) statement->node);
			break;
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
