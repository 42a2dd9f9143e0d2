#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 200
# Every kind of interrupt controller that hull-metal's machine may have: keys are read, and a VM's physical device
# interrupts it again and again, each time once, also in the VM's next life, when the last one ended in its handler.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=40
[ "$METAL_ON" = qemu ] || { echo 'the boards are QEMU'"'"'s'; exit 77; }

cat >clock.json <<END
{ "name": "clock", "memory": "16M", "net": [], "boot": { "kernel": "$guests/tests/metal/rtc.elf" },
  "policy": { "on_poweroff": "restart", "delay": 0, "limit": 1 },
  "passthrough": [{ "device": "rtc", "address": "0x50000000", "irq": 20 }] }
END
metal_pack bundle clock.json

machine() { # QEMU-BOARD NAME COMES-AGAIN
    METAL_BOARD=$1
    metal_start bundle log
    check "$2: two lives are over" wait_line log 'clock: was restarted 1 times'
    equal "$2: the clock interrupts" 2 "$(grep -ac '^ok the clock interrupts' log)"
    equal "$2: it comes again while it is there" "$3" "$(grep -ac '^rtc: comes again' log)"
    equal "$2: lives end in its handler" 2 "$(grep -ac '^rtc: ends in its handler' log)"
    check "$2: it is the one that is there" grep -aq "harts, .*, $2.\$" log
    metal_type '\x010'
    check "$2: keys are read" wait_line log 'hull> '
    metal_stop
    [ "$failures" = 0 ] || show log
}
# QEMU's PLIC looks at wires that move only.
machine virt PLIC 0
machine virt,aia=aplic APLIC 2
machine virt,aia=aplic-imsic 'APLIC and IMSIC' 2
finish
