#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
# OpenSBI as packaged by Debian, in M mode under a kernel in S mode: fw_dynamic and fw_jump, binary
# and ELF, several harts; also with U-Boot as its S-mode payload.
. "$(dirname "$0")/machine.bash"

opensbi=/usr/lib/riscv64-linux-gnu/opensbi/generic
smode=/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin
[ -f $opensbi/fw_dynamic.bin ] || {
    echo 'skip firmware-opensbi: the package opensbi is not there'
    exit 77
}

linux() { # FIRMWARE HARTS CODE COMMAND OPTION...
    guest "linux-$1" --firmware "$opensbi/$1" --cpus "$2" "${@:5}" <<GUEST
same '$1: all harts are there' $2 "\$(nproc)"
same '$1: the SBI is the firmware' '0x1' "\$(dmesg | sed -n 's/.*SBI implementation ID=\([^ ]*\).*/\1/p')"
same '$1: the network' 10.0.2.15/24 "\$(ip -4 -o addr show eth0 | awk '{ print \$4 }')"
sleep 0.5 # what was said is to leave the serial port
$4
GUEST
    equal "$1: $4: exit code" "$3" $?
    check "$1: its banner" grep -aq '^OpenSBI v' "linux-$1"
    relay "$1" "linux-$1" 3
}
linux fw_dynamic.bin 4 5 'exit 5'
linux fw_jump.elf 1 0 'reboot -f' --no-reboot

[ ! -f $smode ] || {
    timeout -k 5 "$BOOT_SECONDS" expect -f - "$HULL" $opensbi/fw_dynamic.bin $smode >talk 2>&1 <<'EXPECT'
lassign $argv hull firmware uboot
set timeout 60
proc wanted {what} {
    expect {
        -re $what { return }
        timeout { puts "\nmissing: $what"; exit 3 }
        eof { puts "\nended before: $what"; exit 4 }
    }
}
spawn -noecho $hull run --firmware $firmware --kernel $uboot --cpus 4
wanted "OpenSBI v"
wanted "Platform HART Count +: 4"
wanted "U-Boot 20"
wanted "stop autoboot"
send "x"
wanted "=> "
send "sbi\r"
wanted "SBI \[0-9.]+"
wanted "OpenSBI"
wanted "\n=> "
send "bootefi hello\r"
wanted "Hello, world!"
wanted "=> "
send "reset\r"
wanted "OpenSBI v"
wanted "stop autoboot"
send "x"
wanted "=> "
send "poweroff\r"
expect {
    eof {}
    timeout { puts "\nno end"; exit 5 }
}
lassign [wait] pid id os code
exit $code
EXPECT
    equal 'U-Boot in S mode, reset, power-off' 0 $?
    [ "$failures" = 0 ] || show talk
}
finish
