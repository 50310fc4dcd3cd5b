/*-------------------------------------------------------------------------
 *
 * lexer.c
 *		Tokens of SQL script text.
 *
 * The boundaries are those of the server's scan.l with
 * standard_conforming_strings on, so that what is a comment here is a comment
 * there; backslash commands and COPY data are those of psql.  Pure C: no
 * server header, no allocation, no locale.
 *
 * Invariants:
 *
 * - Tokens come in the order of the text, at least one byte each, and do not
 *   overlap.  Only white space stands between them, and a byte order mark
 *   before the first.  Nothing at or behind text + length is read.
 * - Linear time: a search that fails makes the rest of the text one token.
 *
 * What differs from the server or psql, on purpose:
 *
 * - "::", ":=" and ".." are two tokens each, and so are the parts of a string
 *   continued on another line: there may be comments between them.
 * - A token behind the semicolon of COPY FROM STDIN may go on over a line end;
 *   the data then begins at the first line end behind that token.
 *
 *-------------------------------------------------------------------------
 */
#include "lexer.h"

#include <string.h>

/* What operators consist of; standard SQL has no use for the special bytes. */
#define LEX_SPECIAL_BYTES "~!@#^&|`?%"
#define LEX_OPERATOR_BYTES LEX_SPECIAL_BYTES "+-*/<>="

/* What is known of the statement being read. */
typedef enum LexStatement
{
	LEX_STATEMENT_START,		/* no token yet */
	LEX_STATEMENT_COPY,			/* COPY, its FROM still to come */
	LEX_STATEMENT_COPY_FROM,	/* the token before was that FROM */
	LEX_STATEMENT_COPY_STDIN,	/* data follows */
	LEX_STATEMENT_OTHER
} LexStatement;

/* Return a byte of the text, or -1 behind its end. */
static int
lexer_at(const Lexer *lexer, size_t at)
{
	return at < lexer->length ? (unsigned char) lexer->text[at] : -1;
}

/* Fold an ASCII letter to lower case, whatever the locale. */
static int
lexer_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Is this a decimal digit? */
static bool
lexer_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* Can this begin an identifier or the tag of a dollar quote? */
static bool
lexer_is_letter(int c)
{
	return (lexer_lower(c) >= 'a' && lexer_lower(c) <= 'z') || c == '_' || c >= 0x80;
}

/* Is this one of a set of characters? */
static bool
lexer_is_one_of(int c, const char *set)
{
	return c > 0 && strchr(set, c) != NULL;
}

/* Do these two bytes stand here? */
static bool
lexer_is_pair(const Lexer *lexer, size_t at, const char *pair)
{
	return lexer_at(lexer, at) == pair[0] && lexer_at(lexer, at + 1) == pair[1];
}

/* Return the end of a run of letters and digits, and of dollars if asked. */
static size_t
lexer_scan_word(const Lexer *lexer, size_t at, bool dollars)
{
	int			c = lexer_at(lexer, at);

	while (lexer_is_letter(c) || lexer_is_digit(c) || (dollars && c == '$'))
		c = lexer_at(lexer, ++at);
	return at;
}

/* Return the end of a run of digits, single underscores before each allowed. */
static size_t
lexer_scan_digits(const Lexer *lexer, size_t at, bool hex)
{
	for (;;)
	{
		size_t		next = at + (lexer_at(lexer, at) == '_' ? 1 : 0);
		int			c = lexer_lower(lexer_at(lexer, next));

		if (!lexer_is_digit(c) && !(hex && c >= 'a' && c <= 'f'))
			return at;
		at = next + 1;
	}
}

/*
 * Return the end of what a dollar sign begins, and its kind.
 *
 * A tag has dollars at its ends only, so candidates for the closing tag do not
 * overlap and comparing all of them stays linear.
 */
static size_t
lexer_scan_dollar(const Lexer *lexer, size_t start, LexToken *token)
{
	const char *tag = lexer->text + start;
	size_t		at = start + 1;
	size_t		tag_length;

	if (lexer_is_digit(lexer_at(lexer, at)))
	{
		token->kind = LEX_PARAM;
		return lexer_scan_digits(lexer, at, false);
	}
	at = lexer_scan_word(lexer, at, false);
	if (lexer_at(lexer, at) != '$')
	{
		token->kind = LEX_PUNCT;
		return start + 1;
	}

	token->kind = LEX_STRING;
	tag_length = ++at - start;
	while (lexer->length - at >= tag_length)
	{
		const char *found = memchr(lexer->text + at, '$',
								   lexer->length - at - tag_length + 1);

		if (found == NULL)
			break;
		at = found - lexer->text;
		if (memcmp(found, tag, tag_length) == 0)
			return at + tag_length;
		at++;
	}
	token->terminated = false;
	return lexer->length;
}

/* Return the end of the number that begins with a digit, or a dot and one. */
static size_t
lexer_scan_number(const Lexer *lexer, size_t at, LexToken *token)
{
	token->kind = LEX_NUMBER;
	if (lexer_at(lexer, at) == '0' &&
		lexer_is_one_of(lexer_lower(lexer_at(lexer, at + 1)), "xob"))
	{
		/* the server refuses wrong octal and binary digits */
		size_t		end = lexer_scan_digits(lexer, at + 2, true);

		if (end > at + 2)
			return end;
	}
	if (lexer_at(lexer, at) != '.')
		at = lexer_scan_digits(lexer, at + 1, false);
	/* in 1..2 both dots are the range's */
	if (lexer_at(lexer, at) == '.' && lexer_at(lexer, at + 1) != '.')
	{
		at++;
		if (lexer_is_digit(lexer_at(lexer, at)))
			at = lexer_scan_digits(lexer, at + 1, false);
	}
	if (lexer_lower(lexer_at(lexer, at)) == 'e')
	{
		int			sign = lexer_at(lexer, at + 1);
		size_t		exponent = at + (sign == '+' || sign == '-' ? 2 : 1);

		if (lexer_is_digit(lexer_at(lexer, exponent)))
			at = lexer_scan_digits(lexer, exponent + 1, false);
	}
	return at;
}

/*
 * Return the end of an operator.
 *
 * As in scan.l, "+" and "-" cannot end an operator of several bytes that has
 * only bytes of standard SQL: "=-1" is "=", "-", "1".  Those cut off are known
 * to be single from then on; looking at each again would be quadratic.
 */
static size_t
lexer_scan_operator(Lexer *lexer, size_t start, LexToken *token)
{
	size_t		end = start;
	size_t		kept = start + 1;
	bool		special = false;

	token->kind = LEX_OPERATOR;
	if (start < lexer->single_until)
		return start + 1;
	for (; lexer_is_one_of(lexer_at(lexer, end), LEX_OPERATOR_BYTES); end++)
	{
		int			c = lexer_at(lexer, end);

		if (lexer_is_pair(lexer, end, "--") || lexer_is_pair(lexer, end, "/*"))
			break;
		if (lexer_is_one_of(c, LEX_SPECIAL_BYTES))
			special = true;
		if (c != '+' && c != '-')
			kept = end + 1;
	}
	if (special)
		return end;
	lexer->single_until = end;
	return kept;
}

/* Return the end of a line comment; a carriage return ends it in scan.l too. */
static size_t
lexer_scan_line_comment(const Lexer *lexer, size_t at, LexToken *token)
{
	token->kind = LEX_LINE_COMMENT;
	while (at < lexer->length && lexer->text[at] != '\n' && lexer->text[at] != '\r')
		at++;
	return at;
}

/* Return the end of a block comment; they nest. */
static size_t
lexer_scan_block_comment(const Lexer *lexer, size_t at, LexToken *token)
{
	int			depth = 0;

	token->kind = LEX_BLOCK_COMMENT;
	do
	{
		bool		opens = lexer_is_pair(lexer, at, "/*");
		bool		closes = lexer_is_pair(lexer, at, "*/");

		depth += opens - closes;
		at += opens || closes ? 2 : 1;
	} while (depth > 0 && at < lexer->length);
	token->terminated = depth == 0;
	return at;
}

/* Return the offset of the next line end, or the end of the text. */
static size_t
lexer_line_end(const Lexer *lexer, size_t at)
{
	const char *found = memchr(lexer->text + at, '\n', lexer->length - at);

	return found != NULL ? (size_t) (found - lexer->text) : lexer->length;
}

/* Return the end of a psql command. */
static size_t
lexer_scan_psql(const Lexer *lexer, size_t start, LexToken *token)
{
	size_t		end = lexer_line_end(lexer, start);

	token->kind = LEX_PSQL;
	return lexer->text[end - 1] == '\r' ? end - 1 : end;
}

/* Is the line that begins here the end of COPY data? */
static bool
lexer_is_copy_end(const Lexer *lexer, size_t at)
{
	return lexer_is_pair(lexer, at, "\\.") &&
		(at + 2 == lexer->length || lexer_at(lexer, at + 2) == '\n' ||
		 lexer_is_pair(lexer, at + 2, "\r\n"));
}

/* Return the end of the COPY data that begins here, or of its closing "\.". */
static size_t
lexer_scan_copy(Lexer *lexer, size_t at, LexToken *token)
{
	if (lexer_is_copy_end(lexer, at))
	{
		lexer->in_copy_data = false;
		lexer->copies--;
		token->kind = LEX_COPY_END;
		return at + 2;
	}
	token->kind = LEX_COPY_DATA;
	while ((at = lexer_line_end(lexer, at)) < lexer->length)
	{
		if (lexer_is_copy_end(lexer, ++at))
			return at;
	}
	token->terminated = false;
	return lexer->length;
}

/* Return the bytes before the quote in B' X' N' E' U&' and U&", or 0. */
static size_t
lexer_prefix(const Lexer *lexer, size_t at)
{
	int			c = lexer_lower(lexer_at(lexer, at));
	int			next = lexer_at(lexer, at + 1);

	if (c != 'u')
		return next == '\'' && lexer_is_one_of(c, "bxne") ? 1 : 0;
	if (next != '&')
		return 0;
	return lexer_is_one_of(lexer_at(lexer, at + 2), "'\"") ? 2 : 0;
}

/*
 * Return the end of a string or quoted identifier, prefix included.
 *
 * A string on a line after an E'...' continues it: backslashes escape in both.
 */
static size_t
lexer_scan_string(Lexer *lexer, size_t start, LexToken *token)
{
	size_t		at = start + lexer_prefix(lexer, start);
	int			quote = lexer_at(lexer, at);
	bool		escapes = lexer_lower(lexer_at(lexer, start)) == 'e';

	if (start == at && quote == '\'')
		escapes = lexer->escape_open && lexer->line_ended;
	token->kind = quote == '"' ? LEX_IDENT : LEX_STRING;
	lexer->escape_open = escapes;
	lexer->line_ended = false;
	while (++at < lexer->length)
	{
		int			c = lexer_at(lexer, at);

		if ((c == '\\' && escapes) ||
			(c == quote && lexer_at(lexer, at + 1) == quote))
			at++;				/* possibly behind the end */
		else if (c == quote)
			return at + 1;
	}
	token->terminated = false;
	return lexer->length;
}

/* Return the end of punctuation or of an unknown byte. */
static size_t
lexer_scan_punct(Lexer *lexer, size_t start, LexToken *token)
{
	int			c = lexer_at(lexer, start);

	token->kind = c == ';' ? LEX_SEMICOLON : LEX_PUNCT;
	/* the second half of := or .. begins nothing longer */
	if (start >= lexer->single_until &&
		(lexer_is_pair(lexer, start, ":=") || lexer_is_pair(lexer, start, "..")))
		lexer->single_until = start + 2;
	return start + 1;
}

/* Return the end of the token that begins here, and its kind. */
static size_t
lexer_scan(Lexer *lexer, size_t start, LexToken *token)
{
	int			c = lexer_at(lexer, start);

	if (lexer->in_copy_data)
		return lexer_scan_copy(lexer, start, token);
	if (c == '\'' || c == '"' || lexer_prefix(lexer, start) > 0)
		return lexer_scan_string(lexer, start, token);
	if (c == '$')
		return lexer_scan_dollar(lexer, start, token);
	if (lexer_is_letter(c))
	{
		token->kind = LEX_WORD;
		return lexer_scan_word(lexer, start, true);
	}
	if (lexer_is_digit(c) || (c == '.' && start >= lexer->single_until &&
							  lexer_is_digit(lexer_at(lexer, start + 1))))
		return lexer_scan_number(lexer, start, token);
	if (lexer_is_pair(lexer, start, "--"))
		return lexer_scan_line_comment(lexer, start, token);
	if (lexer_is_pair(lexer, start, "/*"))
		return lexer_scan_block_comment(lexer, start, token);
	if (lexer_is_one_of(c, LEX_OPERATOR_BYTES))
		return lexer_scan_operator(lexer, start, token);
	if (c == '\\')
		return lexer_scan_psql(lexer, start, token);
	return lexer_scan_punct(lexer, start, token);
}

/* Skip white space, up to the first line of COPY data if any is due. */
static void
lexer_skip_space(Lexer *lexer)
{
	while (!lexer->in_copy_data &&
		   lexer_is_one_of(lexer_at(lexer, lexer->pos), " \t\n\r\f\v"))
	{
		char		c = lexer->text[lexer->pos++];

		if (c == '\n' || c == '\r')
			lexer->line_ended = true;
		if (c == '\n')
		{
			lexer->line++;
			lexer->in_copy_data = lexer->copies > 0;
		}
	}
}

/*
 * Keep track of statements, to know where COPY data begins.
 *
 * The first FROM outside of parentheses decides: a later one can be part of
 * WHERE a IS DISTINCT FROM stdin.  The server takes STDOUT for STDIN here.
 */
static void
lexer_follow(Lexer *lexer, const LexToken *token)
{
	int			c = lexer_at(lexer, token->offset);

	if (token->kind == LEX_LINE_COMMENT)
		return;
	if (token->kind != LEX_STRING || c == '$')
		lexer->escape_open = false;
	if (token->kind == LEX_BLOCK_COMMENT || token->kind >= LEX_PSQL)
		return;

	if (c == '(')
		lexer->depth++;
	else if (c == ')' && lexer->depth > 0)
		lexer->depth--;

	if (c == ';' && lexer->depth == 0)
	{
		lexer->copies += lexer->statement == LEX_STATEMENT_COPY_STDIN;
		lexer->statement = LEX_STATEMENT_START;
	}
	else if (lexer->statement == LEX_STATEMENT_START)
		lexer->statement = lexer_word_is(lexer, token, "copy") ?
			LEX_STATEMENT_COPY : LEX_STATEMENT_OTHER;
	else if (lexer->statement == LEX_STATEMENT_COPY_FROM)
		lexer->statement = lexer_word_is(lexer, token, "stdin") ||
			lexer_word_is(lexer, token, "stdout") ?
			LEX_STATEMENT_COPY_STDIN : LEX_STATEMENT_OTHER;
	else if (lexer->statement == LEX_STATEMENT_COPY && lexer->depth == 0 &&
			 lexer_word_is(lexer, token, "from"))
		lexer->statement = LEX_STATEMENT_COPY_FROM;
}

/* Start at the beginning of a text, behind its byte order mark. */
void
lexer_init(Lexer *lexer, const char *text, size_t length)
{
	memset(lexer, 0, sizeof(Lexer));
	lexer->text = text;
	lexer->length = length;
	lexer->line = 1;
	lexer->statement = LEX_STATEMENT_START;
	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
		lexer->pos = 3;
}

/* Read the next token and return its kind. */
LexKind
lexer_next(Lexer *lexer, LexToken *token)
{
	size_t		end;

	lexer_skip_space(lexer);
	end = lexer->pos;
	token->kind = LEX_END;
	token->offset = end;
	token->line = lexer->line;
	token->terminated = true;
	if (end < lexer->length)
		end = lexer_scan(lexer, end, token);
	token->length = end - token->offset;
	for (; lexer->pos < end; lexer->pos++)
	{
		if (lexer->text[lexer->pos] == '\n')
			lexer->line++;
	}
	lexer_follow(lexer, token);
	return token->kind;
}

/* Is the token this word, given in lower case?  A quoted one never is. */
bool
lexer_word_is(const Lexer *lexer, const LexToken *token, const char *lower_case_word)
{
	if (token->kind != LEX_WORD || token->length != strlen(lower_case_word))
		return false;
	for (size_t i = 0; i < token->length; i++)
	{
		if (lexer_lower(lexer->text[token->offset + i]) != lower_case_word[i])
			return false;
	}
	return true;
}
