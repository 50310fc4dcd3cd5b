/*-------------------------------------------------------------------------
 *
 * statement.h
 *		One statement of a script, and what may keep it from running.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_STATEMENT_H
#define MIGRATE_STATEMENT_H

#include "nodes/parsenodes.h"
#include "tcop/cmdtag.h"

/* The data lines that follow a COPY ... FROM stdin. */
typedef struct ScriptCopy
{
	int			offset;			/* bytes from the start of the script */
	int			length;			/* bytes, without the closing "\." line */
	int			line;			/* of the first data line, counting from 1 */
} ScriptCopy;

typedef struct ScriptStatement
{
	int			offset;			/* of its first token */
	int			length;			/* bytes */
	int			line;			/* of its first token, counting from 1 */
	bool		skipped;		/* BEGIN or COMMIT around the script */
	CommandTag	tag;
	Node	   *node;			/* parse tree; kept of COPY only */
	ScriptCopy *copy;			/* NULL unless COPY ... FROM stdin */
} ScriptStatement;

/* Why a script cannot be run by migrate_apply(). */
typedef struct ScriptObstacle
{
	int			sqlerrcode;
	int			statement;		/* counting those that run from 1, 0 = none */
	int			line;
	char	   *message;		/* as the primary message of an error */
	bool		nontransactional;	/* it could run outside a transaction */
	bool		unfinished;		/* it is a BEGIN without COMMIT */
} ScriptObstacle;

#endif							/* MIGRATE_STATEMENT_H */
