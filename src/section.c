/*-------------------------------------------------------------------------
 *
 * section.c
 *		Split files that hold both directions, under the markers of dbmate and
 *		goose, into their scripts.
 *
 * Each script keeps the line numbers of the file, so that an error names the
 * line people see in their editor: the lines of the other one are left empty.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "layout.h"
#include "section.h"

#define SECTION_BLANKS " \t\r\f\v"
#define SECTION_BOM "\xEF\xBB\xBF"
#define SECTION_NO_TRANSACTION "-- migrate: no-transaction"

/* What a line says about the sections. */
typedef enum SectionMarkKind
{
	SECTION_MARK_NONE,			/* not a marker */
	SECTION_MARK_UP,			/* the up section begins */
	SECTION_MARK_DOWN,			/* the down section begins */
	SECTION_MARK_FILE			/* something about the whole file */
} SectionMarkKind;

typedef struct SectionMark
{
	SectionMarkKind kind;
	bool		no_transaction;
} SectionMark;

/* One of the two scripts being written. */
typedef struct Section
{
	StringInfoData text;
	int			line;			/* of its marker, or 0 */
	int			blanks;			/* empty lines owed before more text */
} Section;

/* A file being file. */
typedef struct SectionFile
{
	const Layout *layout;
	int			line;			/* the one at hand, from 1 */
	int			mark_line;		/* of the first section, or 0 */
	int			loose_line;		/* the first statement above a section, or 0 */
	LayoutDirection current;	/* whose section takes the line at hand */
	Section		sections[2];	/* by direction */
} SectionFile;

/* Raise what every file that cannot be split raises. */
static void
section_refuse(const SectionFile *file, int line, const char *message,
			   const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s at line %d", message, line),
			 errdetail("The file is that of migration " INT64_FORMAT " (%s).",
					   file->layout->version, file->layout->name),
			 errhint("%s", hint)));
}

/* Read what follows "+goose" in a marker of goose. */
static SectionMark
section_read_goose(const SectionFile *file, const char *text)
{
	static const struct
	{
		const char *text;
		SectionMark mark;
	}			known[] = {
		{"Up", {SECTION_MARK_UP}},
		{"Down", {SECTION_MARK_DOWN}},
		{"NO TRANSACTION", {SECTION_MARK_FILE, true}},
		{"StatementBegin", {SECTION_MARK_FILE}},
		{"StatementEnd", {SECTION_MARK_FILE}},
	};

	for (int i = 0; i < lengthof(known); i++)
	{
		if (pg_strcasecmp(known[i].text, text) == 0)
			return known[i].mark;
	}
	if (pg_strncasecmp(text, "ENVSUB", 6) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("marker \"+goose %s\" at line %d is not supported", text, file->line),
				 errhint("Environment variables are not replaced; write the values themselves.")));
	section_refuse(file, file->line, psprintf("unknown marker \"+goose %s\"", text),
				   "Known are: \"Up\", \"Down\", \"NO TRANSACTION\", \"StatementBegin\", \"StatementEnd\".");
	return known[0].mark;		/* keep the compiler quiet */
}

/*
 * Read what follows "migrate:" in a marker of dbmate: up or down, and options.
 * Anything else is a directive of our own, and left alone.
 */
static SectionMark
section_read_dbmate(const SectionFile *file, char *text)
{
	SectionMark mark = {SECTION_MARK_NONE};
	char	   *rest;
	char	   *word = strtok_r(text, SECTION_BLANKS, &rest);

	if (word != NULL && pg_strcasecmp(word, "up") == 0)
		mark.kind = SECTION_MARK_UP;
	else if (word != NULL && pg_strcasecmp(word, "down") == 0)
		mark.kind = SECTION_MARK_DOWN;
	else
		return mark;

	while ((word = strtok_r(NULL, SECTION_BLANKS, &rest)) != NULL)
	{
		if (pg_strcasecmp(word, "transaction:false") == 0)
			mark.no_transaction = true;
		else if (pg_strcasecmp(word, "transaction:true") != 0)
			section_refuse(file, file->line, psprintf("unknown option \"%s\" of a marker", word),
						   "Known is: \"transaction:false\".");
	}
	return mark;
}

/* Return where the text of a line begins, behind a byte order mark and blanks. */
static const char *
section_line_text(const char *line)
{
	if (strncmp(line, SECTION_BOM, strlen(SECTION_BOM)) == 0)
		line += strlen(SECTION_BOM);
	return line + strspn(line, SECTION_BLANKS);
}

/* Return a copy of the line's comment without "--" and blanks, or NULL. */
static char *
section_comment(const char *line, const char *end)
{
	const char *text = section_line_text(line);

	if (strncmp(text, "--", 2) != 0)
		return NULL;
	text += 2 + strspn(text + 2, SECTION_BLANKS);
	while (end > text && strchr(SECTION_BLANKS, end[-1]) != NULL)
		end--;
	return pnstrdup(text, end - text);
}

/* Read the line at hand as a marker, which most are not. */
static SectionMark
section_read_mark(SectionFile *file, const char *line, const char *end)
{
	SectionMark mark = {SECTION_MARK_NONE};
	char	   *comment = section_comment(line, end);

	if (comment == NULL)
	{
		if (file->sections[file->current].line == 0 && file->loose_line == 0 &&
			section_line_text(line) < end)
			file->loose_line = file->line;
	}
	else if (pg_strncasecmp(comment, "+goose", 6) == 0)
		mark = section_read_goose(file, comment + 6 + strspn(comment + 6, SECTION_BLANKS));
	else if (pg_strncasecmp(comment, "migrate:", 8) == 0)
		mark = section_read_dbmate(file, comment + 8);
	return mark;
}

/* Take note of a marker: enter the section that it begins. */
static void
section_enter(SectionFile *file, SectionMark mark)
{
	bool		is_down = mark.kind == SECTION_MARK_DOWN;
	Section    *section = &file->sections[is_down ? LAYOUT_DOWN : LAYOUT_UP];

	if (mark.kind == SECTION_MARK_FILE)
		return;
	if (file->mark_line == 0)
		file->mark_line = file->line;
	if (section->line != 0)
		section_refuse(file, file->line, is_down ? "second down section" : "second up section",
					   psprintf("The first is at line %d; join them.", section->line));
	section->line = file->line;
	file->current = is_down ? LAYOUT_DOWN : LAYOUT_UP;
}

/* Tell whether a section begins at a marker. */
static bool
section_begins(SectionMark mark)
{
	return mark.kind == SECTION_MARK_UP || mark.kind == SECTION_MARK_DOWN;
}

/*
 * Write the line at hand to the script it belongs to, and leave it empty in
 * the other one; so is the marker of a section in both, unless it forbids a
 * transaction.
 */
static void
section_write(SectionFile *file, SectionMark mark, const char *line, int length)
{
	for (int i = 0; i < lengthof(file->sections); i++)
	{
		Section    *section = &file->sections[i];
		bool		own = i == file->current || mark.kind == SECTION_MARK_FILE;

		if (!own || (section_begins(mark) && !mark.no_transaction))
		{
			section->blanks++;
			continue;
		}
		for (; section->blanks > 0; section->blanks--)
			appendStringInfoChar(&section->text, '\n');
		if (mark.no_transaction)
			appendStringInfoString(&section->text, SECTION_NO_TRANSACTION "\n");
		else
			appendBinaryStringInfo(&section->text, line, length);
	}
}

/* Raise an error unless the markers found belong together. */
static void
section_check_marks(const SectionFile *file)
{
	int			up = file->sections[LAYOUT_UP].line;
	int			down = file->sections[LAYOUT_DOWN].line;

	if (file->layout->direction == LAYOUT_DOWN)
		section_refuse(file, file->mark_line, "marker in a down script",
					   "Remove it, or keep both directions in the file of the up script alone.");
	if (up == 0 || (down != 0 && down < up))
		section_refuse(file, down, "down section without an up section above it",
					   "Begin the file with \"-- migrate:up\" or \"-- +goose Up\".");
	if (file->loose_line != 0)
		section_refuse(file, file->loose_line, "text above the up section",
					   "Only empty lines and \"--\" comments may stand above the first section.");
}

/* Finish a file without sections; sqlx forbids a transaction in line 1. */
static void
section_unmarked(LayoutDirection direction, char *text, SectionScripts *scripts)
{
	const char *sqlx = "no-transaction";
	const char *end = text + strcspn(text, "\r\n");
	const char *comment = section_comment(text, end);

	if (comment != NULL && pg_strncasecmp(comment, sqlx, strlen(sqlx)) == 0)
		text = psprintf("%s%s", SECTION_NO_TRANSACTION, end);
	scripts->up = direction == LAYOUT_UP ? text : NULL;
	scripts->down = direction == LAYOUT_DOWN ? text : NULL;
}

/*
 * Split the content of a file into its scripts, for each of which the lines
 * of the other one are left empty.  What stands above the first marker is the
 * header, and part of the up script; without sections the whole file is one
 * script, in which goose's other annotations may stand.  A line that reads as a
 * marker is one even inside a string, as it is for dbmate and goose.
 */
void
migrate_section_split(const Layout *layout, const char *content,
					  SectionScripts *scripts)
{
	SectionFile file = {.layout = layout};
	Section    *up = &file.sections[LAYOUT_UP];
	Section    *down = &file.sections[LAYOUT_DOWN];
	const char *next;

	initStringInfo(&up->text);
	initStringInfo(&down->text);
	for (const char *line = content; *line != '\0'; line = next)
	{
		const char *end = line + strcspn(line, "\n");
		SectionMark mark;

		next = *end == '\n' ? end + 1 : end;
		file.line++;
		mark = section_read_mark(&file, line, end);
		if (mark.kind != SECTION_MARK_NONE)
			section_enter(&file, mark);
		section_write(&file, mark, line, next - line);
	}

	/* Without sections, all of it stands where a header goes. */
	if (file.mark_line == 0)
	{
		section_unmarked(layout->direction, up->text.data, scripts);
		return;
	}
	section_check_marks(&file);
	scripts->up = up->text.data;
	scripts->down = down->line != 0 ? down->text.data : NULL;
}
