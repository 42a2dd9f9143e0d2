// SPDX-License-Identifier: Apache-2.0
// Reading JSON documents by tables of keys, whatever they describe: each value into a member of a
// structure, each thing that is wrong into a fault with its place.
#ifndef HOST_CONFIG_JSON_READER_H
#define HOST_CONFIG_JSON_READER_H

#include <jansson.h>

#include "host/config/config.h"

struct json_reader {
    struct vm_config *config; // the text, its faults, and where strings live
    // Halves of an object's value that may come in any order: put together when all has been read.
    const char *console_path;
    bool count_given;
};

// Reads `value` into the member at `into`. `at` is where it stands.
typedef void json_read_value(struct json_reader *reader, const json_t *value,
                             const struct json_step *at, void *into);

struct json_key {
    const char *name;
    json_read_value *read;
    size_t offset; // of the member in the structure that belongs to the object
};

// Adds a fault of the value that stands at `at`; of its type.
void hull_json_fault(struct json_reader *reader, const struct json_step *at, const char *reason);
void hull_json_fault_type(struct json_reader *reader, const json_t *value,
                          const struct json_step *at, const char *wanted);

// Members of these types: const char *, const char * (a file's name, relative to the document's
// folder), bool, unsigned, uint64_t, uint64_t, none.
json_read_value hull_json_text, hull_json_file, hull_json_bool, hull_json_count, hull_json_size,
    hull_json_address, hull_json_nothing;

// The string of `value`, or NULL after a fault.
const char *hull_json_string(struct json_reader *reader, const json_t *value,
                             const struct json_step *at);
// `kept`, after a fault when it is NULL: there was no memory.
const char *hull_json_keep(struct json_reader *reader, const struct json_step *at,
                           const char *kept);
// A whole number that isn't negative. False after a fault, here and below.
bool hull_json_number(struct json_reader *reader, const json_t *value, const struct json_step *at,
                      uint64_t max, uint64_t *number);
bool hull_json_word(struct json_reader *reader, const json_t *value, const struct json_step *at,
                    const struct config_word *words, int *number);
// `into` is the structure that the keys' offsets belong to.
bool hull_json_object(struct json_reader *reader, const json_t *value, const struct json_step *at,
                      const struct json_key *keys, void *into);

// The number of items to read: all, or as many as there is room for, after a fault.
unsigned hull_json_array(struct json_reader *reader, const json_t *value,
                         const struct json_step *at, unsigned max);
// An object must have that key; anything else has been complained about already.
void hull_json_require(struct json_reader *reader, const struct json_step *at, const json_t *object,
                       const char *key);

// The whole of reader->config->text.
void hull_json_document(struct json_reader *reader, const struct json_key *keys, void *into);

// Names of keys, in the order of the manual; their number. For the schemas' test.
unsigned hull_json_keys(const struct json_key *keys, const char *names[], unsigned max);

#endif
