// SPDX-License-Identifier: Apache-2.0
// The legacy extensions of SBI 0.1 (SBI 2.0, chapter 5): each identifier is one call, the result is
// in a0 alone, and hart masks are reached by virtual address.
#include "guest/riscv/sbi/internal.h"

#include "core/dev/devices.h"
#include "guest/riscv/mmu.h"
#include "guest/riscv/trap.h"
#include "lib/bytes.h"
#include "lib/mem.h"

enum legacy_call {
    LEGACY_SET_TIMER,
    LEGACY_CONSOLE_PUTCHAR,
    LEGACY_CONSOLE_GETCHAR,
    LEGACY_CLEAR_IPI,
    LEGACY_SEND_IPI,
    LEGACY_REMOTE_FENCE_I,
    LEGACY_REMOTE_SFENCE_VMA,
    LEGACY_REMOTE_SFENCE_VMA_ASID,
    LEGACY_SHUTDOWN,
};

#define ECALL_LENGTH 4

// Reads the mask at a virtual address as the caller itself would, byte by byte across pages. False:
// the fault has been handed to the guest, at its ecall.
static bool read_mask(const struct sbi_call *call, gva_t va, uint64_t *mask)
{
    const struct engine_ops *engine = call->vm->engine;
    struct hart hart;
    uint8_t bytes[8];
    int cause = 0;

    memset(&hart, 0, sizeof(hart));
    riscv_hart_init(&hart, call->vcpu, &call->sbi->board->isa, true);
    engine->get_state(call->vcpu, &hart.s);
    riscv_hart_state_loaded(&hart);
    for (unsigned i = 0; i < sizeof(bytes) && !cause; i++) {
        struct mmu_result result;

        cause =
            riscv_mmu_translate(&hart, va + i, 1, MMU_LOAD, riscv_mmu_data_mode(&hart), &result);
        if (!cause && hull_memory_read(&call->vm->memory, result.gpa, &bytes[i], 1))
            cause = CAUSE_LOAD_ACCESS;
        if (cause) {
            hart.s.pc -= ECALL_LENGTH;
            riscv_trap(&hart, (enum riscv_cause)cause, va + i);
        }
    }
    if (cause) {
        struct hart_state state;

        riscv_hart_state_save(&hart, &state);
        engine->set_state(call->vcpu, &state);
        call->exit->sbi.skip_ret = true;
    }
    riscv_hart_fini(&hart);
    *mask = hull_load_le64(bytes);
    return !cause;
}

// A null pointer means every hart. Harts that do not exist are left out: these calls can't fail.
static bool legacy_harts(const struct sbi_call *call, struct sbi_harts *harts)
{
    unsigned count = call->vm->vcpu_count;
    uint64_t mask = UINT64_MAX;

    if (call->args[0] && !read_mask(call, call->args[0], &mask))
        return false;
    harts->bits = count == 64 ? mask : mask & ((1ull << count) - 1);
    return true;
}

static int64_t legacy_to_harts(const struct sbi_call *call)
{
    struct sbi_harts harts;

    if (!legacy_harts(call, &harts))
        return 0;
    switch (call->eid) {
    case LEGACY_SEND_IPI: sbi_send_ipi(call, harts); break;
    case LEGACY_REMOTE_FENCE_I:
        sbi_remote_fence(call, harts, VCPU_FENCE_I, SBI_FW_FENCE_I_SENT);
        break;
    case LEGACY_REMOTE_SFENCE_VMA:
        sbi_remote_fence(call, harts, VCPU_FENCE_VMA, SBI_FW_SFENCE_VMA_SENT);
        break;
    default: sbi_remote_fence(call, harts, VCPU_FENCE_VMA, SBI_FW_SFENCE_VMA_ASID_SENT); break;
    }
    return 0;
}

// Returns whether SSIP was pending, as the extension's text has it.
static int64_t legacy_clear_ipi(const struct sbi_call *call)
{
    const struct engine_ops *engine = call->vm->engine;
    struct hart_state state;
    int64_t pending;

    (void)engine->wakeup_pending(call->vcpu); // takes in what other harts raised
    engine->get_state(call->vcpu, &state);
    pending = state.mip >> IRQ_S_SOFT & 1;
    if (pending) {
        state.mip &= ~(1ull << IRQ_S_SOFT);
        engine->set_state(call->vcpu, &state);
    }
    return pending;
}

static int64_t legacy_getchar(const struct sbi_call *call)
{
    uint8_t byte;

    return hull_uart_console_read(call->sbi->board->uart, &byte, 1) ? byte : -1;
}

static int64_t legacy_dispatch(const struct sbi_call *call)
{
    uint8_t byte = (uint8_t)call->args[0];

    switch (call->eid) {
    case LEGACY_SET_TIMER: sbi_set_timer(call, call->args[0]); return 0;
    case LEGACY_CONSOLE_PUTCHAR: riscv_console_write(call->sbi->board, &byte, 1); return 0;
    case LEGACY_CONSOLE_GETCHAR: return legacy_getchar(call);
    case LEGACY_CLEAR_IPI: return legacy_clear_ipi(call);
    case LEGACY_SHUTDOWN: sbi_shut_down(call, VM_REQUEST_POWEROFF, 0); return 0;
    default: return legacy_to_harts(call);
    }
}

struct sbi_ret sbi_legacy(const struct sbi_call *call)
{
    int64_t result = legacy_dispatch(call);

    return (struct sbi_ret){.error = result, .value = call->args[1]}; // a1 is kept
}
