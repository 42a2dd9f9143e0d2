// SPDX-License-Identifier: Apache-2.0
// See json_board.h. What the values may be is the validator's affair (core/spec_board.c).
#include "host/config/json_board.h"

#include <string.h>

// How many there are, numbered from 0, or their numbers.
static void read_harts(struct json_reader *reader, const json_t *value, const struct json_step *at,
                       void *into)
{
    struct board_spec *board = into;
    unsigned count = 0;
    if (json_is_number(value)) {
        hull_json_count(reader, value, at, &count);
        board->hart_count = count;
        for (unsigned i = 0; i < count && i < HULL_CPUS_MAX; i++)
            board->harts[i] = i;
        return;
    }
    if (!json_is_array(value)) {
        hull_json_fault_type(reader, value, at, "a whole number or an array of harts");
        return;
    }
    board->hart_count = hull_json_array(reader, value, at, HULL_CPUS_MAX);
    for (unsigned i = 0; i < board->hart_count; i++) {
        const struct json_step step = {at, NULL, i};
        hull_json_count(reader, json_array_get(value, i), &step, &board->harts[i]);
    }
}

static const struct json_key memory_keys[] = {
    {"address", hull_json_address, offsetof(struct board_range, address)},
    {"size", hull_json_size, offsetof(struct board_range, size)},
    {NULL, NULL, 0},
};

static const struct json_key reserved_keys[] = {
    {"name", hull_json_text, offsetof(struct board_range, name)},
    {"address", hull_json_address, offsetof(struct board_range, address)},
    {"size", hull_json_size, offsetof(struct board_range, size)},
    {NULL, NULL, 0},
};

// Every key of these objects is needed.
static void read_whole(struct json_reader *reader, const json_t *value, const struct json_step *at,
                       const struct json_key *keys, void *into)
{
    hull_json_object(reader, value, at, keys, into);
    for (; keys->name; keys++)
        hull_json_require(reader, at, value, keys->name);
}

static void read_memory(struct json_reader *reader, const json_t *value, const struct json_step *at,
                        void *into)
{
    struct board_spec *board = into;
    unsigned count = hull_json_array(reader, value, at, HULL_BOARD_MEMORY_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        read_whole(reader, json_array_get(value, i), &step, memory_keys, &board->memory[i]);
    }
    board->memory_count = count;
}

static void read_reserved(struct json_reader *reader, const json_t *value,
                          const struct json_step *at, void *into)
{
    struct board_spec *board = into;
    unsigned count = hull_json_array(reader, value, at, HULL_BOARD_RESERVED_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        read_whole(reader, json_array_get(value, i), &step, reserved_keys, &board->reserved[i]);
    }
    board->reserved_count = count;
}

static const struct json_key uart_keys[] = {
    {"compatible", hull_json_text, offsetof(struct board_device, compatible)},
    {"address", hull_json_address, offsetof(struct board_device, address)},
    {"size", hull_json_size, offsetof(struct board_device, size)},
    {"irq", hull_json_count, offsetof(struct board_device, irq)},
    {NULL, NULL, 0},
};

static void read_uart(struct json_reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    read_whole(reader, value, at, uart_keys, into);
}

// Of a PLIC and of an APLIC.
static const struct json_key irqchip_keys[] = {
    {"address", hull_json_address, offsetof(struct board_spec, irqchip.address)},
    {"size", hull_json_size, offsetof(struct board_spec, irqchip.size)},
    {"sources", hull_json_count, offsetof(struct board_spec, irq_sources)},
    {NULL, NULL, 0},
};

static void read_plic(struct json_reader *reader, const json_t *value, const struct json_step *at,
                      void *into)
{
    ((struct board_spec *)into)->irqchips |= BOARD_PLIC;
    read_whole(reader, value, at, irqchip_keys, into);
}

static void read_aplic(struct json_reader *reader, const json_t *value, const struct json_step *at,
                       void *into)
{
    ((struct board_spec *)into)->irqchips |= BOARD_APLIC;
    read_whole(reader, value, at, irqchip_keys, into);
}

static const struct json_key imsic_keys[] = {
    {"address", hull_json_address, offsetof(struct board_spec, imsic.address)},
    {"size", hull_json_size, offsetof(struct board_spec, imsic.size)},
    {"guest_files", hull_json_count, offsetof(struct board_spec, imsic_guest_files)},
    {NULL, NULL, 0},
};

static void read_imsic(struct json_reader *reader, const json_t *value, const struct json_step *at,
                       void *into)
{
    ((struct board_spec *)into)->irqchips |= BOARD_IMSIC;
    read_whole(reader, value, at, imsic_keys, into);
}

static const struct json_key device_keys[] = {
    {"name", hull_json_text, offsetof(struct board_device, name)},
    {"compatible", hull_json_text, offsetof(struct board_device, compatible)},
    {"address", hull_json_address, offsetof(struct board_device, address)},
    {"size", hull_json_size, offsetof(struct board_device, size)},
    {"irq", hull_json_count, offsetof(struct board_device, irq)},
    {"dma", hull_json_bool, offsetof(struct board_device, dma)},
    {NULL, NULL, 0},
};

// Whether it does DMA has to be said: a device about which nobody thought is none to pass through.
static void read_devices(struct json_reader *reader, const json_t *value,
                         const struct json_step *at, void *into)
{
    struct board_spec *board = into;
    unsigned count = hull_json_array(reader, value, at, HULL_BOARD_DEVICES_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct json_step step = {at, NULL, i};
        const json_t *item = json_array_get(value, i);
        hull_json_object(reader, item, &step, device_keys, &board->devices[i]);
        for (const struct json_key *key = device_keys; key->name; key++)
            if (strcmp(key->name, "irq") != 0)
                hull_json_require(reader, &step, item, key->name);
    }
    board->device_count = count;
}

static const struct json_key board_keys[] = {
    {"$schema", hull_json_nothing, 0},
    {"name", hull_json_text, offsetof(struct board_spec, name)},
    {"harts", read_harts, 0},
    {"timebase", hull_json_size, offsetof(struct board_spec, timebase)},
    {"memory", read_memory, 0},
    {"reserved", read_reserved, 0},
    {"bundle_address", hull_json_address, offsetof(struct board_spec, bundle_address)},
    {"hypervisor_memory", hull_json_size, offsetof(struct board_spec, hypervisor_memory)},
    {"uart", read_uart, offsetof(struct board_spec, uart)},
    {"plic", read_plic, 0},
    {"aplic", read_aplic, 0},
    {"imsic", read_imsic, 0},
    {"page_colours", hull_json_count, offsetof(struct board_spec, page_colours)},
    {"devices", read_devices, 0},
    {NULL, NULL, 0},
};

static void require_parts(struct json_reader *reader)
{
    static const char *const needed[] = {"name", "harts", "memory", "uart"};
    struct vm_config *config = reader->config;
    json_t *root = json_loadb(config->text, config->text_size, JSON_REJECT_DUPLICATES, NULL);
    for (unsigned i = 0; root && i < HULL_ARRAY_SIZE(needed); i++)
        hull_json_require(reader, NULL, root, needed[i]);
    if (root && !json_object_get(root, "aplic"))
        hull_json_require(reader, NULL, root, "plic");
    json_decref(root);
}

void hull_json_board_read(struct vm_config *config, struct board_spec *board)
{
    struct json_reader reader = {.config = config};
    board->irqchips = 0; // those that the document has
    hull_json_document(&reader, board_keys, board);
    require_parts(&reader);
}

const struct json_key *hull_json_board_keys(enum json_board_object object)
{
    static const struct json_key *const objects[] = {
        [JSON_BOARD] = board_keys,
        [JSON_BOARD_MEMORY] = memory_keys,
        [JSON_BOARD_RESERVED] = reserved_keys,
        [JSON_BOARD_UART] = uart_keys,
        [JSON_BOARD_IRQCHIP] = irqchip_keys,
        [JSON_BOARD_IMSIC] = imsic_keys,
        [JSON_BOARD_DEVICE] = device_keys,
    };
    return objects[object];
}
