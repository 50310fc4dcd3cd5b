/*-------------------------------------------------------------------------
 *
 * lintoverride.c
 *		Rules that somebody has said do not matter for a relation.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "lint.h"
#include "owner.h"

/*
 * Read the overrides that have not expired, into the current memory context; the
 * caller is connected to SPI.
 */
List *
migrate_lint_overrides(void)
{
	static OwnerQuery query = {
		.sql = "SELECT rule, relation FROM migrate.lint_override"
		" WHERE expires_at IS NULL OR expires_at OPERATOR(pg_catalog.>) pg_catalog.now()"
	};
	List	   *overrides = NIL;
	OwnerScope	scope;
	uint64		count;

	migrate_owner_begin(&scope);
	count = migrate_owner_run(&query, NULL, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		LintOverride *item = palloc0(sizeof(LintOverride));

		item->rule = migrate_owner_text(i, 1);
		item->relation = migrate_owner_text(i, 2);
		overrides = lappend(overrides, item);
	}
	migrate_owner_free();
	migrate_owner_end(&scope);
	return overrides;
}
