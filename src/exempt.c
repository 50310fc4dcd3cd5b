/*-------------------------------------------------------------------------
 *
 * exempt.c
 *		Relations whose rows are not kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "directive.h"
#include "exempt.h"

/* Remember that the step has made a relation: its rows were not there before. */
void
migrate_exempt_created(ExemptStep *step, Oid relid)
{
	if (step->created == NULL)
	{
		HASHCTL		ctl = {
			.keysize = sizeof(Oid),
			.entrysize = sizeof(Oid),
			.hcxt = step->context,
		};

		step->created = hash_create("migrate created", 64, &ctl,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(step->created, &relid, HASH_ENTER, NULL);
}

/* Tell whether a directive's relation, as written, is this one. */
static bool
exempt_is_named(const char *written, Oid relid)
{
	List	   *names;
	Oid			schema = get_rel_namespace(relid);

	if (!SplitIdentifierString(pstrdup(written), '.', &names))
		return false;
	switch (list_length(names))
	{
		case 1:
			return RelnameGetRelid(linitial(names)) == relid;
		case 2:
			return strcmp(lsecond(names), get_rel_name(relid)) == 0 &&
				OidIsValid(schema) &&
				strcmp(linitial(names), get_namespace_name(schema)) == 0;
		default:
			return false;
	}
}

/* Return which directive lets a relation, or what it is a partition of, go; or NULL. */
DirectiveNoBackup *
migrate_exempt_directive(List *no_backup, Oid relid)
{
	List	   *relids = list_make1_oid(relid);
	ListCell   *lc;

	if (no_backup == NIL)
		return NULL;
	if (get_rel_relispartition(relid))
		relids = list_concat(relids, get_partition_ancestors(relid));
	foreach(lc, no_backup)
	{
		DirectiveNoBackup *item = lfirst(lc);
		ListCell   *lc2;

		foreach(lc2, relids)
		{
			if (exempt_is_named(item->relation, lfirst_oid(lc2)))
				return item;
		}
	}
	return NULL;
}

/* Tell whether a directive lets a relation go; says so once, unless quiet. */
static bool
exempt_let_go(ExemptStep *step, Oid relid)
{
	DirectiveNoBackup *item = migrate_exempt_directive(step->no_backup, relid);
	MemoryContext old;

	if (item == NULL)
		return false;
	if (step->quiet || list_member_oid(step->told, relid))
		return true;
	old = MemoryContextSwitchTo(step->context);
	step->told = lappend_oid(step->told, relid);
	MemoryContextSwitchTo(old);
	ereport(NOTICE,
			(errmsg("rows of \"%s.%s\" are not kept: %s",
					get_namespace_name(get_rel_namespace(relid)),
					get_rel_name(relid), item->reason)));
	return true;
}

/* Tell whether a schema holds relations that are never kept. */
static bool
exempt_schema(Oid schema)
{
	char	   *name;

	if (schema < FirstNormalObjectId && schema != PG_PUBLIC_NAMESPACE)
		return true;
	name = get_namespace_name(schema);
	return name == NULL || strcmp(name, "migrate") == 0 || strcmp(name, "migrate_backup") == 0;
}

/*
 * Tell whether rows of a relation are not to be kept: all but tables and
 * sequences that are not temporary, not ours, were there before the step, and
 * that no directive lets go.
 */
bool
migrate_exempt_relation(ExemptStep *step, Oid relid)
{
	HeapTuple	tuple;
	Form_pg_class class;
	bool		exempt;

	if (relid < FirstNormalObjectId)
		return true;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return true;
	class = (Form_pg_class) GETSTRUCT(tuple);
	exempt = (class->relkind != RELKIND_RELATION && class->relkind != RELKIND_SEQUENCE &&
			  class->relkind != RELKIND_PARTITIONED_TABLE) ||
		class->relpersistence == RELPERSISTENCE_TEMP ||
		exempt_schema(class->relnamespace);
	ReleaseSysCache(tuple);
	if (exempt)
		return true;
	if (step->created != NULL &&
		hash_search(step->created, &relid, HASH_FIND, NULL) != NULL)
		return true;
	return exempt_let_go(step, relid);
}
