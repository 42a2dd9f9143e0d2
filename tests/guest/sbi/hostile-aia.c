// SPDX-License-Identifier: Apache-2.0
// The hostile guest on a board with AIA: the APLIC's registers, everybody's interrupt files, and the CSRs
// for them.
// run: cpus=4 disk=1M net=user timeout=120 qemu=no hull=--interrupts hull=aia
#define HOSTILE_AIA 1
#include "hostile.c"
