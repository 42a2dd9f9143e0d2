// SPDX-License-Identifier: Apache-2.0
// Boards, and whether VMs fit onto one: each fault is reported where it is, and all of them are.
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/bundle_maker.h"

#define FAULTS_MAX 32

struct faults {
    struct {
        unsigned vm;
        struct spec_error error;
    } list[FAULTS_MAX];
    unsigned count;
};

static void note(void *ctx, unsigned vm, const struct spec_error *error)
{
    struct faults *faults = ctx;

    assert_true(faults->count < FAULTS_MAX);
    assert_true(strlen(error->reason) > 3);
    faults->list[faults->count].vm = vm;
    faults->list[faults->count++].error = *error;
}

static void judge(struct bundle_maker *maker, uint64_t bundle_size, struct faults *faults)
{
    const struct spec_sink sink = {note, faults};
    const struct vm_spec *specs[4];
    int bad;

    memset(faults, 0, sizeof(*faults));
    bad = hull_board_validate(&maker->board, &sink);
    for (unsigned i = 0; i < maker->vm_count; i++) {
        specs[i] = &maker->vms[i].spec;
        bad |= hull_spec_validate_all(specs[i], i, &sink);
    }
    if (!bad)
        bad = hull_metal_validate(&maker->board, specs, maker->vm_count, bundle_size, &sink);
    assert_int_equal(bad, faults->count ? -HULL_EINVAL : 0);
}

static const char *vm_name(unsigned vm)
{
    return vm == HULL_SPEC_BOARD ? "board" : vm == 0 ? "web" : vm == 1 ? "tick" : "?";
}

// `wanted` as "VM: FIELD: a part of the reason".
static bool has_fault(const struct faults *faults, const char *wanted)
{
    for (unsigned i = 0; i < faults->count; i++) {
        const struct spec_error *error = &faults->list[i].error;
        char start[128];
        size_t length = (size_t)snprintf(start, sizeof(start),
                                         "%s: %s: ", vm_name(faults->list[i].vm), error->field);

        if (strncmp(wanted, start, length) == 0 && strstr(error->reason, wanted + length))
            return true;
    }
    return false;
}

static void print_faults(const struct faults *faults)
{
    for (unsigned i = 0; i < faults->count; i++)
        print_error("%s: %s: %s\n", vm_name(faults->list[i].vm), faults->list[i].error.field,
                    faults->list[i].error.reason);
}

// What is changed in a good board and its VMs, and what it leads to.
struct change {
    void (*change)(struct board_spec *board, struct vm_spec *web, struct vm_spec *tick);
    const char *faults[4];
};

#define CHANGE(name)                                                   \
    static void name(struct board_spec *board __attribute__((unused)), \
                     struct vm_spec *web __attribute__((unused)),      \
                     struct vm_spec *tick __attribute__((unused)))

CHANGE(nothing)
{
}
CHANGE(board_without_harts)
{
    board->hart_count = 0;
}
CHANGE(board_with_a_hart_twice)
{
    board->harts[2] = 1;
}
CHANGE(board_with_slow_time)
{
    board->timebase = 10;
}
CHANGE(board_with_fast_time)
{
    board->timebase = 1000000001;
}
CHANGE(board_without_memory)
{
    board->memory_count = 0;
}
CHANGE(board_with_odd_memory)
{
    board->memory[0].size += 100;
}
CHANGE(board_with_wrapping_memory)
{
    board->memory[0].address = UINT64_MAX - 4095;
}
CHANGE(board_with_memory_twice)
{
    board->memory[board->memory_count++] = board->memory[0];
}
CHANGE(board_with_reserved_twice)
{
    board->reserved[1].address = board->reserved[0].address;
}
CHANGE(board_with_nameless_reserved)
{
    board->reserved[1].name = "";
}
CHANGE(board_with_little_for_us)
{
    board->hypervisor_memory = 4096;
}
CHANGE(board_with_many_colours)
{
    board->page_colours = 65;
}
CHANGE(board_with_odd_colours)
{
    board->page_colours = 12;
}
CHANGE(board_with_odd_bundle)
{
    board->bundle_address = 0x88000100;
}
CHANGE(board_with_device_on_uart)
{
    board->devices[0].address = 0x10000000;
}
CHANGE(board_with_device_in_memory)
{
    board->devices[0].address = 0x80400000;
}
CHANGE(board_with_shared_irq)
{
    board->devices[1].irq = 11;
}
CHANGE(board_with_irq_past_the_plic)
{
    board->devices[1].irq = 96;
}
CHANGE(board_with_device_twice)
{
    board->devices[1].name = "rtc";
}
CHANGE(board_with_device_of_no_kind)
{
    board->devices[1].compatible = "a b";
    board->devices[0].compatible = NULL;
}
CHANGE(board_without_plic_sources)
{
    board->irq_sources = 0;
}
CHANGE(board_with_an_aplic)
{
    board->irqchips = BOARD_APLIC;
    web->interrupts = INTERRUPTS_APLIC;
}
CHANGE(board_with_imsics) // and fewer guest files than vCPUs
{
    board->irqchips = BOARD_APLIC | BOARD_IMSIC;
    board->imsic = (struct board_device){NULL, NULL, 0x28000000, 0x8000, 0, false};
    board->imsic_guest_files = 1;
    web->interrupts = INTERRUPTS_AIA;
    web->cpus = 6;
}
CHANGE(aia_on_a_plic)
{
    web->interrupts = INTERRUPTS_AIA;
}
CHANGE(aia_on_an_aplic_alone)
{
    board->irqchips = BOARD_APLIC;
    web->interrupts = tick->interrupts = INTERRUPTS_AIA;
}
CHANGE(board_with_both_controllers)
{
    board->irqchips = BOARD_PLIC | BOARD_APLIC;
}
CHANGE(board_with_no_controller)
{
    board->irqchips = 0;
}
CHANGE(board_with_imsics_and_a_plic)
{
    board_with_imsics(board, web, tick);
    board->irqchips = BOARD_PLIC | BOARD_IMSIC;
}
CHANGE(board_with_few_pages_of_files)
{
    board_with_imsics(board, web, tick);
    board->imsic_guest_files = 2;
}
CHANGE(board_with_many_guest_files)
{
    board_with_imsics(board, web, tick);
    board->imsic_guest_files = UINT32_MAX;
}
CHANGE(board_with_imsics_on_the_aplic)
{
    board_with_imsics(board, web, tick);
    board->imsic.address = 0x0c005000;
}
CHANGE(board_with_a_device_on_the_imsics)
{
    board_with_imsics(board, web, tick);
    board->devices[1].address = 0x28007000;
}
CHANGE(board_with_a_device_on_the_aplic)
{
    board->irqchips = BOARD_APLIC;
    board->devices[0].address = 0x0c001000;
    board->devices[1].irq = 96;
}
CHANGE(same_names)
{
    tick->name = web->name;
    web->metal.shared_count = tick->metal.shared_count = 0;
}
CHANGE(firmware)
{
    web->boot.firmware = "fw.bin";
}
CHANGE(user_network)
{
    web->nets[0] = (struct net_spec){.kind = NET_USER};
}
CHANGE(tap_network)
{
    web->nets[0] = (struct net_spec){.kind = NET_TAP, .tap = "tap0"};
}
CHANGE(hart_that_is_not_there)
{
    tick->metal.harts[0] = 4;
}
CHANGE(hart_of_both)
{
    web->metal.pinned = true;
    web->metal.hart_count = 2;
    web->metal.harts[0] = 3;
    web->metal.harts[1] = 0;
}
CHANGE(no_hart_left)
{
    board->hart_count = 1;
    board->harts[0] = 3;
}
CHANGE(more_cpus_than_harts) // which take turns
{
    web->cpus = 64;
}
CHANGE(other_count_than_pinned)
{
    tick->cpus = 2;
}
CHANGE(colours_of_a_board_without)
{
    board->page_colours = 0;
    web->metal.page_colours = 1;
}
CHANGE(colour_past_the_boards)
{
    web->metal.page_colours = 1 << 16;
}
CHANGE(colours_of_too_little)
{
    web->metal.page_colours = 3;
    web->memory = 130ull << 20;
}
CHANGE(memory_that_is_not_there)
{
    tick->metal.memory_address = 0xc0000000;
}
CHANGE(memory_over_the_end)
{
    tick->metal.memory_address = 0xbe000000;
}
CHANGE(memory_of_the_firmware)
{
    tick->metal.memory_address = 0x80000000;
}
CHANGE(memory_of_the_bundle)
{
    board->bundle_address = 0x93ff0000;
}
CHANGE(memory_of_both)
{
    web->metal.memory_address = 0x88000000;
    tick->metal.memory_address = 0x94000000;
}
CHANGE(bundle_in_no_memory)
{
    board->bundle_address = 0xbfff0000;
}
CHANGE(bundle_on_us)
{
    board->bundle_address = 0x801ff000;
}
CHANGE(more_memory_than_there_is)
{
    web->memory = 1024ull << 20;
}
CHANGE(no_memory_for_the_second)
{
    web->memory = 976ull << 20;
}
CHANGE(no_memory_beside_the_first_but_later)
{
    web->memory = 976ull << 20;
    web->metal.manual_start = true;
}
CHANGE(no_memory_even_alone)
{
    web->metal.manual_start = true;
    web->memory = 1024ull << 20;
}
CHANGE(device_that_is_not_there)
{
    tick->metal.passthrough[0].device = "gpu";
}
CHANGE(device_of_both)
{
    web->metal.passthrough_count = 1;
    web->metal.passthrough[0] = tick->metal.passthrough[0];
}
CHANGE(dma_that_nobody_allowed)
{
    tick->metal.unsafe_dma = false;
}
CHANGE(dma_into_scattered_memory)
{
    tick->metal.memory_address = 0;
}
CHANGE(device_past_its_window)
{
    board->devices[0].size = 0x2000;
    tick->metal.passthrough[0].address = HULL_PASSTHROUGH_END - 0x1000;
}
CHANGE(device_over_another)
{
    tick->metal.passthrough[1].address = tick->metal.passthrough[0].address;
}
CHANGE(device_without_its_interrupt)
{
    tick->metal.passthrough[0].irq = 0;
}
CHANGE(device_with_an_interrupt_it_has_not)
{
    board->devices[0].irq = 0;
}
CHANGE(peer_that_is_not_there)
{
    web->metal.shared[0].peers[0] = "ghost";
}
CHANGE(peer_that_does_not_share)
{
    tick->metal.shared_count = 0;
}
CHANGE(peers_of_other_sizes)
{
    tick->metal.shared[0].size = 4096;
}
CHANGE(region_without_a_place)
{
    tick->metal.shared[0].address = 0;
}
CHANGE(region_without_a_bell)
{
    tick->metal.shared[0].doorbell = 0;
}
CHANGE(one_mac_for_two)
{
    tick->net_count = 1;
    tick->nets[0] = web->nets[0];
}
CHANGE(two_that_come_first)
{
    web->metal.console_first = tick->metal.console_first = true;
}

static const struct change changes[] = {
    {nothing, {NULL}},
    {board_without_harts, {"board: harts: are 0"}},
    {board_with_a_hart_twice, {"board: harts[2]: is hart 1 again (also [1])"}},
    {board_with_slow_time, {"board: timebase: is 10 Hz"}},
    {board_with_fast_time, {"board: timebase: is 1000000001 Hz"}},
    {board_without_memory, {"board: memory: has 0 ranges"}},
    {board_with_odd_memory, {"board: memory[0]: has 1073741924 bytes"}},
    {board_with_wrapping_memory, {"board: memory[0]: goes past the end"}},
    {board_with_memory_twice, {"board: memory[1]: overlaps memory[0]"}},
    {board_with_reserved_twice, {"board: reserved[1]: overlaps reserved[0]"}},
    {board_with_nameless_reserved, {"board: reserved[1]: is empty"}},
    {board_with_little_for_us, {"board: hypervisor_memory: is 4096 bytes"}},
    {board_with_many_colours, {"board: page_colours: are 65"}},
    {board_with_odd_colours, {"board: page_colours: are 12; it must be a power of two"}},
    {board_with_odd_bundle, {"board: bundle_address: is 0x88000100, no multiple"}},
    {board_with_device_on_uart, {"board: devices[0]: overlaps uart"}},
    {board_with_device_in_memory, {"board: devices[0]: overlaps memory[0]"}},
    {board_with_shared_irq, {"board: devices[1]: has interrupt 11, as devices[0]"}},
    {board_with_irq_past_the_plic, {"board: devices[1]: has interrupt 96; the PLIC has 1 to 95"}},
    {board_with_device_twice, {"board: devices[1]: is called 'rtc', as devices[0]"}},
    {board_with_device_of_no_kind,
     {"board: devices[1]: has a \"compatible\" text with a space",
      "board: devices[0]: needs a \"compatible\""}},
    {board_without_plic_sources,
     {"board: plic: has 0 sources", "board: uart: has interrupt 10",
      "board: devices[0]: has interrupt 11", "board: devices[1]: has interrupt 1"}},
    {board_with_an_aplic, {NULL}},
    {board_with_imsics, {NULL}},
    {aia_on_a_plic, {"web: interrupts: are \"aia\", and board 'qemu-virt' has no IMSICs"}},
    {aia_on_an_aplic_alone,
     {"web: interrupts: use \"aplic\" or \"plic\"", "tick: interrupts: tell of its \"imsic\""}},
    {board_with_both_controllers, {"board: aplic: is there besides \"plic\""}},
    {board_with_no_controller, {"board: plic: is missing, and \"aplic\" as well"}},
    {board_with_imsics_and_a_plic, {"board: imsic: needs an \"aplic\""}},
    {board_with_few_pages_of_files,
     {"board: imsic.size: is 0x8000 bytes; 4 harts with 2 guest files each have 0xc000"}},
    {board_with_many_guest_files, {"board: imsic.guest_files: is 4294967295; it must be 0 to 63"}},
    {board_with_imsics_on_the_aplic, {"board: imsic: overlaps aplic"}},
    {board_with_a_device_on_the_imsics, {"board: devices[1]: overlaps imsic"}},
    {board_with_a_device_on_the_aplic,
     {"board: devices[0]: overlaps aplic",
      "board: devices[1]: has interrupt 96; the APLIC has 1 to 95"}},
    {same_names, {"tick: name: 'web' is the name of VM 1 as well"}},
    {firmware, {"web: boot.firmware: cannot run on bare metal"}},
    {user_network, {"web: nets[0]: needs a \"switch\" on bare metal: there is no user network"}},
    {tap_network, {"web: nets[0]: there is no tap network"}},
    {hart_that_is_not_there, {"tick: cpus.pinned[0]: is hart 4, which board 'qemu-virt' does not"}},
    {hart_of_both, {"tick: cpus.pinned[0]: is hart 3, which 'web' has for itself"}},
    {no_hart_left, {"web: cpus: every hart of board 'qemu-virt' is pinned"}},
    {more_cpus_than_harts, {NULL}},
    {other_count_than_pinned, {"tick: cpus: are 2, pinned to 1 harts"}},
    {colours_of_a_board_without, {"web: page_colours: says of no page colours"}},
    {colour_past_the_boards, {"web: page_colours: has the colours 0 to 15"}},
    {colours_of_too_little, {"web: page_colours: are those of 128 MiB"}},
    {memory_that_is_not_there, {"tick: memory.address: 0xc0000000 to 0xc3ffffff is not all"}},
    {memory_over_the_end, {"tick: memory.address: 0xbe000000 to 0xc1ffffff is not all memory"}},
    {memory_of_the_firmware,
     {"tick: memory.address: overlaps 'firmware' (0x80000000 to 0x801fffff)",
      "tick: memory.address: overlaps 'hull-metal'"}},
    {memory_of_the_bundle, {"tick: memory.address: overlaps the bundle (0x93ff0000 to"}},
    {memory_of_both, {"tick: memory.address: overlaps the memory of 'web' (0x88000000 to"}},
    {bundle_in_no_memory, {"board: bundle_address: there is no memory for all of the bundle"}},
    {bundle_on_us,
     {"board: bundle_address: would overlap 'firmware'", "board: bundle_address: 'hull-metal'"}},
    {more_memory_than_there_is, {"web: memory: of the 1024 MiB of board 'qemu-virt' 1014 are"}},
    {no_memory_for_the_second, {"tick: memory: is 64 MiB; of the 1024 MiB"}},
    {no_memory_beside_the_first_but_later, {NULL}},
    {no_memory_even_alone, {"web: memory: of the 1024 MiB of board 'qemu-virt' 1014 are"}},
    {device_that_is_not_there, {"tick: passthrough[0].device: has no device 'gpu'"}},
    {device_of_both, {"tick: passthrough[0].device: 'rtc' belongs to VM 'web' already"}},
    {dma_that_nobody_allowed, {"tick: passthrough[1].device: this needs \"unsafe_dma\": true"}},
    {dma_into_scattered_memory, {"tick: passthrough[1].device: memory must be one to one"}},
    {device_past_its_window, {"tick: passthrough[0].address: no room for the 0x2000 bytes"}},
    {device_over_another, {"tick: passthrough[1].address: overlaps passthrough[0]"}},
    {device_without_its_interrupt, {"tick: passthrough[0].irq: finds no interrupt free"}},
    {device_with_an_interrupt_it_has_not, {"tick: passthrough[0].irq: 'rtc' has no interrupt"}},
    {peer_that_is_not_there,
     {"web: shared_memory[0].peers[0]: there is no VM 'ghost'",
      "web: shared_memory[0].peers: 'tick' shares 'mailbox' as well"}},
    {peer_that_does_not_share, {"web: shared_memory[0].peers[0]: 'tick' does not share"}},
    {peers_of_other_sizes,
     {"web: shared_memory[0].size: is 1048576 bytes; 'tick' says 4096",
      "tick: shared_memory[0].size: 'web' says 1048576"}},
    {region_without_a_place, {"tick: shared_memory[0]: finds no guest address free"}},
    {region_without_a_bell, {"tick: shared_memory[0]: finds no interrupt free"}},
    {one_mac_for_two, {"tick: nets[0].mac: is that of nets[0] of 'web'"}},
    {two_that_come_first, {"tick: console.first: is said by 'web' as well"}},
};

// Exactly the faults that are wanted, no other one.
static void each_fault_is_reported_where_it_is(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(changes); i++) {
        struct bundle_maker maker;
        struct faults faults;
        unsigned wanted = 0;

        bundle_maker_init(&maker);
        changes[i].change(&maker.board, &maker.vms[0].spec, &maker.vms[1].spec);
        judge(&maker, 4 << 20, &faults);
        for (; wanted < 4 && changes[i].faults[wanted]; wanted++)
            if (!has_fault(&faults, changes[i].faults[wanted])) {
                print_error("change %u: lacks '%s'\n", i, changes[i].faults[wanted]);
                wrong++;
            }
        if (faults.count == wanted)
            continue;
        print_error("change %u: %u faults instead of %u:\n", i, faults.count, wanted);
        print_faults(&faults);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void places_are_chosen_apart_from_each_other(void **state)
{
    struct bundle_maker maker;
    struct metal_spec *metal;
    struct faults faults;

    (void)state;
    bundle_maker_init(&maker);
    metal = &maker.vms[0].spec.metal;
    metal->shared_count = 3;
    for (unsigned i = 0; i < 3; i++)
        metal->shared[i] = (struct shared_spec){.size = 3 << 20};
    metal->shared[1].address = HULL_SHARED_BASE + (2 << 20);
    metal->shared[1].doorbell = HULL_SPEC_IRQ_FIRST;
    metal->passthrough_count = 2;
    metal->passthrough[0].device = "rtc";
    metal->passthrough[1] =
        (struct passthrough_spec){.device = "disk", .address = HULL_PASSTHROUGH_BASE, .irq = 14};
    hull_metal_place(&maker.board, &maker.vms[0].spec);
    assert_int_equal(metal->shared[0].address, HULL_SHARED_BASE + (6 << 20));
    assert_int_equal(metal->shared[1].address, HULL_SHARED_BASE + (2 << 20));
    assert_int_equal(metal->shared[2].address, HULL_SHARED_BASE + (10 << 20));
    assert_int_equal(metal->shared[0].doorbell, 13);
    assert_int_equal(metal->shared[1].doorbell, 12);
    assert_int_equal(metal->shared[2].doorbell, 15);
    assert_int_equal(metal->passthrough[0].address, HULL_PASSTHROUGH_BASE + 0x1000);
    assert_int_equal(metal->passthrough[0].irq, 16);
    bundle_maker_init(&maker);
    judge(&maker, 4 << 20, &faults);
    assert_int_equal(faults.count, 0);
}

static void what_finds_no_room_has_no_place(void **state)
{
    struct bundle_maker maker;
    struct metal_spec *metal;

    (void)state;
    bundle_maker_init(&maker);
    metal = &maker.vms[0].spec.metal;
    metal->shared_count = 2;
    metal->shared[0] = (struct shared_spec){.size = 512 << 20};
    metal->shared[1] = (struct shared_spec){.size = 4096};
    hull_metal_place(&maker.board, &maker.vms[0].spec);
    assert_int_equal(metal->shared[0].address, HULL_SHARED_BASE);
    assert_int_equal(metal->shared[1].address, 0);
    metal->shared[0] = (struct shared_spec){.size = UINT64_MAX, .address = UINT64_MAX};
    metal->shared[1] = (struct shared_spec){.size = UINT64_MAX};
    metal->shared_count = metal->passthrough_count = UINT32_MAX;
    hull_metal_place(&maker.board, &maker.vms[0].spec); // whatever is in the file
    assert_int_equal(metal->shared[1].address, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_reported_where_it_is),
        cmocka_unit_test(places_are_chosen_apart_from_each_other),
        cmocka_unit_test(what_finds_no_room_has_no_place),
    };
    return cmocka_run_group_tests_name("core/spec_fit", tests, NULL, NULL);
}
