/*
 * Text search: parsers, templates, dictionaries and configurations.
 */

CREATE FUNCTION migrate.dictionary_name(dictionary oid) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT format('%I.%I', n.nspname, t.dictname)
	FROM pg_ts_dict t JOIN pg_namespace n ON n.oid = t.dictnamespace
	WHERE t.oid = dictionary;
END;
COMMENT ON FUNCTION migrate.dictionary_name(oid) IS 'name of a text search dictionary with its schema';

CREATE FUNCTION migrate.token_mapping(configuration oid, parser oid) RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_object_agg(m.alias, m.dictionaries ORDER BY m.tokid)
	FROM (SELECT t.tokid, t.alias,
			json_agg(migrate.dictionary_name(m.mapdict) ORDER BY m.mapseqno) AS dictionaries
		  FROM pg_ts_config_map m JOIN ts_token_type(parser) t ON t.tokid = m.maptokentype
		  WHERE m.mapcfg = configuration
		  GROUP BY t.tokid, t.alias) m;
END;
COMMENT ON FUNCTION migrate.token_mapping(oid, oid) IS
'mappings of a text search configuration: token type to dictionaries; NULL = none';

CREATE VIEW migrate.live_ts_parser AS
SELECT 'pg_ts_parser'::regclass::oid AS class, p.oid AS object, 'text search parser'::text AS kind,
	format('%s.%I', n.name, p.prsname) AS name,
	migrate.properties_json(
		'create', format('CREATE TEXT SEARCH PARSER %s.%I (', n.name, p.prsname) || concat_ws(', ',
			'START = ' || p.prsstart::regproc,
			'GETTOKEN = ' || p.prstoken::regproc,
			'END = ' || p.prsend::regproc,
			CASE WHEN p.prsheadline <> 0 THEN 'HEADLINE = ' || p.prsheadline::regproc END,
			'LEXTYPES = ' || p.prslextype::regproc) || ')',
		'comment', d.description) AS definition
FROM pg_ts_parser p
JOIN migrate.user_namespace n ON n.oid = p.prsnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_parser'::regclass AND d.objoid = p.oid AND d.objsubid = 0
WHERE p.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_ts_parser'::regclass AND x.objid = p.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_ts_parser IS 'text search parsers as they are now';

CREATE VIEW migrate.live_ts_template AS
SELECT 'pg_ts_template'::regclass::oid AS class, t.oid AS object, 'text search template'::text AS kind,
	format('%s.%I', n.name, t.tmplname) AS name,
	migrate.properties_json(
		'create', format('CREATE TEXT SEARCH TEMPLATE %s.%I (', n.name, t.tmplname) || concat_ws(', ',
			CASE WHEN t.tmplinit <> 0 THEN 'INIT = ' || t.tmplinit::regproc END,
			'LEXIZE = ' || t.tmpllexize::regproc) || ')',
		'comment', d.description) AS definition
FROM pg_ts_template t
JOIN migrate.user_namespace n ON n.oid = t.tmplnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_template'::regclass AND d.objoid = t.oid AND d.objsubid = 0
WHERE t.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_ts_template'::regclass AND x.objid = t.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_ts_template IS 'text search templates as they are now';

CREATE VIEW migrate.live_ts_dictionary AS
SELECT 'pg_ts_dict'::regclass::oid AS class, t.oid AS object, 'text search dictionary'::text AS kind,
	format('%s.%I', n.name, t.dictname) AS name,
	migrate.properties_json(
		'template', format('%I.%I', tn.nspname, p.tmplname),
		'options', t.dictinitoption,
		'owner', pg_get_userbyid(t.dictowner),
		'comment', d.description) AS definition
FROM pg_ts_dict t
JOIN migrate.user_namespace n ON n.oid = t.dictnamespace
JOIN pg_ts_template p ON p.oid = t.dicttemplate
JOIN pg_namespace tn ON tn.oid = p.tmplnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_dict'::regclass AND d.objoid = t.oid AND d.objsubid = 0
WHERE t.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_ts_dict'::regclass AND x.objid = t.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_ts_dictionary IS 'text search dictionaries as they are now';

CREATE VIEW migrate.live_ts_configuration AS
SELECT 'pg_ts_config'::regclass::oid AS class, c.oid AS object, 'text search configuration'::text AS kind,
	format('%s.%I', n.name, c.cfgname) AS name,
	migrate.properties_json(
		'parser', format('%I.%I', pn.nspname, p.prsname),
		'mappings', migrate.token_mapping(c.oid, c.cfgparser),
		'owner', pg_get_userbyid(c.cfgowner),
		'comment', d.description) AS definition
FROM pg_ts_config c
JOIN migrate.user_namespace n ON n.oid = c.cfgnamespace
JOIN pg_ts_parser p ON p.oid = c.cfgparser
JOIN pg_namespace pn ON pn.oid = p.prsnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_config'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE c.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_ts_config'::regclass AND x.objid = c.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_ts_configuration IS 'text search configurations as they are now';

-- The options of a dictionary stand in the catalog as CREATE TEXT SEARCH DICTIONARY takes them.
CREATE FUNCTION migrate.text_search_ddl(kind text, name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	SELECT 0, definition ->> 'create'
	WHERE kind IN ('text search parser', 'text search template')
	UNION ALL
	SELECT 0, format('CREATE TEXT SEARCH DICTIONARY %s (%s)', name,
		concat_ws(', ', 'TEMPLATE = ' || (definition ->> 'template'), definition ->> 'options'))
	WHERE kind = 'text search dictionary'
	UNION ALL
	SELECT 0, format('CREATE TEXT SEARCH CONFIGURATION %s (PARSER = %s)', name, definition ->> 'parser')
	WHERE kind = 'text search configuration'
	UNION ALL
	SELECT 0, format('ALTER TEXT SEARCH CONFIGURATION %s ADD MAPPING FOR %I WITH %s', name, m.key,
		(SELECT string_agg(e.value, ', ' ORDER BY e.ordinality)
		 FROM json_array_elements_text(m.value) WITH ORDINALITY e))
	FROM json_each(definition -> 'mappings') m
	WHERE kind = 'text search configuration';
END;
COMMENT ON FUNCTION migrate.text_search_ddl(text, text, json) IS
'statements that create a text search object from its definition, without owner and comment';
