// SPDX-License-Identifier: Apache-2.0
// Ways into a region: at its start, at what was made an entry along with it, and those that are added
// later. Whoever comes from outside has the guest's registers where they are between regions.
#include "engine/jit/host_x86_64/target.h"
#include "lib/mem.h"

// Where a way in leads to.
struct destination {
    size_t code;
    bool checks; // the budget is looked at there
};

static struct region_entry *entry_at(const struct region *r, unsigned op)
{
    struct region_entry *entry = r->entries;

    while (entry->pc != r->pc + r->ops[op].offset)
        entry++;
    return entry;
}

// The jump that is taken where this vCPU has not found the page valid for its present context.
static size_t check_page(struct emitter *e)
{
    const struct region *r = e->region;
    int32_t valid = FIELD(valid) + (int32_t)(r->page->number * sizeof(uint64_t));

    x86_op(&e->a, 0x8b | X_W, RAX,
           x86_m(RBP, r->global ? FIELD(cpu.global_context) : FIELD(cpu.context)));
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RAX, x86_m(RBP, valid));
    return x86_jcc(&e->a, CC_NE);
}

static void jump_to_thunk(struct emitter *e, const uint8_t *thunk)
{
    x86_patch(&e->a, x86_jmp(&e->a), (size_t)(thunk - e->jit->cache->code_rx));
}

// Goes on by the jump table, if that knows another entry there.
static void refuse(struct emitter *e, const struct region_entry *entry)
{
    x86_mov_imm(&e->a, RAX, entry->pc | e->fp);
    x86_mov_imm(&e->a, RCX, (uintptr_t)e->jit->cache->code_rx + entry->checked);
    jump_to_thunk(e, e->jit->cache->thunk_refuse[e->fp]);
}

void emit_refusal(struct emitter *e, unsigned op)
{
    refuse(e, entry_at(e->region, op));
}

void emit_entry(struct emitter *e, unsigned op)
{
    struct region_entry *entry;

    if (!e->region->ops[op].entry)
        return;
    entry = entry_at(e->region, op);
    entry->checked = (uint32_t)e->a.used;
    add_stub(e, STUB_REFUSE, check_page(e));
    entry->code = (uint32_t)e->a.used;
    enter_map(e);
}

static void emit_way_in(struct emitter *e, struct region_entry *entry, struct destination to)
{
    size_t wrong, spent = 0;

    entry->checked = (uint32_t)e->a.used;
    wrong = check_page(e);
    entry->code = (uint32_t)e->a.used;
    if (to.checks && !e->map.changed)
        entry->code = (uint32_t)to.code;
    if (!to.checks) {
        x86_op(&e->a, 0x85 | X_W, BUDGET_REG, x86_r(BUDGET_REG)); // test
        spent = x86_jcc(&e->a, CC_S);
    }
    enter_map(e);
    x86_patch(&e->a, x86_jmp(&e->a), to.code);
    x86_patch_here(&e->a, wrong);
    refuse(e, entry);
    if (to.checks)
        return;
    x86_patch_here(&e->a, spent);
    x86_mov_imm(&e->a, RAX, entry->pc | e->fp);
    jump_to_thunk(e, e->jit->cache->thunk_jump[e->fp]);
}

static size_t distance(const struct emitter *e, unsigned op)
{
    return e->labels[op] - e->region->entries[0].code;
}

// Where jumps of the region come, nothing is known but which FP registers hold boxed singles.
static bool is_place(const struct emitter *e, unsigned op)
{
    const struct region_op *rop = &e->region->ops[op];

    return op && rop->target && !rop->entry && !rop->dead && !(e->fp && e->boxed_at[op]) &&
           distance(e, op) <= UINT16_MAX;
}

bool note_places(struct emitter *e)
{
    struct region *r = e->region;
    struct register_map *map;
    unsigned count = 0;

    for (unsigned op = 0; op < r->count; op++)
        count += is_place(e, op);
    if (!count)
        return true;
    r->places = jit_meta_alloc(e->jit->cache, count * sizeof(r->places[0]));
    if (!r->places)
        return false;
    for (unsigned op = 0; op < r->count; op++)
        if (is_place(e, op))
            r->places[r->place_count++] = (struct region_place){
                .offset = r->ops[op].offset | r->ops[op].back, .code = (uint16_t)distance(e, op)};
    if (!e->map.changed)
        return true;
    r->map = map = jit_meta_alloc(e->jit->cache, sizeof(*map));
    if (!map)
        return false;
    *map = e->map;
    return true;
}

bool jit_host_emit_entry(struct jit *jit, struct region *r, const struct region_place *place,
                         struct region_entry *entry)
{
    struct jit_cache *cache = jit->cache;
    struct emitter e;

    memset(&e, 0, offsetof(struct emitter, labels));
    e.start = cache->code_used;
    e.a = (struct x86_asm){.base = cache->code_rw, .used = e.start, .size = cache->code_size};
    e.jit = jit;
    e.region = r;
    e.fp = r->flavor & FLAVOR_FP;
    if (r->map)
        e.map = *(const struct register_map *)r->map;
    emit_way_in(&e, entry,
                (struct destination){r->entries[0].code + place->code, place->offset & 1});
    if (e.a.full)
        return false;
    cache->code_used = e.a.used;
    return true;
}
