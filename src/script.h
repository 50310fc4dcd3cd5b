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
#include "nodes/pg_list.h"

#include "directive.h"
#include "position.h"
#include "statement.h"

typedef struct Script
{
	const char *text;			/* as registered */
	char	   *clean;			/* the same bytes, COPY data, psql commands
								 * and byte order mark blanked */
	int			length;			/* bytes of both */
	List	   *statements;		/* of ScriptStatement * */
	int			count;			/* statements that run */
	bool		keeps_trees;	/* of all statements, not of COPY only */
	bool		sets_constraints;	/* SET CONSTRAINTS is among them */
	ScriptHeader header;
	ScriptDirectives directives;
	ScriptObstacle *obstacle;	/* the first one, or NULL */
	uint8		checksum[PG_SHA256_DIGEST_LENGTH];	/* of the text */
	uint8		token_checksum[PG_SHA256_DIGEST_LENGTH];	/* of its tokens */
} Script;

extern Script *migrate_script_read(const char *text, PositionFrame *frame);
extern Script *migrate_script_read_trees(const char *text, PositionFrame *frame);

#endif							/* MIGRATE_SCRIPT_H */
