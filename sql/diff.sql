--
-- migrate_diff(): what differs, down to the column, the grant and the comment
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE ROLE regress_diff_a;
CREATE ROLE regress_diff_b;
-- 55000, 42704
SELECT * FROM migrate_diff();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_diff(1);
\echo :LAST_ERROR_SQLSTATE
CREATE SCHEMA diff_test;
ALTER SCHEMA diff_test OWNER TO regress_diff_a;
SET search_path = diff_test;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE t (a integer, b text DEFAULT 'x', c integer NOT NULL, d varchar(10));
CREATE TABLE goes (id integer PRIMARY KEY);
CREATE VIEW v AS SELECT a FROM t;
CREATE SEQUENCE s;
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
COMMENT ON TABLE t IS 'old';
COMMENT ON COLUMN t.a IS 'old a';
GRANT SELECT ON t TO regress_diff_a;
GRANT UPDATE (a) ON t TO regress_diff_a;
SELECT public.migrate_snapshot() AS before \gset
SELECT * FROM public.migrate_diff();

ALTER TYPE mood ADD VALUE 'happy';
DROP VIEW v;
ALTER TABLE t ALTER a TYPE bigint, ALTER b DROP DEFAULT, ALTER c DROP NOT NULL, DROP d, ADD e date DEFAULT '2020-01-01';
ALTER TABLE t OWNER TO regress_diff_b;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
ALTER TABLE t SET (fillfactor = 50);
CREATE VIEW v AS SELECT a, b FROM t;
DROP TABLE goes;
CREATE TABLE comes (id integer PRIMARY KEY);
CREATE INDEX comes_i ON comes (id);
CREATE POLICY p ON t USING (a > 0);
ALTER SEQUENCE s INCREMENT 2;
CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2';
COMMENT ON TABLE t IS 'new';
COMMENT ON COLUMN t.a IS NULL;
COMMENT ON FUNCTION f() IS 'a function';
REVOKE SELECT ON t FROM regress_diff_a;
REVOKE UPDATE (a) ON t FROM regress_diff_a;
GRANT INSERT (b) ON t TO regress_diff_b;
GRANT EXECUTE ON FUNCTION f() TO regress_diff_a;
CREATE TABLE diff_live AS SELECT * FROM public.migrate_diff() WHERE false;
INSERT INTO diff_live SELECT * FROM public.migrate_diff();
SELECT kind, object, change, before, after FROM diff_live
WHERE object !~ 'diff_live' AND object !~ ' (postgres|regress_diff_b)=[a-zA-Z]{4}|f\(\) ' AND kind NOT IN ('view', 'function') AND coalesce(before, after) !~ '^\{'
ORDER BY kind COLLATE "C", object COLLATE "C", change;
SELECT kind, object, change, before IS NOT NULL AS before, after IS NOT NULL AS after FROM diff_live
WHERE object !~ 'diff_live' AND (kind IN ('view', 'function') OR coalesce(before, after) ~ '^\{')
ORDER BY kind COLLATE "C", object COLLATE "C", change;
-- between two stored ones: the same
SELECT public.migrate_snapshot() AS after \gset
SELECT * FROM public.migrate_diff(:before, :after) EXCEPT SELECT * FROM diff_live;
SELECT kind, object, change FROM diff_live EXCEPT SELECT kind, object, change FROM public.migrate_diff(:before, :after);
-- backwards: added and removed, before and after change places
SELECT count(*) FROM (SELECT kind, object, CASE change WHEN 'added' THEN 'removed' WHEN 'removed' THEN 'added' ELSE change END, after, before
	FROM public.migrate_diff(:after, :before)
	EXCEPT SELECT * FROM public.migrate_diff(:before, :after)) x;
SELECT count(*) FROM public.migrate_diff(:before, :before);
SELECT count(*) FROM public.migrate_diff(:after);
-- from an older one to the schema as it is
SELECT kind, object, change FROM public.migrate_diff(:before) EXCEPT SELECT kind, object, change FROM public.migrate_diff(:before, :after);

-- columns in another place
DROP TABLE comes;
CREATE TABLE comes (a integer, b integer, c integer);
SELECT public.migrate_snapshot() AS before \gset
DROP TABLE comes;
CREATE TABLE comes (b integer, c integer, a integer);
SELECT * FROM public.migrate_diff() WHERE object ~ 'comes';
DROP TABLE comes;
CREATE TABLE comes (z integer, a integer, b integer, c integer);
SELECT * FROM public.migrate_diff() WHERE object ~ 'comes';

-- a rename is one that goes and one that comes
SELECT public.migrate_snapshot() AS before \gset
ALTER TABLE comes RENAME COLUMN z TO "Z ""q";
ALTER TABLE comes RENAME TO "Comes .x";
SELECT kind, object, change FROM public.migrate_diff();
ALTER TABLE "Comes .x" RENAME TO comes;
SELECT * FROM public.migrate_diff();

-- settings of the caller change nothing
SET quote_all_identifiers = on;
SET DateStyle = 'German';
SET search_path = '';
SET extra_float_digits = -10;
SELECT * FROM public.migrate_diff();
SELECT public.migrate_snapshot() > 0 AS taken;
RESET quote_all_identifiers;
RESET DateStyle;
RESET extra_float_digits;
SELECT count(*) FROM public.migrate_diff();

-- the first grant is one grant, and the owner's own privileges are no news; nor when all are granted back
SET search_path = diff_test;
CREATE ROLE "regress_diff ""o=/";
GRANT CREATE ON SCHEMA diff_test TO "regress_diff ""o=/";
CREATE TABLE granted (id integer);
CREATE VIEW granted_view AS SELECT 1 AS x;
CREATE SEQUENCE granted_sequence;
CREATE TYPE granted_enum AS ENUM ();
CREATE TYPE granted_row AS (a integer);
CREATE DOMAIN granted_domain AS integer;
CREATE FUNCTION granted_function() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE granted_procedure() LANGUAGE sql AS 'SELECT 1';
CREATE SCHEMA granted_schema AUTHORIZATION "regress_diff ""o=/";
CREATE FOREIGN DATA WRAPPER granted_wrapper;
CREATE SERVER granted_server FOREIGN DATA WRAPPER granted_wrapper;
ALTER TABLE granted OWNER TO "regress_diff ""o=/";
ALTER FUNCTION granted_function() OWNER TO "regress_diff ""o=/";
SELECT public.migrate_snapshot() AS before \gset
GRANT INSERT, DELETE ON granted TO regress_diff_a;
GRANT SELECT ON granted_view TO PUBLIC;
GRANT USAGE ON SEQUENCE granted_sequence TO regress_diff_a WITH GRANT OPTION;
GRANT USAGE ON TYPE granted_enum TO regress_diff_a;
GRANT USAGE ON TYPE granted_row TO regress_diff_a;
GRANT USAGE ON DOMAIN granted_domain TO regress_diff_a;
GRANT EXECUTE ON FUNCTION granted_function() TO regress_diff_a;
REVOKE EXECUTE ON PROCEDURE granted_procedure() FROM PUBLIC;
GRANT USAGE ON SCHEMA granted_schema TO regress_diff_a;
GRANT USAGE ON FOREIGN DATA WRAPPER granted_wrapper TO regress_diff_a;
GRANT USAGE ON FOREIGN SERVER granted_server TO regress_diff_a;
SELECT * FROM public.migrate_diff();
SELECT public.migrate_snapshot() AS after \gset
SELECT kind, object, change FROM public.migrate_diff(:after, :before) WHERE change <> 'removed';
-- less than it has by itself
REVOKE ALL ON granted FROM "regress_diff ""o=/", regress_diff_a;
REVOKE INSERT ON granted_view FROM postgres;
SELECT regexp_replace(object, 'a?[rwdDxtm]{4,}', 'MANY') AS object, change FROM public.migrate_diff(:before) WHERE object ~ 'granted(_view)? ';
-- taken back: the privileges that are stored now are those that were not
GRANT ALL ON granted TO "regress_diff ""o=/";
GRANT INSERT ON granted_view TO postgres;
REVOKE SELECT ON granted_view FROM PUBLIC;
REVOKE ALL ON SEQUENCE granted_sequence FROM regress_diff_a;
REVOKE ALL ON TYPE granted_enum, granted_row FROM regress_diff_a;
REVOKE ALL ON DOMAIN granted_domain FROM regress_diff_a;
REVOKE ALL ON FUNCTION granted_function() FROM regress_diff_a;
GRANT EXECUTE ON PROCEDURE granted_procedure() TO PUBLIC;
REVOKE ALL ON SCHEMA granted_schema FROM regress_diff_a;
REVOKE ALL ON FOREIGN DATA WRAPPER granted_wrapper FROM regress_diff_a;
REVOKE ALL ON FOREIGN SERVER granted_server FROM regress_diff_a;
SELECT relacl IS NULL AS none_stored FROM pg_class WHERE relname = 'granted_view';
SELECT count(*) FROM public.migrate_diff(:before);
SELECT public.migrate_snapshot() AS again \gset
SELECT count(DISTINCT fingerprint) FROM public.migrate_snapshots() WHERE snapshot IN (:before, :again);
-- with a column that differs, only that
ALTER TABLE granted ALTER id SET DEFAULT 1;
GRANT SELECT ON granted TO regress_diff_a;
SELECT kind, object, change FROM public.migrate_diff();
DROP FOREIGN DATA WRAPPER granted_wrapper CASCADE;
DROP SCHEMA granted_schema CASCADE;
DROP TABLE granted;
DROP FUNCTION granted_function();
DROP OWNED BY "regress_diff ""o=/";
DROP ROLE "regress_diff ""o=/";
SET search_path = '';
SELECT public.migrate_snapshot() > 0 AS taken;

-- security labels, as a provider writes them: of a table, a column, a function
BEGIN;
SET LOCAL allow_system_table_mods = on;
INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES
	('diff_test.t'::regclass, 'pg_class'::regclass, 0, 'a "b', 'it''s secret'), ('diff_test.t'::regclass, 'pg_class'::regclass, 1, 'dummy', 'of a column'),
	('diff_test.f'::regproc, 'pg_proc'::regclass, 0, 'dummy', 'of a function');
SELECT * FROM public.migrate_diff();
SELECT public.migrate_snapshot() > 0 AS taken;
SELECT count(*) FROM public.migrate_diff();
UPDATE pg_seclabel SET label = 'another' WHERE provider = 'dummy';
SELECT * FROM public.migrate_diff();
SELECT l FROM regexp_split_to_table(public.migrate_schema(), E'\n') l WHERE l LIKE 'SECURITY LABEL%' ORDER BY l COLLATE "C";
ROLLBACK;

-- 42704
SELECT * FROM public.migrate_diff(99999);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM public.migrate_diff(1, 99999);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM public.migrate_diff(0, -1);
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
SELECT public.migrate_schema(99999);
\echo :LAST_ERROR_SQLSTATE
SELECT public.migrate_schema(-1);
\echo :LAST_ERROR_SQLSTATE
RESET search_path;
DROP SCHEMA diff_test CASCADE;
DROP ROLE regress_diff_a, regress_diff_b;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
