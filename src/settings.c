/*-------------------------------------------------------------------------
 *
 * settings.c
 *		The migrate.* settings.
 *
 * The prefix is reserved, so that a misspelt setting is an error and not a
 * silently accepted placeholder.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "storage/proc.h"
#include "utils/guc.h"

#include "naming.h"
#include "settings.h"

char	   *migrate_environment;
bool		migrate_out_of_order;
int			migrate_lock_timeout;
int			migrate_lock_patience;
int			migrate_rehearse_budget;
int			migrate_script_limit;
bool		migrate_snapshots;
int			migrate_drift;
int			migrate_rollback_verify;
bool		migrate_backups;
int			migrate_backup_limit;
char	   *migrate_lint_rules_wanted;

static const struct config_enum_entry settings_drift_options[] = {
	{"default", SETTINGS_DRIFT_DEFAULT, false},
	{"refuse", SETTINGS_DRIFT_REFUSE, false},
	{"warn", SETTINGS_DRIFT_WARN, false},
	{"accept", SETTINGS_DRIFT_ACCEPT, false},
	{NULL, 0, false}
};

static const struct config_enum_entry settings_verify_options[] = {
	{"strict", SETTINGS_VERIFY_STRICT, false},
	{"warn", SETTINGS_VERIFY_WARN, false},
	{NULL, 0, false}
};

/* Accept names of environments: letters, digits, '-', '_' and '.'. */
static bool
settings_check_environment(char **newval, void **extra, GucSource source)
{
	const char *c = *newval;

	if (*c == '\0' || strlen(c) > 63)
	{
		GUC_check_errdetail("The name of an environment has 1 to 63 bytes.");
		return false;
	}
	if (strspn(c, MIGRATE_NAME_CHARACTERS) != strlen(c))
	{
		GUC_check_errdetail("The name of an environment consists of letters, digits, \"-\", \"_\" and \".\".");
		return false;
	}
	return true;
}

/* Define the settings of snapshots and backups. */
static void
settings_init_safety(void)
{
	DefineCustomBoolVariable("migrate.snapshots",
							 "Takes a snapshot of the schema before and after each migration.",
							 "Without them drift is not noticed, and a rollback is not verified.",
							 &migrate_snapshots,
							 true,
							 PGC_SUSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("migrate.drift",
							 "Says what happens when the schema was changed outside of migrations.",
							 "\"default\" refuses in the environment \"production\" and warns elsewhere; \"accept\" records it in the ledger.",
							 &migrate_drift,
							 SETTINGS_DRIFT_DEFAULT,
							 settings_drift_options,
							 PGC_USERSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("migrate.rollback_verify",
							 "Says what happens when a down script does not bring back the schema from before its up script.",
							 NULL,
							 &migrate_rollback_verify,
							 SETTINGS_VERIFY_STRICT,
							 settings_verify_options,
							 PGC_USERSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomBoolVariable("migrate.backups",
							 "Keeps the rows that a migration destroys or changes.",
							 NULL,
							 &migrate_backups,
							 true,
							 PGC_SUSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("migrate.backup_limit",
							"Sets how much one call may copy to keep rows.",
							"A dropped table that is kept without copying does not count; 0 = no limit.",
							&migrate_backup_limit,
							10 * 1024 * 1024, 0, INT_MAX,
							PGC_SUSET,
							GUC_UNIT_KB,
							NULL, NULL, NULL);
}

/* Define the settings of lint. */
static void
settings_init_lint(void)
{
	DefineCustomStringVariable("migrate.lint_rules",
							   "Names the optional rules of lint that are on, separated by commas.",
							   "migrate.lint_rules() lists them.",
							   &migrate_lint_rules_wanted,
							   "",
							   PGC_USERSET,
							   GUC_LIST_INPUT,
							   NULL, NULL, NULL);

	migrate_naming_init();
}

/* Define the settings of locks. */
static void
settings_init_locks(void)
{
	DefineCustomIntVariable("migrate.lock_timeout",
							"Sets how long a migration waits for a lock before it steps back; lock_timeout while its statements run.",
							"A smaller lock_timeout of the session holds; 0 leaves it as it is.",
							&migrate_lock_timeout,
							2000, 0, INT_MAX,
							PGC_USERSET,
							GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("migrate.lock_patience",
							"Sets how long a deployment goes on trying to lock all relations that it will change, before it changes one.",
							"Between attempts none is locked; 0 = a single attempt.",
							&migrate_lock_patience,
							60 * 1000, 0, INT_MAX,
							PGC_USERSET,
							GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("migrate.rehearse_budget",
							"Sets how long migrate_rehearse() may hold locks that make other sessions wait.",
							"ROW EXCLUSIVE and stronger on what was there before; the rehearsal ends when it is over. 0 = no limit.",
							&migrate_rehearse_budget,
							5000, 0, INT_MAX,
							PGC_USERSET,
							GUC_UNIT_MS,
							NULL, NULL, NULL);
}

/* Define every setting of the extension. */
void
migrate_settings_init(void)
{
	DefineCustomStringVariable("migrate.environment",
							   "Names the environment this database is, such as local, staging or production.",
							   "Recorded with every ledger entry. Set it with ALTER DATABASE.",
							   &migrate_environment,
							   "local",
							   PGC_SUSET,
							   0,
							   settings_check_environment, NULL, NULL);

	DefineCustomBoolVariable("migrate.out_of_order",
							 "Lets migrate_apply() run a migration that is older than the latest applied one.",
							 NULL,
							 &migrate_out_of_order,
							 false,
							 PGC_USERSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("migrate.script_limit",
							"Sets the largest script that can be registered.",
							NULL,
							&migrate_script_limit,
							256 * 1024, 1, 1024 * 1024 - 1,
							PGC_SUSET,
							GUC_UNIT_KB,
							NULL, NULL, NULL);

	settings_init_locks();
	settings_init_safety();
	settings_init_lint();

	MarkGUCPrefixReserved("migrate");
}

/* Return what to do about drift, in this environment. */
SettingsDrift
migrate_settings_drift(void)
{
	if (migrate_drift != SETTINGS_DRIFT_DEFAULT)
		return (SettingsDrift) migrate_drift;
	return strcmp(migrate_environment, "production") == 0 ?
		SETTINGS_DRIFT_REFUSE : SETTINGS_DRIFT_WARN;
}

/*
 * Bound the wait for locks in the current nest level of settings, unless the
 * session's own bound is tighter.
 */
void
migrate_settings_lock_timeout(void)
{
	char		value[32];

	if (migrate_lock_timeout == 0 ||
		(LockTimeout > 0 && LockTimeout <= migrate_lock_timeout))
		return;
	snprintf(value, sizeof(value), "%d", migrate_lock_timeout);
	(void) set_config_option("lock_timeout", value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}
