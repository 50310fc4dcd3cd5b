# migrate_status() and "nothing pending" with 10,000 versions in the registry,
# all applied, and the memory of a session over 10,000 applies.

psql -X -q -c 'CREATE DATABASE status' -c '\connect status' -c 'CREATE EXTENSION migrate_ext'
psql -X -q -d status <<-'SQL' >/dev/null 2>&1
	SELECT count(migrate_register(v, 'step', 'SELECT ' || v, 'SELECT ' || -v)) FROM generate_series(1, 10000) v;
SQL

# The megabytes of all memory contexts of the session, after each thousand.
psql -X -q -A -t -d status 2>/dev/null <<-'SQL'
	SET client_min_messages = error;
	CREATE TEMP TABLE memory (version bigint, bytes bigint);
	DO $$
	BEGIN
		FOR v IN 1000 .. 10000 BY 1000 LOOP
			PERFORM migrate_apply(v);
			INSERT INTO memory SELECT v, sum(total_bytes) FROM pg_backend_memory_contexts;
		END LOOP;
	END
	$$;
	SELECT 'memory of the session after 1,000 and 10,000 applies: '
		|| round(min(bytes) FILTER (WHERE version = 1000) / 1048576.0, 2) || ' MB, '
		|| round(min(bytes) FILTER (WHERE version = 10000) / 1048576.0, 2) || ' MB' FROM memory;
SQL
vacuumdb -q -z -d status
psql -X -q -A -t -d status <<-'SQL' 2>/dev/null
	CREATE FUNCTION took(query text) RETURNS numeric LANGUAGE plpgsql AS $$
	DECLARE
		best numeric;
		start timestamptz;
		ms numeric;
	BEGIN
		FOR i IN 1 .. 9 LOOP
			start := clock_timestamp();
			EXECUTE query;
			ms := extract(epoch FROM clock_timestamp() - start) * 1000;
			best := least(best, ms);
		END LOOP;
		RETURN round(best, 2);
	END
	$$;
	SELECT 'migrate_status(), 10,000 versions: ' || took('SELECT count(*) FROM (SELECT * FROM migrate_status() OFFSET 0) s') || ' ms (budget 50)';
	SELECT 'nothing pending, 10,000 versions: ' || took('SELECT * FROM migrate_apply()') || ' ms (budget 5)';
	SELECT 'a count of 10,000 ledger entries, for comparison: ' || took('SELECT count(*) FROM migrate.ledger') || ' ms';
SQL
