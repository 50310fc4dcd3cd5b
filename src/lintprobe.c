/*-------------------------------------------------------------------------
 *
 * lintprobe.c
 *		Look for rows that prove that a statement will fail.
 *
 * A row that was found proves something, that none was found does not: of large
 * tables only a sample is read.
 *
 * Invariants:
 *
 * - Only tables that the current user may read are read, as that user, and none
 *   whose rows a policy hides.  No code but the server's own runs: columns of
 *   other types are not looked at.
 * - Nothing is waited for: tables and their indexes are locked, in the weakest
 *   way, if that can be had at once.
 * - Tables that an earlier statement of the plan may change are not looked at:
 *   their rows may be others by then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "attempt.h"
#include "describe.h"
#include "lint.h"
#include "predicting.h"

/* How many blocks are read. */
#define LINTPROBE_BLOCKS 1024

/* What is looked for. */
typedef struct LintProbe
{
	const LintStatement *statement;
	Oid			relid;
	bool		alone;			/* without the tables that inherit from it */
	List	   *columns;		/* of String */
	bool		nulls_are_equal;
	void		(*condition) (StringInfo query, const struct LintProbe *probe);
	bool		found;
} LintProbe;

/* Lock a table and its indexes, as a query will; false = not to be had at once. */
static bool
lintprobe_lock(Oid relid, double *blocks)
{
	Relation	rel = migrate_prediction_open(relid);
	List	   *indexes;
	ListCell   *lc;

	if (rel == NULL)
		return false;
	indexes = RelationGetIndexList(rel);
	if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
		*blocks += RelationGetNumberOfBlocks(rel);
	/* the lock stays until the attempt ends */
	relation_close(rel, NoLock);
	foreach(lc, indexes)
		if (!ConditionalLockRelationOid(lfirst_oid(lc), AccessShareLock))
		return false;
	return true;
}

/* Tell whether the rows of a table may be looked at. */
static bool
lintprobe_may_look(const LintProbe *probe)
{
	Relation	rel = migrate_prediction_open(probe->relid);
	bool		may;

	if (rel == NULL)
		return false;
	may = (rel->rd_rel->relkind == RELKIND_RELATION ||
		   rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE) &&
		!rel->rd_rel->relrowsecurity && !RELATION_IS_OTHER_TEMP(rel) &&
		pg_class_aclcheck(probe->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	migrate_prediction_close(rel);
	return may && !migrate_lint_is_touched(probe->statement, probe->relid);
}

/* Tell whether the columns are there, and of the server's own types. */
static bool
lintprobe_knows_columns(const LintProbe *probe)
{
	ListCell   *lc;

	foreach(lc, probe->columns)
	{
		Oid			type = get_atttype(probe->relid, get_attnum(probe->relid, strVal(lfirst(lc))));

		if (!OidIsValid(type) || type >= FirstNormalObjectId || get_typtype(type) == TYPTYPE_COMPOSITE)
			return false;
	}
	return true;
}

/* Look; the locks end with the attempt that this is. */
static void
lintprobe_look(void *argument)
{
	LintProbe  *probe = argument;
	StringInfoData query;
	double		blocks = 0;
	List	   *family;
	ListCell   *lc;

	if (!lintprobe_knows_columns(probe) || !lintprobe_may_look(probe))
		return;
	family = probe->alone || !has_subclass(probe->relid) ? list_make1_oid(probe->relid) :
		find_all_inheritors(probe->relid, NoLock, NULL);
	foreach(lc, family)
		if (migrate_lint_is_touched(probe->statement, lfirst_oid(lc)) ||
			!lintprobe_lock(lfirst_oid(lc), &blocks))
		return;
	initStringInfo(&query);
	appendStringInfo(&query, "SELECT 1 FROM %s%s", probe->alone ? "ONLY " : "",
					 migrate_describe_relation(probe->relid));
	if (blocks > LINTPROBE_BLOCKS)
		appendStringInfo(&query, " TABLESAMPLE pg_catalog.system (%f) REPEATABLE (0)",
						 100 * LINTPROBE_BLOCKS / blocks);
	probe->condition(&query, probe);
	appendStringInfoString(&query, " LIMIT 1");
	SPI_connect();
	probe->found = SPI_execute(query.data, true, 1) == SPI_OK_SELECT && SPI_processed > 0;
	SPI_finish();
}

/* Any row. */
static void
lintprobe_any(StringInfo query, const LintProbe *probe)
{
}

/* A row without a value. */
static void
lintprobe_null(StringInfo query, const LintProbe *probe)
{
	appendStringInfo(query, " WHERE %s IS NULL", quote_identifier(strVal(linitial(probe->columns))));
}

/* Two rows with the same values. */
static void
lintprobe_duplicate(StringInfo query, const LintProbe *probe)
{
	StringInfoData names;
	const char *separator = " WHERE";
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, probe->columns)
	{
		const char *name = quote_identifier(strVal(lfirst(lc)));

		appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", name);
		if (probe->nulls_are_equal)
			continue;
		appendStringInfo(query, "%s %s IS NOT NULL", separator, name);
		separator = " AND";
	}
	appendStringInfo(query, " GROUP BY %s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1", names.data);
}

/* Tell whether a table has a row. */
bool
migrate_lint_probe_rows(const LintStatement *statement, Oid relid)
{
	LintProbe	probe = {.statement = statement, .relid = relid, .condition = lintprobe_any};

	(void) migrate_attempt(lintprobe_look, &probe);
	return probe.found;
}

/* Tell whether a column has a NULL. */
bool
migrate_lint_probe_null(const LintStatement *statement, Oid relid, const char *column)
{
	LintProbe	probe = {.statement = statement, .relid = relid, .condition = lintprobe_null};

	probe.columns = list_make1(makeString(pstrdup(column)));
	(void) migrate_attempt(lintprobe_look, &probe);
	return probe.found;
}

/* Tell whether rows of a table have the same values in some columns (of String). */
bool
migrate_lint_probe_duplicate(const LintStatement *statement, Oid relid, List *columns, bool nulls_are_equal)
{
	LintProbe	probe = {.statement = statement, .relid = relid, .columns = columns,
	.nulls_are_equal = nulls_are_equal, .condition = lintprobe_duplicate};

	/*
	 * an index of a partitioned table covers the partitions, that of a parent
	 * only itself
	 */
	probe.alone = get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE;
	if (columns != NIL)
		(void) migrate_attempt(lintprobe_look, &probe);
	return probe.found;
}
