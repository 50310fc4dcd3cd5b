-- migrate_rehearse() and migrate_statements(): what each statement really does
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE TABLE customer (id bigint PRIMARY KEY, email text, note varchar(10));
INSERT INTO customer SELECT g, 'c' || g FROM generate_series(1, 1000) g;
CREATE TABLE purchase (id bigint PRIMARY KEY, customer bigint REFERENCES customer ON DELETE CASCADE, amount integer);
INSERT INTO purchase SELECT g, g, g FROM generate_series(1, 1000) g;
CREATE INDEX purchase_amount ON purchase (amount);
CREATE SEQUENCE invoice;
ANALYZE customer, purchase;
-- what was read before does not count
SELECT count(*), sum(amount) FROM purchase;
SET client_min_messages = notice;

-- without the milliseconds
CREATE FUNCTION apply() RETURNS bigint LANGUAGE sql SET client_min_messages = error AS 'SELECT count(*) FROM migrate_apply()';
CREATE FUNCTION rollback() RETURNS bigint LANGUAGE sql SET client_min_messages = warning AS 'SELECT count(*) FROM migrate_rollback()';
-- what of a rehearsal is the same each time
CREATE VIEW rehearsal AS
SELECT version, direction, statement, line, command, relation, lock_mode, rewrite, scan, build, rows, error
FROM migrate_rehearse();

--
-- Nothing to do
--
SELECT * FROM migrate_rehearse();
SELECT * FROM migrate_rehearse() \gdesc

--
-- Locks, rewrites, scans, builds and rows, of what was there before
--
SELECT migrate_register(1, 'many', $$
CREATE TABLE fresh (id bigint PRIMARY KEY, customer bigint);
INSERT INTO fresh SELECT id, id FROM customer;
ALTER TABLE customer ADD COLUMN phone text;
ALTER TABLE customer ADD CHECK (email <> '');
ALTER TABLE customer ALTER COLUMN note TYPE varchar(20);
ALTER TABLE customer ALTER COLUMN email TYPE varchar(20);
ALTER TABLE customer ADD COLUMN stamp double precision DEFAULT random();
CREATE INDEX customer_email ON customer (email);
UPDATE purchase SET amount = amount + 1 WHERE id <= 10;
ALTER TABLE fresh ADD FOREIGN KEY (customer) REFERENCES customer ON DELETE CASCADE;
$$, $$
DROP TABLE fresh;
ALTER TABLE customer DROP COLUMN stamp, DROP COLUMN phone, DROP CONSTRAINT customer_email_check;
DROP INDEX customer_email;
ALTER TABLE customer ALTER COLUMN email TYPE text;
ALTER TABLE customer ALTER COLUMN note TYPE varchar(10);
UPDATE purchase SET amount = amount - 1 WHERE id <= 10;
$$);
SELECT * FROM rehearsal;
-- everything is undone
SELECT count(*) FROM migrate.ledger;
SELECT count(*) FROM migrate.snapshot;
SELECT to_regclass('fresh'), sum(amount) FROM purchase;
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND mode = 'AccessExclusiveLock';
SELECT * FROM migrate.deployment;
-- it can be applied, and the record says the same
SELECT apply();
SELECT version, statement, line, command, relation, lock_mode, rewrite, scan, build, rows FROM migrate_statements(1);
SELECT event, wal_bytes > 0 AS wal, hold > interval '0' AS hold FROM migrate_history();

--
-- Dropped, truncated, rebuilt; cascades and triggers
--
SELECT migrate_register(2, 'gone', $$
DELETE FROM customer WHERE id <= 5;
REINDEX INDEX purchase_amount;
DROP INDEX purchase_amount;
TRUNCATE purchase;
DROP TABLE purchase;
SELECT 1;
DO $do$
BEGIN
	CREATE TABLE brief (a int);
	DROP TABLE brief;
	ALTER TABLE customer DROP COLUMN phone;
END
$do$;
COMMENT ON TABLE customer IS 'those who buy';
$$);
SELECT * FROM rehearsal;

--
-- What is measured of a statement stands in its first row
--
SELECT statement, command, count(*) AS rows, count(wal_bytes) AS wal, count(duration) AS duration,
	count(lock_wait) AS lock_wait, count(buffers) AS buffers, count(hold) AS hold
FROM migrate_rehearse() GROUP BY statement, command ORDER BY statement;
SELECT bool_and(wal_bytes >= 0 AND duration >= '0' AND lock_wait >= '0' AND buffers >= 0) FROM migrate_rehearse() WHERE duration IS NOT NULL;

--
-- An error ends it, and is a row
--
SELECT migrate_register(3, 'fails', $$
ALTER TABLE customer ADD COLUMN three int;

SELECT 1 / 0;
ALTER TABLE customer ADD COLUMN four int;
$$);
SELECT version, statement, line, command, error FROM migrate_rehearse() WHERE version = 3;
SELECT version, statement, line, command, error FROM migrate_rehearse(2) WHERE error IS NOT NULL;
-- while it is parsed, and after the last statement
SELECT migrate_unregister(3);
SELECT migrate_register(3, 'late', $$
CREATE TABLE late (id bigint PRIMARY KEY, up bigint REFERENCES late DEFERRABLE INITIALLY DEFERRED);
INSERT INTO late VALUES (1, 2);
$$);
SELECT version, statement, line, command, error FROM migrate_rehearse() WHERE version = 3;
-- what cannot run in a transaction: what comes before it is rehearsed
SELECT migrate_unregister(3);
SELECT migrate_register(3, 'alone', $$
SELECT 1;
CREATE INDEX CONCURRENTLY ON customer (id);
$$);
SELECT version, statement, line, command, error FROM migrate_rehearse() WHERE version = 3 OR error IS NOT NULL;
SELECT migrate_unregister(3);
-- a script that raises what a cancel does
SELECT migrate_register(3, 'cancels', $$ DO $do$ BEGIN RAISE EXCEPTION 'enough' USING ERRCODE = 'query_canceled'; END $do$; $$);
SELECT * FROM migrate_rehearse();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_unregister(3);

--
-- What it cannot undo is told
--
SELECT migrate_register(3, 'sequences', $$
SELECT nextval('invoice'), nextval('invoice');
SELECT pg_advisory_lock(4711);
NOTIFY rehearse_channel, 'never sent';
COPY (SELECT 1) TO PROGRAM 'cat >/dev/null';
$$);
LISTEN rehearse_channel;
SELECT statement, command, relation, lock_mode, error FROM migrate_rehearse() WHERE version = 3;
SELECT last_value FROM invoice;
SELECT pg_advisory_unlock(4711);
UNLISTEN rehearse_channel;
SELECT migrate_unregister(3);

--
-- Up, down, up again
--
SELECT migrate_unregister(2);
SELECT migrate_register(2, 'there_and_back', $$
ALTER TABLE customer ADD COLUMN vat text;
UPDATE customer SET vat = 'x' WHERE id < 4;
$$, $$
ALTER TABLE customer DROP COLUMN vat;
$$);
SELECT version, direction, statement, command, rows, error FROM migrate_rehearse(round_trip := true);
SELECT migrate_register(3, 'half_back', $$
ALTER TABLE customer ADD COLUMN fax text;
CREATE INDEX customer_fax ON customer (fax);
$$, $$
DROP INDEX customer_fax;
$$);
SELECT version, direction, statement, command, error FROM migrate_rehearse(round_trip := true) WHERE version = 3 OR error IS NOT NULL;
SELECT migrate_register(3, 'half_back', $$
ALTER TABLE customer ADD COLUMN fax text;
$$, $$
SELECT 1;
$$);
SELECT version, direction, statement, command, error FROM migrate_rehearse(round_trip := true) WHERE error IS NOT NULL;
SELECT migrate_unregister(3);
SELECT migrate_register(3, 'no_way_back', $$ CREATE TABLE way (a int); $$);
SELECT version, direction, statement, command, error FROM migrate_rehearse(round_trip := true) WHERE error IS NOT NULL;
SELECT migrate_unregister(3);

--
-- The budget for locks
--
SHOW migrate.rehearse_budget;
SELECT migrate_register(3, 'slow', $$
ALTER TABLE customer ADD COLUMN slow int;
SELECT pg_sleep(5);
$$);
SET migrate.rehearse_budget = '100ms';
SELECT version, statement, command, relation, lock_mode, error FROM migrate_rehearse() WHERE version = 3;
-- no lock, no budget
SELECT migrate_unregister(3);
SELECT migrate_unregister(2);
SELECT migrate_register(3, 'slow', $$ CREATE TABLE slow (a int); SELECT pg_sleep(0.2); $$);
SELECT version, statement, command, relation, lock_mode, error FROM migrate_rehearse() WHERE version = 3;
-- a lock that nobody could know
SELECT migrate_unregister(3);
SELECT migrate_register(3, 'slow', $$ DO $do$ BEGIN ALTER TABLE customer ADD COLUMN slow int; PERFORM pg_sleep(0.2); END $do$; SELECT 1; $$);
SELECT version, error FROM migrate_rehearse() WHERE version = 3 AND error IS NOT NULL;
RESET migrate.rehearse_budget;
-- the session goes on
SELECT pg_sleep(0.2);
SELECT migrate_unregister(3);

--
-- A session may rehearse, apply, rehearse, roll back, again and again
--
SELECT migrate_register(2, 'again', $$ ALTER TABLE customer ADD COLUMN again int DEFAULT 1; UPDATE customer SET again = 2; $$, $$ ALTER TABLE customer DROP COLUMN again; $$);
PREPARE customers AS SELECT count(*), count(c) FROM customer c;
EXECUTE customers;
SELECT count(*) FROM migrate_rehearse();
EXECUTE customers;
SELECT apply();
EXECUTE customers;
SELECT count(*) FROM migrate_rehearse();
SELECT rollback();
SELECT count(*) FROM migrate_rehearse();
SELECT apply();
SELECT rollback();
EXECUTE customers;
-- in a transaction that has done something already
BEGIN;
ALTER TABLE customer ADD COLUMN before int;
CREATE TABLE before (a int);
SELECT statement, command, relation, lock_mode, rows FROM migrate_rehearse();
SELECT count(before), (SELECT count(*) FROM before) FROM customer;
-- locks that were taken in advance: the record tells which statement needed which
LOCK TABLE customer, purchase IN ACCESS EXCLUSIVE MODE;
SET LOCAL client_min_messages = error;
SELECT apply();
SELECT statement, command, relation, lock_mode, rows FROM migrate_statements(2) WHERE entry = (SELECT max(entry) FROM migrate.ledger);
ROLLBACK;
SELECT * FROM migrate_verify();

--
-- What is raised
--
-- 42704
SELECT * FROM migrate_rehearse(99);
\echo :LAST_ERROR_SQLSTATE
-- 22023
SELECT * FROM migrate_rehearse(0);
\echo :LAST_ERROR_SQLSTATE
-- 55000: a script that rehearses, and a rehearsed script that applies
SELECT migrate_register(3, 'nested', $$ SELECT count(*) FROM migrate_rehearse() $$);
SELECT apply();
\echo :LAST_ERROR_SQLSTATE
SELECT version, statement, error FROM migrate_rehearse() WHERE version = 3;
SELECT migrate_unregister(3);
-- 55000: a round trip without snapshots, or out of order
SET migrate.snapshots = off;
SELECT * FROM migrate_rehearse(round_trip := true);
\echo :LAST_ERROR_SQLSTATE
RESET migrate.snapshots;
SELECT migrate_baseline(10, 'later');
SELECT migrate_register(9, 'older', 'SELECT 1', 'SELECT 1');
SET migrate.out_of_order = on;
SELECT * FROM migrate_rehearse(9, round_trip := true);
\echo :LAST_ERROR_SQLSTATE
-- 25006, 25001
BEGIN READ ONLY;
SELECT * FROM migrate_rehearse();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM migrate_rehearse();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
-- 55000, 42501: the record is append-only, and ours
UPDATE migrate.ledger_statement SET rows = 0;
\echo :LAST_ERROR_SQLSTATE
DELETE FROM migrate.ledger_statement;
\echo :LAST_ERROR_SQLSTATE
TRUNCATE migrate.ledger_statement;
\echo :LAST_ERROR_SQLSTATE
CREATE ROLE regress_rehearse;
GRANT ALL ON migrate.ledger_statement TO regress_rehearse;
GRANT USAGE ON SCHEMA migrate TO regress_rehearse;
SET ROLE regress_rehearse;
INSERT INTO migrate.ledger_statement VALUES (1, 99, 1, 'SELECT', '0', NULL, NULL, 0, 0, 0, NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_rehearse();
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
DROP OWNED BY regress_rehearse;

--
-- Nobody locks by a rehearsal what they may not touch
--
SELECT migrate_grant('regress_rehearse', 'deployer');
SET ROLE regress_rehearse;
SELECT migrate_register(9, 'older', $$ ALTER TABLE customer ADD COLUMN mine int; $$);
SELECT version, statement, relation, error FROM migrate_rehearse(9);
RESET ROLE;

DROP VIEW rehearsal;
DROP FUNCTION apply, rollback;
DROP TABLE purchase, customer, fresh;
DROP SEQUENCE invoice;
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
DROP SCHEMA IF EXISTS migrate_backup CASCADE;
DROP OWNED BY regress_rehearse;
DROP ROLE regress_rehearse;
