/*-------------------------------------------------------------------------
 *
 * layout.c
 *		What the path of a migration file says.
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
 * version) is an error: a migration must never be left out in silence.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "layout.h"
#include "settings.h"

#define LAYOUT_NAME_LIMIT 200
#define LAYOUT_DIGITS "0123456789"
#define LAYOUT_BLANKS " \t\r\f\v"

/* The parts of a path that matter. */
typedef struct LayoutPath
{
	const char *path;			/* as given, for messages */
	char	   *directory;		/* the last one, or "" */
	char	   *stem;			/* file name without .sql, .up.sql, .down.sql */
	bool		rollbacks;		/* the directory is one of down scripts */
	bool		down;			/* the file holds a down script */
} LayoutPath;

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

/* Tell whether a directory is called like one of down scripts. */
static bool
layout_is_rollbacks(const char *directory)
{
	return pg_strcasecmp(directory, "rollbacks") == 0 ||
		pg_strcasecmp(directory, "rollback") == 0 ||
		pg_strcasecmp(directory, "down") == 0;
}

/*
 * Take a path apart; returns false unless it is that of an SQL file.  Down
 * scripts may stand one directory deeper: rollbacks/2024/003_x.sql.
 */
static bool
layout_cut_path(const char *path, LayoutPath *parts)
{
	const char *file = path;
	char	   *directory = "";
	char	   *parent = "";

	for (const char *p = path; *p != '\0'; p++)
	{
		if (*p != '/' && *p != '\\')
			continue;
		/* a//b and a/./b are a/b */
		if (p > file && strncmp(file, "./", 2) != 0)
		{
			parent = directory;
			directory = pnstrdup(file, p - file);
		}
		file = p + 1;
	}
	if (*file == '.')
		return false;

	parts->path = path;
	parts->directory = directory;
	parts->stem = pstrdup(file);
	if (!layout_cut_suffix(parts->stem, ".sql"))
		return false;
	parts->rollbacks = layout_is_rollbacks(directory) ||
		(layout_is_rollbacks(parent) && pg_strcasecmp(directory, "migrations") != 0);
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
		strspn(name, MIGRATE_NAME_CHARACTERS) == length)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid migration name \"%s\"",
					pnstrdup(name, pg_mbcliplen(name, length, LAYOUT_NAME_LIMIT))),
			 length > LAYOUT_NAME_LIMIT ? errdetail("It has %zu bytes.", length) : 0,
			 errhint("A name has 1 to %d characters out of A-Z, a-z, 0-9, \".\", \"_\" and \"-\".",
					 LAYOUT_NAME_LIMIT)));
}
