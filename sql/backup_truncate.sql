-- Backups: what a TRUNCATE takes is kept first
SET client_min_messages = warning;
SET migrate.snapshots = off;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA backup_truncate;
SET search_path = backup_truncate, public;
CREATE VIEW kept AS
SELECT backup, statement AS st, what, operation, relation, key_columns AS key, moved, b.rows, last_value
FROM migrate_backups() JOIN migrate.backup b USING (backup, version, direction, what, operation);
CREATE FUNCTION run(up text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	next bigint := migrate_version() + 1;
	kept bigint;
BEGIN
	PERFORM migrate_register(next, 'truncate' || next, up);
	SELECT rows_kept INTO kept FROM migrate_apply(next);
	RETURN kept;
END
$$;

-- the table stays, and is as empty and as usable as after any TRUNCATE
CREATE TABLE plain (id int PRIMARY KEY, v text, n int UNIQUE, EXCLUDE USING btree (n WITH =));
ALTER TABLE plain ALTER v SET STORAGE EXTERNAL;
CREATE INDEX ON plain (left(v, 10)) WHERE id > 5;
INSERT INTO plain SELECT i, repeat(md5(i::text), 200), i FROM generate_series(1, 30) i;
SELECT md5(string_agg(p::text, ',' ORDER BY id)) AS before FROM plain p \gset
SELECT run('TRUNCATE plain');
SELECT * FROM kept;
SELECT md5(string_agg(p::text, ',' ORDER BY id)) = :'before' AS all_there FROM migrate_backup.plain_1 p;
SELECT count(*) FROM plain;
INSERT INTO plain SELECT i, repeat(md5(i::text), 200), i FROM generate_series(1, 30) i;
SELECT md5(string_agg(p::text, ',' ORDER BY id)) = :'before' AS same FROM plain p;
INSERT INTO plain VALUES (31, 'x', 30);
SET enable_seqscan = off;
SELECT id FROM plain WHERE n = 7;
SELECT id FROM plain WHERE left(v, 10) = left(md5('8'), 10) AND id > 5;
RESET enable_seqscan;
SELECT t.relname = 'pg_toast_' || c.oid AS toast_is_named, t.relowner = c.relowner AS and_owned
FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.oid = 'plain'::regclass;
-- rewritten and vacuumed, the TOAST tables keep apart
VACUUM FULL plain;
VACUUM FULL migrate_backup.plain_1;
ALTER TABLE plain ALTER n TYPE bigint;
SELECT md5(string_agg(p::text, ',' ORDER BY id)) = :'before' AS same FROM plain p;
SELECT md5(string_agg(p::text, ',' ORDER BY id)) = :'before' AS all_there FROM migrate_backup.plain_1 p;

-- what is taken back is there as it was
BEGIN;
SELECT run('TRUNCATE plain; INSERT INTO plain VALUES (1, ''new'', 1)');
SELECT count(*) FROM plain;
ROLLBACK;
SELECT md5(string_agg(p::text, ',' ORDER BY id)) = :'before' AS same FROM plain p;
SET enable_seqscan = off;
SELECT id FROM plain WHERE n = 7;
RESET enable_seqscan;
SELECT run($up$
DO $$ BEGIN TRUNCATE plain; INSERT INTO plain VALUES (1, 'new', 1); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
DO $$ BEGIN TRUNCATE plain; TRUNCATE plain; DROP TABLE plain; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
$up$);
SELECT md5(string_agg(p::text, ',' ORDER BY id)) = :'before' AS same FROM plain p;
SELECT count(*) FROM kept;

-- again and again within a step, and then dropped
SELECT run('TRUNCATE plain; INSERT INTO plain VALUES (1, ''new'', 1), (2, ''new'', 2); TRUNCATE plain; INSERT INTO plain VALUES (3, ''newer'', 3); DROP TABLE plain');
SELECT * FROM kept WHERE backup > 1 ORDER BY backup;
SELECT id, v, n FROM migrate_backup.plain_3;
SELECT id, v, n FROM migrate_backup.plain_4;

-- CASCADE, identity sequences
CREATE TABLE parent (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TABLE child (id serial PRIMARY KEY, parent int REFERENCES parent);
CREATE TABLE grandchild (child int REFERENCES child);
CREATE TABLE bystander (id int);
INSERT INTO parent SELECT FROM generate_series(1, 3);
INSERT INTO child (parent) VALUES (1), (2);
INSERT INTO grandchild VALUES (1);
INSERT INTO bystander VALUES (1);
SELECT run('TRUNCATE parent RESTART IDENTITY CASCADE');
SELECT * FROM kept WHERE backup > 4 ORDER BY what, relation;
SELECT (SELECT count(*) FROM parent) AS parent, (SELECT count(*) FROM child) AS child, (SELECT count(*) FROM grandchild) AS grandchild, (SELECT count(*) FROM bystander) AS bystander;
INSERT INTO parent DEFAULT VALUES RETURNING id;
INSERT INTO child (parent) VALUES (1);
SELECT run('TRUNCATE parent');
\echo :LAST_ERROR_SQLSTATE

-- partitions and children
CREATE TABLE part (id int, v text) PARTITION BY LIST (id);
CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part2 PARTITION OF part FOR VALUES IN (2);
CREATE INDEX ON part (v);
CREATE TABLE base (id int);
CREATE TABLE derived () INHERITS (base);
INSERT INTO part VALUES (1, 'one'), (2, 'two');
INSERT INTO base VALUES (1);
INSERT INTO derived VALUES (2);
SELECT run('TRUNCATE part1; TRUNCATE ONLY base');
SELECT run('TRUNCATE part, base');
SELECT relation, moved, rows FROM kept WHERE relation ~ 'part|base|derived' ORDER BY backup;

-- who looks before the TRUNCATE sees the rows; who may not is told by the server
CREATE TABLE looked_at AS SELECT i AS id FROM generate_series(1, 3) i;
CREATE TABLE beside AS SELECT 1 AS id;
CREATE TABLE seen (n bigint);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO seen SELECT count(*) FROM looked_at;
	INSERT INTO seen SELECT count(*) FROM beside;
	RETURN NULL;
END $$;
CREATE TRIGGER look BEFORE TRUNCATE ON looked_at EXECUTE FUNCTION look();
SELECT run('TRUNCATE looked_at, beside');
SELECT * FROM seen;
SELECT relation, moved, rows FROM kept WHERE relation ~ 'looked|beside' ORDER BY backup;
CREATE UNLOGGED TABLE unlogged AS SELECT 1 AS id;
CREATE TEMP TABLE temporary AS SELECT 1 AS id;
SELECT run('TRUNCATE unlogged, temporary');
SELECT relation, moved, rows FROM kept ORDER BY backup DESC LIMIT 1;
SELECT run('TRUNCATE nosuch');
\echo :LAST_ERROR_SQLSTATE
SELECT run('DO $$ DECLARE c CURSOR FOR SELECT * FROM bystander; BEGIN OPEN c; TRUNCATE bystander; END $$');
\echo :LAST_ERROR_SQLSTATE
-- the function that truncates is running a query on it, with pending triggers
CREATE TABLE pending (id int PRIMARY KEY, p int REFERENCES pending DEFERRABLE INITIALLY DEFERRED);
SELECT run('INSERT INTO pending VALUES (1, 1); TRUNCATE pending');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM bystander;
SELECT * FROM migrate.backup_problem;
SELECT what, removed FROM migrate_prune('0');
DROP SCHEMA backup_truncate CASCADE;
