/*
 * Objects of a schema: what their definitions have in common.
 *
 * One view for each catalog (migrate.live_*) renders what is there now as rows
 * of (class, object, kind, name, definition).  A definition is json with the
 * properties that are not the default, in a fixed order; what most kinds have
 * stands last: owner, acl, comment, labels.  The functions *_ddl() go the other
 * way, from a definition to the statements that create the object.
 *
 * Callers of the views pin search_path and the settings that change how the
 * server prints expressions; see migrate_schema().
 */

CREATE VIEW migrate.user_namespace AS
SELECT n.oid, quote_ident(n.nspname) AS name
FROM pg_namespace n
WHERE (n.oid >= 16384 OR n.oid = 2200)
	AND n.nspname NOT IN ('migrate', 'migrate_backup')
	AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)';
COMMENT ON VIEW migrate.user_namespace IS
'the schemas whose objects are rendered, with quoted names: not those of the server, of temporary objects, or of migrate_ext';

-- From the catalogs to json -----------------------------------------------------

CREATE FUNCTION migrate.properties_json(VARIADIC "any") RETURNS json
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_properties_json';
COMMENT ON FUNCTION migrate.properties_json("any") IS
'json_build_object() without the keys whose values are NULL';

CREATE FUNCTION migrate.acl_json(acl aclitem[], kind "char", owner oid) RETURNS json
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_acl_json';
COMMENT ON FUNCTION migrate.acl_json(aclitem[], "char", oid) IS
'privileges as a sorted json array; NULL when they are what an object of this kind and owner has anyway.
kind: as for acldefault().';

CREATE FUNCTION migrate.labels_json(class oid, object oid, subobject integer DEFAULT 0) RETURNS json
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_labels_json';
COMMENT ON FUNCTION migrate.labels_json(oid, oid, integer) IS
'security labels of an object or column by provider; NULL when it has none';

CREATE FUNCTION migrate.options_json(options text[]) RETURNS json
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_options_json';
COMMENT ON FUNCTION migrate.options_json(text[]) IS
'reloptions, attoptions or options of a foreign object as a json object, sorted; NULL when there are none';

CREATE FUNCTION migrate.collation_name(collation_oid oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_collation_name';
COMMENT ON FUNCTION migrate.collation_name(oid) IS 'qualified and quoted name of a collation; NULL = none';

CREATE FUNCTION migrate.stable_expression(expression text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	-- cut into such arrays, quoted texts and names, and what lies between
	SELECT string_agg(CASE WHEN t.token[1] LIKE '(ARRAY[%' THEN
			regexp_replace(substr(t.token[1], 2, length(t.token[1]) - 10), '(''(?:[^'']|'''')*''::character varying)', '(\1)::text', 'g')
			ELSE t.token[1] END, '' ORDER BY t.place)
	FROM regexp_matches(expression, '(\(ARRAY\[''(?:[^'']|'''')*''::character varying(?:, ''(?:[^'']|'''')*''::character varying)*\]\)::text\[\]|''(?:[^'']|'''')*''|"(?:[^"]|"")*"|[^''"(]+|.)', 'g')
		WITH ORDINALITY t(token, place);
END;
COMMENT ON FUNCTION migrate.stable_expression(text) IS
'an expression as the server prints it, in the form in which it prints it again when it has read that.
The values of a list for a varchar it prints as (ARRAY[...])::text[], but reads that as ARRAY[(...)::text, ...].';

-- Looked up where it is needed: see lookup.c ---------------------------------------

CREATE FUNCTION migrate.parents_json(relation oid) RETURNS json
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_parents_json';
COMMENT ON FUNCTION migrate.parents_json(oid) IS 'qualified names of the parents of a relation, in their order; NULL = it has none';

CREATE FUNCTION migrate.parent_name(relation oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_parent_name';
COMMENT ON FUNCTION migrate.parent_name(oid) IS 'qualified name of the first parent of a relation; NULL = it has none';

CREATE FUNCTION migrate.reloptions_json(relation oid) RETURNS json
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_reloptions_json';
COMMENT ON FUNCTION migrate.reloptions_json(oid) IS 'storage parameters of a relation; NULL = there are none';

CREATE FUNCTION migrate.foreign_options_json(relation oid) RETURNS json
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_foreign_options_json';
COMMENT ON FUNCTION migrate.foreign_options_json(oid) IS 'options of a foreign table; NULL = there are none';

CREATE FUNCTION migrate.foreign_server_name(relation oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_foreign_server_name';
COMMENT ON FUNCTION migrate.foreign_server_name(oid) IS 'server of a foreign table';

CREATE FUNCTION migrate.tablespace_name(tablespace oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_tablespace_name';
COMMENT ON FUNCTION migrate.tablespace_name(oid) IS 'name of a tablespace; NULL = there is none';

CREATE FUNCTION migrate.access_method_name(access_method oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_access_method_name';
COMMENT ON FUNCTION migrate.access_method_name(oid) IS 'name of an access method; NULL = there is none';

CREATE FUNCTION migrate.comment(class oid, object oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_comment';
COMMENT ON FUNCTION migrate.comment(oid, oid) IS 'comment on an object; NULL = there is none';

-- From json to statements ---------------------------------------------------------

CREATE FUNCTION migrate.options_ddl(options json) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT string_agg(quote_ident(o.key) || ' ' || quote_literal(o.value), ', ' ORDER BY o.ordinality)
	FROM json_each_text(options) WITH ORDINALITY o;
END;
COMMENT ON FUNCTION migrate.options_ddl(json) IS
'options as they stand in OPTIONS (...) of a foreign object';

CREATE FUNCTION migrate.reloptions_ddl(options json, prefix text DEFAULT '') RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT string_agg(prefix || quote_ident(o.key) || ' = ' ||
		CASE WHEN o.value ~ '^-?[0-9]+(\.[0-9]+)?$' THEN o.value ELSE quote_literal(o.value) END,
		', ' ORDER BY o.ordinality)
	FROM json_each_text(options) WITH ORDINALITY o;
END;
COMMENT ON FUNCTION migrate.reloptions_ddl(json, text) IS
'storage parameters as they stand in WITH (...) or SET (...).
prefix: "toast." for those of the toast table.';

CREATE VIEW migrate.privilege AS
SELECT v.letter, v.name
FROM (VALUES ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE'), ('D', 'TRUNCATE'),
	('x', 'REFERENCES'), ('t', 'TRIGGER'), ('m', 'MAINTAIN'), ('X', 'EXECUTE'), ('U', 'USAGE'),
	('C', 'CREATE'), ('T', 'TEMPORARY'), ('c', 'CONNECT'), ('s', 'SET'), ('A', 'ALTER SYSTEM')) v (letter, name);
COMMENT ON VIEW migrate.privilege IS
'the letters of privileges in the text form of an aclitem';

CREATE FUNCTION migrate.acl_entries(acl json, owner text)
RETURNS TABLE (grantee text, grantor text, privileges text[], grantable text[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	WITH RECURSIVE item AS (
		SELECT
			CASE WHEN m[1] LIKE '"%' THEN replace(substr(m[1], 2, length(m[1]) - 2), '""', '"') ELSE m[1] END AS grantee,
			CASE WHEN m[3] LIKE '"%' THEN replace(substr(m[3], 2, length(m[3]) - 2), '""', '"') ELSE m[3] END AS grantor,
			m[2] AS letters, i.value AS text
		FROM json_array_elements_text(acl) i,
			regexp_match(i.value, '^("(?:[^"]|"")*"|[^"=]*)=([A-Za-z*]*)/(.*)$') m
	), reached AS (
		-- who grants on must have been granted to before
		SELECT i.*, 1 AS depth FROM item i WHERE i.grantor = owner
		UNION
		SELECT i.*, r.depth + 1 FROM reached r JOIN item i ON i.grantor = r.grantee AND i.grantor <> owner
		WHERE r.depth < 20
	), ordered AS (
		SELECT i.grantee, i.grantor, i.letters, i.text,
			coalesce((SELECT min(r.depth) FROM reached r WHERE r.text = i.text), 21) AS depth
		FROM item i
	)
	SELECT o.grantee, o.grantor,
		ARRAY(SELECT n.name FROM regexp_matches(o.letters, '([A-Za-z])(\*?)', 'g') WITH ORDINALITY l(pair, place)
			  JOIN migrate.privilege n ON n.letter = l.pair[1] WHERE l.pair[2] = '' ORDER BY l.place),
		ARRAY(SELECT n.name FROM regexp_matches(o.letters, '([A-Za-z])(\*?)', 'g') WITH ORDINALITY l(pair, place)
			  JOIN migrate.privilege n ON n.letter = l.pair[1] WHERE l.pair[2] = '*' ORDER BY l.place)
	FROM ordered o
	ORDER BY o.depth, o.grantee = owner DESC, o.text COLLATE "C";
END;
COMMENT ON FUNCTION migrate.acl_entries(json, text) IS
'privileges as acl_json() writes them, taken apart, in an order in which they can be granted.
grantee: empty = PUBLIC; grantable: the privileges with grant option.';

CREATE FUNCTION migrate.privilege_list(privileges text[], every text[], columns text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN every <> '{}' AND privileges @> every THEN 'ALL' || columns
		ELSE (SELECT string_agg(p || columns, ', ') FROM unnest(privileges) p) END;
END;
COMMENT ON FUNCTION migrate.privilege_list(text[], text[], text) IS
'privileges as they stand in GRANT.
every: all there are for this kind of object; columns: a column list, or empty.';

CREATE FUNCTION migrate.acl_ddl(target text, kind "char", acl json, owner text, column_name text DEFAULT NULL)
RETURNS SETOF text LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	every text[] := ARRAY(SELECT privilege_type FROM aclexplode(acldefault(kind, 10)) WHERE grantee = 10);
	world text[] := ARRAY(SELECT privilege_type FROM aclexplode(acldefault(kind, 10)) WHERE grantee = 0);
	cols text := coalesce('(' || quote_ident(column_name) || ')', '');
	entry record;
BEGIN
	IF acl IS NULL THEN
		RETURN;
	END IF;
	IF world <> '{}' AND NOT EXISTS (
		SELECT FROM migrate.acl_entries(acl, owner) e
		WHERE e.grantee = '' AND e.grantor = owner AND e.privileges @> world) THEN
		RETURN NEXT format('REVOKE ALL ON %s FROM PUBLIC', target);
	END IF;
	IF every <> '{}' AND NOT EXISTS (
		SELECT FROM migrate.acl_entries(acl, owner) e
		WHERE e.grantee = owner AND e.grantor = owner AND e.privileges @> every) THEN
		RETURN NEXT format('REVOKE ALL ON %s FROM %I', target, owner);
	END IF;
	FOR entry IN SELECT * FROM migrate.acl_entries(acl, owner)
	LOOP
		IF entry.grantor = owner AND entry.grantable = '{}' AND every <> '{}' AND
			(entry.grantee = owner AND entry.privileges @> every OR
			 entry.grantee = '' AND world <> '{}' AND entry.privileges @> world AND world @> entry.privileges) THEN
			CONTINUE;
		END IF;
		IF entry.grantor <> owner THEN
			RETURN NEXT format('SET ROLE %I', entry.grantor);
		END IF;
		IF entry.privileges <> '{}' THEN
			RETURN NEXT format('GRANT %s ON %s TO %s', migrate.privilege_list(entry.privileges, every, cols), target,
				CASE WHEN entry.grantee = '' THEN 'PUBLIC' ELSE quote_ident(entry.grantee) END);
		END IF;
		IF entry.grantable <> '{}' THEN
			RETURN NEXT format('GRANT %s ON %s TO %I WITH GRANT OPTION',
				migrate.privilege_list(entry.grantable, every, cols), target, entry.grantee);
		END IF;
		IF entry.grantor <> owner THEN
			RETURN NEXT 'RESET ROLE';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION migrate.acl_ddl(text, "char", json, text, text) IS
'REVOKE and GRANT statements that lead from the privileges of a new object to those of acl_json(); none when acl is NULL.
target: such as TABLE public.t; kind: as for acldefault(); column_name: for privileges on one column of the target.';

CREATE FUNCTION migrate.common_ddl(phrase text, grant_phrase text, acl_kind "char", definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	SELECT 5, format('ALTER %s OWNER TO %I', phrase, definition->>'owner')
	WHERE definition->>'owner' IS NOT NULL
	UNION ALL
	SELECT 6, g
	FROM migrate.acl_ddl(grant_phrase, acl_kind, definition->'acl', definition->>'owner') g
	WHERE definition->'acl' IS NOT NULL
	UNION ALL
	SELECT 7, format('COMMENT ON %s IS %L', phrase, definition->>'comment')
	WHERE definition->>'comment' IS NOT NULL
	UNION ALL
	SELECT 7, format('SECURITY LABEL FOR %I ON %s IS %L', l.key, phrase, l.value)
	FROM json_each_text(definition->'labels') l;
END;
COMMENT ON FUNCTION migrate.common_ddl(text, text, "char", json) IS
'statements for the owner (part 5), privileges (6), comment and labels (7) of an object.
phrase: such as VIEW public.v; grant_phrase: such as TABLE public.v, NULL where there are no privileges; acl_kind: as for acldefault().';
