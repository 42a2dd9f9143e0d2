// SPDX-License-Identifier: Apache-2.0
// A VM's life on the bare machine.
#include "metal/common/vm.h"

#include "lib/mem.h"
#include "metal/common/machine.h"
#include "metal/riscv64/hext.h"

static void guest_request(void *ctx, enum vm_request what, int code)
{
    struct metal_vm *vm = ctx;

    console_log(&machine.console, "%s: request %d code %d", vm->spec.name, what, code);
}

static void vcpu_body(void *arg)
{
    riscv_vcpu_loop(arg);
}

static void vcpu_leave(struct thread *thread)
{
    hext_leave(thread->arg);
}

static int threads_create(struct metal_vm *vm)
{
    for (unsigned i = 0; i < vm->vm.vcpu_count; i++) {
        struct thread *thread = &vm->vcpus[i].thread;
        int error = thread_create(thread, vm->spec.name, vcpu_body, &vm->vm.vcpus[i]);

        if (error)
            return error;
        thread->leave = vcpu_leave;
        thread->hart = machine.harts[i % machine.hart_count];
        vm->vm.vcpus[i].host_data = &vm->vcpus[i];
    }
    return 0;
}

int metal_vm_create(struct metal_vm **out, const struct vm_spec *spec,
                    const struct board_images *images)
{
    struct metal_vm *vm = heap_alloc(&machine.heap, sizeof(*vm), NULL);
    struct vm_owner owner = {.request = guest_request, .ctx = vm};
    int error;

    if (!vm)
        return -HULL_ENOMEM;
    vm->spec = *spec;
    vm->images = *images;
    metal_env_init(vm);
    error = vm_memory_create(&vm->memory, BOARD_RAM_BASE, spec->memory, &vm->count);
    if (!error)
        error = hull_vm_init(&vm->vm, &vm->env, &owner, &hext_engine, spec->cpus);
    if (!error)
        error = hull_memory_add(&vm->vm.memory, BOARD_RAM_BASE, spec->memory, vm->memory.window);
    if (!error)
        error = threads_create(vm);
    if (!error) {
        vm->backends.uart = console_backend(vm);
        vm->backends.console = console_backend(vm);
        error = riscv_board_create(&vm->board, &vm->vm, &vm->spec, &vm->images, &vm->backends);
        if (error)
            console_log(&machine.console, "%s: %s", spec->name, vm->board.message);
    }
    *out = vm;
    return error;
}

void metal_vm_start(struct metal_vm *vm)
{
    for (unsigned i = 0; i < vm->vm.vcpu_count; i++)
        thread_wake(&vm->vcpus[i].thread);
}
