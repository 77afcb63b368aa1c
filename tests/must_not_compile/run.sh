#!/bin/sh
#
# run.sh CC INCLUDE_DIR - each file here, but control*.c, holds one misuse of
# the typed wrappers that the compiler CC must reject.  The controls must
# compile, and so must each file with its misuse put right (-DFIXED), lest it
# be rejected for another reason.  One line per file; fails if any is not as it
# should be.

if [ $# -ne 2 ]; then
	echo "usage: $0 CC INCLUDE_DIR" >&2
	exit 2
fi
cc=$1
include=$2
here=$(dirname "$0")
failed=0

compiles() {
	$cc -std=c11 -Wall -Werror -fsyntax-only -I"$include" "$@" 2>/dev/null
}

# tell RESULT NAME WHAT
tell() {
	printf '%-4s %s: %s\n' "$1" "$2" "$3"
	[ "$1" = ok ] || failed=$((failed + 1))
}

for file in "$here"/*.c; do
	name=$(basename "$file" .c)
	case $name in
	control*)
		if compiles "$file"; then
			tell ok "$name" "compiles"
		else
			tell FAIL "$name" "does not compile"
		fi
		continue
		;;
	esac
	if compiles "$file"; then
		tell FAIL "$name" "the misuse compiles"
	elif ! compiles -DFIXED "$file"; then
		tell FAIL "$name" "does not compile put right either"
	else
		tell ok "$name" "rejected"
	fi
done
[ $failed -eq 0 ]
