/*
 * Write down scripts: the statements that lead from one snapshot back to an
 * earlier one.
 *
 * An object of the later snapshot is the one of the earlier with the same OID,
 * or else the same kind and name; so a rename is seen as one.  What differs is
 * altered where the server can, otherwise dropped and created again, together
 * with what depends on it.  Tables are never dropped to change them.
 */

CREATE FUNCTION migrate.object_drop(kind text, name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE kind
		WHEN 'constraint' THEN regexp_replace(name, '^("(?:[^"]|"")*"|[^" ]+) on (.*)$', 'ALTER TABLE \2 DROP CONSTRAINT \1')
		WHEN 'composite type' THEN 'DROP TYPE ' || name
		WHEN 'enum' THEN 'DROP TYPE ' || name
		WHEN 'range' THEN 'DROP TYPE ' || name
		WHEN 'base type' THEN 'DROP TYPE ' || name || ' CASCADE'
		WHEN 'shell type' THEN 'DROP TYPE ' || name
		WHEN 'foreign-data wrapper' THEN 'DROP FOREIGN DATA WRAPPER ' || name
		-- with a slot it could not be dropped in a transaction
		WHEN 'subscription' THEN format(E'-- its slot on the publisher stays, if it has one\nALTER SUBSCRIPTION %1$s DISABLE;\n'
			'ALTER SUBSCRIPTION %1$s SET (slot_name = NONE);\nDROP SUBSCRIPTION %1$s', name)
		WHEN 'aggregate' THEN 'DROP AGGREGATE ' || replace(name, '()', '(*)')
		ELSE 'DROP ' || upper(kind) || ' ' || name END;
END;
COMMENT ON FUNCTION migrate.object_drop(text, text) IS
'the statement that drops an object';

CREATE FUNCTION migrate.sequence_restart(counts json) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT concat('AS ', coalesce(counts ->> 'type', 'bigint'), ' INCREMENT BY ', coalesce(counts ->> 'increment', '1'),
		coalesce(' MINVALUE ' || (counts ->> 'min'), ' NO MINVALUE'), coalesce(' MAXVALUE ' || (counts ->> 'max'), ' NO MAXVALUE'),
		' START WITH ', coalesce(counts ->> 'start',
			CASE WHEN counts ->> 'increment' LIKE '-%' THEN coalesce(counts ->> 'max', '-1') ELSE coalesce(counts ->> 'min', '1') END),
		' CACHE ', coalesce(counts ->> 'cache', '1'), CASE WHEN counts ->> 'cycle' IS NULL THEN ' NO' END, ' CYCLE');
END;
COMMENT ON FUNCTION migrate.sequence_restart(json) IS
'how a sequence counts, for ALTER SEQUENCE: also what is the default';

-- Tables ---------------------------------------------------------------------------

CREATE FUNCTION migrate.column_alter(table_phrase text, have json, want json)
RETURNS TABLE (phase integer, statement text) LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	WITH c AS (
		SELECT table_phrase || ' ALTER COLUMN ' || quote_ident(want ->> 'name') AS alter,
			have ->> 'type' <> want ->> 'type' AS cast_needed,
			have ->> 'type' <> want ->> 'type'
				OR have ->> 'collation' IS DISTINCT FROM want ->> 'collation' AS retype,
			-- between types of which one is not the server's there may be no cast
			CASE WHEN (have ->> 'type') || (want ->> 'type') ~ '\.' THEN '::text' ELSE '' END AS via
	)
	-- a default of the old type may have no cast to the new one
	SELECT 1, c.alter || ' DROP DEFAULT' FROM c
	WHERE have ->> 'default' IS NOT NULL
		AND (c.retype OR have ->> 'default' IS DISTINCT FROM want ->> 'default')
	UNION ALL
	SELECT 1, c.alter || ' DROP IDENTITY' FROM c
	WHERE have -> 'identity' IS NOT NULL AND want -> 'identity' IS NULL
	UNION ALL
	SELECT 1, c.alter || ' DROP EXPRESSION' FROM c
	WHERE have ->> 'generated' IS NOT NULL AND want ->> 'generated' IS NULL
	UNION ALL
	SELECT 2, c.alter || ' TYPE ' || (want ->> 'type') || coalesce(' COLLATE ' || (want ->> 'collation'), '')
		|| CASE WHEN c.cast_needed THEN
			' USING ' || quote_ident(want ->> 'name') || c.via || '::' || (want ->> 'type') ELSE '' END
	FROM c WHERE c.retype
	UNION ALL
	SELECT 3, c.alter || ' SET DEFAULT ' || (want ->> 'default') FROM c
	WHERE want ->> 'default' IS NOT NULL
		AND (c.retype OR have ->> 'default' IS DISTINCT FROM want ->> 'default')
	UNION ALL
	SELECT 3, c.alter || CASE WHEN want ->> 'not_null' IS NULL THEN ' DROP NOT NULL' ELSE ' SET NOT NULL' END
	FROM c
	WHERE (have ->> 'not_null' IS NULL) <> (want ->> 'not_null' IS NULL)
	UNION ALL
	SELECT 4, c.alter || CASE WHEN have -> 'identity' IS NULL THEN ' ADD GENERATED ' ELSE ' SET GENERATED ' END
		|| upper(want -> 'identity' ->> 'generation') || CASE WHEN have -> 'identity' IS NULL THEN ' AS IDENTITY' ELSE '' END
	FROM c
	WHERE want -> 'identity' IS NOT NULL
		AND want -> 'identity' ->> 'generation' IS DISTINCT FROM have -> 'identity' ->> 'generation'
	UNION ALL
	SELECT 4, format('ALTER SEQUENCE %s %s', want -> 'identity' ->> 'sequence',
		migrate.sequence_restart(want -> 'identity' -> 'counts'))
	WHERE want -> 'identity' IS NOT NULL
		AND (want -> 'identity' -> 'counts')::text IS DISTINCT FROM coalesce((have -> 'identity' -> 'counts')::text, '{}')
	UNION ALL
	SELECT 4, c.alter || ' SET STORAGE ' || upper(coalesce(want ->> 'storage', 'extended')) FROM c
	WHERE want ->> 'storage' IS DISTINCT FROM have ->> 'storage'
	UNION ALL
	SELECT 4, c.alter || ' SET COMPRESSION ' || coalesce(want ->> 'compression', 'default') FROM c
	WHERE want ->> 'compression' IS DISTINCT FROM have ->> 'compression'
	UNION ALL
	SELECT 4, c.alter || ' SET STATISTICS ' || coalesce(want ->> 'statistics', '-1') FROM c
	WHERE want ->> 'statistics' IS DISTINCT FROM have ->> 'statistics'
	UNION ALL
	SELECT 4, c.alter || ' RESET (' || string_agg(quote_ident(o), ', ') || ')'
	FROM c, json_object_keys(have -> 'options') o
	WHERE want -> 'options' ->> o IS NULL
	GROUP BY c.alter
	UNION ALL
	SELECT 4, c.alter || ' SET (' || migrate.reloptions_ddl(want -> 'options') || ')' FROM c
	WHERE want -> 'options' IS NOT NULL AND (want -> 'options')::text IS DISTINCT FROM (have -> 'options')::text
	UNION ALL
	SELECT 6, format('COMMENT ON COLUMN %s.%I IS %L', regexp_replace(table_phrase, '^ALTER (FOREIGN )?(TABLE|TYPE) ', ''), want ->> 'name', want ->> 'comment')
	WHERE want ->> 'comment' IS DISTINCT FROM have ->> 'comment';
END;
COMMENT ON FUNCTION migrate.column_alter(text, json, json) IS
'statements that turn a column into another of the same name, in phases: 1 take away, 2 type, 3 add, 4 options, 6 comment.
table_phrase: such as ALTER TABLE public.t';

CREATE FUNCTION migrate.table_alter(kind text, name text, have json, want json)
RETURNS TABLE (phase integer, statement text) LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	WITH t AS (
		SELECT 'ALTER ' || CASE kind WHEN 'foreign table' THEN 'FOREIGN TABLE' WHEN 'composite type' THEN 'TYPE' ELSE 'TABLE' END
			|| ' ' || name AS alter,
			CASE kind WHEN 'composite type' THEN 'ATTRIBUTE' ELSE 'COLUMN' END AS column_noun
	), h AS (
		SELECT c.value ->> 'name' AS name, c.value AS def FROM json_array_elements(have -> 'columns') c
	), w AS (
		SELECT c.value ->> 'name' AS name, c.value AS def, c.ordinality AS place
		FROM json_array_elements(want -> 'columns') WITH ORDINALITY c
	), pair AS (
		-- what is computed from other columns can only be made again
		SELECT w.place, w.name, h.def AS have, w.def AS want,
			w.def ->> 'generated' IS NOT NULL AND w.def ->> 'generated' IS DISTINCT FROM h.def ->> 'generated' AS again
		FROM h JOIN w ON w.name = h.name
		WHERE h.def::text <> w.def::text
	)
	SELECT 1, format('%s DROP %s %I', t.alter, t.column_noun, h.name)
	FROM t, h
	WHERE h.name NOT IN (SELECT w.name FROM w) AND h.def ->> 'local' IS NULL
	UNION ALL
	SELECT 1, format('%s DROP COLUMN %I', t.alter, p.name) FROM t, pair p WHERE p.again
	UNION ALL
	SELECT 1, format('%s NO INHERIT %s', t.alter, i)
	FROM t, json_array_elements_text(have -> 'inherits') i
	WHERE i NOT IN (SELECT json_array_elements_text(want -> 'inherits'))
	UNION ALL
	SELECT 1, format('ALTER TABLE %s DETACH PARTITION %s', have ->> 'partition_of', name)
	WHERE have ->> 'partition_of' IS NOT NULL
		AND (want ->> 'partition_of' IS DISTINCT FROM have ->> 'partition_of'
			OR want ->> 'partition_bound' IS DISTINCT FROM have ->> 'partition_bound')
	UNION ALL
	-- NOT NULL comes apart, after kept rows had their chance to come back
	SELECT 3, x.statement
	FROM t, w, LATERAL (VALUES
		(1, format('%s ADD %s %s', t.alter, t.column_noun, migrate.column_clause(CASE WHEN w.def -> 'identity' IS NULL THEN (w.def::jsonb - 'not_null')::json ELSE w.def END, true))),
		(2, CASE WHEN w.def ->> 'not_null' IS NOT NULL AND w.def -> 'identity' IS NULL THEN
			format('%s ALTER COLUMN %I SET NOT NULL', t.alter, w.name) END),
		(3, CASE WHEN w.def ->> 'comment' IS NOT NULL THEN
			format('COMMENT ON COLUMN %s.%I IS %L', name, w.name, w.def ->> 'comment') END)) x (step, statement)
	WHERE x.statement IS NOT NULL AND w.def ->> 'local' IS NULL
		AND (w.name NOT IN (SELECT h.name FROM h) OR w.name IN (SELECT p.name FROM pair p WHERE p.again))
	UNION ALL
	SELECT c.phase, c.statement
	FROM t, pair p, migrate.column_alter(t.alter, p.have, p.want) c WHERE NOT p.again
	UNION ALL
	SELECT 4, format('%s INHERIT %s', t.alter, i)
	FROM t, json_array_elements_text(want -> 'inherits') i
	WHERE i NOT IN (SELECT json_array_elements_text(have -> 'inherits'))
	UNION ALL
	SELECT 4, format('ALTER TABLE %s ATTACH PARTITION %s %s', want ->> 'partition_of', name, want ->> 'partition_bound')
	WHERE want ->> 'partition_of' IS NOT NULL
		AND (want ->> 'partition_of' IS DISTINCT FROM have ->> 'partition_of'
			OR want ->> 'partition_bound' IS DISTINCT FROM have ->> 'partition_bound')
	UNION ALL
	SELECT 4, t.alter || CASE WHEN want ->> 'row_security' IS NULL THEN ' DISABLE' ELSE ' ENABLE' END || ' ROW LEVEL SECURITY'
	FROM t WHERE want ->> 'row_security' IS DISTINCT FROM have ->> 'row_security'
	UNION ALL
	SELECT 4, t.alter || CASE WHEN want ->> 'force_row_security' IS NULL THEN ' NO' ELSE '' END || ' FORCE ROW LEVEL SECURITY'
	FROM t WHERE want ->> 'force_row_security' IS DISTINCT FROM have ->> 'force_row_security'
	UNION ALL
	SELECT 4, t.alter || ' SET ' || CASE WHEN want ->> 'persistence' IS NULL THEN 'LOGGED' ELSE 'UNLOGGED' END
	FROM t WHERE want ->> 'persistence' IS DISTINCT FROM have ->> 'persistence'
	UNION ALL
	SELECT 4, t.alter || ' RESET (' || string_agg(quote_ident(o), ', ') || ')'
	FROM t, json_object_keys(have -> 'options') o
	WHERE want -> 'options' ->> o IS NULL
	GROUP BY t.alter
	UNION ALL
	SELECT 4, t.alter || ' SET (' || migrate.reloptions_ddl(want -> 'options') || ')'
	FROM t WHERE want -> 'options' IS NOT NULL AND (want -> 'options')::text IS DISTINCT FROM (have -> 'options')::text
	UNION ALL
	SELECT 4, t.alter || ' REPLICA IDENTITY ' || coalesce(want ->> 'replica_identity', 'DEFAULT')
	FROM t WHERE want ->> 'replica_identity' IS DISTINCT FROM have ->> 'replica_identity'
	UNION ALL
	SELECT 4, t.alter || ' SET TABLESPACE ' || coalesce(quote_ident(want ->> 'tablespace'), 'pg_default')
	FROM t WHERE want ->> 'tablespace' IS DISTINCT FROM have ->> 'tablespace';
END;
COMMENT ON FUNCTION migrate.table_alter(text, text, json, json) IS
'statements that turn a table, foreign table or composite type into another, in phases: 1 take away, 2 types of columns, 3 add, 4 options, 6 comments on columns; privileges on columns are not among them';

-- Other objects ----------------------------------------------------------------------

CREATE FUNCTION migrate.sequence_alter(name text, have json, want json)
RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	SELECT format('ALTER SEQUENCE %s %s', name, migrate.sequence_restart(want -> 'counts'))
	WHERE (want -> 'counts')::text IS DISTINCT FROM (have -> 'counts')::text
	UNION ALL
	SELECT format('ALTER SEQUENCE %s OWNED BY %s', name, coalesce(want ->> 'owned_by', 'NONE'))
	WHERE want ->> 'owned_by' IS DISTINCT FROM have ->> 'owned_by'
	UNION ALL
	SELECT format('ALTER SEQUENCE %s SET %s', name, CASE WHEN want ->> 'persistence' IS NULL THEN 'LOGGED' ELSE 'UNLOGGED' END)
	WHERE want ->> 'persistence' IS DISTINCT FROM have ->> 'persistence';
END;
COMMENT ON FUNCTION migrate.sequence_alter(text, json, json) IS
'statements that turn a sequence into another';

CREATE FUNCTION migrate.domain_alter(name text, have json, want json)
RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	SELECT format('ALTER DOMAIN %s DROP CONSTRAINT %I', name, c.key)
	FROM json_each_text(have -> 'constraints') c
	WHERE c.value IS DISTINCT FROM want -> 'constraints' ->> c.key
	UNION ALL
	SELECT format('ALTER DOMAIN %s %s', name, coalesce('SET DEFAULT ' || (want ->> 'default'), 'DROP DEFAULT'))
	WHERE want ->> 'default' IS DISTINCT FROM have ->> 'default'
	UNION ALL
	SELECT format('ALTER DOMAIN %s %s NOT NULL', name, CASE WHEN want ->> 'not_null' IS NULL THEN 'DROP' ELSE 'SET' END)
	WHERE want ->> 'not_null' IS DISTINCT FROM have ->> 'not_null'
	UNION ALL
	SELECT format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', name, c.key, c.value)
	FROM json_each_text(want -> 'constraints') c
	WHERE c.value IS DISTINCT FROM have -> 'constraints' ->> c.key;
END;
COMMENT ON FUNCTION migrate.domain_alter(text, json, json) IS
'statements that turn a domain into another over the same type';

CREATE FUNCTION migrate.enum_alter(name text, have json, want json)
RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	SELECT format('ALTER TYPE %s RENAME VALUE %L TO %L', name, h.value, w.value)
	FROM json_array_elements_text(have -> 'values') WITH ORDINALITY h
	JOIN json_array_elements_text(want -> 'values') WITH ORDINALITY w ON w.ordinality = h.ordinality
	WHERE h.value <> w.value;
END;
COMMENT ON FUNCTION migrate.enum_alter(text, json, json) IS
'statements that turn an enum into another with as many values';

-- From snapshot to snapshot -----------------------------------------------------------

CREATE TYPE migrate.rollback_item AS (
	key			bigint,			-- of the later snapshot, or the earlier if only there
	want_key	bigint,			-- of the earlier snapshot
	kind		text,
	later_name	text,			-- in the later snapshot; NULL = not there
	have_name	text,			-- the same, after what it stands on is renamed
	want_name	text,			-- in the earlier snapshot; NULL = not there
	have		json,
	want		json,
	have_needs	bigint[],
	want_needs	bigint[],
	have_attnums	smallint[],		-- of a table: the numbers of its columns
	want_attnums	smallint[],
	same_object	boolean,		-- known by OID, not only by name
	action		text			-- create, drop, replace, alter
);
COMMENT ON TYPE migrate.rollback_item IS
'an object that a down script must do something about';

CREATE FUNCTION migrate.numbered_columns(definition json, attnums smallint[])
RETURNS TABLE (number smallint, name text) LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
	SELECT attnums[c.ordinality], c.value ->> 'name'
	FROM json_array_elements(definition -> 'columns') WITH ORDINALITY c;
END;
COMMENT ON FUNCTION migrate.numbered_columns(json, smallint[]) IS
'the columns of a table with their numbers';

CREATE FUNCTION migrate.renamed_columns(item migrate.rollback_item)
RETURNS TABLE (old_name text, new_name text) LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT h.name, w.name
	FROM migrate.numbered_columns((item).have, (item).have_attnums) h
	JOIN migrate.numbered_columns((item).want, (item).want_attnums) w ON w.number = h.number
	WHERE h.name <> w.name AND (item).same_object;
END;
COMMENT ON FUNCTION migrate.renamed_columns(migrate.rollback_item) IS
'the columns of a table that have another name now';

CREATE FUNCTION migrate.columns_in_way(item migrate.rollback_item) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT array_agg(h.name ORDER BY h.number)
	FROM migrate.numbered_columns((item).have, (item).have_attnums) h
	WHERE (item).same_object
		AND h.name IN (SELECT r.new_name FROM migrate.renamed_columns(item) r)
		AND h.number NOT IN (SELECT w.number FROM migrate.numbered_columns((item).want, (item).want_attnums) w);
END;
COMMENT ON FUNCTION migrate.columns_in_way(migrate.rollback_item) IS
'the columns of a table that go, and whose names others get back; NULL = none';

CREATE FUNCTION migrate.rename_columns_ddl(item migrate.rollback_item) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	WITH r AS (
		SELECT r.old_name, r.new_name,
			-- its new name is still the old one of another
			CASE WHEN r.new_name IN (SELECT o.old_name FROM migrate.renamed_columns(item) o)
				THEN 'migrate_ext_' || md5(r.old_name) END AS aside
		FROM migrate.renamed_columns(item) r
	)
	SELECT format('ALTER TABLE %s DROP COLUMN %I', (item).want_name, c)
	FROM unnest(migrate.columns_in_way(item)) c
	UNION ALL
	SELECT format('ALTER TABLE %s RENAME COLUMN %I TO %I', (item).want_name, r.old_name, r.aside)
	FROM r WHERE r.aside IS NOT NULL
	UNION ALL
	SELECT format('ALTER TABLE %s RENAME COLUMN %I TO %I', (item).want_name, r.old_name, r.new_name)
	FROM r WHERE r.aside IS NULL
	UNION ALL
	SELECT format('ALTER TABLE %s RENAME COLUMN %I TO %I', (item).want_name, r.aside, r.new_name)
	FROM r WHERE r.aside IS NOT NULL;
END;
COMMENT ON FUNCTION migrate.rename_columns_ddl(migrate.rollback_item) IS
'statements that give the columns of a table their earlier names';

CREATE FUNCTION migrate.rollback_action(kind text, have json, want json) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE
		WHEN have IS NULL THEN 'create'
		WHEN want IS NULL THEN 'drop'
		WHEN (have::jsonb - '{owner,acl,comment,labels}'::text[]) = (want::jsonb - '{owner,acl,comment,labels}'::text[]) THEN 'alter'
		WHEN kind IN ('table', 'foreign table', 'sequence', 'schema', 'extension', 'composite type', 'subscription') THEN 'alter'
		WHEN kind = 'domain' AND have ->> 'type' = want ->> 'type' THEN 'alter'
		WHEN kind = 'enum' AND json_array_length(have -> 'values') = json_array_length(want -> 'values') THEN 'alter'
		WHEN kind = 'enum' THEN 'retype'
		WHEN kind IN ('function', 'procedure')
			AND split_part(have ->> 'create', E'\n LANGUAGE', 1) = split_part(want ->> 'create', E'\n LANGUAGE', 1) THEN 'alter'
		WHEN kind = 'view' AND json_array_length(have -> 'columns') <= json_array_length(want -> 'columns')
			AND NOT EXISTS (
				SELECT FROM json_array_elements(have -> 'columns') WITH ORDINALITY h
				JOIN json_array_elements(want -> 'columns') WITH ORDINALITY w ON w.ordinality = h.ordinality
				WHERE h.value ->> 'name' <> w.value ->> 'name' OR h.value ->> 'type' <> w.value ->> 'type') THEN 'alter'
		ELSE 'replace' END;
END;
COMMENT ON FUNCTION migrate.rollback_action(text, json, json) IS
'what turns an object into another: create, drop, alter, retype (an enum, with the columns of it), replace (drop and create)';

CREATE FUNCTION migrate.rename_columns(definition json, old_names text[], new_names text[]) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN old_names IS NULL THEN definition ELSE
		jsonb_set(definition::jsonb, '{columns}', (
			SELECT jsonb_agg(CASE WHEN array_position(old_names, c.value ->> 'name') IS NULL THEN c.value
				ELSE jsonb_set(c.value, '{name}', to_jsonb(new_names[array_position(old_names, c.value ->> 'name')])) END
				ORDER BY c.ordinality)
			FROM jsonb_array_elements(definition::jsonb -> 'columns') WITH ORDINALITY c
			WHERE c.value ->> 'name' <> ALL (new_names) OR c.value ->> 'name' = ANY (old_names)))::json END;
END;
COMMENT ON FUNCTION migrate.rename_columns(json, text[], text[]) IS
'a table''s definition with other names of columns, without those that had these names';

CREATE FUNCTION migrate.rollback_items(later bigint, earlier bigint) RETURNS SETOF migrate.rollback_item
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
	WITH h AS MATERIALIZED (
		SELECT * FROM migrate.snapshot_objects(later)
	), w AS MATERIALIZED (
		SELECT * FROM migrate.snapshot_objects(earlier)
	), same_object AS (
		SELECT h.key AS have_key, w.key AS want_key
		FROM h JOIN w ON w.object = h.object AND w.class = h.class AND w.kind = h.kind
	), same_name AS (
		SELECT h.key AS have_key, w.key AS want_key
		FROM h JOIN w ON w.kind = h.kind AND w.name = h.name
		WHERE h.key NOT IN (SELECT s.have_key FROM same_object s) AND w.key NOT IN (SELECT s.want_key FROM same_object s)
	), pair AS (
		SELECT * FROM same_object UNION ALL SELECT * FROM same_name
	)
	SELECT coalesce(h.key, w.key), w.key, coalesce(h.kind, w.kind), h.name, h.name, w.name, h.definition, w.definition, h.needs, w.needs,
		h.attnums, w.attnums, coalesce(h.object = w.object AND h.class = w.class, false),
		migrate.rollback_action(coalesce(h.kind, w.kind), h.definition, w.definition)
	FROM (SELECT p.have_key, p.want_key FROM pair p
		  UNION ALL SELECT h.key, NULL FROM h WHERE h.key NOT IN (SELECT p.have_key FROM pair p)
		  UNION ALL SELECT NULL, w.key FROM w WHERE w.key NOT IN (SELECT p.want_key FROM pair p)) p
	LEFT JOIN h ON h.key = p.have_key
	LEFT JOIN w ON w.key = p.want_key
	WHERE h.digest IS DISTINCT FROM w.digest OR h.name IS DISTINCT FROM w.name;
END;
COMMENT ON FUNCTION migrate.rollback_items(bigint, bigint) IS
'what differs between a snapshot and an earlier one, object by object';

-- Whether a definition mentions one of these names as a word.
CREATE FUNCTION migrate.mentions(definition json, names text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT EXISTS (
		SELECT FROM unnest(names) n
		WHERE definition::text ~ ('(^|\W)' || regexp_replace(n, '(\W)', '\\\1', 'g') || '(\W|$)'));
END;
COMMENT ON FUNCTION migrate.mentions(json, text[]) IS
'whether a definition mentions one of these names';

CREATE FUNCTION migrate.lost_columns(have json, want json) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT array_agg(h.value ->> 'name')
	FROM json_array_elements(have -> 'columns') h
	LEFT JOIN json_array_elements(want -> 'columns') w ON w.value ->> 'name' = h.value ->> 'name'
	WHERE w.value IS NULL OR w.value ->> 'type' <> h.value ->> 'type'
		OR w.value ->> 'collation' IS DISTINCT FROM h.value ->> 'collation'
		OR w.value ->> 'generated' IS NOT NULL AND w.value ->> 'generated' IS DISTINCT FROM h.value ->> 'generated';
END;
COMMENT ON FUNCTION migrate.lost_columns(json, json) IS
'columns that go, or get another type: what depends on them must go first; NULL = none';

CREATE FUNCTION migrate.without_renames(items migrate.rollback_item[]) RETURNS SETOF migrate.rollback_item
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item migrate.rollback_item;
	other migrate.rollback_item;
	names record;
	text_now text;
	own_now text;
BEGIN
	FOREACH item IN ARRAY items
	LOOP
		IF item.have IS NOT NULL THEN
			text_now := item.have::text;
			own_now := item.have_name;
			FOREACH other IN ARRAY items
			LOOP
				CONTINUE WHEN other.have IS NULL OR other.want IS NULL OR other.key = item.key;
				IF other.have_name <> other.want_name AND other.kind = 'schema' THEN
					text_now := regexp_replace(text_now, '(^|[^\w.])' || other.have_name || '\.', '\1' || other.want_name || '.', 'g');
					own_now := regexp_replace(own_now, '(^| )' || other.have_name || '\.', '\1' || other.want_name || '.', 'g');
				ELSIF other.have_name <> other.want_name AND other.key = ANY (item.have_needs) THEN
					text_now := replace(text_now, other.have_name, other.want_name);
					own_now := replace(own_now, ' on ' || other.have_name, ' on ' || other.want_name);
				END IF;
				IF other.kind IN ('table', 'foreign table', 'view') AND other.key = ANY (item.have_needs) THEN
					FOR names IN SELECT * FROM migrate.renamed_columns(other)
					LOOP
						text_now := regexp_replace(text_now, '\m' || names.old_name || '\M', names.new_name, 'g');
					END LOOP;
				END IF;
			END LOOP;
			-- the columns of a view keep their names
			IF item.want IS NOT NULL AND text_now <> item.have::text AND text_now = item.want::text
				AND (item.kind NOT IN ('view', 'materialized view') OR (item.have -> 'columns')::text = (item.want -> 'columns')::text) THEN
				CONTINUE WHEN own_now = item.want_name;
				item.have := item.want;
				item.action := 'alter';
			END IF;
			item.have_name := own_now;
		END IF;
		RETURN NEXT item;
	END LOOP;
END
$$;
COMMENT ON FUNCTION migrate.without_renames(migrate.rollback_item[]) IS
'the same items, less those that follow by themselves when what they stand on is renamed';

CREATE FUNCTION migrate.with_dependents(items migrate.rollback_item[], later bigint, earlier bigint) RETURNS SETOF migrate.rollback_item
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
	WITH RECURSIVE item AS (
		SELECT * FROM unnest(items)
	), h AS MATERIALIZED (
		SELECT * FROM migrate.snapshot_objects(later)
		WHERE kind NOT IN ('table', 'foreign table', 'sequence', 'schema', 'composite type', 'enum', 'domain', 'range', 'base type', 'extension')
	), edge AS MATERIALIZED (
		SELECT h.key, n.need FROM h, unnest(h.needs) AS n(need)
	), gone (key) AS (
		SELECT i.key FROM item i WHERE i.action IN ('drop', 'replace', 'retype')
		UNION
		SELECT h.key FROM item i
		CROSS JOIN LATERAL (SELECT array_agg(r.old_name) AS old_names, array_agg(r.new_name) AS new_names
							FROM migrate.renamed_columns(i) r WHERE i.kind IN ('table', 'foreign table')) r
		CROSS JOIN LATERAL array_cat(migrate.columns_in_way(i),
			migrate.lost_columns(migrate.rename_columns(i.have, r.old_names, r.new_names), i.want)) lost
		JOIN edge e ON e.need = i.key
		JOIN h ON h.key = e.key
		WHERE i.action = 'alter' AND i.kind IN ('table', 'foreign table') AND CASE
			WHEN h.kind NOT IN ('index', 'constraint') THEN migrate.mentions(h.definition, lost)
			-- it goes with a column, or its text is of another one when columns have changed names
			WHEN r.old_names IS NOT NULL THEN migrate.mentions(h.definition, array_cat(r.old_names, migrate.columns_in_way(i)))
				AND EXISTS (SELECT FROM migrate.snapshot_objects(earlier) w
							WHERE w.key = h.key AND w.definition ->> 'create' = h.definition ->> 'create')
			ELSE false END
		UNION
		SELECT e.key FROM gone g JOIN edge e ON e.need = g.key
	)
	SELECT i.key, i.want_key, i.kind, i.later_name, i.have_name, i.want_name, i.have, i.want, i.have_needs, i.want_needs,
		i.have_attnums, i.want_attnums, i.same_object,
		CASE WHEN i.action = 'alter' AND i.key IN (SELECT g.key FROM gone g) THEN 'replace' ELSE i.action END
	FROM item i
	UNION ALL
	SELECT h.key, w.key, h.kind, h.name, h.name, w.name, h.definition, w.definition, h.needs, w.needs, h.attnums, w.attnums, true, 'replace'
	FROM gone g
	JOIN h ON h.key = g.key
	JOIN migrate.snapshot_objects(earlier) w ON w.key = h.key
	WHERE g.key NOT IN (SELECT i.key FROM item i);
END;
COMMENT ON FUNCTION migrate.with_dependents(migrate.rollback_item[], bigint, bigint) IS
'the same items, and what must be dropped and created again because it depends on what goes';

CREATE FUNCTION migrate.kind_rank(kind text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce(array_position(ARRAY['schema', 'extension', 'language', 'shell type', 'enum', 'composite type', 'domain',
		'range', 'base type', 'sequence', 'function', 'table', 'foreign table', 'constraint', 'index', 'view',
		'materialized view', 'rule', 'trigger', 'policy', 'event trigger', 'default privileges'], kind), 11);
END;
COMMENT ON FUNCTION migrate.kind_rank(text) IS
'the usual order of creation, where dependencies do not say';

CREATE FUNCTION migrate.rollback_order(items migrate.rollback_item[], by_have boolean) RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ordered bigint[] := '{}';
	waiting bigint[] := ARRAY(SELECT i.key FROM unnest(items) i);
	ready bigint[];
BEGIN
	WHILE waiting <> '{}'
	LOOP
		SELECT array_agg(i.key ORDER BY migrate.kind_rank(i.kind), coalesce(i.want ->> 'create' LIKE 'FOREIGN KEY%', false), i.have_name, i.want_name)
		INTO ready
		FROM unnest(items) i
		WHERE i.key = ANY (waiting)
			AND NOT EXISTS (
				SELECT FROM unnest(items) n
				WHERE n.key = ANY (waiting) AND n.key <> i.key
					AND CASE WHEN by_have THEN n.key = ANY (i.have_needs) ELSE n.want_key = ANY (i.want_needs) END);
		-- a circle: begin with what usually comes first
		IF ready IS NULL THEN
			SELECT ARRAY[i.key] INTO ready
			FROM unnest(items) i WHERE i.key = ANY (waiting)
			ORDER BY migrate.kind_rank(i.kind), i.have_name, i.want_name LIMIT 1;
		END IF;
		ordered := ordered || ready;
		waiting := ARRAY(SELECT unnest(waiting) EXCEPT SELECT unnest(ready));
	END LOOP;
	RETURN ordered;
END
$$;
COMMENT ON FUNCTION migrate.rollback_order(migrate.rollback_item[], boolean) IS
'keys of the items so that what is needed comes first.
by_have: by the dependencies of the later snapshot, otherwise of the earlier.';

CREATE FUNCTION migrate.rename_ddl(item migrate.rollback_item) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	WITH n AS (
		SELECT migrate.split_name((item).have_name) AS have, migrate.split_name((item).want_name) AS want,
			upper((item).kind) AS noun, (item).have_name AS old, (item).want_name AS new
	)
	SELECT format('ALTER TABLE %s RENAME CONSTRAINT %s TO %s', (n.want).relation, (n.have).own, (n.want).own)
	FROM n WHERE (item).kind = 'constraint' AND (n.have).own <> (n.want).own
	UNION ALL
	SELECT format('ALTER %s %s ON %s RENAME TO %s', n.noun, (n.have).own, (n.want).relation, (n.want).own)
	FROM n WHERE (item).kind IN ('trigger', 'policy', 'rule') AND (n.have).own <> (n.want).own
	UNION ALL
	SELECT format('ALTER SCHEMA %s RENAME TO %s', n.old, n.new)
	FROM n WHERE (item).kind = 'schema' AND n.old <> n.new
	UNION ALL
	SELECT format('ALTER SUBSCRIPTION %s RENAME TO %s', n.old, n.new)
	FROM n WHERE (item).kind = 'subscription' AND n.old <> n.new
	UNION ALL
	SELECT x.statement
	FROM n, LATERAL (SELECT CASE WHEN n.noun IN ('ENUM', 'RANGE', 'BASE TYPE', 'COMPOSITE TYPE') THEN 'TYPE' ELSE n.noun END AS noun,
			migrate.schema_of(n.old) AS old_schema, migrate.schema_of(n.new) AS new_schema,
			migrate.unqualified(n.old) AS old_own, migrate.unqualified(n.new) AS new_own) s,
	LATERAL (VALUES
		(1, CASE WHEN s.old_own <> s.new_own THEN
			format('ALTER %s %s RENAME TO %s', s.noun, n.old, regexp_replace(s.new_own, '\(.*$', '')) END),
		(2, CASE WHEN s.old_schema <> s.new_schema THEN
			format('ALTER %s %s.%s SET SCHEMA %s', s.noun, s.old_schema, s.new_own, s.new_schema) END)) x (step, statement)
	WHERE (item).kind IN ('table', 'foreign table', 'view', 'materialized view', 'sequence', 'index', 'function', 'procedure',
		'aggregate', 'enum', 'domain', 'range', 'base type', 'composite type', 'statistics', 'collation', 'conversion')
		AND x.statement IS NOT NULL;
END;
COMMENT ON FUNCTION migrate.rename_ddl(migrate.rollback_item) IS
'statements that give an object its earlier name and schema';

CREATE FUNCTION migrate.subscription_alter(name text, have json, want json) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	SELECT format('ALTER SUBSCRIPTION %s SET (%s)', name, string_agg(c.setting, ', ' ORDER BY c.key))
	FROM (SELECT o.key, migrate.subscription_options_ddl(json_build_object(o.key, coalesce(want ->> o.key, o.otherwise))) AS setting
		  FROM (VALUES ('slot_name', replace(trim('"' FROM name), '""', '"')), ('binary', 'false'), ('streaming', 'off'), ('two_phase', 'false'),
			('disable_on_error', 'false'), ('password_required', 'true'), ('run_as_owner', 'false'), ('origin', 'any'),
			('failover', 'false'), ('synchronous_commit', 'off')) o (key, otherwise)
		  WHERE have ->> o.key IS DISTINCT FROM want ->> o.key) c
	HAVING count(*) > 0
	UNION ALL
	SELECT format('ALTER SUBSCRIPTION %s SET PUBLICATION %s WITH (refresh = false)', name, migrate.subscription_publications_ddl(want))
	WHERE have ->> 'publications' <> want ->> 'publications'
	UNION ALL
	SELECT format('-- not kept: the connection string of %s, which was another one', name)
	WHERE have ->> 'connection' <> want ->> 'connection';
END;
COMMENT ON FUNCTION migrate.subscription_alter(text, json, json) IS
'statements that turn a subscription into another of the same name, but for its connection string, which is not known';

CREATE FUNCTION migrate.alter_ddl(item migrate.rollback_item)
RETURNS TABLE (phase integer, statement text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CASE item.kind
		WHEN 'table', 'foreign table', 'composite type' THEN
			RETURN QUERY SELECT * FROM migrate.table_alter(item.kind, item.want_name, item.have, item.want);
		WHEN 'sequence' THEN
			RETURN QUERY SELECT 4, a FROM migrate.sequence_alter(item.want_name, item.have, item.want) a;
		WHEN 'subscription' THEN
			RETURN QUERY SELECT 4, a FROM migrate.subscription_alter(item.want_name, item.have, item.want) a;
		WHEN 'domain' THEN
			RETURN QUERY SELECT 2, a FROM migrate.domain_alter(item.want_name, item.have, item.want) a;
		WHEN 'enum' THEN
			RETURN QUERY SELECT 2, a FROM migrate.enum_alter(item.want_name, item.have, item.want) a;
		WHEN 'function', 'procedure' THEN
			RETURN QUERY SELECT 2, item.want ->> 'create'
			WHERE item.want ->> 'create' <> item.have ->> 'create';
		WHEN 'view' THEN
			RETURN QUERY SELECT 2, concat('CREATE OR REPLACE VIEW ', item.want_name,
				' WITH (' || migrate.reloptions_ddl(item.want -> 'options') || ')', E' AS\n', item.want ->> 'create')
			WHERE item.want ->> 'create' <> item.have ->> 'create'
				OR (item.want -> 'options')::text IS DISTINCT FROM (item.have -> 'options')::text;
		ELSE
			NULL;
	END CASE;
END
$$;
COMMENT ON FUNCTION migrate.alter_ddl(migrate.rollback_item) IS
'statements that turn an object of its earlier name into its earlier definition, in phases as for table_alter(); without owner, privileges and comment';

CREATE FUNCTION migrate.enum_aside(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN migrate.schema_of(name) || '.' || quote_ident('migrate_ext_' || md5(name));
COMMENT ON FUNCTION migrate.enum_aside(text) IS
'what an enum is called while another takes its place';

CREATE FUNCTION migrate.enum_retype(item migrate.rollback_item, earlier bigint) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	user_column record;
BEGIN
	RETURN NEXT format('ALTER TYPE %s RENAME TO %s', item.want_name, migrate.unqualified(migrate.enum_aside(item.want_name)));
	RETURN QUERY SELECT o.statement FROM migrate.object_ddl(item.kind, item.want_name, item.want) o WHERE o.part <= 1;
	FOR user_column IN
		SELECT o.kind, o.name AS relation, c ->> 'name' AS name, c ->> 'type' AS type, c ->> 'default' AS value
		FROM migrate.snapshot_objects(earlier) o, json_array_elements(o.definition -> 'columns') c
		WHERE o.kind IN ('table', 'composite type') AND c ->> 'type' IN (item.want_name, item.want_name || '[]')
		ORDER BY 2, 3
	LOOP
		IF user_column.kind = 'composite type' THEN
			RETURN NEXT format('ALTER TYPE %s ALTER ATTRIBUTE %I TYPE %s', user_column.relation, user_column.name, user_column.type);
			CONTINUE;
		END IF;
		IF user_column.value IS NOT NULL THEN
			RETURN NEXT format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', user_column.relation, user_column.name);
		END IF;
		RETURN NEXT format('ALTER TABLE %1$s ALTER COLUMN %2$I TYPE %3$s USING %2$I::text%4$s::%3$s', user_column.relation,
			user_column.name, user_column.type, CASE WHEN user_column.type LIKE '%[]' THEN '[]' ELSE '' END);
		IF user_column.value IS NOT NULL THEN
			RETURN NEXT format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', user_column.relation, user_column.name, user_column.value);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION migrate.enum_retype(migrate.rollback_item, bigint) IS
'statements that give an enum other values, and its columns the new type; the old one is still to be dropped. A row that has a value which goes makes them fail';

CREATE FUNCTION migrate.goes_with_other(item migrate.rollback_item, items migrate.rollback_item[]) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT EXISTS (
		SELECT FROM unnest(items) o
		WHERE o.key <> (item).key AND CASE
			WHEN (item).have ->> 'partition_of' IS NOT NULL AND (item).kind IN ('index', 'constraint') THEN true
			WHEN o.kind IN ('table', 'foreign table', 'materialized view', 'view') AND o.action = 'drop' THEN
				(item).kind IN ('index', 'constraint', 'trigger', 'rule', 'policy')
					AND coalesce((item).have ->> 'create', '') NOT LIKE 'FOREIGN KEY%'
					AND o.key = ANY ((item).have_needs)
					AND (o.have_name = (migrate.split_name((item).have_name)).relation OR (item).kind = 'index')
				OR (item).kind = 'sequence' AND (item).have ->> 'owned_by' LIKE replace(o.have_name, '_', '\_') || '.%'
			WHEN o.kind = 'table' AND o.action = 'alter' AND (item).kind = 'sequence' THEN
				(item).have ->> 'owned_by' IN (
					SELECT o.have_name || '.' || quote_ident(c ->> 'name')
					FROM json_array_elements(o.have -> 'columns') c
					WHERE c ->> 'name' NOT IN (SELECT w ->> 'name' FROM json_array_elements(o.want -> 'columns') w)
						OR c ->> 'name' = ANY (migrate.columns_in_way(o)))
			ELSE false END);
END;
COMMENT ON FUNCTION migrate.goes_with_other(migrate.rollback_item, migrate.rollback_item[]) IS
'whether an object goes by itself when what it belongs to is dropped';

CREATE FUNCTION migrate.grant_target(kind text, name text, definition json) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE
		WHEN kind IN ('table', 'foreign table', 'view', 'materialized view') THEN 'TABLE ' || name
		WHEN kind IN ('sequence', 'schema') THEN upper(kind) || ' ' || name
		WHEN kind = 'composite type' THEN 'TYPE ' || name
		ELSE (SELECT p.grant_phrase FROM migrate.object_phrase(kind, name, definition) p) END;
END;
COMMENT ON FUNCTION migrate.grant_target(text, text, json) IS
'how GRANT calls an object; NULL = it has no privileges';

CREATE FUNCTION migrate.revoke_defaults(item migrate.rollback_item, snapshot bigint) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', t.target, CASE WHEN e.grantee = '' THEN 'PUBLIC' ELSE quote_ident(e.grantee) END)
	FROM migrate.grant_target((item).kind, (item).want_name, (item).want) t(target),
		migrate.snapshot_objects(snapshot) d,
		migrate.acl_entries(d.definition -> 'acl', d.definition ->> 'role') e
	WHERE d.kind = 'default privileges' AND t.target IS NOT NULL
		AND d.definition ->> 'objects' = CASE
			WHEN t.target LIKE 'TABLE %' THEN 'tables' WHEN t.target LIKE 'SEQUENCE %' THEN 'sequences'
			WHEN t.target LIKE 'SCHEMA %' THEN 'schemas' WHEN t.target ~ '^(TYPE|DOMAIN) ' THEN 'types'
			WHEN t.target ~ '^(FUNCTION|PROCEDURE) ' THEN 'functions' END
		AND coalesce(quote_ident(d.definition ->> 'schema') = migrate.schema_of((item).want_name), true)
		AND e.grantee <> coalesce((item).want ->> 'owner', '');
END;
COMMENT ON FUNCTION migrate.revoke_defaults(migrate.rollback_item, bigint) IS
'statements that take away what default privileges have granted on an object that was just created';

CREATE FUNCTION migrate.label_alter(item migrate.rollback_item) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	WITH have AS (
		SELECT regexp_replace(h.statement, ' IS .*$', ' IS ') AS phrase, h.statement
		FROM migrate.object_ddl((item).kind, (item).want_name, (item).have) h
		WHERE h.part = 7 AND h.statement LIKE 'SECURITY LABEL %'
	), want AS (
		SELECT regexp_replace(w.statement, ' IS .*$', ' IS ') AS phrase, w.statement
		FROM migrate.object_ddl((item).kind, (item).want_name, (item).want) w
		WHERE w.part = 7 AND w.statement LIKE 'SECURITY LABEL %'
	)
	SELECT coalesce(w.statement, h.phrase || 'NULL')
	FROM have h FULL JOIN want w ON w.phrase = h.phrase
	WHERE w.statement IS DISTINCT FROM h.statement
		-- those of columns that came are gone with them
		AND (w.phrase IS NOT NULL OR h.phrase !~ ' ON COLUMN ' OR EXISTS (
			SELECT FROM json_array_elements((item).want -> 'columns') c
			WHERE right(h.phrase, length(quote_ident(c ->> 'name')) + 5) = '.' || quote_ident(c ->> 'name') || ' IS '))
	ORDER BY coalesce(w.statement, h.phrase) COLLATE "C";
END;
COMMENT ON FUNCTION migrate.label_alter(migrate.rollback_item) IS
'statements that give an object and its columns their earlier security labels';

CREATE FUNCTION migrate.common_alter(item migrate.rollback_item) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	WITH p AS (
		SELECT x.part, x.statement, x.statement LIKE 'GRANT %' OR x.statement LIKE 'REVOKE %' AS about_acl
		FROM migrate.object_ddl((item).kind, (item).want_name, (item).want) x
		WHERE x.part IN (5, 6, 7)
	)
	SELECT p.statement FROM p
	WHERE p.part = 5 AND (item).have ->> 'owner' IS DISTINCT FROM (item).want ->> 'owner'
	UNION ALL
	SELECT format('REVOKE ALL ON %s FROM %s', t.target, CASE WHEN e.grantee = '' THEN 'PUBLIC' ELSE quote_ident(e.grantee) END)
	FROM migrate.grant_target((item).kind, (item).want_name, (item).want) t(target),
		migrate.acl_entries((item).have -> 'acl', (item).have ->> 'owner') e
	WHERE t.target IS NOT NULL AND ((item).have -> 'acl')::text IS DISTINCT FROM ((item).want -> 'acl')::text
	UNION ALL
	SELECT format('GRANT ALL ON %s TO %I', t.target, (item).want ->> 'owner')
	FROM migrate.grant_target((item).kind, (item).want_name, (item).want) t(target)
	WHERE t.target IS NOT NULL AND ((item).have -> 'acl')::text IS DISTINCT FROM ((item).want -> 'acl')::text
	UNION ALL
	SELECT format('GRANT %s ON %s TO PUBLIC', CASE WHEN t.target LIKE 'FUNCTION%' OR t.target LIKE 'PROCEDURE%' THEN 'EXECUTE' ELSE 'USAGE' END, t.target)
	FROM migrate.grant_target((item).kind, (item).want_name, (item).want) t(target)
	WHERE t.target ~ '^(FUNCTION|PROCEDURE|TYPE|DOMAIN|LANGUAGE) ' AND (item).have -> 'acl' IS NOT NULL
		AND ((item).have -> 'acl')::text IS DISTINCT FROM ((item).want -> 'acl')::text
	UNION ALL
	SELECT p.statement FROM p
	WHERE p.part = 6 AND (((item).have -> 'acl')::text IS DISTINCT FROM ((item).want -> 'acl')::text
		OR ((item).have -> 'columns')::text IS DISTINCT FROM ((item).want -> 'columns')::text)
	UNION ALL
	SELECT p.statement FROM p
	WHERE p.part = 7 AND p.statement LIKE 'COMMENT %' AND p.statement !~ '^COMMENT ON COLUMN '
		AND (item).have ->> 'comment' IS DISTINCT FROM (item).want ->> 'comment'
	UNION ALL
	SELECT regexp_replace(c.statement, ' IS .*$', ' IS NULL')
	FROM migrate.object_ddl((item).kind, (item).want_name, ((item).want::jsonb || '{"comment":"x"}')::json) c
	WHERE c.part = 7 AND c.statement !~ '^COMMENT ON COLUMN ' AND c.statement LIKE 'COMMENT %'
		AND (item).have ->> 'comment' IS NOT NULL AND (item).want ->> 'comment' IS NULL
	UNION ALL
	SELECT l FROM migrate.label_alter(item) l;
END;
COMMENT ON FUNCTION migrate.common_alter(migrate.rollback_item) IS
'statements that give an object its earlier owner, privileges, comment and labels';


CREATE FUNCTION migrate.rollback_script(later bigint, earlier bigint) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items migrate.rollback_item[];
	forward bigint[];
	backward bigint[];
	wanted text[];					-- names that are made again, perhaps for another kind
	item migrate.rollback_item;
	late_kinds text[] := '{table,foreign table,sequence,schema,composite type,enum,domain,range,base type,shell type,function,procedure,aggregate,extension,language,server,foreign-data wrapper,collation}';
BEGIN
	items := ARRAY(SELECT i FROM migrate.rollback_items(later, earlier) i);
	items := ARRAY(SELECT i FROM migrate.without_renames(items) i);
	items := ARRAY(SELECT i FROM migrate.with_dependents(items, later, earlier) i);
	wanted := ARRAY(SELECT i.want_name FROM unnest(items) i WHERE i.action = 'create');
	forward := migrate.rollback_order(items, false);
	backward := migrate.rollback_order(items, true);

	-- what is in the way; what a foreign key refers to, by way of its parent, can only be dropped when it is no partition
	RETURN QUERY SELECT format('ALTER TABLE %s DETACH PARTITION %s', i.have ->> 'partition_of', i.later_name)
	FROM unnest(items) i
	WHERE i.action = 'drop' AND i.kind IN ('table', 'foreign table') AND i.have ->> 'partition_of' IS NOT NULL
		AND NOT EXISTS (SELECT FROM unnest(items) p WHERE p.action = 'drop' AND p.later_name = i.have ->> 'partition_of')
	ORDER BY i.later_name;
	FOR item IN
		SELECT i.* FROM unnest(items) i
		WHERE (i.action = 'replace' OR i.action = 'drop' AND (i.kind <> ALL (late_kinds) OR i.have_name = ANY (wanted)))
			AND NOT migrate.goes_with_other(i, items)
		ORDER BY array_position(backward, i.key) DESC
	LOOP
		RETURN NEXT migrate.object_drop(item.kind, item.later_name);
	END LOOP;
	RETURN QUERY SELECT r
	FROM unnest(items) i, migrate.rename_ddl(i) r
	WHERE i.action IN ('alter', 'retype') ORDER BY migrate.kind_rank(i.kind), array_position(forward, i.key);
	RETURN QUERY SELECT c
	FROM unnest(items) i, migrate.rename_columns_ddl(i) c
	WHERE i.action = 'alter' AND i.kind IN ('table', 'foreign table');
	items := ARRAY(SELECT (i.key, i.want_key, i.kind, i.later_name, i.have_name, i.want_name,
			CASE WHEN c.old_names IS NULL THEN i.have ELSE migrate.rename_columns(i.have, c.old_names, c.new_names) END,
			i.want, i.have_needs, i.want_needs, CASE WHEN c.old_names IS NULL THEN i.have_attnums END, i.want_attnums,
			i.same_object, i.action)::migrate.rollback_item
		FROM unnest(items) i,
			LATERAL (SELECT array_agg(r.old_name) AS old_names, array_agg(r.new_name) AS new_names
					 FROM migrate.renamed_columns(i) r WHERE i.kind IN ('table', 'foreign table')) c
		WHERE NOT (i.action = 'drop' AND migrate.goes_with_other(i, items)));
	RETURN QUERY SELECT a.statement
	FROM unnest(items) i, migrate.alter_ddl(i) WITH ORDINALITY a(phase, statement, place)
	WHERE i.action = 'alter' AND a.phase = 1
	ORDER BY array_position(backward, i.key) DESC, a.place;

	-- what was there
	FOR item IN SELECT i.* FROM unnest(items) i WHERE i.action <> 'drop' ORDER BY array_position(forward, i.key)
	LOOP
		IF item.action IN ('create', 'replace') THEN
			RETURN QUERY SELECT o.statement FROM migrate.object_ddl(item.kind, item.want_name, item.want) o WHERE o.part <= 1;
			RETURN QUERY SELECT * FROM migrate.revoke_defaults(item, later);
		ELSIF item.action = 'retype' THEN
			RETURN QUERY SELECT * FROM migrate.enum_retype(item, earlier);
		ELSE
			RETURN QUERY SELECT a.statement FROM migrate.alter_ddl(item) WITH ORDINALITY a(phase, statement, place)
			WHERE a.phase > 1 ORDER BY a.phase, a.place;
		END IF;
	END LOOP;

	-- what came
	FOR item IN
		SELECT i.* FROM unnest(items) i
		WHERE i.action = 'drop' AND i.kind = ANY (late_kinds) AND coalesce(i.have_name <> ALL (wanted), true) AND NOT migrate.goes_with_other(i, items)
		ORDER BY array_position(backward, i.key) DESC
	LOOP
		RETURN NEXT migrate.object_drop(item.kind, item.have_name);
	END LOOP;
	RETURN QUERY SELECT 'DROP TYPE ' || migrate.enum_aside(i.want_name) FROM unnest(items) i WHERE i.action = 'retype';
	RETURN QUERY SELECT o.statement
	FROM unnest(items) i, migrate.object_ddl(i.kind, i.want_name, i.want) WITH ORDINALITY o(part, statement, place)
	WHERE i.action IN ('create', 'replace', 'retype') AND o.part > 1
	ORDER BY o.part, array_position(forward, i.key), o.place;
	RETURN QUERY SELECT a FROM unnest(items) i, migrate.common_alter(i) WITH ORDINALITY c(a, place)
	WHERE i.action = 'alter' ORDER BY array_position(forward, i.key), c.place;
END
$$;
COMMENT ON FUNCTION migrate.rollback_script(bigint, bigint) IS
'the statements that lead from a snapshot back to an earlier one, in order, without semicolons';

CREATE FUNCTION @extschema@.migrate_generate_rollback(version bigint) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	migration record;
	script text;
BEGIN
	SELECT m.name, m.entry, b.snapshot AS snapshot_before, a.snapshot AS snapshot_after INTO migration
	FROM migrate.migration m LEFT JOIN migrate.ledger l ON l.entry = m.entry
	LEFT JOIN migrate.snapshot b ON b.snapshot = l.snapshot_before
	LEFT JOIN migrate.snapshot a ON a.snapshot = l.snapshot_after
	WHERE m.version = migrate_generate_rollback.version;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'migration % does not exist', version
			USING ERRCODE = 'undefined_object', HINT = 'See migrate_status() for the versions there are.';
	END IF;
	IF migration.entry IS NULL THEN
		RAISE EXCEPTION 'migration % (%) is not applied', version, migration.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'A down script is written from the snapshots before and after the up script, so apply it first, in staging.';
	END IF;
	IF migration.snapshot_before IS NULL OR migration.snapshot_after IS NULL THEN
		RAISE EXCEPTION 'there are no snapshots from around migration % (%)', version, migration.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'They are taken by migrate_apply() while migrate.snapshots is on, and removed by migrate_prune().';
	END IF;
	IF migration.snapshot_before < (SELECT min(s.snapshot) FROM migrate.snapshot s) THEN
		RAISE EXCEPTION 'snapshot % from before migration % (%) has been removed', migration.snapshot_before, version, migration.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Write the down script by hand.';
	END IF;
	SELECT string_agg(s.statement || ';', E'\n' ORDER BY s.place) INTO script
	FROM migrate.rollback_script(migration.snapshot_after, migration.snapshot_before) WITH ORDINALITY s(statement, place);
	RETURN format(E'-- Takes back migration %s (%s): written from snapshots %s and %s, to be read before it is used.\n%s\n',
		version, migration.name, migration.snapshot_before, migration.snapshot_after,
		coalesce(script, E'-- The migration has not changed the schema.\nSELECT 1;'));
END
$$;
COMMENT ON FUNCTION @extschema@.migrate_generate_rollback(bigint) IS
'Writes a down script for an applied migration, from the snapshots before and after it: creates what is gone, drops what came, alters what changed.
Read it, then register it with migrate_register(). Rows that the migration changed or destroyed come back by themselves when it is rolled back.
Raises 42704 (unknown version), 55000 (it is not applied, or there are no snapshots).';
