/*-------------------------------------------------------------------------
 *
 * schema_version.h
 *		The one-row relation schema_version that migration files read and set.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SCHEMA_VERSION_H
#define MIGRATE_SCHEMA_VERSION_H

/* What the relation said before a script ran. */
typedef struct SchemaVersion
{
	bool		known;
	Oid			relid;
	int64		version;
} SchemaVersion;

/* What it may say after the script, and shall say. */
typedef struct SchemaVersionGoal
{
	int64		own;			/* the version the script's file would write */
	bool		down;			/* or any below it: its file may know less */
	int64		current;		/* the latest applied version */
	const char *description;
} SchemaVersionGoal;

extern void migrate_schema_version_read(SchemaVersion *before);
extern void migrate_schema_version_settle(const SchemaVersion *before,
										  const SchemaVersionGoal *goal);

#endif							/* MIGRATE_SCHEMA_VERSION_H */
