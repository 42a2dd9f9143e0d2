// SPDX-License-Identifier: Apache-2.0
// The registers of an APLIC's interrupt domain, in direct or in MSI delivery mode, little-endian. Where
// MSIs go is fixed and no software's affair, as the specification recommends. Specification: RISC-V AIA
// 1.0, chapter "Advanced Platform-Level Interrupt Controller".
#include "core/dev/aplic.h"

#include "lib/mem.h"

#define DOMAINCFG 0x0000
#define DOMAINCFG_CONSTANT 0x80000000u
#define DOMAINCFG_IE (1u << 8)
#define DOMAINCFG_DM (1u << 2)
#define SOURCECFG_END 0x1000 // sourcecfg[i] at 4 * i
#define MMSIADDRCFGH 0x1bc4
#define MMSIADDRCFGH_L 0x80000000u // hidden and locked; its three neighbours are zero then
#define SETIP 0x1c00 // these eight are ranges of a register per 32 sources, and one by number
#define SETIPNUM 0x1cdc
#define IN_CLRIP 0x1d00
#define CLRIPNUM 0x1ddc
#define SETIE 0x1e00
#define SETIENUM 0x1edc
#define CLRIE 0x1f00
#define CLRIENUM 0x1fdc
#define RANGE 0x80
#define SETIPNUM_LE 0x2000
#define GENMSI 0x3000
#define TARGET_END 0x4000 // target[i] at GENMSI + 4 * i
#define IDC_SIZE 32
#define IDC_IDELIVERY 0x00
#define IDC_IFORCE 0x04
#define IDC_ITHRESHOLD 0x08
#define IDC_TOPI 0x18
#define IDC_CLAIMI 0x1c

static struct aplic *aplic_of(struct device *dev)
{
    return hull_container_of(dev, struct aplic, dev);
}

// The first source and the number of sources that a register of a range is about.
static unsigned range_sources(const struct aplic *a, uint64_t offset, unsigned *first)
{
    *first = (unsigned)(offset % RANGE / 4) * 32;
    if (*first > a->sources)
        return 0;
    return a->sources - *first < 32 ? a->sources - *first + 1 : 32;
}

static uint32_t range_read(const struct aplic *a, uint64_t offset)
{
    unsigned first, count = range_sources(a, offset, &first);
    uint32_t inputs = 0;

    switch (offset & ~(uint64_t)(RANGE - 1)) {
    case SETIP: return count ? aplic_pending(a, first / 32) : 0;
    case SETIE: return count ? a->enable[first / 32] : 0;
    case IN_CLRIP:
        for (unsigned i = 0; i < count; i++)
            inputs |= (uint32_t)aplic_rectified(a, first + i) << i;
        return inputs;
    default: return 0;
    }
}

// A register by number is one source's of the same range: false, there is no such register.
static bool change_source(struct aplic *a, uint64_t reg, uint32_t source)
{
    switch (reg) {
    case SETIP:
    case SETIPNUM:
    case SETIPNUM_LE: aplic_set_pending(a, source); return true;
    case IN_CLRIP:
    case CLRIPNUM: aplic_clear_pending(a, source); return true;
    case SETIE:
    case SETIENUM: aplic_set_enable(a, source, true); return true;
    case CLRIE:
    case CLRIENUM: aplic_set_enable(a, source, false); return true;
    default: return false;
    }
}

static void range_write(struct aplic *a, uint64_t offset, uint32_t value)
{
    unsigned first, count = range_sources(a, offset, &first);

    for (unsigned i = 0; i < count; i++)
        if (value >> i & 1)
            (void)change_source(a, offset & ~(uint64_t)(RANGE - 1), first + i);
}

static uint32_t idc_read(struct aplic *a, uint64_t offset)
{
    uint64_t hart = offset / IDC_SIZE;

    if (a->msi || hart >= a->vm->vcpu_count)
        return 0;
    switch (offset % IDC_SIZE) {
    case IDC_IDELIVERY: return a->idc[hart].delivery;
    case IDC_IFORCE: return a->idc[hart].force;
    case IDC_ITHRESHOLD: return a->idc[hart].threshold;
    case IDC_TOPI: return aplic_top(a, (unsigned)hart);
    case IDC_CLAIMI: return aplic_claim(a, (unsigned)hart);
    default: return 0;
    }
}

static void idc_write(struct aplic *a, uint64_t offset, uint32_t value)
{
    uint64_t hart = offset / IDC_SIZE;

    if (a->msi || hart >= a->vm->vcpu_count)
        return;
    switch (offset % IDC_SIZE) {
    case IDC_IDELIVERY: a->idc[hart].delivery = value & 1; break;
    case IDC_IFORCE: a->idc[hart].force = value & 1; break;
    case IDC_ITHRESHOLD: a->idc[hart].threshold = (uint8_t)value; break;
    }
    aplic_update_hart(a, (unsigned)hart);
}

static uint32_t domain_read(struct aplic *a, uint64_t offset)
{
    if (offset == DOMAINCFG)
        return DOMAINCFG_CONSTANT | (a->enabled ? DOMAINCFG_IE : 0) | (a->msi ? DOMAINCFG_DM : 0);
    if (offset < SOURCECFG_END)
        return offset / 4 <= a->sources ? a->sourcecfg[offset / 4] : 0;
    if (offset == MMSIADDRCFGH)
        return a->msi && a->machine ? MMSIADDRCFGH_L : 0;
    if (offset >= SETIP && offset < SETIPNUM_LE)
        return range_read(a, offset);
    if (offset == GENMSI)
        return a->genmsi;
    if (offset > GENMSI && offset < TARGET_END)
        return (offset - GENMSI) / 4 <= a->sources ? a->target[(offset - GENMSI) / 4] : 0;
    return offset >= TARGET_END ? idc_read(a, offset - TARGET_END) : 0;
}

// Sent at once, so that Busy is never seen.
static void genmsi_write(struct aplic *a, uint32_t value)
{
    if (!a->msi)
        return;
    a->genmsi = value & (~0u << TARGET_HART_SHIFT | TARGET_EIID);
    aplic_send(a, a->genmsi, false);
}

static void domain_write(struct aplic *a, uint64_t offset, uint32_t value)
{
    if (offset == DOMAINCFG) {
        a->enabled = value & DOMAINCFG_IE;
        aplic_deliver_all(a);
    } else if (offset < SOURCECFG_END) {
        if (offset / 4 <= a->sources)
            aplic_configure(a, (unsigned)(offset / 4), value);
    } else if (offset >= TARGET_END) {
        idc_write(a, offset - TARGET_END, value);
    } else if (offset == GENMSI) {
        genmsi_write(a, value);
    } else if (offset > GENMSI) {
        if ((offset - GENMSI) / 4 <= a->sources)
            aplic_retarget(a, (unsigned)(offset - GENMSI) / 4, value);
    } else if (offset % (2 * RANGE) >= RANGE || offset >= SETIPNUM_LE) {
        (void)change_source(a, offset, value);
    } else {
        range_write(a, offset, value);
    }
}

// A child's registers need the root's lock beside its own, which the bus has taken: always in this
// order, since who has the root's alone never wants a child's.
static struct device *shared_lock(struct aplic *a)
{
    return a->parent ? &a->parent->dev : NULL;
}

static int aplic_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct aplic *a = aplic_of(dev);
    struct device *root = shared_lock(a);

    if (size != 4 || (offset & 3))
        return -HULL_EFAULT;
    if (root)
        hull_device_lock(root);
    *value = domain_read(a, offset);
    if (root)
        hull_device_unlock(root);
    return 0;
}

static int aplic_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct aplic *a = aplic_of(dev);
    struct device *root = shared_lock(a);

    if (size != 4 || (offset & 3))
        return -HULL_EFAULT;
    if (root)
        hull_device_lock(root);
    domain_write(a, offset, (uint32_t)value);
    if (root)
        hull_device_unlock(root);
    return 0;
}

// The wires keep their levels: each source resets its own.
static void domain_reset(struct aplic *a)
{
    a->enabled = false;
    a->genmsi = 0;
    memset(a->sourcecfg, 0, sizeof(a->sourcecfg));
    memset(a->target, 0, sizeof(a->target));
    memset(a->pending, 0, sizeof(a->pending));
    memset(a->enable, 0, sizeof(a->enable));
    for (unsigned i = 0; i < a->vm->vcpu_count; i++) {
        a->idc[i] = (struct aplic_idc){.level = a->idc[i].level};
        aplic_update_hart(a, i);
    }
    aplic_deliver_all(a);
}

static void aplic_reset(struct device *dev)
{
    struct aplic *a = aplic_of(dev);
    struct device *root = shared_lock(a);

    if (root)
        hull_device_lock(root);
    domain_reset(a);
    if (root)
        hull_device_unlock(root);
}

static void aplic_destroy(struct device *dev)
{
    struct aplic *a = aplic_of(dev);
    const struct hull_env *env = dev->env;

    if (a->parent)
        a->parent->child = NULL;
    hull_device_fini(dev);
    hull_free(env, a, a->alloc_size);
}

static const struct device_ops aplic_ops = {
    .name = "aplic",
    .read = aplic_read,
    .write = aplic_write,
    .reset = aplic_reset,
    .destroy = aplic_destroy,
};

struct device *hull_aplic_create(struct vm *vm, const struct aplic_config *config)
{
    size_t size = sizeof(struct aplic) + vm->vcpu_count * sizeof(struct aplic_idc);
    struct aplic *a = hull_alloc(&vm->env, size);

    if (!a)
        return NULL;
    hull_device_init(&a->dev, &aplic_ops, &vm->env);
    a->vm = vm;
    a->alloc_size = size;
    a->sources = config->sources < APLIC_SOURCES_MAX ? config->sources : APLIC_SOURCES_MAX;
    a->words = a->sources / 32 + 1;
    a->guests = config->guests;
    a->machine = config->machine;
    a->msi = config->msi;
    if (config->parent) {
        a->parent = aplic_of(config->parent);
        a->parent->child = a;
    }
    return &a->dev;
}
