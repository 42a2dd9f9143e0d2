// SPDX-License-Identifier: Apache-2.0
// Computed calls: each remembers one target at its site, which most of them have for ever, and calls its code
// as a direct call would. All others find theirs in the jump table.
//
//          cmp  rax, [key]
//          jne  ask            later: other
//          call table          later: the remembered target's code
//   back:  ...
//   key:   an address, odd in FP code; an impossible one at first
//   ask:   leaves; the run loop finds the target, and settles the site
//   other: calls by the jump table
//
// While one vCPU settles the site, others execute it. Each change is one aligned store, the key's is the
// second one, and there is never another; so who finds the key finds its target. Who fetched the call
// before, and compares with the key after that, goes by the table.
#include "engine/jit/host_x86_64/target.h"

static size_t offset_of(const struct jit_cache *cache, const uint8_t *code)
{
    return (size_t)(code - cache->code_rx);
}

void emit_computed_call(struct emitter *e)
{
    const struct jit_cache *cache = e->jit->cache;
    struct stub *s;
    size_t key;

    x86_align_distance(&e->a, 7 + 2); // of the branch: comparison and branch stand together
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RAX, x86_rip());
    key = e->a.used - 4;
    s = add_stub(e, STUB_SITE, x86_jcc(&e->a, CC_NE));
    x86_align_distance(&e->a, 1);
    x86_patch(&e->a, x86_call(&e->a), offset_of(cache, cache->thunk_table[e->fp]));
    if (!s)
        return;
    s->key = key;
    s->pc = e->a.used;
}

// Behind a call, the host's stack holds what the guest pushed: who leaves drops it.
static void ask(struct emitter *e, const struct jit_site *site)
{
    const struct jit_cache *cache = e->jit->cache;

    if (e->fp)
        x86_alu_imm(&e->a, ALU_AND, true, x86_r(RAX), -2);
    x86_op(&e->a, 0x89 | X_W, RAX, x86_m(RBP, FIELD(cpu.hart.s.pc)));
    x86_mov_imm(&e->a, RAX, (uintptr_t)&site->link);
    x86_patch(&e->a, x86_jmp(&e->a), offset_of(cache, cache->thunk_leave[e->fp]));
}

void emit_site_stub(struct emitter *e, const struct stub *s)
{
    struct jit_site *site = jit_meta_alloc(e->jit->cache, sizeof(*site));

    if (!site) {
        e->a.full = true;
        return;
    }
    while (e->a.used % sizeof(uint64_t))
        x86_byte(&e->a, 0xcc);
    *site = (struct jit_site){
        .link = {.page = e->region->page, .patch = (uint32_t)s->pc - 4, .site = true},
        .key = (uint32_t)e->a.used,
        .branch = (uint32_t)s->from,
    };
    x86_patch_here(&e->a, s->key);
    x86_u64(&e->a, !e->fp);
    x86_patch_here(&e->a, s->from);
    ask(e, site);
    site->other = (uint32_t)e->a.used;
    x86_op(&e->a, 0xff, 2, x86_find_in_table(&e->a, e->jit->cache, e->fp));
    x86_patch(&e->a, x86_jmp(&e->a), s->pc);
}

void jit_host_settle(const struct jit_cache *cache, struct jit_site *site, gva_t pc,
                     const uint8_t *entry)
{
    unsigned fp = site->link.page->flavor & FLAVOR_FP ? 1 : 0;
    uint64_t *key = (uint64_t *)(void *)(cache->code_rw + site->key);
    uint32_t *branch = (uint32_t *)(void *)(cache->code_rw + site->branch);

    if (site->settled)
        return;
    site->settled = true;
    if (entry) {
        jit_host_patch(cache, &site->link, entry);
        __atomic_store_n(key, pc | fp, __ATOMIC_RELEASE);
    }
    __atomic_store_n(branch, site->other - (site->branch + 4), __ATOMIC_RELEASE);
}
