/*-------------------------------------------------------------------------
 *
 * execute.h
 *		Run one script.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_EXECUTE_H
#define MIGRATE_EXECUTE_H

#include "position.h"
#include "script.h"

typedef struct ExecuteResult
{
	int			statements;		/* that ran */
	uint64		rows;			/* inserted, updated, deleted or copied */
} ExecuteResult;

extern void migrate_execute_settings(const ScriptDirectives *directives);
extern void migrate_execute(const Script *script, PositionFrame *frame,
							ExecuteResult *result);

#endif							/* MIGRATE_EXECUTE_H */
