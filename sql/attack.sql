-- Attacks: look-alikes, names, planted relations, privileged callers, size
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE ROLE regress_attack_low;
CREATE ROLE "regress_attack We""ird";
CREATE TABLE attack_log (what text, who text DEFAULT current_user);
GRANT ALL ON attack_log TO PUBLIC;
CREATE FUNCTION attack_life() RETURNS TABLE (step text, result text) LANGUAGE plpgsql AS $$
BEGIN
	step := 'register'; result := public.migrate_register(901, 'life', E'-- Release: life\nCREATE TABLE public.attack_life (id int)', 'DROP TABLE public.attack_life'); RETURN NEXT;
	step := 'file'; result := public.migrate_register_file('migrations/902_life.sql', 'SELECT 1'); RETURN NEXT;
	step := 'plan'; result := string_agg(version::text, ',') FROM public.migrate_plan(); RETURN NEXT;
	step := 'apply'; result := string_agg(version::text, ',') FROM public.migrate_apply(901); RETURN NEXT;
	step := 'status'; result := string_agg(state, ',') FROM public.migrate_status(); RETURN NEXT;
	step := 'version'; result := public.migrate_version() || ',' || public.migrate_version_of('life'); RETURN NEXT;
	step := 'baseline'; result := public.migrate_baseline(902); RETURN NEXT;
	PERFORM public.migrate_repair(902, 'why');
	step := 'history'; result := string_agg(event, ',' ORDER BY entry) FROM public.migrate_history() WHERE version > 900 AND entry > (SELECT max(entry) - 3 FROM public.migrate_history()); RETURN NEXT;
	PERFORM public.migrate_register(902, 'life', 'SELECT 1', 'SELECT 1');
	step := 'rollback'; result := string_agg(version::text, ',') FROM public.migrate_rollback(0); RETURN NEXT;
	PERFORM public.migrate_unregister(901), public.migrate_unregister(902);
	step := 'breaks'; result := count(*)::text FROM migrate.ledger_break; RETURN NEXT;
END $$;

--
-- Look-alikes of functions, operators and aggregates, in front of pg_catalog:
-- the engine never calls one
--
CREATE SCHEMA attack;
CREATE FUNCTION attack.note(what text) RETURNS void LANGUAGE sql AS 'INSERT INTO public.attack_log VALUES (what)';
CREATE FUNCTION attack.equal(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('= bigint'); RETURN true; END $$;
CREATE FUNCTION attack.equal(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('= text'); RETURN true; END $$;
CREATE FUNCTION attack.equal(name, name) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('= name'); RETURN true; END $$;
CREATE FUNCTION attack.equal(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('= oid'); RETURN true; END $$;
CREATE FUNCTION attack.less(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('< bigint'); RETURN true; END $$;
CREATE FUNCTION attack.plus(bigint, int) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('+'); RETURN 1; END $$;
CREATE FUNCTION attack.minus(timestamptz, timestamptz) RETURNS interval LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('-'); RETURN '0'; END $$;
CREATE OPERATOR attack.= (FUNCTION = attack.equal, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR attack.= (FUNCTION = attack.equal, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR attack.= (FUNCTION = attack.equal, LEFTARG = name, RIGHTARG = name);
CREATE OPERATOR attack.= (FUNCTION = attack.equal, LEFTARG = oid, RIGHTARG = oid);
CREATE OPERATOR attack.<> (FUNCTION = attack.equal, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR attack.< (FUNCTION = attack.less, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR attack.<= (FUNCTION = attack.less, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR attack.> (FUNCTION = attack.less, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR attack.+ (FUNCTION = attack.plus, LEFTARG = bigint, RIGHTARG = int);
CREATE OPERATOR attack.- (FUNCTION = attack.minus, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE FUNCTION attack.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('now'); RETURN '-infinity'; END $$;
CREATE FUNCTION attack.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('clock_timestamp'); RETURN '-infinity'; END $$;
CREATE FUNCTION attack.sha256(bytea) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('sha256'); RETURN ''; END $$;
CREATE FUNCTION attack.convert_to(text, name) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('convert_to'); RETURN ''; END $$;
CREATE FUNCTION attack.current_setting(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('current_setting'); RETURN ''; END $$;
CREATE FUNCTION attack.row_number() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
CREATE FUNCTION attack.quote_ident(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('quote_ident'); RETURN 'postgres'; END $$;
CREATE FUNCTION attack.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('format'); RETURN 'SELECT 1'; END $$;
CREATE FUNCTION attack.migrate_version() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('migrate_version'); RETURN 0; END $$;
CREATE FUNCTION attack.ledger_hash(migrate.ledger) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN PERFORM attack.note('ledger_hash'); RETURN ''; END $$;
CREATE AGGREGATE attack.max(bigint) (SFUNC = int8_sum, STYPE = numeric);
CREATE TABLE attack.ledger (LIKE migrate.ledger);
CREATE TABLE attack.migration (LIKE migrate.migration);
CREATE TABLE attack.pg_class (LIKE pg_class);
CREATE TABLE attack.pg_constraint (LIKE pg_constraint);
CREATE TABLE attack.text (id int);
BEGIN;
SET LOCAL search_path = attack, pg_catalog;
SELECT pg_catalog.count(*) FROM public.migrate_status();
SELECT * FROM public.migrate_plan();
SELECT public.migrate_register(901, 'life', E'-- Release: life\nCREATE TABLE public.attack_life (id int)', 'DROP TABLE public.attack_life');
SELECT public.migrate_register_file('migrations/902_life.sql', 'CREATE TABLE public.attack_two (id int UNIQUE DEFERRABLE); INSERT INTO public.attack_two VALUES (1);');
SELECT step, version FROM public.migrate_plan();
SELECT version FROM public.migrate_apply();
SELECT version, state, checksum FROM public.migrate_status();
SELECT public.migrate_version(), public.migrate_version_of('life');
SELECT public.migrate_repair(902, 'why');
SELECT public.migrate_register(902, 'life', 'SELECT 1', 'INSERT INTO public.attack_two VALUES (2); DROP TABLE public.attack_two');
SELECT entry, version, event, at OPERATOR(pg_catalog.>) '2020-01-01' AS at FROM public.migrate_history();
SELECT version FROM public.migrate_rollback(0);
SELECT public.migrate_baseline(902);
SELECT public.migrate_grant('regress_attack_low', 'deployer');
SELECT * FROM migrate.ledger_break;
SELECT version FROM migrate.deployment WHERE version IS NOT NULL;
RESET search_path;
SELECT count(*) FROM attack.ledger;
SELECT DISTINCT what FROM attack_log;
ROLLBACK;
DROP SCHEMA attack CASCADE;

--
-- The same in the schema of the extension, before it is created: they fit the
-- calls in its views and functions better than what they look like
--
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE SEQUENCE attack_planted;
GRANT ALL ON attack_planted TO PUBLIC;
GRANT CREATE ON SCHEMA public TO regress_attack_low;
SET SESSION AUTHORIZATION regress_attack_low;
CREATE FUNCTION public.attack_note() RETURNS void LANGUAGE sql AS $$ SELECT pg_catalog.nextval('public.attack_planted') $$;
CREATE FUNCTION public.jsonb_build_array(bigint, bigint, text, text, numeric, numeric, integer, bigint, text, text, text, text, text, text, text, text, text, text)
RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM public.attack_note(); RETURN '[]'; END $$;
CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN PERFORM public.attack_note(); RETURN ''; END $$;
CREATE FUNCTION public.convert_to(text, text) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN PERFORM public.attack_note(); RETURN ''; END $$;
CREATE FUNCTION public.concat_ws(text, text, text, text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.attack_note(); RETURN ''; END $$;
CREATE FUNCTION public.unnest(bigint[]) RETURNS SETOF bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM public.attack_note(); END $$;
CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.attack_note(); RETURN 'SELECT 1'; END $$;
CREATE FUNCTION public.attack_concat(text, bigint) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.attack_note(); RETURN ''; END $$;
CREATE OPERATOR public.|| (FUNCTION = public.attack_concat, LEFTARG = text, RIGHTARG = bigint);
CREATE FUNCTION public.attack_differs(bytea, bytea) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM public.attack_note(); RETURN false; END $$;
CREATE OPERATOR public.<> (FUNCTION = public.attack_differs, LEFTARG = bytea, RIGHTARG = bytea);
CREATE FUNCTION public.attack_lag(bytea, bytea) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN PERFORM public.attack_note(); RETURN $1; END $$;
CREATE AGGREGATE public.lag(bytea) (SFUNC = public.attack_lag, STYPE = bytea);
RESET SESSION AUTHORIZATION;
CREATE EXTENSION migrate_ext;
SELECT migrate_register(1, 'planted', E'-- Release: planted\nSELECT 1', 'SELECT 1');
SELECT migrate_register(3, 'planted', E'-- migrate: requires = 1, 2\nSELECT 3');
SELECT version, note FROM migrate_plan();
SELECT migrate_baseline(4);
SELECT migrate_register(2, 'planted', 'SELECT 2');
SELECT version, note FROM migrate_plan(3);
SET migrate.out_of_order = on;
SELECT migrate_register(5, 'planted', 'SELECT 5', 'SELECT -5');
SELECT version FROM migrate_apply();
RESET migrate.out_of_order;
SELECT version FROM migrate_rollback(4);
SELECT version, state FROM migrate_status();
SELECT count(*), migrate_version(), migrate_version_of('planted') FROM migrate_history();
SELECT migrate_grant('regress_attack_low', 'reader');
SELECT * FROM migrate.ledger_break;
SELECT count(*) FROM migrate.ledger l WHERE l.hash OPERATOR(pg_catalog.=) migrate.ledger_hash(l);
SELECT count(*) FROM migrate.deployment;
SELECT is_called AS something_planted_ran FROM attack_planted;
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
DROP OWNED BY regress_attack_low;
DROP SEQUENCE attack_planted;
CREATE EXTENSION migrate_ext;

--
-- Temporary tables that are called like catalogs and like the ledger
--
SELECT migrate_grant('regress_attack_low', 'deployer');
SELECT migrate_grant('regress_attack We"ird', 'deployer');
GRANT CREATE ON SCHEMA public TO regress_attack_low, "regress_attack We""ird";
SET SESSION AUTHORIZATION regress_attack_low;
CREATE TEMP TABLE pg_class AS SELECT * FROM pg_catalog.pg_class LIMIT 0;
CREATE TEMP TABLE pg_namespace AS SELECT * FROM pg_catalog.pg_namespace LIMIT 0;
CREATE TEMP TABLE pg_constraint AS SELECT * FROM pg_catalog.pg_constraint LIMIT 0;
CREATE TEMP TABLE pg_extension AS SELECT * FROM pg_catalog.pg_extension LIMIT 0;
CREATE TEMP TABLE pg_locks AS SELECT * FROM pg_catalog.pg_locks LIMIT 0;
CREATE TEMP TABLE pg_database AS SELECT * FROM pg_catalog.pg_database LIMIT 0;
CREATE TEMP TABLE ledger AS SELECT * FROM migrate.ledger LIMIT 0;
CREATE TEMP TABLE migration AS SELECT * FROM migrate.migration LIMIT 0;
CREATE TEMP TABLE deployment AS SELECT * FROM migrate.deployment LIMIT 0;
SET search_path = pg_temp, public;
SELECT * FROM attack_life();
RESET search_path;
SELECT (SELECT count(*) FROM pg_temp.ledger) + (SELECT count(*) FROM pg_temp.migration) AS written;
DROP TABLE pg_temp.pg_class, pg_temp.pg_namespace, pg_temp.pg_constraint, pg_temp.pg_extension, pg_temp.pg_locks,
	pg_temp.pg_database, pg_temp.ledger, pg_temp.migration, pg_temp.deployment;
RESET SESSION AUTHORIZATION;

--
-- Names
--
SET SESSION AUTHORIZATION "regress_attack We""ird";
SELECT * FROM attack_life();
SELECT migrate_register(1, 'names', E'-- migrate: role = "regress_attack We""ird"
CREATE TABLE "attack\n\\! echo ''$$; DROP TABLE x" ("col""umn" int, CHECK ("col""umn" > 0));
INSERT INTO "attack\n\\! echo ''$$; DROP TABLE x" VALUES (0);');
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
RESET SESSION AUTHORIZATION;
SELECT DISTINCT role, session_role FROM migrate_history() WHERE role ~ 'We';
-- the author is found by such a name, too
\set VERBOSITY sqlstate
SELECT version FROM migrate_apply();
\set VERBOSITY default
SELECT migrate_unregister(1);
-- 22023: names that could do harm where they are shown
SELECT migrate_register(1, E'a\nb', 'SELECT 1');
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(1, 'a''; DROP TABLE x; --', 'SELECT 1');
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(1, 'a%sb', 'SELECT 1');
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_version_of('%s''; DROP TABLE x; --');
\echo :LAST_ERROR_SQLSTATE
-- percent signs in what a script raises
SELECT migrate_register(1, 'percent', $$SELECT '%s%n%d'::int /* %s%n */$$);
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_unregister(1);

--
-- Relations that somebody else has planted where the engine looks: nothing of
-- theirs runs with the rights of a superuser who deploys
--
-- (a sequence remembers a call, also one that is undone)
CREATE SEQUENCE attack_called;
GRANT ALL ON attack_called TO PUBLIC;
CREATE FUNCTION attack_deploy() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setval('attack_called', 1, false);
	PERFORM migrate_register(1, 'ours', 'SELECT 1', 'SELECT 1');
	PERFORM migrate_apply();
	PERFORM migrate_rollback(0);
	PERFORM migrate_baseline(1);
	PERFORM migrate_rollback(0);
EXCEPTION WHEN others THEN
	NULL;
END $$;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_attack_low', current_database()); END $$;
SET SESSION AUTHORIZATION regress_attack_low;
CREATE FUNCTION attack_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.attack_log VALUES (tg_table_name);
	IF current_user NOT LIKE 'regress_attack%' THEN
		PERFORM nextval('public.attack_called');
	END IF;
	RETURN coalesce(new, old);
END $$;
CREATE FUNCTION attack_value() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	IF current_user NOT LIKE 'regress_attack%' THEN
		PERFORM nextval('public.attack_called');
	END IF;
	RETURN 0;
END $$;
-- a table with a trigger
CREATE TABLE schema_version (version bigint, applied_at timestamptz, description text);
INSERT INTO schema_version VALUES (0);
CREATE TRIGGER attack BEFORE INSERT OR UPDATE ON schema_version FOR EACH ROW EXECUTE FUNCTION attack_trigger();
RESET SESSION AUTHORIZATION;
SELECT attack_deploy();
SELECT is_called AS their_code_ran_as_us FROM attack_called;
-- a view that calls a function
SET SESSION AUTHORIZATION regress_attack_low;
DROP TABLE schema_version;
CREATE VIEW schema_version AS SELECT attack_value() AS version, NULL::timestamptz AS applied_at, NULL::text AS description;
RESET SESSION AUTHORIZATION;
SELECT attack_deploy();
SELECT is_called AS their_code_ran_as_us FROM attack_called;
-- the table of the Supabase CLI
SET SESSION AUTHORIZATION regress_attack_low;
DROP VIEW schema_version;
CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text);
CREATE TRIGGER attack BEFORE INSERT OR UPDATE OR DELETE ON supabase_migrations.schema_migrations
	FOR EACH ROW EXECUTE FUNCTION attack_trigger();
RESET SESSION AUTHORIZATION;
SELECT attack_deploy();
SELECT is_called AS their_code_ran_as_us FROM attack_called;
DROP SCHEMA supabase_migrations CASCADE;
DO $$ BEGIN PERFORM migrate_unregister(version) FROM migrate_status(); END $$;
DELETE FROM attack_log;

--
-- What a deployer's script may not do
--
SET SESSION AUTHORIZATION regress_attack_low;
CREATE FUNCTION attack_script(script text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM migrate_register(1, 'attack', script, 'SELECT 1');
	PERFORM migrate_apply();
	PERFORM migrate_rollback(0);
	RETURN 'ok';
EXCEPTION WHEN others THEN
	RETURN SQLSTATE;
END $$;
\pset format unaligned
SELECT script, attack_script(script) FROM (VALUES
	('ALTER ROLE regress_attack_low SUPERUSER'),
	('SET ROLE "regress_attack We""ird"'),
	('RESET ROLE; ALTER ROLE regress_attack_low SUPERUSER'),
	('UPDATE migrate.migration SET entry = NULL'),
	('INSERT INTO migrate.ledger DEFAULT VALUES'),
	('SELECT body FROM migrate.script'),
	('ALTER TABLE migrate.ledger DISABLE TRIGGER ALL'),
	('SET session_replication_role = replica'),
	('SET migrate.environment = ''production'''),
	('SET migrate.script_limit = 1'),
	('LOCK TABLE migrate.deployment IN EXCLUSIVE MODE'),
	('LOCK TABLE migrate.ledger IN SHARE MODE'),
	('CREATE OR REPLACE FUNCTION public.migrate_version() RETURNS bigint LANGUAGE sql AS ''SELECT 0::bigint'''),
	('DROP FUNCTION public.migrate_version()'),
	('COPY public.attack_log TO PROGRAM ''true'''),
	('COPY public.attack_log TO ''/nonexistent/x'''),
	('CREATE EVENT TRIGGER attack ON ddl_command_end EXECUTE FUNCTION attack_event()'),
	('DROP EXTENSION migrate_ext'),
	('DO $do$ BEGIN DROP EXTENSION migrate_ext; END $do$'),
	('SELECT 1')) s (script);
\pset format aligned
RESET SESSION AUTHORIZATION;
-- the lock of a deployment does not go with the advisory locks
SELECT migrate_register(1, 'unlocks', 'SELECT pg_advisory_unlock_all(); INSERT INTO attack_log SELECT version::text FROM migrate.deployment', 'SELECT 1');
BEGIN;
SELECT version FROM migrate_apply();
SELECT what FROM attack_log;
SELECT count(*) FROM migrate.deployment WHERE pid = pg_backend_pid();
ROLLBACK;
SELECT count(*) FROM migrate.deployment;

--
-- What runs by itself runs as the caller or as the role of the script, never
-- as the owner of the extension
--
CREATE FUNCTION attack_event() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO public.attack_log VALUES (tg_event || ': ' || tg_tag); END $$;
CREATE EVENT TRIGGER attack_start ON ddl_command_start EXECUTE FUNCTION attack_event();
CREATE EVENT TRIGGER attack_end ON ddl_command_end EXECUTE FUNCTION attack_event();
GRANT regress_attack_low TO "regress_attack We""ird";
SET SESSION AUTHORIZATION "regress_attack We""ird";
SELECT migrate_register(1, 'events', $$-- migrate: role = regress_attack_low
CREATE TABLE attack_events (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE CONSTRAINT TRIGGER attack AFTER INSERT ON attack_events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION attack_trigger();
INSERT INTO attack_events VALUES (1);$$, '-- migrate: role = regress_attack_low
DROP TABLE attack_events;');
SELECT version FROM migrate_apply();
SELECT version FROM migrate_rollback();
RESET SESSION AUTHORIZATION;
DROP EVENT TRIGGER attack_start;
DROP EVENT TRIGGER attack_end;
SELECT * FROM attack_log;
SELECT migrate_unregister(1);

--
-- Size
--
\set VERBOSITY sqlstate
-- parentheses: the parser's limit, when they are registered
SELECT migrate_register(1, 'deep', 'SELECT ' || repeat('(', 100000) || '1' || repeat(')', 100000));
-- expressions and joins: the stack's limit, when they run
SELECT migrate_register(1, 'long', 'SELECT 1' || repeat('+1', 100000));
SELECT version FROM migrate_apply();
SELECT migrate_register(1, 'endless', 'CREATE FUNCTION attack_endless() RETURNS int LANGUAGE plpgsql AS ''BEGIN RETURN attack_endless(); END''; SELECT attack_endless();');
SELECT version FROM migrate_apply();
\set VERBOSITY default
-- comments in comments
SELECT migrate_register(1, 'comment', repeat('/* ', 100000) || repeat('*/ ', 100000) || 'SELECT 1', 'SELECT 1');
SELECT version, statements FROM migrate_apply();
SELECT version FROM migrate_rollback();
-- ten thousand statements, the last of which fails: its line
SELECT migrate_register(1, 'many', repeat(E'INSERT INTO attack_log VALUES (1);\n', 10000) || 'SELECT 1/0;');
SELECT version FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_register(1, 'many', repeat(E'INSERT INTO attack_log VALUES (1);\n', 10000), 'DELETE FROM attack_log');
SELECT version, statements FROM migrate_apply();
SELECT rows FROM migrate_history(1) WHERE event = 'applied' AND statements = 10000;
SELECT version FROM migrate_rollback();
-- one statement of 8 MB, one line
SELECT migrate_register(1, 'huge', 'INSERT INTO attack_log VALUES (''' || repeat('x', 8000000) || ''')', 'DELETE FROM attack_log');
SELECT version, statements FROM migrate_apply();
SELECT length(what) FROM attack_log WHERE length(what) > 100;
SELECT version FROM migrate_rollback();
-- and with an error at its end
SELECT migrate_register(1, 'huge', 'SELECT ''' || repeat('x', 8000000) || ''', nowhere', 'SELECT 1');
\set VERBOSITY terse
SELECT version FROM migrate_apply();
\set VERBOSITY default
SELECT migrate_unregister(1);

SELECT rolname FROM pg_roles WHERE rolname LIKE 'regress_attack%' AND rolsuper;
SELECT * FROM migrate.ledger_break;
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
DROP FUNCTION attack_life, attack_deploy, attack_trigger, attack_value, attack_script, attack_event;
DROP SEQUENCE attack_called;
DROP TABLE attack_log;
DROP OWNED BY regress_attack_low, "regress_attack We""ird";
DROP ROLE regress_attack_low, "regress_attack We""ird";
CREATE EXTENSION migrate_ext;
