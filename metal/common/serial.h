// SPDX-License-Identifier: Apache-2.0
// What waits for the UART. Its interrupt takes it out; until that is there, and in a panic, it is polled. All of it
// under the console's lock, but serial_flush() and serial_room().
#ifndef METAL_COMMON_SERIAL_H
#define METAL_COMMON_SERIAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define SERIAL_RING 8192u // a power of two

struct serial {
    char ring[SERIAL_RING];
    _Atomic unsigned head, tail; // from here it goes to the UART; here it comes
    bool interrupts;             // there are some
    bool armed;                  // one will come when the UART has room again
    bool stuck;                  // it had none for too long: what finds no room is lost
};

void serial_put(struct serial *serial, const char *bytes, size_t length);
void serial_by_interrupt(struct serial *serial); // from now on
void serial_pump(struct serial *serial);         // the interrupt's
void serial_flush(struct serial *serial);        // waits for the UART
unsigned serial_room(const struct serial *serial);

#endif
