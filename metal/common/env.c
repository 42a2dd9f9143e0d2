// SPDX-License-Identifier: Apache-2.0
// What the freestanding code takes from outside (struct hull_env), on the bare machine. ctx is the VM, whose
// memory is counted.
#include "metal/common/arch.h"
#include "metal/common/entropy.h"
#include "metal/common/machine.h"
#include "metal/common/timers.h"
#include "metal/common/vm.h"
#include "metal/riscv64/hext.h"

static void *env_alloc(void *ctx, size_t size)
{
    struct metal_vm *vm = ctx;

    return heap_alloc(&machine.heap, size, &vm->count);
}

static void env_free(void *ctx, void *ptr, size_t size)
{
    struct metal_vm *vm = ctx;

    heap_free(&machine.heap, ptr, size, &vm->count);
}

static uint64_t env_now_ns(void *ctx)
{
    (void)ctx;
    return timers_ns(arch_time());
}

static uint64_t env_realtime_ns(void *ctx)
{
    return env_now_ns(ctx) + machine.realtime_offset_ns;
}

static struct spin *spin_of(struct hull_lock *lock)
{
    return (struct spin *)(void *)lock->opaque;
}

_Static_assert(sizeof(struct spin) <= sizeof(struct hull_lock),
               "a lock fits into struct hull_lock");

static void env_lock_init(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    *spin_of(lock) = (struct spin){0};
}

static void env_lock_destroy(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    (void)lock;
}

static void env_lock(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    spin_lock(spin_of(lock));
}

static void env_unlock(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    spin_unlock(spin_of(lock));
}

static void env_timer_init(void *ctx, struct hull_timer *timer)
{
    (void)ctx;
    timers_timer_init(timer);
}

static void env_timer_destroy(void *ctx, struct hull_timer *timer)
{
    (void)ctx;
    timers_timer_destroy(timer);
}

static void env_timer_arm(void *ctx, struct hull_timer *timer, uint64_t deadline_ns)
{
    (void)ctx;
    timers_arm(timer, deadline_ns == HULL_TIME_NEVER ? HULL_TIME_NEVER : timers_ticks(deadline_ns));
}

static void env_vcpu_wait(void *ctx, struct vcpu *vcpu)
{
    (void)ctx;
    hext_sleep(vcpu);
    thread_wait();
    hext_awake(vcpu);
}

static void env_vcpu_wake(void *ctx, struct vcpu *vcpu)
{
    struct metal_vcpu *mine = vcpu->host_data;

    (void)ctx;
    if (mine)
        thread_wake(&mine->thread);
}

static void env_relax(void *ctx)
{
    (void)ctx;
    thread_yield();
}

static int env_random(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    return entropy_get(buf, len);
}

static void env_memory_discard(void *ctx, void *host, size_t len)
{
    struct metal_vm *vm = ctx;

    vm_memory_discard(&vm->memory, host, len);
}

static void env_log(void *ctx, enum hull_log_level level, const char *subsystem, const char *line)
{
    struct metal_vm *vm = ctx;

    if (level <= HULL_LOG_INFO)
        console_log(&machine.console, "%s: %s: %s", vm->spec->name, subsystem, line);
}

static const struct hull_env_ops env_ops = {
    .alloc = env_alloc,
    .free = env_free,
    .now_ns = env_now_ns,
    .realtime_ns = env_realtime_ns,
    .lock_init = env_lock_init,
    .lock_destroy = env_lock_destroy,
    .lock = env_lock,
    .unlock = env_unlock,
    .timer_init = env_timer_init,
    .timer_destroy = env_timer_destroy,
    .timer_arm = env_timer_arm,
    .vcpu_wait = env_vcpu_wait,
    .vcpu_wake = env_vcpu_wake,
    .relax = env_relax,
    .random = env_random,
    .memory_discard = env_memory_discard,
    .log = env_log,
};

void metal_env_init(struct metal_vm *vm)
{
    vm->env = (struct hull_env){.ops = &env_ops, .ctx = vm, .timebase_hz = timers_hz()};
}
