// SPDX-License-Identifier: Apache-2.0
// A guest with AIA to which nobody has any message to send, next to one that tries.
#include "bench/metal/aia.h"

void guest_main(uint64_t hartid)
{
    uint32_t identity;

    (void)hartid;
    file_put(EITHRESHOLD, 0);
    for (unsigned word = 0; word < 8; word += 2)
        file_put(EIE0 + word, UINT64_MAX);
    file_put(EIDELIVERY, 1);
    put_text("quiet: ready\n");
    for (;;)
        if ((identity = file_claim())) {
            put_text("not ok a message of somebody else's: ");
            put_number(identity);
            put_text("\n");
        }
}
