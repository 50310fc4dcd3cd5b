/*-------------------------------------------------------------------------
 *
 * probe.h
 *		Find what a statement would drop, by running it and undoing that.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_PROBE_H
#define MIGRATE_PROBE_H

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "tcop/utility.h"

/* A relation that would be dropped, or a column of one. */
typedef struct ProbeFound
{
	Oid			relid;
	AttrNumber	attnum;			/* 0 = the relation */
} ProbeFound;

/* A statement, as the server's hook got it. */
typedef struct ProbeStatement
{
	PlannedStmt *pstmt;
	const char *text;
	ParamListInfo params;
	QueryEnvironment *environment;
} ProbeStatement;

extern bool migrate_probe_needed(Node *statement);
extern List *migrate_probe_run(const ProbeStatement *statement);
extern bool migrate_probe_collects(void);
extern void migrate_probe_collect(Oid relid, AttrNumber attnum);

#endif							/* MIGRATE_PROBE_H */
