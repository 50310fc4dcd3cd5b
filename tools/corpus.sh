#!/bin/bash
# Replay a real migration history with psql and with migrate_ext, and compare.
#
# usage: tools/corpus.sh DIR        ("make corpus DIR=...")
#
# It makes three databases for each migration: with TMPDIR=/dev/shm much faster.
#
# DIR holds migrations/VERSION_NAME.sql, rollbacks/VERSION_rollback_NAME.sql
# and, where the project expects roles or schemas, preamble.sql.
#
# Forward: each file runs by psql in one database and by migrate_apply() in
# another.  Right after it, each down script runs in copies of both databases:
# the dumps must be equal, and it is counted whether the script brings back the
# schema from before its up.  After the last, the dumps must be equal.  Back: all
# down scripts, one by one, in the databases themselves; the dumps must be equal
# after each.  (One script that fails makes earlier ones fail on this way.)
#
# Also right after its up: the differences that migrate_rollback() names are held
# against the dumps, and the down script that migrate_generate_rollback() writes
# runs in one more copy; what restores the schema is counted for both.  After the
# last: migrate_schema() is replayed into an empty database and dumped.
#
# After everything that the engine did: its snapshot must be what a full render gives,
# and at the end, over all states that were met, fingerprints must have been equal
# exactly where the dumps were.
#
# Drift is refused: whatever the engine takes for drift would be a mistake.
#
# Each side has a server of its own, because migrations create roles.
#
# What must run outside a transaction is run by psql on both sides and
# baselined.  A script that fails on both sides with the same message is the
# project's own affair: it is reported and counts as equal.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

corpus=$(cd "${1:?usage: corpus.sh DIR}" && pwd)
name=$(basename "$corpus")
differ=0
phase=
declare -A tally refused by_hand by_engine

# Run a client on one side: psql_side or engine_side.
on() {
	local port=5432
	[ "$1" = psql_side ] || port=5433
	shift
	PGPORT=$port "$@"
}

# Run SQL by the engine; at most one value.
engine() {
	on engine_side psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1"
}

# Count something, and say it.
note() {
	tally[$phase$1]=$((${tally[$phase$1]:-0} + 1))
	[ -z "${2:-}" ] || echo "   $2"
}

# Note a difference between psql and the engine: the one thing that must not be.
difference() {
	differ=$((differ + 1))
	note "DIFFERENT" "DIFFERENT: $1"
}

# Dump a schema to a file, without kept rows.
dump() {
	on "$1" pg_dump -s -N migrate_backup | "$here/plain-dump.pl" >"$2"
}

# Hold the last snapshot against a full render, and remember its fingerprint for the
# schema as it was dumped.
hold() {
	local what=$1 file=$2 found

	found=$(engine 'SELECT * FROM checks.difference()')
	[ -z "$found" ] || difference "$what: the snapshot is not what a full render gives: $found"
	note "snapshot held against a full render"
	echo "$(md5sum <"$file" | cut -c 1-32) $(engine "SELECT encode(fingerprint, 'hex') FROM migrate.snapshot ORDER BY snapshot DESC LIMIT 1") $what" >>"$work/states"
}

# See that fingerprints were equal exactly where the dumps were.
judge_fingerprints() {
	local counts

	counts=$(awk '{ d[$1]; f[$2]; p[$1 " " $2] } END { print length(d), length(f), length(p) }' "$work/states")
	echo "   $(wc -l <"$work/states") states; dumps, fingerprints, pairs of both: $counts"
	[ "$(tr ' ' '\n' <<<"$counts" | sort -u | wc -l)" = 1 ] ||
		difference "fingerprints are not equal exactly where the dumps are: $(cut -d ' ' -f 1,2 "$work/states" | sort -u | awk '{ if (d[$1]++) print "dump", $1; if (f[$2]++) print "fingerprint", $2 }' | grep -Ff - "$work/states" || true)"
	[ -z "$(engine 'SELECT checks.fingerprints()')" ] ||
		difference "stored fingerprints do not tell snapshots apart"
}

# The first error in a file of messages, without its place.
first_error() {
	sed -n 's/^psql:[^ ]* //; s/^ERROR:  //p' "$1" | head -n 1
}

# Run a file by psql on one side, in one transaction unless told otherwise.
by_psql() {
	local side=$1 file=$2 single=${3:---single-transaction}
	# shellcheck disable=SC2086
	on "$side" psql -X -q -v ON_ERROR_STOP=1 ${single#no} -f "$file" >/dev/null 2>"$work/psql.err"
}

# Register one file; a down script that does not parse is remembered.
register() {
	local file=$1 path=${1#"$work"/corpus/}

	engine "SELECT tool.migrate_register_file('$path', pg_read_file('$file'))" >/dev/null 2>"$work/engine.err" &&
		return
	if [ "${path%%/*}" = rollbacks ]; then
		refused[$path]=$(first_error "$work/engine.err")
		note "down refused when registered" "$path: ${refused[$path]}"
	else
		difference "$path cannot be registered: $(first_error "$work/engine.err")"
	fi
}

# Register a down script that does nothing.
register_nothing() {
	engine "SELECT tool.migrate_register_file('rollbacks/$1_rollback_nothing.sql', 'SELECT 1')" >/dev/null 2>&1
}

# Tell whether the engine refuses a script by name; if so, psql runs it on both
# sides, outside a transaction.
obstacle() {
	local why

	why=$(engine "SELECT obstacle FROM migrate.script_summary WHERE version = $1 AND direction = '$2'")
	[ -n "$why" ] || return 1
	note "$2 refused by name, run by psql" "$1 $2: $why"
}

# Carry one version up on both sides.
up() {
	local version=$1 file=$2 psql_rc=0 engine_rc=0

	if obstacle "$version" up; then
		engine "SELECT tool.migrate_apply($version)" >/dev/null 2>"$work/engine.err" &&
			difference "$version: has an obstacle, but ran"
		by_psql psql_side "$file" no || psql_rc=1
		by_psql engine_side "$file" no || engine_rc=1
		[ $psql_rc$engine_rc = 00 ] || note "up failed by psql on both sides" "$version up: $(first_error "$work/psql.err")"
		engine "SELECT tool.migrate_baseline($version)" >/dev/null 2>&1
		return
	fi
	by_psql psql_side "$file" || psql_rc=1
	engine "SELECT tool.migrate_apply($version)" >/dev/null 2>"$work/engine.err" || engine_rc=1
	judge "$version up" $psql_rc $engine_rc && note "up equal" && return
	if [ "$(first_error "$work/psql.err")" = "invalid transaction termination" ]; then
		by_psql psql_side "$file" no && by_psql engine_side "$file" no &&
			note "up commits in a block or procedure, run by psql"
	fi
	[ $engine_rc = 0 ] || engine "SELECT tool.migrate_baseline($version)" >/dev/null 2>&1
}

# Compare how both sides fared; 0 = both succeeded.
judge() {
	local what=$1 psql_rc=$2 engine_rc=$3 theirs ours

	[ "$psql_rc$engine_rc" != 00 ] || return 0
	theirs=$(first_error "$work/psql.err")
	ours=$(first_error "$work/engine.err")
	if [ "$psql_rc$engine_rc" = 11 ] && [ "$theirs" = "$ours" ]; then
		note "failed equally" "$what fails on both sides: $theirs"
	else
		difference "$what: psql: ${theirs:-succeeded}; migrate_ext: ${ours:-succeeded}"
	fi
	return 1
}

# Carry one version down on both sides.
down() {
	local version=$1 file psql_rc=0 engine_rc=0 drift=refuse

	file=$(ls "$work/corpus/rollbacks/$2_rollback_"*.sql 2>/dev/null || true)
	if obstacle "$version" down; then
		by_psql psql_side "$file" no || psql_rc=1
		by_psql engine_side "$file" no || engine_rc=1
		drift=accept
		register_nothing "$version"
	elif [ -n "${refused[rollbacks/$(basename "$file")]:-}" ]; then
		by_psql psql_side "$file" && difference "$version down: runs by psql, but was refused"
		register_nothing "$version"
	elif [ -z "$(engine "SELECT 1 FROM migrate.script_summary WHERE version = $version AND direction = 'down'")" ]; then
		note "down missing or empty"
		missing=yes
		register_nothing "$version"
	else
		by_psql psql_side "$file" || psql_rc=1
		engine "SELECT tool.migrate_rollback($3)" >/dev/null 2>"$work/engine.err" || engine_rc=1
		if judge "$version down" $psql_rc $engine_rc; then
			note "down equal"
			return 0
		fi
		register_nothing "$version"
	fi
	engine "SET migrate.drift = $drift; SELECT tool.migrate_rollback($3)" >/dev/null 2>"$work/engine.err" ||
		difference "$version down: $(cat "$work/engine.err")"
	return 1
}

# Say how a rollback ended: "full" = the dump is what it was before the up, "order" = but
# for the order of columns, "no".
outcome() {
	if cmp -s "$work/engine.sql" "$work/before/$1"; then
		echo full
	elif grep -q 'the order of columns is not' "$work/engine.err"; then
		echo order
	else
		echo no
	fi
}

# Hold what the engine said of a rollback against the dumps.
judge_restored() {
	local named=no

	! grep -qE 'does not bring back the schema|the order of columns is not' "$work/engine.err" || named=yes
	if [ "$2" = full ]; then
		[ $named = no ] || difference "$1: differs by the engine, not by the dump: $(sed -n 2,3p "$work/engine.err")"
	else
		[ $named = yes ] || difference "$1: differs by the dump, not by the engine"
	fi
}

# Let the engine write the down script of a version, and run it.
generated() {
	local version=$1

	[ -n "$(engine "SELECT 1 FROM migrate.migration m JOIN migrate.ledger l USING (entry) WHERE m.version = $version AND l.snapshot_before IS NOT NULL")" ] ||
		return 0
	by_engine[$version]=no
	if engine "SELECT tool.migrate_register_file('rollbacks/$2_rollback_generated.sql', tool.migrate_generate_rollback($version))" >/dev/null 2>"$work/engine.err" &&
		engine "SELECT tool.migrate_rollback($3)" >/dev/null 2>"$work/engine.err"; then
		dump engine_side "$work/engine.sql"
		hold "$version down, generated" "$work/engine.sql"
		by_engine[$version]=$(outcome "$version")
		judge_restored "$version down, generated" "${by_engine[$version]}"
		[ "${by_engine[$version]}" != no ] ||
			note "generated down does not restore the schema" "$version generated: $(diff "$work/before/$version" "$work/engine.sql" | head -n 6)"
	else
		note "generated down fails" "$version generated: $(head -n 3 "$work/engine.err")"
	fi
}

# Replay the schema as the engine writes it, and compare the dumps.
replay() {
	on engine_side createdb -T template0 replayed
	engine "SELECT tool.migrate_schema()" >"$work/schema.sql"
	on engine_side psql -X -q -1 -v ON_ERROR_STOP=1 -d replayed -f "$work/schema.sql" \
		-c 'CREATE EXTENSION migrate_ext SCHEMA tool' >/dev/null 2>"$work/engine.err" ||
		difference "migrate_schema() cannot be replayed: $(head -n 3 "$work/engine.err")"
	PGDATABASE=replayed dump engine_side "$work/replayed.sql"
	if cmp -s "$work/now.sql" "$work/replayed.sql"; then
		note "schema replayed is equal"
	else
		difference "the replayed schema differs: $(diff "$work/now.sql" "$work/replayed.sql" | head -n 40)"
	fi
	on engine_side dropdb replayed
}

# Carry one version down in copies of both databases, right after its up.
down_alone() {
	local side ran=0 missing=no

	phase='alone: '
	for side in psql_side engine_side; do
		on $side createdb -T postgres copy
	done
	export PGDATABASE=copy
	down "$@" || ran=1
	if compare "$1 down alone"; then
		hold "$1 down alone" "$work/engine.sql"
	fi
	[ $ran != 0 ] || judge_restored "$1 down" "$(outcome "$1")"
	! ls "$work/corpus/rollbacks/$2_rollback_"*.sql >/dev/null 2>&1 || [ "$missing" = yes ] ||
		by_hand[$1]=$(outcome "$1")
	on engine_side dropdb --force copy
	on engine_side createdb -T postgres copy
	generated "$@"
	export PGDATABASE=postgres
	for side in psql_side engine_side; do
		on $side dropdb --force copy
	done
	phase=
}

# Print a dump without the moment that 'now'::timestamp in a view was when the view was
# created: on each side another one.
without_moments() {
	sed -E "s/'[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+'::timestamp/'(a moment)'::timestamp/g" "$1"
}

# Compare the dumps of both sides.
compare() {
	dump psql_side "$work/psql.sql" &
	dump engine_side "$work/engine.sql"
	wait $!
	cmp -s <(without_moments "$work/psql.sql") <(without_moments "$work/engine.sql") && return 0
	difference "$1: the schemas differ"
	diff "$work/psql.sql" "$work/engine.sql" | head -n 20
}

# Print how many of the versions named have an outcome, from a list "version=outcome".
share() {
	local label=$1 outcome full=0 order=0 all=0
	shift

	for outcome in "$@"; do
		all=$((all + 1))
		case $outcome in
			full) full=$((full + 1)) ;;
			order) order=$((order + 1)) ;;
		esac
	done
	[ $all = 0 ] || awk -v l="$label" -v f=$full -v o=$order -v a=$all 'BEGIN {
		printf "%-44s %4d of %4d = %5.1f %%; but for the order of columns %4d = %5.1f %%\n", l, f, a, 100 * f / a, f + o, 100 * (f + o) / a }'
}

# Print how often down scripts bring back the schema from before their up.
percentages() {
	local version hand=() engine=()

	for version in "${!by_hand[@]}"; do
		[ -n "${by_engine[$version]:-}" ] || continue
		hand+=("${by_hand[$version]}")
		engine+=("${by_engine[$version]}")
	done
	say "$name: the schema comes back by down scripts"
	share "written by hand" "${by_hand[@]}"
	share "generated" "${by_engine[@]}"
	share "written by hand, where there are both" "${hand[@]}"
	share "generated, where there are both" "${engine[@]}"
}

need_packages
work_begin
build
cluster_start <<-END
	fsync = off
	max_locks_per_transaction = 1024
	migrate.drift = refuse
	migrate.rollback_verify = warn
END
as_user "$bin/pg_ctl" -s -D "$work/data" -m fast stop
as_user cp -r "$work/data" "$work/data2"
as_user "$bin/pg_ctl" -s -w -D "$work/data" -l "$work/server.log" start
as_user "$bin/pg_ctl" -s -w -D "$work/data2" -o "-p 5433" -l "$work/server2.log" start
cp -r "$corpus" "$work/corpus"
[ "$(id -u)" != 0 ] || chown -R postgres "$work/corpus"
mkdir "$work/before"

for side in psql_side engine_side; do
	[ ! -e "$work/corpus/preamble.sql" ] ||
		on $side psql -X -q -f "$work/corpus/preamble.sql" >/dev/null 2>&1 || true
	on $side psql -X -q -c 'CREATE SCHEMA tool' -c 'CREATE EXTENSION migrate_ext SCHEMA tool' \
		-f "$work/src/test/checks.sql"
done

say "$name: register"
for file in "$work"/corpus/migrations/*.sql "$work"/corpus/rollbacks/*.sql; do
	[ -e "$file" ] || continue
	register "$file"
done
mapfile -t versions < <(engine "SELECT version || ' ' || version_text FROM migrate.migration ORDER BY version")

say "$name: ${#versions[@]} migrations up"
below=0
dump engine_side "$work/now.sql"
for line in "${versions[@]}"; do
	read -r version text <<<"$line"
	cp "$work/now.sql" "$work/before/$version"
	up "$version" "$(ls "$work/corpus/migrations/${text}_"*.sql)" || true
	dump engine_side "$work/now.sql"
	hold "$version up" "$work/now.sql"
	down_alone "$version" "$text" $below
	below=$version
done
compare "after the last" && note "schema equal after the last"
replay

say "$name: down one by one"
for ((i = ${#versions[@]} - 1; i >= 0; i--)); do
	read -r version text <<<"${versions[i]}"
	below=0
	[ "$i" = 0 ] || read -r below _ <<<"${versions[i - 1]}"
	down "$version" "$text" "$below" || true
	compare "$version down" || true
	hold "$version down" "$work/engine.sql"
done
judge_fingerprints
[ "$(engine 'SELECT tool.migrate_version() || $$ $$ || count(*) FROM migrate.ledger_break')" = "0 0" ] ||
	difference "the ledger is not sound at the end"

say "$name: result"
for what in "${!tally[@]}"; do
	printf '%6d  %s\n' "${tally[$what]}" "$what"
done | sort -k2
percentages
[ $differ = 0 ]
