/*-------------------------------------------------------------------------
 *
 * validation.c
 *		Statements that check the rows of tables.
 *
 * A down script that adds a column again, or creates a table again, may go on to
 * declare what only the rows that were there before fulfil: NOT NULL, or a
 * foreign key to the table.  Kept rows must be back before such a statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/rel.h"

#include "copyrows.h"
#include "validation.h"

/* Add a relation, if there is one of this name. */
static List *
validation_add(List *relids, RangeVar *name)
{
	Oid			relid = name != NULL ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;

	return OidIsValid(relid) ? list_append_unique_oid(relids, relid) : relids;
}

/* Tell whether a table has rows, or partitions that may have some. */
static bool
validation_has_rows(RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);
	Relation	rel = OidIsValid(relid) ? try_relation_open(relid, AccessShareLock) : NULL;
	bool		any;

	if (rel == NULL)
		return false;
	any = rel->rd_rel->relkind != RELKIND_RELATION || migrate_copyrows_any(rel);
	relation_close(rel, AccessShareLock);
	return any;
}

/*
 * Add what one action of ALTER TABLE checks.  A foreign key of a table without
 * rows looks for none: those that go back later are checked then.
 */
static void
validation_action(Validation *validation, RangeVar *table, AlterTableCmd *action)
{
	Constraint *constraint;

	switch (action->subtype)
	{
		case AT_SetNotNull:
		case AT_ValidateConstraint:
			validation->checked = validation_add(validation->checked, table);
			break;
		case AT_AddConstraint:
			validation->checked = validation_add(validation->checked, table);
			constraint = castNode(Constraint, action->def);
			if (constraint->contype == CONSTR_FOREIGN && validation_has_rows(table))
				validation->referenced = validation_add(validation->referenced, constraint->pktable);
			break;
		default:
			break;
	}
}

/* Find the relations whose rows a statement checks. */
void
migrate_validation_find(Node *statement, Validation *validation)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;
	ListCell   *lc;

	validation->checked = validation->referenced = NIL;
	if (!IsA(statement, AlterTableStmt))
		return;
	foreach(lc, stmt->cmds)
		validation_action(validation, stmt->relation, lfirst(lc));
}
