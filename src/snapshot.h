/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *		The schema as it stood at one moment.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SNAPSHOT_H
#define MIGRATE_SNAPSHOT_H

extern void migrate_snapshot_init(void);
extern int64 migrate_snapshot_begin(void);
extern int64 migrate_snapshot_take(const char *label, int64 version);
extern void migrate_snapshot_end(void);
extern bool migrate_snapshot_equal(int64 one, int64 other);

#endif							/* MIGRATE_SNAPSHOT_H */
