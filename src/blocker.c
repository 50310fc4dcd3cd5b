/*-------------------------------------------------------------------------
 *
 * blocker.c
 *		Who keeps us from locking a relation.
 *
 * The lock manager is asked who holds what conflicts; that takes no lock and
 * no place in a queue.  What is said of a blocker is what pg_stat_activity
 * would show the caller; the view is read as the extension's owner, because the
 * caller may have nothing in schema migrate, and told who will read it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"

#include "blocker.h"
#include "compat.h"
#include "owner.h"

#define BLOCKER_SHOWN 10		/* lines of a message */

/* Return the transactions that hold a conflicting lock; an invalid one ends them. */
VirtualTransactionId *
migrate_blocker_find(Oid relid, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	return GetLockConflicts(&tag, mode, NULL);
}

/* Tell whether one of those found before is still among those found now. */
bool
migrate_blocker_remains(const VirtualTransactionId *before, const VirtualTransactionId *now)
{
	for (; VirtualTransactionIdIsValid(*before); before++)
	{
		for (const VirtualTransactionId *other = now; VirtualTransactionIdIsValid(*other); other++)
		{
			if (VirtualTransactionIdEquals(*before, *other))
				return true;
		}
	}
	return false;
}

/*
 * Tell whether one is an autovacuum that prevents wraparound of transaction
 * IDs: unlike others of its kind it does not make way.
 */
bool
migrate_blocker_prevents_wraparound(const VirtualTransactionId *blockers)
{
	for (; VirtualTransactionIdIsValid(*blockers); blockers++)
	{
		PGPROC	   *proc = compat_vxid_proc(blockers);

		if (proc != NULL && (proc->statusFlags & PROC_VACUUM_FOR_WRAPAROUND) != 0)
			return true;
	}
	return false;
}

/* Return the names of the modes that conflict with one, as an array of text. */
static Datum
blocker_conflicting(LOCKMODE mode)
{
	Datum		names[MAX_LOCKMODES];
	int			count = 0;

	for (LOCKMODE other = AccessShareLock; other <= AccessExclusiveLock; other++)
	{
		if (DoLockModesConflict(mode, other))
			names[count++] = CStringGetTextDatum(GetLockmodeName(DEFAULT_LOCKMETHOD, other));
	}
	return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Return the command that ends a blocker: a row of the last result. */
static char *
blocker_command(uint64 row)
{
	char	   *pid = migrate_owner_text(row, 1);
	char	   *gid = migrate_owner_text(row, 2);

	if (pid != NULL)
		return psprintf("SELECT pg_terminate_backend(%s)", pid);
	return gid ? psprintf("ROLLBACK PREPARED %s", quote_literal_cstr(gid)) : NULL;
}

/* Describe those who are in the way of a lock; the caller is connected to SPI. */
void
migrate_blocker_report(Oid relid, LOCKMODE mode, BlockerReport *report)
{
	static OwnerQuery query = {
		.sql = "SELECT pid, gid, blocker FROM migrate.lock_blocker($1, $2, $3)",
		.nargs = 3,
		.argtypes = {OIDOID, TEXTARRAYOID, OIDOID}
	};
	Datum		values[3] = {ObjectIdGetDatum(relid), blocker_conflicting(mode), ObjectIdGetDatum(GetUserId())};
	OwnerScope	scope;
	StringInfoData buf;
	uint64		rows;

	initStringInfo(&buf);
	report->command = NULL;
	/* Otherwise the transaction would see the activity of the first look. */
	pgstat_clear_backend_activity_snapshot();
	migrate_owner_begin(&scope);
	rows = migrate_owner_run(&query, values, NULL);
	for (uint64 row = 0; row < Min(rows, BLOCKER_SHOWN); row++)
		appendStringInfo(&buf, "%s%s", row ? "\n" : "", migrate_owner_text(row, 3));
	if (rows > BLOCKER_SHOWN)
		appendStringInfo(&buf, "\nand " UINT64_FORMAT " more", rows - BLOCKER_SHOWN);
	if (rows > 0)
		report->command = blocker_command(0);
	migrate_owner_free();
	migrate_owner_end(&scope);
	report->list = buf.data;
}
