-- Backups: nobody reads through one what they could not read in the table
SET client_min_messages = warning;
SET migrate.snapshots = off;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE ROLE regress_backup_owner;
CREATE ROLE regress_backup_other;
CREATE ROLE regress_backup_deployer IN ROLE regress_backup_owner;
CREATE ROLE regress_backup_reader;
CREATE ROLE regress_backup_all IN ROLE pg_read_all_data, pg_write_all_data;
SELECT migrate_grant('regress_backup_deployer', 'deployer');
SELECT migrate_grant('regress_backup_owner', 'reader');
SELECT migrate_grant('regress_backup_reader', 'reader');
CREATE SCHEMA backup_privileges AUTHORIZATION regress_backup_owner;
CREATE SCHEMA others AUTHORIZATION regress_backup_other;
GRANT USAGE ON SCHEMA backup_privileges, others TO PUBLIC;
-- what somebody has planted must not reach kept tables, or run
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC;
CREATE TABLE public.ran_as (who text, what text);
GRANT INSERT, SELECT ON public.ran_as TO PUBLIC;
SET search_path = backup_privileges, public;

SET ROLE regress_backup_owner;
CREATE FUNCTION spy(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.ran_as VALUES (current_user, what);
	RETURN true;
END $$;
CREATE FUNCTION spy_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM backup_privileges.spy('trigger');
	RETURN coalesce(NEW, OLD);
END $$;
CREATE DOMAIN checked AS int CHECK (backup_privileges.spy('check') OR value > 0);
CREATE TYPE pair AS (a int, b checked);
CREATE FUNCTION pair_text(pair) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN backup_privileges.spy('cast') THEN 'cast' END $$;
CREATE CAST (pair AS text) WITH FUNCTION pair_text(pair);
CREATE TABLE planted (id checked PRIMARY KEY, p pair, d text DEFAULT backup_privileges.spy('default')::text);
CREATE TRIGGER spy BEFORE INSERT OR DELETE OR UPDATE ON planted FOR EACH ROW EXECUTE FUNCTION spy_trigger();
CREATE FUNCTION spy_index(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM backup_privileges.spy('index'); RETURN $1; END $$;
CREATE TABLE indexed (id checked, v text);
CREATE INDEX ON indexed (spy_index(v)) WHERE spy_index('const') IS NOT NULL;
ALTER TABLE planted ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY first ON planted USING (backup_privileges.spy('policy') AND id = 1);
RESET ROLE;
INSERT INTO planted VALUES (1, (1, 2), 'one'), (2, (3, 4), 'two');
INSERT INTO indexed VALUES (1, 'one'), (2, 'two');
CREATE TABLE superusers AS SELECT 1 AS id;
GRANT ALL ON superusers TO regress_backup_owner;
SET ROLE regress_backup_other;
CREATE TABLE others.secret (id int PRIMARY KEY, p backup_privileges.pair);
INSERT INTO others.secret VALUES (1, (5, 6));
CREATE TABLE others.closed AS SELECT 1 AS id;
RESET ROLE;
TRUNCATE public.ran_as;

--
-- All rows are kept, whatever the deployer may see; CASCADE takes columns of others
--
SET ROLE regress_backup_deployer;
SELECT count(*) AS rows_seen FROM planted;
SELECT migrate_register(1, 'one', 'SET ROLE regress_backup_owner; TRUNCATE indexed; DROP TABLE planted; DROP TYPE pair CASCADE');
SELECT rows_kept FROM migrate_apply();
RESET ROLE;
SELECT DISTINCT who, what FROM public.ran_as WHERE what <> 'policy' ORDER BY 2;
SELECT relation, "column", operation, moved, b.rows, b.owner FROM migrate_backups() JOIN migrate.backup b USING (backup, operation) ORDER BY backup;
SELECT * FROM migrate_backup.planted_2 ORDER BY id;
SELECT * FROM migrate_backup.secret_3;
SELECT c.relname, c.relowner = n.nspowner AS ours, c.relacl, c.relrowsecurity, c.relforcerowsecurity
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'migrate_backup' AND c.relkind = 'r' ORDER BY 1;
SELECT nspacl FROM pg_namespace WHERE nspname = 'migrate_backup';

--
-- Who reads them
--
SET ROLE regress_backup_owner;
SELECT * FROM migrate_backup.planted_2;
SELECT backup, relation, rows, kept_as FROM migrate_backups() ORDER BY backup;
TABLE migrate.backup LIMIT 0;
SELECT * FROM migrate_prune('0');
SET ROLE regress_backup_deployer;
SELECT * FROM migrate_backup.planted_2;
DELETE FROM migrate.backup;
SET ROLE regress_backup_other;
SELECT * FROM migrate_backup.secret_3;
SELECT * FROM migrate_backups();
SET ROLE regress_backup_reader;
SELECT count(*) FROM migrate_backups();
SELECT * FROM migrate_prune('0');
-- who may read and write all data still comes under row security
SET ROLE regress_backup_all;
SELECT count(*) FROM migrate_backup.planted_2;
UPDATE migrate_backup.secret_3 SET id = 2;
INSERT INTO migrate_backup.secret_3 VALUES (2);
TRUNCATE migrate_backup.secret_3;
DELETE FROM migrate.backup;
RESET ROLE;
-- scripts run as who applies them
SET ROLE regress_backup_deployer;
SELECT migrate_register(2, 'two', 'SELECT * FROM migrate_backup.secret_3');
SELECT rows_kept FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'two', 'DROP TABLE migrate_backup.secret_3');
SELECT rows_kept FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE

--
-- What the deployer may not do keeps nothing
--
SELECT migrate_register(2, 'two', 'DROP TABLE others.closed');
SELECT rows_kept FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'two', 'TRUNCATE others.closed');
SELECT rows_kept FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'two', 'ALTER TABLE others.closed ALTER id TYPE text');
SELECT rows_kept FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(2, 'two', $$ DO $do$ BEGIN
	BEGIN DROP TABLE others.closed; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
	BEGIN TRUNCATE others.closed; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
	BEGIN ALTER TABLE others.closed ALTER id TYPE text; EXCEPTION WHEN insufficient_privilege THEN NULL; END;
END $do$ $$);
SELECT rows_kept FROM migrate_apply();
-- but what he may empty without being able to read it is kept
SELECT migrate_register(3, 'three', 'TRUNCATE superusers');
RESET ROLE;
REVOKE SELECT ON superusers FROM regress_backup_owner;
SET ROLE regress_backup_deployer;
SELECT rows_kept FROM migrate_apply();
SELECT * FROM migrate_backup.superusers_4;
RESET ROLE;
SELECT * FROM migrate_backup.superusers_4;
SELECT count(*) FROM others.closed;
-- settings that decide what is kept are not the deployer's
SET ROLE regress_backup_deployer;
SET migrate.backups = off;
SET migrate.backup_limit = 0;
SELECT what, removed FROM migrate_prune('0');
RESET ROLE;
SELECT count(*) FROM migrate.backup;

ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON SCHEMAS FROM PUBLIC;
DROP EXTENSION migrate_ext;
DROP SCHEMA backup_privileges, others CASCADE;
DROP TABLE public.ran_as;
DROP ROLE regress_backup_owner, regress_backup_other, regress_backup_deployer, regress_backup_reader, regress_backup_all;
