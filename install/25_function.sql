/*
 * Functions, procedures, window functions and aggregates.
 *
 * The functions that PostgreSQL makes for a range type belong to the type;
 * it marks them by an internal dependency.
 */

CREATE FUNCTION migrate.needed_extension(class oid, object oid) RETURNS json
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_needed_extension';
COMMENT ON FUNCTION migrate.needed_extension(oid, oid) IS
'extensions that an object was told to depend on, by ALTER ... DEPENDS ON EXTENSION; NULL = none';

CREATE FUNCTION migrate.operator_name(operator oid) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT format('%I.%s', n.nspname, o.oprname)
	FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
	WHERE o.oid = operator;
END;
COMMENT ON FUNCTION migrate.operator_name(oid) IS 'name of an operator with its schema, as OPERATOR(...) takes it; NULL = none';

CREATE FUNCTION migrate.final_modify(modify "char") RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE modify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END;
COMMENT ON FUNCTION migrate.final_modify("char") IS 'FINALFUNC_MODIFY of an aggregate';

CREATE FUNCTION migrate.create_aggregate(function_oid oid) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT format('CREATE AGGREGATE %I.%I(%s) (', n.nspname, p.proname,
			coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*')) || concat_ws(', ',
		'SFUNC = ' || a.aggtransfn::regproc,
		'STYPE = ' || format_type(a.aggtranstype, NULL),
		CASE WHEN a.aggtransspace <> 0 THEN 'SSPACE = ' || a.aggtransspace END,
		CASE WHEN a.aggfinalfn <> 0 THEN 'FINALFUNC = ' || a.aggfinalfn::regproc END,
		CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
		CASE WHEN a.aggfinalfn <> 0 AND a.aggfinalmodify <> k.modify
			THEN 'FINALFUNC_MODIFY = ' || migrate.final_modify(a.aggfinalmodify) END,
		CASE WHEN a.aggcombinefn <> 0 THEN 'COMBINEFUNC = ' || a.aggcombinefn::regproc END,
		CASE WHEN a.aggserialfn <> 0 THEN 'SERIALFUNC = ' || a.aggserialfn::regproc END,
		CASE WHEN a.aggdeserialfn <> 0 THEN 'DESERIALFUNC = ' || a.aggdeserialfn::regproc END,
		'INITCOND = ' || quote_literal(a.agginitval),
		CASE WHEN a.aggmtransfn <> 0 THEN 'MSFUNC = ' || a.aggmtransfn::regproc END,
		CASE WHEN a.aggminvtransfn <> 0 THEN 'MINVFUNC = ' || a.aggminvtransfn::regproc END,
		CASE WHEN a.aggmtranstype <> 0 THEN 'MSTYPE = ' || format_type(a.aggmtranstype, NULL) END,
		CASE WHEN a.aggmtransspace <> 0 THEN 'MSSPACE = ' || a.aggmtransspace END,
		CASE WHEN a.aggmfinalfn <> 0 THEN 'MFINALFUNC = ' || a.aggmfinalfn::regproc END,
		CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
		CASE WHEN a.aggmfinalfn <> 0 AND a.aggmfinalmodify <> k.modify
			THEN 'MFINALFUNC_MODIFY = ' || migrate.final_modify(a.aggmfinalmodify) END,
		'MINITCOND = ' || quote_literal(a.aggminitval),
		'SORTOP = OPERATOR(' || migrate.operator_name(a.aggsortop) || ')',
		CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END,
		CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END) || ')'
	FROM pg_aggregate a
	JOIN pg_proc p ON p.oid = a.aggfnoid
	JOIN pg_namespace n ON n.oid = p.pronamespace
	CROSS JOIN LATERAL (SELECT CASE WHEN a.aggkind = 'n' THEN 'r' ELSE 'w' END::"char" AS modify) k
	WHERE a.aggfnoid = function_oid;
END;
COMMENT ON FUNCTION migrate.create_aggregate(oid) IS 'CREATE AGGREGATE';

CREATE VIEW migrate.live_function AS
SELECT 'pg_proc'::regclass::oid AS class, p.oid AS object,
	CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
	p.oid::regprocedure::text AS name,
	migrate.properties_json(
		'create', CASE WHEN p.prokind = 'a' THEN migrate.create_aggregate(p.oid)
			ELSE rtrim(pg_get_functiondef(p.oid), E'\n') END,
		-- the types alone do not name a procedure where another has output parameters
		'signature', CASE WHEN p.prokind = 'p' AND (p.pronargs > 0 OR p.proargmodes IS NOT NULL)
			THEN format('%s.%I(%s)', n.name, p.proname, pg_get_function_identity_arguments(p.oid)) END,
		'depends_on_extension', migrate.needed_extension('pg_proc'::regclass, p.oid),
		'owner', pg_get_userbyid(p.proowner),
		'acl', migrate.acl_json(p.proacl, 'f', p.proowner),
		'comment', d.description,
		'labels', migrate.labels_json('pg_proc'::regclass, p.oid)) AS definition
FROM pg_proc p
JOIN migrate.user_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_proc'::regclass AND d.objoid = p.oid AND d.objsubid = 0
WHERE p.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype IN ('e', 'i'));
COMMENT ON VIEW migrate.live_function IS
'functions, window functions, procedures and aggregates as they are now';

CREATE FUNCTION migrate.function_ddl(kind text, name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
	SELECT 0, definition ->> 'create'
	UNION ALL
	SELECT 1, format('ALTER %s %s DEPENDS ON EXTENSION %I', upper(kind), coalesce(definition ->> 'signature', name), e)
	FROM json_array_elements_text(definition -> 'depends_on_extension') e;
END;
COMMENT ON FUNCTION migrate.function_ddl(text, text, json) IS
'statements that create a function, procedure or aggregate from its definition, without owner, grants, comment and labels';
