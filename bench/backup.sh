# Keeping rows: copying a table and a column against CREATE TABLE AS of the same,
# and keeping a dropped table, whose storage is taken over, in milliseconds.
# The runs alternate; medians are compared.  BENCH_ROWS sets the size.

rows=${BENCH_ROWS:-5000000}
rounds=${BENCH_ROUNDS:-3}

psql -X -q -c 'CREATE DATABASE backup' -c '\connect backup' -c 'CREATE EXTENSION migrate_ext' \
	-c 'ALTER DATABASE backup SET migrate.backup_limit = 0' -c 'ALTER DATABASE backup SET migrate.snapshots = off'
psql -X -q -d backup >/dev/null <<-SQL
	CREATE TABLE big (id bigint PRIMARY KEY, name text, amount numeric, at timestamptz, flag boolean);
	INSERT INTO big SELECT i, md5(i::text), i * 1.5, now(), i % 2 = 0 FROM generate_series(1, $rows) i;
	VACUUM ANALYZE big;
	-- one that looks before the TRUNCATE, so that rows are copied
	CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TABLE took (way text, ms numeric);
	-- runs in a transaction of its own, and takes it back
	CREATE PROCEDURE measure(way text, up text, statement text) LANGUAGE plpgsql AS \$\$
	DECLARE
		start timestamptz;
		ms numeric;
	BEGIN
		IF up IS NOT NULL THEN
			PERFORM migrate_register(1, 'measured', up);
			COMMIT;
		END IF;
		start := clock_timestamp();
		EXECUTE statement;
		ms := extract(epoch FROM clock_timestamp() - start) * 1000;
		ROLLBACK;
		INSERT INTO took VALUES (way, ms);
		COMMIT;
	END
	\$\$;
SQL
for ((round = 1; round <= rounds; round++)); do
	psql -X -q -d backup >/dev/null 2>&1 <<-'SQL'
		CALL measure('ctas table', NULL, 'CREATE TABLE copied AS SELECT * FROM big');
		CREATE TRIGGER look BEFORE TRUNCATE ON big EXECUTE FUNCTION look();
		CALL measure('copy table', 'TRUNCATE big', 'SELECT count(*) FROM migrate_apply()');
		DROP TRIGGER look ON big;
		CALL measure('ctas column', NULL, 'CREATE TABLE copied AS SELECT id, name FROM big');
		CALL measure('copy column', 'ALTER TABLE big DROP COLUMN name', 'SELECT count(*) FROM migrate_apply()');
		CALL measure('drop', 'DROP TABLE big', 'SELECT count(*) FROM migrate_apply()');
		CALL measure('truncate', 'TRUNCATE big', 'SELECT count(*) FROM migrate_apply()');
	SQL
done
psql -X -q -A -t -d backup <<-SQL
	WITH m AS (SELECT way, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms FROM took GROUP BY way)
	SELECT format('keeping a %s of $rows rows by copy: %s x CREATE TABLE AS (%s ms, %s ms)',
		w, round((k.ms / c.ms)::numeric, 2), round(k.ms), round(c.ms))
	FROM unnest('{table,column}'::text[]) w JOIN m k ON k.way = 'copy ' || w JOIN m c ON c.way = 'ctas ' || w
	UNION ALL
	SELECT format('a table of $rows rows, kept and %s: %s ms', CASE way WHEN 'drop' THEN 'dropped' ELSE 'truncated' END, round(ms::numeric, 1))
	FROM m WHERE way IN ('drop', 'truncate');
SQL
