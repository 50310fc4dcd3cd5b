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

#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "predicting.h"

/* Return the table and what inherits from it, if the command goes on to that. */
List *
migrate_predict_family(const PredictWalk *walk)
{
	if (!walk->recurse || !has_subclass(walk->relid))
		return list_make1_oid(walk->relid);
	return find_all_inheritors(walk->relid, NoLock, NULL);
}

/* Lock them. */
void
migrate_predict_lock_walk(const PredictWalk *walk)
{
	ListCell   *lc;

	foreach(lc, migrate_predict_family(walk))
		(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
}

/* Note that the rows of a table are read, if it has any of its own. */
void
migrate_predict_scan(Prediction *prediction, Oid relid, LOCKMODE mode)
{
	PredictedRelation *relation = migrate_prediction_lock(prediction, relid, mode);
	char		relkind = get_rel_relkind(relid);

	if (relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW)
		relation->scan = true;
}

/* Read the rows of the whole family. */
void
migrate_predict_scan_walk(const PredictWalk *walk)
{
	ListCell   *lc;

	foreach(lc, migrate_predict_family(walk))
		migrate_predict_scan(walk->prediction, lfirst_oid(lc), walk->mode);
}

/* ADD COLUMN, on one table and its children; a child that has the column ends the way. */
static void
predictalter_add_column_to(const PredictWalk *walk, Oid relid, const ColumnDef *column)
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
predictalter_typed_tables(const PredictWalk *walk)
{
	ListCell   *lc;

	foreach(lc, migrate_predict_typed_tables(get_rel_type_id(walk->relid)))
		migrate_prediction_lock_family(walk->prediction, lfirst_oid(lc), walk->mode);
}

/* ADD COLUMN */
static void
predictalter_add_column(const PredictWalk *walk)
{
	ColumnDef  *column = castNode(ColumnDef, walk->command->def);

	if (get_attnum(walk->relid, column->colname) == InvalidAttrNumber)
		migrate_predict_column_constraints(walk, column);
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
predictalter_drop_column(const PredictWalk *walk, Oid relid)
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

/* SET LOGGED, UNLOGGED, TABLESPACE, ACCESS METHOD: nothing if it is so already. */
static void
predictalter_storage(const PredictWalk *walk)
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
predictalter_parent(const PredictWalk *walk, LOCKMODE mode)
{
	Oid			parent = migrate_prediction_relation(walk->prediction,
													 castNode(RangeVar, walk->command->def));

	if (OidIsValid(parent))
		(void) migrate_prediction_lock(walk->prediction, parent, mode);
}

/* Commands on partitions and parents. */
static void
predictalter_inheritance(const PredictWalk *walk)
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
predictalter_catalog(const PredictWalk *walk)
{
	switch (walk->command->subtype)
	{
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_DropExpression:
		case AT_SetStatistics:
		case AT_SetStorage:
		case AT_AlterConstraint:
			migrate_predict_lock_walk(walk);
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
				migrate_predict_lock_walk(walk);
			break;
		default:
			predictalter_inheritance(walk);
	}
}

/* One command of ALTER TABLE. */
static void
predictalter_command(const PredictWalk *walk)
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
			foreach(lc, migrate_predict_family(walk))
			{
				(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
				migrate_predict_type(walk->prediction, lfirst_oid(lc), walk->command);
			}
			break;
		case AT_SetNotNull:
			migrate_predict_not_null(walk, list_make1(makeString(walk->command->name)));
			break;
		case AT_AddConstraint:
			migrate_predict_add_constraint(walk, castNode(Constraint, walk->command->def));
			break;
		case AT_DropConstraint:
			migrate_predict_drop_constraint(walk);
			break;
		case AT_ValidateConstraint:
			migrate_predict_validate(walk);
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
	PredictWalk walk = {.prediction = prediction, .recurse = statement->relation->inh};
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
