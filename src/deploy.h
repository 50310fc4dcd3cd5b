/*-------------------------------------------------------------------------
 *
 * deploy.h
 *		Who may change the schema version now.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_DEPLOY_H
#define MIGRATE_DEPLOY_H

extern void migrate_deploy_init(void);
extern void migrate_deploy_check(const char *command);
extern void migrate_deploy_lock(void);
extern void migrate_deploy_begin(const char *command);
extern void migrate_deploy_end(void);
extern void migrate_deploy_announce(int64 version);

#endif							/* MIGRATE_DEPLOY_H */
