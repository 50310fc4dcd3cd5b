/*-------------------------------------------------------------------------
 *
 * tracked.h
 *		Which catalogs make up the objects of a schema, and how.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TRACKED_H
#define MIGRATE_TRACKED_H

#include "access/attnum.h"
#include "access/htup.h"

/* An object's key: the OID of its catalog, and its OID there. */
#define OBJECT_KEY(class, object) (((uint64) (class) << 32) | (object))
#define OBJECT_KEY_CLASS(key) ((Oid) ((key) >> 32))
#define OBJECT_KEY_OID(key) ((Oid) (key))

/* Where a catalog's rows belong. */
typedef enum TrackedRole
{
	TRACKED_OBJECT,				/* each row is an object */
	TRACKED_PART,				/* rows make up an object of another catalog */
	TRACKED_NOTE,				/* comments, labels, membership in extensions */
	TRACKED_NAME				/* only names matter: roles, tablespaces */
} TrackedRole;

/*
 * One catalog.  Offsets are those of columns of type oid in its C struct;
 * they stand before the first column of variable length.
 */
typedef struct TrackedCatalog
{
	Oid			catalog;
	TrackedRole role;
	Oid			class;			/* of the object; of TRACKED_NOTE: 0 */
	int			object;			/* offset of the object's OID */
	AttrNumber	object_column;	/* the same as a number */
	Oid			object_index;	/* starts with that column; 0 = there is none */
	int			relation;		/* offset of the relation it is on, or -1 */
	AttrNumber	relation_column;
	Oid			relation_index;
} TrackedCatalog;

/* What one row says. */
typedef struct TrackedRow
{
	uint64		key;			/* of the object it belongs to */
	Oid			relation;		/* it is on, or 0 */
	uint64		hash;			/* another one after each change of the row */
	uint32		names;			/* another one after a change of names */
	char		relkind;		/* of rows of pg_class */
} TrackedRow;

extern const TrackedCatalog migrate_tracked[];
extern const int migrate_tracked_count;

extern bool migrate_tracked_read(const TrackedCatalog *tracked, HeapTuple tuple, TrackedRow *row);

#endif							/* MIGRATE_TRACKED_H */
