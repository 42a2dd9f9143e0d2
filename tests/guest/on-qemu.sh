#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The guest programs on QEMU's virt machine: an independent opinion about the programs themselves.
# full
# timeout: 900
command -v qemu-system-riscv64 >/dev/null || { echo 'no qemu-system-riscv64' && exit 77; }
GUEST_MACHINE=qemu exec "$(dirname "$0")/run.sh" "$@"
