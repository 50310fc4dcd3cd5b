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

#include "parser/parse_node.h"
#include "parser/parse_relation.h"

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

#endif							/* MIGRATE_COMPAT_H */
