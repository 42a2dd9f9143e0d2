#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 200
# machines: hull
# Page colours: a VM that names some has no page of another one; a VM that names none has large pages.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=60

memory() { # VM: what it is made of, by the shell's vm stats
    metal_shell log "vm stats $1" ' memory: .*$' && sleep 0.3 &&
        metal_plain log | grep -a ' memory: .* GiB' | tail -n 1
}
colours() { # the numbers of the colours in such a line
    grep -oE 'of colour [0-9]+' <<<"$1" | grep -oE '[0-9]+' | tr '\n' ' '
}
mem() {
    metal_shell log 'mem' 'the hypervisor' && sleep 0.3 && metal_plain log | grep -a 'the hypervisor  ' | tail -n 1
}

cat >linux.sh <<'GUEST'
same 'Linux has a megabyte in one piece' 0 $(dd if=/dev/zero of=/dev/null bs=1M count=1 2>/dev/null; echo $?)
echo 'linux: is up'
sleep 1000
GUEST
metal_linux linux linux.sh '"cpus": 2, "net": [], "page_colours": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]'
vm() { # NAME KEYS
    echo "{ \"name\": \"$1\", \"cpus\": 1, \"memory\": \"48M\", \"net\": [], $2
        \"boot\": { \"kernel\": \"$guests/tests/metal/wfi.elf\" } }" >"$1.json"
}
vm other '"page_colours": [12, 14],'
vm plain ""
sed 's/"harts": 4,/& "page_colours": 16,/' "$here/metal/board/qemu-virt.json" >coloured.json
sed "s/\"harts\": 4/\"harts\": $METAL_HARTS/" coloured.json >board.json
"$HULL" pack bundle board.json linux.json other.json plain.json || exit 1
metal_start bundle log
check 'Linux on pages of its colours' wait_line log 'linux: is up'
check 'another VM on others' wait_line log 'other.*wfi: done'
metal_type '\x010\x01a'
check 'the shell is there' wait_line log 'hull> '
linux=$(memory linux) other=$(memory other) plain=$(memory plain)
equal 'Linux has the colours that it names' '0 1 2 3 4 5 6 7 8 9 10 11 ' "$(colours "$linux")"
equal 'all its memory, in small pages' '40960 of 4 KiB' "$(grep -oE '[0-9]+ of 4 KiB' <<<"$linux")"
equal 'and no large ones' '0 pages of 1 GiB, 0 of 2 MiB' "$(grep -oE '[0-9]+ pages of 1 GiB, [0-9]+ of 2 MiB' <<<"$linux")"
equal 'the other one has others' '12 14 ' "$(colours "$other")"
equal 'for all its memory' 12288 "$(grep -oE '[0-9]+ of colour' <<<"$other" | awk '{ n += $1 } END { print n }')"
equal 'no colours, large pages' '0 of 4 KiB' "$(grep -oE '[0-9]+ of 4 KiB' <<<"$plain")"
check 'some' grep -qE ' [1-9][0-9]* of 2 MiB' <<<"$plain"
check 'a VM with colours ends' metal_shell log 'vm stop linux' 'linux: stopped'
check 'and gives all back' metal_shell log 'vm list' 'linux +stopped +2 +160 M +0 K'
metal_shell log 'vm stop other' 'other: stopped'
before=$(mem)
metal_type 'vm start other\r'
wait_for 30 eval '[ $(grep -ac "wfi: done" log) -ge 3 ]'
metal_shell log 'vm stop other' 'other: stopped'
equal 'the hypervisor has what it had' "$before" "$(mem)"
metal_stop
[ "$failures" = 0 ] || show log
finish
