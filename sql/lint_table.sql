-- Rules of lint on tables and schemas: for each one what triggers it, and what
-- nearly does.

SET client_min_messages = warning;
CREATE SCHEMA regress_lint;
SET search_path = regress_lint, public;
CREATE TABLE seen (rule text);
CREATE FUNCTION show(script text, section text DEFAULT 'C')
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

CREATE TABLE artist (id integer PRIMARY KEY, name text NOT NULL CONSTRAINT has_name CHECK (name <> ''));
CREATE TABLE work (id integer PRIMARY KEY, artist integer CONSTRAINT made_by REFERENCES artist, title text);
CREATE TABLE sale (work integer CONSTRAINT sold REFERENCES work, day date);
CREATE TABLE empty (id integer);
CREATE TABLE day (at date, n integer) PARTITION BY RANGE (at);
CREATE TABLE day_2020 PARTITION OF day FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE VIEW titles AS SELECT w.title, a.name FROM work w JOIN artist a ON a.id = w.artist;
CREATE FUNCTION count_sales() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM sale';
CREATE TEMP TABLE passing (id integer);
INSERT INTO artist VALUES (1, 'Ada');
INSERT INTO work VALUES (1, 1, 'One');
INSERT INTO sale VALUES (1, '2020-02-02');
INSERT INTO day VALUES ('2020-02-02', 1);
INSERT INTO passing VALUES (1);

-- ban-drop-table: kept, not kept by a directive (with or without a schema, by the
-- parent, too), without rows, made before, temporary, not there
SELECT * FROM show('DROP TABLE sale; DROP TABLE regress_lint.day, empty');
SELECT * FROM show('-- migrate: no-backup sale: too many
-- migrate: no-backup regress_lint.day: made anew every night
-- migrate: no-backup empty: not used
DROP TABLE sale;
DROP TABLE day_2020;
DROP TABLE empty');
SELECT * FROM show('CREATE TABLE fresh (id int); DROP TABLE fresh; DROP TABLE passing; DROP TABLE IF EXISTS nowhere; DROP TABLE titles; DROP VIEW titles');
-- what is renamed is not new
SELECT statement, rule, relation, message FROM show('ALTER TABLE sale RENAME TO sale_old; CREATE TABLE sale (id int); DROP TABLE sale_old');
SELECT statement, rule, relation, message FROM show('CREATE TABLE sale_new (id int); DROP TABLE sale; ALTER TABLE sale_new RENAME TO sale; DROP TABLE sale');
SET migrate.backups = off;
SELECT statement, severity, relation, message FROM show('DROP TABLE sale; DROP TABLE empty');
RESET migrate.backups;

-- drop-table-locks-referenced, dropping-constraint
SELECT * FROM show('DROP TABLE sale');
SELECT * FROM show('DROP TABLE empty; DROP TABLE day_2020') WHERE rule <> 'ban-drop-table';
SELECT * FROM show('ALTER TABLE sale DROP CONSTRAINT sold');
SELECT * FROM show('DROP TABLE sale; DROP TABLE work') WHERE rule <> 'ban-drop-table';
SELECT * FROM show('ALTER TABLE artist DROP CONSTRAINT has_name; ALTER TABLE work DROP CONSTRAINT work_pkey; ALTER TABLE work DROP CONSTRAINT work_pkey CASCADE');
-- what is in use cannot go: sure only if no earlier statement may have changed that
SELECT * FROM show('ALTER TABLE work DROP CONSTRAINT work_pkey') WHERE rule = 'dropping-constraint';
ALTER TABLE work ADD COLUMN part_of integer CONSTRAINT part REFERENCES work;
SELECT * FROM show('ALTER TABLE sale DROP CONSTRAINT sold; ALTER TABLE work DROP CONSTRAINT part, DROP CONSTRAINT work_pkey') WHERE statement = 2;
ALTER TABLE work DROP COLUMN part_of;
SELECT * FROM show('ALTER TABLE artist DROP CONSTRAINT has_name, ADD CONSTRAINT has_name CHECK (length(name) > 1);
ALTER TABLE artist DROP CONSTRAINT IF EXISTS nothing');

-- renaming-table: a view of the old name makes it good
SELECT * FROM show('ALTER TABLE sale RENAME TO sales; ALTER VIEW titles SET SCHEMA public');
SELECT * FROM show('ALTER TABLE sale RENAME TO sales; CREATE VIEW sale AS SELECT * FROM sales');
SELECT * FROM show('CREATE TABLE fresh (id int); ALTER TABLE fresh RENAME TO sales; ALTER INDEX work_pkey RENAME TO work_key; ALTER TABLE sale RENAME day TO sold_on');

-- renaming-schema
CREATE SCHEMA regress_lint_more;
SELECT * FROM show('ALTER SCHEMA regress_lint_more RENAME TO other; ALTER SCHEMA nowhere RENAME TO other');
CREATE TABLE regress_lint_more.box (id integer PRIMARY KEY);
INSERT INTO regress_lint_more.box VALUES (1);
CREATE VIEW regress_lint_more.boxes AS SELECT * FROM regress_lint_more.box;
CREATE VIEW boxes AS SELECT * FROM regress_lint_more.box;
CREATE FUNCTION path() RETURNS integer LANGUAGE sql SET search_path = regress_lint_more AS 'SELECT 1';
SELECT * FROM show('ALTER SCHEMA regress_lint_more RENAME TO other');

-- ban-drop-schema, destructive-cascade
SELECT * FROM show('DROP SCHEMA regress_lint_more; DROP SCHEMA regress_lint_more CASCADE');
SELECT * FROM show('-- migrate: no-backup regress_lint_more.box: empty boxes
DROP SCHEMA regress_lint_more CASCADE') WHERE rule = 'ban-drop-schema';
SELECT * FROM show('CREATE SCHEMA fresh; DROP SCHEMA fresh; DROP SCHEMA IF EXISTS nowhere');
SELECT * FROM show('DROP VIEW boxes; DROP VIEW regress_lint_more.boxes; DROP TABLE regress_lint_more.box; DROP SCHEMA regress_lint_more CASCADE') WHERE statement = 4;

-- destructive-cascade: nothing more goes than is named
SELECT * FROM show('DROP TABLE work CASCADE') WHERE rule = 'destructive-cascade';
SELECT * FROM show('ALTER TABLE artist DROP COLUMN name CASCADE');
SELECT * FROM show('DROP VIEW titles CASCADE; DROP VIEW titles; DROP TABLE work, sale CASCADE; ALTER TABLE artist DROP COLUMN name') WHERE rule = 'destructive-cascade';
CREATE TABLE heir () INHERITS (artist);
INSERT INTO heir VALUES (2, 'Bea');
SELECT * FROM show('-- migrate: no-backup heir: all are artists
DROP TABLE artist CASCADE') WHERE rule = 'destructive-cascade';
DROP TABLE heir;

-- ban-drop-database
SELECT rule, severity, replace(message, current_database(), 'DATABASE') AS message
FROM show(format('DROP DATABASE %I; DROP DATABASE IF EXISTS regress_lint_nowhere', current_database()));

-- ban-truncate, ban-truncate-cascade
SELECT * FROM show('TRUNCATE sale; TRUNCATE artist CASCADE; TRUNCATE artist, work, sale CASCADE');
SELECT * FROM show('-- migrate: no-backup work: made anew
TRUNCATE artist CASCADE');
SELECT * FROM show('CREATE TABLE fresh (id int); TRUNCATE fresh; TRUNCATE passing; TRUNCATE nowhere; TRUNCATE titles CASCADE');

-- drop-and-recreate-table
SELECT * FROM show('DROP TABLE sale; CREATE TABLE sale (id int)') WHERE statement = 2;
SELECT * FROM show('-- migrate: no-backup sale: made anew
DROP TABLE sale; CREATE TABLE sale AS SELECT 1 AS id') WHERE statement = 2;
SELECT * FROM show('DROP TABLE sale; CREATE TABLE sales (id int); CREATE TABLE IF NOT EXISTS work (id int)') WHERE statement > 1;

-- set-logged-unlogged, set-tablespace, set-access-method: nothing if it is so
CREATE UNLOGGED TABLE cache (id integer);
INSERT INTO cache VALUES (1);
CREATE ACCESS METHOD regress_lint_heap TYPE TABLE HANDLER heap_tableam_handler;
SELECT * FROM show('ALTER TABLE sale SET UNLOGGED; ALTER TABLE cache SET LOGGED');
SELECT * FROM show('ALTER TABLE sale SET LOGGED; ALTER TABLE cache SET UNLOGGED; ALTER TABLE empty SET UNLOGGED');
SELECT * FROM show('ALTER TABLE sale SET TABLESPACE pg_global; ALTER INDEX work_pkey SET TABLESPACE pg_global');
SELECT * FROM show('ALTER TABLE sale SET TABLESPACE pg_default; ALTER TABLE sale SET TABLESPACE nowhere');
SELECT * FROM show('ALTER TABLE sale SET ACCESS METHOD regress_lint_heap');
SELECT * FROM show('ALTER TABLE sale SET ACCESS METHOD heap; ALTER TABLE sale SET ACCESS METHOD btree; ALTER TABLE sale SET ACCESS METHOD nowhere');
DROP ACCESS METHOD regress_lint_heap;

-- prefer-repack: of all tables, the largest one is told
ANALYZE sale;
SELECT * FROM show('VACUUM FULL sale; CLUSTER work USING work_pkey; VACUUM (FULL on) work');
SELECT statement, rule, severity, message FROM show('VACUUM FULL; CLUSTER');
SELECT * FROM show('VACUUM sale; VACUUM (FULL off) sale; VACUUM; VACUUM FULL empty; ANALYZE sale');

-- explicit-lock-table
SELECT * FROM show('LOCK TABLE sale; LOCK TABLE sale, work IN SHARE MODE');
SELECT * FROM show('LOCK TABLE sale IN ROW EXCLUSIVE MODE; LOCK TABLE empty; CREATE TABLE fresh (id int); LOCK TABLE fresh; LOCK TABLE nowhere');

-- replica-identity-change
SET client_min_messages = error;
CREATE PUBLICATION regress_lint FOR TABLE sale;
SET client_min_messages = warning;
SELECT * FROM show('ALTER TABLE sale REPLICA IDENTITY FULL; ALTER TABLE sale REPLICA IDENTITY NOTHING');
SELECT * FROM show('ALTER TABLE sale REPLICA IDENTITY DEFAULT; ALTER TABLE work REPLICA IDENTITY NOTHING; ALTER TABLE titles REPLICA IDENTITY NOTHING');
DROP PUBLICATION regress_lint;

-- disabling-autovacuum
SELECT * FROM show('ALTER TABLE sale SET (autovacuum_enabled = false); CREATE TABLE fresh (id int) WITH (autovacuum_enabled = off)');
SELECT * FROM show('ALTER TABLE sale SET (autovacuum_enabled = true, fillfactor = 70); ALTER TABLE sale SET (autovacuum_enabled = nonsense); ALTER TABLE sale SET (autovacuum_enabled)');

-- create-table-as-select
SELECT * FROM show('CREATE TABLE copy AS SELECT * FROM sale; SELECT * INTO copy2 FROM titles');
SELECT * FROM show('CREATE TABLE copy AS SELECT * FROM empty; CREATE TABLE copy2 AS SELECT 1 AS a; CREATE TEMP TABLE copy3 AS SELECT * FROM sale; CREATE TABLE copy4 AS SELECT * FROM sale WITH NO DATA; SELECT * FROM sale');

-- identifier-too-long
SELECT * FROM show('ALTER TABLE sale ADD COLUMN ' || repeat('a', 64) || ' integer; SELECT 1 AS "' || repeat('é', 32) || '", 2 AS "' || repeat('""', 64) || '"');
SELECT * FROM show('ALTER TABLE sale ADD COLUMN ' || repeat('a', 63) || ' integer; SELECT ''' || repeat('a', 64) || ''' -- ' || repeat('b', 80)
	|| E'\n, 1 AS "' || repeat('""', 63) || '"');

-- optional: require-table-schema, naming-convention
SELECT * FROM show('CREATE TABLE Fresh (id int); DROP TABLE sale');
SET migrate.lint_rules = 'require-table-schema, naming-convention';
SELECT * FROM show('ALTER TABLE sale ADD COLUMN n integer; CREATE INDEX ON work (id); CREATE VIEW fresh AS SELECT 1 AS a; DROP TABLE empty') WHERE rule = 'require-table-schema';
SELECT * FROM show('ALTER TABLE regress_lint.sale ADD COLUMN n integer; CREATE TEMP TABLE fresh (id int); DROP FUNCTION path()');
SELECT * FROM show('CREATE TABLE a.good ("Id" int CONSTRAINT "Positive" CHECK ("Id" > 0), CONSTRAINT "Ünique" UNIQUE ("Id"));
CREATE VIEW a."View" AS SELECT 1 AS a; CREATE SEQUENCE a."Sequence"; CREATE INDEX "Index" ON a.good ("Id");
CREATE TYPE a."Enum" AS ENUM (); CREATE DOMAIN a."Domain" AS text; CREATE TYPE a."Pair" AS (a int); CREATE SCHEMA "Schema";
CREATE FUNCTION a."Function"() RETURNS integer LANGUAGE sql AS ''SELECT 1'';
CREATE TRIGGER "Trigger" BEFORE INSERT ON a.good EXECUTE FUNCTION a.f();
ALTER TABLE a.good ADD COLUMN "Column" int, ADD CONSTRAINT "Constraint" CHECK (true); ALTER TABLE a.good RENAME "Id" TO "ID";
CREATE TABLE a."As" AS SELECT 1 AS a; CREATE MATERIALIZED VIEW a."Made" AS SELECT 1 AS a');
SELECT * FROM show('CREATE TABLE a.good (id int PRIMARY KEY, _x9 text); ALTER TABLE a.good RENAME id TO key; DROP TABLE a."Bad"; ALTER ROLE "X" RENAME TO "Y"');
SET migrate.lint_naming = 'table=^[A-Z] index=_(idx|key)$';
SELECT * FROM show('CREATE TABLE a.bad ("Id" int); CREATE TABLE a."Good" (id int); CREATE INDEX a_id ON a.good (id); CREATE INDEX "A_idx" ON a.good (id)');
SET migrate.lint_naming = 'table=^[A-Z] nothing=x';
SET migrate.lint_naming = 'table';
SET migrate.lint_naming = 'table=(';
SHOW migrate.lint_naming;
RESET migrate.lint_naming;
RESET migrate.lint_rules;

-- nonsense is not an error
SELECT count(*) FROM show('DROP TABLE a.b.c.d; DROP SCHEMA CASCADE_; TRUNCATE a.b.c; ALTER TABLE work DROP CONSTRAINT nothing;
ALTER TABLE otherdb.regress_lint.work SET LOGGED; LOCK TABLE otherdb.a.b; DROP DATABASE a; VACUUM FULL nowhere; CLUSTER nowhere;
CREATE TABLE a.b AS SELECT * FROM nowhere; ALTER TABLE work_pkey REPLICA IDENTITY FULL; ALTER TABLE titles SET ACCESS METHOD heap;
ALTER TABLE work SET (nonsense = 1, autovacuum_enabled = 1.5); ALTER TABLE count_sales RENAME TO x; DROP OPERATOR + (int, nowhere) CASCADE');

-- every rule was seen
SELECT r.rule FROM migrate.lint_rules() r WHERE r.section = 'C' AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.rule = r.rule);
-- and has a hint
SELECT r.rule FROM migrate.lint_rules() r WHERE r.section = 'C' AND (r.hint IS NULL OR r.hint !~ '^[A-Z].*\.$');

SET client_min_messages = error;
DROP SCHEMA regress_lint, regress_lint_more CASCADE;
DROP TABLE passing;
