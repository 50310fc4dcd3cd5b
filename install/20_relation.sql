/*
 * Schemas and relations as they are now: tables (also partitioned and foreign
 * ones), views, sequences, composite types.
 *
 * Json of which there is much, for columns, tables, indexes and constraints, is
 * put together as text: taking the nulls out of an object costs more than making it.
 */

CREATE FUNCTION migrate.is_member(class oid, object oid) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT EXISTS (
		SELECT FROM pg_depend d
		WHERE d.classid = class AND d.objid = object AND d.objsubid = 0 AND d.deptype = 'e');
END;
COMMENT ON FUNCTION migrate.is_member(oid, oid) IS
'whether an object belongs to an extension';

CREATE VIEW migrate.live_schema AS
SELECT 'pg_namespace'::regclass::oid AS class, s.oid AS object, 'schema' AS kind, n.name,
	json_strip_nulls(json_build_object(
		'owner', pg_get_userbyid(s.nspowner),
		'acl', migrate.acl_json(s.nspacl, 'n', s.nspowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_namespace'::regclass, s.oid))) AS definition
FROM pg_namespace s
JOIN migrate.user_namespace n ON n.oid = s.oid
LEFT JOIN pg_description d ON d.objoid = s.oid AND d.classoid = 'pg_namespace'::regclass AND d.objsubid = 0
WHERE NOT EXISTS (SELECT FROM pg_depend e
				  WHERE e.classid = 'pg_namespace'::regclass AND e.objid = s.oid AND e.objsubid = 0 AND e.deptype = 'e');
COMMENT ON VIEW migrate.live_schema IS 'schemas as they are now';

CREATE VIEW migrate.user_relation AS
SELECT c.oid, c.relkind, n.name AS schema, n.name || '.' || quote_ident(c.relname) AS name
FROM pg_class c
JOIN migrate.user_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't'
	AND NOT EXISTS (SELECT FROM pg_depend e
					WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.objsubid = 0 AND e.deptype = 'e');
COMMENT ON VIEW migrate.user_relation IS
'the relations that are rendered, and those whose indexes, constraints, triggers and the like are, with qualified names';

CREATE FUNCTION migrate.relation_name(relation oid) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.oid = relation;
END;
COMMENT ON FUNCTION migrate.relation_name(oid) IS 'qualified and quoted name of a relation';

-- Sequences ----------------------------------------------------------------------

-- One function that calls another is planned again for each row, so what there
-- may be thousands of is told by views.
CREATE VIEW migrate.live_counting AS
SELECT s.seqrelid AS sequence,
	CASE WHEN s.seqtypid <> 'int8'::regtype THEN format_type(s.seqtypid, NULL) END AS type,
	CASE WHEN s.seqstart <> CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END THEN s.seqstart END AS start,
	CASE WHEN s.seqincrement <> 1 THEN s.seqincrement END AS increment,
	CASE WHEN s.seqmin <> CASE WHEN s.seqincrement > 0 THEN 1 ELSE
		CASE s.seqtypid WHEN 'int2'::regtype THEN -32768 WHEN 'int4'::regtype THEN -2147483648
			ELSE -9223372036854775808 END END THEN s.seqmin END AS min,
	CASE WHEN s.seqmax <> CASE WHEN s.seqincrement < 0 THEN -1 ELSE
		CASE s.seqtypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647
			ELSE 9223372036854775807 END END THEN s.seqmax END AS max,
	CASE WHEN s.seqcache <> 1 THEN s.seqcache END AS cache,
	CASE WHEN s.seqcycle THEN true END AS cycle
FROM pg_sequence s;
COMMENT ON VIEW migrate.live_counting IS
'what each sequence counts; NULL where it is the default';

CREATE VIEW migrate.live_sequence AS
SELECT 'pg_class'::regclass::oid AS class, c.oid AS object, 'sequence' AS kind, r.name,
	json_strip_nulls(json_build_object(
		'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
		'counts', (SELECT json_build_object('type', s.type, 'start', s.start, 'increment', s.increment,
						'min', s.min, 'max', s.max, 'cache', s.cache, 'cycle', s.cycle)
				   FROM migrate.live_counting s WHERE s.sequence = c.oid),
		'owned_by', (SELECT migrate.relation_name(a.attrelid) || '.' || quote_ident(a.attname)
					 FROM pg_depend o JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
					 WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.objsubid = 0
						AND o.refclassid = 'pg_class'::regclass AND o.deptype = 'a'),
		'owner', pg_get_userbyid(c.relowner),
		'acl', migrate.acl_json(c.relacl, 's', c.relowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_class'::regclass, c.oid))) AS definition
FROM pg_class c
JOIN migrate.user_relation r ON r.oid = c.oid
LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
WHERE c.relkind = 'S'
	AND NOT EXISTS (SELECT FROM pg_depend i
					WHERE i.classid = 'pg_class'::regclass AND i.objid = c.oid AND i.objsubid = 0
						AND i.refclassid = 'pg_class'::regclass AND i.deptype = 'i');
COMMENT ON VIEW migrate.live_sequence IS
'sequences as they are now; those of identity columns are part of the column';

CREATE VIEW migrate.live_identity AS
SELECT a.attrelid AS relation, a.attnum AS number,
	json_strip_nulls(json_build_object(
		'generation', CASE a.attidentity WHEN 'a' THEN 'always' ELSE 'by default' END,
		'sequence', quote_ident(n.nspname) || '.' || quote_ident(c.relname),
		'persistence', CASE WHEN c.relpersistence <> t.relpersistence THEN
			CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END END,
		-- it has the type of its column
		'counts', json_build_object('start', s.start, 'increment', s.increment,
			'min', s.min, 'max', s.max, 'cache', s.cache, 'cycle', s.cycle),
		'owner', CASE WHEN c.relacl IS NOT NULL THEN pg_get_userbyid(c.relowner) END,
		'acl', migrate.acl_json(c.relacl, 's', c.relowner),
		'comment', (SELECT m.description FROM pg_description m
					WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0),
		'labels', CASE WHEN (SELECT EXISTS (SELECT FROM pg_seclabel)) THEN
			migrate.labels_json('pg_class'::regclass, c.oid) END)) AS definition
FROM pg_attribute a
JOIN pg_class t ON t.oid = a.attrelid
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
	AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'
JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN migrate.live_counting s ON s.sequence = c.oid;
COMMENT ON VIEW migrate.live_identity IS
'identity columns: generation and sequence';

-- Columns --------------------------------------------------------------------------

-- Minor releases from the end of 2026 on (15.20) write an option pg_attver on
-- every column for their own book-keeping; pg_dump leaves it out, too.
CREATE FUNCTION migrate.column_extras(relation oid, column_number integer) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT concat(
		CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN
			',"collation":' || to_json(migrate.collation_name(a.attcollation)) END,
		CASE WHEN a.attstorage <> t.typstorage AND c.relkind <> 'c' THEN
			CASE a.attstorage WHEN 'p' THEN ',"storage":"plain"' WHEN 'e' THEN ',"storage":"external"'
				WHEN 'm' THEN ',"storage":"main"' WHEN 'x' THEN ',"storage":"extended"' END END,
		CASE a.attcompression WHEN 'p' THEN ',"compression":"pglz"' WHEN 'l' THEN ',"compression":"lz4"' END,
		CASE WHEN a.attstattarget >= 0 THEN ',"statistics":' || a.attstattarget END,
		',"options":' || json_strip_nulls(migrate.options_json(ARRAY(
			SELECT o FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\_attver=%'))),
		',"fdw_options":' || json_strip_nulls(migrate.options_json(a.attfdwoptions)),
		',"acl":' || migrate.acl_json(a.attacl, 'c', c.relowner))
	FROM pg_attribute a
	JOIN pg_class c ON c.oid = a.attrelid
	JOIN pg_type t ON t.oid = a.atttypid
	WHERE a.attrelid = relation AND a.attnum = column_number;
END;
COMMENT ON FUNCTION migrate.column_extras(oid, integer) IS
'the properties of a column that few have, as a piece of json';

CREATE VIEW migrate.live_columns AS
SELECT a.attrelid AS relation,
	'[' || string_agg(concat(
		'{"name":', to_json(a.attname::text),
		',"type":', to_json(format_type(a.atttypid, a.atttypmod)),
		CASE WHEN a.attnotnull THEN ',"not_null":true' END,
		CASE WHEN a.atthasdef THEN
			CASE a.attgenerated WHEN '' THEN ',"default":' ELSE ',"generated":' END ||
			(SELECT to_json(pg_get_expr(d.adbin, d.adrelid)) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END,
		CASE a.attgenerated WHEN 'v' THEN ',"virtual":true' END,
		CASE WHEN a.attidentity <> '' THEN ',"identity":' ||
			(SELECT i.definition FROM migrate.live_identity i WHERE i.relation = a.attrelid AND i.number = a.attnum) END,
		CASE WHEN a.attcollation <> t.typcollation OR a.attcompression <> '' OR a.attstattarget >= 0
			OR a.attacl IS NOT NULL OR cardinality(a.attoptions) > 1 OR a.attoptions[1] NOT LIKE 'pg\_attver=%' OR a.attfdwoptions IS NOT NULL
			OR a.attstorage <> t.typstorage
			THEN migrate.column_extras(a.attrelid, a.attnum) END,
		CASE WHEN NOT a.attislocal THEN ',"local":false' END,
		',"comment":' || to_json(m.description),
		CASE WHEN (SELECT EXISTS (SELECT FROM pg_seclabel)) THEN
			',"labels":' || json_strip_nulls(migrate.labels_json('pg_class'::regclass, a.attrelid, a.attnum)) END,
		'}'), ',' ORDER BY a.attnum) || ']' AS columns
FROM pg_attribute a
CROSS JOIN LATERAL (SELECT t.typcollation, t.typstorage FROM pg_type t WHERE t.oid = a.atttypid OFFSET 0) t
LEFT JOIN pg_description m ON m.objoid = a.attrelid AND m.classoid = 'pg_class'::regclass AND m.objsubid = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped
GROUP BY a.attrelid;
COMMENT ON VIEW migrate.live_columns IS
'the columns of each relation in their order, as text of a json array; to be read as (SELECT columns FROM ... WHERE relation = ...)';

-- Tables -----------------------------------------------------------------------------

CREATE FUNCTION migrate.is_rearranged(relation oid) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	-- where CREATE TABLE ... INHERITS would put each column: as it first comes up in the parents, then its own
	SELECT array_agg(c.attname ORDER BY c.attnum) <> array_agg(c.attname ORDER BY p.place NULLS LAST, c.attnum)
		OR bool_or(c.attislocal AND c.attinhcount > 0 AND c.attgenerated <> '')
	FROM pg_attribute c
	LEFT JOIN (SELECT a.attname, min(i.inhseqno * 2000::bigint + a.attnum) AS place
			   FROM pg_inherits i JOIN pg_attribute a ON a.attrelid = i.inhparent
			   WHERE i.inhrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
			   GROUP BY a.attname) p ON p.attname = c.attname
	WHERE c.attrelid = relation AND c.attnum > 0 AND NOT c.attisdropped;
END;
COMMENT ON FUNCTION migrate.is_rearranged(oid) IS
'whether CREATE TABLE ... INHERITS cannot make a child table: its columns stand in another order, or it generates a column of its parent by itself';

CREATE VIEW migrate.live_table AS
SELECT 'pg_class'::regclass::oid AS class, c.oid AS object,
	CASE c.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind,
	n.name || '.' || quote_ident(c.relname) AS name,
	('{' || substr(concat(
		CASE c.relpersistence WHEN 'u' THEN ',"persistence":"unlogged"' END,
		',"of":' || CASE WHEN c.reloftype <> 0 THEN to_json(format_type(c.reloftype, NULL)) END,
		',"partition_by":' || CASE WHEN c.relkind = 'p' THEN to_json(pg_get_partkeydef(c.oid)) END,
		CASE WHEN c.relispartition THEN
			(SELECT ',"partition_of":' || to_json(migrate.relation_name(i.inhparent)) FROM pg_inherits i WHERE i.inhrelid = c.oid) ||
			',"partition_bound":' || to_json(pg_get_expr(c.relpartbound, c.oid)) END,
		CASE WHEN NOT c.relispartition THEN
			(SELECT CASE WHEN count(*) > 0 THEN ',"inherits":' || json_strip_nulls(json_agg(migrate.relation_name(i.inhparent) ORDER BY i.inhseqno)) ||
				CASE WHEN migrate.is_rearranged(c.oid) THEN ',"rearranged":true' ELSE '' END END
			 FROM pg_inherits i WHERE i.inhrelid = c.oid) END,
		',"columns":' || (SELECT CASE WHEN c.relispartition OR c.relkind = 'p' THEN replace(k.columns, ',"local":false', '')
							ELSE k.columns END
						  FROM migrate.live_columns k WHERE k.relation = c.oid),
		',"system_columns":' || (SELECT json_strip_nulls(json_agg(json_build_object('name', a.attname,
									'acl', migrate.acl_json(a.attacl, 'c', c.relowner)) ORDER BY a.attnum DESC))
								 FROM pg_attribute a
								 WHERE a.attrelid = c.oid AND a.attnum < 0 AND a.attacl IS NOT NULL AND a.attacl <> '{}'),
		',"options":' || json_strip_nulls(migrate.options_json(c.reloptions)),
		',"toast_options":' || CASE WHEN c.reltoastrelid <> 0 THEN
			(SELECT json_strip_nulls(migrate.options_json(o.reloptions)) FROM pg_class o WHERE o.oid = c.reltoastrelid) END,
		',"tablespace":' || CASE WHEN c.reltablespace <> 0 THEN
			(SELECT to_json(s.spcname::text) FROM pg_tablespace s WHERE s.oid = c.reltablespace) END,
		',"access_method":' || CASE WHEN c.relam NOT IN (0, 2) THEN
			(SELECT to_json(m.amname::text) FROM pg_am m WHERE m.oid = c.relam) END,
		CASE WHEN c.relkind IN ('r', 'p') THEN
			CASE c.relreplident WHEN 'f' THEN ',"replica_identity":"full"' WHEN 'i' THEN ',"replica_identity":"index"'
				WHEN 'n' THEN ',"replica_identity":"nothing"' END END,
		CASE WHEN c.relrowsecurity THEN ',"row_security":true' END,
		CASE WHEN c.relforcerowsecurity THEN ',"force_row_security":true' END,
		CASE WHEN c.relkind = 'f' THEN
			(SELECT concat(',"server":', to_json(s.srvname::text),
				',"fdw_options":' || json_strip_nulls(migrate.options_json(f.ftoptions)))
			 FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) END,
		',"owner":', to_json(pg_get_userbyid(c.relowner)::text),
		',"acl":' || migrate.acl_json(c.relacl, 'r', c.relowner),
		',"comment":' || to_json(d.description),
		CASE WHEN (SELECT EXISTS (SELECT FROM pg_seclabel)) THEN
			',"labels":' || json_strip_nulls(migrate.labels_json('pg_class'::regclass, c.oid)) END), 2) || '}')::json AS definition
FROM pg_class c
JOIN migrate.user_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
	AND NOT EXISTS (SELECT FROM pg_depend e
					WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.objsubid = 0 AND e.deptype = 'e');
COMMENT ON VIEW migrate.live_table IS
'tables as they are now, also partitioned, partitions, inherited, typed and foreign ones.
replica_identity "index" and clustering are told with the index or constraint.';

-- Views ------------------------------------------------------------------------------

CREATE VIEW migrate.live_view AS
SELECT 'pg_class'::regclass::oid AS class, c.oid AS object,
	CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END AS kind, r.name,
	json_strip_nulls(json_build_object(
		'create', CASE WHEN q.text LIKE '%::character varying])::text[]%' THEN migrate.stable_expression(q.text) ELSE q.text END,
		'columns', (SELECT k.columns FROM migrate.live_columns k WHERE k.relation = c.oid)::json,
		'options', migrate.options_json(c.reloptions),
		'toast_options', CASE WHEN c.reltoastrelid <> 0 THEN
			(SELECT migrate.options_json(o.reloptions) FROM pg_class o WHERE o.oid = c.reltoastrelid) END,
		'tablespace', CASE WHEN c.reltablespace <> 0 THEN
			(SELECT s.spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace) END,
		'access_method', CASE WHEN c.relam NOT IN (0, 2) THEN
			(SELECT m.amname FROM pg_am m WHERE m.oid = c.relam) END,
		'populated', CASE WHEN c.relkind = 'm' THEN c.relispopulated END,
		'owner', pg_get_userbyid(c.relowner),
		'acl', migrate.acl_json(c.relacl, 'r', c.relowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_class'::regclass, c.oid))) AS definition
FROM pg_class c
JOIN migrate.user_relation r ON r.oid = c.oid
LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
CROSS JOIN LATERAL (SELECT regexp_replace(pg_get_viewdef(c.oid), ';\s*$', '') AS text OFFSET 0) q
WHERE c.relkind IN ('v', 'm');
COMMENT ON VIEW migrate.live_view IS 'views and materialized views as they are now';

-- Composite types ----------------------------------------------------------------------

CREATE VIEW migrate.live_composite_type AS
SELECT 'pg_class'::regclass::oid AS class, c.oid AS object, 'composite type' AS kind, r.name,
	json_strip_nulls(json_build_object(
		'columns', (SELECT k.columns FROM migrate.live_columns k WHERE k.relation = c.oid)::json,
		'owner', pg_get_userbyid(t.typowner),
		'acl', migrate.acl_json(t.typacl, 'T', t.typowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_type'::regclass, t.oid))) AS definition
FROM pg_class c
JOIN pg_type t ON t.oid = c.reltype
JOIN migrate.user_relation r ON r.oid = c.oid
LEFT JOIN pg_description d ON d.objoid = t.oid AND d.classoid = 'pg_type'::regclass AND d.objsubid = 0
WHERE c.relkind = 'c' AND NOT migrate.is_member('pg_type'::regclass, t.oid);
COMMENT ON VIEW migrate.live_composite_type IS
'stand-alone composite types as they are now, known by their pg_class row';

CREATE VIEW migrate.live_relation AS
SELECT * FROM migrate.live_table
UNION ALL
SELECT * FROM migrate.live_sequence
UNION ALL
SELECT * FROM migrate.live_view
UNION ALL
SELECT * FROM migrate.live_composite_type;
COMMENT ON VIEW migrate.live_relation IS
'relations but indexes, as they are now';
