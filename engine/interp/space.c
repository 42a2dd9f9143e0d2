// SPDX-License-Identifier: Apache-2.0
// Address spaces: which cached translations and which checks of code are still good after satp was
// written and after sfence.vma.
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

static void drop_private(struct cpu *cpu)
{
    for (unsigned mode = 0; mode < TLB_MODES; mode++)
        drop_logged(cpu, mode, &cpu->logs[mode][0], false);
}

void interp_tlb_clear(struct cpu *cpu)
{
    for (unsigned mode = 0; mode < TLB_MODES; mode++) {
        drop_logged(cpu, mode, &cpu->logs[mode][0], true);
        drop_logged(cpu, mode, &cpu->logs[mode][1], true);
    }
    filter_clear(&cpu->superpages);
}

// Every valid entry is in the log of its kind, or that log has overflowed.
void interp_tlb_fill(struct cpu *cpu, gva_t va, const struct tlb_entry *new)
{
    unsigned mode = (unsigned)(cpu->tlb - cpu->tlbs[0]) / TLB_ENTRIES;
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
    if (shift > HULL_PAGE_SHIFT && !filter_test(&cpu->superpages, va, 0))
        filter_add(&cpu->superpages, va, shift, 0);
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

static void drop_page(struct cpu *cpu, gva_t va)
{
    bool all = filter_test(&cpu->superpages, va, 0); // one may have left entries everywhere

    for (unsigned mode = 0; mode < TLB_MODES; mode++) {
        drop_covering(&cpu->tlbs[mode][va >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1)], va);
        for (unsigned i = 0; all && i < TLB_ENTRIES; i++)
            drop_covering(&cpu->tlbs[mode][i], va);
    }
}

// ---- Spaces ----

static struct address_space *space_slot(struct cpu *cpu, unsigned asid)
{
    return &cpu->spaces[asid % HULL_ARRAY_SIZE(cpu->spaces)];
}

// New numbers for the current space, which alone is known from now on.
static void space_renew(struct cpu *cpu)
{
    struct address_space *s = space_slot(cpu, satp_asid(cpu->hart.s.satp));

    cpu->space = ++cpu->space_count;
    cpu->epoch = ++cpu->epoch_count;
    *s = (struct address_space){cpu->hart.s.satp, cpu->space, cpu->epoch};
    interp_context_select(cpu);
}

// No code is known to be in the place where it was.
static void code_forget(struct cpu *cpu)
{
    memset(cpu->spaces, 0, sizeof(cpu->spaces));
    filter_clear(&cpu->code_pages);
    filter_clear(&cpu->space_code);
    cpu->global_space = ++cpu->space_count;
    cpu->global_epoch = ++cpu->epoch_count;
    space_renew(cpu);
}

void interp_context_renew(struct cpu *cpu)
{
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(cpu->spaces); i++)
        cpu->spaces[i].epoch = 0;
    cpu->epoch = cpu->global_epoch = ++cpu->epoch_count;
    space_slot(cpu, satp_asid(cpu->hart.s.satp))->epoch = cpu->epoch;
    interp_context_select(cpu);
}

void interp_tlb_flush(struct cpu *cpu)
{
    interp_tlb_clear(cpu);
    code_forget(cpu);
}

// Without ASIDs nothing is kept, as on harts that have none. With them, what was found under this
// very value of satp is still good: whoever changes its tables executes sfence.vma.
void interp_tlb_switch_space(struct cpu *cpu)
{
    uint64_t satp = cpu->hart.s.satp;
    struct address_space *s = space_slot(cpu, satp_asid(satp));

    if (!satp_asid(satp)) {
        interp_tlb_flush(cpu);
        return;
    }
    drop_private(cpu);
    if (s->satp != satp) {
        space_renew(cpu);
        return;
    }
    if (!s->epoch)
        s->epoch = ++cpu->epoch_count;
    cpu->space = s->space;
    cpu->epoch = s->epoch;
    interp_context_select(cpu);
}

bool interp_tlb_flush_space(struct cpu *cpu, uint64_t asid)
{
    struct address_space *s = space_slot(cpu, asid & ASID_MASK);

    if ((asid & ASID_MASK) == satp_asid(cpu->hart.s.satp)) {
        drop_private(cpu);
        space_renew(cpu);
        return true;
    }
    if (satp_asid(s->satp) == (asid & ASID_MASK))
        *s = (struct address_space){0, 0, 0};
    return false;
}

#define CODE_PAGES_MAX ((1u << PAGE_FILTER_SHIFT) / 16)

// Those spaces that may have code in the page at va.
static bool code_flush_page(struct cpu *cpu, gva_t va)
{
    uint64_t current = cpu->space;

    if (!filter_test(&cpu->code_pages, va, 0))
        return false;
    // A page that is global, or so many that the filters say yes to most.
    if (filter_test(&cpu->space_code, va, 0) || cpu->space_code.count > CODE_PAGES_MAX) {
        code_forget(cpu);
        return true;
    }
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(cpu->spaces); i++) {
        struct address_space *s = &cpu->spaces[i];

        if (s->satp && s->space != current && filter_test(&cpu->space_code, va, s->space))
            *s = (struct address_space){0, 0, 0};
    }
    if (!filter_test(&cpu->space_code, va, current))
        return false;
    space_renew(cpu);
    return true;
}

bool interp_tlb_flush_page(struct cpu *cpu, gva_t va)
{
    drop_page(cpu, va);
    return code_flush_page(cpu, va);
}

void interp_code_page(struct cpu *cpu, gva_t va, unsigned shift, bool global)
{
    filter_add(&cpu->code_pages, va, shift, 0);
    filter_add(&cpu->space_code, va, shift, global ? 0 : cpu->space);
}
