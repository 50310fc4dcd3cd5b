/*-------------------------------------------------------------------------
 *
 * prelock.h
 *		Take the locks a statement is predicted to need before it runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_PRELOCK_H
#define MIGRATE_PRELOCK_H

#include "observe.h"

extern const ObserveLocking migrate_prelock;

#endif							/* MIGRATE_PRELOCK_H */
