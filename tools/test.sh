#!/bin/bash
# Run every test, from nothing: unit, regress, isolation, TAP.
#
# usage: tools/test.sh        ("make test")
#
# PG_CONFIG chooses another server.  The last line is "N passed, N failed"; the
# exit status is 0 if none failed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

passed=0
failed=0

# Add the results in a log of TAP lines, or of pg_regress before version 16.
count() {
	local log=$1 good bad

	good=$(grep -cE '^(ok |(test| +)[^ ]? ?.*\.\.\. ok )' "$log" || true)
	bad=$(grep -cE '^(not ok |(test| +)[^ ]? ?.*\.\.\. FAILED)' "$log" || true)
	passed=$((passed + good))
	failed=$((failed + bad))
	echo "   $good passed, $bad failed"
}

# Run one lane; a lane that breaks without saying which test did counts as one.
lane() {
	local name=$1 log=$work/log.$1 before=$failed
	shift
	say "$name"
	if as_user "$@" >"$log" 2>&1; then
		count "$log"
		return
	fi
	count "$log"
	[ "$failed" -gt "$before" ] || failed=$((failed + 1))
	grep -vE '^(ok |make|# +Subtest)' "$log" | tail -n 60
	for diff in "$work"/out/*/regression.diffs; do
		[ ! -s "$diff" ] || { head -n 200 "$diff"; rm -f "$diff"; }
	done
}

need_packages
work_begin
build
as_user mkdir "$work/out" "$work/out/regress" "$work/out/isolation"
make=(make -s -C "$work/src" PG_CONFIG="$PG_CONFIG")

lane unit "${make[@]}" unit

# pg_regress and isolation share a server; TAP starts its own.
cluster_start <<-END
	fsync = off
END
lane regress "${make[@]}" installcheck ISOLATION= TAP_TESTS= \
	REGRESS_OPTS="--load-extension=migrate_ext --outputdir=$work/out/regress --inputdir=$work/src"
lane isolation "${make[@]}" installcheck REGRESS= TAP_TESTS= \
	ISOLATION_OPTS="--load-extension=migrate_ext --outputdir=$work/out/isolation --inputdir=$work/src"
as_user "$bin/pg_ctl" -s -D "$work/data" -m fast stop
unset PGHOST PGPORT PGUSER PGDATABASE
lane tap "${make[@]}" installcheck REGRESS= ISOLATION= PROVE_FLAGS=--verbose

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
