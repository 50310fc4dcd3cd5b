-- migrate_status(), migrate_history(), migrate_version(), migrate_version_of()
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;

-- nothing is registered
SELECT * FROM migrate_status();
SELECT * FROM migrate_history();
SELECT migrate_version();
SELECT * FROM migrate_status() \gdesc
SELECT * FROM migrate_history() \gdesc

-- every state
SELECT migrate_register(1, 'one', 'CREATE TABLE status_one (id int)', 'DROP TABLE status_one');
SELECT migrate_baseline(1, 'was there before');
SELECT migrate_register(2, 'two', '-- Release: 2.0.0
SELECT 2', 'SELECT 2');
SELECT migrate_register(4, 'four', 'SELECT 4', 'SELECT 4');
SELECT migrate_register(5, 'five', 'SELECT 5', 'SELECT 5');
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback(4);
SELECT migrate_register(3, 'three', 'SELECT 3');
SELECT migrate_register(6, 'six', 'SELECT 6');
SELECT version, name, state, applied_at BETWEEN now() - interval '1 hour' AND clock_timestamp() AS applied_at,
	applied_by = current_user AS by_me, duration < interval '1 minute' AS duration, environment, checksum, rollback
FROM migrate_status();
SELECT migrate_version();

-- a baseline marks everything below it, once, and cannot go down without scripts
SELECT migrate_register(7, 'seven', 'SELECT 7', 'SELECT 7');
SELECT migrate_baseline(7);
SELECT version FROM migrate_rollback(0);
\echo :LAST_ERROR_SQLSTATE
SELECT version, state FROM migrate_status();
SELECT entry, version, event, statements, reason FROM migrate_history();

-- the checksum says how the registered script differs from the applied one
SELECT migrate_register(8, 'eight', 'SELECT 8', 'SELECT 8');
SELECT version FROM migrate_apply();
SELECT version, state, checksum FROM migrate_status() WHERE version = 8;
SELECT migrate_register(8, 'eight', 'SELECT  8 -- eight');
SELECT version, state, checksum FROM migrate_status() WHERE version = 8;
SELECT migrate_register(8, 'eight', 'SELECT 88');
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_repair(8, 'eight is eighty-eight');
SELECT version, state, checksum FROM migrate_status() WHERE version = 8;
SELECT migrate_register(8, 'eight', 'SELECT 88');
SELECT version, state, checksum FROM migrate_status() WHERE version = 8;
-- none was recorded
SELECT migrate_baseline(9, 'nobody knows its script');
SELECT version, name, state, checksum, rollback FROM migrate_status() WHERE version = 9;

-- history: all, of one version, of an unknown one
SELECT entry, version, name, event, statements, rows, role = current_user AS role, session_role = session_user AS session,
	client, application, environment, reason
FROM migrate_history();
SELECT entry, event, reason FROM migrate_history(8);
SELECT entry, event FROM migrate_history(version => 9);
SELECT count(*) FROM migrate_history(99);
SELECT count(*) = (SELECT max(entry) FROM migrate.ledger) AS gapless FROM migrate_history(NULL);

-- the environment and the application are recorded with each entry
SET migrate.environment = 'staging';
SET application_name = 'status test';
SELECT migrate_register(10, 'ten', 'SELECT 10', 'SELECT 10');
SELECT version FROM migrate_apply();
SET application_name = '';
SELECT version FROM migrate_rollback();
RESET migrate.environment;
RESET application_name;
SELECT version, environment FROM migrate_status() WHERE version > 8;
SELECT event, environment, application FROM migrate_history(10);
-- 42501: a deployer cannot talk an environment into being another
CREATE ROLE regress_status;
SET ROLE regress_status;
SET migrate.environment = 'local';
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
DROP ROLE regress_status;
-- 22023: no name of an environment
SET migrate.environment = 'a b';
\echo :LAST_ERROR_SQLSTATE
SET migrate.environment = '';
\echo :LAST_ERROR_SQLSTATE
-- 42602: a misspelt setting is an error
SET migrate.enviroment = 'local';
\echo :LAST_ERROR_SQLSTATE

-- read functions work in a read-only transaction at every isolation level
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT count(*) FROM migrate_status();
SELECT migrate_version(), migrate_version_of('2.0.0'), count(*) > 0 AS history FROM migrate_history();
COMMIT;

-- releases: a name for a version, applied or not
SELECT migrate_version_of('2.0.0');
SELECT migrate_register(11, 'eleven', '-- Release: v3.0 "big one"
SELECT 11');
SELECT migrate_version_of('v3.0 "big one"'), migrate_version_of(release => '2.0.0');
SELECT version FROM migrate_apply(migrate_version_of('v3.0 "big one"'));
-- 42704: exactly as in the header
SELECT migrate_version_of('V3.0');
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_version_of('');
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_version_of(NULL);
\echo :LAST_ERROR_SQLSTATE
-- 42710: a release names one version
SELECT migrate_register(12, 'twelve', '-- Release: 2.0.0
SELECT 12');
\echo :LAST_ERROR_SQLSTATE

-- 55000: the ledger is append-only, for its owner too
UPDATE migrate.ledger SET name = 'other';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM migrate.ledger WHERE entry = 1;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE migrate.ledger CASCADE;
\echo :LAST_ERROR_SQLSTATE
SET session_replication_role = replica;
DELETE FROM migrate.ledger WHERE entry = 1;
\echo :LAST_ERROR_SQLSTATE
RESET session_replication_role;

-- the chain tells when somebody went round that
SELECT * FROM migrate.ledger_break;
BEGIN;
ALTER TABLE migrate.ledger DISABLE TRIGGER ledger_append_only;
UPDATE migrate.ledger SET reason = 'forged' WHERE entry = 3;
SELECT * FROM migrate.ledger_break;
ROLLBACK;
BEGIN;
ALTER TABLE migrate.ledger DISABLE TRIGGER ledger_append_only;
UPDATE migrate.migration SET entry = NULL;
DELETE FROM migrate.ledger WHERE entry = 2;
SELECT * FROM migrate.ledger_break;
DELETE FROM migrate.ledger WHERE entry = 1;
SELECT * FROM migrate.ledger_break;
ROLLBACK;
SELECT * FROM migrate.ledger_break;

SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
