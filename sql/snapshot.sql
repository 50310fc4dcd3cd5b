--
-- Snapshots: taken by hand and around migrations
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA snapshot_test;
SET search_path = snapshot_test, public;
CREATE VIEW snapshot_list AS
SELECT s.snapshot, s.version, s.label, s.changes,
	(SELECT min(o.snapshot) FROM migrate_snapshots() o WHERE o.fingerprint = s.fingerprint) AS same_as
FROM migrate_snapshots() s;
SELECT * FROM migrate_snapshots();

-- the first has everything; one that finds nothing new is stored all the same
SELECT migrate_snapshot('first');
SELECT migrate_snapshot();
SELECT migrate_snapshot('it''s "third"');
CREATE TABLE one (id integer PRIMARY KEY, t text);
SELECT migrate_snapshot('a table');
SELECT snapshot, version, label, CASE WHEN snapshot > 1 THEN changes END AS changes, same_as FROM snapshot_list;
SELECT snapshot, objects - first_value(objects) OVER (ORDER BY snapshot) AS more, at <= clock_timestamp() AS at, length(fingerprint)
FROM migrate_snapshots();

-- the fingerprint is of the schema alone: back again, it is what it was, though the OIDs are others
DROP TABLE one;
SELECT migrate_snapshot('gone');
CREATE TABLE one (id integer PRIMARY KEY, t text);
SELECT migrate_snapshot('again');
INSERT INTO one VALUES (1, 'x');
ANALYZE one;
VACUUM one;
TRUNCATE one;
CREATE TEMP TABLE passing (id integer);
SELECT migrate_snapshot('rows, statistics, another file and a temporary table are no schema');
SELECT snapshot, label, changes, same_as FROM snapshot_list WHERE snapshot > 4;

-- a snapshot that is rolled back is none
BEGIN;
CREATE TABLE two (id integer);
SELECT migrate_snapshot('never');
ROLLBACK;
SELECT migrate_snapshot('after');
SELECT snapshot, label, changes, same_as FROM snapshot_list WHERE snapshot > 7;
BEGIN;
CREATE TABLE two (id integer);
SAVEPOINT s;
ALTER TABLE two ADD b integer;
SELECT migrate_snapshot('within');
ROLLBACK TO s;
SELECT migrate_snapshot('after the savepoint');
COMMIT;
SELECT kind, object, change FROM migrate_diff();
SELECT count(*) FROM migrate_diff((SELECT max(snapshot) FROM migrate_snapshots()));

-- around migrations: one before the first, one after each that changed something
SELECT migrate_register(1, 'a', 'CREATE TABLE snapshot_test.a (id integer)', 'DROP TABLE snapshot_test.a');
SELECT migrate_register(2, 'rows', 'INSERT INTO snapshot_test.a VALUES (1)', 'DELETE FROM snapshot_test.a');
SELECT migrate_register(3, 'b', 'ALTER TABLE snapshot_test.a ADD b integer', 'ALTER TABLE snapshot_test.a DROP b');
SELECT max(snapshot) AS before FROM migrate_snapshots() \gset
SELECT version, snapshot - :before AS snapshot FROM migrate_apply();
SELECT version, event, snapshot_before - :before AS before, snapshot_after - :before AS after FROM migrate.ledger ORDER BY entry;
SELECT version, snapshot - :before AS snapshot FROM migrate_rollback(0);
SELECT version, event, snapshot_before - :before AS before, snapshot_after - :before AS after FROM migrate.ledger ORDER BY entry;
SELECT snapshot - :before AS snapshot, version, changes, CASE WHEN same_as >= :before THEN same_as - :before END AS same_as
FROM snapshot_list WHERE snapshot > :before;
-- off: none
SET migrate.snapshots = off;
SELECT version, snapshot FROM migrate_apply();
SELECT version, event, snapshot_before, snapshot_after FROM migrate.ledger WHERE entry > 6 ORDER BY entry;
SELECT version, snapshot FROM migrate_rollback(0);
RESET migrate.snapshots;

-- what is stored is each definition once
SELECT count(*) FROM migrate.object_version v WHERE NOT EXISTS (SELECT FROM migrate.definition d WHERE d.digest = v.digest);
SELECT count(*) FROM migrate.definition d WHERE digest <> sha256(convert_to(body::text, 'UTF8'));

-- errors
SELECT migrate_snapshot('x') FROM generate_series(1, 0);
BEGIN READ ONLY;
SELECT migrate_snapshot();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT migrate_snapshot();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT migrate_register(4, 'nested', 'SELECT migrate_snapshot()');
SELECT version FROM migrate_apply(4);
\echo :LAST_ERROR_SQLSTATE
DELETE FROM migrate.snapshot WHERE false;
CREATE ROLE regress_snapshot;
SET ROLE regress_snapshot;
SELECT migrate_snapshot();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_snapshots();
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
DROP ROLE regress_snapshot;

-- pruning leaves the last, and what it consists of
SELECT max(snapshot) AS last FROM migrate_snapshots() \gset
SELECT migrate_schema(:last) = migrate_schema() AS same;
SELECT what, removed > 0 AS removed, bytes > 0 AS bytes FROM migrate_prune('0') WHERE what = 'snapshots';
SELECT snapshot = :last AS last FROM migrate_snapshots();
SELECT migrate_schema(:last) = migrate_schema() AS same;
SELECT count(*) FROM migrate_diff(:last);
SELECT count(*) FROM migrate.object_version WHERE until IS NOT NULL;
-- a foreign key needs the table it refers to, not that table's partitions
SELECT migrate_unregister(4);
SELECT migrate_register(5, 'partitions', $$-- migrate: search_path = snapshot_test
CREATE TABLE k (id integer PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE k1 PARTITION OF k FOR VALUES IN (1) PARTITION BY LIST (id);
CREATE TABLE k11 PARTITION OF k1 FOR VALUES IN (1);
CREATE TABLE f (id integer REFERENCES k)$$);
SELECT count(*) FROM migrate_apply();
SELECT o.kind, o.name
FROM migrate.object_version f JOIN migrate.object_version o ON o.id = ANY (f.needs)
WHERE f.name = 'f_id_fkey on snapshot_test.f'
ORDER BY 1, 2;

RESET search_path;
DROP SCHEMA snapshot_test CASCADE;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
