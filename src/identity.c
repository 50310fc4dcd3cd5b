/*-------------------------------------------------------------------------
 *
 * identity.c
 *		The sequence of an identity column, as a part of its definition.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

#include "describe.h"
#include "identity.h"
#include "property.h"

/* Append how a sequence counts, where it is not the default of its type. */
static void
identity_counts(StringInfo json, Oid sequence)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
	Form_pg_sequence form;
	int64		low = PG_INT64_MIN;
	int64		high = PG_INT64_MAX;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_sequence) GETSTRUCT(tuple);
	if (form->seqtypid == INT2OID)
	{
		low = PG_INT16_MIN;
		high = PG_INT16_MAX;
	}
	else if (form->seqtypid == INT4OID)
	{
		low = PG_INT32_MIN;
		high = PG_INT32_MAX;
	}
	appendStringInfoString(json, ",\"counts\":{");
	if (form->seqstart != (form->seqincrement > 0 ? form->seqmin : form->seqmax))
		appendStringInfo(json, "\"start\":" INT64_FORMAT ",", form->seqstart);
	if (form->seqincrement != 1)
		appendStringInfo(json, "\"increment\":" INT64_FORMAT ",", form->seqincrement);
	if (form->seqmin != (form->seqincrement > 0 ? 1 : low))
		appendStringInfo(json, "\"min\":" INT64_FORMAT ",", form->seqmin);
	if (form->seqmax != (form->seqincrement > 0 ? high : -1))
		appendStringInfo(json, "\"max\":" INT64_FORMAT ",", form->seqmax);
	if (form->seqcache != 1)
		appendStringInfo(json, "\"cache\":" INT64_FORMAT ",", form->seqcache);
	if (form->seqcycle)
		appendStringInfoString(json, "\"cycle\":true,");
	if (json->data[json->len - 1] == ',')
		json->data[--json->len] = '\0';
	appendStringInfoChar(json, '}');
	ReleaseSysCache(tuple);
}

/* Return the sequence of an identity column, or 0. */
static Oid
identity_sequence(Oid relid, int number)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			sequence = InvalidOid;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	ScanKeyInit(&keys[2], Anum_pg_depend_refobjsubid, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(number));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 3, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == RelationRelationId && form->deptype == DEPENDENCY_INTERNAL)
			sequence = form->objid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return sequence;
}

/*
 * Append the sequence of an identity column, of a relation with this persistence;
 * with_labels = there are security labels in this database.
 */
void
migrate_identity_append(StringInfo json, Oid relid, int number, char persistence, bool with_labels)
{
	Oid			sequence = identity_sequence(relid, number);
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(sequence));
	Form_pg_class form;
	Datum		acl;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_class) GETSTRUCT(tuple);
	migrate_property_text(json, "sequence", migrate_describe_relation(sequence));
	if (form->relpersistence != persistence)
		migrate_property_text(json, "persistence",
							  form->relpersistence == RELPERSISTENCE_UNLOGGED ? "unlogged" : "logged");
	identity_counts(json, sequence);
	acl = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl, &isnull);
	if (!isnull)
		migrate_property_text(json, "owner", GetUserNameFromId(form->relowner, true));
	migrate_property_acl(json, acl, isnull, 's', form->relowner);
	ReleaseSysCache(tuple);
	migrate_property_text(json, "comment", GetComment(sequence, RelationRelationId, 0));
	if (with_labels)
		migrate_property_labels(json, sequence, 0);
}
