# SPDX-License-Identifier: Apache-2.0
# What every part of `hull image` shares: messages, checks of the machine, the lock, and stamps
# that let an interrupted pull go on where it stopped. Sourced, never run.
# shellcheck shell=sh

: "${HULL_CACHE:=${XDG_CACHE_HOME:-${HOME:?HOME or HULL_CACHE must be set}/.cache}/hull}"
case $HULL_CACHE in /*) ;; *) HULL_CACHE=$PWD/$HULL_CACHE ;; esac
# mke2fs, depmod and others stand where an ordinary user's PATH may not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C.UTF-8
export HULL_CACHE PATH LC_ALL
umask 022

# tool:package pairs that every recipe needs.
common_tools='apt-get:apt apt-cache:apt apt-config:apt dpkg-deb:dpkg tar:tar xz:xz-utils flock:util-linux awk:mawk'

say() { printf 'hull image: %s\n' "$*" >&2; }
warn() { printf 'hull image: warning: %s\n' "$*" >&2; }
# The exit codes are those of the hull program: 125 for a failure, 124 for a mistake in the command.
die() {
	printf 'hull image: %s\n' "$*" >&2
	exit 125
}
usage_error() {
	printf 'hull image: %s\n' "$*" >&2
	exit 124
}

# step N/M TEXT: what the pull is doing now.
step() {
	n=$1
	shift
	printf 'hull image: %s [%s] %s\n' "$image" "$n" "$*" >&2
}

# A number of KiB as a reader wants it.
human_kib() {
	awk -v k="$1" 'BEGIN {
		if (k < 1024) printf "%d KiB", k
		else if (k < 1048576) printf "%.1f MiB", k / 1024
		else printf "%.2f GiB", k / 1048576 }'
}

need_tool() {
	command -v "$1" >/dev/null 2>&1 ||
		die "the program '$1' is missing; install it with: sudo apt-get install $2"
}

# space_need MIB: stop early and say so, instead of failing with a full disk later.
space_need() {
	free=$(df -Pk "$HULL_CACHE" | awk 'NR == 2 { print int($4 / 1024) }')
	[ "$free" -ge "$1" ] ||
		die "not enough space in $HULL_CACHE: $1 MiB are needed, $free MiB are free (HULL_CACHE=DIR uses another place)"
}

# One pull at a time per cache; the lock goes with the process, however that ends.
cache_lock() {
	mkdir -p "$HULL_CACHE" 2>/dev/null && [ -w "$HULL_CACHE" ] ||
		die "cannot write to $HULL_CACHE (HULL_CACHE=DIR uses another place)"
	exec 9>"$HULL_CACHE/lock"
	if ! flock -n 9; then
		say 'another pull is at work in this cache; waiting for it (Ctrl-C gives up)'
		flock 9
	fi
}

# A step that was finished before an interruption is not done again.
stamped() { [ -f "$work/stamp.$1" ]; }
stamp() { : >"$work/stamp.$1"; }

trap 'printf "\nhull image: interrupted; the same command goes on from here\n" >&2; exit 130' INT
trap 'exit 143' TERM HUP
