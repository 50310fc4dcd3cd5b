/*-------------------------------------------------------------------------
 *
 * lintseverity.c
 *		How bad a finding is: sizes, how long work takes, and what is lost.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "exempt.h"
#include "lint.h"
#include "predicting.h"
#include "settings.h"

/* What a second of the work lasts for, in bytes: measured on common disks. */
#define LINT_SCAN_RATE INT64CONST(400000000)
#define LINT_WRITE_RATE INT64CONST(50000000)

/* Milliseconds of waiting from which on a finding is medium, and high. */
#define LINT_MEDIUM_MS 200
#define LINT_HIGH_MS 5000

/* Return the name of a severity. */
const char *
migrate_lint_severity_name(LintSeverity severity)
{
	static const char *const names[] = {"low", "medium", "high", "error"};

	return names[severity];
}

/* Return how large a relation with storage is, without its indexes; -1 = it cannot be looked at. */
static int64
lintseverity_own_bytes(Oid relid)
{
	Relation	rel = migrate_prediction_open(relid);
	int64		bytes = 0;

	if (rel == NULL)
		return -1;
	if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
		bytes = (int64) RelationGetNumberOfBlocks(rel) * BLCKSZ;
	migrate_prediction_close(rel);
	return bytes;
}

/* The same; of a partitioned table, with its partitions. */
int64
migrate_lint_bytes(Oid relid)
{
	int64		bytes = 0;
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return lintseverity_own_bytes(relid);
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		bytes += Max(lintseverity_own_bytes(lfirst_oid(lc)), 0);
	return bytes;
}

/* Tell whether a relation has no rows for sure. */
bool
migrate_lint_is_empty(Oid relid)
{
	return get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE && lintseverity_own_bytes(relid) == 0;
}

/* Return what is done to a relation, and about how many milliseconds that takes. */
static const char *
lintseverity_work(const PredictedRelation *relation, int64 bytes, int64 *ms)
{
	int64		rate = relation->rewrite || relation->build ? LINT_WRITE_RATE : LINT_SCAN_RATE;

	*ms = relation->rewrite || relation->build || relation->scan ? Max(bytes, 0) * 1000 / rate : 0;
	return relation->rewrite ? "rewrite" : relation->build ? "index build" :
		relation->scan ? "scan" : "catalog";
}

/* Tell whether what is done to a relation takes so long that somebody notices. */
bool
migrate_lint_is_slow(const PredictedRelation *relation)
{
	int64		ms;

	if (!relation->scan && !relation->build && !relation->rewrite)
		return false;
	(void) lintseverity_work(relation, migrate_lint_bytes(relation->relid), &ms);
	return ms >= LINT_MEDIUM_MS;
}

/*
 * Return what a statement does to a table and those that inherit from it as if they
 * were one; adds what children other than partitions have to its size.
 */
static PredictedRelation *
lintseverity_whole(const Prediction *prediction, const PredictedRelation *parent, int64 *bytes)
{
	PredictedRelation *whole = memcpy(palloc(sizeof(PredictedRelation)), parent,
									  sizeof(PredictedRelation));
	bool		counted = get_rel_relkind(parent->relid) == RELKIND_PARTITIONED_TABLE;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(parent->relid, NoLock, NULL))
	{
		PredictedRelation *part = migrate_prediction_find(prediction, lfirst_oid(lc));

		if (part == NULL)
			continue;
		whole->scan |= part->scan;
		whole->build |= part->build;
		whole->rewrite |= part->rewrite;
		if (!counted && part->relid != parent->relid)
			*bytes += Max(migrate_lint_bytes(part->relid), 0);
	}
	return whole;
}

/* Derive the severity of a lock: who waits, and how long. */
static LintSeverity
lintseverity_lock_severity(LOCKMODE mode, bool rewrite, int64 ms)
{
	/*
	 * ANALYZE, VACUUM and other DDL wait; the application does not, unless
	 * all rows are locked because they are written.
	 */
	if (mode < ShareLock && !(mode == RowExclusiveLock && rewrite))
		return LINT_LOW;
	return ms >= LINT_HIGH_MS ? LINT_HIGH : ms >= LINT_MEDIUM_MS ? LINT_MEDIUM : LINT_LOW;
}

/*
 * Tell whether rows would go for good: of one of some relations, where InvalidOid
 * stands for what is no relation and never kept.
 */
bool
migrate_lint_loses(const LintStatement *statement, List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);

		if (!OidIsValid(relid))
			return true;
		if (get_rel_persistence(relid) != RELPERSISTENCE_TEMP &&
			(!migrate_backups ||
			 migrate_exempt_directive(statement->script->directives.no_backup, relid) != NULL) &&
			!migrate_lint_is_empty(relid))
			return true;
	}
	return false;
}

/* Fill in the lock that counts, what is done under it, and its severity. */
static void
lintseverity_derive_lock(const LintStatement *statement, LintFinding *finding, const LintBasis *basis)
{
	const PredictedRelation *relation = basis->lock;
	int64		ms = 0;

	finding->bytes = OidIsValid(finding->relid) ? migrate_lint_bytes(finding->relid) : -1;
	if (relation == NULL && OidIsValid(finding->relid))
		relation = migrate_prediction_find(statement->prediction, finding->relid);
	if (relation == NULL)
		return;
	if (has_subclass(finding->relid))
		relation = lintseverity_whole(statement->prediction, relation, &finding->bytes);
	finding->mode = relation->mode;
	finding->work = lintseverity_work(relation, finding->bytes, &ms);
	finding->severity = lintseverity_lock_severity(relation->mode, relation->rewrite, Max(ms, basis->ms));
}

/* Fill in what the severity comes from; false = there is nothing to say. */
bool
migrate_lint_derive(const LintStatement *statement, LintFinding *finding, const LintBasis *basis)
{
	lintseverity_derive_lock(statement, finding, basis);
	switch (basis->fails ? LINT_BY_PROOF : migrate_lint_rules[finding->rule].derivation)
	{
		case LINT_BY_LOCK:

			/*
			 * nobody waits for what is not there, and not long for what is
			 * empty
			 */
			return OidIsValid(finding->relid) &&
				(finding->bytes != 0 || basis->ms >= 0 ||
				 get_rel_relkind(finding->relid) == RELKIND_PARTITIONED_TABLE);
		case LINT_BY_LOSS:
			finding->severity = migrate_lint_loses(statement, basis->lost) ? LINT_ERROR : LINT_MEDIUM;
			break;
		case LINT_BY_BREAK:
			finding->severity = LINT_MEDIUM;
			break;
		case LINT_BY_PROOF:
			finding->severity = LINT_ERROR;
			break;
		case LINT_BY_ADVICE:
			finding->severity = LINT_LOW;
			break;
	}
	return true;
}
