-- The histories of other tools, with their tables as those tools create them.
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
\set sqlstate '\\echo :LAST_ERROR_SQLSTATE'
\set again 'DROP EXTENSION migrate_ext CASCADE; CREATE EXTENSION migrate_ext SCHEMA public;'
\set status 'SELECT version, version_text, name, entry IS NOT NULL AS applied FROM migrate.migration ORDER BY version;'
\set history 'SELECT entry, event, version, name, reason FROM migrate_history() ORDER BY entry;'
CREATE SCHEMA adopt_test;
SET search_path = adopt_test, public;

-- without their tables
SELECT migrate_adopt('supabase');
:sqlstate
SELECT migrate_adopt('golang-migrate');
:sqlstate
SELECT migrate_adopt('rails');
:sqlstate
SELECT migrate_adopt('dbmate');
:sqlstate
SELECT migrate_adopt('flyway');
:sqlstate
SELECT migrate_adopt('sqitch');
:sqlstate

--
-- golang-migrate: one row, the current version
--
CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null);
-- nothing applied
SELECT migrate_adopt('golang-migrate');
-- what is registered below it is applied too
INSERT INTO schema_migrations VALUES (3, false);
SELECT migrate_register_file('000001_one.up.sql', 'SELECT 1;');
SELECT migrate_register_file('000002_two.up.sql', 'SELECT 2;');
SELECT migrate_register_file('000004_four.up.sql', 'SELECT 4;');
SELECT migrate_adopt('golang-migrate');
:status
:history
SELECT version, name, state, checksum FROM migrate_status();
SELECT migrate_version();
-- again: nothing happens
SELECT migrate_adopt(source => 'GoLang-Migrate');
SELECT count(*) FROM migrate_history();
-- the files are registered afterwards
SELECT migrate_register_file('000003_three.up.sql', 'SELECT 3;');
SELECT migrate_register_file('000003_three.down.sql', 'SELECT -3;');
SELECT version, name, state, checksum, rollback FROM migrate_status();
SELECT version, name, statements FROM migrate_apply();
SELECT version, name, statements FROM migrate_rollback(3);
:sqlstate
-- half-way
UPDATE schema_migrations SET version = 5, dirty = true;
SELECT migrate_adopt('golang-migrate');
:sqlstate
SELECT migrate_version();
-- half-way, and a flag that is not known: nothing is marked
SELECT count(*) FROM migrate_history();
ALTER TABLE schema_migrations ALTER dirty DROP NOT NULL;
UPDATE schema_migrations SET dirty = NULL;
SELECT migrate_adopt('golang-migrate');
:sqlstate
UPDATE schema_migrations SET dirty = false;
SELECT migrate_adopt('golang-migrate');
SELECT version, state FROM migrate_status();
UPDATE schema_migrations SET dirty = true;
-- the table is not touched
SELECT * FROM schema_migrations;
DROP TABLE schema_migrations;
:again

--
-- Rails and dbmate: one row for each version
--
CREATE TABLE "schema_migrations" ("version" character varying NOT NULL PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('20240102030405'), ('20240102030407'), ('9'), ('10');
SELECT migrate_adopt('rails');
:status
SELECT version, event, reason FROM migrate_history() ORDER BY version;
SELECT migrate_version();
SELECT migrate_adopt('rails');
-- an older one that was not applied
SELECT migrate_register_file('db/20240102030406_six.sql', 'SELECT 6;');
SELECT version, state FROM migrate_status();
INSERT INTO schema_migrations VALUES ('20240102030406');
SELECT migrate_adopt('rails');
SELECT version, name, state, checksum FROM migrate_status();
-- versions that are none
INSERT INTO schema_migrations VALUES ('20240102030408a');
SELECT migrate_adopt('rails');
:sqlstate
UPDATE schema_migrations SET version = '0' WHERE version = '20240102030408a';
SELECT migrate_adopt('rails');
:sqlstate
UPDATE schema_migrations SET version = '' WHERE version = '0';
SELECT migrate_adopt('rails');
:sqlstate
UPDATE schema_migrations SET version = '99999999999999999999' WHERE version = '';
SELECT migrate_adopt('rails');
:sqlstate
-- another tool's table
SELECT migrate_adopt('golang-migrate');
:sqlstate
DROP TABLE schema_migrations;
:again
create table if not exists "adopt_test"."schema_migrations" (version varchar(128) primary key);
INSERT INTO schema_migrations VALUES ('20240102030405'), ('20240102030406');
SELECT migrate_adopt('dbmate');
:status
SELECT migrate_adopt('dbmate');
DROP TABLE schema_migrations;
:again

--
-- Flyway: undone versions keep their rows
--
CREATE TABLE flyway_schema_history (
	installed_rank INT NOT NULL,
	version VARCHAR(50),
	description VARCHAR(200) NOT NULL,
	type VARCHAR(20) NOT NULL,
	script VARCHAR(1000) NOT NULL,
	checksum INTEGER,
	installed_by VARCHAR(100) NOT NULL,
	installed_on TIMESTAMP NOT NULL DEFAULT now(),
	execution_time INTEGER NOT NULL,
	success BOOLEAN NOT NULL
);
ALTER TABLE flyway_schema_history ADD CONSTRAINT flyway_schema_history_pk PRIMARY KEY (installed_rank);
CREATE FUNCTION flyway(rank int, version text, description text, type text, success boolean DEFAULT true) RETURNS void
LANGUAGE sql AS $$
INSERT INTO flyway_schema_history VALUES (rank, version, description, type, description || '.sql', 7, 'somebody', DEFAULT, 5, success)
$$;
SELECT count(*) FROM (VALUES
	(1, NULL, '<< Flyway Schema Creation >>', 'SCHEMA'),
	(2, '1', '<< Flyway Baseline >>', 'BASELINE'),
	(3, '2', 'create users', 'SQL'),
	(4, '3', 'add "e-mail", naïvely', 'SQL'),
	(5, NULL, 'views', 'SQL'),
	(6, '4', 'undone', 'SQL'),
	(7, '4', 'undone', 'UNDO_SQL'),
	(8, '5', 'undone and done again', 'SQL'),
	(9, '5', 'undone and done again', 'UNDO_SQL'),
	(10, '5', 'undone and done again', 'SQL'),
	(11, '6', 'undone in Java', 'JDBC'),
	(12, '6', 'undone in Java', 'UNDO_JDBC'),
	(13, '7', 'deleted', 'SQL'),
	(14, '7', 'deleted', 'DELETE'),
	(15, '010', 'ten', 'SQL')) v(rank, version, description, type), flyway(rank, version, description, type);
SELECT migrate_adopt('flyway');
:status
:history
SELECT migrate_version();
SELECT migrate_adopt('flyway');
SELECT flyway(16, '11', 'failed', 'SQL', false);
SELECT migrate_adopt('flyway');
:sqlstate
DELETE FROM flyway_schema_history WHERE installed_rank = 16;
SELECT flyway(16, '11.1', 'dotted', 'SQL');
SELECT migrate_adopt('flyway');
:sqlstate
SELECT migrate_version();
DROP TABLE flyway_schema_history;
:again

-- a baseline of Flyway's: what is below it is applied too, and only that
CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
	type varchar(20) NOT NULL, success boolean NOT NULL);
INSERT INTO flyway_schema_history VALUES (1, '3', '<< Flyway Baseline >>', 'BASELINE', true), (2, '5', 'five', 'SQL', true);
SELECT migrate_register_file('V1__one.sql', 'SELECT 1;');
SELECT migrate_register_file('V2__two.sql', 'SELECT 2;');
SELECT migrate_register_file('V4__four.sql', 'SELECT 4;');
SELECT migrate_register_file('V6__six.sql', 'SELECT 6;');
SELECT migrate_adopt('flyway');
:status
SELECT version, state, checksum FROM migrate_status();
SELECT migrate_adopt('flyway');
DROP TABLE flyway_schema_history;
:again

--
-- sqitch: it has no versions, so the planned time serves as one
--
CREATE SCHEMA sqitch;
CREATE TABLE sqitch.changes (
	change_id       TEXT        PRIMARY KEY,
	script_hash     TEXT            NULL UNIQUE,
	change          TEXT        NOT NULL,
	project         TEXT        NOT NULL,
	note            TEXT        NOT NULL DEFAULT '',
	committed_at    TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
	committer_name  TEXT        NOT NULL,
	committer_email TEXT        NOT NULL,
	planned_at      TIMESTAMPTZ NOT NULL,
	planner_name    TEXT        NOT NULL,
	planner_email   TEXT        NOT NULL
);
INSERT INTO sqitch.changes (change_id, change, project, committed_at, committer_name, committer_email, planned_at, planner_name, planner_email)
SELECT change, change, 'p', committed_at::timestamptz, 'n', 'e', planned_at::timestamptz, 'n', 'e' FROM (VALUES
	('appschema', '2024-01-05 00:00:01Z', '2024-01-02 03:04:05Z'),
	('users', '2024-01-05 00:00:02Z', '2024-01-02 03:04:06Z'),
	('same second', '2024-01-05 00:00:03Z', '2024-01-02 03:04:06Z'),
	('another zone', '2024-01-05 00:00:04Z', '2024-01-02 05:04:08+02')) v(change, committed_at, planned_at);
SELECT migrate_adopt('sqitch');
:status
SELECT migrate_adopt('sqitch');
-- another zone of the session changes nothing
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'German';
SELECT migrate_adopt('sqitch');
RESET TimeZone;
RESET DateStyle;
DROP SCHEMA sqitch CASCADE;
:again

--
-- Supabase CLI: its own table is kept in step
--
CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY);
ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN statements text[];
ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN name text;
INSERT INTO supabase_migrations.schema_migrations VALUES
	('20240102030405', '{"SELECT 1","SELECT 2"}', 'create_users'),
	('20240102030406', NULL, NULL),
	('20240102030407', '{}', 'naïve name');
SELECT migrate_adopt('supabase');
:status
:history
SELECT migrate_version();
SELECT migrate_adopt('supabase');
-- what was there stays
SELECT * FROM supabase_migrations.schema_migrations ORDER BY version;
-- apply adds, rollback removes, baseline adds
SELECT migrate_register_file('supabase/migrations/20240102030408_add_email.sql', E'SELECT 8;\n');
SELECT migrate_register_file('supabase/rollbacks/20240102030408_rollback_add_email.sql', E'SELECT -8;\n');
SELECT version, name, statements FROM migrate_apply();
SELECT * FROM supabase_migrations.schema_migrations WHERE version > '20240102030407';
SELECT version, name, statements FROM migrate_rollback();
SELECT * FROM supabase_migrations.schema_migrations WHERE version > '20240102030407';
SELECT migrate_baseline(20240102030409, 'by hand');
SELECT * FROM supabase_migrations.schema_migrations WHERE version > '20240102030407' ORDER BY version;
SELECT version, state FROM migrate_status();
-- what the CLI has applied since then is adopted, and what it has done already is no error
INSERT INTO supabase_migrations.schema_migrations VALUES ('20240102030410', NULL, 'by_the_cli');
SELECT migrate_adopt('supabase');
SELECT migrate_register_file('supabase/migrations/20240102030411_both.sql', E'SELECT 11;\n');
INSERT INTO supabase_migrations.schema_migrations VALUES ('20240102030411', NULL, 'both');
SELECT version, name, statements FROM migrate_apply();
SELECT version, name, state FROM migrate_status() WHERE version > 20240102030409;
-- an apply that fails leaves it as it was
SELECT migrate_register_file('supabase/migrations/20240102030412_twelve.sql', E'SELECT 12;\n');
SELECT migrate_register_file('supabase/migrations/20240102030413_fails.sql', E'SELECT 1/0;\n');
SELECT version FROM migrate_apply();
:sqlstate
SELECT * FROM supabase_migrations.schema_migrations WHERE version > '20240102030411';
:again

-- versions are numbers, not text, and are spelt as in the names of the files
TRUNCATE supabase_migrations.schema_migrations;
INSERT INTO supabase_migrations.schema_migrations VALUES ('9', NULL, 'nine'), ('10', NULL, 'ten'), ('011', NULL, 'eleven');
SELECT migrate_adopt('supabase');
:status
SELECT version, name FROM supabase_migrations.schema_migrations ORDER BY version;
SELECT migrate_adopt('supabase');
SELECT migrate_register_file('supabase/migrations/012_twelve.sql', 'SELECT 12;');
SELECT migrate_register_file('supabase/rollbacks/012_rollback_twelve.sql', 'SELECT -12;');
SELECT version, name, statements FROM migrate_apply();
SELECT version, name FROM supabase_migrations.schema_migrations ORDER BY version;
SELECT version, name, statements FROM migrate_rollback();
SELECT version, name FROM supabase_migrations.schema_migrations ORDER BY version;
-- in the order of the numbers, whatever that of the rows or of the text is
TRUNCATE supabase_migrations.schema_migrations;
:again
INSERT INTO supabase_migrations.schema_migrations VALUES ('1010', NULL, 'ten_ten'), ('102', NULL, 'two'), ('101', NULL, 'one');
SELECT migrate_adopt('supabase');
:status
:history
SELECT migrate_version();
SELECT version, name FROM supabase_migrations.schema_migrations ORDER BY version;
SELECT migrate_adopt('supabase');
-- a baseline does not know the spelling until the file is registered
TRUNCATE supabase_migrations.schema_migrations;
:again
SELECT migrate_baseline(3);
SELECT migrate_register_file('supabase/migrations/003_three.sql', 'SELECT 3;');
SELECT migrate_register_file('supabase/rollbacks/003_rollback_three.sql', 'SELECT -3;');
SELECT version, name, statements FROM migrate_rollback();
SELECT version FROM supabase_migrations.schema_migrations;
:again

-- an older CLI's table has no names
TRUNCATE supabase_migrations.schema_migrations;
ALTER TABLE supabase_migrations.schema_migrations DROP COLUMN name, DROP COLUMN statements;
INSERT INTO supabase_migrations.schema_migrations VALUES ('20240102030405');
SELECT migrate_adopt('supabase');
:status
SELECT migrate_register_file('supabase/migrations/20240102030406_add_email.sql', 'SELECT 6;');
SELECT version, name, statements FROM migrate_apply();
SELECT * FROM supabase_migrations.schema_migrations ORDER BY version;
-- versions that are none
INSERT INTO supabase_migrations.schema_migrations VALUES ('latest');
SELECT migrate_adopt('supabase');
:sqlstate
DELETE FROM supabase_migrations.schema_migrations WHERE version = 'latest';

-- the table is read and written as the caller
CREATE ROLE regress_adopt_user;
GRANT USAGE ON SCHEMA supabase_migrations, adopt_test TO regress_adopt_user;
SET ROLE regress_adopt_user;
SELECT migrate_adopt('supabase');
:sqlstate
RESET ROLE;
SELECT migrate_grant('regress_adopt_user', 'deployer');
SET ROLE regress_adopt_user;
SELECT migrate_adopt('supabase');
:sqlstate
SELECT migrate_register(20240102030407, 'seven', 'SELECT 7;');
SELECT version FROM migrate_apply();
:sqlstate
RESET ROLE;
GRANT SELECT, INSERT ON supabase_migrations.schema_migrations TO regress_adopt_user;
SET ROLE regress_adopt_user;
SELECT migrate_adopt('supabase');
SELECT version FROM migrate_apply();
RESET ROLE;
SELECT * FROM supabase_migrations.schema_migrations ORDER BY version;
DROP SCHEMA supabase_migrations CASCADE;

--
-- Bad input
--
SELECT migrate_adopt('liquibase');
:sqlstate
SELECT migrate_adopt('');
:sqlstate
SELECT migrate_adopt(NULL);
:sqlstate
BEGIN READ ONLY;
SELECT migrate_adopt('rails');
:sqlstate
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT migrate_adopt('rails');
:sqlstate
ROLLBACK;
SELECT migrate_register(20240102030408, 'nested', E'SELECT 1;\nSELECT migrate_adopt(''rails'');');
SELECT version FROM migrate_apply();
:sqlstate
SELECT * FROM migrate.ledger_break;

RESET search_path;
DROP SCHEMA adopt_test CASCADE;
DROP EXTENSION migrate_ext CASCADE;
DROP OWNED BY regress_adopt_user;
DROP ROLE regress_adopt_user;
CREATE EXTENSION migrate_ext;
