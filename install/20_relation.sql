/*
 * Schemas and relations as they are now: tables (also partitioned and foreign
 * ones), views, sequences, composite types.
 *
 * Json that is made for every column is put together as text: taking the nulls
 * out of an object costs more than making it.
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

CREATE FUNCTION migrate.sequence_json(sequence oid, is_identity boolean) RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_build_object(
		'type', CASE WHEN NOT is_identity AND s.seqtypid <> 'int8'::regtype THEN format_type(s.seqtypid, NULL) END,
		'start', CASE WHEN s.seqstart <> CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END THEN s.seqstart END,
		'increment', CASE WHEN s.seqincrement <> 1 THEN s.seqincrement END,
		'min', CASE WHEN s.seqmin <> CASE WHEN s.seqincrement > 0 THEN 1 ELSE t.low END THEN s.seqmin END,
		'max', CASE WHEN s.seqmax <> CASE WHEN s.seqincrement > 0 THEN t.high ELSE -1 END THEN s.seqmax END,
		'cache', CASE WHEN s.seqcache <> 1 THEN s.seqcache END,
		'cycle', CASE WHEN s.seqcycle THEN true END)
	FROM pg_sequence s
	JOIN (VALUES ('int2'::regtype::oid, -32768::bigint, 32767::bigint),
		('int4'::regtype::oid, -2147483648, 2147483647),
		('int8'::regtype::oid, -9223372036854775808, 9223372036854775807)) t (type, low, high)
		ON t.type = s.seqtypid
	WHERE s.seqrelid = sequence;
END;
COMMENT ON FUNCTION migrate.sequence_json(oid, boolean) IS
'what a sequence counts, where it is not the default.
is_identity: it has the type of its column.';

CREATE VIEW migrate.live_sequence AS
SELECT 'pg_class'::regclass::oid AS class, c.oid AS object, 'sequence' AS kind, r.name,
	json_strip_nulls(json_build_object(
		'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
		'counts', migrate.sequence_json(c.oid, false),
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

-- Called for many columns: functions in a function are planned at each call of that.
CREATE FUNCTION migrate.identity_json(relation oid, column_number integer, generation "char") RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_strip_nulls(json_build_object(
		'generation', CASE generation WHEN 'a' THEN 'always' ELSE 'by default' END,
		'sequence', quote_ident(n.nspname) || '.' || quote_ident(c.relname),
		'persistence', CASE WHEN c.relpersistence <> t.relpersistence THEN
			CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END END,
		'counts', CASE WHEN s.seqincrement = 1 AND s.seqstart = 1 AND s.seqmin = 1 AND s.seqcache = 1 AND NOT s.seqcycle
				AND s.seqmax = CASE s.seqtypid WHEN 'int8'::regtype THEN 9223372036854775807 WHEN 'int4'::regtype THEN 2147483647 ELSE 32767 END
			THEN '{}' ELSE migrate.sequence_json(c.oid, true) END,
		'owner', CASE WHEN c.relacl IS NOT NULL THEN pg_get_userbyid(c.relowner) END,
		'acl', CASE WHEN c.relacl IS NOT NULL THEN migrate.acl_json(c.relacl, 's', c.relowner) END,
		'comment', (SELECT m.description FROM pg_description m
					WHERE m.objoid = c.oid AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0),
		'labels', CASE WHEN (SELECT EXISTS (SELECT FROM pg_seclabel)) THEN
			migrate.labels_json('pg_class'::regclass, c.oid) END))
	FROM pg_depend d
	JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
	JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_sequence s ON s.seqrelid = c.oid
	JOIN pg_class t ON t.oid = d.refobjid
	WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND d.refobjsubid = column_number
		AND d.classid = 'pg_class'::regclass AND d.deptype = 'i';
END;
COMMENT ON FUNCTION migrate.identity_json(oid, integer, "char") IS
'an identity column''s generation and its sequence';

-- Columns --------------------------------------------------------------------------

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
		',"options":' || json_strip_nulls(migrate.options_json(
			-- the server's own count of changes, in some minor releases
			ARRAY(SELECT o FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\_attver=%'))),
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
		CASE WHEN a.attidentity <> '' THEN ',"identity":' || migrate.identity_json(a.attrelid, a.attnum, a.attidentity) END,
		CASE WHEN a.attcollation <> t.typcollation OR a.attcompression <> '' OR a.attstattarget >= 0
			OR a.attacl IS NOT NULL OR a.attfdwoptions IS NOT NULL
			OR cardinality(a.attoptions) > 1 OR a.attoptions[1] NOT LIKE 'pg\_attver=%'
			OR a.attstorage <> t.typstorage
			THEN migrate.column_extras(a.attrelid, a.attnum) END,
		CASE WHEN NOT a.attislocal THEN ',"local":false' END,
		',"comment":' || to_json(m.description),
		CASE WHEN (SELECT EXISTS (SELECT FROM pg_seclabel)) THEN
			',"labels":' || json_strip_nulls(migrate.labels_json('pg_class'::regclass, a.attrelid, a.attnum)) END,
		'}'), ',' ORDER BY a.attnum) || ']' AS columns
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
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
	CASE c.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind, r.name,
	json_strip_nulls(json_build_object(
		'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
		'of', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
		'partition_by', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
		'partition_of', CASE WHEN c.relispartition THEN
			(SELECT migrate.relation_name(i.inhparent) FROM pg_inherits i WHERE i.inhrelid = c.oid) END,
		'partition_bound', CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
		'inherits', h.parents,
		'rearranged', CASE WHEN h.parents IS NOT NULL AND migrate.is_rearranged(c.oid) THEN true END,
		'columns', CASE WHEN c.relispartition OR c.relkind = 'p' THEN replace(k.columns, ',"local":false', '') ELSE k.columns END::json,
		'options', migrate.options_json(c.reloptions),
		'toast_options', CASE WHEN c.reltoastrelid <> 0 THEN
			(SELECT migrate.options_json(o.reloptions) FROM pg_class o WHERE o.oid = c.reltoastrelid) END,
		'tablespace', CASE WHEN c.reltablespace <> 0 THEN
			(SELECT s.spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace) END,
		'access_method', CASE WHEN c.relam NOT IN (0, 2) THEN
			(SELECT m.amname FROM pg_am m WHERE m.oid = c.relam) END,
		'replica_identity', CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'i' THEN 'index'
			WHEN 'n' THEN CASE WHEN c.relkind IN ('r', 'p') THEN 'nothing' END END,
		'row_security', CASE WHEN c.relrowsecurity THEN true END,
		'force_row_security', CASE WHEN c.relforcerowsecurity THEN true END,
		'server', CASE WHEN c.relkind = 'f' THEN
			(SELECT s.srvname FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) END,
		'fdw_options', CASE WHEN c.relkind = 'f' THEN
			(SELECT migrate.options_json(f.ftoptions) FROM pg_foreign_table f WHERE f.ftrelid = c.oid) END,
		'owner', pg_get_userbyid(c.relowner),
		'acl', migrate.acl_json(c.relacl, 'r', c.relowner),
		'comment', d.description,
		'labels', CASE WHEN (SELECT EXISTS (SELECT FROM pg_seclabel)) THEN
			migrate.labels_json('pg_class'::regclass, c.oid) END)) AS definition
FROM pg_class c
JOIN migrate.user_relation r ON r.oid = c.oid
LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
LEFT JOIN LATERAL (SELECT (SELECT k.columns FROM migrate.live_columns k WHERE k.relation = c.oid) AS columns OFFSET 0) k ON true
LEFT JOIN LATERAL (
	SELECT CASE WHEN NOT c.relispartition THEN
		(SELECT json_agg(migrate.relation_name(i.inhparent) ORDER BY i.inhseqno)
		 FROM pg_inherits i WHERE i.inhrelid = c.oid) END AS parents OFFSET 0) h ON true
WHERE c.relkind IN ('r', 'p', 'f');
COMMENT ON VIEW migrate.live_table IS
'tables as they are now, also partitioned, partitions, inherited, typed and foreign ones.
replica_identity "index" and clustering are told with the index or constraint.';

-- Views ------------------------------------------------------------------------------

CREATE VIEW migrate.live_view AS
SELECT 'pg_class'::regclass::oid AS class, c.oid AS object,
	CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END AS kind, r.name,
	json_strip_nulls(json_build_object(
		'create', regexp_replace(pg_get_viewdef(c.oid), ';\s*$', ''),
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
