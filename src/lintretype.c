/*-------------------------------------------------------------------------
 *
 * lintretype.c
 *		Rules of lint on ALTER COLUMN TYPE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "describe.h"
#include "lintcolumn.h"
#include "predicting.h"

/* Start to read what depends on an object, or on a part of it. */
static SysScanDesc
lintretype_dependents(Relation depend, Oid class, Oid object, int32 part)
{
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(class));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	ScanKeyInit(&keys[2], Anum_pg_depend_refobjsubid, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(part));
	return systable_beginscan(depend, DependReferenceIndexId, true, NULL, 3, keys);
}

/* Tell whether an object that uses a column does not let it change its type. */
static bool
lintretype_blocks(const ObjectAddress *object)
{
	return object->classId == RewriteRelationId || object->classId == PolicyRelationId ||
		object->classId == TriggerRelationId || object->classId == ProcedureRelationId ||
		object->classId == PublicationRelRelationId;
}

/* Return which generated column an expression belongs to, or NULL if to the column itself. */
static char *
lintretype_generated(const ObjectAddress *object, Oid relid, AttrNumber attnum)
{
	ObjectAddress column;

	if (object->classId != AttrDefaultRelationId)
		return NULL;
	column = GetAttrDefaultColumnAddress(object->objectId);
	if (column.objectId != relid || column.objectSubId == attnum)
		return NULL;
	return psprintf("generated column \"%s\"", get_attname(relid, column.objectSubId, false));
}

/* Tell whether an object may have been dropped or changed by an earlier statement. */
static bool
lintretype_may_be_gone(const Lint *lint, const ObjectAddress *object)
{
	Oid			holder = migrate_predict_holder(object, NULL);

	return OidIsValid(holder) ? list_member_oid(lint->cleared, holder) : lint->redefined;
}

/* Describe what does not let a column of a table change its type; NULL = nothing. */
static char *
lintretype_blocker(const Lint *lint, Oid relid, AttrNumber attnum)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan = lintretype_dependents(depend, RelationRelationId, relid, attnum);
	char	   *blocker = NULL;
	HeapTuple	tuple;

	while (blocker == NULL && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress object;
		Oid			holder;

		ObjectAddressSubSet(object, form->classid, form->objid, form->objsubid);
		if (lintretype_may_be_gone(lint, &object))
			continue;
		holder = object.classId == RewriteRelationId ? migrate_predict_holder(&object, NULL) : InvalidOid;
		if (OidIsValid(holder) && holder != relid)
			blocker = migrate_describe_relation(holder);
		else if (lintretype_blocks(&object))
			blocker = getObjectDescription(&object, false);
		else
			blocker = lintretype_generated(&object, relid, attnum);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return blocker;
}

/*
 * Describe a column that is stored with the row type in it, as
 * find_composite_type_dependencies() finds it; NULL = there is none.
 */
static char *
lintretype_row_user(const Lint *lint, Oid type)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan = lintretype_dependents(depend, TypeRelationId, type, 0);
	char	   *user = NULL;
	HeapTuple	tuple;

	check_stack_depth();
	while (user == NULL && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		char		relkind;

		if (form->classid == TypeRelationId)
			user = lintretype_row_user(lint, form->objid);
		if (form->classid != RelationRelationId || form->objsubid <= 0 ||
			list_member_oid(lint->cleared, form->objid))
			continue;
		relkind = get_rel_relkind(form->objid);
		if (RELKIND_HAS_STORAGE(relkind) || RELKIND_HAS_PARTITIONS(relkind))
			user = psprintf("column \"%s\" of %s", get_attname(form->objid, form->objsubid, false),
							migrate_describe_relation(form->objid));
		else if (OidIsValid(get_rel_type_id(form->objid)))
			user = lintretype_row_user(lint, get_rel_type_id(form->objid));
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return user;
}

/* Tell whether the statement itself takes away what could be in the way. */
static bool
lintretype_clears(const LintStatement *statement)
{
	ListCell   *lc;

	foreach(lc, ((AlterTableStmt *) statement->node)->cmds)
	{
		AlterTableType type = lfirst_node(AlterTableCmd, lc)->subtype;

		if (type == AT_DropColumn || type == AT_DropExpression || type == AT_DropConstraint)
			return true;
	}
	return false;
}

/* What does not let the column of a table change its type. */
static void
lintretype_check_blockers(const LintColumnWalk *walk, Oid relid, AttrNumber attnum)
{
	const Lint *lint = walk->statement->lint;
	char	   *blocker;

	if (lint->opaque || list_member_oid(lint->cleared, relid) || lintretype_clears(walk->statement))
		return;
	blocker = lintretype_blocker(lint, relid, attnum);
	if (blocker != NULL)
		migrate_lint_find(walk->statement, LINT_TYPE_CHANGE_BLOCKED_BY_DEPENDENTS, walk->relid,
						  "%s uses \"%s\", whose type cannot change then", blocker, walk->command->name);
	blocker = lintretype_row_user(lint, get_rel_type_id(relid));
	if (blocker != NULL)
		migrate_lint_find(walk->statement, LINT_TYPE_CHANGE_BLOCKED_BY_DEPENDENTS, walk->relid,
						  "%s is of the row type of %s, whose columns cannot change their types then",
						  blocker, get_rel_name(relid));
}

/* Tell whether only one part of the statement can be what writes rows again. */
static bool
lintretype_is_alone(const LintStatement *statement)
{
	int			parts = 0;
	ListCell   *lc;

	foreach(lc, ((AlterTableStmt *) statement->node)->cmds)
	{
		AlterTableType type = lfirst_node(AlterTableCmd, lc)->subtype;

		parts += type != AT_SetNotNull && type != AT_DropNotNull && type != AT_ColumnDefault;
	}
	return parts == 1;
}

/* Tell whether the change writes the rows of a table again. */
static bool
lintretype_rewrites(const LintColumnWalk *walk, Oid relid)
{
	PredictedRelation *predicted = migrate_prediction_find(walk->statement->prediction, relid);
	Relation	rel;
	bool		rewrites;

	if (predicted == NULL || !predicted->rewrite)
		return false;
	if (lintretype_is_alone(walk->statement))
		return true;
	rel = migrate_prediction_open(relid);
	if (rel == NULL)
		return false;
	rewrites = migrate_predict_type_rewrites(rel, walk->command->name,
											 castNode(ColumnDef, walk->command->def));
	migrate_prediction_close(rel);
	return rewrites;
}

/* Return the name of an index that is built again because of the change, or NULL. */
static char *
lintretype_built_index(const Prediction *prediction, Oid relid)
{
	ListCell   *lc;

	foreach(lc, migrate_prediction_indexes(relid))
	{
		PredictedRelation *index = migrate_prediction_find(prediction, lfirst_oid(lc));

		if (index != NULL && index->build)
			return get_rel_name(lfirst_oid(lc));
	}
	return NULL;
}

/* Return the name of a CHECK on a column, or NULL. */
static char *
lintretype_check(Oid relid, AttrNumber attnum)
{
	Relation	rel = migrate_prediction_open(relid);
	char	   *name = NULL;

	if (rel == NULL)
		return NULL;
	for (int i = 0; rel->rd_att->constr != NULL && i < rel->rd_att->constr->num_check; i++)
	{
		Bitmapset  *used = NULL;

		pull_varattnos(stringToNode(rel->rd_att->constr->check[i].ccbin), 1, &used);
		if (bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, used))
			name = pstrdup(rel->rd_att->constr->check[i].ccname);
	}
	migrate_prediction_close(rel);
	return name;
}

/* A change that leaves the rows as they are: what else takes long. */
static void
lintretype_relabels(const LintColumnWalk *walk, Oid relid, AttrNumber attnum)
{
	PredictedRelation *predicted = migrate_prediction_find(walk->statement->prediction, relid);
	PredictedRelation work = {.relid = relid, .mode = AccessExclusiveLock, .scan = true, .build = true};
	const char *table = get_rel_name(relid);
	char	   *name;

	/* another part of the statement may write them again */
	if (predicted == NULL || predicted->rewrite)
		return;
	name = lintretype_built_index(walk->statement->prediction, relid);
	if (name != NULL)
		migrate_lint_find_under(walk->statement, LINT_TYPE_CHANGE_REBUILDS_INDEX, &work,
								"the rows of %s stay, but reads and writes wait until index \"%s\" is built again",
								table, name);
	name = lintretype_clears(walk->statement) ||
		list_member_oid(walk->statement->lint->cleared, relid) ? NULL : lintretype_check(relid, attnum);
	work.build = false;
	if (name != NULL)
		migrate_lint_find_under(walk->statement, LINT_TYPE_CHANGE_RECHECKS_CONSTRAINT, &work,
								"the rows of %s stay, but reads and writes wait until \"%s\" is checked for all of them",
								table, name);
}

/* ALTER COLUMN TYPE */
void
migrate_lint_type_change(const LintColumnWalk *walk)
{
	bool		rewrites = false;
	ListCell   *lc;

	foreach(lc, migrate_lint_family(walk))
	{
		AttrNumber	attnum = get_attnum(lfirst_oid(lc), walk->command->name);

		if (attnum <= 0)
			continue;
		lintretype_check_blockers(walk, lfirst_oid(lc), attnum);
		if (lintretype_rewrites(walk, lfirst_oid(lc)))
			rewrites = true;
		else
			lintretype_relabels(walk, lfirst_oid(lc), attnum);
	}
	if (rewrites)
		migrate_lint_find(walk->statement, LINT_CHANGING_COLUMN_TYPE, walk->relid,
						  "reads and writes of %s wait until all rows are written again with another type of \"%s\", and its indexes are built",
						  get_rel_name(walk->relid), walk->command->name);
}
