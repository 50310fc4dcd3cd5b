/*-------------------------------------------------------------------------
 *
 * layout.h
 *		What a migration file's path says, and the scripts it holds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_LAYOUT_H
#define MIGRATE_LAYOUT_H

typedef enum LayoutDirection
{
	LAYOUT_UP,					/* or both: only the content can tell */
	LAYOUT_DOWN
} LayoutDirection;

/* What the path of a migration file says. */
typedef struct Layout
{
	int64		version;
	char	   *version_text;	/* as in the path, digits only: 003 */
	char	   *name;			/* as in the path, not checked */
	LayoutDirection direction;
} Layout;

/* What a migration file holds; NULL for a direction that it does not. */
typedef struct LayoutScripts
{
	char	   *up;
	char	   *down;
} LayoutScripts;

extern bool migrate_layout_parse(const char *path, Layout *layout);
extern void migrate_layout_split(const Layout *layout, const char *content,
								 LayoutScripts *scripts);
extern void migrate_layout_check_name(const char *name);

#endif							/* MIGRATE_LAYOUT_H */
