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

extern char *migrate_environment;
extern bool migrate_out_of_order;
extern int	migrate_lock_timeout;	/* ms, 0 = leave lock_timeout alone */
extern int	migrate_script_limit;	/* kB */

extern void migrate_settings_init(void);
extern void migrate_settings_lock_timeout(void);

#endif							/* MIGRATE_SETTINGS_H */
