/*-------------------------------------------------------------------------
 *
 * linttransaction.c
 *		Rules of lint on transactions, timeouts, data, process and live state.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lint.h"

/* Look at a statement. */
void
migrate_lint_transaction(LintStatement *statement)
{
}

/* Look at a script as a whole. */
void
migrate_lint_transaction_end(LintStatement *script)
{
}
