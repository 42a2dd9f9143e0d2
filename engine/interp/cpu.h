// SPDX-License-Identifier: Apache-2.0
// One interpreted vCPU: the hart, its software TLBs and its cache of predecoded blocks.
//
// A block is a run of instructions up to a jump or a system instruction, inside one page, predecoded
// into `struct op`s. Each op's handler does its work and calls the next op's handler as a tail call
// (direct threading); where the compiler makes no tail calls (debug and sanitizer builds) a loop in
// run.c drives them. A handler that returns NULL ends the run of blocks: hart.s.pc then is the
// next instruction to execute, and run.c sees to traps, interrupts, changed modes and unknown
// blocks.
#ifndef HULL_ENGINE_INTERP_CPU_H
#define HULL_ENGINE_INTERP_CPU_H

#include "engine/interp/page_filter.h"
#include "guest/riscv/board.h"
#include "guest/riscv/decode.h"
#include "guest/riscv/hart.h"
#include "guest/riscv/trap.h"

#include <hull/engine.h>

struct cpu;
struct op;

typedef const struct op *(*op_fn)(struct cpu *cpu, const struct op *op);

// A predecoded instruction. FP arithmetic keeps its rounding mode in imm, and rs3 in imm >> 8.
struct op {
    op_fn fn;
    int32_t imm;
    uint8_t rd, rs1, rs2;
    uint8_t at; // place in the block, in halfwords
};

struct block;

// The slot behind a block's last op: the blocks that it goes on to, as far as known.
struct op_links {
    struct block *taken, *next;
};
_Static_assert(sizeof(struct op_links) == sizeof(struct op), "links lie in an op's slot");

struct block {
    uint64_t context; // the cpu->context for which translation and bytes have been checked
    uint64_t cold;    // the JIT's, which keeps `context` 0: the one for which it was checked
    gva_t pc;         // of the first instruction
    gpa_t gpa;        // of the same
    gpa_t second_gpa; // of the second page, when the one instruction straddles two; else 0
    struct block *hash_next;
    const uint8_t *source; // where the instructions lie in guest RAM (host address)
    const uint8_t *second; // the same for the second page
    uint32_t fence;        // cpu->fence at the last check of the bytes
    uint16_t count;        // instructions
    uint16_t bytes;
    bool falls_through; // op_block_end stands in ops[count]
    struct op ops[];    // count ops, op_block_end, links, then a copy of the bytes
};

#define BLOCK_INSNS_MAX 64

// Data TLB. `page_shift` is that of the translation, so that one sfence finds every piece of a
// superpage.
struct tlb_entry {
    uint64_t read_tag, write_tag; // page address, or TLB_NONE
    uintptr_t addend;             // host address = guest virtual address + addend
    gpa_t gpa;                    // page address | TLB_GLOBAL | page_shift
};

#define TLB_GLOBAL 64u // the translation holds in every address space

// 64 MiB of small pages. What no guest accesses is not touched: see interp_tlb_make().
#define TLB_BITS 14
#define TLB_ENTRIES (1u << TLB_BITS)
#define TLB_NONE UINT64_MAX

// The upper half is a guest's (V = 1), whose entries hold what both stages together translate.
enum tlb_mode {
    TLB_M,
    TLB_U,
    TLB_S,
    TLB_S_SUM,
    TLB_V, // no mode of its own: a guest has no M mode
    TLB_VU,
    TLB_VS,
    TLB_VS_SUM,
    TLB_MODES
};

// Which entries of a TLB were filled, so that dropping them takes as long as filling them.
#define TLB_LOG 4096
struct tlb_log {
    unsigned count; // more than TLB_LOG: not all of them are known
    uint16_t at[TLB_LOG];
};

struct fetch_entry {
    uint64_t tag;   // page address | privilege
    uint64_t space; // cpu->space or global_space while it is good
    gpa_t gpa;      // page address
    const uint8_t *host;
};

// The entries of an address space while another one is there (data_tlb.c).
#define TLB_AWAY_SPACES 16
#define TLB_AWAY_ENTRIES 512
#define TLB_AWAY_STAYS 32
struct tlb_away {
    uint64_t space;       // its number; 0: nobody's
    uint64_t left;        // when, by departures
    uint64_t fences;      // of one address, up to then
    uint16_t count;       // of entries
    uint16_t ends[TLB_V]; // of each mode's part of them
    uint8_t mxr;          // as in struct space_set
    uint8_t stays;        // since it had no entries
    struct tlb_entry entries[TLB_AWAY_ENTRIES];
};
#define TLB_FENCED 64

struct address_space {
    uint64_t satp, hgatp;  // a guest's: vsatp, hgatp
    uint64_t space, epoch; // epoch 0: its code has to be checked again; space 0: none is known
};

// The global pages of a virtual machine.
struct machine_space {
    uint64_t hgatp, space, epoch; // as above
};

// Numbers of the translations in use (`space`, see space.c), and of the check of code under them,
// which fence.i renews as well: those of the current address space, of global pages, and of
// recent values of satp, by ASID; or of vsatp and hgatp. V = 0 and V = 1 have a set each, so that
// entering and leaving a guest forgets nothing.
struct space_set {
    uint64_t space, global_space;
    uint64_t epoch, global_epoch;
    struct address_space spaces[64];
    struct machine_space machines[8]; // V = 1
    uint64_t hgatp;                   // the current one
    uint8_t mxr; // what the data TLBs were filled under: MXR, and that of the G-stage << 1
    struct page_filter superpages; // in the data TLBs
    struct page_filter code_pages; // that code was fetched from, in whatever space
    struct page_filter space_code; // the same with the space's number (0: global)
    uint64_t departures;
    uint64_t fences; // of one address in all spaces; the last ones:
    gva_t fenced[TLB_FENCED];
};

#define FETCH_ENTRIES 1024
#define JUMP_ENTRIES 8192
#define HASH_ENTRIES 16384

struct cpu {
    struct hart hart;
    uint64_t x[33]; // the integer registers while running; x[32] takes what is written to x0
    const struct block *block; // the one that runs
    struct tlb_entry *tlb;     // of the current data mode
    uint64_t context;          // see struct block
    _Atomic uint32_t *attention;
    struct block **link; // where run.c notes the block at hart.s.pc, or NULL

    struct guest_memory *memory;
    struct bus *bus;
    const struct riscv_decoder *decoder;

    uint64_t loaded;  // result of the slow load path
    gpa_t atomic_gpa; // of the last atomic access
    bool exit_wanted;
    enum vcpu_exit_reason exit_reason;
    bool narrow_fetch; // PMP divides the page that was fetched from last
    bool global_fetch; // that page is global
    // For translated code, which does the common traps and returns itself: an interrupt is pending that
    // only waits for its privilege's enable bit; a trap has more to do than that.
    _Alignas(2) bool irq_waiting;
    bool trap_slow;
    bool fp_ready; // FP instructions are legal, and what they make dirty is so
    _Atomic bool ssip_raised;
    unsigned pauses;
    uint64_t attentions, data_misses, data_fills, code_fills, device_accesses; // struct vcpu_counts

    // run() ends when so many instructions have retired; `stepped`: at least one since the limit was
    // set. One instruction is run in a block of its own.
    uint64_t stop_at;
    bool stepped;
    _Alignas(struct block) uint8_t step[sizeof(struct block) + 3 * sizeof(struct op)];

    uint64_t space_count, epoch_count; // no number is in both sets
    uint64_t global_context;           // as `context`, for code in global pages
    unsigned flavor; // what else code was translated for (the JIT's affair): 0 to 15
    uint32_t fence;  // counts fence.i

    uint8_t *arena; // blocks
    size_t arena_size, arena_used;
    struct block **hash;
    struct block **jumps;
    struct space_set sets[2];          // by V
    struct tlb_log logs[TLB_MODES][2]; // of entries that are not global, and that are
    uint8_t tlbs_made;                 // bit per mode: its TLB's memory has been touched
    uint8_t tlbs_dropped; // bit per mode: entries were dropped since the bit was taken away
    struct fetch_entry fetch[FETCH_ENTRIES];
    // The benchmark `tlb` is 8 % slower where entries begin at multiples of 32 or 8 bytes behind them.
    _Alignas(64) uint64_t before_tlbs[2];
    struct tlb_entry tlbs[TLB_MODES][TLB_ENTRIES];
    struct tlb_away away[2][TLB_AWAY_SPACES]; // by V
};

// `virt`: of which V.
// space.c
void interp_tlb_flush(struct cpu *cpu);                   // every translation
void interp_tlb_flush_set(struct cpu *cpu, bool virt);    // all of one V
void interp_tlb_switch_space(struct cpu *cpu, bool virt); // after a write of satp; vsatp, hgatp
// sfence.vma of one address, in the current space or in all (`everywhere`); of all that is not global in the
// space of that ASID. True: code in use now has to be checked again.
bool interp_tlb_flush_page(struct cpu *cpu, bool virt, gva_t va, bool everywhere);
bool interp_tlb_flush_space(struct cpu *cpu, bool virt, uint64_t asid);
// Code is fetched from the page of 2^shift bytes at va.
void interp_code_page(struct cpu *cpu, gva_t va, unsigned shift, bool global);
void interp_context_renew(struct cpu *cpu); // all code must be checked again before it runs

// data_tlb.c
void interp_tlb_make(struct cpu *cpu, unsigned mode); // before its first use
void interp_tlb_fill(struct cpu *cpu, struct tlb_entry *tlb, gva_t va,
                     const struct tlb_entry *entry);      // the entry for va
void interp_tlb_clear(struct cpu *cpu, bool virt);        // everything
void interp_tlb_drop_private(struct cpu *cpu, bool virt); // what is not global
void interp_tlb_drop_page(struct cpu *cpu, bool virt, gva_t va, bool everywhere);
// The current space's entries, by its number: out, before another one comes; back, after it has come.
void interp_tlb_leave(struct cpu *cpu, bool virt);
void interp_tlb_return(struct cpu *cpu, bool virt);

// tlb.c
void interp_tlb_select(struct cpu *cpu); // cpu->tlb by the hart's current data mode
// Loads into cpu->loaded, zero-extended; stores. Any alignment, RAM or device. False: a trap has
// been taken, the handler returns NULL.
bool interp_load(struct cpu *cpu, const struct op *op, gva_t va, unsigned size);
bool interp_store(struct cpu *cpu, const struct op *op, gva_t va, unsigned size, uint64_t value);
// The same as a guest would: hlv, hlvx (`executable`) and hsv.
bool interp_guest_load(struct cpu *cpu, const struct op *op, gva_t va, unsigned size,
                       bool executable);
bool interp_guest_store(struct cpu *cpu, const struct op *op, gva_t va, unsigned size,
                        uint64_t value);
// The host address of naturally aligned [va, va + size) in RAM for an atomic access, NULL after a
// trap; *gpa gets its guest physical address. `access` is MMU_LOAD or MMU_STORE (AMOs too).
void *interp_atomic_ptr(struct cpu *cpu, const struct op *op, gva_t va, unsigned size, int access,
                        gpa_t *gpa);
// After an atomic store at cpu->atomic_gpa: tells a watch.
static inline void interp_stored(struct cpu *cpu)
{
    if (__builtin_expect(cpu->memory->watch.size != 0, 0))
        hull_memory_written(cpu->memory, cpu->atomic_gpa, 8);
}
bool interp_zero_block(struct cpu *cpu, const struct op *op, gva_t va); // cbo.zero, 64 bytes
// The access check of a cache-block operation: allowed when a load or a store would be.
bool interp_cbo_check(struct cpu *cpu, const struct op *op, gva_t va);

// block.c
uint8_t *interp_block_bytes(const struct block *b); // the copy of its instructions
int interp_blocks_create(struct cpu *cpu, size_t arena_size);
void interp_blocks_destroy(struct cpu *cpu);
void interp_blocks_drop(struct cpu *cpu); // forgets every block
// cpu->context is one number for everything that code is checked against: epoch, privilege, flavor.
#define CONTEXT_PRIV_SHIFT 4
#define CONTEXT_EPOCH_SHIFT 6
static inline void interp_context_select(struct cpu *cpu)
{
    const struct space_set *set = &cpu->sets[cpu->hart.s.virt];
    uint64_t low = (uint64_t)cpu->hart.s.priv << CONTEXT_PRIV_SHIFT | cpu->flavor;

    cpu->context = set->epoch << CONTEXT_EPOCH_SHIFT | low;
    cpu->global_context = 1ull << 63 | set->global_epoch << CONTEXT_EPOCH_SHIFT | low;
}
// The place of the code at `va` in RAM. NULL: the fetch trapped (with tval `va`). Sets
// cpu->narrow_fetch and global_fetch.
const uint8_t *interp_fetch_locate(struct cpu *cpu, gva_t va, gpa_t *gpa);
// The block at hart.s.pc, checked for the current context; NULL: the fetch trapped.
struct block *interp_block_find(struct cpu *cpu);

// run.c
// Ends the run of blocks with an exception of the instruction `op`; returns NULL.
const struct op *interp_raise(struct cpu *cpu, const struct op *op, unsigned cause, uint64_t tval);

// The same for its access to memory; `virt`: to a guest virtual address.
const struct op *interp_raise_access(struct cpu *cpu, const struct op *op, unsigned cause, gva_t va,
                                     bool virt);
// The instruction's bits, from memory.
uint32_t interp_raw_instruction(const struct cpu *cpu, const struct op *op);
// Before an FP instruction while cpu->fp_ready is not set. False: it is illegal. `writes`: registers or
// flags, so that FS becomes dirty.
bool interp_fp_begin(struct cpu *cpu, bool writes);

static inline gva_t interp_pc(const struct cpu *cpu, const struct op *op)
{
    return cpu->block->pc + 2u * op->at;
}

static inline unsigned jump_index(gva_t pc)
{
    return (pc >> 1 ^ pc >> 12) & (JUMP_ENTRIES - 1);
}

// What an engine_ops needs of one interpreted vCPU; the JIT builds on the same struct cpu.
int interp_cpu_init(struct cpu *cpu, struct vcpu *vcpu, size_t arena_size);
void interp_cpu_fini(struct cpu *cpu);
void interp_apply_changes(struct cpu *cpu);   // acts on cpu->hart.changed; takes interrupts
bool interp_serve_attention(struct cpu *cpu); // outside guest code; true: run() must return
void interp_complete_sbi(struct cpu *cpu, struct vcpu_exit *exit);
void interp_fill_exit(struct cpu *cpu, struct vcpu_exit *exit);
// Runs one block that has been found, and those that it links to.
void interp_block_run(struct cpu *cpu, struct block *b);

// The handlers once more as single steps, for the JIT: they return op + 1 when the instruction is
// done, NULL when it has trapped or jumped (hart.s.pc is set). Indexed by enum insn_id.
extern const op_fn interp_steps[INSN_COUNT];
// Predecodes an instruction that stands `at` halfwords into its block; op->fn from `handlers`.
void interp_make_op(struct op *op, const struct insn *insn, unsigned at, const op_fn *handlers);

// Handlers, one for each line of insn.def, and those without an encoding.
#define INSN(id, name, mask, match, format, ext, regs) \
    const struct op *op_##id(struct cpu *cpu, const struct op *op);
#include "guest/riscv/insn.def"
#undef INSN
const struct op *op_ILLEGAL(struct cpu *cpu, const struct op *op);
const struct op *op_block_end(struct cpu *cpu, const struct op *op); // falls through

#endif
