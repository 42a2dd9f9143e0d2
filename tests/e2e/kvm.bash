# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of KVM inside a guest share: kvm.ko of the mini image's kernel, and Debian's QEMU for
# riscv64, from the packages that images are made of. Both are kept in $HULL_CACHE/kvm.
# shellcheck disable=SC2154 # $mini and $here are machine.bash's
. "$(dirname "${BASH_SOURCE[0]}")/machine.bash"
kvm_release=$(cat "$mini/kernel-release")
kvm_cache=$HULL_CACHE/kvm/$kvm_release

# Runs commands with the functions of host/image, and the packages' index at hand.
kvm_with_packages() {
    (
        export HULL_CACHE HULL_IMAGE_DIR=$here/host/image
        image=kvm work=$TEST_TMP
        # shellcheck disable=SC1091,SC2034
        . "$HULL_IMAGE_DIR/common.sh" && . "$HULL_IMAGE_DIR/apt.sh" && cache_lock && apt_setup && apt_update && "$@"
    ) >&2 9>&2
}

kvm_module_unpack() {
    local package=linux-image-$kvm_release deb
    deb=$(find "$HULL_CACHE/apt/archives" -name "${package}_*.deb" 2>/dev/null | head -n 1)
    [ -n "$deb" ] || { apt_fetch "$package" && deb=$(apt_deb "$package"); }
    dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards '*/kvm.ko.xz' | xz -d >"$kvm_cache/kvm.ko.part" &&
        mv "$kvm_cache/kvm.ko.part" "$kvm_cache/kvm.ko"
}

# kvm.ko among the files of the guests that follow.
kvm_module() {
    mkdir -p guest-files "$kvm_cache"
    [ -f "$kvm_cache/kvm.ko" ] || kvm_with_packages kvm_module_unpack || {
        echo "the kernel's package, which has kvm.ko, cannot be had"
        exit 77
    }
    cp "$kvm_cache/kvm.ko" guest-files/
}

# FILE's libraries, and theirs, out of the unpacked packages: NEEDED by NEEDED.
kvm_libraries() {
    local name file
    for name in $(riscv64-linux-gnu-objdump -p "$1" | sed -n 's/^ *NEEDED *//p'); do
        [ ! -e "qemu/lib/$name" ] || continue
        file=$(find unpacked -name "$name" | head -n 1)
        [ -n "$file" ] || return 1
        [ ! -L "$file" ] || file=$(dirname "$file")/$(readlink "$file")
        cp "$file" "qemu/lib/$name"
        kvm_libraries "qemu/lib/$name" || return 1
    done
}

kvm_qemu_unpack() {
    local packages
    packages=$(apt_resolve qemu-system-riscv)
    # shellcheck disable=SC2086
    apt_fetch $packages
    mkdir -p unpacked qemu/bin qemu/lib
    # shellcheck disable=SC2086
    apt_files $packages | while read -r name file; do
        case $name in
        qemu-system-riscv | lib* | zlib*) dpkg-deb --fsys-tarfile "$file" | tar -x -C unpacked --no-same-owner ;;
        esac
    done
    cp unpacked/usr/bin/qemu-system-riscv64 qemu/bin/
    kvm_libraries qemu/bin/qemu-system-riscv64 && rm -rf "$kvm_cache/qemu" && mv qemu "$kvm_cache/qemu"
    rm -rf unpacked
}

# QEMU as /bin/qemu-system-riscv64, with its libraries.
kvm_qemu() {
    mkdir -p guest-files "$kvm_cache"
    [ -d "$kvm_cache/qemu" ] || kvm_with_packages kvm_qemu_unpack || {
        echo "Debian's QEMU for riscv64 cannot be had"
        exit 77
    }
    cp -r "$kvm_cache/qemu/." guest-files/
}
