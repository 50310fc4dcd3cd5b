/*-------------------------------------------------------------------------
 *
 * attempt.h
 *		Look at what may raise an error, without consequences.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_ATTEMPT_H
#define MIGRATE_ATTEMPT_H

extern bool migrate_attempt(void (*work) (void *), void *argument);

#endif							/* MIGRATE_ATTEMPT_H */
