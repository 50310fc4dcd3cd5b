-- Failure: nothing is left behind, and the error says where it came from
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;

-- What a failed call must not change: the schema, the ledger, the registry
CREATE TABLE failure_one (id int PRIMARY KEY, note text);
CREATE FUNCTION failure_state() RETURNS text LANGUAGE sql AS $$
SELECT hashtextextended(concat_ws('|',
	(SELECT string_agg(c::text, ',' ORDER BY c.oid) FROM pg_class c WHERE relnamespace = 'public'::regnamespace),
	(SELECT string_agg(p::text, ',' ORDER BY p.oid) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace),
	(SELECT string_agg(l::text, ',' ORDER BY l.entry) FROM migrate.ledger l),
	(SELECT string_agg(m::text, ',' ORDER BY m.version) FROM migrate.migration m),
	(SELECT string_agg(s::text, ',' ORDER BY s.version, s.direction) FROM migrate.script s),
	(SELECT string_agg(f::text, ',' ORDER BY f.id) FROM failure_one f)), 0)::text $$;
SELECT migrate_register(1, 'good', 'CREATE TABLE failure_good (id int); INSERT INTO failure_one VALUES (1, ''good'')', 'DROP TABLE failure_good; DELETE FROM failure_one');

--
-- Where the error is: the line of the file, in CONTEXT and in DETAIL
--

-- the second statement of the second migration, whose position is known: the
-- line is that of the mistake, not that of the statement
SELECT migrate_register(2, 'bad', '-- Description: line 1
CREATE TABLE failure_bad (id int);	/* line 2

line 4 */
INSERT INTO failure_bad (id)
VALUES
  (1),
  (nowhere);
SELECT ''line 9'';
');
SELECT failure_state() AS before \gset
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT failure_state() = :'before' AS nothing_left;

-- an error without a position: the line of the statement
SELECT migrate_register(2, 'bad', E'\n\nSELECT 1;\n\n  -- a comment\n  INSERT INTO failure_one\n VALUES (7);\nINSERT INTO failure_one\n VALUES (7);', E'SELECT 1/0');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE

-- DETAIL, HINT and SQLSTATE of the cause are kept
SELECT migrate_register(2, 'bad', $$SELECT 1;
DO $do$
BEGIN
	RAISE EXCEPTION 'so it is' USING ERRCODE = 'MG123', DETAIL = 'That is the evidence.', HINT = 'Type this.';
END
$do$;$$);
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE

-- an error with everything that a client can read
SELECT migrate_register(2, 'bad', 'INSERT INTO failure_one VALUES (1), (1);');
DO $$
DECLARE s text; m text; d text; h text; c text; t text; k text; q text;
BEGIN
	PERFORM migrate_apply();
EXCEPTION WHEN unique_violation THEN
	GET STACKED DIAGNOSTICS s = RETURNED_SQLSTATE, m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT,
		t = TABLE_NAME, k = CONSTRAINT_NAME;
	RAISE WARNING E'%\n%\n%\n%\n%\n%', s, m, d, h, t, k;
END $$;

-- in a function: the line of the statement that called it
SELECT migrate_register(2, 'bad', $$CREATE FUNCTION failure_inner() RETURNS int LANGUAGE plpgsql AS $f$
BEGIN
	PERFORM 1 / 0;
END
$f$;
CREATE FUNCTION failure_outer() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN failure_inner(); END $f$;
SELECT 1,
	failure_outer();
$$);
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE

-- in a SQL function, whose own text has a position of its own
SELECT migrate_register(2, 'bad', $$

CREATE FUNCTION failure_sql() RETURNS int LANGUAGE sql AS 'SELECT
nowhere';
$$);
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE

-- in a dynamic query of a DO block
SELECT migrate_register(2, 'bad', $$SELECT 1;
DO $do$ BEGIN
	EXECUTE 'CREATE TABLE failure_bad (id in)';
END $do$;$$);
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE

-- in a trigger
SELECT migrate_register(2, 'bad', $$CREATE FUNCTION failure_trigger() RETURNS trigger LANGUAGE plpgsql AS
$f$ BEGIN RAISE EXCEPTION 'refused by a trigger' USING ERRCODE = 'check_violation'; END $f$;
CREATE TRIGGER failure BEFORE INSERT ON failure_one FOR EACH ROW EXECUTE FUNCTION failure_trigger();
INSERT INTO failure_one VALUES (9);$$);
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE

-- in COPY data: the line of the row
SELECT migrate_register(2, 'bad', E'COPY failure_one FROM stdin;\n1\ta\n2\tb\nx\tc\n\\.\n');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE

-- behind multi-byte characters and \r\n line ends
SELECT migrate_register(2, 'bad', E'SELECT ''\u00e4\u00f6\u00fc\u20ac'';\r\n-- \u20ac\r\nSELECT\r\n ''\u20ac\u20ac'', nowhere;\r\n');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT failure_state() IS NOT NULL AS readable, count(*) FROM migrate.ledger;

-- down: the same
SELECT migrate_register(2, 'bad', 'SELECT 1', E'SELECT 1;\nSELECT 1;\nSELECT 1/0;');
SELECT version FROM migrate_apply();
SELECT failure_state() AS before \gset
SELECT * FROM migrate_rollback(0);
\echo :LAST_ERROR_SQLSTATE
SELECT failure_state() = :'before' AS nothing_left;
SELECT migrate_register(2, 'bad', 'SELECT 1', 'SELECT 1');
SELECT version FROM migrate_rollback(0);

-- an obstacle behind BEGIN: BEGIN is not counted here either
SELECT migrate_register(2, 'bad', E'BEGIN;\nSELECT 1;\nSAVEPOINT a;\nCOMMIT;\n');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE

--
-- How much of the script an error shows: 200 bytes at most, and never what is
-- far from the error
--
CREATE FUNCTION failure_shown(OUT sqlstate text, OUT shows_secret boolean, OUT script_bytes int) LANGUAGE plpgsql AS $$
DECLARE d text; h text; c text; m text;
BEGIN
	PERFORM migrate_apply();
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS failure_shown.sqlstate = RETURNED_SQLSTATE, m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL,
		h = PG_EXCEPTION_HINT, c = PG_EXCEPTION_CONTEXT;
	m := concat_ws(E'\n', m, d, h, c);
	shows_secret := m ~ 'SeCrEt';
	script_bytes := (SELECT coalesce(sum(length(x[1])), 0) FROM regexp_matches(m, '(pad+)', 'g') x);
END $$;
SELECT migrate_register(2, 'secret', 'SELECT ''SeCrEt'', ''' || repeat('pad', 1000) || ''', nowhere, ''' || repeat('pad', 1000) || '''');
SELECT * FROM failure_shown();
-- what the client shows as QUERY
SELECT * FROM migrate_apply();
SELECT migrate_register(2, 'secret', E'SELECT ''SeCrEt'',\n1/0,\n ''' || repeat('pad', 1000) || '''');
SELECT * FROM failure_shown();
SELECT migrate_register(2, 'secret', 'DO $do$ BEGIN PERFORM 1/0, ''SeCrEt'', ''' || repeat('pad', 1000) || '''; END $do$');
SELECT * FROM failure_shown();
SELECT migrate_register(2, 'secret', 'DO $do$ BEGIN EXECUTE $x$SELECT ''SeCrEt'', ''' || repeat('pad', 1000) || ''', nowhere$x$; END $do$');
SELECT * FROM failure_shown();
SELECT migrate_register(2, 'secret', 'DO $do$ BEGIN INSERT INTO failure_one SELECT 1/0, ''SeCrEt' || repeat('pad', 1000) || ''' FROM pg_class; END $do$');
SELECT * FROM failure_shown();
-- a notice has a context too
SELECT migrate_register(2, 'secret', 'DO $do$ BEGIN PERFORM ''SeCrEt''; RAISE WARNING ''careful''; END $do$; SELECT 1/0');
\set SHOW_CONTEXT always
SELECT * FROM migrate_apply();
\set SHOW_CONTEXT errors

--
-- Deferred work fails while the migration can be named
--
CREATE TABLE failure_parent (id int PRIMARY KEY);
CREATE TABLE failure_child (parent int REFERENCES failure_parent DEFERRABLE INITIALLY DEFERRED);
SELECT migrate_register(2, 'deferred', E'INSERT INTO failure_child VALUES (1);\nSELECT 1;');
SELECT migrate_register(3, 'later', 'INSERT INTO failure_parent VALUES (1)');
SELECT failure_state() AS before \gset
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT failure_state() = :'before' AS nothing_left;
-- what is in order at its end passes
SELECT migrate_register(2, 'deferred', E'INSERT INTO failure_child VALUES (2); INSERT INTO failure_parent VALUES (2);', 'DELETE FROM failure_child');
SELECT version FROM migrate_apply(2);
SELECT * FROM failure_child;
SELECT version FROM migrate_rollback(1);
SELECT migrate_unregister(3);
DELETE FROM failure_parent;
-- a constraint trigger
CREATE FUNCTION failure_constraint() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused at the end'; END $$;
CREATE CONSTRAINT TRIGGER failure_constraint AFTER INSERT ON failure_child DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION failure_constraint();
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
DROP TABLE failure_child, failure_parent;
DROP FUNCTION failure_constraint;

-- an event trigger
CREATE FUNCTION failure_event() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no % today', tg_tag; END $$;
SELECT migrate_register(2, 'event', E'SELECT 1;\nCREATE TABLE failure_bad (id int);', 'SELECT 1');
CREATE EVENT TRIGGER failure_event ON ddl_command_end EXECUTE FUNCTION failure_event();
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
DROP EVENT TRIGGER failure_event;
DROP FUNCTION failure_event;

--
-- Cancelled
--
SELECT migrate_register(2, 'slow', E'CREATE TABLE failure_bad (id int);\nSELECT pg_sleep(60);');
SELECT failure_state() AS before \gset
SET statement_timeout = '1s';
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
RESET statement_timeout;
SELECT failure_state() = :'before' AS nothing_left;
SELECT migrate_register(2, 'cancel', E'CREATE TABLE failure_bad (id int);\nSELECT pg_cancel_backend(pg_backend_pid()) FROM pg_sleep(0);\nSELECT pg_sleep(60);');
\set VERBOSITY sqlstate
SELECT * FROM migrate_apply();
\set VERBOSITY default
SELECT to_regclass('failure_bad') IS NULL AS nothing_left;

--
-- Hints for what people run into
--
-- 55P04: a new enum value that is used at once
CREATE TYPE failure_mood AS ENUM ('good');
SELECT migrate_register(2, 'enum', E'ALTER TYPE failure_mood ADD VALUE ''bad'';\nSELECT ''bad''::failure_mood;');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
DROP TYPE failure_mood;
-- 42P02: a parameter that nobody gives
SELECT migrate_register(2, 'parameter', E'SELECT $1;');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
-- 3F000: no schema to create in
SELECT migrate_register(2, 'path', E'CREATE TABLE failure_bad (id int);');
BEGIN;
SET LOCAL search_path = '';
SELECT * FROM public.migrate_apply();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

--
-- The caller goes on
--
-- caught: the subtransaction is gone, and a second call in the same
-- transaction works
SELECT migrate_register(2, 'caught', 'CREATE TABLE failure_bad (id int); SELECT 1/0');
BEGIN;
DO $$
BEGIN
	PERFORM migrate_apply();
EXCEPTION WHEN division_by_zero THEN
	RAISE WARNING 'caught: %', SQLERRM;
END $$;
SELECT migrate_version(), to_regclass('failure_bad'), count(*) FROM migrate.ledger;
SELECT migrate_register(2, 'caught', 'CREATE TABLE failure_bad (id int)', 'DROP TABLE failure_bad');
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback(0);
COMMIT;
SELECT * FROM migrate.ledger_break;

-- savepoints
BEGIN;
SAVEPOINT a;
SELECT version FROM migrate_apply(1);
SAVEPOINT b;
SELECT version FROM migrate_apply();
ROLLBACK TO b;
SELECT migrate_version(), to_regclass('failure_bad');
SELECT version FROM migrate_apply();
ROLLBACK TO a;
SELECT migrate_version();
SELECT version FROM migrate_apply();
COMMIT;
SELECT migrate_version();
SELECT version FROM migrate_rollback(0);
SELECT * FROM migrate.ledger_break;

-- the caller's transaction rolls back, or fails at its end: no trace
SELECT failure_state() AS before \gset
BEGIN;
SELECT version FROM migrate_apply();
ROLLBACK;
SELECT failure_state() = :'before' AS nothing_left;
CREATE TABLE failure_unique (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
SELECT failure_state() AS before \gset
BEGIN;
SELECT version FROM migrate_apply();
INSERT INTO failure_unique VALUES (1), (1);
COMMIT;
\echo :LAST_ERROR_SQLSTATE
SELECT failure_state() = :'before' AS nothing_left;
-- what the caller left undone is found at the end of the first migration
BEGIN;
INSERT INTO failure_unique VALUES (1), (1);
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
DROP TABLE failure_unique;

--
-- Calls that are refused
--
-- 55000: a script that starts a deployment, or registers, by whatever way
SELECT migrate_register(2, 'nested', E'SELECT 1;\nSELECT migrate_apply();');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'nested', E'DO $do$ BEGIN PERFORM migrate_rollback(0); END $do$;');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'nested', E'SELECT migrate_register(3, ''x'', ''SELECT 3'');');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'nested', E'SELECT migrate_baseline(3);');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'nested', E'SELECT migrate_unregister(3);');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'nested', E'SELECT migrate_repair(1, ''why'');');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
-- caught by the script: the rest of it runs, and nothing was nested
SELECT migrate_register(2, 'nested', $$DO $do$ BEGIN
	PERFORM migrate_apply();
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RAISE WARNING 'script says: %', SQLERRM;
END $do$;
SELECT migrate_version();
SELECT count(*) FROM migrate_status();$$, 'SELECT 1');
SELECT version, statements FROM migrate_apply();
SELECT version FROM migrate_rollback(0);

-- called by a trigger: works, but cannot change the table that is in use
CREATE TABLE failure_queue (version bigint);
CREATE FUNCTION failure_deploy() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM migrate_apply(new.version); RETURN NULL; END $$;
CREATE TRIGGER failure_deploy AFTER INSERT ON failure_queue FOR EACH ROW EXECUTE FUNCTION failure_deploy();
SELECT migrate_register(2, 'trigger', E'SELECT 1;\nALTER TABLE failure_queue ADD COLUMN note text;');
INSERT INTO failure_queue VALUES (1);
SELECT migrate_version();
INSERT INTO failure_queue VALUES (2);
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_version();
DROP TABLE failure_queue;
DROP FUNCTION failure_deploy;
SELECT version FROM migrate_rollback(0);

-- 55006: the engine drops itself; found before anything runs, or after it did
SELECT migrate_register(2, 'drops', E'SELECT 1;\nDROP EXTENSION IF EXISTS other, migrate_ext CASCADE;');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'drops', E'DO $do$ BEGIN DROP EXTENSION migrate_ext CASCADE; END $do$;');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'drops', E'DO $do$ BEGIN DROP EXTENSION migrate_ext CASCADE; END $do$;\nSELECT migrate_version();');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
-- and puts itself back, empty
SELECT migrate_register(2, 'drops', E'DO $do$ BEGIN DROP EXTENSION migrate_ext CASCADE; CREATE EXTENSION migrate_ext; END $do$;');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
-- 2BP01: its tables belong to it
SELECT migrate_register(2, 'drops', E'DROP SCHEMA migrate CASCADE;');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'drops', E'DROP TABLE migrate.ledger CASCADE;');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT extname FROM pg_extension WHERE extname = 'migrate_ext';

-- 25006: nothing can be written; 25001: the snapshot is too old
SELECT migrate_register(2, 'modes', 'CREATE TABLE failure_bad (id int)', 'DROP TABLE failure_bad');
BEGIN READ ONLY;
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT * FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_register(3, 'x', 'SELECT 1');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN ISOLATION LEVEL READ UNCOMMITTED;
SELECT version FROM migrate_apply();
ROLLBACK;
SET default_transaction_isolation = 'serializable';
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
RESET default_transaction_isolation;
-- a script cannot change them either
SELECT migrate_register(2, 'modes', E'SELECT 1;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'modes', E'SELECT 1;\nSET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'modes', E'SET transaction_read_only = on;\nCREATE TABLE failure_bad (id int);');
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
-- a setting of the transaction ends with the script, as every setting does
SELECT migrate_register(2, 'modes', E'SET transaction_read_only = on;\nSELECT 1;', 'SELECT 1');
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback(0);

-- 0A000: a transaction that has changed the version cannot be prepared, since
-- it would keep everybody out
SELECT migrate_register(2, 'prepared', 'CREATE TABLE failure_bad (id int)', 'DROP TABLE failure_bad');
BEGIN;
SELECT version FROM migrate_apply();
PREPARE TRANSACTION 'failure';
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_version(), to_regclass('failure_bad'), count(*) FROM pg_prepared_xacts;
-- one that has taken it back can be, where prepared transactions are enabled
SELECT setting::int > 0 AS enabled FROM pg_settings WHERE name = 'max_prepared_transactions' \gset
BEGIN;
SAVEPOINT a;
SELECT version FROM migrate_apply();
ROLLBACK TO a;
\if :enabled
PREPARE TRANSACTION 'failure';
ROLLBACK PREPARED 'failure';
\else
COMMIT;
\endif

-- after all that, everything still works
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback(0);
SELECT * FROM migrate.ledger_break;
SELECT count(*) = max(entry) AS gapless FROM migrate.ledger;
SELECT * FROM failure_one;

DROP FUNCTION failure_state, failure_shown;
DROP TABLE failure_one;
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
