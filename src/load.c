/*-------------------------------------------------------------------------
 *
 * load.c
 *		Register every migration file of a directory of the server.
 *
 * All files are found and paired by version before the first is registered,
 * so two files for one version are noticed whatever their names are.  Reading
 * files of the server is what pg_read_server_files is for, so its membership
 * is asked for, as pg_read_file() and COPY do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>

#include "catalog/pg_authid.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "argument.h"
#include "deploy.h"
#include "layout.h"
#include "registration.h"
#include "registry.h"
#include "section.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(migrate_load);

/* One migration and its files. */
typedef struct LoadMigration
{
	Layout		layout;			/* of the up file, if there is one */
	char	   *up_path;		/* or NULL */
	char	   *down_path;		/* or NULL */
} LoadMigration;

/* Refuse two files for the same thing. */
static void
load_refuse_twice(const Layout *layout, const char *one, const char *other)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("two files hold the %s script of version " INT64_FORMAT,
					layout->direction == LAYOUT_DOWN ? "down" : "up", layout->version),
			 errdetail("They are \"%s\" and \"%s\".", one, other),
			 errhint("Give one of them another version.")));
}

/* Take one file into the list if it is a migration file. */
static void
load_add_file(List **found, const char *path)
{
	LoadMigration *migration = palloc0(sizeof(LoadMigration));
	Layout		layout;

	if (!migrate_layout_parse(path, &layout))
		return;
	migration->layout = layout;
	if (layout.direction == LAYOUT_DOWN)
		migration->down_path = pstrdup(path);
	else
		migration->up_path = pstrdup(path);
	*found = lappend(*found, migration);
}

/*
 * Refuse a file that cannot be read, if it is called like a migration's; error
 * is errno, or 0.
 */
static void
load_refuse_file(const char *path, const char *message, int error)
{
	Layout		layout;

	if (!migrate_layout_parse(path, &layout))
		return;
	errno = error;
	ereport(ERROR,
			(error != 0 ? errcode_for_file_access() : errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(message, path),
			 errhint("Migrations are never left out in silence: remove it, or make it a file.")));
}

/*
 * Find the files of a directory.  Its subdirectories are looked into once:
 * some layouts have one for each migration.
 */
static void
load_scan(List **found, const char *directory, bool nested)
{
	DIR		   *dir = AllocateDir(directory);
	struct dirent *entry;

	while ((entry = ReadDir(dir, directory)) != NULL)
	{
		char	   *path = psprintf("%s/%s", directory, entry->d_name);
		struct stat st;

		CHECK_FOR_INTERRUPTS();
		if (entry->d_name[0] == '.')
			continue;
		if (stat(path, &st) != 0)
			load_refuse_file(path, "could not stat file \"%s\": %m", errno);
		else if (S_ISREG(st.st_mode))
			load_add_file(found, path);
		else if (!S_ISDIR(st.st_mode))
			load_refuse_file(path, "\"%s\" is not a regular file", 0);
		else if (!nested)
			load_scan(found, path, true);
	}
	FreeDir(dir);
}

/* Tell whether a path is a directory. */
static bool
load_is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Order by version, up files first. */
static int
load_compare(const ListCell *a, const ListCell *b)
{
	const LoadMigration *x = lfirst(a);
	const LoadMigration *y = lfirst(b);

	if (x->layout.version != y->layout.version)
		return x->layout.version < y->layout.version ? -1 : 1;
	return (int) x->layout.direction - (int) y->layout.direction;
}

/* Pair the files of each version; the list is sorted. */
static List *
load_pair(List *found)
{
	List	   *paired = NIL;
	LoadMigration *last = NULL;
	ListCell   *lc;

	foreach(lc, found)
	{
		LoadMigration *next = lfirst(lc);

		if (last == NULL || last->layout.version != next->layout.version)
		{
			paired = lappend(paired, next);
			last = next;
		}
		else if (next->up_path != NULL)
			load_refuse_twice(&next->layout, last->up_path, next->up_path);
		else if (last->down_path != NULL)
			load_refuse_twice(&next->layout, last->down_path, next->down_path);
		else
			last->down_path = next->down_path;
	}
	return paired;
}

/* Find and pair the migration files of a project's directory. */
static List *
load_find(const char *directory)
{
	char	   *migrations = psprintf("%s/migrations", directory);
	char	   *rollbacks = psprintf("%s/rollbacks", directory);
	List	   *found = NIL;

	if (load_is_directory(migrations))
	{
		load_scan(&found, migrations, false);
		if (load_is_directory(rollbacks))
			load_scan(&found, rollbacks, false);
	}
	else
		load_scan(&found, directory, false);
	if (found == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("no migration file found in \"%s\"", directory),
				 errhint("A migration file is called like migrations/003_name.sql.")));
	list_sort(found, load_compare);
	return load_pair(found);
}

/* Read a file as text in the database's encoding; files are UTF-8. */
static char *
load_read(const char *path)
{
	FILE	   *file = AllocateFile(path, PG_BINARY_R);
	StringInfoData buf;
	size_t		limit = (size_t) migrate_script_limit * 1024;

	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for reading: %m", path)));
	initStringInfo(&buf);
	for (;;)
	{
		size_t		got;

		CHECK_FOR_INTERRUPTS();
		enlargeStringInfo(&buf, 65536);
		got = fread(buf.data + buf.len, 1, 65536, file);
		if (got == 0)
			break;
		buf.len += got;
		if (buf.len > limit)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("file \"%s\" exceeds %d kB", path, migrate_script_limit),
					 errhint("Load large data outside of migrations, or raise migrate.script_limit.")));
	}
	if (ferror(file))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", path)));
	FreeFile(file);
	buf.data[buf.len] = '\0';
	return pg_any_to_server(buf.data, buf.len, PG_UTF8);
}

/* Error context callback: name the files being registered. */
static void
load_position(void *arg)
{
	LoadMigration *migration = (LoadMigration *) arg;

	if (migration->up_path && migration->down_path)
		errcontext("files \"%s\" and \"%s\"", migration->up_path, migration->down_path);
	else
		errcontext("file \"%s\"",
				   migration->up_path ? migration->up_path : migration->down_path);
}

/* Read and register the files of one migration; returns the action. */
static const char *
load_register(LoadMigration *migration)
{
	Registration registration = {.version = migration->layout.version,
	.version_text = migration->layout.version_text};
	SectionScripts scripts = {0};
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = load_position,
		.arg = migration,
	};
	const char *action;

	error_context_stack = &callback;
	if (migration->up_path != NULL)
	{
		migrate_section_split(&migration->layout, load_read(migration->up_path), &scripts);
		registration.name = migration->layout.name;
		registration.up = scripts.up;
		registration.down = scripts.down;
	}
	if (migration->down_path != NULL)
	{
		Layout		down = migration->layout;

		down.direction = LAYOUT_DOWN;
		if (registration.down != NULL)
			load_refuse_twice(&down, migration->up_path, migration->down_path);
		migrate_section_split(&down, load_read(migration->down_path), &scripts);
		registration.down = scripts.down;
	}
	action = migrate_registration_take(&registration);
	error_context_stack = callback.previous;
	return action;
}

/* Refuse callers and directories that must not be read. */
static void
load_check(const char *directory)
{
	migrate_deploy_check("migrate_load()");
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read files of the server"),
				 errdetail("Only roles with privileges of the \"pg_read_server_files\" role may call migrate_load()."),
				 errhint("Send the files with migrate_register_file() instead.")));
	if (!is_absolute_path(directory))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not an absolute path", directory),
				 errhint("Name the directory on the server, such as /srv/app/supabase.")));
}

/* SQL: migrate_load(directory) */
Datum
migrate_load(PG_FUNCTION_ARGS)
{
	char	   *directory = migrate_argument_text(fcinfo, 0, "directory");
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext per_migration;
	ListCell   *lc;

	load_check(directory);
	canonicalize_path(directory);
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	per_migration = AllocSetContextCreate(CurrentMemoryContext, "migrate load",
										  ALLOCSET_DEFAULT_SIZES);
	foreach(lc, load_find(directory))
	{
		LoadMigration *migration = lfirst(lc);
		MemoryContext old = MemoryContextSwitchTo(per_migration);
		const char *action = load_register(migration);
		RegistryMigration *stored = migrate_registry_find(migration->layout.version);
		Datum		values[3] = {Int64GetDatum(stored->version),
		CStringGetTextDatum(stored->name), CStringGetTextDatum(action)};
		bool		isnull[3] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
		MemoryContextSwitchTo(old);
		MemoryContextReset(per_migration);
	}
	SPI_finish();
	return (Datum) 0;
}
