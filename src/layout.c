/*-------------------------------------------------------------------------
 *
 * layout.c
 *		What a migration file's path says, and the scripts it holds.
 *
 * The layouts of the tools people come from are all read:
 *
 * - migrations/003_x.sql with rollbacks/003_rollback_x.sql, our own;
 * - 20240102030405_x.sql: Supabase CLI, sqlx;
 * - 003_x.up.sql with 003_x.down.sql: golang-migrate, sqlx;
 * - 003_x.sql with both directions under markers: dbmate, goose;
 * - V3__x.sql with U3__x.sql: Flyway;
 * - 2024-01-02-030405_x/up.sql with down.sql: diesel; x/migration.sql: Prisma.
 *
 * A path that looks like one of them but cannot be used (version 0, a dotted
 * version) is an error: a migration must never be left out in silence.  When a
 * file is split, each script keeps the line numbers of the file, so that an
 * error names the line people see in their editor.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "layout.h"

#define LAYOUT_NAME_LIMIT 200
#define LAYOUT_DIGITS "0123456789"
#define LAYOUT_NAME_CHARACTERS \
	LAYOUT_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-"
#define LAYOUT_BLANKS " \t\r\f\v"
#define LAYOUT_BOM "\xEF\xBB\xBF"
#define LAYOUT_NO_TRANSACTION "-- migrate: no-transaction"

/* The parts of a path that matter. */
typedef struct LayoutPath
{
	const char *path;			/* as given, for messages */
	char	   *directory;		/* the last one, or "" */
	char	   *stem;			/* file name without .sql, .up.sql, .down.sql */
	bool		rollbacks;		/* the directory is one of down scripts */
	bool		down;			/* the file holds a down script */
} LayoutPath;

/* What a line says about the sections. */
typedef enum LayoutMarkKind
{
	LAYOUT_MARK_NONE,			/* not a marker */
	LAYOUT_MARK_UP,				/* the up section begins */
	LAYOUT_MARK_DOWN,			/* the down section begins */
	LAYOUT_MARK_FILE			/* something about the whole file */
} LayoutMarkKind;

typedef struct LayoutMark
{
	LayoutMarkKind kind;
	bool		no_transaction;
} LayoutMark;

/* One of the two scripts being written. */
typedef struct LayoutSection
{
	StringInfoData text;
	int			line;			/* of its marker, or 0 */
	int			blanks;			/* empty lines owed before more text */
} LayoutSection;

/* A file being split. */
typedef struct LayoutSplit
{
	const Layout *layout;
	int			line;			/* the one at hand, from 1 */
	int			mark_line;		/* of the first section, or 0 */
	int			loose_line;		/* the first statement above a section, or 0 */
	LayoutDirection current;	/* whose section takes the line at hand */
	LayoutSection sections[2];	/* by direction */
} LayoutSplit;

/* Cut a suffix off text, whatever its case; returns whether it was there. */
static bool
layout_cut_suffix(char *text, const char *suffix)
{
	size_t		length = strlen(text);
	size_t		cut = strlen(suffix);

	if (length < cut || pg_strcasecmp(text + length - cut, suffix) != 0)
		return false;
	text[length - cut] = '\0';
	return true;
}

/* Take a path apart; returns false unless it is that of an SQL file. */
static bool
layout_cut_path(const char *path, LayoutPath *parts)
{
	const char *file = path;
	const char *directory = path;
	int			length = 0;

	for (const char *p = path; *p != '\0'; p++)
	{
		if (*p != '/' && *p != '\\')
			continue;
		/* a//b and a/./b are a/b */
		if (p > file && strncmp(file, "./", 2) != 0)
		{
			directory = file;
			length = p - file;
		}
		file = p + 1;
	}
	if (*file == '.')
		return false;

	parts->path = path;
	parts->directory = pnstrdup(directory, length);
	parts->stem = pstrdup(file);
	if (!layout_cut_suffix(parts->stem, ".sql"))
		return false;
	parts->rollbacks = pg_strcasecmp(parts->directory, "rollbacks") == 0 ||
		pg_strcasecmp(parts->directory, "rollback") == 0 ||
		pg_strcasecmp(parts->directory, "down") == 0;
	parts->down = layout_cut_suffix(parts->stem, ".down") || parts->rollbacks;
	(void) layout_cut_suffix(parts->stem, ".up");
	return true;
}

/* Set the version from its digits; dashes between them do not count. */
static void
layout_set_version(Layout *layout, const LayoutPath *parts,
				   const char *text, int length)
{
	char	   *digits = pnstrdup(text, length);
	char	   *to = digits;

	for (const char *p = digits; *p != '\0'; p++)
	{
		if (*p != '-')
			*to++ = *p;
	}
	*to = '\0';
	errno = 0;
	layout->version_text = digits;
	layout->version = strtoll(digits, &to, 10);
	if (*to != '\0' || errno != 0 || layout->version <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("version \"%s\" of file \"%s\" is not usable", digits, parts->path),
				 errhint("Versions are whole numbers from 1 to 9223372036854775807; rename the file.")));
}

/*
 * Set name and direction.  A file without a name is called like its version,
 * and a down script like the migration it takes back.
 */
static void
layout_set_name(Layout *layout, const LayoutPath *parts, const char *name)
{
	bool		prefixed = parts->rollbacks && pg_strncasecmp(name, "rollback_", 9) == 0;

	layout->name = pstrdup(prefixed ? name + 9 : name);
	if (parts->rollbacks && !prefixed)
		(void) layout_cut_suffix(layout->name, "_rollback");
	if (layout->name[0] == '\0')
		layout->name = pstrdup(layout->version_text);
	for (char *p = layout->name; *(p += strcspn(p, LAYOUT_BLANKS)) != '\0';)
		*p = '_';
	layout->direction = parts->down ? LAYOUT_DOWN : LAYOUT_UP;
}

/*
 * Read VERSION_NAME or VERSION alone, where version is made of the given
 * characters, a digit first and last; returns whether text is that.
 */
static bool
layout_read_plain(Layout *layout, const LayoutPath *parts,
				  const char *text, const char *characters)
{
	int			length = strspn(text, characters);

	if (length == 0 || text[0] == '-' || text[length - 1] == '-' ||
		(text[length] != '_' && text[length] != '\0'))
		return false;
	layout_set_version(layout, parts, text, length);
	layout_set_name(layout, parts, text + length + (text[length] == '_'));
	return true;
}

/* Read a directory per migration, as diesel and Prisma have them. */
static bool
layout_read_directory(Layout *layout, LayoutPath *parts)
{
	if (pg_strcasecmp(parts->stem, "down") == 0)
		parts->down = true;
	else if (pg_strcasecmp(parts->stem, "up") != 0 &&
			 pg_strcasecmp(parts->stem, "migration") != 0)
		return false;
	return layout_read_plain(layout, parts, parts->directory, LAYOUT_DIGITS "-");
}

/* Read V3__name, U3__name and R__name, as Flyway has them. */
static bool
layout_read_flyway(Layout *layout, LayoutPath *parts)
{
	int			prefix = pg_toupper((unsigned char) parts->stem[0]);
	const char *text = parts->stem + 1;
	const char *name = strstr(text, "__");
	int			length = name ? name - text : strlen(text);

	if (prefix == 'R' && name == text)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("repeatable migration \"%s\" is not supported", parts->path),
				 errhint("Give each change of it a version, as in V12__name.sql.")));
	if ((prefix != 'V' && prefix != 'U') || strspn(text, LAYOUT_DIGITS) == 0 ||
		strspn(text, LAYOUT_DIGITS "._") < length)
		return false;
	parts->down |= prefix == 'U';
	layout_set_version(layout, parts, text, length);
	layout_set_name(layout, parts, name ? name + 2 : "");
	return true;
}

/*
 * Read version, name and direction from the path of a file; returns false if
 * it is not a migration's.  A path that looks like one but cannot be used is
 * an error.  Whether an up file holds the down script too is left open.
 */
bool
migrate_layout_parse(const char *path, Layout *layout)
{
	LayoutPath	parts;

	if (!layout_cut_path(path, &parts))
		return false;
	return layout_read_directory(layout, &parts) ||
		layout_read_flyway(layout, &parts) ||
		layout_read_plain(layout, &parts, parts.stem, LAYOUT_DIGITS);
}

/* Raise an error unless name can be that of a migration. */
void
migrate_layout_check_name(const char *name)
{
	size_t		length = name ? strlen(name) : 0;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("migration name must not be null"),
				 errhint("Give a name such as \"add_users\".")));
	if (length > 0 && length <= LAYOUT_NAME_LIMIT &&
		strspn(name, LAYOUT_NAME_CHARACTERS) == length)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid migration name \"%s\"",
					pnstrdup(name, pg_mbcliplen(name, length, LAYOUT_NAME_LIMIT))),
			 length > LAYOUT_NAME_LIMIT ? errdetail("It has %zu bytes.", length) : 0,
			 errhint("A name has 1 to %d characters out of A-Z, a-z, 0-9, \".\", \"_\" and \"-\".",
					 LAYOUT_NAME_LIMIT)));
}

/* Raise what every file that cannot be split raises. */
static void
layout_refuse(const LayoutSplit *split, int line, const char *message,
			  const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s at line %d", message, line),
			 errdetail("The file is that of migration " INT64_FORMAT " (%s).",
					   split->layout->version, split->layout->name),
			 errhint("%s", hint)));
}

/* Read what follows "+goose" in a marker of goose. */
static LayoutMark
layout_read_goose(const LayoutSplit *split, const char *text)
{
	static const struct
	{
		const char *text;
		LayoutMark	mark;
	}			known[] = {
		{"Up", {LAYOUT_MARK_UP}},
		{"Down", {LAYOUT_MARK_DOWN}},
		{"NO TRANSACTION", {LAYOUT_MARK_FILE, true}},
		{"StatementBegin", {LAYOUT_MARK_FILE}},
		{"StatementEnd", {LAYOUT_MARK_FILE}},
	};

	for (int i = 0; i < lengthof(known); i++)
	{
		if (pg_strcasecmp(known[i].text, text) == 0)
			return known[i].mark;
	}
	if (pg_strncasecmp(text, "ENVSUB", 6) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("marker \"+goose %s\" at line %d is not supported", text, split->line),
				 errhint("Environment variables are not replaced; write the values themselves.")));
	layout_refuse(split, split->line, psprintf("unknown marker \"+goose %s\"", text),
				  "Known are: \"Up\", \"Down\", \"NO TRANSACTION\", \"StatementBegin\", \"StatementEnd\".");
	return known[0].mark;		/* keep the compiler quiet */
}

/*
 * Read what follows "migrate:" in a marker of dbmate: up or down, and options.
 * Anything else is a directive of our own, and left alone.
 */
static LayoutMark
layout_read_dbmate(const LayoutSplit *split, char *text)
{
	LayoutMark	mark = {LAYOUT_MARK_NONE};
	char	   *rest;
	char	   *word = strtok_r(text, LAYOUT_BLANKS, &rest);

	if (word != NULL && pg_strcasecmp(word, "up") == 0)
		mark.kind = LAYOUT_MARK_UP;
	else if (word != NULL && pg_strcasecmp(word, "down") == 0)
		mark.kind = LAYOUT_MARK_DOWN;
	else
		return mark;

	while ((word = strtok_r(NULL, LAYOUT_BLANKS, &rest)) != NULL)
	{
		if (pg_strcasecmp(word, "transaction:false") == 0)
			mark.no_transaction = true;
		else if (pg_strcasecmp(word, "transaction:true") != 0)
			layout_refuse(split, split->line, psprintf("unknown option \"%s\" of a marker", word),
						  "Known is: \"transaction:false\".");
	}
	return mark;
}

/* Return where the text of a line begins, behind a byte order mark and blanks. */
static const char *
layout_line_text(const char *line)
{
	if (strncmp(line, LAYOUT_BOM, strlen(LAYOUT_BOM)) == 0)
		line += strlen(LAYOUT_BOM);
	return line + strspn(line, LAYOUT_BLANKS);
}

/* Return a copy of the line's comment without "--" and blanks, or NULL. */
static char *
layout_comment(const char *line, const char *end)
{
	const char *text = layout_line_text(line);

	if (strncmp(text, "--", 2) != 0)
		return NULL;
	text += 2 + strspn(text + 2, LAYOUT_BLANKS);
	while (end > text && strchr(LAYOUT_BLANKS, end[-1]) != NULL)
		end--;
	return pnstrdup(text, end - text);
}

/* Read the line at hand as a marker, which most are not. */
static LayoutMark
layout_read_mark(LayoutSplit *split, const char *line, const char *end)
{
	LayoutMark	mark = {LAYOUT_MARK_NONE};
	char	   *comment = layout_comment(line, end);

	if (comment == NULL)
	{
		if (split->sections[split->current].line == 0 && split->loose_line == 0 &&
			layout_line_text(line) < end)
			split->loose_line = split->line;
	}
	else if (pg_strncasecmp(comment, "+goose", 6) == 0)
		mark = layout_read_goose(split, comment + 6 + strspn(comment + 6, LAYOUT_BLANKS));
	else if (pg_strncasecmp(comment, "migrate:", 8) == 0)
		mark = layout_read_dbmate(split, comment + 8);
	return mark;
}

/* Take note of a marker: enter the section that it begins. */
static void
layout_enter(LayoutSplit *split, LayoutMark mark)
{
	bool		is_down = mark.kind == LAYOUT_MARK_DOWN;
	LayoutSection *section = &split->sections[is_down ? LAYOUT_DOWN : LAYOUT_UP];

	if (mark.kind == LAYOUT_MARK_FILE)
		return;
	if (split->mark_line == 0)
		split->mark_line = split->line;
	if (section->line != 0)
		layout_refuse(split, split->line, is_down ? "second down section" : "second up section",
					  psprintf("The first is at line %d; join them.", section->line));
	section->line = split->line;
	split->current = is_down ? LAYOUT_DOWN : LAYOUT_UP;
}

/* Tell whether a section begins at a marker. */
static bool
layout_begins(LayoutMark mark)
{
	return mark.kind == LAYOUT_MARK_UP || mark.kind == LAYOUT_MARK_DOWN;
}

/*
 * Write the line at hand to the script it belongs to, and leave it empty in
 * the other one; so is the marker of a section in both, unless it forbids a
 * transaction.
 */
static void
layout_write(LayoutSplit *split, LayoutMark mark, const char *line, int length)
{
	for (int i = 0; i < lengthof(split->sections); i++)
	{
		LayoutSection *section = &split->sections[i];
		bool		own = i == split->current || mark.kind == LAYOUT_MARK_FILE;

		if (!own || (layout_begins(mark) && !mark.no_transaction))
		{
			section->blanks++;
			continue;
		}
		for (; section->blanks > 0; section->blanks--)
			appendStringInfoChar(&section->text, '\n');
		if (mark.no_transaction)
			appendStringInfoString(&section->text, LAYOUT_NO_TRANSACTION "\n");
		else
			appendBinaryStringInfo(&section->text, line, length);
	}
}

/* Raise an error unless the markers found belong together. */
static void
layout_check_marks(const LayoutSplit *split)
{
	int			up = split->sections[LAYOUT_UP].line;
	int			down = split->sections[LAYOUT_DOWN].line;

	if (split->layout->direction == LAYOUT_DOWN)
		layout_refuse(split, split->mark_line, "marker in a down script",
					  "Remove it, or keep both directions in the file of the up script alone.");
	if (up == 0 || (down != 0 && down < up))
		layout_refuse(split, down, "down section without an up section above it",
					  "Begin the file with \"-- migrate:up\" or \"-- +goose Up\".");
	if (split->loose_line != 0)
		layout_refuse(split, split->loose_line, "text above the up section",
					  "Only empty lines and \"--\" comments may stand above the first section.");
}

/* Finish a file without sections; sqlx forbids a transaction in line 1. */
static void
layout_unmarked(LayoutDirection direction, char *text, LayoutScripts *scripts)
{
	const char *sqlx = "no-transaction";
	const char *end = text + strcspn(text, "\r\n");
	const char *comment = layout_comment(text, end);

	if (comment != NULL && pg_strncasecmp(comment, sqlx, strlen(sqlx)) == 0)
		text = psprintf("%s%s", LAYOUT_NO_TRANSACTION, end);
	scripts->up = direction == LAYOUT_UP ? text : NULL;
	scripts->down = direction == LAYOUT_DOWN ? text : NULL;
}

/*
 * Split the content of a file into its scripts, for each of which the lines
 * of the other one are left empty.  What stands above the first marker is the
 * header, and part of the up script; without sections the whole file is one
 * script, in which goose's other annotations may stand.  A line that reads as a marker is one
 * even inside a string, as it is for dbmate and goose.
 */
void
migrate_layout_split(const Layout *layout, const char *content,
					 LayoutScripts *scripts)
{
	LayoutSplit split = {.layout = layout};
	LayoutSection *up = &split.sections[LAYOUT_UP];
	LayoutSection *down = &split.sections[LAYOUT_DOWN];
	const char *next;

	initStringInfo(&up->text);
	initStringInfo(&down->text);
	for (const char *line = content; *line != '\0'; line = next)
	{
		const char *end = line + strcspn(line, "\n");
		LayoutMark	mark;

		next = *end == '\n' ? end + 1 : end;
		split.line++;
		mark = layout_read_mark(&split, line, end);
		if (mark.kind != LAYOUT_MARK_NONE)
			layout_enter(&split, mark);
		layout_write(&split, mark, line, next - line);
	}

	/* Without sections, all of it stands where a header goes. */
	if (split.mark_line == 0)
	{
		layout_unmarked(layout->direction, up->text.data, scripts);
		return;
	}
	layout_check_marks(&split);
	scripts->up = up->text.data;
	scripts->down = down->line != 0 ? down->text.data : NULL;
}
