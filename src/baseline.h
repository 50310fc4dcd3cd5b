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

extern int	migrate_baseline_mark(const BaselineVersion *baseline, const char *reason);
extern int	migrate_baseline_below(int64 version, const char *reason);
extern void migrate_baseline_settle(const char *description);

#endif							/* MIGRATE_BASELINE_H */
