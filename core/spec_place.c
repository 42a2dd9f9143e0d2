// SPDX-License-Identifier: Apache-2.0
// Guest addresses and interrupts for what a VM is given besides the virtual board's devices, where
// its file leaves the choice to us. The choice depends on nothing but the file and the board.
#include <hull/spec.h>

#include "lib/bitmap.h"
#include "lib/checked.h"
#include "lib/str.h"

#define MEGAPAGE (2ull << 20)

// Ranges that are taken, in a window that is given out from its start.
struct window {
    gpa_t base, end;
    struct {
        gpa_t address;
        uint64_t size;
    } taken[HULL_SPEC_SHARED_MAX + HULL_SPEC_PASSTHROUGH_MAX];
    unsigned count;
};

static void window_take(struct window *window, gpa_t address, uint64_t size)
{
    if (!address || window->count == HULL_ARRAY_SIZE(window->taken))
        return;
    window->taken[window->count].address = address;
    window->taken[window->count++].size = size;
}

// The first multiple of `alignment` where `size` bytes are free; 0: there is none.
static gpa_t window_find(struct window *window, uint64_t size, uint64_t alignment)
{
    gpa_t address = window->base;

    for (unsigned i = 0; i < window->count;) {
        if (!hull_range_overlaps(address, size, window->taken[i].address, window->taken[i].size)) {
            i++;
            continue;
        }
        if (!hull_add_u64(window->taken[i].address, window->taken[i].size, &address) ||
            !hull_align_up_u64(address, alignment, &address))
            return 0;
        i = 0; // further up now: others may be in the way
    }
    if (!hull_range_contains(window->base, window->end - window->base, address, size))
        return 0;
    window_take(window, address, size);
    return address;
}

static uint32_t irq_find(uint64_t *taken)
{
    size_t irq = hull_bitmap_next_clear(taken, HULL_SPEC_IRQ_LAST + 1, HULL_SPEC_IRQ_FIRST);

    if (irq > HULL_SPEC_IRQ_LAST)
        return 0;
    hull_bitmap_set(taken, irq);
    return (uint32_t)irq;
}

static void irq_take(uint64_t *taken, uint32_t irq)
{
    if (irq <= HULL_SPEC_IRQ_LAST)
        hull_bitmap_set(taken, irq);
}

static void place_shared(struct metal_spec *metal, unsigned count, uint64_t *irqs)
{
    struct window window = {.base = HULL_SHARED_BASE, .end = HULL_SHARED_END};

    for (unsigned i = 0; i < count; i++)
        window_take(&window, metal->shared[i].address, metal->shared[i].size);
    for (unsigned i = 0; i < count; i++) {
        struct shared_spec *shared = &metal->shared[i];

        if (!shared->address && shared->size)
            shared->address = window_find(&window, shared->size, MEGAPAGE);
        if (!shared->doorbell)
            shared->doorbell = irq_find(irqs);
    }
}

static void place_devices(const struct board_spec *board, struct metal_spec *metal, unsigned count,
                          uint64_t *irqs)
{
    struct window window = {.base = HULL_PASSTHROUGH_BASE, .end = HULL_PASSTHROUGH_END};

    for (unsigned i = 0; i < count; i++) {
        const struct board_device *device = hull_board_device(board, metal->passthrough[i].device);

        if (device)
            window_take(&window, metal->passthrough[i].address, device->size);
    }
    for (unsigned i = 0; i < count; i++) {
        struct passthrough_spec *mine = &metal->passthrough[i];
        const struct board_device *device = hull_board_device(board, mine->device);

        if (device && !mine->address && device->size)
            mine->address = window_find(&window, device->size, HULL_PAGE_SIZE);
        if (device && device->irq && !mine->irq)
            mine->irq = irq_find(irqs);
    }
}

void hull_metal_place(const struct board_spec *board, struct vm_spec *spec)
{
    uint64_t irqs[HULL_BITMAP_WORDS(HULL_SPEC_IRQ_LAST + 1)] = {0};
    struct metal_spec *metal = &spec->metal;
    unsigned shared = metal->shared_count, devices = metal->passthrough_count;

    if (shared > HULL_SPEC_SHARED_MAX)
        shared = HULL_SPEC_SHARED_MAX;
    if (devices > HULL_SPEC_PASSTHROUGH_MAX)
        devices = HULL_SPEC_PASSTHROUGH_MAX;
    for (unsigned i = 0; i < shared; i++)
        irq_take(irqs, metal->shared[i].doorbell);
    for (unsigned i = 0; i < devices; i++)
        irq_take(irqs, metal->passthrough[i].irq);
    place_shared(metal, shared, irqs);
    place_devices(board, metal, devices, irqs);
}
