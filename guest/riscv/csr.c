// SPDX-License-Identifier: Apache-2.0
// Access to CSRs: the table of csr.def, who may touch what, and the small registers of user mode.
// Specification: Privileged ISA 1.13, chapter "CSRs"; Unprivileged ISA, Zicsr.
#include "guest/riscv/counters.h"
#include "guest/riscv/csr_table.h"
#include "guest/riscv/pmp.h"

struct csr_entry {
    bool (*available)(const struct hart *hart, unsigned csr);
    uint64_t (*read)(struct hart *hart, unsigned csr); // NULL: `field`
    void (*write)(struct hart *hart, unsigned csr, uint64_t value);
    uint16_t field; // offset in struct hart_state
    uint64_t mask;  // bits of the field that are writable
};

static bool fp_available(const struct hart *hart, unsigned csr)
{
    (void)csr;
    return riscv_isa_has(hart->isa, EXT_F) && (hart->s.mstatus & MSTATUS_FS);
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

// Whether mcounteren and scounteren let this mode see counter csr & 31.
static bool counter_enabled(const struct hart *hart, unsigned csr)
{
    uint64_t enabled = ~0ull;

    if (hart->s.priv != PRIV_M)
        enabled &= hart->s.mcounteren;
    if (hart->s.priv == PRIV_U)
        enabled &= hart->s.scounteren;
    return enabled >> (csr & 31) & 1;
}

static bool zicntr_available(const struct hart *hart, unsigned csr)
{
    return riscv_isa_has(hart->isa, EXT_ZICNTR) && counter_enabled(hart, csr);
}

static bool zihpm_available(const struct hart *hart, unsigned csr)
{
    return riscv_isa_has(hart->isa, EXT_ZIHPM) && counter_enabled(hart, csr);
}

static uint64_t counter_read(struct hart *hart, unsigned csr)
{
    return riscv_counter_read(hart, csr & 31);
}

static void counter_write(struct hart *hart, unsigned csr, uint64_t value)
{
    riscv_counter_write(hart, csr & 31, value);
}

static uint64_t time_read(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hull_vm_time(hart->vcpu->vm);
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

static bool sscofpmf_available(const struct hart *hart, unsigned csr)
{
    (void)csr;
    return riscv_isa_has(hart->isa, EXT_SSCOFPMF);
}

static uint64_t scountovf_read(struct hart *hart, unsigned csr)
{
    (void)csr;
    return riscv_scountovf(hart);
}

// Sstc: below M mode both mcounteren.TM and menvcfg.STCE have to allow it.
static bool stimecmp_available(const struct hart *hart, unsigned csr)
{
    (void)csr;
    if (!riscv_isa_has(hart->isa, EXT_SSTC))
        return false;
    return hart->s.priv == PRIV_M ||
           (counter_enabled(hart, CSR_TIME) && (hart->s.menvcfg & MENVCFG_STCE));
}

static bool satp_available(const struct hart *hart, unsigned csr)
{
    (void)csr;
    return !(hart->s.priv == PRIV_S && (hart->s.mstatus & MSTATUS_TVM));
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
#define CSR(first, last, name, available, read, write) CSR_INDEX_##name,
#define CSR_FIELD(number, name, mask) CSR_INDEX_##name,
#include "guest/riscv/csr.def"
#undef CSR
#undef CSR_FIELD
};

static const struct csr_entry entries[] = {
#define CSR(first, last, name, available, read, write) \
    [CSR_INDEX_##name] = {available, read, write, 0, 0},
#define CSR_FIELD(number, name, mask) \
    [CSR_INDEX_##name] = {NULL, NULL, NULL, offsetof(struct hart_state, name), mask},
#include "guest/riscv/csr.def"
#undef CSR
#undef CSR_FIELD
};

static const uint8_t entry_of[4096] = {
#define CSR(first, last, name, available, read, write) [first... last] = CSR_INDEX_##name,
#define CSR_FIELD(number, name, mask) [number] = CSR_INDEX_##name,
#include "guest/riscv/csr.def"
#undef CSR
#undef CSR_FIELD
};

// The entry when an instruction may access it now, or NULL.
static const struct csr_entry *entry_for(const struct hart *hart, unsigned csr, bool write)
{
    unsigned index = csr < HULL_ARRAY_SIZE(entry_of) ? entry_of[csr] : CSR_INDEX_none;

    if (index == CSR_INDEX_none)
        return NULL;
    if ((csr >> 8 & 3) > hart->s.priv || (write && csr >> 10 == 3))
        return NULL;
    if (entries[index].available && !entries[index].available(hart, csr))
        return NULL;
    return &entries[index];
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

bool riscv_csr_read(struct hart *hart, unsigned csr, bool write, uint64_t *value)
{
    const struct csr_entry *entry = entry_for(hart, csr, write);

    if (!entry)
        return false;
    *value = entry_load(hart, entry, csr);
    return true;
}

bool riscv_csr_write(struct hart *hart, unsigned csr, uint64_t value)
{
    const struct csr_entry *entry = entry_for(hart, csr, true);

    if (!entry)
        return false;
    entry_store(hart, entry, csr, value);
    return true;
}

bool riscv_csr_modify(struct hart *hart, unsigned csr, enum riscv_csr_op op, uint64_t operand,
                      uint64_t *old)
{
    const struct csr_entry *entry = entry_for(hart, csr, true);

    if (!entry)
        return false;
    *old = entry_load(hart, entry, csr);
    if (csr == CSR_MIP || csr == CSR_SIP)
        riscv_mip_change(hart, csr == CSR_SIP, op == CSR_OP_WRITE ? ~0ull : operand,
                         op == CSR_OP_CLEAR ? 0 : operand);
    else if (op == CSR_OP_WRITE)
        entry_store(hart, entry, csr, operand);
    else
        entry_store(hart, entry, csr, op == CSR_OP_SET ? *old | operand : *old & ~operand);
    return true;
}

void riscv_csr_store(struct hart *hart, unsigned csr, uint64_t value)
{
    entry_store(hart, &entries[entry_of[csr]], csr, value);
}
