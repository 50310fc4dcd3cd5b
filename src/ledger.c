/*-------------------------------------------------------------------------
 *
 * ledger.c
 *		The append-only history.
 *
 * Entries count from 1 without gaps and carry the hash of the entry before, so
 * they are written by one transaction at a time: the holder of the deploy
 * lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "ledger.h"
#include "owner.h"

static OwnerQuery ledger_append = {
	.sql = "INSERT INTO migrate.ledger"
	" SELECT n.entry, n.version, n.name, n.event, n.at, n.duration, n.statements, n.rows,"
	"  n.role, n.session_role, n.client, n.application, n.environment, n.xid,"
	"  n.checksum, n.token_checksum, n.reason, n.previous_hash,"
	"  migrate.ledger_hash(ROW(n.*)::migrate.ledger)"
	" FROM (SELECT coalesce(l.entry, 0) + 1 AS entry, $1 AS version, $2 AS name, $3 AS event,"
	"   pg_catalog.clock_timestamp() AS at, $4 AS duration, $5 AS statements, $6 AS rows,"
	"   $7 AS role, session_user::text AS session_role,"
	"   pg_catalog.host(pg_catalog.inet_client_addr()) AS client,"
	"   nullif(pg_catalog.current_setting('application_name'), '') AS application,"
	"   pg_catalog.current_setting('migrate.environment') AS environment,"
	"   pg_catalog.pg_current_xact_id()::text AS xid,"
	"   $8 AS checksum, $9 AS token_checksum, $10 AS reason,"
	"   l.hash AS previous_hash, NULL::bytea AS hash"
	"  FROM (SELECT 1) one"
	"  LEFT JOIN (SELECT entry, hash FROM migrate.ledger ORDER BY entry DESC LIMIT 1) l ON true"
	"  OFFSET 0) n"
	" RETURNING entry",
	.nargs = 10,
	.argtypes = {INT8OID, TEXTOID, TEXTOID, INTERVALOID, INT4OID, INT8OID,
	TEXTOID, BYTEAOID, BYTEAOID, TEXTOID}
};

/* Write one entry and return its number; the caller holds the deploy lock. */
int64
migrate_ledger_append(const LedgerEntry *entry)
{
	bool		ran = entry->statements >= 0;
	Interval	duration = {.time = entry->duration};
	OwnerScope	scope;
	Datum		values[10];
	bool		isnull[10] = {false};
	int64		number;

	values[0] = Int64GetDatum(entry->version);
	values[1] = CStringGetTextDatum(entry->name);
	values[2] = CStringGetTextDatum(entry->event);
	values[3] = IntervalPGetDatum(&duration);
	values[4] = Int32GetDatum(entry->statements);
	values[5] = Int64GetDatum(entry->rows);
	isnull[3] = isnull[4] = isnull[5] = !ran;
	values[6] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	values[7] = migrate_owner_checksum(entry->checksum, &isnull[7]);
	values[8] = migrate_owner_checksum(entry->token_checksum, &isnull[8]);
	isnull[9] = entry->reason == NULL;
	values[9] = isnull[9] ? (Datum) 0 : CStringGetTextDatum(entry->reason);

	migrate_owner_begin(&scope);
	if (migrate_owner_run(&ledger_append, values, isnull) != 1)
		elog(ERROR, "could not write to the ledger");
	number = DatumGetInt64(migrate_owner_value(0, 1, &isnull[0]));
	migrate_owner_free();
	migrate_owner_end(&scope);
	return number;
}
