// SPDX-License-Identifier: Apache-2.0
// Walks jansson's tree along tables of keys. A value that is wrong becomes a fault and leaves the
// default in place, so that one run finds everything that is wrong with the file.
#include "host/config/json_spec.h"

#include <jansson.h>
#include <lib/str.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 16

struct reader {
    struct vm_config *config;
    // The console's two halves may come in any order: put together when its object has been read.
    const char *console_path;
};

// Reads `value` into the member of the spec at `into`. `at` is where it stands.
typedef void read_value(struct reader *reader, const json_t *value, const struct json_step *at,
                        void *into);

struct json_key {
    const char *name;
    read_value *read;
    size_t offset; // of the member in the structure that belongs to the object
};

static void fault(struct reader *reader, const struct json_step *at, enum json_part part,
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

static void fault_value(struct reader *reader, const struct json_step *at, const char *reason)
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

static void fault_type(struct reader *reader, const json_t *value, const struct json_step *at,
                       const char *wanted)
{
    struct config_reason why;
    hull_refuse(&why, "must be %s, not %s", wanted, type_name(value));
    fault_value(reader, at, why.text);
}

// The string of `value`, or NULL after a fault.
static const char *string_of(struct reader *reader, const json_t *value, const struct json_step *at)
{
    const char *text = json_string_value(value);
    if (!text)
        fault_type(reader, value, at, "a string");
    return text;
}

static const char *keep(struct reader *reader, const struct json_step *at, const char *kept)
{
    if (!kept)
        fault_value(reader, at, "there is no memory left");
    return kept;
}

static void read_text(struct reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    const char *text = string_of(reader, value, at);
    if (text)
        *(const char **)into =
            keep(reader, at, hull_pool_copy(&reader->config->pool, text, strlen(text)));
}

// A file's name, relative to the JSON file.
static void read_file(struct reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    struct vm_config *config = reader->config;
    const char *text = string_of(reader, value, at);
    if (!text)
        return;
    if (!*text)
        fault_value(reader, at, "is empty; leave the key out, or name a file");
    else
        *(const char **)into =
            keep(reader, at, hull_pool_path(&config->pool, config->folder, text));
}

static void read_bool(struct reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    if (json_is_boolean(value))
        *(bool *)into = json_is_true(value);
    else
        fault_type(reader, value, at, "true or false");
}

// A whole number that isn't negative; 2.0 is one, as in JSON Schema.
static bool number_of(struct reader *reader, const json_t *value, const struct json_step *at,
                      uint64_t max, uint64_t *number)
{
    double real = json_number_value(value);
    if (json_is_real(value) ? floor(real) != real : !json_is_integer(value))
        fault_type(reader, value, at, "a whole number");
    else if (real < 0)
        fault_value(reader, at, "must not be negative");
    else if (real > (double)max)
        fault_value(reader, at, "is too large");
    else {
        *number = json_is_integer(value) ? (uint64_t)json_integer_value(value) : (uint64_t)real;
        return true;
    }
    return false;
}

static void read_count(struct reader *reader, const json_t *value, const struct json_step *at,
                       void *into)
{
    uint64_t number;
    if (number_of(reader, value, at, INT32_MAX, &number))
        *(unsigned *)into = (unsigned)number;
}

static void read_size(struct reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    struct config_reason why;
    uint64_t bytes;
    if (json_is_number(value)) {
        if (number_of(reader, value, at, 1ull << 62, &bytes))
            *(uint64_t *)into = bytes;
    } else if (!json_is_string(value)) {
        fault_type(reader, value, at, "a size (\"1G\", or a number of bytes)");
    } else if (hull_value_size(json_string_value(value), &bytes, &why)) {
        *(uint64_t *)into = bytes;
    } else {
        fault_value(reader, at, why.text);
    }
}

static bool word_of(struct reader *reader, const json_t *value, const struct json_step *at,
                    const struct config_word *words, int *number)
{
    struct config_reason why;
    const char *text = string_of(reader, value, at);
    if (!text)
        return false;
    if (hull_value_word(words, text, number, &why))
        return true;
    fault_value(reader, at, why.text);
    return false;
}

static void read_engine(struct reader *reader, const json_t *value, const struct json_step *at,
                        void *into)
{
    int number;
    if (word_of(reader, value, at, hull_engine_words, &number))
        *(enum engine_wish *)into = (enum engine_wish)number;
}

static void read_backend(struct reader *reader, const json_t *value, const struct json_step *at,
                         void *into)
{
    int number;
    if (word_of(reader, value, at, hull_net_words, &number))
        *(enum net_kind *)into = (enum net_kind)number;
}

static void read_mac(struct reader *reader, const json_t *value, const struct json_step *at,
                     void *into)
{
    struct config_reason why;
    const char *text = string_of(reader, value, at);
    if (text && !hull_value_mac(text, into, &why))
        fault_value(reader, at, why.text);
}

static void read_nothing(struct reader *reader, const json_t *value, const struct json_step *at,
                         void *into)
{
    (void)into;
    (void)string_of(reader, value, at);
}

static void fault_unknown_key(struct reader *reader, const struct json_step *at,
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
static bool read_object(struct reader *reader, const json_t *value, const struct json_step *at,
                        const struct json_key *keys, void *into)
{
    const char *name;
    json_t *member;
    if (!json_is_object(value)) {
        fault_type(reader, value, at, "an object");
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
static unsigned array_length(struct reader *reader, const json_t *value, const struct json_step *at,
                             unsigned max)
{
    struct config_reason why;
    size_t length = json_array_size(value);
    if (!json_is_array(value))
        fault_type(reader, value, at, "an array");
    if (length <= max)
        return (unsigned)length;
    hull_refuse(&why, "has %zu items; there may be %u", length, max);
    fault_value(reader, at, why.text);
    return max;
}

static void require(struct reader *reader, const struct json_step *at, const json_t *object,
                    const char *key)
{
    struct config_reason why;
    if (!json_is_object(object) || json_object_get(object, key))
        return;
    hull_refuse(&why, "the key \"%s\" is missing", key);
    fault_value(reader, at, why.text);
}

static const struct json_key boot_keys[] = {
    {"kernel", read_file, offsetof(struct boot_spec, kernel)},
    {"initrd", read_file, offsetof(struct boot_spec, initrd)},
    {"append", read_text, offsetof(struct boot_spec, append)},
    {"firmware", read_file, offsetof(struct boot_spec, firmware)},
    {NULL, NULL, 0},
};

static void read_boot(struct reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    read_object(reader, value, at, boot_keys, into);
}

static const struct json_key disk_keys[] = {
    {"file", read_file, offsetof(struct disk_spec, file)},
    {"id", read_text, offsetof(struct disk_spec, id)},
    {"readonly", read_bool, offsetof(struct disk_spec, read_only)},
    {NULL, NULL, 0},
};

static void read_disks(struct reader *reader, const json_t *value, const struct json_step *at,
                       void *into)
{
    struct vm_spec *spec = into;
    unsigned count = array_length(reader, value, at, HULL_SPEC_DISKS_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        const json_t *item = json_array_get(value, i);
        spec->disks[i] = (struct disk_spec){0};
        read_object(reader, item, &step, disk_keys, &spec->disks[i]);
        require(reader, &step, item, "file");
    }
    spec->disk_count = count;
}

static void read_publish(struct reader *reader, const json_t *value, const struct json_step *at,
                         void *into)
{
    struct net_spec *net = into;
    struct config_reason why;
    unsigned count = array_length(reader, value, at, HULL_SPEC_PUBLISH_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        const char *text = string_of(reader, json_array_get(value, i), &step);
        if (text && !hull_value_publish(text, &reader->config->pool, &net->publish[i], &why))
            fault_value(reader, &step, why.text);
    }
    net->publish_count = count;
}

static const struct json_key net_keys[] = {
    {"backend", read_backend, offsetof(struct net_spec, kind)},
    {"tap", read_text, offsetof(struct net_spec, tap)},
    {"mac", read_mac, offsetof(struct net_spec, mac)},
    {"publish", read_publish, 0},
    {NULL, NULL, 0},
};

static void read_nets(struct reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    struct vm_spec *spec = into;
    unsigned count = array_length(reader, value, at, HULL_SPEC_NETS_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        const json_t *item = json_array_get(value, i);
        spec->nets[i] = (struct net_spec){.kind = NET_USER};
        read_object(reader, item, &step, net_keys, &spec->nets[i]);
        require(reader, &step, item, "backend");
    }
    spec->net_count = count;
}

static void read_console_kind(struct reader *reader, const json_t *value,
                              const struct json_step *at, void *into)
{
    struct vm_spec *spec = into;
    int number;
    if (word_of(reader, value, at, hull_console_words, &number))
        spec->console = (enum console_kind)number;
}

static void read_console_path(struct reader *reader, const json_t *value,
                              const struct json_step *at, void *into)
{
    (void)into;
    read_file(reader, value, at, &reader->console_path);
}

static const struct json_key console_keys[] = {
    {"kind", read_console_kind, 0},
    {"path", read_console_path, 0},
    {NULL, NULL, 0},
};

static void read_console_object(struct reader *reader, const json_t *value,
                                const struct json_step *at, struct vm_spec *spec)
{
    unsigned faults = reader->config->fault_count;
    reader->console_path = NULL;
    read_object(reader, value, at, console_keys, spec);
    require(reader, at, value, "kind");
    if (reader->config->fault_count != faults)
        return;
    bool wants_path = hull_console_has_path(spec->console);
    if (wants_path && !reader->console_path)
        fault_value(reader, at, "this kind needs the key \"path\"");
    else if (!wants_path && reader->console_path)
        fault_value(reader, at, "this kind takes no \"path\"");
    spec->console_path = reader->console_path;
}

// An object, or a string as on the command line.
static void read_console(struct reader *reader, const json_t *value, const struct json_step *at,
                         void *into)
{
    struct vm_config *config = reader->config;
    struct vm_spec *spec = into;
    struct config_reason why;
    if (json_is_object(value)) {
        read_console_object(reader, value, at, spec);
    } else if (!json_is_string(value)) {
        fault_type(reader, value, at, "a string or an object");
    } else if (!hull_value_console(json_string_value(value), &config->pool, &spec->console,
                                   &spec->console_path, &why)) {
        fault_value(reader, at, why.text);
    } else if (spec->console_path) {
        spec->console_path =
            keep(reader, at, hull_pool_path(&config->pool, config->folder, spec->console_path));
    }
}

static const struct json_key vm_keys[] = {
    {"$schema", read_nothing, 0},
    {"name", read_text, offsetof(struct vm_spec, name)},
    {"cpus", read_count, offsetof(struct vm_spec, cpus)},
    {"memory", read_size, offsetof(struct vm_spec, memory)},
    {"engine", read_engine, offsetof(struct vm_spec, engine)},
    {"boot", read_boot, offsetof(struct vm_spec, boot)},
    {"disks", read_disks, 0},
    {"net", read_nets, 0},
    {"console", read_console, 0},
    {"virtio_console", read_bool, offsetof(struct vm_spec, virtio_console)},
    {"rng", read_bool, offsetof(struct vm_spec, rng)},
    {"balloon", read_bool, offsetof(struct vm_spec, balloon)},
    {NULL, NULL, 0},
};

static void fault_syntax(struct reader *reader, const json_error_t *error)
{
    struct json_place place = {error->line > 0 ? (unsigned)error->line : 1,
                               error->column > 0 ? (unsigned)error->column : 1};
    hull_config_fault_at(reader->config, &place, NULL, error->text);
}

void hull_json_spec_read(struct vm_config *config)
{
    struct reader reader = {.config = config};
    json_error_t error;
    json_t *root = json_loadb(config->text, config->text_size, JSON_REJECT_DUPLICATES, &error);
    if (root)
        read_object(&reader, root, NULL, vm_keys, &config->spec);
    else
        fault_syntax(&reader, &error);
    json_decref(root);
}

unsigned hull_json_spec_keys(enum json_object_kind kind, const char *names[], unsigned max)
{
    static const struct json_key *const objects[] = {
        [JSON_OBJECT_VM] = vm_keys,           [JSON_OBJECT_BOOT] = boot_keys,
        [JSON_OBJECT_DISK] = disk_keys,       [JSON_OBJECT_NET] = net_keys,
        [JSON_OBJECT_CONSOLE] = console_keys,
    };
    unsigned count = 0;
    for (const struct json_key *key = objects[kind]; key->name && count < max; key++)
        names[count++] = key->name;
    return count;
}
