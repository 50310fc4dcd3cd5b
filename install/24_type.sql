/*
 * Types that are not relations: enum, domain, range, base and shell type.
 * (A composite type is a relation.)
 *
 * Array types, multirange types and row types belong to the object that made
 * them: PostgreSQL marks them by an internal dependency.
 */

-- Constraints of a domain, by name.  From version 17 on NOT NULL is one of
-- them; there its name is kept, before that there is none.
CREATE FUNCTION migrate.domain_constraint(domain oid) RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_object_agg(c.conname, migrate.stable_expression(pg_get_constraintdef(c.oid)) ORDER BY c.conname)
	FROM pg_constraint c WHERE c.contypid = domain;
END;
COMMENT ON FUNCTION migrate.domain_constraint(oid) IS 'constraints of a domain: name to definition; NULL = none';

CREATE FUNCTION migrate.domain_constraint_comment(domain oid) RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_object_agg(c.conname, d.description ORDER BY c.conname)
	FROM pg_constraint c
	JOIN pg_description d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = c.oid AND d.objsubid = 0
	WHERE c.contypid = domain;
END;
COMMENT ON FUNCTION migrate.domain_constraint_comment(oid) IS 'comments on the constraints of a domain: name to comment; NULL = none';

CREATE FUNCTION migrate.create_range_type(type_oid oid) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT format('CREATE TYPE %I.%I AS RANGE (', n.nspname, t.typname) || concat_ws(', ',
		'SUBTYPE = ' || format_type(r.rngsubtype, NULL),
		'MULTIRANGE_TYPE_NAME = ' || format('%I.%I', mn.nspname, m.typname),
		CASE WHEN NOT o.opcdefault THEN 'SUBTYPE_OPCLASS = ' || format('%I.%I', onsp.nspname, o.opcname) END,
		CASE WHEN r.rngcollation <> s.typcollation THEN 'COLLATION = ' || migrate.collation_name(r.rngcollation) END,
		CASE WHEN r.rngcanonical <> 0 THEN 'CANONICAL = ' || r.rngcanonical::regproc END,
		CASE WHEN r.rngsubdiff <> 0 THEN 'SUBTYPE_DIFF = ' || r.rngsubdiff::regproc END) || ')'
	FROM pg_range r
	JOIN pg_type t ON t.oid = r.rngtypid
	JOIN pg_namespace n ON n.oid = t.typnamespace
	JOIN pg_type m ON m.oid = r.rngmultitypid
	JOIN pg_namespace mn ON mn.oid = m.typnamespace
	JOIN pg_type s ON s.oid = r.rngsubtype
	JOIN pg_opclass o ON o.oid = r.rngsubopc
	JOIN pg_namespace onsp ON onsp.oid = o.opcnamespace
	WHERE r.rngtypid = type_oid;
END;
COMMENT ON FUNCTION migrate.create_range_type(oid) IS 'CREATE TYPE for a range type';

CREATE FUNCTION migrate.create_base_type(type_oid oid) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT format('CREATE TYPE %I.%I (', n.nspname, t.typname) || concat_ws(', ',
		'INPUT = ' || t.typinput::regproc,
		'OUTPUT = ' || t.typoutput::regproc,
		CASE WHEN t.typreceive <> 0 THEN 'RECEIVE = ' || t.typreceive::regproc END,
		CASE WHEN t.typsend <> 0 THEN 'SEND = ' || t.typsend::regproc END,
		CASE WHEN t.typmodin <> 0 THEN 'TYPMOD_IN = ' || t.typmodin::regproc END,
		CASE WHEN t.typmodout <> 0 THEN 'TYPMOD_OUT = ' || t.typmodout::regproc END,
		CASE WHEN t.typanalyze <> 0 THEN 'ANALYZE = ' || t.typanalyze::regproc END,
		CASE WHEN t.typsubscript <> 0 THEN 'SUBSCRIPT = ' || t.typsubscript::regproc END,
		'INTERNALLENGTH = ' || CASE WHEN t.typlen = -1 THEN 'variable' ELSE t.typlen::text END,
		CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END,
		'ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'i' THEN 'int4' ELSE 'double' END,
		'STORAGE = ' || CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' ELSE 'main' END,
		CASE WHEN t.typcategory <> 'U' THEN 'CATEGORY = ' || quote_literal(t.typcategory::text) END,
		CASE WHEN t.typispreferred THEN 'PREFERRED = true' END,
		'DEFAULT = ' || coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)),
		CASE WHEN t.typelem <> 0 THEN 'ELEMENT = ' || format_type(t.typelem, NULL) END,
		CASE WHEN t.typdelim <> ',' THEN 'DELIMITER = ' || quote_literal(t.typdelim::text) END,
		CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE = true' END) || ')'
	FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
	WHERE t.oid = type_oid;
END;
COMMENT ON FUNCTION migrate.create_base_type(oid) IS 'CREATE TYPE for a base type whose shell type is there';

CREATE VIEW migrate.live_type AS
SELECT 'pg_type'::regclass::oid AS class, t.oid AS object,
	CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range'
		WHEN 'b' THEN 'base type' ELSE 'shell type' END AS kind,
	format('%s.%I', n.name, t.typname) AS name,
	migrate.properties_json(
		'create', CASE t.typtype WHEN 'r' THEN migrate.create_range_type(t.oid)
			WHEN 'b' THEN migrate.create_base_type(t.oid) END,
		-- only a range with a canonical function meets itself in its definition
		'shell', CASE WHEN t.typtype = 'r'
			THEN (SELECT true FROM pg_range r WHERE r.rngtypid = t.oid AND r.rngcanonical <> 0) END,
		'values', CASE WHEN t.typtype = 'e' THEN
			coalesce((SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), '[]') END,
		'type', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
		'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation
			THEN migrate.collation_name(t.typcollation) END,
		'not_null', CASE WHEN t.typtype = 'd' AND t.typnotnull THEN true END,
		'default', CASE WHEN t.typtype = 'd' THEN
			coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)) END,
		'constraints', CASE WHEN t.typtype = 'd' THEN migrate.domain_constraint(t.oid) END,
		'constraint_comments', CASE WHEN t.typtype = 'd' THEN migrate.domain_constraint_comment(t.oid) END,
		'owner', pg_get_userbyid(t.typowner),
		'acl', migrate.acl_json(t.typacl, 'T', t.typowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_type'::regclass, t.oid)) AS definition
FROM pg_type t
JOIN migrate.user_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_description d ON d.classoid = 'pg_type'::regclass AND d.objoid = t.oid AND d.objsubid = 0
WHERE t.oid >= 16384
	AND (t.typtype IN ('e', 'd', 'r', 'b') OR (t.typtype = 'p' AND NOT t.typisdefined))
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.deptype IN ('e', 'i'));
COMMENT ON VIEW migrate.live_type IS
'enums, domains, ranges, base types and shell types as they are now';

/*
 * A base type and its I/O functions need each other, and so do a range type
 * and its canonical function.  Such a type comes in two statements of part 0
 * and part 1: the shell, which must stand before every function that the type
 * needs, and the whole, which must stand after them.  So whoever orders the
 * statements must let the functions that the type depends on wait for part 0
 * of the type only, and everything else that depends on the type, for part 1.
 *
 * A domain's default and constraints may call functions that take the domain;
 * they stand in part 1 for that reason.
 */
CREATE FUNCTION migrate.type_ddl(kind text, name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
	SELECT 0, format('CREATE TYPE %s', name)
	WHERE kind IN ('base type', 'shell type') OR (definition ->> 'shell')::boolean
	UNION ALL
	SELECT CASE WHEN kind = 'base type' OR (definition ->> 'shell')::boolean THEN 1 ELSE 0 END, definition ->> 'create'
	WHERE kind IN ('base type', 'range')
	UNION ALL
	SELECT 0, format('CREATE TYPE %s AS ENUM (%s)', name,
		(SELECT string_agg(quote_literal(v), ', ' ORDER BY i)
		 FROM json_array_elements_text(definition -> 'values') WITH ORDINALITY AS e(v, i)))
	WHERE kind = 'enum'
	UNION ALL
	SELECT 0, concat_ws(' ', 'CREATE DOMAIN', name, 'AS', definition ->> 'type', 'COLLATE ' || (definition ->> 'collation'))
	WHERE kind = 'domain'
	UNION ALL
	SELECT 1, format('ALTER DOMAIN %s SET DEFAULT %s', name, definition ->> 'default')
	WHERE kind = 'domain' AND definition ->> 'default' IS NOT NULL
	UNION ALL
	SELECT 1, format('ALTER DOMAIN %s SET NOT NULL', name)
	WHERE kind = 'domain' AND (definition ->> 'not_null')::boolean
		AND NOT EXISTS (SELECT FROM json_each_text(definition -> 'constraints') c WHERE c.value = 'NOT NULL')
	UNION ALL
	SELECT 1, format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', name, c.key, c.value)
	FROM json_each_text(definition -> 'constraints') c WHERE kind = 'domain'
	UNION ALL
	SELECT 7, format('COMMENT ON CONSTRAINT %I ON DOMAIN %s IS %L', c.key, name, c.value)
	FROM json_each_text(definition -> 'constraint_comments') c WHERE kind = 'domain';
END;
COMMENT ON FUNCTION migrate.type_ddl(text, text, json) IS
'statements that create a type from its definition, without owner, grants, comment and labels; part 0 before and part 1 after what the type needs';
