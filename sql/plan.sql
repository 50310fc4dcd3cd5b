-- migrate_plan(): what apply or rollback would do, without doing it
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;

-- nothing is registered
SELECT * FROM migrate_plan();
SELECT * FROM migrate_plan() \gdesc

SELECT migrate_register(1, 'one', 'CREATE TABLE plan_one (id int)', 'DROP TABLE plan_one');
SELECT migrate_register(2, 'two', 'CREATE TABLE plan_two (id int); SELECT 2; SELECT 22;', 'DROP TABLE plan_two; SELECT 2;');
SELECT migrate_register(3, 'three', E'SELECT 3');
SELECT migrate_register(4, 'four', E'SELECT 4;\nCREATE INDEX CONCURRENTLY ON plan_one (id);', E'\n\nDROP INDEX CONCURRENTLY plan_one_id_idx;');

-- up: all, up to a version, and none; NULL is the latest
SELECT * FROM migrate_plan();
SELECT * FROM migrate_plan(NULL) EXCEPT ALL SELECT * FROM migrate_plan();
SELECT step, version, direction FROM migrate_plan(2);
SELECT step, version, direction FROM migrate_plan(version => 1);
-- it changes nothing, so it can be used where nothing can be changed
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;
SELECT step, version FROM migrate_plan();
COMMIT;
SELECT migrate_version(), to_regclass('plan_one') IS NULL AS nothing_done;

-- it shows what is done
SELECT a.version = p.version AND a.name = p.name AND a.statements = p.statements AND p.direction = 'up' AS as_planned
FROM migrate_plan(3) WITH ORDINALITY p (step, version, name, direction, statements, transactional, rollback, risk, note, n)
FULL JOIN migrate_apply(3) WITH ORDINALITY a (version, name, statements, duration, snapshot, rows_kept, n) USING (n);

-- the rest; the version we are at; down to a lower one, the latest first
SELECT step, version, direction, statements, transactional, rollback, note FROM migrate_plan();
SELECT * FROM migrate_plan(3);
SELECT * FROM migrate_plan(1);
SELECT * FROM migrate_plan(0);

-- what cannot go down says why
SELECT migrate_baseline(4);
SELECT step, version, direction, statements, transactional, rollback, note FROM migrate_plan(2);

-- down shows what is done
SELECT migrate_register(4, 'four', E'SELECT 4;\nCREATE INDEX CONCURRENTLY ON plan_one (id);', 'SELECT 4');
SELECT migrate_register(3, 'three', E'SELECT 3', 'SELECT 33');
SELECT a.version = p.version AND a.name = p.name AND a.statements = p.statements AND p.direction = 'down' AS as_planned
FROM migrate_plan(0) WITH ORDINALITY p (step, version, name, direction, statements, transactional, rollback, risk, note, n)
FULL JOIN migrate_rollback(0) WITH ORDINALITY a (version, name, statements, duration, snapshot, rows_kept, n) USING (n);
SELECT step, version, direction FROM migrate_plan(0);

-- everything that can stand in the way is named
SELECT migrate_unregister(4);
SELECT version FROM migrate_apply();
SELECT migrate_register(5, 'five', E'-- migrate: requires = 4\nROLLBACK;');
SELECT migrate_register(6, 'six', E'-- migrate: no-transaction\nSELECT 1;');
SELECT version, statements, transactional, rollback, note FROM migrate_plan(6);
SELECT migrate_baseline(8);
SELECT migrate_register_file('rollbacks/008_rollback_x.sql', 'SELECT 1');
SELECT version FROM migrate_rollback();
SELECT version, statements, transactional, rollback, note FROM migrate_plan(8);
SELECT migrate_register(9, 'nine', E'-- migrate: requires = 4\nVACUUM;');
SELECT version, statements, transactional, rollback, note FROM migrate_plan(9);

-- only what has been registered is planned
SELECT migrate_unregister(9), migrate_unregister(8);
SELECT count(*) FROM migrate_plan();

-- what apply or rollback would refuse is not planned: unknown versions, and
-- what cannot be one
SELECT migrate_register(20, 'twenty', 'SELECT 20');
SELECT step, version, direction FROM migrate_plan(99);
\echo :LAST_ERROR_SQLSTATE
SELECT step, version, direction FROM migrate_plan(7);
\echo :LAST_ERROR_SQLSTATE
SELECT step, version, direction FROM migrate_plan(-1);
\echo :LAST_ERROR_SQLSTATE

SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
DROP TABLE plan_one, plan_two;
CREATE EXTENSION migrate_ext;
