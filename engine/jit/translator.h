// SPDX-License-Identifier: Apache-2.0
// The JIT's own structures, and the contract between its front (regions, run loop) and a host's
// back end.
//
// A vCPU of the JIT is an interpreted vCPU (struct cpu) with translated regions on top: cold code is
// interpreted, what the back end does not translate is left to the interpreter's single steps, and
// TLBs, traps and interrupts are the interpreter's own. So there is one semantics.
//
// A region is a piece of consecutive code inside one page, entered at its start only, with every
// jump that stays inside it being a jump inside its machine code. Registers of the guest live in
// host registers throughout translated code, always the same ones.
#ifndef HULL_ENGINE_JIT_TRANSLATOR_H
#define HULL_ENGINE_JIT_TRANSLATOR_H

#include "engine/interp/cpu.h"
#include "engine/jit/ir.h"

#define REGION_INSNS_MAX 100
#define REGION_HASH 8192
#define JIT_JUMPS 4096
#define JIT_HEATS 65536

// What a region's code was made for besides its address: part of the context number.
enum jit_flavor {
    FLAVOR_TLB = 3,     // enum tlb_mode of loads and stores
    FLAVOR_FP = 1 << 2, // FP is on, dirty, and frm is a mode that the host has: FP is translated
};

// One instruction of a region.
struct region_op {
    struct op op; // for a single step
    uint16_t id;  // enum insn_id
    uint16_t offset;
    uint16_t left; // instructions from this one to the end of its straight piece, itself included
    uint8_t length;
    uint8_t leader : 1; // jumps inside the region come here, or a jump stands before
    uint8_t back : 1;   // a backward jump inside the region comes here
    uint8_t target : 1; // a jump inside the region comes here
};

struct region {
    gva_t pc;
    gpa_t gpa;
    const uint8_t *source;
    struct region *hash_next;
    uint64_t *context;      // writable view of the context number that its code compares with
    const uint8_t *checked; // entry for links: compares contexts first (executable view)
    const uint8_t *entry;   // entry for the run loop
    uint32_t fence;
    uint16_t count, bytes;
    uint8_t flavor, priv;
    bool global; // in a page that every address space has: checked against cpu->global_context
    struct region_op *ops;
    uint8_t *copy; // of its bytes
};

// What a region's loads and stores remember of a page (access.c).
struct jit_slot {
    uint64_t addend;      // from guest to host addresses; 0: not known
    uint64_t page, limit; // streams: the range may begin in [page, page + limit)
};

// An entry of the table that indirect jumps look into.
struct jump_entry {
    gva_t pc;
    uint64_t context;
    const uint8_t *code;
    uint64_t unused; // makes the size a power of two
};

// A direct jump out of a region, to be patched once its target is translated.
struct jit_link {
    uint8_t *patch;    // writable view of the rel32
    const uint8_t *at; // executable view of the same place
    uint8_t flavor;    // of the region that it leads out of
};

struct jit {
    struct cpu cpu;             // first: the interpreter's functions work on it
    int64_t budget;             // instructions that translated code may still retire
    uint64_t budget_start;      // hart.instret + budget when code was entered
    struct jit_link *link;      // the link that code was left by, or NULL
    uint32_t mxcsr, host_mxcsr; // while FP code runs, its MXCSR is the guest's fcsr
    uint32_t mxcsr_clear;       // the guest's rounding mode, no flags
    uint8_t fflags_of[64];      // by MXCSR's flags

    struct jit_slot slots[IR_SLOTS];

    // Room for the block of one instruction that steps are run in.
    _Alignas(struct block) uint8_t step[sizeof(struct block) + 2 * sizeof(struct op)];

    struct jump_entry jumps[JIT_JUMPS];
    struct region *hash[REGION_HASH];

    // Machine code: one piece of memory, mapped writable and executable at two places.
    uint8_t *code_rw;
    const uint8_t *code_rx;
    size_t code_size, code_used, code_start; // code_start: behind the thunks
    // Regions, their ops, links.
    uint8_t *meta;
    size_t meta_size, meta_used;

    uint32_t host_features; // the back end's own
    const uint8_t *thunk_enter[2], *thunk_step[2], *thunk_leave[2], *thunk_jump[2]; // [flavor FP]
    const uint8_t *thunk_bare_step[2]; // the same, for regions with registers of their own
    uint8_t heat[JIT_HEATS];
    unsigned hot;               // executions after which a block is translated
    uint64_t steps[INSN_COUNT]; // single steps, by instruction
    uint64_t translated, flushes, entries, cold_blocks; // statistics
};

// code.c
int jit_code_create(struct jit *jit, size_t code_size, size_t meta_size); // 0, -HULL_ENOMEM
void jit_code_destroy(struct jit *jit);
void jit_code_drop(struct jit *jit);                // forgets every region
void *jit_meta_alloc(struct jit *jit, size_t size); // NULL: full

static inline uint64_t jit_region_context(const struct jit *jit, const struct region *r)
{
    return r->global ? jit->cpu.global_context : jit->cpu.context;
}

// region.c
// The valid region at (pc, gpa) for the current flavor, or NULL.
struct region *jit_region_look_up(struct jit *jit, gva_t pc, gpa_t gpa);
// Translates the code at pc. NULL: nothing there can be translated.
struct region *jit_region_make(struct jit *jit, gva_t pc, gpa_t gpa, const uint8_t *source);

// Index of the op at a byte offset, or -1: outside, or the middle of an instruction.
int jit_region_find_op(const struct region *r, int64_t offset);

// run.c: called by translated code. Runs ops[index] of `region` by the interpreter; returns false when
// that trapped or left, and hart.s.pc says where to.
bool jit_step(struct jit *jit, struct region *region, unsigned index);

// The back end, host_<arch>/.
bool jit_host_supported(void);
void jit_host_make_thunks(struct jit *jit); // at the start of the code
// Whether the back end translates this instruction, or at least steps over it.
bool jit_host_translates(const struct region_op *op, unsigned flavor);
// Emits a region at code_used. False: no room.
bool jit_host_emit(struct jit *jit, struct region *region, const struct ir *ir);
// Points a link at a region.
void jit_host_patch(struct jit *jit, struct jit_link *link, const struct region *region);
// Around a step that reads or writes fcsr while FP code runs: the flags go to hart.s.fflags, and
// start at none again with the rounding mode that is then in frm.
void jit_host_fp_suspend(struct jit *jit);
void jit_host_fp_resume(struct jit *jit);
// Runs code from `entry` on until it leaves.
void jit_host_enter(struct jit *jit, const uint8_t *entry, bool fp);

#endif
