// SPDX-License-Identifier: Apache-2.0
// Pages of code and their regions: how they are found, checked, and replaced when the code is other
// code by now. Look-ups run beside additions; removal takes a page out of its chain and leaves its
// own link, so that whoever stands on it goes on.
#include <hull/vm.h>

#include "engine/jit/translator.h"
#include "lib/mem.h"

#define PAGE_MASK (~(uint64_t)(HULL_PAGE_SIZE - 1))

// A page whose code was found changed this often is checked region by region.
#define CHANGES_MAX 4

static struct code_page *_Atomic *page_slot(struct jit_cache *cache, gva_t pc, gpa_t gpa)
{
    uint64_t h = (gpa >> 12) ^ (gpa >> 24) ^ (pc >> 12) * 0x9e37 ^ (pc & ~PAGE_MASK);

    return &cache->pages[h & (PAGE_HASH - 1)];
}

static struct region_entry *_Atomic *entry_slot(struct jit_cache *cache,
                                                const struct code_page *page, gva_t pc)
{
    return &cache->entries[((pc >> 1) ^ page->number * 0x9e3779b1u >> 16) & (REGION_HASH - 1)];
}

static unsigned possible_bit(gva_t pc, gpa_t gpa)
{
    return ((gpa >> 1) ^ (pc >> 12) * 0x9e3779b1u) & (REGION_FILTER - 1);
}

bool jit_region_possible(const struct jit_cache *cache, gva_t pc, gpa_t gpa)
{
    unsigned bit = possible_bit(pc, gpa);

    return atomic_load_explicit(&cache->filter[bit / 64], memory_order_relaxed) >> bit % 64 & 1;
}

static void make_possible(struct jit_cache *cache, const struct region_entry *e)
{
    unsigned bit = possible_bit(e->pc, e->page->gpa | (e->pc & ~PAGE_MASK));

    atomic_fetch_or_explicit(&cache->filter[bit / 64], 1ull << bit % 64, memory_order_relaxed);
}

static struct code_page *page_look_up(struct jit *jit, gva_t pc, gpa_t gpa)
{
    struct cpu *cpu = &jit->cpu;
    struct code_page *p =
        atomic_load_explicit(page_slot(jit->cache, pc, gpa), memory_order_acquire);

    while (p && (p->pc != pc || p->gpa != gpa || p->flavor != cpu->flavor ||
                 p->priv != cpu->hart.s.priv || p->global != cpu->global_fetch))
        p = __atomic_load_n(&p->hash_next, __ATOMIC_ACQUIRE);
    return p;
}

// The page that code at pc belongs to, whether it is still right or not.
static struct code_page *page_of(struct jit *jit, gva_t pc, gpa_t gpa)
{
    struct code_page *p = page_look_up(jit, pc & PAGE_MASK, gpa & PAGE_MASK);

    if (p && p->changes >= CHANGES_MAX)
        p = page_look_up(jit, pc | 1, gpa & PAGE_MASK);
    return p;
}

// Where several are entered there, the latest: it is the one with the loop around.
struct region_entry *jit_page_entry(struct jit_cache *cache, const struct code_page *page, gva_t pc)
{
    struct region_entry *e =
        atomic_load_explicit(entry_slot(cache, page, pc), memory_order_acquire);

    while (e && (e->page != page || e->pc != pc))
        e = e->hash_next;
    return e;
}

static const struct region_place *place_in(const struct region *r, gva_t pc)
{
    if (pc - r->pc >= r->bytes)
        return NULL;
    for (unsigned i = 0; i < r->place_count; i++)
        if ((r->places[i].offset & ~1u) == pc - r->pc)
            return &r->places[i];
    return NULL;
}

struct region *jit_page_place(const struct code_page *page, gva_t pc,
                              const struct region_place **place)
{
    for (struct region *r = page->regions; r; r = r->page_next) {
        *place = place_in(r, pc);
        if (*place)
            return r;
    }
    return NULL;
}

static bool bytes_unchanged(const struct code_page *page)
{
    for (const struct region *r = page->regions; r; r = r->page_next)
        if (memcmp(r->copy, r->source, r->bytes))
            return false;
    return true;
}

static void page_remove(struct jit_cache *cache, struct code_page *page)
{
    struct code_page *_Atomic *head = page_slot(cache, page->pc, page->gpa);
    struct code_page *p = atomic_load_explicit(head, memory_order_relaxed);

    page->stale = true;
    cache->changed_pages++;
    if (p == page) {
        atomic_store_explicit(head, page->hash_next, memory_order_release);
        return;
    }
    while (p && p->hash_next != page)
        p = p->hash_next;
    if (p)
        __atomic_store_n(&p->hash_next, page->hash_next, __ATOMIC_RELEASE);
}

static struct code_page *page_make(struct jit *jit, gva_t pc, gpa_t gpa, unsigned changes)
{
    struct jit_cache *cache = jit->cache;
    struct code_page *_Atomic *head = page_slot(cache, pc, gpa);
    struct code_page *p = NULL;

    if (cache->page_count < cache->page_max)
        p = jit_meta_alloc(cache, sizeof(*p));
    if (!p)
        return NULL;
    *p = (struct code_page){
        .pc = pc,
        .gpa = gpa,
        .hash_next = atomic_load_explicit(head, memory_order_relaxed),
        .fence = atomic_load(&cache->fences),
        .number = cache->page_count++,
        .flavor = (uint8_t)jit->cpu.flavor,
        .priv = jit->cpu.hart.s.priv,
        .changes = (uint8_t)changes,
        .global = jit->cpu.global_fetch,
    };
    atomic_store_explicit(head, p, memory_order_release);
    return p;
}

// Compares the page's bytes with memory if that was not done since this vCPU's last fence.i. A page
// with other code is replaced by an empty one, for those who come now. Under the lock.
static struct code_page *page_check(struct jit *jit, struct code_page *p)
{
    uint64_t fences = atomic_load(&jit->cache->fences); // before the bytes are read

    if (p->stale || jit->cache->forgotten)
        return NULL;
    if (atomic_load_explicit(&p->fence, memory_order_relaxed) >= jit->fence)
        return p;
    if (bytes_unchanged(p)) {
        atomic_store_explicit(&p->fence, fences, memory_order_release);
        return p;
    }
    page_remove(jit->cache, p);
    if (p->pc & 1)
        return NULL;
    page_make(jit, p->pc, p->gpa, p->changes + 1u);
    return NULL;
}

struct region_entry *jit_entry_find(struct jit *jit, gva_t pc, gpa_t gpa)
{
    const struct hull_env *env = &jit->cache->vm->env;
    struct code_page *p = page_of(jit, pc, gpa);
    struct region_entry *e;

    if (p && atomic_load_explicit(&p->fence, memory_order_acquire) < jit->fence) {
        hull_lock(env, &jit->cache->lock);
        p = page_check(jit, p);
        hull_unlock(env, &jit->cache->lock);
    }
    e = p ? jit_page_entry(jit->cache, p, pc) : NULL;
    if (e)
        jit->valid[p->number] = jit_page_context(jit, p);
    return e;
}

struct code_page *jit_page_known(struct jit *jit, gva_t pc, gpa_t gpa)
{
    struct code_page *p = page_of(jit, pc, gpa);

    if (p)
        p = page_check(jit, p);
    if (p)
        jit->valid[p->number] = jit_page_context(jit, p);
    return p;
}

struct code_page *jit_page_obtain(struct jit *jit, gva_t pc, gpa_t gpa)
{
    struct code_page *p = page_look_up(jit, pc & PAGE_MASK, gpa & PAGE_MASK);

    if (p)
        p = page_check(jit, p);
    if (!p)
        p = page_look_up(jit, pc & PAGE_MASK, gpa & PAGE_MASK); // the one that came instead
    if (!p)
        p = page_make(jit, pc & PAGE_MASK, gpa & PAGE_MASK, 0);
    if (p && p->changes >= CHANGES_MAX) {
        p = page_look_up(jit, pc | 1, gpa & PAGE_MASK);
        if (p)
            p = page_check(jit, p);
        if (!p)
            p = page_make(jit, pc | 1, gpa & PAGE_MASK, 0);
    }
    if (p)
        jit->valid[p->number] = jit_page_context(jit, p);
    return p;
}

void jit_page_add_entry(struct jit_cache *cache, struct region_entry *e)
{
    struct region_entry *_Atomic *head = entry_slot(cache, e->page, e->pc);

    make_possible(cache, e);
    e->hash_next = atomic_load_explicit(head, memory_order_relaxed);
    atomic_store_explicit(head, e, memory_order_release);
}

void jit_page_add(struct jit_cache *cache, struct region *r)
{
    r->page_next = r->page->regions;
    r->page->regions = r;
    for (unsigned i = 0; i < r->entry_count; i++)
        jit_page_add_entry(cache, &r->entries[i]);
}
