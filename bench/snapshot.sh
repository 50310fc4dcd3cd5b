# Snapshots beside a schema of 10,000 tables, as ratios to pg_dump --schema-only
# of it in the same run: the very first one, the first of a later call after one
# change from outside, and each further one in a call after one ALTER.
# Then what a snapshot takes to store, and 1,000 small migrations beside 10,000
# tables against the same beside 10.

tables=${BENCH_TABLES:-10000}
count=1000
rounds=${BENCH_ROUNDS:-3}

# Tables of 8 columns with two indexes and a foreign key, views, functions, comments.
snapshot_schema() {
	cat <<-END
		CREATE PROCEDURE make_tables(n integer) LANGUAGE plpgsql AS \$\$
		BEGIN
			FOR i IN 1..n LOOP
				EXECUTE format('CREATE TABLE big_%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent bigint REFERENCES %s,
					name text NOT NULL, kind varchar(20) DEFAULT ''none'', amount numeric(12, 2), is_open boolean NOT NULL DEFAULT true,
					created_at timestamptz NOT NULL DEFAULT now(), payload jsonb)',
					i, CASE WHEN i = 1 THEN 'big_1' ELSE 'big_' || (i - 1) END);
				EXECUTE format('CREATE INDEX ON big_%s (parent, created_at)', i);
				EXECUTE format('COMMENT ON TABLE big_%s IS %L', i, 'what the table is for, number ' || i);
				EXECUTE format('COMMENT ON COLUMN big_%s.kind IS %L', i, 'one of several');
				IF i % 10 = 0 THEN
					EXECUTE format('CREATE VIEW view_%s AS SELECT b.id, b.name, p.name AS parent_name FROM big_%s b LEFT JOIN big_%s p ON p.id = b.parent WHERE b.is_open',
						i, i, i - 1);
					EXECUTE format('CREATE FUNCTION function_%s(a bigint) RETURNS text LANGUAGE plpgsql STABLE AS %L',
						i, format('BEGIN RETURN (SELECT name FROM big_%s WHERE id = a); END', i));
				END IF;
				IF i % 200 = 0 THEN
					COMMIT;
				END IF;
			END LOOP;
		END \$\$;
		CALL make_tables($1);
		DROP PROCEDURE make_tables;
	END
}

# Print the milliseconds that a statement takes, in a session of its own.
snapshot_time() {
	psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -c '\timing on' -c "$2" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -1
}

# Print the median of the numbers given as lines.
snapshot_median() {
	sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}

# Print the milliseconds of pg_dump --schema-only.
snapshot_dump_time() {
	local start end
	start=$(date +%s%N)
	pg_dump --schema-only "$1" >/dev/null
	end=$(date +%s%N)
	awk -v a="$start" -v b="$end" 'BEGIN {print (b - a) / 1000000}'
}

# Register so many migrations from a version on, each made by a format() string.
snapshot_register() {
	psql -X -q -d "$1" -c "SELECT count(migrate_register(i, 'step', format('$4', i - $2))) FROM generate_series($2 + 1, $2 + $3) i" >/dev/null
}

for database in big small; do
	createdb "snapshot_$database"
	psql -X -q -d "snapshot_$database" -c 'CREATE EXTENSION migrate_ext'
done
snapshot_schema "$tables" | psql -X -q -v ON_ERROR_STOP=1 -d snapshot_big
snapshot_schema 10 | psql -X -q -v ON_ERROR_STOP=1 -d snapshot_small
psql -X -q -d snapshot_big -c 'VACUUM ANALYZE' -c CHECKPOINT

dump_ms=$(for ((i = 0; i < rounds; i++)); do snapshot_dump_time snapshot_big; done | snapshot_median)

first_ms=$(for ((i = 0; i < rounds; i++)); do
	psql -X -q -d snapshot_big -c 'TRUNCATE migrate.snapshot, migrate.object_version, migrate.definition, migrate.stamp'
	snapshot_time snapshot_big "SELECT migrate_snapshot('first')"
done | snapshot_median)
psql -X -q -d snapshot_big -c 'VACUUM ANALYZE'

later_ms=$(for ((i = 0; i < rounds; i++)); do
	psql -X -q -d snapshot_big -c "ALTER TABLE big_$((17 + i)) ADD note text"
	snapshot_time snapshot_big "SELECT migrate_snapshot('later')"
done | snapshot_median)

# Each further one: many in a call with snapshots, and without.
further=200
base=0
for ((i = 0; i < rounds; i++)); do
	for way in on off; do
		snapshot_register snapshot_big $base 1 'ALTER TABLE big_5%s ADD note_'$base' text'
		one=$(snapshot_time snapshot_big "SET client_min_messages = warning; SET migrate.snapshots = $way; SELECT count(*) FROM migrate_apply()")
		base=$((base + 1))
		snapshot_register snapshot_big $base $further 'ALTER TABLE big_1%s ADD note_'$base' text'
		all=$(snapshot_time snapshot_big "SET client_min_messages = warning; SET migrate.snapshots = $way; SELECT count(*) FROM migrate_apply()")
		base=$((base + further))
		awk -v a="$all" -v o="$one" -v n=$further 'BEGIN {print (a - o) / (n - 1)}' >>"$work/snapshot_$way.ms"
	done
done
on_ms=$(snapshot_median <"$work/snapshot_on.ms")
off_ms=$(snapshot_median <"$work/snapshot_off.ms")

awk -v d="$dump_ms" -v f="$first_ms" -v l="$later_ms" -v n="$on_ms" -v o="$off_ms" -v t="$tables" 'BEGIN {
	printf "%d tables, pg_dump --schema-only: %d ms\n", t, d
	printf "very first snapshot: %.3f x (%d ms)\n", f / d, f
	printf "first snapshot of a later call, one table changed: %.4f x (%.1f ms)\n", l / d, l
	printf "each further one after one ALTER: %.5f x (%.2f ms; the migration %.2f ms without, %.2f ms with)\n", (n - o) / d, n - o, o, n }'

# 1,000 small migrations; the same beside 10 tables.
for database in big small; do
	version=$(psql -X -q -A -t -d "snapshot_$database" -c "SELECT migrate_version()")
	snapshot_register "snapshot_$database" "$version" $count 'CREATE TABLE t%1$s (id bigint PRIMARY KEY, name text NOT NULL);
		ALTER TABLE t%1$s ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
		CREATE INDEX ON t%1$s (created_at);
		INSERT INTO t%1$s (id, name) VALUES (1, $a$first$a$);'
	before=$(psql -X -q -A -t -d "snapshot_$database" -c "SELECT pg_total_relation_size('migrate.object_version') + pg_total_relation_size('migrate.definition') + pg_total_relation_size('migrate.snapshot') + pg_total_relation_size('migrate.stamp')")
	snapshot_time "snapshot_$database" 'SET client_min_messages = warning; SELECT count(*) FROM migrate_apply()' >"$work/snapshot_$database.total"
	after=$(psql -X -q -A -t -d "snapshot_$database" -c "SELECT pg_total_relation_size('migrate.object_version') + pg_total_relation_size('migrate.definition') + pg_total_relation_size('migrate.snapshot') + pg_total_relation_size('migrate.stamp')")
	echo $(((after - before) / count)) >"$work/snapshot_$database.bytes"
	if [ $database = small ]; then
		snapshot_register snapshot_small $((version + count)) $count 'CREATE TABLE u%1$s (id bigint PRIMARY KEY, name text NOT NULL);
			ALTER TABLE u%1$s ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
			CREATE INDEX ON u%1$s (created_at);
			INSERT INTO u%1$s (id, name) VALUES (1, $a$first$a$);'
		snapshot_time snapshot_small 'SET client_min_messages = warning; SET migrate.snapshots = off; SELECT count(*) FROM migrate_apply()' >"$work/snapshot_off.total"
	fi
done
awk -v b="$(cat "$work/snapshot_big.total")" -v s="$(cat "$work/snapshot_small.total")" -v o="$(cat "$work/snapshot_off.total")" \
	-v n=$count -v t="$tables" -v y="$(cat "$work/snapshot_small.bytes")" 'BEGIN {
	printf "%d small migrations beside %d tables: %.2f x the same beside 10 (%.2f ms, %.2f ms each)\n", n, t, b / s, b / n, s / n
	printf "the same without snapshots: %.2f ms each\n", o / n
	printf "stored for each of them: %d bytes\n", y }'
