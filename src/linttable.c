/*-------------------------------------------------------------------------
 *
 * linttable.c
 *		Rules of lint on tables and schemas.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lint.h"

/* Look at a statement. */
void
migrate_lint_table(LintStatement *statement)
{
}
