#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# engines: interp
# The demo's periodic task, here on the hosted machine: it comes up, keeps its period, says its worst
# latency as often as it is told, and powers off. How late it is nobody judges here.
. "$(dirname "$0")/machine.bash"
tick=${HULL_BUILD:-$here/build}/demo/tick.elf

tick() { # COMMAND-LINE: output in the file out
    timeout -s KILL 60 "$HULL" run --kernel "$tick" --memory 16M --net none --no-rng --no-balloon \
        --append "$1" </dev/null >out 2>err
    code=$?
}

tick 'reports=3 report=200'
equal 'it ends by itself' 0 "$code"
equal 'it says what it does' 'tick: a period of 10000 ticks of 10000000 Hz, timer by Sstc' \
    "$(head -n 1 out | tr -d '\r')"
equal 'three reports of 200 periods' '200 400 600' \
    "$(sed -n 's/^tick: \([0-9]*\) periods, .* worst latency [0-9]*[.][0-9] us, .*/\1/p' out | xargs)"
tick 'quiet period_us=5000 reports=1 report=20 other=1'
equal 'another period' 'tick: a period of 50000 ticks' "$(head -n 1 out | grep -o '.*ticks o' | sed 's/ o$//')"
equal 'its report' 20 "$(sed -n 's/^tick: \([0-9]*\) periods, .*/\1/p' out)"

# The demo's files go together: a bundle is made of them and the image.
check 'the bundle of the demo' env HULL="$HULL" HULL_BUILD="${HULL_BUILD:-$here/build}" \
    "$here/metal/demo/make-bundle" "$PWD/demo.bundle"
equal 'is whole' "$PWD/demo.bundle: whole, 3 VMs for board 'qemu-virt'" \
    "$("$HULL" pack --check "$PWD/demo.bundle" 2>&1)"
finish
