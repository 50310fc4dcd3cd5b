/*
 * Objects of no family: conversions, collations, languages, transforms,
 * extensions, event triggers, publications, subscriptions, default privileges.
 */

CREATE VIEW migrate.live_conversion AS
SELECT 'pg_conversion'::regclass::oid AS class, c.oid AS object, 'conversion'::text AS kind,
	format('%s.%I', n.name, c.conname) AS name,
	migrate.properties_json(
		'create', concat_ws(' ', 'CREATE', CASE WHEN c.condefault THEN 'DEFAULT' END,
			format('CONVERSION %s.%I FOR %L TO %L FROM %s', n.name, c.conname,
				pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc)),
		'owner', pg_get_userbyid(c.conowner),
		'comment', d.description) AS definition
FROM pg_conversion c
JOIN migrate.user_namespace n ON n.oid = c.connamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_conversion'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE c.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_conversion'::regclass AND x.objid = c.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_conversion IS 'conversions as they are now';

-- The column of the locale has another name before version 17, and rules are new
-- in 16.  The version of the collation is the operating system's, not the schema's.
CREATE VIEW migrate.live_collation AS
SELECT 'pg_collation'::regclass::oid AS class, c.oid AS object, 'collation'::text AS kind,
	format('%s.%I', n.name, c.collname) AS name,
	migrate.properties_json(
		'create', format('CREATE COLLATION %s.%I (', n.name, c.collname) || concat_ws(', ',
			'PROVIDER = ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
			'LOCALE = ' || quote_literal(coalesce(j ->> 'colllocale', j ->> 'colliculocale',
				CASE WHEN c.collcollate = c.collctype THEN c.collcollate END)),
			CASE WHEN c.collcollate <> c.collctype THEN
				format('LC_COLLATE = %L, LC_CTYPE = %L', c.collcollate, c.collctype) END,
			CASE WHEN NOT c.collisdeterministic THEN 'DETERMINISTIC = false' END,
			'RULES = ' || quote_literal(j ->> 'collicurules')) || ')',
		'owner', pg_get_userbyid(c.collowner),
		'comment', d.description) AS definition
FROM pg_collation c
CROSS JOIN LATERAL to_jsonb(c) j
JOIN migrate.user_namespace n ON n.oid = c.collnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_collation'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE c.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_collation'::regclass AND x.objid = c.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_collation IS 'collations as they are now';

CREATE VIEW migrate.live_language AS
SELECT 'pg_language'::regclass::oid AS class, l.oid AS object, 'language'::text AS kind,
	quote_ident(l.lanname) AS name,
	migrate.properties_json(
		'create', concat_ws(' ', 'CREATE', CASE WHEN l.lanpltrusted THEN 'TRUSTED' END,
			'LANGUAGE', quote_ident(l.lanname),
			'HANDLER ' || nullif(l.lanplcallfoid, 0)::regproc,
			'INLINE ' || nullif(l.laninline, 0)::regproc,
			'VALIDATOR ' || nullif(l.lanvalidator, 0)::regproc),
		'owner', pg_get_userbyid(l.lanowner),
		'acl', migrate.acl_json(l.lanacl, 'l', l.lanowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_language'::regclass, l.oid)) AS definition
FROM pg_language l
LEFT JOIN pg_description d ON d.classoid = 'pg_language'::regclass AND d.objoid = l.oid AND d.objsubid = 0
WHERE l.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_language'::regclass AND x.objid = l.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_language IS 'procedural languages as they are now';

CREATE VIEW migrate.live_transform AS
SELECT 'pg_transform'::regclass::oid AS class, t.oid AS object, 'transform'::text AS kind,
	format('FOR %s LANGUAGE %I', format_type(t.trftype, NULL), l.lanname) AS name,
	migrate.properties_json(
		'from_sql', nullif(t.trffromsql, 0)::regprocedure,
		'to_sql', nullif(t.trftosql, 0)::regprocedure,
		'comment', d.description) AS definition
FROM pg_transform t
JOIN pg_language l ON l.oid = t.trflang
LEFT JOIN pg_description d ON d.classoid = 'pg_transform'::regclass AND d.objoid = t.oid AND d.objsubid = 0
WHERE t.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_transform'::regclass AND x.objid = t.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_transform IS 'transforms as they are now';

-- Version and configuration tables are what the extension's files make them;
-- they are compared, not restored.
CREATE VIEW migrate.live_extension AS
SELECT 'pg_extension'::regclass::oid AS class, e.oid AS object, 'extension'::text AS kind,
	quote_ident(e.extname) AS name,
	migrate.properties_json(
		'schema', n.nspname,
		'version', e.extversion,
		'config', (SELECT json_object_agg(c.relation::regclass, c.condition ORDER BY c.relation::regclass::text COLLATE "C")
			FROM unnest(e.extconfig, e.extcondition) c(relation, condition)),
		'comment', d.description) AS definition
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_extension'::regclass AND d.objoid = e.oid AND d.objsubid = 0
WHERE e.oid >= 16384 AND e.extname <> 'migrate_ext';
COMMENT ON VIEW migrate.live_extension IS 'extensions as they are now, but for migrate_ext itself';

CREATE VIEW migrate.live_event_trigger AS
SELECT 'pg_event_trigger'::regclass::oid AS class, e.oid AS object, 'event trigger'::text AS kind,
	quote_ident(e.evtname) AS name,
	migrate.properties_json(
		'create', format('CREATE EVENT TRIGGER %I ON %s ', e.evtname, e.evtevent) ||
			coalesce((SELECT 'WHEN TAG IN (' || string_agg(quote_literal(t), ', ' ORDER BY place) || ') '
				FROM unnest(e.evttags) WITH ORDINALITY t(t, place)), '') ||
			format('EXECUTE FUNCTION %s()', e.evtfoid::regproc),
		'enabled', CASE e.evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END,
		'owner', pg_get_userbyid(e.evtowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_event_trigger'::regclass, e.oid)) AS definition
FROM pg_event_trigger e
LEFT JOIN pg_description d ON d.classoid = 'pg_event_trigger'::regclass AND d.objoid = e.oid AND d.objsubid = 0
WHERE e.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_event_trigger'::regclass AND x.objid = e.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_event_trigger IS 'event triggers as they are now';

CREATE FUNCTION migrate.publication_table(publication oid) RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_object_agg(t.name, migrate.properties_json('columns', t.columns, 'where', t.condition)
		ORDER BY t.name COLLATE "C")
	FROM (SELECT format('%s.%I', n.name, c.relname) AS name,
			(SELECT json_agg(a.attname ORDER BY a.attnum)
			 FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::smallint[])) AS columns,
			pg_get_expr(r.prqual, r.prrelid) AS condition
		  FROM pg_publication_rel r
		  JOIN pg_class c ON c.oid = r.prrelid
		  JOIN migrate.user_namespace n ON n.oid = c.relnamespace
		  WHERE r.prpubid = publication) t;
END;
COMMENT ON FUNCTION migrate.publication_table(oid) IS
'tables of a publication that belong to the schema: name to columns and row filter; NULL = none';

-- Which generated columns are published is new in version 18.
CREATE VIEW migrate.live_publication AS
SELECT 'pg_publication'::regclass::oid AS class, p.oid AS object, 'publication'::text AS kind,
	quote_ident(p.pubname) AS name,
	migrate.properties_json(
		'all_tables', CASE WHEN p.puballtables THEN true END,
		'publish', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
			CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
		'publish_via_partition_root', CASE WHEN p.pubviaroot THEN true END,
		'publish_generated_columns', CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'stored' END,
		'tables', migrate.publication_table(p.oid),
		'schemas', (SELECT json_agg(n.nspname ORDER BY n.nspname COLLATE "C")
			FROM pg_publication_namespace m JOIN pg_namespace n ON n.oid = m.pnnspid
			WHERE m.pnpubid = p.oid AND m.pnnspid IN (SELECT u.oid FROM migrate.user_namespace u)),
		'owner', pg_get_userbyid(p.pubowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_publication'::regclass, p.oid)) AS definition
FROM pg_publication p
LEFT JOIN pg_description d ON d.classoid = 'pg_publication'::regclass AND d.objoid = p.oid AND d.objsubid = 0
WHERE p.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_publication'::regclass AND x.objid = p.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_publication IS 'publications as they are now';

/*
 * A connection string holds passwords: as of the options of user mappings, 24 bits of
 * a digest show that it changed.  What the server changes by itself is no schema:
 * whether the subscription is enabled, and how far it is.  The catalog is that of all
 * databases.  Streaming has another default from version 18 on, and other values from
 * 16 on; the columns password_required, run_as_owner and origin are new in 16, and
 * failover in 17.
 */
CREATE VIEW migrate.live_subscription AS
SELECT 'pg_subscription'::regclass::oid AS class, s.oid AS object, 'subscription'::text AS kind,
	quote_ident(s.subname) AS name,
	migrate.properties_json(
		'connection', left(encode(sha256(convert_to(json_build_array('subscription', s.subconninfo)::text, 'UTF8')), 'hex'), 6),
		'publications', to_json(s.subpublications),
		'slot_name', nullif(coalesce(s.subslotname, 'none'), s.subname),
		'binary', CASE WHEN s.subbinary THEN true END,
		'streaming', CASE j ->> 'substream' WHEN 'p' THEN 'parallel' WHEN 't' THEN 'on' WHEN 'true' THEN 'on' ELSE 'off' END,
		'two_phase', CASE WHEN s.subtwophasestate <> 'd' THEN true END,
		'disable_on_error', CASE WHEN s.subdisableonerr THEN true END,
		'password_required', CASE WHEN j ->> 'subpasswordrequired' = 'false' THEN false END,
		'run_as_owner', CASE WHEN j ->> 'subrunasowner' = 'true' THEN true END,
		'origin', nullif(j ->> 'suborigin', 'any'),
		'failover', CASE WHEN j ->> 'subfailover' = 'true' THEN true END,
		'synchronous_commit', nullif(s.subsynccommit, 'off'),
		'owner', pg_get_userbyid(s.subowner),
		'comment', d.description,
		'labels', (SELECT json_object_agg(l.provider, l.label ORDER BY l.provider COLLATE "C")
			FROM pg_shseclabel l WHERE l.classoid = 'pg_subscription'::regclass AND l.objoid = s.oid)) AS definition
FROM pg_subscription s
CROSS JOIN LATERAL to_jsonb(s) j
LEFT JOIN pg_description d ON d.classoid = 'pg_subscription'::regclass AND d.objoid = s.oid AND d.objsubid = 0
WHERE s.subdbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database());
COMMENT ON VIEW migrate.live_subscription IS
'subscriptions of this database as they are now, without their connection strings';

CREATE VIEW migrate.live_default_privileges AS
SELECT 'pg_default_acl'::regclass::oid AS class, d.oid AS object, 'default privileges'::text AS kind,
	format('for role %I%s on %s', pg_get_userbyid(d.defaclrole), ' in schema ' || quote_ident(n.nspname), o.objects) AS name,
	migrate.properties_json(
		'role', pg_get_userbyid(d.defaclrole),
		'schema', n.nspname,
		'objects', o.objects,
		'acl', (SELECT coalesce(json_agg(i::text ORDER BY i::text COLLATE "C"), '[]') FROM unnest(d.defaclacl) i)) AS definition
FROM pg_default_acl d
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL (SELECT CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
	WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' WHEN 'L' THEN 'large objects' END AS objects) o
WHERE d.oid >= 16384
	AND (d.defaclnamespace = 0 OR d.defaclnamespace IN (SELECT u.oid FROM migrate.user_namespace u))
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_default_acl'::regclass AND x.objid = d.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_default_privileges IS 'default privileges as they are now';
