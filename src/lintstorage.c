/*-------------------------------------------------------------------------
 *
 * lintstorage.c
 *		Rules of lint on how tables are stored, vacuumed and replicated.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_publication.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "postmaster/autovacuum.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "lint.h"
#include "predicting.h"

/* SET LOGGED, UNLOGGED */
static void
lintstorage_logged(LintStatement *statement, Oid relid, bool logged)
{
	char		now = get_rel_persistence(relid);

	if (now != (logged ? RELPERSISTENCE_UNLOGGED : RELPERSISTENCE_PERMANENT))
		return;
	migrate_lint_find(statement, LINT_SET_LOGGED_UNLOGGED, relid,
					  logged ? "reads and writes of %s wait until it is written again, and all of it to WAL" :
					  "reads and writes of %s wait until it is written again, and a crash empties it from then on",
					  get_rel_name(relid));
}

/* SET TABLESPACE */
static void
lintstorage_tablespace(LintStatement *statement, Oid relid, const char *name)
{
	Oid			now = get_rel_tablespace(relid);
	Oid			then = get_tablespace_oid(name, true);

	if (OidIsValid(then) && then != (OidIsValid(now) ? now : MyDatabaseTableSpace) &&
		RELKIND_HAS_STORAGE(get_rel_relkind(relid)))
		migrate_lint_find(statement, LINT_SET_TABLESPACE, relid,
						  "reads and writes of %s wait until it is copied to tablespace \"%s\"",
						  get_rel_name(relid), name);
}

/* Return the access method of a relation. */
static Oid
lintstorage_method(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			method;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	method = ((Form_pg_class) GETSTRUCT(tuple))->relam;
	ReleaseSysCache(tuple);
	return method;
}

/* Return the access method for tables of a name; InvalidOid = there is none. */
static Oid
lintstorage_table_method(const char *name)
{
	HeapTuple	tuple = name == NULL ? NULL : SearchSysCache1(AMNAME, CStringGetDatum(name));
	Oid			method;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	method = ((Form_pg_am) GETSTRUCT(tuple))->amtype == AMTYPE_TABLE ?
		((Form_pg_am) GETSTRUCT(tuple))->oid : InvalidOid;
	ReleaseSysCache(tuple);
	return method;
}

/* SET ACCESS METHOD */
static void
lintstorage_access_method(LintStatement *statement, Oid relid, const char *name)
{
	Oid			then = lintstorage_table_method(name);

	if (OidIsValid(then) && then != lintstorage_method(relid) &&
		RELKIND_HAS_TABLE_AM(get_rel_relkind(relid)))
		migrate_lint_find(statement, LINT_SET_ACCESS_METHOD, relid,
						  "reads and writes of %s wait until it is written again for access method \"%s\"",
						  get_rel_name(relid), name);
}

/* Tell whether UPDATE or DELETE of a table is published. */
static bool
lintstorage_is_published(Relation rel)
{
	PublicationDesc published;

	RelationBuildPublicationDesc(rel, &published);
	return published.pubactions.pubupdate || published.pubactions.pubdelete;
}

/* REPLICA IDENTITY */
static void
lintstorage_identity(LintStatement *statement, Oid relid, const ReplicaIdentityStmt *identity)
{
	Relation	rel = migrate_prediction_open(relid);
	bool		changes;
	bool		published;

	if (rel == NULL)
		return;
	changes = rel->rd_rel->relreplident != identity->identity_type;
	published = changes && is_publishable_relation(rel) && lintstorage_is_published(rel);
	migrate_prediction_close(rel);
	if (!changes)
		return;
	if (identity->identity_type == REPLICA_IDENTITY_NOTHING && published)
		migrate_lint_find(statement, LINT_REPLICA_IDENTITY_CHANGE, relid,
						  "%s is published: UPDATE and DELETE of it fail from then on", get_rel_name(relid));
	else if (identity->identity_type == REPLICA_IDENTITY_FULL && (published || XLogLogicalInfoActive()))
		migrate_lint_find(statement, LINT_REPLICA_IDENTITY_CHANGE, relid,
						  "UPDATE and DELETE of %s write whole old rows to WAL, and subscribers look for them row by row",
						  get_rel_name(relid));
}

/* Tell whether an option turns autovacuum off. */
static bool
lintstorage_disables(const DefElem *option)
{
	bool		on = true;

	return strcmp(option->defname, "autovacuum_enabled") == 0 && option->arg != NULL &&
		parse_bool(defGetString(unconstify(DefElem *, option)), &on) && !on;
}

/* Return how old the oldest row of a table may be, in percent of what forces a vacuum. */
static int
lintstorage_age(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	TransactionId oldest;

	if (!HeapTupleIsValid(tuple))
		return 0;
	oldest = ((Form_pg_class) GETSTRUCT(tuple))->relfrozenxid;
	ReleaseSysCache(tuple);
	if (!TransactionIdIsNormal(oldest))
		return 0;
	return (int) ((int64) (int32) (ReadNextTransactionId() - oldest) * 100 / autovacuum_freeze_max_age);
}

/* Options of storage of a table; a new one has no OID. */
static void
lintstorage_options(LintStatement *statement, Oid relid, const char *name, List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);
		int			age = OidIsValid(relid) ? lintstorage_age(relid) : 0;

		if (!lintstorage_disables(option))
			continue;
		if (age >= 50)
			migrate_lint_find(statement, LINT_DISABLING_AUTOVACUUM, relid,
							  "%s is no longer vacuumed, until its age forces that: it is at %d percent of autovacuum_freeze_max_age",
							  name, age);
		else
			migrate_lint_find(statement, LINT_DISABLING_AUTOVACUUM, relid,
							  "%s is no longer vacuumed, until its age forces that", name);
	}
}

/* ALTER TABLE */
static void
lintstorage_alter(LintStatement *statement, const AlterTableStmt *alter)
{
	LintTarget	target = migrate_lint_target(statement, alter->relation);
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_SetRelOptions)
			lintstorage_options(statement, target.relid, target.name, (List *) command->def);
		if (!OidIsValid(target.relid))
			continue;
		switch (command->subtype)
		{
			case AT_SetLogged:
			case AT_SetUnLogged:
				lintstorage_logged(statement, target.relid, command->subtype == AT_SetLogged);
				break;
			case AT_SetTableSpace:
				lintstorage_tablespace(statement, target.relid, command->name);
				break;
			case AT_SetAccessMethod:
				lintstorage_access_method(statement, target.relid, command->name);
				break;
			case AT_ReplicaIdentity:
				lintstorage_identity(statement, target.relid, castNode(ReplicaIdentityStmt, command->def));
				break;
			default:
				break;
		}
	}
}

/* Return the table that takes most pages, by the statistics. */
static Oid
lintstorage_largest(void)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	Oid			largest = InvalidOid;
	int32		pages = 0;
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->oid < FirstNormalObjectId || form->relkind != RELKIND_RELATION ||
			form->relpages <= pages)
			continue;
		pages = form->relpages;
		largest = form->oid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return largest;
}

/* VACUUM FULL or CLUSTER, of named tables or of all of them. */
static void
lintstorage_repack(LintStatement *statement, const char *command, bool named)
{
	PredictedRelation all = {.mode = AccessExclusiveLock, .rewrite = true};
	ListCell   *lc;

	foreach(lc, statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);
		char		relkind = get_rel_relkind(relation->relid);

		if (relation->rewrite && (relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW))
			migrate_lint_find(statement, LINT_PREFER_REPACK, relation->relid,
							  "reads and writes of %s wait until it and its indexes are written again",
							  get_rel_name(relation->relid));
	}
	all.relid = named ? InvalidOid : lintstorage_largest();
	if (OidIsValid(all.relid))
		migrate_lint_find_under(statement, LINT_PREFER_REPACK, &all,
								"%s without a name takes one table after the other: reads and writes of each wait until it is written again",
								command);
}

/* VACUUM */
static void
lintstorage_vacuum(LintStatement *statement, const VacuumStmt *vacuum)
{
	ListCell   *lc;

	foreach(lc, vacuum->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);
		bool		on = true;

		if (strcmp(option->defname, "full") == 0 &&
			(option->arg == NULL || (parse_bool(defGetString(option), &on) && on)))
			lintstorage_repack(statement, "VACUUM FULL", vacuum->rels != NIL);
	}
}

/* Look at a statement. */
void
migrate_lint_storage(LintStatement *statement)
{
	Node	   *node = statement->node;
	CreateStmt *create;

	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			lintstorage_alter(statement, (AlterTableStmt *) node);
			break;
		case T_CreateStmt:
			create = (CreateStmt *) node;
			lintstorage_options(statement, InvalidOid, create->relation->relname, create->options);
			break;
		case T_ClusterStmt:
			lintstorage_repack(statement, "CLUSTER", ((ClusterStmt *) node)->relation != NULL);
			break;
		case T_VacuumStmt:
			lintstorage_vacuum(statement, (VacuumStmt *) node);
			break;
		default:
			break;
	}
}
