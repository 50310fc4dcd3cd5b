/*-------------------------------------------------------------------------
 *
 * migrate_ext.c
 *		Module load: a table of contents.
 *
 * Each module with something to set up has one init function, called here and
 * nowhere else.  docs/architecture.md says which module does what.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "src/engine.h"
#include "src/settings.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

/* Set up every module. */
void
_PG_init(void)
{
	migrate_settings_init();
	migrate_engine_init();
}
