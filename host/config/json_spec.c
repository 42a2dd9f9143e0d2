// SPDX-License-Identifier: Apache-2.0
// The keys of a VM's JSON document; those that matter on bare metal only are in json_metal.c.
#include "host/config/json_spec.h"

#include <stdlib.h>
#include <string.h>

#include "host/config/json_metal.h"
#include "host/config/json_reader.h"

static void read_engine(struct json_reader *reader, const json_t *value, const struct json_step *at,
                        void *into)
{
    int number;
    if (hull_json_word(reader, value, at, hull_engine_words, &number))
        *(enum engine_wish *)into = (enum engine_wish)number;
}

static void read_interrupts(struct json_reader *reader, const json_t *value,
                            const struct json_step *at, void *into)
{
    int number;
    if (hull_json_word(reader, value, at, hull_interrupt_words, &number))
        *(enum interrupt_kind *)into = (enum interrupt_kind)number;
}

static void read_backend(struct json_reader *reader, const json_t *value,
                         const struct json_step *at, void *into)
{
    int number;
    if (hull_json_word(reader, value, at, hull_backend_words, &number))
        *(enum net_kind *)into = (enum net_kind)number;
}

static void read_mac(struct json_reader *reader, const json_t *value, const struct json_step *at,
                     void *into)
{
    struct config_reason why;
    const char *text = hull_json_string(reader, value, at);
    if (text && !hull_value_mac(text, into, &why))
        hull_json_fault(reader, at, why.text);
}

static const struct json_key boot_keys[] = {
    {"kernel", hull_json_file, offsetof(struct boot_spec, kernel)},
    {"initrd", hull_json_file, offsetof(struct boot_spec, initrd)},
    {"append", hull_json_text, offsetof(struct boot_spec, append)},
    {"firmware", hull_json_file, offsetof(struct boot_spec, firmware)},
    {NULL, NULL, 0},
};

static void read_boot(struct json_reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    hull_json_object(reader, value, at, boot_keys, into);
}

static const struct json_key disk_keys[] = {
    {"file", hull_json_file, offsetof(struct disk_spec, file)},
    {"id", hull_json_text, offsetof(struct disk_spec, id)},
    {"readonly", hull_json_bool, offsetof(struct disk_spec, read_only)},
    {NULL, NULL, 0},
};

static void read_disks(struct json_reader *reader, const json_t *value, const struct json_step *at,
                       void *into)
{
    struct vm_spec *spec = into;
    unsigned count = hull_json_array(reader, value, at, HULL_SPEC_DISKS_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        const json_t *item = json_array_get(value, i);
        spec->disks[i] = (struct disk_spec){0};
        hull_json_object(reader, item, &step, disk_keys, &spec->disks[i]);
        hull_json_require(reader, &step, item, "file");
    }
    spec->disk_count = count;
}

static void read_publish(struct json_reader *reader, const json_t *value,
                         const struct json_step *at, void *into)
{
    struct net_spec *net = into;
    struct config_reason why;
    unsigned count = hull_json_array(reader, value, at, HULL_SPEC_PUBLISH_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        const char *text = hull_json_string(reader, json_array_get(value, i), &step);
        if (text && !hull_value_publish(text, &reader->config->pool, &net->publish[i], &why))
            hull_json_fault(reader, &step, why.text);
    }
    net->publish_count = count;
}

static const struct json_key net_keys[] = {
    {"backend", read_backend, offsetof(struct net_spec, kind)},
    {"tap", hull_json_text, offsetof(struct net_spec, tap)},
    {"switch", hull_json_text, offsetof(struct net_spec, switch_name)},
    {"mac", read_mac, offsetof(struct net_spec, mac)},
    {"publish", read_publish, 0},
    {NULL, NULL, 0},
};

static void read_nets(struct json_reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    struct vm_spec *spec = into;
    unsigned count = hull_json_array(reader, value, at, HULL_SPEC_NETS_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        const json_t *item = json_array_get(value, i);
        spec->nets[i] = (struct net_spec){.kind = NET_USER};
        hull_json_object(reader, item, &step, net_keys, &spec->nets[i]);
        hull_json_require(reader, &step, item, "backend");
    }
    spec->net_count = count;
}

static void read_console_kind(struct json_reader *reader, const json_t *value,
                              const struct json_step *at, void *into)
{
    struct vm_spec *spec = into;
    int number;
    if (hull_json_word(reader, value, at, hull_console_words, &number))
        spec->console = (enum console_kind)number;
}

static void read_console_path(struct json_reader *reader, const json_t *value,
                              const struct json_step *at, void *into)
{
    (void)into;
    hull_json_file(reader, value, at, &reader->console_path);
}

static const struct json_key console_keys[] = {
    {"kind", read_console_kind, 0},
    {"path", read_console_path, 0},
    {"colour", hull_json_console_colour, 0},
    {"log", hull_json_console_log, 0},
    {"first", hull_json_bool, offsetof(struct vm_spec, metal.console_first)},
    {NULL, NULL, 0},
};

static void read_console_object(struct json_reader *reader, const json_t *value,
                                const struct json_step *at, struct vm_spec *spec)
{
    unsigned faults = reader->config->fault_count;
    reader->console_path = NULL;
    hull_json_object(reader, value, at, console_keys, spec);
    hull_json_require(reader, at, value, "kind");
    if (reader->config->fault_count != faults)
        return;
    bool wants_path = hull_console_has_path(spec->console);
    if (wants_path && !reader->console_path)
        hull_json_fault(reader, at, "this kind needs the key \"path\"");
    else if (!wants_path && reader->console_path)
        hull_json_fault(reader, at, "this kind takes no \"path\"");
    spec->console_path = reader->console_path;
}

// An object, or a string as on the command line.
static void read_console(struct json_reader *reader, const json_t *value,
                         const struct json_step *at, void *into)
{
    struct vm_config *config = reader->config;
    struct vm_spec *spec = into;
    struct config_reason why;
    if (json_is_object(value)) {
        read_console_object(reader, value, at, spec);
    } else if (!json_is_string(value)) {
        hull_json_fault_type(reader, value, at, "a string or an object");
    } else if (!hull_value_console(json_string_value(value), &config->pool, &spec->console,
                                   &spec->console_path, &why)) {
        hull_json_fault(reader, at, why.text);
    } else if (spec->console_path) {
        spec->console_path = hull_json_keep(
            reader, at, hull_pool_path(&config->pool, config->folder, spec->console_path));
    }
}

static void read_hypervisor(struct json_reader *reader, const json_t *value,
                            const struct json_step *at, void *into)
{
    struct vm_spec *spec = into;
    bool hypervisor = !spec->no_hypervisor;
    hull_json_bool(reader, value, at, &hypervisor);
    spec->no_hypervisor = !hypervisor;
}

static const struct json_key vm_keys[] = {
    {"$schema", hull_json_nothing, 0},
    {"name", hull_json_text, offsetof(struct vm_spec, name)},
    {"cpus", hull_json_cpus, 0},
    {"memory", hull_json_memory, 0},
    {"engine", read_engine, offsetof(struct vm_spec, engine)},
    {"boot", read_boot, offsetof(struct vm_spec, boot)},
    {"disks", read_disks, 0},
    {"net", read_nets, 0},
    {"console", read_console, 0},
    {"virtio_console", hull_json_bool, offsetof(struct vm_spec, virtio_console)},
    {"rng", hull_json_bool, offsetof(struct vm_spec, rng)},
    {"balloon", hull_json_bool, offsetof(struct vm_spec, balloon)},
    {"hypervisor", read_hypervisor, 0},
    {"interrupts", read_interrupts, offsetof(struct vm_spec, interrupts)},
    {"guest_files", hull_json_count, offsetof(struct vm_spec, guest_files)},
    {"policy", hull_json_policy, offsetof(struct vm_spec, metal.policy)},
    {"watchdog", hull_json_count, offsetof(struct vm_spec, metal.watchdog)},
    {"autostart", hull_json_autostart, 0},
    {"manager", hull_json_bool, offsetof(struct vm_spec, metal.manager)},
    {"shared_memory", hull_json_shared_memory, 0},
    {"passthrough", hull_json_passthrough, 0},
    {"unsafe_dma", hull_json_bool, offsetof(struct vm_spec, metal.unsafe_dma)},
    {"page_colours", hull_json_colours, 0},
    {NULL, NULL, 0},
};

void hull_json_spec_read(struct vm_config *config)
{
    struct json_reader reader = {.config = config};
    hull_json_document(&reader, vm_keys, &config->spec);
}

unsigned hull_json_spec_keys(enum json_object_kind kind, const char *names[], unsigned max)
{
    static const struct json_key *const objects[] = {
        [JSON_OBJECT_VM] = vm_keys,
        [JSON_OBJECT_BOOT] = boot_keys,
        [JSON_OBJECT_DISK] = disk_keys,
        [JSON_OBJECT_NET] = net_keys,
        [JSON_OBJECT_CONSOLE] = console_keys,
        [JSON_OBJECT_CPUS] = hull_json_cpus_keys,
        [JSON_OBJECT_MEMORY] = hull_json_memory_keys,
        [JSON_OBJECT_POLICY] = hull_json_policy_keys,
        [JSON_OBJECT_SHARED] = hull_json_shared_keys,
        [JSON_OBJECT_PASSTHROUGH] = hull_json_passthrough_keys,
    };
    return hull_json_keys(objects[kind], names, max);
}
