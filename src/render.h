/*-------------------------------------------------------------------------
 *
 * render.h
 *		Definitions of objects as they are now.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_RENDER_H
#define MIGRATE_RENDER_H

#include "common/sha2.h"

#include "keyset.h"
#include "stamp.h"

/* One object. */
typedef struct Rendered
{
	uint64		key;
	int64		id;				/* of its kind and name, everywhere and always */
	char	   *kind;
	char	   *name;
	text	   *body;			/* the definition */
	uint8		digest[PG_SHA256_DIGEST_LENGTH];	/* of the definition */
} Rendered;

/*
 * What takes the objects; they are freed after it returns.  It is called with
 * NULL now and then, and only then may it run SQL.
 */
typedef void (*RenderSink) (const Rendered *rendered, void *arg);

extern void migrate_render_pin(void);
extern void migrate_render_all(RenderSink sink, void *arg);
extern void migrate_render_some(keyset_hash *keys, Stamps *stamps, RenderSink sink, void *arg);
extern void migrate_render_hash(const Rendered *rendered, uint8 *hash);

#endif							/* MIGRATE_RENDER_H */
