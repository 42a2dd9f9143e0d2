// SPDX-License-Identifier: Apache-2.0
// Whether VMs fit onto a board and go together: what `hull pack` asks before it writes a bundle, and
// hull-metal again before it believes one. Each VM and the board are valid by themselves here.
#include <hull/spec.h>

#include "core/spec_check.h"
#include "lib/bits.h"
#include "lib/checked.h"
#include "lib/format.h"
#include "lib/mem.h"
#include "lib/str.h"

#define MIB (1ull << 20)

// What is checked, and the VM whose turn it is.
struct fit {
    const struct board_spec *board;
    const struct vm_spec *const *specs;
    unsigned count, vm;
    uint64_t bundle_size;
    const struct vm_spec *spec;
    const struct metal_spec *metal;
    const struct spec_check *to;
};

static bool board_has_hart(const struct board_spec *board, uint32_t hart)
{
    for (unsigned i = 0; i < board->hart_count; i++)
        if (board->harts[i] == hart)
            return true;
    return false;
}

static bool vm_pins(const struct metal_spec *metal, uint32_t hart)
{
    for (unsigned i = 0; metal->pinned && i < metal->hart_count; i++)
        if (metal->harts[i] == hart)
            return true;
    return false;
}

static int fit_name(const struct fit *fit)
{
    for (unsigned j = 0; j < fit->vm; j++)
        if (hull_streq(fit->spec->name, fit->specs[j]->name))
            return hull_spec_fault(fit->to, "name", "'%s' is the name of VM %u as well",
                                   fit->spec->name, j + 1);
    return 0;
}

// On bare metal there is no M mode for a guest, and only one kind of network.
static int fit_kinds(const struct fit *fit)
{
    char field[32];
    int bad = 0;

    if (fit->spec->boot.firmware)
        bad = hull_spec_fault(fit->to, "boot.firmware",
                              "cannot run on bare metal: M mode is the board's own firmware's");
    else if (!fit->spec->boot.kernel)
        bad = hull_spec_fault(fit->to, "boot", "needs a kernel");
    for (unsigned i = 0; i < fit->spec->net_count; i++) {
        const struct net_spec *net = &fit->spec->nets[i];

        hull_snprintf(field, sizeof(field), "nets[%u]", i);
        if (net->kind != NET_NONE && !net->switch_name)
            bad = hull_spec_fault(fit->to, field,
                                  "needs a \"switch\" on bare metal: there is no %s network",
                                  net->kind == NET_TAP ? "tap" : "user");
    }
    return bad;
}

// Fewer guest files than vCPUs are no fault: the others' are in memory.
static int fit_interrupts(const struct fit *fit)
{
    if (fit->spec->interrupts != INTERRUPTS_AIA || fit->board->irqchips & BOARD_IMSIC)
        return 0;
    return hull_spec_fault(fit->to, "interrupts",
                           "are \"aia\", and board '%s' has no IMSICs: use \"aplic\" or \"plic\", "
                           "or tell of its \"imsic\" in the board's file",
                           fit->board->name);
}

static int fit_hart(const struct fit *fit, unsigned i)
{
    uint32_t hart = fit->metal->harts[i];
    char field[32];

    hull_snprintf(field, sizeof(field), "cpus.pinned[%u]", i);
    if (!board_has_hart(fit->board, hart))
        return hull_spec_fault(fit->to, field, "is hart %u, which board '%s' does not have", hart,
                               fit->board->name);
    for (unsigned j = 0; j < fit->vm; j++)
        if (vm_pins(&fit->specs[j]->metal, hart))
            return hull_spec_fault(fit->to, field, "is hart %u, which '%s' has for itself", hart,
                                   fit->specs[j]->name);
    return 0;
}

// Harts that no VM has for itself.
static unsigned free_harts(const struct fit *fit)
{
    unsigned harts = 0;

    for (unsigned i = 0; i < fit->board->hart_count; i++) {
        bool taken = false;

        for (unsigned j = 0; j < fit->count; j++)
            taken |= vm_pins(&fit->specs[j]->metal, fit->board->harts[i]);
        harts += !taken;
    }
    return harts;
}

static int fit_cpus(const struct fit *fit)
{
    int bad = 0;

    if (!fit->metal->pinned && !free_harts(fit))
        return hull_spec_fault(fit->to, "cpus",
                               "are shared, but every hart of board '%s' is pinned to some VM",
                               fit->board->name);
    if (fit->metal->pinned && fit->metal->hart_count != fit->spec->cpus)
        bad = hull_spec_fault(fit->to, "cpus", "are %u, pinned to %u harts", fit->spec->cpus,
                              fit->metal->hart_count);
    for (unsigned i = 0; fit->metal->pinned && i < fit->metal->hart_count; i++)
        bad |= fit_hart(fit, i);
    return bad;
}

static uint64_t board_memory(const struct board_spec *board)
{
    uint64_t have = 0;

    for (unsigned i = 0; i < board->memory_count; i++)
        if (!hull_add_u64(have, board->memory[i].size, &have))
            have = UINT64_MAX;
    return have;
}

static int fit_colours(const struct fit *fit)
{
    unsigned colours = fit->board->page_colours;
    uint64_t room;

    if (!fit->metal->page_colours)
        return 0;
    if (!colours)
        return hull_spec_fault(fit->to, "page_colours", "board '%s' says of no page colours",
                               fit->board->name);
    if (colours < HULL_SPEC_COLOURS_MAX && fit->metal->page_colours >> colours)
        return hull_spec_fault(fit->to, "page_colours", "board '%s' has the colours 0 to %u",
                               fit->board->name, colours - 1);
    room = board_memory(fit->board) / colours * hull_popcount64(fit->metal->page_colours);
    if (room < fit->spec->memory)
        return hull_spec_fault(fit->to, "page_colours",
                               "are those of %llu MiB on board '%s'; the memory is %llu MiB",
                               (unsigned long long)(room / MIB), fit->board->name,
                               (unsigned long long)(fit->spec->memory / MIB));
    return 0;
}

// RAM at an address of its own, and something else that lies in memory.
static int fit_apart(const struct fit *fit, const char *what, uint64_t address, uint64_t size)
{
    uint64_t mine = fit->metal->memory_address;

    if (!hull_range_overlaps(mine, fit->spec->memory, address, size))
        return 0;
    return hull_spec_fault(
        fit->to, "memory.address", "0x%llx to 0x%llx overlaps %s (0x%llx to 0x%llx)",
        (unsigned long long)mine, (unsigned long long)(mine + fit->spec->memory - 1), what,
        (unsigned long long)address, (unsigned long long)(address + size - 1));
}

static int fit_place(const struct fit *fit)
{
    const struct board_spec *board = fit->board;
    uint64_t address = fit->metal->memory_address, size = fit->spec->memory;
    char what[HULL_SPEC_NAME_MAX + 24];
    bool there = false;
    int bad = 0;

    if (!address)
        return 0;
    for (unsigned i = 0; i < board->memory_count; i++)
        there |=
            hull_range_contains(board->memory[i].address, board->memory[i].size, address, size);
    if (!there)
        bad = hull_spec_fault(
            fit->to, "memory.address", "0x%llx to 0x%llx is not all memory of board '%s'",
            (unsigned long long)address, (unsigned long long)(address + size - 1), board->name);
    for (unsigned i = 0; i < board->reserved_count; i++) {
        hull_snprintf(what, sizeof(what), "'%s'", board->reserved[i].name);
        bad |= fit_apart(fit, what, board->reserved[i].address, board->reserved[i].size);
    }
    if (board->bundle_address)
        bad |= fit_apart(fit, "the bundle", board->bundle_address, fit->bundle_size);
    for (unsigned j = 0; j < fit->vm; j++) {
        hull_snprintf(what, sizeof(what), "the memory of '%s'", fit->specs[j]->name);
        if (fit->specs[j]->metal.memory_address)
            bad |= fit_apart(fit, what, fit->specs[j]->metal.memory_address, fit->specs[j]->memory);
    }
    return bad;
}

static bool vm_has_device(const struct metal_spec *metal, const char *name)
{
    for (unsigned i = 0; i < metal->passthrough_count; i++)
        if (hull_streq(metal->passthrough[i].device, name))
            return true;
    return false;
}

// In the guest, where the devices' sizes are known only now.
static int fit_device_place(const struct fit *fit, unsigned i, uint64_t size)
{
    const struct passthrough_spec *mine = &fit->metal->passthrough[i];
    char field[40];

    hull_snprintf(field, sizeof(field), "passthrough[%u].address", i);
    if (!hull_range_contains(HULL_PASSTHROUGH_BASE, HULL_PASSTHROUGH_END - HULL_PASSTHROUGH_BASE,
                             mine->address, size))
        return hull_spec_fault(fit->to, field,
                               "finds no room for the 0x%llx bytes of '%s' in 0x%llx to 0x%llx",
                               (unsigned long long)size, mine->device, HULL_PASSTHROUGH_BASE,
                               HULL_PASSTHROUGH_END - 1);
    for (unsigned j = 0; j < i; j++) {
        const struct passthrough_spec *other = &fit->metal->passthrough[j];
        const struct board_device *device = hull_board_device(fit->board, other->device);

        if (device && hull_range_overlaps(mine->address, size, other->address, device->size))
            return hull_spec_fault(fit->to, field, "overlaps passthrough[%u]", j);
    }
    return 0;
}

static int fit_dma(const struct fit *fit, const char *field, const char *name)
{
    int bad = 0;

    if (!fit->metal->unsafe_dma)
        bad = hull_spec_fault(fit->to, field,
                              "'%s' reads and writes memory by itself, anybody's: this needs "
                              "\"unsafe_dma\": true",
                              name);
    if (!fit->metal->memory_address)
        bad = hull_spec_fault(fit->to, field,
                              "'%s' reads and writes memory by itself: the VM's memory must be "
                              "one to one, by its \"address\"",
                              name);
    return bad;
}

static int fit_device(const struct fit *fit, unsigned i)
{
    const struct passthrough_spec *mine = &fit->metal->passthrough[i];
    const struct board_device *device = hull_board_device(fit->board, mine->device);
    char field[40];
    int bad = 0;

    hull_snprintf(field, sizeof(field), "passthrough[%u].device", i);
    if (!device)
        return hull_spec_fault(fit->to, field, "board '%s' has no device '%s'", fit->board->name,
                               mine->device);
    for (unsigned j = 0; j < fit->vm; j++)
        if (vm_has_device(&fit->specs[j]->metal, mine->device))
            bad = hull_spec_fault(fit->to, field, "'%s' belongs to VM '%s' already", mine->device,
                                  fit->specs[j]->name);
    if (device->dma)
        bad |= fit_dma(fit, field, mine->device);
    if (!mine->irq != !device->irq) {
        hull_snprintf(field, sizeof(field), "passthrough[%u].irq", i);
        bad = hull_spec_fault(fit->to, field,
                              device->irq ? "finds no interrupt free for '%s'"
                                          : "'%s' has no interrupt",
                              mine->device);
    }
    return fit_device_place(fit, i, device->size) | bad;
}

static int fit_devices(const struct fit *fit)
{
    int bad = 0;

    for (unsigned i = 0; i < fit->metal->passthrough_count; i++)
        bad |= fit_device(fit, i);
    return bad;
}

static const struct shared_spec *find_shared(const struct vm_spec *spec, const char *name)
{
    for (unsigned i = 0; i < spec->metal.shared_count; i++)
        if (hull_streq(spec->metal.shared[i].name, name))
            return &spec->metal.shared[i];
    return NULL;
}

static bool has_peer(const struct shared_spec *shared, const char *name)
{
    for (unsigned p = 0; p < shared->peer_count; p++)
        if (hull_streq(shared->peers[p], name))
            return true;
    return false;
}

static const struct vm_spec *find_vm(const struct fit *fit, const char *name)
{
    for (unsigned j = 0; j < fit->count; j++)
        if (hull_streq(fit->specs[j]->name, name))
            return fit->specs[j];
    return NULL;
}

static int fit_peer(const struct fit *fit, unsigned i, unsigned p)
{
    const struct shared_spec *shared = &fit->metal->shared[i], *theirs;
    const struct vm_spec *peer = find_vm(fit, shared->peers[p]);
    char field[48];

    hull_snprintf(field, sizeof(field), "shared_memory[%u].peers[%u]", i, p);
    if (!peer)
        return hull_spec_fault(fit->to, field, "there is no VM '%s'", shared->peers[p]);
    theirs = find_shared(peer, shared->name);
    if (!theirs)
        return hull_spec_fault(fit->to, field, "'%s' does not share '%s'", peer->name,
                               shared->name);
    if (theirs->size != shared->size) {
        hull_snprintf(field, sizeof(field), "shared_memory[%u].size", i);
        return hull_spec_fault(fit->to, field, "is %llu bytes; '%s' says %llu",
                               (unsigned long long)shared->size, peer->name,
                               (unsigned long long)theirs->size);
    }
    return 0;
}

// Everybody who uses the name must be a peer of everybody else who does.
static int fit_region(const struct fit *fit, unsigned i)
{
    const struct shared_spec *shared = &fit->metal->shared[i];
    char field[48];
    int bad = 0;

    for (unsigned p = 0; p < shared->peer_count; p++)
        bad |= fit_peer(fit, i, p);
    hull_snprintf(field, sizeof(field), "shared_memory[%u].peers", i);
    for (unsigned j = 0; j < fit->count; j++)
        if (j != fit->vm && find_shared(fit->specs[j], shared->name) &&
            !has_peer(shared, fit->specs[j]->name))
            bad = hull_spec_fault(fit->to, field, "'%s' shares '%s' as well, and is not named",
                                  fit->specs[j]->name, shared->name);
    return bad;
}

static int fit_shared(const struct fit *fit)
{
    char field[48];
    int bad = 0;

    for (unsigned i = 0; i < fit->metal->shared_count; i++) {
        const struct shared_spec *shared = &fit->metal->shared[i];

        hull_snprintf(field, sizeof(field), "shared_memory[%u]", i);
        if (!shared->address || !shared->doorbell)
            bad = hull_spec_fault(fit->to, field, "finds no %s free for '%s'",
                                  shared->address ? "interrupt" : "guest address", shared->name);
    }
    for (unsigned i = 0; i < fit->metal->shared_count; i++)
        bad |= fit_region(fit, i);
    return bad;
}

static int fit_mac(const struct fit *fit, unsigned i)
{
    static const uint8_t none[6];
    const struct net_spec *net = &fit->spec->nets[i];
    char field[32];

    hull_snprintf(field, sizeof(field), "nets[%u].mac", i);
    for (unsigned j = 0; memcmp(net->mac, none, 6) && j < fit->vm; j++)
        for (unsigned n = 0; n < fit->specs[j]->net_count; n++)
            if (!memcmp(net->mac, fit->specs[j]->nets[n].mac, 6))
                return hull_spec_fault(fit->to, field, "is that of nets[%u] of '%s' as well", n,
                                       fit->specs[j]->name);
    return 0;
}

static int fit_console(const struct fit *fit)
{
    int bad = 0;

    for (unsigned i = 0; i < fit->spec->net_count; i++)
        bad |= fit_mac(fit, i);
    for (unsigned j = 0; fit->metal->console_first && j < fit->vm; j++)
        if (fit->specs[j]->metal.console_first)
            return hull_spec_fault(fit->to, "console.first", "is said by '%s' as well",
                                   fit->specs[j]->name);
    return bad;
}

// What one VM takes of the board's memory besides the VM that is looked at. One that is not started at boot need
// not find room beside the others: they may have ended, or given memory back, when somebody starts it. Each shared region is counted once, at its first VM.
static uint64_t vm_takes(const struct fit *fit, unsigned vm)
{
    const struct vm_spec *spec = fit->specs[vm];
    bool beside = !spec->metal.manual_start && !fit->metal->manual_start;
    uint64_t bytes = (vm == fit->vm || beside ? spec->memory : 0) + spec->metal.console_log;

    for (unsigned i = 0; i < spec->metal.shared_count; i++) {
        bool first = true;

        for (unsigned j = 0; j < vm; j++)
            first &= !find_shared(fit->specs[j], spec->metal.shared[i].name);
        bytes += first ? spec->metal.shared[i].size : 0;
    }
    return bytes;
}

// Where the boot loader puts the bundle there must be memory, and nothing else.
static int fit_bundle(const struct board_spec *board, uint64_t size, const struct spec_sink *sink)
{
    const struct spec_check to = {HULL_SPEC_BOARD, sink};
    uint64_t address = board->bundle_address;
    bool there = false;
    int bad = 0;

    if (!address)
        return 0;
    for (unsigned i = 0; i < board->memory_count; i++)
        there |=
            hull_range_contains(board->memory[i].address, board->memory[i].size, address, size);
    if (!there)
        bad = hull_spec_fault(&to, "bundle_address",
                              "is 0x%llx: there is no memory for all of the bundle's %llu KiB",
                              (unsigned long long)address, (unsigned long long)(size / 1024));
    for (unsigned i = 0; i < board->reserved_count; i++)
        if (hull_range_overlaps(address, size, board->reserved[i].address, board->reserved[i].size))
            bad = hull_spec_fault(&to, "bundle_address",
                                  "is 0x%llx: the bundle's %llu KiB would overlap '%s' at 0x%llx",
                                  (unsigned long long)address, (unsigned long long)(size / 1024),
                                  board->reserved[i].name,
                                  (unsigned long long)board->reserved[i].address);
    return bad;
}

static int fit_memory(const struct fit *fit)
{
    const struct board_spec *board = fit->board;
    uint64_t have = board_memory(board), taken = board->hypervisor_memory, before;

    for (unsigned i = 0; i < board->memory_count; i++)
        for (unsigned r = 0; r < board->reserved_count; r++)
            if (hull_range_contains(board->memory[i].address, board->memory[i].size,
                                    board->reserved[r].address, board->reserved[r].size))
                taken += board->reserved[r].size;
    if (!hull_add_u64(taken, fit->bundle_size, &taken))
        taken = UINT64_MAX;
    before = taken;
    for (unsigned j = 0; j <= fit->vm; j++) {
        before = taken;
        if (!hull_add_u64(taken, vm_takes(fit, j), &taken))
            taken = UINT64_MAX;
    }
    if (taken <= have || before > have) // said once, where it begins
        return 0;
    return hull_spec_fault(fit->to, "memory",
                           "is %llu MiB; of the %llu MiB of board '%s' %llu are left (after "
                           "hull-metal, the bundle%s)",
                           (unsigned long long)(fit->spec->memory / MIB),
                           (unsigned long long)(have / MIB), board->name,
                           (unsigned long long)((have - before) / MIB),
                           fit->vm ? " and the VMs before" : "");
}

int hull_metal_validate(const struct board_spec *board, const struct vm_spec *const specs[],
                        unsigned count, uint64_t bundle_size, const struct spec_sink *sink)
{
    int bad = fit_bundle(board, bundle_size, sink);

    for (unsigned i = 0; i < count; i++) {
        const struct spec_check check = {i, sink};
        const struct fit fit = {board, specs, count, i, bundle_size, specs[i], &specs[i]->metal,
                                &check};

        bad |= fit_name(&fit);
        bad |= fit_kinds(&fit);
        bad |= fit_interrupts(&fit);
        bad |= fit_cpus(&fit);
        bad |= fit_colours(&fit);
        bad |= fit_place(&fit);
        bad |= fit_devices(&fit);
        bad |= fit_shared(&fit);
        bad |= fit_console(&fit);
        bad |= fit_memory(&fit);
    }
    return bad;
}
