#!/bin/bash
# Print the folder for what takes minutes to make: $MIGRATE_CACHE, or a default
# that the ordinary user who runs the tests can read.
set -euo pipefail
if [ -n "${MIGRATE_CACHE:-}" ]; then
	echo "$MIGRATE_CACHE"
elif [ "$(id -u)" = 0 ]; then
	echo /var/cache/migrate_ext
else
	echo "$HOME/.cache/migrate_ext"
fi
