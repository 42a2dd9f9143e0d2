// SPDX-License-Identifier: Apache-2.0
// The pages of the harts' IMSICs: a store of an identity to a page is an MSI to that interrupt file. The
// files themselves are the hart's; here is only what has arrived. Specification: RISC-V AIA 1.0,
// "Incoming MSI Controller".
#include <hull/msi.h>

#include "core/dev/devices.h"
#include "lib/mem.h"

#define SETEIPNUM_LE 0 // seteipnum_be, next to it, ignores writes: there are no big-endian harts

struct imsic {
    struct device dev;
    struct vm *vm;
    bool machine;
    unsigned page_bits; // log2 of the pages of each hart
    size_t alloc_size;
    struct msi_inbox inbox[]; // of each hart; the supervisor's device has them
};

static struct imsic *imsic_of(struct device *dev)
{
    return hull_container_of(dev, struct imsic, dev);
}

unsigned hull_imsic_page_bits(unsigned guests)
{
    unsigned bits = 0;

    while (1u << bits < guests + 1)
        bits++;
    return bits;
}

// Pages between those of the last guest file and of the next hart read as zeroes too.
static int imsic_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    (void)dev;
    if (size != 4 || (offset & 3))
        return -HULL_EFAULT;
    *value = 0;
    return 0;
}

static int imsic_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct imsic *m = imsic_of(dev);
    uint64_t page = offset / HULL_PAGE_SIZE, hart = page >> m->page_bits;
    unsigned file = m->machine ? HULL_MSI_FILE_M : page & ((1u << m->page_bits) - 1);

    if (size != 4 || (offset & 3))
        return -HULL_EFAULT;
    if (offset % HULL_PAGE_SIZE == SETEIPNUM_LE && hart < m->vm->vcpu_count &&
        file < HULL_MSI_FILES)
        hull_msi_send(&m->vm->vcpus[hart], file, (uint32_t)value);
    return 0;
}

static void imsic_reset(struct device *dev)
{
    struct imsic *m = imsic_of(dev);

    for (unsigned i = 0; !m->machine && i < m->vm->vcpu_count; i++) {
        atomic_store(&m->inbox[i].files, 0);
        for (unsigned file = 0; file < HULL_MSI_FILES; file++)
            for (unsigned word = 0; word < HULL_MSI_WORDS; word++)
                atomic_store(&m->inbox[i].arrived[file][word], 0);
    }
}

static void imsic_destroy(struct device *dev)
{
    struct imsic *m = imsic_of(dev);
    const struct hull_env *env = dev->env;

    for (unsigned i = 0; !m->machine && i < m->vm->vcpu_count; i++)
        m->vm->vcpus[i].msis = NULL;
    hull_device_fini(dev);
    hull_free(env, m, m->alloc_size);
}

static const struct device_ops imsic_ops = {
    .name = "imsic",
    .read = imsic_read,
    .write = imsic_write,
    .reset = imsic_reset,
    .destroy = imsic_destroy,
};

static struct imsic *imsic_create(struct vm *vm, unsigned page_bits, size_t size)
{
    struct imsic *m = hull_alloc(&vm->env, size);

    if (!m)
        return NULL;
    hull_device_init(&m->dev, &imsic_ops, &vm->env);
    m->vm = vm;
    m->page_bits = page_bits;
    m->alloc_size = size;
    return m;
}

struct device *hull_imsic_create(struct vm *vm, unsigned guests)
{
    struct imsic *m = imsic_create(vm, hull_imsic_page_bits(guests),
                                   sizeof(*m) + vm->vcpu_count * sizeof(m->inbox[0]));

    if (!m)
        return NULL;
    for (unsigned i = 0; i < vm->vcpu_count; i++) {
        m->inbox[i].guests = guests;
        vm->vcpus[i].msis = &m->inbox[i];
    }
    return &m->dev;
}

struct device *hull_imsic_machine_create(struct vm *vm)
{
    struct imsic *m = imsic_create(vm, 0, sizeof(*m));

    if (!m)
        return NULL;
    m->machine = true;
    return &m->dev;
}
