/*-------------------------------------------------------------------------
 *
 * section.h
 *		The scripts that a migration file holds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SECTION_H
#define MIGRATE_SECTION_H

#include "layout.h"

/* What a migration file holds; NULL for a direction that it does not. */
typedef struct SectionScripts
{
	char	   *up;
	char	   *down;
} SectionScripts;

extern void migrate_section_split(const Layout *layout, const char *content,
								  SectionScripts *scripts);

#endif							/* MIGRATE_SECTION_H */
