#!/bin/bash
# Run a command inside a Debian root, with /proc and /dev mounted in a namespace
# of its own, so that nothing stays mounted.
#
# usage: tools/inside-root.sh ROOT COMMAND [ARGUMENT...]
set -euo pipefail
sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)
exec "${sudo[@]}" unshare --mount sh -c '
	root=$0
	mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
	mount --rbind /dev "$root/dev"
	exec chroot "$root" "$@"' "$@"
