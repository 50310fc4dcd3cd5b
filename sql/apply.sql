-- migrate_apply(): which migrations run, what they leave, what is refused
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
RESET client_min_messages;

-- nothing is registered: no rows, and a notice that says so
SELECT * FROM migrate_apply();
SELECT migrate_version();

-- the columns of the result
SELECT * FROM migrate_apply() \gdesc

-- one migration of three, then the rest; the order is that of the versions
SELECT migrate_register(3, 'third', 'CREATE TABLE apply_three (id int);', 'DROP TABLE apply_three;');
SELECT migrate_register(1, 'first', 'CREATE TABLE apply_one (id int); CREATE TABLE apply_log (version int);', 'DROP TABLE apply_log; DROP TABLE apply_one;');
SELECT migrate_register(2, 'second', 'INSERT INTO apply_log VALUES (2); INSERT INTO apply_log SELECT 20;');
SET client_min_messages = warning;
SELECT version, name, statements, duration BETWEEN '0' AND '1 minute' AS duration_is_sane, snapshot, rows_kept
FROM migrate_apply(1);
SELECT migrate_version();
SELECT to_regclass('apply_one') IS NOT NULL AS one, to_regclass('apply_three') IS NOT NULL AS three;
SELECT version, name, statements FROM migrate_apply();
SELECT migrate_version();
SELECT to_regclass('apply_three') IS NOT NULL AS three;
SELECT * FROM apply_log ORDER BY version;

-- applied already: a notice, no rows, nothing runs twice
RESET client_min_messages;
SELECT * FROM migrate_apply(2);
SELECT * FROM migrate_apply(3);
SELECT * FROM migrate_apply();
SELECT * FROM migrate_apply(NULL);
SELECT * FROM apply_log ORDER BY version;

-- up to a version that is registered later; NULL is the latest; by name
SELECT migrate_register(10, 'ten', 'CREATE TABLE apply_ten (id int)');
SELECT migrate_register(20, 'twenty', 'CREATE TABLE apply_twenty (id int)');
SELECT migrate_register(30, 'thirty', 'CREATE TABLE apply_thirty (id int)');
SET client_min_messages = warning;
SELECT version FROM migrate_apply(version => 20);
SELECT version FROM migrate_apply(NULL);

-- the ledger has one entry for each, and counts statements and rows
SELECT migrate_register(40, 'rows', $$
CREATE TABLE apply_rows (id int, note text);
INSERT INTO apply_rows SELECT g FROM generate_series(1, 5) g;
UPDATE apply_rows SET note = 'x' WHERE id <= 2;
DELETE FROM apply_rows WHERE id = 5;
MERGE INTO apply_rows r USING (VALUES (1), (2), (3)) v (id) ON r.id = v.id WHEN MATCHED THEN UPDATE SET note = 'm';
SELECT * FROM apply_rows;
COPY apply_rows FROM stdin;
7	seven
8	\N
\.
$$);
SELECT version, statements FROM migrate_apply();
SELECT * FROM apply_rows ORDER BY id;
SELECT entry, version, name, event, statements, rows, duration IS NOT NULL AS timed, role = current_user AS role,
	session_role = session_user AS session_role, application, environment, reason
FROM migrate_history();
SELECT * FROM migrate.ledger_break;

-- rows that are returned are changed rows all the same
SELECT migrate_register(45, 'returning', $$
INSERT INTO apply_rows SELECT g FROM generate_series(101, 105) g RETURNING id;
UPDATE apply_rows SET note = 'r' WHERE id > 102 RETURNING *;
DELETE FROM apply_rows WHERE id = 105 RETURNING id, note;
WITH gone AS (DELETE FROM apply_rows WHERE id > 100 RETURNING id) SELECT count(*) FROM gone;
$$);
SELECT version, statements FROM migrate_apply();
SELECT statements, rows FROM migrate_history(45);

-- a file as psql ran it: BEGIN and COMMIT are neither run nor counted
SELECT migrate_register(50, 'transaction', $$
-- Description: as psql ran it
BEGIN;
CREATE TABLE apply_begin (id int);
COMMIT;
START TRANSACTION;
INSERT INTO apply_begin VALUES (1);
END;
$$);
BEGIN;
SELECT version, statements FROM migrate_apply();
ROLLBACK;
SELECT to_regclass('apply_begin') IS NULL AS undone, migrate_version();
SELECT version, statements FROM migrate_apply();
SELECT * FROM apply_begin;

-- nothing but comments does nothing, on purpose; \r\n line ends are fine
SELECT migrate_register(60, 'comments', '-- nothing to do here');
SELECT migrate_register(61, 'crlf', E'CREATE TABLE apply_crlf (id int);\r\nINSERT INTO apply_crlf\r\nVALUES (1);\r\n');
SELECT version, statements FROM migrate_apply();

-- the latest one there can be
SELECT migrate_register(9223372036854775807, 'last', 'SELECT 1');
SELECT version FROM migrate_apply();
SELECT migrate_register(9223372036854775807, 'last', 'SELECT 1', 'SELECT 1');
SELECT version FROM migrate_rollback(61);
SELECT migrate_unregister(9223372036854775807);

-- in one transaction: register, apply, go on; each sees the one before
BEGIN;
SELECT migrate_register(70, 'seventy', 'CREATE TABLE apply_seventy (id int)');
SELECT version FROM migrate_apply();
INSERT INTO apply_seventy VALUES (1);
SELECT migrate_register(71, 'seventy_one', 'ALTER TABLE apply_seventy ADD COLUMN note text');
SELECT version FROM migrate_apply();
COMMIT;
SELECT * FROM apply_seventy;

-- called for several versions in one statement: each call has its own rows
SELECT migrate_register(80, 'eighty', 'CREATE TABLE apply_eighty (id int)');
SELECT migrate_register(81, 'eighty_one', 'CREATE TABLE apply_eighty_one (id int)');
SELECT a.version, a.name FROM (VALUES (80), (81), (80)) v (version), LATERAL migrate_apply(v.version) a;
SELECT migrate_register(82, 'eighty_two', 'CREATE TABLE apply_eighty_two (id int)');
SELECT (migrate_apply(82)).version;

-- from a function, a CTE, a DO block
SELECT migrate_register(90, 'ninety', 'CREATE TABLE apply_ninety (id int)');
SELECT migrate_register(91, 'ninety_one', 'CREATE TABLE apply_ninety_one (id int)');
WITH done AS MATERIALIZED (SELECT * FROM migrate_apply(90)) SELECT version FROM done;
DO $$ BEGIN PERFORM migrate_apply(); END $$;
SELECT migrate_version();

-- without a search_path, and under settings that change how text is read and
-- written: the script means the same, and the ledger's hashes fit
SELECT migrate_register(100, 'settings', $$
CREATE TABLE public.apply_settings (a text, b date, c bytea);
INSERT INTO public.apply_settings VALUES ('back\slash', '2026-02-01', '\x01');
$$);
BEGIN;
SET LOCAL search_path = '';
SET LOCAL standard_conforming_strings = off;
SET LOCAL escape_string_warning = off;
SET LOCAL DateStyle = 'SQL, DMY';
SET LOCAL IntervalStyle = 'iso_8601';
SET LOCAL bytea_output = 'escape';
SET LOCAL TimeZone = 'Asia/Tokyo';
SET LOCAL extra_float_digits = -5;
SET LOCAL quote_all_identifiers = on;
SELECT version, statements FROM public.migrate_apply();
SELECT * FROM migrate.ledger_break;
COMMIT;
SELECT a, b::text, c FROM apply_settings;
SELECT * FROM migrate.ledger_break;

-- a seed file whose statements depend on each other's settings and objects
SELECT migrate_register(110, 'types', $$
CREATE TYPE apply_mood AS ENUM ('good', 'bad');
CREATE FUNCTION apply_mood_of(int) RETURNS apply_mood LANGUAGE sql AS 'SELECT ''good''::apply_mood';
CREATE TABLE apply_moods (mood apply_mood DEFAULT apply_mood_of(1));
INSERT INTO apply_moods DEFAULT VALUES;
CREATE VIEW apply_moods_view AS SELECT * FROM apply_moods;
DO $do$ BEGIN EXECUTE 'COMMENT ON VIEW apply_moods_view IS ''from a DO block'''; END $do$;
$$, 'DROP VIEW apply_moods_view; DROP TABLE apply_moods; DROP FUNCTION apply_mood_of; DROP TYPE apply_mood;');
SELECT version, statements FROM migrate_apply();
SELECT mood, obj_description('apply_moods_view'::regclass) FROM apply_moods_view;
RESET client_min_messages;

-- 22023: a version that cannot be one
SELECT * FROM migrate_apply(0);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_apply(-1);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_apply((-9223372036854775808)::bigint);
\echo :LAST_ERROR_SQLSTATE
-- 22003: more than a bigint
SELECT * FROM migrate_apply('9223372036854775808');
\echo :LAST_ERROR_SQLSTATE
-- 22P02: no number; '003' is one
SELECT * FROM migrate_apply('three');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_apply('003');

-- 42704: unknown, even where an earlier one is pending, which does not run
SELECT migrate_register(120, 'pending', 'CREATE TABLE apply_pending (id int)');
SELECT * FROM migrate_apply(121);
\echo :LAST_ERROR_SQLSTATE
SELECT to_regclass('apply_pending');

-- 25001: what cannot run in a transaction is refused, with its line, before
-- the first statement of the first migration runs
SELECT migrate_register(121, 'concurrently', E'SELECT 1;\n\n-- why\nCREATE INDEX CONCURRENTLY ON apply_one (id);\n');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT to_regclass('apply_pending');
SELECT migrate_register(121, 'asks', E'-- migrate: no-transaction\nSELECT 1;\n');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
-- 2D000: it would end the transaction; 0A000: it would split or outlive it
SELECT migrate_register(121, 'ends', E'SELECT 1;\nROLLBACK;\n');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(121, 'splits', E'SELECT 1;\nSAVEPOINT a;\n');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(121, 'listens', E'LISTEN something;\n');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
-- the ones before it can be applied by their version
SET client_min_messages = warning;
SELECT version FROM migrate_apply(120);
SELECT migrate_unregister(121);
-- what the parse tree does not show is refused by the server while it runs
SELECT migrate_register(121, 'hidden', E'SELECT 1;\nDO $do$ BEGIN COMMIT; END $do$;\n');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_unregister(121);

-- 55000: baselined and rolled back without an up script
SELECT migrate_baseline(122);
SELECT migrate_register_file('rollbacks/122_rollback_baseline.sql', 'SELECT 1;');
SELECT version FROM migrate_rollback();
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_unregister(122);

-- 42704: the library is loaded but the extension is not there
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE FUNCTION apply_left_over(bigint) RETURNS TABLE (version bigint, name text, statements integer,
	duration interval, snapshot bigint, rows_kept bigint) LANGUAGE c AS '$libdir/migrate_ext', 'migrate_apply';
SELECT * FROM apply_left_over(1);
\echo :LAST_ERROR_SQLSTATE
CREATE FUNCTION apply_left_over_register(bigint, text, text, text) RETURNS text
LANGUAGE c AS '$libdir/migrate_ext', 'migrate_register';
SELECT apply_left_over_register(1, 'x', 'SELECT 1', NULL);
\echo :LAST_ERROR_SQLSTATE
DROP FUNCTION apply_left_over;
DROP FUNCTION apply_left_over_register;

-- clean up; what the migrations made stays when the extension goes
SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'apply_%';
DROP VIEW apply_moods_view;
DROP TABLE apply_moods;
DROP FUNCTION apply_mood_of;
DROP TYPE apply_mood;
DROP TABLE apply_one, apply_log, apply_three, apply_ten, apply_twenty, apply_thirty, apply_rows, apply_begin,
	apply_crlf, apply_seventy, apply_eighty, apply_eighty_one, apply_eighty_two, apply_ninety,
	apply_ninety_one, apply_settings, apply_pending;
CREATE EXTENSION migrate_ext;
