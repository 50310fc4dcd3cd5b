--
-- migrate_generate_rollback(): a down script from the snapshots around the up script
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA generate_test;
CREATE ROLE regress_generate;
-- Apply an up script, generate its down script, run it; says whether the schema is what it was.
CREATE FUNCTION generate_check(up text, OUT script text, OUT problem text) LANGUAGE plpgsql AS $$
DECLARE
	v bigint := migrate_version() + 1;
	before text;
	detail text;
BEGIN
	PERFORM migrate_register(v, 'up', E'-- migrate: search_path = generate_test, public\n' || up);
	PERFORM migrate_apply(v);
	script := migrate_generate_rollback(v);
	PERFORM migrate_register(v, 'up', E'-- migrate: search_path = generate_test, public\n' || up, script);
	PERFORM migrate_rollback();
	PERFORM migrate_unregister(v);
	script := regexp_replace(script, '^[^\n]*\n', '');
	-- versions of the server write views each in their way
	script := regexp_replace(script, '(CREATE (?:OR REPLACE )?VIEW [^ ]+) AS\n SELECT [^;]*;', '\1 AS ...;', 'g');
EXCEPTION WHEN others THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	problem := SQLSTATE || ' ' || SQLERRM || ' ' || detail;
	script := regexp_replace(script, '^[^\n]*\n', '');
END $$;
SELECT migrate_register(1, 'base', $up$-- migrate: search_path = generate_test
CREATE TYPE mood AS ENUM ('sad','ok');
CREATE TABLE a (id serial PRIMARY KEY, name text NOT NULL, n integer DEFAULT 5, m mood DEFAULT 'ok');
CREATE TABLE b (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a_id int REFERENCES a, note varchar(20) CHECK (note <> ''));
CREATE INDEX ON a (name);
CREATE VIEW v AS SELECT id, name, n FROM a;
CREATE VIEW v2 AS SELECT name FROM v;
CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x+1';
COMMENT ON TABLE a IS 'the a';
GRANT SELECT ON a TO PUBLIC;
ALTER TABLE a ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON a USING (name <> 'x');
$up$);
SELECT version FROM migrate_apply();
\pset format unaligned
\pset tuples_only on
-- the first line says what it is
SELECT migrate_register(2, 'more', 'CREATE TABLE generate_test.more (id integer)');
SELECT count(*) FROM migrate_apply();
SELECT migrate_generate_rollback(2) ~ E'^-- Takes back migration 2 \\(more\\): written from snapshots \\d+ and \\d+, to be read before it is used.\nDROP TABLE generate_test.more;\n$';
SELECT migrate_register(2, 'more', 'CREATE TABLE generate_test.more (id integer)', migrate_generate_rollback(2));
SELECT version FROM migrate_rollback();
SELECT migrate_unregister(2);

-- the first grants on objects: what is taken back leaves the privileges they have by themselves
SELECT * FROM generate_check('GRANT SELECT ON b TO PUBLIC; GRANT SELECT ON v TO PUBLIC; GRANT EXECUTE ON FUNCTION f(int) TO regress_generate; REVOKE EXECUTE ON FUNCTION f(int) FROM PUBLIC;
GRANT USAGE ON TYPE mood TO regress_generate; GRANT USAGE ON SEQUENCE a_id_seq TO PUBLIC; REVOKE ALL ON b FROM postgres; GRANT USAGE ON SCHEMA generate_test TO regress_generate');

-- security labels; no provider is there to take them back
SELECT migrate_register(2, 'labels', $$SET allow_system_table_mods = on;
INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES ('generate_test.a'::regclass, 'pg_class'::regclass, 0, 'p', 'old'),
	('generate_test.a'::regclass, 'pg_class'::regclass, 2, 'p', 'gone'), ('generate_test.b'::regclass, 'pg_class'::regclass, 1, 'p', 'stays')$$);
SELECT count(*) FROM migrate_apply();
SELECT migrate_register(3, 'labels', $$SET allow_system_table_mods = on;
UPDATE pg_seclabel SET label = 'it''s new' WHERE label = 'old'; DELETE FROM pg_seclabel WHERE label = 'gone';
INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES ('generate_test.f'::regproc, 'pg_proc'::regclass, 0, 'p', 'came'),
	('generate_test.b'::regclass, 'pg_class'::regclass, 3, 'p', 'came'), ('generate_test.mood'::regtype, 'pg_type'::regclass, 0, 'p', 'came');
ALTER TABLE generate_test.b ADD labelled integer;
INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES ('generate_test.b'::regclass, 'pg_class'::regclass, 4, 'p', 'came')$$);
SELECT count(*) FROM migrate_apply();
SELECT migrate_generate_rollback(3);
SET allow_system_table_mods = on;
DELETE FROM pg_seclabel WHERE provider = 'p';
RESET allow_system_table_mods;
SET migrate.drift = accept;
SELECT migrate_register(3, 'labels', (SELECT body FROM migrate.script WHERE version = 3 AND direction = 'up'), 'ALTER TABLE generate_test.b DROP labelled');
SELECT migrate_register(2, 'labels', (SELECT body FROM migrate.script WHERE version = 2 AND direction = 'up'), 'SELECT 1');
SET migrate.rollback_verify = warn;
SET client_min_messages = error;
SELECT version FROM migrate_rollback(1);
SET client_min_messages = warning;
RESET migrate.rollback_verify;
RESET migrate.drift;
SELECT migrate_unregister(v) FROM generate_series(2, 3) v;

-- much at once
SELECT * FROM generate_check($up$
DROP VIEW v2;
DROP VIEW v;
ALTER TABLE a DROP COLUMN n;
ALTER TABLE a ADD COLUMN created timestamptz DEFAULT now() NOT NULL;
ALTER TABLE b ALTER COLUMN note TYPE text;
ALTER TABLE b RENAME COLUMN note TO remark;
ALTER TABLE b RENAME TO bb;
CREATE TABLE c (id int PRIMARY KEY, bb_id bigint REFERENCES bb);
CREATE INDEX ON c (bb_id);
CREATE OR REPLACE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x+2';
DROP POLICY p ON a;
ALTER TABLE a DISABLE ROW LEVEL SECURITY;
REVOKE SELECT ON a FROM PUBLIC;
COMMENT ON TABLE a IS NULL;
ALTER TYPE mood ADD VALUE 'happy';
$up$);
-- nothing
SELECT * FROM generate_check('INSERT INTO a (name) VALUES (''x'')');
-- one by one: made
SELECT * FROM generate_check('CREATE SCHEMA generate_new; CREATE TABLE generate_new.t (id serial PRIMARY KEY, b text UNIQUE)');
SELECT * FROM generate_check('CREATE VIEW a1 AS SELECT * FROM v; CREATE VIEW a2 AS SELECT * FROM a1; COMMENT ON VIEW a2 IS ''x''');
SELECT * FROM generate_check('CREATE TYPE kind AS ENUM (''x''); ALTER TABLE a ADD k kind; CREATE INDEX ON a (k)');
SELECT * FROM generate_check('CREATE DOMAIN word AS text CHECK (VALUE <> ''''); CREATE FUNCTION g(word) RETURNS word LANGUAGE sql AS ''SELECT $1''; ALTER TABLE a ADD w word');
SELECT * FROM generate_check('CREATE TABLE p (id integer) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (10); CREATE INDEX ON p (id)');
SELECT * FROM generate_check('CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM a; CREATE UNIQUE INDEX ON m (count)');
SELECT * FROM generate_check('CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN new; END''; CREATE TRIGGER tt BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION tf()');
-- dropped
SELECT * FROM generate_check('DROP TABLE b');
SELECT * FROM generate_check('DROP VIEW v2, v; DROP FUNCTION f(integer)');
SELECT * FROM generate_check('ALTER TABLE a DROP COLUMN n CASCADE');
SELECT * FROM generate_check('ALTER TABLE b DROP CONSTRAINT b_a_id_fkey, DROP CONSTRAINT b_note_check');
SELECT * FROM generate_check('DROP INDEX a_name_idx; DROP POLICY p ON a');
-- changed
SELECT * FROM generate_check('ALTER TABLE b ALTER note TYPE text');
SELECT * FROM generate_check('ALTER TABLE a ALTER n SET DEFAULT 6, ALTER n SET NOT NULL; ALTER TABLE a ALTER name DROP NOT NULL');
SELECT * FROM generate_check('ALTER TABLE a RENAME COLUMN name TO title');
SELECT * FROM generate_check('ALTER TABLE a RENAME TO aa; ALTER TABLE aa RENAME COLUMN n TO nn');
SELECT * FROM generate_check('GRANT INSERT ON a TO PUBLIC; REVOKE SELECT ON a FROM PUBLIC; GRANT UPDATE (name) ON a TO PUBLIC');
SELECT * FROM generate_check('COMMENT ON TABLE a IS ''it''''s''; COMMENT ON COLUMN a.n IS ''n''');
SELECT * FROM generate_check('ALTER TABLE b ALTER id SET GENERATED BY DEFAULT SET INCREMENT 3');
SELECT * FROM generate_check('ALTER TABLE a SET (fillfactor = 50); ALTER TABLE a ALTER name SET STATISTICS 5, ALTER name SET STORAGE EXTERNAL');
SELECT * FROM generate_check('CREATE OR REPLACE VIEW v AS SELECT id, name, n, m FROM a; ALTER VIEW v SET (security_barrier)');
SELECT * FROM generate_check('DROP FUNCTION f(integer); CREATE FUNCTION f(x int, y int DEFAULT 1) RETURNS bigint LANGUAGE sql AS ''SELECT x + y''');
SELECT * FROM generate_check('ALTER SEQUENCE a_id_seq INCREMENT 7 CACHE 3');
SELECT * FROM generate_check('ALTER TYPE mood ADD VALUE ''happy'' BEFORE ''ok''');
SELECT * FROM generate_check('ALTER TYPE mood RENAME VALUE ''ok'' TO ''fine''');

-- a new column has taken the name of a renamed one; two have changed names; one has taken another's
SELECT * FROM generate_check($up$
ALTER TABLE a DROP CONSTRAINT a_pkey CASCADE;
ALTER TABLE a RENAME COLUMN id TO old_id;
ALTER TABLE a ADD COLUMN id bigserial PRIMARY KEY;
CREATE VIEW v3 AS SELECT id FROM a;
$up$);
SELECT * FROM generate_check($up$
ALTER TABLE a RENAME COLUMN name TO other;
ALTER TABLE a RENAME COLUMN n TO name;
ALTER TABLE a RENAME COLUMN other TO n;
$up$);
SELECT * FROM generate_check($up$
ALTER TABLE b RENAME COLUMN a_id TO a;
ALTER TABLE b RENAME COLUMN note TO a_id;
$up$);
-- the columns of a view do not follow those of its table
SELECT * FROM generate_check($up$
ALTER TABLE a RENAME COLUMN name TO title;
DROP VIEW v, v2;
CREATE VIEW v AS SELECT id, title, n FROM a;
$up$);
-- a partition of a table that a foreign key refers to can only be dropped when it is none any more
SELECT migrate_register(2, 'partitions', $up$-- migrate: search_path = generate_test
CREATE TABLE k (id integer PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE k1 PARTITION OF k FOR VALUES IN (1);
CREATE TABLE f (id integer REFERENCES k);
$up$);
SELECT version FROM migrate_apply();
SELECT * FROM generate_check($up$
CREATE TABLE k2 PARTITION OF k FOR VALUES IN (2) PARTITION BY LIST (id);
CREATE TABLE k22 PARTITION OF k2 FOR VALUES IN (2);
$up$);

-- errors: 42704, 55000
\set VERBOSITY terse
SELECT migrate_generate_rollback(99);
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_generate_rollback(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(50, 'pending', 'SELECT 1');
SELECT migrate_generate_rollback(50);
\echo :LAST_ERROR_SQLSTATE
SET migrate.snapshots = off;
SELECT version FROM migrate_apply(50);
SELECT migrate_generate_rollback(50);
\echo :LAST_ERROR_SQLSTATE
RESET migrate.snapshots;
SELECT migrate_baseline(51);
SELECT migrate_generate_rollback(51);
\echo :LAST_ERROR_SQLSTATE
-- what has been pruned is no base to write from
SELECT migrate_generate_rollback(1) ~ 'DROP TABLE generate_test.a;';
SELECT migrate_snapshot() > 0;
SELECT what, removed > 0 AS removed FROM migrate_prune('0') WHERE what = 'snapshots';
SELECT migrate_generate_rollback(1);
\echo :LAST_ERROR_SQLSTATE
DROP FUNCTION generate_check;
DROP SCHEMA generate_test CASCADE;
DROP ROLE regress_generate;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
