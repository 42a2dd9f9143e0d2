// SPDX-License-Identifier: Apache-2.0
// Sleeps again and again until its timer comes, and says so.
#include "bench/metal/guest.h"

#define STIE 32

void guest_main(uint64_t hartid)
{
    (void)hartid;
    csr_put(sie, STIE);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t end = csr_get(time) + 1000;

        sbi(SBI_TIME, 0, end, 0, 0);
        do
            __asm__ volatile("wfi");
        while (csr_get(time) < end);
    }
    sbi(SBI_TIME, 0, UINT64_MAX, 0, 0);
    put_text("wfi: done\n");
    for (;;)
        __asm__ volatile("wfi");
}
