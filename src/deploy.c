/*-------------------------------------------------------------------------
 *
 * deploy.c
 *		Who may change the schema version now.
 *
 * Invariants:
 *
 * - One transaction of the database at a time holds the deploy lock: EXCLUSIVE
 *   mode on the view migrate.deployment, until the transaction ends.  Nothing
 *   that migrate_grant() grants lets SQL take that lock (members of
 *   pg_write_all_data, and of 17's pg_maintain, can).
 * - The lock is never waited for.  A waiter would hold a snapshot, and CREATE
 *   INDEX CONCURRENTLY in the deployment that it waits for would wait for that
 *   snapshot.
 * - Registry and ledger are read after the lock, with a snapshot taken after
 *   it.  That is why the isolation levels that keep one snapshot are refused.
 * - A session runs one deployment at a time: what a script calls cannot start
 *   another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "deploy.h"
#include "owner.h"

/*
 * objsubid of the lock that carries the version; the view migrate.deployment
 * knows the number.  SQL takes advisory locks with objsubid 1 and 2 only.
 */
#define DEPLOY_LOCK_SUBID 19783

/* One running deployment of this session; lives in its memory context. */
typedef struct DeployRun
{
	MemoryContextCallback callback;
	int64		announced;		/* the version others see, or 0 */
} DeployRun;

static DeployRun *deploy_running = NULL;

/* The relation that the last deployment of this session locked. */
static Oid	deploy_relid = InvalidOid;

/* Forget a deployment when its memory goes, however it ended. */
static void
deploy_forget(void *arg)
{
	if (deploy_running == arg)
		deploy_running = NULL;
}

/*
 * Refuse to prepare a transaction that holds the deploy lock: it would outlive
 * the session and keep everybody out.
 */
static void
deploy_xact_callback(XactEvent event, void *arg)
{
	LOCKTAG		tag;

	if (event != XACT_EVENT_PRE_PREPARE || !OidIsValid(deploy_relid))
		return;
	SET_LOCKTAG_RELATION(tag, MyDatabaseId, deploy_relid);
	if (compat_lock_held(&tag, ExclusiveLock))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has changed the schema version"),
				 errhint("Use COMMIT.")));
}

/* Set up the module. */
void
migrate_deploy_init(void)
{
	RegisterXactCallback(deploy_xact_callback, NULL);
}

/* Refuse to change anything where that cannot work; command names the function. */
void
migrate_deploy_check(const char *command)
{
	PreventCommandDuringRecovery(command);
	PreventCommandIfReadOnly(command);
	PreventCommandIfParallelMode(command);
	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot execute %s within a security-restricted operation", command)));
	if (deploy_running != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("migrations cannot be nested"),
				 errdetail("%s was called by a script that is running.", command)));
}

/* Say who holds the deploy lock. */
static void
deploy_refuse_busy(void)
{
	static OwnerQuery query = {
		.sql = "SELECT pid, version,"
		" pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) started_at)"
		" FROM migrate.deployment"
	};
	OwnerScope	scope;
	char	   *detail;

	migrate_owner_begin(&scope);
	if (migrate_owner_run(&query, NULL, NULL) == 0)
		detail = pstrdup("It has just ended.");
	else
	{
		char	   *version = migrate_owner_text(0, 2);
		char	   *age = migrate_owner_text(0, 3);

		detail = psprintf("Process %s is at version %s; its transaction is %s old.",
						  migrate_owner_text(0, 1),
						  version ? version : "(none yet)",
						  age ? age : "(unknown)");
	}
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("another deployment is under way"),
			 errdetail("%s", detail),
			 errhint("Try again when it has ended; migrate_status() shows what it did.")));
}

/*
 * Take the deploy lock until the end of the transaction, or raise 55P03 at
 * once; the caller is connected to SPI.
 */
void
migrate_deploy_lock(void)
{
	Oid			schema = get_namespace_oid("migrate", true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid("deployment", schema) : InvalidOid;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"migrate_ext\" is not installed in this database"),
				 errhint("Run CREATE EXTENSION migrate_ext.")));
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("the schema version cannot be changed at isolation level \"%s\"",
						XactIsoLevel == XACT_SERIALIZABLE ? "serializable" : "repeatable read"),
				 errdetail("The transaction would not see what another deployment has just done."),
				 errhint("Use the isolation level \"read committed\".")));
	if (!ConditionalLockRelationOid(relid, ExclusiveLock))
		deploy_refuse_busy();
	deploy_relid = relid;
}

/*
 * Begin a deployment: check, lock, and refuse nested ones from here on.  It
 * ends with migrate_deploy_end(), or when the current memory context goes.
 */
void
migrate_deploy_begin(const char *command)
{
	DeployRun  *run;

	migrate_deploy_check(command);
	migrate_deploy_lock();
	run = palloc0(sizeof(DeployRun));
	run->callback.func = deploy_forget;
	run->callback.arg = run;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &run->callback);
	deploy_running = run;
}

/* End a deployment; the deploy lock stays until the transaction ends. */
void
migrate_deploy_end(void)
{
	deploy_running = NULL;
}

/* Fill the tag of the lock that carries a version. */
static void
deploy_version_tag(LOCKTAG *tag, int64 version)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId,
						 (uint32) (version >> 32), (uint32) version,
						 DEPLOY_LOCK_SUBID);
}

/*
 * Let other sessions see which version the deployment runs; the last one stays
 * to be seen until the transaction ends.
 */
void
migrate_deploy_announce(int64 version)
{
	LOCKTAG		tag;

	if (deploy_running->announced != 0)
	{
		deploy_version_tag(&tag, deploy_running->announced);
		LockRelease(&tag, ExclusiveLock, false);
	}
	deploy_version_tag(&tag, version);
	(void) LockAcquire(&tag, ExclusiveLock, false, true);
	deploy_running->announced = version;
}
