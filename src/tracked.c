/*-------------------------------------------------------------------------
 *
 * tracked.c
 *		Which catalogs make up the objects of a schema, and how.
 *
 * Every catalog row that a definition is rendered from stands for itself with
 * a hash of where it is (ctid) and who wrote it (xmin): a changed row is a new
 * row version.  Changes in place (statistics of pg_class) leave both alone, and
 * freezing keeps xmin.
 *
 * Roles and tablespaces matter by their names only, and the rows of pg_authid
 * hold secrets: their hash is that of the name.  Of subscriptions, which stand in
 * a catalog of all databases too, only those of this one count.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_description.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_range.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_shseclabel.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_tablespace.h"
#include "catalog/pg_transform.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_config_map.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"

#include "tracked.h"

/* A catalog whose rows are objects of their own. */
#define OBJECT(id, form, index) \
	{id##RelationId, TRACKED_OBJECT, id##RelationId, \
	 offsetof(FormData_##form, oid), Anum_##form##_oid, index, -1, 0, InvalidOid}

/* The same, on a relation. */
#define OBJECT_ON(id, form, index, column, column_index) \
	{id##RelationId, TRACKED_OBJECT, id##RelationId, \
	 offsetof(FormData_##form, oid), Anum_##form##_oid, index, \
	 offsetof(FormData_##form, column), Anum_##form##_##column, column_index}

/* A catalog whose rows are parts of an object of another one. */
#define PART(id, form, class, column, index) \
	{id##RelationId, TRACKED_PART, class##RelationId, \
	 offsetof(FormData_##form, column), Anum_##form##_##column, index, -1, 0, InvalidOid}

/* What is noted of objects of any catalog. */
#define NOTE(id, form, column, index) \
	{id##RelationId, TRACKED_NOTE, InvalidOid, \
	 offsetof(FormData_##form, column), Anum_##form##_##column, index, -1, 0, InvalidOid}

/* A shared catalog of which only the names matter. */
#define NAME(id, form, index) \
	{id##RelationId, TRACKED_NAME, id##RelationId, \
	 offsetof(FormData_##form, oid), Anum_##form##_oid, index, -1, 0, InvalidOid}

/* pg_class comes first, and notes last: other rows look for their objects. */
const TrackedCatalog migrate_tracked[] = {
	OBJECT(Relation, pg_class, ClassOidIndexId),
	PART(Attribute, pg_attribute, Relation, attrelid, AttributeRelidNumIndexId),
	PART(AttrDefault, pg_attrdef, Relation, adrelid, AttrDefaultIndexId),
	PART(Inherits, pg_inherits, Relation, inhrelid, InheritsRelidSeqnoIndexId),
	PART(Partitioned, pg_partitioned_table, Relation, partrelid, PartitionedRelidIndexId),
	PART(Sequence, pg_sequence, Relation, seqrelid, SequenceRelidIndexId),
	PART(ForeignTable, pg_foreign_table, Relation, ftrelid, ForeignTableRelidIndexId),
	PART(Index, pg_index, Relation, indexrelid, IndexRelidIndexId),
	OBJECT_ON(Constraint, pg_constraint, ConstraintOidIndexId, conrelid, ConstraintRelidTypidNameIndexId),
	OBJECT_ON(Trigger, pg_trigger, TriggerOidIndexId, tgrelid, TriggerRelidNameIndexId),
	OBJECT_ON(Rewrite, pg_rewrite, RewriteOidIndexId, ev_class, RewriteRelRulenameIndexId),
	OBJECT_ON(Policy, pg_policy, PolicyOidIndexId, polrelid, PolicyPolrelidPolnameIndexId),
	OBJECT_ON(StatisticExt, pg_statistic_ext, StatisticExtOidIndexId, stxrelid, StatisticExtRelidIndexId),
	OBJECT(Type, pg_type, TypeOidIndexId),
	PART(Enum, pg_enum, Type, enumtypid, EnumTypIdLabelIndexId),
	PART(Range, pg_range, Type, rngtypid, RangeTypidIndexId),
	PART(Constraint, pg_constraint, Type, contypid, ConstraintTypidIndexId),
	OBJECT(Procedure, pg_proc, ProcedureOidIndexId),
	PART(Aggregate, pg_aggregate, Procedure, aggfnoid, AggregateFnoidIndexId),
	OBJECT(Namespace, pg_namespace, NamespaceOidIndexId),
	OBJECT(OperatorFamily, pg_opfamily, OpfamilyOidIndexId),
	OBJECT(OperatorClass, pg_opclass, OpclassOidIndexId),
	OBJECT(AccessMethodOperator, pg_amop, AccessMethodOperatorOidIndexId),
	OBJECT(AccessMethodProcedure, pg_amproc, AccessMethodProcedureOidIndexId),
	OBJECT(Operator, pg_operator, OperatorOidIndexId),
	OBJECT(Cast, pg_cast, CastOidIndexId),
	OBJECT(Collation, pg_collation, CollationOidIndexId),
	OBJECT(Conversion, pg_conversion, ConversionOidIndexId),
	OBJECT(AccessMethod, pg_am, AmOidIndexId),
	OBJECT(Language, pg_language, LanguageOidIndexId),
	OBJECT(Transform, pg_transform, TransformOidIndexId),
	OBJECT(TSParser, pg_ts_parser, TSParserOidIndexId),
	OBJECT(TSDictionary, pg_ts_dict, TSDictionaryOidIndexId),
	OBJECT(TSTemplate, pg_ts_template, TSTemplateOidIndexId),
	OBJECT(TSConfig, pg_ts_config, TSConfigOidIndexId),
	PART(TSConfigMap, pg_ts_config_map, TSConfig, mapcfg, TSConfigMapIndexId),
	OBJECT(Extension, pg_extension, ExtensionOidIndexId),
	OBJECT(ForeignDataWrapper, pg_foreign_data_wrapper, ForeignDataWrapperOidIndexId),
	OBJECT(ForeignServer, pg_foreign_server, ForeignServerOidIndexId),
	OBJECT(UserMapping, pg_user_mapping, UserMappingOidIndexId),
	OBJECT(EventTrigger, pg_event_trigger, EventTriggerOidIndexId),
	OBJECT(Publication, pg_publication, PublicationObjectIndexId),
	PART(PublicationRel, pg_publication_rel, Publication, prpubid, PublicationRelPrpubidIndexId),
	PART(PublicationNamespace, pg_publication_namespace, Publication, pnpubid, InvalidOid),
	OBJECT(Subscription, pg_subscription, SubscriptionObjectIndexId),
	OBJECT(DefaultAcl, pg_default_acl, DefaultAclOidIndexId),
	NAME(AuthId, pg_authid, AuthIdOidIndexId),
	NAME(TableSpace, pg_tablespace, TablespaceOidIndexId),
	NOTE(Description, pg_description, objoid, DescriptionObjIndexId),
	NOTE(SecLabel, pg_seclabel, objoid, SecLabelObjectIndexId),
	NOTE(SharedSecLabel, pg_shseclabel, objoid, SharedSecLabelObjectIndexId),
	NOTE(Depend, pg_depend, objid, DependDependerIndexId),
};
const int	migrate_tracked_count = lengthof(migrate_tracked);

/* Read a column of type oid. */
static inline Oid
tracked_oid(HeapTuple tuple, int offset)
{
	Oid			value;

	memcpy(&value, (char *) GETSTRUCT(tuple) + offset, sizeof(Oid));
	return value;
}

/* Spread the bits of a number over all of it. */
static inline uint64
tracked_mix(uint64 value)
{
	value ^= value >> 31;
	value *= UINT64CONST(0x7fb5d329728ea185);
	value ^= value >> 27;
	value *= UINT64CONST(0x81dadef4bc2dd44d);
	return value ^ (value >> 33);
}

/* Hash a row by its place and its writer. */
static inline uint64
tracked_hash(Oid catalog, HeapTuple tuple)
{
	uint64		place = ((uint64) ItemPointerGetBlockNumberNoCheck(&tuple->t_self) << 16) |
	ItemPointerGetOffsetNumberNoCheck(&tuple->t_self);
	uint64		writer = ((uint64) catalog << 32) | HeapTupleHeaderGetRawXmin(tuple->t_data);

	return tracked_mix(tracked_mix(place) ^ writer);
}

/* Hash a name, and a number with it. */
static inline uint32
tracked_hash_name(const NameData *name, uint32 number)
{
	return hash_bytes_uint32(hash_bytes((const unsigned char *) NameStr(*name),
										strlen(NameStr(*name))) ^ number);
}

/*
 * Relations: not temporary ones, and no indexes of toast tables.  Toast tables
 * with options of their own are a part of their table; others say nothing.
 */
static bool
tracked_read_relation(HeapTuple tuple, TrackedRow *row)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

	row->relkind = form->relkind;
	if (form->relpersistence == RELPERSISTENCE_TEMP)
		return false;
	if (form->relkind == RELKIND_TOASTVALUE)
		return !heap_attisnull(tuple, Anum_pg_class_reloptions, NULL);
	if (form->relnamespace == PG_TOAST_NAMESPACE)
		return false;
	row->names = tracked_hash_name(&form->relname, form->relnamespace);
	return true;
}

/* What needs a look at other columns; false = the row does not count. */
static bool
tracked_read_special(HeapTuple tuple, TrackedRow *row, const TrackedCatalog *tracked)
{
	switch (tracked->catalog)
	{
		case RelationRelationId:
			return tracked_read_relation(tuple, row);
		case AttributeRelationId:
			{
				Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);

				/* system columns have privileges, if anything */
				if (form->attnum <= 0 && heap_attisnull(tuple, Anum_pg_attribute_attacl, NULL))
					return false;
				row->names = tracked_hash_name(&form->attname, form->attnum);
				return true;
			}
		case ConstraintRelationId:

			/*
			 * those of a domain are a part of it, too: when one goes, it does
			 * not lead there
			 */
			return tracked->role == TRACKED_OBJECT ||
				OidIsValid(((Form_pg_constraint) GETSTRUCT(tuple))->contypid);
		case TriggerRelationId:
			return !((Form_pg_trigger) GETSTRUCT(tuple))->tgisinternal;
		case TypeRelationId:
			{
				/*
				 * arrays follow their elements; row types may follow a
				 * relation
				 */
				Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

				row->relation = form->typrelid;
				return form->typinput != F_ARRAY_IN;
			}
		case SubscriptionRelationId:
			/* those of all databases stand there */
			return ((Form_pg_subscription) GETSTRUCT(tuple))->subdbid == MyDatabaseId;
		case NamespaceRelationId:
			row->names = tracked_hash_name(&((Form_pg_namespace) GETSTRUCT(tuple))->nspname, 0);
			return true;
		case AuthIdRelationId:
			row->hash = tracked_hash_name(&((Form_pg_authid) GETSTRUCT(tuple))->rolname, 0);
			return true;
		case TableSpaceRelationId:
			row->hash = tracked_hash_name(&((Form_pg_tablespace) GETSTRUCT(tuple))->spcname, 0);
			return true;
		default:
			return true;
	}
}

/* Read the class of the object that a note is of; 0 = the row is no note. */
static Oid
tracked_note_class(HeapTuple tuple, Oid catalog)
{
	Form_pg_depend depend;

	switch (catalog)
	{
		case DescriptionRelationId:
			return ((Form_pg_description) GETSTRUCT(tuple))->classoid;
		case SecLabelRelationId:
			return ((FormData_pg_seclabel *) GETSTRUCT(tuple))->classoid;
		case SharedSecLabelRelationId:
			{
				Oid			class = ((FormData_pg_shseclabel *) GETSTRUCT(tuple))->classoid;

				return class == SubscriptionRelationId ? class : InvalidOid;
			}
		default:
			depend = (Form_pg_depend) GETSTRUCT(tuple);
			return depend->refclassid == ExtensionRelationId ? depend->classid : InvalidOid;
	}
}

/*
 * Tell whether an object of the server has privileges, which may have been
 * changed: nothing else of it counts.
 */
static bool
tracked_has_privileges(Oid catalog, HeapTuple tuple)
{
	switch (catalog)
	{
		case RelationRelationId:
			return !heap_attisnull(tuple, Anum_pg_class_relacl, NULL);
		case AttributeRelationId:
			return !heap_attisnull(tuple, Anum_pg_attribute_attacl, NULL);
		case ProcedureRelationId:
			return !heap_attisnull(tuple, Anum_pg_proc_proacl, NULL);
		case TypeRelationId:
			return !heap_attisnull(tuple, Anum_pg_type_typacl, NULL);
		case NamespaceRelationId:
			return !heap_attisnull(tuple, Anum_pg_namespace_nspacl, NULL);
		case LanguageRelationId:
			return !heap_attisnull(tuple, Anum_pg_language_lanacl, NULL);
		default:
			return false;
	}
}

/* Tell whether an object of the server is looked at. */
static bool
tracked_counts(const TrackedCatalog *tracked, HeapTuple tuple, Oid class, Oid object)
{
	if (tracked->role == TRACKED_NAME ||
		(class == NamespaceRelationId && object == PG_PUBLIC_NAMESPACE))
		return true;
	return tracked->role != TRACKED_NOTE && tracked_has_privileges(tracked->catalog, tuple);
}

/*
 * Read a row of a catalog; false = it belongs to nothing that is looked at:
 * what comes with the server, temporary tables, what the server makes itself.
 */
bool
migrate_tracked_read(const TrackedCatalog *tracked, HeapTuple tuple, TrackedRow *row)
{
	Oid			object = tracked_oid(tuple, tracked->object);
	Oid			class = tracked->class;

	if (tracked->role == TRACKED_NOTE)
		class = tracked_note_class(tuple, tracked->catalog);
	if (!OidIsValid(class))
		return false;
	if (object < FirstNormalObjectId && !tracked_counts(tracked, tuple, class, object))
		return false;
	row->key = OBJECT_KEY(class, object);
	row->relation = tracked->relation >= 0 ? tracked_oid(tuple, tracked->relation) : InvalidOid;
	row->names = 0;
	row->relkind = '\0';
	row->hash = 0;
	if (!tracked_read_special(tuple, row, tracked))
		return false;
	if (tracked->role != TRACKED_NAME)
		row->hash = tracked_hash(tracked->catalog, tuple);
	return true;
}
