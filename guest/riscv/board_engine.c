// SPDX-License-Identifier: Apache-2.0
// A VM changes its engine: new vCPUs are made beside the old ones, take over the harts' states, and
// only then do the old ones go.
#include "guest/riscv/board.h"
#include "guest/riscv/hart.h"

// What an engine keeps in a VM. Two engines take turns in the VM's own fields.
struct engine_side {
    const struct engine_ops *ops;
    void *vm_data;
    void *vcpu_data[HULL_CPUS_MAX];
};

static void side_take(struct engine_side *side, const struct vm *vm)
{
    side->vm_data = vm->engine_data;
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        side->vcpu_data[i] = vm->vcpus[i].engine_data;
}

static void side_put(const struct engine_side *side, struct vm *vm)
{
    vm->engine = side->ops;
    vm->engine_data = side->vm_data;
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        vm->vcpus[i].engine_data = side->vcpu_data[i];
}

static int create_vcpus(struct vm *vm)
{
    for (unsigned i = 0; i < vm->vcpu_count; i++) {
        int error = vm->engine->vcpu_create(&vm->vcpus[i]);

        if (!error)
            continue;
        while (i)
            vm->engine->vcpu_destroy(&vm->vcpus[--i]);
        return error;
    }
    return 0;
}

// Wires, requests for attention and an SBI call's answer are not the engine's, and stay where they are.
static void move_hart(struct vm *vm, unsigned index, const struct engine_side *from,
                      const struct engine_side *to)
{
    struct vcpu *vcpu = &vm->vcpus[index];
    struct vcpu_counts counts;
    struct hart_state state;

    side_put(from, vm);
    (void)from->ops->wakeup_pending(vcpu); // takes in software interrupts that were raised
    from->ops->get_state(vcpu, &state);
    hull_vcpu_count(vcpu, &counts);
    vcpu->before = counts;
    side_put(to, vm);
    to->ops->set_state(vcpu, &state);
}

int riscv_board_set_engine(struct riscv_board *board, const struct engine_ops *engine)
{
    struct vm *vm = board->vm;
    struct engine_side from = {.ops = vm->engine}, to = {.ops = engine};
    int error;

    side_take(&from, vm);
    side_put(&to, vm);
    error = create_vcpus(vm);
    if (error) {
        side_put(&from, vm);
        return error;
    }
    side_take(&to, vm);
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        move_hart(vm, i, &from, &to);
    side_put(&from, vm);
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        from.ops->vcpu_destroy(&vm->vcpus[i]);
    side_put(&to, vm);
    return 0;
}
