/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *		The schema as it stood at one moment.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SNAPSHOT_H
#define MIGRATE_SNAPSHOT_H

/* What migrate_snapshot_begin() found. */
typedef struct SnapshotBegin
{
	int64		last;			/* the last snapshot stored before, 0 = none */
	int64		now;			/* the one that equals the schema as it stands */
	bool		upgraded;		/* the last was rendered by another major
								 * version */
} SnapshotBegin;

extern void migrate_snapshot_init(void);
extern void migrate_snapshot_begin(SnapshotBegin *begin);
extern int64 migrate_snapshot_take(const char *label, int64 version);
extern void migrate_snapshot_end(void);
extern bool migrate_snapshot_equal(int64 one, int64 other);

#endif							/* MIGRATE_SNAPSHOT_H */
