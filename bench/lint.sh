# migrate_lint_script() of a script with 10,000 statements, against reading the
# script (registering it again, which parses it and finds it unchanged) and one
# look-up in a catalog for each statement: of a name that the caches do not know.

rounds=5

psql -X -q -c 'CREATE DATABASE lint' -c '\connect lint' -c 'CREATE EXTENSION migrate_ext'
psql -X -q -d lint <<-'SQL' >/dev/null
	SET client_min_messages = warning;
	DO $$
	BEGIN
		FOR i IN 1 .. 500 LOOP
			EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, name text, price numeric(10, 2), born timestamptz)', i);
			EXECUTE format('INSERT INTO t%s SELECT j, ''name'' FROM generate_series(1, 10) j', i);
		END LOOP;
	END
	$$;
	CREATE TABLE script (kind text, body text);
	CREATE FUNCTION statement(n integer) RETURNS text LANGUAGE sql RETURN format(
		(ARRAY['ALTER TABLE t%1$s ADD COLUMN c%2$s text',
			'CREATE TABLE made%2$s (id bigint PRIMARY KEY, t bigint, name text NOT NULL, note text)',
			'CREATE INDEX i%2$s ON t%1$s (name, price)',
			'COMMENT ON TABLE t%1$s IS ''what it is for''',
			'INSERT INTO t%1$s (id, name) VALUES (%2$s, ''a''), (%2$s + 1, ''b'') ON CONFLICT DO NOTHING',
			'ALTER TABLE t%1$s ALTER COLUMN price TYPE numeric(12, 4), ALTER COLUMN name SET NOT NULL',
			'UPDATE t%1$s SET name = upper(name), price = 1.5 WHERE id = %2$s',
			'ALTER TABLE made%3$s ADD FOREIGN KEY (t) REFERENCES t%1$s',
			'GRANT SELECT ON t%1$s TO PUBLIC',
			'CREATE VIEW v%2$s AS SELECT a.id, b.name FROM t%1$s a JOIN t%4$s b USING (id) WHERE a.price > 10'])[1 + n % 10],
		1 + n % 500, n, n / 10 * 10 + 1, 1 + (n + 7) % 500);
	INSERT INTO script SELECT 'mixed', string_agg(statement(n), E';\n' ORDER BY n) FROM generate_series(0, 9999) n;
	INSERT INTO script SELECT 'ALTER TABLE', string_agg(statement(n * 10), E';\n' ORDER BY n) FROM generate_series(0, 9999) n;
	INSERT INTO script SELECT 'CREATE TABLE', string_agg(statement(n * 10 + 1), E';\n' ORDER BY n) FROM generate_series(0, 9999) n;
	INSERT INTO script SELECT 'UPDATE', string_agg(statement(n * 10 + 6), E';\n' ORDER BY n) FROM generate_series(0, 9999) n;
	SELECT migrate_register(row_number() OVER (), 'script', body, 'SELECT 1') FROM (SELECT * FROM script ORDER BY kind) s;
	VACUUM ANALYZE;
SQL
# The best of some rounds each: of what is measured, and of what it is measured by.
psql -X -q -A -t -d lint <<-SQL 2>/dev/null
	CREATE FUNCTION took(query text) RETURNS numeric LANGUAGE plpgsql AS \$\$
	DECLARE
		best numeric;
		start timestamptz;
	BEGIN
		FOR i IN 1 .. $rounds LOOP
			start := clock_timestamp();
			EXECUTE query;
			best := least(best, extract(epoch FROM clock_timestamp() - start) * 1000);
		END LOOP;
		RETURN best;
	END
	\$\$;
	WITH m AS (
		SELECT kind,
			took(format('SELECT count(*) FROM migrate_lint_script((SELECT body FROM script WHERE kind = %L))', kind)) AS lint,
			took(format('SELECT migrate_register(%s, ''script'', (SELECT body FROM script WHERE kind = %L), ''SELECT 1'')', version, kind)) AS parse,
			took('SELECT count(to_regclass(''u'' || (random() * 1e12)::bigint)) FROM generate_series(0, 9999) n') AS look_up,
			took('SELECT count(to_regclass(''t'' || 1 + n % 500)) FROM generate_series(0, 9999) n') AS cached
		FROM (SELECT kind, row_number() OVER (ORDER BY kind) AS version FROM script) s)
	SELECT format('10,000 statements (%s): lint takes %s x of parsing and one look-up each (%s ms; %s ms + %s ms; best of $rounds; budget 2), %s x if caches answer the look-ups',
		kind, round(lint / (parse + look_up), 2), round(lint), round(parse), round(look_up), round(lint / (parse + cached), 2))
	FROM m ORDER BY kind;
SQL
