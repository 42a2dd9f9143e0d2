// SPDX-License-Identifier: Apache-2.0
// The body of a vCPU's thread: guest code until something needs us, and what to do then.
#include "guest/riscv/board.h"

#include "core/dev/devices.h"
#include "guest/riscv/sbi.h"

#define CONSOLE_PATIENCE_NS HULL_NSEC_PER_SEC

bool riscv_console_write(struct riscv_board *board, const void *bytes, size_t length)
{
    const struct hull_env *env = &board->vm->env;
    uint64_t start = env->ops->now_ns(env->ctx);
    const uint8_t *from = bytes;

    for (;;) {
        size_t taken = hull_uart_console_write(board->uart, from, length);

        from += taken;
        length -= taken;
        if (!length)
            return true;
        if (env->ops->now_ns(env->ctx) - start > CONSOLE_PATIENCE_NS)
            return false;
        env->ops->relax(env->ctx);
    }
}

static void vcpu_wait(struct vcpu *vcpu)
{
    const struct hull_env *env = &vcpu->vm->env;

    env->ops->vcpu_wait(env->ctx, vcpu);
}

// Sleeps until an interrupt is pending or somebody wants attention, which may also mean that wfi
// ends early: the specification lets it.
static void wait_for_interrupt(struct vcpu *vcpu)
{
    while (!atomic_load(&vcpu->attention) && !vcpu->vm->engine->wakeup_pending(vcpu))
        vcpu_wait(vcpu);
}

static void handle_exit(struct riscv_board *board, struct vcpu *vcpu, struct vcpu_exit *exit)
{
    switch (exit->reason) {
    case VCPU_EXIT_ATTENTION: break; // the next checkpoint looks
    case VCPU_EXIT_LIMIT: break;     // nobody sets one here
    case VCPU_EXIT_WFI: wait_for_interrupt(vcpu); break;
    case VCPU_EXIT_SBI: riscv_sbi_call(board->sbi, vcpu, exit); break;
    }
}

void riscv_vcpu_loop(struct vcpu *vcpu)
{
    struct riscv_board *board = vcpu->vm->board;
    struct vcpu_exit exit = {.reason = VCPU_EXIT_ATTENTION};
    uint32_t resets = atomic_load(&board->resets);

    while (hull_vcpu_checkpoint(vcpu)) {
        // After a reset (this vCPU was parked meanwhile) nobody waits for the SBI's answer any more.
        if (resets != atomic_load(&board->resets)) {
            resets = atomic_load(&board->resets);
            exit.sbi.skip_ret = true;
        }
        // A hart that is stopped or suspended sleeps; every change of that wakes it.
        if (board->sbi && !riscv_sbi_hart_runs(board->sbi, vcpu)) {
            vcpu_wait(vcpu);
            continue;
        }
        vcpu->vm->engine->run(vcpu, &exit);
        atomic_fetch_add_explicit(&vcpu->exits[exit.reason], 1, memory_order_relaxed);
        handle_exit(board, vcpu, &exit);
    }
}
