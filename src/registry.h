/*-------------------------------------------------------------------------
 *
 * registry.h
 *		The known migrations and their scripts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REGISTRY_H
#define MIGRATE_REGISTRY_H

#include "common/sha2.h"

#include "script.h"

/* Both checksums of one script, as they are stored. */
typedef struct RegistryChecksums
{
	bool		known;
	uint8		text[PG_SHA256_DIGEST_LENGTH];
	uint8		tokens[PG_SHA256_DIGEST_LENGTH];
} RegistryChecksums;

/* One stored script. */
typedef struct RegistryScript
{
	RegistryChecksums checksums;	/* not known = there is no script */
	bool		mine;			/* registered by the roles at hand */
} RegistryScript;

/* One stored migration, without the text of its scripts. */
typedef struct RegistryMigration
{
	int64		version;
	char	   *version_text;	/* as the name of the file writes it */
	char	   *name;
	bool		applied;
	RegistryChecksums accepted; /* of what counts as applied */
	RegistryScript up;
	RegistryScript down;
} RegistryMigration;

extern RegistryMigration *migrate_registry_find(int64 version);
extern RegistryMigration *migrate_registry_named(int64 version);
extern bool migrate_registry_insert(int64 version, const char *name, const char *version_text);
extern void migrate_registry_rename(int64 version, const char *name, const char *version_text);
extern void migrate_registry_describe(int64 version, const Script *script);
extern void migrate_registry_put_script(int64 version, const char *direction, const Script *script);
extern void migrate_registry_drop_script(int64 version, const char *direction);
extern char *migrate_registry_body(int64 version, const char *direction);
extern void migrate_registry_accept(int64 version, const Script *script);
extern void migrate_registry_mark(int64 version, int64 entry, const Script *script);
extern void migrate_registry_delete(int64 version);
extern int64 migrate_registry_current(void);
extern int64 migrate_registry_current_without(int64 version);
extern int64 migrate_registry_release(const char *release);

#endif							/* MIGRATE_REGISTRY_H */
