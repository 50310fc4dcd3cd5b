/*-------------------------------------------------------------------------
 *
 * naming.h
 *		How things are to be called: the setting migrate.lint_naming.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_NAMING_H
#define MIGRATE_NAMING_H

/* What can have a rule for its names. */
typedef enum NamingKind
{
	NAMING_COLUMN,
	NAMING_CONSTRAINT,
	NAMING_FUNCTION,
	NAMING_INDEX,
	NAMING_SCHEMA,
	NAMING_SEQUENCE,
	NAMING_TABLE,
	NAMING_TRIGGER,
	NAMING_TYPE,
	NAMING_VIEW,
	NAMING_KINDS
} NamingKind;

extern void migrate_naming_init(void);
extern const char *migrate_naming_kind(NamingKind kind);
extern bool migrate_naming_matches(NamingKind kind, const char *name);

#endif							/* MIGRATE_NAMING_H */
