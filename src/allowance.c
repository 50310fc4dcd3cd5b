/*-------------------------------------------------------------------------
 *
 * allowance.c
 *		How much a transaction may copy to keep rows: migrate.backup_limit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "allowance.h"
#include "settings.h"

/* What a transaction has copied, and which. */
static FullTransactionId allowance_xid;
static int64 allowance_charged = 0;

/* Return what the current transaction has copied. */
static int64
allowance_used(void)
{
	return FullTransactionIdEquals(allowance_xid, GetTopFullTransactionIdIfAny()) ?
		allowance_charged : 0;
}

/* Return how many bytes the transaction may still copy; negative = there is no limit. */
int64
migrate_allowance_left(void)
{
	int64		limit = (int64) migrate_backup_limit * 1024;

	return limit == 0 ? -1 : Max(limit - allowance_used(), 0);
}

/*
 * Refuse to copy bytes of a relation when the transaction would copy more than
 * the limit, with what it has copied and what is to come before these.
 */
void
migrate_allowance_check(Relation source, int64 bytes, int64 before)
{
	int64		limit = (int64) migrate_backup_limit * 1024;
	char	   *schema = get_namespace_name(RelationGetNamespace(source));

	before += allowance_used();
	if (limit > 0 && before + bytes > limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("keeping rows of \"%s.%s\" would exceed migrate.backup_limit",
						schema, RelationGetRelationName(source)),
				 errdetail("They take about " INT64_FORMAT " kB, those kept before them " INT64_FORMAT " kB, and the limit is " INT64_FORMAT " kB.",
						   (bytes + 1023) / 1024, before / 1024, limit / 1024),
				 errhint("Raise migrate.backup_limit, or let the rows go with \"-- migrate: no-backup %s: REASON\" in the script.",
						 quote_qualified_identifier(schema, RelationGetRelationName(source)))));
}

/* Count bytes of a relation that are about to be copied, or refuse it. */
void
migrate_allowance_charge(Relation source, int64 bytes)
{
	FullTransactionId xid = GetTopFullTransactionId();

	migrate_allowance_check(source, bytes, 0);
	if (!FullTransactionIdEquals(allowance_xid, xid))
	{
		allowance_xid = xid;
		allowance_charged = 0;
	}
	allowance_charged += bytes;
}
