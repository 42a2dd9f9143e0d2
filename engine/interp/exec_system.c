// SPDX-License-Identifier: Apache-2.0
// System instructions: CSRs, environment calls, returns, fences, wfi, cache-block operations.
#include "engine/interp/handler.h"
#include "guest/riscv/csr.h"

// The instruction's bits, from memory.
static uint32_t raw_instruction(const struct cpu *cpu, const struct op *op)
{
    const struct block *b = cpu->block;
    const uint8_t *low = b->source + 2u * op->at, *high = b->second_gpa ? b->second : low + 2;
    uint32_t raw = low[0] | (uint32_t)low[1] << 8;

    if (riscv_insn_length(raw) == 4 && (b->second_gpa || 2u * op->at + 4 <= b->bytes))
        raw |= (uint32_t)high[0] << 16 | (uint32_t)high[1] << 24;
    return raw;
}

OP(ILLEGAL)
{
    return interp_raise(cpu, op, CAUSE_ILLEGAL_INSTRUCTION, raw_instruction(cpu, op));
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
static __attribute__((noinline)) bool csr_access(struct cpu *cpu, const struct op *op,
                                                 enum riscv_csr_op what, uint64_t operand,
                                                 bool read, bool write)
{
    struct hart *hart = &cpu->hart;
    unsigned csr = (unsigned)op->imm & 0xfff;
    uint64_t old = 0;
    bool ok;

    hart->instret--;
    if (!write)
        ok = riscv_csr_read(hart, csr, false, &old);
    else if (!read)
        ok = riscv_csr_write(hart, csr, operand);
    else
        ok = riscv_csr_modify(hart, csr, what, operand, &old);
    hart->instret++;
    if (ok)
        RD = old;
    return ok;
}

// csrrw does not read when rd is x0; csrrs and csrrc do not write when the operand is x0 or 0.
#define CSR(id, what, operand, reads, writes)                   \
    OP(id)                                                      \
    {                                                           \
        if (!csr_access(cpu, op, what, operand, reads, writes)) \
            return HANDLER(ILLEGAL)(cpu, op);                   \
        SYSTEM_END;                                             \
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
        bool ok;                                      \
        cpu->hart.instret--;                          \
        ok = leave(&cpu->hart);                       \
        cpu->hart.instret++;                          \
        return ok ? NULL : HANDLER(ILLEGAL)(cpu, op); \
    }

TRAP_RETURN(MRET, riscv_mret)
TRAP_RETURN(SRET, riscv_sret)

OP(WFI)
{
    if (!riscv_wfi_allowed(&cpu->hart))
        return HANDLER(ILLEGAL)(cpu, op);
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
static bool fence_space(struct cpu *cpu, const struct op *op)
{
    uint64_t current = cpu->hart.s.satp >> SATP_ASID_SHIFT;

    if (op->rs1 && (op->rs2 == 0 || ((RS2 ^ current) & 0xffff) == 0))
        return interp_tlb_flush_page(cpu, RS1);
    return interp_tlb_flush_space(cpu, RS2);
}

OP(SFENCE_VMA)
{
    if (!riscv_sfence_vma_allowed(&cpu->hart))
        return HANDLER(ILLEGAL)(cpu, op);
    if (op->rs1 == 0 && op->rs2 == 0) {
        cpu->hart.changed |= HART_CHANGED_FETCH;
    } else if (fence_space(cpu, op)) { // this block's code may be another one by now
        cpu->hart.s.pc = next_pc(cpu);
        return NULL;
    }
    SYSTEM_END;
}

OP(SINVAL_VMA)
{
    return HANDLER(SFENCE_VMA)(cpu, op);
}

// sinval.vma has done its work at once: nothing is left to order.
#define SFENCE_INVAL(id)                             \
    OP(id)                                           \
    {                                                \
        if (!riscv_sfence_inval_allowed(&cpu->hart)) \
            return HANDLER(ILLEGAL)(cpu, op);        \
        NEXT;                                        \
    }

SFENCE_INVAL(SFENCE_W_INVAL)
SFENCE_INVAL(SFENCE_INVAL_IR)

// Guest memory is coherent: managing a block checks the access and does nothing.
#define CBO_MANAGE(id, what)                      \
    OP(id)                                        \
    {                                             \
        if (!riscv_cbo_allowed(&cpu->hart, what)) \
            return HANDLER(ILLEGAL)(cpu, op);     \
        if (!interp_cbo_check(cpu, op, RS1))      \
            return NULL;                          \
        NEXT;                                     \
    }

CBO_MANAGE(CBO_INVAL, CBO_INVAL)
CBO_MANAGE(CBO_CLEAN, CBO_CLEAN)
CBO_MANAGE(CBO_FLUSH, CBO_FLUSH)

OP(CBO_ZERO)
{
    if (!riscv_cbo_allowed(&cpu->hart, CBO_ZERO))
        return HANDLER(ILLEGAL)(cpu, op);
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
