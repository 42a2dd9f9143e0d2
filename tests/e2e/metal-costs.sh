#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 260
# What exits to hull-metal cost stays below its limits, counted in instructions by QEMU's -icount, so that the
# figures do not depend on the machine that the test runs on. bench/metal/costs.sh is what counts.
# shellcheck disable=SC1091,SC2154 # metal.bash's variables
. "$(dirname "$0")/metal.bash"
[ -f "$guests/bench/metal/costs.elf" ] || { echo 'make metal-guests has not run'; exit 77; }

count() { # LOG OPTION: in the environment, as HARTS=1
    env COSTS_BUILT=yes HULL="$HULL" BUILD="$guests" HARTS=1 "${@:3}" "$here/bench/metal/costs.sh" "$2" >"$1" 2>"$1.err"
}
figure() { sed -n "s/^$2.*: \([0-9]*\) instructions$/\1/p" "$1" | head -n 1; }

count two hull HARTS=2
count one hull
count late hull SSTC=false
count files hull HARTS=2 FILES=3
count memory-file hull FILES=0
count bare bare
count bare-late bare SSTC=false
count start start
# Each limit is a little above what was measured last: who makes a way longer has to say so here. What may be at most is in
# docs/benchmarks.md.
between 'a call' 1 "$(figure two 'null hypercall')" 150
between 'a register of a device' 1 "$(figure two 'device register')" 350
between 'an IPI, for its sender' 1 "$(figure two IPI)" 260
between 'an IPI to a vCPU that sleeps, for its sender' 300 "$(figure two 'to one that sleeps')" 760
between 'a message to a guest interrupt file: the store' 1 "$(figure files message)" 4
between 'a message to a file in memory' 100 "$(figure memory-file message)" 800
fault=$(($(figure two 'memory never touched, 2 MiB') - $(figure two 'to zero 2 MiB')))
between 'a page of stage 2, without its zeroing' 1 "$fault" 650
# Its handler starts after as many instructions as on the bare machine, give or take where the clock stood.
between 'a timer interrupt with Sstc' 0 $(($(figure one timer) + 20 - $(figure bare timer))) 40
between 'a timer interrupt without' 1 $(($(figure late timer) - $(figure bare-late timer))) 280
# 0.05 %; a tick of the clock is 100 instructions.
between 'a guest that computes' 0 $(($(figure one loop) + 100 - $(figure bare loop))) 25000
between 'the start' 1 "$(figure start start)" 1300000
between 'the image' 1 "$(size "$metal" | awk 'NR == 2 { print $1 + $2 }')" $((192 * 1024))
count memory memory
between 'memory for three VMs, in KiB' 1 "$(sed -n 's/.*hypervisor *\([0-9]*\) KiB.*/\1/p' memory)" 512
[ "$failures" = 0 ] || show two one late bare bare-late start memory memory.err
finish
