// SPDX-License-Identifier: Apache-2.0
// Access to CSRs: the table of csr.def, who may touch what, and the small registers of user mode.
// Specification: Privileged ISA 1.13, chapter "CSRs"; Unprivileged ISA, Zicsr.
#include "guest/riscv/aia.h"
#include "guest/riscv/counters.h"
#include "guest/riscv/csr_table.h"
#include "guest/riscv/pmp.h"
#include "guest/riscv/trap.h"

struct csr_entry {
    int (*check)(const struct hart *hart, unsigned csr); // 0, or the exception; NULL: 0
    uint64_t (*read)(struct hart *hart, unsigned csr);   // NULL: `field`
    void (*write)(struct hart *hart, unsigned csr, uint64_t value);
    uint16_t field; // offset in struct hart_state
    uint64_t mask;  // bits of the field that are writable
};

static int legal_if(bool condition)
{
    return condition ? 0 : CAUSE_ILLEGAL_INSTRUCTION;
}

static int fp_check(const struct hart *hart, unsigned csr)
{
    (void)csr;
    return legal_if(riscv_isa_has(hart->isa, EXT_F) && riscv_fp_enabled(&hart->s));
}

static uint64_t fcsr_read(struct hart *hart, unsigned csr)
{
    (void)csr;
    return (uint64_t)hart->s.frm << 5 | hart->s.fflags;
}

static void fcsr_write(struct hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    hart->s.fflags = value & 0x1f;
    hart->s.frm = value >> 5 & 7; // reserved modes can be held; instructions that use them trap
    riscv_status_store(hart, MSTATUS_FS, MSTATUS_FS_DIRTY);
    if (hart->s.virt)
        riscv_vsstatus_store(hart, MSTATUS_FS, MSTATUS_FS_DIRTY);
}

static uint64_t fflags_read(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.fflags;
}

static void fflags_write(struct hart *hart, unsigned csr, uint64_t value)
{
    fcsr_write(hart, csr, (value & 0x1f) | (uint64_t)hart->s.frm << 5);
}

static uint64_t frm_read(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.frm;
}

static void frm_write(struct hart *hart, unsigned csr, uint64_t value)
{
    fcsr_write(hart, csr, value << 5 | hart->s.fflags);
}

// Whether mcounteren, hcounteren and scounteren let this mode see counter csr & 31.
static int counter_check(const struct hart *hart, unsigned csr)
{
    const struct hart_state *s = &hart->s;
    uint64_t bit = 1ull << (csr & 31);

    if (s->priv == PRIV_M)
        return 0;
    if (!(s->mcounteren & bit))
        return CAUSE_ILLEGAL_INSTRUCTION;
    if (s->virt && !(s->hcounteren & bit))
        return CAUSE_VIRTUAL_INSTRUCTION;
    if (s->priv == PRIV_U && !(s->scounteren & bit))
        return s->virt ? CAUSE_VIRTUAL_INSTRUCTION : CAUSE_ILLEGAL_INSTRUCTION;
    return 0;
}

static int zicntr_check(const struct hart *hart, unsigned csr)
{
    return riscv_isa_has(hart->isa, EXT_ZICNTR) ? counter_check(hart, csr)
                                                : CAUSE_ILLEGAL_INSTRUCTION;
}

static int zihpm_check(const struct hart *hart, unsigned csr)
{
    return riscv_isa_has(hart->isa, EXT_ZIHPM) ? counter_check(hart, csr)
                                               : CAUSE_ILLEGAL_INSTRUCTION;
}

static uint64_t counter_read(struct hart *hart, unsigned csr)
{
    return riscv_counter_read(hart, csr & 31);
}

static void counter_write(struct hart *hart, unsigned csr, uint64_t value)
{
    riscv_counter_write(hart, csr & 31, value);
}

// Who sees the time also sees what became due by then, however late the host's timer is.
static uint64_t time_read(struct hart *hart, unsigned csr)
{
    uint64_t now = hull_vm_time(hart->vcpu->vm);

    (void)csr;
    if (now >= hart->stimer_due) {
        hart->stimer_due = UINT64_MAX; // once is enough
        hart->changed |= HART_CHANGED_IRQ;
    }
    return now + (hart->s.virt ? hart->s.htimedelta : 0);
}

static uint64_t mcountinhibit_read(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.mcountinhibit;
}

static void mcountinhibit_write(struct hart *hart, unsigned csr, uint64_t value)
{
    (void)csr;
    riscv_mcountinhibit_write(hart, value);
}

static uint64_t mhpmevent_read(struct hart *hart, unsigned csr)
{
    riscv_counters_expire(hart); // OF may have become due
    return hart->s.mhpmevent[(csr & 31) - 3];
}

static void mhpmevent_write(struct hart *hart, unsigned csr, uint64_t value)
{
    riscv_mhpmevent_write(hart, csr & 31, value);
}

static int sscofpmf_check(const struct hart *hart, unsigned csr)
{
    (void)csr;
    return legal_if(riscv_isa_has(hart->isa, EXT_SSCOFPMF));
}

static uint64_t scountovf_read(struct hart *hart, unsigned csr)
{
    (void)csr;
    return riscv_scountovf(hart);
}

// Sstc: below M mode both mcounteren.TM and menvcfg.STCE have to allow it, and in a guest the
// hypervisor's as well.
static int sstc_check(const struct hart *hart, unsigned csr)
{
    const struct hart_state *s = &hart->s;

    (void)csr;
    return legal_if(riscv_isa_has(hart->isa, EXT_SSTC) &&
                    (s->priv == PRIV_M ||
                     ((s->mcounteren >> (CSR_TIME & 31) & 1) && (s->menvcfg & MENVCFG_STCE))));
}

static int stimecmp_check(const struct hart *hart, unsigned csr)
{
    const struct hart_state *s = &hart->s;
    int cause = sstc_check(hart, csr);

    if (!cause && s->virt &&
        (!(s->hcounteren >> (CSR_TIME & 31) & 1) || !(riscv_henvcfg(s) & MENVCFG_STCE)))
        cause = CAUSE_VIRTUAL_INSTRUCTION;
    return cause;
}

static int satp_check(const struct hart *hart, unsigned csr)
{
    (void)csr;
    if (hart->s.virt)
        return hart->s.hstatus & HSTATUS_VTVM ? CAUSE_VIRTUAL_INSTRUCTION : 0;
    return legal_if(!(hart->s.priv == PRIV_S && (hart->s.mstatus & MSTATUS_TVM)));
}

static int h_check(const struct hart *hart, unsigned csr)
{
    (void)csr;
    return legal_if(riscv_isa_has(hart->isa, EXT_H));
}

static int vstimecmp_check(const struct hart *hart, unsigned csr)
{
    int cause = h_check(hart, csr);

    return cause ? cause : sstc_check(hart, csr);
}

// TVM protects hgatp, but not vsatp.
static int hgatp_check(const struct hart *hart, unsigned csr)
{
    bool trapped = !hart->s.virt && hart->s.priv == PRIV_S && (hart->s.mstatus & MSTATUS_TVM);

    return trapped ? CAUSE_ILLEGAL_INSTRUCTION : h_check(hart, csr);
}

static uint64_t zero_read(struct hart *hart, unsigned csr)
{
    (void)hart;
    (void)csr;
    return 0;
}

static uint64_t one_read(struct hart *hart, unsigned csr)
{
    (void)hart;
    (void)csr;
    return 1;
}

enum csr_index {
    CSR_INDEX_none,
#define CSR(first, last, name, check, read, write) CSR_INDEX_##name,
#define CSR_FIELD(number, name, mask) CSR_INDEX_##name,
#define CSR_H_FIELD CSR_FIELD
#include "guest/riscv/csr.def"
#undef CSR
#undef CSR_FIELD
#undef CSR_H_FIELD
};

static const struct csr_entry entries[] = {
#define CSR(first, last, name, check, read, write) [CSR_INDEX_##name] = {check, read, write, 0, 0},
#define CSR_FIELD(number, name, mask) \
    [CSR_INDEX_##name] = {NULL, NULL, NULL, offsetof(struct hart_state, name), mask},
#define CSR_H_FIELD(number, name, mask) \
    [CSR_INDEX_##name] = {h_check, NULL, NULL, offsetof(struct hart_state, name), mask},
#include "guest/riscv/csr.def"
#undef CSR
#undef CSR_FIELD
#undef CSR_H_FIELD
};

static const uint8_t entry_of[4096] = {
#define CSR(first, last, name, check, read, write) [first... last] = CSR_INDEX_##name,
#define CSR_FIELD(number, name, mask) [number] = CSR_INDEX_##name,
#define CSR_H_FIELD CSR_FIELD
#include "guest/riscv/csr.def"
#undef CSR
#undef CSR_FIELD
#undef CSR_H_FIELD
};

#define LEVEL_S 1 // of a CSR number; that of U mode is 0
#define LEVEL_H 2 // hypervisor and virtual supervisor: S mode, outside of guests
#define LEVEL_M 3
#define VS_OFFSET 0x100 // from a supervisor register to the one that stands for it in VS mode

// Whether an instruction may access the register now: 0 or the exception. What a guest may not
// touch, but S mode outside of it may, is a virtual instruction.
static int access_check(const struct hart *hart, unsigned csr, bool write)
{
    const struct hart_state *s = &hart->s;
    unsigned index = csr < HULL_ARRAY_SIZE(entry_of) ? entry_of[csr] : CSR_INDEX_none;
    unsigned level = csr >> 8 & 3;
    int cause = 0;

    if (index == CSR_INDEX_none || (write && csr >> 10 == 3))
        return CAUSE_ILLEGAL_INSTRUCTION;
    if (level == LEVEL_M ? s->priv != PRIV_M : level && s->priv == PRIV_U && !s->virt)
        return CAUSE_ILLEGAL_INSTRUCTION;
    if (entries[index].check)
        cause = entries[index].check(hart, csr);
    if (!cause && s->virt && (level == LEVEL_H || (level == LEVEL_S && s->priv == PRIV_U)))
        cause = CAUSE_VIRTUAL_INSTRUCTION;
    if (!cause && s->virt && write && csr == CSR_STIMECMP && (s->hvictl & HVICTL_VTI))
        cause = CAUSE_VIRTUAL_INSTRUCTION;
    return cause;
}

// The register that a number, which has been checked, stands for in this mode.
static unsigned csr_in_mode(const struct hart *hart, unsigned csr)
{
    if (hart->s.virt && (csr >> 8 & 3) == LEVEL_S && entry_of[csr + VS_OFFSET] != CSR_INDEX_none)
        return csr + VS_OFFSET;
    return csr;
}

static uint64_t *entry_field(struct hart *hart, const struct csr_entry *entry)
{
    return (uint64_t *)((char *)&hart->s + entry->field);
}

static uint64_t entry_load(struct hart *hart, const struct csr_entry *entry, unsigned csr)
{
    return entry->read ? entry->read(hart, csr) : *entry_field(hart, entry);
}

static void entry_store(struct hart *hart, const struct csr_entry *entry, unsigned csr,
                        uint64_t value)
{
    if (entry->write)
        entry->write(hart, csr, value);
    else if (!entry->read)
        *entry_field(hart, entry) = value & entry->mask;
}

int riscv_csr_read(struct hart *hart, unsigned csr, bool write, uint64_t *value)
{
    int cause = access_check(hart, csr, write);

    if (cause)
        return cause;
    csr = csr_in_mode(hart, csr);
    *value = entry_load(hart, &entries[entry_of[csr]], csr);
    return 0;
}

int riscv_csr_write(struct hart *hart, unsigned csr, uint64_t value)
{
    int cause = access_check(hart, csr, true);

    if (cause)
        return cause;
    csr = csr_in_mode(hart, csr);
    entry_store(hart, &entries[entry_of[csr]], csr, value);
    return 0;
}

int riscv_csr_modify(struct hart *hart, unsigned csr, enum riscv_csr_op op, uint64_t operand,
                     uint64_t *old)
{
    int cause = access_check(hart, csr, true);
    const struct csr_entry *entry;

    if (cause)
        return cause;
    csr = csr_in_mode(hart, csr);
    entry = &entries[entry_of[csr]];
    *old = entry_load(hart, entry, csr);
    if (csr == CSR_MIP || csr == CSR_SIP)
        riscv_mip_change(hart, csr == CSR_SIP, op == CSR_OP_WRITE ? ~0ull : operand,
                         op == CSR_OP_CLEAR ? 0 : operand);
    else if (csr == CSR_MVIP)
        riscv_mvip_change(hart, op == CSR_OP_WRITE ? ~0ull : operand,
                          op == CSR_OP_CLEAR ? 0 : operand);
    else if (op == CSR_OP_WRITE)
        entry_store(hart, entry, csr, operand);
    else
        entry_store(hart, entry, csr, op == CSR_OP_SET ? *old | operand : *old & ~operand);
    return 0;
}

void riscv_csr_store(struct hart *hart, unsigned csr, uint64_t value)
{
    entry_store(hart, &entries[entry_of[csr]], csr, value);
}
