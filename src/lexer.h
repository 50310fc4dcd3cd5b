/*-------------------------------------------------------------------------
 *
 * lexer.h
 *		Tokens of SQL script text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LEXER_H
#define MIGRATE_LEXER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum LexKind
{
	LEX_END,					/* end of the text; of no length */
	LEX_WORD,					/* keyword or plain identifier */
	LEX_IDENT,					/* "..." and U&"..." */
	LEX_STRING,					/* '...' with its prefix, $tag$...$tag$ */
	LEX_NUMBER,
	LEX_PARAM,					/* $1 */
	LEX_OPERATOR,
	LEX_PUNCT,					/* ( ) [ ] , : . or an unknown byte */
	LEX_SEMICOLON,
	LEX_LINE_COMMENT,			/* without its line end */
	LEX_BLOCK_COMMENT,
	LEX_PSQL,					/* backslash up to the end of its line */
	LEX_COPY_DATA,				/* lines that follow COPY ... FROM STDIN */
	LEX_COPY_END				/* the "\." behind them */
} LexKind;

typedef struct LexToken
{
	LexKind		kind;
	size_t		offset;			/* bytes from the start of the text */
	size_t		length;			/* bytes; only LEX_END has none */
	int			line;			/* of the first byte, counting from 1 */
	bool		terminated;		/* false: runs to the end of the text unclosed */
} LexToken;

typedef struct Lexer
{
	/* fixed; the text needs no terminating zero */
	const char *text;
	size_t		length;

	/* where the next token is looked for */
	size_t		pos;
	int			line;

	/* private to lexer.c */
	size_t		single_until;	/* operators and dots before it have one byte */
	bool		escape_open;	/* an E'...' might be continued here */
	bool		line_ended;		/* since that string */
	int			depth;			/* of parentheses */
	int			statement;		/* a LexStatement: is this COPY FROM STDIN? */
	int			copies;			/* those whose data is still to come */
	bool		in_copy_data;
} Lexer;

extern void lexer_init(Lexer *lexer, const char *text, size_t length);
extern LexKind lexer_next(Lexer *lexer, LexToken *token);
extern bool lexer_word_is(const Lexer *lexer, const LexToken *token,
						  const char *lower_case_word);

#endif							/* MIGRATE_LEXER_H */
