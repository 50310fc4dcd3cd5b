-- Who may do what: every function and every verb, by every kind of role
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE ROLE regress_privileges_deployer;
CREATE ROLE regress_privileges_reader;
CREATE ROLE regress_privileges_nobody;
CREATE ROLE regress_privileges_default;

-- default privileges that give everything away, as platforms have them
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_privileges_default, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_privileges_default, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_privileges_default, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_privileges_default, PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO regress_privileges_default WITH GRANT OPTION;
CREATE EXTENSION migrate_ext;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_privileges_default;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_privileges_default, PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM regress_privileges_default, PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM regress_privileges_default, PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON FUNCTIONS FROM regress_privileges_default;

CREATE VIEW privileges_function AS
SELECT p.oid, p.oid::regprocedure::text AS function
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
WHERE e.extname = 'migrate_ext';
CREATE VIEW privileges_relation AS
SELECT c.oid, c.oid::regclass::text AS relation, c.relkind,
	(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = 1) AS first_column
FROM pg_class c WHERE relnamespace = 'migrate'::regnamespace AND relkind IN ('r', 'v', 'm', 'S', 'f', 'p');

--
-- Nothing is granted to anybody
--
SELECT r.role, f.function
FROM privileges_function f, unnest('{public,regress_privileges_nobody,regress_privileges_default}'::text[]) r (role)
WHERE has_function_privilege(r.role, f.oid, 'EXECUTE');
SELECT r.role, t.relation
FROM privileges_relation t, unnest('{public,regress_privileges_nobody,regress_privileges_default}'::text[]) r (role)
WHERE has_table_privilege(r.role, t.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
	OR has_any_column_privilege(r.role, t.oid, 'SELECT, INSERT, UPDATE, REFERENCES');
SELECT r.role
FROM unnest('{public,regress_privileges_nobody,regress_privileges_default}'::text[]) r (role)
WHERE has_schema_privilege(r.role, 'migrate', 'USAGE, CREATE');
-- no grant is left over, not even a grant option
SELECT p.oid::regprocedure, a.grantee::regrole
FROM pg_proc p, aclexplode(p.proacl) a
WHERE p.oid IN (SELECT oid FROM privileges_function) AND a.grantee <> p.proowner;

--
-- What migrate_grant() gives
--
SELECT migrate_grant('regress_privileges_deployer', 'deployer');
SELECT migrate_grant('regress_privileges_reader', 'reader');
SELECT f.function, has_function_privilege('regress_privileges_deployer', f.oid, 'EXECUTE') AS deployer,
	has_function_privilege('regress_privileges_reader', f.oid, 'EXECUTE') AS reader,
	has_function_privilege('regress_privileges_nobody', f.oid, 'EXECUTE') AS nobody
FROM privileges_function f WHERE f.function NOT LIKE 'migrate.%' ORDER BY f.function COLLATE "C";
-- the others: a reader gets those that change nothing, a deployer all but the triggers
SELECT p.provolatile = 'v' AS volatile, p.prorettype = 'trigger'::regtype AS trigger,
	has_function_privilege('regress_privileges_deployer', f.oid, 'EXECUTE') AS deployer,
	has_function_privilege('regress_privileges_reader', f.oid, 'EXECUTE') AS reader,
	has_function_privilege('regress_privileges_nobody', f.oid, 'EXECUTE') AS nobody
FROM privileges_function f JOIN pg_proc p ON p.oid = f.oid
WHERE f.function LIKE 'migrate.%' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2;
SELECT t.relation, r.role, string_agg(v.verb, ', ' ORDER BY v.verb)
FROM privileges_relation t, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) v (verb),
	unnest('{deployer,reader,nobody}'::text[]) r (role)
WHERE has_table_privilege('regress_privileges_' || r.role, t.oid, v.verb)
	AND (v.verb <> 'SELECT' OR r.role = 'nobody' OR t.relation NOT LIKE 'migrate.live_%')
GROUP BY 1, 2 ORDER BY t.relation COLLATE "C", r.role COLLATE "C";
SELECT r.role, has_schema_privilege('regress_privileges_' || r.role, 'migrate', 'USAGE') AS usage,
	has_schema_privilege('regress_privileges_' || r.role, 'migrate', 'CREATE') AS create
FROM unnest('{deployer,reader,nobody}'::text[]) r (role);
-- again: nothing changes
SELECT migrate_grant('regress_privileges_reader', 'reader');

-- 22023, 42704
SELECT migrate_grant('regress_privileges_reader', 'owner');
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_grant('regress_privileges_reader', NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_grant('regress_privileges_missing', 'reader');
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_grant('public', 'reader');
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_grant(NULL, 'reader');
\echo :LAST_ERROR_SQLSTATE

--
-- Every function, called by every role; what it does is undone.  "ok" is a
-- call that succeeds, anything else the SQLSTATE.
--
CREATE FUNCTION privileges_try(role text, command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET ROLE %I', role);
	EXECUTE command;
	RAISE EXCEPTION 'undo' USING ERRCODE = 'UNDO0';
EXCEPTION WHEN others THEN
	RETURN CASE SQLSTATE WHEN 'UNDO0' THEN 'ok' ELSE SQLSTATE END;
END $$;
SELECT migrate_register(1, 'one', '-- Release: 1.0.0
SELECT 1', 'SELECT 1');
SELECT migrate_register(2, 'two', 'SELECT ''CANARY''', 'SELECT ''CANARY''');
SELECT version FROM migrate_apply(1);
CREATE TABLE privileges_call (n serial, function text, call text);
INSERT INTO privileges_call (function, call) VALUES
('migrate_register', $$SELECT migrate_register(3, 'x', 'SELECT 1')$$),
('migrate_register_file', $$SELECT migrate_register_file('migrations/003_x.sql', 'SELECT 1')$$),
('migrate_load', $$SELECT migrate_load('/nonexistent')$$),
('migrate_unregister', $$SELECT migrate_unregister(2)$$),
('migrate_baseline', $$SELECT migrate_baseline(2)$$),
('migrate_adopt', $$SELECT migrate_adopt('flyway')$$),
('migrate_repair', $$SELECT migrate_repair(1, 'why')$$),
('migrate_apply', $$SELECT migrate_apply()$$),
('migrate_rollback', $$SELECT migrate_rollback()$$),
('migrate_rehearse', $$SELECT migrate_rehearse()$$),
('migrate_version', $$SELECT migrate_version()$$),
('migrate_version_of', $$SELECT migrate_version_of('1.0.0')$$),
('migrate_plan', $$SELECT migrate_plan()$$),
('migrate_lint', $$SELECT migrate_lint()$$),
('migrate_lint_script', $$SELECT migrate_lint_script('SELECT 1')$$),
('migrate_status', $$SELECT migrate_status()$$),
('migrate_history', $$SELECT migrate_history()$$),
('migrate_statements', $$SELECT migrate_statements()$$),
('migrate_snapshot', $$SELECT migrate_snapshot()$$),
('migrate_snapshots', $$SELECT migrate_snapshots()$$),
('migrate_diff', $$SELECT migrate_diff()$$),
('migrate_schema', $$SELECT migrate_schema()$$),
('migrate_verify', $$SELECT migrate_verify()$$),
('migrate_generate_rollback', $$SELECT migrate_generate_rollback(1)$$),
('migrate_backups', $$SELECT migrate_backups()$$),
('migrate_prune', $$SELECT migrate_prune('90 days')$$),
('migrate_restore', $$SELECT migrate_restore(1)$$),
('migrate_grant', $$SELECT migrate_grant('regress_privileges_nobody', 'deployer')$$),
('migrate.ledger_hash', $$SELECT migrate.ledger_hash(NULL)$$),
('migrate.ledger_refuse', $$SELECT migrate.ledger_refuse()$$),
('migrate.plan_goes_down', $$SELECT migrate.plan_goes_down(NULL)$$),
('migrate.owner_only', $$SELECT migrate.owner_only()$$);
-- a deployer is not in pg_read_server_files; there is nothing to load or adopt
SELECT c.function, privileges_try(session_user, c.call) AS owner, privileges_try('regress_privileges_deployer', c.call) AS deployer,
	privileges_try('regress_privileges_reader', c.call) AS reader, privileges_try('regress_privileges_nobody', c.call) AS nobody
FROM privileges_call c ORDER BY c.n;
-- the others, with nothing as arguments: whoever was granted nothing calls none
SELECT o.volatile, o.deployer = '42501' AS no_deployer, o.reader = '42501' AS no_reader, o.nobody
FROM (SELECT f.function, p.provolatile = 'v' AS volatile,
		privileges_try('regress_privileges_deployer', f.call) AS deployer,
		privileges_try('regress_privileges_reader', f.call) AS reader,
		privileges_try('regress_privileges_nobody', f.call) AS nobody
	  FROM (SELECT f.*, format('SELECT %s(%s)', p.oid::regproc,
				(SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n))) AS call
			FROM privileges_function f JOIN pg_proc p ON p.oid = f.oid
			WHERE p.prorettype <> 'trigger'::regtype AND p.proargtypes[0] IS DISTINCT FROM 'record'::regtype
				AND NOT EXISTS (SELECT FROM privileges_call c WHERE f.function LIKE c.function || '(%')) f
	  JOIN pg_proc p ON p.oid = f.oid) o
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
-- none is missing above
SELECT f.function FROM privileges_function f
WHERE f.function NOT LIKE 'migrate.%' AND NOT EXISTS (SELECT FROM privileges_call c WHERE f.function LIKE c.function || '(%');

--
-- Every verb on every relation, by every role
--
CREATE TEMP TABLE privileges_verb AS
SELECT t.relation, t.relkind, v.n, v.verb,
	privileges_try('regress_privileges_deployer', format(v.command, t.relation, t.first_column)) AS deployer,
	privileges_try('regress_privileges_reader', format(v.command, t.relation, t.first_column)) AS reader,
	privileges_try('regress_privileges_nobody', format(v.command, t.relation, t.first_column)) AS nobody
FROM privileges_relation t, (VALUES
	(1, 'SELECT', 'SELECT * FROM %s'),
	(2, 'INSERT', 'INSERT INTO %s DEFAULT VALUES'),
	(3, 'UPDATE', 'UPDATE %s SET %I = NULL'),
	(4, 'DELETE', 'DELETE FROM %s'),
	(5, 'TRUNCATE', 'TRUNCATE %s CASCADE'),
	(6, 'COPY', 'COPY %s FROM ''/dev/null'''),
	(7, 'SELECT FOR UPDATE', 'SELECT * FROM %s FOR UPDATE'),
	(8, 'TRIGGER', 'CREATE TRIGGER t BEFORE INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
	(9, 'RULE', 'CREATE RULE r AS ON INSERT TO %s DO INSTEAD NOTHING'),
	(10, 'POLICY', 'CREATE POLICY p ON %s'),
	(11, 'INDEX', 'CREATE INDEX ON %s (%I)'),
	(12, 'ALTER', 'ALTER TABLE %s RENAME %I TO other'),
	(13, 'OWNER', 'ALTER TABLE %s OWNER TO CURRENT_USER'),
	(14, 'DROP', 'DROP TABLE %s'),
	(15, 'COMMENT', 'COMMENT ON TABLE %s IS ''x'''),
	(16, 'LOCK', 'LOCK TABLE %s IN EXCLUSIVE MODE')) v (n, verb, command)
WHERE t.relkind = 'r' OR v.n <= 5 OR v.n IN (7, 8, 9, 13, 16);
SELECT relation, verb, deployer, reader, nobody FROM privileges_verb
WHERE relkind = 'r' ORDER BY relation COLLATE "C", n;
-- views: by what they answer
SELECT verb, deployer, reader, nobody,
	CASE WHEN count(*) > 20 THEN '(most)' ELSE string_agg(relation, ', ' ORDER BY relation COLLATE "C") END AS views
FROM privileges_verb WHERE relkind <> 'r' GROUP BY n, verb, deployer, reader, nobody
ORDER BY n, deployer COLLATE "C";
SELECT r.role, c.command, privileges_try('regress_privileges_' || r.role, c.command)
FROM unnest('{deployer,reader,nobody}'::text[]) r (role), (VALUES
	('CREATE TABLE migrate.x (id int)'),
	('CREATE FUNCTION migrate.x() RETURNS int LANGUAGE sql AS ''SELECT 1'''),
	('CREATE OR REPLACE FUNCTION migrate_version() RETURNS bigint LANGUAGE sql AS ''SELECT 9'''),
	('ALTER EXTENSION migrate_ext DROP TABLE migrate.ledger'),
	('DROP EXTENSION migrate_ext CASCADE'),
	('DROP SCHEMA migrate CASCADE'),
	('ALTER SCHEMA migrate RENAME TO other')) c (command);
SELECT * FROM migrate.ledger_break;

--
-- The text of scripts is the owner's: neither role finds it anywhere
--
CREATE FUNCTION privileges_sees(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found boolean;
BEGIN
	EXECUTE format('SELECT coalesce(bool_or(x::text ~ ''CANAR[Y]''), false) FROM (%s) x', query) INTO found;
	RETURN found;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLSTATE;
END $$;
SET ROLE regress_privileges_reader;
SELECT c.relation, privileges_sees('SELECT * FROM ' || c.relation) AS sees
FROM (SELECT 'migrate.' || relname AS relation FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'migrate')
	AND relkind IN ('r', 'v')) c WHERE c.relation NOT LIKE 'migrate.live_%' OR c.relation = 'migrate.live_object' ORDER BY c.relation COLLATE "C";
SELECT c.function, privileges_sees('SELECT * FROM ' || c.function) AS sees
FROM unnest('{migrate_status(),migrate_history(),migrate_statements(),migrate_plan(),migrate_snapshots(),migrate_diff(),migrate_schema(),migrate_verify(),migrate_generate_rollback(1),migrate_backups()}'::text[]) c (function);
SELECT body FROM migrate.script;
\echo :LAST_ERROR_SQLSTATE
SET ROLE regress_privileges_deployer;
SELECT body FROM migrate.script;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

--
-- A script never runs with rights that its author does not have
--
SELECT version FROM migrate_rollback(0);
SELECT migrate_unregister(1), migrate_unregister(2);
CREATE SCHEMA privileges_s AUTHORIZATION regress_privileges_deployer;

-- registered by a deployer: a superuser does not run it, up or down
SET SESSION AUTHORIZATION regress_privileges_deployer;
SELECT migrate_register(1, 'low', 'ALTER ROLE regress_privileges_deployer SUPERUSER', 'SELECT 1');
RESET SESSION AUTHORIZATION;
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply();
\set VERBOSITY default
-- nor does the deployer: the role may not do that
SET SESSION AUTHORIZATION regress_privileges_deployer;
SET client_min_messages = warning;
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply();
\set VERBOSITY default
-- what the role may do, it does, with its own rights
SELECT migrate_register(1, 'low', 'CREATE TABLE privileges_s.one (id int)', 'DROP TABLE privileges_s.one');
SELECT version FROM migrate_apply();
RESET SESSION AUTHORIZATION;
SELECT relowner::regrole FROM pg_class WHERE oid = 'privileges_s.one'::regclass;
SELECT version, role, session_role FROM migrate_history(1) WHERE entry > 2;
\set VERBOSITY sqlstate
SELECT version FROM migrate_rollback();
\set VERBOSITY default

-- the evidence and the way out are in the message, but for who we are
DO $$ DECLARE m text; d text; h text;
BEGIN
	PERFORM migrate_rollback();
EXCEPTION WHEN insufficient_privilege THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RAISE WARNING E'%\n%\n%', replace(m, format('"%s"', session_user), '"superuser"'), d, h;
END $$;

-- registering the same text again takes over authorship
SELECT migrate_register(1, 'low', 'CREATE TABLE privileges_s.one (id int)', 'DROP TABLE privileges_s.one');
SELECT version FROM migrate_rollback();
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback();

-- registered by a superuser: a deployer may apply it, with the deployer's rights
SELECT migrate_register(1, 'high', 'CREATE TABLE privileges_s.high (id int)', 'DROP TABLE privileges_s.high');
SELECT migrate_register(2, 'higher', 'CREATE ROLE regress_privileges_made SUPERUSER', 'SELECT 1');
SET SESSION AUTHORIZATION regress_privileges_deployer;
SELECT version FROM migrate_apply(1);
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply();
\set VERBOSITY default
SELECT version FROM migrate_rollback();
RESET SESSION AUTHORIZATION;
SELECT migrate_unregister(2);

-- the down script has an author of its own
SET SESSION AUTHORIZATION regress_privileges_deployer;
SELECT version FROM migrate_apply();
SELECT migrate_register(1, 'high', 'CREATE TABLE privileges_s.high (id int)', 'ALTER ROLE regress_privileges_deployer SUPERUSER');
RESET SESSION AUTHORIZATION;
SELECT migrate_register(1, 'high', 'CREATE TABLE privileges_s.high (id int)');
\set VERBOSITY sqlstate
SELECT version FROM migrate_rollback();
\set VERBOSITY default
SELECT migrate_register(1, 'high', 'CREATE TABLE privileges_s.high (id int)', 'DROP TABLE privileges_s.high');
SELECT version FROM migrate_rollback();
SELECT migrate_unregister(1);

-- one of three is enough to refuse all, before any runs
SELECT migrate_register(1, 'ours', 'CREATE TABLE privileges_s.ours (id int)');
SET SESSION AUTHORIZATION regress_privileges_deployer;
SELECT migrate_register(2, 'theirs', 'SELECT 2');
RESET SESSION AUTHORIZATION;
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply();
\set VERBOSITY default
SELECT to_regclass('privileges_s.ours');
SELECT migrate_unregister(1), migrate_unregister(2);

-- between deployers: the author must be able to become who applies
SELECT current_user AS superuser \gset
CREATE ROLE regress_privileges_other;
SELECT migrate_grant('regress_privileges_other', 'deployer');
SET SESSION AUTHORIZATION regress_privileges_other;
SELECT migrate_register(1, 'other', 'SELECT 1', 'SELECT 1');
SET SESSION AUTHORIZATION regress_privileges_deployer;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
RESET SESSION AUTHORIZATION;
-- (a superuser's session that only acts as the deployer could reset that)
GRANT regress_privileges_deployer TO regress_privileges_other;
ALTER ROLE regress_privileges_deployer LOGIN;
\c - regress_privileges_deployer
SET client_min_messages = warning;
SELECT version FROM migrate_apply();
\c - :superuser
SET client_min_messages = warning;
REVOKE regress_privileges_deployer FROM regress_privileges_other;
-- the other way round does not count
GRANT regress_privileges_other TO regress_privileges_deployer;
\c - regress_privileges_deployer
SET client_min_messages = warning;
SELECT version FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE
\c - :superuser
SET client_min_messages = warning;
REVOKE regress_privileges_other FROM regress_privileges_deployer;
-- a member that may not SET ROLE, which 16 tells apart: it does not count
-- either, and it may not run a script as that role (on 15 there is no such
-- thing; without membership the answer is the same)
DO $$ BEGIN
	IF current_setting('server_version_num')::int >= 160000 THEN
		EXECUTE 'GRANT regress_privileges_deployer TO regress_privileges_other WITH SET FALSE, INHERIT TRUE';
	END IF;
END $$;
\c - regress_privileges_deployer
SET client_min_messages = warning;
SELECT version FROM migrate_rollback();
\echo :LAST_ERROR_SQLSTATE
\c - :superuser
SET client_min_messages = warning;
DO $$ BEGIN
	IF current_setting('server_version_num')::int >= 160000 THEN
		EXECUTE 'REVOKE regress_privileges_deployer FROM regress_privileges_other';
		EXECUTE 'GRANT regress_privileges_other TO regress_privileges_deployer WITH SET FALSE, INHERIT TRUE';
	END IF;
END $$;
\c - regress_privileges_deployer
SET client_min_messages = warning;
SELECT migrate_register(2, 'role', E'-- migrate: role = regress_privileges_other\nSELECT 2');
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_unregister(2);
\c - :superuser
SET client_min_messages = warning;
DO $$ BEGIN
	IF current_setting('server_version_num')::int >= 160000 THEN
		EXECUTE 'REVOKE regress_privileges_other FROM regress_privileges_deployer';
	END IF;
END $$;
-- an author who has gone has no rights at all
SET SESSION AUTHORIZATION regress_privileges_other;
SELECT version FROM migrate_rollback();
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_privileges_other;
DROP ROLE regress_privileges_other;
SET SESSION AUTHORIZATION regress_privileges_deployer;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
RESET SESSION AUTHORIZATION;
SELECT migrate_unregister(1);

-- an author who was renamed, and another role that took the name
CREATE ROLE regress_privileges_alice LOGIN;
SELECT migrate_grant('regress_privileges_alice', 'deployer');
\c - regress_privileges_alice
SET client_min_messages = warning;
SELECT migrate_register(1, 'alice', 'SELECT 1', 'SELECT 1');
\c - :superuser
SET client_min_messages = warning;
ALTER ROLE regress_privileges_alice RENAME TO regress_privileges_bob;
CREATE ROLE regress_privileges_alice LOGIN;
SELECT migrate_grant('regress_privileges_alice', 'deployer');
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
\c - regress_privileges_alice
SET client_min_messages = warning;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
-- the one who wrote it has to say so again
\c - regress_privileges_bob
SET client_min_messages = warning;
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(1, 'alice', 'SELECT 1', 'SELECT 1');
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback();
\c - :superuser
SET client_min_messages = warning;
DROP OWNED BY regress_privileges_alice, regress_privileges_bob;
DROP ROLE regress_privileges_alice, regress_privileges_bob;
SELECT migrate_unregister(1);

-- SET SESSION AUTHORIZATION in a superuser's session: a script could reset
-- that, so it does not run what the role registered in a session of its own
\c - regress_privileges_deployer
SET client_min_messages = warning;
SELECT migrate_register(1, 'reset', 'RESET SESSION AUTHORIZATION; CREATE ROLE regress_privileges_made SUPERUSER');
\c - :superuser
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_privileges_deployer;
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply();
RESET SESSION AUTHORIZATION;
SET ROLE regress_privileges_deployer;
SELECT version FROM migrate_apply();
RESET ROLE;
\set VERBOSITY default
SELECT rolname FROM pg_roles WHERE rolname = 'regress_privileges_made';
-- in a session of its own it does, with the rights of the role
\c - regress_privileges_deployer
SET client_min_messages = warning;
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply();
\set VERBOSITY default
SELECT migrate_register(1, 'reset', 'RESET SESSION AUTHORIZATION; SELECT 1', 'SELECT 1');
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback();
\c - :superuser
SET client_min_messages = warning;
SELECT migrate_unregister(1);

-- RESET ROLE in a script: the role of the session counts as well
SET SESSION AUTHORIZATION regress_privileges_deployer;
SELECT migrate_register(1, 'reset', 'RESET ROLE; CREATE ROLE regress_privileges_made SUPERUSER');
RESET SESSION AUTHORIZATION;
SET ROLE regress_privileges_deployer;
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply();
RESET ROLE;
-- a SECURITY DEFINER wrapper that a superuser calls
SET SESSION AUTHORIZATION regress_privileges_deployer;
CREATE FUNCTION privileges_s.wrapper() RETURNS SETOF bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT version FROM public.migrate_apply()';
CREATE FUNCTION privileges_s.registers() RETURNS text LANGUAGE sql SECURITY DEFINER AS
$$ SELECT public.migrate_register(1, 'reset', 'RESET ROLE; CREATE ROLE regress_privileges_made SUPERUSER;') $$;
RESET SESSION AUTHORIZATION;
SELECT * FROM privileges_s.wrapper();
-- and one that registers while a superuser calls it: it is the deployer's text
SELECT privileges_s.registers();
SELECT * FROM privileges_s.wrapper();
SET ROLE regress_privileges_deployer;
SELECT version FROM migrate_apply();
RESET ROLE;
SELECT version FROM migrate_apply();
\set VERBOSITY default
SELECT rolname FROM pg_roles WHERE rolname = 'regress_privileges_made';
DROP ROLE IF EXISTS regress_privileges_made;

SELECT rolsuper FROM pg_roles WHERE rolname LIKE 'regress_privileges_%' AND rolsuper;
SELECT * FROM migrate.ledger_break;
DROP VIEW privileges_function, privileges_relation;
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
DROP SCHEMA privileges_s CASCADE;
DROP TABLE privileges_call;
DROP FUNCTION privileges_try, privileges_sees;
DROP ROLE regress_privileges_deployer, regress_privileges_reader, regress_privileges_nobody, regress_privileges_default;
CREATE EXTENSION migrate_ext;

-- a right to write all data does not reach what others will run
SET client_min_messages = warning;
SELECT migrate_register(1, 'one', 'SELECT 1');
CREATE ROLE regress_privileges_writer;
GRANT pg_write_all_data, pg_read_all_data TO regress_privileges_writer;
SET SESSION AUTHORIZATION regress_privileges_writer;
UPDATE migrate.script SET body = 'SELECT 2';
\echo :LAST_ERROR_SQLSTATE
UPDATE migrate.script_summary SET registered_by_oid = 10;
\echo :LAST_ERROR_SQLSTATE
INSERT INTO migrate.migration (version, name, version_text) VALUES (2, 'two', '2');
\echo :LAST_ERROR_SQLSTATE
DELETE FROM migrate.ledger;
\echo :LAST_ERROR_SQLSTATE
RESET SESSION AUTHORIZATION;
DROP ROLE regress_privileges_writer;
SELECT migrate_unregister(1);
RESET client_min_messages;
