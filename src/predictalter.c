/*-------------------------------------------------------------------------
 *
 * predictalter.c
 *		What ALTER TABLE and its kin will do.
 *
 * AlterTableGetLockLevel() tells the lock of the table itself.  Here: which
 * commands go on to what inherits from it, what other relations they lock, and
 * which of them read or write all rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "predicting.h"

/* One command on its way. */
typedef struct AlterWalk
{
	Prediction *prediction;
	Oid			relid;
	LOCKMODE	mode;
	bool		recurse;		/* not ONLY */
	AlterTableCmd *command;
} AlterWalk;

/* Return the table and what inherits from it, if the command goes on to that. */
static List *
predictalter_family(const AlterWalk *walk)
{
	if (!walk->recurse || !has_subclass(walk->relid))
		return list_make1_oid(walk->relid);
	return find_all_inheritors(walk->relid, NoLock, NULL);
}

/* Lock them. */
static void
predictalter_lock_family(const AlterWalk *walk)
{
	ListCell   *lc;

	foreach(lc, predictalter_family(walk))
		(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
}

/* Note that the rows of a table are read, if it has any of its own. */
static void
predictalter_scan(Prediction *prediction, Oid relid, LOCKMODE mode)
{
	PredictedRelation *relation = migrate_prediction_lock(prediction, relid, mode);
	char		relkind = get_rel_relkind(relid);

	if (relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW)
		relation->scan = true;
}

/* Read the rows of the whole family. */
static void
predictalter_scan_family(const AlterWalk *walk)
{
	ListCell   *lc;

	foreach(lc, predictalter_family(walk))
		predictalter_scan(walk->prediction, lfirst_oid(lc), walk->mode);
}

/* A foreign key of a table, or of a new one (InvalidOid). */
void
migrate_predict_foreign_key(Prediction *prediction, Oid relid, const Constraint *constraint)
{
	Oid			other;
	ListCell   *lc;

	if (constraint->contype != CONSTR_FOREIGN)
		return;
	other = migrate_prediction_relation(prediction, constraint->pktable);
	if (!OidIsValid(other))
		return;
	migrate_prediction_lock_family(prediction, other, ShareRowExclusiveLock);
	if (!OidIsValid(relid) || constraint->skip_validation)
		return;
	foreach(lc, find_all_inheritors(other, NoLock, NULL))
		predictalter_scan(prediction, lfirst_oid(lc), ShareRowExclusiveLock);
}

/* Columns that a key of the table makes NOT NULL. */
static void
predictalter_key_columns(const AlterWalk *walk, List *names)
{
	ListCell   *lc;
	ListCell   *name;

	foreach(lc, predictalter_family(walk))
	{
		Relation	rel = migrate_prediction_open(lfirst_oid(lc));

		(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
		if (rel == NULL)
			continue;
		foreach(name, names)
			if (migrate_predict_not_null_scans(rel, strVal(lfirst(name))))
				predictalter_scan(walk->prediction, lfirst_oid(lc), walk->mode);
		migrate_prediction_close(rel);
	}
}

/* Return the names of the columns of an index. */
static List *
predictalter_index_columns(Oid relid, const char *name)
{
	Oid			index = get_relname_relid(name, get_rel_namespace(relid));
	Relation	rel = OidIsValid(index) ? migrate_prediction_open(index) : NULL;
	List	   *names = NIL;

	if (rel == NULL)
		return NIL;
	for (int i = 0; rel->rd_index != NULL && i < rel->rd_index->indnkeyatts; i++)
		if (rel->rd_index->indkey.values[i] > 0)
			names = lappend(names, makeString(get_attname(relid, rel->rd_index->indkey.values[i], false)));
	migrate_prediction_close(rel);
	return names;
}

/* A key: UNIQUE, PRIMARY KEY or EXCLUDE. */
static void
predictalter_add_key(const AlterWalk *walk, const Constraint *constraint)
{
	List	   *names = constraint->keys;
	ListCell   *lc;

	if (constraint->indexname == NULL)
		migrate_prediction_build(walk->prediction, walk->relid,
								 constraint->deferrable ? ShareRowExclusiveLock : ShareLock,
								 walk->recurse);
	else
		names = predictalter_index_columns(walk->relid, constraint->indexname);
	if (constraint->contype != CONSTR_PRIMARY)
		return;
	predictalter_key_columns(walk, names);
	/* with ONLY, partitions are asked whether they are NOT NULL already */
	if (!walk->recurse && get_rel_relkind(walk->relid) == RELKIND_PARTITIONED_TABLE)
		foreach(lc, find_inheritance_children(walk->relid, NoLock))
			(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
}

/* ADD FOREIGN KEY: partitions get it, too, but those that have it already. */
static void
predictalter_add_foreign_key(const AlterWalk *walk, Oid relid, const Constraint *constraint)
{
	PredictKey	key = {
		.names = constraint->fk_attrs,
		.on_update = constraint->fk_upd_action,
		.on_delete = constraint->fk_del_action,
	};
	ListCell   *lc;

	key.other = migrate_prediction_relation(walk->prediction, constraint->pktable);
	if (!constraint->skip_validation)
		predictalter_scan(walk->prediction, relid, walk->mode);
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;
	foreach(lc, find_inheritance_children(relid, NoLock))
	{
		(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
		if (!migrate_predict_has_key(lfirst_oid(lc), &key))
			predictalter_add_foreign_key(walk, lfirst_oid(lc), constraint);
		else
			migrate_prediction_lock_family(walk->prediction, key.other, AccessExclusiveLock);
	}
}

/* ADD CONSTRAINT */
static void
predictalter_add_constraint(const AlterWalk *walk, const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			if (constraint->is_no_inherit)
				predictalter_scan(walk->prediction, walk->relid, walk->mode);
			else if (constraint->skip_validation)
				predictalter_lock_family(walk);
			else
				predictalter_scan_family(walk);
			break;
		case CONSTR_FOREIGN:
			predictalter_add_foreign_key(walk, walk->relid, constraint);
			migrate_predict_foreign_key(walk->prediction, walk->relid, constraint);
			break;
		case CONSTR_NOTNULL:
			predictalter_key_columns(walk, constraint->keys);
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			predictalter_add_key(walk, constraint);
			break;
		default:
			break;
	}
}

/* ADD COLUMN: what its constraints do. */
static void
predictalter_add_column_constraints(const AlterWalk *walk, const ColumnDef *column)
{
	bool		filled = migrate_predict_column_constraint(column, CONSTR_DEFAULT) != NULL;
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		switch (constraint->contype)
		{
			case CONSTR_CHECK:
				predictalter_scan_family(walk);
				break;
			case CONSTR_NOTNULL:
				if (!filled)
					predictalter_scan_family(walk);
				break;
			case CONSTR_PRIMARY:
			case CONSTR_UNIQUE:
				migrate_prediction_build(walk->prediction, walk->relid, ShareLock, walk->recurse);
				break;
			case CONSTR_FOREIGN:
				migrate_predict_foreign_key(walk->prediction, filled ? walk->relid : InvalidOid,
											constraint);
				if (filled)
					predictalter_scan_family(walk);
				break;
			default:
				break;
		}
	}
}

/* ADD COLUMN, on one table and its children; a child that has the column ends the way. */
static void
predictalter_add_column_to(const AlterWalk *walk, Oid relid, const ColumnDef *column)
{
	Relation	rel;
	bool		rewrites = false;
	ListCell   *lc;

	(void) migrate_prediction_lock(walk->prediction, relid, walk->mode);
	if (get_attnum(relid, column->colname) != InvalidAttrNumber)
		return;
	rel = walk->prediction->locks_only ? NULL : migrate_prediction_open(relid);
	if (rel != NULL)
	{
		rewrites = migrate_predict_add_rewrites(rel, column);
		migrate_prediction_close(rel);
	}
	if (rewrites)
		migrate_prediction_rewrite(walk->prediction, relid);
	if (!walk->recurse || !has_subclass(relid))
		return;
	foreach(lc, find_inheritance_children(relid, NoLock))
		predictalter_add_column_to(walk, lfirst_oid(lc), column);
}

/* Lock the tables of a composite type, with what inherits from them. */
static void
predictalter_typed_tables(const AlterWalk *walk)
{
	ListCell   *lc;

	foreach(lc, migrate_predict_typed_tables(get_rel_type_id(walk->relid)))
		migrate_prediction_lock_family(walk->prediction, lfirst_oid(lc), walk->mode);
}

/* ADD COLUMN */
static void
predictalter_add_column(const AlterWalk *walk)
{
	ColumnDef  *column = castNode(ColumnDef, walk->command->def);

	if (get_attnum(walk->relid, column->colname) == InvalidAttrNumber)
		predictalter_add_column_constraints(walk, column);
	predictalter_add_column_to(walk, walk->relid, column);
}

/* Tell whether a column of a child goes when its parent's goes. */
static bool
predictalter_goes_along(Oid relid, const char *name)
{
	HeapTuple	tuple = SearchSysCacheAttName(relid, name);
	bool		goes;

	if (!HeapTupleIsValid(tuple))
		return false;
	goes = ((Form_pg_attribute) GETSTRUCT(tuple))->attinhcount <= 1 &&
		!((Form_pg_attribute) GETSTRUCT(tuple))->attislocal;
	ReleaseSysCache(tuple);
	return goes;
}

/* DROP COLUMN: children are looked at even with ONLY. */
static void
predictalter_drop_column(const AlterWalk *walk, Oid relid)
{
	const char *name = walk->command->name;
	ObjectAddress object;
	ListCell   *lc;

	(void) migrate_prediction_lock(walk->prediction, relid, walk->mode);
	ObjectAddressSubSet(object, RelationRelationId, relid, get_attnum(relid, name));
	if (object.objectSubId <= 0)
		return;
	migrate_predict_drop_object(walk->prediction, &object, walk->command->behavior);
	if (!has_subclass(relid))
		return;
	foreach(lc, find_inheritance_children(relid, NoLock))
	{
		if (walk->recurse && predictalter_goes_along(lfirst_oid(lc), name))
			predictalter_drop_column(walk, lfirst_oid(lc));
		else
			(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
	}
}

/* DROP CONSTRAINT: of children those that have one of the name. */
static void
predictalter_drop_constraint(const AlterWalk *walk)
{
	PredictConstraint constraint;
	List	   *family;
	ListCell   *lc;

	if (!migrate_predict_constraint(walk->relid, walk->command->name, &constraint))
		return;
	family = predictalter_family(walk);
	if (!walk->recurse && constraint.inherits && has_subclass(walk->relid))
		family = lcons_oid(walk->relid, find_inheritance_children(walk->relid, NoLock));
	foreach(lc, family)
	{
		Oid			relid = lfirst_oid(lc);
		bool		there = migrate_predict_constraint(relid, walk->command->name, &constraint);
		ObjectAddress object;

		if (there || get_rel_relispartition(relid))
			(void) migrate_prediction_lock(walk->prediction, relid, walk->mode);
		if (!there)
			continue;
		ObjectAddressSet(object, ConstraintRelationId, constraint.oid);
		migrate_predict_drop_object(walk->prediction, &object, walk->command->behavior);
	}
}

/* VALIDATE CONSTRAINT */
static void
predictalter_validate(const AlterWalk *walk)
{
	PredictConstraint constraint;

	if (!migrate_predict_constraint(walk->relid, walk->command->name, &constraint) ||
		constraint.valid)
		return;
	if (constraint.inherits)
		predictalter_scan_family(walk);
	else
		predictalter_scan(walk->prediction, walk->relid, walk->mode);
	if (OidIsValid(constraint.other))
		predictalter_scan(walk->prediction, constraint.other, RowShareLock);
}

/* SET LOGGED, UNLOGGED, TABLESPACE, ACCESS METHOD: nothing if it is so already. */
static void
predictalter_storage(const AlterWalk *walk)
{
	Relation	rel = migrate_prediction_open(walk->relid);
	bool		same;

	if (rel == NULL)
		return;
	switch (walk->command->subtype)
	{
		case AT_SetLogged:
			same = rel->rd_rel->relpersistence != RELPERSISTENCE_UNLOGGED;
			break;
		case AT_SetUnLogged:
			same = rel->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED;
			break;
		case AT_SetAccessMethod:
			same = walk->command->name == NULL ||
				get_table_am_oid(walk->command->name, true) == rel->rd_rel->relam;
			break;
		default:
			{
				Oid			tablespace = get_tablespace_oid(walk->command->name, true);

				same = tablespace == rel->rd_rel->reltablespace ||
					(tablespace == MyDatabaseTableSpace && !OidIsValid(rel->rd_rel->reltablespace));
			}
	}
	if (!RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
		same = true;
	migrate_prediction_close(rel);
	if (same)
		return;
	if (walk->command->subtype == AT_SetTableSpace)
		migrate_prediction_lock(walk->prediction, walk->relid, walk->mode)->rewrite = true;
	else
		migrate_prediction_rewrite(walk->prediction, walk->relid);
}

/* INHERIT, NO INHERIT: the parent. */
static void
predictalter_parent(const AlterWalk *walk, LOCKMODE mode)
{
	Oid			parent = migrate_prediction_relation(walk->prediction,
													 castNode(RangeVar, walk->command->def));

	if (OidIsValid(parent))
		(void) migrate_prediction_lock(walk->prediction, parent, mode);
}

/* Commands on partitions and parents. */
static void
predictalter_inheritance(const AlterWalk *walk)
{
	switch (walk->command->subtype)
	{
		case AT_AddInherit:
			predictalter_parent(walk, ShareUpdateExclusiveLock);
			break;
		case AT_DropInherit:
			predictalter_parent(walk, AccessShareLock);
			break;
		case AT_AttachPartition:
			migrate_predict_attach(walk->prediction, walk->relid,
								   castNode(PartitionCmd, walk->command->def));
			break;
		case AT_DetachPartition:
			migrate_predict_detach(walk->prediction, walk->relid,
								   castNode(PartitionCmd, walk->command->def));
			break;
		default:
			break;
	}
}

/* Commands that only write to catalogs: on what inherits, too, or not. */
static void
predictalter_catalog(const AlterWalk *walk)
{
	switch (walk->command->subtype)
	{
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_DropExpression:
		case AT_SetStatistics:
		case AT_SetStorage:
		case AT_AlterConstraint:
			predictalter_lock_family(walk);
			break;
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_EnableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrig:
		case AT_DisableTrigAll:
		case AT_DisableTrigUser:
			if (get_rel_relkind(walk->relid) == RELKIND_PARTITIONED_TABLE &&
				migrate_predict_has_row_trigger(walk->relid, walk->command->name))
				predictalter_lock_family(walk);
			break;
		default:
			predictalter_inheritance(walk);
	}
}

/* One command of ALTER TABLE. */
static void
predictalter_command(const AlterWalk *walk)
{
	ListCell   *lc;

	switch (walk->command->subtype)
	{
		case AT_AddColumn:
			predictalter_add_column(walk);
			break;
		case AT_DropColumn:
			predictalter_drop_column(walk, walk->relid);
			break;
		case AT_AlterColumnType:
			foreach(lc, predictalter_family(walk))
			{
				(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
				migrate_predict_type(walk->prediction, lfirst_oid(lc), walk->command);
			}
			break;
		case AT_SetNotNull:
			predictalter_key_columns(walk, list_make1(makeString(walk->command->name)));
			break;
		case AT_AddConstraint:
			predictalter_add_constraint(walk, castNode(Constraint, walk->command->def));
			break;
		case AT_DropConstraint:
			predictalter_drop_constraint(walk);
			break;
		case AT_ValidateConstraint:
			predictalter_validate(walk);
			break;
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetAccessMethod:
		case AT_SetTableSpace:
			predictalter_storage(walk);
			break;
		default:
			predictalter_catalog(walk);
	}
}

/* ALTER TABLE, INDEX, VIEW, SEQUENCE ..., in the form that is a list of commands. */
void
migrate_predict_alter_table(Prediction *prediction, AlterTableStmt *statement)
{
	AlterWalk	walk = {.prediction = prediction, .recurse = statement->relation->inh};
	ListCell   *lc;

	walk.relid = migrate_prediction_relation(prediction, statement->relation);
	if (!OidIsValid(walk.relid))
		return;
	walk.mode = AlterTableGetLockLevel(statement->cmds);
	if (get_rel_relkind(walk.relid) == RELKIND_COMPOSITE_TYPE)
		predictalter_typed_tables(&walk);
	(void) migrate_prediction_lock(prediction, walk.relid, walk.mode);
	foreach(lc, statement->cmds)
	{
		walk.command = lfirst_node(AlterTableCmd, lc);
		predictalter_command(&walk);
	}
}
