/*-------------------------------------------------------------------------
 *
 * settings.h
 *		The migrate.* settings.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SETTINGS_H
#define MIGRATE_SETTINGS_H

/* What names of migrations and of environments consist of. */
#define MIGRATE_NAME_CHARACTERS \
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-"

/* What happens when the schema was changed outside of migrations. */
typedef enum SettingsDrift
{
	SETTINGS_DRIFT_DEFAULT,		/* refuse in production, warn elsewhere */
	SETTINGS_DRIFT_REFUSE,
	SETTINGS_DRIFT_WARN,
	SETTINGS_DRIFT_ACCEPT
} SettingsDrift;

/* What happens when a rollback does not bring the schema back. */
typedef enum SettingsVerify
{
	SETTINGS_VERIFY_STRICT,
	SETTINGS_VERIFY_WARN
} SettingsVerify;

extern char *migrate_environment;
extern bool migrate_out_of_order;
extern int	migrate_lock_timeout;	/* ms, 0 = leave lock_timeout alone */
extern int	migrate_lock_patience;	/* ms, 0 = a single attempt */
extern int	migrate_rehearse_budget;	/* ms, 0 = no limit */
extern int	migrate_script_limit;	/* kB */
extern char *migrate_lint_rules_wanted;
extern bool migrate_snapshots;
extern int	migrate_drift;		/* a SettingsDrift */
extern int	migrate_rollback_verify;	/* a SettingsVerify */
extern bool migrate_backups;
extern int	migrate_backup_limit;	/* kB, 0 = no limit */

extern void migrate_settings_init(void);
extern SettingsDrift migrate_settings_drift(void);
extern void migrate_settings_lock_timeout(void);

#endif							/* MIGRATE_SETTINGS_H */
