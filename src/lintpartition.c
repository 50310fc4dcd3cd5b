/*-------------------------------------------------------------------------
 *
 * lintpartition.c
 *		Rules of lint on partitions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lint.h"

/* Look at a statement. */
void
migrate_lint_partition(LintStatement *statement)
{
}
