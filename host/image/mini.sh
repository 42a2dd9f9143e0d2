# SPDX-License-Identifier: Apache-2.0
# The image "mini": Debian's kernel and a busybox system in memory, seconds to a prompt.
# shellcheck shell=sh

recipe_summary="Debian's riscv64 kernel with a busybox shell in memory; seconds to a prompt"
recipe_version=8
recipe_keeps_data=no
recipe_tools=''
recipe_space_mib=900

. "$HULL_IMAGE_DIR/apt.sh"
. "$HULL_IMAGE_DIR/initramfs.sh"

recipe_pull() {
	step 1/4 "reading Debian's package index"
	apt_setup
	apt_update
	kernel=$(apt_kernel_package)
	step 2/4 "fetching the kernel and busybox ($(apt_size "$kernel" busybox-static))"
	apt_fetch "$kernel" busybox-static
	step 3/4 "unpacking $kernel"
	deb=$(apt_deb "$kernel")
	kernel_unpack "$deb" "$work/kernel"
	step 4/4 'making the initramfs'
	deb=$(apt_deb busybox-static)
	initramfs_make "$work/kernel" "$deb" "$work/new/initrd.img"
	cp "$work/kernel/boot/vmlinux-$kernel_release" "$work/new/vmlinux"
	printf '%s\n' "$kernel_release" >"$work/new/kernel-release"
	cat >"$work/new/vm.json" <<-EOF
	{
	  "memory": "1G",
	  "cpus": 2,
	  "boot": {
	    "kernel": "vmlinux",
	    "initrd": "initrd.img",
	    "append": "console=ttyS0 quiet"
	  },
	  "net": [{ "backend": "user" }],
	  "balloon": true,
	  "rng": true
	}
	EOF
}
