/*-------------------------------------------------------------------------
 *
 * argument.h
 *		Arguments that several SQL functions take.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_ARGUMENT_H
#define MIGRATE_ARGUMENT_H

#include "fmgr.h"

extern int64 migrate_argument_version(FunctionCallInfo fcinfo, int n, int64 least);
extern char *migrate_argument_text(FunctionCallInfo fcinfo, int n, const char *what);

#endif							/* MIGRATE_ARGUMENT_H */
