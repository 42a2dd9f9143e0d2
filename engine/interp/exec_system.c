// SPDX-License-Identifier: Apache-2.0
// System instructions: CSRs, environment calls, returns, fences, wfi, cache-block operations.
#include "engine/interp/handler.h"
#include "guest/riscv/csr.h"

// A system instruction that is not allowed here: illegal, or virtual.
static __attribute__((noinline)) const struct op *refuse(struct cpu *cpu, const struct op *op,
                                                         int cause)
{
    return interp_raise(cpu, op, (unsigned)cause, interp_raw_instruction(cpu, op));
}

OP(ILLEGAL)
{
    return interp_raise(cpu, op, CAUSE_ILLEGAL_INSTRUCTION, interp_raw_instruction(cpu, op));
}

// System instructions end their block. Where they may have changed more than registers, run.c looks
// at hart.changed before anything else executes.
static inline gva_t next_pc(const struct cpu *cpu)
{
    return cpu->block->pc + cpu->block->bytes;
}

#ifdef INTERP_STEP
#define SYSTEM_DONE NEXT
#else
#define SYSTEM_DONE FOLLOW(next, next_pc(cpu))
#endif

#define SYSTEM_END                         \
    do {                                   \
        if (cpu->hart.changed) {           \
            cpu->hart.s.pc = next_pc(cpu); \
            return NULL;                   \
        }                                  \
        SYSTEM_DONE;                       \
    } while (0)

// The instruction has been counted with its block, but does not count for itself.
// 0 or the exception.
static __attribute__((noinline)) int csr_access(struct cpu *cpu, const struct op *op,
                                                enum riscv_csr_op what, uint64_t operand, bool read,
                                                bool write)
{
    struct hart *hart = &cpu->hart;
    unsigned csr = (unsigned)op->imm & 0xfff;
    uint64_t old = 0;
    int cause;

    hart->instret--;
    if (!write)
        cause = riscv_csr_read(hart, csr, false, &old);
    else if (!read)
        cause = riscv_csr_write(hart, csr, operand);
    else
        cause = riscv_csr_modify(hart, csr, what, operand, &old);
    hart->instret++;
    if (!cause)
        RD = old;
    return cause;
}

// csrrw does not read when rd is x0; csrrs and csrrc do not write when the operand is x0 or 0.
#define CSR(id, what, operand, reads, writes)                          \
    OP(id)                                                             \
    {                                                                  \
        int cause = csr_access(cpu, op, what, operand, reads, writes); \
        if (unlikely(cause))                                           \
            return refuse(cpu, op, cause);                             \
        SYSTEM_END;                                                    \
    }

CSR(CSRRW, CSR_OP_WRITE, RS1, op->rd != 32, true)
CSR(CSRRS, CSR_OP_SET, RS1, true, op->rs1 != 0)
CSR(CSRRC, CSR_OP_CLEAR, RS1, true, op->rs1 != 0)
CSR(CSRRWI, CSR_OP_WRITE, op->rs1, op->rd != 32, true)
CSR(CSRRSI, CSR_OP_SET, op->rs1, true, op->rs1 != 0)
CSR(CSRRCI, CSR_OP_CLEAR, op->rs1, true, op->rs1 != 0)

OP(ECALL)
{
    static const uint8_t causes[] = {CAUSE_ECALL_U, CAUSE_ECALL_S, CAUSE_ILLEGAL_INSTRUCTION,
                                     CAUSE_ECALL_M};
    unsigned priv = cpu->hart.s.priv;
    bool virt = cpu->hart.s.virt;

    if (priv == PRIV_S && virt)
        return interp_raise(cpu, op, CAUSE_ECALL_VS, 0);
    if (priv != PRIV_S || !cpu->hart.sbi)
        return interp_raise(cpu, op, causes[priv & 3], 0);
    cpu->hart.s.pc = next_pc(cpu);
    cpu->exit_wanted = true;
    cpu->exit_reason = VCPU_EXIT_SBI;
    return NULL;
}

OP(EBREAK)
{
    return interp_raise(cpu, op, CAUSE_BREAKPOINT, interp_pc(cpu, op));
}

// Like a CSR access, a return is not yet counted while it changes the mode that counters look at.
#define TRAP_RETURN(id, leave)                        \
    OP(id)                                            \
    {                                                 \
        int cause;                                    \
        cpu->hart.instret--;                          \
        cause = leave(&cpu->hart);                    \
        cpu->hart.instret++;                          \
        return cause ? refuse(cpu, op, cause) : NULL; \
    }

TRAP_RETURN(MRET, riscv_mret)
TRAP_RETURN(SRET, riscv_sret)

OP(WFI)
{
    int cause = riscv_wfi_check(&cpu->hart);

    if (cause)
        return refuse(cpu, op, cause);
    cpu->hart.s.pc = next_pc(cpu);
    if (!riscv_wfi_wakes(&cpu->hart)) {
        cpu->exit_wanted = true;
        cpu->exit_reason = VCPU_EXIT_WFI;
    }
    return NULL;
}

// Zawrs may end at any moment: giving the host's CPU away once is a wait, too.
#define WAIT_ON_RESERVATION(id, allowed)                       \
    OP(id)                                                     \
    {                                                          \
        const struct hull_env *env = &cpu->hart.vcpu->vm->env; \
        if (!(allowed))                                        \
            return HANDLER(ILLEGAL)(cpu, op);                  \
        env->ops->relax(env->ctx);                             \
        NEXT;                                                  \
    }

WAIT_ON_RESERVATION(WRS_NTO, true) // ends within every bound that mstatus.TW could set
WAIT_ON_RESERVATION(WRS_STO, true)

// A spinning hart now and then lets the others have the host's CPU: its lock's owner may need it.
OP(PAUSE)
{
    const struct hull_env *env = &cpu->hart.vcpu->vm->env;

    if ((++cpu->pauses & 63) == 0)
        env->ops->relax(env->ctx);
    NEXT;
}

// imm = fm, pred (I O R W), succ. Everything but store-to-load order comes from plain accesses being
// at least as strong as acquire and release; MMIO is done in order.
OP(FENCE)
{
    unsigned pred = op->imm >> 4 & 15, succ = op->imm & 15;

    if ((pred & 5) && (succ & 10))
        atomic_thread_fence(memory_order_seq_cst);
    else
        atomic_thread_fence(memory_order_acq_rel);
    NEXT;
}

OP(FENCE_I)
{
    cpu->hart.changed |= HART_CHANGED_FENCE_I;
    SYSTEM_END;
}

// Of one address and one ASID, all of that space is dropped unless it is the current one.
static bool fence_space(struct cpu *cpu, const struct op *op, bool virt)
{
    uint64_t current = (virt ? cpu->hart.s.vsatp : cpu->hart.s.satp) >> SATP_ASID_SHIFT;

    if (op->rs1 && (op->rs2 == 0 || ((RS2 ^ current) & 0xffff) == 0))
        return interp_tlb_flush_page(cpu, virt, RS1, op->rs2 == 0);
    return interp_tlb_flush_space(cpu, virt, RS2);
}

// Fences of first-stage translations: one's own, or the guest's.
#define FENCE_VMA(id, check, virt)                                                 \
    OP(id)                                                                         \
    {                                                                              \
        int cause = check(&cpu->hart);                                             \
        if (cause)                                                                 \
            return refuse(cpu, op, cause);                                         \
        if (op->rs1 == 0 && op->rs2 == 0) {                                        \
            cpu->hart.changed |= virt ? HART_CHANGED_VS_TLB : HART_CHANGED_HS_TLB; \
        } else if (fence_space(cpu, op, virt)) {                                   \
            /* this block's code may be another one by now */                      \
            cpu->hart.s.pc = next_pc(cpu);                                         \
            return NULL;                                                           \
        }                                                                          \
        SYSTEM_END;                                                                \
    }

FENCE_VMA(SFENCE_VMA, riscv_sfence_vma_check, cpu->hart.s.virt)
FENCE_VMA(SINVAL_VMA, riscv_sfence_vma_check, cpu->hart.s.virt)
FENCE_VMA(HFENCE_VVMA, riscv_hfence_vvma_check, true)
FENCE_VMA(HINVAL_VVMA, riscv_hfence_vvma_check, true)

// Nobody knows which translations come from a guest physical address.
#define HFENCE_G(id)                                     \
    OP(id)                                               \
    {                                                    \
        int cause = riscv_hfence_gvma_check(&cpu->hart); \
        if (cause)                                       \
            return refuse(cpu, op, cause);               \
        cpu->hart.changed |= HART_CHANGED_VS_TLB;        \
        SYSTEM_END;                                      \
    }

HFENCE_G(HFENCE_GVMA)
HFENCE_G(HINVAL_GVMA)

// sinval.vma and its like have done their work at once: nothing is left to order.
#define SFENCE_INVAL(id)                                  \
    OP(id)                                                \
    {                                                     \
        int cause = riscv_sfence_inval_check(&cpu->hart); \
        if (cause)                                        \
            return refuse(cpu, op, cause);                \
        NEXT;                                             \
    }

SFENCE_INVAL(SFENCE_W_INVAL)
SFENCE_INVAL(SFENCE_INVAL_IR)

// Loads and stores as the guest would do them.
#define HLV(id, type, stype, executable)                                \
    OP(id)                                                              \
    {                                                                   \
        int cause = riscv_hlsv_check(&cpu->hart);                       \
        if (cause)                                                      \
            return refuse(cpu, op, cause);                              \
        if (!interp_guest_load(cpu, op, RS1, sizeof(type), executable)) \
            return NULL;                                                \
        RD = (uint64_t)(stype)(type)cpu->loaded;                        \
        NEXT;                                                           \
    }

HLV(HLV_B, uint8_t, int8_t, false)
HLV(HLV_BU, uint8_t, uint8_t, false)
HLV(HLV_H, uint16_t, int16_t, false)
HLV(HLV_HU, uint16_t, uint16_t, false)
HLV(HLVX_HU, uint16_t, uint16_t, true)
HLV(HLV_W, uint32_t, int32_t, false)
HLV(HLV_WU, uint32_t, uint32_t, false)
HLV(HLVX_WU, uint32_t, uint32_t, true)
HLV(HLV_D, uint64_t, uint64_t, false)

#define HSV(id, type)                                                   \
    OP(id)                                                              \
    {                                                                   \
        int cause = riscv_hlsv_check(&cpu->hart);                       \
        if (cause)                                                      \
            return refuse(cpu, op, cause);                              \
        if (!interp_guest_store(cpu, op, RS1, sizeof(type), (type)RS2)) \
            return NULL;                                                \
        NEXT;                                                           \
    }

HSV(HSV_B, uint8_t)
HSV(HSV_H, uint16_t)
HSV(HSV_W, uint32_t)
HSV(HSV_D, uint64_t)

// Guest memory is coherent: managing a block checks the access and does nothing.
#define CBO_MANAGE(id, what)                           \
    OP(id)                                             \
    {                                                  \
        int cause = riscv_cbo_check(&cpu->hart, what); \
        if (cause)                                     \
            return refuse(cpu, op, cause);             \
        if (!interp_cbo_check(cpu, op, RS1))           \
            return NULL;                               \
        NEXT;                                          \
    }

CBO_MANAGE(CBO_INVAL, CBO_INVAL)
CBO_MANAGE(CBO_CLEAN, CBO_CLEAN)
CBO_MANAGE(CBO_FLUSH, CBO_FLUSH)

OP(CBO_ZERO)
{
    int cause = riscv_cbo_check(&cpu->hart, CBO_ZERO);

    if (cause)
        return refuse(cpu, op, cause);
    if (!interp_zero_block(cpu, op, RS1))
        return NULL;
    NEXT;
}

#define PREFETCH(id) \
    OP(id)           \
    {                \
        NEXT;        \
    }

PREFETCH(PREFETCH_I)
PREFETCH(PREFETCH_R)
PREFETCH(PREFETCH_W)
