#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# The console on a terminal: escape keys, the monitor, window size, and a terminal that is as before
# after every way out. The conversation is in console.exp.
set -u
cd "$(dirname "$0")" || exit 2
command -v expect >/dev/null || { echo 'skip console: no expect' && exit 77; }
image=${HULL_IMAGE:-$HULL_CACHE/images/mini}
exec expect -f console.exp "$HULL" "$image" "$TEST_TMP"
