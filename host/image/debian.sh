# SPDX-License-Identifier: Apache-2.0
# The image "debian": Debian 13 with systemd and an ssh server on a disk that can grow. Packages are
# unpacked here, unprivileged, and configured by the guest itself at its first boot.
# shellcheck shell=sh

recipe_summary='Debian 13 with systemd and an ssh server on a 4 GiB disk; sets itself up at its first boot'
recipe_version=1
recipe_keeps_data=yes
recipe_tools='fakeroot:fakeroot mke2fs:e2fsprogs depmod:kmod md5sum:coreutils'
recipe_space_mib=2000

. "$HULL_IMAGE_DIR/apt.sh"
. "$HULL_IMAGE_DIR/initramfs.sh"

# What a user expects of a small server; everything else comes by dependency or by apt later.
# Essential packages are added by the resolver's pattern. Kept lean: each package costs time at
# the first boot, in the guest.
debian_packages='apt systemd systemd-sysv systemd-resolved udev dbus openssh-server ca-certificates
	debian-archive-keyring iproute2 iputils-ping netbase login passwd kmod e2fsprogs procps less nano'
debian_disk_size=${HULL_DISK_SIZE:-4G}

# Drivers for what a virtual machine can have; real hardware's stay out of the image.
debian_drivers='block cdrom char crypto dax md net/*.ko* net/bonding net/ipvlan net/macvlan net/team
	net/vxlan net/wireguard net/ppp net/slip nvdimm nvme rtc scsi/*.ko* target tty uio vdpa vfio vhost
	virt virtio watchdog input/*.ko* input/misc firmware/qemu*'
# Modules that systemd and udev load at each boot lie there uncompressed: the guest would pay.
debian_boot_modules='autofs4 configfs fuse nfnetlink x_tables ip_tables crc32c_generic efi_pstore qemu_fw_cfg
	virtio_input evdev'

recipe_pull() {
	step 1/6 "reading Debian's package index"
	apt_setup
	apt_update
	kernel=$(apt_kernel_package)
	# shellcheck disable=SC2086
	apt_resolve '?essential' $debian_packages >"$work/packages"
	# shellcheck disable=SC2046
	set -- $(cat "$work/packages")
	step 2/6 "fetching $# packages and the kernel ($(apt_size "$kernel" busybox-static "$@"))"
	apt_fetch "$kernel" busybox-static "$@"
	apt_files "$@" >"$work/debs"
	step 3/6 "unpacking $kernel"
	deb=$(apt_deb "$kernel")
	kernel_unpack "$deb" "$work/kernel"
	debian_modules "$work/kernel/usr/lib/modules/$kernel_release" "$work/modules/$kernel_release"
	step 4/6 'making the initramfs'
	deb=$(apt_deb busybox-static)
	initramfs_make "$work/kernel" "$deb" "$work/new/initrd.img"
	cp "$work/kernel/boot/vmlinux-$kernel_release" "$work/new/vmlinux"
	printf '%s\n' "$kernel_release" >"$work/new/kernel-release"
	debian_keys
	debian_settings
	step 5/6 "unpacking $# packages into the root file system"
	rm -f "$work/new/disk.img" "$work/disk.img"
	# One fakeroot session sees files made as root's and records them so in the disk image.
	export HULL_IMAGE_DIR
	fakeroot -- sh "$HULL_IMAGE_DIR/rootfs-make" \
		"$work" "$debian_disk_size" "$debian_packages" || die 'the root file system could not be made'
	mv "$work/disk.img" "$work/new/disk.img"
	step 6/6 'describing the machine'
	debian_describe
	say 'the first boot sets the system up and takes a few minutes; later ones do not'
	say "log in as root, without a password, on the console, or: ssh -i $out/id_ed25519 -p 2222 root@127.0.0.1"
}

# Copy the modules that are of use in a virtual machine, and index them as depmod does.
debian_modules() {
	rm -rf "$2"
	mkdir -p "$2/kernel/drivers"
	cp "$1"/modules.builtin* "$1/modules.order" "$2"
	for folder in arch block crypto fs lib mm net security virt; do
		[ ! -d "$1/kernel/$folder" ] || cp -r "$1/kernel/$folder" "$2/kernel/"
	done
	(
		cd "$1/kernel/drivers"
		for pattern in $debian_drivers; do
			for path in $pattern; do
				[ ! -e "$path" ] || {
					mkdir -p "$2/kernel/drivers/$(dirname "$path")"
					cp -r "$path" "$2/kernel/drivers/$path"
				}
			done
		done
	)
	rm -rf "$2"/kernel/net/bluetooth "$2"/kernel/net/wireless "$2"/kernel/net/mac80211 "$2"/kernel/net/nfc
	# These would draw the wireless stack in again.
	rm -rf "$2"/kernel/drivers/net/virt_wifi.ko* "$2"/kernel/net/batman-adv
	debian_module_closure "$1" "$2"
	for module in $debian_boot_modules; do
		find "$2/kernel" -name "$module.ko.xz" -exec xz -d '{}' +
	done
	mkdir -p "$work/modules/lib/modules"
	ln -sfn "../../$kernel_release" "$work/modules/lib/modules/$kernel_release"
	depmod -b "$work/modules" "$kernel_release"
	rm -rf "$work/modules/lib"
}

# A kept module may depend on one that was left out; bring those along.
debian_module_closure() {
	mkdir -p "$work/depmod/lib/modules"
	ln -sfn "$1" "$work/depmod/lib/modules/$kernel_release"
	depmod -b "$work/depmod" "$kernel_release"
	(cd "$2" && find kernel -name '*.ko*') >"$work/kept"
	awk -v kept="$work/kept" 'BEGIN { while ((getline line < kept) > 0) have[line] = 1 }
		{ sub(/:$/, "", $1) }
		$1 in have { for (i = 2; i <= NF; i++) if (!($i in have)) { have[$i] = 1; print $i } }
		' "$1/modules.dep" >"$work/also"
	while IFS= read -r path; do
		mkdir -p "$2/$(dirname "$path")"
		cp "$1/$path" "$2/$path"
	done <"$work/also"
}

# Who may come in by ssh: the user's own keys, and one made for this image.
debian_keys() {
	: >"$work/authorized_keys"
	for key in "$HOME"/.ssh/*.pub; do
		[ ! -r "$key" ] || cat "$key" >>"$work/authorized_keys"
	done
	if command -v ssh-keygen >/dev/null 2>&1; then
		[ -f "$work/new/id_ed25519" ] ||
			ssh-keygen -q -t ed25519 -N '' -C "hull $image" -f "$work/new/id_ed25519"
		cat "$work/new/id_ed25519.pub" >>"$work/authorized_keys"
	fi
}

# What the guest's apt is to use: the mirrors and proxies of this machine's apt. An address that
# means this machine itself is another one from inside the guest.
debian_settings() {
	to_guest='sed -E s,//(localhost|127\.0\.0\.1|\[::1\])([:/]|$),//10.0.2.2\2,'
	apt_write_sources "$work/debian.sources" /usr/share/keyrings/debian-archive-keyring.pgp "$to_guest"
	{
		# Translated descriptions are megabytes to fetch and sort at every update.
		echo 'Acquire::Languages "none";'
		apt_host_settings
		for scheme in http https; do
			proxy=$(eval "printf '%s' \"\${${scheme}_proxy-}\"")
			[ -z "$proxy" ] || printf 'Acquire::%s::Proxy "%s";\n' "$scheme" "$proxy"
		done
	} | $to_guest >"$work/apt-settings"
}

debian_describe() {
	cat >"$work/new/vm.json" <<-EOF
	{
	  "memory": "1G",
	  "cpus": 2,
	  "boot": {
	    "kernel": "vmlinux",
	    "initrd": "initrd.img",
	    "append": "console=ttyS0 quiet root=LABEL=hull-root systemd.ssh_auto=no"
	  },
	  "disks": [{ "file": "disk.img", "id": "root" }],
	  "net": [{ "backend": "user", "publish": ["127.0.0.1:2222:22"] }],
	  "balloon": true,
	  "rng": true
	}
	EOF
}
