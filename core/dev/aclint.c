// SPDX-License-Identifier: Apache-2.0
// RISC-V ACLINT 1.0 laid out as the SiFive CLINT: MSWI (software interrupts between harts) and
// MTIMER. mtime is the VM's time, so that the `time` CSR and stimecmp see writes to it as well.
#include "core/dev/devices.h"

#define MSWI_BASE 0x0
#define MSWI_END 0x4000
#define MTIMECMP_BASE 0x4000
#define MTIME 0xbff8
#define LINE_MSIP 3
#define LINE_MTIP 7

struct aclint_hart {
    struct aclint *aclint;
    unsigned index;
    uint64_t mtimecmp;
    bool msip, due; // due: MTIP is set
    struct hull_timer timer;
};

struct aclint {
    struct device dev;
    struct vm *vm;
    unsigned count;
    size_t alloc_size;
    struct aclint_hart harts[];
};

static struct aclint *aclint_of(struct device *dev)
{
    return hull_container_of(dev, struct aclint, dev);
}

static void arm(struct aclint *a, struct aclint_hart *hart, uint64_t deadline_ns)
{
    a->dev.env->ops->timer_arm(a->dev.env->ctx, &hart->timer, deadline_ns);
}

// MTIP is set as long as mtime >= mtimecmp.
static void update_timer(struct aclint *a, struct aclint_hart *hart)
{
    hart->due = hull_vm_time(a->vm) >= hart->mtimecmp;
    hull_vcpu_set_irq(&a->vm->vcpus[hart->index], LINE_MTIP, hart->due);
    if (hart->due || hart->mtimecmp == UINT64_MAX)
        arm(a, hart, HULL_TIME_NEVER);
    else
        arm(a, hart, hull_vm_deadline_ns(a->vm, hart->mtimecmp));
}

static void timer_fired(void *ctx)
{
    struct aclint_hart *hart = ctx;

    hull_device_lock(&hart->aclint->dev);
    update_timer(hart->aclint, hart); // the deadline may have moved meanwhile
    hull_device_unlock(&hart->aclint->dev);
}

// Who sees the time also sees what is due by then, however late the host's timers are.
static uint64_t read_time(struct aclint *a)
{
    uint64_t now = hull_vm_time(a->vm);

    for (unsigned i = 0; i < a->count; i++)
        if (now >= a->harts[i].mtimecmp && !a->harts[i].due)
            update_timer(a, &a->harts[i]);
    return now;
}

static void set_msip(struct aclint *a, struct aclint_hart *hart, bool level)
{
    hart->msip = level;
    hull_vcpu_set_irq(&a->vm->vcpus[hart->index], LINE_MSIP, level);
}

// Everything that compares itself with the time has to look again, stimecmp included.
static void set_time(struct aclint *a, uint64_t time)
{
    atomic_fetch_add(&a->vm->time_offset, time - hull_vm_time(a->vm));
    for (unsigned i = 0; i < a->count; i++) {
        update_timer(a, &a->harts[i]);
        hull_vcpu_kick(&a->vm->vcpus[i], VCPU_ATTN_TIMER);
    }
}

// A 64-bit register of which `size` bytes at `offset` (0 or 4) are replaced.
static uint64_t replace(uint64_t old, uint64_t offset, unsigned size, uint64_t value)
{
    if (size == 8)
        return value;
    if (offset & 4)
        return (old & UINT32_MAX) | value << 32;
    return (old & ~(uint64_t)UINT32_MAX) | (value & UINT32_MAX);
}

static uint64_t extract(uint64_t whole, uint64_t offset, unsigned size)
{
    return size == 8 ? whole : (uint32_t)(whole >> (offset & 4) * 8);
}

static bool access_fits(uint64_t offset, unsigned size)
{
    if (size != 4 && (size != 8 || offset < MSWI_END))
        return false;
    return (offset & (size - 1)) == 0;
}

static int aclint_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct aclint *a = aclint_of(dev);
    uint64_t hart;

    if (!access_fits(offset, size))
        return -HULL_EFAULT;
    *value = 0;
    if (offset < MSWI_END) {
        hart = (offset - MSWI_BASE) / 4;
        if (hart < a->count)
            *value = a->harts[hart].msip;
    } else if (offset < MTIME) {
        hart = (offset - MTIMECMP_BASE) / 8;
        if (hart < a->count)
            *value = extract(a->harts[hart].mtimecmp, offset, size);
    } else if (offset < MTIME + 8) {
        *value = extract(read_time(a), offset, size);
    }
    return 0;
}

static int aclint_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct aclint *a = aclint_of(dev);
    struct aclint_hart *hart;

    if (!access_fits(offset, size))
        return -HULL_EFAULT;
    if (offset < MSWI_END) {
        if ((offset - MSWI_BASE) / 4 < a->count)
            set_msip(a, &a->harts[(offset - MSWI_BASE) / 4], value & 1);
    } else if (offset < MTIME) {
        if ((offset - MTIMECMP_BASE) / 8 < a->count) {
            hart = &a->harts[(offset - MTIMECMP_BASE) / 8];
            hart->mtimecmp = replace(hart->mtimecmp, offset, size, value);
            update_timer(a, hart);
        }
    } else if (offset < MTIME + 8) {
        set_time(a, replace(hull_vm_time(a->vm), offset, size, value));
    }
    return 0;
}

static void aclint_reset(struct device *dev)
{
    struct aclint *a = aclint_of(dev);

    for (unsigned i = 0; i < a->count; i++) {
        set_msip(a, &a->harts[i], false);
        a->harts[i].mtimecmp = UINT64_MAX; // unspecified; this way MTIP is clear
    }
    set_time(a, 0);
}

static void aclint_destroy(struct device *dev)
{
    struct aclint *a = aclint_of(dev);
    const struct hull_env *env = dev->env;

    for (unsigned i = 0; i < a->count; i++)
        env->ops->timer_destroy(env->ctx, &a->harts[i].timer);
    hull_device_fini(dev);
    hull_free(env, a, a->alloc_size);
}

static const struct device_ops aclint_ops = {
    .name = "aclint",
    .read = aclint_read,
    .write = aclint_write,
    .reset = aclint_reset,
    .destroy = aclint_destroy,
};

struct device *hull_aclint_create(struct vm *vm)
{
    const struct hull_env *env = &vm->env;
    size_t size = sizeof(struct aclint) + vm->vcpu_count * sizeof(struct aclint_hart);
    struct aclint *a = hull_alloc(env, size);

    if (!a)
        return NULL;
    hull_device_init(&a->dev, &aclint_ops, env);
    a->vm = vm;
    a->count = vm->vcpu_count;
    a->alloc_size = size;
    for (unsigned i = 0; i < a->count; i++) {
        struct aclint_hart *hart = &a->harts[i];

        hart->aclint = a;
        hart->index = i;
        hart->mtimecmp = UINT64_MAX;
        hart->timer.fire = timer_fired;
        hart->timer.ctx = hart;
        env->ops->timer_init(env->ctx, &hart->timer);
    }
    return &a->dev;
}
