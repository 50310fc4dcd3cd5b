/*-------------------------------------------------------------------------
 *
 * reach.h
 *		Which role could act as which.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REACH_H
#define MIGRATE_REACH_H

extern Oid	migrate_reach_session(void);
extern Oid	migrate_reach_login(void);
extern Oid	migrate_reach_beyond(Oid role);
extern bool migrate_reach_caller(Oid role);

#endif							/* MIGRATE_REACH_H */
