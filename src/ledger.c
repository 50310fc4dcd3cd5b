/*-------------------------------------------------------------------------
 *
 * ledger.c
 *		The append-only history.
 *
 * Entries count from 1 without gaps and carry the hash of the entry before, so
 * they are written by one transaction at a time: the holder of the deploy
 * lock.
 *
 * The hash covers the name and value of every column that is not NULL, but for
 * the hash itself.  It is the same under all settings, on all platforms and,
 * where the database has one, in all encodings, so that it outlives a dump; and
 * columns may be added later.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "ledger.h"
#include "owner.h"

PG_FUNCTION_INFO_V1(migrate_ledger_hash);

#define LEDGER_ARGUMENTS 15

static OwnerQuery ledger_append = {
	.sql = "INSERT INTO migrate.ledger"
	" SELECT n.entry, n.version, n.name, n.event, n.at, n.duration, n.statements, n.rows,"
	"  n.rows_kept, n.snapshot_before, n.snapshot_after, n.restore_point, n.restore_lsn,"
	"  n.role, n.session_role, n.client, n.application, n.environment, n.xid,"
	"  n.checksum, n.token_checksum, n.reason, n.previous_hash,"
	"  migrate.ledger_hash(ROW(n.*)::migrate.ledger)"
	" FROM (SELECT coalesce(l.entry, 0) + 1 AS entry, $1 AS version, $2 AS name, $3 AS event,"
	"   pg_catalog.clock_timestamp() AS at, $4 AS duration, $5 AS statements, $6 AS rows,"
	"   $11 AS rows_kept, $12 AS snapshot_before, $13 AS snapshot_after,"
	"   $14 AS restore_point, $15 AS restore_lsn,"
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
	.nargs = LEDGER_ARGUMENTS,
	.argtypes = {INT8OID, TEXTOID, TEXTOID, INTERVALOID, INT4OID, INT8OID,
		TEXTOID, BYTEAOID, BYTEAOID, TEXTOID, INT8OID, INT8OID, INT8OID,
	TEXTOID, TEXTOID}
};

/* Return a text parameter; NULL becomes an SQL null. */
static Datum
ledger_text(const char *value, bool *isnull)
{
	*isnull = value == NULL;
	return value ? CStringGetTextDatum(value) : (Datum) 0;
}

/* Write one entry and return its number; the caller holds the deploy lock. */
int64
migrate_ledger_append(const LedgerEntry *entry)
{
	bool		ran = entry->statements >= 0;
	Interval	duration = {.time = entry->duration};
	OwnerScope	scope;
	Datum		values[LEDGER_ARGUMENTS];
	bool		isnull[LEDGER_ARGUMENTS] = {false};
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
	values[9] = ledger_text(entry->reason, &isnull[9]);
	values[10] = Int64GetDatum(entry->rows_kept);
	isnull[10] = !ran || entry->rows_kept < 0;
	values[11] = Int64GetDatum(entry->snapshot_before);
	isnull[11] = entry->snapshot_before == 0;
	values[12] = Int64GetDatum(entry->snapshot_after);
	isnull[12] = entry->snapshot_after == 0;
	values[13] = ledger_text(entry->restore_point, &isnull[13]);
	values[14] = ledger_text(entry->restore_lsn, &isnull[14]);

	migrate_owner_begin(&scope);
	if (migrate_owner_run(&ledger_append, values, isnull) != 1)
		elog(ERROR, "could not write to the ledger");
	number = DatumGetInt64(migrate_owner_value(0, 1, &isnull[0]));
	migrate_owner_free();
	migrate_owner_end(&scope);
	return number;
}

/* Return one number of the first row, or 0. */
static int64
ledger_number(int column)
{
	bool		isnull;
	Datum		value = migrate_owner_value(0, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* Find the snapshots around the up script of an applied migration, if they are kept. */
void
migrate_ledger_snapshots(int64 version, LedgerSnapshots *snapshots)
{
	static OwnerQuery query = {
		.sql = "SELECT b.snapshot, a.snapshot"
		" FROM migrate.migration m JOIN migrate.ledger l ON l.entry = m.entry"
		" LEFT JOIN migrate.snapshot b ON b.snapshot = l.snapshot_before"
		" LEFT JOIN migrate.snapshot a ON a.snapshot = l.snapshot_after"
		" WHERE m.version = $1",
		.nargs = 1,
		.argtypes = {INT8OID}
	};
	Datum		values[1] = {Int64GetDatum(version)};
	OwnerScope	scope;

	snapshots->before = snapshots->after = 0;
	migrate_owner_begin(&scope);
	if (migrate_owner_run(&query, values, NULL) > 0)
	{
		snapshots->before = ledger_number(1);
		snapshots->after = ledger_number(2);
	}
	migrate_owner_free();
	migrate_owner_end(&scope);
}

/*
 * Return the snapshot of the schema that the records vouch for, see
 * migrate.vouched_snapshot; 0 = there is none.
 */
int64
migrate_ledger_vouched_snapshot(void)
{
	static OwnerQuery query = {
		.sql = "SELECT snapshot FROM migrate.vouched_snapshot"
	};
	OwnerScope	scope;
	int64		snapshot = 0;

	migrate_owner_begin(&scope);
	if (migrate_owner_run(&query, NULL, NULL) > 0)
		snapshot = ledger_number(1);
	migrate_owner_free();
	migrate_owner_end(&scope);
	return snapshot;
}

/* Append a name or text in the one encoding that all databases can tell. */
static void
ledger_put_text(StringInfo buf, const char *text, int length)
{
	char	   *utf8 = GetDatabaseEncoding() == PG_SQL_ASCII ? (char *) text :
	pg_server_to_any(text, length, PG_UTF8);

	if (utf8 != text)
		length = strlen(utf8);
	pq_sendint32(buf, length);
	appendBinaryStringInfo(buf, utf8, length);
}

/* Append the value of one column. */
static void
ledger_put_value(StringInfo buf, Oid type, Datum value)
{
	switch (type)
	{
		case INT4OID:
			pq_sendint64(buf, DatumGetInt32(value));
			break;
		case INT8OID:
		case TIMESTAMPTZOID:
			pq_sendint64(buf, DatumGetInt64(value));
			break;
		case INTERVALOID:
			pq_sendint64(buf, DatumGetIntervalP(value)->time);
			pq_sendint32(buf, DatumGetIntervalP(value)->day);
			pq_sendint32(buf, DatumGetIntervalP(value)->month);
			break;
		case TEXTOID:
			ledger_put_text(buf, VARDATA_ANY(DatumGetTextPP(value)),
							VARSIZE_ANY_EXHDR(DatumGetTextPP(value)));
			break;
		case BYTEAOID:
			pq_sendint32(buf, VARSIZE_ANY_EXHDR(DatumGetByteaPP(value)));
			appendBinaryStringInfo(buf, VARDATA_ANY(DatumGetByteaPP(value)),
								   VARSIZE_ANY_EXHDR(DatumGetByteaPP(value)));
			break;
		default:
			elog(ERROR, "no hash for ledger columns of type %u", type);
	}
}

/* Return the SHA-256 of bytes. */
static Datum
ledger_digest(StringInfo buf)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);
	bool		isnull;

	if (pg_cryptohash_init(ctx) < 0 ||
		pg_cryptohash_update(ctx, (uint8 *) buf->data, buf->len) < 0 ||
		pg_cryptohash_final(ctx, digest, sizeof(digest)) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute the hash of a ledger entry")));
	pg_cryptohash_free(ctx);
	return migrate_owner_checksum(digest, &isnull);
}

/* SQL: migrate.ledger_hash(entry migrate.ledger) */
Datum
migrate_ledger_hash(PG_FUNCTION_ARGS)
{
	HeapTupleHeader header = PG_GETARG_HEAPTUPLEHEADER(0);
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											  HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *isnull = palloc(sizeof(bool) * desc->natts);
	StringInfoData buf;

	heap_deform_tuple(&tuple, desc, values, isnull);
	initStringInfo(&buf);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || isnull[i] || strcmp(NameStr(att->attname), "hash") == 0)
			continue;
		ledger_put_text(&buf, NameStr(att->attname), strlen(NameStr(att->attname)));
		ledger_put_value(&buf, att->atttypid, values[i]);
	}
	ReleaseTupleDesc(desc);
	return ledger_digest(&buf);
}
