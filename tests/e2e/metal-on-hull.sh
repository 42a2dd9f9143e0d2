#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# hull-metal on Hull instead of QEMU: nothing but Hull from the emulated machine up.
cd "$(dirname "$0")" || exit 2
export METAL_ON=hull
failed=0
for test in share passthrough hostile linux; do
    TEST_TMP=$(mktemp -d) || exit 2
    export TEST_TMP
    "./metal-$test.sh" | sed -E "s/^((not )?ok) /\1 $test: /"
    [ "${PIPESTATUS[0]}" = 0 ] || failed=1
    rm -rf "$TEST_TMP"
done
exit $failed
