/*
 * What differs between two schemas, down to the column and the grant.
 */

CREATE TYPE migrate.object_property AS (
	kind	text,			-- what it is: column, grant, comment, owner or a property of the object
	object	text,			-- whose, or its own name
	value	text,
	place	bigint			-- of a column
);
COMMENT ON TYPE migrate.object_property IS
'one property of an object, taken out of its definition';

CREATE FUNCTION migrate.common_properties(name text, definition json) RETURNS SETOF migrate.object_property
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	SELECT 'grant', name || ' ' || regexp_replace(a, '^=', 'PUBLIC='), a, NULL::bigint
	FROM json_array_elements_text(definition -> 'acl') a
	UNION ALL
	SELECT 'comment', name, definition ->> 'comment', NULL WHERE definition ->> 'comment' IS NOT NULL
	UNION ALL
	SELECT 'label', name || ' ' || l.key, l.value, NULL FROM json_each_text(definition -> 'labels') l;
END;
COMMENT ON FUNCTION migrate.common_properties(text, json) IS
'privileges, comment and labels of an object or column';

CREATE FUNCTION migrate.standard_acl(kind text, owner text) RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_agg(CASE WHEN m[1] = '' THEN '' ELSE o.role END || '=' || m[2] || '/' || o.role)
	FROM (SELECT CASE WHEN owner ~ '^[A-Za-z0-9_]+$' THEN owner ELSE '"' || replace(owner, '"', '""') || '"' END AS role) o,
		unnest(acldefault(CASE
			WHEN kind IN ('table', 'foreign table', 'view', 'materialized view') THEN 'r'
			WHEN kind = 'sequence' THEN 's'
			WHEN kind = 'schema' THEN 'n'
			WHEN kind = 'composite type' THEN 'T'
			ELSE (SELECT p.acl_kind FROM migrate.object_phrase(kind, '', '{}') p) END::"char", 10)) i,
		regexp_match(i::text, '^("(?:[^"]|"")*"|[^"=]*)=([A-Za-z*]*)/') m;
END;
COMMENT ON FUNCTION migrate.standard_acl(text, text) IS
'the privileges that an object of a kind and owner has by itself, as acl_json() would write them; NULL = it cannot have any';

CREATE FUNCTION migrate.object_properties(kind text, name text, definition json) RETURNS SETOF migrate.object_property
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	SELECT kind, name || CASE WHEN p.key = 'create' THEN '' ELSE ' (' || replace(p.key, '_', ' ') || ')' END, p.value, NULL::bigint
	FROM json_each_text(definition) p
	WHERE p.key NOT IN ('columns', 'acl', 'comment', 'labels')
	UNION ALL
	SELECT * FROM migrate.common_properties(name, definition)
	UNION ALL
	SELECT 'column', name || '.' || quote_ident(c.value ->> 'name'),
		concat_ws(' ', c.value ->> 'type', CASE WHEN c.value ->> 'not_null' IS NOT NULL THEN 'NOT NULL' END,
			(SELECT string_agg(replace(p.key, '_', ' ') || ' ' || p.value, ' ')
			 FROM json_each_text(c.value) p
			 WHERE p.key NOT IN ('name', 'type', 'not_null', 'acl', 'comment', 'labels'))),
		c.ordinality
	FROM json_array_elements(definition -> 'columns') WITH ORDINALITY c
	UNION ALL
	SELECT p.*
	FROM json_array_elements(definition -> 'columns') c,
		migrate.common_properties(name || '.' || quote_ident(c ->> 'name'), c) p;
END;
COMMENT ON FUNCTION migrate.object_properties(text, text, json) IS
'the properties of an object, its columns, and their privileges and comments';

CREATE FUNCTION migrate.with_standard_acl(kind text, definition json, other json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN definition -> 'acl' IS NULL AND other -> 'acl' IS NOT NULL THEN
	-- json keeps the text of the other properties as it is
	coalesce(('{"acl":' || migrate.standard_acl(kind, definition ->> 'owner')::text || ',' || substr(definition::text, 2))::json, definition)
	ELSE definition END;
COMMENT ON FUNCTION migrate.with_standard_acl(text, json, json) IS
'a definition to be compared with another: with its privileges also where they are what it has by itself, if the other has more or less';

CREATE FUNCTION migrate.definition_difference(kind text, name text, before json, after json)
RETURNS TABLE (kind text, object text, change text, before text, after text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	-- an object that comes or goes is one difference
	SELECT definition_difference.kind, name,
		CASE WHEN definition_difference.before IS NULL THEN 'added' ELSE 'removed' END,
		coalesce(definition_difference.before ->> 'create', CASE WHEN definition_difference.before IS NOT NULL THEN definition_difference.before::text END),
		coalesce(definition_difference.after ->> 'create', CASE WHEN definition_difference.after IS NOT NULL THEN definition_difference.after::text END)
	WHERE definition_difference.before IS NULL <> (definition_difference.after IS NULL)
	UNION ALL
	SELECT coalesce(b.kind, a.kind), coalesce(b.object, a.object),
		CASE WHEN b.value IS NULL THEN 'added' WHEN a.value IS NULL THEN 'removed' ELSE 'changed' END, b.value, a.value
	FROM migrate.object_properties(definition_difference.kind, name,
			migrate.with_standard_acl(definition_difference.kind, definition_difference.before, definition_difference.after)) b
	FULL JOIN migrate.object_properties(definition_difference.kind, name,
			migrate.with_standard_acl(definition_difference.kind, definition_difference.after, definition_difference.before)) a
		ON a.kind = b.kind AND a.object = b.object
	WHERE definition_difference.before IS NOT NULL AND definition_difference.after IS NOT NULL
		AND b.value IS DISTINCT FROM a.value
	UNION ALL
	-- columns that both have, in another order
	SELECT 'column', o.object, 'moved', o.place_before::text, o.place_after::text
	FROM (SELECT b.object,
			row_number() OVER (ORDER BY b.place) AS place_before, row_number() OVER (ORDER BY a.place) AS place_after
		  FROM migrate.object_properties(definition_difference.kind, name, definition_difference.before) b
		  JOIN migrate.object_properties(definition_difference.kind, name, definition_difference.after) a
			ON a.kind = 'column' AND a.object = b.object
		  WHERE b.kind = 'column' AND definition_difference.before IS NOT NULL AND definition_difference.after IS NOT NULL) o
	WHERE o.place_before <> o.place_after;
END;
COMMENT ON FUNCTION migrate.definition_difference(text, text, json, json) IS
'what differs between two definitions of an object; NULL = it is not there.
change: added, removed, changed, or moved (a column, from place to place).';

CREATE FUNCTION migrate.snapshot_difference(from_snapshot bigint, to_snapshot bigint)
RETURNS TABLE (kind text, object text, change text, before text, after text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET jit = off
BEGIN ATOMIC
	WITH version AS MATERIALIZED (
		SELECT v.id, v.kind, v.name, v.digest,
			v.since <= from_snapshot AND (v.until IS NULL OR v.until > from_snapshot) AS is_before,
			v.since <= to_snapshot AND (v.until IS NULL OR v.until > to_snapshot) AS is_after
		FROM migrate.object_version v
		WHERE v.since > least(from_snapshot, to_snapshot) OR v.until <= greatest(from_snapshot, to_snapshot)
	)
	SELECT d.kind, d.object, d.change, d.before, d.after
	FROM (SELECT * FROM version WHERE is_before AND NOT is_after) b
	FULL JOIN (SELECT * FROM version WHERE is_after AND NOT is_before) a ON a.id = b.id
	LEFT JOIN migrate.definition f ON f.digest = b.digest
	LEFT JOIN migrate.definition t ON t.digest = a.digest
	CROSS JOIN LATERAL migrate.definition_difference(coalesce(b.kind, a.kind), coalesce(b.name, a.name), f.body, t.body) d
	WHERE b.digest IS DISTINCT FROM a.digest
	ORDER BY d.kind COLLATE "C", d.object COLLATE "C", d.change;
END;
COMMENT ON FUNCTION migrate.snapshot_difference(bigint, bigint) IS
'what differs between two stored snapshots';

CREATE FUNCTION migrate.live_difference(snapshot bigint)
RETURNS TABLE (kind text, object text, change text, before text, after text, class oid, oid oid)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET DateStyle = 'ISO, MDY'
SET IntervalStyle = postgres
SET TimeZone = 'UTC'
SET extra_float_digits = 3
SET bytea_output = hex
SET jit = off
AS $$
	SELECT d.kind, d.object, d.change, d.before, d.after, o.class, o.object
	FROM (SELECT v.* FROM migrate.object_version v
		  WHERE v.since <= snapshot AND (v.until IS NULL OR v.until > snapshot)) b
	FULL JOIN migrate.live_object o ON o.kind = b.kind AND o.name = b.name
	LEFT JOIN migrate.definition f ON f.digest = b.digest
	CROSS JOIN LATERAL migrate.definition_difference(coalesce(b.kind, o.kind), coalesce(b.name, o.name), f.body, o.definition) d
	WHERE f.body::text IS DISTINCT FROM o.definition::text
	ORDER BY d.kind COLLATE "C", d.object COLLATE "C", d.change
$$;
COMMENT ON FUNCTION migrate.live_difference(bigint) IS
'what differs between a stored snapshot and the schema as it is now, with the objects'' OIDs; renders everything';

CREATE FUNCTION @extschema@.migrate_diff(from_snapshot bigint DEFAULT NULL, to_snapshot bigint DEFAULT NULL)
RETURNS TABLE (kind text, object text, change text, before text, after text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	first_snapshot bigint := coalesce(from_snapshot, (SELECT max(s.snapshot) FROM migrate.snapshot s));
	missing bigint;
BEGIN
	SELECT n INTO missing
	FROM unnest(ARRAY[from_snapshot, to_snapshot]) n
	WHERE n NOT IN (SELECT s.snapshot FROM migrate.snapshot s);
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'snapshot % does not exist', missing
			USING ERRCODE = 'undefined_object', HINT = 'See migrate_snapshots() for those there are.';
	END IF;
	IF first_snapshot IS NULL THEN
		RAISE EXCEPTION 'there is no snapshot yet'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'migrate_apply() takes them, and so does migrate_snapshot().';
	END IF;
	IF to_snapshot IS NULL THEN
		RETURN QUERY SELECT d.kind, d.object, d.change, d.before, d.after FROM migrate.live_difference(first_snapshot) d;
	ELSE
		RETURN QUERY SELECT * FROM migrate.snapshot_difference(first_snapshot, to_snapshot);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.migrate_diff(bigint, bigint) IS
'What differs between two snapshots, down to the column, the grant and the comment.
from_snapshot: NULL = the last one; to_snapshot: NULL = the schema as it is now.
change: added, removed, changed, or moved (a column that stands in another place).
Raises 42704 (unknown snapshot), 55000 (there is none yet).';
