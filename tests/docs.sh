#!/bin/sh
#
# docs.sh CC TREE LIBRARY - each code block of the documentation is compiled:
# whole programs are linked and run, too.  One line per block.
set -u
cc=$1
tree=$2
library=$3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

for page in "$tree"/*.md "$tree"/docs/*.md; do
	[ -f "$page" ] || continue
	name=$(basename "$page" .md)
	awk -v to="$tmp/$name" '
		/^```c$/ { n++; out = to "-" n ".c"; next }
		/^```/   { out = ""; next }
		out      { print > out }' "$page"
done
for block in "$tmp"/*.c; do
	name=$(basename "$block" .c)
	flags="-std=gnu11 -Wall -Wextra -Werror -I$tree/include"
	if grep -q '^int main' "$block"; then
		$cc $flags "$block" "$library" -pthread -o "$tmp/$name" &&
			timeout 60 "$tmp/$name" >/dev/null
	else
		# Functions without a main.
		{
			printf '#include <chappe/chappe.h>\n'
			printf '#pragma GCC diagnostic ignored "-Wunused"\n'
			cat "$block"
		} >"$tmp/fragment.c"
		$cc $flags -fsyntax-only "$tmp/fragment.c"
	fi
	if [ $? -eq 0 ]; then
		echo "ok   $name"
	else
		echo "FAIL $name"
		failed=$((failed + 1))
	fi
done
[ $failed -eq 0 ]
