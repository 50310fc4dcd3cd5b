/*-------------------------------------------------------------------------
 *
 * restore.c
 *		Put kept rows back where they belong.
 *
 * After the script of one direction, what the last run of the other one kept goes
 * back: each backup by itself, and the constraints between tables when all are
 * done.  A backup whose table or column is not there any more, or belongs to
 * somebody who could not have read the rows, stays as it is; that is told, and
 * is no error.
 *
 * Rows of a table or column that a statement is about to validate may go back
 * before it: migrate_restore_early().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "backup.h"
#include "changedrow.h"
#include "compat.h"
#include "deploy.h"
#include "loss.h"
#include "restore.h"
#include "restoreitem.h"
#include "restoresequence.h"

PG_FUNCTION_INFO_V1(migrate_restore);

/* How backups are put back. */
typedef struct RestoreRun
{
	List	   *references;		/* of References *, of each backup */
	bool		any_owner;		/* a superuser asks for just this backup */
	RestoreResult result;
} RestoreRun;

/* What the running step has put back before its end, and where; checked at the end. */
static RestoreResult restore_done;
static List *restore_early_relids;

/* Return the quoted name of the relation of a backup. */
static char *
restore_name(const RestoreItem *restore)
{
	return quote_qualified_identifier(restore->item.name.schema, restore->item.name.relation);
}

/* Say why a backup stays as it is; returns false. */
static bool
restore_refuse(const RestoreItem *restore, char *reason)
{
	ereport(NOTICE,
			(errmsg("what was kept of %s was not put back", restore_name(restore)),
			 errdetail("%s", reason),
			 errhint("It stays kept; SELECT migrate_restore(" INT64_FORMAT ") puts it back when that has changed.",
					 restore->item.backup)));
	return false;
}

/* Tell whether the owner of a relation is one who could have read what was kept. */
static bool
restore_may_own(const RestoreRun *run, const RestoreItem *restore, Relation rel)
{
	Oid			owner = get_role_oid(restore->owner, true);

	return run->any_owner || superuser_arg(rel->rd_rel->relowner) ||
		RelationGetRelid(rel) == restore->item.name.relid ||
		(OidIsValid(owner) && has_privs_of_role(rel->rd_rel->relowner, owner));
}

/* Let a sequence go on where it was. */
static bool
restore_sequence(RestoreRun *run, const RestoreItem *restore, PutBack *putback)
{
	const TargetName *name = &restore->item.name;
	Oid			schema = get_namespace_oid(name->schema, true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(name->relation, schema) : InvalidOid;
	Relation	rel;
	bool		allowed;

	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_SEQUENCE)
		return restore_refuse(restore, "There is no such sequence now.");
	rel = relation_open(relid, RowExclusiveLock);
	allowed = restore_may_own(run, restore, rel);
	if (allowed && migrate_restoresequence(rel, restore->item.last_value, restore->item.is_called))
		putback->restored++;
	relation_close(rel, NoLock);
	return allowed || restore_refuse(restore, "The sequence belongs to another role now.");
}

/* Return how many columns of a kept table come before those of the source. */
static int
restore_before(const RestoreItem *restore, Relation kept)
{
	TupleDesc	desc = RelationGetDescr(kept);

	if (strcmp(restore->item.what, "rows") == 0)
		return CHANGEDROW_BEFORE;
	if (strcmp(restore->item.what, "column") == 0 && desc->natts > 0 &&
		strcmp(NameStr(TupleDescAttr(desc, 0)->attname), "migrate.new_image") == 0)
		return 1;
	return 0;
}

/* Tell why a backup cannot go to its table, or return NULL. */
static char *
restore_obstacle(RestoreRun *run, const RestoreItem *restore, RestoreTarget *target)
{
	TargetColumn *column;

	if (!restore_may_own(run, restore, target->rel))
		return "The table belongs to another role now.";
	if (restore->item.column == NULL)
		return NULL;
	column = migrate_target_column(target, restore->item.column);
	if (column == NULL || column->attnum == 0)
		return psprintf("The table has no column \"%s\" now.", restore->item.column);
	return NULL;
}

/* Put rows back into the table that is open. */
static void
restore_rows(PutBack *putback)
{
	const PutBackItem *item = putback->item;

	if (strcmp(item->what, "table") == 0)
		migrate_refill_table(putback);
	else if (strcmp(item->what, "column") == 0)
		migrate_refill_column(putback);
	else if (putback->target->keys > 0)
		migrate_putback_rows(putback);
	else
		migrate_match_rows(putback);
}

/* Put rows, values of a column, or a table back; returns false if they stay kept. */
static bool
restore_table(RestoreRun *run, const RestoreItem *restore, PutBack *putback)
{
	char	   *obstacle;

	if (!OidIsValid(restore->kept))
		return restore_refuse(restore, psprintf("Table migrate_backup.%s is gone.",
												quote_identifier(restore->item.kept_as)));
	putback->kept = table_open(restore->kept, AccessShareLock);
	putback->target = migrate_target_open(&restore->item.name, putback->kept,
										  restore_before(restore, putback->kept));
	if (putback->target == NULL)
		obstacle = "There is no such table now.";
	else
	{
		obstacle = restore_obstacle(run, restore, putback->target);
		if (obstacle == NULL)
		{
			migrate_reference_watch(llast(run->references), putback->target);
			restore_rows(putback);
		}
		migrate_target_close(putback->target);
	}
	table_close(putback->kept, NoLock);
	return obstacle == NULL || restore_refuse(restore, obstacle);
}

/* Tell about rows that were left as they are. */
static void
restore_report(const RestoreItem *restore, const PutBack *putback)
{
	if (putback->conflicts == 0)
		return;
	ereport(WARNING,
			(errmsg_plural(INT64_FORMAT " row of %s was not put back",
						   INT64_FORMAT " rows of %s were not put back",
						   (unsigned long) putback->conflicts,
						   putback->conflicts, restore_name(restore)),
			 errdetail("They were changed since, or other rows are in their place."),
			 errhint("They stay kept and are listed in migrate.restore_conflict; SELECT migrate_restore(" INT64_FORMAT ") tries again.",
					 restore->item.backup)));
}

/* Put one backup back, whatever it is; returns false if it stays as it is. */
static bool
restore_any(RestoreRun *run, const RestoreItem *restore, PutBack *putback)
{
	bool		tried;

	CommandCounterIncrement();
	if (strcmp(restore->item.what, "sequence") == 0)
		tried = restore_sequence(run, restore, putback);
	else
		tried = restore_table(run, restore, putback);
	CommandCounterIncrement();
	return tried;
}

/* Tell whether an error says that kept values do not fit the table as it is now. */
static bool
restore_is_misfit(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_DATA_EXCEPTION ||
		sqlerrcode == ERRCODE_NOT_NULL_VIOLATION || sqlerrcode == ERRCODE_CHECK_VIOLATION ||
		sqlerrcode == ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE;
}

/* The same, where values that do not fit leave the backup as it is. */
static bool
restore_try(RestoreRun *run, const RestoreItem *restore, PutBack *putback)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool tried = false;
	ErrorData  *volatile error = NULL;

	run->references = lappend(run->references, migrate_reference_begin());
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		tried = restore_any(run, restore, putback);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* no error may leave the subtransaction open */
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return tried;
	if (!restore_is_misfit(error->sqlerrcode))
		ReThrowError(error);
	run->references = list_delete_last(run->references);
	return restore_refuse(restore, psprintf("It does not fit: %s", error->message));
}

/* Put one backup back; returns whether that was tried. */
static bool
restore_item(RestoreRun *run, RestoreItem *restore)
{
	PutBack		putback = {.item = &restore->item, .context = CurrentMemoryContext};

	if (!restore_try(run, restore, &putback))
		return false;
	if (restore->item.kept_as == NULL)
		putback.restored = 0;	/* no row */
	migrate_restoreitem_mark(&putback);
	restore_report(restore, &putback);
	run->result.restored += putback.restored;
	run->result.conflicts += putback.conflicts;
	return true;
}

/* Check the constraints between tables. */
static void
restore_check(RestoreRun *run)
{
	ListCell   *lc;

	foreach(lc, run->references)
		migrate_reference_check(lfirst(lc));
}

/*
 * After the script of a migration, put back what the last run of its other script
 * kept.  The caller is connected to SPI; nothing is kept any more.
 */
void
migrate_restore_step(int64 version, bool down, RestoreResult *result)
{
	RestoreRun	run = {.result = restore_done};
	List	   *items = migrate_restoreitem_step(version, down);
	ListCell   *lc;

	foreach(lc, items)
		(void) restore_item(&run, lfirst(lc));
	if (restore_early_relids != NIL)
	{
		run.references = lappend(run.references, migrate_reference_begin());
		foreach(lc, restore_early_relids)
			migrate_reference_add_table(llast(run.references), lfirst_oid(lc));
	}
	restore_check(&run);
	*result = run.result;
}

/*
 * Tell whether a table has all columns of its kept rows: those that the script
 * adds later would stay empty.
 */
static bool
restore_has_columns(const RestoreItem *restore, Oid relid)
{
	Relation	kept;
	TupleDesc	desc;
	bool		all = true;

	if (!OidIsValid(restore->kept))
		return false;
	kept = table_open(restore->kept, AccessShareLock);
	desc = RelationGetDescr(kept);
	for (int i = restore_before(restore, kept); all && i < desc->natts; i++)
		all = TupleDescAttr(desc, i)->attisdropped ||
			get_attnum(relid, NameStr(TupleDescAttr(desc, i)->attname)) != InvalidAttrNumber;
	table_close(kept, NoLock);
	return all;
}

/*
 * Tell whether rows of a backup are looked at by a statement that is about to
 * check a relation: of a column that was made again, or, where other tables refer
 * to the relation, of the relation or its partitions.  A table that was made again
 * is empty for now, so what is declared for itself holds.
 */
static bool
restore_is_looked_at(const RestoreItem *restore, Oid relid, bool referenced)
{
	const PutBackItem *item = &restore->item;
	Oid			target = migrate_target_lookup(&item->name);

	if (!OidIsValid(target) || item->kept_as == NULL || strcmp(item->operation, "alter type") == 0)
		return false;
	if (target != relid && !(referenced && get_rel_relispartition(target) &&
							 list_member_oid(get_partition_ancestors(target), relid)))
		return false;
	if (strcmp(item->what, "column") == 0)
		return get_attnum(target, item->column) != InvalidAttrNumber;
	return referenced && restore_has_columns(restore, target);
}

/* Note where rows went back before the end of the script. */
static void
restore_note_early(const RestoreItem *restore)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	restore_early_relids = list_append_unique_oid(restore_early_relids,
												  migrate_target_lookup(&restore->item.name));
	MemoryContextSwitchTo(old);
}

/*
 * While the script of a migration runs, put back at once what a statement that is
 * about to come looks at.
 */
static void
restore_early(Oid relid, bool referenced)
{
	const BackupStep *step = migrate_backup_step();
	RestoreRun	run = {0};
	List	   *items;
	ListCell   *lc;

	SPI_connect();
	items = migrate_restoreitem_step(step->version, step->down);
	foreach(lc, items)
	{
		if (restore_is_looked_at(lfirst(lc), relid, referenced) && restore_item(&run, lfirst(lc)))
			restore_note_early(lfirst(lc));
	}
	restore_done.restored += run.result.restored;
	restore_done.conflicts += run.result.conflicts;
	SPI_finish();
}

/* Begin a step: nothing is back yet. */
void
migrate_restore_begin(void)
{
	memset(&restore_done, 0, sizeof(RestoreResult));
	restore_early_relids = NIL;
}

/* Set up the module. */
void
migrate_restore_init(void)
{
	migrate_loss_before_validation(restore_early);
}

/* Refuse who is neither a superuser nor could act as the owner of what was kept. */
static void
restore_check_caller(const RestoreItem *restore)
{
	Oid			owner = get_role_oid(restore->owner, true);

	if (superuser() || (OidIsValid(owner) && has_privs_of_role(GetUserId(), owner)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to put back backup " INT64_FORMAT, restore->item.backup),
			 errdetail("Role \"%s\" owned %s when its rows were kept.", restore->owner,
					   restore_name(restore)),
			 errhint("Call migrate_restore() as this role, or as a superuser.")));
}

/* Say in words what came of a backup. */
static char *
restore_detail(const RestoreItem *restore, const RestoreResult *result, bool tried)
{
	if (!tried)
		return "not put back: see the notice";
	if (result->conflicts > 0)
		return "rows were left as they are: see migrate.restore_conflict";
	if (restore->item.kept_as == NULL)
		return "the sequence is at least where it was";
	return result->restored > 0 ? "put back" : "nothing was missing";
}

/* Find a backup that the caller may put back. */
static RestoreItem *
restore_find(FunctionCallInfo fcinfo)
{
	RestoreItem *restore;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("backup must not be null")));
	restore = migrate_restoreitem_one(PG_GETARG_INT64(0));
	if (restore == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no backup " INT64_FORMAT, PG_GETARG_INT64(0)),
				 errhint("migrate_backups() shows those there are.")));
	restore_check_caller(restore);
	return restore;
}

/* SQL: migrate_restore(backup bigint) */
Datum
migrate_restore(PG_FUNCTION_ARGS)
{
	RestoreRun	run = {0};
	RestoreItem *restore;
	TupleDesc	desc;
	Datum		values[4];
	bool		isnull[4] = {false};
	bool		tried;
	Datum		result;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	SPI_connect();
	migrate_deploy_begin("migrate_restore()");
	restore = restore_find(fcinfo);
	run.any_owner = superuser();
	tried = restore_item(&run, restore);
	restore_check(&run);
	values[0] = CStringGetTextDatum(restore_name(restore));
	values[1] = Int64GetDatum(run.result.restored);
	values[2] = Int64GetDatum(run.result.conflicts);
	values[3] = CStringGetTextDatum(restore_detail(restore, &run.result, tried));
	result = PointerGetDatum(SPI_returntuple(heap_form_tuple(desc, values, isnull), desc));
	migrate_deploy_end();
	SPI_finish();
	return result;
}
