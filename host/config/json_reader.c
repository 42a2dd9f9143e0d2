// SPDX-License-Identifier: Apache-2.0
// Walks jansson's tree along tables of keys. A value that is wrong becomes a fault and leaves the
// default in place, so that one run finds everything that is wrong with the file.
#include "host/config/json_reader.h"

#include <lib/str.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define KEYS_MAX 32

static void fault(struct json_reader *reader, const struct json_step *at, enum json_part part,
                  const char *reason)
{
    struct vm_config *config = reader->config;
    struct json_place place = {0, 0};
    char field[sizeof(((struct config_fault *)0)->field)];
    hull_json_step_print(at, field, sizeof(field));
    if (!hull_json_locate(config->text, config->text_size, at, part, &place))
        place.line = 0;
    hull_config_fault_at(config, place.line ? &place : NULL, field, reason);
}

void hull_json_fault(struct json_reader *reader, const struct json_step *at, const char *reason)
{
    fault(reader, at, JSON_PART_VALUE, reason);
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    default: return "null";
    }
}

void hull_json_fault_type(struct json_reader *reader, const json_t *value,
                          const struct json_step *at, const char *wanted)
{
    struct config_reason why;
    hull_refuse(&why, "must be %s, not %s", wanted, type_name(value));
    hull_json_fault(reader, at, why.text);
}

// The string of `value`, or NULL after a fault.
const char *hull_json_string(struct json_reader *reader, const json_t *value,
                             const struct json_step *at)
{
    const char *text = json_string_value(value);
    if (!text)
        hull_json_fault_type(reader, value, at, "a string");
    return text;
}

const char *hull_json_keep(struct json_reader *reader, const struct json_step *at, const char *kept)
{
    if (!kept)
        hull_json_fault(reader, at, "there is no memory left");
    return kept;
}

void hull_json_text(struct json_reader *reader, const json_t *value, const struct json_step *at,
                    void *into)
{
    const char *text = hull_json_string(reader, value, at);
    if (text)
        *(const char **)into =
            hull_json_keep(reader, at, hull_pool_copy(&reader->config->pool, text, strlen(text)));
}

// A file's name, relative to the JSON file.
void hull_json_file(struct json_reader *reader, const json_t *value, const struct json_step *at,
                    void *into)
{
    struct vm_config *config = reader->config;
    const char *text = hull_json_string(reader, value, at);
    if (!text)
        return;
    if (!*text)
        hull_json_fault(reader, at, "is empty; leave the key out, or name a file");
    else
        *(const char **)into =
            hull_json_keep(reader, at, hull_pool_path(&config->pool, config->folder, text));
}

void hull_json_bool(struct json_reader *reader, const json_t *value, const struct json_step *at,
                    void *into)
{
    if (json_is_boolean(value))
        *(bool *)into = json_is_true(value);
    else
        hull_json_fault_type(reader, value, at, "true or false");
}

// A whole number that isn't negative; 2.0 is one, as in JSON Schema.
bool hull_json_number(struct json_reader *reader, const json_t *value, const struct json_step *at,
                      uint64_t max, uint64_t *number)
{
    double real = json_number_value(value);
    if (json_is_real(value) ? floor(real) != real : !json_is_integer(value))
        hull_json_fault_type(reader, value, at, "a whole number");
    else if (real < 0)
        hull_json_fault(reader, at, "must not be negative");
    else if (real > (double)max)
        hull_json_fault(reader, at, "is too large");
    else {
        *number = json_is_integer(value) ? (uint64_t)json_integer_value(value) : (uint64_t)real;
        return true;
    }
    return false;
}

void hull_json_count(struct json_reader *reader, const json_t *value, const struct json_step *at,
                     void *into)
{
    uint64_t number;
    if (hull_json_number(reader, value, at, INT32_MAX, &number))
        *(unsigned *)into = (unsigned)number;
}

void hull_json_size(struct json_reader *reader, const json_t *value, const struct json_step *at,
                    void *into)
{
    struct config_reason why;
    uint64_t bytes;
    if (json_is_number(value)) {
        if (hull_json_number(reader, value, at, 1ull << 62, &bytes))
            *(uint64_t *)into = bytes;
    } else if (!json_is_string(value)) {
        hull_json_fault_type(reader, value, at, "a size (\"1G\", or a number of bytes)");
    } else if (hull_value_size(json_string_value(value), &bytes, &why)) {
        *(uint64_t *)into = bytes;
    } else {
        hull_json_fault(reader, at, why.text);
    }
}

void hull_json_address(struct json_reader *reader, const json_t *value, const struct json_step *at,
                       void *into)
{
    struct config_reason why;
    uint64_t address;
    if (json_is_number(value)) {
        if (hull_json_number(reader, value, at, 1ull << 62, &address))
            *(uint64_t *)into = address;
    } else if (!json_is_string(value)) {
        hull_json_fault_type(reader, value, at, "an address (\"0x80000000\", or a number)");
    } else if (hull_parse_u64(json_string_value(value), 0, &address)) {
        hull_refuse(&why, "'%.40s' is not an address (as 0x80000000)", json_string_value(value));
        hull_json_fault(reader, at, why.text);
    } else {
        *(uint64_t *)into = address;
    }
}

bool hull_json_word(struct json_reader *reader, const json_t *value, const struct json_step *at,
                    const struct config_word *words, int *number)
{
    struct config_reason why;
    const char *text = hull_json_string(reader, value, at);
    if (!text)
        return false;
    if (hull_value_word(words, text, number, &why))
        return true;
    hull_json_fault(reader, at, why.text);
    return false;
}

void hull_json_nothing(struct json_reader *reader, const json_t *value, const struct json_step *at,
                       void *into)
{
    (void)into;
    (void)hull_json_string(reader, value, at);
}

static void fault_unknown_key(struct json_reader *reader, const struct json_step *at,
                              const struct json_key *keys)
{
    const char *names[KEYS_MAX];
    struct config_reason why;
    char hint[64];
    size_t count = 0;
    for (; keys[count].name && count < KEYS_MAX; count++)
        names[count] = keys[count].name;
    hull_refuse(&why, "there is no such key%s",
                hull_did_you_mean(at->key, names, count, hint, sizeof(hint)));
    fault(reader, at, JSON_PART_KEY, why.text);
}

// False when `value` is no object. `into` is the structure that the keys' offsets belong to.
bool hull_json_object(struct json_reader *reader, const json_t *value, const struct json_step *at,
                      const struct json_key *keys, void *into)
{
    const char *name;
    json_t *member;
    if (!json_is_object(value)) {
        hull_json_fault_type(reader, value, at, "an object");
        return false;
    }
    json_object_foreach((json_t *)value, name, member)
    {
        const struct json_step step = {at, name, 0};
        const struct json_key *key = keys;
        while (key->name && strcmp(key->name, name) != 0)
            key++;
        if (key->name)
            key->read(reader, member, &step, (char *)into + key->offset);
        else
            fault_unknown_key(reader, &step, keys);
    }
    return true;
}

// The number of items to read: all, or as many as there is room for, after a fault.
unsigned hull_json_array(struct json_reader *reader, const json_t *value,
                         const struct json_step *at, unsigned max)
{
    struct config_reason why;
    size_t length = json_array_size(value);
    if (!json_is_array(value))
        hull_json_fault_type(reader, value, at, "an array");
    if (length <= max)
        return (unsigned)length;
    hull_refuse(&why, "has %zu items; there may be %u", length, max);
    hull_json_fault(reader, at, why.text);
    return max;
}

void hull_json_require(struct json_reader *reader, const struct json_step *at, const json_t *object,
                       const char *key)
{
    struct config_reason why;
    if (!json_is_object(object) || json_object_get(object, key))
        return;
    hull_refuse(&why, "the key \"%s\" is missing", key);
    if (at) {
        hull_json_fault(reader, at, why.text);
        return;
    }
    // Of the document itself: the fault is that key's, and not everything's.
    struct json_place place = {1, 1};
    (void)hull_json_locate(reader->config->text, reader->config->text_size, NULL, JSON_PART_VALUE,
                           &place);
    hull_config_fault_at(reader->config, &place, key, "is missing");
}

static void fault_syntax(struct json_reader *reader, const json_error_t *error)
{
    struct json_place place = {error->line > 0 ? (unsigned)error->line : 1,
                               error->column > 0 ? (unsigned)error->column : 1};
    hull_config_fault_at(reader->config, &place, NULL, error->text);
}

void hull_json_document(struct json_reader *reader, const struct json_key *keys, void *into)
{
    struct vm_config *config = reader->config;
    json_error_t error;
    json_t *root = json_loadb(config->text, config->text_size, JSON_REJECT_DUPLICATES, &error);
    if (root)
        hull_json_object(reader, root, NULL, keys, into);
    else
        fault_syntax(reader, &error);
    json_decref(root);
}

unsigned hull_json_keys(const struct json_key *keys, const char *names[], unsigned max)
{
    unsigned count = 0;
    for (; keys->name && count < max; keys++)
        names[count++] = keys->name;
    return count;
}
