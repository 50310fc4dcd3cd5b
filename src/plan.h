/*-------------------------------------------------------------------------
 *
 * plan.h
 *		Which migrations run, in which order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_PLAN_H
#define MIGRATE_PLAN_H

#include "nodes/pg_list.h"

/* One migration to be carried up or down. */
typedef struct PlanStep
{
	int64		version;
	char	   *name;
	char	   *version_text;
	char	   *description;	/* or NULL */
	bool		has_script;
	bool		has_obstacle;
	char	   *author;			/* role that registered the script */
	Oid			author_oid;
	Oid			author_session_oid; /* what RESET ROLE led to then */
	Oid			author_login_oid;	/* and RESET SESSION AUTHORIZATION */
	bool		out_of_order;
	int64		unknown_requirement;	/* 0 = none */
} PlanStep;

/* The steps between here and there. */
typedef struct MigratePlan
{
	bool		down;
	List	   *steps;			/* of PlanStep *, in the order to run */
} MigratePlan;

extern MigratePlan *migrate_plan_up(int64 version);
extern MigratePlan *migrate_plan_down(int64 to_version);

#endif							/* MIGRATE_PLAN_H */
