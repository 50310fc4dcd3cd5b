-- Restore: what a migration destroyed or changed comes back with its rollback
SET client_min_messages = warning;
SET migrate.snapshots = off;
SET migrate.rollback_verify = 'warn';
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA restore;
SET search_path = restore, public;
CREATE SEQUENCE trip START 100;
-- rows of all tables of the schema, by table
CREATE FUNCTION content(OUT tab text, OUT n bigint, OUT digest text) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	FOR tab IN SELECT quote_ident(relname) FROM pg_class
		WHERE relnamespace = 'restore'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C"
	LOOP
		EXECUTE format('SELECT count(*), md5(coalesce(string_agg(to_jsonb(t)::text, '','' ORDER BY to_jsonb(t)::text COLLATE "C"), '''')) FROM restore.%s t', tab)
			INTO n, digest;
		RETURN NEXT;
	END LOOP;
END
$$;
-- applies, does something in between, rolls back; returns what differs from before
CREATE FUNCTION round_trip(up text, down text, meanwhile text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	next bigint := nextval('trip');
	before jsonb;
	after jsonb;
BEGIN
	SELECT jsonb_object_agg(tab, n || ':' || digest) INTO before FROM content();
	PERFORM migrate_register(next, 'trip' || next, up, down);
	PERFORM migrate_apply(next);
	SELECT jsonb_object_agg(tab, n || ':' || digest) INTO after FROM content();
	IF after = before THEN
		RETURN NEXT 'the up script changes nothing';
	END IF;
	IF meanwhile <> '' THEN
		EXECUTE meanwhile;
	END IF;
	PERFORM migrate_rollback();
	SELECT jsonb_object_agg(tab, n || ':' || digest) INTO after FROM content();
	RETURN QUERY SELECT format('%s: %s, was %s', coalesce(a.key, b.key), split_part(a.value, ':', 1), split_part(b.value, ':', 1))
		FROM jsonb_each_text(after) a FULL JOIN jsonb_each_text(before) b USING (key)
		WHERE a.value IS DISTINCT FROM b.value;
	PERFORM migrate_unregister(next);
END
$$;

CREATE TABLE parent (id serial PRIMARY KEY, v text UNIQUE, n numeric(6,2));
CREATE TABLE child (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, w text);
CREATE TABLE nokey (a int, b text);
CREATE TABLE typed (id int PRIMARY KEY, big bigint, v text, g int GENERATED ALWAYS AS (id * 2) STORED, j jsonb, r int4range, arr text[]);
INSERT INTO parent (v, n) SELECT 'v' || i, i * 1.25 FROM generate_series(1, 20) i;
INSERT INTO child (parent, w) SELECT i, 'w' || i FROM generate_series(1, 20) i;
INSERT INTO nokey VALUES (1, 'x'), (1, 'x'), (2, 'yes'), (NULL, NULL);
INSERT INTO typed (id, big, v, j, r, arr) SELECT i, i * 10, 'v' || i, '{"a": 1}', int4range(i, i + 5), ARRAY['x', i::text] FROM generate_series(1, 10) i;
CREATE TABLE part (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (10) TO (100);
INSERT INTO part SELECT i, 'v' || i FROM generate_series(5, 15) i;
CREATE TABLE loose (id int, v text) PARTITION BY RANGE (id);
CREATE TABLE loose_low PARTITION OF loose FOR VALUES FROM (0) TO (10);
CREATE TABLE loose_high PARTITION OF loose FOR VALUES FROM (10) TO (100);
INSERT INTO loose SELECT i, 'v' || i FROM generate_series(5, 15) i;
CREATE TABLE "Quo""ted" ("I,d" int PRIMARY KEY, "select" text);
INSERT INTO "Quo""ted" VALUES (1, 'a'), (2, 'b');

--
-- Changed rows
--
SELECT round_trip('UPDATE parent SET v = v || ''!''', 'SELECT 1');
SELECT round_trip('UPDATE parent SET v = v || ''!''', 'UPDATE parent SET v = rtrim(v, ''!'')');
SELECT round_trip('UPDATE parent SET v = ''x'' || v; UPDATE parent SET v = v || ''y'', n = 0; DELETE FROM parent WHERE id > 15', 'SELECT 1');
SELECT round_trip('UPDATE parent SET id = id + 100', 'SELECT 1');
SELECT round_trip('UPDATE parent SET id = id + 100 WHERE id < 5', 'UPDATE parent SET id = id - 100 WHERE id > 100');
SELECT round_trip('DELETE FROM parent WHERE id % 2 = 0', 'SELECT 1');
SELECT round_trip('MERGE INTO parent p USING (SELECT generate_series(1, 10) AS id) s ON p.id = s.id
WHEN MATCHED AND p.id < 5 THEN DELETE WHEN MATCHED THEN UPDATE SET v = ''merged'' || p.id', 'SELECT 1');
SELECT round_trip('INSERT INTO parent (id, v) VALUES (3, ''upsert'') ON CONFLICT (id) DO UPDATE SET v = excluded.v', 'SELECT 1');
SELECT round_trip('UPDATE nokey SET b = ''z'' WHERE a = 1; DELETE FROM nokey WHERE a IS NULL', 'SELECT 1');
SELECT round_trip('DELETE FROM nokey', 'SELECT 1');
SELECT round_trip('UPDATE typed SET big = 0, j = NULL, r = ''empty'', arr = arr || ARRAY[''more'']', 'SELECT 1');
SELECT round_trip('UPDATE part SET v = ''p''; DELETE FROM part WHERE id > 12', 'SELECT 1');
SELECT round_trip('UPDATE part SET id = id + 20 WHERE id < 8', 'SELECT 1');
SELECT round_trip('UPDATE loose SET id = id + 20, v = ''moved'' WHERE id < 8', 'SELECT 1');
SELECT round_trip('UPDATE "Quo""ted" SET "select" = NULL; DELETE FROM "Quo""ted" WHERE "I,d" = 2', 'SELECT 1');

--
-- Tables
--
SELECT round_trip('TRUNCATE parent, child', 'SELECT 1');
SELECT round_trip('TRUNCATE nokey', 'SELECT 1');
SELECT round_trip('TRUNCATE part', 'SELECT 1');
SELECT round_trip('TRUNCATE parent RESTART IDENTITY CASCADE', 'SELECT 1');
INSERT INTO parent (v) VALUES ('after') RETURNING id;
SELECT round_trip('DROP TABLE child', 'CREATE TABLE child (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, w text)');
INSERT INTO child (parent, w) VALUES (1, 'after') RETURNING id;
SELECT round_trip('DROP TABLE child, parent', 'CREATE TABLE parent (id serial PRIMARY KEY, v text UNIQUE, n numeric(6,2));
CREATE TABLE child (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, w text)');
INSERT INTO parent (v) VALUES ('after twice') RETURNING id;
SELECT round_trip('DROP TABLE nokey', 'CREATE TABLE nokey (a int, b text)');
SELECT round_trip('UPDATE parent SET v = ''u'' || id; DELETE FROM parent WHERE id = 7; DROP TABLE child, parent', 'CREATE TABLE parent (id serial PRIMARY KEY, v text UNIQUE, n numeric(6,2));
CREATE TABLE child (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, w text)');
SELECT round_trip('DROP TABLE "Quo""ted"', 'CREATE TABLE "Quo""ted" ("I,d" int PRIMARY KEY, "select" text)');
SELECT round_trip('DROP TABLE part', 'CREATE TABLE part (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10); CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (10) TO (100)');

--
-- Columns
--
SELECT round_trip('ALTER TABLE typed DROP COLUMN v', 'ALTER TABLE typed ADD COLUMN v text');
SELECT round_trip('ALTER TABLE typed DROP COLUMN big', 'ALTER TABLE typed ADD COLUMN big bigint NOT NULL DEFAULT 7; ALTER TABLE typed ALTER big DROP DEFAULT, ALTER big DROP NOT NULL');
SELECT round_trip('UPDATE typed SET id = id + 50; ALTER TABLE typed DROP COLUMN v; UPDATE typed SET id = id + 50, big = 1', 'ALTER TABLE typed ADD COLUMN v text');
SELECT round_trip('ALTER TABLE nokey DROP COLUMN b', 'ALTER TABLE nokey ADD COLUMN b text');
SELECT round_trip('ALTER TABLE typed ALTER big TYPE text USING ''n'' || (big % 30)', 'ALTER TABLE typed ALTER big TYPE bigint USING NULL');
SELECT round_trip('ALTER TABLE parent ALTER n TYPE int', 'ALTER TABLE parent ALTER n TYPE numeric(6,2)');
SELECT round_trip('ALTER TABLE nokey ALTER b TYPE "char"', 'ALTER TABLE nokey ALTER b TYPE text');
SELECT round_trip('ALTER TABLE part DROP COLUMN v', 'ALTER TABLE part ADD COLUMN v text');
SELECT round_trip('ALTER TABLE "Quo""ted" DROP COLUMN "select"', 'ALTER TABLE "Quo""ted" ADD COLUMN "select" text');

--
-- Rows written in between stay; nothing is lost by going back and forth
--
CREATE TABLE app (id int PRIMARY KEY, v text, w text);
INSERT INTO app SELECT i, 'v' || i, 'w' || i FROM generate_series(1, 6) i;
SELECT migrate_register(1000, 'app', 'ALTER TABLE app DROP COLUMN w; ALTER TABLE app ADD COLUMN x int; UPDATE app SET v = ''V''; CREATE TABLE extra (id int PRIMARY KEY, t text)',
	'DROP TABLE extra; ALTER TABLE app DROP COLUMN x; ALTER TABLE app ADD COLUMN w text');
SELECT rows_kept FROM migrate_apply();
UPDATE app SET x = id;
INSERT INTO app VALUES (7, 'new', 70);
INSERT INTO extra VALUES (1, 'one'), (2, 'two');
SELECT rows_kept FROM migrate_rollback();
SELECT * FROM app ORDER BY id;
INSERT INTO app VALUES (8, 'newer', 'w8');
SELECT rows_kept FROM migrate_apply();
SELECT * FROM app ORDER BY id;
SELECT * FROM extra ORDER BY id;
SELECT rows_kept FROM migrate_rollback();
SELECT * FROM app ORDER BY id;
SELECT what, relation, "column", direction, rows, restored_rows, conflicts FROM migrate_backups() WHERE version = 1000 ORDER BY backup;
SELECT * FROM migrate.backup WHERE restored_at IS NULL AND restored_rows IS NOT NULL;

--
-- An error while rows go back ends the statement, and leaves the session usable
--
CREATE FUNCTION fussy(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_setting('test.fussy', true) = 'on' THEN
		RAISE EXCEPTION 'not now';
	END IF;
	RETURN true;
END
$$;
CREATE TABLE fussy (id int PRIMARY KEY CHECK (restore.fussy(id)));
INSERT INTO fussy VALUES (1), (2);
SELECT migrate_register(1001, 'fussy', 'TRUNCATE fussy', 'SELECT 1');
SELECT rows_kept FROM migrate_apply();
SET test.fussy = on;
SELECT rows_kept FROM migrate_rollback();
SELECT count(*) FROM fussy;
SELECT count(*) FROM migrate.deployment;
RESET test.fussy;
SELECT rows_kept FROM migrate_rollback();
SELECT count(*) FROM fussy;
DROP SCHEMA restore CASCADE;
SELECT what FROM migrate_prune('0');
DROP EXTENSION migrate_ext;
