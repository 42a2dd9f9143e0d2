// SPDX-License-Identifier: Apache-2.0
// The page walk. Specification: Privileged ISA 1.13, "Virtual Address Translation Process" (the steps
// named below are its steps), Svnapot, Svpbmt, Svadu.
#include "guest/riscv/mmu.h"

#include <stdatomic.h>

#include "guest/riscv/csr.h"
#include "guest/riscv/pmp.h"
#include "guest/riscv/trap.h"
#include "lib/bits.h"

#define PTE_V (1ull << 0)
#define PTE_R (1ull << 1)
#define PTE_W (1ull << 2)
#define PTE_X (1ull << 3)
#define PTE_U (1ull << 4)
#define PTE_G (1ull << 5)
#define PTE_A (1ull << 6)
#define PTE_D (1ull << 7)
#define PTE_PPN_SHIFT 10
#define PTE_RESERVED (0x7full << 54)
#define PTE_PBMT (3ull << 61)
#define PTE_N (1ull << 63)

#define VPN_BITS 9
#define NAPOT_PPN 8 // ppn[3:0] of the one NAPOT size that is defined, 64 KiB
#define NAPOT_SHIFT 16

#define ACCESS_BIT(access) (1u << (access))

struct walk {
    bool global; // every address space has this page
    struct hart *hart;
    gva_t va;
    enum mmu_access access;
    struct mmu_mode mode;
    gpa_t pte_addr; // of the leaf
    _Atomic uint64_t *pte_ptr;
    uint64_t pte;
    unsigned level; // of the leaf: 0 is 4 KiB
};

static int page_fault(enum mmu_access access)
{
    static const uint8_t causes[] = {CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT,
                                     CAUSE_FETCH_PAGE_FAULT};
    return causes[access];
}

static int access_fault(enum mmu_access access)
{
    static const uint8_t causes[] = {CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS};
    return causes[access];
}

// SUM and MXR are dropped where they mean nothing, so that engines keep fewer modes apart.
struct mmu_mode riscv_mmu_data_mode(const struct hart *hart)
{
    uint64_t mstatus = hart->s.mstatus;
    struct mmu_mode mode = {.priv = hart->s.priv};

    if (mode.priv == PRIV_M && (mstatus & MSTATUS_MPRV))
        mode.priv = (mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
    mode.sum = mode.priv == PRIV_S && (mstatus & MSTATUS_SUM);
    mode.mxr = mode.priv != PRIV_M && (mstatus & MSTATUS_MXR);
    return mode;
}

struct mmu_mode riscv_mmu_fetch_mode(const struct hart *hart)
{
    return (struct mmu_mode){.priv = hart->s.priv};
}

// What a leaf lets `mode` do, apart from its A and D bits.
static unsigned leaf_perms(uint64_t pte, struct mmu_mode mode)
{
    unsigned perms = 0;

    if ((pte & PTE_R) || (mode.mxr && (pte & PTE_X)))
        perms |= ACCESS_BIT(MMU_LOAD);
    if (pte & PTE_W)
        perms |= ACCESS_BIT(MMU_STORE);
    if (pte & PTE_X)
        perms |= ACCESS_BIT(MMU_FETCH);
    if (mode.priv == PRIV_U)
        return pte & PTE_U ? perms : 0;
    if (pte & PTE_U) // S mode never executes a user page
        return mode.sum ? perms & ~ACCESS_BIT(MMU_FETCH) : 0;
    return perms;
}

// Step 3, and the attribute bits: no reserved bit or encoding. `leaf` and `level` as the PTE has them.
static bool pte_well_formed(const struct hart *hart, uint64_t pte, unsigned level)
{
    uint64_t reserved = PTE_RESERVED;

    if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W)
        return false;
    if (!(pte & (PTE_R | PTE_X))) // a pointer to the next table
        return level > 0 && !(pte & (reserved | PTE_D | PTE_A | PTE_U | PTE_PBMT | PTE_N));
    if (!(hart->s.menvcfg & MENVCFG_PBMTE))
        reserved |= PTE_PBMT;
    if (level > 0 || !riscv_isa_has(hart->isa, EXT_SVNAPOT))
        reserved |= PTE_N;
    if ((pte & reserved) || (pte & PTE_PBMT) == PTE_PBMT)
        return false;
    if ((pte & PTE_N) && (pte >> PTE_PPN_SHIFT & 0xf) != NAPOT_PPN)
        return false;
    // Step 6: a superpage is aligned.
    return !(pte >> PTE_PPN_SHIFT & ((1ull << (VPN_BITS * level)) - 1));
}

// Reads the PTE at walk->pte_addr: step 2. 0 or the cause.
static int pte_load(struct walk *walk)
{
    uint64_t granule;

    if (!(riscv_pmp_lookup(walk->hart, walk->pte_addr, 8, PRIV_S, &granule) & ACCESS_BIT(MMU_LOAD)))
        return access_fault(walk->access);
    walk->pte_ptr = hull_memory_ptr(&walk->hart->vcpu->vm->memory, walk->pte_addr, 8);
    if (!walk->pte_ptr)
        return access_fault(walk->access);
    walk->pte = atomic_load_explicit(walk->pte_ptr, memory_order_relaxed);
    return 0;
}

// Steps 1 to 6: down to a well-formed leaf.
static int walk_to_leaf(struct walk *walk)
{
    uint64_t satp = walk->hart->s.satp, ppn = satp & SATP_PPN;
    unsigned levels = (unsigned)(satp >> SATP_MODE_SHIFT) - SATP_MODE_SV39 + 3;
    unsigned va_bits = HULL_PAGE_SHIFT + VPN_BITS * levels;

    walk->global = false;
    if ((gva_t)hull_sign_extend(walk->va, va_bits) != walk->va)
        return page_fault(walk->access);
    for (unsigned level = levels; level-- > 0; ppn = walk->pte >> PTE_PPN_SHIFT & SATP_PPN) {
        unsigned shift = HULL_PAGE_SHIFT + VPN_BITS * level;
        int cause;

        walk->level = level;
        walk->pte_addr = (ppn << HULL_PAGE_SHIFT) + (walk->va >> shift & 0x1ff) * 8;
        cause = pte_load(walk);
        if (cause)
            return cause;
        if (!pte_well_formed(walk->hart, walk->pte, level))
            return page_fault(walk->access);
        walk->global |= walk->pte & PTE_G;
        if (walk->pte & (PTE_R | PTE_X))
            return 0;
    }
    return page_fault(walk->access);
}

// Step 9, by Svadu: sets A, and D for a store, if the PTE is still what was walked. Leaves walk->pte
// as it is in memory then; false: it changed under way.
static bool pte_update(struct walk *walk, uint64_t bits)
{
    uint64_t expected = walk->pte;

    if (!atomic_compare_exchange_strong(walk->pte_ptr, &expected, walk->pte | bits))
        return false;
    walk->pte |= bits;
    hull_memory_written(&walk->hart->vcpu->vm->memory, walk->pte_addr, 8);
    return true;
}

// Steps 7 to 9 on the leaf that was found. `again`: the PTE changed and the walk must be redone.
static int leaf_use(struct walk *walk, bool *again)
{
    uint64_t bits = PTE_A | (walk->access == MMU_STORE ? PTE_D : 0), granule;

    *again = false;
    if (!(leaf_perms(walk->pte, walk->mode) & ACCESS_BIT(walk->access)))
        return page_fault(walk->access);
    if ((walk->pte & bits) == bits)
        return 0;
    if (!(walk->hart->s.menvcfg & MENVCFG_ADUE)) // Svade
        return page_fault(walk->access);
    if (!(riscv_pmp_lookup(walk->hart, walk->pte_addr, 8, PRIV_S, &granule) &
          ACCESS_BIT(MMU_STORE)))
        return access_fault(walk->access);
    *again = !pte_update(walk, bits);
    return 0;
}

static void result_from_leaf(const struct walk *walk, struct mmu_result *result)
{
    unsigned shift = HULL_PAGE_SHIFT + VPN_BITS * walk->level;
    uint64_t base = (walk->pte >> PTE_PPN_SHIFT & SATP_PPN) << HULL_PAGE_SHIFT;

    if (walk->pte & PTE_N)
        shift = NAPOT_SHIFT; // the low bits of ppn that say so are no address bits
    result->global = walk->global;
    result->page = 1ull << shift;
    result->gpa = (base & ~(result->page - 1)) | (walk->va & (result->page - 1));
    result->perms = (uint8_t)leaf_perms(walk->pte, walk->mode);
    if (!(walk->pte & PTE_D))
        result->perms &= (uint8_t)~ACCESS_BIT(MMU_STORE);
}

static int translate(struct hart *hart, gva_t va, enum mmu_access access, struct mmu_mode mode,
                     struct mmu_result *result)
{
    struct walk walk = {.hart = hart, .va = va, .access = access, .mode = mode};
    bool again;
    int cause;

    // Each turn is caused by another hart's change to this PTE, so some hart always gets on.
    do {
        cause = walk_to_leaf(&walk);
        if (!cause)
            cause = leaf_use(&walk, &again);
    } while (!cause && again);
    if (!cause)
        result_from_leaf(&walk, result);
    return cause;
}

int riscv_mmu_translate(struct hart *hart, gva_t va, unsigned size, enum mmu_access access,
                        struct mmu_mode mode, struct mmu_result *result)
{
    uint64_t granule;
    unsigned perms;
    int cause;

    if (mode.priv == PRIV_M || hart->s.satp >> SATP_MODE_SHIFT == SATP_MODE_BARE) {
        *result = (struct mmu_result){.gpa = va, .page = 1ull << 63, .perms = 7};
    } else {
        cause = translate(hart, va, access, mode, result);
        if (cause)
            return cause;
    }
    perms = riscv_pmp_lookup(hart, result->gpa, size, mode.priv, &granule);
    if (!(perms & ACCESS_BIT(access)))
        return access_fault(access);
    result->perms &= (uint8_t)perms;
    if (granule < result->page)
        result->page = granule;
    return 0;
}
