/*-------------------------------------------------------------------------
 *
 * lintrule.c
 *		The table of lint rules.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lint.h"

const LintRule migrate_lint_rules[] = {
#define LINT_RULE(id, section, name, derivation, optional, matches, hint) \
	{section, name, derivation, optional, matches, hint},
#include "lintrules.h"
#undef LINT_RULE
};

StaticAssertDecl(lengthof(migrate_lint_rules) == LINT_RULES, "every rule has a row");
