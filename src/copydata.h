/*-------------------------------------------------------------------------
 *
 * copydata.h
 *		COPY ... FROM stdin whose data stands in the script.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_COPYDATA_H
#define MIGRATE_COPYDATA_H

#include "nodes/parsenodes.h"

extern uint64 migrate_copydata_run(CopyStmt *stmt, const char *script,
								   const char *data, int length);

#endif							/* MIGRATE_COPYDATA_H */
