/*-------------------------------------------------------------------------
 *
 * version.h
 *		The versions of objects that snapshots consist of.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_VERSION_H
#define MIGRATE_VERSION_H

#include "common/sha2.h"

#include "depend.h"
#include "keyset.h"
#include "render.h"

/* What there is of one kind and name now. */
typedef struct VersionState
{
	int64		objects;		/* in the current snapshot */
	uint8		fingerprint[PG_SHA256_DIGEST_LENGTH];	/* of it */
} VersionState;

typedef struct VersionSet VersionSet;

extern VersionSet *migrate_version_set(VersionState *state);
extern void migrate_version_load_all(VersionSet *set);
extern void migrate_version_load(VersionSet *set, keyset_hash *keys);
extern void migrate_version_sink(const Rendered *rendered, void *arg);
extern void migrate_version_conclude(VersionSet *set, DependAll *all);
extern int	migrate_version_changes(VersionSet *set);
extern void migrate_version_renamed(VersionSet *set, DependList *renamed);
extern bool migrate_version_rendered(VersionSet *set, uint64 key);
extern void migrate_version_store(VersionSet *set, int64 snapshot);

#endif							/* MIGRATE_VERSION_H */
