-- migrate_rollback(): how far down, what it leaves, what is refused
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE FUNCTION rollback_tables() RETURNS text[] LANGUAGE sql AS
$$SELECT array_agg(tablename ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'rollback_%'$$;
RESET client_min_messages;

-- nothing is applied: no rows, and a notice that says so
SELECT * FROM migrate_rollback();
SELECT * FROM migrate_rollback(0);

-- the columns of the result are those of migrate_apply()
SELECT * FROM migrate_rollback() \gdesc

SET client_min_messages = warning;
SELECT migrate_register(v, 'm' || v, format('CREATE TABLE rollback_%s (id int); INSERT INTO rollback_%1$s VALUES (1);', v),
	format('DELETE FROM rollback_%s; DROP TABLE rollback_%1$s;', v))
FROM generate_series(10, 50, 10) v;
SELECT version FROM migrate_apply();

-- NULL, or nothing: the last one
SELECT version, name, statements, duration BETWEEN '0' AND '1 minute' AS duration_is_sane, snapshot, rows_kept
FROM migrate_rollback();
SELECT version FROM migrate_rollback(NULL);
SELECT rollback_tables(), migrate_version();

-- a version: down to it, which stays; latest first
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback(20);
SELECT rollback_tables(), migrate_version();
SELECT version FROM migrate_apply(40);
SELECT version FROM migrate_rollback(to_version => 30);

-- the version we are at: nothing to do
RESET client_min_messages;
SELECT version FROM migrate_rollback(30);
SET client_min_messages = warning;

-- 0: all
SELECT version FROM migrate_rollback(0);
SELECT rollback_tables(), migrate_version();

-- each is on the record, and can be applied again
SELECT version FROM migrate_apply();
SELECT entry, version, event, statements, rows FROM migrate_history() WHERE version IN (40, 50);
SELECT version, state FROM migrate_status();
SELECT * FROM migrate.ledger_break;

-- a rolled back one may get other scripts, or be forgotten
SELECT version FROM migrate_rollback(40);
SELECT migrate_register(50, 'other', 'CREATE TABLE rollback_50 (id text)', 'DROP TABLE rollback_50');
SELECT version, name FROM migrate_apply();
SELECT version, name FROM migrate_rollback();
SELECT migrate_unregister(50);
SELECT version, state FROM migrate_status();

-- the caller's transaction: rolled back, it never happened
BEGIN;
SELECT version FROM migrate_rollback(10);
SELECT migrate_version();
ROLLBACK;
SELECT rollback_tables(), migrate_version();

-- down and up again in one transaction
BEGIN;
SELECT version FROM migrate_rollback(20);
SELECT version FROM migrate_apply();
COMMIT;
SELECT rollback_tables(), migrate_version();
SELECT max(entry) FROM migrate_history();

-- a script of the seed format, down
SELECT migrate_register(45, 'seed', 'CREATE TABLE rollback_seed (id int)', $$
-- Description: back to 40
BEGIN;
DROP TABLE rollback_seed;
COMMIT;
$$);
SELECT version FROM migrate_apply();
SELECT version, statements FROM migrate_rollback();
SELECT migrate_unregister(45);

-- what was baselined goes down too, if it has a down script
CREATE TABLE rollback_baseline (id int);
SELECT migrate_register(60, 'baseline', 'CREATE TABLE rollback_baseline (id int)', 'DROP TABLE rollback_baseline');
SELECT migrate_baseline(60);
SELECT version FROM migrate_rollback(40);
SELECT rollback_tables(), migrate_version();
SELECT version, event, statements FROM migrate_history(60);
SELECT migrate_unregister(60);

-- all or nothing: the second of three down scripts fails, all three stay
SELECT migrate_register(20, 'm20', 'CREATE TABLE rollback_20 (id int); INSERT INTO rollback_20 VALUES (1);', E'DROP TABLE\n  rollback_nowhere;');
SELECT version FROM migrate_rollback(0);
\echo :LAST_ERROR_SQLSTATE
SELECT rollback_tables(), migrate_version();
SELECT max(entry) = (SELECT count(*) FROM migrate_history()) AS gapless FROM migrate_history();
-- down to it still works
SELECT version FROM migrate_rollback(20);
SELECT rollback_tables(), migrate_version();

-- 55000: without a down script, also in the middle, and before anything runs
SELECT migrate_register(20, 'm20', 'CREATE TABLE rollback_20 (id int); INSERT INTO rollback_20 VALUES (1);', '');
SELECT version FROM migrate_apply();
SELECT * FROM migrate_rollback(10);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_rollback(0);
\echo :LAST_ERROR_SQLSTATE
SELECT rollback_tables(), migrate_version();
SELECT version FROM migrate_rollback(20);
SELECT * FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE

-- 55000: down to one that is not applied, whether later or earlier
SELECT * FROM migrate_rollback(40);
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(5, 'five', 'SELECT 5');
SELECT * FROM migrate_rollback(5);
\echo :LAST_ERROR_SQLSTATE

-- 42704: unknown
SELECT * FROM migrate_rollback(15);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_rollback(99);
\echo :LAST_ERROR_SQLSTATE

-- 22023: a version that cannot be one
SELECT * FROM migrate_rollback(-1);
\echo :LAST_ERROR_SQLSTATE

-- 25001: a down script that cannot run in a transaction, before anything runs
SELECT migrate_register(30, 'm30', 'CREATE TABLE rollback_30 (id int); INSERT INTO rollback_30 VALUES (1);', E'\nVACUUM;');
SELECT migrate_unregister(5);
SELECT version FROM migrate_apply();
SELECT * FROM migrate_rollback(20);
\echo :LAST_ERROR_SQLSTATE
SELECT rollback_tables(), migrate_version();

SELECT * FROM migrate.ledger_break;
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
DROP TABLE rollback_10, rollback_20, rollback_30, rollback_40;
DROP FUNCTION rollback_tables;
CREATE EXTENSION migrate_ext;
