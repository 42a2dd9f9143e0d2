// SPDX-License-Identifier: Apache-2.0
// The page walk. Specification: Privileged ISA 1.13, "Virtual Address Translation Process" (the steps
// named below are its steps), "Two-Stage Address Translation", Svnapot, Svpbmt, Svadu.
//
// One walk serves all tables. A guest's translation is two of them: the VS-stage by vsatp gives a guest
// physical address, which the G-stage by hgatp translates; and so is each access of the VS-stage to
// its tables.
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

#define ROOT_BITS_X4 2 // by which the G-stage's root tables are wider

enum stage { STAGE_ONE, STAGE_VS, STAGE_G };

struct walk {
    struct hart *hart;
    enum stage stage;
    uint64_t atp;    // satp, vsatp or hgatp
    uint64_t envcfg; // menvcfg or henvcfg: PBMTE, ADUE
    uint64_t va;     // what is translated; for the G-stage a guest physical address
    enum mmu_access access;
    struct mmu_mode mode;
    bool global;             // every address space has this page
    gpa_t pte_addr;          // of the leaf: an address of the machine
    uint64_t pte_guest_addr; // VS-stage: the same as the guest has it
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

static int guest_page_fault(enum mmu_access access)
{
    static const uint8_t causes[] = {CAUSE_LOAD_GUEST_PAGE_FAULT, CAUSE_STORE_GUEST_PAGE_FAULT,
                                     CAUSE_FETCH_GUEST_PAGE_FAULT};
    return causes[access];
}

// A fault of this walk's stage. What the G-stage's is about is known to its caller, see
// guest_translate().
static int stage_fault(const struct walk *walk)
{
    return walk->stage == STAGE_G ? guest_page_fault(walk->access) : page_fault(walk->access);
}

// SUM and MXR are dropped where they mean nothing, so that engines keep fewer modes apart.
static struct mmu_mode data_mode(const struct hart *hart, unsigned priv, bool virt)
{
    uint64_t mstatus = hart->s.mstatus;
    uint64_t status = virt ? hart->s.vsstatus : mstatus;
    struct mmu_mode mode = {.priv = (uint8_t)priv, .virt = virt};

    mode.sum = priv == PRIV_S && (status & MSTATUS_SUM);
    mode.mxr = priv != PRIV_M && ((status | mstatus) & MSTATUS_MXR);
    mode.g_mxr = virt && (mstatus & MSTATUS_MXR);
    return mode;
}

struct mmu_mode riscv_mmu_data_mode(const struct hart *hart)
{
    uint64_t mstatus = hart->s.mstatus;
    unsigned mpp = (mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;

    if (hart->s.priv == PRIV_M && (mstatus & MSTATUS_MPRV))
        return data_mode(hart, mpp, mpp != PRIV_M && (mstatus & MSTATUS_MPV));
    return data_mode(hart, hart->s.priv, hart->s.virt);
}

struct mmu_mode riscv_mmu_fetch_mode(const struct hart *hart)
{
    return (struct mmu_mode){.priv = hart->s.priv, .virt = hart->s.virt};
}

struct mmu_mode riscv_mmu_hlsv_mode(const struct hart *hart)
{
    return data_mode(hart, hart->s.hstatus & HSTATUS_SPVP ? PRIV_S : PRIV_U, true);
}

// What a leaf lets `mode` do, apart from its A and D bits.
static unsigned leaf_perms(uint64_t pte, struct mmu_mode mode)
{
    unsigned perms = 0;

    if (mode.hlvx ? pte & PTE_X : (pte & PTE_R) || (mode.mxr && (pte & PTE_X)))
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
static bool pte_well_formed(const struct walk *walk, uint64_t pte, unsigned level)
{
    uint64_t reserved = PTE_RESERVED;

    if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W)
        return false;
    if (!(pte & (PTE_R | PTE_X))) // a pointer to the next table
        return level > 0 && !(pte & (reserved | PTE_D | PTE_A | PTE_U | PTE_PBMT | PTE_N));
    if (!(walk->envcfg & MENVCFG_PBMTE))
        reserved |= PTE_PBMT;
    if (level > 0 || !riscv_isa_has(walk->hart->isa, EXT_SVNAPOT))
        reserved |= PTE_N;
    if ((pte & reserved) || (pte & PTE_PBMT) == PTE_PBMT)
        return false;
    if ((pte & PTE_N) && (pte >> PTE_PPN_SHIFT & 0xf) != NAPOT_PPN)
        return false;
    // Step 6: a superpage is aligned.
    return !(pte >> PTE_PPN_SHIFT & ((1ull << (VPN_BITS * level)) - 1));
}

static int guest_translate(struct hart *hart, uint64_t guest_addr, enum mmu_access needed,
                           enum mmu_access access, struct mmu_mode mode, uint32_t implicit,
                           struct mmu_result *result);

// The VS-stage's tables lie at guest physical addresses. `needed`: MMU_LOAD, or MMU_STORE for A and D.
static int pte_locate(struct walk *walk, enum mmu_access needed)
{
    const struct mmu_mode mode = {.priv = PRIV_U, .virt = true};
    uint32_t implicit = needed == MMU_STORE ? TINST_PTE_WRITE : TINST_PTE_READ;
    struct mmu_result result;
    int cause;

    if (walk->stage != STAGE_VS)
        return 0;
    cause = guest_translate(walk->hart, walk->pte_guest_addr, needed, walk->access, mode, implicit,
                            &result);
    walk->pte_addr = result.gpa;
    return cause;
}

// Reads the PTE at walk->pte_addr: step 2. 0 or the cause.
static int pte_load(struct walk *walk)
{
    int cause = pte_locate(walk, MMU_LOAD);
    uint64_t granule;

    if (cause)
        return cause;
    if (!(riscv_pmp_lookup(walk->hart, walk->pte_addr, 8, PRIV_S, &granule) & ACCESS_BIT(MMU_LOAD)))
        return access_fault(walk->access);
    walk->pte_ptr = hull_memory_ptr(&walk->hart->vcpu->vm->memory, walk->pte_addr, 8);
    if (!walk->pte_ptr)
        return access_fault(walk->access);
    walk->pte = atomic_load_explicit(walk->pte_ptr, memory_order_relaxed);
    return 0;
}

// Step 1: virtual addresses are sign-extended, guest physical ones are zero-extended.
static bool address_canonical(const struct walk *walk, unsigned bits)
{
    if (walk->stage == STAGE_G)
        return walk->va >> (bits + ROOT_BITS_X4) == 0;
    return (uint64_t)hull_sign_extend(walk->va, bits) == walk->va;
}

// Steps 1 to 6: down to a well-formed leaf.
static int walk_to_leaf(struct walk *walk)
{
    uint64_t ppn = walk->atp & SATP_PPN;
    unsigned levels = (unsigned)(walk->atp >> SATP_MODE_SHIFT) - SATP_MODE_SV39 + 3;
    uint64_t index_mask = walk->stage == STAGE_G ? 0x7ff : 0x1ff; // of the root

    walk->global = false;
    if (!address_canonical(walk, HULL_PAGE_SHIFT + VPN_BITS * levels))
        return stage_fault(walk);
    for (unsigned level = levels; level-- > 0; ppn = walk->pte >> PTE_PPN_SHIFT & SATP_PPN) {
        unsigned shift = HULL_PAGE_SHIFT + VPN_BITS * level;
        int cause;

        walk->level = level;
        walk->pte_addr = (ppn << HULL_PAGE_SHIFT) + (walk->va >> shift & index_mask) * 8;
        walk->pte_guest_addr = walk->pte_addr;
        index_mask = 0x1ff;
        cause = pte_load(walk);
        if (cause)
            return cause;
        if (!pte_well_formed(walk, walk->pte, level))
            return stage_fault(walk);
        walk->global |= walk->pte & PTE_G;
        if (walk->pte & (PTE_R | PTE_X))
            return 0;
    }
    return stage_fault(walk);
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
// `needed`: what the page is needed for, which differs from the access that a fault is about where
// that one's walk reads its tables.
static int leaf_use(struct walk *walk, enum mmu_access needed, bool *again)
{
    uint64_t bits = PTE_A | (needed == MMU_STORE ? PTE_D : 0), granule;
    int cause;

    *again = false;
    if (!(leaf_perms(walk->pte, walk->mode) & ACCESS_BIT(needed)))
        return stage_fault(walk);
    if ((walk->pte & bits) == bits)
        return 0;
    if (!(walk->envcfg & MENVCFG_ADUE)) // Svade
        return stage_fault(walk);
    cause = pte_locate(walk, MMU_STORE);
    if (cause)
        return cause;
    if (!(riscv_pmp_lookup(walk->hart, walk->pte_addr, 8, PRIV_S, &granule) &
          ACCESS_BIT(MMU_STORE)))
        return access_fault(walk->access);
    walk->pte_ptr = hull_memory_ptr(&walk->hart->vcpu->vm->memory, walk->pte_addr, 8);
    if (!walk->pte_ptr)
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

static int run_walk(struct walk *walk, enum mmu_access needed, struct mmu_result *result)
{
    bool again;
    int cause;

    // Each turn is caused by another hart's change to this PTE, so some hart always gets on.
    do {
        cause = walk_to_leaf(walk);
        if (!cause)
            cause = leaf_use(walk, needed, &again);
    } while (!cause && again);
    if (!cause)
        result_from_leaf(walk, result);
    return cause;
}

static void translate_bare(gpa_t address, struct mmu_result *result)
{
    *result = (struct mmu_result){.gpa = address, .page = 1ull << 63, .perms = 7};
}

static bool is_bare(uint64_t atp)
{
    return atp >> SATP_MODE_SHIFT == SATP_MODE_BARE;
}

// The G-stage. All its accesses count as U mode's. `needed`: what the page is needed for; `access`: what
// the fault is of; `implicit`: see hart->guest_fault.
static int guest_translate(struct hart *hart, uint64_t guest_addr, enum mmu_access needed,
                           enum mmu_access access, struct mmu_mode mode, uint32_t implicit,
                           struct mmu_result *result)
{
    struct walk walk = {
        .hart = hart,
        .stage = STAGE_G,
        .atp = hart->s.hgatp,
        .envcfg = hart->s.menvcfg,
        .va = guest_addr,
        .access = access,
        .mode = {.priv = PRIV_U, .mxr = mode.g_mxr, .hlvx = mode.hlvx},
    };
    int cause = 0;

    if (is_bare(walk.atp))
        translate_bare(guest_addr, result);
    else
        cause = run_walk(&walk, needed, result);
    if (cause == guest_page_fault(access)) {
        hart->guest_fault.gpa = guest_addr;
        hart->guest_fault.implicit = implicit;
    }
    return cause;
}

// The first stage, by satp or vsatp.
static int first_translate(struct hart *hart, gva_t va, enum mmu_access access,
                           struct mmu_mode mode, struct mmu_result *result)
{
    struct walk walk = {
        .hart = hart,
        .stage = mode.virt ? STAGE_VS : STAGE_ONE,
        .atp = mode.virt ? hart->s.vsatp : hart->s.satp,
        .envcfg = mode.virt ? riscv_henvcfg(&hart->s) : hart->s.menvcfg,
        .va = va,
        .access = access,
        .mode = mode,
    };

    if (mode.priv == PRIV_M || is_bare(walk.atp)) {
        translate_bare(va, result);
        return 0;
    }
    return run_walk(&walk, access, result);
}

// The G-stage on top of the first one's result.
static int second_translate(struct hart *hart, enum mmu_access access, struct mmu_mode mode,
                            struct mmu_result *result)
{
    struct mmu_result guest;
    int cause = guest_translate(hart, result->gpa, access, access, mode, 0, &guest);

    if (cause)
        return cause;
    result->gpa = guest.gpa;
    result->perms &= guest.perms;
    if (guest.page < result->page)
        result->page = guest.page;
    return 0;
}

int riscv_mmu_translate(struct hart *hart, gva_t va, unsigned size, enum mmu_access access,
                        struct mmu_mode mode, struct mmu_result *result)
{
    unsigned perms, needed = ACCESS_BIT(access);
    uint64_t granule;
    int cause = first_translate(hart, va, access, mode, result);

    if (cause)
        return cause;
    result->fenced = result->page;
    if (mode.virt) {
        cause = second_translate(hart, access, mode, result);
        if (cause)
            return cause;
    }
    if (mode.hlvx) // what it reads must be executable and readable
        needed |= ACCESS_BIT(MMU_FETCH);
    perms = riscv_pmp_lookup(hart, result->gpa, size, mode.priv, &granule);
    if ((perms & needed) != needed)
        return access_fault(access);
    result->perms &= (uint8_t)perms;
    if (granule < result->page)
        result->page = granule;
    return 0;
}
