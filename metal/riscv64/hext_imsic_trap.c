// SPDX-License-Identifier: Apache-2.0
// What a guest's hart traps of AIA: a file in memory has no registers of the hart's, and priorities of major
// interrupts are the hypervisor's affair.
#include "metal/riscv64/hext_imsic.h"

#include "guest/riscv/imsic.h"
#include "guest/riscv/trap.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/hext_parts.h"

#define INSN_SYSTEM 0x73u
#define SELECT_IPRIO 0x30 // to 0x3f: priorities of major interrupts, all of them fixed

struct csr_access {
    unsigned csr, rd;
    uint64_t mask, value; // what is to change
    bool writes;
};

static struct csr_access csr_access(const struct hext *x, uint32_t raw)
{
    unsigned funct3 = raw >> 12 & 7, rs1 = raw >> 15 & 31;
    uint64_t operand = funct3 & 4 ? rs1 : x->regs.x[rs1];
    struct csr_access access = {.csr = raw >> 20, .rd = raw >> 7 & 31};

    access.writes = (funct3 & 3) == 1 || rs1;
    access.mask = (funct3 & 3) == 1 ? UINT64_MAX : access.writes ? operand : 0;
    access.value = (funct3 & 3) == 3 ? 0 : operand;
    return access;
}

static bool access_sireg(struct hext *x, const struct csr_access *access, uint64_t *old)
{
    uint64_t select = csr_read(HW_VSISELECT);

    if (select >= SELECT_IPRIO && select < SELECT_IPRIO + 16) {
        *old = 0;
        return !(select & 1);
    }
    if (x->file.hart || select < IMSIC_SELECT_FIRST || select > IMSIC_SELECT_LAST ||
        !riscv_imsic_register_exists((unsigned)select))
        return false;
    *old = riscv_imsic_file_read(&x->file.soft, (unsigned)select);
    if (access->writes)
        riscv_imsic_file_write(&x->file.soft, (unsigned)select,
                               (*old & ~access->mask) | (access->value & access->mask));
    return true;
}

bool hext_imsic_instruction(struct hext *x, uint32_t raw)
{
    struct csr_access access = csr_access(x, raw);
    uint64_t old = 0;
    bool there = true;

    if (!x->vcpu->msis || (raw & 0x7f) != INSN_SYSTEM || !(raw >> 12 & 3) ||
        (access.csr != HW_SIREG && access.csr != HW_STOPEI) || !(x->regs.sstatus & HW_SSTATUS_SPP))
        return false;
    spin_lock(&x->file.lock);
    if (access.csr == HW_SIREG) {
        there = access_sireg(x, &access, &old);
    } else {
        old = riscv_imsic_top(&x->file.soft);
        old |= old << STOPEI_ID_SHIFT;
        if (access.writes)
            riscv_imsic_file_claim(&x->file.soft);
    }
    spin_unlock(&x->file.lock);
    if (!there) {
        hext_inject(x, CAUSE_ILLEGAL_INSTRUCTION, raw);
        return true;
    }
    if (access.rd)
        x->regs.x[access.rd] = old;
    x->regs.sepc += 4;
    hext_take_interrupts(x);
    return true;
}
