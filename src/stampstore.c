/*-------------------------------------------------------------------------
 *
 * stampstore.c
 *		The stamps that are stored, and those of now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "column.h"
#include "owner.h"
#include "stampset.h"

/* Stored stamps stand in chunks, each for a range of OIDs of one catalog. */
#define STAMP_RANGE_BITS 10
#define STAMP_ITEM_SIZE (sizeof(uint32) + sizeof(uint64))

/* Compare one stored chunk with the stamps of now. */
static void
stampstore_load_chunk(Stamps *stamps, Oid class, bytea *chunk, StampChanges *changes)
{
	char	   *data = VARDATA_ANY(chunk);
	char	   *end = data + VARSIZE_ANY_EXHDR(chunk);

	for (; data + STAMP_ITEM_SIZE <= end; data += STAMP_ITEM_SIZE)
	{
		uint32		object;
		uint64		stamp;
		StampEntry *entry;
		StampEntry	gone = {0};

		memcpy(&object, data, sizeof(object));
		memcpy(&stamp, data + sizeof(object), sizeof(stamp));
		entry = stampset_find(stamps->table, OBJECT_KEY(class, object));
		if (entry == NULL)
		{
			gone.key = OBJECT_KEY(class, object);
			migrate_stampset_note(changes, &gone, STAMP_GONE, true);
			continue;
		}
		entry->matched = true;
		if (entry->own + entry->notes != stamp)
			migrate_stampset_note(changes, entry, STAMP_CHANGED, true);
	}
}

/*
 * Compare the stored stamps with those of now; false = none are stored.  The
 * caller is raised.
 */
bool
migrate_stamp_load(Stamps *stamps, StampChanges *changes)
{
	static OwnerQuery query = {.sql = "SELECT class, stamps FROM migrate.stamp"};
	uint64		count = migrate_owner_run(&query, NULL, NULL);
	stamptab_iterator iterator;
	StampEntry *entry;

	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		Oid			class = DatumGetObjectId(migrate_owner_value(i, 1, &isnull));

		stampstore_load_chunk(stamps, class,
							  DatumGetByteaPP(migrate_owner_value(i, 2, &isnull)), changes);
	}
	migrate_owner_free();
	if (count == 0)
		return false;
	stamptab_start_iterate(stamps->table, &iterator);
	while ((entry = stamptab_iterate(stamps->table, &iterator)) != NULL)
		if (!entry->matched && !entry->gone)
			migrate_stampset_note(changes, entry, STAMP_NEW, true);
	return true;
}

/* A chunk while it is filled. */
typedef struct StampChunk
{
	uint64		number;			/* key without its low bits */
	StringInfoData data;
} StampChunk;

/* Order chunks by number. */
static int
stampstore_chunk_compare(const void *one, const void *other)
{
	uint64		a = ((const StampChunk *) one)->number;
	uint64		b = ((const StampChunk *) other)->number;

	return a < b ? -1 : a > b;
}

/* List the chunks that changes lie in, in order. */
static StampChunk *
stampstore_list_chunks(const StampChanges *changes, int *count)
{
	StampChunk *chunks = MemoryContextAllocHuge(CurrentMemoryContext,
												sizeof(StampChunk) * (Size) Max(changes->count, 1));
	int			kept = 0;

	for (int i = 0; i < changes->count; i++)
		chunks[i].number = changes->items[i].key >> STAMP_RANGE_BITS;
	qsort(chunks, changes->count, sizeof(StampChunk), stampstore_chunk_compare);
	for (int i = 0; i < changes->count; i++)
	{
		if (kept > 0 && chunks[kept - 1].number == chunks[i].number)
			continue;
		chunks[kept].number = chunks[i].number;
		initStringInfo(&chunks[kept].data);
		/* room for the length word */
		appendStringInfoSpaces(&chunks[kept].data, VARHDRSZ);
		kept++;
	}
	*count = kept;
	return chunks;
}

/* Write chunks; empty ones go. */
static void
stampstore_write_chunks(StampChunk *chunks, int count)
{
	static OwnerQuery query = {
		.sql = "MERGE INTO migrate.stamp s"
		" USING (SELECT * FROM unnest($1, $2, $3) u (class, range, stamps)) u"
		" ON s.class OPERATOR(pg_catalog.=) u.class AND s.range OPERATOR(pg_catalog.=) u.range"
		" WHEN MATCHED AND pg_catalog.length(u.stamps) OPERATOR(pg_catalog.=) 0 THEN DELETE"
		" WHEN MATCHED THEN UPDATE SET stamps = u.stamps"
		" WHEN NOT MATCHED AND pg_catalog.length(u.stamps) OPERATOR(pg_catalog.>) 0"
		" THEN INSERT (class, range, stamps) VALUES (u.class, u.range, u.stamps)",
		.nargs = 3,
		.argtypes = {OIDARRAYOID, INT4ARRAYOID, BYTEAARRAYOID},
	};
	Column		columns[3] = {{.type = OIDOID}, {.type = INT4OID}, {.type = BYTEAOID}};
	Datum		values[3];

	for (int i = 0; i < count; i++)
	{
		uint64		first = chunks[i].number << STAMP_RANGE_BITS;

		SET_VARSIZE(chunks[i].data.data, chunks[i].data.len);
		migrate_column_add(&columns[0], ObjectIdGetDatum(OBJECT_KEY_CLASS(first)));
		migrate_column_add(&columns[1], Int32GetDatum(OBJECT_KEY_OID(first) >> STAMP_RANGE_BITS));
		migrate_column_add(&columns[2], PointerGetDatum(chunks[i].data.data));
	}
	for (int i = 0; i < 3; i++)
		values[i] = migrate_column_array(&columns[i], 0, count);
	migrate_owner_run(&query, values, NULL);
}

/* Store the stamps of what changed; the caller is raised. */
void
migrate_stamp_save(Stamps *stamps, const StampChanges *changes)
{
	int			count;
	StampChunk *chunks = stampstore_list_chunks(changes, &count);
	stamptab_iterator iterator;
	StampEntry *entry;

	if (count == 0)
		return;
	stamptab_start_iterate(stamps->table, &iterator);
	while ((entry = stamptab_iterate(stamps->table, &iterator)) != NULL)
	{
		StampChunk	wanted = {.number = entry->key >> STAMP_RANGE_BITS};
		StampChunk *chunk;
		uint32		object = OBJECT_KEY_OID(entry->key);
		uint64		stamp = entry->own + entry->notes;

		if (entry->gone)
			continue;
		chunk = bsearch(&wanted, chunks, count, sizeof(StampChunk), stampstore_chunk_compare);
		if (chunk == NULL)
			continue;
		appendBinaryStringInfo(&chunk->data, (char *) &object, sizeof(object));
		appendBinaryStringInfo(&chunk->data, (char *) &stamp, sizeof(stamp));
	}
	stampstore_write_chunks(chunks, count);
}
