/*-------------------------------------------------------------------------
 *
 * naming.c
 *		How things are to be called: the setting migrate.lint_naming.
 *
 * Its value is a list of KIND=REGEX, separated by spaces.  Kinds that it does not
 * have are to be called as names that need no quotes are: in lower case.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "regex/regex.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"

#include "naming.h"

#define NAMING_DEFAULT "^[a-z_][a-z0-9_]*$"

static char *naming_setting;

static const char *const naming_kinds[] = {
	[NAMING_COLUMN] = "column",
	[NAMING_CONSTRAINT] = "constraint",
	[NAMING_FUNCTION] = "function",
	[NAMING_INDEX] = "index",
	[NAMING_SCHEMA] = "schema",
	[NAMING_SEQUENCE] = "sequence",
	[NAMING_TABLE] = "table",
	[NAMING_TRIGGER] = "trigger",
	[NAMING_TYPE] = "type",
	[NAMING_VIEW] = "view",
};

/* Return how a kind is called. */
const char *
migrate_naming_kind(NamingKind kind)
{
	return naming_kinds[kind];
}

/*
 * Find the next KIND=REGEX of a value, and move behind it; false = there is no
 * other one.  Of one that is malformed the regex is NULL.
 */
static bool
naming_next(const char **at, NamingKind *kind, char **regex)
{
	const char *start = *at + strspn(*at, " \t\n");
	size_t		length = strcspn(start, " \t\n");

	*at = start + length;
	*regex = NULL;
	for (int i = 0; i < NAMING_KINDS; i++)
	{
		size_t		word = strlen(naming_kinds[i]);

		if (length <= word || strncmp(start, naming_kinds[i], word) != 0 || start[word] != '=')
			continue;
		*kind = (NamingKind) i;
		*regex = pnstrdup(start + word + 1, length - word - 1);
	}
	return length > 0;
}

/* Tell whether a regular expression compiles. */
static bool
naming_compiles(const char *regex)
{
	size_t		length = strlen(regex);
	pg_wchar   *wide = palloc((length + 1) * sizeof(pg_wchar));
	int			count = pg_mb2wchar_with_len(regex, wide, length);
	regex_t		compiled;

	if (pg_regcomp(&compiled, wide, count, REG_ADVANCED | REG_NOSUB, C_COLLATION_OID) != REG_OKAY)
		return false;
	pg_regfree(&compiled);
	return true;
}

/* Accept lists of KIND=REGEX. */
static bool
naming_check(char **newval, void **extra, GucSource source)
{
	const char *at = *newval;
	NamingKind	kind;
	char	   *regex;

	while (naming_next(&at, &kind, &regex))
	{
		if (regex == NULL)
		{
			GUC_check_errdetail("It is a list of KIND=REGEX, separated by spaces.");
			GUC_check_errhint("Kinds are column, constraint, function, index, schema, sequence, table, trigger, type and view.");
			return false;
		}
		if (!naming_compiles(regex))
		{
			GUC_check_errdetail("\"%s\" is not a regular expression.", regex);
			return false;
		}
	}
	return true;
}

/* Tell whether a name is as the setting says. */
bool
migrate_naming_matches(NamingKind kind, const char *name)
{
	const char *at = naming_setting;
	const char *wanted = NAMING_DEFAULT;
	NamingKind	found;
	char	   *regex;

	while (naming_next(&at, &found, &regex))
		if (regex != NULL && found == kind)
			wanted = regex;
	return DatumGetBool(OidFunctionCall2Coll(F_TEXTREGEXEQ, C_COLLATION_OID,
											 CStringGetTextDatum(name), CStringGetTextDatum(wanted)));
}

/* Define the setting. */
void
migrate_naming_init(void)
{
	DefineCustomStringVariable("migrate.lint_naming",
							   "Says how things are to be called, for the rule naming-convention.",
							   "A list of KIND=REGEX, separated by spaces; what it leaves out is to be called in lower case.",
							   &naming_setting,
							   "",
							   PGC_USERSET,
							   0,
							   naming_check, NULL, NULL);
}
