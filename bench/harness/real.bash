# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The disk with real programs: Debian's riscv64 packages, fetched by the same means as the images,
# unpacked unprivileged into a read-only file system, with the files that they work on. Cached.
# Sourced by bench/run.

real_packages='bash coreutils gzip xz-utils sqlite3 openssl python3 gcc libc6-dev'
real_image=$HULL_CACHE/bench/real.img
rm -f "$work/use-real"

# "NAME real 1 TEXT" for each case of guest/real.
real_list() {
    awk '/^#: / { text = substr($0, 4) }
        /^[a-z0-9-]+\)$/ { sub(/\)$/, ""); print $0, "real", 1, text }' "$bench/guest/real"
}

real_disk() {
    local stamp
    stamp=$(cat "$bench/harness/real.bash" "$bench/guest/real" "$bench/programs/core_mix.c" | md5sum)
    if [ ! -f "$real_image" ] || [ "$stamp" != "$(cat "$real_image.stamp" 2>/dev/null)" ]; then
        say "fetching and unpacking: $real_packages"
        mkdir -p "$HULL_CACHE/bench" || exit 1
        (real_fetch && real_fill && real_pack) || fail 'the disk with real programs cannot be made'
        echo "$stamp" >"$real_image.stamp"
    fi
    : >"$work/use-real"
}

real_tree=$HULL_CACHE/bench/root

# host/image's functions are for sh, end the shell when they fail, and share one cache and its lock.
real_fetch() (
    export HULL_IMAGE_DIR=$top/host/image
    image=bench
    set -e
    . "$HULL_IMAGE_DIR/common.sh"
    . "$HULL_IMAGE_DIR/apt.sh"
    cache_lock
    apt_setup
    apt_update
    # shellcheck disable=SC2046,SC2086 # lists of words
    set -- $(apt_resolve $real_packages)
    say "$# packages, $(apt_size "$@") to fetch"
    apt_fetch "$@"
    apt_files "$@" >"$HULL_CACHE/bench/debs"
)

real_fill() {
    local name file
    rm -rf "$real_tree"
    # Debian's merged /usr, before any package puts something into the old places.
    mkdir -p "$real_tree"/{usr/bin,usr/sbin,usr/lib,tmp,proc,dev,data,etc}
    ln -s usr/bin usr/sbin usr/lib "$real_tree/" || return 1
    while read -r name file; do
        dpkg-deb --fsys-tarfile "$file" |
            tar -x -C "$real_tree" --no-same-owner --keep-directory-symlink || return 1
    done <"$HULL_CACHE/bench/debs"
    ln -sf dash "$real_tree/usr/bin/sh"
    [ -e "$real_tree/usr/bin/dash" ] || ln -sf bash "$real_tree/usr/bin/sh"
    rm -rf "$real_tree"/usr/share/{doc,man,locale,info}
    cat "$real_tree"/usr/lib/python3.*/*.py | head -c 3000000 >"$real_tree/data/text"
    gzip -n <"$real_tree/data/text" >"$real_tree/data/text.gz"
    cat "$bench/programs/bench.h" "$bench/programs/core_mix.c" | sed '/#include "bench.h"/d; /#pragma once/d' \
        >"$real_tree/data/core_mix.c"
    cp "$bench/guest/real" "$real_tree/bench-real"
}

real_pack() {
    local mib
    mib=$(($(du -sm "$real_tree" | cut -f1) * 5 / 4 + 64))
    rm -f "$real_image"
    PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -L bench -d "$real_tree" "$real_image" "${mib}M" || return 1
    chmod -R u+w "$real_tree" && rm -rf "$real_tree"
}
