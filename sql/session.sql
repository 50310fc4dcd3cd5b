-- The session after a call is what it was before it
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE ROLE regress_session_a;
CREATE ROLE regress_session_b;
GRANT regress_session_b TO regress_session_a;
CREATE SCHEMA session_s AUTHORIZATION regress_session_a;
CREATE SCHEMA session_t AUTHORIZATION regress_session_b;
CREATE TABLE session_log (n serial, who text, what text, value text);
GRANT ALL ON session_log, session_log_n_seq TO PUBLIC;
CREATE FUNCTION session_log(who text) RETURNS void LANGUAGE sql AS $$
INSERT INTO public.session_log (who, what, value)
SELECT who, what, CASE what WHEN 'current_user' THEN current_user WHEN 'session_user' THEN session_user
		ELSE current_setting(what, true) END
FROM unnest('{current_user,session_user,role,search_path,lock_timeout,statement_timeout,work_mem,TimeZone,session_test.mine}'::text[]) what
$$;
SELECT session_user AS me \gset
CREATE FUNCTION session_take() RETURNS TABLE (who text, what text, value text) LANGUAGE sql AS $$
WITH gone AS (DELETE FROM public.session_log RETURNING *)
SELECT who, what, CASE WHEN value = session_user THEN '(session user)' ELSE value END FROM gone ORDER BY n $$;

-- what is compared: every setting with its source, and who we are
CREATE FUNCTION session_state() RETURNS TABLE (name text, setting text, source text) LANGUAGE sql AS $$
SELECT name, setting, source FROM pg_settings
UNION ALL VALUES ('current_user', current_user::text, ''), ('session_user', session_user::text, ''),
	('role', current_setting('role'), ''), ('mine', current_setting('session_test.mine', true), ''),
	('prepared', (SELECT string_agg(p.name, ',') FROM pg_prepared_statements p), ''),
	('cursors', (SELECT string_agg(c.name, ',') FROM pg_cursors c WHERE c.name <> ''), ''),
	('listening', (SELECT string_agg(l, ',') FROM pg_listening_channels() l), '')
$$;
CREATE TEMP TABLE session_before (name text, setting text, source text);
GRANT ALL ON session_before TO PUBLIC;

-- a script that changes all it can, in every way there is, and the next one
SELECT migrate_register(1, 'changes', $$
SELECT session_log('1 start');
SET search_path = session_s;
SET LOCAL statement_timeout = '77s';
SET lock_timeout = '88s';
SELECT set_config('work_mem', '7MB', false), set_config('session_test.mine', 'changed', false);
SET TIME ZONE 'Asia/Tokyo';
SET SESSION session_replication_role = replica;
SET row_security = off;
SET client_encoding = 'SQL_ASCII';
SET application_name = 'changed';
SET client_min_messages = error;
SET standard_conforming_strings = off;
SET default_transaction_read_only = on;
SET default_transaction_isolation = 'serializable';
SET migrate.lock_timeout = '99s';
SET migrate.out_of_order = on;
SET ROLE regress_session_a;
SELECT public.session_log('1 end');
CREATE TABLE session_one (id int);
$$, $$
SET SESSION AUTHORIZATION regress_session_a;
SET search_path = session_s;
SELECT public.session_log('1 down');
DROP TABLE session_one;
$$);
SELECT migrate_register(2, 'next', $$SELECT session_log('2');$$, $$SET ROLE regress_session_b; RESET ALL; SELECT session_log('2 down');$$);

-- applied
SET lock_timeout = '3s';
SET statement_timeout = '60s';
SET session_test.mine = 'mine';
SET TimeZone = 'UTC';
SET work_mem = '5MB';
INSERT INTO session_before SELECT * FROM session_state();
SELECT version FROM migrate_apply();
SELECT * FROM session_state() EXCEPT SELECT * FROM session_before;
SELECT * FROM session_take();
SELECT tableowner, schemaname FROM pg_tables WHERE tablename = 'session_one';

-- rolled back
SELECT version FROM migrate_rollback(0);
SELECT * FROM session_state() EXCEPT SELECT * FROM session_before;
SELECT * FROM session_take() WHERE what IN ('current_user', 'session_user', 'role', 'session_test.mine');

-- the same as a role that was set, with settings local to the transaction
SELECT migrate_grant('regress_session_a', 'deployer');
SET ROLE regress_session_a;
SELECT migrate_register(1, 'changes', $$
SET search_path = session_s;
SET lock_timeout = '88s';
RESET ROLE;
SET ROLE regress_session_b;
SELECT public.session_log('1 end');
RESET ROLE;
SET ROLE regress_session_a;
$$, 'SET ROLE NONE');
SELECT migrate_register(2, 'next', $$SELECT session_log('2');$$, 'SELECT 1');
BEGIN;
SET LOCAL lock_timeout = '4s';
SET LOCAL search_path = session_t, public;
TRUNCATE session_before;
INSERT INTO session_before SELECT * FROM session_state();
SELECT version FROM migrate_apply();
SELECT * FROM session_state() EXCEPT SELECT * FROM session_before;
SELECT version FROM migrate_rollback(0);
SELECT * FROM session_state() EXCEPT SELECT * FROM session_before;
-- failed, and caught
SELECT migrate_register(2, 'next', $$SET ROLE regress_session_b; SET search_path = session_t; SET LOCAL work_mem = '9MB'; SELECT 1/0;$$);
DO $$ BEGIN PERFORM migrate_apply(); EXCEPTION WHEN division_by_zero THEN RAISE WARNING 'caught'; END $$;
SELECT * FROM session_state() EXCEPT SELECT * FROM session_before;
COMMIT;
-- failed, and not
TRUNCATE session_before;
INSERT INTO session_before SELECT * FROM session_state();
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM session_state() EXCEPT SELECT * FROM session_before;
RESET ROLE;
DELETE FROM session_log;
RESET lock_timeout;
RESET statement_timeout;
RESET TimeZone;
RESET work_mem;
RESET session_test.mine;

--
-- Directives
--
SELECT migrate_unregister(1), migrate_unregister(2);
GRANT CREATE ON SCHEMA public TO regress_session_b;
SELECT migrate_register(1, 'directives', $$
-- migrate: role = regress_session_b
-- migrate: search_path = session_t, public
-- migrate: lock_timeout = 1234ms
SELECT public.session_log('1');
CREATE TABLE session_directed (id int);
$$, $$
-- migrate: role = regress_session_b
DROP TABLE session_t.session_directed;
SELECT public.session_log('1 down');
$$);
SELECT migrate_register(2, 'none', $$SELECT session_log('2')$$);
TRUNCATE session_before;
INSERT INTO session_before SELECT * FROM session_state();
SELECT version FROM migrate_apply();
SELECT * FROM session_state() EXCEPT SELECT * FROM session_before;
SELECT * FROM session_take() WHERE what IN ('current_user', 'role', 'search_path', 'lock_timeout');
SELECT schemaname, tableowner FROM pg_tables WHERE tablename = 'session_directed';
-- who applied it is the caller, not the role of the script
SELECT version, role = session_user AS caller FROM migrate_history() WHERE entry > 8;
SELECT migrate_register(2, 'none', $$SELECT session_log('2')$$, 'SELECT 2');
SELECT version FROM migrate_rollback(0);
SELECT * FROM session_take() WHERE what IN ('current_user', 'role', 'search_path', 'lock_timeout');

-- lock_timeout: of the directive, else migrate.lock_timeout, else the session's
SELECT migrate_unregister(1), migrate_unregister(2);
SELECT migrate_register(1, 'lock_timeout', $$SELECT session_log('1')$$, $$SELECT session_log('1 down')$$);
SET lock_timeout = '5s';
SET migrate.lock_timeout = '700ms';
SELECT version FROM migrate_apply();
SET migrate.lock_timeout = 0;
SELECT version FROM migrate_rollback();
RESET lock_timeout;
RESET migrate.lock_timeout;
SELECT * FROM session_take() WHERE what = 'lock_timeout';

-- directives that cannot be followed
SELECT migrate_register(1, 'role', E'\n-- migrate: role = regress_session_none\nSELECT 1');
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
GRANT ALL ON SCHEMA public TO regress_session_b;
SELECT migrate_grant('regress_session_b', 'deployer');
SELECT migrate_register(1, 'role', E'-- migrate: role = regress_session_a\nSELECT 1');
\c -
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_session_b;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
RESET SESSION AUTHORIZATION;
SELECT migrate_register(1, 'path', E'-- migrate: search_path = "\nSELECT 1');
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(1, 'timeout', E'-- migrate: lock_timeout = soon\nSELECT 1');
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(1, 'timeout', E'-- migrate: lock_timeout = -1\nSELECT 1');
\echo :LAST_ERROR_SQLSTATE

--
-- Modes of constraints
--
SELECT migrate_unregister(1);
CREATE TABLE session_deferred (id int CONSTRAINT session_deferred_key UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE session_immediate (id int CONSTRAINT session_immediate_key UNIQUE DEFERRABLE INITIALLY IMMEDIATE);
CREATE FUNCTION session_modes(OUT session_deferred text, OUT session_immediate text) LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		session_deferred := 'deferred';
		INSERT INTO public.session_deferred VALUES (-1), (-1);
		DELETE FROM public.session_deferred WHERE id = -1;
	EXCEPTION WHEN unique_violation THEN
		session_deferred := 'immediate';
	END;
	BEGIN
		session_immediate := 'deferred';
		INSERT INTO public.session_immediate VALUES (-1), (-1);
		DELETE FROM public.session_immediate WHERE id = -1;
	EXCEPTION WHEN unique_violation THEN
		session_immediate := 'immediate';
	END;
END $$;
SELECT * FROM session_modes();
-- a script that queues events: its deferred checks are made, and the modes are
-- those of before
SELECT migrate_register(1, 'events', 'INSERT INTO session_deferred VALUES (1); INSERT INTO session_immediate VALUES (1);');
BEGIN;
SELECT version FROM migrate_apply();
SELECT * FROM session_modes();
ROLLBACK;
-- modes that the caller has set stay, but what is INITIALLY DEFERRED and was
-- fired is deferred again: the server tells nobody what the mode was
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT * FROM session_modes();
SELECT version FROM migrate_apply();
SELECT * FROM session_modes();
ROLLBACK;
BEGIN;
SET CONSTRAINTS session_immediate_key DEFERRED;
SET CONSTRAINTS session_deferred_key IMMEDIATE;
SELECT * FROM session_modes();
SELECT version FROM migrate_apply();
SELECT * FROM session_modes();
ROLLBACK;
-- modes that a script sets end with it, whether it queues events or not
SELECT migrate_register(1, 'sets', 'SET CONSTRAINTS ALL DEFERRED;');
BEGIN;
SELECT version FROM migrate_apply();
SELECT * FROM session_modes();
ROLLBACK;
SELECT migrate_register(1, 'sets', 'SET CONSTRAINTS ALL IMMEDIATE; INSERT INTO session_deferred VALUES (1);');
BEGIN;
SELECT version FROM migrate_apply();
SELECT * FROM session_modes();
ROLLBACK;
SELECT migrate_register(1, 'sets', 'SET CONSTRAINTS ALL DEFERRED;');
SELECT migrate_register(2, 'notices', E'SELECT 2;\nINSERT INTO session_immediate VALUES (7), (7);\nDELETE FROM session_immediate;');
BEGIN;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT migrate_unregister(2);
-- constraints of the same name with other modes
ALTER TABLE session_immediate ADD PRIMARY KEY (id);
CREATE TABLE session_same (id int CONSTRAINT session_fk REFERENCES session_immediate (id) DEFERRABLE INITIALLY IMMEDIATE);
CREATE TABLE session_again (id int CONSTRAINT session_fk REFERENCES session_immediate (id) DEFERRABLE INITIALLY DEFERRED);
SELECT migrate_register(1, 'events', 'INSERT INTO session_immediate VALUES (1); INSERT INTO session_same VALUES (1);');
BEGIN;
SELECT version FROM migrate_apply();
INSERT INTO session_again VALUES (8);
INSERT INTO session_immediate VALUES (8);
SELECT * FROM session_again;
ROLLBACK;
DROP TABLE session_same, session_again;
-- constraints that the script itself makes and drops
SELECT migrate_register(1, 'makes', 'CREATE TABLE session_made (id int CONSTRAINT session_made_key UNIQUE DEFERRABLE); INSERT INTO session_child VALUES (2);',
	'INSERT INTO session_child VALUES (2); DROP TABLE session_made;');
CREATE TABLE session_parent (id int PRIMARY KEY);
INSERT INTO session_parent VALUES (2);
CREATE TABLE session_child (id int REFERENCES session_parent);
BEGIN;
SELECT version FROM migrate_apply();
SAVEPOINT a;
INSERT INTO session_made VALUES (1), (1);
ROLLBACK TO a;
SELECT version FROM migrate_rollback();
ROLLBACK;
-- constraints that the script drops or renames while events of others are
-- queued, or that a deferred trigger does away with
CREATE TABLE session_gone (id int CONSTRAINT session_gone_key UNIQUE DEFERRABLE INITIALLY IMMEDIATE);
CREATE FUNCTION session_drop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	ALTER TABLE public.session_gone DROP CONSTRAINT session_gone_key;
	RETURN NULL;
END $$;
CREATE TABLE session_dropper (id int);
CREATE CONSTRAINT TRIGGER session_dropper AFTER INSERT ON session_dropper DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION session_drop();
SELECT migrate_register(1, 'drops', 'INSERT INTO session_deferred VALUES (1); SET CONSTRAINTS session_gone_key DEFERRED; ALTER TABLE session_gone DROP CONSTRAINT session_gone_key;');
BEGIN;
SELECT version FROM migrate_apply();
SELECT * FROM session_modes();
ROLLBACK;
SELECT migrate_register(1, 'renames', 'INSERT INTO session_deferred VALUES (1); SET CONSTRAINTS session_gone_key DEFERRED; INSERT INTO session_gone VALUES (1); ALTER TABLE session_gone RENAME CONSTRAINT session_gone_key TO session_here_key;');
BEGIN;
SELECT version FROM migrate_apply();
SELECT * FROM session_modes();
INSERT INTO session_gone VALUES (2), (2);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT migrate_register(1, 'deferred', 'INSERT INTO session_dropper VALUES (1); INSERT INTO session_immediate VALUES (1);');
BEGIN;
SELECT version FROM migrate_apply();
SELECT * FROM session_modes();
INSERT INTO session_gone VALUES (2), (2);
ROLLBACK;
-- 55006, of the server: its own events are queued
SELECT migrate_register(1, 'drops', E'INSERT INTO session_gone VALUES (1);\nINSERT INTO session_deferred VALUES (1), (1);\nALTER TABLE session_deferred DROP CONSTRAINT session_deferred_key;');
BEGIN;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
-- the whole table, and the schema that it is in
SELECT migrate_register(1, 'drops', 'INSERT INTO session_deferred VALUES (1); SET CONSTRAINTS ALL DEFERRED; DROP TABLE session_gone;');
BEGIN;
SELECT version FROM migrate_apply();
SELECT * FROM session_modes();
ROLLBACK;
DROP TABLE session_gone, session_dropper;
DROP FUNCTION session_drop;
SELECT migrate_register(1, 'makes', 'CREATE TABLE session_made (id int CONSTRAINT session_made_key UNIQUE DEFERRABLE); INSERT INTO session_child VALUES (2);',
	'INSERT INTO session_child VALUES (2); DROP TABLE session_made;');
-- constraints in a schema that the caller may not use
GRANT ALL ON session_parent, session_child TO regress_session_b;
CREATE SCHEMA session_hidden;
CREATE TABLE session_hidden.t (id int UNIQUE DEFERRABLE INITIALLY IMMEDIATE);
GRANT INSERT, SELECT ON session_deferred TO regress_session_b;
GRANT INSERT ON session_immediate TO regress_session_b;
SELECT migrate_register(1, 'events', 'INSERT INTO session_deferred VALUES (2); INSERT INTO session_child VALUES (2);');
SELECT migrate_register(2, 'second', 'SELECT 2');
SET SESSION AUTHORIZATION regress_session_b;
BEGIN;
SELECT version FROM migrate_apply();
ROLLBACK;
RESET SESSION AUTHORIZATION;
DROP SCHEMA session_hidden CASCADE;

--
-- Cursors, temporary tables, prepared statements
--
SELECT migrate_baseline(2);
SELECT migrate_register(3, 'alter', 'ALTER TABLE session_deferred ADD COLUMN note text; CREATE TEMP TABLE session_temp (id int); CREATE TEMP TABLE session_temp_drop ON COMMIT DROP AS SELECT 1;',
	'ALTER TABLE session_deferred DROP COLUMN note; DROP TABLE pg_temp.session_temp;');
-- the caller's cursor survives, and goes on where it was
BEGIN;
DECLARE session_cursor CURSOR FOR SELECT * FROM generate_series(1, 3);
FETCH 1 FROM session_cursor;
SELECT version FROM migrate_apply();
FETCH 1 FROM session_cursor;
-- a temporary table belongs to the session, as it would in psql
SELECT count(*) FROM session_temp;
SELECT count(*) FROM session_temp_drop;
COMMIT;
SELECT count(*) FROM session_temp;
SELECT to_regclass('pg_temp.session_temp_drop') IS NULL AS dropped;
-- a cursor over a table that the script alters: 55006, and nothing is done
BEGIN;
DECLARE session_cursor CURSOR FOR SELECT id FROM session_deferred;
SELECT version FROM migrate_rollback(2);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT version FROM migrate_rollback(2);
-- a cursor of the script lives in it; one WITH HOLD would outlast it
SELECT migrate_register(3, 'cursor', $$
DECLARE session_inner CURSOR FOR SELECT 1;
FETCH session_inner;
CLOSE session_inner;
$$, 'SELECT 1');
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback(2);
SELECT migrate_register(3, 'cursor', 'DECLARE session_hold CURSOR WITH HOLD FOR SELECT 1;');
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE

--
-- What pg_stat_activity shows: the migration and the statement, then the
-- caller's query again
--
CREATE FUNCTION session_activity() RETURNS text LANGUAGE sql AS $$
SELECT pg_stat_clear_snapshot();
SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid() $$;
SELECT migrate_register(3, 'activity', E'SELECT 1;\nINSERT INTO session_log (what) SELECT session_activity();\n\n\nINSERT INTO session_log (what) SELECT session_activity();',
	'INSERT INTO session_log (what) SELECT session_activity();');
SELECT migrate_register(4, 'activity2', E'INSERT INTO session_log (what) SELECT session_activity();',
	'INSERT INTO session_log (what) SELECT session_activity();');
BEGIN;
SELECT version FROM migrate_apply();
SELECT what FROM session_take();
DO $$ BEGIN PERFORM migrate_rollback(2); RAISE WARNING '%', left(session_activity(), 39); END $$;
SELECT what FROM session_take();
COMMIT;
-- also after an error that was caught
SELECT migrate_register(3, 'activity', 'SELECT 1/0');
DO $$ BEGIN PERFORM migrate_apply(); EXCEPTION WHEN division_by_zero THEN RAISE WARNING '%', left(session_activity(), 36); END $$;
-- switched off
SELECT migrate_register(3, 'activity', 'SELECT 1', 'SELECT 1');
SET track_activities = off;
SELECT version FROM migrate_apply(3);
RESET track_activities;

SELECT * FROM migrate.ledger_break;
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
DROP FUNCTION session_log, session_state, session_take, session_modes, session_activity;
DROP TABLE session_log, session_deferred, session_immediate, session_child, session_parent;
DROP SCHEMA session_s, session_t CASCADE;
REVOKE ALL ON SCHEMA public FROM regress_session_b;
DROP ROLE regress_session_a, regress_session_b;
CREATE EXTENSION migrate_ext;

-- a constraint that a later script makes has the mode of its definition
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE TABLE session_par (id int PRIMARY KEY);
INSERT INTO session_par VALUES (1);
CREATE TABLE session_ch (id int REFERENCES session_par);
SELECT migrate_register(10, 'events', 'INSERT INTO session_ch VALUES (1)');
SELECT migrate_register(11, 'made', 'CREATE TABLE session_made (id int UNIQUE DEFERRABLE INITIALLY IMMEDIATE);
INSERT INTO session_made VALUES (1);
DO $$ BEGIN INSERT INTO session_made VALUES (1); EXCEPTION WHEN unique_violation THEN RAISE WARNING ''caught''; END $$;');
SELECT version FROM migrate_apply();
DROP TABLE session_ch, session_par, session_made;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
RESET client_min_messages;
