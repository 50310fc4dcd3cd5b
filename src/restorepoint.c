/*-------------------------------------------------------------------------
 *
 * restorepoint.c
 *		A target for point-in-time recovery, written before an apply.
 *
 * The record is in the WAL at once, whatever becomes of the transaction.  It is
 * written where the caller could call pg_create_restore_point() and the WAL is
 * good for recovery; otherwise silently not, because everything else works
 * without it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"

#include "compat.h"
#include "restorepoint.h"

/* Write "migrate:VERSION:before", if the caller may. */
void
migrate_restorepoint_write(int64 version, RestorePoint *point)
{
	XLogRecPtr	lsn;

	point->name = point->lsn = NULL;
	if (!XLogIsNeeded() || !compat_may_execute(F_PG_CREATE_RESTORE_POINT, GetUserId()))
		return;
	point->name = psprintf("migrate:" INT64_FORMAT ":before", version);
	lsn = XLogRestorePoint(point->name);
	point->lsn = psprintf("%X/%X", LSN_FORMAT_ARGS(lsn));
}
