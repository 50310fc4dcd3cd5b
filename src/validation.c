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

#include "catalog/namespace.h"

#include "validation.h"

/* Add a relation, if there is one of this name. */
static List *
validation_add(List *relids, RangeVar *name)
{
	Oid			relid = name != NULL ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;

	return OidIsValid(relid) ? list_append_unique_oid(relids, relid) : relids;
}

/* Add what one action of ALTER TABLE checks. */
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
			if (constraint->contype == CONSTR_FOREIGN)
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
