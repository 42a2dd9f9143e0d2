// SPDX-License-Identifier: Apache-2.0
// One token alone, and for long: where a wake-up is lost, no other message makes up for it.
#define TOKENS 1
#define ROUNDS 10000
#include "tests/metal/aia.c"
