--
-- Subscriptions: in snapshots, differences, drift and down scripts, but for their connection strings
--
SET client_min_messages = error;		-- that nothing is connected
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE ROLE regress_subscription SUPERUSER;
CREATE ROLE regress_subscription_reader;
SELECT migrate_grant('regress_subscription_reader', 'reader');
SELECT migrate_register(1, 'base', 'SELECT 1', 'SELECT 1');
SELECT migrate_register(2, 'subscribe', $$CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere password=''very secret''' PUBLICATION a, b
	WITH (connect = false, slot_name = NONE, streaming = off)$$, 'DROP SUBSCRIPTION sub');
SELECT version FROM migrate_apply();
SELECT o.kind, o.name, o.definition FROM migrate.snapshot_objects((SELECT max(snapshot) FROM migrate.snapshot)) o WHERE o.kind = 'subscription';
SELECT * FROM migrate_verify();
\pset format unaligned
\pset tuples_only on
SELECT regexp_replace(migrate_generate_rollback(2), '^[^\n]*\n', '');
SELECT regexp_replace(migrate_schema(), '.*(-- not kept[^;]*;).*', '\1') WHERE migrate_schema() !~ 'secret';
\pset tuples_only off
\pset format aligned

-- what is done by hand is drift: each property, the connection as a digest
ALTER SUBSCRIPTION sub CONNECTION 'host=nowhere password=''another secret''';
ALTER SUBSCRIPTION sub SET (binary = true, synchronous_commit = 'local');
ALTER SUBSCRIPTION sub SET PUBLICATION b, "C" WITH (refresh = false);
ALTER SUBSCRIPTION sub OWNER TO regress_subscription;
COMMENT ON SUBSCRIPTION sub IS 'by hand';
SELECT kind, object, change, before, after FROM migrate_diff() WHERE object !~ 'connection';
SELECT object, change, before ~ '^[0-9a-f]{6}$' AND after ~ '^[0-9a-f]{6}$' AND before <> after AS digests FROM migrate_diff() WHERE object ~ 'connection';
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER server FOREIGN DATA WRAPPER wrapper;
CREATE USER MAPPING FOR PUBLIC SERVER server OPTIONS (password 'very secret');
SET ROLE regress_subscription_reader;
SELECT subconninfo FROM pg_subscription;
\echo :LAST_ERROR_SQLSTATE
SELECT object, problem FROM migrate_verify() WHERE coalesce(detail, '') !~ 'secret';
RESET ROLE;
DROP FOREIGN DATA WRAPPER wrapper CASCADE;
-- what the server does by itself is not
SELECT count(*) AS before FROM migrate_diff() \gset
BEGIN;
SET LOCAL allow_system_table_mods = on;
UPDATE pg_subscription SET subenabled = NOT subenabled, subskiplsn = '1/1' WHERE subname = 'sub';
SELECT count(*) - :before AS more FROM migrate_diff();
ROLLBACK;
-- nor what other databases subscribe to
CREATE DATABASE regress_subscription_other;
\set here :DBNAME
\c regress_subscription_other
SET client_min_messages = error;
CREATE SUBSCRIPTION other CONNECTION '' PUBLICATION a WITH (connect = false, slot_name = NONE);
\c :here
SET client_min_messages = error;
SELECT count(*) - :before AS more FROM migrate_diff();
SET migrate.drift = accept;
SELECT migrate_register(3, 'options', $$ALTER SUBSCRIPTION sub SET (binary = false, disable_on_error = true, slot_name = sub);
ALTER SUBSCRIPTION sub SET PUBLICATION "D ""d" WITH (refresh = false);
ALTER SUBSCRIPTION sub OWNER TO CURRENT_USER; COMMENT ON SUBSCRIPTION sub IS NULL; ALTER SUBSCRIPTION sub RENAME TO "Sub ""s"$$);
SELECT version FROM migrate_apply();
SELECT kind, name FROM migrate.live_subscription;
SELECT kind, object, change FROM migrate_diff();
-- back: by what is generated; the string is the one that it was
\pset format unaligned
\pset tuples_only on
SELECT regexp_replace(migrate_generate_rollback(3), '^[^\n]*\n', '');
\pset tuples_only off
\pset format aligned
SELECT migrate_register(3, 'options', up.body, migrate_generate_rollback(3))
FROM (SELECT body FROM migrate.script WHERE version = 3 AND direction = 'up') up;
SELECT version FROM migrate_rollback();
SELECT count(*) FROM migrate_diff();
-- names of owners are followed
ALTER ROLE regress_subscription RENAME TO regress_subscription_renamed;
SELECT object, change, before, after FROM migrate_diff();
SELECT migrate_snapshot() AS taken \gset
SELECT count(*) FROM migrate_diff();
ALTER ROLE regress_subscription_renamed RENAME TO regress_subscription;
-- a generated rollback drops one that has a slot, too; another connection cannot be brought back
SELECT migrate_register(3, 'slot', $$CREATE SUBSCRIPTION "With" CONNECTION '' PUBLICATION a WITH (connect = false, streaming = off)$$);
SELECT version FROM migrate_apply();
SELECT migrate_register(3, 'slot', up.body, migrate_generate_rollback(3))
FROM (SELECT body FROM migrate.script WHERE version = 3 AND direction = 'up') up;
\pset format unaligned
\pset tuples_only on
SELECT regexp_replace(migrate_generate_rollback(3), '^[^\n]*\n', '');
\pset tuples_only off
\pset format aligned
SELECT version FROM migrate_rollback();
SELECT migrate_register(3, 'reconnect', $$ALTER SUBSCRIPTION sub CONNECTION 'dbname=other'$$);
SELECT version FROM migrate_apply();
SELECT regexp_replace(migrate_generate_rollback(3), '^[^\n]*\n', '');
SELECT migrate_register(3, 'reconnect', $$ALTER SUBSCRIPTION sub CONNECTION 'dbname=other'$$, 'SELECT 1');
\set VERBOSITY terse
SELECT version FROM migrate_rollback();
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE

ALTER SUBSCRIPTION sub DISABLE;
ALTER SUBSCRIPTION sub SET (slot_name = NONE);
DROP SUBSCRIPTION sub;
\c regress_subscription_other
SET client_min_messages = error;
DROP SUBSCRIPTION other;
\c :here
SET client_min_messages = error;
DROP DATABASE regress_subscription_other;
DROP OWNED BY regress_subscription_reader;
DROP ROLE regress_subscription, regress_subscription_reader;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
