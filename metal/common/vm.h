// SPDX-License-Identifier: Apache-2.0
// A VM of the hypervisor: the core's VM and board, its memory, and its vCPUs' threads.
#ifndef METAL_COMMON_VM_H
#define METAL_COMMON_VM_H

#include <hull/spec.h>
#include <hull/vm.h>

#include "guest/riscv/board.h"
#include "metal/common/pages.h"
#include "metal/common/thread.h"
#include "metal/common/vm_memory.h"

struct metal_vcpu {
    struct thread thread;
};

struct metal_vm {
    struct page_count count; // everything that was allocated for it
    struct hull_env env;
    struct vm vm;
    struct riscv_board board;
    struct vm_spec spec;
    struct board_images images;
    struct board_backends backends;
    struct vm_memory memory;
    struct metal_vcpu vcpus[HULL_CPUS_MAX];
};

static inline struct metal_vm *metal_vm_of(const struct vm *vm)
{
    return vm->env.ctx;
}

HULL_MUST_CHECK int metal_vm_create(struct metal_vm **vm, const struct vm_spec *spec,
                                    const struct board_images *images);
void metal_vm_start(struct metal_vm *vm);

void metal_env_init(struct metal_vm *vm); // vm->env

#endif
