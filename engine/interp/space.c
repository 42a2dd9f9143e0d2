// SPDX-License-Identifier: Apache-2.0
// Address spaces: which cached translations and which checks of code are still good after satp was
// written and after sfence.vma; for a guest (V = 1), vsatp and hgatp, and hfence.
//
// Two numbers stand for the translations in use: `space` for those of the current address space,
// `global_space` for those of pages with PTE.G. What is cached under another number is not found;
// so forgetting is taking a new number. Numbers of recent values of satp are kept, by ASID.
#include "engine/interp/cpu.h"
#include "guest/riscv/csr.h"
#include "lib/mem.h"

#define ASID_MASK 0xffffu

static unsigned satp_asid(uint64_t satp)
{
    return satp >> SATP_ASID_SHIFT & ASID_MASK;
}

static uint64_t satp_of(const struct cpu *cpu, bool virt)
{
    return virt ? cpu->hart.s.vsatp : cpu->hart.s.satp;
}

static uint64_t hgatp_of(const struct cpu *cpu, bool virt)
{
    return virt ? cpu->hart.s.hgatp : 0;
}

static unsigned hgatp_vmid(uint64_t hgatp)
{
    return (hgatp & HGATP_VMID) >> SATP_ASID_SHIFT;
}

static struct address_space *space_slot(struct space_set *set, unsigned asid, uint64_t hgatp)
{
    return &set->spaces[(asid + 8 * hgatp_vmid(hgatp)) % HULL_ARRAY_SIZE(set->spaces)];
}

static struct address_space *current_slot(struct cpu *cpu, bool virt)
{
    return space_slot(&cpu->sets[virt], satp_asid(satp_of(cpu, virt)), hgatp_of(cpu, virt));
}

static struct machine_space *machine_slot(struct space_set *set, uint64_t hgatp)
{
    return &set->machines[hgatp_vmid(hgatp) % HULL_ARRAY_SIZE(set->machines)];
}

// New numbers for the current space, which alone is known from now on.
static void space_renew(struct cpu *cpu, bool virt)
{
    struct space_set *set = &cpu->sets[virt];

    set->space = ++cpu->space_count;
    set->epoch = ++cpu->epoch_count;
    *current_slot(cpu, virt) =
        (struct address_space){satp_of(cpu, virt), hgatp_of(cpu, virt), set->space, set->epoch};
    interp_context_select(cpu);
}

static void machine_renew(struct cpu *cpu, bool virt)
{
    struct space_set *set = &cpu->sets[virt];

    set->hgatp = hgatp_of(cpu, virt);
    set->global_space = ++cpu->space_count;
    set->global_epoch = ++cpu->epoch_count;
    *machine_slot(set, set->hgatp) =
        (struct machine_space){set->hgatp, set->global_space, set->global_epoch};
}

// No code is known to be in the place where it was.
static void code_forget(struct cpu *cpu, bool virt)
{
    struct space_set *set = &cpu->sets[virt];

    memset(set->spaces, 0, sizeof(set->spaces));
    memset(set->machines, 0, sizeof(set->machines));
    filter_clear(&set->code_pages);
    filter_clear(&set->space_code);
    machine_renew(cpu, virt);
    space_renew(cpu, virt);
}

static void context_renew_set(struct cpu *cpu, bool virt)
{
    struct space_set *set = &cpu->sets[virt];

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(set->spaces); i++)
        set->spaces[i].epoch = 0;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(set->machines); i++)
        set->machines[i].epoch = 0;
    set->epoch = set->global_epoch = ++cpu->epoch_count;
    current_slot(cpu, virt)->epoch = set->epoch;
    machine_slot(set, set->hgatp)->epoch = set->global_epoch;
}

void interp_context_renew(struct cpu *cpu)
{
    context_renew_set(cpu, false);
    context_renew_set(cpu, true);
    interp_context_select(cpu);
}

void interp_tlb_flush_set(struct cpu *cpu, bool virt)
{
    interp_tlb_clear(cpu, virt);
    code_forget(cpu, virt);
}

void interp_tlb_flush(struct cpu *cpu)
{
    interp_tlb_flush_set(cpu, false);
    interp_tlb_flush_set(cpu, true);
}

// Another virtual machine: nothing in the data TLBs says whose it is.
static void machine_switch(struct cpu *cpu)
{
    struct space_set *set = &cpu->sets[true];
    uint64_t hgatp = cpu->hart.s.hgatp;
    struct machine_space *m = machine_slot(set, hgatp);

    interp_tlb_clear(cpu, true);
    if (!m->space || m->hgatp != hgatp) {
        machine_renew(cpu, true);
        return;
    }
    if (!m->epoch)
        m->epoch = ++cpu->epoch_count;
    set->hgatp = hgatp;
    set->global_space = m->space;
    set->global_epoch = m->epoch;
}

// Whether what was cached under this satp is worth keeping. Without ASIDs nothing is kept, as on harts
// that have none; nor without VMIDs. That a hypervisor puts another guest's vsatp in place is no
// switch of that guest's.
static bool space_is_named(const struct cpu *cpu, bool virt)
{
    bool by_guest = cpu->hart.s.virt;

    if (!virt)
        return satp_asid(cpu->hart.s.satp);
    return hgatp_vmid(cpu->hart.s.hgatp) && (!by_guest || satp_asid(cpu->hart.s.vsatp));
}

// With names, what was found under these very values is still good: whoever changes their tables
// executes sfence.vma or hfence.
void interp_tlb_switch_space(struct cpu *cpu, bool virt)
{
    struct space_set *set = &cpu->sets[virt];
    struct address_space *s = current_slot(cpu, virt);

    if (!space_is_named(cpu, virt)) {
        interp_tlb_flush_set(cpu, virt);
        return;
    }
    interp_tlb_leave(cpu, virt);
    if (set->hgatp != hgatp_of(cpu, virt))
        machine_switch(cpu);
    if (!s->space || s->satp != satp_of(cpu, virt) || s->hgatp != hgatp_of(cpu, virt)) {
        space_renew(cpu, virt);
        return;
    }
    if (!s->epoch)
        s->epoch = ++cpu->epoch_count;
    set->space = s->space;
    set->epoch = s->epoch;
    interp_tlb_return(cpu, virt);
    interp_context_select(cpu);
}

bool interp_tlb_flush_space(struct cpu *cpu, bool virt, uint64_t asid)
{
    struct space_set *set = &cpu->sets[virt];
    struct address_space *s = space_slot(set, asid & ASID_MASK, hgatp_of(cpu, virt));

    if ((asid & ASID_MASK) == satp_asid(satp_of(cpu, virt))) {
        interp_tlb_drop_private(cpu, virt);
        space_renew(cpu, virt);
        return virt == cpu->hart.s.virt;
    }
    if (satp_asid(s->satp) == (asid & ASID_MASK))
        *s = (struct address_space){0};
    return false;
}

#define CODE_PAGES_MAX ((1u << PAGE_FILTER_SHIFT) / 16)

// Those spaces that may have code in the page at va.
static bool code_flush_page(struct cpu *cpu, bool virt, gva_t va)
{
    struct space_set *set = &cpu->sets[virt];
    uint64_t current = set->space;

    if (!filter_test(&set->code_pages, va, 0))
        return false;
    // A page that is global, or so many that the filters say yes to most.
    if (filter_test(&set->space_code, va, 0) || set->space_code.count > CODE_PAGES_MAX) {
        code_forget(cpu, virt);
        return true;
    }
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(set->spaces); i++) {
        struct address_space *s = &set->spaces[i];

        if (s->space && s->space != current && filter_test(&set->space_code, va, s->space))
            *s = (struct address_space){0};
    }
    if (!filter_test(&set->space_code, va, current))
        return false;
    space_renew(cpu, virt);
    return true;
}

bool interp_tlb_flush_page(struct cpu *cpu, bool virt, gva_t va, bool everywhere)
{
    interp_tlb_drop_page(cpu, virt, va, everywhere);
    return code_flush_page(cpu, virt, va) && virt == cpu->hart.s.virt;
}

void interp_code_page(struct cpu *cpu, gva_t va, unsigned shift, bool global)
{
    struct space_set *set = &cpu->sets[cpu->hart.s.virt];

    filter_add(&set->code_pages, va, shift, 0);
    filter_add(&set->space_code, va, shift, global ? 0 : set->space);
}
