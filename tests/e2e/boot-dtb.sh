#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 60
# hull dtb: dtc accepts the blob and the source, both say the same, and what the options say is in it.
. "$(dirname "$0")/machine.bash"

one() { # NAME OPTION...
    local name=$1
    shift
    check "$name: a blob" "$HULL" dtb "$@" -o "$name.dtb"
    check "$name: source" "$HULL" dtb --dts "$@" -o "$name.dts"
    # Through dtc to a blob again, with everything in the same order: only then they can be compared.
    check "$name: dtc takes the blob" dtc -q -I dtb -O dtb -s -o "$name.1" "$name.dtb"
    check "$name: dtc takes the source" dtc -q -I dts -O dtb -s -o "$name.2" "$name.dts"
    check "$name: both say the same" cmp "$name.1" "$name.2"
    # An interrupt controller per hart has no #address-cells in its binding, and source made from a
    # blob has numbers where dtc would like references.
    {
        dtc -I dtb -O dtb -o /dev/null "$name.dtb" 2>&1
        dtc -I dts -O dtb -o /dev/null "$name.dts" 2>&1
    } | grep -v -e '/cpus/cpu@[0-9]*/interrupt-controller: Missing #address-cells' \
        -e 'interrupts-extended: cell [0-9]* is not a phandle reference' >"$name.warnings"
    equal "$name: no warnings" '' "$(cat "$name.warnings")"
}

property() { # FILE NODE PROPERTY [TYPE]
    fdtget ${4:+-t "$4"} "$1" "$2" "$3"
}

one default
one large --cpus 8 --memory 8G --append 'a "quoted" word' --disk /a --disk /b --net none --no-rng
one firmware --firmware /f --cpus 4 --virtio-console --net user --net tap=t0

equal '8 harts have nodes' 8 "$(fdtget -l large.dtb /cpus | grep -c '^cpu@')"
equal '8 GiB are in the memory node' '0 80000000 2 0' \
    "$(property large.dtb /memory@80000000 reg x)"
equal 'the command line comes through' 'a "quoted" word' "$(property large.dtb /chosen bootargs)"
equal 'the time base' 10000000 "$(property default.dtb /cpus timebase-frequency)"
"$HULL" dtb --no-hypervisor -o plain.dtb
isa() { property "$1" /cpus/cpu@0 riscv,isa; }
check 'a hypervisor can run' grep -q '^rv64imafdc.*h_' <<<"$(isa default.dtb)"
check 'or not' grep -q '^rv64imafdc[^h_]*_' <<<"$(isa plain.dtb)"
equal 'the console' /soc/serial@10000000 "$(property default.dtb /chosen stdout-path | sed 's/:.*//')"
equal 'stdout goes nowhere else' '' "$("$HULL" dtb -o again.dtb)"
check 'the same options, the same blob' cmp default.dtb again.dtb
if cmp -s default.dtb large.dtb; then
    case_fail 'other options, another blob'
else
    case_ok 'other options, another blob'
fi
check 'an unreadable place is an error' sh -c '! "$1" dtb -o /nowhere/x 2>/dev/null' - "$HULL"
finish
