/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Differences between the server versions this extension supports.
 *
 * PostgreSQL 15 to 18 are built from one source.  Every version test of the
 * extension stands here; other files see one spelling of each interface.  That is
 * why it is long: whoever adds a server version goes through this file alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_COMPAT_H
#define MIGRATE_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "migrate_ext needs PostgreSQL 15 or newer"
#endif

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "parser/parsetree.h"
#endif

/*
 * Check that the current user may insert into the columns of nsitem; 16 moved
 * permissions out of the range table entry.
 */
static inline void
compat_check_insert_permission(ParseState *pstate, ParseNamespaceItem *nsitem,
							   Bitmapset *columns)
{
#if PG_VERSION_NUM >= 160000
	RTEPermissionInfo *perminfo = nsitem->p_perminfo;

	perminfo->requiredPerms = ACL_INSERT;
	perminfo->insertedCols = columns;
	ExecCheckPermissions(pstate->p_rtable, list_make1(perminfo), true);
#else
	RangeTblEntry *rte = nsitem->p_rte;

	rte->requiredPerms = ACL_INSERT;
	rte->insertedCols = columns;
	ExecCheckRTPerms(pstate->p_rtable, true);
#endif
}

/*
 * Tell whether member could SET ROLE to role; 16 made that a right apart from
 * being a member.
 */
static inline bool
compat_can_set_role(Oid member, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return member_can_set_role(member, role);
#else
	return is_member_of_role(member, role);
#endif
}

/* Tell whether this session holds a lock in this mode; 17 added an argument. */
static inline bool
compat_lock_held(const LOCKTAG *tag, LOCKMODE mode)
{
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(tag, mode, false);
#else
	return LockHeldByMe(tag, mode);
#endif
}

/*
 * Return the process of a virtual transaction, or NULL; 17 numbers processes
 * where there were backend IDs.
 */
static inline PGPROC *
compat_vxid_proc(const VirtualTransactionId *vxid)
{
#if PG_VERSION_NUM >= 170000
	return ProcNumberGetProc(vxid->procNumber);
#else
	return BackendIdGetProc(vxid->backendId);
#endif
}

/*
 * Return the privileges of which one is enough to lock a relation in a mode
 * that excludes writers; 17 added MAINTAIN.
 */
static inline AclMode
compat_lock_privileges(void)
{
#if PG_VERSION_NUM >= 170000
	return ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE | ACL_MAINTAIN;
#else
	return ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;
#endif
}

/* Tell whether a role may execute a function; 16 made one check of many. */
static inline bool
compat_may_execute(Oid function, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
#else
	return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

/* Counts of what was done to one relation. */
typedef struct CompatCounts
{
	int64		scans;			/* of a table: sequential ones */
	int64		returned;		/* rows that they read */
	int64		inserted;
	int64		updated;
	int64		deleted;
} CompatCounts;

/* Tell whether anything has been counted of a relation; 16 gives a copy. */
static inline bool
compat_has_counts(Oid relid)
{
	PgStat_TableStatus *status = find_tabstat_entry(relid);

#if PG_VERSION_NUM >= 160000
	if (status != NULL)
		pfree(status);
#endif
	return status != NULL;
}

/*
 * Return the counts of a relation that the statistics have not been told yet,
 * those of the running transaction among them; 16 counts the subtransactions
 * in, and gives a copy.
 */
static inline CompatCounts
compat_counts(Oid relid)
{
	PgStat_TableStatus *status = find_tabstat_entry(relid);
	CompatCounts counts = {0};

	if (status == NULL)
		return counts;
#if PG_VERSION_NUM >= 160000
	counts.scans = status->counts.numscans;
	counts.returned = status->counts.tuples_returned;
	counts.inserted = status->counts.tuples_inserted;
	counts.updated = status->counts.tuples_updated;
	counts.deleted = status->counts.tuples_deleted;
	pfree(status);
#else
	counts.scans = status->t_counts.t_numscans;
	counts.returned = status->t_counts.t_tuples_returned;
	counts.inserted = status->t_counts.t_tuples_inserted;
	counts.updated = status->t_counts.t_tuples_updated;
	counts.deleted = status->t_counts.t_tuples_deleted;
	for (PgStat_TableXactStatus *level = status->trans; level != NULL; level = level->upper)
	{
		counts.inserted += level->tuples_inserted;
		counts.updated += level->tuples_updated;
		counts.deleted += level->tuples_deleted;
	}
#endif
	return counts;
}

/*
 * Return how many rows the transaction has written to a relation so far, plus
 * some number that does not change within it.
 */
static inline int64
compat_rows_written(Oid relid)
{
	CompatCounts counts = compat_counts(relid);

	return counts.inserted + counts.updated + counts.deleted;
}

/*
 * Tell whether a process is in a virtual transaction still: it may be in another
 * one after it has prepared that one.  17 moved the field.
 */
static inline bool
compat_proc_is_in(const PGPROC *proc, const VirtualTransactionId *vxid)
{
#if PG_VERSION_NUM >= 170000
	return proc->vxid.lxid == vxid->localTransactionId;
#else
	return proc->lxid == vxid->localTransactionId;
#endif
}

/* Return what the server knows of one of its sessions; 16 renamed the function. */
static inline const PgBackendStatus *
compat_backend_status(int index)
{
#if PG_VERSION_NUM >= 160000
	return &pgstat_get_local_beentry_by_index(index)->backendStatus;
#else
	return &pgstat_fetch_stat_local_beentry(index)->backendStatus;
#endif
}

/* Tell whether the session bounds how long its statements run; 17 can bound transactions. */
static inline bool
compat_run_is_bounded(void)
{
#if PG_VERSION_NUM >= 170000
	return StatementTimeout > 0 || TransactionTimeout > 0;
#else
	return StatementTimeout > 0;
#endif
}

/* SPI result code of 17's MERGE ... RETURNING; no code of 15 and 16 is this one. */
#ifndef SPI_OK_MERGE_RETURNING
#define SPI_OK_MERGE_RETURNING 19
#endif

/* Tell whether a column is computed when it is read; 18 brought those. */
static inline bool
compat_is_virtual(Form_pg_attribute att)
{
#if PG_VERSION_NUM >= 180000
	return att->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL;
#else
	return false;
#endif
}

/* What an update says of the indexes; 16 made it more than yes or no. */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes CompatUpdateIndexes;
#else
typedef bool CompatUpdateIndexes;
#endif

/* Tell whether a part of ALTER TABLE gives a generated column another expression. */
static inline bool
compat_sets_expression(AlterTableType subtype)
{
#if PG_VERSION_NUM >= 170000
	return subtype == AT_SetExpression;
#else
	return false;
#endif
}

/*
 * Tell the relation cache that one relation has got new storage in this
 * subtransaction, and another one the storage of the first; 16 renamed the
 * fields.
 */
static inline void
compat_take_storage(Relation from, Relation to)
{
	to->rd_createSubid = from->rd_createSubid;
#if PG_VERSION_NUM >= 160000
	to->rd_newRelfilelocatorSubid = from->rd_newRelfilelocatorSubid;
	to->rd_firstRelfilelocatorSubid = from->rd_firstRelfilelocatorSubid;
	RelationAssumeNewRelfilelocator(from);
#else
	to->rd_newRelfilenodeSubid = from->rd_newRelfilenodeSubid;
	to->rd_firstRelfilenodeSubid = from->rd_firstRelfilenodeSubid;
	RelationAssumeNewRelfilenode(from);
#endif
}

/* Tell whether this transaction has given a relation its storage; 16 renamed the field. */
static inline bool
compat_has_new_storage(Relation rel)
{
#if PG_VERSION_NUM >= 160000
	return rel->rd_createSubid != InvalidSubTransactionId ||
		rel->rd_firstRelfilelocatorSubid != InvalidSubTransactionId;
#else
	return rel->rd_createSubid != InvalidSubTransactionId ||
		rel->rd_firstRelfilenodeSubid != InvalidSubTransactionId;
#endif
}

/* Swap a count that 18 brought with those that storage comes with. */
static inline void
compat_swap_all_frozen(Form_pg_class one, Form_pg_class other)
{
#if PG_VERSION_NUM >= 180000
	int32		frozen = one->relallfrozen;

	one->relallfrozen = other->relallfrozen;
	other->relallfrozen = frozen;
#endif
}

/* Build the indexes of a table anew; 17 added an argument. */
static inline void
compat_reindex(Oid relid)
{
	ReindexParams params = {0};

#if PG_VERSION_NUM >= 170000
	(void) reindex_relation(NULL, relid, 0, &params);
#else
	(void) reindex_relation(relid, 0, &params);
#endif
}

/* Settle a descriptor's attribute after changing it; 18 keeps a compact copy. */
static inline void
compat_attribute_changed(TupleDesc desc, AttrNumber attnum)
{
#if PG_VERSION_NUM >= 180000
	populate_compact_attribute(desc, attnum - 1);
#endif
}

/* Begin to scan an index; 18 added an argument. */
static inline IndexScanDesc
compat_index_beginscan(Relation table, Relation index, Snapshot snapshot, int keys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(table, index, snapshot, NULL, keys, 0);
#else
	return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

/* Tell whether the indexes of a table must learn of an update. */
static inline bool
compat_indexes_change(CompatUpdateIndexes update)
{
#if PG_VERSION_NUM >= 160000
	return update != TU_None;
#else
	return update;
#endif
}

/*
 * Enter a row into the indexes of its table; update is NULL for a new row.
 * Returns the OIDs of deferred unique indexes that it may violate.
 */
static inline List *
compat_insert_indexes(ResultRelInfo *info, TupleTableSlot *slot, EState *estate,
					  const CompatUpdateIndexes *update)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(info, slot, estate, update != NULL, false, NULL, NIL,
								 update != NULL && *update == TU_Summarizing);
#else
	return ExecInsertIndexTuples(info, slot, estate, update != NULL, false, NULL, NIL);
#endif
}

/* Tell whether a role owns a relation, or is a superuser; 16 has one check for all. */
static inline bool
compat_is_owner(Oid relid, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relid, role);
#else
	return pg_class_ownercheck(relid, role);
#endif
}

/* Find a type by its name as SQL writes it; false = there is none.  16 changed an argument. */
static inline bool
compat_parse_type(const char *name, Oid *type, int32 *typmod)
{
#if PG_VERSION_NUM >= 160000
	ErrorSaveContext context = {T_ErrorSaveContext};

	return parseTypeString(name, type, typmod, (Node *) &context) && OidIsValid(*type);
#else
	parseTypeString(name, type, typmod, true);
	return OidIsValid(*type);
#endif
}

/*
 * Tell whether no other row stands in the way of one in some unique indexes; 18
 * added an argument.
 */
static inline bool
compat_check_indexes(ResultRelInfo *info, TupleTableSlot *slot, EState *estate,
					 ItemPointer other, List *indexes)
{
#if PG_VERSION_NUM >= 180000
	ItemPointerData invalid;

	ItemPointerSetInvalid(&invalid);
	return ExecCheckIndexConstraints(info, slot, estate, other, &invalid, indexes);
#else
	return ExecCheckIndexConstraints(info, slot, estate, other, indexes);
#endif
}

/* Walk the lock table entries of this session in one partition; 16 changed the lists. */
static inline PROCLOCK *
compat_first_own_lock(int partition)
{
#if PG_VERSION_NUM >= 160000
	dlist_head *list = &MyProc->myProcLocks[partition];

	return dlist_is_empty(list) ? NULL : dlist_head_element(PROCLOCK, procLink, list);
#else
	SHM_QUEUE  *list = &MyProc->myProcLocks[partition];

	return (PROCLOCK *) SHMQueueNext(list, list, offsetof(PROCLOCK, procLink));
#endif
}

/* Return the entry after one, or NULL. */
static inline PROCLOCK *
compat_next_own_lock(int partition, PROCLOCK *entry)
{
#if PG_VERSION_NUM >= 160000
	dlist_head *list = &MyProc->myProcLocks[partition];

	return dlist_has_next(list, &entry->procLink) ?
		dlist_container(PROCLOCK, procLink, dlist_next_node(list, &entry->procLink)) : NULL;
#else
	return (PROCLOCK *) SHMQueueNext(&MyProc->myProcLocks[partition], &entry->procLink,
									 offsetof(PROCLOCK, procLink));
#endif
}

/*
 * Take a lock that is held already once more, and return the local entry that
 * counts how often it is; 18 added an argument.
 */
static inline LOCALLOCK *
compat_lock_again(const LOCKTAG *tag, LOCKMODE mode)
{
	LOCALLOCK  *local;

#if PG_VERSION_NUM >= 180000
	(void) LockAcquireExtended(tag, mode, false, false, true, &local, false);
#else
	(void) LockAcquireExtended(tag, mode, false, false, true, &local);
#endif
	return local;
}

/* Locks that stand in the session's own slots, not in the lock table. */
#define COMPAT_FAST_GROUP 16	/* slots whose bits stand in one word */
#define COMPAT_FAST_BITS 3		/* bits of a slot: modes 1 to 3 */

/* Return how many words of such slots there are; 18 made that a setting. */
static inline int
compat_fast_groups(void)
{
#if PG_VERSION_NUM >= 180000
	return FastPathLockGroupsPerBackend;
#else
	StaticAssertStmt(FP_LOCK_SLOTS_PER_BACKEND == COMPAT_FAST_GROUP,
					 "one word holds all fast-path slots");
	return 1;
#endif
}

/* Return one word of them, of this session. */
static inline uint64
compat_fast_bits(int group)
{
#if PG_VERSION_NUM >= 180000
	return MyProc->fpLockBits[group];
#else
	return MyProc->fpLockBits;
#endif
}

/* Return the number of a relation's storage; 16 renamed it. */
static inline Oid
compat_storage(Relation rel)
{
#if PG_VERSION_NUM >= 160000
	return rel->rd_locator.relNumber;
#else
	return rel->rd_node.relNode;
#endif
}

/* Tell whether a generated column is stored; 18 added virtual ones, the default. */
static inline bool
compat_is_stored(const Constraint *generated)
{
#if PG_VERSION_NUM >= 180000
	return generated->generated_kind == ATTRIBUTE_GENERATED_STORED;
#else
	return true;
#endif
}

#endif							/* MIGRATE_COMPAT_H */
