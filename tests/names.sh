#!/bin/sh
#
# names.sh TREE SHARED_LIBRARY - every name of ours in the tables of
# docs/from-*.md must be an exported symbol, or a macro, type or enumerator of
# the public headers; and every function that the library exports must be named
# by a suite, or by what suites share.
set -u
tree=$1
library=$2
failed=0
checked=0

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
exported=$tmp/exported
known=$tmp/known
tested=$tmp/tested

nm -D --defined-only "$library" | awk '{ print $3 }' | sed 's/@.*//' |
	sort -u >"$exported"
{
	cat "$exported"
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

grep -ohE '\bchp_[a-z0-9_]+' "$tree"/tests/*.[ch] | sort -u >"$tested"
untested=0
functions=0
for name in $(grep '^chp_[^_]' "$exported"); do
	functions=$((functions + 1))
	grep -qx "$name" "$tested" && continue
	echo "$name is named by no test"
	untested=$((untested + 1))
done
echo "$functions functions, $untested untested"
[ "$checked" -gt 20 ] && [ "$functions" -gt 400 ] &&
	[ "$((failed + untested))" -eq 0 ]
