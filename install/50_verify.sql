/*
 * Hold the schema and the records against what they should be.
 */

CREATE FUNCTION migrate.shorten(text_value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN length(text_value) <= 200 THEN regexp_replace(text_value, '\s+', ' ', 'g')
	ELSE regexp_replace(left(text_value, 200), '\s+', ' ', 'g') || '...' END;
COMMENT ON FUNCTION migrate.shorten(text) IS
'the first 200 characters of a definition, on one line';

CREATE FUNCTION migrate.difference_text(kind text, object text, change text, before text, after text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT concat_ws(' ', kind, object, change) ||
		CASE change
			WHEN 'added' THEN ''
			WHEN 'removed' THEN CASE WHEN kind IN ('column', 'comment', 'label') THEN ', was ' || migrate.shorten(before) ELSE '' END
			WHEN 'changed' THEN ' from ' || coalesce(migrate.shorten(before), 'nothing') || ' to ' || coalesce(migrate.shorten(after), 'nothing')
			ELSE ' from place ' || before || ' to ' || after END;
END;
COMMENT ON FUNCTION migrate.difference_text(text, text, text, text, text) IS
'one difference as a line of a message';

CREATE FUNCTION migrate.rollback_object(before_up bigint, after_up bigint, before_down bigint, after_down bigint)
RETURNS TABLE (kind text, name text, wanted bytea, found bytea)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	WITH state AS (
		SELECT v.kind, v.name,
			(array_agg(v.digest) FILTER (WHERE v.since <= before_up AND (v.until IS NULL OR v.until > before_up)))[1] AS before_up,
			(array_agg(v.digest) FILTER (WHERE v.since <= after_up AND (v.until IS NULL OR v.until > after_up)))[1] AS after_up,
			(array_agg(v.digest) FILTER (WHERE v.since <= before_down AND (v.until IS NULL OR v.until > before_down)))[1] AS before_down,
			(array_agg(v.digest) FILTER (WHERE v.since <= after_down AND (v.until IS NULL OR v.until > after_down)))[1] AS after_down
		FROM migrate.object_version v
		WHERE v.since > before_up OR v.until <= after_down
		GROUP BY v.kind, v.name
	), expected AS (
		SELECT s.*, CASE
			WHEN s.after_up IS DISTINCT FROM s.before_down AND s.before_up IS NOT DISTINCT FROM s.after_up THEN s.before_down
			ELSE s.before_up END AS wanted
		FROM state s
	)
	SELECT e.kind, e.name, e.wanted, e.after_down FROM expected e
	WHERE e.after_down IS DISTINCT FROM e.wanted;
END;
COMMENT ON FUNCTION migrate.rollback_object(bigint, bigint, bigint, bigint) IS
'objects that a down script has left otherwise than they should be: as before the up script, unless something else has changed them since.
Parameters are snapshots around the up script and around the down script.';

CREATE FUNCTION migrate.rollback_difference(before_up bigint, after_up bigint, before_down bigint, after_down bigint)
RETURNS TABLE (kind text, object text, change text, before text, after text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET jit = off
BEGIN ATOMIC
	SELECT d.kind, d.object, d.change, d.before, d.after
	FROM migrate.rollback_object(before_up, after_up, before_down, after_down) o
	LEFT JOIN migrate.definition w ON w.digest = o.wanted
	LEFT JOIN migrate.definition f ON f.digest = o.found
	CROSS JOIN LATERAL migrate.definition_difference(o.kind, o.name, w.body, f.body) d
	ORDER BY d.kind COLLATE "C", d.object COLLATE "C", d.change;
END;
COMMENT ON FUNCTION migrate.rollback_difference(bigint, bigint, bigint, bigint) IS
'what a down script has left otherwise than it should be, down to columns and grants.
Parameters are snapshots around the up script and around the down script.';

CREATE FUNCTION migrate.changed_in(class oid, object oid) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed xid;
	at timestamptz;
BEGIN
	-- user mappings and subscriptions are not for everybody to read
	IF class IS NULL OR NOT has_table_privilege(class, 'SELECT') THEN
		RETURN NULL;
	END IF;
	EXECUTE format('SELECT xmin FROM %s WHERE oid = $1', class::regclass) INTO changed USING object;
	IF class = 'pg_class'::regclass THEN
		SELECT x.xmin INTO changed
		FROM (SELECT c.xmin FROM pg_class c WHERE c.oid = object
			  UNION ALL SELECT a.xmin FROM pg_attribute a WHERE a.attrelid = object AND a.attnum > 0) x
		ORDER BY age(x.xmin) LIMIT 1;
	END IF;
	IF changed IS NULL THEN
		RETURN NULL;
	END IF;
	IF current_setting('track_commit_timestamp')::boolean THEN
		at := pg_xact_commit_timestamp(changed);
	END IF;
	RETURN format('last written by transaction %s%s', changed, ' at ' || at);
END
$$;
COMMENT ON FUNCTION migrate.changed_in(oid, oid) IS
'which transaction wrote the catalog rows of an object last, and when, as far as track_commit_timestamp has kept it; NULL = it is gone, or the caller may not read its catalog';

CREATE FUNCTION @extschema@.migrate_verify()
RETURNS TABLE (area text, object text, problem text, detail text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	SELECT 'drift', concat_ws(' ', d.kind, d.object), d.change || ' outside of migrations',
		concat_ws('; ', CASE WHEN d.before IS NOT NULL THEN 'was ' || migrate.shorten(d.before) END,
			CASE WHEN d.after IS NOT NULL THEN 'is ' || migrate.shorten(d.after) END,
			migrate.changed_in(d.class, d.oid))
	FROM migrate.live_difference((SELECT v.snapshot FROM migrate.vouched_snapshot v)) d
	WHERE EXISTS (SELECT FROM migrate.vouched_snapshot)
	UNION ALL
	SELECT 'checksum', s.version || ' ' || s.name, 'the registered up script is not the one that was applied',
		'Register the applied text again, or accept the change with migrate_repair().'
	FROM @extschema@.migrate_status() s WHERE s.checksum = 'changed'
	UNION ALL
	SELECT 'ledger', 'entry ' || b.entry, b.problem, 'version ' || b.version FROM migrate.ledger_break b
	UNION ALL
	SELECT 'backup', 'backup ' || b.backup, b.problem, NULL FROM migrate.backup_problem b
	UNION ALL
	SELECT 'index', r.name, 'invalid: it is not used, but costs writes',
		'Drop it, or build it again with REINDEX INDEX CONCURRENTLY.'
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
	CROSS JOIN LATERAL (SELECT migrate.user_relation_name(c.oid) AS name OFFSET 0) r
	WHERE NOT i.indisvalid AND c.relkind = 'i' AND r.name IS NOT NULL
$$;
COMMENT ON FUNCTION @extschema@.migrate_verify() IS
'Everything that is not as it should be: drift (what changed outside of migrations since the last entry of the ledger), changed checksums, breaks in the ledger, missing backups, invalid indexes. No rows = sound.';
