/*-------------------------------------------------------------------------
 *
 * predictstatement.c
 *		What statements of each kind will do: most here, the larger kinds in
 *		files of their own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_publication.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"

#include "predicting.h"

/* Add the same lock for each relation of a list of names. */
static void
predictstatement_names(Prediction *prediction, List *names, LOCKMODE mode)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		Oid			relid = InvalidOid;

		/* CREATE STATISTICS takes any item of FROM, for now */
		if (IsA(lfirst(lc), RangeVar))
			relid = migrate_prediction_relation(prediction, lfirst(lc));
		if (OidIsValid(relid))
			(void) migrate_prediction_lock(prediction, relid, mode);
	}
}

/* Add a lock on one relation by its name; returns it, or NULL if there is none. */
static PredictedRelation *
predictstatement_name(Prediction *prediction, const RangeVar *name, LOCKMODE mode)
{
	Oid			relid = migrate_prediction_relation(prediction, name);

	return OidIsValid(relid) ? migrate_prediction_lock(prediction, relid, mode) : NULL;
}

/* Return the relation that an object of a relation is on: "table.object". */
static Oid
predictstatement_holder(Prediction *prediction, List *name)
{
	List	   *table = list_copy_head(name, list_length(name) - 1);

	if (table == NIL || list_length(table) > 3)
		return InvalidOid;
	return migrate_prediction_relation(prediction, makeRangeVarFromNameList(table));
}

/* COMMENT and SECURITY LABEL: on what they hold while they write. */
static void
predictstatement_note(Prediction *prediction, ObjectType type, Node *object)
{
	Oid			relid = InvalidOid;

	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
			relid = migrate_prediction_relation(prediction, makeRangeVarFromNameList((List *) object));
			break;
		case OBJECT_COLUMN:
			relid = predictstatement_holder(prediction, (List *) object);
			break;
		default:
			return;
	}
	if (OidIsValid(relid))
		(void) migrate_prediction_lock(prediction, relid, ShareUpdateExclusiveLock);
}

/* ALTER ... RENAME */
static void
predictstatement_rename(Prediction *prediction, const RenameStmt *statement)
{
	PredictConstraint constraint;
	Oid			relid;
	ListCell   *lc;

	if (statement->relation == NULL)
		return;
	relid = migrate_prediction_relation(prediction, statement->relation);
	if (!OidIsValid(relid))
		return;
	switch (statement->renameType)
	{
		case OBJECT_ATTRIBUTE:
			foreach(lc, migrate_predict_typed_tables(get_rel_type_id(relid)))
				migrate_prediction_lock_family(prediction, lfirst_oid(lc), AccessExclusiveLock);
			(void) migrate_prediction_lock(prediction, relid, AccessExclusiveLock);
			break;
		case OBJECT_TABCONSTRAINT:
			if (!migrate_predict_constraint(relid, statement->subname, &constraint) ||
				!constraint.inherits)
			{
				(void) migrate_prediction_lock(prediction, relid, AccessExclusiveLock);
				break;
			}
			/* FALLTHROUGH */
		case OBJECT_COLUMN:
			if (statement->relation->inh)
				migrate_prediction_lock_family(prediction, relid, AccessExclusiveLock);
			else
				(void) migrate_prediction_lock(prediction, relid, AccessExclusiveLock);
			break;
		case OBJECT_TRIGGER:
			if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
				migrate_prediction_lock_family(prediction, relid, AccessExclusiveLock);
			else
				(void) migrate_prediction_lock(prediction, relid, AccessExclusiveLock);
			break;
		default:
			(void) migrate_prediction_lock(prediction, relid,
										   get_rel_relkind(relid) == RELKIND_INDEX ||
										   get_rel_relkind(relid) == RELKIND_PARTITIONED_INDEX ?
										   ShareUpdateExclusiveLock : AccessExclusiveLock);
	}
}

/* Tables whose columns are of a domain, on its way through other domains too. */
static void
predictstatement_domain(Prediction *prediction, List *name)
{
	Oid			type = typenameTypeId(NULL, makeTypeNameFromNameList(name));

	migrate_predict_domain_users(prediction, type);
}

/* ALTER DOMAIN */
static void
predictstatement_alter_domain(Prediction *prediction, const AlterDomainStmt *statement)
{
	bool		checks;

	switch (statement->subtype)
	{
		case 'O':				/* SET NOT NULL */
		case 'V':				/* VALIDATE CONSTRAINT */
			checks = true;
			break;
		case 'C':				/* ADD CONSTRAINT */
			checks = !castNode(Constraint, statement->def)->skip_validation;
			break;
		default:
			checks = false;
	}
	if (checks)
		predictstatement_domain(prediction, statement->typeName);
}

/* CREATE TRIGGER */
static void
predictstatement_trigger(Prediction *prediction, const CreateTrigStmt *statement)
{
	Oid			relid = migrate_prediction_relation(prediction, statement->relation);

	if (!OidIsValid(relid))
		return;
	if (statement->row && get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		migrate_prediction_lock_family(prediction, relid, ShareRowExclusiveLock);
	else
		(void) migrate_prediction_lock(prediction, relid, ShareRowExclusiveLock);
	if (statement->constrrel != NULL)
		(void) predictstatement_name(prediction, statement->constrrel, AccessShareLock);
}

/* Tables that CREATE or ALTER PUBLICATION names. */
static void
predictstatement_publication(Prediction *prediction, List *objects)
{
	ListCell   *lc;

	foreach(lc, objects)
	{
		PublicationObjSpec *object = lfirst_node(PublicationObjSpec, lc);
		Oid			relid = InvalidOid;

		if (object->pubtable != NULL && object->pubtable->relation != NULL)
			relid = migrate_prediction_relation(prediction, object->pubtable->relation);
		if (!OidIsValid(relid))
			continue;
		if (object->pubtable->relation->inh && get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
			migrate_prediction_lock_family(prediction, relid, ShareUpdateExclusiveLock);
		else
			(void) migrate_prediction_lock(prediction, relid, ShareUpdateExclusiveLock);
	}
}

/* ALTER PUBLICATION: with SET, also those it has. */
static void
predictstatement_alter_publication(Prediction *prediction, const AlterPublicationStmt *statement)
{
	Oid			publication = get_publication_oid(statement->pubname, true);
	ListCell   *lc;

	predictstatement_publication(prediction, statement->pubobjects);
	if (statement->action != AP_SetObjects || statement->pubobjects == NIL ||
		!OidIsValid(publication))
		return;
	foreach(lc, GetPublicationRelations(publication, PUBLICATION_PART_ROOT))
		(void) migrate_prediction_lock(prediction, lfirst_oid(lc), ShareUpdateExclusiveLock);
}

/* CREATE SCHEMA with what is in it: the names of its own tables mean those. */
static void
predictstatement_schema(Prediction *prediction, const CreateSchemaStmt *statement)
{
	List	   *own = NIL;
	ListCell   *lc;

	foreach(lc, statement->schemaElts)
		if (IsA(lfirst(lc), CreateStmt))
		own = lappend(own, makeString(((CreateStmt *) lfirst(lc))->relation->relname));
	prediction->own_names = own;
	foreach(lc, statement->schemaElts)
		migrate_prediction_statement(prediction, lfirst(lc));
	prediction->own_names = NIL;
}

/* CREATE TABLE: what it refers to. */
static void
predictstatement_create_table(Prediction *prediction, CreateStmt *statement)
{
	ListCell   *lc;

	if (statement->if_not_exists &&
		OidIsValid(RangeVarGetRelid(statement->relation, NoLock, true)))
		return;
	if (statement->partbound != NULL)
		migrate_predict_partition_of(prediction, statement);
	else
		predictstatement_names(prediction, statement->inhRelations, ShareUpdateExclusiveLock);
	foreach(lc, statement->tableElts)
	{
		Node	   *element = lfirst(lc);
		ListCell   *inner;

		if (IsA(element, TableLikeClause))
			(void) predictstatement_name(prediction, ((TableLikeClause *) element)->relation, AccessShareLock);
		else if (IsA(element, Constraint))
			migrate_predict_foreign_key(prediction, InvalidOid, (Constraint *) element);
		else if (IsA(element, ColumnDef))
			foreach(inner, ((ColumnDef *) element)->constraints)
				migrate_predict_foreign_key(prediction, InvalidOid, lfirst_node(Constraint, inner));
	}
}

/* CREATE VIEW */
static void
predictstatement_view(Prediction *prediction, ViewStmt *statement)
{
	Oid			relid;

	migrate_predict_query(prediction, statement->query);
	if (!statement->replace)
		return;
	relid = RangeVarGetRelid(statement->view, NoLock, true);
	if (OidIsValid(relid))
		(void) migrate_prediction_lock(prediction, relid, AccessExclusiveLock);
}

/* LOCK TABLE: with what inherits, and with what a view reads. */
static void
predictstatement_lock_table(Prediction *prediction, const LockStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->relations)
	{
		RangeVar   *name = lfirst_node(RangeVar, lc);
		Oid			relid = migrate_prediction_relation(prediction, name);

		if (!OidIsValid(relid))
			continue;
		if (name->inh)
			migrate_prediction_lock_family(prediction, relid, statement->mode);
		else
			(void) migrate_prediction_lock(prediction, relid, statement->mode);
		if (get_rel_relkind(relid) == RELKIND_VIEW)
			migrate_predict_view_sources(prediction, relid, statement->mode);
	}
}

/* Tell whether VACUUM is FULL. */
static bool
predictstatement_is_full(const VacuumStmt *statement)
{
	bool		full = false;
	ListCell   *lc;

	foreach(lc, statement->options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, "full") == 0)
		full = defGetBoolean(lfirst(lc));
	return full;
}

/* VACUUM and ANALYZE: of a partitioned table, the partitions, too. */
static void
predictstatement_vacuum(Prediction *prediction, const VacuumStmt *statement)
{
	bool		full = predictstatement_is_full(statement);
	ListCell   *lc;
	ListCell   *member;

	foreach(lc, statement->rels)
	{
		const RangeVar *name = lfirst_node(VacuumRelation, lc)->relation;
		Oid			relid = migrate_prediction_relation(prediction, name);

		if (!OidIsValid(relid))
			continue;
		foreach(member, get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ?
				find_all_inheritors(relid, NoLock, NULL) : list_make1_oid(relid))
		{
			if (!full)
				(void) migrate_prediction_lock(prediction, lfirst_oid(member), ShareUpdateExclusiveLock);
			else if (RELKIND_HAS_STORAGE(get_rel_relkind(lfirst_oid(member))))
				migrate_prediction_rewrite(prediction, lfirst_oid(member));
		}
	}
}

/* Statements that are told by the name of one relation. */
static bool
predictstatement_named(Prediction *prediction, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_RuleStmt:
			(void) predictstatement_name(prediction, ((RuleStmt *) statement)->relation, AccessExclusiveLock);
			return true;
		case T_CreatePolicyStmt:
			(void) predictstatement_name(prediction, ((CreatePolicyStmt *) statement)->table, AccessExclusiveLock);
			return true;
		case T_AlterPolicyStmt:
			(void) predictstatement_name(prediction, ((AlterPolicyStmt *) statement)->table, AccessExclusiveLock);
			return true;
		case T_AlterSeqStmt:
			(void) predictstatement_name(prediction, ((AlterSeqStmt *) statement)->sequence, ShareRowExclusiveLock);
			return true;
		case T_AlterObjectSchemaStmt:
			if (((AlterObjectSchemaStmt *) statement)->relation != NULL)
				(void) predictstatement_name(prediction, ((AlterObjectSchemaStmt *) statement)->relation,
											 AccessExclusiveLock);
			return true;
		case T_CreateStatsStmt:
			predictstatement_names(prediction, ((CreateStatsStmt *) statement)->relations,
								   ShareUpdateExclusiveLock);
			return true;
		case T_VacuumStmt:
			predictstatement_vacuum(prediction, (VacuumStmt *) statement);
			return true;
		default:
			return false;
	}
}

/* Statements of definition. */
static bool
predictstatement_definition(Prediction *prediction, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			migrate_predict_alter_table(prediction, (AlterTableStmt *) statement);
			return true;
		case T_RenameStmt:
			predictstatement_rename(prediction, (RenameStmt *) statement);
			return true;
		case T_AlterDomainStmt:
			predictstatement_alter_domain(prediction, (AlterDomainStmt *) statement);
			return true;
		case T_CreateTrigStmt:
			predictstatement_trigger(prediction, (CreateTrigStmt *) statement);
			return true;
		case T_CreateStmt:
			predictstatement_create_table(prediction, (CreateStmt *) statement);
			return true;
		case T_CreateForeignTableStmt:
			predictstatement_create_table(prediction, &((CreateForeignTableStmt *) statement)->base);
			return true;
		case T_ViewStmt:
			predictstatement_view(prediction, (ViewStmt *) statement);
			return true;
		case T_CreatePublicationStmt:
			predictstatement_publication(prediction, ((CreatePublicationStmt *) statement)->pubobjects);
			return true;
		case T_AlterPublicationStmt:
			predictstatement_alter_publication(prediction, (AlterPublicationStmt *) statement);
			return true;
		case T_CommentStmt:
			predictstatement_note(prediction, ((CommentStmt *) statement)->objtype,
								  ((CommentStmt *) statement)->object);
			return true;
		case T_SecLabelStmt:
			predictstatement_note(prediction, ((SecLabelStmt *) statement)->objtype,
								  ((SecLabelStmt *) statement)->object);
			return true;
		case T_CreateSchemaStmt:
			predictstatement_schema(prediction, (CreateSchemaStmt *) statement);
			return true;
		default:
			return predictstatement_named(prediction, statement) ||
				migrate_predict_index_statement(prediction, statement);
	}
}

/* Add what a statement does. */
void
migrate_prediction_statement(Prediction *prediction, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropStmt:
			migrate_predict_drop(prediction, (DropStmt *) statement);
			break;
		case T_TruncateStmt:
			migrate_predict_truncate(prediction, (TruncateStmt *) statement);
			break;
		case T_LockStmt:
			predictstatement_lock_table(prediction, (LockStmt *) statement);
			break;
		case T_DoStmt:
		case T_CallStmt:
		case T_ExecuteStmt:
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
		case T_ImportForeignSchemaStmt:
		case T_DropOwnedStmt:
		case T_ReassignOwnedStmt:
			prediction->opaque = true;
			break;
		default:
			if (!predictstatement_definition(prediction, statement))
				migrate_predict_query(prediction, statement);
	}
}
