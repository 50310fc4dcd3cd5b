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

/*
 * Tell whether a byte stands inside a character, where the server does not know:
 * in a database without encoding the text is most likely UTF-8.
 */
static bool
position_is_inside(const char *p)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII && (*p & 0xC0) == 0x80;
}

/* Return how many bytes of a text may be shown, ending with a whole character. */
int
migrate_position_clip(const char *text, int length, int limit)
{
	int			shown = pg_mbcliplen(text, length, limit);

	while (shown < length && shown > 0 && position_is_inside(text + shown))
		shown--;
	return shown;
}

/* Return the line of a byte offset, counting from 1. */
static int
position_line(const char *text, int offset)
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
	if (frame->statement == POSITION_AFTER)
		appendStringInfoString(&buf, ", after the last statement");
	else if (frame->statement > 0)
		appendStringInfo(&buf, ", statement %d of %d",
						 frame->statement, frame->statements);
	if (line > 0 && frame->statement != POSITION_AFTER)
		appendStringInfo(&buf, ", line %d", line);
	return buf.data;
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
	while (start < at && position_is_inside(start))
		start++;
	while (end > at && position_is_inside(end))
		end--;
	*charpos = pg_mbstrlen_with_len(start, at - start) + 1;
	return pnstrdup(start, end - start);
}

/*
 * Error context callback: name the place in every message of the script.
 *
 * A position that is still there is one in the whole script: the parser's
 * while it is read, or COPY's.  It becomes one in a few words of the script,
 * before a caller further out takes it for a position in its own query.
 */
static void
position_callback(void *arg)
{
	PositionFrame *frame = (PositionFrame *) arg;
	int			charpos = geterrposition();
	int			line = frame->line;
	char	   *where;

	if (charpos > 0 && frame->text != NULL)
	{
		char	   *excerpt;

		line = position_line(frame->text, position_byte_offset(frame->text, charpos));
		excerpt = position_excerpt(frame->text, &charpos);
		strlcpy(frame->excerpt, excerpt, sizeof(frame->excerpt));
		frame->error_line = line;
		errposition(0);
		internalerrposition(charpos);
		internalerrquery(frame->excerpt);
		pfree(excerpt);
	}
	where = migrate_position_where(frame, line);
	errcontext("%s", where);
	pfree(where);
}

/* Find text that stands in lines of its own in a multi-line string, or NULL. */
static const char *
position_find_line(const char *lines, const char *line)
{
	int			length = strlen(line);
	const char *at = lines ? strstr(lines, line) : NULL;

	while (at != NULL)
	{
		if ((at == lines || at[-1] == '\n') &&
			(at[length] == '\0' || at[length] == '\n'))
			return at;
		at = strstr(at + 1, line);
	}
	return NULL;
}

/* Replace the first occurrence of a line in a multi-line string, or drop it. */
static char *
position_replace_line(const char *lines, const char *line, const char *with)
{
	const char *at = position_find_line(lines, line);
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
	const char *at = edata->context;
	int			row;

	if (frame->copy_line == 0)
		return frame->line;
	while (at != NULL && strncmp(at, "COPY ", 5) != 0)
	{
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	at = at ? strstr(at, ", line ") : NULL;
	if (at == NULL || sscanf(at, ", line %d", &row) != 1)
		return frame->line;
	return frame->copy_line + row - 1;
}

/*
 * Find the line the error is about, and shorten what is shown of the query.
 *
 * Through SPI the position is one in the statement, or in a query that stands
 * in it: the body of a function, a statement of a DO block.  A query that does
 * not, or does so twice, says nothing about the file.
 */
static int
position_locate(ErrorData *edata, const PositionFrame *frame)
{
	const char *query = edata->internalquery;
	const char *at = NULL;
	int			line = position_copy_line(edata, frame);

	if (query == NULL)
		return line;
	if (frame->error_line > 0 && strcmp(query, frame->excerpt) == 0)
		return frame->error_line;
	if (frame->slice != NULL && *query != '\0')
		at = strstr(frame->slice, query);
	if (at != NULL && edata->internalpos > 0 && strstr(at + 1, query) == NULL)
		line = position_line(frame->text, frame->offset + (at - frame->slice) +
							 position_byte_offset(query, edata->internalpos));
	edata->internalpos = Max(edata->internalpos, 1);
	edata->internalquery = position_excerpt(query, &edata->internalpos);
	return line;
}

/*
 * Shorten a primary message that echoes the script: the scanner quotes
 * everything from an opening quote that is never closed.
 */
static void
position_clip_message(ErrorData *edata, const PositionFrame *frame)
{
	int			length = edata->message ? strlen(edata->message) : 0;

	if (frame->slice == NULL && length > 2 * POSITION_EXCERPT)
		edata->message = psprintf("%s...\"",
								  pnstrdup(edata->message,
										   migrate_position_clip(edata->message, length, POSITION_EXCERPT)));
}

/* Return the end of a quoted query in a context: the quote that ends its line. */
static const char *
position_query_end(const char *query)
{
	static const char *const next[] = {"SQL ", "PL/pgSQL ", "migration ", "COPY "};

	for (const char *p = strchr(query, '"'); p != NULL; p = strchr(p + 1, '"'))
	{
		if (p[1] == '\0')
			return p;
		for (int i = 0; p[1] == '\n' && i < lengthof(next); i++)
		{
			if (strncmp(p + 2, next[i], strlen(next[i])) == 0)
				return p;
		}
	}
	return query + strlen(query);
}

/* Find the first query that a context quotes, or NULL. */
static const char *
position_find_query(const char *context)
{
	static const char *const start[] = {"SQL statement \"", "SQL expression \"",
	"PL/pgSQL expression \"", "PL/pgSQL assignment \""};
	const char *first = NULL;

	for (int i = 0; i < lengthof(start); i++)
	{
		const char *at = strstr(context, start[i]);

		if (at != NULL && (first == NULL || at < first))
			first = at + strlen(start[i]);
	}
	return first;
}

/* Shorten the queries that a context quotes. */
static char *
position_clip_context(const char *context)
{
	const char *query;
	StringInfoData buf;

	initStringInfo(&buf);
	while ((query = position_find_query(context)) != NULL)
	{
		int			length = position_query_end(query) - query;
		int			shown = length;

		if (length > POSITION_EXCERPT)
			shown = migrate_position_clip(query, length, POSITION_EXCERPT);
		appendBinaryStringInfo(&buf, context, query + shown - context);
		if (shown < length)
			appendStringInfoString(&buf, "...");
		context = query + length;
	}
	appendStringInfoString(&buf, context);
	return buf.data;
}

/* Complete an error that left a script with its place. */
static void
position_annotate(ErrorData *edata, const PositionFrame *frame)
{
	int			line = position_locate(edata, frame);
	char	   *where = migrate_position_where(frame, line);

	position_clip_message(edata, frame);
	if (frame->slice != NULL)
	{
		char	   *echo = psprintf("SQL statement \"%s\"", frame->slice);

		edata->context = position_replace_line(edata->context, echo, NULL);
	}
	if (line != frame->line)
		edata->context = position_replace_line(edata->context,
											   migrate_position_where(frame, frame->line),
											   where);
	edata->context = edata->context ? position_clip_context(edata->context) : where;

	edata->detail = edata->detail ? psprintf("%s\n%s", edata->detail, where) : where;
	if (edata->detail_log)
		edata->detail_log = psprintf("%s\n%s", edata->detail_log, where);
}

/*
 * Run work on a migration: messages name the place that frame says, and errors
 * leave completed.  amend may add to them, or be NULL.  The memory context stays
 * as it is.
 */
void
migrate_position_guard(PositionFrame *frame, void (*work) (void *arg), void *arg,
					   PositionAmend amend)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = position_callback,
		.arg = frame,
	};

	error_context_stack = &callback;
	PG_TRY();
	{
		work(arg);
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		error_context_stack = callback.previous;
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		if (amend != NULL)
			amend(edata, frame);
		position_annotate(edata, frame);
		ReThrowError(edata);
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(context); /* SPI leaves its own */
}
