/*-------------------------------------------------------------------------
 *
 * supabase.h
 *		Keep the Supabase CLI's own table in step.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_SUPABASE_H
#define MIGRATE_SUPABASE_H

extern void migrate_supabase_add(const char *version_text, const char *name,
								 const char *script);
extern void migrate_supabase_respell(const char *old_text, const char *new_text);
extern void migrate_supabase_remove(const char *version_text);

#endif							/* MIGRATE_SUPABASE_H */
