/*-------------------------------------------------------------------------
 *
 * identity.h
 *		The sequence of an identity column, as a part of its definition.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_IDENTITY_H
#define MIGRATE_IDENTITY_H

#include "lib/stringinfo.h"

extern void migrate_identity_append(StringInfo json, Oid relid, int number, char persistence,
									bool with_labels);

#endif							/* MIGRATE_IDENTITY_H */
