# Sourced by the other tools: packages, a private copy of the tree, a
# throw-away cluster.
#
# Nothing is left behind but installed packages and the installed extension:
# everything else stands in $work, which is removed at the exit.  A server and
# its tests refuse root, so they run as the user "postgres" then.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/.." && pwd)
PG_CONFIG=${PG_CONFIG:-pg_config}
work=

# Say what is being done.
say() {
	echo "== $*"
}

# Install what building and testing need, where a Debian server is used.
need_packages() {
	[ "$PG_CONFIG" = pg_config ] || return 0
	"$here/packages.sh" make gcc libc6-dev postgresql postgresql-server-dev-all \
		libipc-run-perl perl "$@"
}

# Run a command as the user that servers and tests run as.
as_user() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

# Run a command that writes into the system's folders.
as_root() {
	if [ "$(id -u)" = 0 ] || [ -w "$("$PG_CONFIG" --pkglibdir)" ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Make $work, with a copy of the tree in $work/src that the user may write to.
work_begin() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/migrate_ext.XXXXXX")
	trap work_end EXIT
	chmod 755 "$work"
	mkdir "$work/src"
	tar -C "$top" --exclude=.git --exclude='*.o' --exclude='*.so' -cf - . |
		tar -C "$work/src" -xf -
	if [ "$(id -u)" = 0 ]; then
		chown -R postgres "$work"
	fi
}

# Stop what runs, and remove $work.
work_end() {
	local data

	for data in "$work"/data*; do
		[ ! -e "$data/postmaster.pid" ] ||
			as_user "$bin/pg_ctl" -s -D "$data" -m immediate stop || true
	done
	cd /
	rm -rf "$work"
}

# Build in the copy, and install.
build() {
	say "building for $("$PG_CONFIG" --version)"
	as_user make -s -C "$work/src" PG_CONFIG="$PG_CONFIG" "$@"
	as_root make -s -C "$work/src" PG_CONFIG="$PG_CONFIG" install >/dev/null
}

# Start a throw-away cluster; its settings are appended from standard input.
cluster_start() {
	bin=$("$PG_CONFIG" --bindir)
	say "starting a throw-away server in $work"
	as_user "$bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 \
		--locale=C --no-instructions --no-sync >"$work/initdb.log"
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$work'"
		echo "max_prepared_transactions = 5"
		cat
	} >>"$work/data/postgresql.conf"
	as_user "$bin/pg_ctl" -s -w -D "$work/data" -l "$work/server.log" start
	export PGHOST=$work PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	unset PGPASSWORD PGSERVICE PGOPTIONS
	export PATH=$bin:$PATH
}
