# SPDX-License-Identifier: Apache-2.0
# Fetches riscv64 packages with the host's own apt, as any user: apt gets private state and cache
# folders, the mirror that the host is configured with, and Debian's archive keyring to verify with.
# shellcheck shell=sh

apt_root=$HULL_CACHE/apt
apt_log=$apt_root/log
apt_suite=trixie
apt_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Print "URI SUITE" for every source that the host's apt reads, in whichever format it stands.
apt_host_sources() {
	mkdir -p "$apt_root/none/partial"
	(
		unset APT_CONFIG
		apt-get update --print-uris -o Dir::State::Lists="$apt_root/none" 2>/dev/null
	) | sed -n "s|^'\(https\{0,1\}://.*\)/dists/\(.*\)/InRelease'.*|\1 \2|p"
}

# Set apt_main, apt_updates and apt_security to the mirrors for those suites. The main archive is
# the source that offers a plain Debian suite; where several do (third parties name their suites
# after Debian's), the one that also has "-updates", then the one whose path is Debian's.
apt_find_mirrors() {
	apt_main=${HULL_MIRROR-} apt_updates='' apt_security=${HULL_MIRROR_SECURITY-}
	[ -z "$apt_main" ] || return 0
	eval "$(apt_host_sources | awk '
		function quoted(s) { gsub(/\047/, "", s); return "\047" s "\047" }
		$2 ~ /-security$|\/updates$/ { if (!security) security = $1; next }
		$2 ~ /-updates$/ { updates = $1; rank[$1] += 2; next }
		$2 ~ /^(bullseye|bookworm|trixie|forky|duke|sid|oldstable|stable|testing|unstable)$/ {
			main[++n] = $1
			if ($1 ~ /\/debian\/?$/) rank[$1]++
		}
		END {
			for (i = 1; i <= n; i++) if (!best || rank[main[i]] > rank[best]) best = main[i]
			print "apt_main=" quoted(best) " apt_updates=" quoted(updates) " apt_security=" quoted(security)
		}')"
	[ -n "$apt_main" ] ||
		die 'apt on this machine has no Debian mirror configured (see /etc/apt); set HULL_MIRROR=URL to name one'
}

# apt_write_sources FILE KEYRING FILTER: a sources list for trixie. FILTER is a command that the
# URIs go through (the guest may have to reach them by another address).
apt_write_sources() {
	{
		apt_source "$apt_main" "$apt_suite" "$2"
		[ -z "$apt_updates" ] || apt_source "$apt_updates" "$apt_suite-updates" "$2"
		[ -z "$apt_security" ] || apt_source "$apt_security" "$apt_suite-security" "$2"
	} | ${3:-cat} >"$1"
}

apt_source() {
	printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' "$1" "$2" "$3"
}

# How the host's apt reaches its mirror (proxies, clocks that are off), fit to be read back.
apt_host_settings() {
	(
		unset APT_CONFIG
		apt-config dump
	) | grep -E '^Acquire::(https?|Retries|ForceIPv[46]|Check-Valid-Until|Check-Date|Max-FutureTime)\b' |
		grep -Ev '(User-Agent|"")(";|;)?$' || :
}

apt_setup() {
	[ -r "$apt_keyring" ] ||
		die "Debian's archive keys are missing ($apt_keyring); install them with: sudo apt-get install debian-archive-keyring"
	mkdir -p "$apt_root/lists/partial" "$apt_root/archives/partial" "$apt_root/state"
	: >"$apt_log"
	: >"$apt_root/status"
	cat >"$apt_root/provided" <<-EOF
	Package: hull-image
	Status: install ok installed
	Architecture: riscv64
	Maintainer: nobody
	Version: 1
	Provides: kmod (= 999), linux-base (= 999), initramfs-tools (= 999), linux-initramfs-tool (= 999)
	Description: what a kernel asks for when it is installed as a package
	EOF
	apt_find_mirrors
	apt_write_sources "$apt_root/hull.sources" "$apt_keyring"
	{
		apt_host_settings
		cat <<-EOF
		Dir::Etc::main "/dev/null";
		Dir::Etc::parts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::sourcelist "$apt_root/hull.sources";
		Dir::State "$apt_root/state";
		Dir::State::lists "$apt_root/lists";
		Dir::State::status "$apt_root/status";
		Dir::Cache "$apt_root";
		Dir::Cache::archives "$apt_root/archives";
		APT::Architecture "riscv64";
		APT::Architectures { "riscv64"; };
		APT::Install-Recommends "false";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
		EOF
	} >"$apt_root/apt.conf"
	export APT_CONFIG="$apt_root/apt.conf"
}

# Run apt-get with its progress on a terminal, and silently elsewhere.
apt_try() {
	if [ -t 2 ]; then
		apt-get "$@" 2>"$apt_log" >&2 </dev/null
	else
		apt-get -qq "$@" >"$apt_log" 2>&1 </dev/null
	fi
}

apt_run() { apt_try "$@" || apt_explain "$1"; }

apt_explain() {
	grep -E '^[EW]:' "$apt_log" | head -n 8 >&2 || :
	if grep -qEi 'no space left' "$apt_log"; then
		die "the disk that holds $HULL_CACHE is full (HULL_CACHE=DIR uses another place)"
	elif grep -qEi 'resolv|connect|timed? ?out|unreachable|connection failed' "$apt_log"; then
		die "the Debian mirror cannot be reached ($apt_main); check the network, then try again: what was fetched is kept"
	elif grep -qEi 'NO_PUBKEY|not signed|invalid signature|EXPKEYSIG' "$apt_log"; then
		die "the mirror's signature does not verify; bring the keys up to date: sudo apt-get install debian-archive-keyring"
	fi
	die "apt-get $1 failed (its messages are in $apt_log)"
}

# Bring the index up to date. A mirror that serves an extra suite badly (half a sync, as caches in
# between like to do) must not keep the main archive out of reach: do without that suite then.
apt_update() {
	if ! apt_try update; then
		if grep -q "/$apt_suite-updates/" "$apt_log"; then
			warn "the mirror does not serve $apt_suite-updates properly; leaving it out"
			apt_updates=''
		fi
		if grep -q "/$apt_suite-security/" "$apt_log"; then
			warn "the mirror does not serve $apt_suite-security properly; leaving it out"
			apt_security=''
		fi
		apt_write_sources "$apt_root/hull.sources" "$apt_keyring"
		apt_try update || {
			# What an earlier index names may be fetched already.
			apt-cache show busybox-static >/dev/null 2>&1 || apt_explain update
			warn "the index of $apt_main cannot be brought up to date; using the one from before"
		}
	fi
	# Without a signed index nothing may be installed; apt only warns about a missing one.
	apt-cache show busybox-static >/dev/null 2>&1 || apt_explain update
}

# apt_fetch PACKAGE...: these, into the cache. Fetched half-way, a file stays in archives/partial, and
# apt goes on with it the next time. What a package asks for besides is either named, too, or
# among what apt is made to believe to be installed.
apt_fetch() {
	apt_run install --download-only -y --no-install-recommends -o Dir::State::status="$apt_root/provided" "$@"
}

# apt_size PACKAGE...: what apt_fetch would still have to fetch, for a message.
apt_size() {
	human_kib "$(apt-get install --print-uris -y --no-install-recommends \
		-o Dir::State::status="$apt_root/provided" "$@" 2>/dev/null </dev/null |
		awk '/^\047/ { s += $3 } END { printf "%d", s / 1024 }')"
}

# apt_deb PACKAGE: the file that apt_fetch left.
apt_deb() {
	name=$(apt-get download --print-uris "$1" 2>/dev/null </dev/null | awk 'NR == 1 { print $2 }')
	[ -n "$name" ] && [ -f "$apt_root/archives/$name" ] || die "the package $1 was not fetched"
	printf '%s\n' "$apt_root/archives/$name"
}

# The versioned package behind the name that always means Debian's newest kernel.
apt_kernel_package() {
	apt-cache depends linux-image-riscv64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1
}

# apt_resolve PACKAGE...: their names and those of all that they need, in an order that unpacks.
apt_resolve() {
	apt-get install -s --no-install-recommends "$@" 2>"$apt_log" </dev/null | sed -n 's/^Inst \([^ :]*\).*/\1/p' |
		grep . || apt_explain install
}

# apt_files PACKAGE...: "NAME FILE" for each, of what apt_fetch left.
apt_files() {
	apt-get download --print-uris "$@" 2>/dev/null </dev/null | while read -r _ name _; do
		[ -f "$apt_root/archives/$name" ] || die "the package file $name was not fetched"
		printf '%s %s\n' "${name%%_*}" "$apt_root/archives/$name"
	done
}
