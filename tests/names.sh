#!/bin/sh
#
# names.sh TREE SHARED_LIBRARY - every name of ours in the tables of
# docs/from-*.md must be an exported symbol, or a macro, type or enumerator of
# the public headers.
set -u
tree=$1
library=$2
failed=0
checked=0

known=$(mktemp)
trap 'rm -f "$known"' EXIT
{
	nm -D --defined-only "$library" | awk '{ print $3 }' | sed 's/@.*//'
	sed -nE 's/^[ \t]*#[ \t]*define[ \t]+(CHP_[A-Z0-9_]+).*/\1/p
		s/^\}[ \t]*(chp_[a-z0-9_]+);.*/\1/p
		s/^typedef struct [a-z_]+ (chp_[a-z0-9_]+);.*/\1/p
		s/^[ \t]+(CHP_[A-Z0-9_]+)( = [^,]*)?,.*/\1/p' \
		"$tree"/include/chappe/*.h
} | sort -u >"$known"

for page in "$tree"/docs/from-*.md; do
	for name in $(grep '^|' "$page" | grep -oE '\b(chp|CHP)_[A-Za-z0-9_]+' |
		sort -u); do
		checked=$((checked + 1))
		grep -qx "$name" "$known" && continue
		echo "$(basename "$page"): $name is not in the library"
		failed=$((failed + 1))
	done
done
echo "$checked names, $failed unknown"
[ "$checked" -gt 20 ] && [ "$failed" -eq 0 ]
