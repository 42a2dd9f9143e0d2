// SPDX-License-Identifier: Apache-2.0
// What the vCPUs of a VM share: memory for machine code, never writable and executable through one
// mapping, and for what belongs to it. Both are filled front to back, and emptied whole when full.
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hull/vm.h>

#include "engine/jit/translator.h"
#include "lib/mem.h"

#define MIB ((size_t)1 << 20)
// With all that goes with it, 64 MiB beyond a guest's RAM suffice.
#define CODE_MAX (28 * MIB)
#define CODE_MIN (64u << 10) // several regions of the longest kind, next to the thunks
#define WISH_MAX (512 * MIB) // distances are 32 bits

// A page of code has a region at least, which takes more than this.
#define CODE_PER_PAGE 256

// Builds that are there to find faults look at all that is translated, others where HULL_JIT_VERIFY asks.
#ifdef HULL_DEBUG
#define VERIFY true
#else
#define VERIFY false
#endif

// The machine may be small. HULL_JIT_CACHE, in KiB, is for tests that want it to overflow.
static size_t code_size(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    const char *wish = getenv("HULL_JIT_CACHE");
    size_t size = CODE_MAX;

    if (pages > 0 && page > 0 && (size_t)pages < CODE_MAX * 64 / (size_t)page)
        size = (size_t)pages * (size_t)page / 64;
    if (wish) {
        unsigned long kib = strtoul(wish, NULL, 10);

        size = kib < WISH_MAX >> 10 ? kib << 10 : WISH_MAX;
    }
    if (size < CODE_MIN)
        size = CODE_MIN;
    return size & ~(size_t)(HULL_PAGE_SIZE - 1);
}

static bool map_memory(struct jit_cache *cache)
{
    void *rw =
        mmap(NULL, cache->code_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *rx = MAP_FAILED, *meta;

    // Of shared memory an old size of 0 makes a second mapping. It is anonymous, or perf would look for
    // names in a file.
    if (rw != MAP_FAILED)
        rx = mremap(rw, 0, cache->code_size, MREMAP_MAYMOVE);
    if (rx != MAP_FAILED && mprotect(rx, cache->code_size, PROT_READ | PROT_EXEC) < 0) {
        munmap(rx, cache->code_size);
        rx = MAP_FAILED;
    }
    meta = mmap(NULL, cache->meta_size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (rw != MAP_FAILED)
        cache->code_rw = rw;
    if (rx != MAP_FAILED)
        cache->code_rx = rx;
    if (meta != MAP_FAILED)
        cache->meta = meta;
    return cache->code_rw && cache->code_rx && cache->meta;
}

static struct jit_cache *cache_create(struct vm *vm)
{
    struct jit_cache *cache = hull_alloc(&vm->env, sizeof(*cache));

    if (!cache)
        return NULL;
    cache->vm = vm;
    cache->code_size = code_size();
    cache->meta_size = cache->code_size / 10 * 3; // a fifth is usual
    cache->page_max = (uint32_t)(cache->code_size / CODE_PER_PAGE);
    vm->env.ops->lock_init(vm->env.ctx, &cache->lock);
    if (!map_memory(cache)) {
        jit_cache_destroy(cache);
        return NULL;
    }
    cache->verify = VERIFY || getenv("HULL_JIT_VERIFY");
    jit_host_make_thunks(cache);
    cache->code_start = cache->code_used;
    jit_watch_cache(cache, true);
    return cache;
}

// vCPUs are made and destroyed one at a time, while none runs.
struct jit_cache *jit_cache_join(struct vm *vm)
{
    struct jit_cache *cache = vm->engine_data;

    if (!cache)
        cache = vm->engine_data = cache_create(vm);
    if (cache)
        cache->users++;
    return cache;
}

bool jit_cache_part(struct jit_cache *cache)
{
    return --cache->users == 0;
}

void jit_cache_destroy(struct jit_cache *cache)
{
    struct vm *vm = cache->vm;

    jit_watch_cache(cache, false);
    if (cache->code_rw)
        munmap(cache->code_rw, cache->code_size);
    if (cache->code_rx)
        munmap((void *)(uintptr_t)cache->code_rx, cache->code_size);
    if (cache->meta)
        munmap(cache->meta, cache->meta_size);
    vm->env.ops->lock_destroy(vm->env.ctx, &cache->lock);
    hull_free(&vm->env, cache, sizeof(*cache));
    vm->engine_data = NULL;
}

size_t jit_vcpu_size(const struct jit_cache *cache)
{
    return sizeof(struct jit) + cache->page_max * sizeof(uint64_t);
}

// Nothing is freed yet: others may be executing it, or hold what they found.
void jit_cache_forget(struct jit_cache *cache)
{
    // Nothing was added since the last time: it would not fit the next time either.
    if (cache->forgotten || cache->code_used == cache->code_start)
        return;
    for (unsigned i = 0; i < PAGE_HASH; i++)
        atomic_store_explicit(&cache->pages[i], NULL, memory_order_relaxed);
    for (unsigned i = 0; i < REGION_HASH; i++)
        atomic_store_explicit(&cache->entries[i], NULL, memory_order_relaxed);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(cache->filter); i++)
        atomic_store_explicit(&cache->filter[i], 0, memory_order_relaxed);
    cache->forgotten = true;
    cache->flushes++;
    atomic_fetch_add(&cache->generation, 1);
}

// Dekker's pattern, as with `attention`: a vCPU publishes that it is in the guest and then looks at
// the generation; here the generation has been published, and then the place is looked at. A vCPU
// that is seen outside will see the new generation before it uses anything it knew.
static bool everybody_knows(struct jit_cache *cache)
{
    uint64_t generation = atomic_load(&cache->generation);

    for (unsigned i = 0; i < cache->vm->vcpu_count; i++) {
        struct vcpu *vcpu = &cache->vm->vcpus[i];
        struct jit *jit = vcpu->engine_data;

        if (jit && atomic_load(&vcpu->place) == VCPU_IN_GUEST &&
            atomic_load(&jit->generation) != generation)
            return false;
    }
    return true;
}

bool jit_cache_usable(struct jit *jit)
{
    struct jit_cache *cache = jit->cache;

    if (atomic_load(&jit->generation) != atomic_load(&cache->generation))
        return false;
    if (!cache->forgotten)
        return true;
    if (!everybody_knows(cache))
        return false;
    jit_watch_forget(cache);
    cache->code_used = cache->code_settled = cache->code_start;
    cache->meta_used = 0;
    cache->page_count = 0;
    jit_streams_reset(cache);
    cache->forgotten = false;
    return true;
}

static void forget_targets(struct jit *jit)
{
    for (unsigned i = 0; i < JIT_JUMPS; i++) {
        jit->jumps[i] = (struct jump_entry){.key = 0, .code = jit->cache->thunk_jump[0]};
        jit->targets[i] = NULL;
    }
    memset(jit->stepped, 0, sizeof(jit->stepped));
    jit->link = NULL;
}

void jit_cache_follow(struct jit *jit)
{
    struct jit_cache *cache = jit->cache;
    uint64_t generation = atomic_load(&cache->generation);

    if (jit->fence_seen != jit->cpu.fence) {
        jit->fence_seen = jit->cpu.fence;
        jit->fence = atomic_fetch_add(&cache->fences, 1) + 1;
    }
    if (atomic_load_explicit(&jit->generation, memory_order_relaxed) == generation)
        return;
    forget_targets(jit);
    interp_context_renew(&jit->cpu); // page numbers will mean other pages
    jit_streams_forget(jit);         // and streams will be others
    atomic_store(&jit->generation, generation);
}

void *jit_meta_alloc(struct jit_cache *cache, size_t size)
{
    void *ptr = cache->meta + cache->meta_used;

    size = (size + 7) & ~(size_t)7;
    if (cache->meta_size - cache->meta_used < size)
        return NULL;
    cache->meta_used += size;
    return ptr;
}

// The writable view of finished code is needed for links only: the host needs no page tables for it.
void jit_code_settle(struct jit_cache *cache)
{
    size_t settled = cache->code_settled & ~(MIB - 1);

    if (cache->code_used - settled < 2 * MIB)
        return;
    madvise(cache->code_rw + settled, MIB, MADV_DONTNEED);
    cache->code_settled = settled + MIB;
}
