// SPDX-License-Identifier: Apache-2.0
// A guest that comes up, touches some memory in every other start's own way, and ends: with its policies,
// hull-metal makes and takes it apart again and again.
#include "bench/metal/guest.h"

#define SECOND_BLOCK 0x80600000ull

void guest_main(uint64_t hartid)
{
    volatile uint64_t *word = (volatile uint64_t *)SECOND_BLOCK;

    (void)hartid;
    if (*word) {
        put_text("not ok memory of a former life\n");
        for (;;)
            ;
    }
    *word = csr_get(time);
    power_off();
}
