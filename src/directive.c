/*-------------------------------------------------------------------------
 *
 * directive.c
 *		What the comments of a script say: its header and its directives.
 *
 * A header line ("-- Author: data team") only describes, so one that is not
 * known is a comment like any other.  A directive ("-- migrate: role = app")
 * changes what happens, so one that is not known is an error with its line:
 * a misspelt "no-transaction" must never be skipped in silence.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "directive.h"

#define DIRECTIVE_PREFIX "migrate:"

/* One directive being read. */
typedef struct DirectiveLine
{
	const char *key;
	char	   *value;			/* NULL when there is no "= value" */
	int			line;
} DirectiveLine;

typedef struct DirectiveRule
{
	const char *key;
	bool		has_value;
	void		(*read) (ScriptDirectives *directives, const DirectiveLine *at);
	const char *example;
} DirectiveRule;

/* Copy text[0..length) without the blanks around it. */
static char *
directive_trim(const char *text, int length)
{
	while (length > 0 && isspace((unsigned char) *text))
	{
		text++;
		length--;
	}
	while (length > 0 && isspace((unsigned char) text[length - 1]))
		length--;
	return pnstrdup(text, length);
}

/* Raise what every malformed directive raises. */
static void
directive_refuse(const DirectiveLine *at, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid directive \"%s\" at line %d", at->key, at->line),
			 errdetail("%s", detail)));
}

/* no-transaction: the script must not run inside a transaction block. */
static void
directive_no_transaction(ScriptDirectives *directives, const DirectiveLine *at)
{
	directives->no_transaction = true;
}

/* role = NAME: run the script as this role. */
static void
directive_role(ScriptDirectives *directives, const DirectiveLine *at)
{
	List	   *names;

	if (directives->role != NULL)
		directive_refuse(at, "The role is given twice.");
	if (!SplitIdentifierString(pstrdup(at->value), ',', &names) || list_length(names) != 1)
		directive_refuse(at, "A role is one name; quote it as in SQL where it needs quotes.");
	directives->role = linitial(names);
}

/* search_path = SCHEMA, ...: run the script with this search_path. */
static void
directive_search_path(ScriptDirectives *directives, const DirectiveLine *at)
{
	if (directives->search_path != NULL)
		directive_refuse(at, "The search_path is given twice.");
	directives->search_path = at->value;
}

/* lock_timeout = TIME: wait this long for a lock, instead of the default. */
static void
directive_lock_timeout(ScriptDirectives *directives, const DirectiveLine *at)
{
	int			ms;
	const char *hint;

	if (directives->lock_timeout != NULL)
		directive_refuse(at, "The lock_timeout is given twice.");
	if (!parse_int(at->value, &ms, GUC_UNIT_MS, &hint) || ms < 0)
		directive_refuse(at, hint ? hint : "A lock_timeout is a time such as 500ms or 2s.");
	directives->lock_timeout = at->value;
}

/* Read one version of a list and move *p behind it; 0 if there is none. */
static int64
directive_version(const char **p)
{
	char	   *end;
	int64		version;

	errno = 0;
	version = strtoll(*p, &end, 10);
	if (end == *p || errno != 0 || version <= 0)
		return 0;
	while (isspace((unsigned char) *end))
		end++;
	*p = end;
	return version;
}

/* requires = VERSION, ...: these versions must be applied first. */
static void
directive_requires(ScriptDirectives *directives, const DirectiveLine *at)
{
	const char *p = at->value;

	for (;; p++)
	{
		int64		version = directive_version(&p);
		ListCell   *lc;

		if (version == 0 || (*p != ',' && *p != '\0'))
			directive_refuse(at, "What is required is a list of versions, such as 7, 9.");
		foreach(lc, directives->requires)
		{
			if (*(int64 *) lfirst(lc) == version)
				directive_refuse(at, "A version is listed twice.");
		}
		directives->requires = lappend(directives->requires,
									   memcpy(palloc(sizeof(int64)), &version, sizeof(int64)));
		if (*p == '\0')
			return;
	}
}

/* no-backup RELATION: REASON: rows of this relation may go without being kept. */
static void
directive_no_backup(ScriptDirectives *directives, const DirectiveLine *at)
{
	DirectiveNoBackup *item = palloc0(sizeof(DirectiveNoBackup));
	char	   *colon = strchr(at->value, ':');

	if (colon != NULL)
	{
		item->relation = directive_trim(at->value, colon - at->value);
		item->reason = directive_trim(colon + 1, strlen(colon + 1));
	}
	if (colon == NULL || *item->relation == '\0' || *item->relation == '=' || *item->reason == '\0')
		directive_refuse(at, "It names a relation and the reason, as in \"no-backup public.cache: can be built again\".");
	directives->no_backup = lappend(directives->no_backup, item);
}

/* ignore RULE, ...: REASON: findings of these rules on the next statement are not told. */
static void
directive_ignore(ScriptDirectives *directives, const DirectiveLine *at)
{
	DirectiveIgnore *item = palloc0(sizeof(DirectiveIgnore));
	char	   *colon = strchr(at->value, ':');
	char	   *names = colon == NULL ? NULL : directive_trim(at->value, colon - at->value);

	item->line = at->line;
	if (colon != NULL)
		item->reason = directive_trim(colon + 1, strlen(colon + 1));
	for (char *name = names; name != NULL && *name != '\0';)
	{
		char	   *comma = strchr(name, ',');
		Size		length = comma == NULL ? strlen(name) : comma - name;

		item->rules = lappend(item->rules, directive_trim(name, length));
		name = comma == NULL ? NULL : comma + 1;
	}
	if (item->rules == NIL || *item->reason == '\0' || *names == '=')
		directive_refuse(at, "It names rules and the reason, as in \"ignore ban-drop-column: nothing reads it since 2.3\".");
	directives->ignores = lappend(directives->ignores, item);
}

static const DirectiveRule directive_rules[] = {
	{"no-transaction", false, directive_no_transaction, "no-transaction"},
	{"role", true, directive_role, "role = app_owner"},
	{"search_path", true, directive_search_path, "search_path = app, public"},
	{"lock_timeout", true, directive_lock_timeout, "lock_timeout = 500ms"},
	{"requires", true, directive_requires, "requires = 7, 9"},
	{"no-backup", true, directive_no_backup, "no-backup public.cache: can be built again"},
	{"ignore", true, directive_ignore, "ignore ban-drop-column: nothing reads it since 2.3"},
};

/* Name the directives there are, for the hint of an unknown one. */
static char *
directive_examples(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < lengthof(directive_rules); i++)
		appendStringInfo(&buf, "%s\"%s\"", i ? ", " : "", directive_rules[i].example);
	return buf.data;
}

/* Raise the error of a directive that is not known. */
static void
directive_unknown(const DirectiveLine *at)
{
	bool		dbmate = strcmp(at->key, "up") == 0 || strcmp(at->key, "down") == 0;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown directive \"%s\" at line %d", at->key, at->line),
			 dbmate ?
			 errhint("A file that holds both directions is registered with migrate_register_file().") :
			 errhint("Known are: %s.", directive_examples())));
}

/*
 * Refuse the markers of files that hold both directions: read as one script,
 * they would be done and undone in one go.
 */
static void
directive_refuse_marker(const char *text, int line)
{
	static const char *const markers[] = {"+goose Up", "+goose Down", "+migrate Up", "+migrate Down"};

	for (int i = 0; i < lengthof(markers); i++)
	{
		if (pg_strncasecmp(text, markers[i], strlen(markers[i])) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("marker \"%s\" at line %d in a script of one direction", markers[i], line),
					 text[1] == 'g' ?
					 errhint("A file that holds both directions is registered with migrate_register_file().") :
					 errhint("Split the file into one for each direction.")));
	}
}

/*
 * Read one line comment; returns the directive it is, in one spelling for all,
 * or NULL if it is none or does not change what the script does.  A malformed or unknown directive is an error.
 */
char *
migrate_directive_read(ScriptDirectives *directives, const char *comment,
					   int length, int line)
{
	char	   *text = directive_trim(comment + 2, length - 2);
	char	   *equals;
	DirectiveLine at = {.line = line};

	if (pg_strncasecmp(text, DIRECTIVE_PREFIX, strlen(DIRECTIVE_PREFIX)) != 0)
	{
		directive_refuse_marker(text, line);
		pfree(text);
		return NULL;
	}
	text += strlen(DIRECTIVE_PREFIX);
	text = directive_trim(text, strlen(text));
	equals = strchr(text, '=');
	/* these two are followed by their value as a word, not as a setting's */
	if (pg_strncasecmp(text, "no-backup ", 10) == 0 || pg_strncasecmp(text, "ignore ", 7) == 0)
		equals = strchr(text, ' ');
	at.key = directive_trim(text, equals ? equals - text : strlen(text));
	if (equals != NULL)
		at.value = directive_trim(equals + 1, strlen(equals + 1));

	for (int i = 0; i < lengthof(directive_rules); i++)
	{
		const DirectiveRule *rule = &directive_rules[i];

		if (pg_strcasecmp(rule->key, at.key) != 0)
			continue;
		if (rule->has_value && (at.value == NULL || *at.value == '\0'))
			directive_refuse(&at, psprintf("It needs a value, as in \"%s\".", rule->example));
		if (!rule->has_value && at.value != NULL)
			directive_refuse(&at, "It takes no value.");
		rule->read(directives, &at);
		/* what lint is told not to say is no change of the script */
		if (rule->read == directive_ignore)
			return NULL;
		return psprintf(DIRECTIVE_PREFIX "%s=%s", rule->key, at.value ? at.value : "");
	}
	directive_unknown(&at);
	return NULL;				/* keep the compiler quiet */
}

/* Read one line comment of the header; the first of each key counts. */
void
migrate_header_read(ScriptHeader *header, const char *comment, int length)
{
	struct
	{
		const char *key;
		char	  **value;
	}			fields[] = {
		{"migration", &header->migration},
		{"description", &header->description},
		{"author", &header->author},
		{"date", &header->date},
		{"release", &header->release},
	};
	const char *colon = memchr(comment, ':', length);
	char	   *key;

	if (colon == NULL)
		return;
	key = directive_trim(comment + 2, colon - comment - 2);
	for (int i = 0; i < lengthof(fields); i++)
	{
		if (pg_strcasecmp(fields[i].key, key) == 0 && *fields[i].value == NULL)
		{
			char	   *value = directive_trim(colon + 1, comment + length - colon - 1);

			if (*value != '\0')
				*fields[i].value = value;
		}
	}
	pfree(key);
}
