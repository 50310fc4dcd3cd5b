# Keeping the old images of changed rows: UPDATE and DELETE of a million rows in a
# migration, against the same statement in psql; and putting rows back, against
# the INSERT ... SELECT and the UPDATE it amounts to.
# The runs alternate; medians are compared.  BENCH_ROWS sets the size.

rows=${BENCH_ROWS:-1000000}
rounds=${BENCH_ROUNDS:-5}

psql -X -q -c 'CREATE DATABASE capture' -c '\connect capture' -c 'CREATE EXTENSION migrate_ext' \
	-c 'ALTER DATABASE capture SET migrate.backup_limit = 0' -c 'ALTER DATABASE capture SET migrate.snapshots = off'
psql -X -q -d capture >/dev/null <<-SQL
	CREATE TABLE big (id bigint PRIMARY KEY, name text, amount numeric, at timestamptz, flag boolean);
	CREATE TABLE spare (LIKE big INCLUDING ALL);
	INSERT INTO big SELECT i, md5(i::text), i * 1.5, now(), i % 2 = 0 FROM generate_series(1, $rows) i;
	VACUUM ANALYZE big;
	CREATE TABLE took (way text, ms numeric);
	-- runs in a transaction of its own, and takes it back; before is not measured
	CREATE PROCEDURE measure(way text, before text, statement text) LANGUAGE plpgsql AS \$\$
	DECLARE
		start timestamptz;
		ms numeric;
	BEGIN
		IF before IS NOT NULL THEN
			EXECUTE before;
		END IF;
		start := clock_timestamp();
		EXECUTE statement;
		ms := extract(epoch FROM clock_timestamp() - start) * 1000;
		ROLLBACK;
		INSERT INTO took VALUES (way, ms);
		COMMIT;
	END
	\$\$;
	SELECT migrate_register(1, 'update', 'UPDATE big SET flag = NOT flag', 'SELECT 1');
SQL
# What is rolled back leaves dead rows, so each run starts with none.
for ((round = 1; round <= rounds; round++)); do
	psql -X -q -d capture >/dev/null 2>&1 <<-'SQL'
		SELECT migrate_register(1, 'update', 'UPDATE big SET flag = NOT flag', 'SELECT 1');
		CALL measure('plain update', NULL, 'UPDATE big SET flag = NOT flag');
		VACUUM big; CHECKPOINT;
		CALL measure('kept update', NULL, 'SELECT count(*) FROM migrate_apply()');
		VACUUM big; CHECKPOINT;
		CALL measure('undone update', 'SELECT count(*) FROM migrate_apply()', 'SELECT count(*) FROM migrate_rollback()');
		VACUUM big; CHECKPOINT;
		SELECT migrate_register(1, 'delete', 'DELETE FROM big', 'SELECT 1');
		CALL measure('plain delete', NULL, 'DELETE FROM big');
		VACUUM big; CHECKPOINT;
		CALL measure('kept delete', NULL, 'SELECT count(*) FROM migrate_apply()');
		VACUUM big; CHECKPOINT;
		SELECT migrate_register(1, 'truncate', 'TRUNCATE big', 'SELECT 1');
		CALL measure('refill', 'SELECT count(*) FROM migrate_apply()', 'SELECT count(*) FROM migrate_rollback()');
		VACUUM big; CHECKPOINT;
		CALL measure('insert select', NULL, 'INSERT INTO spare SELECT * FROM big');
		VACUUM spare; CHECKPOINT;
	SQL
done
psql -X -q -A -t -d capture <<-SQL
	WITH m AS (SELECT way, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms FROM took GROUP BY way)
	SELECT format('%s: %s x %s (%s ms, %s ms; medians of $rounds)', what, round((k.ms / p.ms)::numeric, 2), p.way, round(k.ms), round(p.ms))
	FROM (VALUES ('updating $rows rows in a migration', 'kept update', 'plain update'),
		('deleting them in a migration', 'kept delete', 'plain delete'),
		('putting the updated ones back', 'undone update', 'plain update'),
		('refilling the table', 'refill', 'insert select')) w (what, kept, plain)
	JOIN m k ON k.way = w.kept JOIN m p ON p.way = w.plain;
SQL
