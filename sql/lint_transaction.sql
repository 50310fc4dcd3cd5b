-- Lint of transactions, timeouts, data, names and what the server is doing: for each
-- rule a script that it speaks of, and one that nearly is.  (lock-conflict-now with
-- others about: specs/lint_live.spec; vacuums against wraparound: t/012_lint.pl)

CREATE SCHEMA regress_lint_transaction;
SET search_path = regress_lint_transaction, public;
CREATE FUNCTION lint(body text) RETURNS TABLE (statement integer, line integer, rule text, severity text, relation text, message text)
LANGUAGE sql AS $$
	SELECT l.statement, l.line, l.rule, l.severity, replace(l.relation, 'regress_lint_transaction.', ''),
		replace(regexp_replace(l.message, '\d+ [kM]B(.*until the end).*', 'N MB\1'), 'regress_lint_transaction.', '')
	FROM migrate_lint_script(body) l JOIN migrate.lint_rules() r USING (rule)
	WHERE r.section = 'F'
$$;
CREATE TABLE artist (id integer PRIMARY KEY, name text, born timestamp, note text);
CREATE TABLE work (id bigint, artist integer);
CREATE TABLE vacant (id bigint);
INSERT INTO artist SELECT i, 'a', NULL, 'n' FROM generate_series(1, 100) i;
INSERT INTO work SELECT i, i FROM generate_series(1, 100) i;
CREATE TABLE large (id bigint, filling text) WITH (fillfactor = 10, autovacuum_enabled = off);
ALTER TABLE large ALTER filling SET STORAGE plain;
INSERT INTO large SELECT i, repeat('x', 700) FROM generate_series(1, 2000) i;
CREATE INDEX large_id ON large (id);
CREATE VIEW work_view AS SELECT id FROM work;
ANALYZE artist, work, large;

-- require-lock-timeout: only where nothing gives one
SET migrate.lock_timeout = 0;
SELECT * FROM lint('COMMENT ON TABLE artist IS ''a''; ALTER TABLE artist ADD a text; ALTER TABLE artist ADD b text');
SELECT * FROM lint('-- migrate: lock_timeout = 1s
	ALTER TABLE artist ADD a text');
SELECT * FROM lint('CREATE TABLE own (id bigint); ALTER TABLE own ADD a text');
SET lock_timeout = '1s';
SELECT * FROM lint('ALTER TABLE artist ADD a text');
RESET lock_timeout;

-- ineffective-timeout: too late, off, long, without effect
SELECT * FROM lint('ALTER TABLE artist ADD a text; SET lock_timeout = ''1s''');
RESET migrate.lock_timeout;
SELECT * FROM lint('SET lock_timeout = 0; ALTER TABLE artist ADD a text; SET lock_timeout TO ''1min''; RESET lock_timeout; RESET ALL');
SELECT * FROM lint('-- migrate: lock_timeout = 1min
	SET statement_timeout = 1000');
SELECT * FROM lint('ALTER TABLE artist ADD a text; SET lock_timeout = 500; SET LOCAL lock_timeout TO nonsense; SET lock_timeout = 1, 2; SET statement_timeout = 0');
SELECT * FROM lint('-- migrate: no-transaction
	SET statement_timeout = 1000');

-- require-statement-timeout and rewrite-resource-risk: from some size on
SELECT * FROM lint('ALTER TABLE artist ALTER id TYPE bigint');
SELECT * FROM lint('ALTER TABLE large ALTER id TYPE numeric; CREATE INDEX ON large (filling)');
SET statement_timeout = '1h';
SELECT * FROM lint('ALTER TABLE large ALTER id TYPE numeric');
RESET statement_timeout;

-- statement-after-access-exclusive
SELECT * FROM lint('ALTER TABLE artist ADD a text; UPDATE work SET artist = 1 WHERE id = 1; CREATE INDEX ON work (id); UPDATE artist SET a = name WHERE id = 1');
SELECT * FROM lint('UPDATE work SET artist = 1 WHERE id = 1; ALTER TABLE artist ADD a text; COMMENT ON TABLE work IS ''w''; CREATE TABLE own (id bigint); INSERT INTO own VALUES (1)');
SELECT * FROM lint('ALTER TABLE vacant ADD a text; UPDATE work SET artist = 1 WHERE id = 1');

-- locks-multiple-tables
SELECT * FROM lint('ALTER TABLE artist ADD a text; ALTER TABLE work ADD a text; ALTER TABLE large ADD a text');
SELECT * FROM lint('ALTER TABLE artist ADD a text; ALTER TABLE artist ADD b text; COMMENT ON TABLE work IS ''w''; CREATE TABLE own (id bigint); ALTER TABLE own ADD a text');
SELECT * FROM lint('ALTER TABLE vacant ADD a text; ALTER TABLE work ADD a text');

-- multiple-alter-table-same-table
SELECT * FROM lint('ALTER TABLE artist ADD CHECK (id > 0); ALTER TABLE artist ALTER note SET NOT NULL');
SELECT * FROM lint('ALTER TABLE artist ADD CHECK (id > 0), ALTER note SET NOT NULL; ALTER TABLE artist ADD a text');
SELECT * FROM lint('ALTER TABLE artist ADD CHECK (id > 0); UPDATE artist SET note = '''' WHERE id = 1; ALTER TABLE artist ALTER note SET NOT NULL');

-- transaction-nesting, ban-uncommitted-transaction: a pair around it all is none
SELECT * FROM lint(E'SELECT 1;\nSAVEPOINT a');
SELECT * FROM lint(E'SELECT 1;\nCOMMIT');
SELECT * FROM lint(E'SELECT 1;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
SELECT * FROM lint(E'SELECT 1;\nLISTEN a');
SELECT * FROM lint(E'SELECT 1;\n\nBEGIN;\nSELECT 2');
SELECT * FROM lint(E'BEGIN;\nSELECT 1;\nCOMMIT');
SELECT * FROM lint(E'CREATE INDEX CONCURRENTLY i ON artist (name)');

-- prefer-robust-stmts: where a script may stop half-way
SELECT * FROM lint('-- migrate: no-transaction
	CREATE TABLE own (id bigint);
	CREATE INDEX CONCURRENTLY i ON artist (name);
	ALTER TABLE artist ADD a text, DROP note, DROP CONSTRAINT artist_pkey;
	CREATE SCHEMA s;
	CREATE SEQUENCE q;
	CREATE VIEW v AS SELECT 1;
	CREATE FUNCTION f() RETURNS integer LANGUAGE sql RETURN 1;
	CREATE TABLE t AS SELECT 1;
	DROP VIEW work_view');
SELECT * FROM lint('-- migrate: no-transaction
	CREATE TABLE IF NOT EXISTS own (id bigint);
	DROP INDEX CONCURRENTLY IF EXISTS i;
	CREATE INDEX CONCURRENTLY i ON artist (name);
	ALTER TABLE artist ADD IF NOT EXISTS a text, DROP IF EXISTS note');
SELECT * FROM lint('-- migrate: no-transaction
	CREATE INDEX CONCURRENTLY i ON artist (name)');
-- what is there is something else
SELECT * FROM lint('ALTER TABLE artist ADD IF NOT EXISTS note integer; CREATE INDEX IF NOT EXISTS large_id ON artist (id)');
SELECT * FROM lint('ALTER TABLE artist ADD IF NOT EXISTS note text; CREATE INDEX IF NOT EXISTS large_id ON large (id)');

-- bulk-data-change: not of what is soon done
SELECT * FROM lint('UPDATE large SET id = 1; DELETE FROM large; DELETE FROM large WHERE id > 10');
SELECT * FROM lint('UPDATE artist SET note = ''''; DELETE FROM work; UPDATE artist SET note = '''' WHERE id = 3; DELETE FROM large WHERE id < 10; DELETE FROM vacant; CREATE TABLE own (id bigint); DELETE FROM own; DELETE FROM nowhere_else.own');

-- ban-duplicate-column-assignments
SELECT * FROM lint('UPDATE artist SET note = ''a'', name = ''b'', note = ''c'' WHERE id = 1; INSERT INTO work (id, id) VALUES (1, 2)');
SELECT * FROM lint('INSERT INTO artist (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET note = ''a'', (name, note) = (''b'', ''c'')');
SELECT * FROM lint('UPDATE artist SET note = ''a'', name = note WHERE id = 1; CREATE TABLE own (a integer[]); UPDATE own SET a[1] = 1, a[2] = 2');

-- schema-drift
SELECT * FROM lint('ALTER TABLE nowhere ADD a text; SELECT FROM nowhere a JOIN nowhere b ON true; DROP VIEW nowhere; CREATE INDEX ON nowhere (id); CREATE TABLE own (id bigint REFERENCES nowhere)');
SELECT * FROM lint('CREATE INDEX large_id ON artist (id); CREATE TABLE artist (id bigint); CREATE VIEW work AS SELECT 1; CREATE SEQUENCE regress_lint_transaction.vacant; CREATE TABLE work_view AS SELECT 1');
SELECT * FROM lint('ALTER TABLE artist ADD note text, DROP nothing; ALTER TABLE work ALTER nothing SET NOT NULL; ALTER TABLE vacant RENAME nothing TO something; ALTER TABLE large RENAME id TO filling');
SELECT * FROM lint('ALTER TABLE artist ADD CONSTRAINT artist_pkey UNIQUE (id), DROP CONSTRAINT nothing; ALTER TABLE work VALIDATE CONSTRAINT nothing');
CREATE TABLE heir (CONSTRAINT positive CHECK (id > 0)) INHERITS (vacant);
ALTER TABLE vacant ADD CONSTRAINT positive CHECK (id > 0);
SELECT * FROM lint('ALTER TABLE heir ADD CONSTRAINT positive CHECK (id > 0)');
DROP TABLE heir;
-- what is allowed to be missing, or there; what earlier statements make or take away
SELECT * FROM lint('ALTER TABLE IF EXISTS nowhere ADD a text; DROP VIEW IF EXISTS nowhere; CREATE TABLE IF NOT EXISTS artist (id bigint); CREATE OR REPLACE VIEW work_view AS SELECT 1::bigint AS id; CREATE TEMP TABLE artist (id bigint)');
SELECT rule, message FROM lint('CREATE TABLE own (id bigserial PRIMARY KEY, up bigint REFERENCES own); ALTER TABLE own ADD a text; ALTER SEQUENCE own_id_seq CACHE 2; ALTER INDEX own_pkey RENAME TO p; SELECT last_value FROM own_id_seq;
	SELECT 1 AS x INTO other; SELECT FROM other; WITH nowhere AS (SELECT 1) SELECT FROM nowhere FOR UPDATE OF nowhere');
SELECT rule, message FROM lint('ALTER TABLE artist DROP note, ADD note integer; ALTER TABLE artist DROP name; ALTER TABLE artist ADD name text; DROP TABLE vacant; CREATE TABLE vacant (id bigint); ALTER TABLE vacant RENAME TO void; ALTER TABLE void ADD a text');
SELECT rule, message FROM lint('CREATE SCHEMA s; SET search_path = s; CREATE TABLE artist (id bigint); ALTER TABLE artist ADD note text');
SELECT rule, message FROM lint('SELECT pg_catalog.set_config(''search_path'', '''', false); ALTER TABLE artist ADD a text; ALTER TABLE regress_lint_transaction.artist ADD a text');
SHOW search_path;
-- what may have been done where lint does not see it
SELECT rule, message FROM lint('DO ''BEGIN END''; ALTER TABLE nowhere ADD a text');
SELECT rule, message FROM lint('-- migrate: role = postgres
	ALTER TABLE nowhere ADD a text');

-- irreversible-migration and non-linear-history
SELECT * FROM lint('-- migrate: no-backup artist: it is made anew from the source
	DELETE FROM artist WHERE id = 1');
SELECT migrate_register(1, 'one', 'CREATE TABLE one (id bigint)', 'DROP TABLE one'), migrate_register(3, 'three', 'SELECT 1', 'SELECT 1');
SELECT migrate_baseline(3);
SELECT migrate_register(2, 'two', 'SELECT 1'), migrate_register(4, 'four', 'SELECT 1', 'SELECT 1'), migrate_register(5, 'five', 'SELECT 1');
SET migrate.out_of_order = on;
SELECT version, statement, rule, severity, message FROM migrate_lint();
RESET migrate.out_of_order;
SELECT migrate_unregister(v) FROM unnest('{2,4,5}'::bigint[]) v;

-- unused-ignore
SELECT * FROM lint(E'-- migrate: ignore bulk-data-change: few rows\nDELETE FROM large;\n-- migrate: ignore bulk-data-change, nonsense: few rows\nSELECT 1');

-- lock-conflict-now: nobody else is here
SELECT * FROM lint('ALTER TABLE artist ADD a text');

-- statements that are wrong
SELECT rule FROM lint('UPDATE nowhere SET a = 1; UPDATE artist SET nothing = 1 WHERE nonsense(); DELETE FROM work_view WHERE id > 0; DELETE FROM pg_class; ALTER TABLE artist ADD IF NOT EXISTS note nonsense; SET nothing.at_all = a');

-- every rule was seen, but those that need others about
CREATE TABLE seen AS SELECT rule FROM lint('SET lock_timeout = 0; UPDATE artist SET name = ''a'', name = ''b''; ALTER TABLE artist ADD CHECK (id > 0); ALTER TABLE artist ADD CHECK (id > 1);
	ALTER TABLE large ALTER id TYPE numeric; ALTER TABLE nowhere ADD a text; SAVEPOINT a;
	-- migrate: ignore nonsense: none
	-- migrate: no-backup artist: it is made anew
	SELECT 1')
UNION SELECT rule FROM lint('DELETE FROM large')
UNION SELECT rule FROM lint('BEGIN; SELECT 1')
UNION SELECT rule FROM lint(E'-- migrate: no-transaction\nDROP TABLE work; SELECT 1');
SET migrate.lock_timeout = 0;
SELECT rule FROM migrate.lint_rules() WHERE section = 'F' EXCEPT SELECT rule FROM seen
EXCEPT SELECT rule FROM lint('ALTER TABLE artist ADD a text') ORDER BY rule;

SET client_min_messages = warning;
DROP SCHEMA regress_lint_transaction CASCADE;
