/*-------------------------------------------------------------------------
 *
 * lintroutine.c
 *		Rules of lint on triggers, security, views, functions, domains and enums.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lint.h"

/* Look at a statement. */
void
migrate_lint_routine(LintStatement *statement)
{
}
