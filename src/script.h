/*-------------------------------------------------------------------------
 *
 * script.h
 *		A script, read: its statements, header, directives and checksums.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SCRIPT_H
#define MIGRATE_SCRIPT_H

#include "common/sha2.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

#include "directive.h"
#include "position.h"

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
} ScriptObstacle;

typedef struct Script
{
	const char *text;			/* as registered */
	char	   *clean;			/* the same bytes, COPY data, psql commands
								 * and byte order mark blanked */
	int			length;			/* bytes of both */
	List	   *statements;		/* of ScriptStatement * */
	int			count;			/* statements that run */
	bool		sets_constraints;	/* SET CONSTRAINTS is among them */
	ScriptHeader header;
	ScriptDirectives directives;
	ScriptObstacle *obstacle;	/* the first one, or NULL */
	uint8		checksum[PG_SHA256_DIGEST_LENGTH];	/* of the text */
	uint8		token_checksum[PG_SHA256_DIGEST_LENGTH];	/* of its tokens */
} Script;

extern Script *migrate_script_read(const char *text, PositionFrame *frame);

#endif							/* MIGRATE_SCRIPT_H */
