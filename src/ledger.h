/*-------------------------------------------------------------------------
 *
 * ledger.h
 *		The append-only history.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LEDGER_H
#define MIGRATE_LEDGER_H

/* What one entry says; the ledger adds who, where and when. */
typedef struct LedgerEntry
{
	int64		version;
	const char *name;
	const char *event;			/* as migrate.ledger.event allows */
	int64		duration;		/* microseconds, -1 = no script ran */
	int			statements;		/* -1 = no script ran */
	int64		rows;
	int64		rows_kept;		/* -1 = none were looked for */
	int64		snapshot_before;	/* 0 = none was taken */
	int64		snapshot_after;
	const char *restore_point;	/* name and LSN, or NULL */
	const char *restore_lsn;
	const uint8 *checksum;		/* of the script, or NULL */
	const uint8 *token_checksum;
	const char *reason;			/* or NULL */
} LedgerEntry;

/* The snapshots around the script that an entry is about; 0 = none was taken. */
typedef struct LedgerSnapshots
{
	int64		before;
	int64		after;
} LedgerSnapshots;

extern int64 migrate_ledger_append(const LedgerEntry *entry);
extern void migrate_ledger_snapshots(int64 version, LedgerSnapshots *snapshots);
extern int64 migrate_ledger_vouched_snapshot(void);

#endif							/* MIGRATE_LEDGER_H */
