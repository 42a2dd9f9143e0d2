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

// ---- Sets of pages ----

static unsigned filter_bit(gva_t va, unsigned shift, uint64_t space)
{
    uint64_t h = ((va >> shift) + space * 0x632be59bd9b4e019 + shift) * 0x9e3779b97f4a7c15;

    return (unsigned)(h >> (64 - PAGE_FILTER_SHIFT));
}

static void filter_add(struct page_filter *f, gva_t va, unsigned shift, uint64_t space)
{
    unsigned bit = filter_bit(va, shift, space);

    f->shifts |= 1ull << shift;
    f->count++;
    f->bits[bit / 64] |= 1ull << bit % 64;
}

static bool filter_test(const struct page_filter *f, gva_t va, uint64_t space)
{
    for (uint64_t left = f->shifts; left; left &= left - 1) {
        unsigned bit = filter_bit(va, (unsigned)__builtin_ctzll(left), space);

        if (f->bits[bit / 64] >> bit % 64 & 1)
            return true;
    }
    return false;
}

static void filter_clear(struct page_filter *f)
{
    if (f->count)
        memset(f, 0, sizeof(*f));
}

// ---- Data TLBs ----

static void entry_drop(struct tlb_entry *e)
{
    e->read_tag = e->write_tag = TLB_NONE;
}

// Drops what the log says, or all entries when it could not hold them all.
static void drop_logged(struct cpu *cpu, unsigned mode, struct tlb_log *log, bool global_too)
{
    struct tlb_entry *tlb = cpu->tlbs[mode];

    if (log->count > TLB_LOG) {
        for (unsigned i = 0; i < TLB_ENTRIES; i++)
            if (global_too || !(tlb[i].gpa & TLB_GLOBAL))
                entry_drop(&tlb[i]);
    } else {
        for (unsigned i = 0; i < log->count; i++)
            if (global_too || !(tlb[log->at[i]].gpa & TLB_GLOBAL))
                entry_drop(&tlb[log->at[i]]);
    }
    log->count = 0;
}

// Nearly all guests use three of the TLBs, which translated code changes between by itself: those are
// made together.
void interp_tlb_make(struct cpu *cpu, unsigned mode)
{
    unsigned supervisor = 1u << TLB_U | 1u << TLB_S | 1u << TLB_S_SUM;
    unsigned made = supervisor >> mode & 1 ? supervisor : 1u << mode;

    for (unsigned m = 0; m < TLB_MODES; m++)
        for (unsigned i = 0; made >> m & 1 && i < TLB_ENTRIES; i++)
            entry_drop(&cpu->tlbs[m][i]);
    cpu->tlbs_made = (uint8_t)(cpu->tlbs_made | made);
}

static unsigned first_mode(bool virt)
{
    return virt ? TLB_V : TLB_M;
}

static unsigned end_mode(bool virt)
{
    return virt ? TLB_MODES : TLB_V;
}

// Who keeps what was found in the TLBs, beyond an entry's replacement, looks at tlb_drops.
static void drop_private(struct cpu *cpu, bool virt)
{
    cpu->tlb_drops++;
    for (unsigned mode = first_mode(virt); mode < end_mode(virt); mode++)
        drop_logged(cpu, mode, &cpu->logs[mode][0], false);
}

void interp_tlb_clear(struct cpu *cpu, bool virt)
{
    cpu->tlb_drops++;
    for (unsigned mode = first_mode(virt); mode < end_mode(virt); mode++) {
        drop_logged(cpu, mode, &cpu->logs[mode][0], true);
        drop_logged(cpu, mode, &cpu->logs[mode][1], true);
    }
    filter_clear(&cpu->sets[virt].superpages);
}

// Every valid entry is in the log of its kind, or that log has overflowed.
void interp_tlb_fill(struct cpu *cpu, struct tlb_entry *tlb, gva_t va, const struct tlb_entry *new)
{
    unsigned mode = (unsigned)(tlb - cpu->tlbs[0]) / TLB_ENTRIES;
    struct page_filter *superpages = &cpu->sets[mode >= TLB_V].superpages;
    unsigned i = va >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1), shift = new->gpa & 63;
    struct tlb_entry *e = &cpu->tlbs[mode][i];
    bool valid = e->read_tag != TLB_NONE || e->write_tag != TLB_NONE;

    if (!valid || ((e->gpa ^ new->gpa) & TLB_GLOBAL)) {
        struct tlb_log *log = &cpu->logs[mode][new->gpa &TLB_GLOBAL ? 1 : 0];

        if (log->count < TLB_LOG)
            log->at[log->count] = (uint16_t)i;
        if (log->count <= TLB_LOG)
            log->count++;
    }
    if (shift > HULL_PAGE_SHIFT && !filter_test(superpages, va, 0))
        filter_add(superpages, va, shift, 0);
    *e = *new;
}

// True when va lies in the page of the size noted in gpa's low bits around `tag`.
static bool covers(uint64_t tag, gpa_t gpa, gva_t va)
{
    return tag != TLB_NONE && (tag ^ va) >> (gpa & 63) == 0;
}

static void drop_covering(struct tlb_entry *e, gva_t va)
{
    if (covers(e->read_tag, e->gpa, va) || covers(e->write_tag, e->gpa, va))
        entry_drop(e);
}

// Every piece of the superpage around va, among what the log knows or all entries. They stay in the log.
static void drop_pieces(struct cpu *cpu, unsigned mode, const struct tlb_log *log, gva_t va)
{
    struct tlb_entry *tlb = cpu->tlbs[mode];
    bool all = log->count > TLB_LOG;

    for (unsigned i = 0; i < (all ? TLB_ENTRIES : log->count); i++)
        drop_covering(&tlb[all ? i : log->at[i]], va);
}

static void drop_page(struct cpu *cpu, bool virt, gva_t va)
{
    // One may have left entries everywhere.
    bool all = filter_test(&cpu->sets[virt].superpages, va, 0);

    cpu->tlb_drops++;
    for (unsigned mode = first_mode(virt); mode < end_mode(virt); mode++) {
        if (!(cpu->tlbs_made >> mode & 1))
            continue;
        drop_covering(&cpu->tlbs[mode][va >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1)], va);
        for (unsigned kind = 0; all && kind < 2; kind++)
            drop_pieces(cpu, mode, &cpu->logs[mode][kind], va);
    }
}

// ---- Spaces ----

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
    if (set->hgatp != hgatp_of(cpu, virt))
        machine_switch(cpu);
    else
        drop_private(cpu, virt);
    if (!s->space || s->satp != satp_of(cpu, virt) || s->hgatp != hgatp_of(cpu, virt)) {
        space_renew(cpu, virt);
        return;
    }
    if (!s->epoch)
        s->epoch = ++cpu->epoch_count;
    set->space = s->space;
    set->epoch = s->epoch;
    interp_context_select(cpu);
}

bool interp_tlb_flush_space(struct cpu *cpu, bool virt, uint64_t asid)
{
    struct space_set *set = &cpu->sets[virt];
    struct address_space *s = space_slot(set, asid & ASID_MASK, hgatp_of(cpu, virt));

    if ((asid & ASID_MASK) == satp_asid(satp_of(cpu, virt))) {
        drop_private(cpu, virt);
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

bool interp_tlb_flush_page(struct cpu *cpu, bool virt, gva_t va)
{
    drop_page(cpu, virt, va);
    return code_flush_page(cpu, virt, va) && virt == cpu->hart.s.virt;
}

void interp_code_page(struct cpu *cpu, gva_t va, unsigned shift, bool global)
{
    struct space_set *set = &cpu->sets[cpu->hart.s.virt];

    filter_add(&set->code_pages, va, shift, 0);
    filter_add(&set->space_code, va, shift, global ? 0 : set->space);
}
