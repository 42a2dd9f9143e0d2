// SPDX-License-Identifier: Apache-2.0
// Priorities and top interrupts of the AIA. See aia.h.
#include "guest/riscv/aia.h"

#include "guest/riscv/csr_table.h"
#include "guest/riscv/imsic.h"
#include "guest/riscv/trap.h"
#include "lib/bits.h"
#include "lib/mem.h"

// Priority numbers beyond those that registers hold: an external interrupt that no controller gave a
// number, and an interrupt whose number is zero, with a default priority below external ones.
#define PRIORITY_EXTERNAL 256
#define PRIORITY_LOWEST 257

// The rank of each major interrupt in the default order. Numbers for custom use come last.
static const uint8_t default_rank[64] = {
    [47] = 1,  [23] = 2,  [46] = 3,  [45] = 4,  [22] = 5,  [44] = 6,  [43] = 7,  [21] = 8,
    [42] = 9,  [41] = 10, [20] = 11, [40] = 12, [11] = 13, [3] = 14,  [7] = 15,  [9] = 16,
    [1] = 17,  [5] = 18,  [12] = 19, [10] = 20, [2] = 21,  [6] = 22,  [13] = 23, [14] = 24,
    [15] = 25, [39] = 26, [19] = 27, [38] = 28, [37] = 29, [18] = 30, [36] = 31, [35] = 32,
    [17] = 33, [34] = 34, [33] = 35, [16] = 36, [32] = 37,
};

static unsigned rank_of(unsigned iid)
{
    return default_rank[iid] ? default_rank[iid] : 64 + iid;
}

struct top {
    unsigned iid, priority, rank;
};

static bool comes_before(const struct top *a, const struct top *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->rank < b->rank;
}

// `number`: what software or a controller gave it, 0: nothing.
static struct top candidate(unsigned iid, unsigned number, unsigned external)
{
    struct top top = {iid, number, rank_of(iid)};

    if (!number)
        top.priority = top.rank < rank_of(external) ? 0 : PRIORITY_LOWEST;
    return top;
}

// The first of `ready`, which is not empty.
static struct top first_of(uint64_t ready, const uint8_t numbers[64], unsigned external,
                           unsigned external_number)
{
    struct top best = {0, UINT32_MAX, 0};

    for (; ready; ready &= ready - 1) {
        unsigned iid = hull_ctz64(ready);
        struct top top = candidate(iid, iid == external ? external_number : numbers[iid], external);

        if (comes_before(&top, &best))
            best = top;
    }
    return best;
}

static uint64_t encode(const struct top *top)
{
    return (uint64_t)top->iid << 16 | (top->priority > 255 ? 255 : top->priority);
}

static unsigned file_priority(const struct hart *hart, unsigned file)
{
    unsigned identity = riscv_imsic_top(&hart->s.imsic[file]);

    return identity && hart->s.imsic[file].eidelivery ? identity : PRIORITY_EXTERNAL;
}

uint64_t riscv_aia_ready_m(const struct hart *hart, uint64_t mip)
{
    return mip & hart->s.mie & ~hart->s.mideleg;
}

// mvip's bits, as far as they are no aliases of mip's.
static uint64_t virtual_s(const struct hart_state *s)
{
    return (s->mvip | (s->mip & 1u << IRQ_S_EXT)) & s->mvien & ~s->mideleg;
}

uint64_t riscv_aia_ready_s(const struct hart *hart, uint64_t mip)
{
    const struct hart_state *s = &hart->s;

    return (mip & s->mie & s->mideleg & ~s->hideleg) | (virtual_s(s) & s->sie);
}

uint64_t riscv_aia_ready_vs(const struct hart *hart, uint64_t mip)
{
    const struct hart_state *s = &hart->s;

    return (mip & s->mie & s->hideleg) >> 1 | (s->hvip & s->hvien & s->vsie & AIA_LOCAL_INTERRUPTS);
}

// By the numbers and the interrupt file of the level.
static uint64_t topi(const struct hart *hart, uint64_t ready, const uint8_t numbers[64],
                     unsigned external, unsigned file)
{
    struct top top;

    if (!ready)
        return 0;
    top = first_of(ready, numbers, external, file_priority(hart, file));
    return encode(&top);
}

uint64_t riscv_aia_mtopi(const struct hart *hart, uint64_t mip)
{
    return topi(hart, riscv_aia_ready_m(hart, mip), hart->s.miprio, IRQ_M_EXT, HULL_MSI_FILE_M);
}

uint64_t riscv_aia_stopi(const struct hart *hart, uint64_t mip)
{
    return topi(hart, riscv_aia_ready_s(hart, mip), hart->s.siprio, IRQ_S_EXT, HULL_MSI_FILE_S);
}

unsigned riscv_aia_guest_file(const struct hart *hart)
{
    unsigned vgein = (hart->s.hstatus & HSTATUS_VGEIN) >> HSTATUS_VGEIN_SHIFT;

    return vgein <= hart->isa->geilen ? vgein : 0;
}

// hviprio1 and hviprio2 by interrupt.
static void vs_numbers(const struct hart_state *s, uint8_t numbers[64])
{
    memset(numbers, 0, 64);
    numbers[IRQ_S_SOFT] = (uint8_t)(s->hviprio1 >> 8);
    numbers[IRQ_S_TIMER] = (uint8_t)(s->hviprio1 >> 24);
    for (unsigned i = 0; i < 3; i++)
        numbers[13 + i] = (uint8_t)(s->hviprio1 >> (40 + 8 * i));
    for (unsigned i = 0; i < 8; i++)
        numbers[16 + i] = (uint8_t)(s->hviprio2 >> 8 * i);
}

static unsigned vs_external_priority(const struct hart *hart)
{
    unsigned file = riscv_aia_guest_file(hart);
    uint64_t hvictl = hart->s.hvictl;

    if (file && riscv_imsic_top(&hart->s.imsic[file]))
        return riscv_imsic_top(&hart->s.imsic[file]);
    if (!(hart->s.hstatus & HSTATUS_VGEIN) &&
        (hvictl & HVICTL_IID) == IRQ_S_EXT << HVICTL_IID_SHIFT && (hvictl & HVICTL_IPRIO))
        return hvictl & HVICTL_IPRIO;
    return PRIORITY_EXTERNAL;
}

// The interrupt that hvictl makes up; its rank is before or behind an external one's as DPR says.
static struct top made_up(uint64_t hvictl)
{
    bool behind = hvictl & HVICTL_DPR;
    struct top top = {(hvictl & HVICTL_IID) >> HVICTL_IID_SHIFT, hvictl & HVICTL_IPRIO,
                      behind ? 255 : 0};

    if (!top.priority && behind)
        top.priority = PRIORITY_LOWEST;
    return top;
}

uint64_t riscv_aia_vstopi(const struct hart *hart, uint64_t mip)
{
    uint64_t ready = riscv_aia_ready_vs(hart, mip), hvictl = hart->s.hvictl;
    bool vti = hvictl & HVICTL_VTI;
    struct top best = {0, UINT32_MAX, 0};
    uint8_t numbers[64];

    if (vti)
        ready &= 1u << IRQ_S_EXT;
    if (ready) {
        vs_numbers(&hart->s, numbers);
        best = first_of(ready, numbers, IRQ_S_EXT, vs_external_priority(hart));
    }
    if (vti && (hvictl & HVICTL_IID) != IRQ_S_EXT << HVICTL_IID_SHIFT) {
        struct top top = made_up(hvictl);

        if (comes_before(&top, &best))
            best = top;
    }
    if (best.priority == UINT32_MAX)
        return 0;
    return hvictl & HVICTL_IPRIOM ? encode(&best) : (uint64_t)best.iid << 16 | 1;
}

// Interrupts that are always delegated have no number at machine level, external ones of the level get
// theirs from the controller.
uint64_t riscv_aia_priorities(const struct hart *hart, bool machine)
{
    const struct hart_state *s = &hart->s;

    if (machine)
        return riscv_interrupts(hart->isa, false) & ~(1ull << IRQ_M_EXT);
    return (s->mideleg | s->mvien) & ~(1ull << IRQ_S_EXT);
}

void riscv_aia_state_legalise(struct hart *hart, const struct hart_state *in)
{
    const struct riscv_isa *isa = hart->isa;
    struct hart_state *s = &hart->s;
    bool aia = riscv_isa_has(isa, EXT_SSAIA);
    uint64_t numbered =
        AIA_LOCAL_INTERRUPTS | riscv_interrupts(isa, false) | riscv_h_interrupts(isa);

    s->mvip = aia ? in->mvip & (AIA_LOCAL_INTERRUPTS | 1u << IRQ_S_SOFT) : 0;
    s->sie = aia ? in->sie & (AIA_LOCAL_INTERRUPTS | 1u << IRQ_S_SOFT | 1u << IRQ_S_EXT) : 0;
    s->vsie = aia && riscv_isa_has(isa, EXT_H) ? in->vsie & AIA_LOCAL_INTERRUPTS : 0;
    for (unsigned i = 0; i < 64; i++) {
        bool keep = aia && (numbered >> i & 1);

        s->miprio[i] = keep && i != IRQ_M_EXT ? in->miprio[i] : 0;
        s->siprio[i] = keep && i != IRQ_S_EXT ? in->siprio[i] : 0;
    }
    for (unsigned file = 0; file < HULL_MSI_FILES; file++) {
        if (aia && (file <= isa->geilen || file == HULL_MSI_FILE_M))
            riscv_imsic_legalise(&s->imsic[file]);
        else
            memset(&s->imsic[file], 0, sizeof(s->imsic[file]));
    }
    if (aia)
        riscv_imsic_derive(hart);
}
