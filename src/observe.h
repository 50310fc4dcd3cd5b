/*-------------------------------------------------------------------------
 *
 * observe.h
 *		What each statement of a script really did.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OBSERVE_H
#define MIGRATE_OBSERVE_H

#include "nodes/pg_list.h"
#include "portability/instr_time.h"
#include "storage/lockdefs.h"

#include "observed.h"
#include "position.h"
#include "statement.h"

/* Take locks before a statement, and give back what it did not need. */
typedef struct ObserveLocking
{
	void		(*take) (ObservedStatement *statement, const PositionFrame *frame,
						 const ScriptStatement *stmt);
	void		(*settle) (const ObservedStatement *statement);

	/* what it did is known */
	void		(*judge) (const ObservedStatement *statement, instr_time start);
} ObserveLocking;

typedef struct Observation Observation;

extern void migrate_observe_init(void);
extern Observation *migrate_observe_begin(const ObserveLocking *locking);
extern void migrate_observe_end(Observation *run);
extern bool migrate_observe_is_blocking(LOCKMODE mode);

/* while a script runs */
extern void migrate_observe_statement(const ScriptStatement *stmt, const PositionFrame *frame);
extern void migrate_observe_done(uint64 rows);
extern List *migrate_observe_script_end(void);
extern void migrate_observe_forget(void);
extern List *migrate_observe_statements(Observation *run);
extern ObservedStatement *migrate_observe_failed(Observation *run);
extern List *migrate_observe_sequences(Observation *run);

#endif							/* MIGRATE_OBSERVE_H */
