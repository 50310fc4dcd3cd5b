-- What statements would do to relations, before they run: locks, reads of all rows,
-- builds of indexes, and rewrites.  (tools/predict.sh compares it with what happens.)

CREATE SCHEMA regress_prediction;
SET search_path = regress_prediction, public;
CREATE FUNCTION show(script text) RETURNS TABLE (statement integer, relation text, lock text, work text)
LANGUAGE sql AS $$
	SELECT p.statement, replace(p.relation, 'regress_prediction.', ''), replace(p.lock_mode, 'Lock', ''),
		concat_ws(', ', CASE WHEN p.scan THEN 'scan' END, CASE WHEN p.build THEN 'build' END,
			CASE WHEN p.rewrite THEN 'rewrite' END, CASE WHEN p.opaque THEN 'opaque' END)
	FROM migrate.prediction(script) p
	WHERE p.relation IS NULL OR p.relation NOT LIKE 'pg_toast%'
	ORDER BY p.statement, p.relation COLLATE "C"
$$;

CREATE TABLE artist (id integer PRIMARY KEY, name varchar(20) NOT NULL CHECK (name <> ''), born timestamp, note text);
CREATE INDEX artist_name ON artist (name);
CREATE TABLE work (id bigint PRIMARY KEY, artist integer REFERENCES artist, price numeric(10, 2));
CREATE VIEW work_view AS SELECT w.id, a.name FROM work w JOIN artist a ON a.id = w.artist;
CREATE TABLE sale (id bigint, day date, CHECK (day < '2030-01-01')) PARTITION BY RANGE (day);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE sale_rest PARTITION OF sale DEFAULT;
CREATE TABLE sale_2 (id bigint, day date CHECK (day < '2030-01-01'));
CREATE TABLE sale_3 (id bigint, day date NOT NULL CHECK (day < '2030-01-01'), CHECK (day >= '2022-01-01' AND day < '2023-01-01'));
CREATE DOMAIN plain AS text;
CREATE DOMAIN strict AS text CHECK (VALUE <> '');

-- columns that come
SELECT * FROM show('ALTER TABLE artist ADD a integer; ALTER TABLE artist ADD a integer NOT NULL DEFAULT 5;
	ALTER TABLE artist ADD a timestamptz DEFAULT now(); ALTER TABLE artist ADD a plain');
SELECT * FROM show('ALTER TABLE artist ADD a float DEFAULT random(); ALTER TABLE artist ADD a serial');
SELECT * FROM show('ALTER TABLE artist ADD a integer GENERATED ALWAYS AS IDENTITY; ALTER TABLE artist ADD a strict');
SELECT * FROM show('ALTER TABLE artist ADD a integer GENERATED ALWAYS AS (id + 1) STORED');
SELECT * FROM show('ALTER TABLE artist ADD a integer NOT NULL; ALTER TABLE artist ADD a integer CHECK (a > 0); ALTER TABLE artist ADD a integer UNIQUE');
SELECT * FROM show('ALTER TABLE artist ADD a bigint REFERENCES work; ALTER TABLE artist ADD a bigint DEFAULT 1 REFERENCES work');
SELECT * FROM show('ALTER TABLE artist ADD IF NOT EXISTS note text DEFAULT random()::text');

-- types that change
SELECT * FROM show('ALTER TABLE artist ALTER name TYPE varchar(30)');
SELECT * FROM show('ALTER TABLE artist ALTER note TYPE varchar(30)');
SELECT * FROM show('ALTER TABLE artist ALTER note TYPE plain; ALTER TABLE artist ALTER note TYPE strict');
SELECT * FROM show('ALTER TABLE artist ALTER id TYPE bigint');
SELECT * FROM show('ALTER TABLE work ALTER price TYPE numeric(12, 2); ALTER TABLE work ALTER price TYPE numeric(12, 3)');
SELECT * FROM show('ALTER TABLE work ALTER price TYPE bigint USING price * 100');
SELECT * FROM show('ALTER TABLE artist ALTER name TYPE varchar(20) COLLATE "C"');
SET TimeZone = 'UTC';
SELECT * FROM show('ALTER TABLE artist ALTER born TYPE timestamptz');
SET TimeZone = 'Europe/Berlin';
SELECT * FROM show('ALTER TABLE artist ALTER born TYPE timestamptz');
RESET TimeZone;

-- NOT NULL: what constraints prove is not read
SELECT * FROM show('ALTER TABLE artist ALTER note SET NOT NULL; ALTER TABLE artist ALTER name SET NOT NULL');
ALTER TABLE artist ADD CONSTRAINT has_note CHECK (note IS NOT NULL AND id > 0);
SELECT * FROM show('ALTER TABLE artist ALTER note SET NOT NULL');
ALTER TABLE artist DROP CONSTRAINT has_note;

-- constraints
SELECT * FROM show('ALTER TABLE artist ADD CHECK (id > 0); ALTER TABLE artist ADD CHECK (id > 0) NOT VALID');
SELECT * FROM show('ALTER TABLE work ADD FOREIGN KEY (id) REFERENCES artist; ALTER TABLE work ADD FOREIGN KEY (id) REFERENCES artist NOT VALID');
SELECT * FROM show('ALTER TABLE artist ADD UNIQUE (name); ALTER TABLE artist ADD EXCLUDE (name WITH =)');
SELECT * FROM show('ALTER TABLE artist DROP CONSTRAINT artist_name_check; ALTER TABLE work DROP CONSTRAINT work_artist_fkey');
SELECT * FROM show('ALTER TABLE artist DROP CONSTRAINT artist_pkey CASCADE');
ALTER TABLE artist ADD CONSTRAINT later CHECK (id > 0) NOT VALID;
SELECT * FROM show('ALTER TABLE artist VALIDATE CONSTRAINT later; ALTER TABLE artist VALIDATE CONSTRAINT artist_name_check');

-- storage: nothing happens where it is so already
SELECT * FROM show('ALTER TABLE work SET LOGGED; ALTER TABLE work SET TABLESPACE pg_default; ALTER TABLE work SET ACCESS METHOD heap');
SELECT * FROM show('ALTER TABLE work SET UNLOGGED');
SELECT * FROM show('ALTER TABLE work SET (fillfactor = 70); ALTER TABLE work ALTER price SET STATISTICS 100; ALTER TABLE work ALTER price SET STORAGE main');

-- indexes
SELECT * FROM show('CREATE INDEX ON artist (note); CREATE INDEX IF NOT EXISTS artist_name ON artist (name); DROP INDEX artist_name');
SELECT * FROM show('REINDEX TABLE artist; REINDEX INDEX artist_name; CLUSTER work USING work_pkey');

-- what a DROP and a TRUNCATE take with them
SELECT * FROM show('DROP TABLE work; DROP TABLE work CASCADE; DROP VIEW work_view');
SELECT * FROM show('ALTER TABLE artist DROP note; ALTER TABLE artist DROP name CASCADE');
SELECT * FROM show('TRUNCATE artist; TRUNCATE artist CASCADE; TRUNCATE sale');
SELECT * FROM show('DROP SCHEMA regress_prediction CASCADE');

-- partitions
SELECT * FROM show('ALTER TABLE sale ADD note text; ALTER TABLE ONLY sale ALTER id SET DEFAULT 1; CREATE INDEX ON sale (id); CREATE INDEX ON ONLY sale (id)');
SELECT * FROM show('ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES FROM (''2021-01-01'') TO (''2022-01-01'')');
SELECT * FROM show('ALTER TABLE sale ATTACH PARTITION sale_3 FOR VALUES FROM (''2022-01-01'') TO (''2023-01-01'')');
SELECT * FROM show('CREATE TABLE sale_4 PARTITION OF sale FOR VALUES FROM (''2023-01-01'') TO (''2024-01-01'')');
SELECT * FROM show('ALTER TABLE sale DETACH PARTITION sale_1; DROP TABLE sale_1');

-- names, comments, triggers, policies, views
SELECT * FROM show('ALTER TABLE artist RENAME note TO remark; ALTER TABLE artist RENAME TO painter; ALTER INDEX artist_name RENAME TO n; ALTER TABLE artist SET SCHEMA public');
SELECT * FROM show('COMMENT ON TABLE artist IS ''a''; COMMENT ON COLUMN artist.note IS ''a''; CREATE STATISTICS s ON id, name FROM artist');
SELECT * FROM show('CREATE TRIGGER t BEFORE INSERT ON artist FOR EACH ROW EXECUTE FUNCTION f(); CREATE POLICY p ON artist; CREATE RULE r AS ON DELETE TO artist DO INSTEAD NOTHING');
SELECT * FROM show('CREATE OR REPLACE VIEW work_view AS SELECT 1 AS id FROM artist; CREATE PUBLICATION p FOR TABLE work');
SELECT * FROM show('ALTER DOMAIN plain SET NOT NULL');
ALTER TABLE artist ADD motto plain;
SELECT * FROM show('ALTER DOMAIN plain SET NOT NULL; ALTER DOMAIN plain ADD CHECK (VALUE <> '''') NOT VALID');

-- queries, and what cannot be looked into
SELECT * FROM show('SELECT FROM work_view; INSERT INTO work SELECT FROM artist; WITH artist AS (SELECT) SELECT FROM artist; SELECT FROM work FOR UPDATE; COPY work FROM stdin');
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER nothing BEFORE UPDATE ON artist FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT * FROM show('UPDATE artist SET id = 1; UPDATE work SET id = 1');
SELECT * FROM show('LOCK TABLE work IN EXCLUSIVE MODE; LOCK TABLE work_view');
SELECT * FROM show('DO ''BEGIN END''; SELECT show('''')');

-- statements that are wrong: they say so themselves when they run
SELECT * FROM show('ALTER TABLE nowhere ADD a integer; DROP TABLE nowhere; ALTER TABLE artist DROP nothing; ALTER TABLE artist ALTER note TYPE nonsense');
SELECT * FROM show('ALTER TABLE artist ADD a integer DEFAULT nonsense(); ALTER TABLE work ATTACH PARTITION sale_2 FOR VALUES IN (1); CREATE TABLE x PARTITION OF work DEFAULT');
SELECT * FROM show('CREATE STATISTICS s ON a FROM (VALUES (1)) AS v (a); ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES IN (1)');
SELECT * FROM show('ALTER INDEX sale ATTACH PARTITION sale_2; ALTER INDEX artist ATTACH PARTITION artist_name');
SELECT * FROM show('ALTER TABEL artist');

-- nothing is held afterwards
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation::regclass::text ~ '^(artist|work|sale)';

SET client_min_messages = warning;
DROP SCHEMA regress_prediction CASCADE;
