--
-- What CREATE EXTENSION makes, and what is said about it
--
CREATE VIEW objects_member AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'migrate_ext';
-- the functions: volatility, strictness and parallel safety
SELECT p.oid::regprocedure AS function, p.provolatile AS volatile, p.proisstrict AS strict,
	p.proparallel AS parallel, p.prosecdef AS definer, l.lanname AS language, p.proconfig AS settings
FROM objects_member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace <> 'migrate'::regnamespace
ORDER BY p.oid::regprocedure::text COLLATE "C";
-- the internal ones that change something
SELECT p.oid::regprocedure AS function, p.proisstrict AS strict, p.proparallel AS parallel, l.lanname AS language
FROM objects_member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'migrate'::regnamespace AND p.provolatile = 'v'
ORDER BY p.oid::regprocedure::text COLLATE "C";
-- the names in none of them depend on who calls: text runs with a path of its own; none is a definer's; lint needs
-- subtransactions, which a parallel query cannot have
SELECT p.oid::regprocedure AS function
FROM objects_member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
JOIN pg_language l ON l.oid = p.prolang
WHERE p.prosecdef OR l.lanname NOT IN ('c', 'sql', 'plpgsql')
	OR (l.lanname <> 'c' AND p.prosqlbody IS NULL AND 'search_path=pg_catalog, pg_temp' <> ALL (coalesce(p.proconfig, '{}')))
	OR (p.provolatile <> 'v' AND p.proparallel <> CASE WHEN p.proname IN ('migrate_lint', 'migrate_lint_script') THEN 'u' ELSE 's' END) OR (p.provolatile = 'v' AND p.proparallel <> 'u');
-- the rest
SELECT object FROM objects_member WHERE object NOT LIKE 'view migrate.live_%' AND classid <> 'pg_proc'::regclass AND classid <> 'pg_type'::regclass
ORDER BY object COLLATE "C";
-- every object has a comment; PostgreSQL makes the types of tables and the rules of views
SELECT object FROM objects_member
WHERE obj_description(objid, classid::regclass::name) IS NULL AND classid <> 'pg_type'::regclass
ORDER BY object COLLATE "C";
-- so have the schema, each column of a table, each index and each trigger
SELECT c.oid::regclass AS relation, a.attname
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND c.relkind = 'r'
WHERE c.relnamespace = 'migrate'::regnamespace AND c.relkind IN ('r', 'v', 'i')
	AND (obj_description(c.oid, 'pg_class') IS NULL OR (a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL));
SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'migrate'::regnamespace AND obj_description(t.oid, 'pg_trigger') IS NULL;
-- a dump carries these, and no sequence
SELECT unnest(extconfig)::regclass AS dumped FROM pg_extension WHERE extname = 'migrate_ext' ORDER BY 1;
-- one version, said in one place
SELECT extversion FROM pg_extension WHERE extname = 'migrate_ext';
DROP VIEW objects_member;
