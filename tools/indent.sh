#!/bin/bash
# Format the C sources with pgindent's rules, or check that they are.
#
# usage: tools/indent.sh indent|check-indent
#
# The list of type names comes from the debugging information of the build, so
# it is never out of date; names that are also variables here are left out.
# Options, and the space in "char *" at the start of a function, as in
# PostgreSQL's own pgindent.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
"$here/packages.sh" pg-bsd-indent binutils gcc make
make -s
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
	objdump -W -- *.so | grep -A4 'DW_TAG_typedef' |
		sed -n 's/.*DW_AT_name .*: \([A-Za-z_][A-Za-z0-9_]*\)[[:space:]]*$/\1/p'
	sed -n 's/^}[[:space:]]*\([A-Z][A-Za-z]*\);.*/\1/p' src/*.[ch] test/unit/*.c
} |
	grep -vxE 'text|version|name|type|date|interval' | sort -u >"$work/typedefs"
changed=0
for file in *.c src/*.c src/*.h test/unit/*.c; do
	pg_bsd_indent -bad -bap -bbb -bc -bl -cli1 -cp33 -cdb -nce -d0 -di12 -nfc1 \
		-i4 -l79 -lp -lpl -nip -npro -sac -tpg -ts4 -U"$work/typedefs" <"$file" |
		sed -E 's/^([A-Za-z_][A-Za-z0-9_ ]*[A-Za-z0-9_])[ \t]+\*$/\1 */; s/,\.([a-z_]+ = )/, .\1/g' >"$work/out" ||
		{ echo "cannot format $file"; exit 1; }
	cmp -s "$file" "$work/out" && continue
	changed=$((changed + 1))
	if [ "$1" = indent ]; then
		cat "$work/out" >"$file"
		echo "formatted $file"
	else
		diff -u "$file" "$work/out" || true
	fi
done
[ "$1" = indent ] || [ $changed = 0 ]
