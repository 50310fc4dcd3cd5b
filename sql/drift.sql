--
-- Drift: what was changed outside of migrations, and what a deployment does about it
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA drift_test;
SET search_path = drift_test, public;
CREATE TABLE before_all (id integer);
SELECT migrate_register(n, 'm' || n, format('CREATE TABLE drift_test.t%s (id integer)', n), format('DROP TABLE drift_test.t%s', n))
FROM generate_series(1, 20) n;

-- what was there before the first migration is no drift, also if somebody looked, nor are rows
SELECT migrate_snapshot() AS snapshot;
CREATE TABLE before_all_too (id integer);
SELECT * FROM migrate_verify();
SELECT version FROM migrate_apply(1);
INSERT INTO t1 VALUES (1);
SELECT version FROM migrate_apply(2);

-- the default: it is told, and the migration is applied; then it is known
ALTER TABLE t1 ADD by_hand text;
SELECT version FROM migrate_apply(3);
SELECT version FROM migrate_apply(4);
SELECT event, count(*) FROM migrate.ledger GROUP BY 1 ORDER BY 1;
-- so does a rollback
DROP TABLE before_all;
SELECT version FROM migrate_rollback();
SELECT version FROM migrate_apply(4);
-- changed and changed back: none
CREATE TABLE passing (id integer);
DROP TABLE passing;
ALTER TABLE t1 RENAME by_hand TO b;
ALTER TABLE t1 RENAME b TO by_hand;
SELECT version FROM migrate_apply(5);

-- refuse
SET migrate.drift = refuse;
CREATE VIEW by_hand AS SELECT 1 AS x;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT version FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_version(), to_regclass('t6'), (SELECT count(*) FROM migrate.ledger WHERE event = 'drift accepted');
DROP VIEW by_hand;
SELECT version FROM migrate_apply(6);
-- a migration of it is no way out while it stands; undone, it is
GRANT SELECT ON t1 TO PUBLIC;
COMMENT ON TABLE t1 IS 'by hand';
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply(7);
\set VERBOSITY default
REVOKE SELECT ON t1 FROM PUBLIC;
COMMENT ON TABLE t1 IS NULL;
SELECT version FROM migrate_apply(7);

-- production refuses by default; the setting says otherwise
SET migrate.drift = default;
SHOW migrate.drift;
SET migrate.environment = production;
CREATE TABLE by_hand (id integer);
SELECT version FROM migrate_apply(8);
\echo :LAST_ERROR_SQLSTATE
SET migrate.drift = warn;
SELECT version FROM migrate_apply(8);
RESET migrate.drift;
SELECT version FROM migrate_apply(9);
RESET migrate.environment;

-- accept: on the record, with what it was
SET migrate.drift = accept;
ALTER TABLE by_hand ADD n integer DEFAULT 5;
CREATE INDEX by_hand_n ON by_hand (n);
SELECT version FROM migrate_apply(10);
SELECT version, name, event, statements, duration, snapshot_before < snapshot_after AS snapshots, reason
FROM migrate.ledger WHERE event = 'drift accepted';
SELECT d.kind, d.object, d.change FROM migrate.ledger l, migrate_diff(l.snapshot_before, l.snapshot_after) d
WHERE l.event = 'drift accepted';
SELECT version FROM migrate_history() WHERE event = 'drift accepted';
SELECT migrate_version();
SELECT * FROM migrate.ledger_break;
-- it says so only when there was some
SELECT version FROM migrate_apply(11);
SELECT count(*) FROM migrate.ledger WHERE event = 'drift accepted';
-- and not when nothing comes of it
CREATE TABLE lost (id integer);
SELECT migrate_register(12, 'm12', 'SELECT 1/0');
SELECT version FROM migrate_apply(12);
SELECT count(*) FROM migrate.ledger WHERE event = 'drift accepted';
DROP TABLE lost;
SELECT migrate_unregister(12);
RESET migrate.drift;

-- many: the first ten
DO $$ BEGIN FOR n IN 1..15 LOOP EXECUTE format('CREATE TABLE drift_test.many_%s ()', n); END LOOP; END $$;
SELECT version FROM migrate_apply(13);

-- objects of other extensions, temporary ones, partitions' triggers and what migrate_backup keeps are none
CREATE TEMP TABLE mine (id integer PRIMARY KEY);
SELECT version FROM migrate_rollback(10);
SELECT version FROM migrate_apply(11);

-- a baseline: what is there then counts as known
CREATE TABLE marked (id integer);
SELECT migrate_baseline(13);
SELECT version FROM migrate_apply(14);
-- in the same transaction
BEGIN;
CREATE TABLE within (id integer);
SELECT version FROM migrate_apply(15);
ROLLBACK;

-- without snapshots nobody sees it, nor at the first one after
SET migrate.snapshots = off;
CREATE TABLE unseen (id integer);
SELECT version FROM migrate_apply(15);
RESET migrate.snapshots;
SELECT version FROM migrate_apply(16);
CREATE TABLE seen (id integer);
SELECT version FROM migrate_apply(17);

-- a snapshot taken by hand vouches for nothing, however often and with whatever label
SET migrate.drift = refuse;
CREATE TABLE slipped (id integer);
SELECT migrate_snapshot('looks well') > 0 AS taken;
SELECT migrate_snapshot() > 0 AS taken;
SELECT area, object, problem FROM migrate_verify();
SELECT version FROM migrate_apply(18);
\echo :LAST_ERROR_SQLSTATE
SELECT version FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE
-- nor does its going change that
SELECT removed > 0 AS removed FROM migrate_prune('0') WHERE what = 'snapshots';
SELECT area, object, problem FROM migrate_verify();
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply(18);
\set VERBOSITY default
-- undone, there is none, whatever was seen in between
DROP TABLE slipped;
SELECT * FROM migrate_verify();
SELECT version FROM migrate_apply(18);
-- accepted, or put on the record by a baseline
CREATE TABLE slipped (id integer);
SELECT migrate_snapshot() > 0 AS taken;
SET migrate.drift = accept;
SELECT version FROM migrate_apply(19);
SELECT d.kind, d.object, d.change FROM (SELECT * FROM migrate.ledger ORDER BY entry DESC OFFSET 1 LIMIT 1) l, migrate_diff(l.snapshot_before, l.snapshot_after) d
WHERE l.event = 'drift accepted';
SET migrate.drift = refuse;
CREATE TABLE slipped_too (id integer);
SELECT migrate_snapshot() > 0 AS taken;
SELECT migrate_baseline(20);
SELECT * FROM migrate_verify();
SELECT migrate_register(21, 'm21', 'CREATE TABLE drift_test.t21 (id integer)', 'DROP TABLE drift_test.t21');
SELECT version FROM migrate_apply(21);
-- what another major version of the server has rendered is not compared, but what was changed since its first snapshot is
BEGIN;
ALTER TABLE migrate.snapshot DISABLE TRIGGER owner_only;
UPDATE migrate.snapshot SET server_version = '9.6';
ALTER TABLE migrate.snapshot ENABLE ALWAYS TRIGGER owner_only;
CREATE TABLE upgraded (id integer);
SELECT * FROM migrate_verify();
SELECT migrate_snapshot() > 0 AS taken;
CREATE TABLE after_upgrade (id integer);
SELECT migrate_snapshot() > 0 AS taken;
SELECT area, object, problem FROM migrate_verify();
SET LOCAL migrate.drift = warn;
SELECT migrate_register(22, 'm22', 'CREATE TABLE drift_test.t22 (id integer)', 'DROP TABLE drift_test.t22');
SELECT version FROM migrate_apply(22);
ROLLBACK;
RESET migrate.drift;

-- what cannot be set
SET migrate.drift = 'ignore';
\echo :LAST_ERROR_SQLSTATE
SET migrate.rollback_verify = 'off';
\echo :LAST_ERROR_SQLSTATE

--
-- migrate.rollback_verify
--
SELECT migrate_register(30, 'leaves', 'CREATE TABLE drift_test.a (id integer); CREATE TABLE drift_test.b (id integer)',
	'DROP TABLE drift_test.a');
SELECT version FROM migrate_apply(30) WHERE version = 30;
SELECT version FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_version(), to_regclass('drift_test.a');
SET migrate.rollback_verify = warn;
SELECT version FROM migrate_rollback();
SELECT version, event, reason FROM migrate.ledger ORDER BY entry DESC LIMIT 1;
SELECT migrate_version(), to_regclass('drift_test.a'), to_regclass('drift_test.b');
RESET migrate.rollback_verify;
DROP TABLE b;
-- changed otherwise: a grant, a comment, a default, a type
SELECT migrate_register(30, 'half', 'CREATE TABLE drift_test.h (a integer DEFAULT 1, b text)', 'DROP TABLE drift_test.h');
SELECT migrate_register(31, 'half', 'ALTER TABLE drift_test.h ALTER a DROP DEFAULT, ALTER b TYPE varchar(9); GRANT SELECT (a) ON drift_test.h TO PUBLIC; COMMENT ON COLUMN drift_test.h.a IS ''x''',
	'ALTER TABLE drift_test.h ALTER a SET DEFAULT 2');
SELECT version FROM migrate_apply() WHERE version >= 30;
SELECT version FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE
-- complete: it is well
SELECT migrate_register(31, 'half', 'ALTER TABLE drift_test.h ALTER a DROP DEFAULT, ALTER b TYPE varchar(9); GRANT SELECT (a) ON drift_test.h TO PUBLIC; COMMENT ON COLUMN drift_test.h.a IS ''x''',
	'ALTER TABLE drift_test.h ALTER a SET DEFAULT 1, ALTER b TYPE text; REVOKE SELECT (a) ON drift_test.h FROM PUBLIC; COMMENT ON COLUMN drift_test.h.a IS NULL');
SELECT version FROM migrate_rollback();
-- the order of columns alone is a notice
SELECT migrate_register(31, 'column', 'ALTER TABLE drift_test.h DROP a', 'ALTER TABLE drift_test.h ADD a integer DEFAULT 1');
SELECT version FROM migrate_apply(31);
SELECT version FROM migrate_rollback();
SELECT reason FROM migrate.ledger ORDER BY entry DESC LIMIT 1;
SELECT migrate_version();
-- what others changed in between is theirs
SELECT migrate_register(31, 'other', 'ALTER TABLE drift_test.h ADD c integer', 'ALTER TABLE drift_test.h DROP c');
SELECT version FROM migrate_apply(31);
CREATE TABLE theirs (id integer);
COMMENT ON TABLE t1 IS 'theirs';
SELECT version FROM migrate_rollback();
SELECT obj_description('t1'::regclass);
-- an up script that ran without snapshots cannot be verified
SET migrate.snapshots = off;
SELECT migrate_register(31, 'blind', 'CREATE TABLE drift_test.blind (id integer)', 'SELECT 1');
SELECT version FROM migrate_apply(31);
RESET migrate.snapshots;
SELECT version FROM migrate_rollback();
DROP TABLE blind;
RESET search_path;
DROP SCHEMA drift_test CASCADE;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
