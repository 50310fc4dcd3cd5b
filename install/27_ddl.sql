/*
 * From the definition of a relation, and of what stands on it, to the
 * statements that create it.
 *
 * Each statement belongs to a part, which says when it may run: 0 = creates the
 * object; 1 = completes it, when it was created without what refers in a
 * circle; 2 = after everything is created; 5 = owner, at once; 6 = privileges;
 * 7 = comments and labels; 8 = contents.
 */

-- Names ---------------------------------------------------------------------------

CREATE FUNCTION migrate.split_name(name text, OUT own text, OUT relation text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT m[1], m[2]
	FROM regexp_match(name, '^("(?:[^"]|"")*"|[^" ]+) on (.*)$') m;
END;
COMMENT ON FUNCTION migrate.split_name(text) IS
'takes "NAME on SCHEMA.TABLE" apart; both stay quoted';

CREATE FUNCTION migrate.schema_of(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (regexp_match(name, '^("(?:[^"]|"")*"|[^".]+)\.'))[1];
COMMENT ON FUNCTION migrate.schema_of(text) IS
'the schema of a qualified name; stays quoted';

CREATE FUNCTION migrate.unqualified(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN substr(name, length(migrate.schema_of(name)) + 2);
COMMENT ON FUNCTION migrate.unqualified(text) IS
'a qualified name without its schema; stays quoted';

-- Schemas ---------------------------------------------------------------------------

CREATE FUNCTION migrate.schema_ddl(name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	SELECT 0, format(CASE WHEN name = 'public' THEN 'CREATE SCHEMA IF NOT EXISTS %s' ELSE 'CREATE SCHEMA %s' END, name)
	UNION ALL
	-- a new database has schema public, with a privilege and a comment
	SELECT 6, 'REVOKE ALL ON SCHEMA public FROM PUBLIC'
	WHERE name = 'public' AND NOT EXISTS (
		SELECT FROM json_array_elements_text(definition->'acl') a WHERE a LIKE '=U/%')
	UNION ALL
	SELECT 7, 'COMMENT ON SCHEMA public IS NULL'
	WHERE name = 'public' AND definition->>'comment' IS NULL
	UNION ALL
	SELECT c.part, c.statement FROM migrate.common_ddl('SCHEMA ' || name, 'SCHEMA ' || name, 'n', definition) c;
END;
COMMENT ON FUNCTION migrate.schema_ddl(text, json) IS 'statements that create a schema';

-- Sequences -------------------------------------------------------------------------

CREATE FUNCTION migrate.sequence_options(counts json) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT concat(' AS ' || (counts->>'type'), ' INCREMENT BY ' || (counts->>'increment'),
		' MINVALUE ' || (counts->>'min'), ' MAXVALUE ' || (counts->>'max'),
		' START WITH ' || (counts->>'start'), ' CACHE ' || (counts->>'cache'),
		CASE WHEN counts->>'cycle' IS NOT NULL THEN ' CYCLE' END);
END;
COMMENT ON FUNCTION migrate.sequence_options(json) IS
'what migrate.live_counting has, as it stands in CREATE SEQUENCE; empty when all is the default';

CREATE FUNCTION migrate.sequence_ddl(name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	SELECT 0, concat('CREATE ', upper(definition->>'persistence') || ' ', 'SEQUENCE ', name,
		migrate.sequence_options(definition->'counts'))
	UNION ALL
	-- when both have their owner, who must be the same
	SELECT 6, format('ALTER SEQUENCE %s OWNED BY %s', name, definition->>'owned_by')
	WHERE definition->>'owned_by' IS NOT NULL
	UNION ALL
	SELECT c.part, c.statement
	FROM migrate.common_ddl('SEQUENCE ' || name, 'SEQUENCE ' || name, 's', definition) c;
END;
COMMENT ON FUNCTION migrate.sequence_ddl(text, json) IS 'statements that create a sequence';

-- Columns -----------------------------------------------------------------------------

CREATE FUNCTION migrate.column_constraints(col json, with_default boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT concat(
		' COLLATE ' || (col->>'collation'),
		' GENERATED ALWAYS AS (' || (col->>'generated') || ')' ||
			CASE WHEN col->>'virtual' IS NULL THEN ' STORED' ELSE ' VIRTUAL' END,
		CASE WHEN with_default THEN ' DEFAULT ' || (col->>'default') END,
		' GENERATED ' || upper(col->'identity'->>'generation') || ' AS IDENTITY (SEQUENCE NAME ' ||
			(col->'identity'->>'sequence') || migrate.sequence_options((col#>'{identity,counts}')) || ')',
		CASE WHEN col->>'not_null' IS NOT NULL THEN ' NOT NULL' END);
END;
COMMENT ON FUNCTION migrate.column_constraints(json, boolean) IS
'what follows the type in the definition of a column.
with_default: with its default, if it has one.';

CREATE FUNCTION migrate.column_clause(col json, with_default boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT concat(quote_ident(col->>'name'), ' ', col->>'type',
		' OPTIONS (' || migrate.options_ddl(col->'fdw_options') || ')',
		migrate.column_constraints(col, with_default));
END;
COMMENT ON FUNCTION migrate.column_clause(json, boolean) IS
'a column as it stands in CREATE TABLE';

CREATE FUNCTION migrate.column_actions(col json) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT format('ALTER COLUMN %I %s', col->>'name', a)
	FROM unnest(ARRAY[
		'SET STORAGE ' || upper(col->>'storage'),
		'SET COMPRESSION ' || (col->>'compression'),
		'SET STATISTICS ' || (col->>'statistics'),
		'SET (' || migrate.reloptions_ddl(col->'options') || ')']) a
	WHERE a IS NOT NULL;
END;
COMMENT ON FUNCTION migrate.column_actions(json) IS
'actions of ALTER TABLE for what CREATE TABLE cannot say of a column';

CREATE FUNCTION migrate.inherited_actions(col json) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	SELECT format('ALTER COLUMN %I %s', col->>'name', a)
	FROM unnest(ARRAY[
		CASE WHEN col->>'generated' IS NULL THEN coalesce('SET DEFAULT ' || (col->>'default'), 'DROP DEFAULT') END,
		CASE WHEN col->>'not_null' IS NULL THEN 'DROP NOT NULL' ELSE 'SET NOT NULL' END]) a
	WHERE a IS NOT NULL;
END;
COMMENT ON FUNCTION migrate.inherited_actions(json) IS
'actions of ALTER TABLE that give an inherited column its own default and NOT NULL';

CREATE FUNCTION migrate.columns_ddl(grant_phrase text, name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
	SELECT s.part, s.statement
	FROM (SELECT json_array_elements(definition->'columns') AS col
		  UNION ALL
		  SELECT json_array_elements(definition->'system_columns')) c,
	LATERAL (
		SELECT 6 AS part, g AS statement
		FROM migrate.acl_ddl(grant_phrase, 'c', c.col->'acl', definition->>'owner', c.col->>'name') g
		WHERE c.col->'acl' IS NOT NULL
		UNION ALL
		SELECT 7, format('COMMENT ON COLUMN %s.%I IS %L', name, c.col->>'name', c.col->>'comment')
		WHERE c.col->>'comment' IS NOT NULL
		UNION ALL
		SELECT 7, format('SECURITY LABEL FOR %I ON COLUMN %s.%I IS %L', l.key, name, c.col->>'name', l.value)
		FROM json_each_text(c.col->'labels') l) s
	WHERE definition->>'columns' LIKE '%"acl":%' OR definition->>'columns' LIKE '%"comment":%'
		OR definition->>'columns' LIKE '%"labels":%' OR definition->'system_columns' IS NOT NULL;
END;
COMMENT ON FUNCTION migrate.columns_ddl(text, text, json) IS
'statements for the privileges, comments and labels of the columns of a relation';

-- Tables ------------------------------------------------------------------------------

CREATE FUNCTION migrate.table_suffix(definition json) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT concat(
		' PARTITION BY ' || (definition->>'partition_by'),
		' USING ' || quote_ident(definition->>'access_method'),
		' WITH (' || nullif(concat_ws(', ', migrate.reloptions_ddl(definition->'options'),
			migrate.reloptions_ddl(definition->'toast_options', 'toast.')), '') || ')',
		' TABLESPACE ' || quote_ident(definition->>'tablespace'),
		' SERVER ' || quote_ident(definition->>'server'),
		' OPTIONS (' || migrate.options_ddl(definition->'fdw_options') || ')');
END;
COMMENT ON FUNCTION migrate.table_suffix(json) IS
'what follows the columns and parents in CREATE TABLE';

CREATE FUNCTION migrate.table_create(kind text, name text, definition json, parents text, with_default boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT concat('CREATE ', upper(definition->>'persistence') || ' ', upper(kind), ' ', name,
		CASE WHEN definition->>'of' IS NULL THEN
			' (' || coalesce((SELECT string_agg(E'\n\t' || migrate.column_clause(c.col, with_default), ',' ORDER BY c.place) || E'\n'
							  FROM json_array_elements(definition->'columns') WITH ORDINALITY c(col, place)
							  WHERE c.col->>'local' IS NULL), '') || ')'
		ELSE ' OF ' || (definition->>'of') || coalesce(
			(SELECT ' (' || string_agg(E'\n\t' || quote_ident(c.col->>'name') || ' WITH OPTIONS' || q.clause, ',' ORDER BY c.place) || E'\n)'
			 FROM json_array_elements(definition->'columns') WITH ORDINALITY c(col, place),
				migrate.column_constraints(c.col, with_default) q(clause)
			 WHERE q.clause <> ''), '') END,
		' INHERITS (' || parents || ')',
		migrate.table_suffix(definition));
END;
COMMENT ON FUNCTION migrate.table_create(text, text, json, text, boolean) IS
'CREATE TABLE with the columns that are its own.
parents: a list; with_default: with the defaults of columns.';

CREATE FUNCTION migrate.rearranged_ddl(kind text, name text, definition json, with_default boolean) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	helper text := migrate.schema_of(name) || '.migrate_ext_parent';
	col json;
	inherits boolean := definition->>'columns' LIKE '%"local":false%';
BEGIN
	IF inherits THEN
		RETURN NEXT format('CREATE TABLE %s ()', helper);
		RETURN NEXT concat('CREATE ', upper(definition->>'persistence') || ' ', upper(kind), ' ', name,
			' () INHERITS (', helper, ')', migrate.table_suffix(definition));
		FOR col IN SELECT json_array_elements(definition->'columns')
		LOOP
			RETURN NEXT format('ALTER TABLE %s ADD COLUMN %s',
				CASE WHEN col->>'local' = 'false' THEN helper ELSE name END, migrate.column_clause(col, with_default));
		END LOOP;
	ELSE
		RETURN NEXT migrate.table_create(kind, name, definition, NULL, with_default);
	END IF;
	RETURN QUERY SELECT format('ALTER %s %s INHERIT %s', upper(kind), name, p)
	FROM json_array_elements_text(definition->'inherits') p;
	IF inherits THEN
		RETURN NEXT format('ALTER %s %s NO INHERIT %s', upper(kind), name, helper);
		RETURN NEXT format('DROP TABLE %s', helper);
	END IF;
END
$$;
COMMENT ON FUNCTION migrate.rearranged_ddl(text, text, json, boolean) IS
'statements that create a child table that CREATE TABLE ... INHERITS cannot make, for the order of its columns.
Columns that it only inherits come through a parent made for the purpose: that alone leaves them marked as inherited.';

CREATE FUNCTION migrate.identity_ddl(definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT s.part, s.statement
	FROM json_array_elements(definition->'columns') WITH ORDINALITY c(col, place),
		LATERAL (SELECT c.col->'identity' AS d, c.col->'identity'->>'sequence' AS name) i,
		LATERAL (
			SELECT 0 AS part, format('ALTER SEQUENCE %s SET %s', i.name, upper(i.d->>'persistence')) AS statement
			WHERE i.d->>'persistence' IS NOT NULL
			UNION ALL
			SELECT m.part, m.statement
			FROM migrate.common_ddl('SEQUENCE ' || i.name, 'SEQUENCE ' || i.name, 's', i.d) m
			WHERE m.part <> 5) s
	WHERE i.d IS NOT NULL
	ORDER BY c.place;
END;
COMMENT ON FUNCTION migrate.identity_ddl(json) IS
'statements for what the sequences of identity columns have beside their counting';

CREATE FUNCTION migrate.table_ddl(kind text, name text, definition json, split boolean)
RETURNS TABLE (part integer, statement text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	child boolean := definition->>'inherits' IS NOT NULL;
	phrase text := upper(kind) || ' ' || name;
BEGIN
	IF child AND definition->>'rearranged' IS NOT NULL THEN
		RETURN QUERY SELECT 0, r FROM migrate.rearranged_ddl(kind, name, definition, NOT split) r;
	ELSE
		RETURN QUERY SELECT 0, migrate.table_create(kind, name, definition,
			(SELECT string_agg(p, ', ') FROM json_array_elements_text(definition->'inherits') p), NOT split);
	END IF;
	RETURN QUERY SELECT 0, format('ALTER %s ONLY %s %s', upper(kind), name, string_agg(a, ', ' ORDER BY c.place))
	FROM json_array_elements(definition->'columns') WITH ORDINALITY c(col, place),
		LATERAL (SELECT migrate.column_actions(c.col)) s(a)
	HAVING count(*) > 0;
	RETURN QUERY SELECT CASE WHEN split THEN 1 ELSE 0 END,
		format('ALTER %s ONLY %s %s', upper(kind), name, string_agg(a, ', ' ORDER BY c.place))
	FROM json_array_elements(definition->'columns') WITH ORDINALITY c(col, place),
		LATERAL (SELECT migrate.inherited_actions(c.col)) s(a)
	WHERE c.col->>'local' = 'false'
	HAVING count(*) > 0;
	IF split THEN
		RETURN QUERY SELECT 1, format('ALTER %s ONLY %s ALTER COLUMN %I SET DEFAULT %s', upper(kind), name,
			c.col->>'name', c.col->>'default')
		FROM json_array_elements(definition->'columns') WITH ORDINALITY c(col, place)
		WHERE c.col->>'default' IS NOT NULL AND c.col->>'local' IS NULL
		ORDER BY c.place;
	END IF;
	RETURN QUERY SELECT 0, format('ALTER TABLE ONLY %s ATTACH PARTITION %s %s',
		definition->>'partition_of', name, definition->>'partition_bound')
	WHERE definition->>'partition_of' IS NOT NULL;
	RETURN QUERY SELECT 2, format('ALTER TABLE ONLY %s %s', name, a)
	FROM unnest(ARRAY[
		'REPLICA IDENTITY ' || upper(nullif(definition->>'replica_identity', 'index')),
		CASE WHEN definition->>'row_security' IS NOT NULL THEN 'ENABLE ROW LEVEL SECURITY' END,
		CASE WHEN definition->>'force_row_security' IS NOT NULL THEN 'FORCE ROW LEVEL SECURITY' END]) a
	WHERE a IS NOT NULL;
	IF definition->>'columns' LIKE '%"identity":%' THEN
		RETURN QUERY SELECT i.part, i.statement FROM migrate.identity_ddl(definition) i;
	END IF;
	RETURN QUERY SELECT c.part, c.statement FROM migrate.common_ddl(phrase, 'TABLE ' || name, 'r', definition) c;
	RETURN QUERY SELECT c.part, c.statement FROM migrate.columns_ddl('TABLE ' || name, name, definition) c;
END
$$;
COMMENT ON FUNCTION migrate.table_ddl(text, text, json, boolean) IS
'statements that create a table.
split: leave defaults to part 1.';

-- Views and composite types ---------------------------------------------------------------

CREATE FUNCTION migrate.view_skeleton(definition json) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 'SELECT ' || string_agg(concat('NULL::', c.col->>'type', ' COLLATE ' || (c.col->>'collation'),
		' AS ', quote_ident(c.col->>'name')), ', ' ORDER BY c.place)
	FROM json_array_elements(definition->'columns') WITH ORDINALITY c(col, place);
END;
COMMENT ON FUNCTION migrate.view_skeleton(json) IS
'a query with the columns of a view, and nothing it depends on but types';

CREATE FUNCTION migrate.view_ddl(name text, definition json, split boolean)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
	SELECT 0, format('CREATE VIEW %s AS %s', name, migrate.view_skeleton(definition)) WHERE split
	UNION ALL
	SELECT CASE WHEN split THEN 1 ELSE 0 END,
		concat('CREATE ', CASE WHEN split THEN 'OR REPLACE ' END, 'VIEW ', name,
			' WITH (' || migrate.reloptions_ddl(definition->'options') || ')', E' AS\n', definition->>'create')
	UNION ALL
	SELECT CASE WHEN split THEN 1 ELSE 0 END,
		format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s', name, c->>'name', c->>'default')
	FROM json_array_elements(definition->'columns') c
	WHERE c->>'default' IS NOT NULL
	UNION ALL
	SELECT c.part, c.statement FROM migrate.common_ddl('VIEW ' || name, 'TABLE ' || name, 'r', definition) c
	UNION ALL
	SELECT c.part, c.statement FROM migrate.columns_ddl('TABLE ' || name, name, definition) c;
END;
COMMENT ON FUNCTION migrate.view_ddl(text, json, boolean) IS
'statements that create a view.
split: first one that only has the columns.';

CREATE FUNCTION migrate.materialized_view_ddl(name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
	SELECT 0, concat('CREATE MATERIALIZED VIEW ', name, migrate.table_suffix(definition), E' AS\n',
		definition->>'create', E'\nWITH NO DATA')
	UNION ALL
	SELECT 0, format('ALTER MATERIALIZED VIEW %s %s', name, string_agg(a, ', ' ORDER BY c.place))
	FROM json_array_elements(definition->'columns') WITH ORDINALITY c(col, place),
		LATERAL (SELECT migrate.column_actions(c.col)) s(a)
	HAVING count(*) > 0
	UNION ALL
	SELECT 8, 'REFRESH MATERIALIZED VIEW ' || name
	WHERE definition->>'populated' = 'true'
	UNION ALL
	SELECT c.part, c.statement FROM migrate.common_ddl('MATERIALIZED VIEW ' || name, 'TABLE ' || name, 'r', definition) c
	UNION ALL
	SELECT c.part, c.statement FROM migrate.columns_ddl('TABLE ' || name, name, definition) c;
END;
COMMENT ON FUNCTION migrate.materialized_view_ddl(text, json) IS 'statements that create a materialized view';

CREATE FUNCTION migrate.composite_type_ddl(name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	SELECT 0, format('CREATE TYPE %s AS (%s)', name,
		(SELECT string_agg(E'\n\t' || migrate.column_clause(c.col, false), ',' ORDER BY c.place) || E'\n'
		 FROM json_array_elements(definition->'columns') WITH ORDINALITY c(col, place)))
	UNION ALL
	SELECT c.part, c.statement FROM migrate.common_ddl('TYPE ' || name, 'TYPE ' || name, 'T', definition) c
	UNION ALL
	SELECT c.part, c.statement FROM migrate.columns_ddl('TYPE ' || name, name, definition) c;
END;
COMMENT ON FUNCTION migrate.composite_type_ddl(text, json) IS 'statements that create a composite type';

-- Indexes and constraints -------------------------------------------------------------------

CREATE FUNCTION migrate.index_ddl(name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	SELECT 0, definition->>'create'
	UNION ALL
	SELECT 0, format('ALTER INDEX %s SET TABLESPACE %I', name, definition->>'tablespace')
	WHERE definition->>'tablespace' IS NOT NULL
	UNION ALL
	SELECT 0, format('ALTER INDEX %s ATTACH PARTITION %s', definition->>'partition_of', name)
	WHERE definition->>'partition_of' IS NOT NULL
	UNION ALL
	SELECT 0, format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', name, s.key, s.value)
	FROM json_each_text(definition->'statistics') s
	UNION ALL
	SELECT 2, format('ALTER TABLE %s CLUSTER ON %s', definition->>'table', migrate.unqualified(name))
	WHERE definition->>'clustered' IS NOT NULL
	UNION ALL
	SELECT 2, format('ALTER TABLE ONLY %s REPLICA IDENTITY USING INDEX %s', definition->>'table', migrate.unqualified(name))
	WHERE definition->>'replica_identity' IS NOT NULL
	UNION ALL
	SELECT c.part, c.statement FROM migrate.common_ddl('INDEX ' || name, NULL, NULL, definition) c;
END;
COMMENT ON FUNCTION migrate.index_ddl(text, json) IS 'statements that create an index';

CREATE FUNCTION migrate.constraint_ddl(name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	SELECT s.part, s.statement
	FROM migrate.split_name(name) n,
	LATERAL (SELECT migrate.schema_of(n.relation) || '.' || n.own AS index) x,
	LATERAL (
		-- checks and foreign keys reach the children
		SELECT 0 AS part, format('ALTER TABLE %s%s ADD CONSTRAINT %s %s',
			CASE WHEN definition->>'create' ~ '^(PRIMARY|UNIQUE|EXCLUDE)' THEN 'ONLY ' END,
			n.relation, n.own, definition->>'create') AS statement
		UNION ALL
		SELECT 0, format('ALTER INDEX %s SET (%s)', x.index, migrate.reloptions_ddl(definition->'index_options'))
		WHERE definition->>'index_options' IS NOT NULL
		UNION ALL
		SELECT 0, format('ALTER INDEX %s SET TABLESPACE %I', x.index, definition->>'index_tablespace')
		WHERE definition->>'index_tablespace' IS NOT NULL
		UNION ALL
		SELECT 0, format('ALTER INDEX %s ATTACH PARTITION %s', definition->>'partition_of', x.index)
		WHERE definition->>'partition_of' IS NOT NULL
		UNION ALL
		SELECT 0, format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', x.index, i.key, i.value)
		FROM json_each_text(definition->'index_statistics') i
		UNION ALL
		SELECT 2, format('ALTER TABLE %s CLUSTER ON %s', n.relation, n.own)
		WHERE definition->>'clustered' IS NOT NULL
		UNION ALL
		SELECT 2, format('ALTER TABLE ONLY %s REPLICA IDENTITY USING INDEX %s', n.relation, n.own)
		WHERE definition->>'replica_identity' IS NOT NULL
		UNION ALL
		SELECT 7, format('COMMENT ON INDEX %s IS %L', x.index, definition->>'index_comment')
		WHERE definition->>'index_comment' IS NOT NULL
		UNION ALL
		SELECT c.part, c.statement
		FROM migrate.common_ddl(format('CONSTRAINT %s ON %s', n.own, n.relation), NULL, NULL, definition) c) s;
END;
COMMENT ON FUNCTION migrate.constraint_ddl(text, json) IS 'statements that create a constraint of a table';

-- Triggers, rules, policies, statistics --------------------------------------------------------

CREATE FUNCTION migrate.firing_ddl(kind text, name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT s.part, s.statement
	FROM migrate.split_name(name) n,
	LATERAL (
		SELECT 0 AS part, definition->>'create' AS statement
		WHERE definition->>'create' IS NOT NULL
		UNION ALL
		SELECT 0, format('ALTER TABLE %s %s %s %s', n.relation,
			CASE definition->>'enabled' WHEN 'disabled' THEN 'DISABLE' WHEN 'origin' THEN 'ENABLE'
				ELSE 'ENABLE ' || upper(definition->>'enabled') END, upper(kind), n.own)
		WHERE definition->>'enabled' IS NOT NULL
		UNION ALL
		SELECT c.part, c.statement
		FROM migrate.common_ddl(format('%s %s ON %s', upper(kind), n.own, n.relation), NULL, NULL, definition) c) s;
END;
COMMENT ON FUNCTION migrate.firing_ddl(text, text, json) IS 'statements that create a trigger or rule';

CREATE FUNCTION migrate.policy_ddl(name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT s.part, s.statement
	FROM migrate.split_name(name) n,
	LATERAL (
		SELECT 0 AS part, concat('CREATE POLICY ', n.own, ' ON ', n.relation,
			CASE WHEN definition->>'restrictive' IS NOT NULL THEN ' AS RESTRICTIVE' END,
			' FOR ' || upper(definition->>'command'),
			' TO ' || (SELECT string_agg(quote_ident(r), ', ') FROM json_array_elements_text(definition->'roles') r),
			' USING (' || (definition->>'using') || ')',
			' WITH CHECK (' || (definition->>'with_check') || ')') AS statement
		UNION ALL
		SELECT c.part, c.statement
		FROM migrate.common_ddl(format('POLICY %s ON %s', n.own, n.relation), NULL, NULL, definition) c) s;
END;
COMMENT ON FUNCTION migrate.policy_ddl(text, json) IS 'statements that create a row-level security policy';

CREATE FUNCTION migrate.statistics_ddl(name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	SELECT 0, definition->>'create'
	UNION ALL
	SELECT 0, format('ALTER STATISTICS %s SET STATISTICS %s', name, definition->>'target')
	WHERE definition->>'target' IS NOT NULL
	UNION ALL
	SELECT c.part, c.statement FROM migrate.common_ddl('STATISTICS ' || name, NULL, NULL, definition) c;
END;
COMMENT ON FUNCTION migrate.statistics_ddl(text, json) IS 'statements that create an extended statistics object';

CREATE FUNCTION migrate.relation_ddl(kind text, name text, definition json, split boolean DEFAULT false)
RETURNS TABLE (part integer, statement text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CASE kind
		WHEN 'schema' THEN
			RETURN QUERY SELECT * FROM migrate.schema_ddl(name, definition);
		WHEN 'table', 'foreign table' THEN
			RETURN QUERY SELECT * FROM migrate.table_ddl(kind, name, definition, split);
		WHEN 'sequence' THEN
			RETURN QUERY SELECT * FROM migrate.sequence_ddl(name, definition);
		WHEN 'view' THEN
			RETURN QUERY SELECT * FROM migrate.view_ddl(name, definition, split);
		WHEN 'materialized view' THEN
			RETURN QUERY SELECT * FROM migrate.materialized_view_ddl(name, definition);
		WHEN 'composite type' THEN
			RETURN QUERY SELECT * FROM migrate.composite_type_ddl(name, definition);
		WHEN 'index' THEN
			RETURN QUERY SELECT * FROM migrate.index_ddl(name, definition);
		WHEN 'constraint' THEN
			RETURN QUERY SELECT * FROM migrate.constraint_ddl(name, definition);
		WHEN 'trigger', 'rule' THEN
			RETURN QUERY SELECT * FROM migrate.firing_ddl(kind, name, definition);
		WHEN 'policy' THEN
			RETURN QUERY SELECT * FROM migrate.policy_ddl(name, definition);
		WHEN 'statistics' THEN
			RETURN QUERY SELECT * FROM migrate.statistics_ddl(name, definition);
	END CASE;
END
$$;
COMMENT ON FUNCTION migrate.relation_ddl(text, text, json, boolean) IS
'statements that create a schema, a relation, or what stands on one.
split: create it in two steps, part 0 without what may refer in a circle, and part 1.';
