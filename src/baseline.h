/*-------------------------------------------------------------------------
 *
 * baseline.h
 *		Mark migrations as applied without running them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BASELINE_H
#define MIGRATE_BASELINE_H

/* A version that is applied already. */
typedef struct BaselineVersion
{
	int64		version;
	const char *version_text;
	const char *name;			/* used if the version is not registered */
} BaselineVersion;

/* What the ledger says of each version that a call marks. */
typedef struct BaselineRecord
{
	const char *reason;
	int64		snapshot;		/* the schema as it stands; 0 = none was taken */
} BaselineRecord;

extern void migrate_baseline_open(BaselineRecord *record);
extern int	migrate_baseline_mark(const BaselineVersion *baseline, const BaselineRecord *record);
extern int	migrate_baseline_below(int64 version, const BaselineRecord *record);
extern void migrate_baseline_settle(const char *description);

#endif							/* MIGRATE_BASELINE_H */
