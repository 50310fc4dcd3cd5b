/*-------------------------------------------------------------------------
 *
 * budget.c
 *		How long a rehearsal may hold locks that make others wait.
 *
 * The clock starts with the first such lock and runs to the end of the
 * rehearsal, since that is how long the lock is held.  A timer ends the statement
 * that is running then, in the way of statement_timeout, which itself is of no
 * use within a function: it was armed when the caller's statement began.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timeout.h"

#include "budget.h"

static bool budget_registered = false;
static TimeoutId budget_timeout;
static int	budget_limit = 0;	/* ms, 0 = none */
static bool budget_running = false;
static bool budget_held = false;	/* such a lock is held for certain */
static instr_time budget_since;
static volatile sig_atomic_t budget_spent = false;

/* The time is up. */
static void
budget_handler(void)
{
	budget_spent = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

/* Begin with a budget of some milliseconds, 0 = without end; the clock stands. */
void
migrate_budget_begin(int limit)
{
	if (!budget_registered)
	{
		budget_timeout = RegisterTimeout(USER_TIMEOUT, budget_handler);
		budget_registered = true;
	}
	budget_limit = limit;
	budget_running = budget_held = false;
	budget_spent = false;
}

/* Return how many milliseconds are left. */
static int
budget_left(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, budget_since);
	return budget_limit - (int) Min(INSTR_TIME_GET_MILLISEC(now), PG_INT32_MAX);
}

/* Start the clock, unless it is running, at some moment that has been. */
void
migrate_budget_start(instr_time since)
{
	if (budget_limit == 0 || budget_running)
		return;
	budget_running = true;
	budget_since = since;
	enable_timeout_after(budget_timeout, Max(budget_left(), 1));
}

/* Stop the clock. */
static void
budget_stop(void)
{
	if (budget_running)
		disable_timeout(budget_timeout, false);
	budget_running = false;
}

/*
 * A statement that began at some moment is over, and such a lock is held since or
 * not: without any the clock stops again.
 */
void
migrate_budget_settle(bool held, instr_time since)
{
	budget_held |= held;
	if (budget_held)
		migrate_budget_start(since);
	else
		budget_stop();
}

/* Raise 57014 if the budget is spent. */
void
migrate_budget_check(void)
{
	if (!budget_running || (!budget_spent && budget_left() > 0))
		return;
	budget_spent = true;
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("the rehearsal has held locks for too long")));
}

/* Tell whether the budget was spent. */
bool
migrate_budget_is_spent(void)
{
	return budget_spent;
}

/* End; whether it was spent can still be asked. */
void
migrate_budget_end(void)
{
	budget_stop();
	/* the timer may have gone off when nothing was left to be ended */
	if (budget_spent)
		QueryCancelPending = false;
	budget_limit = 0;
}
