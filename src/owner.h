/*-------------------------------------------------------------------------
 *
 * owner.h
 *		Run the engine's own SQL as the owner of the extension.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_OWNER_H
#define MIGRATE_OWNER_H

#include "executor/spi.h"

#define OWNER_MAX_ARGS 16

/*
 * One constant statement on the extension's own tables.  Callers keep it in a
 * static variable; its plan is made at the first use and kept for the session.
 */
typedef struct OwnerQuery
{
	const char *sql;
	int			nargs;
	Oid			argtypes[OWNER_MAX_ARGS];
	SPIPlanPtr	plan;
} OwnerQuery;

/* What must be put back when the raise ends. */
typedef struct OwnerScope
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
} OwnerScope;

extern void migrate_owner_begin(OwnerScope *scope);
extern void migrate_owner_end(const OwnerScope *scope);
extern uint64 migrate_owner_run(OwnerQuery *query, Datum *values, const bool *isnull);
extern Datum migrate_owner_value(uint64 row, int column, bool *isnull);
extern char *migrate_owner_text(uint64 row, int column);
extern Datum migrate_owner_checksum(const uint8 *digest, bool *isnull);
extern void migrate_owner_free(void);
extern Oid	migrate_extension_oid(void);

#endif							/* MIGRATE_OWNER_H */
