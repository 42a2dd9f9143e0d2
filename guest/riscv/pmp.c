// SPDX-License-Identifier: Apache-2.0
// Physical memory protection: 16 entries, grain of 4 bytes. Specification: Privileged ISA 1.13, section
// "Physical Memory Protection".
#include "guest/riscv/pmp.h"

#include "guest/riscv/csr.h"
#include "lib/bits.h"

#define PERMS_ALL (1u << MMU_LOAD | 1u << MMU_STORE | 1u << MMU_FETCH)
#define PMPADDR_MASK ((1ull << 54) - 1) // bits 55 to 2 of an address
#define WHOLE_SPACE (1ull << 63)

static bool entry_range(const struct hart_state *s, unsigned i, gpa_t *first, gpa_t *last)
{
    uint64_t addr = s->pmpaddr[i], size;

    switch (s->pmpcfg[i] & PMPCFG_A) {
    case PMPCFG_TOR:
        *first = i ? s->pmpaddr[i - 1] << 2 : 0;
        *last = (addr << 2) - 1;
        return *first < addr << 2;
    case PMPCFG_NA4:
        *first = addr << 2;
        *last = *first + 3;
        return true;
    case PMPCFG_NAPOT:
        size = 8ull << hull_ctz64(~addr); // all 54 ones: 2^57, everything
        *first = (addr << 2) & ~(size - 1);
        *last = *first + (size - 1);
        return true;
    }
    return false;
}

void riscv_pmp_derive(struct hart *hart)
{
    hart->pmp_active = 0;
    for (unsigned i = 0; i < RISCV_PMP_ENTRIES; i++)
        if (entry_range(&hart->s, i, &hart->pmp[i].first, &hart->pmp[i].last))
            hart->pmp_active |= 1u << i;
    hart->changed |= HART_CHANGED_FETCH;
}

// An entry's permissions for `priv`: M mode is bound by locked entries only.
static unsigned entry_perms(uint8_t cfg, unsigned priv)
{
    if (priv == PRIV_M && !(cfg & PMPCFG_L))
        return PERMS_ALL;
    return (cfg & PMPCFG_R ? 1u << MMU_LOAD : 0) | (cfg & PMPCFG_W ? 1u << MMU_STORE : 0) |
           (cfg & PMPCFG_X ? 1u << MMU_FETCH : 0);
}

// Cuts the aligned block of `size` bytes around gpa until `boundary`, an address where an entry
// begins or the first one behind it, no longer lies inside: on whichever side gpa is, the
// highest bit in which it differs from an address across the boundary says how much.
static uint64_t block_cut(uint64_t size, gpa_t gpa, gpa_t boundary)
{
    uint64_t across = boundary > gpa ? boundary : boundary - 1, limit;

    if (boundary == 0)
        return size;
    limit = 1ull << (63 - hull_clz64(across ^ gpa));
    return limit < size ? limit : size;
}

unsigned riscv_pmp_lookup(const struct hart *hart, gpa_t gpa, unsigned size, unsigned priv,
                          uint64_t *granule)
{
    gpa_t end = gpa + (size - 1);

    *granule = WHOLE_SPACE;
    for (uint32_t left = hart->pmp_active; left; left &= left - 1) {
        unsigned i = hull_ctz32(left);
        gpa_t first = hart->pmp[i].first, last = hart->pmp[i].last;

        *granule = block_cut(block_cut(*granule, gpa, first), gpa, last + 1);
        if (end < first || gpa > last)
            continue;
        if (gpa < first || end > last) // an entry that matches in part fails the access
            return 0;
        return entry_perms(hart->s.pmpcfg[i], priv);
    }
    // Under Hull's SBI nothing is programmed, and the guest owns all that it can address.
    return priv == PRIV_M || hart->sbi ? PERMS_ALL : 0;
}

bool riscv_pmp_check(const struct hart *hart, gpa_t gpa, unsigned size, enum mmu_access access,
                     unsigned priv, uint64_t *granule)
{
    uint64_t whole;

    return riscv_pmp_lookup(hart, gpa, size, priv, granule ? granule : &whole) >> access & 1;
}

// Locked: the entry itself, and an address that a locked TOR entry above starts from.
static bool pmpaddr_locked(const struct hart_state *s, unsigned i)
{
    const uint8_t tor_locked = PMPCFG_L | PMPCFG_TOR;

    if (s->pmpcfg[i] & PMPCFG_L)
        return true;
    return i + 1 < RISCV_PMP_ENTRIES && (s->pmpcfg[i + 1] & (PMPCFG_L | PMPCFG_A)) == tor_locked;
}

uint64_t riscv_pmpcfg_read(struct hart *hart, unsigned csr)
{
    unsigned base = (csr & 0xf) * 4; // pmpcfg0 holds entries 0 to 7, pmpcfg2 8 to 15
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)hart->s.pmpcfg[base + i] << (8 * i);
    return value;
}

uint8_t riscv_pmpcfg_legal(uint8_t cfg)
{
    cfg &= PMPCFG_R | PMPCFG_W | PMPCFG_X | PMPCFG_A | PMPCFG_L;
    if ((cfg & (PMPCFG_R | PMPCFG_W)) == PMPCFG_W) // reserved
        cfg &= (uint8_t)~PMPCFG_W;
    return cfg;
}

uint64_t riscv_pmpaddr_legal(uint64_t addr)
{
    return addr & PMPADDR_MASK;
}

void riscv_pmpcfg_write(struct hart *hart, unsigned csr, uint64_t value)
{
    unsigned base = (csr & 0xf) * 4;

    for (unsigned i = 0; i < 8; i++)
        if (!(hart->s.pmpcfg[base + i] & PMPCFG_L))
            hart->s.pmpcfg[base + i] = riscv_pmpcfg_legal((uint8_t)(value >> (8 * i)));
    riscv_pmp_derive(hart);
}

uint64_t riscv_pmpaddr_read(struct hart *hart, unsigned csr)
{
    return hart->s.pmpaddr[csr & 0xf];
}

void riscv_pmpaddr_write(struct hart *hart, unsigned csr, uint64_t value)
{
    unsigned i = csr & 0xf;

    if (pmpaddr_locked(&hart->s, i))
        return;
    hart->s.pmpaddr[i] = riscv_pmpaddr_legal(value);
    riscv_pmp_derive(hart);
}
