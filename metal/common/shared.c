// SPDX-License-Identifier: Apache-2.0
// Regions of shared memory and their doorbells. A region lives as long as the machine runs; what is in it
// outlives the VMs.
#include "metal/common/shared.h"

#include "core/dev/devices.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/vm.h"

enum doorbell_register { DOORBELL_ID = 0, DOORBELL_RING = 4, DOORBELL_PENDING = 8 };

struct doorbell {
    struct device dev;
    struct irq_wire irq;
    struct metal_vm *vm;
    struct shared_region *region;
    uint32_t pending; // under machine.shared_lock
};

struct shared_region {
    struct shared_region *next;
    const char *name;
    hpa_t base;
    uint64_t size;
    struct doorbell *bells[HULL_BUNDLE_VMS_MAX]; // by the VM's index; NULL: it does not run
};

static struct shared_region *region_find(const char *name)
{
    struct shared_region *region = machine.shared;

    while (region && !hull_streq(region->name, name))
        region = region->next;
    return region;
}

static int region_create(const struct shared_spec *spec)
{
    struct shared_region *region = heap_alloc(&machine.heap, sizeof(*region), NULL);
    unsigned pages = (unsigned)(spec->size / HULL_PAGE_SIZE);
    unsigned blocks = (unsigned)((spec->size + BLOCK_SIZE - 1) >> BLOCK_SHIFT);

    if (!region)
        return -HULL_ENOMEM;
    region->name = spec->name;
    region->size = spec->size;
    region->base = pages <= BLOCK_PAGES
                       ? pages_alloc(&machine.pages, pages, 1, NULL)
                       : pages_alloc_blocks(&machine.pages, blocks, 1, false, NULL);
    if (!region->base)
        return -HULL_ENOMEM;
    memset(phys_ptr(region->base), 0, region->size);
    region->next = machine.shared;
    machine.shared = region;
    return 0;
}

int shared_init(void)
{
    int error = 0;

    for (unsigned i = 0; i < machine.vm_count; i++) {
        const struct metal_spec *metal = &machine.vms[i]->spec->metal;

        for (unsigned n = 0; n < metal->shared_count && !error; n++)
            if (!region_find(metal->shared[n].name))
                error = region_create(&metal->shared[n]);
    }
    return error;
}

// ---- Doorbells: all of a region's are under one lock, which comes after devices' and before PLICs' ----

static struct doorbell *bell_of(struct device *dev)
{
    return hull_container_of(dev, struct doorbell, dev);
}

static void ring(struct doorbell *from, uint64_t number)
{
    struct shared_region *region = from->region;

    spin_lock(&machine.shared_lock);
    for (unsigned i = 0; i < machine.vm_count; i++) {
        struct doorbell *bell = region->bells[i];

        if (!bell || bell == from || (number && number != i + 1))
            continue;
        bell->pending |= 1u << (from->vm->index + 1);
        hull_irq_set(&bell->irq, true);
    }
    spin_unlock(&machine.shared_lock);
}

static int doorbell_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct doorbell *bell = bell_of(dev);

    if (size != 4 || offset % 4)
        return -HULL_EFAULT;
    *value = offset == DOORBELL_ID ? bell->vm->index + 1 : 0;
    if (offset == DOORBELL_PENDING) {
        spin_lock(&machine.shared_lock);
        *value = bell->pending;
        spin_unlock(&machine.shared_lock);
    }
    return 0;
}

static int doorbell_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct doorbell *bell = bell_of(dev);

    if (size != 4 || offset % 4)
        return -HULL_EFAULT;
    if (offset == DOORBELL_RING) {
        ring(bell, value);
    } else if (offset == DOORBELL_PENDING) {
        spin_lock(&machine.shared_lock);
        bell->pending &= ~(uint32_t)value;
        hull_irq_set(&bell->irq, bell->pending);
        spin_unlock(&machine.shared_lock);
    }
    return 0;
}

static void doorbell_destroy(struct device *dev)
{
    const struct hull_env *env = dev->env;

    hull_device_fini(dev);
    hull_free(env, bell_of(dev), sizeof(struct doorbell));
}

static const struct device_ops doorbell_ops = {
    .name = "doorbell",
    .read = doorbell_read,
    .write = doorbell_write,
    .destroy = doorbell_destroy,
};

_Static_assert(HULL_BUNDLE_VMS_MAX < 32, "PENDING has a bit for each VM");

// ---- VMs ----

static int attach_one(struct metal_vm *vm, unsigned i)
{
    const struct shared_spec *spec = &vm->spec->metal.shared[i];
    struct shared_region *region = region_find(spec->name);
    uint64_t flags = PTE_R | PTE_U | (spec->read_only ? 0 : PTE_W);
    struct doorbell *bell = hull_alloc(&vm->env, sizeof(*bell));
    int error;

    if (!bell)
        return -HULL_ENOMEM;
    hull_device_init(&bell->dev, &doorbell_ops, &vm->env);
    bell->irq = riscv_board_wire(&vm->board, spec->doorbell);
    bell->vm = vm;
    bell->region = region;
    error = hull_bus_add(&vm->vm.bus, &bell->dev, HULL_DOORBELL_BASE + i * HULL_PAGE_SIZE,
                         HULL_PAGE_SIZE);
    if (error) {
        doorbell_destroy(&bell->dev);
        return error;
    }
    error = page_table_map(&vm->memory.stage2, spec->address, region->base, region->size, flags);
    // Devices may use it for their rings, unless the VM must not write there.
    if (!error && !spec->read_only)
        error =
            hull_memory_add(&vm->vm.memory, spec->address, region->size, phys_ptr(region->base));
    spin_lock(&machine.shared_lock);
    region->bells[vm->index] = bell;
    spin_unlock(&machine.shared_lock);
    return error;
}

int shared_attach(struct metal_vm *vm)
{
    int error = 0;

    for (unsigned i = 0; i < vm->spec->metal.shared_count && !error; i++)
        error = attach_one(vm, i);
    return error;
}

void shared_detach(struct metal_vm *vm)
{
    spin_lock(&machine.shared_lock);
    for (struct shared_region *region = machine.shared; region; region = region->next)
        region->bells[vm->index] = NULL;
    spin_unlock(&machine.shared_lock);
}
