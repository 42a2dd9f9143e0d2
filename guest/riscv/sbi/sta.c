// SPDX-License-Identifier: Apache-2.0
// The Steal-time Accounting extension (SBI 2.0, chapter 16), where the engine knows how long a vCPU had to wait.
#include "guest/riscv/sbi/internal.h"

#include "lib/bytes.h"
#include "lib/mem.h"

#define SHMEM_SIZE 64u
#define SHMEM_OFF UINT64_MAX // as both halves of the address

enum shmem_field { STA_SEQUENCE = 0, STA_FLAGS = 4, STA_STEAL = 8, STA_PREEMPTED = 16 };

bool sbi_sta_present(const struct vm *vm)
{
    return vm->engine->stolen_ns;
}

struct sbi_ret sbi_sta(const struct sbi_call *call)
{
    static const uint8_t zero[SHMEM_SIZE];
    gpa_t address = call->args[0];

    if (!sbi_sta_present(call->vm) || call->fid != 0)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if (call->args[2])
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (address == SHMEM_OFF && call->args[1] == SHMEM_OFF) {
        call->hart->sta_shmem = 0;
        return sbi_ok(0);
    }
    if (address % SHMEM_SIZE)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (call->args[1] || hull_memory_write(&call->vm->memory, address, zero, sizeof(zero)))
        return sbi_error(SBI_ERR_INVALID_ADDRESS);
    call->hart->sta_shmem = address | 1; // nothing else lies in the low bits
    call->hart->sta_sequence = 0;
    riscv_sbi_sta_update(call->sbi, call->vcpu);
    return sbi_ok(0);
}

// NULL: the guest did not ask.
static uint8_t *shmem_of(struct riscv_sbi *sbi, struct vcpu *vcpu)
{
    uint64_t at = sbi->harts[vcpu->index].sta_shmem;

    return at ? hull_memory_ptr(&vcpu->vm->memory, at & ~1ull, SHMEM_SIZE) : NULL;
}

static void shmem_written(const struct riscv_sbi *sbi, struct vcpu *vcpu)
{
    hull_memory_written(&vcpu->vm->memory, sbi->harts[vcpu->index].sta_shmem & ~1ull, SHMEM_SIZE);
}

// An odd sequence tells readers to come again; the guest may write what it likes there, it only fools itself.
void riscv_sbi_sta_update(struct riscv_sbi *sbi, struct vcpu *vcpu)
{
    struct sbi_hart *hart = &sbi->harts[vcpu->index];
    uint8_t *shmem = shmem_of(sbi, vcpu);

    if (!shmem)
        return;
    hull_store_le32(shmem + STA_SEQUENCE, ++hart->sta_sequence);
    atomic_thread_fence(memory_order_seq_cst);
    hull_store_le64(shmem + STA_STEAL, vcpu->vm->engine->stolen_ns(vcpu));
    shmem[STA_PREEMPTED] = 0;
    atomic_thread_fence(memory_order_seq_cst);
    hull_store_le32(shmem + STA_SEQUENCE, ++hart->sta_sequence);
    shmem_written(sbi, vcpu);
}

// The flag is advice for the guest's other harts and not under the sequence.
void riscv_sbi_sta_preempted(struct riscv_sbi *sbi, struct vcpu *vcpu, bool preempted)
{
    uint8_t *shmem = shmem_of(sbi, vcpu);

    if (!shmem)
        return;
    shmem[STA_PREEMPTED] = preempted;
    shmem_written(sbi, vcpu);
}
