-- What a script may hold: statements, psql commands, directives; and what is
-- refused before its first statement runs.
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
\set sqlstate '\\echo :LAST_ERROR_SQLSTATE'
CREATE SCHEMA script_test;
SET search_path = script_test, public;
-- forget everything that is not applied
CREATE FUNCTION forget() RETURNS void LANGUAGE sql AS
'SELECT migrate_unregister(version) FROM migrate.migration WHERE entry IS NULL';

--
-- Statements
--

-- what separates them, and what does not
SELECT migrate_register(1, 'count', script) AS result FROM (VALUES ($script$;;
CREATE TABLE t (a int, b text); CREATE INDEX ON t (a)
;
INSERT INTO t VALUES (1, 'a;b'), (2, E'a\';b'), (3, $$;$$), (4, $x$;$$;$x$) -- ;
;
/* ; /* nested ; */ */
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	-- a comment;
	RETURN 1;
END;
$$;
CREATE FUNCTION g() RETURNS int LANGUAGE sql
BEGIN ATOMIC
	SELECT 1;
	SELECT a FROM t WHERE b = ';' ORDER BY a LIMIT 1;
END;
CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES (9, ';'); DELETE FROM t WHERE a = 9; END;
CREATE RULE r AS ON DELETE TO t DO ALSO (INSERT INTO t VALUES (5, ';'); UPDATE t SET b = 'deleted' WHERE a = 5);
CREATE VIEW "v;w" AS SELECT a AS ";" FROM t;
DELETE FROM t WHERE a = 1;
SELECT ';' FROM t$script$)) s(script);
SELECT statements FROM migrate.script WHERE version = 1;
SELECT version, name, statements FROM migrate_apply();
SELECT * FROM t ORDER BY a;
SELECT f(), g();
SELECT statements, rows FROM migrate_history(1);

-- BEGIN and COMMIT around it, or around its parts, are not needed and not counted
SELECT migrate_register(2, 'begin', 'BEGIN; INSERT INTO t VALUES (20); COMMIT;', 'START TRANSACTION; DELETE FROM t WHERE a = 20; END;');
SELECT migrate_register(3, 'parts', 'BEGIN WORK; INSERT INTO t VALUES (30); END TRANSACTION; INSERT INTO t VALUES (31); BEGIN; COMMIT WORK AND NO CHAIN; BEGIN; INSERT INTO t VALUES (32); COMMIT;');
SELECT version, direction, statements, obstacle FROM migrate.script WHERE version IN (2, 3) ORDER BY version, direction DESC;
SELECT version, name, statements FROM migrate_apply();
SELECT count(*) FROM t WHERE a IN (20, 30, 31, 32);

-- a part that is committed in the file goes with the rest when that fails
SELECT migrate_register(4, 'all_or_nothing', E'BEGIN;\nINSERT INTO t VALUES (40);\nCOMMIT;\nSELECT 1/0;');
SELECT version, name, statements FROM migrate_apply();
:sqlstate
SELECT count(*) FROM t WHERE a = 40;
SELECT version, state FROM migrate_status() WHERE version = 4;
SELECT forget();

-- comments only
SET client_min_messages = notice;
SELECT migrate_register(4, 'comments', E'-- nothing\n/* at all */\n');
SELECT migrate_register(5, 'only_begin', 'BEGIN; COMMIT;');
SET client_min_messages = warning;
SELECT version, name, statements FROM migrate_apply();

--
-- Where an error is: the line of the file, and its place among the statements
--

-- while it is read
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\nSELECT 2\n  FROM FROM t;\n');
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\nSELECT (2;\n');
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\nSELECT 2\n');
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\nSELECT FROM WHERE\n');
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\n  SELECT ''two;\n\n\n');
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\n  SELECT E''two\\''\n;\n');
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\n  SELECT "two;\n\n\n');
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\n  SELECT $x$two;\n$$;\n');
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\n  /* two;\n /* */ \n');
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\n  SELECT B''01x;\n\n');
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT 1;\n\n  SELECT "";\n\n');
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT 1;\nSELECT ' || repeat('(', 100000));
:sqlstate
-- long lines are cut around the place
SELECT migrate_register(10, 'broken', E'SELECT 1;\nSELECT ' || repeat('1, ', 100) || 'FROM FROM ' || repeat('t, ', 100));
:sqlstate
-- what is left unterminated is not repeated at length: it may hold secrets
DO $test$
BEGIN
	PERFORM migrate_register(10, 'broken', 'SELECT ''' || repeat('secret ', 1000));
EXCEPTION WHEN syntax_error THEN
	RAISE WARNING '%', CASE WHEN length(sqlerrm) < 300 THEN 'short' ELSE 'long' END;
END
$test$;
-- characters of several bytes do not shift it
SELECT migrate_register(10, 'broken', E'-- äöü €\nSELECT ''ä'', 1;\nSELECT FROM FROM t; -- ä');
:sqlstate
-- called by a function, the place is still the one in the script
DO $test$ BEGIN PERFORM migrate_register(10, 'broken', E'SELECT 1;\n\nSELECT FROM WHERE\n'); END $test$;
:sqlstate
SELECT forget();

-- while it runs: in a statement of several lines, with the right place in it
SELECT migrate_register(10, 'broken', $script$-- Description: a long file

BEGIN;

CREATE TABLE u (a int);

INSERT INTO u
	(a)
SELECT
	1 AS a
FROM nowhere;

COMMIT;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- without a place in the statement, the line where that begins
SELECT migrate_register(10, 'broken', $script$-- Description: a long file
CREATE TABLE u (a int);

/* in between */ INSERT INTO u
SELECT
	1/0;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- behind a comment, a carriage return, a byte order mark
SELECT migrate_register(10, 'broken', E'﻿-- one\r\nSELECT 1;\r\n-- three\r\n  SELECT\r\n nothing;\r\n');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(10, 'broken', E'SELECT ''äöü €'';\n SELECT ''äöü €'',\n nothing, ''äöü €'';\n');
SELECT version FROM migrate_apply();
:sqlstate
-- a parameter
SELECT migrate_register(10, 'broken', E'SELECT 1;\nSELECT $1;');
SELECT version FROM migrate_apply();
:sqlstate
-- in a DO block
SELECT migrate_register(10, 'broken', $script$SELECT 1;
DO $$
BEGIN
	PERFORM 1;
	RAISE EXCEPTION 'version is not what it should be'
		USING ERRCODE = '22023', DETAIL = 'It is 1.', HINT = 'Apply 2 first.';
END
$$;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(10, 'broken', $script$SELECT 1;
DO $$
BEGIN
	PERFORM 1;
	INSERT INTO nowhere VALUES (1);
END
$$;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- in the body of a function that is created, and of one that is called
SELECT migrate_register(10, 'broken', $script$SELECT 1;
CREATE FUNCTION h() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RETURN 1
END
$$;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(10, 'broken', $script$SELECT 1;
CREATE FUNCTION h() RETURNS int LANGUAGE sql AS $$
	SELECT 1;
	SELECT a FROM nowhere;
$$;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(10, 'broken', $script$SELECT 1;
CREATE FUNCTION h() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'called';
END
$$;

SELECT
	h();
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- behind BEGIN, which is not counted, in the body of a function: its own line
SELECT migrate_register(10, 'broken', $script$BEGIN;
SELECT 1;
CREATE FUNCTION h() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	ä text := 'äöü €';
BEGIN
	IF true THEN
		nonsense;
	END IF;
END
$$;
COMMIT;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- a body that stands there twice could be either
SELECT migrate_register(10, 'broken', $script$SELECT 1;

CREATE FUNCTION h(
	text DEFAULT ' SELECT nowhere ')
RETURNS int LANGUAGE sql AS
	' SELECT nowhere ';
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- at the end of the script: what was deferred until then
SELECT migrate_register(10, 'broken', $script$CREATE TABLE u (a int UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO u VALUES (1), (1);
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- nothing of all that stayed
SELECT to_regclass('u'), to_regproc('h');
SELECT forget();

-- a new value of an enum type cannot be used in the same transaction
CREATE TYPE mood AS ENUM ('sad');
SELECT migrate_register(10, 'enum', E'ALTER TYPE mood ADD VALUE ''happy'';\nSELECT ''happy''::mood;');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(10, 'enum', 'ALTER TYPE mood ADD VALUE ''happy'';');
SELECT migrate_register(11, 'use_enum', 'SELECT ''happy''::mood;');
SELECT version FROM migrate_apply(10);
SELECT version FROM migrate_apply(11);

--
-- What cannot run is refused before statement 1, by its line
--
CREATE TABLE obstacle (number int GENERATED ALWAYS AS IDENTITY, command text);
INSERT INTO obstacle (command) VALUES
	-- the transaction
	('BEGIN'),
	('BEGIN; BEGIN; COMMIT; COMMIT'),
	('BEGIN ISOLATION LEVEL SERIALIZABLE; COMMIT'),
	('START TRANSACTION READ ONLY; COMMIT'),
	('COMMIT'),
	('END'),
	('BEGIN; COMMIT; COMMIT'),
	('BEGIN; COMMIT AND CHAIN; COMMIT'),
	('ROLLBACK'),
	('ABORT'),
	('BEGIN; ROLLBACK'),
	('SAVEPOINT s'),
	('RELEASE s'),
	('ROLLBACK TO s'),
	('PREPARE TRANSACTION ''x'''),
	('COMMIT PREPARED ''x'''),
	('ROLLBACK PREPARED ''x'''),
	('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE'),
	('SET LOCAL TRANSACTION READ ONLY'),
	('SET TRANSACTION SNAPSHOT ''00000003-0000001B-1'''),
	('SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY'),
	-- what the server does not run inside of a transaction
	('CREATE INDEX CONCURRENTLY ON obstacle (number)'),
	('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON obstacle (number)'),
	('DROP INDEX CONCURRENTLY i'),
	('REINDEX INDEX CONCURRENTLY i'),
	('REINDEX (CONCURRENTLY) TABLE obstacle'),
	('REINDEX (CONCURRENTLY ON, VERBOSE) TABLE obstacle'),
	('REINDEX SCHEMA script_test'),
	('REINDEX DATABASE regress'),
	('REINDEX SYSTEM regress'),
	('ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY'),
	('VACUUM'),
	('VACUUM (ANALYZE) obstacle'),
	('CLUSTER'),
	('CLUSTER VERBOSE'),
	('ALTER SYSTEM SET work_mem = ''1MB'''),
	('ALTER SYSTEM RESET ALL'),
	('CREATE DATABASE d'),
	('DROP DATABASE d'),
	('ALTER DATABASE d SET TABLESPACE pg_default'),
	('CREATE TABLESPACE s LOCATION ''/nowhere'''),
	('DROP TABLESPACE s'),
	('CREATE SUBSCRIPTION s CONNECTION '''' PUBLICATION p'),
	('CREATE SUBSCRIPTION s CONNECTION '''' PUBLICATION p WITH (create_slot)'),
	('ALTER SUBSCRIPTION s REFRESH PUBLICATION'),
	('ALTER SUBSCRIPTION s SET PUBLICATION p'),
	('ALTER SUBSCRIPTION s ADD PUBLICATION p WITH (refresh = true)'),
	('ALTER SUBSCRIPTION s ADD PUBLICATION p'),
	('ALTER SUBSCRIPTION s DROP PUBLICATION p'),
	('ALTER SUBSCRIPTION s DROP PUBLICATION p WITH (copy_data = false, refresh)'),
	('DISCARD ALL'),
	-- what would outlast it in the session
	('PREPARE p AS SELECT 1'),
	('DEALLOCATE p'),
	('DEALLOCATE ALL'),
	('DISCARD TEMP'),
	('DISCARD PLANS'),
	('DISCARD SEQUENCES'),
	('DECLARE c CURSOR WITH HOLD FOR SELECT 1'),
	('CLOSE ALL'),
	('LISTEN c'),
	('UNLISTEN c'),
	('LOAD ''migrate_ext'''),
	-- the engine itself
	('DROP EXTENSION migrate_ext'),
	('DROP EXTENSION IF EXISTS plpgsql, migrate_ext CASCADE'),
	-- the client
	('COPY obstacle TO STDOUT'),
	('COPY (SELECT 1) TO STDOUT'),
	('COPY obstacle (command) FROM STDIN WHERE number > 1'),
	-- a wish
	(E'-- migrate: no-transaction\nSELECT 1');

-- each is registered, shown in the plan, and refused, up as well as down
CREATE FUNCTION try_obstacle(command text, number bigint, OUT code text, OUT message text) AS $$
DECLARE
	detail text;
	hint text;
	script text := E'CREATE TABLE u ();\n\n' || command || ';';
	copies boolean := command ILIKE '%FROM STDIN%';
BEGIN
	IF copies THEN script := script || E'\n\\.\n'; END IF;
	PERFORM migrate_register(number, 'obstacle', script, script);
	message := (SELECT concat_ws(' / ', note, CASE WHEN transactional THEN 'transactional' END)
				FROM migrate_plan(number) WHERE version = number);
	PERFORM migrate_apply(number);
	code := 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	code := sqlstate;
	message := concat_ws(E'\n', message, sqlerrm, nullif(detail, ''), nullif(hint, ''));
END
$$ LANGUAGE plpgsql;
\pset format unaligned
SELECT o.command, t.code, t.message FROM obstacle o, try_obstacle(o.command, 20) t ORDER BY o.number;
\pset format aligned
SELECT to_regclass('u');

-- what only looks like one
CREATE TABLE p (a int) PARTITION BY LIST (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE INDEX i ON p1 (a);
SELECT migrate_register(20, 'no_obstacle', $script$
ANALYZE obstacle;
REINDEX TABLE p1;
REINDEX INDEX i;
REINDEX (CONCURRENTLY OFF) INDEX i;
CLUSTER p1 USING i;
ALTER TABLE p DETACH PARTITION p1;
CHECKPOINT;
SET CONSTRAINTS ALL IMMEDIATE;
SET SESSION work_mem = '2MB';
SET LOCAL maintenance_work_mem = '2MB';
NOTIFY somebody;
DECLARE c CURSOR FOR SELECT 1;
CLOSE c;
CREATE TABLE "COMMIT" ("vacuum" text DEFAULT 'COMMIT; VACUUM;');
$script$);
SELECT statements, obstacle FROM migrate.script WHERE version = 20;
SELECT version, name, statements FROM migrate_apply(20);
SHOW work_mem;
-- subscriptions without a refresh: only the server says that there is none
\pset format unaligned
SELECT c.command, t.code, t.message FROM (VALUES
	(1, 'ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)'),
	(2, 'ALTER SUBSCRIPTION s ADD PUBLICATION p WITH (refresh = false)'),
	(3, 'ALTER SUBSCRIPTION s DROP PUBLICATION p WITH (refresh = false)'),
	(4, 'ALTER SUBSCRIPTION s ADD PUBLICATION p WITH (copy_data = false, refresh = off)'),
	(5, 'ALTER SUBSCRIPTION s DISABLE')) c(number, command), try_obstacle(c.command, 24) t ORDER BY c.number;
\pset format aligned

-- a plan with one such script among others runs none of them
SELECT migrate_register(21, 'first', 'CREATE TABLE u ();', 'DROP TABLE u;');
SELECT migrate_register(22, 'second', E'CREATE TABLE w ();\nVACUUM;', E'\nROLLBACK;');
SELECT migrate_register(23, 'third', 'COMMIT;');
SELECT step, version, transactional, note FROM migrate_plan();
SELECT version FROM migrate_apply();
:sqlstate
SELECT to_regclass('u');
SELECT version FROM migrate_apply(21);
-- on the way down too
SELECT migrate_baseline(22, 'applied with psql');
SELECT version FROM migrate_rollback(20);
:sqlstate
SELECT to_regclass('u');
SELECT migrate_register(22, 'second', E'CREATE TABLE w ();\nVACUUM;', 'SELECT 1;');
SELECT version FROM migrate_rollback(20);
SELECT forget();

-- what can be seen only while it runs
CREATE PROCEDURE committing() LANGUAGE plpgsql AS 'BEGIN COMMIT; END';
SELECT migrate_register(21, 'commits', E'CREATE TABLE u ();\nDO $$ BEGIN COMMIT; END $$;');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(21, 'commits', E'CREATE TABLE u ();\nCALL committing();');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(21, 'drops', E'CREATE TABLE u ();\nDO $$ BEGIN DROP EXTENSION migrate_ext CASCADE; END $$;');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(21, 'drops', E'CREATE TABLE u ();\nDO $$ BEGIN DROP EXTENSION migrate_ext CASCADE; CREATE EXTENSION migrate_ext; END $$;');
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply();
\set VERBOSITY default
SELECT migrate_register(21, 'nested', E'CREATE TABLE u ();\nSELECT * FROM migrate_apply();');
SELECT version FROM migrate_apply();
:sqlstate
SELECT to_regclass('u');
SELECT forget();

--
-- psql
--

-- commands are refused, but for those that pg_dump writes
SELECT migrate_register(30, 'psql', E'SELECT 1;\n\\set x 1\n');
:sqlstate
SELECT migrate_register(30, 'psql', E'\\i other.sql');
:sqlstate
SELECT migrate_register(30, 'psql', E'SELECT 1\n\\gset\n');
:sqlstate
SELECT migrate_register(30, 'psql', E'\\connect somewhere\n');
:sqlstate
SELECT migrate_register(30, 'psql', E'\\connect\n');
:sqlstate
SELECT migrate_register(30, 'psql', format(E'\\connect %I somebody\n', current_database()));
:sqlstate
SELECT migrate_register(30, 'psql', E'\\restrict key \\! echo\n');
:sqlstate
SELECT migrate_register(30, 'psql', E'SELECT 1;\n\\.\n');
:sqlstate
-- a long one is cut between two characters
SELECT migrate_register(30, 'psql', E'\\' || repeat('ä', 30));
:sqlstate
SELECT migrate_register(30, 'psql', E'SELECT 1;\n  \\' || repeat('€', 100000) || E'\n');
:sqlstate
-- a backslash elsewhere is none
SELECT migrate_register(30, 'psql', format(E'\\restrict key\n\n\\connect %I\r\nSELECT ''\\i'', E''\\\\'', $$\n\\q\n$$; -- \\q\n/*\n\\q */\n\\unrestrict key\n', current_database()));
SELECT migrate_register(31, 'psql_line', E'\\restrict key\n\nSELECT 1;\n\\unrestrict key\nSELECT nothing;');
SELECT version, name, statements FROM migrate_apply(30);
SELECT version, name, statements FROM migrate_apply(31);
:sqlstate
SELECT forget();

-- variables are not replaced
SELECT migrate_register(32, 'variables', E'SELECT 1;\nSELECT :name;');
:sqlstate
SELECT migrate_register(32, 'variables', E'SELECT 1;\nSELECT :''name'';');
:sqlstate
SELECT migrate_register(32, 'variables', E'CREATE TABLE :"name" ();');
:sqlstate
SELECT migrate_register(32, 'no_variables', E'SELECT (ARRAY[1,2])[1:2], ''1''::int, '':name'';');
SELECT forget();

--
-- Directives
--
CREATE ROLE regress_script_owner;
GRANT USAGE, CREATE ON SCHEMA script_test TO regress_script_owner;
CREATE SCHEMA script_other;
SELECT migrate_register(40, 'directives', $script$
-- migrate: role = regress_script_owner
--MIGRATE:Search_Path=script_test,   pg_temp
--	migrate:   lock_timeout =   1234ms
CREATE TABLE settings AS SELECT current_user::text AS role,
	current_setting('search_path') AS path, current_setting('lock_timeout') AS lock_timeout;
$script$, $script$
-- migrate: role = regress_script_owner
DROP TABLE settings;
$script$);
SELECT migrate_register(41, 'default_settings', $script$
CREATE TABLE default_settings AS SELECT current_user = session_user AS role,
	current_setting('search_path') AS path, current_setting('lock_timeout') AS lock_timeout;
$script$);
SELECT version, statements FROM migrate_apply();
SELECT * FROM settings;
SELECT * FROM default_settings;
SELECT tableowner FROM pg_tables WHERE tablename = 'settings';
SELECT current_user = session_user AS role, current_setting('search_path') AS path, current_setting('lock_timeout') AS lock_timeout;
SELECT version, statements FROM migrate_rollback(40);
:sqlstate
SELECT migrate_register(41, 'default_settings', $script$
CREATE TABLE default_settings AS SELECT current_user = session_user AS role,
	current_setting('search_path') AS path, current_setting('lock_timeout') AS lock_timeout;
$script$, 'DROP TABLE default_settings;');
SELECT version, statements FROM migrate_rollback(30);

-- names that need quotes, in the case they have
CREATE ROLE "regress_script We ird";
CREATE ROLE "regress_script we ird";
SELECT migrate_register(39, 'quoted', E'-- migrate: role = "regress_script We ird"\nSELECT 1/(current_user = ''regress_script We ird'')::int;', E'-- migrate: role =  REGRESS_script_owner  \nSELECT 1/(current_user = ''regress_script_owner'')::int;');
SELECT version FROM migrate_apply(39);
SELECT version FROM migrate_rollback();
SELECT migrate_unregister(39);
DROP ROLE "regress_script We ird", "regress_script we ird";

-- in a comment of another kind, in a string or behind a statement's text it is none
SELECT migrate_register(42, 'no_directives', E'/* migrate: nonsense */ SELECT ''\n-- migrate: nonsense\n'';\n-- to migrate: nonsense\n--');
-- and it counts wherever it stands, in the middle of a statement too
SELECT migrate_register(42, 'anywhere', E'SELECT 1,\n-- migrate: no-transaction\n2;');
SELECT obstacle FROM migrate.script WHERE version = 42;

-- unknown or malformed: by its line
SELECT migrate_register(42, 'd', E'SELECT 1;\n\n-- migrate: no-transactions\n');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate:\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: no transaction\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'\r\n-- migrate: no-transaction = on\r\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: no-backup cache\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: no-backup = cache: can be built again\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: ignore\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: ignore ban-drop-column\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: ignore ban-drop-column:\nSELECT 1;');
:sqlstate
-- what lint is told not to say is no change of the script
SELECT migrate_register(42, 'd', E'SELECT 1;');
SELECT token_checksum FROM migrate.script WHERE version = 42 AND direction = 'up' \gset
SELECT migrate_register(42, 'd', E'-- migrate: ignore ban-drop-column, ban-drop-table: nothing reads them\nSELECT 1;');
SELECT token_checksum = :'token_checksum' AS same FROM migrate.script WHERE version = 42 AND direction = 'up';
SELECT migrate_unregister(42);
SELECT migrate_register(42, 'd', E'-- migrate: role\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: role =  \nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: role = a\n-- migrate: role = a\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: role = We ird\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: role = a, b\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: role = "We ird\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', 'SELECT 1;', E'SELECT 1;\n-- migrate: requires = 7\nSELECT 2;');
:sqlstate
-- the markers of files that hold both directions
SELECT migrate_register(42, 'd', E'-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;');
:sqlstate
SELECT migrate_register(42, 'd', E'SELECT 1;\n\n--+MIGRATE down\nSELECT 2;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;');
:sqlstate
SELECT migrate_register(42, 'd', 'SELECT 1;', E'SELECT 1;\n-- +goose Down\nSELECT 2;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: search_path =\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: search_path = a\nSELECT 1;\n-- migrate: search_path = b\n');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: lock_timeout\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: lock_timeout = soon\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: lock_timeout = 5 parsecs\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: lock_timeout = -1\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: lock_timeout = 1s\n-- migrate: lock_timeout = 1s\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: requires\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: requires = seven\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: requires = 7,\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: requires = 7 9\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: requires = 0\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: requires = 9223372036854775808\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: requires = 7, 7\nSELECT 1;');
:sqlstate
SELECT migrate_register(42, 'd', 'SELECT 1;', E'SELECT 1;\n-- migrate: nonsense = 1\n');
:sqlstate
-- what only running can tell
SELECT migrate_register(42, 'd', E'-- migrate: role = regress_script_nobody\nSELECT 1;');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(42, 'd', E'-- migrate: search_path = a b\nSELECT 1;');
SELECT version FROM migrate_apply();
:sqlstate
SELECT forget();

--
-- Size
--
SET migrate.script_limit = '1kB';
SELECT migrate_register(50, 'limit', rpad('SELECT 1;', 1024));
SELECT migrate_register(50, 'limit', rpad('SELECT 1;', 3 * 1024));
:sqlstate
SELECT migrate_register(50, 'limit', 'SELECT 1;', rpad('SELECT 1;', 3 * 1024));
:sqlstate
\set VERBOSITY terse
SELECT migrate_register(50, 'limit', rpad('SELECT 1;', 1025));
:sqlstate
\set VERBOSITY default
RESET migrate.script_limit;
SELECT forget();
SELECT * FROM migrate.ledger_break;

RESET search_path;
DROP SCHEMA script_test, script_other CASCADE;
DROP ROLE regress_script_owner;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
