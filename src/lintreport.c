/*-------------------------------------------------------------------------
 *
 * lintreport.c
 *		Lint over SQL: migrate_lint() and migrate_lint_script().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "argument.h"
#include "lint.h"
#include "plan.h"
#include "registry.h"

PG_FUNCTION_INFO_V1(migrate_lint);
PG_FUNCTION_INFO_V1(migrate_lint_script);
PG_FUNCTION_INFO_V1(migrate_lint_rules_list);

#define LINTREPORT_COLUMNS 12
#define LINTREPORT_RULE_COLUMNS 6

/* Set a column to a text, or to NULL. */
static void
lintreport_text(Datum *values, bool *isnull, int column, const char *text)
{
	isnull[column] = text == NULL;
	values[column] = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

/* Add the row of a finding; version 0 = of a script that is not registered. */
static void
lintreport_put(ReturnSetInfo *result, int64 version, const LintFinding *finding)
{
	const LintRule *rule = &migrate_lint_rules[finding->rule];
	Datum		values[LINTREPORT_COLUMNS];
	bool		isnull[LINTREPORT_COLUMNS] = {false};

	values[0] = Int64GetDatum(version);
	isnull[0] = version == 0;
	values[1] = Int32GetDatum(finding->statement);
	values[2] = Int32GetDatum(finding->line);
	isnull[1] = finding->statement == 0;
	isnull[2] = finding->line == 0;
	lintreport_text(values, isnull, 3, rule->name);
	lintreport_text(values, isnull, 4, migrate_lint_severity_name(finding->severity));
	lintreport_text(values, isnull, 5, finding->relation);
	lintreport_text(values, isnull, 6, finding->message);
	lintreport_text(values, isnull, 7, *rule->hint == '\0' ? NULL : rule->hint);
	lintreport_text(values, isnull, 8, finding->mode == NoLock ? NULL :
					GetLockmodeName(DEFAULT_LOCKMETHOD, finding->mode));
	lintreport_text(values, isnull, 9, finding->work);
	values[10] = Int64GetDatum(finding->bytes);
	isnull[10] = finding->bytes < 0;
	values[11] = BoolGetDatum(finding->proved);
	tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
}

/* Look at one script with the search path that it asks for, and report. */
static void
lintreport_script(ReturnSetInfo *result, Lint *lint, const char *body, PositionFrame *frame)
{
	int			level = NewGUCNestLevel();
	Script	   *script = migrate_script_read_trees(body, frame);
	ListCell   *lc;

	(void) set_config_option("standard_conforming_strings", "on", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (script->directives.search_path != NULL)
		(void) set_config_option("search_path", script->directives.search_path, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	lint->findings = NIL;
	migrate_lint_script_read(lint, script);
	foreach(lc, result == NULL ? NIL : lint->findings)
		lintreport_put(result, frame->version, lfirst(lc));
	AtEOXact_GUC(false, level);
}

/*
 * SQL: migrate_lint(version bigint DEFAULT NULL)
 *
 * Those before a version are looked at, too, for what they make; only its own
 * findings are told.
 */
Datum
migrate_lint(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		version = PG_ARGISNULL(0) ? 0 : migrate_argument_version(fcinfo, 0, 1);
	MigratePlan *plan;
	Lint	   *lint;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	plan = migrate_plan_up(version);
	lint = migrate_lint_begin();
	foreach(lc, plan->steps)
	{
		PlanStep   *step = lfirst(lc);
		PositionFrame frame = {.version = step->version, .name = step->name, .direction = "up"};

		lint->version = step->version;
		lint->out_of_order = step->out_of_order;
		lint->has_down = migrate_registry_find(step->version)->down.checksums.known;
		lintreport_script(version == 0 || version == step->version ? result : NULL, lint,
						  migrate_registry_body(step->version, "up"), &frame);
	}
	SPI_finish();
	return (Datum) 0;
}

/* SQL: migrate_lint_script(script text) */
Datum
migrate_lint_script(PG_FUNCTION_ARGS)
{
	PositionFrame frame = {.name = "script", .direction = "up"};

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	lintreport_script((ReturnSetInfo *) fcinfo->resultinfo, migrate_lint_begin(),
					  text_to_cstring(PG_GETARG_TEXT_PP(0)), &frame);
	SPI_finish();
	return (Datum) 0;
}

/* SQL: migrate.lint_rules() */
Datum
migrate_lint_rules_list(PG_FUNCTION_ARGS)
{
	static const char *const derivations[] = {"lock", "loss", "break", "proof", "advice"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < LINT_RULES; i++)
	{
		const LintRule *rule = &migrate_lint_rules[i];
		Datum		values[LINTREPORT_RULE_COLUMNS];
		bool		isnull[LINTREPORT_RULE_COLUMNS] = {false};

		values[0] = CStringGetTextDatum(rule->name);
		values[1] = PointerGetDatum(cstring_to_text_with_len(&rule->section, 1));
		values[2] = CStringGetTextDatum(rule->matches);
		values[3] = CStringGetTextDatum(derivations[rule->derivation]);
		values[4] = BoolGetDatum(rule->optional);
		lintreport_text(values, isnull, 5, *rule->hint == '\0' ? NULL : rule->hint);
		tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
	}
	return (Datum) 0;
}
