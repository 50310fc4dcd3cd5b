/*-------------------------------------------------------------------------
 *
 * locktell.h
 *		What people are told about locks that a migration waits for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LOCKTELL_H
#define MIGRATE_LOCKTELL_H

#include "lockplan.h"

/* Why a lock is not waited for any longer. */
typedef enum LockTellReason
{
	LOCKTELL_IMPATIENT,
	LOCKTELL_STATEMENT_TIMEOUT, /* which would come first */
	LOCKTELL_KEEPS_OUT,			/* the transaction keeps others out itself */
	LOCKTELL_WRAPAROUND			/* a vacuum that does not make way */
} LockTellReason;

extern void migrate_locktell_activity(const LockPlanEntry *entry);
extern void migrate_locktell_waiting(const LockPlanEntry *entry, long seconds);
extern void migrate_locktell_refuse(const LockPlanEntry *entry, LockTellReason reason);

#endif							/* MIGRATE_LOCKTELL_H */
