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

#include "settings.h"

char	   *migrate_environment;
bool		migrate_out_of_order;
int			migrate_lock_timeout;
int			migrate_script_limit;

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

	DefineCustomIntVariable("migrate.lock_timeout",
							"Sets lock_timeout while a migration's statements run.",
							"A smaller lock_timeout of the session holds; 0 leaves it as it is.",
							&migrate_lock_timeout,
							2000, 0, INT_MAX,
							PGC_USERSET,
							GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("migrate.script_limit",
							"Sets the largest script that can be registered.",
							NULL,
							&migrate_script_limit,
							256 * 1024, 1, 1024 * 1024 - 1,
							PGC_SUSET,
							GUC_UNIT_KB,
							NULL, NULL, NULL);

	MarkGUCPrefixReserved("migrate");
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
