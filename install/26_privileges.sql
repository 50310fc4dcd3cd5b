/*
 * Privileges on what the schema did not create itself: objects of the server
 * and of extensions.  Such an object is here, as kind "privileges", when its
 * privileges are not those that initdb or the script of the extension left.
 */

CREATE FUNCTION migrate.changed_acl(class oid, object oid, subobject integer, acl aclitem[], standard aclitem[]) RETURNS json
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_changed_acl';
COMMENT ON FUNCTION migrate.changed_acl(oid, oid, integer, aclitem[], aclitem[]) IS
'privileges of an object of the server or of an extension, as they were at first and as they are; NULL when they are the same.
standard: those of a new object.';

CREATE FUNCTION migrate.changed_column_acl(relation oid) RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_object_agg(a.attname, p.changed ORDER BY a.attnum)
	FROM pg_attribute a
	CROSS JOIN LATERAL migrate.changed_acl('pg_class'::regclass, relation, a.attnum, coalesce(a.attacl, '{}'), '{}') p(changed)
	WHERE a.attrelid = relation AND NOT a.attisdropped AND p.changed IS NOT NULL
		-- without any privilege left, a column has no list
		AND (a.attacl IS NOT NULL OR EXISTS (SELECT FROM pg_init_privs r
			WHERE r.objoid = relation AND r.classoid = 'pg_class'::regclass AND r.objsubid = a.attnum));
END;
COMMENT ON FUNCTION migrate.changed_column_acl(oid) IS
'changed_acl() by column; NULL = all are the same';

-- Everything of the catalogs with privileges of its own, and what GRANT calls it.
-- PostgreSQL keeps no record of what the information schema had at first.
CREATE VIEW migrate.grantable AS
SELECT 'pg_proc'::regclass::oid AS class, p.oid AS object, 'ROUTINE ' || p.oid::regprocedure AS name,
	p.proacl AS acl, 'f'::"char" AS kind, p.proowner AS owner
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.proacl IS NOT NULL AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'pg_class'::regclass, c.oid, format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname),
	c.relacl, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'pg_type'::regclass, t.oid, 'TYPE ' || format_type(t.oid, NULL), t.typacl, 'T', t.typowner
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typacl IS NOT NULL AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'pg_namespace'::regclass, n.oid, 'SCHEMA ' || quote_ident(n.nspname), n.nspacl, 'n', n.nspowner
FROM pg_namespace n WHERE n.nspacl IS NOT NULL AND n.nspname !~ '^(public|information_schema|pg_toast|pg_temp_.*|pg_toast_temp_.*)$'
UNION ALL
SELECT 'pg_language'::regclass, l.oid, 'LANGUAGE ' || quote_ident(l.lanname), l.lanacl, 'l', l.lanowner
FROM pg_language l WHERE l.lanacl IS NOT NULL
UNION ALL
SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 'FOREIGN DATA WRAPPER ' || quote_ident(w.fdwname), w.fdwacl, 'F', w.fdwowner
FROM pg_foreign_data_wrapper w WHERE w.fdwacl IS NOT NULL
UNION ALL
SELECT 'pg_foreign_server'::regclass, s.oid, 'FOREIGN SERVER ' || quote_ident(s.srvname), s.srvacl, 'S', s.srvowner
FROM pg_foreign_server s WHERE s.srvacl IS NOT NULL;
COMMENT ON VIEW migrate.grantable IS
'objects with privileges: what GRANT calls them, and their kind for acldefault()';

CREATE VIEW migrate.live_privileges AS
SELECT o.class, o.object, 'privileges'::text AS kind, o.name,
	migrate.properties_json(
		'extension', o.extension,
		'privileges', o.changed,
		'columns', o.columns,
		'owner', pg_get_userbyid(o.owner)) AS definition
FROM (SELECT g.class, g.object, g.name, g.owner, e.extension, c.changed, c.columns
	  FROM migrate.grantable g
	  CROSS JOIN LATERAL (
		SELECT (SELECT x.extname FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid
				WHERE d.classid = g.class AND d.objid = g.object AND d.objsubid = 0
					AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS extension
		OFFSET 0) e
	  CROSS JOIN LATERAL (
		SELECT migrate.changed_acl(g.class, g.object, 0, g.acl, acldefault(g.kind, g.owner)) AS changed,
			CASE WHEN g.kind = 'r' THEN migrate.changed_column_acl(g.object) END AS columns
		OFFSET 0) c
	  WHERE (g.object < 16384 OR e.extension <> 'migrate_ext')
		AND (c.changed IS NOT NULL OR c.columns IS NOT NULL)) o;
COMMENT ON VIEW migrate.live_privileges IS
'privileges on objects of the server and of extensions, where they were changed';

-- Entries that the object had at first are taken away when they are gone or
-- different; then those are granted that it did not have.
CREATE FUNCTION migrate.changed_acl_ddl(target text, changed json, owner text, every text[], columns text)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	WITH item AS (
		SELECT i.value AS item, true AS initial FROM json_array_elements_text(changed -> 'initial') i
		WHERE i.value NOT IN (SELECT n.value FROM json_array_elements_text(changed -> 'acl') n)
		UNION ALL
		SELECT n.value, false FROM json_array_elements_text(changed -> 'acl') n
		WHERE n.value NOT IN (SELECT i.value FROM json_array_elements_text(changed -> 'initial') i)
	), entry AS (
		SELECT d.initial, e.*, CASE WHEN e.grantee = '' THEN 'PUBLIC' ELSE quote_ident(e.grantee) END AS role
		FROM (SELECT i.initial, json_agg(i.item ORDER BY i.item COLLATE "C") AS acl FROM item i GROUP BY i.initial) d,
			migrate.acl_entries(d.acl, owner) WITH ORDINALITY e
	)
	SELECT s.statement
	FROM entry e,
	LATERAL (
		SELECT 1 AS place, format('REVOKE ALL%s ON %s FROM %s CASCADE', columns, target, e.role) AS statement
		WHERE e.initial AND e.grantor = owner
		UNION ALL
		SELECT 2, format('SET ROLE %I', e.grantor) WHERE NOT e.initial AND e.grantor <> owner
		UNION ALL
		SELECT 3, format('GRANT %s ON %s TO %s', migrate.privilege_list(e.privileges, every, columns), target, e.role)
		WHERE NOT e.initial AND e.privileges <> '{}'
		UNION ALL
		SELECT 4, format('GRANT %s ON %s TO %s WITH GRANT OPTION', migrate.privilege_list(e.grantable, every, columns), target, e.role)
		WHERE NOT e.initial AND e.grantable <> '{}'
		UNION ALL
		SELECT 5, 'RESET ROLE' WHERE NOT e.initial AND e.grantor <> owner) s
	ORDER BY e.initial DESC, e.ordinality, s.place;
END;
COMMENT ON FUNCTION migrate.changed_acl_ddl(text, json, text, text[], text) IS
'REVOKE and GRANT statements that lead from the privileges an object had at first to those of changed_acl().
every: all privileges there are for this kind of object; columns: a column list, or empty.';

CREATE FUNCTION migrate.privileges_ddl(name text, definition json)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	SELECT s FROM (SELECT ARRAY(SELECT a.privilege_type FROM aclexplode(acldefault(
			CASE split_part(name, ' ', 1) WHEN 'ROUTINE' THEN 'f' WHEN 'TABLE' THEN 'r' WHEN 'SEQUENCE' THEN 's' WHEN 'TYPE' THEN 'T'
				WHEN 'SCHEMA' THEN 'n' WHEN 'LANGUAGE' THEN 'l'
				ELSE CASE WHEN name LIKE 'FOREIGN SERVER %' THEN 'S' ELSE 'F' END END::"char", 10)) a
			WHERE a.grantee = 10) AS privileges) every,
		migrate.changed_acl_ddl(name, definition -> 'privileges', definition ->> 'owner', every.privileges, '') s
	WHERE definition -> 'privileges' IS NOT NULL
	UNION ALL
	SELECT s FROM json_each(definition -> 'columns') c,
		migrate.changed_acl_ddl(name, c.value, definition ->> 'owner', '{}', '(' || quote_ident(c.key) || ')') s;
END;
COMMENT ON FUNCTION migrate.privileges_ddl(text, json) IS
'statements that change the privileges of an object of the server or of an extension';
