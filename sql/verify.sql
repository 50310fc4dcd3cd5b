--
-- migrate_verify(): everything that is not as it should be
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE SCHEMA verify_test;
SET search_path = verify_test, public;
-- without a snapshot there is nothing to hold the schema against
SELECT * FROM migrate_verify();
SELECT migrate_register(1, 'one', 'CREATE TABLE verify_test.a (id integer PRIMARY KEY, t text); INSERT INTO verify_test.a VALUES (1, ''x''), (2, ''x'')',
	'DROP TABLE verify_test.a');
SELECT migrate_register(2, 'two', 'DELETE FROM verify_test.a WHERE id = 1', 'SELECT 2');
SELECT version FROM migrate_apply();
SELECT * FROM migrate_verify();

-- drift, with who wrote it last
CREATE FUNCTION by_hand() RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER TABLE a ADD n integer DEFAULT 5;
COMMENT ON TABLE a IS 'by hand';
GRANT SELECT ON a TO PUBLIC;
ALTER TABLE a ALTER t TYPE varchar(20);
SELECT area, object, problem, regexp_replace(detail, '\d{3,}( at .*)?', 'N') AS detail FROM migrate_verify()
WHERE object !~ 'postgres';
-- the transaction is the one that did it
BEGIN;
ALTER TABLE a ADD m integer;
SELECT detail ~ ('transaction ' || pg_current_xact_id()::xid) AS mine FROM migrate_verify() WHERE object = 'column verify_test.a.m';
ROLLBACK;
-- a snapshot of it is no excuse
SELECT migrate_snapshot('taken as it is') > 0 AS taken;
SELECT count(*) FROM migrate_verify();
-- to put it on the record is
SET migrate.drift = accept;
SELECT migrate_register(3, 'three', 'SELECT 3', 'SELECT 3');
SELECT version FROM migrate_apply();
RESET migrate.drift;
SELECT * FROM migrate_verify();
DROP FUNCTION by_hand;
SELECT area, object, problem FROM migrate_verify();
SELECT migrate_baseline(4);
SELECT * FROM migrate_verify();

-- checksum
SELECT migrate_repair(2, 'a test');
SELECT version, checksum FROM migrate_status();
SELECT * FROM migrate_verify();
BEGIN;
ALTER TABLE migrate.migration DISABLE TRIGGER owner_only;
UPDATE migrate.migration SET applied_token_checksum = '\x00', applied_checksum = '\x00' WHERE version = 1;
SELECT * FROM migrate_verify();
ROLLBACK;

-- ledger
BEGIN;
ALTER TABLE migrate.ledger DISABLE TRIGGER ALL;
UPDATE migrate.ledger SET role = 'somebody else' WHERE entry = 2;
SELECT area, object, problem, detail FROM migrate_verify() WHERE area <> 'drift';
ROLLBACK;

-- backups
SELECT backup, what, operation, kept_as FROM migrate.backup;
BEGIN;
DROP TABLE migrate_backup.a_1;
SELECT area, object, problem, detail FROM migrate_verify();
ROLLBACK;
SELECT * FROM migrate_verify();

-- an index that is not valid
INSERT INTO a VALUES (3, 'x');
CREATE UNIQUE INDEX CONCURRENTLY a_t2 ON a (t);
SELECT area, object, problem, detail FROM migrate_verify() WHERE area = 'index';
DROP INDEX a_t2;
SELECT * FROM migrate_verify();

-- whoever may read
CREATE ROLE regress_verify;
SET ROLE regress_verify;
SELECT * FROM migrate_verify();
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
SELECT migrate_grant('regress_verify', 'reader');
SET ROLE regress_verify;
SELECT * FROM public.migrate_verify();
BEGIN READ ONLY;
SELECT * FROM public.migrate_verify();
ROLLBACK;
RESET ROLE;
RESET search_path;
DROP SCHEMA verify_test CASCADE;
DROP EXTENSION migrate_ext CASCADE;
DROP ROLE regress_verify;
CREATE EXTENSION migrate_ext;
