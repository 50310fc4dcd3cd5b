/*-------------------------------------------------------------------------
 *
 * outside.h
 *		Touch relations that are not ours.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OUTSIDE_H
#define MIGRATE_OUTSIDE_H

#include "executor/spi.h"

/* What must be put back afterwards. */
typedef struct OutsideScope
{
	Oid			relid;			/* the table */
	Oid			userid;			/* the caller */
	int			sec_context;
	int			guc_level;
} OutsideScope;

extern bool migrate_outside_begin(Oid relid, int elevel, OutsideScope *scope);
extern bool migrate_outside_column(Oid relid, const char *column);
extern uint64 migrate_outside_run(const OutsideScope *scope, const char *sql, int nargs,
								  Oid *argtypes, Datum *values);
extern void migrate_outside_end(const OutsideScope *scope);

#endif							/* MIGRATE_OUTSIDE_H */
