/*
 * All objects together: what is there, what needs what, and the script that
 * creates a whole schema.
 */

CREATE VIEW migrate.live_object AS
SELECT * FROM migrate.live_schema
UNION ALL SELECT * FROM migrate.live_table
UNION ALL SELECT * FROM migrate.live_sequence
UNION ALL SELECT * FROM migrate.live_view
UNION ALL SELECT * FROM migrate.live_composite_type
UNION ALL SELECT * FROM migrate.live_index
UNION ALL SELECT * FROM migrate.live_constraint
UNION ALL SELECT * FROM migrate.live_trigger
UNION ALL SELECT * FROM migrate.live_rule
UNION ALL SELECT * FROM migrate.live_policy
UNION ALL SELECT * FROM migrate.live_statistics
UNION ALL SELECT * FROM migrate.live_type
UNION ALL SELECT * FROM migrate.live_function
UNION ALL SELECT * FROM migrate.live_operator
UNION ALL SELECT * FROM migrate.live_operator_class
UNION ALL SELECT * FROM migrate.live_operator_family
UNION ALL SELECT * FROM migrate.live_cast
UNION ALL SELECT * FROM migrate.live_access_method
UNION ALL SELECT * FROM migrate.live_collation
UNION ALL SELECT * FROM migrate.live_conversion
UNION ALL SELECT * FROM migrate.live_language
UNION ALL SELECT * FROM migrate.live_transform
UNION ALL SELECT * FROM migrate.live_ts_parser
UNION ALL SELECT * FROM migrate.live_ts_template
UNION ALL SELECT * FROM migrate.live_ts_dictionary
UNION ALL SELECT * FROM migrate.live_ts_configuration
UNION ALL SELECT * FROM migrate.live_extension
UNION ALL SELECT * FROM migrate.live_foreign_data_wrapper
UNION ALL SELECT * FROM migrate.live_server
UNION ALL SELECT * FROM migrate.live_user_mapping
UNION ALL SELECT * FROM migrate.live_event_trigger
UNION ALL SELECT * FROM migrate.live_publication
UNION ALL SELECT * FROM migrate.live_subscription
UNION ALL SELECT * FROM migrate.live_default_privileges
UNION ALL SELECT * FROM migrate.live_privileges;
COMMENT ON VIEW migrate.live_object IS
'the schema as it is now: every object of the database but those of the server, of extensions and of migrate_ext.
Read it with search_path = pg_catalog, pg_temp.';

-- What needs what --------------------------------------------------------------------

CREATE VIEW migrate.live_part AS
-- the rule that makes a view, the default of a column
SELECT 'pg_rewrite'::regclass::oid AS class, w.oid AS object, 'pg_class'::regclass::oid AS whole_class, w.ev_class AS whole
FROM pg_rewrite w WHERE w.rulename = '_RETURN'
UNION ALL
SELECT 'pg_attrdef'::regclass, d.oid, 'pg_class'::regclass, d.adrelid
FROM pg_attrdef d
UNION ALL
-- row types, and arrays of them
SELECT 'pg_type'::regclass, t.oid, 'pg_class'::regclass, t.typrelid
FROM pg_type t WHERE t.typrelid <> 0
UNION ALL
SELECT 'pg_type'::regclass, e.typarray, 'pg_class'::regclass, e.typrelid
FROM pg_type e WHERE e.typarray <> 0 AND e.typrelid <> 0
UNION ALL
-- other arrays, multiranges and arrays of them, the constructors of ranges
SELECT 'pg_type'::regclass, e.typarray, 'pg_type'::regclass, coalesce(r.rngtypid, e.oid)
FROM pg_type e LEFT JOIN pg_range r ON r.rngmultitypid = e.oid
WHERE e.typarray <> 0 AND e.typrelid = 0
UNION ALL
SELECT 'pg_type'::regclass, r.rngmultitypid, 'pg_type'::regclass, r.rngtypid
FROM pg_range r
UNION ALL
SELECT 'pg_proc'::regclass, d.objid, 'pg_type'::regclass, coalesce(r.rngtypid, d.refobjid)
FROM pg_depend d LEFT JOIN pg_range r ON r.rngmultitypid = d.refobjid
WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_type'::regclass AND d.deptype = 'i'
UNION ALL
-- indexes of constraints, sequences of identity columns
SELECT 'pg_class'::regclass, k.conindid, 'pg_constraint'::regclass, k.oid
FROM pg_constraint k WHERE k.contype IN ('p', 'u', 'x')
UNION ALL
SELECT 'pg_class'::regclass, d.objid, 'pg_class'::regclass, d.refobjid
FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
UNION ALL
-- constraints of domains
SELECT 'pg_constraint'::regclass, k.oid, 'pg_type'::regclass, k.contypid
FROM pg_constraint k WHERE k.contypid <> 0
UNION ALL
SELECT 'pg_publication_rel'::regclass, p.oid, 'pg_publication'::regclass, p.prpubid
FROM pg_publication_rel p
UNION ALL
SELECT 'pg_publication_namespace'::regclass, p.oid, 'pg_publication'::regclass, p.pnpubid
FROM pg_publication_namespace p
UNION ALL
-- members of operator classes, loose ones of families
SELECT d.classid, d.objid, d.refclassid, d.refobjid
FROM pg_depend d
WHERE d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass)
	AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass) AND d.deptype IN ('a', 'i');
COMMENT ON VIEW migrate.live_part IS
'catalog rows that are no object of their own, and the object they are part of';

CREATE VIEW migrate.live_dependency AS
SELECT DISTINCT n.class, n.object, coalesce(m.refclassid, n.needs_class) AS needs_class, coalesce(m.refobjid, n.needs_object) AS needs_object
FROM (SELECT coalesce(s.whole_class, d.classid) AS class, coalesce(s.whole, d.objid) AS object,
		coalesce(r.whole_class, d.refclassid) AS needs_class, coalesce(r.whole, d.refobjid) AS needs_object
	  FROM pg_depend d
	  LEFT JOIN migrate.live_part s ON s.class = d.classid AND s.object = d.objid
	  LEFT JOIN migrate.live_part r ON r.class = d.refclassid AND r.object = d.refobjid
	  WHERE d.deptype <> 'e') n
LEFT JOIN pg_depend m ON m.classid = n.needs_class AND m.objid = n.needs_object AND m.objsubid = 0 AND m.deptype = 'e'
WHERE (n.class <> n.needs_class OR n.object <> n.needs_object)
	AND (n.needs_object >= 16384 OR n.needs_class = 'pg_namespace'::regclass AND n.needs_object = 'public'::regnamespace);
COMMENT ON VIEW migrate.live_dependency IS
'which object needs which other as it is now, from pg_depend: parts stand for the object they are part of, members of an extension for the extension';

-- A script for the whole schema --------------------------------------------------------

CREATE FUNCTION migrate.object_ddl(kind text, name text, definition json, split boolean DEFAULT false)
RETURNS TABLE (part integer, statement text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF kind IN ('schema', 'table', 'foreign table', 'sequence', 'view', 'materialized view', 'composite type',
		'index', 'constraint', 'trigger', 'rule', 'policy', 'statistics') THEN
		RETURN QUERY SELECT d.part, d.statement FROM migrate.relation_ddl(kind, name, definition, split) d;
	ELSE
		RETURN QUERY SELECT d.part, d.statement FROM migrate.other_ddl(kind, name, definition) d;
	END IF;
END
$$;
COMMENT ON FUNCTION migrate.object_ddl(text, text, json, boolean) IS
'statements that create one object from its definition, without semicolon; those of one part in the order in which they must run.
part: 0 = creates the object; 1 = completes it; 2 = after everything is created; 5 = owner; 6 = privileges; 7 = comments and labels; 8 = contents of materialized views, default privileges; 9 = event triggers.
split: create it in two steps, part 0 without what may refer in a circle, and part 1.';

CREATE VIEW migrate.object_kind AS
SELECT v.kind, row_number() OVER ()::integer AS rank, v.trait
FROM (VALUES ('schema', 'base'), ('extension', 'base'), ('language', NULL), ('collation', NULL),
	('shell type', 'type'), ('enum', 'type'), ('base type', 'shell'), ('domain', 'steps'), ('composite type', 'type'), ('range', 'type'),
	('access method', NULL), ('operator', 'code'), ('operator family', 'steps'), ('operator class', 'code'), ('cast', 'code'),
	('transform', NULL), ('conversion', NULL),
	('text search parser', NULL), ('text search template', NULL), ('text search dictionary', NULL), ('text search configuration', NULL),
	('foreign-data wrapper', NULL), ('server', NULL), ('user mapping', NULL),
	('sequence', 'sequence'), ('table', 'table'), ('foreign table', 'table'), ('inherited check', NULL), ('constraint', NULL),
	('function', 'code'), ('procedure', 'code'), ('aggregate', 'code'), ('view', 'view'), ('materialized view', NULL), ('index', NULL),
	('foreign key', NULL), ('statistics', NULL), ('rule', NULL), ('trigger', NULL), ('policy', NULL), ('publication', NULL), ('subscription', NULL),
	('privileges', NULL), ('default privileges', NULL), ('event trigger', NULL)) v (kind, trait);
COMMENT ON VIEW migrate.object_kind IS
'the kinds of objects, in the order in which a script creates them where dependencies leave the choice.
Tables come with their partitions and children before anything that stands on them.
trait: what creation_order() needs to know to get out of a circle; steps = created first and completed when what it needs is there.';

CREATE FUNCTION migrate.edge_handling(source_trait text, target_trait text, target_is_whole boolean, is_split boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN target_is_whole AND (target_trait IN ('steps', 'view') OR target_trait = 'shell' AND source_trait = 'code') THEN 'weak'
	WHEN source_trait = 'view' AND NOT is_split AND coalesce(target_trait, 'view') IN ('view', 'code') THEN 'split'
	WHEN source_trait = 'table' AND coalesce(target_trait, 'code') = 'code' THEN 'late' END;
COMMENT ON FUNCTION migrate.edge_handling(text, text, boolean, boolean) IS
'how a circle of needs can be opened where one object needs another.
weak: the first step of the other is enough; split: a view can be created with its columns only; late: a default of a table can be set later; NULL: not here.';

CREATE FUNCTION migrate.creation_order(traits text[], sources integer[], targets integer[])
RETURNS TABLE (id integer, stage integer, place bigint, split boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- arrays of fixed-width values only: an element of any other takes long to find
	count_of integer := cardinality(traits);
	names text[] := '{base,type,shell,steps,table,view,sequence,code}';
	trait integer[] := ARRAY(SELECT coalesce(array_position(names, t.trait), 9)
							 FROM unnest(traits) WITH ORDINALITY t(trait, place) ORDER BY t.place);
	first integer[];
	handling integer[] := array_fill(0, ARRAY[cardinality(sources)]);	-- 1 = weak, 2 = late, 3 = dropped
	is_split boolean[] := array_fill(false, ARRAY[count_of]);
	state integer[];
	nodes integer[];
	edges integer[];
	depth integer;
	ordered integer[];
	root integer;
	node integer;
	own integer;
	target integer;
	target_node integer;
	edge integer;
	is_whole boolean;
	is_clean boolean;
	way text;
	best text;
	best_edge integer;
	best_own integer;
BEGIN
	-- the edges of object i are first[i] to first[i + 1] - 1
	first := ARRAY(SELECT 1 + (coalesce(sum(c.n) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))::integer
				   FROM generate_series(1, count_of + 1) i
				   LEFT JOIN (SELECT s, count(*) AS n FROM unnest(sources) s GROUP BY s) c ON c.s = i
				   ORDER BY i);
	FOR round IN 1..100
	LOOP
		is_clean := true;
		-- node 2i - 1 is the first step of object i, node 2i the second; 1 = under way, 2 = done
		state := array_fill(0, ARRAY[2 * count_of]);
		ordered := '{}';
		FOR i IN 1..count_of
		LOOP
			root := 2 * i - CASE WHEN trait[i] IN (3, 4) OR is_split[i] THEN 0 ELSE 1 END;
			CONTINUE WHEN state[root] <> 0;
			depth := 1;
			nodes[1] := root;
			edges[1] := first[i] - 1;
			state[root] := 1;
			WHILE depth > 0
			LOOP
				node := nodes[depth];
				own := (node + 1) / 2;
				target_node := 0;
				edge := edges[depth];
				IF node % 2 = 0 AND state[node - 1] = 0 THEN
					target_node := node - 1;
				ELSE
					WHILE edge < first[own + 1] - 1
					LOOP
						edge := edge + 1;
						target := targets[edge];
						CONTINUE WHEN handling[edge] = 3;
						CONTINUE WHEN node % 2 = 1 AND (handling[edge] = 2
							OR trait[own] = 7 AND trait[target] = 5
							OR trait[own] = 3 AND trait[target] <> 1
							OR trait[own] = 4 AND trait[target] = 8
							OR trait[own] = 6 AND is_split[own] AND trait[target] IN (6, 8, 9));
						is_whole := (trait[target] IN (3, 4) OR trait[target] = 6 AND is_split[target]) AND handling[edge] <> 1;
						target_node := 2 * target - CASE WHEN is_whole THEN 0 ELSE 1 END;
						EXIT WHEN state[target_node] <> 2;
						target_node := 0;
					END LOOP;
					edges[depth] := edge;
				END IF;
				IF target_node = 0 THEN
					state[node] := 2;
					ordered := ordered || node;
					depth := depth - 1;
				ELSIF state[target_node] = 0 THEN
					state[target_node] := 1;
					depth := depth + 1;
					nodes[depth] := target_node;
					edges[depth] := first[(target_node + 1) / 2] - 1;
				ELSE
					-- a circle: open it where that is easiest, and try again
					is_clean := false;
					best := NULL;
					FOR level IN REVERSE depth..1
					LOOP
						own := (nodes[level] + 1) / 2;
						edge := edges[level];
						IF edge >= first[own] AND handling[edge] = 0 THEN
							target := targets[edge];
							way := migrate.edge_handling(names[trait[own]], names[trait[target]],
								trait[target] IN (3, 4) OR trait[target] = 6 AND is_split[target],
								is_split[own] OR nodes[level] % 2 = 0);
							IF way IS NOT NULL AND (way <> 'late' OR nodes[level] % 2 = 1) AND
								(best IS NULL OR way = 'weak' OR best = 'late' AND way = 'split') THEN
								best := way;
								best_edge := edge;
								best_own := own;
							END IF;
						END IF;
						EXIT WHEN nodes[level] = target_node;
					END LOOP;
					IF best IS NULL THEN
						handling[edges[depth]] := 3;
					ELSIF best = 'weak' THEN
						handling[best_edge] := 1;
					ELSE
						is_split[best_own] := true;
						IF best = 'late' THEN
							handling[best_edge] := 2;
						END IF;
					END IF;
				END IF;
			END LOOP;
		END LOOP;
		EXIT WHEN is_clean;
	END LOOP;
	RETURN QUERY SELECT (o.node + 1) / 2, 1 - o.node % 2, o.place, is_split[(o.node + 1) / 2]
	FROM unnest(ordered) WITH ORDINALITY o(node, place);
END
$$;
COMMENT ON FUNCTION migrate.creation_order(text[], integer[], integer[]) IS
'an order in which objects can be created: by their place in the array, but what an object needs comes before it.
traits: of the objects, as in object_kind; sources, targets: numbers of an object and of one that it needs, sorted.
Returns one row for each step (stage 0, and 1 for what comes in two steps); split: object_ddl() must split it.';

CREATE FUNCTION migrate.schema_objects(snapshot bigint)
RETURNS TABLE (kind text, name text, definition json, self bigint, needs bigint[])
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF snapshot IS NULL THEN
		RETURN QUERY
		SELECT o.kind, o.name, o.definition, (o.class::bigint << 32) | o.object::bigint, d.needs
		FROM migrate.live_object o
		LEFT JOIN (SELECT n.class, n.object, array_agg((n.needs_class::bigint << 32) | n.needs_object::bigint) AS needs
				   FROM migrate.live_dependency n GROUP BY n.class, n.object) d
			ON d.class = o.class AND d.object = o.object;
		RETURN;
	END IF;
	IF NOT EXISTS (SELECT FROM migrate.snapshot s WHERE s.snapshot = schema_objects.snapshot) THEN
		RAISE EXCEPTION 'snapshot % does not exist', snapshot
			USING ERRCODE = 'undefined_object', HINT = 'See migrate_snapshots() for those there are.';
	END IF;
	RETURN QUERY
	SELECT o.kind, o.name, o.definition, o.key, o.needs FROM migrate.snapshot_objects(snapshot) o;
END
$$;
COMMENT ON FUNCTION migrate.schema_objects(bigint) IS
'the objects of a snapshot, NULL = of the schema as it is now, with what they need.
Raises 42704 (unknown snapshot).';

CREATE FUNCTION migrate.schema_statements(snapshot bigint)
RETURNS TABLE (place bigint, kind text, name text, part integer, statement text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	WITH object AS MATERIALIZED (
		SELECT row_number() OVER (ORDER BY k.rank,
				-- short ones first: foreign keys to partitioned tables make more with a number behind the name
				CASE WHEN k.kind = 'foreign key' THEN length(o.name) END, o.name COLLATE "C")::integer AS id, o.kind, o.name, o.definition, o.self, o.needs,
			CASE WHEN o.definition->>'shell' = 'true' THEN 'shell' ELSE k.trait END AS trait
		FROM migrate.schema_objects(snapshot) o
		JOIN migrate.object_kind k ON k.kind =
			CASE WHEN o.kind <> 'constraint' THEN o.kind
				WHEN o.definition->>'create' LIKE 'FOREIGN KEY%' THEN 'foreign key'
				-- before its namesake of the parent, which may be NOT VALID
				WHEN o.definition->>'inherited' = 'true' THEN 'inherited check'
				ELSE o.kind END
	), edge AS (
		SELECT s.id AS source, t.id AS target
		FROM object s CROSS JOIN unnest(s.needs) n(self) JOIN object t ON t.self = n.self
		WHERE s.id <> t.id
	), step AS MATERIALIZED (
		SELECT c.*
		FROM migrate.creation_order(
			(SELECT array_agg(o.trait ORDER BY o.id) FROM object o),
			coalesce((SELECT array_agg(e.source ORDER BY e.source, e.target) FROM edge e), '{}'),
			coalesce((SELECT array_agg(e.target ORDER BY e.source, e.target) FROM edge e), '{}')) c
	)
	SELECT row_number() OVER (ORDER BY
			CASE WHEN d.part = 0 OR d.part = 1 AND l.id IS NOT NULL THEN 0
				-- at once: the expressions of its indexes are evaluated as the owner of a table
				WHEN d.part = 5 AND o.kind NOT IN ('publication', 'subscription') THEN 0
				ELSE d.part END,
			CASE WHEN d.part IN (1, 5) AND l.id IS NOT NULL AND (d.part = 1 OR o.trait = 'shell') THEN l.place
				ELSE f.place END,
			d.part, d.ordinality),
		o.kind, o.name, d.part, d.statement
	FROM object o
	JOIN step f ON f.id = o.id AND f.stage = 0
	LEFT JOIN step l ON l.id = o.id AND l.stage = 1
	CROSS JOIN LATERAL migrate.object_ddl(o.kind, o.name, o.definition, f.split) WITH ORDINALITY d
	ORDER BY 1;
END
$$;
COMMENT ON FUNCTION migrate.schema_statements(bigint) IS
'the statements of migrate_schema(), in their order, with the object each belongs to';

CREATE FUNCTION @extschema@.migrate_schema(snapshot bigint DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET DateStyle = 'ISO, MDY'
SET IntervalStyle = postgres
SET TimeZone = 'UTC'
SET extra_float_digits = 3
SET bytea_output = hex
SET jit = off
AS $$
DECLARE
	script text;
	is_public boolean;
BEGIN
	SELECT string_agg(s.statement || ';', E'\n' ORDER BY s.place), bool_or(s.kind = 'schema' AND s.name = 'public')
	INTO script, is_public
	FROM migrate.schema_statements(snapshot) s;
	RETURN concat_ws(E'\n',
		'-- The schema as migrate_ext keeps it; to be run in an empty database.',
		'SET client_min_messages = warning;',
		'SET check_function_bodies = off;',
		'SET row_security = off;',
		'SET standard_conforming_strings = on;',
		'SET xmloption = content;',
		'SET DateStyle = ''ISO, MDY'';',
		'SET IntervalStyle = postgres;',
		'SET TimeZone = ''UTC'';',
		'SET default_tablespace = '''';',
		'SET default_table_access_method = heap;',
		'SET search_path = '''';',
		CASE WHEN is_public IS NOT TRUE THEN 'DROP SCHEMA IF EXISTS public;' END,
		script, '');
END
$$;
COMMENT ON FUNCTION @extschema@.migrate_schema(bigint) IS
'The statements that create the schema in an empty database, in the order of what needs what.
snapshot: the number of a stored one; NULL = as it is now.
Values of options of user mappings and connection strings of subscriptions are not kept; a comment says so. Roles and tablespaces belong to the server and must be there.
Raises 42704 (unknown snapshot).';
