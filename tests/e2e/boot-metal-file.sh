#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
# engines: interp
# A VM's file that is meant for bare metal runs hosted as well: its memory is where it says, a switch is a
# network with nobody else on it, and the rest changes nothing.
. "$(dirname "$0")/machine.bash"

cat >script <<'GUEST'
same 'memory is at its address' '140000000-15fffffff' \
	"$(sed -n 's/ : System RAM$//p' /proc/iomem | head -n 1)"
same 'a CPU for each pinned hart' 2 "$(nproc)"
same 'a port of a switch' 52:54:00:aa:bb:cc "$(cat /sys/class/net/eth0/address)"
ip link set eth0 up && ip addr add 192.0.2.1/24 dev eth0
try 'what is sent there gets no answer' sh -c '! ping -c 1 -W 1 192.0.2.2 >/dev/null'
try 'but is sent' test "$(cat /sys/class/net/eth0/statistics/tx_packets)" -gt 0
same 'nothing is received' 0 "$(cat /sys/class/net/eth0/statistics/rx_packets)"
GUEST
guest_initrd own script
cat >vm.json <<JSON
{
  "name": "metal",
  "cpus": { "pinned": [3, 1] },
  "memory": { "size": "512M", "address": "0x140000000" },
  "boot": {
    "kernel": "$mini/vmlinux", "initrd": "own.img",
    "append": "console=ttyS0 quiet hull.exec=\"sh /t\""
  },
  "net": [{ "backend": "switch", "switch": "lan", "mac": "52:54:00:aa:bb:cc" }],
  "console": { "kind": "stdio", "colour": "red", "log": "64K", "first": true },
  "policy": { "on_poweroff": "restart" },
  "watchdog": 1,
  "manager": true,
  "autostart": false,
  "shared_memory": [{ "name": "mail", "size": "1M", "peers": ["other"] }],
  "passthrough": [{ "device": "rtc" }]
}
JSON
sed -i 's/hull.exec="sh \/t""/hull.exec=\\"sh \/t\\""/' vm.json
timeout -s KILL "$BOOT_SECONDS" "$HULL" run vm.json --quiet >metal 2>metal.err </dev/null
equal 'it runs, and ends when the guest does' 0 $?
relay 'the guest' metal 6
finish
