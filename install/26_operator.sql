/*
 * Operators, operator classes and families, casts, access methods.
 *
 * A member of an operator family depends on a class (it is part of CREATE
 * OPERATOR CLASS) or on the family itself (it was added loose); pg_depend knows.
 */

CREATE VIEW migrate.live_operator AS
SELECT 'pg_operator'::regclass::oid AS class, o.oid AS object, 'operator'::text AS kind,
	format('%s.%s(%s,%s)', n.name, o.oprname,
		CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END, format_type(o.oprright, NULL)) AS name,
	migrate.properties_json(
		'create', format('CREATE OPERATOR %s.%s (', n.name, o.oprname) || concat_ws(', ',
			'FUNCTION = ' || o.oprcode::regproc,
			CASE WHEN o.oprleft <> 0 THEN 'LEFTARG = ' || format_type(o.oprleft, NULL) END,
			'RIGHTARG = ' || format_type(o.oprright, NULL),
			'COMMUTATOR = OPERATOR(' || migrate.operator_name(nullif(o.oprcom, 0)) || ')',
			'NEGATOR = OPERATOR(' || migrate.operator_name(nullif(o.oprnegate, 0)) || ')',
			CASE WHEN o.oprrest <> 0 THEN 'RESTRICT = ' || o.oprrest::regproc END,
			CASE WHEN o.oprjoin <> 0 THEN 'JOIN = ' || o.oprjoin::regproc END,
			CASE WHEN o.oprcanhash THEN 'HASHES' END,
			CASE WHEN o.oprcanmerge THEN 'MERGES' END) || ')',
		'owner', pg_get_userbyid(o.oprowner),
		'comment', d.description) AS definition
FROM pg_operator o
JOIN migrate.user_namespace n ON n.oid = o.oprnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_operator'::regclass AND d.objoid = o.oid AND d.objsubid = 0
-- an operator without a function was only named as the commutator or negator of another, which will name it again
WHERE o.oid >= 16384 AND o.oprcode <> 0
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_operator'::regclass AND x.objid = o.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_operator IS 'operators as they are now';

CREATE FUNCTION migrate.family_member(owner_class oid, owner oid) RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_agg(m.member ORDER BY m.sort, m.number, m.member COLLATE "C")
	FROM (
		SELECT 1 AS sort, o.amopstrategy AS number,
			format('OPERATOR %s %s (%s, %s)', o.amopstrategy, migrate.operator_name(o.amopopr),
				format_type(o.amoplefttype, NULL), format_type(o.amoprighttype, NULL)) ||
			coalesce((SELECT format(' FOR ORDER BY %I.%I', n.nspname, f.opfname)
				FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace WHERE f.oid = o.amopsortfamily), '') AS member
		FROM pg_depend d JOIN pg_amop o ON o.oid = d.objid
		WHERE d.refclassid = owner_class AND d.refobjid = owner AND d.classid = 'pg_amop'::regclass
			AND d.deptype IN ('a', 'i')
		UNION ALL
		SELECT 2, p.amprocnum,
			format('FUNCTION %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, NULL),
				format_type(p.amprocrighttype, NULL), p.amproc::oid::regprocedure)
		FROM pg_depend d JOIN pg_amproc p ON p.oid = d.objid
		WHERE d.refclassid = owner_class AND d.refobjid = owner AND d.classid = 'pg_amproc'::regclass
			AND d.deptype IN ('a', 'i')) m;
END;
COMMENT ON FUNCTION migrate.family_member(oid, oid) IS
'operators and functions that belong to an operator class, or loosely to an operator family; NULL = none';

CREATE VIEW migrate.live_operator_class AS
SELECT 'pg_opclass'::regclass::oid AS class, c.oid AS object, 'operator class'::text AS kind,
	format('%s.%I USING %I', n.name, c.opcname, a.amname) AS name,
	migrate.properties_json(
		'method', a.amname,
		'default', CASE WHEN c.opcdefault THEN true END,
		'type', format_type(c.opcintype, NULL),
		'family', format('%I.%I', fn.nspname, f.opfname),
		'storage', CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL) END,
		'members', migrate.family_member('pg_opclass'::regclass, c.oid),
		'owner', pg_get_userbyid(c.opcowner),
		'comment', d.description) AS definition
FROM pg_opclass c
JOIN migrate.user_namespace n ON n.oid = c.opcnamespace
JOIN pg_am a ON a.oid = c.opcmethod
JOIN pg_opfamily f ON f.oid = c.opcfamily
JOIN pg_namespace fn ON fn.oid = f.opfnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_opclass'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE c.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_opclass'::regclass AND x.objid = c.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_operator_class IS 'operator classes as they are now';

CREATE VIEW migrate.live_operator_family AS
SELECT 'pg_opfamily'::regclass::oid AS class, f.oid AS object, 'operator family'::text AS kind,
	format('%s.%I USING %I', n.name, f.opfname, a.amname) AS name,
	migrate.properties_json(
		'members', migrate.family_member('pg_opfamily'::regclass, f.oid),
		'owner', pg_get_userbyid(f.opfowner),
		'comment', d.description) AS definition
FROM pg_opfamily f
JOIN migrate.user_namespace n ON n.oid = f.opfnamespace
JOIN pg_am a ON a.oid = f.opfmethod
LEFT JOIN pg_description d ON d.classoid = 'pg_opfamily'::regclass AND d.objoid = f.oid AND d.objsubid = 0
WHERE f.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_opfamily'::regclass AND x.objid = f.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_operator_family IS 'operator families as they are now';

-- A type of another session's temporary schema cannot be named, so neither can a cast of it.
CREATE VIEW migrate.live_cast AS
SELECT 'pg_cast'::regclass::oid AS class, c.oid AS object, 'cast'::text AS kind,
	format('(%s AS %s)', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)) AS name,
	migrate.properties_json(
		'method', CASE c.castmethod WHEN 'i' THEN 'WITH INOUT' WHEN 'b' THEN 'WITHOUT FUNCTION'
			ELSE 'WITH FUNCTION ' || c.castfunc::regprocedure END,
		'context', CASE c.castcontext WHEN 'a' THEN 'AS ASSIGNMENT' WHEN 'i' THEN 'AS IMPLICIT' END,
		'comment', d.description) AS definition
FROM pg_cast c
LEFT JOIN pg_description d ON d.classoid = 'pg_cast'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE c.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
		WHERE t.oid IN (c.castsource, c.casttarget) AND n.nspname ~ '^pg_temp_')
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_cast'::regclass AND x.objid = c.oid AND x.deptype IN ('e', 'i'));
COMMENT ON VIEW migrate.live_cast IS 'casts as they are now';

CREATE VIEW migrate.live_access_method AS
SELECT 'pg_am'::regclass::oid AS class, a.oid AS object, 'access method'::text AS kind,
	quote_ident(a.amname) AS name,
	migrate.properties_json(
		'create', format('CREATE ACCESS METHOD %I TYPE %s HANDLER %s', a.amname,
			CASE a.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END, a.amhandler::regproc),
		'comment', d.description) AS definition
FROM pg_am a
LEFT JOIN pg_description d ON d.classoid = 'pg_am'::regclass AND d.objoid = a.oid AND d.objsubid = 0
WHERE a.oid >= 16384
	AND NOT EXISTS (SELECT FROM pg_depend x
		WHERE x.classid = 'pg_am'::regclass AND x.objid = a.oid AND x.deptype = 'e');
COMMENT ON VIEW migrate.live_access_method IS 'access methods as they are now';

/*
 * Loose members come in part 1, when the operators and functions are there.
 * An operator class without a member is written with the storage type that it
 * has anyway, for the grammar wants something.
 */
CREATE FUNCTION migrate.operator_ddl(kind text, name text, definition json)
RETURNS TABLE (part integer, statement text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 2
BEGIN ATOMIC
	WITH member AS (
		SELECT string_agg(m.value, ', ' ORDER BY m.ordinality) AS list,
			' USING ' || quote_ident(definition ->> 'method') AS using_method
		FROM json_array_elements_text(definition -> 'members') WITH ORDINALITY m
	)
	SELECT 0, definition ->> 'create'
	WHERE kind IN ('operator', 'access method')
	UNION ALL
	SELECT 0, concat_ws(' ', 'CREATE CAST', name, definition ->> 'method', definition ->> 'context')
	WHERE kind = 'cast'
	UNION ALL
	SELECT 0, format('CREATE OPERATOR FAMILY %s', name)
	WHERE kind = 'operator family'
	UNION ALL
	SELECT 1, format('ALTER OPERATOR FAMILY %s ADD %s', name, m.list)
	FROM member m WHERE kind = 'operator family' AND m.list IS NOT NULL
	UNION ALL
	SELECT 0, concat_ws(' ', 'CREATE OPERATOR CLASS', left(name, -length(m.using_method)),
		CASE WHEN (definition ->> 'default')::boolean THEN 'DEFAULT' END,
		'FOR TYPE', (definition ->> 'type') || m.using_method, 'FAMILY', definition ->> 'family', 'AS',
		concat_ws(', ', 'STORAGE ' || coalesce(definition ->> 'storage', CASE WHEN m.list IS NULL THEN definition ->> 'type' END),
			m.list))
	FROM member m WHERE kind = 'operator class';
END;
COMMENT ON FUNCTION migrate.operator_ddl(text, text, json) IS
'statements that create an operator, operator class, operator family, cast or access method from its definition, without owner and comment';
