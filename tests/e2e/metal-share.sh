#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# machines: hull
# Shared memory, doorbells, calls to the hypervisor and a watchdog, between two small guests.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=40

region() { # WHO-ELSE READ-ONLY
    cat <<END
"shared_memory": [
  { "name": "both", "size": "64K", "address": "0x60000000", "doorbell": 40, "peers": ["$1"] },
  { "name": "one-way", "size": "4K", "address": "0x60200000", "doorbell": 41, "peers": ["$1"], "readonly": $2 } ]
END
}
boot="\"boot\": { \"kernel\": \"$guests/tests/metal/share.elf\" }, \"memory\": \"16M\", \"net\": []"
echo "{ \"name\": \"a\", \"manager\": true, $boot, $(region b false) }" >a.json
echo "{ \"name\": \"b\", \"watchdog\": 5, \"policy\": { \"delay\": 0 }, $boot, $(region a true) }" >b.json
metal_pack bundle a.json b.json
metal_start bundle log
check 'a is done' wait_line log 'a: done'
check 'b hangs, and is restarted' wait_line log 'b: done'
check 'it was the watchdog' wait_line log 'b: has not fed its watchdog'
sleep 7
check 'a guest that feeds it stays' test "$(grep -ac 'has not fed' log)" = 1
metal_stop
metal_plain log | grep -aoE '(not )?ok .*' >cases
relay 'both' cases 24
[ "$failures" = 0 ] || show log
finish
