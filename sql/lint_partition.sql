-- Lint of partitions: for each rule a script that it speaks of, and one that nearly is.

CREATE SCHEMA regress_lint_partition;
SET search_path = regress_lint_partition, public;
CREATE FUNCTION lint(body text) RETURNS TABLE (statement integer, line integer, rule text, severity text, relation text, message text, work text)
LANGUAGE sql AS $$
	SELECT l.statement, l.line, l.rule, l.severity, replace(l.relation, 'regress_lint_partition.', ''), l.message, l.work
	FROM migrate_lint_script(body) l JOIN migrate.lint_rules() r USING (rule)
	WHERE r.section = 'E'
$$;
CREATE TABLE sale (id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE sale_2 (id bigint, day date);
CREATE TABLE sale_3 (id bigint, day date NOT NULL, CHECK (day >= '2022-01-01' AND day < '2023-01-01'));
CREATE TABLE area (id bigint, name text) PARTITION BY LIST (name);
CREATE TABLE area_1 PARTITION OF area FOR VALUES IN ('a');
CREATE TABLE area_rest PARTITION OF area DEFAULT;
CREATE TABLE spread (id bigint) PARTITION BY HASH (id);
CREATE TABLE plain (id bigint);
INSERT INTO sale VALUES (1, '2020-06-01');
INSERT INTO sale_2 VALUES (1, '2021-06-01');
INSERT INTO sale_3 VALUES (1, '2022-06-01');
INSERT INTO area VALUES (1, 'a'), (2, 'b');
INSERT INTO plain VALUES (1);

-- require-concurrent-partition-detach
SELECT * FROM lint('ALTER TABLE sale DETACH PARTITION sale_1; ALTER TABLE area DETACH PARTITION area_1');
SELECT * FROM lint('ALTER TABLE sale DETACH PARTITION sale_1 CONCURRENTLY');

-- attach-partition-validation: what is checked, and what a constraint shows
SELECT * FROM lint('ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES FROM (''2021-01-01'') TO (''2022-01-01'')');
SELECT * FROM lint('ALTER TABLE sale ATTACH PARTITION sale_3 FOR VALUES FROM (''2022-01-01'') TO (''2023-01-01'')');
-- the default partition, too
SELECT * FROM lint('CREATE TABLE area_2 (id bigint, name text); ALTER TABLE area ATTACH PARTITION area_2 FOR VALUES IN (''c'')');
ALTER TABLE area_rest ADD CHECK (name IS NOT NULL AND name <> 'c');
SELECT * FROM lint('CREATE TABLE area_2 (id bigint, name text); ALTER TABLE area ATTACH PARTITION area_2 FOR VALUES IN (''c'')');

-- create-partition-of-locks-parent
SELECT * FROM lint('CREATE TABLE sale_4 PARTITION OF sale FOR VALUES FROM (''2023-01-01'') TO (''2024-01-01'')');
SELECT * FROM lint('CREATE TABLE area_2 PARTITION OF area FOR VALUES IN (''d'')');
SELECT * FROM lint('CREATE TABLE IF NOT EXISTS sale_1 PARTITION OF sale FOR VALUES FROM (''2020-01-01'') TO (''2021-01-01'')');
SELECT * FROM lint('CREATE TABLE own (id bigint) PARTITION BY LIST (id); CREATE TABLE own_1 PARTITION OF own FOR VALUES IN (1)');

-- partition-strategy-mismatch
SELECT * FROM lint('ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES IN (''2021-01-01'')');
SELECT * FROM lint('CREATE TABLE x PARTITION OF area FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE y PARTITION OF spread DEFAULT; CREATE TABLE z PARTITION OF plain DEFAULT');
SELECT rule FROM lint('CREATE TABLE x PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE y PARTITION OF sale DEFAULT');

-- partition-fan-out
SELECT * FROM lint('ALTER TABLE sale ADD note text; ALTER TABLE area ALTER id TYPE integer; CREATE INDEX ON sale (id); ALTER TABLE sale RENAME id TO number');
SELECT * FROM lint('ALTER TABLE ONLY sale ALTER id SET DEFAULT 1; CREATE INDEX ON ONLY sale (id); ALTER TABLE sale RENAME TO sold; ALTER TABLE spread ADD note text; ALTER TABLE plain ADD note text');

-- names that mean nothing, and statements that are wrong
SELECT * FROM lint('ALTER TABLE nowhere DETACH PARTITION sale_1; ALTER TABLE sale DETACH PARTITION nowhere; ALTER TABLE sale ATTACH PARTITION nowhere DEFAULT');
SELECT * FROM lint('ALTER TABLE plain DETACH PARTITION sale_1; CREATE TABLE x PARTITION OF nowhere DEFAULT; ALTER INDEX nowhere ATTACH PARTITION plain; ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES FROM (nonsense()) TO (1, 2, 3)');

-- every rule was seen
SELECT rule FROM migrate.lint_rules() WHERE section = 'E'
EXCEPT
SELECT rule FROM lint('ALTER TABLE sale DETACH PARTITION sale_1;
	ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES FROM (''2021-01-01'') TO (''2022-01-01'');
	CREATE TABLE sale_4 PARTITION OF sale FOR VALUES FROM (''2023-01-01'') TO (''2024-01-01'');
	CREATE TABLE x PARTITION OF sale FOR VALUES IN (1); ALTER TABLE sale ADD note text');

SET client_min_messages = warning;
DROP SCHEMA regress_lint_partition CASCADE;
