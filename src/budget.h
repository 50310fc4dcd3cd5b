/*-------------------------------------------------------------------------
 *
 * budget.h
 *		How long a rehearsal may hold locks that make others wait.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_BUDGET_H
#define MIGRATE_BUDGET_H

#include "portability/instr_time.h"

extern void migrate_budget_begin(int limit);
extern void migrate_budget_start(instr_time since);
extern void migrate_budget_settle(bool held, instr_time since);
extern void migrate_budget_check(void);
extern bool migrate_budget_is_spent(void);
extern void migrate_budget_end(void);

#endif							/* MIGRATE_BUDGET_H */
