/*
 * Snapshots: the schema as it stood, object by object.
 *
 * A snapshot consists of the versions of objects that stood at its time, so
 * what is stored follows the changes, not the number of snapshots.
 */

CREATE TABLE migrate.definition (
	digest	bytea PRIMARY KEY,
	body	json NOT NULL
);
COMMENT ON INDEX migrate.definition_pkey IS 'stores each definition once';
COMMENT ON TABLE migrate.definition IS 'what objects were or are, each definition once';
COMMENT ON COLUMN migrate.definition.digest IS 'SHA-256 of the text of the definition';
COMMENT ON COLUMN migrate.definition.body IS 'the properties that are not the default, see migrate.live_object';

CREATE TABLE migrate.snapshot (
	snapshot		bigint PRIMARY KEY CHECK (snapshot > 0),
	at				timestamptz NOT NULL DEFAULT clock_timestamp(),
	version			bigint NOT NULL,
	label			text,
	fingerprint		bytea NOT NULL,
	objects			bigint NOT NULL,
	changes			integer NOT NULL,
	server_version	text NOT NULL DEFAULT current_setting('server_version')
);
COMMENT ON INDEX migrate.snapshot_pkey IS 'finds the last snapshot';
COMMENT ON TABLE migrate.snapshot IS
'the moments at which the schema was looked at and found to be another one than before';
COMMENT ON COLUMN migrate.snapshot.snapshot IS 'counts from 1';
COMMENT ON COLUMN migrate.snapshot.at IS 'when it was taken, by the clock';
COMMENT ON COLUMN migrate.snapshot.version IS 'the schema version then';
COMMENT ON COLUMN migrate.snapshot.label IS 'why it was taken, if not by a migration';
COMMENT ON COLUMN migrate.snapshot.fingerprint IS 'equal for equal schemas: the sum of a hash of every object';
COMMENT ON COLUMN migrate.snapshot.objects IS 'how many objects there were';
COMMENT ON COLUMN migrate.snapshot.changes IS 'how many of them came, went or changed since the snapshot before';
COMMENT ON COLUMN migrate.snapshot.server_version IS 'version of the server that rendered it';

CREATE TABLE migrate.object_version (
	id		bigint NOT NULL,
	since	bigint NOT NULL,
	until	bigint,
	class	oid NOT NULL,
	object	oid NOT NULL,
	kind	text COLLATE "C" NOT NULL,
	name	text COLLATE "C" NOT NULL,
	digest	bytea NOT NULL,
	needs	bigint[] NOT NULL,
	attnums	smallint[],
	PRIMARY KEY (id, since)
);
CREATE INDEX object_version_object ON migrate.object_version (object, class) WHERE until IS NULL;
COMMENT ON INDEX migrate.object_version_pkey IS 'the history of one object';
COMMENT ON INDEX migrate.object_version_object IS 'finds the version that stands of an object that is there';
COMMENT ON TABLE migrate.object_version IS
'what each object was, from one snapshot up to, not including, another';
COMMENT ON COLUMN migrate.object_version.id IS 'made from kind and name: the first 8 bytes of a SHA-256';
COMMENT ON COLUMN migrate.object_version.since IS 'the first snapshot it is in';
COMMENT ON COLUMN migrate.object_version.until IS 'the first snapshot it is not in; NULL = it stands';
COMMENT ON COLUMN migrate.object_version.class IS 'OID of its catalog; valid while the version stands';
COMMENT ON COLUMN migrate.object_version.object IS 'its OID there; valid while the version stands';
COMMENT ON COLUMN migrate.object_version.kind IS 'table, function, constraint and so on';
COMMENT ON COLUMN migrate.object_version.name IS 'qualified and quoted; unique in its kind';
COMMENT ON COLUMN migrate.object_version.digest IS 'of its definition';
COMMENT ON COLUMN migrate.object_version.needs IS 'ids of the objects it depends on';
COMMENT ON COLUMN migrate.object_version.attnums IS 'of a table: the numbers of its columns, in their order; by these a renamed column is known. No part of the definition, since equal tables may differ in them';

CREATE FUNCTION migrate.column_numbers(relation oid) RETURNS smallint[]
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_column_numbers';
COMMENT ON FUNCTION migrate.column_numbers(oid) IS 'the numbers of the columns of a table, in their order';

-- Not dumped: it says something of this cluster's catalogs.
CREATE TABLE migrate.stamp (
	class	oid,
	range	integer,
	stamps	bytea NOT NULL,
	PRIMARY KEY (class, range)
);
ALTER TABLE migrate.stamp ALTER stamps SET STORAGE EXTERNAL;
COMMENT ON INDEX migrate.stamp_pkey IS 'finds what a change touches';
COMMENT ON TABLE migrate.stamp IS
'which catalog rows each object was rendered from: by this, a changed object is found without rendering the others';
COMMENT ON COLUMN migrate.stamp.class IS 'OID of the catalog';
COMMENT ON COLUMN migrate.stamp.range IS 'OIDs divided by 1024';
COMMENT ON COLUMN migrate.stamp.stamps IS 'OIDs (4 bytes) and stamps (8 bytes) of the objects in this range';

SELECT pg_catalog.pg_extension_config_dump('migrate.definition', '');
SELECT pg_catalog.pg_extension_config_dump('migrate.snapshot', '');
SELECT pg_catalog.pg_extension_config_dump('migrate.object_version', '');

CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.definition
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.snapshot
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.object_version
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.stamp
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
ALTER TABLE migrate.definition ENABLE ALWAYS TRIGGER owner_only;
ALTER TABLE migrate.snapshot ENABLE ALWAYS TRIGGER owner_only;
ALTER TABLE migrate.object_version ENABLE ALWAYS TRIGGER owner_only;
ALTER TABLE migrate.stamp ENABLE ALWAYS TRIGGER owner_only;
COMMENT ON TRIGGER owner_only ON migrate.definition IS 'only the functions of migrate_ext write here';
COMMENT ON TRIGGER owner_only ON migrate.snapshot IS 'only the functions of migrate_ext write here';
COMMENT ON TRIGGER owner_only ON migrate.object_version IS 'only the functions of migrate_ext write here';
COMMENT ON TRIGGER owner_only ON migrate.stamp IS 'only the functions of migrate_ext write here';

-- Another major version of the server may render the same schema otherwise, so the
-- first snapshot that it has taken stands for the one that was taken before.
CREATE VIEW migrate.vouched_snapshot AS
SELECT v.snapshot
FROM (SELECT l.snapshot_after FROM migrate.ledger l
	  WHERE l.event IN ('applied', 'rolled back', 'baselined', 'drift accepted')
	  ORDER BY l.entry DESC LIMIT 1) l
JOIN migrate.snapshot s ON s.snapshot = l.snapshot_after
CROSS JOIN LATERAL (SELECT min(n.snapshot) AS snapshot FROM migrate.snapshot n
	WHERE n.snapshot >= s.snapshot
		AND substring(n.server_version, '^[0-9]+') = substring(current_setting('server_version'), '^[0-9]+')) v
WHERE v.snapshot IS NOT NULL;
COMMENT ON VIEW migrate.vouched_snapshot IS
'the snapshot of the schema as the last entry of the ledger has left it; what differs from it is drift. No row = there was no such entry, or it took no snapshot';

CREATE FUNCTION @extschema@.migrate_snapshot(label text DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_snapshot';
COMMENT ON FUNCTION @extschema@.migrate_snapshot(text) IS
'Stores the schema as it stands, also if nothing changed since the last snapshot.
label: what it is kept for; NULL = none.
Returns the number of the snapshot.
Raises 55P03 (another deployment is under way), 25006 (read-only transaction or standby).';

CREATE FUNCTION @extschema@.migrate_snapshots()
RETURNS TABLE (snapshot bigint, at timestamptz, version bigint, label text, objects bigint,
	changes integer, fingerprint text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
	SELECT s.snapshot, s.at, s.version, s.label, s.objects, s.changes, encode(s.fingerprint, 'hex')
	FROM migrate.snapshot s
	ORDER BY s.snapshot;
END;
COMMENT ON FUNCTION @extschema@.migrate_snapshots() IS
'The stored snapshots, oldest first; equal fingerprints mean equal schemas.
changes: how many objects came, went or changed since the snapshot before.';

CREATE FUNCTION migrate.snapshot_objects(snapshot bigint)
RETURNS TABLE (key bigint, class oid, object oid, kind text, name text, digest bytea, definition json, needs bigint[], attnums smallint[])
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	SELECT v.id, v.class, v.object, v.kind, v.name, v.digest, d.body, v.needs, v.attnums
	FROM migrate.object_version v JOIN migrate.definition d ON d.digest = v.digest
	WHERE v.since <= snapshot_objects.snapshot AND (v.until IS NULL OR v.until > snapshot_objects.snapshot);
END;
COMMENT ON FUNCTION migrate.snapshot_objects(bigint) IS
'the objects of a stored snapshot; key: made from kind and name, needs: keys of what it depends on';
