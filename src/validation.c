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
static List *
validation_action(List *relids, RangeVar *table, AlterTableCmd *action)
{
	switch (action->subtype)
	{
		case AT_SetNotNull:
		case AT_ValidateConstraint:
			return validation_add(relids, table);
		case AT_AddConstraint:
			{
				Constraint *constraint = castNode(Constraint, action->def);

				relids = validation_add(relids, table);
				if (constraint->contype == CONSTR_FOREIGN)
					relids = validation_add(relids, constraint->pktable);
				return relids;
			}
		default:
			return relids;
	}
}

/* Return the OIDs of the relations whose rows a statement checks. */
List *
migrate_validation_relations(Node *statement)
{
	AlterTableStmt *stmt = (AlterTableStmt *) statement;
	List	   *relids = NIL;
	ListCell   *lc;

	if (!IsA(statement, AlterTableStmt))
		return NIL;
	foreach(lc, stmt->cmds)
		relids = validation_action(relids, stmt->relation, lfirst(lc));
	return relids;
}
