-- Backups: what a DROP takes is kept first
SET client_min_messages = warning;
SET migrate.snapshots = off;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA backup_drop;
SET search_path = backup_drop, public;
CREATE VIEW kept AS
SELECT backup, version AS v, direction AS dir, statement AS st, what, operation, relation, "column", key_columns AS key, moved, b.rows
FROM migrate_backups() JOIN migrate.backup b USING (backup, version, direction, what, operation);
-- applies one up script and says how many rows were kept
CREATE FUNCTION run(up text, down text DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	next bigint := migrate_version() + 1;
	kept bigint;
BEGIN
	PERFORM migrate_register(next, 'drop' || next, up, down);
	SELECT rows_kept INTO kept FROM migrate_apply(next);
	RETURN kept;
END
$$;

--
-- A table, whose storage is taken over
--
CREATE TABLE plain (id int PRIMARY KEY, gone text, big text, n numeric);
ALTER TABLE plain ALTER big SET STORAGE EXTERNAL;
INSERT INTO plain SELECT i, 'gone', repeat(md5(i::text), 300), i / 2.0 FROM generate_series(1, 40) i;
-- columns that were dropped, and that are younger than the rows
ALTER TABLE plain DROP COLUMN gone, ADD COLUMN young text DEFAULT 'young', ADD COLUMN nil int;
CREATE INDEX ON plain (n);
SELECT md5(string_agg(p::text, ',' ORDER BY id)) AS before FROM plain p \gset
SELECT run('DROP TABLE plain');
SELECT * FROM kept;
SELECT md5(string_agg(p::text, ',' ORDER BY id)) = :'before' AS all_there, count(*) FROM migrate_backup.plain_1 p;
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.atthasmissing, a.attnotnull
FROM pg_attribute a WHERE a.attrelid = 'migrate_backup.plain_1'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum;
SELECT t.relname = 'pg_toast_' || c.oid AS toast_is_named, t.relowner = c.relowner AS and_owned, pg_relation_size(t.oid) > 0 AS and_full
FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.oid = 'migrate_backup.plain_1'::regclass;
SELECT obj_description('migrate_backup.plain_1'::regclass);
VACUUM (FREEZE, ANALYZE) migrate_backup.plain_1;
VACUUM FULL migrate_backup.plain_1;
SELECT md5(string_agg(p::text, ',' ORDER BY id)) = :'before' AS all_there FROM migrate_backup.plain_1 p;
SELECT to_regclass('plain') AS the_table;

-- nothing to keep: no rows, rows that were deleted, a temporary table, a table of the same step
CREATE TABLE empty (id int);
CREATE TABLE emptied (id int);
INSERT INTO emptied VALUES (1);
DELETE FROM emptied;
CREATE TEMP TABLE fleeting AS SELECT 1 AS id;
SELECT run('DROP TABLE empty, emptied, fleeting; CREATE TABLE own AS SELECT 1 AS id; DROP TABLE own');
-- a table of an earlier step counts
SELECT run('CREATE TABLE earlier AS SELECT 1 AS id');
SELECT run('INSERT INTO earlier VALUES (2); DROP TABLE earlier');
SELECT * FROM migrate_backup.earlier_2;

-- where the storage cannot be taken over, rows are copied: unlogged tables,
-- types of the user, which are kept as text, and where an event trigger looks
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (a int, b date);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN moods AS mood;
CREATE TYPE span AS RANGE (subtype = int4);
CREATE UNLOGGED TABLE fast AS SELECT i AS id FROM generate_series(1, 3) i;
CREATE TABLE typed (id positive PRIMARY KEY, m mood, ms mood[], p pair, d moods, ds positive[], s span, ts timestamptz[], t text COLLATE "C");
SET datestyle = 'German';
INSERT INTO typed VALUES (1, 'sad', '{happy,sad}', (1, date '2026-02-03'), 'happy', '{1,2}', '[1,5)', ARRAY[timestamptz '2026-01-01 00:00:00+00'], 'x'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT run('DROP TABLE fast, typed');
RESET datestyle;
SELECT * FROM kept WHERE backup > 2;
SELECT * FROM migrate_backup.typed_4 ORDER BY id;
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a
WHERE a.attrelid = 'migrate_backup.typed_4'::regclass AND a.attnum > 0 ORDER BY a.attnum;
CREATE TABLE looked_at AS SELECT 1 AS id;
CREATE TABLE seen (n bigint);
CREATE FUNCTION look() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen SELECT count(*) FROM looked_at; END $$;
CREATE EVENT TRIGGER look ON ddl_command_start WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION look();
SELECT run('DROP TABLE looked_at');
DROP EVENT TRIGGER look;
SELECT * FROM seen;
SELECT what, moved, rows FROM kept ORDER BY backup DESC LIMIT 1;

--
-- What CASCADE takes
--
CREATE SCHEMA place;
CREATE TABLE place.parent (id int PRIMARY KEY, v text);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES place.parent);
CREATE VIEW of_parent AS SELECT * FROM place.parent;
CREATE TABLE place.child2 (id serial, parent int REFERENCES place.parent ON DELETE CASCADE);
INSERT INTO place.parent VALUES (1, 'one');
INSERT INTO child VALUES (1, 1);
INSERT INTO place.child2 (parent) VALUES (1), (1);
SELECT run('DROP SCHEMA place CASCADE');
SELECT * FROM kept WHERE backup > 5 ORDER BY relation;
SELECT relation_name, last_value, is_called FROM migrate.backup WHERE what = 'sequence';
SELECT count(*) AS rows_of_child FROM child;
-- a type, a domain, an extension, a function, a sequence
CREATE TABLE uses (id int PRIMARY KEY, m mood DEFAULT 'sad', n int);
CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql RETURN $1 * 2;
ALTER TABLE uses ADD g int GENERATED ALWAYS AS (twice(n)) STORED;
INSERT INTO uses VALUES (1, 'happy', 21);
SELECT run('DROP TYPE mood CASCADE; DROP FUNCTION twice CASCADE; CREATE SEQUENCE unused; DROP SEQUENCE unused');
SELECT * FROM kept WHERE relation = 'backup_drop.uses' ORDER BY backup;
SELECT * FROM migrate_backup.uses_9;
SELECT * FROM migrate_backup.uses_10;
-- all of a role; its kept rows do not go with it
CREATE ROLE regress_backup_gone;
CREATE SCHEMA gone AUTHORIZATION regress_backup_gone;
SET ROLE regress_backup_gone;
CREATE TABLE gone.t AS SELECT 1 AS id;
CREATE TABLE gone.u AS SELECT 2 AS id;
RESET ROLE;
SELECT run('DROP TABLE gone.u');
SELECT run('DROP OWNED BY regress_backup_gone; DROP ROLE regress_backup_gone');
SELECT relation_name, owner, kept_as, (SELECT relowner::regrole = current_user::regrole FROM pg_class WHERE relname = kept_as) AS ours
FROM migrate.backup WHERE schema_name = 'gone';
-- composite types and what is of them
CREATE TYPE form AS (a int, b text);
CREATE TABLE formed OF form (PRIMARY KEY (a));
CREATE TABLE holds (id int PRIMARY KEY, f form);
INSERT INTO formed VALUES (1, 'one');
INSERT INTO holds VALUES (1, (2, 'two'));
SELECT run('ALTER TYPE form DROP ATTRIBUTE b CASCADE');
SELECT * FROM kept WHERE relation IN ('backup_drop.formed', 'backup_drop.holds') ORDER BY backup;

--
-- Columns
--
CREATE TABLE cols (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text, b text, g text GENERATED ALWAYS AS (a || '!') STORED);
CREATE TABLE nokey (a int, b int);
INSERT INTO cols (a, b) VALUES ('a1', 'b1'), ('a2', NULL);
INSERT INTO nokey VALUES (1, 2), (1, 2);
SELECT run('ALTER TABLE cols DROP COLUMN g, ADD COLUMN c int, DROP COLUMN IF EXISTS nosuch, DROP COLUMN b');
SELECT run('ALTER TABLE nokey DROP COLUMN b');
SELECT run('ALTER TABLE cols ALTER id DROP IDENTITY, DROP COLUMN a');
-- the key goes itself: all columns are kept
SELECT run('ALTER TABLE cols DROP COLUMN id');
SELECT backup, what, operation, relation, "column", key, rows FROM kept WHERE relation ~ 'cols|nokey' ORDER BY backup;
SELECT * FROM migrate_backup.cols_16;
SELECT * FROM migrate_backup.nokey_17;
SELECT * FROM migrate_backup.cols_20;
-- partitioned and inherited
CREATE TABLE part (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_high (v text, id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE part_top PARTITION OF part_high FOR VALUES FROM (10) TO (99);
ALTER TABLE part ATTACH PARTITION part_high FOR VALUES FROM (10) TO (99);
INSERT INTO part SELECT i, 'v' || i FROM generate_series(8, 11) i;
CREATE TABLE base (id int PRIMARY KEY, v text);
CREATE TABLE derived (w text) INHERITS (base);
INSERT INTO base VALUES (1, 'base');
INSERT INTO derived VALUES (2, 'derived', 'w');
SELECT run('ALTER TABLE part DROP COLUMN v; ALTER TABLE base DROP COLUMN v; DROP TABLE part; DROP TABLE base CASCADE');
SELECT backup, st, what, operation, relation, "column", key, moved, rows FROM kept WHERE relation ~ 'part|base|derived' ORDER BY st, relation;

--
-- Names
--
CREATE SCHEMA "Other ""Schema";
CREATE TABLE "Other ""Schema"."Tab.le; --" ("Col,umn" int PRIMARY KEY, "select" text);
INSERT INTO "Other ""Schema"."Tab.le; --" VALUES (1, 'quoted');
CREATE TABLE äöüß_äöüß_äöüß_äöüß_äöüß_äöüß_x (id int);
CREATE TABLE n23456789012345678901234567890123456789012345678901234567890123 (c23456789012345678901234567890123456789012345678901234567890123 int);
INSERT INTO n23456789012345678901234567890123456789012345678901234567890123 VALUES (63);
INSERT INTO äöüß_äöüß_äöüß_äöüß_äöüß_äöüß_x VALUES (1);
CREATE SCHEMA one;
CREATE SCHEMA two;
CREATE TABLE one.same AS SELECT 'one' AS schema;
CREATE TABLE two.same AS SELECT 'two' AS schema;
SELECT run('ALTER TABLE "Other ""Schema"."Tab.le; --" DROP "select"; DROP SCHEMA "Other ""Schema" CASCADE;
DROP TABLE äöüß_äöüß_äöüß_äöüß_äöüß_äöüß_x, n23456789012345678901234567890123456789012345678901234567890123;
DROP TABLE one.same, two.same');
SELECT backup, relation, "column", kept_as, octet_length(split_part(kept_as, '.', 2)) AS bytes FROM migrate_backups() WHERE backup > 28 ORDER BY backup;
SELECT * FROM migrate_backup."Tab.le; --_29";
SELECT schema FROM migrate_backup.same_33 UNION ALL SELECT schema FROM migrate_backup.same_34 ORDER BY 1;

--
-- Anywhere, and only if it happens
--
CREATE TABLE deep AS SELECT i AS id FROM generate_series(1, 5) i;
CREATE FUNCTION drop_deep() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE deep; END $$;
CREATE TABLE fails AS SELECT 1 AS id;
CREATE VIEW on_fails AS SELECT * FROM fails;
SELECT run($up$
DO $$ BEGIN DROP TABLE fails; EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END $$;
DO $$ BEGIN PERFORM drop_deep(); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
DO $$ BEGIN ALTER TABLE fails ADD y int DEFAULT 7; TRUNCATE fails; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
DO $$ BEGIN EXECUTE 'SELECT drop_deep()'; BEGIN CREATE TABLE deep AS SELECT 1; DROP TABLE deep; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END; END $$
$up$);
SELECT backup, st, what, relation, rows FROM kept WHERE backup > 35 ORDER BY backup;
SELECT count(*) FROM fails;
-- the error of a DROP that fails is the server's
SELECT run('DROP TABLE fails');
\echo :LAST_ERROR_SQLSTATE
SELECT run('DROP TABLE nosuch');
\echo :LAST_ERROR_SQLSTATE
SELECT run('DO $$ DECLARE c CURSOR FOR SELECT * FROM fails; BEGIN OPEN c; DROP TABLE fails CASCADE; END $$');
\echo :LAST_ERROR_SQLSTATE
-- outside of migrations nothing is kept, and not with migrate.backups = off
CREATE TABLE outside AS SELECT 1 AS id;
DROP TABLE outside;
CREATE TABLE outside AS SELECT 1 AS id;
SET migrate.backups = off;
SELECT run('DROP TABLE outside');
RESET migrate.backups;
SELECT max(backup) FROM migrate.backup;

--
-- A table touched by several migrations, up and down
--
CREATE TABLE often (id int PRIMARY KEY, a text, b text);
INSERT INTO often VALUES (1, 'a', 'b');
SELECT run('ALTER TABLE often DROP a', 'ALTER TABLE often ADD a text');
SELECT run('ALTER TABLE often DROP b', 'ALTER TABLE often ADD b text');
SELECT run('DROP TABLE often', 'CREATE TABLE often (id int PRIMARY KEY)');
SELECT version - migrate_version() AS v, direction, what, operation, "column", rows FROM migrate_backups() WHERE relation = 'backup_drop.often' AND direction = 'up' ORDER BY backup;

--
-- The limit, and the way past it
--
CREATE TABLE large AS SELECT i AS id, repeat('x', 100) AS v, NULL::span AS s FROM generate_series(1, 20000) i;
CREATE TABLE large_part (id int, v text, s span) PARTITION BY RANGE (id);
CREATE TABLE large_part1 PARTITION OF large_part FOR VALUES FROM (0) TO (1000000);
INSERT INTO large_part SELECT * FROM large;
ANALYZE large, large_part1;
ALTER TABLE large ADD PRIMARY KEY (id), ADD narrow "char" DEFAULT 'x';
SET migrate.backup_limit = '1MB';
\set VERBOSITY terse
SELECT run('DROP TABLE large');
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
SELECT to_regclass('large') IS NOT NULL AS is_there;
-- a narrow column fits
SELECT run('ALTER TABLE large DROP COLUMN narrow');
SELECT run('-- migrate: no-backup large: it can be made again
-- migrate: no-backup Backup_drop."large_part": so can this
DROP TABLE large, large_part');
SELECT migrate_register(migrate_version() + 1, 'notice', '-- migrate: no-backup fails: not worth it
TRUNCATE fails; DROP TABLE fails CASCADE');
SELECT rows_kept FROM migrate_apply();
-- what is not copied does not count
CREATE TABLE large AS SELECT i AS id, repeat('x', 100) AS v FROM generate_series(1, 20000) i;
SELECT run('DROP TABLE large');
RESET migrate.backup_limit;
SELECT what, relation, "column", moved, rows FROM kept WHERE relation ~ 'large|fails' ORDER BY backup;

--
-- The extension does not go while there are kept rows; what is wrong with them
--
SELECT * FROM migrate.backup_problem;
\set VERBOSITY terse
DROP EXTENSION migrate_ext;
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
BEGIN;
DROP TABLE migrate_backup.plain_1;
ALTER TABLE migrate_backup.earlier_2 RENAME TO late;
GRANT SELECT ON migrate_backup.fast_3 TO PUBLIC;
ALTER TABLE migrate_backup.typed_4 DISABLE ROW LEVEL SECURITY;
TRUNCATE migrate_backup.looked_at_5;
SELECT kept_as, problem FROM migrate.backup_problem ORDER BY backup;
ROLLBACK;

--
-- Prune
--
SELECT what, removed, bytes > 0 AS bytes FROM migrate_prune('1 day');
SELECT * FROM migrate_prune(NULL);
SELECT * FROM migrate_prune('-1 day');
\echo :LAST_ERROR_SQLSTATE
CREATE VIEW built_on AS SELECT * FROM migrate_backup.plain_1;
SELECT * FROM migrate_prune('0');
\echo :LAST_ERROR_SQLSTATE
DROP VIEW built_on;
SELECT what, removed > 30 AS removed, bytes > 1000000 AS bytes FROM migrate_prune('0');
SELECT count(*) FROM migrate.backup;
SELECT count(*) FROM pg_class WHERE relnamespace = 'migrate_backup'::regnamespace;
DROP VIEW kept;
DROP EXTENSION migrate_ext;
DROP SCHEMA backup_drop, one, two CASCADE;
