/*-------------------------------------------------------------------------
 *
 * directive.h
 *		What the comments of a script say: its header and its directives.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_DIRECTIVE_H
#define MIGRATE_DIRECTIVE_H

#include "nodes/pg_list.h"

/* "-- Key: value" lines above the first statement; NULL where absent. */
typedef struct ScriptHeader
{
	char	   *migration;
	char	   *description;
	char	   *author;
	char	   *date;
	char	   *release;
} ScriptHeader;

/* "-- migrate: no-backup RELATION: reason" */
typedef struct DirectiveNoBackup
{
	char	   *relation;		/* as written, perhaps with a schema */
	char	   *reason;
} DirectiveNoBackup;

/* "-- migrate: ignore RULE, ...: reason", above a statement */
typedef struct DirectiveIgnore
{
	List	   *rules;			/* of char *, names of lint rules */
	char	   *reason;
	int			line;
} DirectiveIgnore;

/* "-- migrate: ..." lines anywhere in the script. */
typedef struct ScriptDirectives
{
	bool		no_transaction;
	char	   *role;			/* SET ROLE for the script */
	char	   *search_path;	/* SET search_path for the script */
	char	   *lock_timeout;	/* instead of migrate.lock_timeout */
	List	   *requires;		/* of int64 *, versions that must be applied */
	List	   *no_backup;		/* of DirectiveNoBackup * */
	List	   *ignores;		/* of DirectiveIgnore *, in the order of lines */
} ScriptDirectives;

extern void migrate_header_read(ScriptHeader *header, const char *comment, int length);
extern char *migrate_directive_read(ScriptDirectives *directives,
									const char *comment, int length, int line);

#endif							/* MIGRATE_DIRECTIVE_H */
