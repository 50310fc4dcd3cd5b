/*-------------------------------------------------------------------------
 *
 * lintcolumn.c
 *		Rules of lint on columns and types.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lint.h"

/* Look at a statement. */
void
migrate_lint_column(LintStatement *statement)
{
}
