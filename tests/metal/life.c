// SPDX-License-Identifier: Apache-2.0
// A guest that comes up, touches some memory, gives some back, and ends: with its policies,
// hull-metal makes and takes it apart again and again.
#include "tests/metal/virtio.h"

#define SECOND_BLOCK 0x80600000ull
#define THIRD_BLOCK 0x80800000ull

static struct ring ring;

void guest_main(uint64_t hartid)
{
    volatile uint64_t *word = (volatile uint64_t *)SECOND_BLOCK;

    uint64_t balloon;

    (void)hartid;
    if (*word) {
        put_text("not ok memory of a former life\n");
        for (;;)
            ;
    }
    *word = csr_get(time);
    balloon = device_begin(VIRTIO_BALLOON, &ring);
    give_back(balloon, &ring, SECOND_BLOCK, 512, false);
    if (*word) // another block
        put_text("not ok memory that had been given back\n");
    give_back(balloon, &ring, THIRD_BLOCK, 512, false);
    *word = csr_get(time);
    power_off();
}
