-- The settings migrate.*
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE ROLE regress_settings;
SELECT migrate_grant('regress_settings', 'deployer');

-- all of them, and who may change what
SELECT name, setting, unit, context, vartype, min_val, max_val FROM pg_settings WHERE name LIKE 'migrate.%' ORDER BY name;

--
-- migrate.environment: a name; only a superuser says which it is
--
SHOW migrate.environment;
SET migrate.environment = 'Pre-Production_2.eu';
SHOW migrate.environment;
SET migrate.environment = '';
\echo :LAST_ERROR_SQLSTATE
SET migrate.environment = 'a b';
\echo :LAST_ERROR_SQLSTATE
SET migrate.environment = 'a/b';
\echo :LAST_ERROR_SQLSTATE
SET migrate.environment = E'a\nb';
\echo :LAST_ERROR_SQLSTATE
SET migrate.environment = 'ä';
\echo :LAST_ERROR_SQLSTATE
SELECT set_config('migrate.environment', repeat('e', 64), false);
\echo :LAST_ERROR_SQLSTATE
SELECT length(set_config('migrate.environment', repeat('e', 63), true));
SHOW migrate.environment;
SET ROLE regress_settings;
SET migrate.environment = 'local';
\echo :LAST_ERROR_SQLSTATE
SET LOCAL migrate.environment = 'local';
\echo :LAST_ERROR_SQLSTATE
RESET migrate.environment;
\echo :LAST_ERROR_SQLSTATE
SELECT set_config('migrate.environment', 'local', false);
\echo :LAST_ERROR_SQLSTATE
ALTER ROLE regress_settings SET migrate.environment = 'local';
\echo :LAST_ERROR_SQLSTATE
CREATE FUNCTION pg_temp.settings_talks() RETURNS text LANGUAGE sql SET migrate.environment = 'local' AS 'SELECT 1';
\echo :LAST_ERROR_SQLSTATE
-- nor does a deployer's script
SELECT migrate_register(1, 'talks', E'SELECT 1;\nSET migrate.environment = ''local'';');
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_unregister(1);
RESET ROLE;
-- each entry has the one that held when it was written
SELECT migrate_register(1, 'one', 'SELECT 1', 'SELECT 1');
SELECT version FROM migrate_apply();
SET migrate.environment = 'staging';
SELECT migrate_repair(1, 'why');
SELECT version FROM migrate_rollback();
-- a superuser's script can change it, for itself only
SELECT migrate_register(1, 'one', 'SET migrate.environment = ''elsewhere''; SELECT 1', 'SELECT 1');
SELECT version FROM migrate_apply();
SHOW migrate.environment;
RESET migrate.environment;
SELECT migrate_baseline(2);
SELECT entry, event, version, environment FROM migrate_history();
SELECT version, environment FROM migrate_status();
-- that of the database, in a new session
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET migrate.environment = ''ci''', current_database()); END $$;
\c -
SET client_min_messages = warning;
LOAD 'migrate_ext';
SHOW migrate.environment;
SELECT migrate_baseline(3);
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET migrate.environment', current_database()); END $$;
\c -
SET client_min_messages = warning;
LOAD 'migrate_ext';
SHOW migrate.environment;
SELECT migrate_baseline(4);
SELECT version, environment FROM migrate_history() WHERE version > 2;

-- 42501: what a role sets before the library is loaded does not hold, once it is
ALTER ROLE regress_settings LOGIN;
SELECT current_user AS superuser \gset
\c - regress_settings
SET client_min_messages = warning;
SET migrate.environment = 'production';
SET migrate.script_limit = '1MB';
SET migrate.foo = 1;
SET migrate.lock_timeout = '5s';
SELECT migrate_baseline(5);
SELECT environment FROM migrate_history(5);
SHOW migrate.environment;
SHOW migrate.script_limit;
SHOW migrate.lock_timeout;
SHOW migrate.foo;
\echo :LAST_ERROR_SQLSTATE
\c - :superuser
SET client_min_messages = warning;
SET migrate.environment = 'a b';
SELECT migrate_baseline(6);
SELECT environment FROM migrate_history(6);

--
-- migrate.lock_timeout: bounds the wait for locks of each script, unless the
-- session's own bound is tighter
--
CREATE TABLE settings_seen (n serial, version int, lock_timeout text);
SELECT migrate_register(11, 'eleven', $$INSERT INTO settings_seen (version, lock_timeout) VALUES (11, current_setting('lock_timeout'))$$,
	$$INSERT INTO settings_seen (version, lock_timeout) VALUES (-11, current_setting('lock_timeout'))$$);
CREATE FUNCTION settings_lock_timeout(ours text, session text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	up text;
	down text;
BEGIN
	PERFORM set_config('migrate.lock_timeout', ours, true), set_config('lock_timeout', session, true);
	PERFORM migrate_apply(11);
	PERFORM migrate_rollback(6);
	SELECT lock_timeout INTO up FROM settings_seen WHERE version = 11;
	SELECT lock_timeout INTO down FROM settings_seen WHERE version = -11;
	DELETE FROM settings_seen;
	RETURN up || ' ' || down || ', then ' || current_setting('lock_timeout');
END $$;
SHOW migrate.lock_timeout;
SELECT ours, session, settings_lock_timeout(ours, session) FROM (VALUES
	(1, '2s', '0'), (2, '2s', '1s'), (3, '2s', '1999'), (4, '2s', '2s'), (5, '2s', '3s'), (6, '0', '0'), (7, '0', '3s'),
	(8, '300ms', '0'), (9, '1min', '500')) v (n, ours, session) ORDER BY n;
-- what a script's directive or the script itself says holds for it alone
SELECT migrate_register(11, 'eleven', $$-- migrate: lock_timeout = 9s
INSERT INTO settings_seen (version, lock_timeout) VALUES (11, current_setting('lock_timeout'))$$);
SELECT migrate_register(12, 'twelve', $$INSERT INTO settings_seen (version, lock_timeout) VALUES (12, current_setting('lock_timeout'));
SET lock_timeout = '7s';
INSERT INTO settings_seen (version, lock_timeout) VALUES (12, current_setting('lock_timeout'));$$);
SELECT migrate_register(13, 'thirteen', $$INSERT INTO settings_seen (version, lock_timeout) VALUES (13, current_setting('lock_timeout'))$$);
SET lock_timeout = '1s';
SELECT version FROM migrate_apply();
SHOW lock_timeout;
RESET lock_timeout;
SELECT version, lock_timeout FROM settings_seen ORDER BY n;
\set VERBOSITY sqlstate
SET migrate.lock_timeout = -1;
\set VERBOSITY default
SET migrate.lock_timeout = 'soon';
\echo :LAST_ERROR_SQLSTATE
-- anybody may set it
SET ROLE regress_settings;
SET migrate.lock_timeout = '5s';
SHOW migrate.lock_timeout;
RESET ROLE;
RESET migrate.lock_timeout;

--
-- migrate.script_limit: of what is registered, not of what is there already
--
SHOW migrate.script_limit;
SELECT migrate_register(14, 'long', rpad('SELECT 14;', 3000), rpad('SELECT -14;', 3000));
SET migrate.script_limit = '2kB';
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback(13);
SELECT migrate_register(15, 'fits', rpad('SELECT 15;', 2048), rpad('SELECT -15;', 2048));
\set VERBOSITY terse
SELECT migrate_register(16, 'too_long', rpad('SELECT 16;', 2049));
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(16, 'too_long', 'SELECT 16;', rpad('SELECT -16;', 2049));
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register_file('016_too_long.sql', rpad('SELECT 16;', 2049));
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default
-- of bytes, not of characters
SELECT migrate_register(16, 'too_long', 'SELECT ''' || repeat('€', 1000) || '''');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM migrate.migration WHERE version = 16;
\set VERBOSITY sqlstate
SET migrate.script_limit = 0;
SET migrate.script_limit = '1GB';
\set VERBOSITY default
RESET migrate.script_limit;
SET ROLE regress_settings;
SET migrate.script_limit = '1MB';
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

--
-- migrate.out_of_order
--
SELECT version FROM migrate_apply();
SELECT migrate_register(20, 'twenty', 'SELECT 20', 'SELECT -20');
SELECT version FROM migrate_apply();
SELECT migrate_register(19, 'nineteen', 'SELECT 19', 'SELECT -19');
SELECT version, note FROM migrate_plan();
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SET ROLE regress_settings;
SET migrate.out_of_order = on;
RESET ROLE;
SELECT version FROM migrate_apply();
RESET migrate.out_of_order;
SELECT migrate_version();
SET migrate.out_of_order = sometimes;
\echo :LAST_ERROR_SQLSTATE

--
-- There are no others: a misspelt one is an error, not silently kept
--
SET migrate.foo = 1;
\echo :LAST_ERROR_SQLSTATE
SET migrate.out_of_ordr = on;
\echo :LAST_ERROR_SQLSTATE
SELECT set_config('migrate.foo', '1', false);
\echo :LAST_ERROR_SQLSTATE
SHOW migrate.foo;
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(30, 'misspelt', E'SELECT 1;\nSET migrate.lock_timout = 1;');
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SET migrated.foo = 1;

SELECT * FROM migrate.ledger_break;
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
DROP FUNCTION settings_lock_timeout;
DROP TABLE settings_seen;
DROP ROLE regress_settings;
CREATE EXTENSION migrate_ext;
