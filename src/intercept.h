/*-------------------------------------------------------------------------
 *
 * intercept.h
 *		See every row that the executor updates, deletes or moves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_INTERCEPT_H
#define MIGRATE_INTERCEPT_H

extern void migrate_intercept_init(void);

#endif							/* MIGRATE_INTERCEPT_H */
