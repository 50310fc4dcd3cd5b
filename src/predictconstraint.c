/*-------------------------------------------------------------------------
 *
 * predictconstraint.c
 *		What ALTER TABLE will do with constraints.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "predicting.h"

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
		migrate_predict_scan(prediction, lfirst_oid(lc), ShareRowExclusiveLock);
}

/* Columns that a key of the table makes NOT NULL. */
void
migrate_predict_not_null(const PredictWalk *walk, List *names)
{
	ListCell   *lc;
	ListCell   *name;

	foreach(lc, migrate_predict_family(walk))
	{
		Relation	rel = migrate_prediction_open(lfirst_oid(lc));

		(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
		if (rel == NULL)
			continue;
		foreach(name, names)
			if (migrate_predict_not_null_scans(rel, strVal(lfirst(name))))
			migrate_predict_scan(walk->prediction, lfirst_oid(lc), walk->mode);
		migrate_prediction_close(rel);
	}
}

/* Return the names of the columns of an index. */
static List *
predictconstraint_index_columns(Oid relid, const char *name)
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
predictconstraint_add_key(const PredictWalk *walk, const Constraint *constraint)
{
	List	   *names = constraint->keys;
	ListCell   *lc;

	if (constraint->indexname == NULL)
		migrate_prediction_build(walk->prediction, walk->relid,
								 constraint->deferrable ? ShareRowExclusiveLock : ShareLock,
								 walk->recurse);
	else
		names = predictconstraint_index_columns(walk->relid, constraint->indexname);
	if (constraint->contype != CONSTR_PRIMARY)
		return;
	migrate_predict_not_null(walk, names);
	/* with ONLY, partitions are asked whether they are NOT NULL already */
	if (!walk->recurse && get_rel_relkind(walk->relid) == RELKIND_PARTITIONED_TABLE)
		foreach(lc, find_inheritance_children(walk->relid, NoLock))
			(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
}

/* ADD FOREIGN KEY: partitions get it, too, but those that have it already. */
static void
predictconstraint_add_foreign_key(const PredictWalk *walk, Oid relid, const Constraint *constraint)
{
	PredictKey	key = {
		.names = constraint->fk_attrs,
		.on_update = constraint->fk_upd_action,
		.on_delete = constraint->fk_del_action,
	};
	ListCell   *lc;

	key.other = migrate_prediction_relation(walk->prediction, constraint->pktable);
	if (!constraint->skip_validation)
		migrate_predict_scan(walk->prediction, relid, walk->mode);
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;
	foreach(lc, find_inheritance_children(relid, NoLock))
	{
		(void) migrate_prediction_lock(walk->prediction, lfirst_oid(lc), walk->mode);
		if (!migrate_predict_has_key(lfirst_oid(lc), &key))
			predictconstraint_add_foreign_key(walk, lfirst_oid(lc), constraint);
		else
			migrate_prediction_lock_family(walk->prediction, key.other, AccessExclusiveLock);
	}
}

/* ADD CONSTRAINT */
void
migrate_predict_add_constraint(const PredictWalk *walk, const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			if (constraint->is_no_inherit)
				migrate_predict_scan(walk->prediction, walk->relid, walk->mode);
			else if (constraint->skip_validation)
				migrate_predict_lock_walk(walk);
			else
				migrate_predict_scan_walk(walk);
			break;
		case CONSTR_FOREIGN:
			predictconstraint_add_foreign_key(walk, walk->relid, constraint);
			migrate_predict_foreign_key(walk->prediction, walk->relid, constraint);
			break;
		case CONSTR_NOTNULL:
			migrate_predict_not_null(walk, constraint->keys);
			break;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			predictconstraint_add_key(walk, constraint);
			break;
		default:
			break;
	}
}

/* DROP CONSTRAINT: of children those that have one of the name. */
void
migrate_predict_drop_constraint(const PredictWalk *walk)
{
	PredictConstraint constraint;
	List	   *family;
	ListCell   *lc;

	if (!migrate_predict_constraint(walk->relid, walk->command->name, &constraint))
		return;
	family = migrate_predict_family(walk);
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
void
migrate_predict_validate(const PredictWalk *walk)
{
	PredictConstraint constraint;

	if (!migrate_predict_constraint(walk->relid, walk->command->name, &constraint) ||
		constraint.valid)
		return;
	if (constraint.inherits)
		migrate_predict_scan_walk(walk);
	else
		migrate_predict_scan(walk->prediction, walk->relid, walk->mode);
	if (OidIsValid(constraint.other))
		migrate_predict_scan(walk->prediction, constraint.other, RowShareLock);
}

/* ADD COLUMN: what its constraints do. */
void
migrate_predict_column_constraints(const PredictWalk *walk, const ColumnDef *column)
{
	bool		filled = migrate_predict_column_constraint(column, CONSTR_DEFAULT) != NULL;
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		switch (constraint->contype)
		{
			case CONSTR_CHECK:
				migrate_predict_scan_walk(walk);
				break;
			case CONSTR_NOTNULL:
				if (!filled)
					migrate_predict_scan_walk(walk);
				break;
			case CONSTR_PRIMARY:
			case CONSTR_UNIQUE:
				migrate_prediction_build(walk->prediction, walk->relid, ShareLock, walk->recurse);
				break;
			case CONSTR_FOREIGN:
				migrate_predict_foreign_key(walk->prediction, filled ? walk->relid : InvalidOid,
											constraint);
				if (filled)
					migrate_predict_scan_walk(walk);
				break;
			default:
				break;
		}
	}
}
