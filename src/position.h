/*-------------------------------------------------------------------------
 *
 * position.h
 *		Where in which script an error happened.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_POSITION_H
#define MIGRATE_POSITION_H

#include "utils/elog.h"

#define POSITION_EXCERPT 200	/* bytes of a script that a message may show */
#define POSITION_AFTER (-1)		/* statement: behind the last one */

/* What an error message needs to know; kept up to date while a script runs. */
typedef struct PositionFrame
{
	int64		version;
	const char *name;
	const char *direction;		/* "up" or "down" */
	const char *text;			/* the script, NULL until it is read */
	int			statements;		/* how many there are, 0 while reading */
	int			statement;		/* counting from 1; 0 = none */
	int			line;			/* of the statement's first token */
	int			offset;			/* of the statement, in bytes */
	const char *slice;			/* the statement's own text */
	int			copy_line;		/* first line of COPY data being read, or 0 */

	/* of the last message with a position in the whole script */
	int			error_line;
	char		excerpt[POSITION_EXCERPT + 1];
} PositionFrame;

/* Adds to an error before its place is. */
typedef void (*PositionAmend) (ErrorData *edata, const PositionFrame *frame);

extern int	migrate_position_clip(const char *text, int length, int limit);
extern char *migrate_position_where(const PositionFrame *frame, int line);
extern void migrate_position_guard(PositionFrame *frame, void (*work) (void *arg),
								   void *arg, PositionAmend amend);

#endif							/* MIGRATE_POSITION_H */
