/*-------------------------------------------------------------------------
 *
 * render.c
 *		Definitions of objects as they are now.
 *
 * They come from the views migrate.live_*, one for each catalog.  The caller is
 * raised, and has pinned the settings that change how expressions are printed:
 * the same schema must give the same text in every session.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/bufmgr.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_transform.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "common/cryptohash.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "column.h"
#include "owner.h"
#include "render.h"
#include "settings.h"

#define RENDER_BATCH 1000

/* One of the views; class 0 = of any catalog, what the user did not make. */
typedef struct RenderView
{
	Oid			class;
	const char *relkinds;		/* of the relations it has; NULL = has others */
	OwnerQuery	all;
	OwnerQuery	some;
} RenderView;

#define RENDER_SELECT(view) \
	"SELECT class, object, kind, name, definition::pg_catalog.text FROM migrate." view

#define RENDER_VIEW(class, relkinds, view) \
	{class, relkinds, {.sql = RENDER_SELECT(view)}, \
	 {.sql = RENDER_SELECT(view) " WHERE object OPERATOR(pg_catalog.=) ANY ($1)", \
	  .nargs = 1, .argtypes = {OIDARRAYOID}}}

static RenderView render_views[] = {
	RENDER_VIEW(NamespaceRelationId, NULL, "live_schema"),
	RENDER_VIEW(RelationRelationId, "rpf", "live_table"),
	RENDER_VIEW(RelationRelationId, "S", "live_sequence"),
	RENDER_VIEW(RelationRelationId, "vm", "live_view"),
	RENDER_VIEW(RelationRelationId, "c", "live_composite_type"),
	RENDER_VIEW(RelationRelationId, "iI", "live_index"),
	RENDER_VIEW(ConstraintRelationId, NULL, "live_constraint"),
	RENDER_VIEW(TriggerRelationId, NULL, "live_trigger"),
	RENDER_VIEW(RewriteRelationId, NULL, "live_rule"),
	RENDER_VIEW(PolicyRelationId, NULL, "live_policy"),
	RENDER_VIEW(StatisticExtRelationId, NULL, "live_statistics"),
	RENDER_VIEW(ProcedureRelationId, NULL, "live_function"),
	RENDER_VIEW(TypeRelationId, NULL, "live_type"),
	RENDER_VIEW(OperatorRelationId, NULL, "live_operator"),
	RENDER_VIEW(OperatorClassRelationId, NULL, "live_operator_class"),
	RENDER_VIEW(OperatorFamilyRelationId, NULL, "live_operator_family"),
	RENDER_VIEW(CastRelationId, NULL, "live_cast"),
	RENDER_VIEW(CollationRelationId, NULL, "live_collation"),
	RENDER_VIEW(ConversionRelationId, NULL, "live_conversion"),
	RENDER_VIEW(AccessMethodRelationId, NULL, "live_access_method"),
	RENDER_VIEW(LanguageRelationId, NULL, "live_language"),
	RENDER_VIEW(TransformRelationId, NULL, "live_transform"),
	RENDER_VIEW(TSParserRelationId, NULL, "live_ts_parser"),
	RENDER_VIEW(TSDictionaryRelationId, NULL, "live_ts_dictionary"),
	RENDER_VIEW(TSTemplateRelationId, NULL, "live_ts_template"),
	RENDER_VIEW(TSConfigRelationId, NULL, "live_ts_configuration"),
	RENDER_VIEW(ExtensionRelationId, NULL, "live_extension"),
	RENDER_VIEW(ForeignDataWrapperRelationId, NULL, "live_foreign_data_wrapper"),
	RENDER_VIEW(ForeignServerRelationId, NULL, "live_server"),
	RENDER_VIEW(UserMappingRelationId, NULL, "live_user_mapping"),
	RENDER_VIEW(EventTriggerRelationId, NULL, "live_event_trigger"),
	RENDER_VIEW(PublicationRelationId, NULL, "live_publication"),
	RENDER_VIEW(SubscriptionRelationId, NULL, "live_subscription"),
	RENDER_VIEW(DefaultAclRelationId, NULL, "live_default_privileges"),
	RENDER_VIEW(InvalidOid, NULL, "live_privileges"),
};

/* Settings that hold while definitions are rendered; search_path is owner.c's. */
static const struct
{
	const char *name;
	const char *value;
}			render_settings[] = {
	{"quote_all_identifiers", "off"},
	{"DateStyle", "ISO, MDY"},
	{"IntervalStyle", "postgres"},
	{"TimeZone", "UTC"},
	{"extra_float_digits", "3"},
	{"bytea_output", "hex"},
	{"standard_conforming_strings", "on"},
	{"lc_monetary", "C"},
	{"xmloption", "content"},
	{"row_security", "off"},
	/* how fast, not what */
	{"jit", "off"},
	{"plan_cache_mode", "force_generic_plan"},
	{"cursor_tuple_fraction", "1"},
	{"max_parallel_workers_per_gather", "0"},
	{"enable_material", "off"},
	{"work_mem", "65536"},

	/*
	 * plans are kept from when the tables were small; migrate_render_all()
	 * has others
	 */
	{"enable_seqscan", "off"},
	{"enable_mergejoin", "off"},
	{"enable_hashjoin", "off"},
};

/* What migrate_render_all() may do, because it wants most rows. */
static const char *const render_bulk_settings[] = {"enable_seqscan", "enable_material", "enable_mergejoin", "enable_hashjoin"};

/* Pin settings until the caller's nest level of settings ends. */
void
migrate_render_pin(void)
{
	for (int i = 0; i < lengthof(render_settings); i++)
	{
		const char *value = GetConfigOption(render_settings[i].name, false, false);

		if (value == NULL || strcmp(value, render_settings[i].value) != 0)
			(void) set_config_option(render_settings[i].name, render_settings[i].value,
									 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	}
	migrate_settings_lock_timeout();
}

/* Hash pieces of bytes, each with its end. */
static void
render_sha256(const uint8 *const *pieces, const Size *sizes, int count, uint8 *hash)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	bool		done = context != NULL && pg_cryptohash_init(context) >= 0;

	for (int i = 0; i < count && done; i++)
		done = pg_cryptohash_update(context, pieces[i], sizes[i]) >= 0;
	if (!done || pg_cryptohash_final(context, hash, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256");
	pg_cryptohash_free(context);
}

/* Hash what an object is called, and what it is. */
void
migrate_render_hash(const Rendered *rendered, uint8 *hash)
{
	const uint8 *pieces[] = {(uint8 *) rendered->kind, (uint8 *) rendered->name, rendered->digest};
	Size		sizes[] = {strlen(rendered->kind) + 1, strlen(rendered->name) + 1,
	PG_SHA256_DIGEST_LENGTH};

	render_sha256(pieces, sizes, 3, hash);
}

/* Return the number that stands for a kind and name. */
static int64
render_id(const char *kind, const char *name)
{
	const uint8 *pieces[] = {(const uint8 *) kind, (const uint8 *) name};
	Size		sizes[] = {strlen(kind) + 1, strlen(name) + 1};
	uint8		hash[PG_SHA256_DIGEST_LENGTH];
	uint64		id = 0;

	render_sha256(pieces, sizes, 2, hash);
	for (int i = 0; i < 8; i++)
		id = (id << 8) | hash[i];
	return (int64) id;
}

/* Hand the rows of the last result on. */
static void
render_hand_on(uint64 count, RenderSink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "migrate render",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (uint64 i = 0; i < count; i++)
	{
		Rendered	rendered;
		bool		isnull[5];
		const uint8 *piece;
		Size		size;

		rendered.key = OBJECT_KEY(DatumGetObjectId(migrate_owner_value(i, 1, &isnull[0])),
								  DatumGetObjectId(migrate_owner_value(i, 2, &isnull[1])));
		rendered.kind = migrate_owner_text(i, 3);
		rendered.name = migrate_owner_text(i, 4);
		rendered.body = (text *) DatumGetPointer(migrate_owner_value(i, 5, &isnull[4]));
		if (rendered.kind == NULL || rendered.name == NULL || isnull[4])
			elog(ERROR, "object %u of catalog %u has no name or no definition",
				 OBJECT_KEY_OID(rendered.key), OBJECT_KEY_CLASS(rendered.key));
		rendered.body = PG_DETOAST_DATUM_PACKED(PointerGetDatum(rendered.body));
		rendered.id = render_id(rendered.kind, rendered.name);
		piece = (uint8 *) VARDATA_ANY(rendered.body);
		size = VARSIZE_ANY_EXHDR(rendered.body);
		render_sha256(&piece, &size, 1, rendered.digest);
		MemoryContextSwitchTo(old);
		sink(&rendered, arg);
		MemoryContextSwitchTo(context);
		if (i % 100 == 0)
			MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Render what a view has, in batches. */
static void
render_view_all(RenderView *view, RenderSink sink, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	Portal		portal;

	if (view->all.plan == NULL)
	{
		view->all.plan = SPI_prepare(view->all.sql, 0, NULL);
		if (view->all.plan == NULL || SPI_keepplan(view->all.plan) != 0)
			elog(ERROR, "could not prepare \"%s\"", view->all.sql);
	}
	portal = SPI_cursor_open(NULL, view->all.plan, NULL, NULL, false);
	for (;;)
	{
		SPITupleTable *rows;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, RENDER_BATCH);
		MemoryContextSwitchTo(context);
		rows = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		render_hand_on(SPI_processed, sink, arg);
		SPI_freetuptable(rows);
		sink(NULL, arg);
	}
	SPI_cursor_close(portal);
	MemoryContextSwitchTo(context);
}

/* Render every object. */
void
migrate_render_all(RenderSink sink, void *arg)
{
	int			level = NewGUCNestLevel();

	for (int i = 0; i < lengthof(render_bulk_settings); i++)
		(void) set_config_option(render_bulk_settings[i], "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	for (int i = 0; i < lengthof(render_views); i++)
		render_view_all(&render_views[i], sink, arg);
	AtEOXact_GUC(false, level);
}

/* Tell whether there are privileges on objects of a catalog. */
static bool
render_may_have_privileges(Oid class)
{
	switch (class)
	{
		case RelationRelationId:
		case ProcedureRelationId:
		case TypeRelationId:
		case NamespaceRelationId:
		case LanguageRelationId:
		case ForeignDataWrapperRelationId:
		case ForeignServerRelationId:
			return true;
		default:
			return false;
	}
}

/* Tell whether a view may have an object. */
static bool
render_view_has(const RenderView *view, uint64 key, Stamps *stamps)
{
	char		relkind;

	if (!OidIsValid(view->class))
		return render_may_have_privileges(OBJECT_KEY_CLASS(key)) &&
			migrate_stamp_foreign(stamps, key);
	if (OBJECT_KEY_CLASS(key) != view->class)
		return false;
	if (view->relkinds == NULL)
		return true;
	relkind = migrate_stamp_relkind(stamps, OBJECT_KEY_OID(key));
	return relkind != '\0' && strchr(view->relkinds, relkind) != NULL;
}

/*
 * Forget the plans when the catalogs have grown to twice the size they had when
 * the plans were made: the order of joins that suits a small catalog reads a large
 * one from end to end.
 */
static void
render_forget_plans(void)
{
	static BlockNumber planned_for = 0;
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	BlockNumber size = RelationGetNumberOfBlocks(rel);

	table_close(rel, AccessShareLock);
	if (size < 2 * planned_for)
		return;
	planned_for = size;
	for (int i = 0; i < lengthof(render_views); i++)
	{
		if (render_views[i].some.plan == NULL)
			continue;
		SPI_freeplan(render_views[i].some.plan);
		render_views[i].some.plan = NULL;
	}
}

/* Render those of these objects that are there. */
void
migrate_render_some(keyset_hash *keys, Stamps *stamps, RenderSink sink, void *arg)
{
	render_forget_plans();
	for (int i = 0; i < lengthof(render_views); i++)
	{
		RenderView *view = &render_views[i];
		Column		objects = {.type = OIDOID};
		keyset_iterator iterator;
		KeySetEntry *entry;
		SPITupleTable *rows;
		uint64		count;
		Datum		value;

		keyset_start_iterate(keys, &iterator);
		while ((entry = keyset_iterate(keys, &iterator)) != NULL)
			if (render_view_has(view, entry->key, stamps) &&
				migrate_stamp_known(stamps, entry->key))
				migrate_column_add(&objects, ObjectIdGetDatum(OBJECT_KEY_OID(entry->key)));
		if (objects.count == 0)
			continue;
		value = migrate_column_array(&objects, 0, objects.count);
		count = migrate_owner_run(&view->some, &value, NULL);
		rows = SPI_tuptable;
		render_hand_on(count, sink, arg);
		SPI_freetuptable(rows);
	}
	sink(NULL, arg);
}
