/*-------------------------------------------------------------------------
 *
 * lintdrop.c
 *		Rules of lint on what is dropped and emptied.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "lint.h"
#include "predicting.h"

/* Tell whether a relation is a table whose rows count: not a temporary one. */
static bool
lintdrop_is_table(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) &&
		get_rel_persistence(relid) != RELPERSISTENCE_TEMP;
}

/* List the tables whose rows go with those of a table. */
static List *
lintdrop_rows(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ?
		find_all_inheritors(relid, NoLock, NULL) : list_make1_oid(relid);
}

/* DROP TABLE */
static void
lintdrop_table(LintStatement *statement, const DropStmt *drop)
{
	ListCell   *lc;

	foreach(lc, drop->objects)
	{
		List	   *name = lfirst_node(List, lc);
		LintTarget	target;
		List	   *lost;

		if (list_length(name) > 3)
			continue;
		target = migrate_lint_target(statement, makeRangeVarFromNameList(name));
		if (!OidIsValid(target.relid) || !lintdrop_is_table(target.relid))
			continue;
		lost = lintdrop_rows(target.relid);
		migrate_lint_find_loss(statement, LINT_BAN_DROP_TABLE, target.relid, lost,
							   migrate_lint_loses(statement, lost) ?
							   "%s is dropped, and its rows are not kept" :
							   "%s is dropped: what still uses it fails", target.name);
	}
}

/* Tell whether the statement drops a relation. */
static bool
lintdrop_drops(const Prediction *prediction, Oid relid)
{
	ListCell   *lc;

	foreach(lc, prediction->dropped)
	{
		PredictedDrop *drop = lfirst(lc);

		if (drop->object.classId == RelationRelationId && drop->object.objectId == relid &&
			drop->object.objectSubId == 0)
			return true;
	}
	return false;
}

/* List the tables that foreign keys of dropped tables, and dropped foreign keys, refer to. */
static List *
lintdrop_referred(const Prediction *prediction)
{
	List	   *referred = NIL;
	ListCell   *lc;

	foreach(lc, prediction->dropped)
	{
		PredictedDrop *drop = lfirst(lc);
		HeapTuple	tuple;

		if (drop->object.classId != ConstraintRelationId)
			continue;
		tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(drop->object.objectId));
		if (!HeapTupleIsValid(tuple))
			continue;
		referred = list_append_unique_oid(referred, ((Form_pg_constraint) GETSTRUCT(tuple))->confrelid);
		ReleaseSysCache(tuple);
	}
	return referred;
}

/* Relations that are locked because of a foreign key that goes. */
static void
lintdrop_lock_others(LintStatement *statement, List *named)
{
	const Prediction *prediction = statement->prediction;
	List	   *referred = lintdrop_referred(prediction);
	ListCell   *lc;

	foreach(lc, prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);
		Oid			relid = relation->relid;

		if (relation->mode != AccessExclusiveLock || list_member_oid(named, relid) ||
			!lintdrop_is_table(relid) || lintdrop_drops(prediction, relid) ||
			migrate_lint_is_dropped(statement->lint, RelationRelationId, relid))
			continue;
		migrate_lint_find(statement, LINT_DROP_TABLE_LOCKS_REFERENCED, relid,
						  list_member_oid(referred, relid) ?
						  "reads and writes of %s wait, too: a foreign key that refers to it goes" :
						  "reads and writes of %s wait, too: what is dropped is tied to it",
						  get_rel_name(relid));
	}
}

/* Tell whether a schema is named by the statement. */
static bool
lintdrop_names_schema(const Prediction *prediction, Oid schema)
{
	ListCell   *lc;

	foreach(lc, prediction->dropped)
	{
		PredictedDrop *drop = lfirst(lc);

		if (drop->way == PREDICTED_DROP_NAMED && drop->object.classId == NamespaceRelationId &&
			drop->object.objectId == schema)
			return true;
	}
	return false;
}

/* Tell whether the statement names an object. */
static bool
lintdrop_is_named(const Prediction *prediction, const ObjectAddress *object)
{
	ListCell   *lc;

	foreach(lc, prediction->dropped)
	{
		PredictedDrop *drop = lfirst(lc);

		if (drop->way == PREDICTED_DROP_NAMED &&
			memcmp(&drop->object, object, sizeof(ObjectAddress)) == 0)
			return true;
	}
	return false;
}

/*
 * Tell whether an object goes with what the statement says goes: it is named, in a
 * schema that is, a part of a relation that goes, or went before.
 */
static bool
lintdrop_is_expected(const LintStatement *statement, const ObjectAddress *object)
{
	const Prediction *prediction = statement->prediction;
	Oid			holder = object->objectSubId != 0 ? object->objectId :
	migrate_predict_holder(object, NULL);

	if (OidIsValid(holder))
		return lintdrop_drops(prediction, holder) ||
			migrate_lint_is_dropped(statement->lint, RelationRelationId, holder);
	return lintdrop_is_named(prediction, object) ||
		migrate_lint_is_dropped(statement->lint, object->classId, object->objectId) ||
		(is_objectclass_supported(object->classId) &&
		 lintdrop_names_schema(prediction, get_object_namespace(object)));
}

/* What CASCADE takes; relid is the relation that the statement is about, if any. */
static void
lintdrop_cascade(LintStatement *statement, Oid relid)
{
	const Prediction *prediction = statement->prediction;
	List	   *taken = NIL;
	List	   *lost = NIL;
	ListCell   *lc;

	foreach(lc, prediction->dropped)
	{
		PredictedDrop *drop = lfirst(lc);
		ObjectAddress *object = &drop->object;

		if (drop->way != PREDICTED_DROP_CASCADE || lintdrop_is_expected(statement, object))
			continue;
		taken = lappend(taken, object);
		if (object->classId == RelationRelationId && lintdrop_is_table(object->objectId))
			lost = list_concat(lost, lintdrop_rows(object->objectId));
	}
	if (taken != NIL)
		migrate_lint_prove(migrate_lint_find_loss(statement, LINT_DESTRUCTIVE_CASCADE, relid, lost,
												  "CASCADE takes what the statement does not name: %s",
												  migrate_lint_describe(taken)));
}

/* DROP SCHEMA */
static void
lintdrop_schema(LintStatement *statement, const DropStmt *drop)
{
	ListCell   *lc;
	ListCell   *user;

	foreach(lc, drop->objects)
	{
		const char *name = strVal(lfirst(lc));
		Oid			schema = get_namespace_oid(name, true);
		List	   *contents = NIL;
		List	   *lost = NIL;

		foreach(user, OidIsValid(schema) ? migrate_lint_users(NamespaceRelationId, schema) : NIL)
		{
			ObjectAddress *object = lfirst(user);

			if (migrate_lint_is_dropped(statement->lint, object->classId, object->objectId))
				continue;
			contents = lappend(contents, object);
			if (object->classId == RelationRelationId && lintdrop_is_table(object->objectId))
				lost = list_concat(lost, lintdrop_rows(object->objectId));
		}
		if (contents == NIL)
			continue;
		if (drop->behavior != DROP_CASCADE)
			migrate_lint_prove((statement->lint->rewired ? migrate_lint_find : migrate_lint_find_failing)
							   (statement, LINT_BAN_DROP_SCHEMA, InvalidOid,
								"schema \"%s\" is not empty, so that the statement fails: it has %s", name,
								migrate_lint_describe(contents)));
		else
			migrate_lint_prove(migrate_lint_find_loss(statement, LINT_BAN_DROP_SCHEMA, InvalidOid, lost,
													  migrate_lint_loses(statement, lost) ?
													  "schema \"%s\" is dropped with rows that are not kept: %s" :
													  "schema \"%s\" is dropped with what is in it: %s", name,
													  migrate_lint_describe(contents)));
	}
}

/* Return the first relation that the statement names; InvalidOid = none that is there. */
static Oid
lintdrop_first(const LintStatement *statement)
{
	ListCell   *lc;

	foreach(lc, statement->prediction->dropped)
	{
		PredictedDrop *drop = lfirst(lc);

		if (drop->way == PREDICTED_DROP_NAMED && drop->object.classId == RelationRelationId &&
			!migrate_lint_is_dropped(statement->lint, RelationRelationId, drop->object.objectId))
			return drop->object.objectId;
	}
	return InvalidOid;
}

/* DROP */
static void
lintdrop_drop(LintStatement *statement, const DropStmt *drop)
{
	Oid			relid = lintdrop_first(statement);

	if (drop->removeType == OBJECT_TABLE)
	{
		lintdrop_table(statement, drop);
		/* those in the place of dropped ones are tied to nothing */
		if (!OidIsValid(relid))
			return;
		lintdrop_lock_others(statement, NIL);
	}
	else if (drop->removeType == OBJECT_SCHEMA)
		lintdrop_schema(statement, drop);
	if (drop->behavior == DROP_CASCADE)
		lintdrop_cascade(statement, relid);
}

/* TRUNCATE */
static void
lintdrop_truncate(LintStatement *statement, const TruncateStmt *truncate)
{
	List	   *named = NIL;
	ListCell   *lc;

	foreach(lc, truncate->relations)
	{
		RangeVar   *name = lfirst_node(RangeVar, lc);
		LintTarget	target = migrate_lint_target(statement, name);
		List	   *lost;

		if (!OidIsValid(target.relid) || !lintdrop_is_table(target.relid))
			continue;
		lost = name->inh ? find_all_inheritors(target.relid, NoLock, NULL) : list_make1_oid(target.relid);
		named = list_concat(named, lost);
		migrate_lint_find_loss(statement, LINT_BAN_TRUNCATE, target.relid, lost,
							   migrate_lint_loses(statement, lost) ?
							   "all rows of %s go, and are not kept" :
							   "all rows of %s go, also for transactions that began before", target.name);
	}
	foreach(lc, truncate->behavior == DROP_CASCADE ? statement->prediction->relations : NIL)
	{
		Oid			relid = ((PredictedRelation *) lfirst(lc))->relid;

		if (!list_member_oid(named, relid) && lintdrop_is_table(relid))
			migrate_lint_find(statement, LINT_BAN_TRUNCATE_CASCADE, relid,
							  "all rows of %s go, too: a foreign key of it refers to a table that is emptied",
							  get_rel_name(relid));
	}
}

/* Say what goes with a constraint. */
static char *
lintdrop_constraint_meaning(Form_pg_constraint constraint)
{
	switch (constraint->contype)
	{
		case CONSTRAINT_CHECK:
			return "rows come in that it would refuse";
		case CONSTRAINT_FOREIGN:
			return psprintf("rows come in that refer to nothing, and rows of %s go that are referred to",
							quote_identifier(get_rel_name(constraint->confrelid)));
		case CONSTRAINT_PRIMARY:
		case CONSTRAINT_UNIQUE:
			return get_index_isreplident(constraint->conindid) ?
				"duplicates come in, its index goes, and with that the replica identity" :
				"duplicates come in, and its index goes, also for queries";
		case CONSTRAINT_EXCLUSION:
			return "rows come in that it would refuse, and its index goes";
		default:
			return "rows come in that it would refuse";
	}
}

/* Tell whether a statement adds a constraint of a name. */
static bool
lintdrop_adds_constraint(const AlterTableStmt *alter, const char *name)
{
	ListCell   *lc;

	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AddConstraint &&
			castNode(Constraint, command->def)->conname != NULL &&
			strcmp(castNode(Constraint, command->def)->conname, name) == 0)
			return true;
	}
	return false;
}

/* DROP CONSTRAINT */
static void
lintdrop_constraint(LintStatement *statement, Oid relid, const AlterTableCmd *command)
{
	PredictConstraint constraint;
	HeapTuple	tuple;
	Form_pg_constraint form;
	List	   *users = NIL;

	if (!migrate_predict_constraint(relid, command->name, &constraint))
		return;
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint.oid));
	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (command->behavior != DROP_CASCADE && form->contype != CONSTRAINT_FOREIGN &&
		OidIsValid(form->conindid))
		users = migrate_lint_left(statement,
								  list_concat(migrate_lint_users(RelationRelationId, form->conindid),
											  migrate_lint_users(ConstraintRelationId, constraint.oid)));
	if (users != NIL)
		(statement->lint->rewired ? migrate_lint_find : migrate_lint_find_failing)
			(statement, LINT_DROPPING_CONSTRAINT, relid,
			 "constraint \"%s\" of %s is in use, so that the statement fails: by %s", command->name,
			 get_rel_name(relid), migrate_lint_describe(users));
	else
		migrate_lint_find(statement, LINT_DROPPING_CONSTRAINT, relid,
						  "without constraint \"%s\" of %s, %s", command->name, get_rel_name(relid),
						  lintdrop_constraint_meaning(form));
	ReleaseSysCache(tuple);
}

/* ALTER TABLE ... DROP */
static void
lintdrop_alter(LintStatement *statement, const AlterTableStmt *alter)
{
	LintTarget	target = migrate_lint_target(statement, alter->relation);
	bool		cascade = false;
	bool		constraint = false;
	ListCell   *lc;

	if (!OidIsValid(target.relid))
		return;
	foreach(lc, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_DropConstraint)
		{
			constraint = true;
			if (!lintdrop_adds_constraint(alter, command->name))
				lintdrop_constraint(statement, target.relid, command);
		}
		else if (command->subtype != AT_DropColumn)
			continue;
		cascade |= command->behavior == DROP_CASCADE;
	}
	if (constraint)
		lintdrop_lock_others(statement, find_all_inheritors(target.relid, NoLock, NULL));
	if (cascade)
		lintdrop_cascade(statement, target.relid);
}

/* DROP DATABASE */
static void
lintdrop_database(LintStatement *statement, const DropdbStmt *drop)
{
	if (OidIsValid(get_database_oid(drop->dbname, true)))
		migrate_lint_prove(migrate_lint_find_loss(statement, LINT_BAN_DROP_DATABASE, InvalidOid, list_make1_oid(InvalidOid),
												  "database \"%s\" goes, and nothing of it is kept", drop->dbname));
}

/* Look at a statement. */
void
migrate_lint_drop(LintStatement *statement)
{
	switch (nodeTag(statement->node))
	{
		case T_DropStmt:
			lintdrop_drop(statement, (DropStmt *) statement->node);
			break;
		case T_TruncateStmt:
			lintdrop_truncate(statement, (TruncateStmt *) statement->node);
			break;
		case T_AlterTableStmt:
			lintdrop_alter(statement, (AlterTableStmt *) statement->node);
			break;
		case T_DropdbStmt:
			lintdrop_database(statement, (DropdbStmt *) statement->node);
			break;
		default:
			break;
	}
}
