/*-------------------------------------------------------------------------
 *
 * predictdomain.c
 *		Which tables a change of a domain looks into.
 *
 * As get_rels_with_domain() finds them, by way of domains over the domain too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "predicting.h"

/* Add the tables that have columns of a domain. */
void
migrate_predict_domain_users(Prediction *prediction, Oid domain)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	List	   *domains = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	ListCell   *lc;

	check_stack_depth();
	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(TypeRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(domain));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		char		relkind;

		if (form->classid == TypeRelationId && get_typtype(form->objid) == TYPTYPE_DOMAIN)
			domains = lappend_oid(domains, form->objid);
		if (form->classid != RelationRelationId || form->objsubid <= 0)
			continue;
		relkind = get_rel_relkind(form->objid);
		if (relkind == RELKIND_RELATION || relkind == RELKIND_MATVIEW)
			migrate_prediction_lock(prediction, form->objid, ShareLock)->scan = true;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach(lc, domains)
		migrate_predict_domain_users(prediction, lfirst_oid(lc));
}
