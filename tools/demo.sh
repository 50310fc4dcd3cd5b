#!/bin/bash
# Show the main job on the example project, from nothing.
#
# usage: tools/demo.sh        ("make demo")
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need_packages
work_begin
build
cluster_start </dev/null
cd "$work/src"

show() {
	echo
	say "$1"
	psql -X -q -v ON_ERROR_STOP=1 -P footer=off -d demo -c "$2"
}

createdb demo
psql -X -q -v ON_ERROR_STOP=1 -d demo -c 'CREATE EXTENSION migrate_ext' -f supabase/schema_version.sql

show "load: read supabase/migrations and supabase/rollbacks" \
	"SELECT * FROM migrate_load('$work/src/supabase')"
show "plan: what an apply would do" \
	"SELECT step, version, name, direction, statements, rollback, note FROM migrate_plan()"
show "apply all" \
	"SELECT version, name, statements, duration FROM migrate_apply()"
psql -X -q -v ON_ERROR_STOP=1 -d demo -o /dev/null -f supabase/seeds/production_data.sql
show "status" \
	"SELECT version, name, state, date_trunc('second', applied_at) AS applied_at, applied_by, checksum, rollback FROM migrate_status()"
show "roll back two" \
	"SELECT version, name, statements, duration FROM migrate_rollback(10)"
show "plan: the way up again" \
	"SELECT step, version, name, direction, statements, rollback, note FROM migrate_plan()"
show "apply again" \
	"SELECT version, name, statements, duration FROM migrate_apply()"
show "history" \
	"SELECT entry, date_trunc('second', at) AS at, event, version, name, statements, rows, role, application FROM migrate_history()"
show "what a failing migration leaves behind: nothing" "
SELECT migrate_register(13, 'broken', E'CREATE TABLE half_done (id int);\n\nALTER TABLE artwork ADD COLUMN note text;')"
psql -X -d demo -c "SELECT * FROM migrate_apply()" || true
show "where we are" "SELECT migrate_version(), to_regclass('half_done') AS half_done"
