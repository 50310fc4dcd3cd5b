/*-------------------------------------------------------------------------
 *
 * lexer_test.c
 *		Unit test of the lexer; prints TAP.
 *
 * Every case is a text and what the lexer must make of it, written as
 * kind[bytes] with "!" behind what is not terminated and "@n" where the line
 * differs from that of the token before.  Texts are copied to memory of their
 * exact length, so that a read behind the end is caught by the sanitizer.
 *
 *-------------------------------------------------------------------------
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lexer.h"

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

typedef struct TestCase
{
	const char *name;
	const char *text;
	const char *expected;
} TestCase;

static const char *const test_kinds[] = {
	"end", "word", "ident", "string", "number", "param", "op", "punct", "semi",
	"line", "block", "psql", "data", "dot"
};

static const TestCase test_cases[] = {
	/* nothing */
	{"empty text", "", ""},
	{"white space only", " \t\r\n\f\v ", ""},
	{"byte order mark only", "\xEF\xBB\xBF", ""},
	{"byte order mark before a word", "\xEF\xBB\xBFselect", "word[select]"},
	{"half a byte order mark is a word", "\xEF\xBB", "word[\xEF\xBB]"},
	{"byte order mark later is a word", " \xEF\xBB\xBF", "word[\xEF\xBB\xBF]"},

	/* words and quoted identifiers */
	{"words", "select _a b1 Z_9", "word[select] word[_a] word[b1] word[Z_9]"},
	{"high bytes are letters", "a\xC3\xA4 \xC3\xA4" "b", "word[a\xC3\xA4] word[\xC3\xA4" "b]"},
	{"the first high byte is a letter", "\x80" "a \x7F", "word[\x80" "a] punct[\x7F]"},
	{"dollar belongs to a word", "a$b$ c$1", "word[a$b$] word[c$1]"},
	{"quoted identifier", "\"a b\"\"c;\".d", "ident[\"a b\"\"c;\"] punct[.] word[d]"},
	{"backslash in an identifier is ordinary", "\"a\\\" b", "ident[\"a\\\"] word[b]"},
	{"quoted identifier over lines", "\"a\nb\" c", "ident[\"a\nb\"] word[c]@2"},
	{"unterminated identifier", "\"a;", "ident[\"a;]!"},
	{"identifier ending in doubled quotes", "\"a\"\"", "ident[\"a\"\"]!"},
	{"unicode identifier", "U&\"a;\" u&\"b\"", "ident[U&\"a;\"] ident[u&\"b\"]"},
	{"u and an operator", "u&a u& \"x\"", "word[u] op[&] word[a] word[u] op[&] ident[\"x\"]"},

	/* strings */
	{"string", "'a;b'", "string['a;b']"},
	{"doubled quotes", "'a''b' '''' ''", "string['a''b'] string[''''] string['']"},
	{"backslash in a string is ordinary", "'\\' 'a'", "string['\\'] string['a']"},
	{"unterminated string", "x 'a\n;", "word[x] string['a\n;]!"},
	{"string of doubled quotes only", "'''", "string[''']!"},
	{"escape string", "E'a\\'b;' e'\\\\' x", "string[E'a\\'b;'] string[e'\\\\'] word[x]"},
	{"doubled quotes in an escape string", "E'a''\\''", "string[E'a''\\'']"},
	{"escape string ending in a backslash", "E'\\", "string[E'\\]!"},
	{"escape string ending in an escaped quote", "E'\\'", "string[E'\\']!"},
	{"prefixes", "B'1' x'F' N'n\\' U&'\\0041' b'0'",
	"string[B'1'] string[x'F'] string[N'n\\'] string[U&'\\0041'] string[b'0']"},
	{"prefix letter at the end of a word", "ae'\\'", "word[ae] string['\\']"},
	{"prefix letter before a blank", "e '\\'", "word[e] string['\\']"},
	{"prefix letters without a quote", "e x b n u", "word[e] word[x] word[b] word[n] word[u]"},
	{"continued string", "'a'\n'b\\'", "string['a'] string['b\\']@2"},
	{"continued escape string", "E'a'\n'b\\'c' d", "string[E'a'] string['b\\'c']@2 word[d]"},
	{"escape string continued twice", "E''\n''\n'\\''", "string[E''] string['']@2 string['\\'']@3"},
	{"escape string continued behind a comment", "E'a' -- it's\n'\\''",
	"string[E'a'] line[-- it's] string['\\'']@2"},
	{"no continuation on the same line", "E'a' '\\'", "string[E'a'] string['\\']"},
	{"no continuation behind a block comment", "E'a' /*\n*/\n'\\'",
	"string[E'a'] block[/*\n*/] string['\\']@3"},
	{"no continuation behind a comma", "E'a',\n'\\'", "string[E'a'] punct[,] string['\\']@2"},
	{"no continuation behind a dollar quote", "E'a'\n$$x$$\n'\\'",
	"string[E'a'] string[$$x$$]@2 string['\\']@3"},
	{"no continuation of an identifier", "E'a'\n\"\\\"\n'\\'",
	"string[E'a'] ident[\"\\\"]@2 string['\\']@3"},
	{"escape string continued behind a carriage return", "E'a'\r'\\''",
	"string[E'a'] string['\\'']"},

	/* dollars */
	{"dollar quote", "$$a;'b$$ c", "string[$$a;'b$$] word[c]"},
	{"tagged dollar quote", "$a$ $$ $b$ $A$ $a$;", "string[$a$ $$ $b$ $A$ $a$] semi[;]"},
	{"dollars before the closing tag", "$a$$$a$ $a$$a$", "string[$a$$$a$] string[$a$$a$]"},
	{"closing tag overlaps a wrong one", "$a$x$b$a$", "string[$a$x$b$a$]"},
	{"closing tag after letters", "$a$xa$a$", "string[$a$xa$a$]"},
	{"tag of high bytes and digits", "$\xC3\xA4_1$x$\xC3\xA4_1$", "string[$\xC3\xA4_1$x$\xC3\xA4_1$]"},
	{"tag cannot begin with a digit", "$1$a$1$", "param[$1] string[$a$1$]!"},
	{"dollar quote over lines", "$$\n\n$$ a", "string[$$\n\n$$] word[a]@3"},
	{"unterminated dollar quote", "$a$ b $a", "string[$a$ b $a]!"},
	{"opening tag only", "$$", "string[$$]!"},
	{"lone dollars", "$ $a $a- $", "punct[$] punct[$] word[a] punct[$] word[a] op[-] punct[$]"},
	{"parameters", "$1 $23,$4", "param[$1] param[$23] punct[,] param[$4]"},

	/* numbers */
	{"numbers", "1 1.5 .5 5. 1e10 1.5E-3 1e+5", "number[1] number[1.5] number[.5] number[5.] number[1e10] number[1.5E-3] number[1e+5]"},
	{"numbers of other bases", "0x1F 0b01 0o17 0X_f", "number[0x1F] number[0b01] number[0o17] number[0X_f]"},
	{"underscores in numbers", "1_000 1_0.0_1e1_0 1_", "number[1_000] number[1_0.0_1e1_0] number[1] word[_]"},
	{"range", "1..2 a..b", "number[1] punct[.] punct[.] number[2] word[a] punct[.] punct[.] word[b]"},
	{"three dots", "...5", "punct[.] punct[.] number[.5]"},
	{"no exponent", "1e 1e+ 0x", "number[1] word[e] number[1] word[e] op[+] number[0] word[x]"},
	{"signs are operators", "-1+2", "op[-] number[1] op[+] number[2]"},

	/* operators and punctuation */
	{"operators", "a<=b ->> @> != ~~*", "word[a] op[<=] word[b] op[->>] op[@>] op[!=] op[~~*]"},
	{"sign behind an operator", "a=-1 b*-+1", "word[a] op[=] op[-] number[1] word[b] op[*] op[-] op[+] number[1]"},
	{"sign behind a special operator", "@- 1 ?-", "op[@-] number[1] op[?-]"},
	{"run of signs", "+-+-1", "op[+] op[-] op[+] op[-] number[1]"},
	{"operator stops before a comment", "a*--b\n+/*c*/=-/*d*/",
	"word[a] op[*] line[--b] op[+]@2 block[/*c*/] op[=] op[-] block[/*d*/]"},
	{"star and slash outside of a comment", "*/ */", "op[*/] op[*/]"},
	{"punctuation", "f(a[1],b)::t", "word[f] punct[(] word[a] punct[[] number[1] punct[]] punct[,] word[b] punct[)] punct[:] punct[:] word[t]"},
	{"assignment", "a:=-1 b:=@c", "word[a] punct[:] op[=] op[-] number[1] word[b] punct[:] op[=] op[@] word[c]"},
	{"unknown bytes", "{\x01}", "punct[{] punct[\x01] punct[}]"},
	{"semicolons", ";;a;", "semi[;] semi[;] word[a] semi[;]"},

	/* comments */
	{"line comment", "-- a\nb", "line[-- a] word[b]@2"},
	{"line comment before CR LF", "--a\r\n--\r\nb", "line[--a] line[--]@2 word[b]@3"},
	{"line comment ends at a carriage return", "--a\rb", "line[--a] word[b]"},
	{"line comment at the end", "a--", "word[a] line[--]"},
	{"quotes in comments", "-- it's\n/* it's */x", "line[-- it's] block[/* it's */]@2 word[x]"},
	{"block comments nest", "/* a /* b */ c */ d", "block[/* a /* b */ c */] word[d]"},
	{"stars and slashes in a comment", "/*/*/**/***/*/ a", "block[/*/*/**/***/*/] word[a]"},
	{"comment that only looks closed", "/*/", "block[/*/]!"},
	{"unterminated inner comment", "/* /* */ a", "block[/* /* */ a]!"},
	{"block comment over lines", "/*\n\n*/ a", "block[/*\n\n*/] word[a]@3"},

	/* psql */
	{"psql command", "\\connect a;b\nc", "psql[\\connect a;b] word[c]@2"},
	{"psql command before CR LF", "a \\g x\r\nb", "word[a] psql[\\g x] word[b]@2"},
	{"lone backslash", "\\\r\n\\", "psql[\\] psql[\\]@2"},
	{"backslash dot without COPY", "\\.\na", "psql[\\.] word[a]@2"},
	{"psql command keeps an inner carriage return", "\\a\rb\nc", "psql[\\a\rb] word[c]@2"},

	/* COPY */
	{"COPY data", "COPY t FROM stdin;\n1\t'a\n2\n\\.\nx",
	"word[COPY] word[t] word[FROM] word[stdin] semi[;] data[1\t'a\n2\n]@2 dot[\\.]@4 word[x]@5"},
	{"COPY data with CR LF", "copy t from stdin;\r\n1\r\n\\.\r\nx",
	"word[copy] word[t] word[from] word[stdin] semi[;] data[1\r\n]@2 dot[\\.]@3 word[x]@4"},
	{"empty COPY data", "copy t from stdin;\n\\.\n;",
	"word[copy] word[t] word[from] word[stdin] semi[;] dot[\\.]@2 semi[;]@3"},
	{"COPY data begins with an empty line", "copy t from stdin;\n\n\\.",
	"word[copy] word[t] word[from] word[stdin] semi[;] data[\n]@2 dot[\\.]@3"},
	{"COPY data unterminated", "copy t from stdin;\n1\n\\.x\n \\.\n\\. \n\\.\r",
	"word[copy] word[t] word[from] word[stdin] semi[;] data[1\n\\.x\n \\.\n\\. \n\\.\r]!@2"},
	{"COPY with options", "copy t (a, b) from stdin with (format csv, null 'x;') where a > 1;\n,\n\\.\n",
		"word[copy] word[t] punct[(] word[a] punct[,] word[b] punct[)] word[from] word[stdin] "
		"word[with] punct[(] word[format] word[csv] punct[,] word[null] string['x;'] punct[)] "
	"word[where] word[a] op[>] number[1] semi[;] data[,\n]@2 dot[\\.]@3"},
	{"COPY FROM STDOUT is COPY FROM STDIN", "copy t from stdout;\nx\n\\.",
	"word[copy] word[t] word[from] word[stdout] semi[;] data[x\n]@2 dot[\\.]@3"},
	{"comments inside of COPY", "/*a*/copy t from--b\n/*c*/stdin;--d\n'\n\\.",
		"block[/*a*/] word[copy] word[t] word[from] line[--b] block[/*c*/]@2 word[stdin] semi[;] "
	"line[--d] data['\n]@3 dot[\\.]@4"},
	{"tokens behind COPY's semicolon", "copy t from stdin; select 1;\n2\n\\.\n3",
		"word[copy] word[t] word[from] word[stdin] semi[;] word[select] number[1] semi[;] "
	"data[2\n]@2 dot[\\.]@3 number[3]@4"},
	{"token over lines behind COPY's semicolon", "copy t from stdin; 'a\nb'\n2\n\\.",
	"word[copy] word[t] word[from] word[stdin] semi[;] string['a\nb'] data[2\n]@3 dot[\\.]@4"},
	{"two COPY on one line", "copy a from stdin;copy b from stdin;\n1\n\\.\n2\n\\.\n3",
		"word[copy] word[a] word[from] word[stdin] semi[;] word[copy] word[b] word[from] word[stdin] "
	"semi[;] data[1\n]@2 dot[\\.]@3 data[2\n]@4 dot[\\.]@5 number[3]@6"},
	{"COPY after a COPY", "copy a from stdin;\n\\.\ncopy b from stdin;\n2\n\\.",
		"word[copy] word[a] word[from] word[stdin] semi[;] dot[\\.]@2 "
	"word[copy]@3 word[b] word[from] word[stdin] semi[;] data[2\n]@4 dot[\\.]@5"},
	{"COPY on the last line", "copy t from stdin; --a", "word[copy] word[t] word[from] word[stdin] semi[;] line[--a]"},
	{"COPY before the last line end", "copy t from stdin;\n", "word[copy] word[t] word[from] word[stdin] semi[;]"},
	{"COPY without a semicolon", "copy t from stdin\n1", "word[copy] word[t] word[from] word[stdin] number[1]@2"},
	{"COPY from a file", "copy t from 'stdin';\n1", "word[copy] word[t] word[from] string['stdin'] semi[;] number[1]@2"},
	{"a later FROM does not count", "copy t from 'f' where a is distinct from stdin;\n1",
		"word[copy] word[t] word[from] string['f'] word[where] word[a] word[is] word[distinct] "
	"word[from] word[stdin] semi[;] number[1]@2"},
	{"FROM in parentheses does not count", "copy (select 1 from stdin) to stdout;\n1",
		"word[copy] punct[(] word[select] number[1] word[from] word[stdin] punct[)] word[to] "
	"word[stdout] semi[;] number[1]@2"},
	{"quoted words do not count", "copy t from \"stdin\";\n1", "word[copy] word[t] word[from] ident[\"stdin\"] semi[;] number[1]@2"},
	{"COPY must begin the statement", "x copy t from stdin;\n1", "word[x] word[copy] word[t] word[from] word[stdin] semi[;] number[1]@2"},
	{"COPY in parentheses begins no statement", "(;copy t from stdin;\n1",
	"punct[(] semi[;] word[copy] word[t] word[from] word[stdin] semi[;] number[1]@2"},
	{"semicolon in parentheses ends no statement", "(;copy t) from stdin;\n1",
	"punct[(] semi[;] word[copy] word[t] punct[)] word[from] word[stdin] semi[;] number[1]@2"},
	{"closing parentheses too many", ")));copy t from stdin;\n1\n\\.",
		"punct[)] punct[)] punct[)] semi[;] word[copy] word[t] word[from] word[stdin] semi[;] "
	"data[1\n]@2 dot[\\.]@3"},
};

static int	test_number;
static int	test_failed;

/* Print one TAP line; what was got and expected only on failure. */
static void
test_ok(const char *name, bool ok, const char *got, const char *expected)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++test_number, name);
	if (ok)
		return;
	test_failed++;
	fprintf(stderr, "# %s\n#      got: %s\n# expected: %s\n", name, got, expected);
}

/* Append to a zero-terminated buffer of a known size. */
static void
test_append(char *buffer, size_t size, const char *format,...)
{
	size_t		used = strlen(buffer);
	va_list		args;

	va_start(args, format);
	vsnprintf(buffer + used, size - used, format, args);
	va_end(args);
}

/* Write down the tokens of a text. */
static void
test_render(const char *text, size_t length, char *buffer, size_t size)
{
	char	   *exact = malloc(length > 0 ? length : 1);
	Lexer		lexer;
	LexToken	token;
	int			line = 1;

	memcpy(exact, text, length);
	buffer[0] = '\0';
	lexer_init(&lexer, exact, length);
	while (lexer_next(&lexer, &token) != LEX_END)
	{
		test_append(buffer, size, "%s%s[%.*s]%s", buffer[0] ? " " : "",
					test_kinds[token.kind], (int) token.length,
					exact + token.offset, token.terminated ? "" : "!");
		if (token.line != line)
			test_append(buffer, size, "@%d", token.line);
		line = token.line;
	}
	free(exact);
}

/* Run the cases of the table. */
static void
test_tokens(void)
{
	for (size_t i = 0; i < LENGTH_OF(test_cases); i++)
	{
		const TestCase *c = &test_cases[i];
		char		got[4096];

		test_render(c->text, strlen(c->text), got, sizeof(got));
		test_ok(c->name, strcmp(got, c->expected) == 0, got, c->expected);
	}
}

/* The token at the end of the text, again and again. */
static void
test_end(void)
{
	Lexer		lexer;
	LexToken	token;
	bool		ok = true;

	lexer_init(&lexer, "a\n ", 3);
	(void) lexer_next(&lexer, &token);
	for (int i = 0; i < 3; i++)
		ok = ok && lexer_next(&lexer, &token) == LEX_END && token.kind == LEX_END &&
			token.offset == 3 && token.length == 0 && token.line == 2 && token.terminated;
	test_ok("end of the text repeats", ok, "", "");

	lexer_init(&lexer, NULL, 0);
	test_ok("no text at all", lexer_next(&lexer, &token) == LEX_END, "", "");

	lexer_init(&lexer, "\xEF\xBB\xBFx", 4);
	test_ok("byte order mark is skipped at once", lexer.pos == 3, "", "");
}

/* A zero byte is a byte. */
static void
test_zero_byte(void)
{
	static const char text[] = "a\0'b\0c'";
	Lexer		lexer;
	LexToken	token;
	bool		ok;

	lexer_init(&lexer, text, sizeof(text) - 1);
	ok = lexer_next(&lexer, &token) == LEX_WORD && token.length == 1;
	ok = ok && lexer_next(&lexer, &token) == LEX_PUNCT && token.length == 1;
	ok = ok && lexer_next(&lexer, &token) == LEX_STRING && token.length == 5;
	ok = ok && lexer_next(&lexer, &token) == LEX_END;
	test_ok("zero bytes", ok, "", "");
}

/* Compare tokens with words. */
static void
test_words(void)
{
	static const struct
	{
		const char *text;
		const char *word;
		bool		same;
	}			cases[] = {
		{"copy", "copy", true},
		{"CoPY x", "copy", true},
		{"cop", "copy", false},
		{"copyx", "copy", false},
		{"cope", "copy", false},
		{"\"copy\"", "\"copy\"", false},
		{"'copy'", "'copy'", false},
		{"\xC3\x84", "\xC3\xA4", false},
		{"a_b", "a_b", true},
	};

	for (size_t i = 0; i < LENGTH_OF(cases); i++)
	{
		Lexer		lexer;
		LexToken	token;
		char		name[64];

		lexer_init(&lexer, cases[i].text, strlen(cases[i].text));
		(void) lexer_next(&lexer, &token);
		snprintf(name, sizeof(name), "%s is%s the word %s", cases[i].text,
				 cases[i].same ? "" : " not", cases[i].word);
		test_ok(name, lexer_word_is(&lexer, &token, cases[i].word) == cases[i].same, "", "");
	}
}

/* Every beginning of every text of the table can be read. */
static void
test_beginnings(void)
{
	for (size_t i = 0; i < LENGTH_OF(test_cases); i++)
	{
		const char *text = test_cases[i].text;
		char		got[4096];

		for (size_t length = 0; length < strlen(text); length++)
			test_render(text, length, got, sizeof(got));
	}
	test_ok("every beginning of every text", true, "", "");
}

/* Run everything and print the plan. */
int
main(void)
{
	test_tokens();
	test_end();
	test_zero_byte();
	test_words();
	test_beginnings();
	printf("1..%d\n", test_number);
	return test_failed > 0 ? 1 : 0;
}
