// SPDX-License-Identifier: Apache-2.0
// Fields of a board and a VM, one after the other. Numbers are little-endian, of 4 or 8 bytes; counts
// stand before what they count; a string is its length with the terminator, or 0 for none, and its
// bytes. A later version adds fields at the end, read only `if (code->version >= …)`.
#include "core/bundle_code.h"

#include "lib/bytes.h"
#include "lib/mem.h"
#include "lib/str.h"

#define STRING_MAX 4096 // the terminator included; the spec's own limits are smaller or the same

static void code_fail(struct bundle_code *code, const char *what)
{
    if (!code->error) {
        code->error = code->writing ? -HULL_ENOSPC : -HULL_EFORMAT;
        code->what = what;
    }
}

// The next `size` bytes; NULL when there are no more.
static uint8_t *code_take(struct bundle_code *code, size_t size, const char *what)
{
    uint8_t *at = code->at;

    if (code->error || (size_t)(code->end - at) < size) {
        code_fail(code, what);
        return NULL;
    }
    code->at += size;
    return at;
}

static void code_u64(struct bundle_code *code, uint64_t *value, const char *what)
{
    uint8_t *at = code_take(code, 8, what);

    if (at && code->writing)
        hull_store_le64(at, *value);
    else if (at)
        *value = hull_load_le64(at);
}

static void code_u32(struct bundle_code *code, uint32_t *value, const char *what)
{
    uint8_t *at = code_take(code, 4, what);

    if (at && code->writing)
        hull_store_le32(at, *value);
    else if (at)
        *value = hull_load_le32(at);
}

static void code_bool(struct bundle_code *code, bool *value, const char *what)
{
    uint32_t number = *value;

    code_u32(code, &number, what);
    if (number > 1)
        code_fail(code, what);
    if (!code->error)
        *value = number != 0;
}

// How many elements follow; none may be past the array's end.
static void code_count(struct bundle_code *code, unsigned *count, unsigned max, const char *what)
{
    code_u32(code, count, what);
    if (*count > max) {
        *count = 0;
        code_fail(code, what);
    }
}

// Enumerators of any type that is as wide as a number; the validator knows which there are.
#define code_enum(code, value, what)             \
    do {                                         \
        uint32_t number_ = (uint32_t) * (value); \
        code_u32(code, &number_, what);          \
        if (!(code)->error)                      \
            *(value) = number_;                  \
    } while (0)

// Reading hands out the bundle's own bytes.
static void code_string(struct bundle_code *code, const char **text, const char *what)
{
    uint32_t length = code->writing && *text ? (uint32_t)hull_strnlen(*text, STRING_MAX) + 1 : 0;
    uint8_t *at;

    code_u32(code, &length, what);
    if (length > STRING_MAX)
        code_fail(code, what);
    if (!code->writing)
        *text = NULL;
    at = length ? code_take(code, length, what) : NULL;
    if (!at)
        return;
    if (code->writing)
        memcpy(at, *text, length);
    else if (hull_strnlen((const char *)at, length) != length - 1)
        code_fail(code, what);
    else
        *text = (const char *)at;
}

static void code_ranges(struct bundle_code *code, struct board_range *ranges, unsigned *count,
                        unsigned max, const char *what)
{
    code_count(code, count, max, what);
    for (unsigned i = 0; i < *count; i++) {
        code_string(code, &ranges[i].name, what);
        code_u64(code, &ranges[i].address, what);
        code_u64(code, &ranges[i].size, what);
    }
}

static void code_device(struct bundle_code *code, struct board_device *device, const char *what)
{
    code_string(code, &device->name, what);
    code_string(code, &device->compatible, what);
    code_u64(code, &device->address, what);
    code_u64(code, &device->size, what);
    code_u32(code, &device->irq, what);
    code_bool(code, &device->dma, what);
}

static void code_harts(struct bundle_code *code, uint32_t *harts, unsigned *count, const char *what)
{
    code_count(code, count, HULL_CPUS_MAX, what);
    for (unsigned i = 0; i < *count; i++)
        code_u32(code, &harts[i], what);
}

void hull_code_board(struct bundle_code *code, struct board_spec *board)
{
    code_string(code, &board->name, "name");
    code_harts(code, board->harts, &board->hart_count, "harts");
    code_u64(code, &board->timebase, "timebase");
    code_ranges(code, board->memory, &board->memory_count, HULL_BOARD_MEMORY_MAX, "memory");
    code_ranges(code, board->reserved, &board->reserved_count, HULL_BOARD_RESERVED_MAX, "reserved");
    code_u64(code, &board->bundle_address, "bundle_address");
    code_u64(code, &board->hypervisor_memory, "hypervisor_memory");
    code_device(code, &board->uart, "uart");
    code_device(code, &board->irqchip, "plic");
    code_u32(code, &board->irq_sources, "plic.sources");
    code_u32(code, &board->page_colours, "page_colours");
    code_count(code, &board->device_count, HULL_BOARD_DEVICES_MAX, "devices");
    for (unsigned i = 0; i < board->device_count; i++)
        code_device(code, &board->devices[i], "devices");
    if (code->version >= 2) {
        code_u32(code, &board->irqchips, "irqchips");
        code_device(code, &board->imsic, "imsic");
        code_u32(code, &board->imsic_guest_files, "imsic.guest_files");
    }
}

static void code_boot(struct bundle_code *code, struct bundle_vm *vm)
{
    struct boot_spec *boot = &vm->spec.boot;

    code_string(code, &boot->kernel, "boot.kernel");
    code_u32(code, &vm->kernel.section, "boot.kernel");
    code_string(code, &boot->initrd, "boot.initrd");
    code_u32(code, &vm->initrd.section, "boot.initrd");
    code_string(code, &boot->append, "boot.append");
}

static void code_disks(struct bundle_code *code, struct bundle_vm *vm)
{
    code_count(code, &vm->spec.disk_count, HULL_SPEC_DISKS_MAX, "disks");
    for (unsigned i = 0; i < vm->spec.disk_count; i++) {
        struct disk_spec *disk = &vm->spec.disks[i];

        code_string(code, &disk->file, "disks");
        code_string(code, &disk->id, "disks");
        code_bool(code, &disk->read_only, "disks");
        code_u32(code, &vm->disks[i].section, "disks");
    }
}

// Ports of switches, or none: other networks do not get into a bundle.
static void code_nets(struct bundle_code *code, struct vm_spec *spec)
{
    code_count(code, &spec->net_count, HULL_SPEC_NETS_MAX, "net");
    for (unsigned i = 0; i < spec->net_count; i++) {
        struct net_spec *net = &spec->nets[i];
        uint8_t *mac;

        code_enum(code, &net->kind, "net");
        code_string(code, &net->switch_name, "net");
        mac = code_take(code, sizeof(net->mac), "net");
        if (mac && code->writing)
            memcpy(mac, net->mac, sizeof(net->mac));
        else if (mac)
            memcpy(net->mac, mac, sizeof(net->mac));
    }
}

static void code_policy(struct bundle_code *code, struct policy_spec *policy)
{
    code_enum(code, &policy->on_poweroff, "policy");
    code_enum(code, &policy->on_reset, "policy");
    code_enum(code, &policy->on_crash, "policy");
    code_enum(code, &policy->on_watchdog, "policy");
    code_u32(code, &policy->delay, "policy");
    code_u32(code, &policy->delay_max, "policy");
    code_u32(code, &policy->limit, "policy");
    code_u32(code, &policy->window, "policy");
}

static void code_shared(struct bundle_code *code, struct shared_spec *shared)
{
    code_string(code, &shared->name, "shared_memory");
    code_u64(code, &shared->size, "shared_memory");
    code_u64(code, &shared->address, "shared_memory");
    code_u32(code, &shared->doorbell, "shared_memory");
    code_bool(code, &shared->read_only, "shared_memory");
    code_count(code, &shared->peer_count, HULL_SPEC_PEERS_MAX, "shared_memory");
    for (unsigned p = 0; p < shared->peer_count; p++)
        code_string(code, &shared->peers[p], "shared_memory");
}

static void code_metal(struct bundle_code *code, struct metal_spec *metal)
{
    code_bool(code, &metal->pinned, "cpus");
    code_harts(code, metal->harts, &metal->hart_count, "cpus");
    code_u32(code, &metal->weight, "cpus");
    code_u32(code, &metal->priority, "cpus");
    code_u64(code, &metal->memory_address, "memory");
    code_u64(code, &metal->page_colours, "page_colours");
    code_policy(code, &metal->policy);
    code_u32(code, &metal->watchdog, "watchdog");
    code_bool(code, &metal->manual_start, "autostart");
    code_bool(code, &metal->manager, "manager");
    code_bool(code, &metal->unsafe_dma, "unsafe_dma");
    code_enum(code, &metal->console_colour, "console");
    code_u32(code, &metal->console_log, "console");
    code_bool(code, &metal->console_first, "console");
    code_count(code, &metal->shared_count, HULL_SPEC_SHARED_MAX, "shared_memory");
    for (unsigned i = 0; i < metal->shared_count; i++)
        code_shared(code, &metal->shared[i]);
    code_count(code, &metal->passthrough_count, HULL_SPEC_PASSTHROUGH_MAX, "passthrough");
    for (unsigned i = 0; i < metal->passthrough_count; i++) {
        code_string(code, &metal->passthrough[i].device, "passthrough");
        code_u64(code, &metal->passthrough[i].address, "passthrough");
        code_u32(code, &metal->passthrough[i].irq, "passthrough");
    }
}

void hull_code_vm(struct bundle_code *code, struct bundle_vm *vm)
{
    struct vm_spec *spec = &vm->spec;

    code_string(code, &spec->name, "name");
    code_u32(code, &spec->cpus, "cpus");
    code_u64(code, &spec->memory, "memory");
    code_boot(code, vm);
    code_disks(code, vm);
    code_nets(code, spec);
    code_enum(code, &spec->console, "console");
    code_bool(code, &spec->virtio_console, "virtio_console");
    code_bool(code, &spec->rng, "rng");
    code_bool(code, &spec->balloon, "balloon");
    code_metal(code, &spec->metal);
    if (code->version >= 2) {
        code_enum(code, &spec->interrupts, "interrupts");
        code_u32(code, &spec->guest_files, "guest_files");
    }
}
