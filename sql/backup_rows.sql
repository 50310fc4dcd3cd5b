-- Changed rows are kept: whatever way they are changed, and nothing else
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
DROP SCHEMA IF EXISTS migrate_backup, backup_rows CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA backup_rows;
SET search_path = backup_rows, public;
SET migrate.snapshots = off;

-- Apply a script, show what was kept of each table, and take all back.
CREATE PROCEDURE backup_rows_of(script text) LANGUAGE plpgsql AS $$
DECLARE
	b record;
	r record;
BEGIN
	PERFORM migrate_register(1, 'rows', script);
	PERFORM migrate_apply();
	FOR b IN SELECT * FROM migrate.backup WHERE what = 'rows' ORDER BY backup LOOP
		RAISE INFO '%: % kept', b.relation_name, b.rows;
		FOR r IN EXECUTE format('SELECT "migrate.operation" AS operation,'
				' to_jsonb(kept) - ''migrate.ordinal'' - ''migrate.operation'' - ''migrate.new_image'' - ''migrate.changes'' AS line'
				' FROM migrate_backup.%I kept ORDER BY "migrate.ordinal"', b.kept_as) LOOP
			RAISE INFO '  % %', r.operation, r.line;
		END LOOP;
	END LOOP;
	ROLLBACK;
END $$;

CREATE TABLE one (id int PRIMARY KEY, a text, b numeric, twice int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO one (id, a, b) SELECT i, 'a' || i, i FROM generate_series(1, 4) i;

-- UPDATE: the old row; what changes nothing is not kept
CALL backup_rows_of('UPDATE one SET a = upper(a) WHERE id = 1');
CALL backup_rows_of('UPDATE one SET a = a');
CALL backup_rows_of('UPDATE one SET a = NULL WHERE id > 100');
-- a new key is kept beside the row
CALL backup_rows_of('UPDATE one SET id = id + 10 WHERE id = 2');
-- DELETE, and both ways through MERGE
CALL backup_rows_of('DELETE FROM one WHERE id < 3');
CALL backup_rows_of($$MERGE INTO one USING (VALUES (1), (2), (9)) v (id) ON one.id = v.id
	WHEN MATCHED AND v.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET a = 'merged' WHEN NOT MATCHED THEN INSERT (id) VALUES (v.id)$$);
-- INSERT ... ON CONFLICT; INSERT and COPY destroy nothing
CALL backup_rows_of($$INSERT INTO one (id, a) VALUES (1, 'x'), (9, 'new') ON CONFLICT (id) DO UPDATE SET a = excluded.a$$);
CALL backup_rows_of($$INSERT INTO one (id, a) VALUES (1, 'x'), (9, 'new') ON CONFLICT DO NOTHING$$);
CALL backup_rows_of(E'INSERT INTO one (id) VALUES (8);\nCOPY one (id, a) FROM stdin;\n9\tx\n\\.\n');
-- modifying CTEs, and UPDATE ... FROM
CALL backup_rows_of('WITH gone AS (DELETE FROM one WHERE id = 1 RETURNING *) UPDATE one SET a = gone.a FROM gone WHERE one.id = 2');
-- DO, functions, dynamic SQL, WHERE CURRENT OF
CALL backup_rows_of($script$DO $do$ DECLARE c CURSOR FOR SELECT * FROM one WHERE id = 3 FOR UPDATE; BEGIN
	EXECUTE 'UPDATE one SET a = ''dynamic'' WHERE id = 1';
	FOR r IN c LOOP UPDATE one SET a = 'current' WHERE CURRENT OF c; END LOOP; END $do$ $script$);
CREATE FUNCTION change_one() RETURNS void LANGUAGE sql AS $$UPDATE one SET b = 0 WHERE id = 4$$;
CALL backup_rows_of('SELECT change_one()');
-- a row is kept once for each change
CALL backup_rows_of('UPDATE one SET b = 10 WHERE id = 1; UPDATE one SET b = 20 WHERE id = 1; DELETE FROM one WHERE id = 1');

-- subtransactions: what they take back was not changed
CALL backup_rows_of($script$DO $do$ BEGIN
	UPDATE one SET a = 'kept' WHERE id = 1;
	BEGIN UPDATE one SET a = 'dropped'; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END;
	FOR i IN 1 .. 3 LOOP BEGIN
		UPDATE one SET b = i + 100 WHERE id = 2;
		IF i = 2 THEN RAISE division_by_zero; END IF;
	EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $do$ $script$);

-- what the script inserts itself is not kept, nor what becomes of it
CALL backup_rows_of($$INSERT INTO one (id, a) VALUES (50, 'new'), (51, 'new'); UPDATE one SET a = 'newer' WHERE id >= 50;
	UPDATE one SET id = id + 10 WHERE id >= 50; DELETE FROM one WHERE id = 60$$);
CALL backup_rows_of('CREATE TABLE own (id int); INSERT INTO own VALUES (1); UPDATE own SET id = 2; DELETE FROM own');
CALL backup_rows_of('CREATE TEMP TABLE passing AS SELECT * FROM one; DELETE FROM passing');

-- triggers: their own changes are seen, and what they veto is not
CREATE TABLE log (id int PRIMARY KEY, n int);
INSERT INTO log VALUES (1, 0);
CREATE FUNCTION veto() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN UPDATE log SET n = n + 1; IF old.id = 1 THEN RETURN NULL; END IF; new.b := -1; RETURN new; END$$;
CREATE TRIGGER veto BEFORE UPDATE ON one FOR EACH ROW EXECUTE FUNCTION veto();
CALL backup_rows_of('UPDATE one SET a = ''x'' WHERE id < 3');
CALL backup_rows_of('SET session_replication_role = replica; UPDATE one SET a = ''x'' WHERE id = 1');
DROP TRIGGER veto ON one;

-- foreign keys
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE,
	other int REFERENCES parent ON DELETE SET NULL);
INSERT INTO parent VALUES (1), (2), (3);
INSERT INTO child VALUES (1, 1, 3), (2, 2, 1);
CALL backup_rows_of('DELETE FROM parent WHERE id = 1');
CALL backup_rows_of('UPDATE parent SET id = 20 WHERE id = 2');

-- views, with and without a trigger of their own
CREATE VIEW seen AS SELECT id, a FROM one;
CALL backup_rows_of('UPDATE seen SET a = ''view'' WHERE id = 1');

-- partitions: those the rows are in; a row that moves; those that an INSERT finds
CREATE TABLE part (id int, k text, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
CREATE TABLE part_b PARTITION OF part FOR VALUES IN ('b') PARTITION BY RANGE (id);
CREATE TABLE part_b1 PARTITION OF part_b FOR VALUES FROM (1) TO (100);
INSERT INTO part VALUES (1, 'a', 'one'), (2, 'b', 'two');
CALL backup_rows_of('UPDATE part SET v = upper(v)');
CALL backup_rows_of('UPDATE part SET k = ''b'' WHERE id = 1');
CALL backup_rows_of('UPDATE part SET k = ''b'' WHERE k = ''a''; UPDATE part SET v = ''moved'' WHERE id = 1; DELETE FROM part WHERE id = 1');
CALL backup_rows_of($$INSERT INTO part VALUES (2, 'b', 'x') ON CONFLICT (id, k) DO UPDATE SET v = excluded.v$$);
CREATE TABLE heir (more int) INHERITS (one);
INSERT INTO heir (id, a, more) VALUES (7, 'heir', 7);
CALL backup_rows_of('UPDATE one SET b = 70 WHERE id = 7');

-- without a key; with types of the user's, quoted names, large values that stay
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN short AS varchar(5);
CREATE TABLE "No Key" ("Mood" mood, short short, pair one);
INSERT INTO "No Key" VALUES ('sad', 'x', ROW(1, 'a', 1.5, 2));
CALL backup_rows_of('UPDATE "No Key" SET "Mood" = ''ok''');
CREATE TABLE large (id int PRIMARY KEY, doc text, n int);
ALTER TABLE large ALTER doc SET STORAGE EXTERNAL;
INSERT INTO large VALUES (1, repeat('x', 10000), 1);
CALL backup_rows_of('UPDATE large SET n = 2');
CREATE FUNCTION kept_length(script text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	n int;
BEGIN
	PERFORM migrate_register(1, 'rows', script);
	PERFORM migrate_apply();
	EXECUTE format('SELECT length(doc) FROM migrate_backup.%I', (SELECT kept_as FROM migrate.backup)) INTO n;
	RETURN n;
END $$;
BEGIN;
SELECT kept_length('UPDATE large SET doc = ''short''');
ROLLBACK;
BEGIN;
SELECT kept_length('DELETE FROM large');
ROLLBACK;

-- a table that is altered meanwhile is kept again as it is then
CALL backup_rows_of('UPDATE child SET other = 2 WHERE id = 1; ALTER TABLE child ADD COLUMN c int DEFAULT 3; UPDATE child SET other = 1 WHERE id = 1');

-- EXPLAIN changes nothing; EXPLAIN ANALYZE does
CALL backup_rows_of('EXPLAIN UPDATE one SET a = ''x'' WHERE id = 1');
CALL backup_rows_of('EXPLAIN ANALYZE UPDATE one SET a = ''x'' WHERE id = 1');

-- row security hides nothing from what is kept
ALTER TABLE one ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CALL backup_rows_of('UPDATE one SET a = ''x'' WHERE id = 1');

-- let go, and the limit
CALL backup_rows_of(E'-- migrate: no-backup one: not needed\nUPDATE one SET a = ''x'' WHERE id = 1');
SET migrate.backup_limit = '1MB';
INSERT INTO large SELECT i, repeat(i::text, 3000), i FROM generate_series(2, 500) i;
SELECT migrate_register(1, 'rows', 'DELETE FROM large');
SELECT migrate_apply();
SET migrate.backups = off;
CALL backup_rows_of('DELETE FROM large');

SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
DROP SCHEMA IF EXISTS migrate_backup CASCADE;
DROP SCHEMA backup_rows CASCADE;
