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

typedef struct Trace Trace;

extern Trace *migrate_trace_begin(void);
extern void migrate_trace_add(Trace *trace, int64 entry, const List *statements);
extern void migrate_trace_flush(Trace *trace);

#endif							/* MIGRATE_TRACE_H */
