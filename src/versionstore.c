/*-------------------------------------------------------------------------
 *
 * versionstore.c
 *		Write versions of objects.
 *
 * A version is closed and never changed, and a definition is stored once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "owner.h"
#include "versionset.h"

#define VERSIONSTORE_BATCH 2000

/* Turn a digest into a value. */
Datum
migrate_versionset_digest(const uint8 *digest)
{
	bool		isnull;

	return migrate_owner_checksum(digest, &isnull);
}

/* Store the definitions that were gathered; those that are there stay. */
void
migrate_versionset_store_definitions(VersionSet *set)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO migrate.definition (digest, body)"
		" SELECT d.digest, d.body"
		" FROM unnest($1, $2) d (digest, body) ON CONFLICT DO NOTHING",
		.nargs = 2,
		.argtypes = {BYTEAARRAYOID, JSONARRAYOID},
	};
	Datum		values[2];

	values[0] = migrate_column_array(&set->digests, 0, set->digests.count);
	values[1] = migrate_column_array(&set->bodies, 0, set->bodies.count);
	migrate_owner_run(&query, values, NULL);
	pfree(DatumGetPointer(values[0]));
	pfree(DatumGetPointer(values[1]));
	for (int i = 0; i < set->digests.count; i++)
	{
		pfree(DatumGetPointer(set->digests.values[i]));
		pfree(DatumGetPointer(set->bodies.values[i]));
	}
	set->digests.count = set->bodies.count = 0;
}

/* Add a hash to the fingerprint, or take it away. */
static void
versionstore_sum(VersionState *state, const Rendered *rendered, bool add)
{
	uint8		hash[PG_SHA256_DIGEST_LENGTH];
	int			carry = 0;

	migrate_render_hash(rendered, hash);
	for (int i = PG_SHA256_DIGEST_LENGTH - 1; i >= 0; i--)
	{
		int			sum = state->fingerprint[i] + (add ? hash[i] : -hash[i]) + carry;

		state->fingerprint[i] = (uint8) sum;
		carry = sum < 0 ? -1 : sum >> 8;
	}
	state->objects += add ? 1 : -1;
}

/* Columns of versions to be written. */
typedef struct VersionColumns
{
	Column		id;
	Column		class;
	Column		object;
	Column		kind;
	Column		name;
	Column		digest;
	Column		needs;
} VersionColumns;

/* Add an object to them. */
static void
versionstore_columns_add(VersionColumns *columns, const VersionFresh *fresh)
{
	const Rendered *rendered = &fresh->rendered;

	migrate_column_add(&columns->id, Int64GetDatum(rendered->id));
	migrate_column_add(&columns->class, ObjectIdGetDatum(OBJECT_KEY_CLASS(rendered->key)));
	migrate_column_add(&columns->object, ObjectIdGetDatum(OBJECT_KEY_OID(rendered->key)));
	migrate_column_add(&columns->kind, CStringGetTextDatum(rendered->kind));
	migrate_column_add(&columns->name, CStringGetTextDatum(rendered->name));
	migrate_column_add(&columns->digest, migrate_versionset_digest(rendered->digest));
	migrate_column_add(&columns->needs, CStringGetTextDatum(fresh->needs));
}

/* Close versions: their objects have gone, or are others now. */
static void
versionstore_close(const Column *ids, int64 snapshot)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.object_version SET until = $2"
		" WHERE id OPERATOR(pg_catalog.=) ANY ($1) AND until IS NULL",
		.nargs = 2,
		.argtypes = {INT8ARRAYOID, INT8OID},
	};
	Datum		values[2];

	if (ids->count == 0)
		return;
	values[0] = migrate_column_array(ids, 0, ids->count);
	values[1] = Int64GetDatum(snapshot);
	migrate_owner_run(&query, values, NULL);
}

/* Write versions that stand from a snapshot on. */
static void
versionstore_open(const VersionColumns *columns, int64 snapshot)
{
	static OwnerQuery query = {
		.sql = "INSERT INTO migrate.object_version (id, since, class, object, kind, name, digest, needs, attnums)"
		" SELECT v.id, $8, v.class, v.object, v.kind, v.name, v.digest, v.needs::pg_catalog.int8[],"
		"  CASE WHEN v.kind IN ('table', 'foreign table') THEN migrate.column_numbers(v.object) END"
		" FROM unnest($1, $2, $3, $4, $5, $6, $7)"
		" v (id, class, object, kind, name, digest, needs)",
		.nargs = 8,
		.argtypes = {INT8ARRAYOID, OIDARRAYOID, OIDARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		BYTEAARRAYOID, TEXTARRAYOID, INT8OID},
	};

	for (int from = 0; from < columns->id.count; from += VERSIONSTORE_BATCH)
	{
		const Column *all = &columns->id;
		Datum		values[8];

		for (int i = 0; i < 7; i++)
			values[i] = migrate_column_array(&all[i], from, VERSIONSTORE_BATCH);
		values[7] = Int64GetDatum(snapshot);
		migrate_owner_run(&query, values, NULL);
		for (int i = 0; i < 7; i++)
			pfree(DatumGetPointer(values[i]));
	}
}

/* Write the OIDs and needs of versions that are the same otherwise. */
static void
versionstore_move(const VersionColumns *columns)
{
	static OwnerQuery query = {
		.sql = "UPDATE migrate.object_version v"
		" SET class = n.class, object = n.object, needs = n.needs::pg_catalog.int8[]"
		" FROM unnest($1, $2, $3, $4) n (id, class, object, needs)"
		" WHERE v.id OPERATOR(pg_catalog.=) n.id AND v.until IS NULL",
		.nargs = 4,
		.argtypes = {INT8ARRAYOID, OIDARRAYOID, OIDARRAYOID, TEXTARRAYOID},
	};
	Datum		values[4];

	if (columns->id.count == 0)
		return;
	values[0] = migrate_column_array(&columns->id, 0, columns->id.count);
	values[1] = migrate_column_array(&columns->class, 0, columns->id.count);
	values[2] = migrate_column_array(&columns->object, 0, columns->id.count);
	values[3] = migrate_column_array(&columns->needs, 0, columns->id.count);
	migrate_owner_run(&query, values, NULL);
}

/* Make empty columns. */
static VersionColumns
versionstore_columns(void)
{
	VersionColumns columns = {
		{.type = INT8OID}, {.type = OIDOID}, {.type = OIDOID}, {.type = TEXTOID},
		{.type = TEXTOID}, {.type = BYTEAOID}, {.type = TEXTOID}
	};

	return columns;
}

/*
 * Write what changed as of a snapshot, and bring the state in step.  A version
 * that is the same but for its needs is written anew then: the one that ends is
 * as older snapshots saw it.
 */
void
migrate_version_store(VersionSet *set, int64 snapshot)
{
	VersionColumns opened = versionstore_columns();
	VersionColumns moved = versionstore_columns();
	Column		closed = {.type = INT8OID};

	for (int i = 0; i < set->known_count; i++)
	{
		if (!versionset_is_gone(&set->known[i]))
			continue;
		migrate_column_add(&closed, Int64GetDatum(set->known[i].rendered.id));
		versionstore_sum(set->state, &set->known[i].rendered, false);
	}
	for (int i = 0; i < set->fresh_count; i++)
	{
		VersionFresh *fresh = &set->fresh[i];
		const VersionKnown *known = fresh->known < 0 ? NULL : &set->known[fresh->known];
		bool		needs = known != NULL && strcmp(fresh->needs, known->needs) != 0;

		if (fresh->same && !needs && fresh->rendered.key == known->rendered.key)
			continue;
		if (fresh->same && (!needs || set->changes == 0))
		{
			versionstore_columns_add(&moved, fresh);
			continue;
		}
		if (known != NULL)
		{
			migrate_column_add(&closed, Int64GetDatum(fresh->rendered.id));
			versionstore_sum(set->state, &known->rendered, false);
		}
		versionstore_columns_add(&opened, fresh);
		versionstore_sum(set->state, &fresh->rendered, true);
	}
	versionstore_close(&closed, snapshot);
	versionstore_open(&opened, snapshot);
	versionstore_move(&moved);
}
