// SPDX-License-Identifier: Apache-2.0
// The board: devices on the bus by QEMU's `virt` map, images in RAM, harts at their start.
#include "guest/riscv/board.h"

#include "core/dev/devices.h"
#include "core/dev/virtio/virtio_devices.h"
#include "guest/riscv/board_interrupts.h"
#include "guest/riscv/boot.h"
#include "guest/riscv/hart.h"
#include "guest/riscv/sbi.h"
#include "lib/bytes.h"
#include "lib/checked.h"
#include "lib/format.h"
#include "lib/mem.h"

#define FDT_ROOM (16u << 10) // for a device tree; more up to BOARD_FDT_MAX when that does not do

// Finisher, RTC, UART; the ACLINT where M mode is, as without it nobody could use that: time and
// software interrupts come by the SBI.
static int add_platform(struct riscv_board *board, const struct board_backends *backends)
{
    struct vm *vm = board->vm;
    int error = 0;

    if (board->spec->boot.firmware)
        error = riscv_board_add(board, hull_aclint_create(vm), BOARD_ACLINT_BASE, BOARD_ACLINT_SIZE,
                                &board->aclint);
    if (!error)
        error = riscv_board_add(board, hull_finisher_create(vm), BOARD_FINISHER_BASE,
                                BOARD_FINISHER_SIZE, &board->finisher);
    if (!error)
        error = riscv_board_add(board,
                                hull_rtc_create(&vm->env, riscv_board_wire(board, BOARD_IRQ_RTC)),
                                BOARD_RTC_BASE, BOARD_RTC_SIZE, &board->rtc);
    if (!error)
        error = riscv_board_add(
            board,
            hull_uart_create(&vm->env, riscv_board_wire(board, BOARD_IRQ_UART), backends->uart),
            BOARD_UART_BASE, BOARD_UART_SIZE, &board->uart);
    return error;
}

// Takes virtio slots one by one; the first error sticks.
struct slots {
    struct riscv_board *board;
    struct virtio_bindings bindings; // of the next slot
    unsigned next;
    int error;
};

static void slots_bind(struct slots *slots)
{
    struct riscv_board *board = slots->board;

    slots->bindings = (struct virtio_bindings){
        .env = &board->vm->env,
        .memory = &board->vm->memory,
        .irq = riscv_board_wire(board, BOARD_IRQ_VIRTIO + slots->next),
    };
}

static struct device *slots_add(struct slots *slots, struct device *dev)
{
    struct riscv_board *board = slots->board;
    unsigned slot = slots->next++;

    slots->error = riscv_board_add(board, dev, BOARD_VIRTIO_BASE + slot * BOARD_VIRTIO_STRIDE,
                                   BOARD_VIRTIO_STRIDE, &board->virtio[slot]);
    slots_bind(slots);
    return slots->error ? NULL : dev;
}

static int add_virtio(struct riscv_board *board, const struct board_backends *backends)
{
    const struct vm_spec *spec = board->spec;
    struct slots slots = {.board = board};
    const struct virtio_bindings *bindings = &slots.bindings;

    slots_bind(&slots);
    for (unsigned i = 0; i < spec->disk_count && !slots.error; i++)
        board->disks[i] = slots_add(&slots, hull_virtio_blk_create(bindings, backends->disks[i]));
    for (unsigned i = 0; i < spec->net_count && !slots.error; i++)
        if (spec->nets[i].kind != NET_NONE)
            board->nets[i] = slots_add(&slots, hull_virtio_net_create(bindings, backends->nets[i]));
    if (spec->rng && !slots.error)
        board->rng = slots_add(&slots, hull_virtio_rng_create(bindings));
    if (spec->balloon && !slots.error)
        board->balloon = slots_add(&slots, hull_virtio_balloon_create(bindings));
    if (spec->virtio_console && !slots.error)
        board->console = slots_add(&slots, hull_virtio_console_create(bindings, backends->console));
    while (slots.next < BOARD_VIRTIO_SLOTS - 1 && !slots.error) {
        unsigned empty = slots.next;

        slots_add(&slots, hull_virtio_empty_create(&board->vm->env));
        board->virtio[empty] = NULL;
    }
    if (slots.next < BOARD_VIRTIO_SLOTS && !slots.error)
        board->power_button = slots_add(&slots, hull_virtio_power_button_create(bindings));
    return slots.error;
}

// The reset vector, as QEMU's: a0 = hartid, a1 = FDT, a2 = fw_dynamic information
// (include/sbi/fw_dynamic.h in OpenSBI), and a jump to the firmware.
static void write_rom(struct riscv_board *board, gpa_t next_addr)
{
    static const uint32_t code[] = {
        0x00000297, // auipc t0, 0
        0x02828613, // addi  a2, t0, 40
        0xf1402573, // csrr  a0, mhartid
        0x0202b583, // ld    a1, 32(t0)
        0x0182b283, // ld    t0, 24(t0)
        0x00028067, // jr    t0
    };
    static const uint64_t magic = 0x4942534f, version = 2, mode_s = 1;
    const uint64_t info[] = {magic, version, next_addr, mode_s, 0 /* options */, 0 /* boot hart */};
    uint8_t *rom = board->rom;

    memset(rom, 0, HULL_PAGE_SIZE);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(code); i++)
        hull_store_le32(rom + 4 * i, code[i]);
    hull_store_le64(rom + 24, board->entry);
    hull_store_le64(rom + 32, board->fdt_addr);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(info); i++)
        hull_store_le64(rom + 40 + 8 * i, info[i]);
    board->dynamic_info_addr = BOARD_ROM_BASE + 40;
}

// The tree into RAM, at an address that was settled before. Most trees are small.
static int write_fdt(struct riscv_board *board, struct boot_loader *loader, gpa_t initrd,
                     uint64_t initrd_size)
{
    const struct hull_env *env = &board->vm->env;
    uint8_t seed[BOARD_RNG_SEED_SIZE];
    bool seeded = !env->ops->random(env->ctx, seed, sizeof(seed));
    int size = -HULL_ENOSPC, error = 0;

    for (size_t room = FDT_ROOM; size == -HULL_ENOSPC && room <= BOARD_FDT_MAX; room *= 2) {
        void *blob = hull_alloc(env, room);

        if (!blob)
            return boot_fail(loader, -HULL_ENOMEM, "no memory for the device tree");
        size = riscv_board_fdt(board->spec, &board->isa, initrd, initrd_size, seeded ? seed : NULL,
                               blob, room);
        if (size >= 0)
            error = boot_place(loader, "the device tree", board->fdt_addr, blob, (uint64_t)size,
                               (uint64_t)size);
        hull_free(env, blob, room);
    }
    return size < 0 ? boot_fail(loader, size, "the device tree: %s", hull_strerror(size)) : error;
}

// Firmware, kernel, initrd, device tree, in this order and apart from each other.
static int load_images(struct riscv_board *board, struct boot_loader *loader)
{
    const struct board_images *images = &board->images;
    struct boot_layout layout;
    int error = boot_load_images(loader, images, &layout);
    const struct boot_loaded *first = images->firmware.data ? &layout.firmware : &layout.kernel;

    if (error)
        return error;
    board->fdt_addr = layout.fdt;
    board->entry = first->entry;
    board->tohost = first->tohost;
    board->fromhost = first->fromhost;
    if (images->firmware.data)
        write_rom(board, layout.kernel.entry);
    return write_fdt(board, loader, layout.initrd, layout.initrd ? images->initrd.size : 0);
}

static int board_load(struct riscv_board *board)
{
    struct boot_loader loader = {
        .memory = &board->vm->memory,
        .ram_base = riscv_board_ram_base(board->spec),
        .ram_size = board->spec->memory,
        .message = board->message,
        .message_size = sizeof(board->message),
    };

    return load_images(board, &loader);
}

static void reset_harts(struct riscv_board *board)
{
    struct vm *vm = board->vm;
    struct hart_state state;

    bool again = atomic_fetch_add(&board->resets, 1) > 0;

    for (unsigned i = 0; i < vm->vcpu_count; i++) {
        struct vcpu *vcpu = &vm->vcpus[i];

        riscv_hart_reset(&state, &board->isa, board->sbi != NULL, i,
                         board->sbi ? board->entry : BOARD_ROM_BASE,
                         board->sbi ? board->fdt_addr : 0);
        if (again) // takes in software interrupts of the life before, so that they end with it
            (void)vm->engine->wakeup_pending(vcpu);
        vm->engine->set_state(vcpu, &state);
        atomic_store(&vcpu->fences, 0);
        // Wires that stayed high are looked at anew. No wake-up: there may be no thread yet.
        atomic_fetch_or(&vcpu->attention, VCPU_ATTN_IRQ | VCPU_ATTN_TIMER);
    }
    if (board->sbi)
        riscv_sbi_reset(board->sbi);
}

static int board_add_rom(struct riscv_board *board)
{
    struct vm *vm = board->vm;

    board->rom = hull_alloc(&vm->env, HULL_PAGE_SIZE);
    if (!board->rom)
        return -HULL_ENOMEM;
    return hull_memory_add(&vm->memory, BOARD_ROM_BASE, HULL_PAGE_SIZE, board->rom);
}

// The guest's clock starts at 0.
static void restart_time(struct vm *vm)
{
    atomic_fetch_sub(&vm->time_offset, hull_vm_time(vm));
}

static int check_images(struct riscv_board *board)
{
    const struct boot_spec *boot = &board->spec->boot;
    const struct board_images *images = &board->images;
    const char *missing = NULL;

    if (boot->kernel && !images->kernel.size)
        missing = "kernel";
    if (boot->firmware && !images->firmware.size)
        missing = "firmware";
    if (!missing)
        return 0;
    hull_snprintf(board->message, sizeof(board->message), "the %s is empty", missing);
    return -HULL_EFORMAT;
}

static int check_isa(struct riscv_board *board)
{
    if (board->spec->interrupts != INTERRUPTS_AIA || riscv_isa_has(&board->isa, EXT_SSAIA))
        return 0;
    hull_snprintf(board->message, sizeof(board->message),
                  "the engine %s has no IMSICs for this board's harts", board->vm->engine->name);
    return -HULL_ENOTSUP;
}

int riscv_board_create(struct riscv_board *board, struct vm *vm, const struct vm_spec *spec,
                       const struct board_images *images, const struct board_backends *backends)
{
    int error = 0;

    memset(board, 0, sizeof(*board));
    board->vm = vm;
    board->spec = spec;
    board->images = *images;
    board->isa = riscv_board_isa(spec);
    if (vm->engine->limit_isa)
        vm->engine->limit_isa(&board->isa);
    vm->env.ops->lock_init(vm->env.ctx, &board->htif_lock);
    vm->board = board;
    restart_time(vm);
    error = check_images(board);
    if (!error)
        error = check_isa(board);
    if (!error)
        error = spec->boot.firmware ? board_add_rom(board) : riscv_sbi_create(board);
    if (!error)
        error = riscv_board_add_interrupts(board);
    if (!error)
        error = add_platform(board, backends);
    if (!error)
        error = add_virtio(board, backends);
    if (!error)
        error = board_load(board);
    if (error) {
        if (!board->message[0])
            hull_snprintf(board->message, sizeof(board->message), "can't make the board: %s",
                          hull_strerror(error));
        riscv_board_destroy(board);
        return error;
    }
    riscv_htif_reset(board);
    reset_harts(board);
    return 0;
}

static void forget_rom(struct riscv_board *board)
{
    struct guest_memory *mem = &board->vm->memory;

    for (unsigned i = 0; i < mem->count; i++)
        if (mem->regions[i].host == board->rom) {
            mem->regions[i] = mem->regions[--mem->count];
            break;
        }
    hull_free(&board->vm->env, board->rom, HULL_PAGE_SIZE);
    board->rom = NULL;
}

void riscv_board_destroy(struct riscv_board *board)
{
    struct vm *vm = board->vm;

    if (!vm)
        return;
    vm->memory.watch = (struct mem_watch){0};
    if (board->sbi)
        riscv_sbi_destroy(board);
    if (board->rom)
        forget_rom(board);
    vm->env.ops->lock_destroy(vm->env.ctx, &board->htif_lock);
    vm->board = NULL;
    board->vm = NULL;
}

int riscv_board_reset(struct riscv_board *board)
{
    struct vm *vm = board->vm;
    int error;

    hull_bus_reset(&vm->bus);
    restart_time(vm);
    // RAM starts out as zeroes, and what the guest had in it is none of its successor's business.
    for (unsigned i = 0; i < vm->memory.count; i++)
        if (vm->memory.regions[i].host != board->rom)
            vm->env.ops->memory_discard(vm->env.ctx, vm->memory.regions[i].host,
                                        vm->memory.regions[i].size);
    error = board_load(board);
    if (error)
        return error;
    riscv_htif_reset(board);
    reset_harts(board);
    return 0;
}
