/*-------------------------------------------------------------------------
 *
 * version.c
 *		The versions of objects that snapshots consist of.
 *
 * Invariants:
 *
 * - An object is known by its kind and name: OIDs are others after a restore,
 *   and after DROP and CREATE.  The OID of the version that stands is kept
 *   current, as a way to find it.
 * - A version is closed and never changed; the definition of an object that
 *   comes back is stored once.
 * - What an object needs is stored as numbers made from kinds and names.
 * - The fingerprint is the sum, modulo 2^256, of a hash of every object's kind,
 *   name and definition, so a change costs the same in any schema.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "owner.h"
#include "versionset.h"

/* Where to find the number of an object that was not rendered. */
typedef struct VersionId
{
	uint64		key;
	int64		id;
	char		status;
} VersionId;

/* Make an empty set in the current memory context. */
VersionSet *
migrate_version_set(VersionState *state)
{
	VersionSet *set = palloc0(sizeof(VersionSet));

	set->state = state;
	set->known_by_id = keyset_create(CurrentMemoryContext, 64, NULL);
	set->rendered = keyset_create(CurrentMemoryContext, 64, NULL);
	set->digests.type = BYTEAOID;
	set->bodies.type = JSONOID;
	return set;
}

/* Make room for one more. */
static void
version_room(void **items, int count, int *allocated, Size size)
{
	if (count < *allocated)
		return;
	*allocated = Max(64, 2 * *allocated);
	if (*items == NULL)
		*items = palloc(*allocated * size);
	else
		*items = repalloc_huge(*items, *allocated * size);
}

/* Take over the rows of the last result, those of some objects or all. */
static void
version_take_known(VersionSet *set, uint64 count, keyset_hash *keys)
{
	for (uint64 i = 0; i < count; i++)
	{
		VersionKnown *known;
		bool		isnull;
		bool		found;
		bytea	   *digest;
		int64		id = DatumGetInt64(migrate_owner_value(i, 1, &isnull));
		uint64		key = OBJECT_KEY(DatumGetObjectId(migrate_owner_value(i, 2, &isnull)),
									 DatumGetObjectId(migrate_owner_value(i, 3, &isnull)));
		KeySetEntry *entry;

		if (keys != NULL && keyset_lookup(keys, key) == NULL)
			continue;
		entry = keyset_insert(set->known_by_id, (uint64) id, &found);
		if (found)
			continue;
		entry->value = set->known_count;
		version_room((void **) &set->known, set->known_count, &set->known_allocated,
					 sizeof(VersionKnown));
		known = &set->known[set->known_count++];
		memset(known, 0, sizeof(VersionKnown));
		known->rendered.id = id;
		known->rendered.key = key;
		known->rendered.kind = migrate_owner_text(i, 4);
		known->rendered.name = migrate_owner_text(i, 5);
		digest = DatumGetByteaPP(migrate_owner_value(i, 6, &isnull));
		memcpy(known->rendered.digest, VARDATA_ANY(digest), PG_SHA256_DIGEST_LENGTH);
		known->needs = migrate_owner_text(i, 7);
		known->wanted = true;
	}
	migrate_owner_free();
}

/* Read all versions that stand; each of their objects is to be looked at. */
void
migrate_version_load_all(VersionSet *set)
{
	static OwnerQuery query = {
		.sql = "SELECT id, class, object, kind, name, digest, needs"
		" FROM migrate.object_version WHERE until IS NULL"
	};
	uint64		count = migrate_owner_run(&query, NULL, NULL);

	version_take_known(set, count, NULL);
	set->first = count == 0;
}

/*
 * Read the versions that stand for some objects, which are to be looked at.  The
 * OIDs alone are asked for, and the rest is left out here: a join could be
 * planned as a scan of all versions.
 */
void
migrate_version_load(VersionSet *set, keyset_hash *keys)
{
	static OwnerQuery query = {
		.sql = "SELECT id, class, object, kind, name, digest, needs FROM migrate.object_version"
		" WHERE object OPERATOR(pg_catalog.=) ANY ($1) AND until IS NULL",
		.nargs = 1,
		.argtypes = {OIDARRAYOID},
	};
	Column		objects = {.type = OIDOID};
	keyset_iterator iterator;
	KeySetEntry *entry;
	Datum		value;

	keyset_start_iterate(keys, &iterator);
	while ((entry = keyset_iterate(keys, &iterator)) != NULL)
		migrate_column_add(&objects, ObjectIdGetDatum(OBJECT_KEY_OID(entry->key)));
	if (objects.count == 0)
		return;
	value = migrate_column_array(&objects, 0, objects.count);
	version_take_known(set, migrate_owner_run(&query, &value, NULL), keys);
}

/* Keep the definition of an object, to be stored. */
static void
version_keep_definition(VersionSet *set, const Rendered *rendered)
{
	Size		size = VARSIZE_ANY_EXHDR(rendered->body);

	migrate_column_add(&set->digests, migrate_versionset_digest(rendered->digest));
	migrate_column_add(&set->bodies,
					   PointerGetDatum(cstring_to_text_with_len(VARDATA_ANY(rendered->body), size)));
}

/* Take an object as it is now, and compare it with the version that stands. */
void
migrate_version_sink(const Rendered *rendered, void *arg)
{
	VersionSet *set = arg;
	VersionFresh *fresh;
	KeySetEntry *entry;

	if (rendered == NULL)
	{
		if (set->digests.count > 0)
			migrate_versionset_store_definitions(set);
		return;
	}
	if (!keyset_add(set->rendered, rendered->key, set->fresh_count))
		return;
	version_room((void **) &set->fresh, set->fresh_count, &set->fresh_allocated,
				 sizeof(VersionFresh));
	fresh = &set->fresh[set->fresh_count++];
	memset(fresh, 0, sizeof(VersionFresh));
	fresh->rendered = *rendered;
	fresh->rendered.body = NULL;
	fresh->known = -1;
	entry = keyset_lookup(set->known_by_id, (uint64) rendered->id);
	if (entry != NULL)
	{
		VersionKnown *known = &set->known[entry->value];

		fresh->known = entry->value;
		fresh->same = memcmp(known->rendered.digest, rendered->digest,
							 PG_SHA256_DIGEST_LENGTH) == 0;
		fresh->rendered.kind = known->rendered.kind;
		fresh->rendered.name = known->rendered.name;
		known->seen = true;
	}
	else
	{
		fresh->rendered.kind = pstrdup(rendered->kind);
		fresh->rendered.name = pstrdup(rendered->name);
	}
	if (!fresh->same)
		version_keep_definition(set, rendered);
}

/* Tell whether an object was rendered. */
bool
migrate_version_rendered(VersionSet *set, uint64 key)
{
	return keyset_lookup(set->rendered, key) != NULL;
}

/* List the objects whose names are others than those stored. */
void
migrate_version_renamed(VersionSet *set, DependList *renamed)
{
	for (int i = 0; i < set->known_count; i++)
	{
		VersionKnown *known = &set->known[i];
		KeySetEntry *entry = keyset_lookup(set->rendered, known->rendered.key);

		if (entry != NULL && set->fresh[entry->value].rendered.id != known->rendered.id)
			migrate_depend_append(renamed, known->rendered.key);
	}
}

/* Numbers of objects by key, from what was rendered and from the table. */
typedef struct VersionNumbers
{
	VersionSet *set;
	keyset_hash *missing;		/* value: place in found */
	int64	   *found;			/* 0 = has none */
} VersionNumbers;

/* Look up the numbers of objects that were not rendered. */
static void
version_look_up_numbers(VersionNumbers *numbers)
{
	static OwnerQuery query = {
		.sql = "SELECT class, object, id FROM migrate.object_version"
		" WHERE object OPERATOR(pg_catalog.=) ANY ($1) AND until IS NULL",
		.nargs = 1,
		.argtypes = {OIDARRAYOID},
	};
	Column		objects = {.type = OIDOID};
	keyset_iterator iterator;
	KeySetEntry *entry;
	uint64		count;
	Datum		value;

	numbers->found = palloc0(sizeof(int64) * (numbers->missing->members + 1));
	if (numbers->missing->members == 0)
		return;
	keyset_start_iterate(numbers->missing, &iterator);
	while ((entry = keyset_iterate(numbers->missing, &iterator)) != NULL)
		migrate_column_add(&objects, ObjectIdGetDatum(OBJECT_KEY_OID(entry->key)));
	value = migrate_column_array(&objects, 0, objects.count);
	count = migrate_owner_run(&query, &value, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		uint64		key = OBJECT_KEY(DatumGetObjectId(migrate_owner_value(i, 1, &isnull)),
									 DatumGetObjectId(migrate_owner_value(i, 2, &isnull)));

		entry = keyset_lookup(numbers->missing, key);
		if (entry != NULL)
			numbers->found[entry->value] = DatumGetInt64(migrate_owner_value(i, 3, &isnull));
	}
	migrate_owner_free();
}

/* Return the number of an object, or 0. */
static int64
version_number(VersionNumbers *numbers, uint64 key)
{
	KeySetEntry *entry = keyset_lookup(numbers->set->rendered, key);

	if (entry != NULL)
		return numbers->set->fresh[entry->value].rendered.id;
	entry = keyset_lookup(numbers->missing, key);
	return entry == NULL ? 0 : numbers->found[entry->value];
}

/* Order numbers. */
static int
version_compare(const void *one, const void *other)
{
	int64		a = *(const int64 *) one;
	int64		b = *(const int64 *) other;

	return a < b ? -1 : a > b;
}

/* Write what an object needs as the text of an array. */
static char *
version_needs_text(VersionNumbers *numbers, const DependList *needs)
{
	int64	   *ids = palloc(sizeof(int64) * (needs->count + 1));
	int			count = 0;
	StringInfoData text;

	for (int i = 0; i < needs->count; i++)
	{
		int64		id = version_number(numbers, needs->keys[i]);

		if (id != 0)
			ids[count++] = id;
	}
	qsort(ids, count, sizeof(int64), version_compare);
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s" INT64_FORMAT, i > 0 ? "," : "", ids[i]);
	appendStringInfoChar(&text, '}');
	pfree(ids);
	return text.data;
}

/* Find out what each object that was rendered needs. */
static void
version_find_needs(VersionSet *set, DependAll *all)
{
	VersionNumbers numbers = {.set = set};
	DependList *needs = palloc0(sizeof(DependList) * (Size) (set->fresh_count + 1));
	DependList	scratch = {0};

	numbers.missing = keyset_create(CurrentMemoryContext, 64, NULL);
	for (int i = 0; i < set->fresh_count; i++)
	{
		migrate_depend_needs(all, set->fresh[i].rendered.key, &scratch);
		for (int k = 0; k < scratch.count; k++)
		{
			migrate_depend_append(&needs[i], scratch.keys[k]);
			if (all == NULL && !migrate_version_rendered(set, scratch.keys[k]))
				(void) keyset_add(numbers.missing, scratch.keys[k], numbers.missing->members);
		}
	}
	version_look_up_numbers(&numbers);
	for (int i = 0; i < set->fresh_count; i++)
	{
		set->fresh[i].needs = version_needs_text(&numbers, &needs[i]);
		if (needs[i].keys != NULL)
			pfree(needs[i].keys);
	}
	pfree(needs);
	pfree(numbers.found);
	keyset_destroy(numbers.missing);
}

/*
 * Compare, once all was rendered; all is NULL unless everything was.
 */
void
migrate_version_conclude(VersionSet *set, DependAll *all)
{
	version_find_needs(set, all);
	for (int i = 0; i < set->known_count; i++)
		if (versionset_is_gone(&set->known[i]))
			set->changes++;
	for (int i = 0; i < set->fresh_count; i++)
	{
		VersionFresh *fresh = &set->fresh[i];
		const VersionKnown *known = fresh->known < 0 ? NULL : &set->known[fresh->known];

		if (!fresh->same)
			set->changes++;
		else if (fresh->rendered.key != known->rendered.key ||
				 strcmp(fresh->needs, known->needs) != 0)
			set->moved = true;
	}
}

/* Return how many objects came, went or changed. */
int
migrate_version_changes(VersionSet *set)
{
	return set->changes;
}
