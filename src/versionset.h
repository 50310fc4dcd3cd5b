/*-------------------------------------------------------------------------
 *
 * versionset.h
 *		Versions of objects while they are compared.
 *
 * Shared by version.c, which compares, and versionstore.c, which writes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_VERSIONSET_H
#define MIGRATE_VERSIONSET_H

#include "column.h"
#include "version.h"

/* A version that stands in the table. */
typedef struct VersionKnown
{
	Rendered	rendered;		/* without body */
	char	   *needs;			/* as text */
	bool		wanted;			/* was to be looked at */
	bool		seen;			/* is there now */
} VersionKnown;

/* An object as it is now, where it differs. */
typedef struct VersionFresh
{
	Rendered	rendered;		/* without body */
	int			known;			/* the version it replaces, or -1 */
	bool		same;			/* only OID or needs differ, if anything */
	char	   *needs;
} VersionFresh;

struct VersionSet
{
	VersionState *state;
	VersionKnown *known;
	int			known_count;
	int			known_allocated;
	keyset_hash *known_by_id;	/* value: place in known */
	VersionFresh *fresh;
	int			fresh_count;
	int			fresh_allocated;
	keyset_hash *rendered;		/* keys of all that was rendered */
	Column		digests;		/* definitions not stored yet */
	Column		bodies;
	int			changes;
	bool		moved;			/* OIDs or needs alone */
	bool		first;			/* nothing is stored */
};

/* Tell whether a version that stands has gone. */
static inline bool
versionset_is_gone(const VersionKnown *known)
{
	return known->wanted && !known->seen;
}

extern Datum migrate_versionset_digest(const uint8 *digest);
extern void migrate_versionset_store_definitions(VersionSet *set);

#endif							/* MIGRATE_VERSIONSET_H */
