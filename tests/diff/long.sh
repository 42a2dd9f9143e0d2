#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The comparison of run.sh with many more seeds.
# full
# timeout: 3600
exec "$(dirname "$0")/run.sh" --full "$@"
