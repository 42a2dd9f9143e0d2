// SPDX-License-Identifier: Apache-2.0
// See bundle_maker.h.
#include "tests/unit/bundle_maker.h"

#include <stdlib.h>
#include <string.h>

#include "core/bundle_table.h"
#include "lib/bytes.h"
#include "lib/xxh64.h"

static void init_board(struct board_spec *board)
{
    hull_board_defaults(board);
    board->name = "qemu-virt";
    board->hart_count = 4;
    for (unsigned i = 0; i < 4; i++)
        board->harts[i] = i;
    board->memory_count = 1;
    board->memory[0] = (struct board_range){NULL, 0x80000000, 1ull << 30};
    board->reserved_count = 2;
    board->reserved[0] = (struct board_range){"firmware", 0x80000000, 2 << 20};
    board->reserved[1] = (struct board_range){"hull-metal", 0x80200000, 2 << 20};
    board->uart = (struct board_device){NULL, "ns16550a", 0x10000000, 4096, 10, false};
    board->irqchip = (struct board_device){NULL, NULL, 0x0c000000, 0x600000, 0, false};
    board->device_count = 2;
    board->devices[0] =
        (struct board_device){"rtc", "google,goldfish-rtc", 0x101000, 4096, 11, false};
    board->devices[1] = (struct board_device){"disk", "virtio,mmio", 0x10001000, 4096, 1, true};
    board->page_colours = 16;
}

static void init_region(struct shared_spec *shared, const char *peer)
{
    shared->name = "mailbox";
    shared->size = 1 << 20;
    shared->peers[0] = peer;
    shared->peer_count = 1;
}

static void init_first(struct bundle_vm *vm)
{
    struct vm_spec *spec = &vm->spec;

    hull_spec_defaults(spec);
    spec->name = "web";
    spec->cpus = 2;
    spec->memory = 256ull << 20;
    spec->boot = (struct boot_spec){.kernel = "Image", .initrd = "initrd.img", .append = "quiet"};
    spec->disk_count = 1;
    spec->disks[0] = (struct disk_spec){"root.img", "root", false};
    spec->nets[0] = (struct net_spec){
        .kind = NET_SWITCH, .switch_name = "lan", .mac = {0x52, 0x54, 0, 1, 2, 3}};
    spec->metal.weight = 200;
    spec->metal.watchdog = 10;
    spec->metal.manager = true;
    spec->metal.shared_count = 1;
    init_region(&spec->metal.shared[0], "tick");
    vm->kernel.section = 3;
    vm->initrd.section = 4;
    vm->disks[0].section = 5;
}

static void init_second(struct bundle_vm *vm)
{
    struct vm_spec *spec = &vm->spec;

    hull_spec_defaults(spec);
    spec->name = "tick";
    spec->memory = 64ull << 20;
    spec->boot.kernel = "tick.elf";
    spec->net_count = 0;
    spec->metal.pinned = true;
    spec->metal.hart_count = 1;
    spec->metal.harts[0] = 3;
    spec->metal.memory_address = 0x90000000;
    spec->metal.unsafe_dma = true;
    spec->metal.passthrough_count = 2;
    spec->metal.passthrough[0].device = "rtc";
    spec->metal.passthrough[1].device = "disk";
    spec->metal.shared_count = 1;
    init_region(&spec->metal.shared[0], "web");
    vm->kernel.section = 3; // both run the same program
}

void bundle_maker_init(struct bundle_maker *maker)
{
    static const char kernel[] = "a kernel", initrd[] = "an initrd";
    static const uint8_t disk[1024] = {1, 2, 3};

    memset(maker, 0, sizeof(*maker));
    init_board(&maker->board);
    maker->vm_count = 2;
    init_first(&maker->vms[0]);
    init_second(&maker->vms[1]);
    for (unsigned i = 0; i < 2; i++)
        hull_metal_place(&maker->board, &maker->vms[i].spec);
    maker->blob_count = 3;
    maker->blobs[0] = (struct bundle_blob){kernel, sizeof(kernel), 3};
    maker->blobs[1] = (struct bundle_blob){initrd, sizeof(initrd), 4};
    maker->blobs[2] = (struct bundle_blob){disk, sizeof(disk), 5};
}

static void *encoded(const struct bundle_maker *maker, unsigned i, size_t *size)
{
    uint8_t *section = malloc(HULL_BUNDLE_SPEC_MAX);
    int error = i ? hull_bundle_encode_vm(&maker->vms[i - 1], section, HULL_BUNDLE_SPEC_MAX, size)
                  : hull_bundle_encode_board(&maker->board, section, HULL_BUNDLE_SPEC_MAX, size);

    if (error)
        abort();
    return section;
}

void bundle_make(struct bundle_maker *maker)
{
    struct bundle_entry entries[5 + MAKER_BLOBS_MAX];
    const void *bytes[5 + MAKER_BLOBS_MAX];
    unsigned specs = 1 + maker->vm_count, count = specs + maker->blob_count;

    for (unsigned i = 0; i < count; i++) {
        const struct bundle_blob *blob = i < specs ? NULL : &maker->blobs[i - specs];
        size_t size = blob ? blob->size : 0;

        bytes[i] = blob ? blob->data : encoded(maker, i, &size);
        entries[i] = (struct bundle_entry){
            .type = blob ? BUNDLE_BLOB
                    : i  ? BUNDLE_VM
                         : BUNDLE_BOARD,
            .size = size,
            .sum = hull_xxh64(bytes[i], size),
        };
        entries[i].version = hull_bundle_type_version(entries[i].type);
    }
    free(maker->data);
    maker->size = hull_bundle_layout(entries, count);
    maker->data = calloc(1, maker->size);
    hull_bundle_encode_head(entries, count, maker->size, maker->data);
    for (unsigned i = 0; i < count; i++) {
        memcpy(maker->data + entries[i].offset, bytes[i], entries[i].size);
        if (i < specs)
            free((void *)bytes[i]);
    }
}

void bundle_seal(uint8_t *data, uint64_t size)
{
    uint64_t head;
    uint32_t count;

    if (size < HULL_BUNDLE_HEADER_SIZE)
        return;
    count = hull_load_le32(data + HEAD_COUNT);
    head = HULL_BUNDLE_HEADER_SIZE + (uint64_t)count * HULL_BUNDLE_ENTRY_SIZE;
    if (head > size)
        return;
    for (uint8_t *entry = data + HULL_BUNDLE_HEADER_SIZE; entry < data + head;
         entry += HULL_BUNDLE_ENTRY_SIZE) {
        uint64_t offset = hull_load_le64(entry + ENTRY_OFFSET);
        uint64_t length = hull_load_le64(entry + ENTRY_SIZE);

        if (offset <= size && length <= size - offset)
            hull_store_le64(entry + ENTRY_SUM, hull_xxh64(data + offset, length));
    }
    hull_store_le64(data + HEAD_SUM, 0);
    hull_store_le64(data + HEAD_SUM, hull_xxh64(data, head));
}
