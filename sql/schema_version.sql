-- The one-row relation schema_version(version, applied_at, description)
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;

-- a file in the seed format: checks the version first, sets it last
CREATE FUNCTION schema_version_seed(needs bigint, sets bigint, body text DEFAULT '') RETURNS text LANGUAGE sql AS $f$
SELECT format($$-- Description: to version %2$s
DO $do$
DECLARE current_version bigint;
BEGIN
	SELECT version INTO current_version FROM schema_version;
	IF current_version <> %1$s THEN
		RAISE EXCEPTION 'needs schema version %1$s, found %%', current_version;
	END IF;
END $do$;
BEGIN;
%3$s
UPDATE schema_version SET version = %2$s, applied_at = NOW(), description = 'file: %2$s';
COMMIT;
$$, needs, sets, body) $f$;

-- absent: nothing is checked, and nothing is created
SELECT migrate_register(1, 'one', 'SELECT 1', 'SELECT 1');
SELECT version FROM migrate_apply();
SELECT to_regclass('schema_version');
SELECT version FROM migrate_rollback();

-- there, at 0, long ago
CREATE TABLE schema_version (version bigint NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), description text);
INSERT INTO schema_version VALUES (0, '2001-01-01', 'empty');
CREATE VIEW schema_version_now AS SELECT version, applied_at > now() - interval '1 hour' AS recent, description FROM schema_version;

-- a file that does not know of it: it is set, with the name or the description
SELECT version FROM migrate_apply();
SELECT * FROM schema_version_now;
SELECT migrate_register(2, 'two', E'-- Description: It''s a "second" one\nSELECT 2', 'SELECT 2');
SELECT version FROM migrate_apply();
SELECT * FROM schema_version_now;

-- files that check and set it, after one that did not: what they wrote stays
SELECT migrate_register(3, 'three', schema_version_seed(2, 3), schema_version_seed(3, 2));
SELECT migrate_register(4, 'four', schema_version_seed(3, 4), schema_version_seed(4, 3));
SELECT version, statements FROM migrate_apply();
SELECT * FROM schema_version_now;

-- back: what they wrote stays, what they did not write is written
SELECT version FROM migrate_rollback(2);
SELECT * FROM schema_version_now;
SELECT version FROM migrate_rollback(1);
SELECT * FROM schema_version_now;
SELECT version FROM migrate_rollback(0);
SELECT * FROM schema_version_now;

-- the file's own check refuses: its error, its line, and nothing is left
UPDATE schema_version SET version = 7;
SELECT version FROM migrate_apply(1);
SELECT * FROM schema_version_now;
UPDATE schema_version SET version = 9;
SELECT version FROM migrate_apply(2);
SELECT migrate_register(3, 'three', schema_version_seed(9, 3), schema_version_seed(3, 2));
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT version FROM schema_version_now;
SELECT migrate_register(3, 'three', schema_version_seed(2, 3), schema_version_seed(3, 2));

-- 22023: a file that sets another version than its own; nothing is left
SELECT migrate_register(4, 'four', schema_version_seed(3, 5, 'CREATE TABLE schema_version_wrong (id int);'));
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM schema_version_now;
SELECT to_regclass('schema_version_wrong'), migrate_version();
-- 22023: the same on the way down
SELECT migrate_register(4, 'four', schema_version_seed(3, 4), schema_version_seed(4, 7));
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE
SELECT version FROM schema_version_now;
-- a file that sets it back to where it was
SELECT migrate_register(4, 'four', schema_version_seed(3, 4), schema_version_seed(4, 3));
SELECT version FROM migrate_rollback();

-- versions with gaps: a down file may say version - 1, or the one below
SELECT migrate_register(4, 'four', schema_version_seed(3, 4), schema_version_seed(4, 3));
SELECT migrate_register(10, 'ten', schema_version_seed(4, 10), schema_version_seed(10, 9));
SELECT migrate_register(20, 'twenty', schema_version_seed(10, 20), schema_version_seed(20, 10));
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback(4);
SELECT version FROM schema_version_now;
-- out of order: a file says its own version, the relation says the latest
SELECT migrate_unregister(10), migrate_unregister(20);
SELECT version FROM migrate_rollback(1);
SELECT migrate_unregister(2);
SELECT migrate_unregister(3), migrate_unregister(4);
SELECT migrate_register(3, 'three', schema_version_seed(1, 3), 'SELECT 3');
SELECT version FROM migrate_apply();
SELECT migrate_register(2, 'two', schema_version_seed(3, 2), 'SELECT 2');
SET migrate.out_of_order = on;
SELECT version FROM migrate_apply();
RESET migrate.out_of_order;
SELECT version FROM schema_version_now;
SELECT version FROM migrate_rollback(0);

-- a baseline sets it
SELECT migrate_baseline(2, 'as found');
SELECT * FROM schema_version_now;
SELECT version FROM migrate_rollback(0);
SELECT migrate_unregister(2), migrate_unregister(3);

-- empty: a row comes in; several rows: another tool's, left alone
DELETE FROM schema_version;
SELECT version FROM migrate_apply();
SELECT * FROM schema_version_now;
INSERT INTO schema_version VALUES (77, '2001-01-01', 'other');
SELECT version FROM migrate_rollback();
SELECT * FROM schema_version_now ORDER BY version;
DROP VIEW schema_version_now;
DROP TABLE schema_version;

-- other columns: left alone; other types: kept right
CREATE TABLE schema_version (version bigint);
INSERT INTO schema_version VALUES (0);
SELECT version FROM migrate_apply();
SELECT * FROM schema_version;
SELECT version FROM migrate_rollback();
DROP TABLE schema_version;
CREATE TABLE schema_version (version int, applied_at date, description varchar(100), extra int DEFAULT 5);
INSERT INTO schema_version VALUES (0);
SELECT version FROM migrate_apply();
SELECT version, applied_at IS NOT NULL AS set, description, extra FROM schema_version;
SELECT version FROM migrate_rollback();
DROP TABLE schema_version;
CREATE TABLE schema_version (version text, applied_at timestamptz, description text);
INSERT INTO schema_version VALUES ('000');
SELECT version FROM migrate_apply();
SELECT version, description FROM schema_version;
SELECT version FROM migrate_rollback();
-- what the file writes as 003 is 3
SELECT migrate_register(3, 'three', $$UPDATE schema_version SET version = '003', description = 'file'$$, $$UPDATE schema_version SET version = '001'$$);
SELECT version FROM migrate_apply();
SELECT version, description FROM schema_version;
SELECT version FROM migrate_rollback(1);
SELECT version FROM schema_version;
SELECT migrate_register(3, 'three', $$UPDATE schema_version SET version = '004'$$);
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
-- what is no number is another tool's
UPDATE schema_version SET version = 'v1.4.2', description = 'theirs';
SELECT migrate_register(3, 'three', 'SELECT 3', 'SELECT 3');
SELECT version FROM migrate_apply();
SELECT version, description FROM schema_version;
SELECT version FROM migrate_rollback(1);
UPDATE schema_version SET version = '3rd';
SELECT version FROM migrate_apply();
SELECT version, description FROM schema_version;
SELECT version FROM migrate_rollback(1);
-- NULL counts as not known
UPDATE schema_version SET version = NULL;
SELECT migrate_register(3, 'three', 'SELECT 3', 'SELECT 3');
SELECT version FROM migrate_apply();
SELECT version, description FROM schema_version;
SELECT version FROM migrate_rollback(0);
SELECT migrate_unregister(3);
DROP TABLE schema_version;

-- 22003: a version that does not fit; the error names the migration
CREATE TABLE schema_version (version smallint, applied_at timestamptz, description text);
INSERT INTO schema_version VALUES (0);
SELECT migrate_register(20260101000000, 'long', 'SELECT 1', 'SELECT 1');
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_version(), version FROM schema_version;
-- the usual column of a file in the seed format; the hint does it
ALTER TABLE schema_version ALTER version TYPE integer;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_version(), version FROM schema_version;
ALTER TABLE public.schema_version ALTER version TYPE bigint;
SELECT version FROM migrate_apply();
SELECT migrate_version(), version FROM schema_version;
SELECT version FROM migrate_rollback(0);
-- an error of a trigger: the same
SELECT migrate_unregister(20260101000000);
CREATE FUNCTION schema_version_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
CREATE TRIGGER schema_version_trigger BEFORE UPDATE ON schema_version FOR EACH ROW EXECUTE FUNCTION schema_version_trigger();
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_version(), version FROM schema_version;
DROP TABLE schema_version;
DROP FUNCTION schema_version_trigger;

-- a view is left alone: it would run the functions in it as us
CREATE TABLE schema_version_base (v int, a timestamptz, d text);
INSERT INTO schema_version_base VALUES (0);
CREATE VIEW schema_version AS SELECT v AS version, a AS applied_at, d AS description FROM schema_version_base;
SELECT version FROM migrate_apply();
SELECT v, d FROM schema_version_base;
SELECT version FROM migrate_rollback();
DROP VIEW schema_version;
DROP TABLE schema_version_base;

-- made by the migration itself, without a row, with its own, with another
SELECT migrate_register(2, 'makes', 'CREATE TABLE schema_version (version bigint, applied_at timestamptz, description text)', 'DROP TABLE schema_version');
SELECT version FROM migrate_apply();
SELECT version, description FROM schema_version;
SELECT version FROM migrate_rollback(1);
SELECT to_regclass('schema_version');
SELECT migrate_register(2, 'makes', $$CREATE TABLE schema_version AS SELECT 2::bigint AS version, now() AS applied_at, 'file' AS description$$, 'DROP TABLE schema_version');
SELECT version FROM migrate_apply();
SELECT version, description FROM schema_version;
SELECT version FROM migrate_rollback(1);
SELECT migrate_register(2, 'makes', $$CREATE TABLE schema_version AS SELECT 0::bigint AS version, now() AS applied_at, 'file' AS description$$, 'DROP TABLE schema_version');
SELECT version FROM migrate_apply();
SELECT version, description FROM schema_version;
SELECT version FROM migrate_rollback(0);
SELECT migrate_unregister(2);

-- it is the one on the caller's search_path, whatever the script sets
CREATE SCHEMA "Schema Version";
CREATE TABLE "Schema Version".schema_version (version bigint, applied_at timestamptz, description text);
INSERT INTO "Schema Version".schema_version VALUES (0);
SELECT version FROM migrate_apply();
SELECT version FROM "Schema Version".schema_version;
SELECT version FROM migrate_rollback();
SET search_path = "Schema Version", public;
SELECT migrate_register(2, 'path', 'SET search_path = pg_catalog', 'SELECT 2');
SELECT version FROM migrate_apply();
SELECT version, description FROM "Schema Version".schema_version;
SELECT version FROM migrate_rollback(0);
RESET search_path;
DROP SCHEMA "Schema Version" CASCADE;
SELECT migrate_unregister(2);

-- a caller who may not read or write it: 42501, with the place, nothing done
CREATE ROLE regress_schema_version;
SELECT migrate_grant('regress_schema_version', 'deployer');
CREATE TABLE schema_version (version bigint NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), description text);
INSERT INTO schema_version VALUES (0);
SET ROLE regress_schema_version;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT SELECT ON schema_version TO regress_schema_version;
SET ROLE regress_schema_version;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
SELECT migrate_version(), version FROM schema_version;
GRANT UPDATE ON schema_version TO regress_schema_version;
SET ROLE regress_schema_version;
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback();
RESET ROLE;
-- row security that hides the row: another one does not come in
ALTER TABLE schema_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY adds ON schema_version FOR INSERT WITH CHECK (true);
GRANT INSERT ON schema_version TO regress_schema_version;
SET ROLE regress_schema_version;
SELECT count(*) FROM schema_version;
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback();
RESET ROLE;
SELECT version, description FROM schema_version;
REVOKE INSERT ON schema_version FROM regress_schema_version;
DROP POLICY adds ON schema_version;
-- row security that lets the caller read but not write: it is never passed
-- over that nothing was written
ALTER TABLE schema_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON schema_version FOR SELECT USING (true);
SET ROLE regress_schema_version;
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply();
\set VERBOSITY default
RESET ROLE;
SELECT migrate_version() = (SELECT version FROM schema_version) AS in_step, count(*) FROM schema_version;
DROP TABLE schema_version;

-- a trigger of the users' that finds things by the search_path of the caller
CREATE SCHEMA schema_version_s;
GRANT USAGE ON SCHEMA schema_version_s TO PUBLIC;
CREATE TABLE schema_version_s.seen (version bigint, who text);
GRANT ALL ON schema_version_s.seen TO PUBLIC;
CREATE FUNCTION schema_version_s.remember() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO seen VALUES (new.version, CASE WHEN current_user = session_user THEN 'caller' ELSE current_user END);
	RETURN new;
END $$;
SET search_path = schema_version_s, public;
CREATE TABLE schema_version_s.schema_version (version bigint, applied_at timestamptz, description text);
INSERT INTO schema_version VALUES (0);
CREATE TRIGGER remember BEFORE UPDATE ON schema_version FOR EACH ROW EXECUTE FUNCTION remember();
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback();
SELECT * FROM seen;
DELETE FROM seen;

-- a table of somebody else: a caller who may act as its owner touches it as
-- the owner, whose trigger gets nothing else
CREATE ROLE regress_schema_version_owner;
CREATE TABLE schema_version_s.tries (what text, who text, code text);
GRANT ALL ON schema_version_s.tries TO PUBLIC;
CREATE FUNCTION schema_version_s.tries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	command text;
	code text;
BEGIN
	FOREACH command IN ARRAY ARRAY['ALTER ROLE regress_schema_version_owner SUPERUSER', 'RESET ROLE', 'SET ROLE NONE',
		'RESET SESSION AUTHORIZATION', 'CREATE TEMP TABLE schema_version_left (id int)', 'SELECT 1']
	LOOP
		code := 'done';
		BEGIN
			EXECUTE command;
		EXCEPTION WHEN others THEN
			code := SQLSTATE;
		END;
		INSERT INTO tries VALUES (command, CASE WHEN current_user = session_user THEN 'caller' ELSE current_user END, code);
	END LOOP;
	RETURN new;
END $$;
ALTER TABLE schema_version OWNER TO regress_schema_version_owner;
CREATE TRIGGER tries BEFORE UPDATE ON schema_version FOR EACH ROW EXECUTE FUNCTION tries();
SELECT version FROM migrate_apply();
SELECT * FROM tries;
SELECT * FROM seen;
SELECT version FROM schema_version;
SELECT current_user = session_user AS still_us, current_setting('role') AS role;
SELECT rolname FROM pg_roles WHERE rolname LIKE 'regress_schema_version%' AND rolsuper;
-- the script itself runs as the caller
SELECT migrate_register(2, 'writes', 'UPDATE schema_version SET version = 2');
DELETE FROM seen;
ALTER TABLE schema_version DISABLE TRIGGER tries;
SELECT version FROM migrate_apply();
SELECT * FROM seen;
-- a caller who may not leaves it alone, and is told
DROP TRIGGER tries ON schema_version;
DELETE FROM seen;
SET ROLE regress_schema_version;
SELECT migrate_register(3, 'three', 'SELECT 3', 'SELECT 3');
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback();
SELECT migrate_baseline(4);
RESET ROLE;
SELECT version FROM schema_version;
SELECT * FROM seen;
SELECT migrate_version();
-- it is a member of the owner: the owner does
GRANT regress_schema_version_owner TO regress_schema_version;
SET ROLE regress_schema_version;
SELECT migrate_baseline(5);
RESET ROLE;
SELECT version FROM schema_version;
SELECT * FROM seen;
RESET search_path;
DROP SCHEMA schema_version_s CASCADE;

SELECT * FROM migrate.ledger_break;
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
DROP FUNCTION schema_version_seed;
DROP ROLE regress_schema_version, regress_schema_version_owner;
CREATE EXTENSION migrate_ext;

--
-- What the second reading found
--
SET client_min_messages = warning;
CREATE SCHEMA schema_version_more;
SET search_path = schema_version_more, public;
-- a description that is too long is cut, up and down
CREATE TABLE schema_version (version bigint NOT NULL, applied_at timestamptz, description varchar(20));
INSERT INTO schema_version VALUES (0);
SELECT migrate_register(10, 'ten', E'-- Description: More than twenty characters\nSELECT 1', 'SELECT 1');
SELECT version FROM migrate_apply();
SELECT version, description FROM schema_version;
SELECT version FROM migrate_rollback();
SELECT version, description FROM schema_version;
SELECT migrate_unregister(10);
-- a down script may know less than was applied out of order since it was written
SELECT migrate_register(3, 'a', 'UPDATE schema_version SET version = 3', 'UPDATE schema_version SET version = 1');
SELECT migrate_register(5, 'b', 'UPDATE schema_version SET version = 5', 'UPDATE schema_version SET version = 3');
SELECT version FROM migrate_apply();
SELECT migrate_register(4, 'c', 'UPDATE schema_version SET version = 4', 'UPDATE schema_version SET version = 3');
SET migrate.out_of_order = on;
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback();
SELECT version FROM schema_version;
SELECT version FROM migrate_rollback(0);
-- another table in front of the old one starts with whatever it says
CREATE SCHEMA schema_version_front;
SET search_path = schema_version_front, schema_version_more, public;
SELECT migrate_register(6, 'front', 'CREATE TABLE schema_version_front.schema_version (version bigint, applied_at timestamptz, description text);
INSERT INTO schema_version_front.schema_version VALUES (77)');
SELECT version FROM migrate_apply();
SELECT version FROM schema_version;
DROP SCHEMA schema_version_front CASCADE;
-- a stranger's trigger on our table, a child of it, a column of a type of somebody's
-- (the WARNING names the superuser)
SET client_min_messages = error;
SET search_path = schema_version_more, public;
CREATE ROLE regress_schema_version_stranger;
CREATE FUNCTION schema_version_stolen() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''stolen''; END';
CREATE TRIGGER stolen BEFORE UPDATE ON schema_version FOR EACH ROW EXECUTE FUNCTION schema_version_stolen();
ALTER FUNCTION schema_version_stolen() OWNER TO regress_schema_version_stranger;
SELECT migrate_register(7, 'seven', 'SELECT 1');
SELECT version FROM migrate_apply();
DROP TRIGGER stolen ON schema_version;
CREATE TABLE schema_version_child () INHERITS (schema_version);
SELECT migrate_register(8, 'eight', 'SELECT 1');
SELECT version FROM migrate_apply();
DROP TABLE schema_version_child;
CREATE DOMAIN schema_version_number AS bigint;
ALTER TABLE schema_version ALTER version TYPE schema_version_number;
SELECT migrate_register(9, 'nine', 'SELECT 1');
SELECT version FROM migrate_apply();
SELECT version FROM schema_version;
DROP SCHEMA schema_version_more CASCADE;
DROP ROLE regress_schema_version_stranger;
RESET search_path;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
RESET client_min_messages;
