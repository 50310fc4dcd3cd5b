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

/* What an error message needs to know; kept up to date while a script runs. */
typedef struct PositionFrame
{
	int64		version;
	const char *name;
	const char *direction;		/* "up" or "down" */
	const char *text;			/* the script, NULL until it is read */
	int			statements;		/* how many there are, 0 while reading */
	int			statement;		/* counting from 1 */
	int			line;			/* of the statement's first token */
	int			offset;			/* of the statement, in bytes */
	const char *slice;			/* the statement's own text */
	int			copy_line;		/* first line of COPY data being read, or 0 */
} PositionFrame;

extern int	migrate_position_line(const char *text, int offset);
extern void migrate_position_callback(void *arg);
extern char *migrate_position_where(const PositionFrame *frame, int line);
extern void migrate_position_annotate(ErrorData *edata, const PositionFrame *frame);

#endif							/* MIGRATE_POSITION_H */
