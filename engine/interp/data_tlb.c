// SPDX-License-Identifier: Apache-2.0
// What the data TLBs hold: filled by accesses, dropped by fences; and what the current address space has there
// is taken out when another one comes, and put back when it returns.
//
// Tags hold no ASID, so that looking up costs nothing for it. What was filled is logged, so taking a space's
// entries out takes about the time that filling them took, and putting them back much less than finding them
// anew. They are kept by the space's number (space.c): a fence that renews the number forgets them. The
// fences of one address in all spaces, which renew none, are noted, and executed again when a space returns.
#include "engine/interp/cpu.h"

static void entry_drop(struct tlb_entry *e)
{
    e->read_tag = e->write_tag = TLB_NONE;
}

static bool entry_valid(const struct tlb_entry *e)
{
    return e->read_tag != TLB_NONE || e->write_tag != TLB_NONE;
}

static unsigned entry_index(gva_t va)
{
    return va >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1);
}

static unsigned entry_shift(const struct tlb_entry *e)
{
    return e->gpa & 63;
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

// Who keeps what was found in a TLB, beyond an entry's replacement, looks at tlbs_dropped.
static void dropped(struct cpu *cpu, unsigned mode)
{
    cpu->tlbs_dropped |= (uint8_t)(1u << mode);
}

static void all_dropped(struct cpu *cpu, bool virt)
{
    for (unsigned mode = first_mode(virt); mode < end_mode(virt); mode++)
        dropped(cpu, mode);
}

void interp_tlb_drop_private(struct cpu *cpu, bool virt)
{
    all_dropped(cpu, virt);
    for (unsigned mode = first_mode(virt); mode < end_mode(virt); mode++)
        drop_logged(cpu, mode, &cpu->logs[mode][0], false);
}

void interp_tlb_clear(struct cpu *cpu, bool virt)
{
    interp_tlb_drop_private(cpu, virt);
    for (unsigned mode = first_mode(virt); mode < end_mode(virt); mode++)
        drop_logged(cpu, mode, &cpu->logs[mode][1], true);
    filter_clear(&cpu->sets[virt].superpages);
}

static void log_add(struct tlb_log *log, unsigned i)
{
    if (log->count < TLB_LOG)
        log->at[log->count] = (uint16_t)i;
    if (log->count <= TLB_LOG)
        log->count++;
}

// Every valid entry is in the log of its kind, or that log has overflowed.
static void fill(struct cpu *cpu, unsigned mode, gva_t va, const struct tlb_entry *new)
{
    struct page_filter *superpages = &cpu->sets[mode >= TLB_V].superpages;
    unsigned i = entry_index(va), shift = entry_shift(new);
    struct tlb_entry *e = &cpu->tlbs[mode][i];

    if (!entry_valid(e) || ((e->gpa ^ new->gpa) & TLB_GLOBAL))
        log_add(&cpu->logs[mode][new->gpa &TLB_GLOBAL ? 1 : 0], i);
    if (shift > HULL_PAGE_SHIFT && !filter_test(superpages, va, 0))
        filter_add(superpages, va, shift, 0);
    *e = *new;
}

void interp_tlb_fill(struct cpu *cpu, struct tlb_entry *tlb, gva_t va, const struct tlb_entry *new)
{
    fill(cpu, (unsigned)(tlb - cpu->tlbs[0]) / TLB_ENTRIES, va, new);
}

// ---- Fences of one address ----

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

// The one piece that has va's own place.
static void drop_piece(struct cpu *cpu, bool virt, gva_t va)
{
    for (unsigned mode = first_mode(virt); mode < end_mode(virt); mode++)
        if (cpu->tlbs_made >> mode & 1)
            drop_covering(&cpu->tlbs[mode][entry_index(va)], va);
}

void interp_tlb_drop_page(struct cpu *cpu, bool virt, gva_t va, bool everywhere)
{
    struct space_set *set = &cpu->sets[virt];

    all_dropped(cpu, virt);
    if (everywhere)
        set->fenced[set->fences++ % TLB_FENCED] = va;
    drop_piece(cpu, virt, va);
    if (!filter_test(&set->superpages, va, 0))
        return;
    // One may have left entries everywhere.
    for (unsigned mode = first_mode(virt); mode < end_mode(virt); mode++)
        for (unsigned kind = 0; kind < 2; kind++)
            drop_pieces(cpu, mode, &cpu->logs[mode][kind], va);
}

// ---- Spaces that are away ----

// The place for the current space's entries: its own, or that of the space that has been away longest.
static struct tlb_away *away_place(struct cpu *cpu, bool virt)
{
    uint64_t space = cpu->sets[virt].space;
    struct tlb_away *oldest = &cpu->away[virt][0];

    for (unsigned i = 0; i < TLB_AWAY_SPACES; i++) {
        struct tlb_away *a = &cpu->away[virt][i];

        if (a->space == space)
            return a;
        if (a->left < oldest->left)
            oldest = a;
    }
    oldest->space = space;
    oldest->stays = 0;
    return oldest;
}

static unsigned private_count(const struct cpu *cpu, bool virt)
{
    unsigned count = 0;

    for (unsigned mode = first_mode(virt); mode < end_mode(virt); mode++)
        count += cpu->logs[mode][0].count;
    return count;
}

static void take_out(struct cpu *cpu, unsigned mode, struct tlb_away *a)
{
    struct tlb_log *log = &cpu->logs[mode][0];
    unsigned count = a->count;

    if (log->count) // or nothing that is kept is this space's
        dropped(cpu, mode);
    for (unsigned i = 0; i < log->count; i++) {
        struct tlb_entry *e = &cpu->tlbs[mode][log->at[i]];

        if (!entry_valid(e) || e->gpa & TLB_GLOBAL)
            continue;
        a->entries[count++] = *e;
        entry_drop(e);
    }
    log->count = 0;
    a->count = a->ends[mode % TLB_V] = (uint16_t)count;
}

void interp_tlb_leave(struct cpu *cpu, bool virt)
{
    struct space_set *set = &cpu->sets[virt];
    unsigned count = private_count(cpu, virt);
    struct tlb_away *a;

    if (!count)
        return;
    if (count > TLB_AWAY_ENTRIES) {
        interp_tlb_drop_private(cpu, virt);
        return;
    }
    a = away_place(cpu, virt);
    a->left = ++set->departures;
    a->fences = set->fences;
    a->mxr = set->mxr;
    a->count = 0;
    for (unsigned mode = first_mode(virt); mode < end_mode(virt); mode++)
        take_out(cpu, mode, a);
}

// Nobody knows which entries a space has used since it returned, so now and then it starts with none.
static bool worth_keeping(const struct space_set *set, struct tlb_away *a)
{
    if (a->mxr != set->mxr || set->fences - a->fences > TLB_FENCED)
        return false;
    if (++a->stays < TLB_AWAY_STAYS)
        return true;
    a->stays = 0;
    return false;
}

static void put_back(struct cpu *cpu, bool virt, const struct tlb_away *a)
{
    struct space_set *set = &cpu->sets[virt];
    unsigned mode = first_mode(virt);

    for (unsigned i = 0; i < a->count; i++) {
        const struct tlb_entry *e = &a->entries[i];

        while (i >= a->ends[mode % TLB_V])
            mode++;
        // A fence of another piece may have been meant for this one as well.
        if (entry_shift(e) > HULL_PAGE_SHIFT && a->fences != set->fences)
            continue;
        fill(cpu, mode, e->read_tag != TLB_NONE ? e->read_tag : e->write_tag, e);
    }
    for (uint64_t n = a->fences; n != set->fences; n++)
        drop_piece(cpu, virt, set->fenced[n % TLB_FENCED]);
}

void interp_tlb_return(struct cpu *cpu, bool virt)
{
    struct space_set *set = &cpu->sets[virt];

    for (unsigned i = 0; i < TLB_AWAY_SPACES; i++) {
        struct tlb_away *a = &cpu->away[virt][i];

        if (a->space != set->space)
            continue;
        if (a->count && worth_keeping(set, a))
            put_back(cpu, virt, a);
        a->count = 0; // they are in the TLBs, where fences find them
        return;
    }
}
