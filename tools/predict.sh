#!/bin/bash
# Hold predictions against what happens, statement by statement.
#
# usage: tools/predict.sh NAME=FILE... [-- NAME=FILE...]...      ("make predict")
#
# Each group, of files that run one after the other in a database of its own, is
# NAME=FILE... where NAME is that of its first argument; "--" begins the next group.
# Without arguments: the migrations of supabase/.  Printed for each group: how many
# statements were predicted as they happened, and which were not.  Statements that
# fail alone, or that run code nobody can look into, are counted apart.
#
# Fails when less than 99 of 100 agree.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

status=0

# Run a group of files in a database of its own.
group() {
	local name=$1
	shift

	say "$name"
	createdb "$name"
	psql -X -q -d "$name" -c 'CREATE EXTENSION migrate_ext' -f "$here/observe.sql"
	{
		echo 'SET client_min_messages = error; SET statement_timeout = 60000;'
		"$here/statements.pl" "$@"
	} | psql -X -q -d "$name" >/dev/null 2>"$work/messages" || true
	psql -X -q -A -t -d "$name" -c "
		SELECT format('   %s: %s of %s statements as predicted (%s %%); %s failed alone, %s opaque', '$name', same, same + other,
			round(100.0 * same / greatest(same + other, 1), 2), failed, opaque)
		FROM (SELECT count(*) FILTER (WHERE verdict = 'same') AS same, count(*) FILTER (WHERE verdict = 'different') AS other,
				count(*) FILTER (WHERE verdict = 'error') AS failed, count(*) FILTER (WHERE verdict = 'opaque') AS opaque
			  FROM predict_check.result) r" -c "
		SELECT format(E'   %s: %s\n      predicted: %s\n      happened:  %s', source, left(regexp_replace(statement, '\s+', ' ', 'g'), 150), predicted, observed)
		FROM predict_check.result WHERE verdict = 'different' ORDER BY number"
	[ "$(psql -X -A -t -d "$name" -c "SELECT count(*) > 0 AND count(*) FILTER (WHERE verdict = 'different') <= 0.01 * count(*) FILTER (WHERE verdict IN ('same', 'different'))
		FROM predict_check.result")" = t ] || status=1
}

need_packages
work_begin
build
cluster_start <<-END
	fsync = off
	autovacuum = off
	max_locks_per_transaction = 1024
END
[ $# -gt 0 ] || set -- supabase="$top/supabase/schema_version.sql" "$top"/supabase/migrations/*.sql
name=
files=()
for argument in "$@" --; do
	if [ "$argument" = -- ]; then
		[ ${#files[@]} = 0 ] || group "$name" "${files[@]}"
		name= files=()
	elif [ -z "$name" ]; then
		name=${argument%%=*}
		files=("${argument#*=}")
	else
		files+=("$argument")
	fi
done
exit $status
