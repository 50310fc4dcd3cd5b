/*-------------------------------------------------------------------------
 *
 * linttype.c
 *		Rules of lint on domains and enums.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "lint.h"
#include "predicting.h"

/* CREATE DOMAIN */
static void
linttype_create_domain(LintStatement *statement, const CreateDomainStmt *domain)
{
	ListCell   *lc;

	foreach(lc, domain->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype != CONSTR_CHECK && constraint->contype != CONSTR_NOTNULL)
			continue;
		migrate_lint_find(statement, LINT_BAN_CREATE_DOMAIN_WITH_CONSTRAINT, InvalidOid,
						  "a later change of what %s allows reads every table that uses it, and a column of it that is added writes its table again",
						  NameListToQuotedString(domain->domainname));
		return;
	}
}

/* Tell whether a domain is NOT NULL already. */
static bool
linttype_is_not_null(Oid domain)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	bool		not_null;

	if (!HeapTupleIsValid(tuple))
		return false;
	not_null = ((Form_pg_type) GETSTRUCT(tuple))->typnotnull;
	ReleaseSysCache(tuple);
	return not_null;
}

/*
 * Return a table with a column in which values of a type are nested, as the server
 * looks for them; InvalidOid = there is none.
 */
static Oid
linttype_nested(Oid type)
{
	Oid			array = get_array_type(type);
	Oid			found = InvalidOid;
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, OidIsValid(type) ? migrate_lint_users(TypeRelationId, type) : NIL)
	{
		ObjectAddress *user = lfirst(lc);

		if (OidIsValid(found))
			break;
		if (user->classId == TypeRelationId)
			found = linttype_nested(user->objectId);
		else if (user->classId != RelationRelationId || user->objectSubId == 0)
			continue;
		else if (get_rel_relkind(user->objectId) == RELKIND_COMPOSITE_TYPE)
			found = linttype_nested(get_rel_type_id(user->objectId));
		else if (RELKIND_HAS_STORAGE(get_rel_relkind(user->objectId)) ||
				 get_rel_relkind(user->objectId) == RELKIND_PARTITIONED_TABLE)
			found = user->objectId;
	}
	return OidIsValid(found) || !OidIsValid(array) ? found : linttype_nested(array);
}

/* The same of a domain whose own columns can be checked. */
static Oid
linttype_nested_in(Oid domain)
{
	Oid			found = linttype_nested(get_array_type(domain));
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, migrate_lint_users(TypeRelationId, domain))
	{
		ObjectAddress *user = lfirst(lc);

		if (OidIsValid(found))
			break;
		if (user->classId == TypeRelationId)
			found = get_typtype(user->objectId) == TYPTYPE_DOMAIN ?
				linttype_nested_in(user->objectId) : linttype_nested(user->objectId);
		else if (user->classId == RelationRelationId && user->objectSubId != 0 &&
				 get_rel_relkind(user->objectId) == RELKIND_COMPOSITE_TYPE)
			found = linttype_nested(get_rel_type_id(user->objectId));
	}
	return found;
}

/* ALTER DOMAIN ... SET NOT NULL, ADD */
static void
linttype_alter_domain(LintStatement *statement, const AlterDomainStmt *alter)
{
	Oid			domain;
	Oid			nested;
	ListCell   *lc;

	if (alter->subtype != 'O' &&
		(alter->subtype != 'C' || castNode(Constraint, alter->def)->skip_validation))
		return;
	domain = migrate_lint_type_oid(makeTypeNameFromNameList(alter->typeName));
	if (!OidIsValid(domain) || get_typtype(domain) != TYPTYPE_DOMAIN ||
		migrate_lint_type_is_new(statement->lint, alter->typeName) ||
		(alter->subtype == 'O' && linttype_is_not_null(domain)))
		return;
	nested = linttype_nested_in(domain);
	if (OidIsValid(nested))
		migrate_lint_find_failing(statement, LINT_BAN_ALTER_DOMAIN_WITH_ADD_CONSTRAINT, nested,
								  "%s has the domain within another type, where it cannot be checked: the statement fails",
								  get_rel_name(nested));
	foreach(lc, OidIsValid(nested) ? NIL : statement->prediction->relations)
	{
		PredictedRelation *relation = lfirst(lc);

		if (relation->scan)
			migrate_lint_find(statement, LINT_BAN_ALTER_DOMAIN_WITH_ADD_CONSTRAINT, relation->relid,
							  "writes to %s wait until all rows are checked", get_rel_name(relation->relid));
	}
}

/* ALTER TYPE ... ADD VALUE, RENAME VALUE */
static void
linttype_alter_enum(LintStatement *statement, const AlterEnumStmt *alter)
{
	const char *name = NameListToQuotedString(alter->typeName);
	Oid			type = migrate_lint_type_oid(makeTypeNameFromNameList(alter->typeName));

	if (alter->oldVal == NULL)
	{
		if (alter->newValNeighbor == NULL)
			migrate_lint_find(statement, LINT_REQUIRE_ENUM_VALUE_ORDERING, InvalidOid,
							  "value '%s' of %s sorts behind all others", alter->newVal, name);
	}
	else if (OidIsValid(type) && !migrate_lint_type_is_new(statement->lint, alter->typeName) &&
			 SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(type), CStringGetDatum(alter->oldVal)))
		migrate_lint_prove(migrate_lint_find(statement, LINT_RENAMING_ENUM_VALUE, InvalidOid,
											 "what calls the value '%s' of %s by that name fails", alter->oldVal, name));
}

/* Look at a statement. */
void
migrate_lint_type(LintStatement *statement)
{
	Node	   *node = statement->node;

	if (statement->lint->enum_values != NIL)
		migrate_lint_enum_use(statement);
	switch (nodeTag(node))
	{
		case T_CreateDomainStmt:
			linttype_create_domain(statement, (CreateDomainStmt *) node);
			break;
		case T_AlterDomainStmt:
			linttype_alter_domain(statement, (AlterDomainStmt *) node);
			break;
		case T_AlterEnumStmt:
			linttype_alter_enum(statement, (AlterEnumStmt *) node);
			break;
		case T_CreateEnumStmt:
			migrate_lint_find(statement, LINT_CREATING_ENUM, InvalidOid,
							  "values of %s can be added, but never removed",
							  NameListToQuotedString(((CreateEnumStmt *) node)->typeName));
			break;
		default:
			break;
	}
}
