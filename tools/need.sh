# need.sh - for ./dev: install the packages that are missing, if we may; else say
# which.  Uses die().

# need COMMAND:PACKAGE... - install the packages of commands that are missing.
# A command that begins with / or names a header is looked up as a file.
need() {
	local missing=() pair
	for pair in "$@"; do
		case ${pair%%:*} in
		/*) [ -e "${pair%%:*}" ] || missing+=("${pair#*:}") ;;
		*) command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}") ;;
		esac
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	local sudo=
	if [ "$(id -u)" -ne 0 ]; then
		if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
			sudo="sudo -n"
		else
			die "please install: ${missing[*]}"
		fi
	fi
	command -v apt-get >/dev/null || die "please install: ${missing[*]}"
	echo "dev: installing ${missing[*]}"
	{
		DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y \
			--no-install-recommends "${missing[@]}" ||
			{ $sudo apt-get update &&
				DEBIAN_FRONTEND=noninteractive $sudo apt-get \
					install -y --no-install-recommends \
					"${missing[@]}"; }
	} >/tmp/chappe-apt.$$ 2>&1 || {
		tail -5 /tmp/chappe-apt.$$ >&2
		die "could not install: ${missing[*]}"
	}
	rm -f /tmp/chappe-apt.$$
}

# need_packages FILE - install those of the Debian packages named in it that
# are missing.
need_packages() {
	local name names=()
	while read -r name; do
		dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null |
			grep -q 'ok installed' || names+=("/nowhere:$name")
	done <"$1"
	[ ${#names[@]} -eq 0 ] || need "${names[@]}"
}
