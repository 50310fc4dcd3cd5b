/*-------------------------------------------------------------------------
 *
 * predictcolumn.c
 *		Which changes of a column read or write all rows of its table.
 *
 * The decisions are those of ATExecAddColumn(), ATPrepAlterColumnType() and
 * ATExecSetNotNull(), on the same expressions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/heap.h"
#include "catalog/pg_opclass.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "compat.h"

#include "predicting.h"

/* Find a constraint of a column as it was written, or NULL. */
Constraint *
migrate_predict_column_constraint(const ColumnDef *column, ConstrType type)
{
	ListCell   *lc;

	foreach(lc, column->constraints)
		if (lfirst_node(Constraint, lc)->contype == type)
		return lfirst(lc);
	return NULL;
}

/* Return the type of the column that a serial type stands for, or InvalidOid. */
Oid
migrate_predict_serial_type(const TypeName *type)
{
	static const struct
	{
		const char *name;
		Oid			type;
	}			serials[] = {
		{"smallserial", INT2OID}, {"serial2", INT2OID}, {"serial", INT4OID},
		{"serial4", INT4OID}, {"bigserial", INT8OID}, {"serial8", INT8OID},
	};

	if (list_length(type->names) != 1 || type->pct_type)
		return InvalidOid;
	for (int i = 0; i < lengthof(serials); i++)
		if (strcmp(strVal(linitial(type->names)), serials[i].name) == 0)
			return serials[i].type;
	return InvalidOid;
}

/* Tell whether a default is another value for each row, or may be. */
static bool
predictcolumn_is_volatile(Relation rel, const ColumnDef *column, Node *raw, Oid type, int32 typmod)
{
	Node	   *value = raw == NULL ? get_typdefault(type) :
	cookDefault(make_parsestate(NULL), copyObject(raw), type, typmod, column->colname, 0);

	if (value == NULL)
		return false;
	return contain_volatile_functions((Node *) expression_planner((Expr *) value));
}

/* Tell whether ADD COLUMN writes all rows again. */
bool
migrate_predict_add_rewrites(Relation rel, const ColumnDef *column)
{
	Constraint *generated = migrate_predict_column_constraint(column, CONSTR_GENERATED);
	Constraint *set = migrate_predict_column_constraint(column, CONSTR_DEFAULT);
	Oid			type;
	int32		typmod;

	if (!RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
		return false;
	if (generated != NULL)
		return compat_is_stored(generated);
	if (OidIsValid(migrate_predict_serial_type(column->typeName)) ||
		migrate_predict_column_constraint(column, CONSTR_IDENTITY) != NULL)
		return true;
	typenameTypeIdAndMod(NULL, column->typeName, &type, &typmod);
	return DomainHasConstraints(type) ||
		predictcolumn_is_volatile(rel, column, set == NULL ? NULL : set->raw_expr, type, typmod);
}

/* Tell whether a conversion leaves the bytes of a column as they are. */
static bool
predictcolumn_keeps_bytes(Node *expr, AttrNumber attnum)
{
	for (;;)
	{
		if (IsA(expr, Var) && ((Var *) expr)->varattno == attnum)
			return true;
		if (IsA(expr, RelabelType))
			expr = (Node *) ((RelabelType *) expr)->arg;
		else if (IsA(expr, CoerceToDomain))
		{
			if (DomainHasConstraints(((CoerceToDomain *) expr)->resulttype))
				return false;
			expr = (Node *) ((CoerceToDomain *) expr)->arg;
		}
		else if (IsA(expr, FuncExpr) &&
				 (((FuncExpr *) expr)->funcid == F_TIMESTAMPTZ_TIMESTAMP ||
				  ((FuncExpr *) expr)->funcid == F_TIMESTAMP_TIMESTAMPTZ) &&
				 !TimestampTimestampTzRequiresRewrite())
			expr = linitial(((FuncExpr *) expr)->args);
		else
			return false;
	}
}

/* Return the expression that makes the new values of a column, or NULL. */
static Node *
predictcolumn_conversion(Relation rel, Form_pg_attribute attribute, const ColumnDef *column,
						 Oid type, int32 typmod)
{
	ParseState *pstate = make_parsestate(NULL);
	Node	   *expr;

	if (column->raw_default == NULL)
		expr = (Node *) makeVar(1, attribute->attnum, attribute->atttypid, attribute->atttypmod,
								attribute->attcollation, 0);
	else
	{
		ParseNamespaceItem *item = addRangeTableEntryForRelation(pstate, rel, AccessShareLock,
																 NULL, false, true);

		addNSItemToQuery(pstate, item, false, true, true);
		expr = transformExpr(pstate, copyObject(column->raw_default),
							 EXPR_KIND_ALTER_COL_TRANSFORM);
	}
	expr = coerce_to_target_type(pstate, expr, exprType(expr), type, typmod,
								 COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		return NULL;
	assign_expr_collations(pstate, expr);
	return (Node *) expression_planner((Expr *) expr);
}

/* Tell whether ALTER COLUMN TYPE writes all rows again. */
bool
migrate_predict_type_rewrites(Relation rel, const char *name, const ColumnDef *column)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);
	Oid			type;
	int32		typmod;
	Node	   *expr;

	if (attnum <= 0 || rel->rd_rel->relkind != RELKIND_RELATION)
		return false;
	typenameTypeIdAndMod(NULL, column->typeName, &type, &typmod);
	expr = predictcolumn_conversion(rel, TupleDescAttr(RelationGetDescr(rel), attnum - 1),
									column, type, typmod);
	return expr != NULL && !predictcolumn_keeps_bytes(expr, attnum);
}

/* Tell whether SET NOT NULL on a column has to read the rows. */
bool
migrate_predict_not_null_scans(Relation rel, const char *name)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);
	Form_pg_attribute attribute;
	NullTest   *test;

	if (attnum <= 0 || rel->rd_rel->relkind != RELKIND_RELATION)
		return false;
	attribute = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	if (attribute->attnotnull)
		return false;
	test = makeNode(NullTest);
	test->arg = (Expr *) makeVar(1, attnum, attribute->atttypid, attribute->atttypmod,
								 attribute->attcollation, 0);
	test->nulltesttype = IS_NOT_NULL;
	test->argisrow = false;
	test->location = -1;
	return !PartConstraintImpliedByRelConstraint(rel, list_make1(test));
}

/*
 * Tell whether an index can stay as it is when a column changes its type and the
 * rows do not change; CheckIndexCompatible() decides so of the new definition.
 */
bool
migrate_predict_index_stays(Relation index, AttrNumber attnum, const ColumnDef *column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;
	bool		isnull;
	oidvector  *classes;

	if (RelationGetIndexExpressions(index) != NIL || RelationGetIndexPredicate(index) != NIL)
		return false;
	typenameTypeIdAndMod(NULL, column->typeName, &type, &typmod);
	classes = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
															Anum_pg_index_indclass, &isnull));
	collation = GetColumnDefCollation(NULL, unconstify(ColumnDef *, column), type);
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		Oid			class = classes->values[i];
		HeapTuple	tuple;
		bool		same;

		if (index->rd_index->indkey.values[i] != attnum)
			continue;
		/* a class that is not the default is written out, and stays */
		tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(class));
		same = HeapTupleIsValid(tuple);
		if (same)
		{
			Form_pg_opclass form = (Form_pg_opclass) GETSTRUCT(tuple);

			same = !form->opcdefault ||
				GetDefaultOpClass(type, index->rd_rel->relam) == class;
			ReleaseSysCache(tuple);
		}
		if (!same || index->rd_indcollation[i] != collation)
			return false;
	}
	return true;
}
