// SPDX-License-Identifier: Apache-2.0
// Where in a JSON text a value stands. jansson tells the place of syntax errors only, so a fault in
// a value is looked up in the text again: no index is kept, and nothing is paid without a fault.
#ifndef HOST_CONFIG_JSON_PLACE_H
#define HOST_CONFIG_JSON_PLACE_H

#include <stdbool.h>
#include <stddef.h>

// One step down from the root; the root itself is NULL. Steps live on the stack of who walks.
struct json_step {
    const struct json_step *up;
    const char *key; // UTF-8; NULL: an array's item
    size_t index;
};

struct json_place {
    unsigned line, column; // from 1; columns count characters, not bytes
};

enum json_part { JSON_PART_VALUE, JSON_PART_KEY };

// False when the text has no such value. Any text is taken, also one that isn't JSON.
bool hull_json_locate(const char *text, size_t size, const struct json_step *step,
                      enum json_part part, struct json_place *place);

// "net[0].publish[1]" into buf, cut to fit; empty for the root.
void hull_json_step_print(const struct json_step *step, char *buf, size_t size);

#endif
