--
-- migrate.backup_limit: what is copied to keep rows is limited, before anything ran where its size can be known
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA backup_limit;
SET search_path = backup_limit, public;
CREATE TYPE span AS (a integer, b integer);
CREATE TABLE wide (id integer PRIMARY KEY, pad text, other text, s span);
CREATE TABLE parted (id integer, pad text, s span) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE narrow (id integer PRIMARY KEY, pad text);
CREATE TABLE refers (id integer REFERENCES wide, s span, pad text);
INSERT INTO wide SELECT i, repeat('p', 300), repeat('o', 300) FROM generate_series(1, 3000) i;
INSERT INTO parted SELECT 1, repeat('p', 600) FROM generate_series(1, 3000) i;
INSERT INTO narrow SELECT i, 'p' FROM generate_series(1, 100) i;
INSERT INTO refers SELECT i, NULL, repeat('r', 600) FROM generate_series(1, 3000) i;
VACUUM ANALYZE wide, parted, narrow, refers;
-- Counts the statements that ran, also those of a transaction that was rolled back.
CREATE SEQUENCE ran;
-- Apply a plan of scripts, and roll back; says why it was refused, and how much had run until then.
CREATE FUNCTION plan_says(VARIADIC ups text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT last_value FROM backup_limit.ran);
	detail text;
	kept bigint;
BEGIN
	PERFORM migrate_register(i, 'step', E'-- migrate: search_path = backup_limit, public\n' || ups[i]) FROM generate_subscripts(ups, 1) i;
	SELECT sum(rows_kept) INTO kept FROM migrate_apply();
	RAISE EXCEPTION USING ERRCODE = 'MX000';
EXCEPTION
	WHEN SQLSTATE 'MX000' THEN
		RETURN format('%s rows kept, ran %s', kept, (SELECT last_value - before FROM backup_limit.ran));
	WHEN others THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		RETURN format('%s %s, ran %s: %s', SQLSTATE, SQLERRM, (SELECT last_value - before FROM backup_limit.ran),
			regexp_replace(regexp_replace(detail, '^They take.*?kB\.\s*', ''), '\s+', ' ', 'g'));
END $$;
SET migrate.backup_limit = '1MB';
SELECT nextval('ran');

-- refused before anything ran, with the place, in whichever step of the plan
SELECT plan_says('SELECT nextval(''ran'')', 'SELECT nextval(''ran''); ALTER TABLE refers ALTER pad TYPE varchar(100) USING left(pad, 100)');
SELECT plan_says('SELECT nextval(''ran''); ALTER TABLE wide DROP other, ALTER pad TYPE varchar(100) USING left(pad, 100)');
SELECT plan_says('SELECT nextval(''ran'')', 'SELECT nextval(''ran'')', 'ALTER TABLE narrow DROP pad; DROP TABLE refers, wide');
SELECT plan_says('SELECT nextval(''ran''); TRUNCATE wide CASCADE');
SELECT plan_says('SELECT nextval(''ran''); TRUNCATE ONLY backup_limit.refers');
SELECT plan_says('SELECT nextval(''ran''); DROP TABLE parted');
SELECT plan_says('SELECT nextval(''ran''); ALTER TABLE parted DROP pad');
SELECT plan_says('SELECT nextval(''ran''); ALTER TABLE parted ALTER pad TYPE varchar(1) USING left(pad, 1)');
-- each fits, but not both
SELECT plan_says('SELECT nextval(''ran''); ALTER TABLE wide DROP other');
SELECT plan_says('SELECT nextval(''ran''); ALTER TABLE narrow DROP pad', 'ALTER TABLE wide DROP other', 'TRUNCATE refers');
-- with the whole of what it says
SELECT migrate_register(1, 'step', 'ALTER TABLE backup_limit.narrow DROP pad; ALTER TABLE backup_limit.parted DROP pad');
DO $$
DECLARE
	detail text;
	hint text;
BEGIN
	PERFORM migrate_apply();
EXCEPTION WHEN program_limit_exceeded THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE WARNING '%', SQLERRM USING DETAIL = regexp_replace(detail, '\d+ kB(?=,)', 'N kB', 'g'), HINT = hint;
END $$;

-- not refused: what goes without a copy, what a directive lets go, what fits, what has no rows
SELECT plan_says('SELECT nextval(''ran''); ALTER TABLE wide DROP s; TRUNCATE wide CASCADE; DROP TABLE wide CASCADE', 'SELECT nextval(''ran'')') ~ '^54000 .*refers.*ran 0';
SELECT plan_says(E'-- migrate: no-backup refers: made anew\n-- migrate: no-backup backup_limit.parted: too\nSELECT nextval(''ran''); TRUNCATE refers; ALTER TABLE parted ALTER pad TYPE varchar(1) USING left(pad, 1); DROP TABLE parted');
SELECT plan_says('SELECT nextval(''ran''); ALTER TABLE wide ALTER pad TYPE varchar; ALTER TABLE wide ALTER id TYPE bigint; ALTER TABLE wide ADD n int');
SELECT plan_says('CREATE TABLE made AS SELECT * FROM wide; SELECT nextval(''ran''); ALTER TABLE made DROP other, DROP pad; DROP TABLE made');
-- a table that is another one by then: renamed, moved, hidden, made anew, emptied without a copy
SELECT plan_says('ALTER TABLE parted RENAME TO was; CREATE TABLE parted (pad text); SELECT nextval(''ran''); ALTER TABLE parted DROP pad');
SELECT plan_says('ALTER TABLE wide RENAME pad TO filler; ALTER TABLE wide ADD pad text; SELECT nextval(''ran''); ALTER TABLE wide DROP pad');
SELECT plan_says('ALTER TABLE refers SET SCHEMA public; SELECT nextval(''ran''); ALTER TABLE IF EXISTS backup_limit.refers DROP pad');
SELECT plan_says('ALTER SCHEMA backup_limit RENAME TO limits; CREATE SCHEMA backup_limit; CREATE TABLE backup_limit.parted (pad text); SELECT nextval(''limits.ran''); ALTER TABLE backup_limit.parted DROP pad; DROP SCHEMA backup_limit CASCADE; ALTER SCHEMA limits RENAME TO backup_limit');
SELECT plan_says('SET search_path = public; CREATE TABLE parted (pad text)', 'SET LOCAL search_path = public; SELECT nextval(''backup_limit.ran''); ALTER TABLE parted DROP pad');
SELECT plan_says('ALTER TABLE parted DETACH PARTITION parted_1; SELECT nextval(''ran''); DROP TABLE parted');
SELECT plan_says('DO $d$ BEGIN ALTER TABLE backup_limit.parted RENAME TO was; CREATE TABLE backup_limit.parted (pad text); END $d$; SELECT nextval(''ran''); ALTER TABLE parted DROP pad');
SELECT plan_says('CREATE ROLE regress_backup_limit_made; GRANT ALL ON SCHEMA backup_limit TO regress_backup_limit_made; GRANT ALL ON SEQUENCE ran TO regress_backup_limit_made',
	E'-- migrate: role = regress_backup_limit_made\nSELECT nextval(''ran''); CREATE TABLE made (id integer)');
SELECT plan_says('SELECT nextval(''ran''); ALTER TABLE no_such_table DROP pad') ~ '^42P01 .*ran 1';

-- what cannot be foreseen is refused when it happens, and nothing of it stays
SELECT plan_says('SELECT nextval(''ran''); DELETE FROM refers');
SELECT plan_says('SELECT nextval(''ran''); DO $d$ BEGIN ALTER TABLE backup_limit.parted DROP pad; END $d$');
SELECT count(*) FROM refers;
SELECT count(*) FROM migrate.backup;
-- the limit is that of the whole call, also of several calls in one transaction
BEGIN;
SELECT migrate_register(1, 'one', 'ALTER TABLE backup_limit.wide DROP other');
SELECT version, rows_kept FROM migrate_apply();
SELECT migrate_register(2, 'two', 'SELECT nextval(''backup_limit.ran''); ALTER TABLE backup_limit.refers DROP s, DROP pad');
SELECT last_value AS before FROM ran \gset
SAVEPOINT s;
\set VERBOSITY terse
SELECT version, rows_kept FROM migrate_apply();
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT last_value - :before AS ran FROM ran;
SET LOCAL migrate.backup_limit = '8MB';
SELECT version, rows_kept FROM migrate_apply();
ROLLBACK;
-- a rollback that destroys rows, too
SELECT migrate_register(1, 'made', 'CREATE TABLE backup_limit.made (s backup_limit.span, pad text)', 'SELECT nextval(''backup_limit.ran''); DROP TABLE backup_limit.made');
SELECT version FROM migrate_apply(1);
INSERT INTO made SELECT NULL, repeat('m', 600) FROM generate_series(1, 3000);
ANALYZE made;
SELECT last_value AS before FROM ran \gset
\set VERBOSITY terse
SELECT version FROM migrate_rollback();
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
SELECT last_value - :before AS ran FROM ran;

-- 0 is no limit; without backups there is none
SET migrate.backup_limit = 0;
SELECT version, rows_kept FROM migrate_rollback();
SET migrate.backup_limit = '1MB';
SET migrate.backups = off;
SELECT migrate_register(1, 'made', 'ALTER TABLE backup_limit.parted DROP pad');
SELECT version, rows_kept FROM migrate_apply(1);
RESET migrate.backups;

-- what cannot be set, and by whom
\set VERBOSITY sqlstate
SET migrate.backup_limit = -1;
SET migrate.backup_limit = 'much';
SET migrate.backup_limit = '1kB';	-- not so little that it would be none
SHOW migrate.backup_limit;
SET migrate.backups = 'some';
CREATE ROLE regress_backup_limit;
SET ROLE regress_backup_limit;
SET migrate.backup_limit = 0;
SET migrate.backups = off;
SET migrate.snapshots = off;
RESET ROLE;
GRANT SET ON PARAMETER migrate.backup_limit TO regress_backup_limit;
SET ROLE regress_backup_limit;
SET migrate.backup_limit = '5MB';
SHOW migrate.backup_limit;
RESET ROLE;
\set VERBOSITY default
RESET migrate.backup_limit;
DROP OWNED BY regress_backup_limit;
DROP ROLE regress_backup_limit;
RESET search_path;
DROP SCHEMA backup_limit CASCADE;
SET migrate.backup_limit = default;
SELECT count(*) >= 0 AS pruned FROM migrate_prune('0');
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
