// SPDX-License-Identifier: Apache-2.0
// The calls. On the caller's thread: what changes VMs is left to the manager.
#include "metal/common/hypercall.h"

#include <hull/hypercall.h>

#include "guest/riscv/sbi.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/timers.h"
#include "metal/common/vm.h"

#define SELF_MANAGER (1ull << 32)

// ---- Answers in the caller's memory ----

static int64_t answer(struct metal_vm *caller, gpa_t to, uint64_t room, const void *what,
                      size_t size, uint64_t *value)
{
    *value = size;
    return hull_memory_write(&caller->vm.memory, to, what, room < size ? room : size)
               ? SBI_ERR_INVALID_ADDRESS
               : SBI_SUCCESS;
}

static int64_t vm_info(struct metal_vm *caller, const struct metal_vm *vm, const uint64_t *args,
                       uint64_t *value)
{
    const struct vm_console *c = &vm->console;
    struct hull_vm_info info = {
        .state = atomic_load(&vm->state),
        .cpus = vm->spec->cpus,
        .memory = vm->spec->memory,
        .memory_used = atomic_load(&vm->count.pages) * HULL_PAGE_SIZE,
        .starts = vm->starts,
        .run_ns = timers_ns(atomic_load(&vm->ran)),
        .output_first = c->logged > c->log_size ? c->logged - c->log_size : 0,
        .output_next = c->logged,
    };

    hull_strlcpy(info.name, vm->spec->name, sizeof(info.name));
    return answer(caller, args[1], args[2], &info, sizeof(info), value);
}

static int64_t machine_info(struct metal_vm *caller, const uint64_t *args, uint64_t *value)
{
    struct hull_machine_info info = {
        .harts = machine.hart_count,
        .vms = machine.vm_count,
        .memory = machine.pages.total * HULL_PAGE_SIZE,
        .memory_free = machine.pages.free * HULL_PAGE_SIZE,
        .up_ns = timers_ns(arch_time() - machine.start_time),
    };

    return answer(caller, args[0], args[1], &info, sizeof(info), value);
}

// A piece at a time, so that one call never takes long.
static int64_t vm_output(struct metal_vm *caller, struct metal_vm *vm, const uint64_t *args,
                         uint64_t *value)
{
    uint8_t piece[256];
    uint64_t room = args[3] < sizeof(piece) ? args[3] : sizeof(piece);

    *value = console_vm_output(&machine.console, vm, args[1], piece, room);
    return hull_memory_write(&caller->vm.memory, args[2], piece, *value) ? SBI_ERR_INVALID_ADDRESS
                                                                         : SBI_SUCCESS;
}

static int64_t vm_ask(struct metal_vm *vm, uint64_t what)
{
    static const enum vm_ask asks[] = {
        [HULL_VM_START] = VM_ASK_START,     [HULL_VM_STOP] = VM_ASK_STOP,
        [HULL_VM_RESTART] = VM_ASK_RESTART, [HULL_VM_PAUSE] = VM_ASK_PAUSE,
        [HULL_VM_RESUME] = VM_ASK_RESUME,   [HULL_VM_DESTROY] = VM_ASK_DESTROY,
    };

    if (what >= HULL_ARRAY_SIZE(asks))
        return SBI_ERR_INVALID_PARAM;
    metal_vm_order(vm, asks[what]);
    return SBI_SUCCESS;
}

static int64_t manager_call(struct metal_vm *caller, const uint64_t *args, uint64_t *value)
{
    struct metal_vm *vm =
        args[0] >= 1 && args[0] <= machine.vm_count ? machine.vms[args[0] - 1] : NULL;

    switch (args[6]) {
    case HULL_CALL_VM_COUNT: *value = machine.vm_count; return SBI_SUCCESS;
    case HULL_CALL_MACHINE: return machine_info(caller, args, value);
    case HULL_CALL_VM_INFO: return vm ? vm_info(caller, vm, args, value) : SBI_ERR_INVALID_PARAM;
    case HULL_CALL_VM_ASK: return vm ? vm_ask(vm, args[1]) : SBI_ERR_INVALID_PARAM;
    case HULL_CALL_VM_OUTPUT:
        return vm ? vm_output(caller, vm, args, value) : SBI_ERR_INVALID_PARAM;
    default: return SBI_ERR_NOT_SUPPORTED;
    }
}

int64_t metal_hypercall(void *ctx, struct vcpu *vcpu, const uint64_t args[8], uint64_t *value)
{
    struct metal_vm *caller = ctx;
    bool manager = caller->spec->metal.manager;

    (void)vcpu;
    switch (args[6]) {
    case HULL_CALL_VERSION: *value = HULL_CALL_VERSION_NUMBER; return SBI_SUCCESS;
    case HULL_CALL_SELF:
        *value = (caller->index + 1) | (manager ? SELF_MANAGER : 0);
        return SBI_SUCCESS;
    case HULL_CALL_WATCHDOG: watchdog_feed(caller); return SBI_SUCCESS;
    case HULL_CALL_VM_COUNT:
    case HULL_CALL_VM_INFO:
    case HULL_CALL_VM_ASK:
    case HULL_CALL_VM_OUTPUT:
    case HULL_CALL_MACHINE: return manager ? manager_call(caller, args, value) : SBI_ERR_DENIED;
    default: return SBI_ERR_NOT_SUPPORTED;
    }
}
