/*-------------------------------------------------------------------------
 *
 * lockplan.c
 *		Which relations the statements of a plan will lock.
 *
 * What each statement will lock is predicted with names as its script resolves
 * them: in its search_path and as its role.  A name that means nothing yet is
 * passed over; what it will mean is new, and nobody else sees it.
 *
 * Of each relation one mode is kept, which excludes all that the statements'
 * modes exclude: taking a weaker one first and a stronger one later is how
 * deadlocks begin.
 *
 * A prediction that fails is none.  It is no business of the plan that a
 * statement will fail, and an earlier one may yet see to it that it does not.
 * Nor may the plan lock for its caller what he could not lock: a relation on
 * which the role has no privilege that would let it is left to the statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "compat.h"
#include "execute.h"
#include "lockcount.h"
#include "lockplan.h"
#include "predict.h"

struct LockPlan
{
	MemoryContext context;
	HTAB	   *entries;		/* of LockPlanEntry */
	int64		created;		/* locks on what the statements make */
};

/* A script whose statements are being looked at. */
typedef struct LockPlanReader
{
	LockPlan   *plan;
	const Script *script;
	PositionFrame frame;
	ListCell   *next;			/* statement */
} LockPlanReader;

/* Make an empty plan; it lives in the current memory context. */
LockPlan *
migrate_lockplan_create(void)
{
	LockPlan   *plan = palloc0(sizeof(LockPlan));
	HASHCTL		ctl = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(LockPlanEntry),
		.hcxt = CurrentMemoryContext,
	};

	plan->context = CurrentMemoryContext;
	plan->entries = hash_create("migrate lock plan", 64, &ctl,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return plan;
}

/* Tell whether a mode excludes all that another one does. */
static bool
lockplan_covers(LOCKMODE mode, LOCKMODE other)
{
	for (LOCKMODE third = AccessShareLock; third <= AccessExclusiveLock; third++)
	{
		if (DoLockModesConflict(other, third) && !DoLockModesConflict(mode, third))
			return false;
	}
	return true;
}

/* Return the weakest mode that excludes what two modes exclude. */
static LOCKMODE
lockplan_join(LOCKMODE one, LOCKMODE other)
{
	LOCKMODE	mode = Max(one, other);

	while (!lockplan_covers(mode, one) || !lockplan_covers(mode, other))
		mode++;
	return mode;
}

/* Tell whether this transaction holds a lock that is as good. */
static bool
lockplan_is_held(Oid relid, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	for (LOCKMODE held = mode; held <= AccessExclusiveLock; held++)
	{
		if (lockplan_covers(held, mode) && compat_lock_held(&tag, held))
			return true;
	}
	return false;
}

/*
 * Tell whether the current user may lock a relation in a mode, by LOCK TABLE or
 * by the commands that need less of him: CREATE TRIGGER, and FOREIGN KEY on the
 * table it refers to.
 */
static bool
lockplan_may_lock(Oid relid, LOCKMODE mode)
{
	AclMode		privileges = compat_lock_privileges();
	Oid			role = GetUserId();

	if (mode <= ShareRowExclusiveLock)
		privileges |= ACL_TRIGGER | ACL_REFERENCES;
	return compat_is_owner(relid, role) ||
		pg_class_aclcheck(relid, role, privileges) == ACLCHECK_OK;
}

/* Merge what one statement will ask of one relation. */
static void
lockplan_merge(LockPlanReader *reader, Oid relid, LOCKMODE mode)
{
	LockPlan   *plan = reader->plan;
	const char *lock_timeout = reader->script->directives.lock_timeout;
	LockPlanEntry *entry;
	bool		found;

	if (relid < FirstNormalObjectId ||
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) ||
		(mode >= ShareUpdateExclusiveLock && !lockplan_may_lock(relid, mode)))
		return;
	entry = hash_search(plan->entries, &relid, HASH_ENTER, &found);
	if (!found)
		memset((char *) entry + sizeof(Oid), 0, sizeof(LockPlanEntry) - sizeof(Oid));
	entry->mode = found ? lockplan_join(entry->mode, mode) : mode;
	if (mode <= entry->asked)
		return;
	entry->asked = mode;
	entry->frame = reader->frame;
	entry->lock_timeout = lock_timeout ?
		MemoryContextStrdup(plan->context, lock_timeout) : NULL;
}

/* Follow what a SET in the script does to names. */
static void
lockplan_follow_set(VariableSetStmt *stmt)
{
	if (stmt->name != NULL &&
		(strcmp(stmt->name, "search_path") == 0 || strcmp(stmt->name, "role") == 0))
		ExecSetVariableStmt(stmt, false);
}

/* Look at one statement. */
static void
lockplan_statement(LockPlanReader *reader, ScriptStatement *stmt)
{
	Prediction *prediction;
	ListCell   *lc;

	if (stmt->skipped)
		return;
	reader->frame.statement++;
	reader->frame.line = stmt->line;
	if (IsA(stmt->node, VariableSetStmt))
	{
		lockplan_follow_set((VariableSetStmt *) stmt->node);
		return;
	}
	reader->plan->created += migrate_lockcount_created(stmt->node);
	prediction = migrate_predict_locks(stmt->node);
	foreach(lc, prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		lockplan_merge(reader, relation->relid, relation->mode);
	}
}

/* Tell whether an error is one of a prediction, not of the server or the session. */
static bool
lockplan_may_pass_over(const ErrorData *edata)
{
	switch (ERRCODE_TO_CATEGORY(edata->sqlerrcode))
	{
		case MAKE_SQLSTATE('5', '3', '0', '0', '0'):	/* insufficient
														 * resources */
		case MAKE_SQLSTATE('5', '7', '0', '0', '0'):	/* operator intervention */
		case MAKE_SQLSTATE('5', '8', '0', '0', '0'):	/* system error */
			return false;
		default:
			return true;
	}
}

/*
 * Look at statements from reader->next on, until one fails or there are no
 * more.  Whatever that does (settings, locks on what is looked at) is undone.
 */
static void
lockplan_read(LockPlanReader *reader)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		(void) NewGUCNestLevel();
		migrate_execute_settings(&reader->script->directives);
		while (reader->next != NULL)
		{
			ScriptStatement *stmt = lfirst(reader->next);

			CHECK_FOR_INTERRUPTS();
			reader->next = lnext(reader->script->statements, reader->next);
			lockplan_statement(reader, stmt);
		}
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && !lockplan_may_pass_over(error))
		ReThrowError(error);
}

/*
 * Add what the statements of a script will lock; it has its parse trees.  frame
 * says which script it is.
 */
void
migrate_lockplan_add(LockPlan *plan, const Script *script, const PositionFrame *frame)
{
	LockPlanReader reader = {
		.plan = plan,
		.script = script,
		.frame = *frame,
		.next = list_head(script->statements),
	};

	reader.frame.text = NULL;
	reader.frame.statements = script->count;
	reader.frame.statement = 0;
	while (reader.next != NULL)
	{
		ListCell   *before = reader.next;

		lockplan_read(&reader);
		/* The settings themselves have failed: so will the script. */
		if (reader.next == before)
			break;
	}
}

/* Tell whether a relation is one that others use: no catalog, not ours, not temporary. */
static bool
lockplan_is_user_class(Oid relid, Form_pg_class class)
{
	char	   *schema;

	if (relid < FirstNormalObjectId || class->relpersistence == RELPERSISTENCE_TEMP ||
		IsToastNamespace(class->relnamespace) || IsCatalogNamespace(class->relnamespace))
		return false;
	schema = get_namespace_name(class->relnamespace);
	return schema == NULL ||
		(strcmp(schema, "migrate") != 0 && strcmp(schema, "migrate_backup") != 0);
}

/* Tell the same of a relation by its OID; one that has gone counts. */
bool
migrate_lockplan_is_user_relation(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return relid >= FirstNormalObjectId;
	result = lockplan_is_user_class(relid, (Form_pg_class) GETSTRUCT(tuple));
	ReleaseSysCache(tuple);
	return result;
}

/* Complete an entry from the catalog; false = its relation is not to be locked. */
static bool
lockplan_complete(LockPlanEntry *entry)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(entry->relid));
	Form_pg_class class;
	bool		wanted;

	if (!HeapTupleIsValid(tuple))
		return false;
	class = (Form_pg_class) GETSTRUCT(tuple);
	wanted = lockplan_is_user_class(entry->relid, class);
	entry->schema = class->relnamespace;
	entry->name = pstrdup(NameStr(class->relname));
	entry->is_index = class->relkind == RELKIND_INDEX || class->relkind == RELKIND_PARTITIONED_INDEX;
	ReleaseSysCache(tuple);
	entry->label = quote_qualified_identifier(get_namespace_name(entry->schema), entry->name);
	return wanted;
}

/* Tell whether an index is locked well enough by the lock on its table. */
static bool
lockplan_table_is_enough(LockPlan *plan, const LockPlanEntry *entry)
{
	Oid			table = entry->is_index ? IndexGetRelation(entry->relid, true) : InvalidOid;
	LockPlanEntry *other;

	if (!OidIsValid(table))
		return false;
	other = hash_search(plan->entries, &table, HASH_FIND, NULL);
	return (other != NULL && other->mode == AccessExclusiveLock) ||
		lockplan_is_held(table, AccessExclusiveLock);
}

/* Order entries: tables before indexes, then by age. */
static int
lockplan_compare(const ListCell *a, const ListCell *b)
{
	const LockPlanEntry *one = lfirst(a);
	const LockPlanEntry *other = lfirst(b);

	if (one->is_index != other->is_index)
		return one->is_index ? 1 : -1;
	return one->relid < other->relid ? -1 : one->relid > other->relid;
}

/*
 * Return the entries of relations that are to be locked before the first
 * statement: those that others use, in modes that exclude others of their own
 * kind, and that this transaction does not hold anyway.
 */
List *
migrate_lockplan_wanted(LockPlan *plan)
{
	MemoryContext old = MemoryContextSwitchTo(plan->context);
	HASH_SEQ_STATUS scan;
	LockPlanEntry *entry;
	List	   *wanted = NIL;

	hash_seq_init(&scan, plan->entries);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->mode >= ShareUpdateExclusiveLock &&
			!lockplan_is_held(entry->relid, entry->mode) &&
			lockplan_complete(entry) &&
			!lockplan_table_is_enough(plan, entry))
			wanted = lappend(wanted, entry);
	}
	list_sort(wanted, lockplan_compare);
	MemoryContextSwitchTo(old);
	return wanted;
}

/* Tell whether the relation of an entry is still there, under the same name. */
bool
migrate_lockplan_same_relation(const LockPlanEntry *entry)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(entry->relid));
	Form_pg_class class;
	bool		same;

	if (!HeapTupleIsValid(tuple))
		return false;
	class = (Form_pg_class) GETSTRUCT(tuple);
	same = class->relnamespace == entry->schema &&
		strcmp(NameStr(class->relname), entry->name) == 0;
	ReleaseSysCache(tuple);
	return same;
}

/* Warn when the locks that the plan will hold fill much of the lock table. */
void
migrate_lockplan_warn(const LockPlan *plan)
{
	migrate_lockcount_warn(hash_get_num_entries(plan->entries) + plan->created);
}
