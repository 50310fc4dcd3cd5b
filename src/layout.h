/*-------------------------------------------------------------------------
 *
 * layout.h
 *		What the path of a migration file says.
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

extern bool migrate_layout_parse(const char *path, Layout *layout);
extern void migrate_layout_check_name(const char *name);

#endif							/* MIGRATE_LAYOUT_H */
