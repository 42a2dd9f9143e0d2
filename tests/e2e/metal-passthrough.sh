#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# machines: hull
# A physical device for a VM alone: its registers, its interrupts, also in the VM's next life; and what must not be
# had: a device that reaches memory by itself.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=40

vm() { # PASSTHROUGH
    cat <<END
{ "name": "clock", "memory": "16M", "net": [], "boot": { "kernel": "$guests/tests/metal/rtc.elf" },
  "policy": { "on_poweroff": "restart", "delay": 0, "limit": 1 }, "passthrough": [$1] }
END
}
vm '{ "device": "rtc", "address": "0x50000000", "irq": 20 }' >clock.json
metal_pack bundle clock.json
metal_start bundle log
check 'two lives are over' wait_line log 'clock: was restarted 1 times'
metal_stop
equal 'the clock tells the date' 2 "$(grep -ac '^ok the clock tells the date' log)"
equal 'the clock interrupts' 2 "$(grep -ac '^ok the clock interrupts' log)"
equal 'lives end in its handler' 2 "$(grep -ac '^rtc: ends in its handler' log)"
# QEMU's PLIC looks at wires that move only.
[ "$METAL_ON" != hull ] || equal 'it comes again while it is there' 2 "$(grep -ac '^rtc: comes again' log)"
vm '{ "device": "virtio0" }' >dma.json
check 'no device that reaches memory by itself' eval \
    '! "$HULL" pack bundle2 board.json dma.json 2>err && grep -q unsafe_dma err'
[ "$failures" = 0 ] || show log err
finish
