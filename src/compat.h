/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Differences between the server versions this extension supports.
 *
 * PostgreSQL 15 to 18 are built from one source.  Every version test of the
 * extension stands here; other files see one spelling of each interface.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_COMPAT_H
#define MIGRATE_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "migrate_ext needs PostgreSQL 15 or newer"
#endif

#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "utils/acl.h"

#if PG_VERSION_NUM >= 160000
#include "parser/parsetree.h"
#endif

/*
 * Check that the current user may insert into the columns of nsitem; 16 moved
 * permissions out of the range table entry.
 */
static inline void
compat_check_insert_permission(ParseState *pstate, ParseNamespaceItem *nsitem,
							   Bitmapset *columns)
{
#if PG_VERSION_NUM >= 160000
	RTEPermissionInfo *perminfo = nsitem->p_perminfo;

	perminfo->requiredPerms = ACL_INSERT;
	perminfo->insertedCols = columns;
	ExecCheckPermissions(pstate->p_rtable, list_make1(perminfo), true);
#else
	RangeTblEntry *rte = nsitem->p_rte;

	rte->requiredPerms = ACL_INSERT;
	rte->insertedCols = columns;
	ExecCheckRTPerms(pstate->p_rtable, true);
#endif
}

/*
 * Tell whether member could SET ROLE to role; 16 made that a right apart from
 * being a member.
 */
static inline bool
compat_can_set_role(Oid member, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return member_can_set_role(member, role);
#else
	return is_member_of_role(member, role);
#endif
}

/* Tell whether this session holds a lock in this mode; 17 added an argument. */
static inline bool
compat_lock_held(const LOCKTAG *tag, LOCKMODE mode)
{
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(tag, mode, false);
#else
	return LockHeldByMe(tag, mode);
#endif
}

/* Tell whether a role may execute a function; 16 made one check of many. */
static inline bool
compat_may_execute(Oid function, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
#else
	return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif

/*
 * Return how many rows the transaction has written to a relation so far, plus
 * some number that does not change within it; 16 counts the subtransactions
 * in, and gives a copy.
 */
static inline int64
compat_rows_written(Oid relid)
{
	PgStat_TableStatus *status = find_tabstat_entry(relid);
	int64		written;

	if (status == NULL)
		return 0;
#if PG_VERSION_NUM >= 160000
	written = status->counts.tuples_inserted + status->counts.tuples_updated +
		status->counts.tuples_deleted;
	pfree(status);
#else
	written = status->t_counts.t_tuples_inserted + status->t_counts.t_tuples_updated +
		status->t_counts.t_tuples_deleted;
	for (PgStat_TableXactStatus *level = status->trans; level != NULL; level = level->upper)
		written += level->tuples_inserted + level->tuples_updated + level->tuples_deleted;
#endif
	return written;
}

/* SPI result code of 17's MERGE ... RETURNING; no code of 15 and 16 is this one. */
#ifndef SPI_OK_MERGE_RETURNING
#define SPI_OK_MERGE_RETURNING 19
#endif

#endif							/* MIGRATE_COMPAT_H */
