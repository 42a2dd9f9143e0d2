// SPDX-License-Identifier: Apache-2.0
// The table behind fp_clz.
#include "lib/fp/fp_core.h"

const uint8_t fp_leading_zeros[256] = {
    [0] = 8,         [1] = 7,         [2 ... 3] = 6,    [4 ... 7] = 5,     [8 ... 15] = 4,
    [16 ... 31] = 3, [32 ... 63] = 2, [64 ... 127] = 1, [128 ... 255] = 0,
};
