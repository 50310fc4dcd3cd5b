/*-------------------------------------------------------------------------
 *
 * registration.h
 *		Take one migration into the registry.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_REGISTRATION_H
#define MIGRATE_REGISTRATION_H

/* What is to be registered. */
typedef struct Registration
{
	int64		version;
	const char *name;			/* NULL = keep it: only the down script comes */
	const char *version_text;	/* as the name of the file writes it, or NULL */
	const char *up;				/* NULL = keep the one there is */
	const char *down;			/* NULL = keep, "" = remove */
} Registration;

extern const char *migrate_registration_take(const Registration *registration);

#endif							/* MIGRATE_REGISTRATION_H */
