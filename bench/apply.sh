# 1,000 small migrations in one migrate_apply(), against psql running the same
# SQL in one transaction, and plain EXECUTE of it inside the server; the runs
# alternate, and the medians are compared.
# Then the cost of the last hundred migrations against that of the first, for
# both: inside one transaction the server's own catalogs grow.

count=1000
rounds=${BENCH_ROUNDS:-7}

# One small migration: a table, a change, an index, a row.
apply_script() {
	cat <<-END
		CREATE TABLE t$1 (id bigint PRIMARY KEY, name text NOT NULL);
		ALTER TABLE t$1 ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
		CREATE INDEX ON t$1 (created_at);
		INSERT INTO t$1 (id, name) VALUES ($1, 'first');
	END
}

mkdir "$work/apply" "$work/apply/migrations"
for ((i = 1; i <= count; i++)); do
	apply_script "$i" >"$work/apply/migrations/$(printf '%04d' "$i")_step.sql"
done
for ((i = 1; i <= count; i++)); do
	case $((i - 1)) in
		0 | 100 | $((count - 100))) echo 'SELECT extract(epoch FROM clock_timestamp());' ;;
	esac
	cat "$work/apply/migrations/$(printf '%04d' "$i")_step.sql"
done >"$work/apply/all.sql"
echo 'SELECT extract(epoch FROM clock_timestamp());' >>"$work/apply/all.sql"
chmod -R a+rX "$work/apply"

# Print the milliseconds a command takes.
apply_time() {
	local start end
	start=$(date +%s%N)
	"$@" >/dev/null 2>&1
	end=$(date +%s%N)
	echo $(((end - start) / 1000000))
}

createdb apply_template
psql -X -q -d apply_template -c 'CREATE EXTENSION migrate_ext'
psql -X -q -d apply_template -c "SELECT count(*) FROM migrate_load('$work/apply')" >/dev/null
for ((round = 1; round <= rounds; round++)); do
	for way in psql execute engine; do
		# A database of its own for each run, and none dropped meanwhile: file
		# systems are slow to create files where many were just deleted.
		database=apply_${way}_$round
		createdb -T apply_template "$database"
		psql -X -q -d "$database" -c CHECKPOINT
		if [ $way = psql ]; then
			apply_time psql -X -q -A -t -1 -v ON_ERROR_STOP=1 -o "$work/apply/moments" \
				-d "$database" -f "$work/apply/all.sql"
		elif [ $way = execute ]; then
			apply_time psql -X -q -v ON_ERROR_STOP=1 -d "$database" -c "DO \$\$
				DECLARE script record;
				BEGIN
					FOR script IN SELECT body FROM migrate.script ORDER BY version LOOP
						EXECUTE script.body;
					END LOOP;
				END \$\$"
		else
			apply_time psql -X -q -v ON_ERROR_STOP=1 -d "$database" -c 'SELECT * FROM migrate_apply()'
		fi >>"$work/apply/$way.ms"
	done
done

# Print the median of a file of numbers.
apply_median() {
	sort -n "$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}

psql_ms=$(apply_median "$work/apply/psql.ms")
execute_ms=$(apply_median "$work/apply/execute.ms")
engine_ms=$(apply_median "$work/apply/engine.ms")
awk -v e="$engine_ms" -v x="$execute_ms" -v p="$psql_ms" -v n="$count" -v r="$rounds" 'BEGIN {
	printf "%d migrations in one call: %.2f x psql in one transaction (%d ms, %d ms; medians of %d)\n", n, e / p, e, p, r
	printf "plain EXECUTE of them inside the server: %.2f x (%d ms)\n", x / p, x }'
awk '{v[NR] = $1} END {
	printf "by psql, the last hundred cost %.2f x the first hundred\n", (v[4] - v[3]) / (v[2] - v[1]) }' "$work/apply/moments"
psql -X -q -A -t -d "apply_engine_$rounds" -c "
	SELECT 'by migrate_apply(), the last hundred cost '
		|| round((extract(epoch FROM sum(duration) FILTER (WHERE version > $count - 100))
			/ extract(epoch FROM sum(duration) FILTER (WHERE version <= 100)))::numeric, 2)
		|| ' x the first hundred'
	FROM migrate_status()"
