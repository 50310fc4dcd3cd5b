/*-------------------------------------------------------------------------
 *
 * describe.h
 *		Pieces of definitions that the views migrate.live_* need often.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_DESCRIBE_H
#define MIGRATE_DESCRIBE_H

#include "lib/stringinfo.h"
#include "utils/acl.h"

extern bool migrate_describe_acl(StringInfo json, const Acl *acl, char kind, Oid owner);
extern bool migrate_describe_options(StringInfo json, Datum options);
extern bool migrate_describe_labels(StringInfo json, Oid class, Oid object, int32 sub);
extern char *migrate_describe_relation(Oid relid);
extern char *migrate_describe_collation(Oid collation);

#endif							/* MIGRATE_DESCRIBE_H */
