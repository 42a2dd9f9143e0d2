// SPDX-License-Identifier: Apache-2.0
// Watchdogs. The timer looks several times within the VM's time, and asks the manager when it is over.
#include "metal/common/watchdog.h"

#include "metal/common/arch.h"
#include "metal/common/timers.h"
#include "metal/common/vm.h"
#include "metal/riscv64/hext.h"

#define LOOKS 4

static uint64_t limit_of(const struct metal_vm *vm)
{
    return vm->spec->metal.watchdog * timers_hz();
}

// A number that stays the same while all CPUs hang. A CPU that runs alone says so only when it is asked.
static uint64_t signs_of_life(struct metal_vm *vm)
{
    uint64_t signs = 0;

    for (unsigned i = 0; i < vm->vm.vcpu_count; i++) {
        struct hext *x = vm->vm.vcpus[i].engine_data;

        signs += x->exits[HEXT_EXIT_SBI] + x->exits[HEXT_EXIT_WFI] + x->exits[HEXT_EXIT_MMIO] +
                 x->stimecmp;
        hull_vcpu_kick(&vm->vm.vcpus[i], VCPU_ATTN_TIMER);
    }
    return signs;
}

static void fired(void *ctx)
{
    struct metal_vm *vm = ctx;
    struct watchdog *dog = &vm->watchdog;
    uint64_t signs = signs_of_life(vm), fed, now;

    if (!atomic_load(&dog->by_guest) && signs != dog->signs)
        atomic_store(&dog->fed, arch_time());
    dog->signs = signs;
    fed = atomic_load(&dog->fed);
    now = arch_time(); // after `fed`, which another hart may just have written
    if (now - fed >= limit_of(vm) && atomic_load(&vm->state) == VM_RUNNING)
        metal_vm_ask(vm, VM_ASK_WATCHDOG);
    else
        timers_arm(&dog->timer, now + limit_of(vm) / LOOKS);
}

void watchdog_feed(struct metal_vm *vm)
{
    atomic_store(&vm->watchdog.by_guest, true);
    atomic_store(&vm->watchdog.fed, arch_time());
}

// ---- The register: every write feeds ----

struct watchdog_device {
    struct device dev;
    struct metal_vm *vm;
};

static int device_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    (void)dev, (void)offset, (void)size;
    *value = 0;
    return 0;
}

static int device_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size, (void)value;
    watchdog_feed(hull_container_of(dev, struct watchdog_device, dev)->vm);
    return 0;
}

static void device_destroy(struct device *dev)
{
    const struct hull_env *env = dev->env;

    hull_device_fini(dev);
    hull_free(env, dev, sizeof(struct watchdog_device));
}

static const struct device_ops watchdog_ops = {
    .name = "watchdog",
    .read = device_read,
    .write = device_write,
    .destroy = device_destroy,
};

static int device_add(struct metal_vm *vm)
{
    struct watchdog_device *w = hull_alloc(&vm->env, sizeof(*w));
    int error;

    if (!w)
        return -HULL_ENOMEM;
    hull_device_init(&w->dev, &watchdog_ops, &vm->env);
    w->vm = vm;
    error = hull_bus_add(&vm->vm.bus, &w->dev, HULL_WATCHDOG_BASE, HULL_PAGE_SIZE);
    if (error)
        device_destroy(&w->dev);
    return error;
}

void watchdog_init(struct metal_vm *vm)
{
    vm->watchdog.timer.fire = fired;
    vm->watchdog.timer.ctx = vm;
    timers_timer_init(&vm->watchdog.timer);
}

int watchdog_start(struct metal_vm *vm)
{
    atomic_store(&vm->watchdog.by_guest, false);
    atomic_store(&vm->watchdog.fed, arch_time());
    return vm->spec->metal.watchdog ? device_add(vm) : 0;
}

void watchdog_stop(struct metal_vm *vm)
{
    timers_timer_destroy(&vm->watchdog.timer);
}
