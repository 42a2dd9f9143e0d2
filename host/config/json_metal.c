// SPDX-License-Identifier: Apache-2.0
// See json_metal.h. What the values may be is the validator's affair (core/spec_metal.c).
#include "host/config/json_metal.h"

#include <string.h>

static void read_cpu_count(struct json_reader *reader, const json_t *value,
                           const struct json_step *at, void *into)
{
    struct vm_spec *spec = into;
    reader->count_given = true;
    hull_json_count(reader, value, at, &spec->cpus);
}

static void read_pinned(struct json_reader *reader, const json_t *value, const struct json_step *at,
                        void *into)
{
    struct vm_spec *spec = into;
    struct metal_spec *metal = &spec->metal;
    unsigned count = hull_json_array(reader, value, at, HULL_CPUS_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        hull_json_count(reader, json_array_get(value, i), &step, &metal->harts[i]);
    }
    metal->pinned = true;
    metal->hart_count = count;
}

const struct json_key hull_json_cpus_keys[] = {
    {"count", read_cpu_count, 0},
    {"weight", hull_json_count, offsetof(struct vm_spec, metal.weight)},
    {"priority", hull_json_count, offsetof(struct vm_spec, metal.priority)},
    {"pinned", read_pinned, 0},
    {NULL, NULL, 0},
};

// A number, or an object.
void hull_json_cpus(struct json_reader *reader, const json_t *value, const struct json_step *at,
                    void *into)
{
    struct vm_spec *spec = into;
    if (json_is_number(value)) {
        hull_json_count(reader, value, at, &spec->cpus);
        return;
    }
    if (!json_is_object(value)) {
        hull_json_fault_type(reader, value, at, "a whole number or an object");
        return;
    }
    reader->count_given = false;
    hull_json_object(reader, value, at, hull_json_cpus_keys, spec);
    if (!spec->metal.pinned)
        return;
    if (json_object_get(value, "weight") || json_object_get(value, "priority"))
        hull_json_fault(reader, at,
                        "\"weight\" and \"priority\" are for harts that are shared; "
                        "\"pinned\" ones are the VM's alone");
    if (!reader->count_given)
        spec->cpus = spec->metal.hart_count;
    else if (spec->cpus != spec->metal.hart_count)
        hull_json_fault(reader, at, "\"count\" is not the number of \"pinned\" harts");
}

const struct json_key hull_json_memory_keys[] = {
    {"size", hull_json_size, offsetof(struct vm_spec, memory)},
    {"address", hull_json_address, offsetof(struct vm_spec, metal.memory_address)},
    {NULL, NULL, 0},
};

// A size, or an object.
void hull_json_memory(struct json_reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    struct vm_spec *spec = into;
    if (!json_is_object(value)) {
        hull_json_size(reader, value, at, &spec->memory);
        return;
    }
    hull_json_object(reader, value, at, hull_json_memory_keys, spec);
    hull_json_require(reader, at, value, "size");
}

static void read_action(struct json_reader *reader, const json_t *value, const struct json_step *at,
                        void *into)
{
    int number;
    if (hull_json_word(reader, value, at, hull_policy_words, &number))
        *(enum policy_action *)into = (enum policy_action)number;
}

const struct json_key hull_json_policy_keys[] = {
    {"on_poweroff", read_action, offsetof(struct policy_spec, on_poweroff)},
    {"on_reset", read_action, offsetof(struct policy_spec, on_reset)},
    {"on_crash", read_action, offsetof(struct policy_spec, on_crash)},
    {"on_watchdog", read_action, offsetof(struct policy_spec, on_watchdog)},
    {"delay", hull_json_count, offsetof(struct policy_spec, delay)},
    {"delay_max", hull_json_count, offsetof(struct policy_spec, delay_max)},
    {"limit", hull_json_count, offsetof(struct policy_spec, limit)},
    {"window", hull_json_count, offsetof(struct policy_spec, window)},
    {NULL, NULL, 0},
};

void hull_json_policy(struct json_reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    hull_json_object(reader, value, at, hull_json_policy_keys, into);
}

void hull_json_autostart(struct json_reader *reader, const json_t *value,
                         const struct json_step *at, void *into)
{
    struct vm_spec *spec = into;
    bool autostart = !spec->metal.manual_start;
    hull_json_bool(reader, value, at, &autostart);
    spec->metal.manual_start = !autostart;
}

void hull_json_colours(struct json_reader *reader, const json_t *value, const struct json_step *at,
                       void *into)
{
    struct vm_spec *spec = into;
    unsigned count = hull_json_array(reader, value, at, HULL_SPEC_COLOURS_MAX);
    if (json_is_array(value) && !count)
        hull_json_fault(reader, at, "names no colour; leave the key out for any of them");
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        uint64_t colour;
        if (hull_json_number(reader, json_array_get(value, i), &step, HULL_SPEC_COLOURS_MAX - 1,
                             &colour))
            spec->metal.page_colours |= 1ull << colour;
    }
}

void hull_json_console_colour(struct json_reader *reader, const json_t *value,
                              const struct json_step *at, void *into)
{
    struct vm_spec *spec = into;
    int number;
    if (hull_json_word(reader, value, at, hull_colour_words, &number))
        spec->metal.console_colour = (enum console_colour)number;
}

void hull_json_console_log(struct json_reader *reader, const json_t *value,
                           const struct json_step *at, void *into)
{
    struct vm_spec *spec = into;
    uint64_t bytes = spec->metal.console_log;
    hull_json_size(reader, value, at, &bytes);
    spec->metal.console_log = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

static void read_peers(struct json_reader *reader, const json_t *value, const struct json_step *at,
                       void *into)
{
    struct shared_spec *shared = into;
    unsigned count = hull_json_array(reader, value, at, HULL_SPEC_PEERS_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        hull_json_text(reader, json_array_get(value, i), &step, &shared->peers[i]);
    }
    shared->peer_count = count;
}

const struct json_key hull_json_shared_keys[] = {
    {"name", hull_json_text, offsetof(struct shared_spec, name)},
    {"size", hull_json_size, offsetof(struct shared_spec, size)},
    {"peers", read_peers, 0},
    {"readonly", hull_json_bool, offsetof(struct shared_spec, read_only)},
    {"address", hull_json_address, offsetof(struct shared_spec, address)},
    {"doorbell", hull_json_count, offsetof(struct shared_spec, doorbell)},
    {NULL, NULL, 0},
};

void hull_json_shared_memory(struct json_reader *reader, const json_t *value,
                             const struct json_step *at, void *into)
{
    struct vm_spec *spec = into;
    unsigned count = hull_json_array(reader, value, at, HULL_SPEC_SHARED_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        const json_t *item = json_array_get(value, i);
        hull_json_object(reader, item, &step, hull_json_shared_keys, &spec->metal.shared[i]);
        hull_json_require(reader, &step, item, "name");
        hull_json_require(reader, &step, item, "size");
        hull_json_require(reader, &step, item, "peers");
    }
    spec->metal.shared_count = count;
}

const struct json_key hull_json_passthrough_keys[] = {
    {"device", hull_json_text, offsetof(struct passthrough_spec, device)},
    {"address", hull_json_address, offsetof(struct passthrough_spec, address)},
    {"irq", hull_json_count, offsetof(struct passthrough_spec, irq)},
    {NULL, NULL, 0},
};

void hull_json_passthrough(struct json_reader *reader, const json_t *value,
                           const struct json_step *at, void *into)
{
    struct vm_spec *spec = into;
    unsigned count = hull_json_array(reader, value, at, HULL_SPEC_PASSTHROUGH_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        const json_t *item = json_array_get(value, i);
        hull_json_object(reader, item, &step, hull_json_passthrough_keys,
                         &spec->metal.passthrough[i]);
        hull_json_require(reader, &step, item, "device");
    }
    spec->metal.passthrough_count = count;
}
