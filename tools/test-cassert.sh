#!/bin/bash
# Run the suite on a server with assertions, then the engine's main paths under
# valgrind.
#
# usage: tools/test-cassert.sh        ("make test-cassert")
#
# The server is built once, from Debian's source package (tools/cassert-server.sh).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
prefix=$("$here/cassert-server.sh" | tail -n 1)
export PG_CONFIG=$prefix/bin/pg_config
rc=0
MIGRATE_CRASH_ROUNDS=${MIGRATE_CRASH_ROUNDS:-20} "$here/test.sh" || rc=1

. "$here/lib.sh"
paths=(register script copy load adopt baseline apply rollback failure session schema_version)
work_begin
build
cluster_start <<-END
	fsync = off
END
as_user "$bin/pg_ctl" -s -D "$work/data" -m fast stop
say "valgrind: ${paths[*]}"
as_user valgrind --quiet --suppressions="$prefix/valgrind.supp" --leak-check=no \
	--gen-suppressions=no --error-markers=ERROR-BEGIN,ERROR-END --trace-children=yes \
	--log-file="$work/valgrind.%p" "$bin/postgres" -D "$work/data" >"$work/server.log" 2>&1 &
for ((i = 0; i < 120; i++)); do
	! pg_isready -q || break
	sleep 1
done
as_user mkdir "$work/out"
as_user make -s -C "$work/src" PG_CONFIG="$PG_CONFIG" installcheck ISOLATION= TAP_TESTS= \
	REGRESS="${paths[*]}" \
	REGRESS_OPTS="--load-extension=migrate_ext --outputdir=$work/out --inputdir=$work/src" || rc=1
as_user "$bin/pg_ctl" -s -t 120 -D "$work/data" -m fast stop
wait
found=$(cat "$work"/valgrind.* | grep -c ERROR-BEGIN || true)
cat "$work"/valgrind.* | head -n 200
echo "valgrind: $found errors"
[ "$found" = 0 ] && [ $rc = 0 ]
