/*-------------------------------------------------------------------------
 *
 * exempt.h
 *		Relations whose rows are not kept.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_EXEMPT_H
#define MIGRATE_EXEMPT_H

#include "nodes/pg_list.h"
#include "utils/hsearch.h"

#include "directive.h"

/* What a step says about that; lives in its memory context. */
typedef struct ExemptStep
{
	MemoryContext context;
	List	   *no_backup;		/* of DirectiveNoBackup * */
	HTAB	   *created;		/* OIDs of relations that the step has made */
	List	   *told;			/* OIDs of relations that a directive let go */
	bool		quiet;			/* the client is not told */
} ExemptStep;

extern void migrate_exempt_created(ExemptStep *step, Oid relid);
extern DirectiveNoBackup *migrate_exempt_directive(List *no_backup, Oid relid);
extern bool migrate_exempt_relation(ExemptStep *step, Oid relid);

#endif							/* MIGRATE_EXEMPT_H */
