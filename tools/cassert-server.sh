#!/bin/bash
# Build a PostgreSQL server with assertions (and valgrind client requests) from
# Debian's source package and print its installation prefix.
#
# usage: tools/cassert-server.sh [MAJOR]
#
# The result is kept in the folder that tools/cache.sh names, so only
# the first call takes minutes.  Progress goes to standard error; standard
# output carries nothing but the prefix.
set -euo pipefail

major=${1:-15}
here=$(cd "$(dirname "$0")" && pwd)
cache=$("$here/cache.sh")
prefix=$cache/cassert-$major

if [ -x "$prefix/bin/postgres" ] && [ -e "$prefix/.complete" ]; then
	echo "$prefix"
	exit 0
fi

"$here/packages.sh" dpkg-dev bison flex libreadline-dev zlib1g-dev \
	libipc-run-perl valgrind make gcc libc6-dev >&2

# Debian's configuration mostly names binary packages only.  Read the source
# index through a configuration of our own, so that the machine's stays as it is.
mkdir -p "$cache"
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/apt/parts" "$work/apt/lists/partial" "$work/apt/cache"
for f in /etc/apt/sources.list.d/*.sources; do
	[ -e "$f" ] && sed 's/^Types:.*/Types: deb-src/' "$f" \
		>"$work/apt/parts/$(basename "$f")"
done
if [ -e /etc/apt/sources.list ]; then
	sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$work/apt/parts/main.list"
fi
apt=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$work/apt/parts"
	-o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache"
	-o "APT::Sandbox::User=root")
apt-get "${apt[@]}" -qq update >&2

# The newest version is tried first; security uploads do not always have
# their source within reach.
cd "$work"
got=
for version in $(apt-cache "${apt[@]}" showsrc "postgresql-$major" |
	sed -n 's/^Version: //p' | sort -Vru); do
	if apt-get "${apt[@]}" -qq source --download-only "postgresql-$major=$version" >&2; then
		got=$version
		break
	fi
done
[ -n "$got" ] || { echo "no source package of postgresql-$major can be had" >&2; exit 1; }

# The upstream tarball as it is: Debian's patches fix the library directory to
# that of its own packages, and installing would overwrite them.
tar -xf "$work"/*.orig.tar.*[!c] -C "$work"
cd "$work"/postgresql-"$major"[.0-9]*/
./configure --quiet --prefix="$prefix" --enable-cassert --enable-debug \
	--enable-tap-tests CFLAGS='-O1 -g -fno-omit-frame-pointer -DUSE_VALGRIND' >&2
make -s -j"$(nproc)" >&2
make -s -j"$(nproc)" -C contrib >&2
make -s install >&2
make -s -C contrib install >&2
cp src/tools/valgrind.supp "$prefix/valgrind.supp"
chmod -R a+rX "$prefix"
echo "$got" >"$prefix/.complete"
echo "$prefix"
