// SPDX-License-Identifier: Apache-2.0
// The bundle's reader: what was written comes back, and whatever is damaged, newer or impossible is
// refused with a reason.
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/bundle_table.h"
#include "lib/bytes.h"
#include "tests/unit/bundle_maker.h"

static int setup(void **state)
{
    struct bundle_maker *maker = calloc(1, sizeof(*maker));

    bundle_maker_init(maker);
    bundle_make(maker);
    *state = maker;
    return 0;
}

static int teardown(void **state)
{
    struct bundle_maker *maker = *state;

    free(maker->data);
    free(maker);
    return 0;
}

// Opens and reads all; the first error.
static int read_all(const struct bundle_maker *maker, uint64_t size, struct bundle *bundle,
                    struct bundle_vm *vms, struct bundle_error *error)
{
    int bad;

    error->reason[0] = '\0';
    bad = hull_bundle_open(bundle, maker->data, size, error);
    if (!bad)
        bad = hull_bundle_read_vms(bundle, vms, error);
    if (!bad)
        bad = hull_bundle_check_all(bundle, error);
    return bad;
}

static void reads(const struct bundle_maker *maker)
{
    struct bundle bundle;
    struct bundle_vm vms[HULL_BUNDLE_VMS_MAX];
    struct bundle_error error;

    if (read_all(maker, maker->size, &bundle, vms, &error))
        fail_msg("the bundle %s", error.reason);
}

static void refused(const struct bundle_maker *maker, int code, const char *reason)
{
    struct bundle bundle;
    struct bundle_vm vms[HULL_BUNDLE_VMS_MAX];
    struct bundle_error error;

    assert_int_equal(read_all(maker, maker->size, &bundle, vms, &error), code);
    if (!strstr(error.reason, reason))
        fail_msg("'%s' does not say '%s'", error.reason, reason);
}

static uint8_t *entry_of(const struct bundle_maker *maker, unsigned i)
{
    return maker->data + HULL_BUNDLE_HEADER_SIZE + i * HULL_BUNDLE_ENTRY_SIZE;
}

// With the right checksums again.
static void refused_when_sealed(struct bundle_maker *maker, int code, const char *reason)
{
    bundle_seal(maker->data, maker->size);
    refused(maker, code, reason);
}

static void assert_same_text(const char *a, const char *b)
{
    if (a && b)
        assert_string_equal(a, b);
    else
        assert_true(!a && !b);
}

static void assert_same_board(const struct board_spec *a, const struct board_spec *b)
{
    assert_same_text(a->name, b->name);
    assert_int_equal(a->hart_count, b->hart_count);
    assert_memory_equal(a->harts, b->harts, sizeof(a->harts));
    assert_int_equal(a->timebase, b->timebase);
    assert_int_equal(a->memory_count, b->memory_count);
    assert_int_equal(a->memory[0].address, b->memory[0].address);
    assert_int_equal(a->memory[0].size, b->memory[0].size);
    assert_int_equal(a->reserved_count, b->reserved_count);
    assert_same_text(a->reserved[1].name, b->reserved[1].name);
    assert_int_equal(a->hypervisor_memory, b->hypervisor_memory);
    assert_same_text(a->uart.compatible, b->uart.compatible);
    assert_int_equal(a->uart.address, b->uart.address);
    assert_int_equal(a->uart.irq, b->uart.irq);
    assert_int_equal(a->irqchips, b->irqchips);
    assert_int_equal(a->irqchip.size, b->irqchip.size);
    assert_int_equal(a->irq_sources, b->irq_sources);
    assert_int_equal(a->imsic.address, b->imsic.address);
    assert_int_equal(a->imsic.size, b->imsic.size);
    assert_int_equal(a->imsic_guest_files, b->imsic_guest_files);
    assert_int_equal(a->page_colours, b->page_colours);
    assert_int_equal(a->device_count, b->device_count);
    assert_same_text(a->devices[1].name, b->devices[1].name);
    assert_true(a->devices[1].dma && b->devices[1].dma);
}

static void assert_same_metal(const struct metal_spec *a, const struct metal_spec *b)
{
    assert_int_equal(a->pinned, b->pinned);
    assert_int_equal(a->hart_count, b->hart_count);
    assert_memory_equal(a->harts, b->harts, sizeof(a->harts));
    assert_int_equal(a->weight, b->weight);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->memory_address, b->memory_address);
    assert_int_equal(a->page_colours, b->page_colours);
    assert_memory_equal(&a->policy, &b->policy, sizeof(a->policy));
    assert_int_equal(a->watchdog, b->watchdog);
    assert_int_equal(a->manual_start, b->manual_start);
    assert_int_equal(a->manager, b->manager);
    assert_int_equal(a->unsafe_dma, b->unsafe_dma);
    assert_int_equal(a->console_colour, b->console_colour);
    assert_int_equal(a->console_log, b->console_log);
    assert_int_equal(a->console_first, b->console_first);
    assert_int_equal(a->shared_count, b->shared_count);
    for (unsigned i = 0; i < a->shared_count; i++) {
        assert_same_text(a->shared[i].name, b->shared[i].name);
        assert_int_equal(a->shared[i].size, b->shared[i].size);
        assert_int_equal(a->shared[i].address, b->shared[i].address);
        assert_int_equal(a->shared[i].doorbell, b->shared[i].doorbell);
        assert_int_equal(a->shared[i].read_only, b->shared[i].read_only);
        assert_int_equal(a->shared[i].peer_count, b->shared[i].peer_count);
        assert_same_text(a->shared[i].peers[0], b->shared[i].peers[0]);
    }
    assert_int_equal(a->passthrough_count, b->passthrough_count);
    for (unsigned i = 0; i < a->passthrough_count; i++) {
        assert_same_text(a->passthrough[i].device, b->passthrough[i].device);
        assert_int_equal(a->passthrough[i].address, b->passthrough[i].address);
        assert_int_equal(a->passthrough[i].irq, b->passthrough[i].irq);
    }
}

static void assert_same_vm(const struct vm_spec *a, const struct vm_spec *b)
{
    assert_same_text(a->name, b->name);
    assert_int_equal(a->cpus, b->cpus);
    assert_int_equal(a->memory, b->memory);
    assert_same_text(a->boot.kernel, b->boot.kernel);
    assert_same_text(a->boot.initrd, b->boot.initrd);
    assert_same_text(a->boot.append, b->boot.append);
    assert_int_equal(a->disk_count, b->disk_count);
    for (unsigned i = 0; i < a->disk_count; i++) {
        assert_same_text(a->disks[i].file, b->disks[i].file);
        assert_same_text(a->disks[i].id, b->disks[i].id);
        assert_int_equal(a->disks[i].read_only, b->disks[i].read_only);
    }
    assert_int_equal(a->net_count, b->net_count);
    for (unsigned i = 0; i < a->net_count; i++) {
        assert_int_equal(a->nets[i].kind, b->nets[i].kind);
        assert_same_text(a->nets[i].switch_name, b->nets[i].switch_name);
        assert_memory_equal(a->nets[i].mac, b->nets[i].mac, 6);
    }
    assert_int_equal(a->console, b->console);
    assert_int_equal(a->virtio_console, b->virtio_console);
    assert_int_equal(a->rng, b->rng);
    assert_int_equal(a->balloon, b->balloon);
    assert_int_equal(a->interrupts, b->interrupts);
    assert_int_equal(a->guest_files, b->guest_files);
    assert_same_metal(&a->metal, &b->metal);
}

static void give_imsics(struct board_spec *board)
{
    board->irqchips = BOARD_APLIC | BOARD_IMSIC;
    board->imsic = (struct board_device){NULL, NULL, 0x28000000, 0x10000, 0, false};
    board->imsic_guest_files = 3;
}

static void what_was_written_comes_back(void **state)
{
    struct bundle_maker *maker = *state;
    struct bundle bundle;
    struct bundle_vm vms[HULL_BUNDLE_VMS_MAX];
    struct bundle_error error;

    // Defaults must not pass for what was written.
    give_imsics(&maker->board);
    maker->vms[0].spec.virtio_console = true;
    maker->vms[0].spec.rng = maker->vms[0].spec.balloon = false;
    maker->vms[1].spec.console = CONSOLE_NONE;
    maker->vms[1].spec.metal.policy = (struct policy_spec){1, 0, 1, 0, 2, 3, 4, 5};
    maker->vms[1].spec.metal.manual_start = maker->vms[1].spec.metal.console_first = true;
    maker->vms[1].spec.metal.console_colour = COLOUR_CYAN;
    maker->vms[1].spec.metal.console_log = 8192;
    maker->vms[1].spec.metal.shared[0].read_only = true;
    maker->vms[0].spec.metal.page_colours = 0xf0;
    maker->vms[0].spec.metal.priority = 7;
    maker->vms[0].spec.interrupts = INTERRUPTS_AIA;
    maker->vms[0].spec.guest_files = 3;
    bundle_make(maker);
    if (read_all(maker, maker->size, &bundle, vms, &error))
        fail_msg("the bundle %s", error.reason);
    assert_int_equal(bundle.vm_count, 2);
    assert_same_board(&bundle.board, &maker->board);
    for (unsigned i = 0; i < 2; i++)
        assert_same_vm(&vms[i].spec, &maker->vms[i].spec);
    assert_int_equal(vms[0].kernel.size, maker->blobs[0].size);
    assert_memory_equal(vms[0].kernel.data, maker->blobs[0].data, maker->blobs[0].size);
    assert_memory_equal(vms[0].initrd.data, maker->blobs[1].data, maker->blobs[1].size);
    assert_memory_equal(vms[0].disks[0].data, maker->blobs[2].data, maker->blobs[2].size);
    assert_int_equal(((uintptr_t)vms[0].disks[0].data - (uintptr_t)maker->data) % 4096, 0);
    assert_ptr_equal(vms[1].kernel.data, vms[0].kernel.data);
    assert_null(vms[1].initrd.data);
}

static void what_follows_the_bundle_does_not_matter(void **state)
{
    struct bundle_maker *maker = *state;
    struct bundle bundle;
    struct bundle_vm vms[HULL_BUNDLE_VMS_MAX];
    struct bundle_error error;

    maker->data = realloc(maker->data, maker->size + 100);
    memset(maker->data + maker->size, 0xff, 100);
    assert_int_equal(read_all(maker, maker->size + 100, &bundle, vms, &error), 0);
    assert_int_equal(bundle.size, maker->size);
}

static void every_cut_is_refused(void **state)
{
    struct bundle_maker *maker = *state;
    struct bundle bundle;
    struct bundle_vm vms[HULL_BUNDLE_VMS_MAX];
    struct bundle_error error;

    for (uint64_t size = 0; size < maker->size; size++) {
        assert_int_equal(read_all(maker, size, &bundle, vms, &error), -HULL_EFORMAT);
        assert_true(strstr(error.reason, size < 64 ? "too few" : "is cut short"));
    }
}

// Padding between sections is nobody's: those bits may be anything.
static void every_flipped_bit_is_refused(void **state)
{
    struct bundle_maker *maker = *state;
    struct bundle bundle;
    struct bundle_vm vms[HULL_BUNDLE_VMS_MAX];
    struct bundle_error error;

    assert_int_equal(hull_bundle_open(&bundle, maker->data, maker->size, &error), 0);
    for (unsigned i = 0; i <= bundle.section_count; i++) {
        struct bundle_entry entry = {.size = entry_of(maker, bundle.section_count) - maker->data};

        if (i)
            hull_bundle_entry(&bundle, i - 1, &entry);
        for (uint64_t bit = 0; bit < entry.size * 8; bit++) {
            maker->data[entry.offset + bit / 8] ^= 1 << bit % 8;
            assert_true(read_all(maker, maker->size, &bundle, vms, &error) < 0);
            assert_true(error.reason[0]);
            maker->data[entry.offset + bit / 8] ^= 1 << bit % 8;
        }
        assert_int_equal(hull_bundle_open(&bundle, maker->data, maker->size, &error), 0);
    }
    reads(maker);
}

static void a_blob_is_checked_when_it_is_asked_for(void **state)
{
    struct bundle_maker *maker = *state;
    struct bundle bundle;
    struct bundle_vm vms[HULL_BUNDLE_VMS_MAX];
    struct bundle_error error;

    assert_int_equal(hull_bundle_open(&bundle, maker->data, maker->size, &error), 0);
    assert_int_equal(hull_bundle_read_vms(&bundle, vms, &error), 0);
    ((uint8_t *)vms[0].initrd.data)[3] ^= 1;
    assert_int_equal(hull_bundle_check_blob(&bundle, &vms[0].kernel, &error), 0);
    assert_int_equal(hull_bundle_check_blob(&bundle, &vms[1].initrd, &error), 0);
    assert_int_equal(hull_bundle_check_blob(&bundle, &vms[0].initrd, &error), -HULL_EFORMAT);
    assert_non_null(strstr(error.reason, "the checksum of section 4 (a file, 10 bytes"));
}

// Version 1 of a VM ends before its interrupt controller.
static void older_vms_are_read(void **state)
{
    struct bundle_maker *maker = *state;
    struct bundle bundle;
    struct bundle_vm vms[HULL_BUNDLE_VMS_MAX];
    struct bundle_error error;

    give_imsics(&maker->board);
    maker->vms[0].spec.interrupts = INTERRUPTS_AIA;
    maker->vms[0].spec.guest_files = 3;
    bundle_make(maker);
    for (unsigned i = 1; i < 3; i++) {
        hull_store_le32(entry_of(maker, i) + ENTRY_VERSION, 1);
        hull_store_le64(entry_of(maker, i) + ENTRY_SIZE,
                        hull_load_le64(entry_of(maker, i) + ENTRY_SIZE) - 8);
    }
    bundle_seal(maker->data, maker->size);
    if (read_all(maker, maker->size, &bundle, vms, &error))
        fail_msg("the bundle %s", error.reason);
    assert_int_equal(vms[0].spec.interrupts, INTERRUPTS_PLIC);
    assert_int_equal(vms[0].spec.guest_files, HULL_SPEC_GUEST_FILES_DEFAULT);
    assert_int_equal(vms[0].spec.balloon, maker->vms[0].spec.balloon);
}

#define BOARD_2_BYTES \
    40 // kinds, the IMSICs' two strings, address, size, interrupt and DMA, guest files

// Version 1 of a board has a PLIC, and ends after its devices.
static void older_boards_are_read(void **state)
{
    struct bundle_maker *maker = *state;
    struct bundle bundle;
    struct bundle_vm vms[HULL_BUNDLE_VMS_MAX];
    struct bundle_error error;

    hull_store_le32(entry_of(maker, 0) + ENTRY_VERSION, 1);
    hull_store_le64(entry_of(maker, 0) + ENTRY_SIZE,
                    hull_load_le64(entry_of(maker, 0) + ENTRY_SIZE) - BOARD_2_BYTES);
    bundle_seal(maker->data, maker->size);
    if (read_all(maker, maker->size, &bundle, vms, &error))
        fail_msg("the bundle %s", error.reason);
    assert_same_board(&bundle.board, &maker->board);
    assert_int_equal(bundle.board.irqchips, BOARD_PLIC);
}

static void boards_of_no_known_kind_are_refused(void **state)
{
    struct bundle_maker *maker = *state;

    maker->board.irqchips = 8;
    bundle_make(maker);
    refused(maker, -HULL_EINVAL, "board: plic is of unknown kind (0x8)");
    maker->board.irqchips = 0;
    bundle_make(maker);
    refused(maker, -HULL_EINVAL, "board: plic is missing");
    maker->board.irqchips = BOARD_PLIC;
    maker->vms[0].spec.interrupts = INTERRUPTS_AIA;
    bundle_make(maker);
    refused(maker, -HULL_EINVAL, "VM 1 (web): interrupts are \"aia\", and board 'qemu-virt' has");
}

static void newer_bundles_are_refused_as_such(void **state)
{
    struct bundle_maker *maker = *state;

    hull_store_le32(maker->data + HEAD_VERSION, 2);
    refused(maker, -HULL_EVERSION, "newer Hull: format 2"); // whatever its checksums are
    hull_store_le32(maker->data + HEAD_VERSION, 1);
    for (unsigned i = 0; i < 6; i++) {
        uint32_t newest = hull_bundle_type_version(hull_load_le32(entry_of(maker, i) + ENTRY_TYPE));

        hull_store_le32(entry_of(maker, i) + ENTRY_VERSION, newest + 1);
        refused_when_sealed(maker, -HULL_EVERSION,
                            newest == 1 ? "of version 2, and this one reads up to 1"
                                        : "of version 3, and this one reads up to 2");
        hull_store_le32(entry_of(maker, i) + ENTRY_VERSION, 0);
        refused_when_sealed(maker, -HULL_EFORMAT, "of version 0");
        hull_store_le32(entry_of(maker, i) + ENTRY_VERSION, newest);
    }
    hull_store_le32(entry_of(maker, 4) + ENTRY_TYPE, 9);
    refused_when_sealed(maker, -HULL_EVERSION, "section 4 is of type 9, unknown here");
}

static void what_is_optional_may_be_unknown(void **state)
{
    struct bundle_maker *maker = *state;

    maker->vms[0].spec.boot.initrd = NULL;
    maker->vms[0].initrd.section = 0;
    bundle_make(maker);
    hull_store_le32(entry_of(maker, 4) + ENTRY_TYPE, HULL_BUNDLE_OPTIONAL | 9);
    hull_store_le32(entry_of(maker, 4) + ENTRY_VERSION, 77);
    bundle_seal(maker->data, maker->size);
    reads(maker);
}

static void tables_that_cannot_be(void **state)
{
    struct bundle_maker *maker = *state;
    uint64_t vm = hull_load_le64(entry_of(maker, 1) + ENTRY_OFFSET);

    memcpy(maker->data, "HULLBNDK", 8);
    refused(maker, -HULL_EFORMAT, "does not begin with HULLBNDL");
    memcpy(maker->data, "HULLBNDL", 8);
    hull_store_le64(entry_of(maker, 1) + ENTRY_OFFSET, vm - 8); // into the board
    refused_when_sealed(maker, -HULL_EFORMAT, "lies outside of it, or in another");
    hull_store_le64(entry_of(maker, 1) + ENTRY_OFFSET, UINT64_MAX - 7);
    refused_when_sealed(maker, -HULL_EFORMAT, "lies outside of it, or in another");
    hull_store_le64(entry_of(maker, 1) + ENTRY_OFFSET, vm);
    hull_store_le64(entry_of(maker, 5) + ENTRY_SIZE, UINT64_MAX);
    refused_when_sealed(maker, -HULL_EFORMAT, "lies outside of it, or in another");
    bundle_make(maker);
    hull_store_le64(entry_of(maker, 5) + ENTRY_OFFSET,
                    hull_load_le64(entry_of(maker, 5) + ENTRY_OFFSET) + 512);
    refused_when_sealed(maker, -HULL_EFORMAT, "is not aligned");
    bundle_make(maker);
    hull_store_le32(entry_of(maker, 1) + ENTRY_TYPE, BUNDLE_BOARD);
    hull_store_le32(entry_of(maker, 1) + ENTRY_VERSION, HULL_BUNDLE_BOARD_VERSION);
    refused_when_sealed(maker, -HULL_EFORMAT, "two boards");
    hull_store_le32(entry_of(maker, 0) + ENTRY_TYPE, BUNDLE_VM);
    refused_when_sealed(maker, -HULL_EFORMAT, "where the board should be");
    bundle_make(maker);
    hull_store_le32(maker->data + HEAD_COUNT, 1);
    refused_when_sealed(maker, -HULL_EFORMAT, "has no VM");
    hull_store_le32(maker->data + HEAD_COUNT, UINT32_MAX);
    refused_when_sealed(maker, -HULL_EFORMAT, "sections in");
}

static void sections_that_are_malformed(void **state)
{
    struct bundle_maker *maker = *state;
    uint8_t *vm = maker->data + hull_load_le64(entry_of(maker, 1) + ENTRY_OFFSET);
    uint64_t size = hull_load_le64(entry_of(maker, 1) + ENTRY_SIZE);

    hull_store_le64(entry_of(maker, 1) + ENTRY_SIZE, size - 1);
    refused_when_sealed(maker, -HULL_EFORMAT, "is malformed: section 1, at 'guest_files'");
    hull_store_le64(entry_of(maker, 1) + ENTRY_SIZE, size + 3);
    refused_when_sealed(maker, -HULL_EFORMAT, "section 1 has 3 bytes too many");
    hull_store_le64(entry_of(maker, 1) + ENTRY_SIZE, size);
    hull_store_le32(vm, 5000); // the length of the name
    refused_when_sealed(maker, -HULL_EFORMAT, "section 1, at 'name'");
    hull_store_le32(vm, 4);
    vm[5] = '\0'; // "w"
    refused_when_sealed(maker, -HULL_EFORMAT, "section 1, at 'name'");
    vm[5] = 'e';
    vm[7] = 'b'; // no terminator
    refused_when_sealed(maker, -HULL_EFORMAT, "section 1, at 'name'");
    vm[7] = '\0';
    bundle_seal(maker->data, maker->size);
    reads(maker);
}

static void blobs_that_are_not_there(void **state)
{
    struct bundle_maker *maker = *state;

    for (unsigned i = 0; i < 4; i++) {
        maker->vms[0].kernel.section = (const uint32_t[]){0, 1, 6, UINT32_MAX}[i];
        bundle_make(maker);
        refused(maker, -HULL_EFORMAT, "a VM's file");
    }
    maker->vms[0].kernel.section = 3;
    maker->vms[1].initrd.section = 4; // and no name
    bundle_make(maker);
    refused(maker, -HULL_EFORMAT, "a VM's file is section 4");
    maker->vms[1].initrd.section = 0;
    maker->blobs[2].size = 1000;
    bundle_make(maker);
    refused(maker, -HULL_EFORMAT, "has 1000 bytes, no multiple of 512");
    maker->blobs[2].size = 0;
    bundle_make(maker);
    refused(maker, -HULL_EFORMAT, "and empty");
}

static void a_writable_disk_belongs_to_one_vm(void **state)
{
    struct bundle_maker *maker = *state;
    struct vm_spec *other = &maker->vms[1].spec;

    other->disk_count = 1;
    other->disks[0] = (struct disk_spec){"root.img", NULL, true};
    maker->vms[1].disks[0].section = 5;
    bundle_make(maker);
    refused(maker, -HULL_EINVAL, "disks[0] of VM 'web' is writable, and used elsewhere");
    maker->vms[0].spec.disks[0].read_only = true;
    bundle_make(maker);
    reads(maker);
}

static void what_the_validators_refuse_is_refused(void **state)
{
    struct bundle_maker *maker = *state;

    maker->vms[1].spec.metal.harts[0] = 9;
    bundle_make(maker);
    refused(maker, -HULL_EINVAL, "VM 2 (tick): cpus.pinned[0] is hart 9");
    maker->vms[1].spec.metal.harts[0] = 3;
    maker->vms[0].spec.metal.weight = 0;
    bundle_make(maker);
    refused(maker, -HULL_EINVAL, "VM 1 (web): cpus.weight is 0");
    maker->vms[0].spec.metal.weight = 1;
    maker->board.timebase = 1;
    bundle_make(maker);
    refused(maker, -HULL_EINVAL, "board: timebase is 1 Hz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_follows_the_bundle_does_not_matter, setup, teardown),
        cmocka_unit_test_setup_teardown(every_cut_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blob_is_checked_when_it_is_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(older_vms_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(older_boards_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(boards_of_no_known_kind_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(newer_bundles_are_refused_as_such, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_optional_may_be_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(tables_that_cannot_be, setup, teardown),
        cmocka_unit_test_setup_teardown(sections_that_are_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(blobs_that_are_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_writable_disk_belongs_to_one_vm, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_validators_refuse_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests_name("core/bundle", tests, NULL, NULL);
}
