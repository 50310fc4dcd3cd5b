/*-------------------------------------------------------------------------
 *
 * trace.h
 *		What each statement did, on the record.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_TRACE_H
#define MIGRATE_TRACE_H

#include "nodes/pg_list.h"

extern void migrate_trace_write(int64 entry, const List *statements);

#endif							/* MIGRATE_TRACE_H */
