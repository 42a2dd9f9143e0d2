// SPDX-License-Identifier: Apache-2.0
// The escape keys of the console: Ctrl-A and a letter.
#ifndef HOST_CONSOLE_KEYS_H
#define HOST_CONSOLE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#define KEYS_ESCAPE 0x01 // Ctrl-A

enum keys_action {
    KEYS_NONE, // swallowed
    KEYS_BYTE, // for the guest (or the monitor)
    KEYS_QUIT,
    KEYS_MONITOR,
    KEYS_HELP,
};

struct keys {
    bool escaped; // the last byte was Ctrl-A
};

// What `in` means; for KEYS_BYTE *out is the byte to pass on.
enum keys_action hull_keys_feed(struct keys *keys, uint8_t in, uint8_t *out);

extern const char hull_keys_help[];

#endif
