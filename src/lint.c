/*-------------------------------------------------------------------------
 *
 * lint.c
 *		Look at scripts for what may go wrong on a live database.
 *
 * Each statement is looked at with its prediction (predict.c) and the catalogs as
 * they are now; the files lint*.c have the rules of one section each.  What
 * earlier statements and scripts of the plan make is remembered by name: such
 * relations are new, empty, and used by nobody.
 *
 * Invariants:
 *
 * - Nothing is waited for, locked or written.
 * - Size is never a reason to keep silent about loss of data or about what breaks.
 * - A finding is left out for one statement by a directive above it, or for a
 *   relation by a row of migrate.lint_override, each with a reason.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "attempt.h"
#include "describe.h"
#include "lint.h"
#include "predicting.h"
#include "settings.h"

/* How many statements are looked at in one subtransaction. */
#define LINT_STATEMENTS 100

/* Begin, with nothing known.  The caller is connected to SPI. */
Lint *
migrate_lint_begin(void)
{
	Lint	   *lint = palloc0(sizeof(Lint));

	lint->overrides = migrate_lint_overrides();
	lint->altered = keyset_create(CurrentMemoryContext, 64, NULL);
	lint->names.made = keyset_create(CurrentMemoryContext, 64, NULL);
	lint->held_places = keyset_create(CurrentMemoryContext, 64, NULL);
	return lint;
}

/* Tell whether the statement's directives ask for silence about a rule. */
static bool
lint_is_ignored(LintStatement *statement, const char *rule)
{
	ListCell   *lc;
	ListCell   *name;

	foreach(lc, statement->ignores)
	{
		foreach(name, ((DirectiveIgnore *) lfirst(lc))->rules)
		{
			if (strcmp(lfirst(name), rule) != 0)
				continue;
			statement->used = lappend(statement->used, lfirst(name));
			return true;
		}
	}
	return false;
}

/* Tell whether somebody has said that a rule does not matter for a relation. */
static bool
lint_is_overridden(const Lint *lint, const LintFinding *finding)
{
	ListCell   *lc;

	foreach(lc, lint->overrides)
	{
		LintOverride *item = lfirst(lc);

		if (strcmp(item->rule, migrate_lint_rules[finding->rule].name) == 0 &&
			(item->relation == NULL ||
			 (finding->relation != NULL && strcmp(item->relation, finding->relation) == 0)))
			return true;
	}
	return false;
}

/* Tell whether a rule is on: not optional, or asked for. */
bool
migrate_lint_wanted(LintRuleId id)
{
	const LintRule *rule = &migrate_lint_rules[id];
	List	   *names;
	ListCell   *lc;

	if (!rule->optional)
		return true;
	if (*migrate_lint_rules_wanted == '\0')
		return false;
	if (!SplitIdentifierString(pstrdup(migrate_lint_rules_wanted), ',', &names))
		return false;
	foreach(lc, names)
		if (strcmp(lfirst(lc), rule->name) == 0)
		return true;
	return false;
}

/* Say something of the statement. */
static LintFinding *
lint_find(LintStatement *statement, LintRuleId rule, Oid relid, const LintBasis *basis,
		  char *message)
{
	LintFinding *finding;

	if (!migrate_lint_wanted(rule))
		return NULL;
	finding = palloc0(sizeof(LintFinding));
	finding->statement = statement->number;
	finding->line = statement->line;
	finding->rule = rule;
	finding->relid = relid;
	finding->relation = OidIsValid(relid) ? migrate_describe_relation(relid) : NULL;
	finding->proved = OidIsValid(relid) || basis->fails;
	finding->message = message;
	if (!migrate_lint_derive(statement, finding, basis) ||
		lint_is_overridden(statement->lint, finding) ||
		lint_is_ignored(statement, migrate_lint_rules[rule].name))
		return NULL;
	statement->lint->findings = lappend(statement->lint->findings, finding);
	return finding;
}

/* Format a message. */
static char *lint_format(const char *format, va_list args) pg_attribute_printf(1, 0);

static char *
lint_format(const char *format, va_list args)
{
	StringInfoData message;

	initStringInfo(&message);
	for (;;)
	{
		va_list		copy;
		int			needed;

		va_copy(copy, args);
		needed = appendStringInfoVA(&message, format, copy);
		va_end(copy);
		if (needed == 0)
			return message.data;
		enlargeStringInfo(&message, needed);
	}
}

/*
 * Say something of the statement; relid may be InvalidOid.  Returns the finding,
 * or NULL if it is not to be told.
 */
LintFinding *
migrate_lint_find(LintStatement *statement, LintRuleId rule, Oid relid, const char *format,...)
{
	LintBasis	basis = {.ms = -1, .lost = OidIsValid(relid) ? list_make1_oid(relid) : NIL};
	va_list		args;
	char	   *message;

	if (!migrate_lint_wanted(rule))
		return NULL;
	va_start(args, format);
	message = lint_format(format, args);
	va_end(args);
	return lint_find(statement, rule, relid, &basis, message);
}

/* The same, of work that is done while a lock of an earlier statement is held. */
LintFinding *
migrate_lint_find_under(LintStatement *statement, LintRuleId rule, const PredictedRelation *held,
						const char *format,...)
{
	LintBasis	basis = {.lock = held, .ms = -1};
	va_list		args;
	char	   *message;

	va_start(args, format);
	message = lint_format(format, args);
	va_end(args);
	return lint_find(statement, rule, held->relid, &basis, message);
}

/* The same, of a lock that others stand in the way of, for so many milliseconds so far. */
LintFinding *
migrate_lint_find_waiting(LintStatement *statement, LintRuleId rule, const PredictedRelation *lock,
						  int64 ms, const char *format,...)
{
	LintBasis	basis = {.lock = lock, .ms = ms};
	va_list		args;
	char	   *message;

	va_start(args, format);
	message = lint_format(format, args);
	va_end(args);
	return lint_find(statement, rule, lock->relid, &basis, message);
}

/*
 * The same, of the loss of the rows of some relations; InvalidOid among them stands
 * for what is no relation and never kept.
 */
LintFinding *
migrate_lint_find_loss(LintStatement *statement, LintRuleId rule, Oid relid, List *lost,
					   const char *format,...)
{
	LintBasis	basis = {.ms = -1, .lost = lost};
	va_list		args;
	char	   *message;

	va_start(args, format);
	message = lint_format(format, args);
	va_end(args);
	return lint_find(statement, rule, relid, &basis, message);
}

/* The same, of a statement that was found to fail. */
LintFinding *
migrate_lint_find_failing(LintStatement *statement, LintRuleId rule, Oid relid,
						  const char *format,...)
{
	LintBasis	basis = {.ms = -1, .fails = true};
	va_list		args;
	char	   *message;

	va_start(args, format);
	message = lint_format(format, args);
	va_end(args);
	return lint_find(statement, rule, relid, &basis, message);
}

/* Note that a finding, if there is one, comes from the catalogs. */
void
migrate_lint_prove(LintFinding *finding)
{
	if (finding != NULL)
		finding->proved = true;
}

/* Count the line ends in a text. */
static int
lint_lines(const char *text, int length)
{
	const char *end = text + length;
	int			lines = 0;

	while ((text = memchr(text, '\n', end - text)) != NULL)
	{
		lines++;
		text++;
	}
	return lines;
}

/* List the directives that stand between the statement before and this one. */
static List *
lint_ignores(const Script *script, int after, int line)
{
	List	   *ignores = NIL;
	ListCell   *lc;

	foreach(lc, script->directives.ignores)
	{
		DirectiveIgnore *item = lfirst(lc);

		if (item->line > after && item->line < line)
			ignores = lappend(ignores, item);
	}
	return ignores;
}

/* Report directives that name no rule, or that had nothing to ignore. */
static void
lint_check_ignores(LintStatement *statement)
{
	ListCell   *lc;
	ListCell   *name;

	foreach(lc, statement->ignores)
	{
		foreach(name, ((DirectiveIgnore *) lfirst(lc))->rules)
		{
			bool		exists = false;

			for (int i = 0; i < LINT_RULES; i++)
				exists |= strcmp(migrate_lint_rules[i].name, lfirst(name)) == 0;
			if (!exists)
				migrate_lint_find(statement, LINT_UNUSED_IGNORE, InvalidOid,
								  "there is no rule \"%s\" to be ignored", (char *) lfirst(name));
			else if (!list_member_ptr(statement->used, lfirst(name)))
				migrate_lint_find(statement, LINT_UNUSED_IGNORE, InvalidOid,
								  "rule \"%s\" is ignored, but has nothing to say here", (char *) lfirst(name));
		}
	}
}

/* What a statement will do is the first thing to be found out. */
static void
lint_predict(LintStatement *statement)
{
	migrate_prediction_statement(unconstify(Prediction *, statement->prediction), statement->node);
}

/* What is done with each statement, in this order. */
static void (*const lint_steps[]) (LintStatement *) =
{
	lint_predict, migrate_lint_index, migrate_lint_column, migrate_lint_definition, migrate_lint_table,
		migrate_lint_routine, migrate_lint_partition, migrate_lint_transaction, lint_check_ignores,
		migrate_lint_remember, migrate_lint_note_changes,
};

/* How far a script has been looked at. */
typedef struct LintProgress
{
	LintStatement statement;	/* the one at hand */
	int			place;			/* of the one at hand among all */
	int			step;			/* the next one to be taken with it */
	int			after;			/* line that the one before ends in */
} LintProgress;

/* Forget the locks that are held until the end of a transaction. */
static void
lint_release(Lint *lint)
{
	lint->held = lint->key_parents = NIL;
	keyset_reset(lint->held_places);
}

/* Begin with a statement. */
static void
lint_statement_begin(LintProgress *progress, const ScriptStatement *stmt)
{
	LintStatement *statement = &progress->statement;

	statement->number++;
	statement->line = stmt->line;
	statement->text = pnstrdup(statement->script->clean + stmt->offset, stmt->length);
	statement->node = stmt->node;
	statement->prediction = palloc0(sizeof(Prediction));
	statement->ignores = lint_ignores(statement->script, progress->after, stmt->line);
	statement->used = NIL;
	statement->lint->names.last = NULL;
}

/*
 * Look at some statements.  An error ends it: the statement will say so itself,
 * and the next call goes on after the step that has raised it.
 */
static void
lint_go_on(void *argument)
{
	LintProgress *progress = argument;
	const Script *script = progress->statement.script;
	Lint	   *lint = progress->statement.lint;
	int			end = Min(list_length(script->statements), progress->place + LINT_STATEMENTS);

	/* what the script has set has ended with the subtransaction before */
	if (lint->search_path != NULL)
		(void) set_config_option("search_path", lint->search_path, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	for (; progress->place < end; progress->place++)
	{
		ScriptStatement *stmt = list_nth(script->statements, progress->place);

		CHECK_FOR_INTERRUPTS();
		if (stmt->skipped)
			continue;
		if (progress->step == 0)
			lint_statement_begin(progress, stmt);
		while (progress->step < lengthof(lint_steps))
			lint_steps[progress->step++] (&progress->statement);
		/* each statement is a transaction of its own then */
		if (script->directives.no_transaction)
			lint_release(lint);
		progress->step = 0;
		progress->after = stmt->line + lint_lines(script->clean + stmt->offset, stmt->length);
	}
}

/*
 * Look at a script.  Names are looked up as the current user, in the search path
 * in force: the caller has set what the script's directives say.  The script was
 * read by migrate_script_read_trees().
 */
void
migrate_lint_script_read(Lint *lint, const Script *script)
{
	LintStatement last = {.lint = lint, .script = script, .number = 0};
	LintProgress progress = {.statement = {.lint = lint, .script = script}};

	lint_release(lint);
	lint->search_path = NULL;
	migrate_lint_transaction_begin(lint, script);
	while (progress.place < list_length(script->statements))
		(void) migrate_attempt(lint_go_on, &progress);
	last.prediction = palloc0(sizeof(Prediction));
	migrate_lint_transaction_end(&last);
}
