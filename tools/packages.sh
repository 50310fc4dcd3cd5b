#!/bin/bash
# Install the Debian packages named as arguments that are not installed yet.
#
# usage: tools/packages.sh PACKAGE...
#
# Works as root and as an ordinary user with sudo; says what it does, and does
# nothing when nothing is missing.
set -euo pipefail

missing=()
for package in "$@"; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
		grep -q '^install ok installed$' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get -qq update
# A server package would create and start a cluster of its own; the tests
# bring theirs.
if [ -d /etc/postgresql-common ] || "${sudo[@]}" mkdir -p /etc/postgresql-common; then
	[ -e /etc/postgresql-common/createcluster.conf ] ||
		echo 'create_main_cluster = false' |
		"${sudo[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
"${sudo[@]}" apt-get -qq -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
	install --no-install-recommends "${missing[@]}" >/dev/null
