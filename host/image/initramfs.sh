# SPDX-License-Identifier: Apache-2.0
# Makes the kernel and the initramfs that all images boot with: Debian's kernel as packaged, and a
# small busybox system with the modules for Hull's devices. It is an interactive system by itself
# and hands over to a root file system when the kernel's command line names one.
# shellcheck shell=sh

# The modules for what Hull's board has. Whatever these depend on comes along. The console, the
# RTC and the interrupt controllers are built into Debian's kernel.
initramfs_devices='virtio_mmio virtio_blk virtio_net virtio-rng virtio_balloon'
# Loaded later: the power button's when the prompt is there, and by the kernel when a file system
# is first mounted. crc32c is what ext4 asks the
# crypto layer for by name, which no dependency records.
initramfs_lazy='crc32c_generic ext4 virtio_input evdev'

# kernel_unpack DEB DIR: the package's files in DIR, kernel_release set, DIR/vmlinux the kernel.
kernel_unpack() {
	rm -rf "$2"
	mkdir -p "$2"
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --no-same-owner
	kernel_release=$(basename "$2"/usr/lib/modules/*)
	[ -f "$2/boot/vmlinux-$kernel_release" ] || die "the kernel package $1 holds no kernel"
}

# Module names may be written with - or _ ; files stand under either. $1: modules folder, $2: name.
module_file() {
	find "$1/kernel" -name "$(printf '%s' "$2" | sed 's/[-_]/[-_]/g').ko*" | head -n 1
}

module_is_builtin() {
	grep -q "/$(printf '%s' "$2" | sed 's/[-_]/[-_]/g')\.ko" "$1/modules.builtin"
}

# module_add FROM TO NAME: copy a module uncompressed with all that it needs, and note the latter
# in TO/modules.dep, busybox modprobe's table: nearest need first, loaded from the last backwards.
# The kernel package brings no table; each module names what it needs.
module_add() {
	if [ -f "$2/$3.ko" ] || module_is_builtin "$1" "$3"; then
		return 0
	fi
	module_path=$(module_file "$1" "$3")
	[ -n "$module_path" ] || die "the kernel package has no module $3"
	case $module_path in
	*.xz) xz -dc "$module_path" >"$2/$3.ko" ;;
	*) cp "$module_path" "$2/$3.ko" ;;
	esac
	module_all=''
	for need in $(tr '\0' '\n' <"$2/$3.ko" | sed -n 's/^depends=//p' | tr ',' ' '); do
		module_is_builtin "$1" "$need" && continue
		# A subshell: a shell function's variables are global, and this one recurses.
		(module_add "$1" "$2" "$need") || exit 1
		module_all="$module_all $need.ko$(sed -n "s/^$need.ko://p" "$2/modules.dep")"
	done
	printf '%s.ko:%s\n' "$3" "$module_all" >>"$2/modules.dep"
}

# cpio_entry MODE NAME [FILE]: one entry of a "newc" archive, owned by root. Written here rather
# than by cpio: no tool to install, no root to make root's files, and the same bytes every time.
cpio_entry() {
	cpio_size=0
	[ $# -lt 3 ] || cpio_size=$(wc -c <"$3")
	cpio_number=$((cpio_number + 1))
	printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\0' \
		"$cpio_number" "$1" 0 0 1 0 "$cpio_size" 0 0 0 0 $((${#2} + 1)) 0 "$2"
	cpio_pad $((110 + ${#2} + 1))
	[ $# -lt 3 ] || cat "$3"
	cpio_pad "$cpio_size"
}
cpio_pad() { head -c $(((4 - $1 % 4) % 4)) /dev/zero; }

# cpio_tree DIR: an archive of DIR's folders, files and symbolic links.
cpio_tree() (
	cd "$1"
	cpio_number=0
	find . -mindepth 1 | LC_ALL=C sort | while IFS= read -r path; do
		name=${path#./}
		if [ -L "$path" ]; then
			readlink "$path" | tr -d '\n' >"$1.link"
			cpio_entry $((0120777)) "$name" "$1.link"
		elif [ -d "$path" ]; then
			cpio_entry $((0040755)) "$name"
		elif [ -x "$path" ]; then
			cpio_entry $((0100755)) "$name" "$path"
		else
			cpio_entry $((0100644)) "$name" "$path"
		fi
	done
	rm -f "$1.link"
	cpio_number=-1
	cpio_entry 0 'TRAILER!!!'
)

# initramfs_make KERNEL_DIR BUSYBOX_DEB OUTPUT: not compressed on purpose. The host reads some
# more megabytes, in milliseconds; the guest would take the better part of a second to unpack them.
initramfs_make() {
	tree=$work/initramfs
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/sbin" "$tree/usr/bin" "$tree/usr/sbin" "$tree/etc" "$tree/dev" "$tree/proc" \
		"$tree/sys" "$tree/run" "$tree/tmp" "$tree/mnt" "$tree/root" "$tree/newroot" "$tree/lib/modules/$kernel_release"
	mkdir -p "$work/busybox"
	dpkg-deb --fsys-tarfile "$2" | tar -x -C "$work/busybox" --no-same-owner
	cp "$work/busybox/usr/bin/busybox" "$tree/bin/busybox"
	ln -s busybox "$tree/bin/sh"
	cp "$HULL_IMAGE_DIR/guest/init" "$tree/init"
	chmod 755 "$tree/init" "$tree/bin/busybox"
	for file in inittab profile hull-exec hull-shell hull-network hull-power udhcpc.script hull-root; do
		cp "$HULL_IMAGE_DIR/guest/$file" "$tree/etc/$file"
	done
	chmod 755 "$tree"/etc/hull-* "$tree/etc/udhcpc.script"
	printf 'root::0:0:root:/root:/bin/sh\n' >"$tree/etc/passwd"
	printf 'root:x:0:\n' >"$tree/etc/group"
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$tree/etc/hosts"
	printf '%s\n' "$initramfs_devices" >"$tree/etc/modules"
	printf 'ext4\n*\n' >"$tree/etc/filesystems"
	from=$1/usr/lib/modules/$kernel_release
	to=$tree/lib/modules/$kernel_release
	for module in $initramfs_devices $initramfs_lazy; do
		module_add "$from" "$to" "$module"
	done
	printf 'alias fs-ext4 ext4\nalias fs-ext3 ext4\nalias fs-ext2 ext4\nalias crypto-crc32c crc32c_generic\nalias crypto-crc32c-generic crc32c_generic\n' >"$to/modules.alias"
	: >"$to/modules.symbols"
	cpio_tree "$tree" >"$3.part"
	mv "$3.part" "$3"
}
