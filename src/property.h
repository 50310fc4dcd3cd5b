/*-------------------------------------------------------------------------
 *
 * property.h
 *		Properties: the parts of a definition, as keys and values of json.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_PROPERTY_H
#define MIGRATE_PROPERTY_H

#include "lib/stringinfo.h"

/* Each appends to an object that has a property already; nothing where there is none. */
extern void migrate_property_text(StringInfo json, const char *key, const char *text);
extern void migrate_property_options(StringInfo json, const char *key, Datum options, bool isnull);
extern void migrate_property_acl(StringInfo json, Datum acl, bool isnull, char kind, Oid owner);
extern void migrate_property_labels(StringInfo json, Oid relid, int number);

#endif							/* MIGRATE_PROPERTY_H */
