/*-------------------------------------------------------------------------
 *
 * lintcolumn.h
 *		Rules of lint on columns, for the files that have them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LINTCOLUMN_H
#define MIGRATE_LINTCOLUMN_H

#include "lint.h"

/* One part of ALTER TABLE, on a table that is there. */
typedef struct LintColumnWalk
{
	LintStatement *statement;
	Oid			relid;
	bool		recurse;		/* not ONLY */
	const AlterTableCmd *command;
} LintColumnWalk;

/* lintcolumn.c */
extern List *migrate_lint_family(const LintColumnWalk *walk);

/* lintvalue.c */
extern void migrate_lint_set_not_null(const LintColumnWalk *walk, const char *name);
extern void migrate_lint_add_constraint(const LintColumnWalk *walk, const Constraint *constraint);
extern void migrate_lint_unique_index(LintStatement *statement, const IndexStmt *index);

/* lintretype.c */
extern void migrate_lint_type_change(const LintColumnWalk *walk);

#endif							/* MIGRATE_LINTCOLUMN_H */
