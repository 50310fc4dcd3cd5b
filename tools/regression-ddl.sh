#!/bin/bash
# Run PostgreSQL's own regression suite beside migrate_ext, and check the snapshots.
#
# usage: tools/regression-ddl.sh DIR [FILE...]        ("make regression-ddl DIR=...")
#
# DIR is src/test/regress of a source tree of the server's version; the files of its
# schedule run in their order, or only those named (after test_setup).
#
# First each file runs by psql, which is a great deal of drift; then a snapshot is
# taken, which must be what a full render gives.  At the end migrate_schema() is
# replayed into an empty database, and the dumps are compared.
#
# Then, on a server of its own, the statements that succeeded run once more, one by
# one: each that changes the schema as a migration, after which the snapshot must be
# what a full render gives; what cannot be a migration, or fails as one, and whatever
# changes settings or data, runs in the session beside.  EVERY=N checks only every
# Nth migration.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

regress=$(cd "${1:?usage: regression-ddl.sh DIR [FILE...]}" && pwd)
shift
every=${EVERY:-1}
extension='CREATE EXTENSION migrate_ext SCHEMA tool;
GRANT USAGE ON SCHEMA tool TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tool TO PUBLIC;'
differ=0

# Run a client on the server of the whole files, or of single statements.
on() {
	local port=5432
	[ "$1" = whole ] || port=5433
	shift
	PGPORT=$port "$@"
}

# Run SQL on one side; at most one value.
ask() {
	on "$1" psql -X -q -A -t -v ON_ERROR_STOP=1 -d regression -c "$2"
}

# Note a difference.
difference() {
	differ=$((differ + 1))
	echo "   DIFFERENT: $1"
}

# The files to run, in the order of the schedule.
schedule() {
	if [ $# -gt 0 ]; then
		printf '%s\n' test_setup "$@"
	else
		sed -n 's/^test://p' "$regress/parallel_schedule" | tr -s ' ' '\n' | grep .
	fi
}

# Build the library of C functions that the suite uses.
build_library() {
	cc -O1 -fPIC -shared -I "$("$PG_CONFIG" --includedir-server)" \
		-o "$work/regress.so" "$regress/regress.c"
	ln -s "$("$PG_CONFIG" --pkglibdir)"/{autoinc,refint}.so "$work"
}

# Prepare a database as pg_regress does, with the extension in it.
prepare() {
	createdb -T template0 regression
	psql -X -q -v ON_ERROR_STOP=1 -d regression <<-END
		ALTER DATABASE regression SET lc_messages = 'C';
		ALTER DATABASE regression SET lc_monetary = 'C';
		ALTER DATABASE regression SET lc_numeric = 'C';
		ALTER DATABASE regression SET lc_time = 'C';
		ALTER DATABASE regression SET bytea_output = 'hex';
		ALTER DATABASE regression SET timezone_abbreviations = 'Default';
		CREATE SCHEMA tool;
		$extension
		\i $work/src/test/checks.sql
		\i $work/src/test/steps.sql
		SELECT tool.migrate_snapshot() \g /dev/null
	END
}

# Hold the snapshot of one side against a full render.
check() {
	local found

	ask "$1" 'SELECT tool.migrate_snapshot()' >/dev/null ||
		{ difference "$2: no snapshot"; return; }
	found=$(ask "$1" 'SELECT * FROM checks.difference()')
	[ -z "$found" ] || difference "$2: $found"
}

# Check the fingerprints of all snapshots of one side.
check_fingerprints() {
	[ -z "$(ask "$1" 'SELECT checks.fingerprints()')" ] ||
		difference "fingerprints do not tell schemas apart ($1)"
	echo "   $(ask "$1" "SELECT count(*) || ' snapshots, ' || count(DISTINCT fingerprint) || ' fingerprints, at most ' || max(objects) || ' objects' FROM migrate.snapshot")"
}

# Replay the schema as the engine writes it, and compare the dumps.
replay() {
	say "migrate_schema() into an empty database"
	ask whole 'SELECT tool.migrate_schema()' >"$work/schema.sql"
	on whole createdb -T template0 replayed
	[ -z "${KEEP:-}" ] || cp "$work/schema.sql" "$KEEP"
	on whole psql -X -q -v ON_ERROR_STOP=1 -d replayed -f "$work/schema.sql" >/dev/null 2>"$work/replay.err" ||
		{ difference "migrate_schema() cannot be replayed: $(head -n 3 "$work/replay.err")"; return; }
	on whole psql -X -q -d replayed -c "$extension"
	for db in regression replayed; do
		on whole pg_dump -s -N migrate_backup -d $db | "$here/plain-dump.pl" >"$work/$db.sql"
	done
	if ! diff "$work/regression.sql" "$work/replayed.sql" >"$work/replay.diff"; then
		difference "the replayed schema: $(grep -c '^[<>]' "$work/replay.diff") lines"
		head -n "${SHOW:-100}" "$work/replay.diff"
	fi
	[ -z "${KEEP:-}" ] || cp "$work/regression.sql" "$work/replayed.sql" "$KEEP"
	echo "   $(wc -l <"$work/regression.sql") lines of pg_dump compared"
}

need_packages
work_begin
build
cluster_start <<-END
	fsync = off
	max_locks_per_transaction = 1024
	migrate.drift = accept
	logging_collector = on
	log_directory = '$work/log'
	log_destination = jsonlog
	log_min_messages = error
	log_filename = 'server'
	log_rotation_size = 0
END
build_library
export PG_ABS_SRCDIR=$regress PG_LIBDIR=$work PG_DLSUFFIX=.so PG_ABS_BUILDDIR=$work/out
export PGTZ=America/Los_Angeles PGDATESTYLE='Postgres, MDY'
export PGOPTIONS='-c intervalstyle=postgres_verbose'
as_user mkdir -p "$work/out/results"
prepare
as_user "$bin/pg_ctl" -s -D "$work/data" -m fast stop
as_user cp -r "$work/data" "$work/data2"
as_user "$bin/pg_ctl" -s -w -D "$work/data" -o '-c log_statement=all' -l "$work/server.log" start
as_user "$bin/pg_ctl" -s -w -D "$work/data2" -o "-p 5433 -c log_directory=$work/log2 -c lock_timeout=5s" -l "$work/server2.log" start
mapfile -t files < <(schedule "$@")

say "${#files[@]} files by psql"
for file in "${files[@]}"; do
	PGAPPNAME=regress/$file on whole psql -X -q -d regression -f "$regress/sql/$file.sql" \
		>/dev/null 2>&1 </dev/null || true
	check whole "$file"
done
check_fingerprints whole
replay

say "their statements, one by one"
as_user "$work/src/tools/regression-steps.pl" "$work/log/server.json" "$work/out"
for file in "${files[@]}"; do
	[ -e "$work/out/$file.sql" ] || continue
	on single psql -X -q -d regression -v every="$every" -f "$work/out/$file.sql" \
		>/dev/null 2>"$work/out/$file.err" </dev/null || true
	# what a transaction has prepared, and failed to finish, would lock out the others
	ask single 'SELECT gid FROM pg_prepared_xacts' | while read -r gid; do
		ask single "ROLLBACK PREPARED '$gid'"
	done
	while read -r line; do
		difference "$file: $line"
	done < <(sed -n 's/.*INFO:  DIFFERENT //p' "$work/out/$file.err")
	check single "$file"
done
check_fingerprints single
echo "   $(ask single "SELECT count(*) || ' migrations applied' FROM migrate.ledger WHERE event = 'applied'"), $(cat "$work"/out/*.sql | grep -c '^SELECT checks.step') tried"
[ -z "${KEEP:-}" ] || cp -r "$work/out" "$KEEP"
[ $differ = 0 ]
