#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The guest programs on the JIT with so little memory for code that it is full all the time, with one vCPU
# and with several: everything is forgotten again and again, while others run it.
# timeout: 600
# engines: jit
set -u
cd "$(dirname "$0")/../.." || exit 2
[ "${HULL_ENGINE-}" = jit ] || { echo 'only the JIT has such a cache' && exit 77; }
export HULL_JIT_CACHE=64
exec tests/guest/run.sh 'smp/*' 'sbi/soak' 'priv/calls' 'priv/chaos' 'priv/points' 'priv/spaces' 'isa/integer'
