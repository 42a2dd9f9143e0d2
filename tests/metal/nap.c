// SPDX-License-Identifier: Apache-2.0
// Tells how often it can sleep for a millisecond within four seconds, which begin after five others.
#include "bench/metal/guest.h"

#define STIE 32
#define SECOND 10000000u // ticks

void guest_main(uint64_t hartid)
{
    uint64_t start = csr_get(time), naps = 0, now = start;

    (void)hartid;
    csr_put(sie, STIE);
    while (now - start < 9 * SECOND) {
        uint64_t due = now + SECOND / 1000;

        sbi(SBI_TIME, 0, due, 0, 0);
        while ((now = csr_get(time)) < due)
            __asm__ volatile("wfi");
        naps += now - start > 5 * SECOND;
    }
    sbi(SBI_TIME, 0, UINT64_MAX, 0, 0);
    put_text("naps: ");
    put_number(naps);
    put_text(".\n");
    for (;;)
        __asm__ volatile("wfi");
}
