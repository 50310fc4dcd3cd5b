# A rehearsal against the plain run: 200 small migrations rehearsed, and applied
# and rolled back with the transaction; and one that rewrites and updates a large
# table.  The runs alternate; medians are compared.  BENCH_ROWS sets the size.

rows=${BENCH_ROWS:-1000000}
rounds=${BENCH_ROUNDS:-5}
count=200

createdb rehearse
psql -X -q -d rehearse >/dev/null <<-SQL
	CREATE EXTENSION migrate_ext;
	ALTER DATABASE rehearse SET migrate.rehearse_budget = 0;
	ALTER DATABASE rehearse SET client_min_messages = warning;
	CREATE TABLE big (id bigint PRIMARY KEY, name text, amount integer);
	INSERT INTO big SELECT i, md5(i::text), i FROM generate_series(1, $rows) i;
	VACUUM ANALYZE big;
	CREATE TABLE took (way text, ms numeric);
	-- runs in a transaction of its own, and takes it back
	CREATE PROCEDURE measure(way text, statement text) LANGUAGE plpgsql AS \$\$
	DECLARE
		start timestamptz := clock_timestamp();
		ms numeric;
	BEGIN
		EXECUTE statement;
		ROLLBACK;
		ms := extract(epoch FROM clock_timestamp() - start) * 1000;
		INSERT INTO took VALUES (way, ms);
		COMMIT;
	END
	\$\$;
	SELECT migrate_baseline(1000, 'begin');
	SELECT count(migrate_register(1000 + i, 'small', format('
		CREATE TABLE t%s (id bigint PRIMARY KEY, name text NOT NULL);
		ALTER TABLE t%1\$s ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
		CREATE INDEX ON t%1\$s (created_at);
		INSERT INTO t%1\$s (id, name) VALUES (1, ''first'');', i)))
	FROM generate_series(1, $count) i;
SQL

# Rehearse and apply in turns, and print the ratio.
rehearse_compare() {
	psql -X -q -d rehearse -c 'TRUNCATE took'
	for ((round = 1; round <= rounds; round++)); do
		psql -X -q -d rehearse \
			-c "CALL measure('apply', 'SELECT count(*) FROM migrate_apply()')" \
			-c "CALL measure('rehearse', 'SELECT count(*) FROM migrate_rehearse()')"
	done
	psql -X -q -A -t -d rehearse -c "
		SELECT format('%s: rehearsal %s x the plain run (%s ms, %s ms; medians of %s)', '$1',
			round((m->>'rehearse')::numeric / (m->>'apply')::numeric, 2),
			round((m->>'rehearse')::numeric), round((m->>'apply')::numeric), $rounds)
		FROM (SELECT jsonb_object_agg(way, ms) AS m
			FROM (SELECT way, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms FROM took GROUP BY way) t) s"
}

rehearse_compare "$count small migrations"
psql -X -q -d rehearse >/dev/null <<-SQL
	SELECT count(migrate_unregister(1000 + i)) FROM generate_series(1, $count) i;
	SELECT migrate_register(1001, 'large', '
		ALTER TABLE big ALTER COLUMN amount TYPE bigint;
		UPDATE big SET name = upper(name) WHERE id % 10 = 0;
		CREATE INDEX ON big (amount);');
SQL
rehearse_compare "one on $rows rows"
