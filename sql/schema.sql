-- migrate_schema(): the statements that create the schema, in an order in which
-- they can run.  That pg_dump sees no difference is for t/009_schema.pl.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_schema_owner;
CREATE ROLE "regress_schema ""reader";
CREATE SCHEMA schema_test;
-- what is of this test, without owners: whoever runs it has a name
CREATE FUNCTION schema_test.statements(pattern text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT s.statement FROM migrate.schema_statements(NULL) s
	WHERE s.name ~ ('schema_test.*' || pattern) AND s.name !~ 'statements' AND NOT (s.part = 5 AND s.statement !~ 'regress_')
	ORDER BY s.place
$$;
\pset format unaligned
\pset tuples_only on

-- a table, its columns, and what stands on it
CREATE TABLE schema_test.plain (
	id bigint GENERATED ALWAYS AS IDENTITY (START 10) PRIMARY KEY,
	"Odd ""one" varchar(9) COLLATE "C" DEFAULT 'it''s' NOT NULL CHECK ("Odd ""one" IN ('a', 'b', '(ARRAY[''x''::character varying])::text[]')),
	up text GENERATED ALWAYS AS (upper("Odd ""one")) STORED,
	part integer REFERENCES schema_test.plain (part) DEFERRABLE,
	UNIQUE (part)
) WITH (fillfactor = 70, autovacuum_enabled = off);
ALTER TABLE schema_test.plain ALTER up SET STORAGE EXTERNAL, ALTER up SET STATISTICS 5, ALTER part SET (n_distinct = 3);
ALTER TABLE schema_test.plain CLUSTER ON plain_pkey, REPLICA IDENTITY USING INDEX plain_pkey, ENABLE ROW LEVEL SECURITY;
CREATE INDEX plain_up ON schema_test.plain (lower(up) DESC) WHERE part > 0;
ALTER INDEX schema_test.plain_up ALTER COLUMN 1 SET STATISTICS 7;
CREATE POLICY own ON schema_test.plain AS RESTRICTIVE FOR UPDATE TO "regress_schema ""reader" USING (part = 1) WITH CHECK (part = 2);
CREATE RULE quiet AS ON DELETE TO schema_test.plain DO INSTEAD NOTHING;
ALTER TABLE schema_test.plain DISABLE RULE quiet;
CREATE STATISTICS schema_test.plain_stats ON id, part FROM schema_test.plain;
COMMENT ON COLUMN schema_test.plain.part IS E'back\\slash';
COMMENT ON INDEX schema_test.plain_pkey IS 'the key';
GRANT SELECT (part, ctid) ON schema_test.plain TO "regress_schema ""reader";
SELECT schema_test.statements('plain');

-- the same as json
SELECT replace(definition::text, quote_ident(current_user), 'me') FROM migrate.live_object WHERE name = 'schema_test.plain';
SELECT name, definition FROM migrate.live_object WHERE name ~ 'on schema_test.plain' ORDER BY name COLLATE "C";
DROP TABLE schema_test.plain;

-- privileges that were granted on, and owners: a table has its own before anything stands on it
CREATE TABLE schema_test.granted (a integer);
ALTER TABLE schema_test.granted OWNER TO regress_schema_owner;
GRANT ALL ON SCHEMA schema_test TO PUBLIC;
SET ROLE regress_schema_owner;
REVOKE ALL ON schema_test.granted FROM regress_schema_owner;
GRANT INSERT ON schema_test.granted TO regress_schema_owner;
GRANT SELECT, UPDATE ON schema_test.granted TO "regress_schema ""reader" WITH GRANT OPTION;
RESET ROLE;
SET ROLE "regress_schema ""reader";
GRANT SELECT ON schema_test.granted TO PUBLIC;
RESET ROLE;
CREATE INDEX ON schema_test.granted ((a + 1));
SELECT definition FROM migrate.live_table WHERE name = 'schema_test.granted';
SELECT schema_test.statements('granted');
DROP TABLE schema_test.granted;

-- circles: a default that takes the table, a view that a function gives, a check that takes the domain
CREATE TABLE schema_test.circle (a integer, b integer);
CREATE FUNCTION schema_test.circle_next(c schema_test.circle DEFAULT NULL) RETURNS integer LANGUAGE sql RETURN 1;
ALTER TABLE schema_test.circle ALTER b SET DEFAULT schema_test.circle_next();
CREATE VIEW schema_test.circle_view AS SELECT 1 AS x, 'y'::varchar(3) AS y;
CREATE FUNCTION schema_test.circle_rows() RETURNS SETOF schema_test.circle_view LANGUAGE sql
	BEGIN ATOMIC SELECT * FROM schema_test.circle_view; END;
CREATE OR REPLACE VIEW schema_test.circle_view AS SELECT x, y FROM schema_test.circle_rows() WHERE x > 1;
CREATE DOMAIN schema_test.circle_domain AS integer;
CREATE FUNCTION schema_test.circle_check(d schema_test.circle_domain) RETURNS boolean LANGUAGE sql RETURN true;
ALTER DOMAIN schema_test.circle_domain ADD CONSTRAINT checked CHECK (schema_test.circle_check(VALUE));
CREATE SEQUENCE schema_test.circle_seq OWNED BY schema_test.circle.a;
ALTER TABLE schema_test.circle ALTER a SET DEFAULT nextval('schema_test.circle_seq');
-- versions of the server write names in views each in their way
SELECT regexp_replace(s, 'circle_rows\.([xy])', '\1', 'g') FROM schema_test.statements('circle') s;
DROP SCHEMA schema_test CASCADE;

-- children whose columns inheritance would put elsewhere, and partitions
CREATE SCHEMA schema_test;
CREATE FUNCTION schema_test.statements(pattern text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT s.statement FROM migrate.schema_statements(NULL) s
	WHERE s.name ~ ('schema_test.*' || pattern) AND s.name !~ 'statements' AND s.part <> 5
	ORDER BY s.place
$$;
CREATE TABLE schema_test.parent (a integer NOT NULL, b integer DEFAULT 2);
CREATE TABLE schema_test.natural_child (own integer) INHERITS (schema_test.parent);
CREATE TABLE schema_test.late_child (own integer) INHERITS (schema_test.parent);
ALTER TABLE schema_test.parent ADD COLUMN c integer;
ALTER TABLE schema_test.natural_child DROP COLUMN own, ALTER b SET DEFAULT 3;
ALTER TABLE schema_test.parent ADD CONSTRAINT b_over CHECK (b > 0);
CREATE TABLE schema_test.own_child (c integer, b integer, a integer NOT NULL, CONSTRAINT b_over CHECK (b > 0));
ALTER TABLE schema_test.own_child INHERIT schema_test.parent;
SELECT schema_test.statements('(parent|child)');
CREATE TABLE schema_test.parted (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE schema_test.parted_1 PARTITION OF schema_test.parted FOR VALUES FROM (1) TO (10);
CREATE INDEX parted_v ON schema_test.parted (v);
SELECT schema_test.statements('parted');
DROP SCHEMA schema_test CASCADE;

-- the beginning of the whole, and what there is not
SELECT line FROM regexp_split_to_table(migrate_schema(), E'\n') WITH ORDINALITY l(line, n) WHERE n <= 12;
SELECT migrate_schema(9223372036854775807);
SET ROLE regress_schema_owner;
SELECT migrate_schema();
RESET ROLE;
DROP ROLE regress_schema_owner, "regress_schema ""reader";
