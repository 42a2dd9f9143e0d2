#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
# U-Boot as packaged by Debian, in M mode: to its prompt, UEFI, disks and the network; it loads a
# kernel from a disk and boots it.
. "$(dirname "$0")/machine.bash"

uboot=/usr/lib/u-boot/qemu-riscv64
[ -f $uboot/u-boot.bin ] || {
    echo 'skip firmware-uboot: the package u-boot-qemu is not there'
    exit 77
}
truncate -s 16M disk.img
mke2fs -q -t ext4 disk.img
seq 100000 >numbers
debugfs -w -R 'write numbers numbers' disk.img 2>/dev/null
crc=$(perl -e '
    my $crc = 0xffffffff;
    local $/; open my $file, "<", "numbers"; my $text = <$file>;
    my @table = map { my $c = $_; $c = $c & 1 ? 0xedb88320 ^ ($c >> 1) : $c >> 1 for 1 .. 8; $c } 0 .. 255;
    $crc = $table[($crc ^ $_) & 255] ^ ($crc >> 8) for unpack "C*", $text;
    printf "%08x", $crc ^ 0xffffffff')
mkdir tftp

cat >talk.exp <<'EXPECT'
lassign $argv hull firmware crc
set timeout 60
proc wanted {what} {
    expect {
        -re $what { return }
        timeout { puts "\nmissing: $what"; exit 3 }
        eof { puts "\nended before: $what"; exit 4 }
    }
}
proc ask {command answer} {
    send "$command\r"
    wanted $answer
    wanted "\n=> "
}
spawn -noecho $hull run --firmware $firmware --disk disk.img --cpus 2 --memory 1G
wanted "U-Boot 20"
wanted "DRAM: +1 GiB"
wanted "stop autoboot"
send "x"
wanted "=> "
ask "version" "U-Boot 20\[^\n]*\r\n.*gcc"
ask "bdinfo" "size += 0x0000000040000000"
ask "echo \$cpu" "\r\n"
ask "virtio info" "Capacity: 16.0 MB"
ask "load virtio 0 0x84000000 /numbers" "588895 bytes read"
ask "crc32 0x84000000 \$filesize" "==> $crc"
ask "mw.b 0x85000000 5a 200; virtio write 0x85000000 7ff0 1; mw.b 0x85000000 0 200; virtio read 0x85000000 7ff0 1" "blocks read: OK"
ask "md.b 0x850001f0 10" "5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a"
ask "setenv autoload no; dhcp" "bound to address 10.0.2.15"
ask "ping 10.0.2.2" "is alive"
ask "bootefi hello" "Hello, world!"
# With the finisher: U-Boot knows the power-off of the tree.
send "poweroff\r"
expect {
    eof {}
    timeout { puts "\nno end"; exit 5 }
}
lassign [wait] pid id os code
exit $code
EXPECT

for firmware in u-boot.bin uboot.elf; do
    timeout -k 5 "$BOOT_SECONDS" expect talk.exp "$HULL" $uboot/$firmware "$crc" >talk 2>&1
    equal "$firmware: prompt, disk, network, UEFI" 0 $?
    [ "$failures" = 0 ] || show talk
done
equal 'what it wrote is in the file' 5a5a5a5a5a5a5a5a \
    "$(dd if=disk.img bs=512 skip=$((0x7ff0)) count=1 2>/dev/null | od -A n -t x1 -N 8 | tr -d ' ')"
finish
