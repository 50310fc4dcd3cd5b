-- Lint of indexes and constraints: for each rule one script that it has something to
-- say of, and one that is nearly so.

CREATE SCHEMA regress_lint_index;
SET search_path = regress_lint_index, public;
SET client_min_messages = warning;
CREATE TABLE seen (rule text);
CREATE FUNCTION lint(script text) RETURNS TABLE (n integer, line integer, rule text, severity text, relation text, message text)
LANGUAGE sql AS $$
	WITH finding AS MATERIALIZED (
		SELECT f.statement, f.line, f.rule, f.severity, replace(f.relation, 'regress_lint_index.', '') AS relation, f.message, f.work, f.ordinality
		FROM migrate_lint_script(script) WITH ORDINALITY f JOIN migrate.lint_rules() r ON r.rule = f.rule
		WHERE r.section = 'A'
	), note AS (INSERT INTO seen SELECT f.rule FROM finding f)
	SELECT f.statement, f.line, f.rule, concat_ws(', ', f.severity, f.work), f.relation, f.message FROM finding f ORDER BY f.ordinality
$$;

CREATE TABLE artist (id bigint PRIMARY KEY, name text NOT NULL, nick text, born date, died date);
CREATE INDEX artist_nick ON artist (nick, born);
CREATE UNIQUE INDEX artist_name ON artist (name);
CREATE UNIQUE INDEX artist_died ON artist (died);
INSERT INTO artist VALUES (1, 'Ada', 'x', '1815-12-10', '1852-11-27');
CREATE TABLE work (id bigint PRIMARY KEY, artist bigint, studio bigint, sold date);
CREATE INDEX work_artist ON work (artist);
CREATE INDEX work_studio ON work (studio) WHERE sold IS NULL;
INSERT INTO work VALUES (1, 1, 1, NULL);
CREATE TABLE studio (id bigint PRIMARY KEY);
INSERT INTO studio VALUES (1);
CREATE TABLE empty (id bigint NOT NULL, name text);
CREATE INDEX empty_name ON empty (name);
CREATE TABLE sale (id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
INSERT INTO sale VALUES (1, '2020-05-05');
CREATE INDEX sale_day ON sale (day);

-- indexes that come
SELECT * FROM lint('CREATE INDEX i ON artist (born)');
SELECT * FROM lint('CREATE INDEX i ON empty (id); CREATE TABLE young (id bigint); CREATE INDEX j ON young (id)');
SELECT * FROM lint('CREATE INDEX i ON sale (id)');
SELECT * FROM lint('CREATE INDEX i ON ONLY sale (id); CREATE INDEX j ON sale_1 (id)');
SELECT * FROM lint('-- migrate: no-transaction
CREATE INDEX CONCURRENTLY i ON artist (born)');
SELECT * FROM lint('CREATE INDEX CONCURRENTLY i ON artist (born)');
SELECT * FROM lint('VACUUM artist');
SELECT * FROM lint('ANALYZE artist');
SELECT * FROM lint('CREATE INDEX ON artist (born); CREATE INDEX ON young (born)');
-- ones that are there already
SELECT * FROM lint('CREATE INDEX i ON artist (nick); CREATE INDEX i ON artist (nick, born); CREATE INDEX i ON artist (nick, born, died)');
SELECT * FROM lint('CREATE INDEX i ON artist (born, nick); CREATE UNIQUE INDEX i ON artist (nick); CREATE INDEX i ON artist (nick) WHERE id > 1;
	CREATE INDEX i ON artist (lower(nick)); CREATE INDEX i ON artist (nick, born DESC); CREATE INDEX i ON artist USING hash (nick);
	CREATE INDEX i ON artist (nick text_pattern_ops); CREATE INDEX i ON artist (nick COLLATE "C"); CREATE INDEX i ON artist (nick) INCLUDE (name);
	CREATE INDEX i ON artist (name, nick); CREATE INDEX i ON work (studio)') WHERE rule = 'redundant-index';
SELECT * FROM lint('CREATE INDEX IF NOT EXISTS artist_nick ON artist (nick)');
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'artist_nick'::regclass;
SELECT * FROM lint('CREATE INDEX IF NOT EXISTS artist_nick ON artist (nick)');
SELECT * FROM lint('CREATE INDEX artist_nick ON artist (nick)');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'artist_nick'::regclass;

-- indexes that go, and that are built again
SELECT * FROM lint('DROP INDEX artist_nick; DROP INDEX sale_day, artist_name');
SELECT * FROM lint('DROP INDEX empty_name; DROP INDEX artist_pkey; DROP INDEX IF EXISTS nothing; CREATE TABLE young (id bigint); CREATE INDEX young_id ON young (id); DROP INDEX young_id');
SELECT * FROM lint('REINDEX TABLE artist; REINDEX INDEX artist_nick');
SELECT * FROM lint('REINDEX TABLE empty');
SELECT * FROM lint('-- migrate: no-transaction
REINDEX TABLE CONCURRENTLY artist');

-- foreign keys
SELECT * FROM lint('ALTER TABLE work ADD CONSTRAINT k FOREIGN KEY (artist) REFERENCES artist');
SELECT * FROM lint('ALTER TABLE work ADD b bigint CONSTRAINT k REFERENCES artist; ALTER TABLE work ADD c bigint DEFAULT 1 CONSTRAINT l REFERENCES artist');
SELECT * FROM lint('ALTER TABLE work ADD CONSTRAINT k FOREIGN KEY (artist) REFERENCES artist NOT VALID; ALTER TABLE empty ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES empty');
SELECT * FROM lint('ALTER TABLE work ADD CONSTRAINT k FOREIGN KEY (studio) REFERENCES studio NOT VALID');
SELECT * FROM lint('CREATE INDEX i ON work (studio); ALTER TABLE work ADD CONSTRAINT k FOREIGN KEY (studio) REFERENCES studio NOT VALID') WHERE rule LIKE 'foreign%';
SELECT * FROM lint('ALTER TABLE work ADD CONSTRAINT k FOREIGN KEY (artist) REFERENCES artist NOT VALID; ALTER TABLE work ADD CONSTRAINT l FOREIGN KEY (artist) REFERENCES studio NOT VALID');
SELECT * FROM lint('ALTER TABLE work ADD CONSTRAINT k FOREIGN KEY (artist) REFERENCES artist NOT VALID; ALTER TABLE artist ADD CONSTRAINT l FOREIGN KEY (id) REFERENCES artist NOT VALID');
SELECT * FROM lint('CREATE TABLE young (id bigint PRIMARY KEY, artist bigint REFERENCES artist, studio bigint REFERENCES studio)');
SELECT * FROM lint('CREATE INDEX i ON work (sold, studio); ALTER TABLE work ADD CONSTRAINT k FOREIGN KEY (studio) REFERENCES studio NOT VALID') WHERE rule LIKE 'foreign%';
SELECT * FROM lint('CREATE TABLE young (id bigint PRIMARY KEY, artist bigint REFERENCES artist); CREATE TABLE next (id bigint REFERENCES young)');

-- CHECK, and what is checked under a lock that is held already
SELECT * FROM lint('ALTER TABLE work ADD CONSTRAINT c CHECK (id > 0)');
SELECT * FROM lint('ALTER TABLE work ADD CONSTRAINT c CHECK (id > 0) NOT VALID; ALTER TABLE empty ADD CONSTRAINT c CHECK (id > 0)');
SELECT * FROM lint('ALTER TABLE work ADD CONSTRAINT c CHECK (id > 0) NOT VALID; ALTER TABLE work VALIDATE CONSTRAINT c');
SELECT * FROM lint('-- migrate: no-transaction
ALTER TABLE work ADD CONSTRAINT c CHECK (id > 0) NOT VALID; ALTER TABLE work VALIDATE CONSTRAINT c');
SELECT * FROM lint('COMMENT ON TABLE work IS ''a''; ALTER TABLE artist ALTER nick SET DEFAULT 1; ALTER TABLE work VALIDATE CONSTRAINT c');
SELECT * FROM lint('ALTER TABLE work ADD CONSTRAINT c CHECK (id > 0) NOT VALID, VALIDATE CONSTRAINT c');

-- keys
SELECT * FROM lint('ALTER TABLE artist ADD CONSTRAINT u UNIQUE (nick); ALTER TABLE artist ADD a text CONSTRAINT v UNIQUE; ALTER TABLE artist ADD CONSTRAINT w UNIQUE (died)');
SELECT * FROM lint('ALTER TABLE artist ADD CONSTRAINT u UNIQUE USING INDEX artist_name; ALTER TABLE empty ADD CONSTRAINT u UNIQUE (name)');
SELECT * FROM lint('ALTER TABLE artist DROP CONSTRAINT artist_pkey, ADD CONSTRAINT p PRIMARY KEY (name)');
SELECT * FROM lint('ALTER TABLE artist DROP CONSTRAINT artist_pkey, ADD CONSTRAINT p PRIMARY KEY USING INDEX artist_died');
SELECT * FROM lint('ALTER TABLE artist DROP CONSTRAINT artist_pkey, ADD CONSTRAINT p PRIMARY KEY USING INDEX artist_name; ALTER TABLE empty ADD CONSTRAINT p PRIMARY KEY (id)');
SELECT * FROM lint('ALTER TABLE artist ADD CONSTRAINT e EXCLUDE (nick WITH =)');
SELECT * FROM lint('ALTER TABLE empty ADD CONSTRAINT e EXCLUDE (id WITH =); CREATE TABLE young (id bigint, EXCLUDE (id WITH =))');
SELECT * FROM lint('ALTER TABLE empty ADD UNIQUE (name); ALTER TABLE empty ADD CHECK (id > 0) NOT VALID; ALTER TABLE young ADD CHECK (id > 0)');
SELECT * FROM lint('ALTER TABLE empty ADD CONSTRAINT u UNIQUE (name); ALTER TABLE empty ADD a bigint NOT NULL DEFAULT 1');

-- silence on request
SELECT * FROM lint('-- migrate: ignore require-concurrent-index-creation: a quiet time
CREATE INDEX i ON artist (born); CREATE INDEX j ON artist (died)');
INSERT INTO migrate.lint_override (rule, relation, reason) VALUES ('require-concurrent-index-creation', 'regress_lint_index.artist', 'small for ever');
SELECT * FROM lint('CREATE INDEX i ON artist (born); CREATE INDEX i ON work (sold)');
UPDATE migrate.lint_override SET expires_at = now() - interval '1 day';
SELECT * FROM lint('CREATE INDEX i ON artist (born)');
DELETE FROM migrate.lint_override;

-- nonsense is not an error of lint
SELECT * FROM lint('CREATE INDEX i ON nothing (a); CREATE INDEX i ON artist (nothing); CREATE INDEX i ON artist_nick (nick); CREATE INDEX i ON a.b.artist (nick);
	DROP INDEX artist; DROP INDEX a.b.c; REINDEX TABLE nothing; REINDEX TABLE artist_nick; REINDEX INDEX artist; REINDEX SCHEMA nothing;
	ALTER TABLE nothing ADD CONSTRAINT c CHECK (a > 0); ALTER TABLE artist VALIDATE CONSTRAINT nothing; ALTER TABLE artist_nick ADD CONSTRAINT c UNIQUE (nick)');
SELECT * FROM lint('ALTER TABLE work ADD CONSTRAINT k FOREIGN KEY (nothing) REFERENCES nothing; ALTER TABLE work ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES a.b.c;
	ALTER TABLE artist ADD CONSTRAINT p PRIMARY KEY USING INDEX nothing');

-- every rule was seen
SELECT r.rule FROM migrate.lint_rules() r WHERE r.section = 'A' AND NOT EXISTS (SELECT FROM seen s WHERE s.rule = r.rule);

DROP SCHEMA regress_lint_index CASCADE;
