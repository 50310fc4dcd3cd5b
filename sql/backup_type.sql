-- Backups: columns to which an ALTER gives other values are kept first
SET client_min_messages = warning;
SET migrate.snapshots = off;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA backup_type;
SET search_path = backup_type, public;
CREATE VIEW kept AS
SELECT backup, statement AS st, operation, relation, "column", key_columns AS key, b.rows
FROM migrate_backups() JOIN migrate.backup b USING (backup, version, direction, what, operation);
CREATE FUNCTION run(up text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	next bigint := migrate_version() + 1;
	kept bigint;
BEGIN
	PERFORM migrate_register(next, 'type' || next, up);
	SELECT rows_kept INTO kept FROM migrate_apply(next);
	RETURN kept;
END
$$;

-- the old value, and the image of the new one
CREATE TABLE t (id int PRIMARY KEY, price numeric(10,4), note text, at timestamptz);
INSERT INTO t VALUES (1, 1.2345, repeat('long ', 3), '2026-01-02 03:04:05.678+00'), (2, NULL, 'x', NULL), (3, 3, repeat('y', 5000), now());
DELETE FROM t WHERE id = 3;
INSERT INTO t VALUES (4, 4, 'w', NULL), (3, 5.55, 'z', NULL);
SELECT run('ALTER TABLE t ALTER price TYPE numeric(10,1), ALTER note TYPE char(4) USING left(note, 4)');
SELECT * FROM kept;
SELECT id, price, "migrate.new_image" = (SELECT migrate.row_image(ROW(t.price)) FROM t WHERE t.id = k.id) AS image_fits
FROM migrate_backup.t_1 k ORDER BY id;
SELECT id, left(note, 20), "migrate.new_image" = (SELECT migrate.row_image(ROW(t.note)) FROM t WHERE t.id = k.id) AS image_fits
FROM migrate_backup.t_2 k ORDER BY id;
-- nothing is kept where no value can change
SELECT run('ALTER TABLE t ALTER price TYPE numeric(12,1), ALTER at TYPE timestamptz');
SELECT run('ALTER TABLE t ALTER note TYPE varchar(20)');
SELECT run('ALTER TABLE t ALTER note TYPE varchar(30)');
SELECT count(*) FROM kept;
-- the key itself: every column is kept
SELECT run('ALTER TABLE t ALTER id TYPE text USING (id + 100)::text');
SELECT * FROM kept ORDER BY backup DESC LIMIT 1;
SELECT id, price, note FROM migrate_backup.t_4 ORDER BY id;
-- many pages, in their order
CREATE TABLE many (id int PRIMARY KEY, v int, pad text);
INSERT INTO many SELECT i, i, repeat('p', i % 300) FROM generate_series(1, 3000) i ORDER BY i % 7;
DELETE FROM many WHERE id % 5 = 0;
VACUUM many;
INSERT INTO many SELECT i, i, 'again' FROM generate_series(5, 3000, 10) i;
SELECT run('ALTER TABLE many ALTER v TYPE text USING (v * 3)::text');
SELECT count(*), count(*) FILTER (WHERE "migrate.new_image" = migrate.row_image(ROW((id * 3)::text)) AND v = id) AS right
FROM migrate_backup.many_5;

-- user-defined types, domains, an error in the middle
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE moods (id int PRIMARY KEY, m mood, n text);
INSERT INTO moods VALUES (1, 'sad', '1'), (2, 'happy', '2'), (3, 'happy', 'three');
SELECT run($up$
DO $$ BEGIN ALTER TABLE moods ALTER n TYPE int USING n::int; EXCEPTION WHEN invalid_text_representation THEN NULL; END $$;
ALTER TABLE moods ALTER m TYPE text;
ALTER TABLE moods ALTER m TYPE mood USING m::mood$up$);
SELECT * FROM kept WHERE relation = 'backup_type.moods' ORDER BY backup;
SELECT id, m, pg_typeof(m), "migrate.new_image" = (SELECT migrate.row_image(ROW(m.m)) FROM moods m WHERE m.id = k.id) AS image_fits FROM migrate_backup.moods_7 k ORDER BY id;
SELECT run('ALTER TABLE moods ALTER n TYPE int USING n::int');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
SELECT run('ALTER TABLE moods ALTER n TYPE nosuch');
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
SELECT run('ALTER TABLE moods ALTER nosuch TYPE int');
\echo :LAST_ERROR_SQLSTATE

-- partitions, children, typed tables, with columns at other places
CREATE TABLE part (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE part_low (gone int, v text, id int NOT NULL);
ALTER TABLE part_low DROP gone;
ALTER TABLE part ATTACH PARTITION part_low FOR VALUES FROM (0) TO (10);
CREATE TABLE base (v text);
CREATE TABLE derived (w int, v text);
ALTER TABLE derived INHERIT base;
CREATE TYPE form AS (a text, b text);
CREATE TABLE formed OF form;
INSERT INTO part VALUES (1, '1');
INSERT INTO base VALUES ('2');
INSERT INTO derived VALUES (0, '3');
INSERT INTO formed VALUES ('4', '5');
SELECT run('ALTER TABLE part ALTER v TYPE int USING v::int; ALTER TABLE base ALTER v TYPE int USING v::int;
ALTER TYPE form ALTER ATTRIBUTE b TYPE varchar(1) CASCADE');
SELECT * FROM kept WHERE relation ~ 'part|base|derived|formed' ORDER BY backup;

-- the limit
CREATE TABLE wide (id int PRIMARY KEY, v int, pad text);
INSERT INTO wide SELECT i, i, repeat('p', 200) FROM generate_series(1, 10000) i;
ANALYZE wide;
SET migrate.backup_limit = '1MB';
SELECT run('ALTER TABLE wide ALTER v TYPE text');
SELECT run('CREATE TABLE widened (a int2, b int); INSERT INTO widened VALUES (1, 2)');
SELECT run('ALTER TABLE widened ALTER a TYPE int, ALTER b TYPE numeric');
\set VERBOSITY terse
SELECT run('ALTER TABLE wide ALTER pad TYPE varchar(100) USING left(pad, 100)');
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
SELECT run('-- migrate: no-backup wide: padding
ALTER TABLE wide ALTER pad TYPE varchar(100) USING left(pad, 100)');
RESET migrate.backup_limit;

-- another expression gives other values; 17 brought that
SELECT current_setting('server_version_num')::integer >= 170000 AS v17 \gset
\if :v17
CREATE TABLE computed (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + 1) STORED);
INSERT INTO computed (id, a) VALUES (1, 10), (2, 20);
DO $$
DECLARE
	next bigint := migrate_version() + 1;
BEGIN
	PERFORM migrate_register(next, 'computed', 'ALTER TABLE backup_type.computed ALTER g SET EXPRESSION AS (a * 2)',
		'ALTER TABLE backup_type.computed ALTER g SET EXPRESSION AS (a + 1)');
	ASSERT (SELECT a.rows_kept FROM migrate_apply(next) a) = 2, 'kept';
	ASSERT (SELECT array_agg(g ORDER BY id) FROM computed) = '{20,40}', 'other values';
	ASSERT (SELECT array_agg(operation || ' ' || "column") FROM migrate_backups() WHERE version = next) = '{set expression g}', 'as what';
	PERFORM migrate_rollback(next - 1);
	ASSERT (SELECT array_agg(g ORDER BY id) FROM computed) = '{11,21}', 'the values that were';
	PERFORM migrate_unregister(next);
END
$$;
DROP TABLE computed;
\endif

-- what sequences lose
CREATE SEQUENCE counted;
CREATE TABLE serials (id int GENERATED ALWAYS AS IDENTITY, v int);
SELECT nextval('counted'), nextval('counted');
INSERT INTO serials (v) VALUES (1), (2), (3);
SELECT run('ALTER SEQUENCE counted RESTART; ALTER SEQUENCE counted INCREMENT 2; ALTER TABLE serials ALTER id DROP IDENTITY; DROP SEQUENCE counted');
SELECT what, operation, relation_name, last_value, is_called, kept_as FROM migrate.backup WHERE what = 'sequence' ORDER BY backup;
SELECT * FROM migrate.backup_problem;
SELECT what, removed > 10 AS removed FROM migrate_prune('0');
DROP SCHEMA backup_type CASCADE;
