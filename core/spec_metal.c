// SPDX-License-Identifier: Apache-2.0
// The spec validator's part on what matters on bare metal only, as far as one VM by itself tells.
// Whether it fits the board and the other VMs is looked at in spec_board.c.
#include <hull/spec.h>

#include "core/spec_check.h"
#include "lib/bits.h"
#include "lib/checked.h"
#include "lib/format.h"
#include "lib/mem.h"
#include "lib/str.h"

#define MEGAPAGE (2ull << 20)
#define GPA_END (1ull << 41) // of Sv39x4, the smallest stage 2

void hull_spec_metal_defaults(struct metal_spec *metal)
{
    memset(metal, 0, sizeof(*metal));
    metal->weight = HULL_SPEC_WEIGHT_DEFAULT;
    metal->priority = HULL_SPEC_PRIORITY_DEFAULT;
    metal->policy = (struct policy_spec){
        .on_poweroff = POLICY_STOP,
        .on_reset = POLICY_RESTART,
        .on_crash = POLICY_STOP,
        .on_watchdog = POLICY_RESTART,
        .delay = 1,
        .delay_max = 60,
        .limit = 5,
        .window = 600,
    };
    metal->console_log = HULL_SPEC_LOG_DEFAULT;
}

static int check_pins(const struct metal_spec *metal, const struct spec_check *to)
{
    char field[32];
    int bad = 0;

    if (!metal->pinned)
        return metal->hart_count ? hull_spec_fault(to, "cpus", "names harts without being pinned")
                                 : 0;
    if (metal->hart_count < 1 || metal->hart_count > HULL_CPUS_MAX)
        return hull_spec_fault(to, "cpus.pinned", "names %u harts; it must be 1 to %u",
                               metal->hart_count, HULL_CPUS_MAX);
    for (unsigned i = 0; i < metal->hart_count; i++)
        for (unsigned j = 0; j < i; j++)
            if (metal->harts[i] == metal->harts[j]) {
                hull_snprintf(field, sizeof(field), "cpus.pinned[%u]", i);
                bad = hull_spec_fault(to, field, "names hart %u twice (also at [%u])",
                                      metal->harts[i], j);
                break;
            }
    return bad;
}

static int check_share(const struct metal_spec *metal, const struct spec_check *to)
{
    int bad = check_pins(metal, to);

    if (metal->weight < 1 || metal->weight > HULL_SPEC_WEIGHT_MAX)
        bad = hull_spec_fault(to, "cpus.weight", "is %u; it must be 1 to %u", metal->weight,
                              HULL_SPEC_WEIGHT_MAX);
    if (metal->priority > HULL_SPEC_PRIORITY_MAX)
        bad = hull_spec_fault(to, "cpus.priority", "is %u; it must be 0 to %u", metal->priority,
                              HULL_SPEC_PRIORITY_MAX);
    return bad;
}

// The guest's devices lie below 2 GiB.
static int check_place(const struct vm_spec *spec, const struct spec_check *to)
{
    const struct metal_spec *metal = &spec->metal;
    uint64_t address = metal->memory_address;
    int bad = 0;

    if (address && !hull_is_aligned_u64(address, MEGAPAGE))
        bad = hull_spec_fault(to, "memory.address", "is 0x%llx, no multiple of 2 MiB",
                              (unsigned long long)address);
    else if (address &&
             (address < HULL_SHARED_END || address >= GPA_END || GPA_END - address < spec->memory))
        bad = hull_spec_fault(to, "memory.address",
                              "puts RAM at 0x%llx; it must lie between 2 GiB and 2 TiB",
                              (unsigned long long)address);
    if (address && metal->page_colours)
        bad = hull_spec_fault(to, "page_colours",
                              "goes with memory that may lie anywhere, not with an address");
    return bad;
}

static int check_actions(const struct policy_spec *policy, const struct spec_check *to)
{
    const struct {
        const char *field;
        enum policy_action action;
    } actions[] = {
        {"policy.on_poweroff", policy->on_poweroff},
        {"policy.on_reset", policy->on_reset},
        {"policy.on_crash", policy->on_crash},
        {"policy.on_watchdog", policy->on_watchdog},
    };
    int bad = 0;

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(actions); i++)
        if ((unsigned)actions[i].action > POLICY_RESTART)
            bad = hull_spec_fault(to, actions[i].field, "is unknown (number %d)",
                                  (int)actions[i].action);
    return bad;
}

static int check_policy(const struct metal_spec *metal, const struct spec_check *to)
{
    const struct policy_spec *policy = &metal->policy;
    int bad = check_actions(policy, to);

    if (policy->delay_max > 24 * 3600)
        bad = hull_spec_fault(to, "policy.delay_max", "is %u seconds; it may be a day at most",
                              policy->delay_max);
    if (policy->delay > policy->delay_max)
        bad = hull_spec_fault(to, "policy.delay", "is %u seconds, more than delay_max (%u)",
                              policy->delay, policy->delay_max);
    if (policy->window < 1 || policy->window > 24 * 3600)
        bad = hull_spec_fault(to, "policy.window", "is %u seconds; it must be 1 to a day",
                              policy->window);
    if (metal->watchdog > HULL_SPEC_WATCHDOG_MAX)
        bad = hull_spec_fault(to, "watchdog", "is %u seconds; it may be %u at most",
                              metal->watchdog, HULL_SPEC_WATCHDOG_MAX);
    return bad;
}

static int check_log(const struct metal_spec *metal, const struct spec_check *to)
{
    int bad = 0;

    if ((unsigned)metal->console_colour > COLOUR_WHITE)
        bad = hull_spec_fault(to, "console.colour", "is unknown (number %d)",
                              (int)metal->console_colour);
    if (metal->console_log < HULL_SPEC_LOG_MIN || metal->console_log > HULL_SPEC_LOG_MAX ||
        !hull_is_pow2(metal->console_log))
        bad = hull_spec_fault(to, "console.log",
                              "is %u bytes; it must be a power of two from 4 KiB to 1 MiB",
                              metal->console_log);
    return bad;
}

static int check_peers(const struct vm_spec *spec, unsigned i, const struct spec_check *to)
{
    const struct shared_spec *shared = &spec->metal.shared[i];
    char field[48];
    int bad = 0;

    hull_snprintf(field, sizeof(field), "shared_memory[%u].peers", i);
    if (shared->peer_count < 1 || shared->peer_count > HULL_SPEC_PEERS_MAX)
        return hull_spec_fault(to, field, "are %u; they must be 1 to %u", shared->peer_count,
                               HULL_SPEC_PEERS_MAX);
    for (unsigned p = 0; p < shared->peer_count; p++) {
        hull_snprintf(field, sizeof(field), "shared_memory[%u].peers[%u]", i, p);
        if (hull_spec_check_name(to, field, shared->peers[p], HULL_SPEC_NAME_MAX)) {
            bad = -HULL_EINVAL;
            continue;
        }
        if (spec->name && hull_streq(shared->peers[p], spec->name))
            bad = hull_spec_fault(to, field, "is this VM itself");
        for (unsigned q = 0; q < p; q++)
            if (shared->peers[q] && hull_streq(shared->peers[p], shared->peers[q]))
                bad = hull_spec_fault(to, field, "is named twice");
    }
    return bad;
}

static int check_shared_place(const struct vm_spec *spec, unsigned i, const struct spec_check *to)
{
    const struct shared_spec *shared = &spec->metal.shared[i];
    char field[48];
    int bad = 0;

    hull_snprintf(field, sizeof(field), "shared_memory[%u].size", i);
    if (!shared->size || shared->size > HULL_SHARED_END - HULL_SHARED_BASE ||
        !hull_is_aligned_u64(shared->size, HULL_PAGE_SIZE))
        return hull_spec_fault(to, field,
                               "is %llu bytes; it must be a multiple of 4 KiB, 512 MiB at most",
                               (unsigned long long)shared->size);
    hull_snprintf(field, sizeof(field), "shared_memory[%u].address", i);
    if (!shared->address)
        return 0;
    if (!hull_is_aligned_u64(shared->address, HULL_PAGE_SIZE))
        bad = hull_spec_fault(to, field, "is 0x%llx, no multiple of 4 KiB",
                              (unsigned long long)shared->address);
    else if (!hull_range_contains(HULL_SHARED_BASE, HULL_SHARED_END - HULL_SHARED_BASE,
                                  shared->address, shared->size))
        bad = hull_spec_fault(to, field, "puts it outside of 0x%llx to 0x%llx", HULL_SHARED_BASE,
                              HULL_SHARED_END - 1);
    for (unsigned j = 0; !bad && j < i; j++) {
        const struct shared_spec *other = &spec->metal.shared[j];

        if (other->address &&
            hull_range_overlaps(shared->address, shared->size, other->address, other->size))
            bad = hull_spec_fault(to, field, "overlaps shared_memory[%u]", j);
    }
    return bad;
}

// The PLIC source of interrupt n of the VM: the regions' doorbells, then the devices'.
static uint32_t irq_number(const struct metal_spec *metal, unsigned n, char field[48])
{
    if (n < HULL_SPEC_SHARED_MAX) {
        hull_snprintf(field, 48, "shared_memory[%u].doorbell", n);
        return n < metal->shared_count ? metal->shared[n].doorbell : 0;
    }
    n -= HULL_SPEC_SHARED_MAX;
    hull_snprintf(field, 48, "passthrough[%u].irq", n);
    return n < metal->passthrough_count ? metal->passthrough[n].irq : 0;
}

static int check_irq(const struct metal_spec *metal, unsigned n, const struct spec_check *to)
{
    char field[48], other[48];
    uint32_t irq = irq_number(metal, n, field);

    if (!irq)
        return 0;
    if (irq < HULL_SPEC_IRQ_FIRST || irq > HULL_SPEC_IRQ_LAST)
        return hull_spec_fault(to, field, "is %u; it must be %u to %u", irq, HULL_SPEC_IRQ_FIRST,
                               HULL_SPEC_IRQ_LAST);
    for (unsigned j = 0; j < n; j++)
        if (irq_number(metal, j, other) == irq)
            return hull_spec_fault(to, field, "is %u, as %s", irq, other);
    return 0;
}

static int check_shared(const struct vm_spec *spec, unsigned i, const struct spec_check *to)
{
    const struct shared_spec *shared = &spec->metal.shared[i];
    char field[48];
    int bad;

    hull_snprintf(field, sizeof(field), "shared_memory[%u].name", i);
    bad = hull_spec_check_name(to, field, shared->name, HULL_SPEC_NAME_MAX);
    for (unsigned j = 0; !bad && j < i; j++) {
        const char *other = spec->metal.shared[j].name;

        if (other && hull_streq(shared->name, other))
            bad = hull_spec_fault(to, field, "is used twice (also by shared_memory[%u])", j);
    }
    bad |= check_shared_place(spec, i, to);
    return check_peers(spec, i, to) | bad;
}

// Its size is the board's affair, so only the first page is looked at.
static int check_device_place(const struct metal_spec *metal, unsigned i,
                              const struct spec_check *to)
{
    gpa_t address = metal->passthrough[i].address;
    char field[48];

    if (!address)
        return 0;
    hull_snprintf(field, sizeof(field), "passthrough[%u].address", i);
    if (!hull_is_aligned_u64(address, HULL_PAGE_SIZE))
        return hull_spec_fault(to, field, "is 0x%llx, no multiple of 4 KiB",
                               (unsigned long long)address);
    if (address < HULL_PASSTHROUGH_BASE || address >= HULL_PASSTHROUGH_END)
        return hull_spec_fault(to, field, "is 0x%llx; it must lie in 0x%llx to 0x%llx",
                               (unsigned long long)address, HULL_PASSTHROUGH_BASE,
                               HULL_PASSTHROUGH_END - 1);
    return 0;
}

static int check_passthrough(const struct metal_spec *metal, unsigned i,
                             const struct spec_check *to)
{
    const char *device = metal->passthrough[i].device;
    char field[48];
    int bad;

    hull_snprintf(field, sizeof(field), "passthrough[%u].device", i);
    bad = hull_spec_check_name(to, field, device, HULL_SPEC_NAME_MAX);
    for (unsigned j = 0; !bad && j < i; j++) {
        const char *other = metal->passthrough[j].device;

        if (other && hull_streq(device, other))
            bad = hull_spec_fault(to, field, "is named twice (also by passthrough[%u])", j);
    }
    return check_device_place(metal, i, to) | bad;
}

int hull_spec_check_metal(const struct vm_spec *spec, const struct spec_check *to)
{
    const struct metal_spec *metal = &spec->metal;
    int bad = check_share(metal, to);

    bad |= check_place(spec, to);
    bad |= check_policy(metal, to);
    bad |= check_log(metal, to);
    if (metal->shared_count > HULL_SPEC_SHARED_MAX)
        bad = hull_spec_fault(to, "shared_memory", "are %u; there may be %u", metal->shared_count,
                              HULL_SPEC_SHARED_MAX);
    for (unsigned i = 0; i < metal->shared_count && i < HULL_SPEC_SHARED_MAX; i++)
        bad |= check_shared(spec, i, to);
    if (metal->passthrough_count > HULL_SPEC_PASSTHROUGH_MAX)
        bad = hull_spec_fault(to, "passthrough", "are %u; there may be %u",
                              metal->passthrough_count, HULL_SPEC_PASSTHROUGH_MAX);
    for (unsigned i = 0; i < metal->passthrough_count && i < HULL_SPEC_PASSTHROUGH_MAX; i++)
        bad |= check_passthrough(metal, i, to);
    for (unsigned n = 0; n < HULL_SPEC_SHARED_MAX + HULL_SPEC_PASSTHROUGH_MAX; n++)
        bad |= check_irq(metal, n, to);
    return bad;
}
