#!/bin/bash
# Run the benchmarks and print ratios measured in one run.
#
# usage: tools/bench.sh [NAME...]        ("make bench", "make bench BENCH=apply")
#
# Each bench/NAME.sh runs alone, on a throw-away server of its own.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need_packages
work_begin
build
names=("$@")
[ ${#names[@]} -gt 0 ] || mapfile -t names < <(cd "$top/bench" && ls -- *.sh | sed 's/\.sh$//')
for bench in "${names[@]}"; do
	rm -rf "$work/data"
	cluster_start <<-END
		shared_buffers = 512MB
		max_wal_size = 4GB
		max_locks_per_transaction = 4096
		autovacuum = off
	END
	say "$bench"
	. "$top/bench/$bench.sh"
	as_user "$bin/pg_ctl" -s -D "$work/data" -m fast stop
done
