#!/bin/bash
# Make a throw-away Debian root that holds one PostgreSQL major with everything
# the tests need, and print its path.
#
# usage: tools/version-root.sh MAJOR        MAJOR is 15, 17 or 18
#
# Which Debian release carries which major is a fact of the releases: 12 has
# 15, 13 has 17, sid has 18.  Roots are kept in the folder that tools/cache.sh
# names
# and made once; needs root or sudo.
set -euo pipefail

major=${1:?usage: version-root.sh MAJOR}
case $major in
	15) suite=bookworm ;;
	17) suite=trixie ;;
	18) suite=sid ;;
	*) echo "no Debian release with PostgreSQL $major is known to this script" >&2; exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
cache=$("$here/cache.sh")
root=$cache/root-$major
sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)

if [ -e "$root/.complete" ]; then
	echo "$root"
	exit 0
fi
"$here/packages.sh" debootstrap >&2
mkdir -p "$cache"
"${sudo[@]}" rm -rf "$root"

# The machine's own package source also serves the other releases.
mirror=$(apt-get indextargets --format '$(SITE) $(REPO_URI)' 'Created-By: Packages' |
	awk '$2 !~ /security/ {print $2; exit}')
"${sudo[@]}" debootstrap --variant=minbase "$suite" "$root" "$mirror" >&2
# Clients of the package source may need this machine's settings (a proxy, say).
for f in /etc/apt/apt.conf.d/99*; do
	[ -e "$f" ] && "${sudo[@]}" cp "$f" "$root/etc/apt/apt.conf.d/"
done
"${sudo[@]}" mkdir -p "$root/etc/postgresql-common"
echo 'create_main_cluster = false' |
	"${sudo[@]}" tee "$root/etc/postgresql-common/createcluster.conf" >/dev/null
printf '#!/bin/sh\nexit 101\n' |
	"${sudo[@]}" tee "$root/usr/sbin/policy-rc.d" >/dev/null
"${sudo[@]}" chmod +x "$root/usr/sbin/policy-rc.d"
"$here/inside-root.sh" "$root" env DEBIAN_FRONTEND=noninteractive sh -c "
	apt-get -qq update &&
	apt-get -qq -y install --no-install-recommends postgresql \
		postgresql-server-dev-all make gcc libc6-dev libipc-run-perl perl procps" >&2
"${sudo[@]}" touch "$root/.complete"
echo "$root"
