#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# Bundles: good ones are made, listed and whole; every fault of every file is said at once with its
# place, and leaves no bundle; damaged ones are refused with a reason.
. "$(dirname "$0")/cli.bash"
board=$source_dir/metal/board/qemu-virt.json

head -c 300000 /dev/urandom >raw
gzip -c raw >Image.gz
head -c 5000 /dev/zero >initrd.img
head -c 65536 /dev/urandom >root.img

# Faults, as "FILE:LINE:COLUMN: FIELD: REASON"; the last hull said exactly these, and made nothing.
faults() { # NAME FAULT...
    local name=$1 fault='' text
    shift
    [ "$code" = 124 ] || fault="exit code $code instead of 124"
    [ "$(wc -l <err)" = $# ] || fault="$(wc -l <err) faults instead of $#"
    for text; do
        grep -qF -e "$text" err || fault="no '$text'"
    done
    [ ! -s out ] || fault='something on out'
    [ ! -e bad.bundle ] || fault='a bundle was made'
    case_end "$name" "$fault"
}

# ---- Good ones ----
cat >web.json <<'JSON'
{
  "cpus": { "count": 2, "weight": 200, "priority": 5 },
  "memory": "256M",
  "boot": { "kernel": "Image.gz", "initrd": "initrd.img", "append": "console=ttyS0" },
  "disks": [{ "file": "root.img", "id": "root" }],
  "net": [{ "backend": "user", "switch": "lan" }],
  "console": { "kind": "file", "path": "console.log", "colour": "green", "first": true },
  "policy": { "on_crash": "restart", "limit": 0 },
  "watchdog": 10,
  "manager": true,
  "shared_memory": [{ "name": "mail", "size": "1M", "peers": ["tick"] }]
}
JSON
cat >tick.json <<'JSON'
{
  "cpus": { "pinned": [3] },
  "memory": { "size": "64M", "address": "0x90000000" },
  "boot": { "kernel": "Image.gz" },
  "autostart": false,
  "shared_memory": [{ "name": "mail", "size": "1M", "peers": ["web"], "readonly": true }],
  "passthrough": [{ "device": "rtc" }, { "device": "virtio0" }],
  "unsafe_dma": true
}
JSON
hull pack good.bundle "$board" web.json tick.json
case_end 'a bundle is made without a word' "$(cat out err)"
hull pack --check good.bundle
expect 'it is whole' 0 out "good.bundle: whole, 2 VMs for board 'qemu-virt'"
hull pack --list good.bundle
for text in "VM 'web': 2 CPUs, 256 MiB" 'switch lan, 52:54:00:' 'shared: weight 200, priority 5' \
    'watchdog  10 s' 'crash: restart' 'as often as need be' 'manager' 'colour green' \
    'shared    mail, 1024 KiB with tick, at 0x60000000, doorbell 12' 'disk:     section 5, 65536' \
    "VM 'tick': 1 CPU, 64 MiB" 'pinned: 3' 'at 0x90000000, unsafe DMA allowed' \
    'not started at boot' 'device    rtc, at 0x50000000, interrupt 13' 'virtio0 (virtio,mmio)'; do
    expect "it lists '$text'" 0 out "$text"
done
equal 'a kernel that both have is there once, decompressed' 2 \
    "$(grep -c 'kernel:   section 3, 300000 bytes' out)"
hull pack again.bundle "$board" web.json tick.json
mkdir elsewhere && cp web.json tick.json Image.gz initrd.img root.img elsewhere
hull pack other.bundle "$board" "$PWD/elsewhere/web.json" elsewhere/tick.json
equal 'wherever they are' '' "$(cmp good.bundle other.bundle 2>&1)"
equal 'the same files give the same bundle' '' "$(cmp good.bundle again.bundle 2>&1)"
hull pack --list --check good.bundle
expect 'both at once' 0 out 'good.bundle: whole'

# ---- A board with AIA ----
cat >aia.json <<'JSON'
{ "cpus": 6, "memory": "64M", "net": [], "boot": { "kernel": "Image.gz" },
  "interrupts": "aia" }
JSON
hull pack aia.bundle "$source_dir/metal/board/qemu-virt-aia.json" aia.json
case_end 'a VM with AIA, and more processors than guest files' "$(cat out err)"
hull pack --list aia.bundle
expect 'the APLIC is listed' 0 out 'aplic     at 0xd000000, 96 sources'
expect 'and the IMSICs' 0 out 'imsic     at 0x28000000, 3 guest files'

# ---- The same files hosted ----
hull check web.json
expect 'hull check describes them' 0 out 'harts     shared: weight 200, priority 5'
hull check tick.json
expect 'and those that are pinned' 0 out 'harts     pinned: 3'
hull dtb --dts tick.json
expect 'RAM is where the file says' 0 out 'memory@90000000'

# ---- Faults: of each file by itself ----
cat >bad1.json <<'JSON'
{
  "cpus": { "count": 0, "weight": 5000 },
  "memory": "1M",
  "boot": { "kernel": "Image.gz", "initrd": "gone.img" },
  "watchdgo": 3,
  "policy": { "on_crash": "reboot" },
  "page_colours": [99]
}
JSON
cat >bad2.json <<'JSON'
{ "boot": { "kernel": 7 }, "shared_memory": [{ "name": "a b", "size": 100, "peers": [] }] }
JSON
cat >badboard.json <<'JSON'
{
  "name": "bad", "harts": [0, 1, 1],
  "memory": [{ "address": "0x80000000", "size": "64M" },
             { "address": "0x83000000", "size": "1G" }],
  "uart": { "compatible": "ns16550a", "address": "0x10000000", "size": "4K", "irq": 200 },
  "devices": [{ "name": "gpu", "compatible": "x,gpu", "address": "0x0c000000", "size": "4K" }]
}
JSON
hull pack bad.bundle badboard.json bad1.json bad2.json
faults 'each file is judged whole' \
    'badboard.json:1:1: plic: is missing' \
    'badboard.json:6:15: devices[0]: the key "dma" is missing' \
    'badboard.json:2:34: harts[2]: is hart 1 again (also [1])' \
    'badboard.json:4:14: memory[1]: overlaps memory[0]' \
    'badboard.json:5:11: uart: has interrupt 200; the PLIC has 1 to 95' \
    "bad1.json:5:3: watchdgo: there is no such key (did you mean 'watchdog'?)" \
    "bad1.json:6:27: policy.on_crash: 'reboot' is not one of stop, restart" \
    'bad1.json:7:20: page_colours[0]: is too large' \
    'bad1.json:2:11: cpus: is 0; it must be 1 to 64' \
    'bad1.json:2:35: cpus.weight: is 5000' \
    'bad1.json:3:13: memory: is 1048576 bytes' \
    'bad1.json:4:45: boot.initrd: gone.img: No such file' \
    'bad2.json:1:23: boot.kernel: must be a string, not a number' \
    'bad2.json:1:56: shared_memory[0].name: may hold letters' \
    'bad2.json:1:71: shared_memory[0].size: is 100 bytes' \
    'bad2.json:1:85: shared_memory[0].peers: are 0'
hull pack bad.bundle none.json web.json
equal 'a board that is not there' 'none.json: No such file or directory' "$(cat err)"
echo '{ "boot": { "kernel": "Image.gz" ' >syntax.json
hull pack bad.bundle "$board" syntax.json
expect 'no JSON' 124 err "syntax.json:2:1: '}' expected near end of file"

# ---- Faults: together ----
cat >small.json <<'JSON'
{
  "name": "small", "harts": 2,
  "memory": [{ "address": "0x80000000", "size": "256M" }],
  "reserved": [{ "name": "firmware", "address": "0x80000000", "size": "4M" }],
  "bundle_address": "0x80000000",
  "uart": { "compatible": "ns16550a", "address": "0x10000000", "size": "4K", "irq": 10 },
  "plic": { "address": "0x0c000000", "size": "6M", "sources": 95 },
  "devices": [{ "name": "net0", "compatible": "x,y", "address": "0x20000000", "size": "4K",
                "irq": 3, "dma": true }]
}
JSON
cat >c.json <<'JSON'
{
  "name": "same",
  "cpus": { "pinned": [1, 7] },
  "memory": { "size": "64M", "address": "0x80000000" },
  "boot": { "kernel": "Image.gz", "firmware": "raw" },
  "net": [{ "backend": "user" }],
  "shared_memory": [{ "name": "mail", "size": "1M", "peers": ["ghost"] }],
  "passthrough": [{ "device": "net0" }]
}
JSON
cat >d.json <<'JSON'
{
  "name": "same",
  "cpus": { "pinned": [1] },
  "memory": "512M",
  "boot": { "kernel": "Image.gz" },
  "passthrough": [{ "device": "net0" }, { "device": "gpu" }],
  "unsafe_dma": true,
  "page_colours": [1]
}
JSON
hull pack bad.bundle small.json c.json d.json
faults 'all are judged together' \
    'small.json:5:21: bundle_address: is 0x80000000: the bundle' \
    'c.json:5:47: boot.firmware: cannot run on bare metal' \
    'c.json:6:11: net[0]: needs a "switch" on bare metal' \
    "c.json:3:27: cpus.pinned[1]: is hart 7, which board 'small' does not have" \
    "c.json:4:41: memory.address: 0x80000000 to 0x83ffffff overlaps 'firmware'" \
    'c.json:4:41: memory.address: 0x80000000 to 0x83ffffff overlaps the bundle' \
    "c.json:8:31: passthrough[0].device: 'net0' reads and writes memory by itself, anybody's" \
    "c.json:7:63: shared_memory[0].peers[0]: there is no VM 'ghost'" \
    "d.json:2:11: name: 'same' is the name of VM 1 as well" \
    "d.json:3:24: cpus.pinned[0]: is hart 1, which 'same' has for itself" \
    "d.json:8:19: page_colours: board 'small' says of no page colours" \
    "d.json:6:31: passthrough[0].device: 'net0' belongs to VM 'same' already" \
    "d.json:6:31: passthrough[0].device: 'net0' reads and writes memory by itself: the VM's memory" \
    "d.json:6:53: passthrough[1].device: board 'small' has no device 'gpu'" \
    "d.json:4:13: memory: is 512 MiB; of the 256 MiB of board 'small'"

hull pack bad.bundle "$board" aia.json
faults 'AIA is refused where the board has none' \
    "aia.json:2:17: interrupts: are \"aia\", and board 'qemu-virt' has no IMSICs: use \"aplic\" or \"plic\", or tell"
cat >both.json <<'JSON'
{ "name": "both", "harts": 4, "memory": [{ "address": "0x80000000", "size": "1G" }],
  "uart": { "compatible": "ns16550a", "address": "0x10000000", "size": "4K", "irq": 10 },
  "plic": { "address": "0x0c000000", "size": "6M", "sources": 95 },
  "aplic": { "address": "0x0d000000", "size": "32K", "sources": 96 },
  "imsic": { "address": "0x28000000", "size": "32K", "guest_files": 3 },
  "devices": [{ "name": "d", "compatible": "x,y", "address": "0x28001000", "size": "4K", "dma": false }] }
JSON
hull pack bad.bundle both.json aia.json
faults 'a board has one controller, its files have room, and no device lies there' \
    'both.json:4:12: aplic: is there besides "plic"' \
    'both.json:5:47: imsic.size: is 0x8000 bytes; 4 harts with 3 guest files each have 0x10000' \
    'both.json:6:15: devices[0]: overlaps imsic'

# ---- Faults: images and disks ----
head -c 14000000 /dev/zero >big
head -c 1000 /dev/zero >odd.img
cat >images.json <<'JSON'
{
  "memory": "16M",
  "boot": { "kernel": "big" },
  "disks": [{ "file": "odd.img", "readonly": true }, { "file": "." }]
}
JSON
hull pack bad.bundle "$board" images.json
faults 'images and disks are looked at' \
    'images.json:3:23: boot.kernel: big: takes 0x80200000 to 0x80f59f80, where the device tree lies' \
    'images.json:4:23: disks[0].file: odd.img: has 1000 bytes; a disk has a multiple of 512' \
    'images.json:4:64: disks[1].file: .: is a folder'
sed 's/"big"/"Image.gz", "initrd": "big"/; /disks/d; s/},$/}/' images.json >initrd.json
hull pack bad.bundle "$board" initrd.json
faults 'an initrd that does not fit' \
    'initrd.json:3:45: boot.initrd: big: 0xd59f80 bytes do not fit between the kernel and the device'
head -c 100000 Image.gz >cut.gz
sed 's/big/cut.gz/; /disks/d; s/},$/}/' images.json >cut.json
hull pack bad.bundle "$board" cut.json
faults 'a kernel that is cut' 'cut.json:3:23: boot.kernel: cut.gz: the compressed data ends too early'

# ---- Damage ----
hull pack --check web.json
expect 'what is none' 124 err 'web.json: the bundle is no bundle: it does not begin with HULLBNDL'
hull pack --list gone.bundle
expect 'one that is not there' 124 err 'gone.bundle: No such file'
head -c 100000 good.bundle >cut.bundle
hull pack --check cut.bundle
expect 'one that is cut' 124 err 'the bundle is cut short: 100000 bytes of'
head -c 20 good.bundle >cut.bundle
hull pack --check cut.bundle
expect 'one of few bytes' 124 err 'has 20 bytes, too few for a bundle'
damage() { # NAME OFFSET REASON
    cp good.bundle damaged.bundle
    printf '\x99' | dd of=damaged.bundle bs=1 seek="$2" conv=notrunc status=none
    hull pack --check damaged.bundle
    expect "$1" 124 err "$3"
}
damage 'a newer one' 8 'was made by a newer Hull: format 153'
damage 'its size' 16 'is cut short: '
damage 'its header' 40 'is damaged: the checksum of its header'
damage 'its table' 100 'is damaged: the checksum of its header'
damage 'the board' 330 'is damaged: the checksum of section 0 (the board'
damage 'an image' 20000 'is damaged: the checksum of section 3 (a file, 300000 bytes'
hull pack --list damaged.bundle
expect 'its contents can be listed all the same' 0 out "VM 'web'"

# ---- The command line ----
hull pack
expect 'nothing' 124 err "'hull pack' needs BUNDLE"
hull pack bad.bundle "$board"
expect 'no VM' 124 err 'a bundle is made of a board and at least one VM'
hull pack --check a b
expect 'two to look at' 124 err '--check takes one bundle'
echo old >kept.bundle
hull pack kept.bundle "$board" syntax.json
equal 'a fault leaves an older bundle alone' old "$(cat kept.bundle)"
hull pack no/where.bundle "$board" web.json tick.json
expect 'a place that is not there' 125 err 'no/where.bundle: No such file or directory'
equal 'nothing is left behind' '' "$(ls ./*.bundle.?????? 2>/dev/null)"
finish
