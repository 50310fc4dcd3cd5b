/*
 * What must hold of snapshots whatever was done: tests and tools/corpus.sh ask this
 * after every migration.
 */

CREATE SCHEMA checks;
COMMENT ON SCHEMA checks IS 'what must hold of snapshots';

CREATE FUNCTION checks.live()
RETURNS TABLE (kind text, name text, digest bytea, class oid, object oid, needs bigint[])
LANGUAGE plpgsql STABLE			-- which keeps the plan
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET DateStyle = 'ISO, MDY'
SET IntervalStyle = postgres
SET TimeZone = 'UTC'
SET extra_float_digits = 3
SET bytea_output = hex
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH o AS MATERIALIZED (
		SELECT l.*, sha256(convert_to(l.definition::text, 'UTF8')) AS digest,
			('x' || left(encode(sha256(convert_to(l.kind, 'UTF8') || '\x00' || convert_to(l.name, 'UTF8') || '\x00'), 'hex'), 16))::bit(64)::bigint AS id
		FROM migrate.live_object l
	), n AS MATERIALIZED (
		SELECT d.class, d.object, array_agg(t.id ORDER BY t.id) AS needs
		FROM migrate.live_dependency d JOIN o t ON t.class = d.needs_class AND t.object = d.needs_object
		GROUP BY d.class, d.object
	)
	SELECT o.kind, o.name, o.digest, o.class, o.object, coalesce(n.needs, '{}')
	FROM o LEFT JOIN n ON n.class = o.class AND n.object = o.object;
END
$$;
COMMENT ON FUNCTION checks.live() IS
'what a full render gives now: each object, the digest of its definition, and the ids of what it needs';

CREATE FUNCTION checks.difference()
RETURNS TABLE (what text, kind text, name text)
LANGUAGE sql STABLE
AS $$
	SELECT CASE WHEN v.kind IS NULL THEN 'missing' WHEN l.kind IS NULL THEN 'left over'
			WHEN v.digest <> l.digest THEN 'stale' WHEN v.needs <> l.needs THEN 'needs' ELSE 'oid' END,
		coalesce(v.kind, l.kind), coalesce(v.name, l.name)
	FROM (SELECT * FROM migrate.object_version WHERE until IS NULL) v
	FULL JOIN checks.live() l ON l.kind = v.kind AND l.name = v.name
	WHERE (v.kind, v.name, v.digest, v.needs, v.class, v.object)
		IS DISTINCT FROM (l.kind, l.name, l.digest, l.needs, l.class, l.object)
$$;
COMMENT ON FUNCTION checks.difference() IS
'where the versions that stand are not what a full render gives; right after a snapshot there is nothing';

CREATE FUNCTION checks.fingerprints()
RETURNS bigint
LANGUAGE sql STABLE
AS $$
	WITH version AS (
		SELECT v.since, v.until, hashtextextended(x, 1)::numeric AS one, hashtextextended(x, 2)::numeric AS other
		FROM migrate.object_version v, concat_ws(' ', v.kind, v.name, v.digest) x
	), change AS (
		SELECT since AS snapshot, one, other FROM version
		UNION ALL SELECT until, -one, -other FROM version WHERE until IS NOT NULL
		UNION ALL SELECT snapshot, 0, 0 FROM migrate.snapshot
	), objects AS (
		SELECT snapshot, sum(sum(one)) OVER w AS one, sum(sum(other)) OVER w AS other
		FROM change GROUP BY snapshot WINDOW w AS (ORDER BY snapshot)
	)
	SELECT count(*)
	FROM migrate.snapshot s JOIN objects o USING (snapshot)
	HAVING count(DISTINCT s.fingerprint) <> count(DISTINCT (o.one, o.other))
		OR count(DISTINCT s.fingerprint) <> count(DISTINCT (s.fingerprint, o.one, o.other))
$$;
COMMENT ON FUNCTION checks.fingerprints() IS
'no rows if stored snapshots have equal fingerprints exactly where their objects are equal, otherwise how many there are.
What objects a snapshot has is told by sums of hashes, so that thousands of snapshots are no trouble.';
