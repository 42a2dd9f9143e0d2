// SPDX-License-Identifier: Apache-2.0
// Keeps what is translated for who wants to see it, and names it for perf. Regions are added under the
// cache's lock; this one is taken inside of it.
#include "engine/jit/watch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/jit/jit.h"
#include "engine/jit/watched.h"

struct jit_watch *jit_watch_create(struct vm *vm, const struct jit_watch_options *options)
{
    struct jit_watch *watch = hull_alloc(&vm->env, sizeof(*watch));

    if (!watch)
        return NULL;
    watch->vm = vm;
    watch->options = *options;
    vm->env.ops->lock_init(vm->env.ctx, &watch->lock);
    vm->engine_watch = watch;
    if (vm->engine == &jit_engine && vm->engine_data)
        jit_watch_cache(vm->engine_data, true);
    return watch;
}

static void watched_free(const struct jit_watch *watch, struct watched *w)
{
    const struct hull_env *env = &watch->vm->env;

    if (w->kept)
        hull_free(env, w->kept, w->code_size);
    hull_free(env, w, w->size);
}

void jit_watch_destroy(struct jit_watch *watch)
{
    const struct hull_env *env;

    if (!watch)
        return;
    env = &watch->vm->env;
    for (unsigned i = 0; i < WATCH_HASH; i++) {
        while (watch->hash[i]) {
            struct watched *w = watch->hash[i];

            watch->hash[i] = w->hash_next;
            watched_free(watch, w);
        }
    }
    watch->vm->engine_watch = NULL;
    env->ops->lock_destroy(env->ctx, &watch->lock);
    hull_free(env, watch, sizeof(*watch));
}

uint64_t watched_heat(const struct watched *w)
{
    uint64_t heat = 0;

    for (unsigned i = 0; i < w->piece_count; i++)
        heat += __atomic_load_n(&w->pieces[i].count, __ATOMIC_RELAXED) * w->pieces[i].length;
    return heat;
}

// ---- Names ----

int watched_name(const struct jit_watch *watch, gva_t pc, unsigned priv, char *buf, size_t size)
{
    static const char modes[] = {'U', 'S', '?', 'M'};
    uint64_t start = pc;
    const char *symbol =
        watch->options.symbol ? watch->options.symbol(watch->options.ctx, pc, &start) : NULL;

    if (!symbol)
        return snprintf(buf, size, "0x%llx [%c]", (unsigned long long)pc, modes[priv & 3]);
    if (pc == start)
        return snprintf(buf, size, "%s [%c]", symbol, modes[priv & 3]);
    return snprintf(buf, size, "%s+0x%llx [%c]", symbol, (unsigned long long)(pc - start),
                    modes[priv & 3]);
}

// In no order. False: no more.
static bool thunk_number(const struct jit_cache *cache, unsigned i, const uint8_t **at,
                         const char **name)
{
    const struct {
        const uint8_t *at;
        const char *name;
    } thunks[] = {
        {cache->thunk_enter[0], "hull:enter"},
        {cache->thunk_enter[1], "hull:enter.fp"},
        {cache->thunk_leave[0], "hull:leave"},
        {cache->thunk_leave[1], "hull:leave.fp"},
        {cache->thunk_jump[0], "hull:jump"},
        {cache->thunk_jump[1], "hull:jump.fp"},
        {cache->thunk_table[0], "hull:table"},
        {cache->thunk_table[1], "hull:table.fp"},
        {cache->thunk_refuse[0], "hull:refuse"},
        {cache->thunk_refuse[1], "hull:refuse.fp"},
        {cache->thunk_step[0], "hull:step"},
        {cache->thunk_step[1], "hull:step.fp"},
        {cache->thunk_bare_step[0], "hull:step"},
        {cache->thunk_bare_step[1], "hull:step.fp"},
        {cache->thunk_ecall[0], "hull:ecall"},
        {cache->thunk_ecall[1], "hull:ecall.fp"},
        {cache->thunk_sret, "hull:sret"},
        {cache->thunk_canonical, "hull:canonical"},
        {cache->thunk_remember[0], "hull:remember"},
        {cache->thunk_remember[1], "hull:remember"},
        {cache->thunk_remember[2], "hull:remember"},
        {cache->thunk_remember[3], "hull:remember"},
        {cache->thunk_fma_nan[0], "hull:fma.nan"},
        {cache->thunk_fma_nan[1], "hull:fma.nan"},
    };

    if (i == sizeof(thunks) / sizeof(thunks[0]))
        return false;
    *at = thunks[i].at;
    *name = thunks[i].name;
    return true;
}

const char *watched_thunk(const struct jit_watch *watch, const uint8_t *at)
{
    const uint8_t *thunk;
    const char *name;

    for (unsigned i = 0; watch->cache && thunk_number(watch->cache, i, &thunk, &name); i++)
        if (thunk == at)
            return name;
    return NULL;
}

static void map_line(struct jit_watch *watch, const uint8_t *at, size_t size, const char *name)
{
    if (watch->options.map)
        fprintf(watch->options.map, "%llx %zx %s\n", (unsigned long long)(uintptr_t)at, size, name);
}

// Each reaches to the next one.
static void map_thunks(struct jit_watch *watch, const struct jit_cache *cache)
{
    const uint8_t *at, *other, *end;
    const char *name, *other_name;

    for (unsigned i = 0; thunk_number(cache, i, &at, &name); i++) {
        end = cache->code_rx + cache->code_start;
        for (unsigned k = 0; thunk_number(cache, k, &other, &other_name); k++)
            if (other > at && other < end)
                end = other;
        if (at)
            map_line(watch, at, (size_t)(end - at), name);
    }
}

// ---- Regions that come and go ----

static struct watched **bucket_of(struct jit_watch *watch, const struct region *r)
{
    return &watch->hash[((r->pc >> 1) ^ (r->pc >> 13)) & (WATCH_HASH - 1)];
}

static bool same_entries(const struct watched *w, const struct region *r)
{
    if (w->entry_count != r->entry_count)
        return false;
    for (unsigned i = 0; i < r->entry_count; i++)
        if (r->pc + w->entries[i] != r->entries[i].pc)
            return false;
    return true;
}

// The same code again, its own memory gone: counting goes on.
static struct watched *find_again(struct jit_watch *watch, const struct region *r)
{
    struct watched *w = *bucket_of(watch, r);

    while (w && (w->code || w->pc != r->pc || w->flavor != r->flavor || w->priv != r->priv ||
                 w->bytes != r->bytes || memcmp(w->copy, r->copy, r->bytes) || !same_entries(w, r)))
        w = w->hash_next;
    return w;
}

static struct watched *watched_make(struct jit_watch *watch, const struct region *r,
                                    const struct ir *ir)
{
    size_t pieces_size, at_size, entries_size, size;
    unsigned pieces = 0;
    struct watched *w;

    for (unsigned i = 0; i < r->count; i++)
        pieces += r->ops[i].leader && !r->ops[i].dead;
    pieces_size = sizeof(*w) + pieces * sizeof(w->pieces[0]);
    at_size = (ir->count + 1) * sizeof(w->at[0]);
    entries_size = r->entry_count * sizeof(w->entries[0]);
    size = pieces_size + at_size + entries_size + r->bytes;
    w = hull_alloc(&watch->vm->env, size);
    if (!w)
        return NULL;
    w->size = size;
    w->pc = r->pc;
    w->flavor = r->flavor;
    w->priv = r->priv;
    w->bytes = r->bytes;
    w->ops = r->count;
    w->ir_count = (uint16_t)ir->count;
    w->piece_count = (uint16_t)pieces;
    w->at = (uint32_t *)(void *)((uint8_t *)w + pieces_size);
    w->entries = (uint16_t *)(void *)((uint8_t *)w + pieces_size + at_size);
    w->copy = (uint8_t *)w + pieces_size + at_size + entries_size;
    w->entry_count = r->entry_count;
    for (unsigned i = 0; i < r->entry_count; i++)
        w->entries[i] = (uint16_t)(r->entries[i].pc - r->pc);
    memcpy(w->copy, r->copy, r->bytes);
    pieces = 0;
    for (unsigned i = 0; i < r->count; i++)
        if (r->ops[i].leader && !r->ops[i].dead)
            w->pieces[pieces++] =
                (struct watched_piece){.op = (uint16_t)i, .length = r->ops[i].left};
    return w;
}

struct watched *jit_watch_begin(struct jit *jit, const struct region *r, const struct ir *ir)
{
    struct jit_watch *watch = jit->cache->vm->engine_watch;
    struct watched *w;

    if (!watch || !watch->options.trace)
        return NULL;
    hull_lock(&watch->vm->env, &watch->lock);
    watch->decoder = jit->cpu.decoder;
    w = find_again(watch, r);
    if (!w) {
        w = watched_make(watch, r, ir);
        if (w) {
            struct watched **bucket = bucket_of(watch, r);

            w->hash_next = *bucket;
            *bucket = w;
            watch->count++;
        }
    } else if (w->kept) {
        hull_free(&watch->vm->env, w->kept, w->code_size);
        w->kept = NULL;
    }
    hull_unlock(&watch->vm->env, &watch->lock);
    return w;
}

void jit_watch_end(struct jit_cache *cache, struct watched *w, const struct region *r,
                   const uint8_t *code, size_t size)
{
    struct jit_watch *watch = cache->vm->engine_watch;
    char name[256];

    if (!watch)
        return;
    hull_lock(&watch->vm->env, &watch->lock);
    if (w) {
        w->translations++;
        w->code = code;
        w->code_size = size;
    }
    if (watch->options.map) {
        watched_name(watch, r->pc, r->priv, name, sizeof(name));
        map_line(watch, code, size, name);
    }
    hull_unlock(&watch->vm->env, &watch->lock);
}

void jit_watch_entry(struct jit_cache *cache, const struct region_entry *e, const uint8_t *code,
                     size_t size)
{
    struct jit_watch *watch = cache->vm->engine_watch;
    char name[256];

    if (!watch || !watch->options.map || !size)
        return;
    hull_lock(&watch->vm->env, &watch->lock);
    watched_name(watch, e->pc, e->page->priv, name, sizeof(name));
    map_line(watch, code, size, name);
    hull_unlock(&watch->vm->env, &watch->lock);
}

static int hotter(const void *a, const void *b)
{
    const struct watched *x = *(struct watched *const *)a, *y = *(struct watched *const *)b;
    uint64_t heat_x = watched_heat(x), heat_y = watched_heat(y);

    if (heat_x != heat_y)
        return heat_x < heat_y ? 1 : -1;
    return x->pc < y->pc ? -1 : x->pc > y->pc;
}

struct watched **watched_hottest(const struct jit_watch *watch, unsigned max, unsigned *count,
                                 size_t *size)
{
    struct watched **list;
    unsigned n = 0;

    *count = 0;
    *size = watch->count * sizeof(*list);
    list = watch->count ? hull_alloc(&watch->vm->env, *size) : NULL;
    if (!list)
        return NULL;
    for (unsigned i = 0; i < WATCH_HASH; i++)
        for (struct watched *w = watch->hash[i]; w; w = w->hash_next)
            list[n++] = w;
    qsort(list, n, sizeof(*list), hotter);
    *count = n < max ? n : max;
    return list;
}

// Of the hottest ones the code is kept, as long as they are that.
static void keep_code(struct jit_watch *watch)
{
    const struct hull_env *env = &watch->vm->env;
    unsigned count;
    size_t size;
    struct watched **hottest = watched_hottest(watch, watch->options.regions, &count, &size);

    for (unsigned i = 0; i < count; i++) {
        struct watched *w = hottest[i];

        if (!w->code || w->kept)
            continue;
        w->kept = hull_alloc(env, w->code_size);
        if (w->kept)
            memcpy(w->kept, w->code, w->code_size);
    }
    if (hottest)
        hull_free(env, hottest, size);
}

// perf looks for names when it reports, and knows of one name for each address: the last one is best. So
// the map begins anew when its addresses mean other code, and stays as it is when the VM ends.
static void restart_map(struct jit_watch *watch, const struct jit_cache *cache)
{
    FILE *map = watch->options.map;

    if (!map)
        return;
    rewind(map);
    if (ftruncate(fileno(map), 0) == 0)
        map_thunks(watch, cache);
}

// The machine code goes; of the hottest regions it is kept.
static void forget_code(struct jit_watch *watch)
{
    keep_code(watch);
    for (unsigned i = 0; i < WATCH_HASH; i++)
        for (struct watched *w = watch->hash[i]; w; w = w->hash_next)
            w->code = NULL;
}

void jit_watch_forget(struct jit_cache *cache)
{
    struct jit_watch *watch = cache->vm->engine_watch;

    if (!watch)
        return;
    hull_lock(&watch->vm->env, &watch->lock);
    forget_code(watch);
    restart_map(watch, cache);
    hull_unlock(&watch->vm->env, &watch->lock);
}

void jit_watch_cache(struct jit_cache *cache, bool there)
{
    struct jit_watch *watch = cache->vm->engine_watch;

    if (!watch)
        return;
    hull_lock(&watch->vm->env, &watch->lock);
    watch->cache = there ? cache : NULL;
    if (there)
        restart_map(watch, cache);
    else
        forget_code(watch);
    hull_unlock(&watch->vm->env, &watch->lock);
}
