/*-------------------------------------------------------------------------
 *
 * registration.c
 *		Take one migration into the registry.
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

#include "deploy.h"
#include "layout.h"
#include "ledger.h"
#include "registration.h"
#include "registry.h"
#include "settings.h"
#include "supabase.h"

/* What registering a script amounts to, from the least to the most. */
typedef enum RegistrationAction
{
	REGISTRATION_UNCHANGED,
	REGISTRATION_COMMENTS,
	REGISTRATION_REPLACED,
	REGISTRATION_NEW
} RegistrationAction;

static const char *const registration_action_names[] = {
	"unchanged", "comments changed", "replaced", "registered"
};

/* One registration, while it is done. */
typedef struct RegistrationWork
{
	const Registration *given;
	const char *name;			/* given, or the stored one */
	RegistryMigration *stored;	/* NULL = not there yet */
	Script	   *up;				/* NULL = keep */
	Script	   *down;			/* NULL = keep */
	bool		drop_down;
} RegistrationWork;

/* Read one script that is to be registered. */
static Script *
registration_read(const RegistrationWork *work, const char *direction, const char *text)
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
registration_check_requires(const RegistrationWork *work)
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
registration_check_release(const RegistrationWork *work)
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
registration_check_statements(const RegistrationWork *work)
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
registration_read_up(RegistrationWork *work)
{
	if (work->given->up == NULL)
		return;
	work->up = registration_read(work, "up", work->given->up);
	registration_check_statements(work);
	registration_check_requires(work);
	registration_check_release(work);
}

/*
 * Read the down script.  One without statements is none: if it counted, a
 * rollback would claim to have undone what it did not.
 */
static void
registration_read_down(RegistrationWork *work)
{
	if (work->given->down == NULL)
		return;
	if (*work->given->down != '\0')
		work->down = registration_read(work, "down", work->given->down);
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
static RegistrationAction
registration_compare(const RegistryChecksums *stored, const Script *script)
{
	if (!stored->known)
		return REGISTRATION_NEW;
	if (memcmp(stored->text, script->checksum, sizeof(stored->text)) == 0)
		return REGISTRATION_UNCHANGED;
	if (memcmp(stored->tokens, script->token_checksum, sizeof(stored->tokens)) == 0)
		return REGISTRATION_COMMENTS;
	return REGISTRATION_REPLACED;
}

/* Refuse to change what is applied; true = this text shall count as applied. */
static bool
registration_check_applied(const RegistrationWork *work)
{
	const RegistryMigration *stored = work->stored;

	if (!stored->applied)
		return false;
	if (!stored->accepted.known)
		return true;
	if (registration_compare(&stored->accepted, work->up) == REGISTRATION_REPLACED)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("migration " INT64_FORMAT " (%s) is applied and cannot be changed",
						stored->version, stored->name),
				 errdetail("Statements or directives of the script differ from those that were applied, not only comments or white space."),
				 errhint("Put the change into a new migration; or, if the database is right as it is, call migrate_repair(" INT64_FORMAT ", 'reason') and register again.",
						 stored->version)));
	return false;
}

/* Tell what became of a text that was there before. */
static void
registration_notice(const RegistrationWork *work, const char *direction, RegistrationAction action)
{
	if (action == REGISTRATION_REPLACED)
		ereport(NOTICE,
				(errmsg("the %s script of migration " INT64_FORMAT " (%s) was replaced",
						direction, work->given->version, work->name)));
	else if (action == REGISTRATION_COMMENTS)
		ereport(NOTICE,
				(errmsg("only comments or white space of the %s script of migration " INT64_FORMAT " (%s) changed",
						direction, work->given->version, work->name)));
}

/* Put on the record what was changed about an applied migration. */
static void
registration_record(const RegistrationWork *work, const Script *script, const char *reason)
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
static RegistrationAction
registration_store_up(RegistrationWork *work)
{
	const RegistryMigration *stored = work->stored;
	RegistrationAction action;
	bool		accept;

	if (work->up == NULL)
		return REGISTRATION_UNCHANGED;
	action = registration_compare(&stored->up.checksums, work->up);
	accept = registration_check_applied(work);
	if (action != REGISTRATION_UNCHANGED || !stored->up.mine)
		migrate_registry_put_script(stored->version, "up", work->up);
	if (action != REGISTRATION_UNCHANGED)
		migrate_registry_describe(stored->version, work->up);
	if (accept)
	{
		migrate_registry_accept(stored->version, work->up);
		registration_record(work, work->up, "up script accepted");
	}
	registration_notice(work, "up", action);
	return action;
}

/* Store or remove the down script, as far as it is another one. */
static RegistrationAction
registration_store_down(RegistrationWork *work)
{
	const RegistryMigration *stored = work->stored;
	RegistrationAction action = REGISTRATION_UNCHANGED;

	if (work->down != NULL)
	{
		action = registration_compare(&stored->down.checksums, work->down);
		if (action != REGISTRATION_UNCHANGED || !stored->down.mine)
			migrate_registry_put_script(stored->version, "down", work->down);
	}
	else if (work->drop_down && stored->down.checksums.known)
	{
		migrate_registry_drop_script(stored->version, "down");
		registration_record(work, NULL, "down script removed");
		ereport(NOTICE,
				(errmsg("the down script of migration " INT64_FORMAT " (%s) was removed",
						stored->version, work->name)));
		return REGISTRATION_REPLACED;
	}
	if (action == REGISTRATION_REPLACED)
		registration_record(work, work->down, "down script replaced");
	else if (action == REGISTRATION_NEW)
		registration_record(work, work->down, "down script registered");
	registration_notice(work, "down", action);
	return action;
}

/* Tell whether a registration gives another name, or spells the version anew. */
static bool
registration_renames(const RegistrationWork *work)
{
	const Registration *given = work->given;

	return given->name != NULL &&
		(strcmp(given->name, work->stored->name) != 0 ||
		 (given->version_text != NULL &&
		  strcmp(given->version_text, work->stored->version_text) != 0));
}

/* Give a version that is there another name, as far as it has one. */
static RegistrationAction
registration_rename(RegistrationWork *work)
{
	const Registration *given = work->given;
	const RegistryMigration *stored = work->stored;

	if (!registration_renames(work))
		return REGISTRATION_UNCHANGED;
	migrate_registry_rename(stored->version, work->name, given->version_text);
	if (strcmp(given->name, stored->name) != 0)
		registration_record(work, NULL, psprintf("renamed from %s", stored->name));
	if (stored->applied && given->version_text != NULL)
		migrate_supabase_respell(stored->version_text, given->version_text);
	return REGISTRATION_REPLACED;
}

/* Tell whether a registration would change what is there already. */
static bool
registration_changes(const RegistrationWork *work)
{
	const RegistryMigration *stored = work->stored;

	return (work->up != NULL &&
			(registration_compare(&stored->up.checksums, work->up) != REGISTRATION_UNCHANGED ||
			 !stored->up.mine || (stored->applied && !stored->accepted.known))) ||
		(work->down != NULL &&
		 (registration_compare(&stored->down.checksums, work->down) != REGISTRATION_UNCHANGED ||
		  !stored->down.mine)) ||
		(work->drop_down && stored->down.checksums.known) ||
		registration_renames(work);
}

/* Register a version that is not there yet; false = somebody was faster. */
static bool
registration_insert(RegistrationWork *work)
{
	RegistryMigration fresh = {.version = work->given->version};

	if (!migrate_registry_insert(work->given->version, work->name,
								 work->given->version_text))
		return false;
	fresh.name = pstrdup(work->name);
	work->stored = &fresh;
	registration_store_up(work);
	registration_store_down(work);
	work->stored = NULL;
	return true;
}

/* Register another text of a version that is there. */
static RegistrationAction
registration_update(RegistrationWork *work)
{
	RegistrationAction name;
	RegistrationAction up;
	RegistrationAction down;

	if (!registration_changes(work))
		return REGISTRATION_UNCHANGED;
	migrate_deploy_lock();
	work->stored = migrate_registry_find(work->given->version);
	if (work->stored == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("migration " INT64_FORMAT " does not exist", work->given->version),
				 errdetail("It has just been forgotten by another session."),
				 errhint("Register it again.")));
	name = registration_rename(work);
	up = registration_store_up(work);
	down = registration_store_down(work);
	if (up == REGISTRATION_NEW || down == REGISTRATION_NEW)
		return REGISTRATION_REPLACED;
	return Max(name, Max(up, down));
}

/*
 * Take one migration into the registry; the caller is connected to SPI.
 * Returns the action: registered, replaced, comments changed or unchanged.
 */
const char *
migrate_registration_take(const Registration *registration)
{
	RegistrationWork work = {.given = registration};
	RegistrationAction action = REGISTRATION_NEW;

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
	registration_read_up(&work);
	registration_read_down(&work);

	if (work.stored == NULL && !registration_insert(&work))
		work.stored = migrate_registry_find(registration->version);
	if (work.stored != NULL)
		action = registration_update(&work);
	return registration_action_names[action];
}
