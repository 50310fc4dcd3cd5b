/*-------------------------------------------------------------------------
 *
 * register.c
 *		Take migrations into the registry, and out again.
 *
 * Rules:
 *
 * - The text of a migration that is not applied may be replaced.
 * - The up script of an applied one may change its comments and white space;
 *   another change is refused until migrate_repair() has put it on the record.
 * - The down script of an applied one may be replaced, and it may be renamed,
 *   which is put on the record here: a wrong down script is noticed only when it
 *   is needed.
 * - Whoever registers a text becomes its author, also of one that is there
 *   already: plan.c asks for the author.
 * - What is there already is changed under the deploy lock only, so that a
 *   script never changes while a deployment runs it.
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
#include "ledger.h"
#include "register.h"
#include "registry.h"
#include "settings.h"
#include "supabase.h"

PG_FUNCTION_INFO_V1(migrate_register);
PG_FUNCTION_INFO_V1(migrate_register_file);
PG_FUNCTION_INFO_V1(migrate_unregister);

/* What registering a script amounts to, from the least to the most. */
typedef enum RegisterAction
{
	REGISTER_UNCHANGED,
	REGISTER_COMMENTS,
	REGISTER_REPLACED,
	REGISTER_NEW
} RegisterAction;

static const char *const register_action_names[] = {
	"unchanged", "comments changed", "replaced", "registered"
};

/* One registration, while it is done. */
typedef struct RegisterWork
{
	const Registration *given;
	const char *name;			/* given, or the stored one */
	RegistryMigration *stored;	/* NULL = not there yet */
	Script	   *up;				/* NULL = keep */
	Script	   *down;			/* NULL = keep */
	bool		drop_down;
} RegisterWork;

/* Read one script that is to be registered. */
static Script *
register_read(const RegisterWork *work, const char *direction, const char *text)
{
	PositionFrame frame = {
		.version = work->given->version,
		.name = work->name,
		.direction = direction,
	};

	if (strlen(text) > (size_t) migrate_script_limit * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the %s script of migration " INT64_FORMAT " (%s) exceeds %d kB",
						direction, work->given->version, work->name, migrate_script_limit),
				 errdetail("It has %zu bytes.", strlen(text)),
				 errhint("Load large data outside of migrations, or raise migrate.script_limit.")));
	return migrate_script_read(text, &frame);
}

/* Refuse requirements that can never be met: the steps go up in order. */
static void
register_check_requires(const RegisterWork *work)
{
	ListCell   *lc;

	foreach(lc, work->up->directives.requires)
	{
		int64		required = *(int64 *) lfirst(lc);

		if (required >= work->given->version)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("migration " INT64_FORMAT " (%s) cannot require version " INT64_FORMAT,
							work->given->version, work->name, required),
					 errdetail("Migrations run in the order of their versions, so only an earlier one can be required."),
					 errhint("Correct the directive, or give the migration a later version.")));
	}
}

/* Refuse a release that names another version already. */
static void
register_check_release(const RegisterWork *work)
{
	const char *release = work->up->header.release;
	int64		other = release ? migrate_registry_release(release) : 0;

	if (other != 0 && other != work->given->version)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("release \"%s\" is already version " INT64_FORMAT, release, other),
				 errhint("A release names one version; correct the header of one of the two.")));
}

/*
 * Refuse an up script that is empty; one that has nothing but comments does so
 * on purpose.
 */
static void
register_check_statements(const RegisterWork *work)
{
	const char *text = work->given->up;

	if (work->up->count > 0)
		return;
	if (text[strspn(text, " \t\r\n\f\v")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("migration " INT64_FORMAT " (%s) contains no statements",
						work->given->version, work->name),
				 errhint("A migration that shall do nothing can say so in a comment.")));
	ereport(NOTICE,
			(errmsg("migration " INT64_FORMAT " (%s) contains no statements",
					work->given->version, work->name)));
}

/* Read and check the up script. */
static void
register_read_up(RegisterWork *work)
{
	if (work->given->up == NULL)
		return;
	work->up = register_read(work, "up", work->given->up);
	register_check_statements(work);
	register_check_requires(work);
	register_check_release(work);
}

/*
 * Read the down script.  One without statements is none: if it counted, a
 * rollback would claim to have undone what it did not.
 */
static void
register_read_down(RegisterWork *work)
{
	if (work->given->down == NULL)
		return;
	if (*work->given->down != '\0')
		work->down = register_read(work, "down", work->given->down);
	if (work->down != NULL && work->down->directives.requires != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("directive \"requires\" in the down script of migration " INT64_FORMAT " (%s)",
						work->given->version, work->name),
				 errhint("Requirements are those of the up script.")));
	if (work->down == NULL || work->down->count > 0)
	{
		work->drop_down = work->down == NULL;
		return;
	}
	ereport(NOTICE,
			(errmsg("the down script of migration " INT64_FORMAT " (%s) contains no statements and counts as missing",
					work->given->version, work->name),
			 errhint("If there is nothing to undo, say so with \"SELECT 1;\".")));
	work->down = NULL;
	work->drop_down = true;
}

/* Compare a script with a stored one. */
static RegisterAction
register_compare(const RegistryChecksums *stored, const Script *script)
{
	if (!stored->known)
		return REGISTER_NEW;
	if (memcmp(stored->text, script->checksum, sizeof(stored->text)) == 0)
		return REGISTER_UNCHANGED;
	if (memcmp(stored->tokens, script->token_checksum, sizeof(stored->tokens)) == 0)
		return REGISTER_COMMENTS;
	return REGISTER_REPLACED;
}

/* Refuse to change what is applied; true = this text shall count as applied. */
static bool
register_check_applied(const RegisterWork *work)
{
	const RegistryMigration *stored = work->stored;

	if (!stored->applied)
		return false;
	if (!stored->accepted.known)
		return true;
	if (register_compare(&stored->accepted, work->up) == REGISTER_REPLACED)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("migration " INT64_FORMAT " (%s) is applied and cannot be changed",
						stored->version, stored->name),
				 errdetail("Statements of the script differ from those that were applied, not only comments or white space."),
				 errhint("Put the change into a new migration; or, if the database is right as it is, call migrate_repair(" INT64_FORMAT ", 'reason') and register again.",
						 stored->version)));
	return false;
}

/* Tell what became of a text that was there before. */
static void
register_notice(const RegisterWork *work, const char *direction, RegisterAction action)
{
	if (action == REGISTER_REPLACED)
		ereport(NOTICE,
				(errmsg("the %s script of migration " INT64_FORMAT " (%s) was replaced",
						direction, work->given->version, work->name)));
	else if (action == REGISTER_COMMENTS)
		ereport(NOTICE,
				(errmsg("only comments or white space of the %s script of migration " INT64_FORMAT " (%s) changed",
						direction, work->given->version, work->name)));
}

/* Put on the record what was changed about an applied migration. */
static void
register_record(const RegisterWork *work, const Script *script, const char *reason)
{
	LedgerEntry entry = {
		.version = work->stored->version,
		.name = work->name,
		.event = "repaired",
		.statements = -1,
		.reason = reason,
	};

	if (!work->stored->applied)
		return;
	if (script != NULL)
	{
		entry.checksum = script->checksum;
		entry.token_checksum = script->token_checksum;
	}
	(void) migrate_ledger_append(&entry);
}

/* Store the up script, as far as it is another one. */
static RegisterAction
register_store_up(RegisterWork *work)
{
	const RegistryMigration *stored = work->stored;
	RegisterAction action;
	bool		accept;

	if (work->up == NULL)
		return REGISTER_UNCHANGED;
	action = register_compare(&stored->up.checksums, work->up);
	accept = register_check_applied(work);
	if (action != REGISTER_UNCHANGED || !stored->up.mine)
		migrate_registry_put_script(stored->version, "up", work->up);
	if (action != REGISTER_UNCHANGED)
		migrate_registry_describe(stored->version, work->up);
	if (accept)
	{
		migrate_registry_accept(stored->version, work->up);
		register_record(work, work->up, "up script accepted");
	}
	register_notice(work, "up", action);
	return action;
}

/* Store or remove the down script, as far as it is another one. */
static RegisterAction
register_store_down(RegisterWork *work)
{
	const RegistryMigration *stored = work->stored;
	RegisterAction action = REGISTER_UNCHANGED;

	if (work->down != NULL)
	{
		action = register_compare(&stored->down.checksums, work->down);
		if (action != REGISTER_UNCHANGED || !stored->down.mine)
			migrate_registry_put_script(stored->version, "down", work->down);
	}
	else if (work->drop_down && stored->down.checksums.known)
	{
		migrate_registry_drop_script(stored->version, "down");
		register_record(work, NULL, "down script removed");
		ereport(NOTICE,
				(errmsg("the down script of migration " INT64_FORMAT " (%s) was removed",
						stored->version, work->name)));
		return REGISTER_REPLACED;
	}
	if (action == REGISTER_REPLACED)
		register_record(work, work->down, "down script replaced");
	register_notice(work, "down", action);
	return action;
}

/* Tell whether a registration gives another name, or spells the version anew. */
static bool
register_renames(const RegisterWork *work)
{
	const Registration *given = work->given;

	return given->name != NULL &&
		(strcmp(given->name, work->stored->name) != 0 ||
		 (given->version_text != NULL &&
		  strcmp(given->version_text, work->stored->version_text) != 0));
}

/* Give a version that is there another name, as far as it has one. */
static RegisterAction
register_rename(RegisterWork *work)
{
	const Registration *given = work->given;
	const RegistryMigration *stored = work->stored;

	if (!register_renames(work))
		return REGISTER_UNCHANGED;
	migrate_registry_rename(stored->version, work->name, given->version_text);
	if (strcmp(given->name, stored->name) != 0)
		register_record(work, NULL, psprintf("renamed from %s", stored->name));
	if (stored->applied && given->version_text != NULL)
		migrate_supabase_respell(stored->version_text, given->version_text);
	return REGISTER_REPLACED;
}

/* Tell whether a registration would change what is there already. */
static bool
register_changes(const RegisterWork *work)
{
	const RegistryMigration *stored = work->stored;

	return (work->up != NULL &&
			(register_compare(&stored->up.checksums, work->up) != REGISTER_UNCHANGED ||
			 !stored->up.mine || (stored->applied && !stored->accepted.known))) ||
		(work->down != NULL &&
		 (register_compare(&stored->down.checksums, work->down) != REGISTER_UNCHANGED ||
		  !stored->down.mine)) ||
		(work->drop_down && stored->down.checksums.known) ||
		register_renames(work);
}

/* Register a version that is not there yet; false = somebody was faster. */
static bool
register_insert(RegisterWork *work)
{
	RegistryMigration fresh = {.version = work->given->version};

	if (!migrate_registry_insert(work->given->version, work->name,
								 work->given->version_text))
		return false;
	fresh.name = pstrdup(work->name);
	work->stored = &fresh;
	register_store_up(work);
	register_store_down(work);
	work->stored = NULL;
	return true;
}

/* Register another text of a version that is there. */
static RegisterAction
register_update(RegisterWork *work)
{
	RegisterAction name;
	RegisterAction up;
	RegisterAction down;

	if (!register_changes(work))
		return REGISTER_UNCHANGED;
	migrate_deploy_lock();
	work->stored = migrate_registry_find(work->given->version);
	if (work->stored == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("migration " INT64_FORMAT " does not exist", work->given->version),
				 errdetail("It has just been forgotten by another session."),
				 errhint("Register it again.")));
	name = register_rename(work);
	up = register_store_up(work);
	down = register_store_down(work);
	if (up == REGISTER_NEW || down == REGISTER_NEW)
		return REGISTER_REPLACED;
	return Max(name, Max(up, down));
}

/*
 * Take one migration into the registry; the caller is connected to SPI.
 * Returns the action: registered, replaced, comments changed or unchanged.
 */
const char *
migrate_register_take(const Registration *registration)
{
	RegisterWork work = {.given = registration};
	RegisterAction action = REGISTER_NEW;

	work.stored = migrate_registry_find(registration->version);
	if (registration->name != NULL)
	{
		migrate_layout_check_name(registration->name);
		work.name = registration->name;
	}
	else if (work.stored != NULL)
		work.name = work.stored->name;
	else
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("migration " INT64_FORMAT " does not exist", registration->version),
				 errhint("Register its up script before its down script.")));
	register_read_up(&work);
	register_read_down(&work);

	if (work.stored == NULL && !register_insert(&work))
		work.stored = migrate_registry_find(registration->version);
	if (work.stored != NULL)
		action = register_update(&work);
	return register_action_names[action];
}

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
	action = migrate_register_take(&registration);
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
	LayoutScripts scripts;
	Registration registration = {0};

	migrate_deploy_check("migrate_register_file()");
	path = migrate_argument_text(fcinfo, 0, "path");
	content = migrate_argument_text(fcinfo, 1, "content");
	if (!migrate_layout_parse(path, &layout))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not the path of a migration file", path),
				 errhint("A migration file is called like migrations/003_name.sql or rollbacks/003_rollback_name.sql.")));
	migrate_layout_split(&layout, content, &scripts);
	registration.version = layout.version;
	registration.version_text = layout.version_text;
	registration.up = scripts.up;
	registration.down = scripts.down;
	if (scripts.up != NULL)
		registration.name = layout.name;

	SPI_connect();
	(void) migrate_register_take(&registration);
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
	migration = migrate_registry_find(version);
	if (migration == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("migration " INT64_FORMAT " does not exist", version),
				 errhint("See migrate_status() for the versions there are.")));
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
