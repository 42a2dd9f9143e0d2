// SPDX-License-Identifier: Apache-2.0
// The JIT's own structures, and the contract between its front (regions, run loop) and a host's
// back end.
//
// A vCPU of the JIT is an interpreted vCPU (struct cpu) with translated regions on top: cold code is
// interpreted, what the back end does not translate is left to the interpreter's single steps, and
// TLBs, traps and interrupts are the interpreter's own. So there is one semantics.
//
// A region is a piece of consecutive code inside one page, with every jump that stays inside it being a
// jump inside its machine code. It is entered at its start, and where else it has an entry. Registers of
// the guest live in host registers throughout translated code, between regions always the same ones.
//
// Regions belong to a VM, not to a vCPU: see struct jit_cache. Machine code reaches what is the
// vCPU's own through its base register only.
#ifndef HULL_ENGINE_JIT_TRANSLATOR_H
#define HULL_ENGINE_JIT_TRANSLATOR_H

#include "engine/interp/cpu.h"
#include "engine/jit/ir.h"

#define REGION_INSNS_MAX 100
#define REGION_HASH 65536
#define REGION_FILTER (1u << 19)
#define PAGE_HASH 4096
#define JIT_JUMPS 16384
#define JIT_STEPPED 512
#define JIT_HEATS 65536
#define JIT_FP_CONSTANTS 9 // of the back end

// What a region's code was made for besides its address: part of the context number.
enum jit_flavor {
    FLAVOR_TLB = 3,       // enum tlb_mode of loads and stores, but for TLB_V
    FLAVOR_VIRT = 1 << 3, // TLB_V in that mode: V = 1
    FLAVOR_FP = 1 << 2,   // FP is on, dirty, and frm is a mode that the host has: FP is translated
};

// One instruction of a region.
struct region_op {
    struct op op; // for a single step
    uint16_t id;  // enum insn_id
    uint16_t offset;
    uint16_t left; // instructions from this one to the end of its straight piece, itself included
    uint8_t length;
    uint8_t
        leader : 1; // jumps inside the region come here, or a jump stands before, or it is an entry
    uint8_t back : 1; // a backward jump inside the region comes here
    uint8_t
        target : 1; // others than the instruction before come here: jumps inside the region, or an entry
    uint8_t entry : 1; // the region's code may be entered here from outside
    uint8_t
        dead : 1; // neither an entry nor what anything inside the region comes to: not translated
};

// Code of one page of the guest as it was found at one place of one address space: what is checked at
// once. A vCPU believes a page while valid[number] is its current context. Regions of a page that was
// found to hold other code by now are left to those vCPUs that have not executed fence.i since.
struct code_page {
    gva_t pc;  // of the page, or, where the code changes often, of the page's one region | 1
    gpa_t gpa; // of the page
    struct code_page *hash_next;
    struct region *regions; // all of them, for comparison; under the lock
    _Atomic uint64_t
        fence;  // cache->fences when the bytes were last compared, or before they were read
    bool stale; // the bytes are others by now; under the lock
    uint32_t number;
    uint8_t flavor, priv;
    uint8_t changes; // how often the page was found to hold other code
    bool global;     // every address space has it: checked against cpu->global_context
};

// Where a region's code is entered from outside: what is looked up.
struct region_entry {
    gva_t pc;
    struct code_page *page;
    struct region_entry *hash_next;
    // In the memory for code:
    uint32_t checked; // for those who don't know that the page is valid
    uint32_t code;
};

// Where an entry can be added later: nothing is known there but what is in the guest's registers.
struct region_place {
    uint16_t offset; // of the instruction; odd: the budget is looked at there
    uint16_t code;   // how far behind the region's first entry
};

struct region {
    gva_t pc;
    const uint8_t *source;
    struct code_page *page;
    struct region *page_next;
    struct region_entry *entries; // in order; the first one is at its start
    struct region_place *places;  // in order
    const void *map;              // the back end's own, for entries that are added
    uint16_t count, bytes, entry_count, place_count;
    uint8_t flavor, priv;
    bool global;
    struct region_op *ops; // while it is being made
    uint8_t *copy;         // of its bytes
};

// A region outside of the memory for code: `ops` and `copy` are its own.
struct region_draft {
    struct region region;
    struct region_op ops[REGION_INSNS_MAX];
    uint8_t copy[REGION_INSNS_MAX * 4];
};

// What is known about other code, for the extent of a region.
struct region_guide {
    bool (*is_known)(void *ctx, gva_t pc); // other code is entered there, or can be
    // Whether the region shall have an entry there, where a call, or a trap, comes back.
    bool (*is_entry)(void *ctx, gva_t pc);
    unsigned reach; // the region goes at least as far as this offset
    void *ctx;
};

// Pages that loads and stores remember, from one stay in a region to the next (streams.c).
#define JIT_STREAMS 1024
#define JIT_STREAM_SPANS 4
enum stream_part { STREAMS_OF_U, STREAMS_OF_S, STREAMS_OF_S_SUM, STREAM_PARTS }; // V = 1 as well
struct jit_stream {
    uint64_t addend; // from guest to host addresses
    uint64_t page;   // the first one
};
struct jit_stream_rate {
    int32_t credit; // pages that may yet be left too soon; below 0: given up before
    uint32_t last;  // the budget when the page was looked up
    int32_t wait;   // look-ups until a page is remembered again
    uint32_t unused;
};

// An entry of the table that indirect jumps look into.
struct jump_entry {
    gva_t key;           // pc, | 1 for flavor FP
    const uint8_t *code; // checked entry; of an unused entry, the thunk for misses
};

// An instruction that was stepped not long ago, decoded.
struct jit_stepped {
    const struct region *region;
    struct region_op op;
};

// A direct jump out of a region, to be patched once its target is translated.
struct jit_link {
    struct code_page *page; // that it leads out of
    uint32_t patch;         // where its distance lies: aligned, as others may be executing it
    bool check;             // the target has to check, also inside the page
    bool site;              // of a struct jit_site
};

// Where a computed call remembers a target (host_<arch>/): the first that was translated when it led there.
// Written once, as nothing changes a key and a jump together for those who execute them meanwhile.
struct jit_site {
    struct jit_link link;
    uint32_t key;    // where the key lies, aligned: an impossible one until it is written
    uint32_t branch; // where the distance lies of the branch that is taken when the key is another
    uint32_t other;  // where that is to lead as soon as the site is settled
    bool settled;    // under the lock
};

// What all vCPUs of a VM share. Look-ups take no lock: what they reach is written before it is
// published, and stays until every vCPU has acknowledged a new generation.
struct jit_cache {
    struct hull_lock lock; // all fields but the hash tables and the counters
    struct vm *vm;
    unsigned users; // vCPUs: the cache comes with the first one and goes with the last one
    // When memory is full, the generation becomes new, and nothing can be found any more. The memory is
    // used again when every vCPU has either seen that or is not in the guest.
    _Atomic uint64_t generation;
    bool forgotten; // and the memory is not yet free
    // fence.i executed so far, by all vCPUs.
    _Atomic uint64_t fences;

    struct code_page *_Atomic pages[PAGE_HASH];
    struct region_entry *_Atomic entries[REGION_HASH];
    // By addresses: whether there may be an entry, of whatever flavor. Most of what is looked up has none.
    _Atomic uint64_t filter[REGION_FILTER / 64];

    // Machine code: one piece of memory, mapped writable and executable at two places.
    uint8_t *code_rw;
    const uint8_t *code_rx;
    size_t code_size, code_used, code_start; // code_start: behind the thunks
    size_t code_settled;                     // up to where the writable view was given back
    // Pages, regions, their ops, links.
    uint8_t *meta;
    size_t meta_size, meta_used;
    uint32_t page_count, page_max;

    uint8_t stream_kinds[JIT_STREAMS];  // what may be remembered there; 0: nobody uses it
    uint16_t stream_next[STREAM_PARTS]; // where the search for the next one begins

    bool verify;            // the IR, before code is made of it
    uint32_t host_features; // the back end's own
    const uint8_t *thunk_enter[2], *thunk_step[2], *thunk_leave[2], *thunk_jump[2]; // [flavor FP]
    const uint8_t *thunk_table[2], *thunk_refuse[2];
    const uint8_t *thunk_bare_step[2]; // the same, for regions with registers of their own
    const uint8_t *thunk_ecall[2], *thunk_sret;
    const uint8_t *thunk_canonical, *thunk_fma_nan[2]; // fp_lazy.c
    const uint8_t *thunk_remember[JIT_STREAM_SPANS];   // lower_mem.c
    _Atomic uint64_t translated;                       // instructions; see jit_cache_acquire()
    uint64_t regions_made, entries_made, entries_added, flushes, changed_pages; // statistics
};

struct jit {
    struct cpu cpu;             // first: the interpreter's functions work on it
    int64_t budget;             // instructions that translated code may still retire
    uint64_t budget_start;      // hart.instret + budget when code was entered
    uint64_t host_stack;        // the back end's: where calls begin
    struct jit_link *link;      // the link that code was left by, or NULL
    uint32_t mxcsr, host_mxcsr; // while FP code runs, its MXCSR is the guest's fcsr
    uint32_t mxcsr_clear;       // the guest's rounding mode, no flags
    uint32_t mxcsr_scratch;
    uint8_t fflags_of[64]; // by MXCSR's flags
    bool interpret;        // the next block, even if it is translated
    _Alignas(16) uint64_t fp_constants[JIT_FP_CONSTANTS][2];

    uint64_t opened[IR_SLOTS]; // for one stay: an addend, or 0: the range is in no one page
    struct jit_stream streams[JIT_STREAMS];
    uint64_t stream_limits[JIT_STREAMS]; // a range may begin in [page, page + limit)
    struct jit_stream_rate stream_rates[JIT_STREAMS];
    // Of those who jump about, but in two pages: a range may begin in [page, page + limit), less at the
    // border between them.
    uint64_t pair_limits[JIT_STREAMS], pair_addends[2][JIT_STREAMS];
    bool streams_used, pairs_used; // some limit is not 0

    // Room for the block of one instruction that steps are run in.
    _Alignas(struct block) uint8_t step[sizeof(struct block) + 2 * sizeof(struct op)];

    struct jit_cache *cache;
    _Atomic uint64_t generation; // of the cache, as far as this vCPU knows
    uint32_t fence_seen;         // cpu.fence up to which `fence` is right
    uint64_t fence;              // cache->fences at this vCPU's last fence.i
    struct jump_entry jumps[JIT_JUMPS];
    struct region_entry *targets[JIT_JUMPS]; // the same entries, for the run loop
    struct jit_stepped stepped[JIT_STEPPED];
    uint8_t heat[JIT_HEATS];
    unsigned hot;                         // executions after which a block is translated
    uint64_t steps[INSN_COUNT];           // single steps, by instruction
    uint64_t entries, found, cold_blocks; // statistics
    uint64_t valid[]; // by a page's number: the context in which this vCPU found it valid
};

// cache.c
// The VM's cache, for one more vCPU: NULL when there is no memory.
struct jit_cache *jit_cache_join(struct vm *vm);
// One vCPU less. True: it was the last one, and the cache has to be destroyed.
bool jit_cache_part(struct jit_cache *cache);
void jit_cache_destroy(struct jit_cache *cache);
size_t jit_vcpu_size(const struct jit_cache *cache); // of struct jit
void jit_cache_forget(struct jit_cache *cache);      // every region; under the lock
// Whether this vCPU may add regions: it knows the generation, and memory is there. Under the lock.
bool jit_cache_usable(struct jit *jit);
// At the start of each turn of the run loop, in the guest: what was found before may be gone.
void jit_cache_follow(struct jit *jit);
void *jit_meta_alloc(struct jit_cache *cache, size_t size); // NULL: full
void jit_code_settle(struct jit_cache *cache);              // after a region was emitted

// Links lead to what other vCPUs have written, without a look-up that acquires it. On x86 it is
// nothing but a word to compilers and sanitizers.
static inline void jit_cache_acquire(struct jit_cache *cache)
{
    (void)atomic_load_explicit(&cache->translated, memory_order_acquire);
}

// How often the code there was interpreted. Blocks come and go, so they can't hold it; addresses that
// share one are translated a little early.
static inline uint8_t *jit_heat(struct jit *jit, gva_t pc, gpa_t gpa)
{
    return &jit->heat[((gpa >> 1) ^ (pc >> 12) * 0x9e37) & (JIT_HEATS - 1)];
}

static inline uint64_t jit_page_context(const struct jit *jit, const struct code_page *page)
{
    return page->global ? jit->cpu.global_context : jit->cpu.context;
}

static inline bool jit_page_valid(const struct jit *jit, const struct code_page *page)
{
    return jit->valid[page->number] == jit_page_context(jit, page);
}

// pages.c
// False: there is no entry at (pc, gpa).
bool jit_region_possible(const struct jit_cache *cache, gva_t pc, gpa_t gpa);
// The entry at (pc, gpa) for the current flavor, valid for the current context, or NULL.
struct region_entry *jit_entry_find(struct jit *jit, gva_t pc, gpa_t gpa);
// The page for a new region, valid for the current context. NULL: no room. Under the lock.
struct code_page *jit_page_obtain(struct jit *jit, gva_t pc, gpa_t gpa);
// The same if there is one already. Under the lock.
struct code_page *jit_page_known(struct jit *jit, gva_t pc, gpa_t gpa);
struct region_entry *jit_page_entry(struct jit_cache *cache, const struct code_page *page,
                                    gva_t pc);
// The region of the page that an entry at pc can be added to, and where; or NULL. Under the lock.
struct region *jit_page_place(const struct code_page *page, gva_t pc,
                              const struct region_place **place);
// Under the lock: a new region, with its entries; one more entry.
void jit_page_add(struct jit_cache *cache, struct region *region);
void jit_page_add_entry(struct jit_cache *cache, struct region_entry *entry);

// streams.c
// A stream for pages found in that TLB (enum tlb_mode), for stores or not, with ranges of at most `span`
// bytes; none of those in `taken`. Negative: there is none left. Under the lock.
int jit_stream_obtain(struct jit_cache *cache, unsigned mode, bool write, unsigned span,
                      const int16_t *taken, unsigned taken_count);
// Ranges of at most so many bytes are treated alike: by number; and the number for a range.
extern const uint16_t jit_stream_spans[JIT_STREAM_SPANS];
unsigned jit_stream_span(unsigned bytes);
void jit_streams_reset(struct jit_cache *cache); // nobody uses one
void jit_streams_forget(struct jit *jit);        // this vCPU's pages
void jit_streams_drop(struct jit *jit);          // of those TLBs that entries were dropped from

// Whatever the interpreter has done, translated code may go on.
static inline void jit_streams_follow(struct jit *jit)
{
    if (jit->cpu.tlbs_dropped)
        jit_streams_drop(jit);
}

// region.c
// Translates the code at pc. NULL: nothing there can be translated, or not now.
struct region_entry *jit_region_make(struct jit *jit, gva_t pc, gpa_t gpa, const uint8_t *source);
// An entry there into code that has been translated already, or NULL.
struct region_entry *jit_region_enter(struct jit *jit, gva_t pc, gpa_t gpa);

// What lies at `source`, at most `room` bytes, as far as a region goes: nothing but these arguments
// matters. `guide` may be NULL. False: nothing there can be translated.
bool jit_region_draft(struct region_draft *draft, const struct riscv_decoder *decoder, gva_t pc,
                      unsigned flavor, const uint8_t *source, unsigned room,
                      const struct region_guide *guide);

// Whether an instruction always goes elsewhere than to the next one (enum insn_id).
bool jit_region_ends_at(unsigned id);
// Whether it is a call, as the specification advises return-address stacks.
bool jit_region_is_call(const struct region_op *op);
// Index of the op at a byte offset, or -1: outside, or the middle of an instruction.
int jit_region_find_op(const struct region *r, int64_t offset);

// run.c: called by translated code. Runs one instruction of `region` by the interpreter: its offset, and
// `left` (struct region_op) in the upper half. Returns false when
// that trapped or left, and hart.s.pc says where to.
bool jit_step(struct jit *jit, struct region *region, unsigned where);

// watch.c. Each does nothing where nobody watches.
struct watched;
// A cache has come to be, with its thunks, or is about to go.
void jit_watch_cache(struct jit_cache *cache, bool there);
// Before a region is emitted, and behind that. `watched` is what its code counts in; NULL: it does not.
struct watched *jit_watch_begin(struct jit *jit, const struct region *region, const struct ir *ir);
void jit_watch_end(struct jit_cache *cache, struct watched *watched, const struct region *region,
                   const uint8_t *code, size_t size);
void jit_watch_entry(struct jit_cache *cache, const struct region_entry *entry, const uint8_t *code,
                     size_t size);              // one that was added
void jit_watch_forget(struct jit_cache *cache); // memory for code will be used again

// The back end, host_<arch>/.
bool jit_host_supported(void);
void jit_host_make_thunks(struct jit_cache *cache); // at the start of the code
void jit_host_vcpu_init(struct jit *jit);
// Emits a region at code_used, and fills in its entries, which are those of its ops, its places and its map.
// False: no room. With `watched` its pieces count themselves there.
bool jit_host_emit(struct jit *jit, struct region *region, const struct ir *ir,
                   struct watched *watched);
// Emits an entry to a place of a region. False: no room.
bool jit_host_emit_entry(struct jit *jit, struct region *region, const struct region_place *place,
                         struct region_entry *entry);
// For people who read its code: options for objdump (NULL: it can't), where registers live, and what a
// disassembled instruction's operand in memory is, "" if nothing is known.
extern const char *const jit_host_objdump, *const jit_host_conventions;
void jit_host_describe(const char *text, char *buf, size_t size);
// Points a link at an entry of a region, while other vCPUs may be executing it.
void jit_host_patch(const struct jit_cache *cache, const struct jit_link *link,
                    const uint8_t *entry);
// Settles a site: it calls `entry` where the address is `pc`. NULL: it never will. Under the lock.
void jit_host_settle(const struct jit_cache *cache, struct jit_site *site, gva_t pc,
                     const uint8_t *entry);
// Around a step that reads or writes fcsr while FP code runs: the flags go to hart.s.fflags, and
// start at none again with the rounding mode that is then in frm.
void jit_host_fp_suspend(struct jit *jit);
void jit_host_fp_resume(struct jit *jit);
// Runs code from `entry` on until it leaves.
void jit_host_enter(struct jit *jit, const uint8_t *entry, bool fp);

#endif
