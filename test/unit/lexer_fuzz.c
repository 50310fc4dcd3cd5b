/*-------------------------------------------------------------------------
 *
 * lexer_fuzz.c
 *		Fuzz target of the lexer.
 *
 * Aborts when a promise of lexer.h is broken for some text.  Two ways to run:
 *
 *	clang -fsanitize=fuzzer,address,undefined -Isrc -o lexer_fuzz \
 *		test/unit/lexer_fuzz.c src/lexer.c
 *	gcc -std=c99 -DSTANDALONE -fsanitize=address,undefined -Isrc -o lexer_fuzz \
 *		test/unit/lexer_fuzz.c src/lexer.c && ./lexer_fuzz [seed [rounds]]
 *
 * The second makes texts of fragments that are hard for a lexer.  It prints
 * its seed first and the round on failure, and the same seed makes the same
 * texts again.
 *
 *-------------------------------------------------------------------------
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lexer.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text at hand, and the line of a position in it. */
typedef struct FuzzText
{
	const char *text;
	size_t		length;
	size_t		counted;
	int			line;
	bool		copied;			/* the token before was COPY data */
} FuzzText;

#ifdef STANDALONE
static unsigned long fuzz_seed;
static long fuzz_round;
#endif

/* Abort, saying what is wrong, unless the condition holds. */
static void
fuzz_check(bool condition, const char *promise, const LexToken *token)
{
	if (condition)
		return;
	fprintf(stderr, "broken: %s (kind %d, offset %zu, length %zu, line %d)\n",
			promise, (int) token->kind, token->offset, token->length, token->line);
#ifdef STANDALONE
	fprintf(stderr, "seed %lu, round %ld\n", fuzz_seed, fuzz_round);
#endif
	abort();
}

/* Check that only white space was skipped, and the line of the token. */
static void
fuzz_check_gap(FuzzText *fuzz, size_t previous_end, const LexToken *token)
{
	static const char spaces[] = {' ', '\t', '\n', '\r', '\f', '\v'};

	fuzz_check(token->offset >= previous_end, "tokens do not overlap", token);
	fuzz_check(token->offset <= fuzz->length &&
			   token->length <= fuzz->length - token->offset,
			   "tokens lie within the text", token);
	for (size_t i = previous_end; i < token->offset; i++)
		fuzz_check(memchr(spaces, fuzz->text[i], sizeof(spaces)) != NULL,
				   "gaps are white space", token);
	for (; fuzz->counted < token->offset; fuzz->counted++)
		fuzz->line += fuzz->text[fuzz->counted] == '\n';
	fuzz_check(token->line == fuzz->line, "line", token);
}

/* Check that a token of COPY data or its end stands on lines of its own. */
static void
fuzz_check_copy(FuzzText *fuzz, const LexToken *token)
{
	const char *start = fuzz->text + token->offset;
	const char *end = start + token->length;

	fuzz_check(token->offset > 0 && start[-1] == '\n', "COPY begins a line", token);
	if (token->kind == LEX_COPY_END)
		fuzz_check(token->length == 2 && memcmp(start, "\\.", 2) == 0, "COPY end", token);
	else if (token->terminated)
		fuzz_check(end[-1] == '\n', "COPY data has whole lines", token);
	else
		fuzz_check(end == fuzz->text + fuzz->length, "COPY data to the end", token);
}

/* Check what the first and last byte say about the kind. */
static void
fuzz_check_bytes(FuzzText *fuzz, const LexToken *token)
{
	const char *start = fuzz->text + token->offset;
	char		last = start[token->length - 1];

	fuzz_check(!fuzz->copied || token->kind == LEX_COPY_END, "COPY data has an end", token);
	fuzz->copied = token->kind == LEX_COPY_DATA;
	switch (token->kind)
	{
		case LEX_STRING:
			fuzz_check(!token->terminated || last == '\'' || last == '$', "string", token);
			break;
		case LEX_IDENT:
			fuzz_check(!token->terminated || last == '"', "identifier", token);
			break;
		case LEX_SEMICOLON:
			fuzz_check(token->length == 1 && *start == ';', "semicolon", token);
			break;
		case LEX_PUNCT:
			fuzz_check(token->length == 1 && *start != ';', "punctuation", token);
			break;
		case LEX_LINE_COMMENT:
			fuzz_check(memchr(start, '\r', token->length) == NULL, "comment and CR", token);
			/* FALLTHROUGH */
		case LEX_PSQL:
			fuzz_check(memchr(start, '\n', token->length) == NULL, "one line", token);
			break;
		case LEX_BLOCK_COMMENT:
			fuzz_check(!token->terminated || (token->length >= 4 && last == '/'),
					   "block comment", token);
			break;
		case LEX_COPY_DATA:
		case LEX_COPY_END:
			fuzz_check_copy(fuzz, token);
			break;
		default:
			fuzz_check(token->terminated, "only what is quoted can be open", token);
			break;
	}
}

/* Lex one text and check everything. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzText	fuzz = {.text = (const char *) data, .length = size, .line = 1};
	Lexer		lexer;
	LexToken	token = {LEX_END, 0, 0, 1, true};
	size_t		end;

	lexer_init(&lexer, fuzz.text, size);
	end = lexer.pos;
	if (end > 0)
		fuzz_check(end == 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0, "byte order mark", &token);
	while (lexer_next(&lexer, &token) != LEX_END)
	{
		fuzz_check(token.kind > LEX_END && token.kind <= LEX_COPY_END, "kind", &token);
		fuzz_check(token.length > 0, "tokens advance", &token);
		fuzz_check_gap(&fuzz, end, &token);
		fuzz_check_bytes(&fuzz, &token);
		end = token.offset + token.length;
		fuzz_check(lexer.pos == end, "position", &token);
		fuzz_check(token.terminated || end == size, "open tokens run to the end", &token);
	}
	fuzz_check_gap(&fuzz, end, &token);
	fuzz_check(token.offset == size && token.length == 0, "end", &token);
	fuzz_check(lexer_next(&lexer, &token) == LEX_END && token.offset == size,
			   "end repeats", &token);
	return 0;
}

#ifdef STANDALONE

#include <time.h>

static const char *const fuzz_fragments[] = {
	"'", "''", "\"", "\"\"", "$", "$$", "$a$", "$b$", "$1", "$a", "a$b$", "E'", "e'\\'", "U&'",
	"U&\"", "u&", "N'", "b'", "X'", "x", "\\", "\\\\", "\\.", "\n\\.\n", "\r\n\\.\r\n", "\\restrict x\n",
	"--", "-- c\n", "/*", "*/", "/", "*", "+", "-", "=", "@", ":=", "::", "..", ".", "1", "1.5",
	".5", "1e", "1e+1", "0x", "0x1F", "1_0", "_", "(", ")", "[", "]", ",", ";", ";\n", ";\r\n",
	"COPY t FROM stdin;\n", "copy t from stdin;", "COPY", " FROM", " stdin", " stdout", "select ",
	" ", "\t", "\n", "\r", "\r\n", "\f", "\v", "\xEF\xBB\xBF", "\xC3\xA4", "{", "\x01", "\x7F"
};

/* Return a number below a limit; the state is the last one (xorshift). */
static size_t
fuzz_random(uint64_t * state, size_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (size_t) ((*state >> 16) % limit);
}

/* Make a text of random fragments, in memory of its exact length, and lex it. */
static void
fuzz_one_round(uint64_t * state)
{
	char		buffer[2048];
	size_t		length = 0;
	size_t		fragments = fuzz_random(state, 100);
	uint8_t    *exact;

	for (size_t i = 0; i < fragments; i++)
	{
		size_t		count = sizeof(fuzz_fragments) / sizeof(fuzz_fragments[0]);
		const char *fragment = fuzz_fragments[fuzz_random(state, count)];

		memcpy(buffer + length, fragment, strlen(fragment));
		length += strlen(fragment);
	}
	exact = malloc(length > 0 ? length : 1);
	memcpy(exact, buffer, length);
	LLVMFuzzerTestOneInput(exact, length);
	free(exact);
}

/* Run rounds of random texts: lexer_fuzz [seed [rounds]]. */
int
main(int argc, char **argv)
{
	long		rounds = argc > 2 ? atol(argv[2]) : 20000;
	uint64_t	state;

	fuzz_seed = argc > 1 ? strtoul(argv[1], NULL, 10) : (unsigned long) time(NULL);
	printf("seed %lu\n", fuzz_seed);
	fflush(stdout);				/* a sanitizer may end the process */
	/* a state of zero would stay zero */
	state = (fuzz_seed + 1) * UINT64_C(0x9E3779B97F4A7C15) | 1;
	for (fuzz_round = 1; fuzz_round <= rounds; fuzz_round++)
		fuzz_one_round(&state);
	printf("%ld rounds passed\n", rounds);
	return 0;
}

#endif							/* STANDALONE */
