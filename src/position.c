/*-------------------------------------------------------------------------
 *
 * position.c
 *		Where in which script an error happened.
 *
 * The server knows positions inside the one statement it was handed.  People
 * want the line of the file.  An error leaves a script with
 *
 * - the SQLSTATE and primary message of its cause, untouched;
 * - the place in CONTEXT, and again as the last line of DETAIL, because a
 *   caller over PostgREST is never shown CONTEXT;
 * - at most POSITION_EXCERPT bytes of the script: an error message is copied
 *   into logs and tickets, and scripts hold secrets.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "position.h"

#define POSITION_EXCERPT 200

/* Return the line of a byte offset, counting from 1. */
int
migrate_position_line(const char *text, int offset)
{
	int			line = 1;

	for (int i = 0; i < offset && text[i] != '\0'; i++)
	{
		if (text[i] == '\n')
			line++;
	}
	return line;
}

/* Describe the place: migration 3 (clean_up), up, statement 4 of 7, line 27. */
char *
migrate_position_where(const PositionFrame *frame, int line)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "migration " INT64_FORMAT " (%s), %s",
					 frame->version, frame->name, frame->direction);
	if (frame->statement > 0)
		appendStringInfo(&buf, ", statement %d of %d",
						 frame->statement, frame->statements);
	if (line > 0)
		appendStringInfo(&buf, ", line %d", line);
	return buf.data;
}

/* Error context callback: name the place in every message of the script. */
void
migrate_position_callback(void *arg)
{
	const PositionFrame *frame = (const PositionFrame *) arg;
	char	   *where = migrate_position_where(frame, frame->line);

	errcontext("%s", where);
	pfree(where);
}

/* Return the byte offset of a character position (counting from 1). */
static int
position_byte_offset(const char *text, int charpos)
{
	const char *p = text;

	while (--charpos > 0 && *p != '\0')
		p += pg_mblen(p);
	return p - text;
}

/*
 * Cut the line around *charpos out of text and make *charpos count from its
 * start; what is shown never exceeds POSITION_EXCERPT bytes.
 */
static char *
position_excerpt(const char *text, int *charpos)
{
	const char *at = text + position_byte_offset(text, *charpos);
	const char *start = at;
	const char *end = at;

	while (start > text && start[-1] != '\n' && start[-1] != '\r')
		start--;
	/* A long line is shown from the start of a character near the error. */
	if (at - start > POSITION_EXCERPT / 2)
	{
		const char *p = start;

		while (at - p > POSITION_EXCERPT / 2)
			p += pg_mblen(p);
		start = p;
	}
	while (*end != '\0' && *end != '\n' && *end != '\r')
	{
		int			len = pg_mblen(end);

		if (end + len - start > POSITION_EXCERPT)
			break;
		end += len;
	}
	*charpos = pg_mbstrlen_with_len(start, at - start) + 1;
	return pnstrdup(start, end - start);
}

/* Replace the first occurrence of a line in a multi-line string, or drop it. */
static char *
position_replace_line(const char *lines, const char *line, const char *with)
{
	const char *at = lines ? strstr(lines, line) : NULL;
	StringInfoData buf;

	if (at == NULL)
		return (char *) lines;

	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, lines, at - lines);
	at += strlen(line);
	if (with != NULL)
		appendStringInfoString(&buf, with);
	else if (*at == '\n')
		at++;
	else if (buf.len > 0 && buf.data[buf.len - 1] == '\n')
		buf.data[--buf.len] = '\0';
	appendStringInfoString(&buf, at);
	return buf.len > 0 ? buf.data : NULL;
}

/*
 * Return the line of a bad COPY data row: COPY's own context line counts from
 * the first line of the data.
 */
static int
position_copy_line(const ErrorData *edata, const PositionFrame *frame)
{
	const char *at;
	int			row;

	if (frame->copy_line == 0 || edata->context == NULL ||
		strncmp(edata->context, "COPY ", 5) != 0)
		return frame->line;
	at = strstr(edata->context, ", line ");
	if (at == NULL || sscanf(at, ", line %d", &row) != 1)
		return frame->line;
	return frame->copy_line + row - 1;
}

/*
 * Find the line the error is about, and shorten what is shown of the query.
 *
 * The scanner and the parser report a position in the whole text (while it is
 * read) or, through SPI, in the statement.  A position in any other query (a
 * function's body, say) says nothing about the file.
 */
static int
position_locate(ErrorData *edata, const PositionFrame *frame)
{
	int			line = position_copy_line(edata, frame);
	const char *query = edata->internalquery;
	int			charpos = edata->internalpos;

	if (frame->slice == NULL && edata->cursorpos > 0)
	{
		query = frame->text;
		charpos = edata->cursorpos;
		edata->cursorpos = 0;
		line = migrate_position_line(frame->text,
									 position_byte_offset(frame->text, charpos));
	}
	else if (query != NULL && frame->slice != NULL && charpos > 0 &&
			 strcmp(query, frame->slice) == 0)
		line = migrate_position_line(frame->text, frame->offset +
									 position_byte_offset(query, charpos));

	if (query != NULL)
	{
		if (charpos <= 0)
			charpos = 1;
		edata->internalquery = position_excerpt(query, &charpos);
		edata->internalpos = charpos;
	}
	return line;
}

/*
 * Complete an error that left a script; edata was made by CopyErrorData() in
 * the current memory context and is about to be thrown again.
 */
void
migrate_position_annotate(ErrorData *edata, const PositionFrame *frame)
{
	int			line = position_locate(edata, frame);
	char	   *where = migrate_position_where(frame, line);

	if (frame->slice != NULL)
	{
		char	   *echo = psprintf("SQL statement \"%s\"", frame->slice);

		edata->context = position_replace_line(edata->context, echo, NULL);
	}
	if (line != frame->line)
		edata->context = position_replace_line(edata->context,
											   migrate_position_where(frame, frame->line),
											   where);
	if (edata->context == NULL)
		edata->context = where;

	edata->detail = edata->detail ? psprintf("%s\n%s", edata->detail, where) : where;
	if (edata->detail_log)
		edata->detail_log = psprintf("%s\n%s", edata->detail_log, where);
}
