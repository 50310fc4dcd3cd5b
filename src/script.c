/*-------------------------------------------------------------------------
 *
 * script.c
 *		A script, read: its statements, header, directives and checksums.
 *
 * Reading happens in two passes.  The lexer (ours, pure C) goes first: it
 * blanks what is not SQL (a byte order mark, psql commands, COPY data), reads
 * the comments and computes both checksums.  The server's own parser then sees
 * a text of the same length, so every position it reports is a position in the
 * file.  Nothing here uses SPI, and no
 * catalog but for the name of the database.
 *
 * Two checksums: of the exact text, and of the tokens and directives alone.
 * Only the second decides whether a migration has changed: other comments, white
 * space and line ends may.  Every token is followed by a zero byte, so "a b" and "ab" differ, and
 * a carriage return before a line feed is left out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "common/cryptohash.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "lexer.h"
#include "obstacle.h"
#include "script.h"

/* State of the first pass. */
typedef struct ScriptReader
{
	Script	   *script;
	char	   *clean;			/* script->clean, writable */
	Lexer		lexer;
	pg_cryptohash_ctx *tokens;
	bool		in_header;		/* no token but comments so far */
	LexKind		previous;
	List	   *copies;			/* of ScriptCopy *, in the order of the text */
} ScriptReader;

/* Raise the error of a hash that cannot be computed. */
static void
script_hash_check(int rc)
{
	if (rc < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute the checksum of a script")));
}

/* Feed bytes to the second checksum. */
static void
script_hash(ScriptReader *reader, const void *data, size_t length)
{
	script_hash_check(pg_cryptohash_update(reader->tokens, data, length));
}

/* Feed one token to the second checksum. */
static void
script_hash_token(ScriptReader *reader, const LexToken *token)
{
	const uint8 *p = (const uint8 *) reader->lexer.text + token->offset;
	const uint8 *end = p + token->length;
	const uint8 zero = 0;

	while (p < end)
	{
		const uint8 *cr = memchr(p, '\r', end - p);
		const uint8 *stop = cr ? cr : end;

		script_hash(reader, p, stop - p);
		if (cr != NULL && (cr + 1 == end || cr[1] != '\n'))
			script_hash(reader, cr, 1);
		p = cr ? cr + 1 : end;
	}
	script_hash(reader, &zero, 1);
}

/* Make bytes of the clean text blanks, keeping its lines. */
static void
script_blank(ScriptReader *reader, size_t offset, size_t length)
{
	for (char *p = reader->clean + offset; length > 0; p++, length--)
	{
		if (*p != '\n')
			*p = ' ';
	}
}

/* Refuse a psql command. */
static void
script_refuse_psql(const char *command, int line)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("psql command \"%s\" at line %d is not SQL",
					pnstrdup(command, migrate_position_clip(command, strlen(command), 40)), line),
			 errhint("psql commands run in psql only; write the statements themselves into the script.")));
}

/*
 * Accept the psql commands that pg_dump writes, and blank them; refuse others.
 *
 * \restrict and \unrestrict only protect psql itself; \connect is harmless
 * when it names the database at hand.  Each has one argument: what follows it
 * would run in psql.
 */
static void
script_psql(ScriptReader *reader, const LexToken *token)
{
	char	   *line = pnstrdup(reader->lexer.text + token->offset, token->length);
	char	   *rest = NULL;
	char	   *command = strtok_r(line, " \t\r", &rest);
	char	   *argument = strtok_r(NULL, " \t\r", &rest);
	bool		harmless = false;

	if (strcmp(command, "\\restrict") == 0 || strcmp(command, "\\unrestrict") == 0)
		harmless = true;
	else if (strcmp(command, "\\connect") == 0 && argument != NULL)
		harmless = strcmp(argument, get_database_name(MyDatabaseId)) == 0;
	if (!harmless || strtok_r(NULL, " \t\r", &rest) != NULL)
		script_refuse_psql(command, token->line);
	script_blank(reader, token->offset, token->length);
	pfree(line);
}

/* Raise what a COPY without the end of its data raises. */
static void
script_refuse_open_copy(const LexToken *token)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("the COPY data that starts at line %d has no end", token->line),
			 errhint("End the data with a line that is \"\\.\".")));
}

/* Remember the data of a COPY, and blank it. */
static void
script_copy_data(ScriptReader *reader, const LexToken *token)
{
	ScriptCopy *copy;

	script_blank(reader, token->offset, token->length);
	if (!token->terminated)
		script_refuse_open_copy(token);
	if (token->kind == LEX_COPY_END && reader->previous == LEX_COPY_DATA)
		return;
	copy = palloc0(sizeof(ScriptCopy));
	copy->offset = token->offset;
	copy->length = token->kind == LEX_COPY_DATA ? token->length : 0;
	copy->line = token->line;
	reader->copies = lappend(reader->copies, copy);
}

/* Read one line comment. */
static void
script_comment(ScriptReader *reader, const LexToken *token)
{
	const char *comment = reader->lexer.text + token->offset;
	Script	   *script = reader->script;

	char	   *directive = migrate_directive_read(&script->directives, comment,
												   token->length, token->line);

	if (directive != NULL)
		script_hash(reader, directive, strlen(directive) + 1);
	else if (reader->in_header)
		migrate_header_read(&script->header, comment, token->length);
}

/* First pass: the lexer's. */
static void
script_read_tokens(ScriptReader *reader)
{
	LexToken	token;

	while (lexer_next(&reader->lexer, &token) != LEX_END)
	{
		switch (token.kind)
		{
			case LEX_LINE_COMMENT:
				script_comment(reader, &token);
				continue;
			case LEX_BLOCK_COMMENT:
				continue;
			case LEX_PSQL:
				script_psql(reader, &token);
				continue;
			case LEX_COPY_DATA:
			case LEX_COPY_END:
				script_copy_data(reader, &token);
				break;
			default:
				break;
		}
		reader->in_header = false;
		reader->previous = token.kind;
		if (token.kind != LEX_COPY_END)
			script_hash_token(reader, &token);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Compute the checksum of the exact text. */
static void
script_hash_text(Script *script)
{
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	script_hash_check(pg_cryptohash_init(ctx));
	script_hash_check(pg_cryptohash_update(ctx, (const uint8 *) script->text, script->length));
	script_hash_check(pg_cryptohash_final(ctx, script->checksum, sizeof(script->checksum)));
	pg_cryptohash_free(ctx);
}

/* Find where a parsed statement really starts: behind blanks and comments. */
static void
script_first_token(const Script *script, ScriptStatement *stmt)
{
	Lexer		lexer;
	LexToken	token;
	LexKind		kind;

	lexer_init(&lexer, script->clean + stmt->offset, stmt->length);
	do
	{
		kind = lexer_next(&lexer, &token);
	} while (kind == LEX_LINE_COMMENT || kind == LEX_BLOCK_COMMENT);
	stmt->offset += token.offset;
	stmt->length -= token.offset;
}

/* Turn the parser's list into statements with lines and COPY data. */
static void
script_build_statements(ScriptReader *reader, List *parsed)
{
	Script	   *script = reader->script;
	ListCell   *copy = list_head(reader->copies);
	ListCell   *lc;
	int			line = 1;
	int			counted = 0;

	foreach(lc, parsed)
	{
		RawStmt    *raw = lfirst_node(RawStmt, lc);
		ScriptStatement *stmt = palloc0(sizeof(ScriptStatement));

		stmt->node = raw->stmt;
		stmt->tag = CreateCommandTag(raw->stmt);
		stmt->offset = raw->stmt_location;
		stmt->length = raw->stmt_len > 0 ? raw->stmt_len :
			script->length - raw->stmt_location;
		script_first_token(script, stmt);
		for (; counted < stmt->offset; counted++)
		{
			if (script->clean[counted] == '\n')
				line++;
		}
		stmt->line = line;

		if (IsA(raw->stmt, CopyStmt) && copy != NULL)
		{
			CopyStmt   *node = (CopyStmt *) raw->stmt;

			if (node->is_from && node->filename == NULL && !node->is_program)
			{
				stmt->copy = lfirst(copy);
				copy = lnext(reader->copies, copy);
			}
		}
		script->statements = lappend(script->statements, stmt);
	}
}

/* Run the server's parser, always with standard strings. */
static List *
script_parse(const char *clean)
{
	int			guc_level = NewGUCNestLevel();
	List	   *parsed;

	(void) set_config_option("standard_conforming_strings", "on",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	parsed = raw_parser(clean, RAW_PARSE_DEFAULT);
	AtEOXact_GUC(false, guc_level);
	return parsed;
}

/* Return the obstacle of a script that asks not to run in a transaction. */
static ScriptObstacle *
script_asked_obstacle(void)
{
	ScriptObstacle *obstacle = palloc0(sizeof(ScriptObstacle));

	obstacle->sqlerrcode = ERRCODE_ACTIVE_SQL_TRANSACTION;
	obstacle->message = pstrdup("the script asks not to run in a transaction (\"-- migrate: no-transaction\")");
	obstacle->nontransactional = true;
	return obstacle;
}

/*
 * Second pass: the server's parser.  Its tree takes a multiple of the text's
 * memory and is freed, but for the COPY statements that are run from it, unless
 * the caller wants it.
 */
static void
script_read_statements(ScriptReader *reader)
{
	Script	   *script = reader->script;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext parsing = AllocSetContextCreate(context, "migrate parse",
												  ALLOCSET_DEFAULT_SIZES);
	List	   *parsed;
	ListCell   *lc;

	MemoryContextSwitchTo(parsing);
	parsed = script_parse(script->clean);
	MemoryContextSwitchTo(context);
	script_build_statements(reader, parsed);
	script->obstacle = migrate_obstacle_find(script->statements);
	if (script->obstacle == NULL && script->directives.no_transaction)
		script->obstacle = script_asked_obstacle();
	foreach(lc, script->statements)
	{
		ScriptStatement *stmt = lfirst(lc);

		if (!stmt->skipped)
			script->count++;
		if (IsA(stmt->node, ConstraintsSetStmt))
			script->sets_constraints = true;
		if (!script->keeps_trees)
			stmt->node = IsA(stmt->node, CopyStmt) ? copyObject(stmt->node) : NULL;
	}
	if (!script->keeps_trees)
		MemoryContextDelete(parsing);
}

/* Both passes; work of migrate_script_read(). */
static void
script_read(void *arg)
{
	Script	   *script = (Script *) arg;
	ScriptReader reader = {.script = script, .in_header = true, .previous = LEX_END};

	reader.clean = script->clean;
	script_hash_text(script);

	lexer_init(&reader.lexer, script->text, script->length);
	script_blank(&reader, 0, reader.lexer.pos); /* a byte order mark */
	reader.tokens = pg_cryptohash_create(PG_SHA256);
	script_hash_check(pg_cryptohash_init(reader.tokens));
	script_read_tokens(&reader);
	script_hash_check(pg_cryptohash_final(reader.tokens, script->token_checksum,
										  sizeof(script->token_checksum)));
	pg_cryptohash_free(reader.tokens);

	script_read_statements(&reader);
}

/* Say what a psql variable is when the parser stopped at one. */
static void
script_amend(ErrorData *edata, const PositionFrame *frame)
{
	const char *p = frame->excerpt;

	if (edata->internalpos <= 0 || edata->sqlerrcode != ERRCODE_SYNTAX_ERROR || edata->hint)
		return;
	for (int charpos = edata->internalpos; charpos > 1 && *p != '\0'; charpos--)
		p += pg_mblen(p);
	if (*p == ':')
		edata->hint = pstrdup("psql variables are not replaced in a migration; write the value itself.");
}

/* Read a script; keeps_trees says whether parse trees are kept. */
static Script *
script_read_text(const char *text, PositionFrame *frame, bool keeps_trees)
{
	Script	   *script = palloc0(sizeof(Script));

	script->text = text;
	script->length = strlen(text);
	script->clean = MemoryContextAllocHuge(CurrentMemoryContext, script->length + 1);
	script->keeps_trees = keeps_trees;
	memcpy(script->clean, text, script->length + 1);
	frame->text = script->clean;
	migrate_position_guard(frame, script_read, script, script_amend);
	return script;
}

/*
 * Read a script.  Everything is allocated in the current memory context.
 *
 * frame names the script in error messages; its text is set here.  Raises a
 * syntax error, a malformed directive or an unknown one with its line; what
 * parses but cannot be run by migrate_apply() is left in script->obstacle.
 */
Script *
migrate_script_read(const char *text, PositionFrame *frame)
{
	return script_read_text(text, frame, false);
}

/* Read a script as above, and keep the parse trees of its statements. */
Script *
migrate_script_read_trees(const char *text, PositionFrame *frame)
{
	return script_read_text(text, frame, true);
}
