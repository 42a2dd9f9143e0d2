// SPDX-License-Identifier: Apache-2.0
// Says more than any terminal shows: numbered lines, by its UART.
#include "bench/metal/guest.h"

#define UART 0x10000000ull
#define LINES 3000

static void say(const char *text)
{
    for (; *text; text++) {
        while (!(*(volatile uint8_t *)(UART + 5) & 0x20))
            ;
        *(volatile char *)UART = *text;
    }
}

void guest_main(uint64_t hartid)
{
    char line[] = "loud: line 0000 of many, to fill whatever there is between here and the eye\n";

    (void)hartid;
    for (unsigned i = 0; i < LINES; i++) {
        for (unsigned n = i, at = 14; at > 10; n /= 10)
            line[at--] = (char)('0' + n % 10);
        say(line);
    }
    say("loud: done\n");
    power_off();
}
