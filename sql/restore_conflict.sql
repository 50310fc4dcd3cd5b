-- Restore: rows that changed since stay as they are, and are told
SET client_min_messages = warning;
SET migrate.snapshots = off;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA restore_conflict;
SET search_path = restore_conflict, public;
CREATE VIEW kept AS
SELECT backup, direction, what, relation, "column", rows, restored_at IS NOT NULL AS done, restored_rows, conflicts FROM migrate_backups();
CREATE TABLE t (id int PRIMARY KEY, v text, w text UNIQUE);
INSERT INTO t SELECT i, 'v' || i, 'w' || i FROM generate_series(1, 8) i;

--
-- Rows
--
SELECT migrate_register(1, 'rows', 'UPDATE t SET v = upper(v) WHERE id < 6; DELETE FROM t WHERE id > 6', 'SELECT 1');
SELECT rows_kept FROM migrate_apply();
UPDATE t SET v = 'mine' WHERE id = 2;		-- conflict
UPDATE t SET w = 'mine' WHERE id = 3;		-- another column: no conflict
UPDATE t SET v = 'v4' WHERE id = 4;			-- it is what it was already
DELETE FROM t WHERE id = 5;					-- it stays deleted
INSERT INTO t VALUES (7, 'other', 'w70');	-- conflict: has the key
INSERT INTO t VALUES (9, 'other', 'w8');	-- conflict: has the unique value
SELECT rows_kept FROM migrate_rollback();
SELECT * FROM t ORDER BY id;
SELECT * FROM kept;
SELECT key, reason FROM migrate.restore_conflict ORDER BY key;
-- again, when what was in the way is gone
DELETE FROM t WHERE id IN (7, 9);
SELECT * FROM migrate_restore(1);
SELECT * FROM t ORDER BY id;
SELECT * FROM kept;
SELECT key, reason FROM migrate.restore_conflict ORDER BY key;

--
-- Foreign keys: rows that refer to what is gone fail the rollback
--
CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t);
INSERT INTO child VALUES (1, 7);
SELECT migrate_unregister(1);
SELECT migrate_register(2, 'child', 'DELETE FROM child', 'SELECT 1');
SELECT rows_kept FROM migrate_apply();
DELETE FROM t WHERE id = 7;
SELECT rows_kept FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE
INSERT INTO t VALUES (7, 'v7', 'w7');
SELECT rows_kept FROM migrate_rollback();
TABLE child;
DROP TABLE child;

--
-- What is gone is told, and stays kept
--
SELECT migrate_register(3, 'gone', 'ALTER TABLE t DROP COLUMN v', 'SELECT 1');
SELECT migrate_unregister(2);
SELECT rows_kept FROM migrate_apply();
SET client_min_messages = notice;
SET migrate.rollback_verify = 'warn';
SELECT rows_kept FROM migrate_rollback();
SET client_min_messages = warning;
SELECT * FROM kept WHERE "column" = 'v';
ALTER TABLE t ADD COLUMN v int;
SELECT * FROM migrate_restore((SELECT backup FROM kept WHERE "column" = 'v'));
SELECT * FROM t WHERE v IS NOT NULL;
ALTER TABLE t ALTER v TYPE text;
SELECT * FROM migrate_restore((SELECT backup FROM kept WHERE "column" = 'v'));
SELECT * FROM t ORDER BY id;

--
-- Who may
--
CREATE ROLE restore_owner;
CREATE ROLE restore_other;
GRANT USAGE, CREATE ON SCHEMA restore_conflict TO restore_owner, restore_other;
SELECT migrate_grant('restore_owner', 'deployer'), migrate_grant('restore_other', 'deployer');
CREATE TABLE own (id int PRIMARY KEY, secret text);
INSERT INTO own VALUES (1, 'secret');
ALTER TABLE own OWNER TO restore_owner;
SELECT migrate_unregister(3);
SELECT migrate_register(4, 'own', 'DROP TABLE own', 'SELECT 1');
SELECT rows_kept FROM migrate_apply();
SELECT max(backup) AS own FROM migrate_backups() \gset
SET ROLE restore_other;
CREATE TABLE own (id int PRIMARY KEY, secret text);
SELECT * FROM migrate_restore(:own);
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
SET client_min_messages = notice;
SELECT rows_kept FROM migrate_rollback();
SET client_min_messages = warning;
SELECT count(*) FROM own;
SET ROLE restore_owner;
SET client_min_messages = notice;
SELECT * FROM migrate_restore(:own);
SET client_min_messages = warning;
RESET ROLE;
DROP TABLE own;
SET ROLE restore_owner;
CREATE TABLE own (id int PRIMARY KEY, secret text);
SELECT * FROM migrate_restore(:own);
SELECT * FROM own;
SELECT * FROM migrate.restore_conflict;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

--
-- Arguments
--
SELECT * FROM migrate_restore(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_restore(12345);
\echo :LAST_ERROR_SQLSTATE
DROP VIEW kept;
DROP SCHEMA restore_conflict CASCADE;
SELECT what FROM migrate_prune('0');
DROP EXTENSION migrate_ext;
DROP ROLE restore_owner, restore_other;
