-- What no script of ours has done: migrate_baseline() and migrate_repair().
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
\set sqlstate '\\echo :LAST_ERROR_SQLSTATE'
CREATE SCHEMA baseline_test;
SET search_path = baseline_test, public;
CREATE VIEW status AS
SELECT version, name, state, checksum, rollback FROM migrate_status() ORDER BY version;
CREATE VIEW history AS
SELECT entry, event, version, name, statements, rows, reason FROM migrate_history() ORDER BY entry;
CREATE TABLE schema_version (version bigint, applied_at timestamptz, description text);

--
-- migrate_baseline
--

-- a version and every registered one below it, without running anything
SELECT migrate_register(1, 'one', 'CREATE TABLE one ();', 'DROP TABLE one;');
SELECT migrate_register(2, 'two', 'CREATE TABLE two ();');
SELECT migrate_register(3, 'three', 'CREATE TABLE three ();', 'DROP TABLE three;');
SELECT migrate_register(4, 'four', 'CREATE TABLE four ();', 'DROP TABLE four;');
SELECT migrate_baseline(2, 'the database of 2023');
SELECT * FROM status;
SELECT migrate_version();
SELECT * FROM history;
SELECT duration IS NULL AS no_duration FROM migrate_history();
SELECT version, description FROM schema_version;
SELECT to_regclass('one'), to_regclass('two');

-- again: nothing happens
SELECT migrate_baseline(2, 'again');
SELECT migrate_baseline(1);
SELECT count(*) FROM history;
SELECT version, description FROM schema_version;

-- a version that is not registered
SELECT migrate_baseline(version => 10, description => NULL);
SELECT * FROM status;
SELECT * FROM history;
SELECT version, description FROM schema_version;
SELECT migrate_version();
-- below the current one
SELECT migrate_baseline(7, 'forgotten');
SELECT * FROM status WHERE version >= 7;
SELECT version FROM schema_version;
SELECT migrate_version();
-- it cannot be rolled back, nor forgotten
SELECT version FROM migrate_rollback();
:sqlstate
SELECT migrate_unregister(10);
:sqlstate
SELECT * FROM migrate_plan();

-- the file registered for it later counts as the one that was applied
SELECT migrate_register_file('migrations/010_ten.sql', 'CREATE TABLE ten ();');
SELECT * FROM status WHERE version = 10;
SELECT migrate_register_file('migrations/010_ten.sql', 'CREATE TABLE ten (a int);');
:sqlstate
SELECT migrate_register_file('rollbacks/010_rollback_ten.sql', 'DROP TABLE ten;');
SELECT * FROM status WHERE version = 10;

-- what is baselined is rolled back like any other, by its down script
CREATE TABLE ten ();
SELECT version, name, statements FROM migrate_rollback();
SELECT to_regclass('ten');
SELECT * FROM status WHERE version >= 7;
SELECT version, description FROM schema_version;
SELECT version, name, statements FROM migrate_apply();
SELECT to_regclass('ten');
SELECT * FROM status WHERE version >= 7;

-- a down script alone brings one back that was never registered, but not forth
SELECT migrate_baseline(11);
SELECT migrate_register_file('rollbacks/011_rollback_eleven.sql', 'SELECT 11;');
SELECT version, name, statements FROM migrate_rollback();
SELECT version, note FROM migrate_plan();
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_unregister(11);

-- the way for a script that cannot run in a transaction
SELECT migrate_register(12, 'vacuum', 'VACUUM;');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_baseline(12, 'run with psql');
SELECT version, state, checksum FROM status WHERE version = 12;
SELECT * FROM history WHERE version >= 10;
SELECT * FROM migrate.ledger_break;

-- bad input
SELECT migrate_baseline(NULL);
:sqlstate
SELECT migrate_baseline(0);
:sqlstate
SELECT migrate_baseline(-5, 'x');
:sqlstate
SELECT migrate_baseline('99999999999999999999');
:sqlstate
SELECT migrate_baseline(9223372036854775807, '');
SELECT version, event, reason FROM migrate_history(9223372036854775807);

--
-- migrate_repair
--
SELECT migrate_repair(1, 'typo in a default');
SELECT migrate_repair(version => 1, reason => E'two\nlines');
SELECT * FROM status WHERE version = 1;
SELECT event, version, name, reason FROM history WHERE event = 'repaired';
SELECT migrate_register(1, 'one', 'CREATE TABLE one (a int);');
SELECT * FROM status WHERE version = 1;

-- bad input
SELECT migrate_repair(1, NULL);
:sqlstate
SELECT migrate_repair(1, '');
:sqlstate
SELECT migrate_repair(1, E' \t\r\n');
:sqlstate
SELECT migrate_repair(NULL, 'x');
:sqlstate
SELECT migrate_repair(0, 'x');
:sqlstate
SELECT migrate_repair(100, 'x');
:sqlstate
SELECT migrate_register(9223372036854775806, 'pending', 'SELECT 1;');
SELECT migrate_repair(9223372036854775806, 'x');
:sqlstate
SELECT migrate_unregister(9223372036854775806);
SELECT count(*) FROM history WHERE event = 'repaired';

--
-- Where nothing can be changed
--
BEGIN READ ONLY;
SELECT migrate_baseline(20);
:sqlstate
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_repair(1, 'x');
:sqlstate
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT migrate_baseline(20);
:sqlstate
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT migrate_repair(1, 'x');
:sqlstate
ROLLBACK;
-- a script that is running
SET migrate.out_of_order = on;
SELECT migrate_register(20, 'nested', E'SELECT 1;\nSELECT migrate_baseline(21);');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(20, 'nested', E'SELECT 1;\nSELECT migrate_repair(1, ''x'');');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_unregister(20);
RESET migrate.out_of_order;
-- a transaction that is taken back takes them back
BEGIN;
SELECT migrate_baseline(20);
SELECT migrate_repair(20, 'x');
ROLLBACK;
SELECT count(*) FROM history WHERE version = 20;
-- a role that was granted nothing
CREATE ROLE regress_baseline_nobody;
GRANT USAGE ON SCHEMA baseline_test TO regress_baseline_nobody;
SET ROLE regress_baseline_nobody;
SELECT migrate_baseline(20);
:sqlstate
SELECT migrate_repair(1, 'x');
:sqlstate
RESET ROLE;

-- a deployer whose schema_version is not his
SELECT migrate_grant('regress_baseline_nobody', 'deployer');
SET ROLE regress_baseline_nobody;
SELECT migrate_baseline(20);
:sqlstate
RESET ROLE;
GRANT SELECT, UPDATE ON schema_version TO regress_baseline_nobody;
SET ROLE regress_baseline_nobody;
SELECT migrate_baseline(20);
RESET ROLE;
SELECT * FROM migrate.ledger_break;

RESET search_path;
DROP SCHEMA baseline_test CASCADE;
DROP EXTENSION migrate_ext CASCADE;
DROP ROLE regress_baseline_nobody;
CREATE EXTENSION migrate_ext;
