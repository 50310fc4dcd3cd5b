/*
 * From definitions back to statements, for everything that is no relation.
 */

-- Default privileges of a whole database replace what an object has by itself;
-- those of a schema come on top of that.
CREATE FUNCTION migrate.default_privileges_ddl(definition json)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	WITH target AS (
		SELECT definition ->> 'role' AS owner, definition -> 'acl' AS acl,
			'ALTER DEFAULT PRIVILEGES FOR ROLE ' || quote_ident(definition ->> 'role') ||
				coalesce(' IN SCHEMA ' || quote_ident(definition ->> 'schema'), '') AS command,
			upper(definition ->> 'objects') AS objects,
			acldefault(k.kind, 10) AS standard
		FROM (SELECT CASE definition ->> 'objects' WHEN 'tables' THEN 'r' WHEN 'sequences' THEN 's' WHEN 'functions' THEN 'f'
				WHEN 'types' THEN 'T' WHEN 'schemas' THEN 'n' WHEN 'large objects' THEN 'L' END::"char" AS kind) k
	), privilege AS (
		SELECT t.*, ARRAY(SELECT a.privilege_type FROM aclexplode(t.standard) a WHERE a.grantee = 10) AS every
		FROM target t
	), statement AS (
		SELECT 1 AS step, 0::bigint AS place, format('%s REVOKE ALL ON %s FROM %s', t.command, t.objects,
			CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(t.owner) END) AS text
		FROM target t, (SELECT DISTINCT a.grantee FROM target, aclexplode(standard) a) g
		WHERE definition -> 'schema' IS NULL
		UNION ALL
		SELECT 2, e.ordinality, format('%s GRANT %s ON %s TO %s%s', t.command,
			migrate.privilege_list(g.privileges, t.every, ''), t.objects,
			CASE WHEN e.grantee = '' THEN 'PUBLIC' ELSE quote_ident(e.grantee) END, g.option)
		FROM privilege t,
			migrate.acl_entries(t.acl, t.owner) WITH ORDINALITY e,
			(VALUES (''), (' WITH GRANT OPTION')) o(option),
			LATERAL (SELECT o.option, CASE WHEN o.option = '' THEN e.privileges ELSE e.grantable END AS privileges) g
		WHERE g.privileges <> '{}'
	)
	SELECT s.text FROM statement s ORDER BY s.step, s.place, s.text COLLATE "C";
END;
COMMENT ON FUNCTION migrate.default_privileges_ddl(json) IS
'ALTER DEFAULT PRIVILEGES statements of one role, schema and kind of object';

CREATE FUNCTION migrate.publication_ddl(name text, definition json)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	SELECT concat_ws(' ', 'CREATE PUBLICATION', name, CASE WHEN (definition ->> 'all_tables')::boolean THEN 'FOR ALL TABLES' END,
		'WITH (' || concat_ws(', ', format('publish = %L', definition ->> 'publish'),
			CASE WHEN (definition ->> 'publish_via_partition_root')::boolean THEN 'publish_via_partition_root = true' END,
			'publish_generated_columns = ' || (definition ->> 'publish_generated_columns')) || ')')
	UNION ALL
	SELECT concat_ws(' ', 'ALTER PUBLICATION', name, 'ADD TABLE ONLY', t.key,
		(SELECT '(' || string_agg(quote_ident(c), ', ') || ')' FROM json_array_elements_text(t.value -> 'columns') c),
		'WHERE (' || (t.value ->> 'where') || ')')
	FROM json_each(definition -> 'tables') t
	UNION ALL
	SELECT format('ALTER PUBLICATION %s ADD TABLES IN SCHEMA %I', name, s)
	FROM json_array_elements_text(definition -> 'schemas') s;
END;
COMMENT ON FUNCTION migrate.publication_ddl(text, json) IS
'statements that create a publication from its definition, without owner and comment';

-- As pg_dump does it: nothing is connected, and the slot is not made.
CREATE FUNCTION migrate.subscription_options_ddl(definition json) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT string_agg(o.key || ' = ' || CASE WHEN o.value = 'none' AND o.key = 'slot_name' THEN 'NONE' ELSE quote_literal(o.value) END,
		', ' ORDER BY o.ordinality)
	FROM json_each_text(definition) WITH ORDINALITY o
	WHERE o.key IN ('slot_name', 'binary', 'streaming', 'two_phase', 'disable_on_error', 'password_required',
		'run_as_owner', 'origin', 'failover', 'synchronous_commit');
END;
COMMENT ON FUNCTION migrate.subscription_options_ddl(json) IS
'the options of a subscription as they stand in WITH (...)';

CREATE FUNCTION migrate.subscription_publications_ddl(definition json) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT string_agg(quote_ident(p.value), ', ' ORDER BY p.ordinality)
	FROM json_array_elements_text(definition -> 'publications') WITH ORDINALITY p;
END;
COMMENT ON FUNCTION migrate.subscription_publications_ddl(json) IS
'the publications that a subscription names, as they stand behind PUBLICATION';

CREATE FUNCTION migrate.subscription_ddl(name text, definition json)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT format(E'-- not kept: the connection string\nCREATE SUBSCRIPTION %s CONNECTION '''' PUBLICATION %s WITH (connect = false, %s)',
		name, migrate.subscription_publications_ddl(definition), migrate.subscription_options_ddl(definition));
END;
COMMENT ON FUNCTION migrate.subscription_ddl(text, json) IS
'the statement that creates a subscription from its definition, without connection, owner and comment';

-- A function without parameters is f(), an aggregate without is f(*), except in GRANT.
CREATE FUNCTION migrate.object_phrase(kind text, name text, definition json, OUT phrase text, OUT grant_phrase text, OUT acl_kind "char")
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT k.noun || ' ' || CASE WHEN kind = 'aggregate' AND name LIKE '%()' THEN left(name, -2) || '(*)' ELSE k.name END,
		k.grant_noun || ' ' || k.name, k.acl
	FROM (SELECT coalesce(definition ->> 'signature', name) AS name,
			CASE WHEN kind IN ('enum', 'range', 'base type', 'shell type') THEN 'TYPE'
				WHEN kind = 'foreign-data wrapper' THEN 'FOREIGN DATA WRAPPER'
				ELSE upper(kind) END AS noun,
			CASE WHEN kind IN ('enum', 'range', 'base type', 'shell type') THEN 'TYPE'
				WHEN kind IN ('domain', 'language', 'procedure') THEN upper(kind)
				WHEN kind IN ('function', 'aggregate') THEN 'FUNCTION'
				WHEN kind = 'foreign-data wrapper' THEN 'FOREIGN DATA WRAPPER'
				WHEN kind = 'server' THEN 'FOREIGN SERVER' END AS grant_noun,
			CASE WHEN kind IN ('enum', 'range', 'base type', 'shell type', 'domain') THEN 'T'
				WHEN kind IN ('function', 'aggregate', 'procedure') THEN 'f'
				WHEN kind = 'language' THEN 'l'
				WHEN kind = 'foreign-data wrapper' THEN 'F'
				WHEN kind = 'server' THEN 'S' END::"char" AS acl) k;
END;
COMMENT ON FUNCTION migrate.object_phrase(text, text, json) IS
'how ALTER and COMMENT, and how GRANT call an object, and its kind for acldefault()';

/*
 * Parts are as for object_ddl(): 0 create, 1 when all that the object needs is
 * there, 2 when all tables are, 5 owner, 6 grants, 7 comment and labels.
 * Default privileges would change what is created after them, so they are
 * part 8; event triggers would fire for all the rest, so they are part 9.
 * Statements of one part must stay in the order in which they are returned.
 */
CREATE FUNCTION migrate.other_ddl(kind text, name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
	common_part integer;
BEGIN
	CASE
		WHEN kind IN ('function', 'procedure', 'aggregate') THEN
			RETURN QUERY SELECT d.part, d.statement FROM migrate.function_ddl(kind, name, definition) d;
		WHEN kind IN ('enum', 'domain', 'range', 'base type', 'shell type') THEN
			RETURN QUERY SELECT d.part, d.statement FROM migrate.type_ddl(kind, name, definition) d;
		WHEN kind IN ('operator', 'operator class', 'operator family', 'cast', 'access method') THEN
			RETURN QUERY SELECT d.part, d.statement FROM migrate.operator_ddl(kind, name, definition) d;
		WHEN kind IN ('foreign-data wrapper', 'server', 'user mapping') THEN
			RETURN QUERY SELECT d.part, d.statement FROM migrate.foreign_ddl(kind, name, definition) d;
		WHEN kind LIKE 'text search %' THEN
			RETURN QUERY SELECT d.part, d.statement FROM migrate.text_search_ddl(kind, name, definition) d;
		WHEN kind IN ('conversion', 'collation', 'language') THEN
			RETURN QUERY SELECT 0, definition ->> 'create';
		WHEN kind = 'transform' THEN
			RETURN QUERY SELECT 0, format('CREATE TRANSFORM %s (%s)', name, concat_ws(', ',
				'FROM SQL WITH FUNCTION ' || (definition ->> 'from_sql'), 'TO SQL WITH FUNCTION ' || (definition ->> 'to_sql')));
		WHEN kind = 'extension' THEN
			RETURN QUERY SELECT 0, format('CREATE EXTENSION IF NOT EXISTS %s WITH SCHEMA %I', name, definition ->> 'schema');
		WHEN kind = 'publication' THEN
			RETURN QUERY SELECT 2, d FROM migrate.publication_ddl(name, definition) d;
		WHEN kind = 'subscription' THEN
			RETURN QUERY SELECT 2, d FROM migrate.subscription_ddl(name, definition) d;
		WHEN kind = 'privileges' THEN
			RETURN QUERY SELECT 6, d FROM migrate.privileges_ddl(name, definition) d;
			RETURN;
		WHEN kind = 'default privileges' THEN
			RETURN QUERY SELECT 8, d FROM migrate.default_privileges_ddl(definition) d;
			RETURN;
		WHEN kind = 'event trigger' THEN
			RETURN QUERY SELECT 9, definition ->> 'create';
			common_part := 9;
	END CASE;
	RETURN QUERY SELECT coalesce(common_part, c.part), c.statement
	FROM migrate.object_phrase(kind, name, definition) p,
		migrate.common_ddl(p.phrase, p.grant_phrase, p.acl_kind, definition) c;
	IF kind = 'event trigger' AND definition ->> 'enabled' IS NOT NULL THEN
		RETURN QUERY SELECT 9, format('ALTER EVENT TRIGGER %s %s', name, definition ->> 'enabled');
	END IF;
END
$$;
COMMENT ON FUNCTION migrate.other_ddl(text, text, json) IS
'statements that create an object that is no relation from its definition; part as for object_ddl()';
