/*-------------------------------------------------------------------------
 *
 * register.c
 *		Register and unregister: the SQL functions.
 *
 * What registering means is decided in registration.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "argument.h"
#include "deploy.h"
#include "layout.h"
#include "registration.h"
#include "registry.h"
#include "section.h"

PG_FUNCTION_INFO_V1(migrate_register);
PG_FUNCTION_INFO_V1(migrate_register_file);
PG_FUNCTION_INFO_V1(migrate_unregister);

/* SQL: migrate_register(version, name, up_script, down_script DEFAULT NULL) */
Datum
migrate_register(PG_FUNCTION_ARGS)
{
	Registration registration = {0};
	const char *action;

	migrate_deploy_check("migrate_register()");
	registration.version = migrate_argument_version(fcinfo, 0, 1);
	registration.name = migrate_argument_text(fcinfo, 1, "migration name");
	registration.up = migrate_argument_text(fcinfo, 2, "migration script");
	if (!PG_ARGISNULL(3))
		registration.down = text_to_cstring(PG_GETARG_TEXT_PP(3));

	SPI_connect();
	action = migrate_registration_take(&registration);
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(action));
}

/* SQL: migrate_register_file(path, content) */
Datum
migrate_register_file(PG_FUNCTION_ARGS)
{
	char	   *path;
	char	   *content;
	Layout		layout;
	SectionScripts scripts;
	Registration registration = {0};

	migrate_deploy_check("migrate_register_file()");
	path = migrate_argument_text(fcinfo, 0, "path");
	content = migrate_argument_text(fcinfo, 1, "content");
	if (!migrate_layout_parse(path, &layout))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not the path of a migration file", path),
				 errhint("A migration file is called like migrations/003_name.sql or rollbacks/003_rollback_name.sql.")));
	migrate_section_split(&layout, content, &scripts);
	registration.version = layout.version;
	registration.version_text = layout.version_text;
	registration.up = scripts.up;
	registration.down = scripts.down;
	if (scripts.up != NULL)
		registration.name = layout.name;

	SPI_connect();
	(void) migrate_registration_take(&registration);
	SPI_finish();
	PG_RETURN_INT64(layout.version);
}

/* SQL: migrate_unregister(version) */
Datum
migrate_unregister(PG_FUNCTION_ARGS)
{
	int64		version = migrate_argument_version(fcinfo, 0, 1);
	RegistryMigration *migration;

	SPI_connect();
	migrate_deploy_begin("migrate_unregister()");
	migration = migrate_registry_named(version);
	if (migration->applied)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("migration " INT64_FORMAT " (%s) is applied", version, migration->name),
				 errhint("Roll it back first, with migrate_rollback().")));
	migrate_registry_delete(version);
	migrate_deploy_end();
	SPI_finish();
	PG_RETURN_VOID();
}
