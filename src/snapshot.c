/*-------------------------------------------------------------------------
 *
 * snapshot.c
 *		The schema as it stood at one moment.
 *
 * Between migrate_snapshot_begin() and migrate_snapshot_end() the session knows
 * the stamps of all objects (stamp.c) and what changes them (track.c).  What
 * may have changed since the snapshot before is rendered (depend.c, render.c)
 * and compared (version.c); only if something did change there is a new
 * snapshot.
 *
 * Everything is rendered again at the first snapshot, when no stamps are there
 * (a restored dump), when the server is another major version, and after
 * changes that show in objects that do not refer to what changed.
 *
 * The caller holds the deploy lock, and is connected to SPI.  State lives in the
 * caller's memory context and is forgotten with it, however that ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "deploy.h"
#include "owner.h"
#include "registry.h"
#include "render.h"
#include "snapshot.h"
#include "stamp.h"
#include "track.h"
#include "version.h"

PG_FUNCTION_INFO_V1(migrate_snapshot);

/* From begin to end. */
typedef struct SnapshotRun
{
	MemoryContextCallback callback;
	MemoryContext context;
	Stamps	   *stamps;			/* of the objects as they were looked at last */
	StampChanges moved;			/* stamps to be written at the end */
	VersionState state;
	int64		snapshot;		/* the last stored one, 0 = none */
	int64		version;		/* of the schema, as it is looked at */
	bool		force;			/* store a snapshot also if nothing changed */
} SnapshotRun;

static SnapshotRun *snapshot_running = NULL;

/* Forget a run when its memory goes, however it ended. */
static void
snapshot_forget(void *arg)
{
	if (snapshot_running == arg)
		snapshot_running = NULL;
}

/* Set up the module. */
void
migrate_snapshot_init(void)
{
	migrate_track_init();
}

/* Begin to run the engine's own statements, with settings pinned. */
static void
snapshot_raise(OwnerScope *scope)
{
	migrate_owner_begin(scope);
	migrate_render_pin();
}

/* Read the last snapshot; returns the major version of its server. */
static int
snapshot_read_last(SnapshotRun *run)
{
	static OwnerQuery query = {
		.sql = "SELECT snapshot, fingerprint, objects,"
		" pg_catalog.substring(server_version, '^[0-9]+')::pg_catalog.int4"
		" FROM migrate.snapshot ORDER BY snapshot DESC LIMIT 1"
	};
	int			major = 0;

	if (migrate_owner_run(&query, NULL, NULL) > 0)
	{
		bool		isnull;
		bytea	   *fingerprint;

		run->snapshot = DatumGetInt64(migrate_owner_value(0, 1, &isnull));
		fingerprint = DatumGetByteaPP(migrate_owner_value(0, 2, &isnull));
		memcpy(run->state.fingerprint, VARDATA_ANY(fingerprint),
			   Min(VARSIZE_ANY_EXHDR(fingerprint), PG_SHA256_DIGEST_LENGTH));
		run->state.objects = DatumGetInt64(migrate_owner_value(0, 3, &isnull));
		major = DatumGetInt32(migrate_owner_value(0, 4, &isnull));
	}
	migrate_owner_free();
	return major;
}

/* Write the row of a snapshot. */
static void
snapshot_insert(SnapshotRun *run, const char *label, int changes)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO migrate.snapshot (snapshot, label, fingerprint, objects, changes, version)"
		" VALUES ($1, $2, $3, $4, $5, $6)",
		.nargs = 6,
		.argtypes = {INT8OID, TEXTOID, BYTEAOID, INT8OID, INT4OID, INT8OID},
	};
	Datum		values[6];
	bool		isnull[6] = {false};

	values[0] = Int64GetDatum(run->snapshot);
	values[1] = label ? CStringGetTextDatum(label) : (Datum) 0;
	isnull[1] = label == NULL;
	values[2] = migrate_owner_checksum(run->state.fingerprint, &isnull[2]);
	values[3] = Int64GetDatum(run->state.objects);
	values[4] = Int32GetDatum(changes);
	values[5] = Int64GetDatum(run->version);
	migrate_owner_run(&query, values, isnull);
}

/* Store what was found; a new snapshot if there are changes, or one is wanted. */
static void
snapshot_store(SnapshotRun *run, VersionSet *set, const char *label)
{
	int			changes = migrate_version_changes(set);
	bool		new = changes > 0 || run->force;

	if (new)
		run->snapshot++;
	migrate_version_store(set, run->snapshot);
	if (new)
		snapshot_insert(run, label, changes);
}

/* Render everything, and store what changed. */
static void
snapshot_render_all(SnapshotRun *run, const char *label)
{
	VersionSet *set = migrate_version_set(&run->state);

	migrate_version_load_all(set);
	migrate_render_all(migrate_version_sink, set);
	migrate_version_conclude(set, migrate_depend_load());
	snapshot_store(run, set, label);
}

/* Render what may have changed, and store what did. */
static void
snapshot_render_some(SnapshotRun *run, keyset_hash *reach, const char *label)
{
	VersionSet *set = migrate_version_set(&run->state);
	keyset_hash *further = keyset_create(CurrentMemoryContext, 64, NULL);
	DependList	renamed = {0};
	keyset_iterator iterator;
	KeySetEntry *entry;

	migrate_version_load(set, reach);
	migrate_render_some(reach, run->stamps, migrate_version_sink, set);
	migrate_version_renamed(set, &renamed);
	if (renamed.count > 0)
	{
		migrate_depend_reach_names(further, &renamed);
		keyset_start_iterate(reach, &iterator);
		while ((entry = keyset_iterate(reach, &iterator)) != NULL)
			(void) keyset_delete(further, entry->key);
		migrate_version_load(set, further);
		migrate_render_some(further, run->stamps, migrate_version_sink, set);
	}
	migrate_version_conclude(set, NULL);
	snapshot_store(run, set, label);
}

/* Store the schema as it stands, given whose stamps moved; the caller is raised. */
static void
snapshot_settle(SnapshotRun *run, const StampChanges *changes, bool all, const char *label)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "migrate snapshot",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	keyset_hash *reach = keyset_create(context, 64, NULL);

	if (all || !migrate_depend_reach(reach, changes))
		snapshot_render_all(run, label);
	else if (reach->members > 0)
		snapshot_render_some(run, reach, label);
	else if (run->force)
		snapshot_store(run, migrate_version_set(&run->state), label);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Begin, with a snapshot of its own if force is set; returns the number of the last one. */
static int64
snapshot_begin(bool force, const char *label)
{
	SnapshotRun *run = palloc0(sizeof(SnapshotRun));
	OwnerScope	scope;
	bool		stamped;
	bool		upgraded;

	run->callback.func = snapshot_forget;
	run->callback.arg = run;
	run->context = CurrentMemoryContext;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &run->callback);
	run->force = force;
	run->version = migrate_registry_current();

	migrate_track_begin();
	snapshot_raise(&scope);
	upgraded = snapshot_read_last(run) != PG_VERSION_NUM / 10000 && run->snapshot != 0;
	run->stamps = migrate_stamp_scan();
	stamped = migrate_stamp_load(run->stamps, &run->moved);
	if (!stamped)
		migrate_stamp_all(run->stamps, &run->moved);
	if (label == NULL && !force)
		label = run->snapshot == 0 ? "first snapshot" :
			upgraded ? "server upgrade" : "drift";
	snapshot_settle(run, &run->moved, !stamped || run->snapshot == 0 || upgraded, label);
	migrate_owner_end(&scope);
	run->force = false;
	snapshot_running = run;
	return run->snapshot;
}

/*
 * Begin: store a snapshot of the schema as it stands, unless it equals the last
 * one; and follow what changes from here on.  Returns the number of the snapshot
 * that the schema equals.
 */
int64
migrate_snapshot_begin(void)
{
	return snapshot_begin(false, NULL);
}

/* Remember whose stamps are to be written at the end. */
static void
snapshot_remember(SnapshotRun *run, const StampChanges *changes)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	migrate_stamp_append(&run->moved, changes);
	MemoryContextSwitchTo(old);
}

/*
 * Store the schema as it stands after a script, unless it equals the last
 * snapshot; returns the number of the one it equals.  version is that of the
 * schema now: the registry does not say so yet.
 */
int64
migrate_snapshot_take(const char *label, int64 version)
{
	SnapshotRun *run = snapshot_running;
	StampChanges changes = {0};
	OwnerScope	scope;
	MemoryContext old;

	run->version = version;
	CommandCounterIncrement();
	old = MemoryContextSwitchTo(run->context);
	if (!migrate_track_look(run->stamps, &changes))
	{
		Stamps	   *stamps = migrate_stamp_scan();

		migrate_stamp_compare(run->stamps, stamps, &changes);
		migrate_stamp_free(run->stamps);
		run->stamps = stamps;
	}
	MemoryContextSwitchTo(old);
	snapshot_remember(run, &changes);
	if (changes.count > 0)
	{
		snapshot_raise(&scope);
		snapshot_settle(run, &changes, false, NULL);
		migrate_owner_end(&scope);
		pfree(changes.items);
	}
	return run->snapshot;
}

/* End: write the stamps. */
void
migrate_snapshot_end(void)
{
	SnapshotRun *run = snapshot_running;
	OwnerScope	scope;

	migrate_owner_begin(&scope);
	migrate_stamp_save(run->stamps, &run->moved);
	migrate_owner_end(&scope);
	migrate_track_end();
	snapshot_running = NULL;
}

/* Tell whether two stored snapshots are of equal schemas. */
bool
migrate_snapshot_equal(int64 one, int64 other)
{
	static OwnerQuery query = {
		.sql = "SELECT pg_catalog.count(DISTINCT fingerprint) OPERATOR(pg_catalog.=) 1"
		" FROM migrate.snapshot WHERE snapshot OPERATOR(pg_catalog.=) ANY (ARRAY[$1, $2])",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	Datum		values[2] = {Int64GetDatum(one), Int64GetDatum(other)};
	OwnerScope	scope;
	bool		isnull;
	bool		equal;

	if (one == other)
		return true;
	migrate_owner_begin(&scope);
	migrate_owner_run(&query, values, NULL);
	equal = DatumGetBool(migrate_owner_value(0, 1, &isnull));
	migrate_owner_free();
	migrate_owner_end(&scope);
	return equal;
}

/* SQL: migrate_snapshot(label text DEFAULT NULL) */
Datum
migrate_snapshot(PG_FUNCTION_ARGS)
{
	char	   *label = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64		snapshot;

	SPI_connect();
	migrate_deploy_begin("migrate_snapshot()");
	snapshot = snapshot_begin(true, label);
	migrate_snapshot_end();
	migrate_deploy_end();
	SPI_finish();
	PG_RETURN_INT64(snapshot);
}
