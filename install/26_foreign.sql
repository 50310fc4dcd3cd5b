/*
 * Foreign-data wrappers, servers and user mappings.
 */

CREATE VIEW migrate.live_foreign_data_wrapper AS
SELECT 'pg_foreign_data_wrapper'::regclass::oid AS class, w.oid AS object, 'foreign-data wrapper'::text AS kind,
	quote_ident(w.fdwname) AS name,
	migrate.properties_json(
		'handler', CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc END,
		'validator', CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc END,
		'options', migrate.options_json(w.fdwoptions),
		'owner', pg_get_userbyid(w.fdwowner),
		'acl', migrate.acl_json(w.fdwacl, 'F', w.fdwowner),
		'comment', d.description) AS definition
FROM pg_foreign_data_wrapper w
LEFT JOIN pg_description d ON d.classoid = 'pg_foreign_data_wrapper'::regclass AND d.objoid = w.oid AND d.objsubid = 0
WHERE w.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_foreign_data_wrapper'::regclass AND x.objid = w.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_foreign_data_wrapper IS 'foreign-data wrappers as they are now';

CREATE VIEW migrate.live_server AS
SELECT 'pg_foreign_server'::regclass::oid AS class, s.oid AS object, 'server'::text AS kind,
	quote_ident(s.srvname) AS name,
	migrate.properties_json(
		'type', s.srvtype,
		'version', s.srvversion,
		'wrapper', w.fdwname,
		'options', migrate.options_json(s.srvoptions),
		'owner', pg_get_userbyid(s.srvowner),
		'acl', migrate.acl_json(s.srvacl, 'S', s.srvowner),
		'comment', d.description) AS definition
FROM pg_foreign_server s
JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
LEFT JOIN pg_description d ON d.classoid = 'pg_foreign_server'::regclass AND d.objoid = s.oid AND d.objsubid = 0
WHERE s.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_foreign_server'::regclass AND x.objid = s.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_server IS 'foreign servers as they are now';

/*
 * Options of a user mapping hold passwords.  24 bits of a digest show that one
 * changed; they fit so many passwords that they do not give one away.
 */
CREATE FUNCTION migrate.digest_options(role text, server text, options text[]) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_object_agg(o.key, left(encode(sha256(convert_to(
			json_build_array(role, server, o.key, o.value)::text, 'UTF8')), 'hex'), 6)
		ORDER BY o.key COLLATE "C")
	FROM json_each_text(migrate.options_json(options)) o;
END;
COMMENT ON FUNCTION migrate.digest_options(text, text, text[]) IS
'options of a user mapping: name to a short digest of the value; NULL = none';

CREATE VIEW migrate.live_user_mapping AS
SELECT 'pg_user_mapping'::regclass::oid AS class, u.oid AS object, 'user mapping'::text AS kind,
	CASE WHEN u.umuser = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(u.umuser)) END ||
		' SERVER ' || quote_ident(s.srvname) AS name,
	migrate.properties_json(
		'role', CASE WHEN u.umuser <> 0 THEN pg_get_userbyid(u.umuser) END,
		'server', s.srvname,
		'options', migrate.digest_options(CASE WHEN u.umuser <> 0 THEN pg_get_userbyid(u.umuser) END,
			s.srvname, u.umoptions)) AS definition
FROM pg_user_mapping u
JOIN pg_foreign_server s ON s.oid = u.umserver
WHERE u.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_user_mapping'::regclass AND x.objid = u.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_user_mapping IS
'user mappings as they are now, without the values of their options';

-- The options of a user mapping are named in a comment, for their values are not known.
CREATE FUNCTION migrate.foreign_ddl(kind text, name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT 0, concat_ws(' ', 'CREATE FOREIGN DATA WRAPPER', name,
		'HANDLER ' || (definition ->> 'handler'),
		'VALIDATOR ' || (definition ->> 'validator'),
		'OPTIONS (' || migrate.options_ddl(definition -> 'options') || ')')
	WHERE kind = 'foreign-data wrapper'
	UNION ALL
	SELECT 0, concat_ws(' ', 'CREATE SERVER', name,
		'TYPE ' || quote_literal(definition ->> 'type'),
		'VERSION ' || quote_literal(definition ->> 'version'),
		'FOREIGN DATA WRAPPER', quote_ident(definition ->> 'wrapper'),
		'OPTIONS (' || migrate.options_ddl(definition -> 'options') || ')')
	WHERE kind = 'server'
	UNION ALL
	SELECT 0, coalesce((SELECT '-- not kept: the values of ' || string_agg(to_json(o.key)::text, ', ' ORDER BY o.ordinality) || E'\n'
			FROM json_each_text(definition -> 'options') WITH ORDINALITY o), '') ||
		'CREATE USER MAPPING FOR ' || name
	WHERE kind = 'user mapping';
END;
COMMENT ON FUNCTION migrate.foreign_ddl(text, text, json) IS
'statements that create a foreign-data wrapper, server or user mapping from its definition, without owner, grants and comment';
