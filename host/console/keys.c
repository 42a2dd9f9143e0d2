// SPDX-License-Identifier: Apache-2.0
// The escape keys of the console.
#include "host/console/keys.h"

const char hull_keys_help[] = "\n"
                              "Ctrl-A x       stop the virtual machine and quit\n"
                              "Ctrl-A c       open the monitor, and close it again\n"
                              "Ctrl-A h       this help\n"
                              "Ctrl-A Ctrl-A  send Ctrl-A to the guest (also Ctrl-A a)\n";

enum keys_action hull_keys_feed(struct keys *keys, uint8_t in, uint8_t *out)
{
    *out = in;
    if (!keys->escaped) {
        keys->escaped = in == KEYS_ESCAPE;
        return keys->escaped ? KEYS_NONE : KEYS_BYTE;
    }
    keys->escaped = false;
    switch (in) {
    case KEYS_ESCAPE:
    case 'a':
    case 'A': *out = KEYS_ESCAPE; return KEYS_BYTE;
    case 'x':
    case 'X': return KEYS_QUIT;
    case 'c':
    case 'C': return KEYS_MONITOR;
    case 'h':
    case 'H':
    case '?': return KEYS_HELP;
    default: return KEYS_NONE;
    }
}
