/*
 * Schemas and relations as they are now: tables (also partitioned and foreign
 * ones), views, sequences, composite types.
 */

CREATE FUNCTION migrate.is_member(class oid, object oid) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_is_member';
COMMENT ON FUNCTION migrate.is_member(oid, oid) IS
'whether an object belongs to an extension';

CREATE VIEW migrate.live_schema AS
SELECT 'pg_namespace'::regclass::oid AS class, s.oid AS object, 'schema' AS kind, n.name,
	migrate.properties_json(
		'owner', pg_get_userbyid(s.nspowner),
		'acl', migrate.acl_json(s.nspacl, 'n', s.nspowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_namespace'::regclass, s.oid)) AS definition
FROM pg_namespace s
JOIN migrate.user_namespace n ON n.oid = s.oid
LEFT JOIN pg_description d ON d.objoid = s.oid AND d.classoid = 'pg_namespace'::regclass AND d.objsubid = 0
WHERE NOT migrate.is_member('pg_namespace'::regclass, s.oid);
COMMENT ON VIEW migrate.live_schema IS 'schemas as they are now';

CREATE FUNCTION migrate.relation_name(relation oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_relation_name';
COMMENT ON FUNCTION migrate.relation_name(oid) IS 'qualified and quoted name of a relation';

-- The views ask for it in a subquery with OFFSET 0, so that it is called once: a
-- join with pg_class and pg_namespace costs more to set up than it takes to run.
CREATE FUNCTION migrate.user_relation_name(relation oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_user_relation_name';
COMMENT ON FUNCTION migrate.user_relation_name(oid) IS
'the same for what is rendered; NULL for temporary relations and those in schemas of the server or of migrate_ext. Extensions may own them.';

-- Sequences ----------------------------------------------------------------------

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
'how sequences count, where it is not the default';

CREATE VIEW migrate.live_sequence AS
SELECT 'pg_class'::regclass::oid AS class, c.oid AS object, 'sequence' AS kind, n.name,
	migrate.properties_json(
		'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
		'counts', (SELECT migrate.properties_json('type', q.type, 'start', q.start, 'increment', q.increment,
						'min', q.min, 'max', q.max, 'cache', q.cache, 'cycle', q.cycle)
				   FROM migrate.live_counting q WHERE q.sequence = c.oid),
		'owned_by', (SELECT migrate.relation_name(a.attrelid) || '.' || quote_ident(a.attname)
					 FROM pg_depend o JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
					 WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.objsubid = 0
						AND o.refclassid = 'pg_class'::regclass AND o.deptype = 'a'),
		'owner', pg_get_userbyid(c.relowner),
		'acl', migrate.acl_json(c.relacl, 's', c.relowner),
		'comment', migrate.comment('pg_class'::regclass, c.oid),
		'labels', migrate.labels_json('pg_class'::regclass, c.oid)) AS definition
FROM pg_class c
CROSS JOIN LATERAL (SELECT migrate.user_relation_name(c.oid) AS name OFFSET 0) n
WHERE n.name IS NOT NULL AND NOT migrate.is_member('pg_class'::regclass, c.oid)
	AND c.relkind = 'S'
	AND NOT EXISTS (SELECT FROM pg_depend i
					WHERE i.classid = 'pg_class'::regclass AND i.objid = c.oid AND i.objsubid = 0
						AND i.refclassid = 'pg_class'::regclass AND i.deptype = 'i');
COMMENT ON VIEW migrate.live_sequence IS
'sequences as they are now; those of identity columns are part of the column';

-- Columns --------------------------------------------------------------------------

CREATE FUNCTION migrate.columns_json(relation oid) RETURNS json
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_columns_json';
COMMENT ON FUNCTION migrate.columns_json(oid) IS
'the columns of a relation in their order, with the properties that are not the default; NULL = it has none';

CREATE FUNCTION migrate.system_columns_json(relation oid) RETURNS json
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_system_columns_json';
COMMENT ON FUNCTION migrate.system_columns_json(oid) IS
'the system columns of a relation on which there are privileges; NULL = there are none';

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
	CASE c.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind, n.name,
	migrate.properties_json(
		'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
		'of', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
		'partition_by', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
		'partition_of', CASE WHEN c.relispartition THEN
			migrate.parent_name(c.oid) END,
		'partition_bound', CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
		'inherits', CASE WHEN NOT c.relispartition THEN migrate.parents_json(c.oid) END,
		'rearranged', CASE WHEN NOT c.relispartition AND migrate.parents_json(c.oid) IS NOT NULL AND migrate.is_rearranged(c.oid) THEN true END,
		'columns', migrate.columns_json(c.oid),
		'system_columns', migrate.system_columns_json(c.oid),
		'options', migrate.options_json(c.reloptions),
		'toast_options', CASE WHEN c.reltoastrelid <> 0 THEN
			migrate.reloptions_json(c.reltoastrelid) END,
		'tablespace', CASE WHEN c.reltablespace <> 0 THEN
			migrate.tablespace_name(c.reltablespace) END,
		'access_method', CASE WHEN c.relam NOT IN (0, 2) THEN
			migrate.access_method_name(c.relam) END,
		'replica_identity', CASE WHEN c.relkind IN ('r', 'p') THEN
			CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'i' THEN 'index' WHEN 'n' THEN 'nothing' END END,
		'row_security', CASE WHEN c.relrowsecurity THEN true END,
		'force_row_security', CASE WHEN c.relforcerowsecurity THEN true END,
		'server', CASE WHEN c.relkind = 'f' THEN
			migrate.foreign_server_name(c.oid) END,
		'fdw_options', CASE WHEN c.relkind = 'f' THEN
			migrate.foreign_options_json(c.oid) END,
		'owner', pg_get_userbyid(c.relowner),
		'acl', migrate.acl_json(c.relacl, 'r', c.relowner),
		'comment', migrate.comment('pg_class'::regclass, c.oid),
		'labels', migrate.labels_json('pg_class'::regclass, c.oid)) AS definition
FROM pg_class c
CROSS JOIN LATERAL (SELECT migrate.user_relation_name(c.oid) AS name OFFSET 0) n
WHERE n.name IS NOT NULL AND NOT migrate.is_member('pg_class'::regclass, c.oid)
	AND c.relkind IN ('r', 'p', 'f');
COMMENT ON VIEW migrate.live_table IS
'tables as they are now, also partitioned, partitions, inherited, typed and foreign ones.
replica_identity "index" and clustering are told with the index or constraint.';

-- Views ------------------------------------------------------------------------------

CREATE VIEW migrate.live_view AS
SELECT 'pg_class'::regclass::oid AS class, c.oid AS object,
	CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END AS kind, n.name,
	migrate.properties_json(
		'create', CASE WHEN q.text LIKE '%::character varying])::text[]%' THEN migrate.stable_expression(q.text) ELSE q.text END,
		'columns', migrate.columns_json(c.oid),
		'options', migrate.options_json(c.reloptions),
		'toast_options', CASE WHEN c.reltoastrelid <> 0 THEN
			migrate.reloptions_json(c.reltoastrelid) END,
		'tablespace', CASE WHEN c.reltablespace <> 0 THEN
			migrate.tablespace_name(c.reltablespace) END,
		'access_method', CASE WHEN c.relam NOT IN (0, 2) THEN
			migrate.access_method_name(c.relam) END,
		'populated', CASE WHEN c.relkind = 'm' THEN c.relispopulated END,
		'owner', pg_get_userbyid(c.relowner),
		'acl', migrate.acl_json(c.relacl, 'r', c.relowner),
		'comment', migrate.comment('pg_class'::regclass, c.oid),
		'labels', migrate.labels_json('pg_class'::regclass, c.oid)) AS definition
FROM pg_class c
CROSS JOIN LATERAL (SELECT migrate.user_relation_name(c.oid) AS name OFFSET 0) n
CROSS JOIN LATERAL (SELECT rtrim(pg_get_viewdef(c.oid), E'; \n') AS text WHERE n.name IS NOT NULL OFFSET 0) q
WHERE NOT migrate.is_member('pg_class'::regclass, c.oid)
	AND c.relkind IN ('v', 'm');
COMMENT ON VIEW migrate.live_view IS 'views and materialized views as they are now';

-- Composite types ----------------------------------------------------------------------

CREATE VIEW migrate.live_composite_type AS
SELECT 'pg_class'::regclass::oid AS class, c.oid AS object, 'composite type' AS kind, r.name,
	migrate.properties_json(
		'columns', migrate.columns_json(c.oid),
		'owner', pg_get_userbyid(t.typowner),
		'acl', migrate.acl_json(t.typacl, 'T', t.typowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_type'::regclass, t.oid)) AS definition
FROM pg_class c
JOIN pg_type t ON t.oid = c.reltype
CROSS JOIN LATERAL (SELECT migrate.user_relation_name(c.oid) AS name OFFSET 0) r
LEFT JOIN pg_description d ON d.objoid = t.oid AND d.classoid = 'pg_type'::regclass AND d.objsubid = 0
WHERE c.relkind = 'c' AND r.name IS NOT NULL AND NOT migrate.is_member('pg_type'::regclass, t.oid);
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
