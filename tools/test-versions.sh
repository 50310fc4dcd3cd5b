#!/bin/bash
# Run the suite on every supported PostgreSQL that Debian has: 15, 17 and 18.
#
# usage: tools/test-versions.sh [MAJOR...]        ("make test-versions")
#
# Each major runs in a throw-away Debian root (tools/version-root.sh) that is
# made once and kept.  Needs root or sudo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/.." && pwd)
majors=("$@")
[ ${#majors[@]} -gt 0 ] || majors=(15 17 18)
sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)
failures=0

for major in "${majors[@]}"; do
	root=$("$here/version-root.sh" "$major" | tail -n 1)
	echo "== PostgreSQL $major"
	"${sudo[@]}" rm -rf "$root/src"
	"${sudo[@]}" mkdir "$root/src"
	tar -C "$top" --exclude=.git --exclude='*.o' --exclude='*.so' -cf - . |
		"${sudo[@]}" tar -C "$root/src" -xf -
	"$here/inside-root.sh" "$root" env LC_ALL=C.UTF-8 HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/src/tools/test.sh || failures=$((failures + 1))
	"${sudo[@]}" rm -rf "$root/src"
done
echo "$((${#majors[@]} - failures)) majors passed, $failures failed"
[ $failures = 0 ]
