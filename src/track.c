/*-------------------------------------------------------------------------
 *
 * track.c
 *		Which objects a script may have changed.
 *
 * While a snapshot run is on (migrate_track_begin() to migrate_track_end()),
 * objects are noted as they change, so that the next snapshot looks at those
 * alone:
 *
 * - relations, and what is on them: the transaction's own relation cache
 *   invalidations;
 * - objects made, altered and dropped: the object access hook;
 * - comments, labels, privileges of types: the statements that set them;
 * - catalogs that are small, or whose rows are not announced otherwise: when the
 *   statistics say that the transaction wrote to them, or do not say anything,
 *   they are looked through.
 *
 * What is noted is more than what changed, never less.  Where that cannot be
 * promised (rows of catalogs changed by hand, extensions, caches reset), the
 * answer is that anything may have changed, and the caller scans all stamps.
 *
 * Callbacks cannot be taken back: they test one pointer when no run is on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "tcop/utility.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "keyset.h"
#include "track.h"

/* More than this is not worth looking at one by one. */
#define TRACK_LIMIT 8192

/* One run; lives in its memory context. */
typedef struct TrackRun
{
	MemoryContextCallback callback;
	bool		anything;		/* may have changed */
	bool		types;			/* any of pg_type may have changed */
	bool		constraints;	/* rows of pg_constraint were written */
	uint64	   *keys;
	int			count;
	int64	   *written;		/* rows written to each catalog, when looked
								 * last */
} TrackRun;

static TrackRun *track_running = NULL;

static object_access_hook_type track_next_object_access = NULL;
static ProcessUtility_hook_type track_next_utility = NULL;
static ExecutorStart_hook_type track_next_executor_start = NULL;

/* Note an object. */
static void
track_note(Oid class, Oid object)
{
	TrackRun   *run = track_running;
	uint64		key = OBJECT_KEY(class, object);

	if (run->anything)
		return;
	/* the same one often comes up several times in a row */
	for (int i = run->count - 1; i >= 0 && i >= run->count - 4; i--)
		if (run->keys[i] == key)
			return;
	if (run->count == TRACK_LIMIT)
		run->anything = true;
	else
		run->keys[run->count++] = key;
}

/* A relation's cache entry is invalid. */
static void
track_relcache_callback(Datum arg, Oid relid)
{
	if (track_running == NULL)
		return;
	if (OidIsValid(relid))
		track_note(RelationRelationId, relid);
	else
		track_running->anything = true;
}

/* Return the domain that a constraint is of, or 0. */
static Oid
track_domain(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Oid			domain = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		domain = ((Form_pg_constraint) GETSTRUCT(tuple))->contypid;
		ReleaseSysCache(tuple);
	}
	return domain;
}

/* An object is made, altered or dropped. */
static void
track_object_access(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (track_next_object_access)
		track_next_object_access(access, class, object, sub, arg);
	if (track_running == NULL)
		return;
	if (access != OAT_POST_CREATE && access != OAT_POST_ALTER && access != OAT_DROP)
		return;
	if (class == ExtensionRelationId)
		track_running->anything = true;
	else
		track_note(class, object);
	/* one that is not dropped leads to its domain later */
	if (class == ConstraintRelationId && access == OAT_DROP)
	{
		Oid			domain = track_domain(object);

		if (OidIsValid(domain))
			track_note(TypeRelationId, domain);
	}
}

/* Note the object that a comment or a label is of. */
static void
track_described(ObjectType type, Node *object)
{
	Relation	rel = NULL;
	ObjectAddress address;

	switch (type)
	{
		case OBJECT_DATABASE:
		case OBJECT_ROLE:
		case OBJECT_TABLESPACE:
		case OBJECT_LARGEOBJECT:
			return;
		default:
			break;
	}
	address = get_object_address(type, object, &rel, AccessShareLock, true);
	if (rel != NULL)
		relation_close(rel, NoLock);
	if (OidIsValid(address.objectId))
		track_note(address.classId, address.objectId);
	else
		track_running->anything = true;
}

/* See what a utility statement did that nothing else tells. */
static void
track_statement(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CommentStmt:
			track_described(((CommentStmt *) statement)->objtype,
							((CommentStmt *) statement)->object);
			break;
		case T_SecLabelStmt:
			track_described(((SecLabelStmt *) statement)->objtype,
							((SecLabelStmt *) statement)->object);
			break;
		case T_GrantStmt:
			if (((GrantStmt *) statement)->objtype == OBJECT_TYPE ||
				((GrantStmt *) statement)->objtype == OBJECT_DOMAIN)
				track_running->types = true;
			break;
		case T_CopyStmt:
			if (((CopyStmt *) statement)->is_from &&
				RangeVarGetRelid(((CopyStmt *) statement)->relation, NoLock, true) < FirstNormalObjectId)
				track_running->anything = true;
			break;
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
		case T_AlterExtensionContentsStmt:
		case T_AlterObjectDependsStmt:
		case T_DropOwnedStmt:
			track_running->anything = true;
			break;
		default:
			break;
	}
}

/* Run a utility statement. */
static void
track_utility(PlannedStmt *pstmt, const char *query, bool read_only_tree,
			  ProcessUtilityContext context, ParamListInfo params,
			  QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	if (track_next_utility)
		track_next_utility(pstmt, query, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(pstmt, query, read_only_tree, context, params, environment, dest, completion);
	if (track_running != NULL)
		track_statement(pstmt->utilityStmt);
}

/* Begin to run a plan: does it write to a catalog? */
static void
track_executor_start(QueryDesc *query, int eflags)
{
	if (track_running != NULL && query->plannedstmt->resultRelations != NIL)
	{
		ListCell   *lc;

		foreach(lc, query->plannedstmt->resultRelations)
		{
			RangeTblEntry *entry = list_nth(query->plannedstmt->rtable, lfirst_int(lc) - 1);

			if (entry->relid < FirstNormalObjectId)
				track_running->anything = true;
		}
	}
	if (track_next_executor_start)
		track_next_executor_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

/* Set up the module. */
void
migrate_track_init(void)
{
	CacheRegisterRelcacheCallback(track_relcache_callback, (Datum) 0);
	track_next_object_access = object_access_hook;
	object_access_hook = track_object_access;
	track_next_utility = ProcessUtility_hook;
	ProcessUtility_hook = track_utility;
	track_next_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = track_executor_start;
}

/* Forget a run when its memory goes, however it ended. */
static void
track_forget(void *arg)
{
	if (track_running == arg)
		track_running = NULL;
}

/* Tell whether a catalog is looked through when it was written to. */
static bool
track_is_watched(const TrackedCatalog *tracked)
{
	return tracked->role != TRACKED_NOTE &&
		tracked->class != RelationRelationId &&
		tracked->class != TypeRelationId &&
		tracked->relation < 0;
}

/*
 * Find the classes that were written to since the last look; returns whether a
 * catalog that is not watched was.
 */
static bool
track_find_written(TrackRun *run, keyset_hash *classes)
{
	bool		others = false;

	for (int i = 0; i < migrate_tracked_count; i++)
	{
		const TrackedCatalog *tracked = &migrate_tracked[i];
		int64		written = compat_rows_written(tracked->catalog);
		bool		moved = written != run->written[i] || !pgstat_track_counts;

		run->written[i] = written;
		if (!moved)
			continue;
		if (tracked->catalog == ConstraintRelationId)
			run->constraints = true;
		if (track_is_watched(tracked))
			(void) keyset_add(classes, tracked->class, 0);
		else
			others = true;
	}
	return others;
}

/* Begin to note what changes. */
void
migrate_track_begin(void)
{
	TrackRun   *run = palloc0(sizeof(TrackRun));
	keyset_hash *classes = keyset_create(CurrentMemoryContext, 64, NULL);

	run->keys = palloc(TRACK_LIMIT * sizeof(uint64));
	run->written = palloc0(migrate_tracked_count * sizeof(int64));
	(void) track_find_written(run, classes);
	run->constraints = false;
	keyset_destroy(classes);
	run->callback.func = track_forget;
	run->callback.arg = run;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &run->callback);
	track_running = run;
}

/* Note the domains whose constraints were noted. */
static void
track_note_domains(TrackRun *run)
{
	int			count = run->count;

	for (int i = 0; i < count; i++)
	{
		Oid			domain;

		if (OBJECT_KEY_CLASS(run->keys[i]) != ConstraintRelationId)
			continue;
		domain = track_domain(OBJECT_KEY_OID(run->keys[i]));
		if (OidIsValid(domain))
			track_note(TypeRelationId, domain);
	}
}

/*
 * Look at what was noted again, and note in changes whose stamps moved; false =
 * anything may have changed.
 */
bool
migrate_track_look(Stamps *stamps, StampChanges *changes)
{
	TrackRun   *run = track_running;
	keyset_hash *classes = keyset_create(CurrentMemoryContext, 64, NULL);
	keyset_hash *keys = keyset_create(CurrentMemoryContext, 64, NULL);
	keyset_iterator iterator;
	KeySetEntry *entry;
	bool		written = track_find_written(run, classes);
	bool		anything;

	track_note_domains(run);
	anything = run->anything || (written && run->count == 0 && !run->types);

	if (!anything)
	{
		/* relations first: others are on them */
		for (int pass = 0; pass < 2; pass++)
			for (int i = 0; i < run->count; i++)
			{
				uint64		key = run->keys[i];
				bool		is_relation = OBJECT_KEY_CLASS(key) == RelationRelationId;

				if (is_relation != (pass == 0) || !keyset_add(keys, key, 0))
					continue;
				migrate_stamp_refresh(stamps, key, changes);
				if (is_relation && run->constraints)
					migrate_stamp_refresh_inherited(stamps, OBJECT_KEY_OID(key), changes);
			}
		if (run->types || !pgstat_track_counts)
			(void) keyset_add(classes, TypeRelationId, 0);
		keyset_start_iterate(classes, &iterator);
		while ((entry = keyset_iterate(classes, &iterator)) != NULL)
			migrate_stamp_refresh_class(stamps, (Oid) entry->key, changes);
	}
	run->anything = run->types = run->constraints = false;
	run->count = 0;
	keyset_destroy(classes);
	keyset_destroy(keys);
	return !anything;
}

/* Stop to note. */
void
migrate_track_end(void)
{
	track_running = NULL;
}
