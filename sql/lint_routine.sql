-- Rules of lint on triggers, security, views, functions, domains and enums: for each
-- one what triggers it, and what nearly does.

SET client_min_messages = warning;
CREATE SCHEMA regress_lint;
SET search_path = regress_lint, public;
CREATE TABLE seen (rule text);
CREATE FUNCTION show(script text, section text DEFAULT 'D')
RETURNS TABLE (statement integer, line integer, rule text, severity text, relation text, message text)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY WITH found AS MATERIALIZED (
		SELECT l.statement, l.line, l.rule, l.severity, replace(l.relation, 'regress_lint.', ''), l.message
		FROM migrate_lint_script(script) l JOIN migrate.lint_rules() r ON r.rule = l.rule AND r.section = show.section
	), noted AS (
		INSERT INTO seen SELECT f.rule FROM found f
	)
	SELECT * FROM found f ORDER BY f.statement, f.rule COLLATE "C", f.message COLLATE "C";
END $$;

CREATE TABLE artist (id integer PRIMARY KEY, name text);
CREATE TABLE work (id integer PRIMARY KEY, artist integer REFERENCES artist, title text);
CREATE TABLE empty (id integer);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER stamped BEFORE INSERT ON work FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER stamped BEFORE INSERT ON empty FOR EACH ROW EXECUTE FUNCTION stamp();
INSERT INTO artist VALUES (1, 'Ada');
INSERT INTO work VALUES (1, 1, 'One');

-- creating-trigger, dropping-trigger
SELECT * FROM show('CREATE TRIGGER other AFTER UPDATE ON work EXECUTE FUNCTION stamp(); DROP TRIGGER stamped ON work');
SELECT * FROM show('CREATE TABLE fresh (id int); CREATE TRIGGER other AFTER UPDATE ON fresh EXECUTE FUNCTION stamp();
CREATE TRIGGER other AFTER UPDATE ON empty EXECUTE FUNCTION stamp(); DROP TRIGGER stamped ON empty; DROP TRIGGER IF EXISTS nothing ON work; DROP TRIGGER IF EXISTS stamped ON nowhere');

-- disabling-trigger
SELECT * FROM show('ALTER TABLE work DISABLE TRIGGER stamped; ALTER TABLE work DISABLE TRIGGER USER; ALTER TABLE work DISABLE TRIGGER ALL; ALTER TABLE empty DISABLE TRIGGER stamped; ALTER TABLE work ENABLE REPLICA TRIGGER stamped');
SELECT * FROM show('ALTER TABLE work ENABLE TRIGGER ALL; ALTER TABLE work DISABLE TRIGGER nothing; ALTER TABLE artist DISABLE TRIGGER USER; CREATE TABLE fresh (id int); ALTER TABLE fresh DISABLE TRIGGER ALL');
ALTER TABLE work DISABLE TRIGGER stamped;
SELECT * FROM show('ALTER TABLE work ENABLE TRIGGER stamped; ALTER TABLE work DISABLE TRIGGER USER');
ALTER TABLE work ENABLE TRIGGER stamped;

-- row-security-change: with and without a policy, before or after
SELECT * FROM show('ALTER TABLE work ENABLE ROW LEVEL SECURITY');
SELECT * FROM show('ALTER TABLE work ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON work USING (true)');
SELECT * FROM show('CREATE POLICY mine ON work USING (true); ALTER TABLE work ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');
SELECT * FROM show('ALTER TABLE work ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON work AS RESTRICTIVE USING (true)');
SELECT * FROM show('ALTER TABLE work DISABLE ROW LEVEL SECURITY; CREATE POLICY mine ON work USING (true); ALTER TABLE work NO FORCE ROW LEVEL SECURITY;
CREATE TABLE fresh (id int); ALTER TABLE fresh ENABLE ROW LEVEL SECURITY; DROP POLICY IF EXISTS nothing ON work');
ALTER TABLE work ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY all_of_it ON work USING (true);
SELECT * FROM show('CREATE POLICY mine ON work USING (true); ALTER POLICY all_of_it ON work USING (id > 0); DROP POLICY all_of_it ON work; ALTER TABLE work NO FORCE ROW LEVEL SECURITY; ALTER TABLE work DISABLE ROW LEVEL SECURITY');
ALTER TABLE work DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
SELECT * FROM show('DROP POLICY all_of_it ON work; ALTER TABLE work ENABLE ROW LEVEL SECURITY');
DROP POLICY all_of_it ON work;

-- overbroad-grant
SELECT * FROM show('GRANT SELECT, UPDATE (title) ON work, empty TO PUBLIC; GRANT ALL ON SCHEMA regress_lint TO CURRENT_USER, PUBLIC; CREATE TABLE fresh (id int); GRANT INSERT ON fresh TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA regress_lint TO PUBLIC');
SELECT * FROM show('GRANT SELECT ON work TO CURRENT_USER; REVOKE ALL ON work FROM PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC');

-- require-concurrent-refresh
CREATE MATERIALIZED VIEW titles AS SELECT id, title FROM work;
CREATE MATERIALIZED VIEW unfilled AS SELECT id, title FROM work WITH NO DATA;
SELECT * FROM show('REFRESH MATERIALIZED VIEW titles; REFRESH MATERIALIZED VIEW titles WITH NO DATA');
CREATE UNIQUE INDEX titles_key ON titles (id);
SELECT * FROM show('REFRESH MATERIALIZED VIEW titles');
SELECT * FROM show('REFRESH MATERIALIZED VIEW CONCURRENTLY titles; REFRESH MATERIALIZED VIEW unfilled; REFRESH MATERIALIZED VIEW work; REFRESH MATERIALIZED VIEW nowhere');

-- function-volatility-change
CREATE FUNCTION short(title text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left(title, 3)';
CREATE FUNCTION lonely(a integer, OUT b integer) LANGUAGE sql STABLE AS 'SELECT a';
CREATE INDEX work_short ON work (short(title));
SELECT * FROM show('CREATE OR REPLACE FUNCTION short(title text) RETURNS text LANGUAGE sql AS ''SELECT left(title, 2)''; ALTER FUNCTION short STABLE; ALTER FUNCTION short(text) VOLATILE');
SELECT * FROM show('CREATE OR REPLACE FUNCTION short(title text) RETURNS text LANGUAGE sql IMMUTABLE AS ''SELECT left(title, 2)''; ALTER FUNCTION short(text) COST 5; ALTER FUNCTION lonely(integer) VOLATILE;
CREATE OR REPLACE FUNCTION short(title varchar) RETURNS text LANGUAGE sql AS ''SELECT title''; ALTER FUNCTION stamp() STABLE; ALTER FUNCTION nothing() STABLE; ALTER FUNCTION nothing(nowhere) STABLE');

-- dropping-depended-function: what goes too does not count, nor does what comes again
CREATE FUNCTION caller() RETURNS text LANGUAGE sql AS $$ SELECT LONELY(1)::text $$;
SELECT * FROM show('DROP FUNCTION short(text); DROP FUNCTION stamp(); DROP FUNCTION lonely(integer)');
SELECT * FROM show('DROP INDEX work_short; DROP FUNCTION short(text); DROP TRIGGER stamped ON work; DROP TABLE empty; DROP FUNCTION stamp()') WHERE rule <> 'dropping-trigger';
SELECT * FROM show('DROP FUNCTION lonely(integer), caller(); DROP FUNCTION short CASCADE; DROP FUNCTION IF EXISTS nothing()');
SELECT * FROM show('DROP FUNCTION lonely(integer); CREATE FUNCTION lonely(a integer) RETURNS bigint LANGUAGE sql AS ''SELECT 1''');

-- ban-create-domain-with-constraint, ban-alter-domain-with-add-constraint
CREATE DOMAIN word AS text;
CREATE DOMAIN long_word AS word;
CREATE DOMAIN nested AS text;
CREATE TYPE pair AS (one nested, other integer);
CREATE TABLE said (id integer, what word, how long_word);
CREATE TABLE dictionary (entry word);
INSERT INTO said VALUES (1, 'a', 'b');
SELECT * FROM show('CREATE DOMAIN positive AS integer CHECK (VALUE > 0) NOT NULL; CREATE DOMAIN given AS text NOT NULL');
SELECT * FROM show('CREATE DOMAIN plain AS integer DEFAULT 1');
SELECT * FROM show('ALTER DOMAIN word SET NOT NULL; ALTER DOMAIN word ADD CONSTRAINT filled CHECK (VALUE <> ''''); ALTER DOMAIN long_word ADD CHECK (VALUE <> '''')');
SELECT * FROM show('ALTER DOMAIN word ADD CONSTRAINT filled CHECK (VALUE <> '''') NOT VALID; ALTER DOMAIN word DROP NOT NULL; ALTER DOMAIN nested SET NOT NULL; ALTER DOMAIN nowhere SET NOT NULL; CREATE DOMAIN fresh AS text; ALTER DOMAIN fresh SET NOT NULL');
CREATE TABLE pairs (id integer, two pair);
SELECT * FROM show('ALTER DOMAIN nested SET NOT NULL');
DROP TABLE pairs;
CREATE TABLE lists (id integer, words word[]);
SELECT * FROM show('ALTER DOMAIN word SET NOT NULL; ALTER DOMAIN long_word SET NOT NULL');
ALTER DOMAIN long_word SET NOT NULL;
SELECT * FROM show('ALTER DOMAIN long_word SET NOT NULL');

-- opaque-dynamic-sql
CREATE PROCEDURE act() LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION change() RETURNS integer LANGUAGE sql AS 'SELECT 1';
SELECT * FROM show('DO ''BEGIN END''; CALL act(); SELECT change(); SELECT * FROM work WHERE id = change()');
SELECT * FROM show('SELECT lonely(1); SELECT count(*) FROM work; INSERT INTO empty VALUES (change()); SELECT nowhere.change()');

-- require-enum-value-ordering, renaming-enum-value, enum-value-used-in-same-transaction
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE feeling (id integer, what mood DEFAULT 'sad', note text);
SELECT * FROM show('ALTER TYPE mood ADD VALUE ''odd''; ALTER TYPE mood RENAME VALUE ''sad'' TO ''blue''');
SELECT * FROM show('ALTER TYPE mood ADD VALUE ''odd'' BEFORE ''sad''; ALTER TYPE mood RENAME VALUE ''nothing'' TO ''blue''; ALTER TYPE nowhere RENAME VALUE ''sad'' TO ''blue''; CREATE TYPE fresh AS ENUM (''a''); ALTER TYPE fresh RENAME VALUE ''a'' TO ''b''');
SELECT statement, rule, severity, message FROM show('ALTER TYPE mood ADD VALUE ''odd'' AFTER ''sad'';
INSERT INTO feeling VALUES (1, ''odd'');
INSERT INTO feeling (what, id) VALUES (''sad'', 1), (''odd'', 2);
INSERT INTO feeling SELECT 1, ''odd'';
UPDATE feeling SET what = ''odd'';
DELETE FROM feeling WHERE what IN (''sad'', ''odd'');
SELECT ''odd''::regress_lint.mood;
ALTER TABLE feeling ALTER what SET DEFAULT ''odd'';
ALTER TABLE feeling ADD COLUMN more mood DEFAULT ''odd'';
CREATE TABLE fresh (id int, what mood DEFAULT ''odd'');
CREATE TABLE fresh2 (id int, what mood CHECK (what <> CAST(''odd'' AS mood)));
CREATE VIEW odd AS SELECT * FROM feeling WHERE ''odd'' = what;
CREATE INDEX ON feeling (id) WHERE what = ''odd'';
CREATE TABLE odds AS SELECT * FROM feeling WHERE what = ''odd'';
CREATE POLICY odd ON feeling USING (what = ''odd''::mood)');
SELECT statement, rule, severity, message FROM show('ALTER TYPE mood ADD VALUE ''odd'' AFTER ''sad'';
INSERT INTO feeling VALUES (1, ''sad'', ''odd'');
INSERT INTO feeling (note) VALUES (''odd'');
UPDATE feeling SET note = ''odd'' WHERE note = ''odd'' AND what = ''sad'';
ALTER TABLE feeling ALTER note SET DEFAULT ''odd'';
SELECT ''odd'', ''odd''::text, ''odd''::nowhere;
CREATE TABLE fresh (id int, what text DEFAULT ''odd'')') WHERE rule <> 'row-security-change';
SELECT statement, rule FROM show('ALTER TYPE mood ADD VALUE IF NOT EXISTS ''sad'' BEFORE ''glad''; UPDATE feeling SET what = ''sad''');
SELECT statement, rule FROM show('CREATE TYPE fresh AS ENUM (); ALTER TYPE fresh ADD VALUE ''a'' BEFORE ''b''; SELECT ''a''::fresh');
SELECT statement, rule FROM show('-- migrate: no-transaction
ALTER TYPE mood ADD VALUE ''odd'' BEFORE ''sad''; UPDATE feeling SET what = ''odd''');

-- optional: creating-enum
SELECT * FROM show('CREATE TYPE fresh AS ENUM (''a'')');
SET migrate.lint_rules = 'creating-enum';
SELECT * FROM show('CREATE TYPE fresh AS ENUM (''a''); CREATE TYPE fresh2 AS (a integer); CREATE DOMAIN fresh3 AS mood');
RESET migrate.lint_rules;

-- nonsense is not an error
SELECT count(*) FROM show('CREATE TRIGGER a BEFORE INSERT ON nowhere EXECUTE FUNCTION a.b.c(); DROP TRIGGER a ON b.c; DROP POLICY a ON b;
ALTER TABLE work DISABLE TRIGGER "a"; GRANT SELECT ON a.b.c TO PUBLIC; ALTER FUNCTION a.b.c(d.e.f) STABLE; DROP FUNCTION a(b.c%TYPE);
CREATE OR REPLACE FUNCTION a.b(c d.e) RETURNS f LANGUAGE sql AS ''''; ALTER DOMAIN a.b.c SET NOT NULL; ALTER DOMAIN work SET NOT NULL;
ALTER TYPE a.b.c ADD VALUE ''a''; ALTER TYPE work ADD VALUE ''a'' BEFORE ''b''; SELECT ''a''::work; REFRESH MATERIALIZED VIEW work_pkey; SELECT a.b.c.d(1), nowhere.f(2)');

-- what the catalogs prove, and what is no more than a word in a text
SELECT rule, proved FROM migrate_lint_script('ALTER TYPE mood ADD VALUE ''odd'' AFTER ''sad''; SELECT ''odd''::mood; DROP FUNCTION short(text); DROP FUNCTION lonely(integer); ALTER FUNCTION short STABLE') ORDER BY 1, 2;

-- every rule was seen
SELECT r.rule FROM migrate.lint_rules() r WHERE r.section = 'D' AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.rule = r.rule);
-- and has a hint
SELECT r.rule FROM migrate.lint_rules() r WHERE r.section = 'D' AND (r.hint IS NULL OR r.hint !~ '^[A-Z].*\.$');

SET client_min_messages = error;
DROP SCHEMA regress_lint CASCADE;
