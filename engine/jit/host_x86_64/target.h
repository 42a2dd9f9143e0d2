// SPDX-License-Identifier: Apache-2.0
// The back end's conventions: which guest register lives where, and how its parts fit together.
//
// RBP points into struct jit, 128 bytes behind the start of x[], so that one byte addresses every
// integer register. R15 is the budget. RAX, RCX, RDX and xmm0 to xmm2 are scratch. Ten integer
// registers that compilers use most live in host registers, the others are memory operands; with
// FLAVOR_FP thirteen FP registers live in xmm3 to xmm15.
#ifndef HULL_ENGINE_JIT_X86_TARGET_H
#define HULL_ENGINE_JIT_X86_TARGET_H

#include "engine/jit/host_x86_64/asm.h"
#include "engine/jit/ir.h"
#include "engine/jit/translator.h"

#define BASE_OFFSET ((int32_t)(offsetof(struct jit, cpu.x) + 128))
#define FIELD(member) ((int32_t)offsetof(struct jit, member) - BASE_OFFSET)
#define X_DISP(n) ((int32_t)(n)*8 - 128)
#define F_DISP(n) (FIELD(cpu.hart.s.f) + 8 * (int32_t)(n))

#define BUDGET_REG R15
#define IN_MEMORY 0xff

extern const uint8_t x86_gpr[33]; // host register of x[n] between regions, or IN_MEMORY
extern const uint8_t x86_xmm[32]; // of f[n]

enum x86_feature { // bits of jit_cache.host_features
    HAS_BMI1 = 1 << 0,
    HAS_BMI2 = 1 << 1,
    HAS_LZCNT = 1 << 2,
    HAS_POPCNT = 1 << 3,
    HAS_FMA = 1 << 4,
    HAS_SSE41 = 1 << 5,
    HAS_AVX = 1 << 6,
    HAS_F16C = 1 << 7,
    HAS_PCLMUL = 1 << 8,
};

uint32_t x86_features(void);

enum stub_kind {
    STUB_STEP,   // the instruction by the interpreter
    STUB_EXIT,   // out of the region
    STUB_BUDGET, // used up
    STUB_STREAM, // the page has to be looked up (lower_mem.c)
    STUB_FOLLOW, // an access whose slot is empty
    STUB_DETOUR, // a slot stays empty (detours.c)
    STUB_STATUS, // sstatus.SUM has changed (lower_system.c)
    STUB_REFUSE, // the page was not found valid for the present context
    STUB_SETTLE, // NaNs become canonical (fp_lazy.c)
    STUB_FMA,
    STUB_COMPARE, // the instructions up to the one that restores fflags (lower_fcsr.c)
    STUB_UNBOXED, // the piece by the interpreter
    STUB_SITE,    // a computed call that leads elsewhere than before (sites.c)
};

// Code out of line, emitted behind the region.
struct stub {
    uint8_t kind;
    uint16_t op;   // index
    uint16_t in;   // index of the IR's operation
    uint16_t last; // STUB_COMPARE: the last op to step
    size_t from;   // the jump that leads here
    size_t back;   // where it goes on (STUB_STEP)
    gva_t pc;      // STUB_EXIT
    uint8_t exit;  // STUB_EXIT: enum exit_kind
    size_t key;    // STUB_SITE: where the distance of the key lies
    uint64_t loose;
    uint16_t nans[2]; // host registers: singles, doubles that may be other than the canonical NaN
};

// An FMA has four: three operands and the result. Detours have what they lead around once more.
#define STUBS_MAX (REGION_INSNS_MAX * 10 + 8)

#define DETOURS_MAX REGION_INSNS_MAX
#define NO_STREAM (-1)
#define NOTHING_DOUBLED 0xff

// Where a region keeps the guest's registers, other than x86_gpr and x86_xmm (registers.c).
struct register_map {
    uint8_t gpr[33], xmm[32];
    bool changed;
};

// What is known of the FP registers at a place in a piece (fp_lazy.c). Bits are registers.
struct fp_lazy {
    uint32_t boxed;       // hold a boxed single
    uint32_t halves;      // hold a boxed half
    uint32_t pending[2];  // single, double: may hold a NaN that is not the canonical one
    uint32_t implied[32]; // these pending ones are no NaNs if f[n] is none
};

// Operations of a piece, from one that opens a slot to the last that follows it, or several such ranges
// that overlap (detours.c).
struct detour {
    uint16_t first, last; // the IR's operations
    bool emitted;
    struct fp_lazy lazy; // as they are before the first one
    uint64_t loose;
    size_t back; // where it goes on
};

// A region being emitted.
struct emitter {
    struct x86_asm a;
    struct jit *jit;
    struct region *region;
    const struct ir *ir;
    struct watched *watched; // or NULL
    unsigned pieces;         // so far
    size_t start;
    struct register_map map;
    uint32_t has;       // enum x86_feature
    const uint8_t *gpr; // where this region keeps x[n]: as x86_gpr, or its own choice
    const uint8_t *xmm;
    bool fp;
    unsigned index; // of the op
    unsigned in;    // of the IR's operation
    uint64_t loose; // integer registers whose upper half is to be made right before a step
    struct fp_lazy lazy;
    uint32_t boxed_at[REGION_INSNS_MAX]; // registers with boxed singles where pieces begin
    unsigned restored;                   // the op that restores fflags, of those behind which it is
    const struct stub *replayed;         // while stubs are emitted
    bool on_detour;
    int rcx_slot;    // whose addend RCX holds, or -1
    uint8_t doubled; // xmm0 holds this x register twice
    // The host's flags tell of x[flags_of] at that place of the code: if it is not 0, flags_cc holds.
    size_t flags_at;
    uint8_t flags_of, flags_cc;
    unsigned detour_count;
    uint32_t checked_slots;      // somebody follows who has to look whether they are empty
    int16_t stream_at[IR_SLOTS]; // in jit.streams; NO_STREAM: a slot for one stay
    unsigned fixup_count, stub_count;
    // From here on nothing is set at the start: it would take longer than many a region.
    size_t labels[REGION_INSNS_MAX];
    struct {
        size_t at;
        unsigned op;
    } fixups[REGION_INSNS_MAX];
    struct stub stubs[STUBS_MAX];
    struct detour detours[DETOURS_MAX];
    uint8_t detour_of[IR_INSNS_MAX]; // its number + 1, or 0
    bool sure[IR_INSNS_MAX];         // IR_FOLLOW: who opened the slot is on the same detour
    uint32_t detour_at[IR_INSNS_MAX];
};

static inline struct x86_operand guest_x(const struct emitter *e, unsigned n)
{
    return e->gpr[n] == IN_MEMORY ? x86_m(RBP, X_DISP(n)) : x86_r(e->gpr[n]);
}

static inline struct x86_operand guest_f(const struct emitter *e, unsigned n)
{
    return e->xmm[n] == IN_MEMORY ? x86_m(RBP, F_DISP(n)) : x86_r(e->xmm[n]);
}

static inline bool in_register(const struct emitter *e, unsigned n)
{
    return e->gpr[n] != IN_MEMORY;
}

// The register that holds x[n]: its own, or `scratch` after a load. x0 is zero in memory.
unsigned use_x(struct emitter *e, unsigned n, unsigned scratch);
// The register that x[n]'s new value is to be made in, and its store where that was scratch.
static inline unsigned define_x(const struct emitter *e, unsigned n, unsigned scratch)
{
    return in_register(e, n) ? e->gpr[n] : scratch;
}
void finish_x(struct emitter *e, unsigned n, unsigned reg);
void mov_rr(struct emitter *e, unsigned to, unsigned from); // 64 bits; none when equal
void compare_x(struct emitter *e, unsigned a,
               unsigned b); // the flags of x[a] - x[b]; RAX may be lost

// Nothing but moves stands between the operation that made x[n], and the flags, and here.
static inline void note_flags(struct emitter *e, unsigned n, enum x86_cc not_zero)
{
    e->flags_at = e->a.used;
    e->flags_of = (uint8_t)n;
    e->flags_cc = (uint8_t)not_zero;
}

struct stub *add_stub(struct emitter *e, enum stub_kind kind, size_t from);
// The current op by the interpreter, out of line when a jump at `from` is taken.
void stub_step(struct emitter *e, size_t from);

static inline int32_t tlb_field(const struct emitter *e, size_t field)
{
    unsigned flavor = e->region->flavor;
    size_t mode = (flavor & FLAVOR_TLB) | (flavor & FLAVOR_VIRT ? TLB_V : 0);

    return FIELD(cpu.tlbs) + (int32_t)(mode * TLB_ENTRIES * sizeof(struct tlb_entry) + field);
}

#define TLB_ENTRY_SHIFT 5
_Static_assert(sizeof(struct tlb_entry) == 1 << TLB_ENTRY_SHIFT, "index arithmetic");

// registers.c
// Chooses where the region keeps its registers, and changes to that at its entry, back before exits.
void choose_registers(struct register_map *map, const struct ir *ir, const struct region *region);
void enter_map(struct emitter *e);
void leave_map(struct emitter *e);
// Stores all that live in registers where the region's code is, or loads them: around steps.
void save_map(struct emitter *e, bool load);

// emit.c: one operation, with what out of line comes back behind it.
void emit_insn(struct emitter *e, const struct ir_insn *in, size_t trampoline);

// entries.c: what stands before the piece at an op that is an entry, and what is needed to add others later
// (false: no room).
void emit_entry(struct emitter *e, unsigned op);
void emit_refusal(struct emitter *e, unsigned op); // its stub, where the page was not found valid
bool note_places(struct emitter *e);

// Each answers false when it does not translate the operation (for the current flavor).
bool lower_alu(struct emitter *e, const struct ir_insn *in);
bool lower_clmul(struct emitter *e, const struct ir_insn *in);
bool lower_mem(struct emitter *e, const struct ir_insn *in);
bool lower_jump(struct emitter *e, const struct ir_insn *in);
// select.c: a branch over operations that it makes conditional; how many there are, with their IR_PIECE.
// 0: it is no such branch.
unsigned lower_selected(struct emitter *e, const struct ir_insn *branch);
unsigned compare_for(struct emitter *e, const struct ir_insn *branch); // lower_jump.c
// The guest's instructions that the IR has no operation for.
bool lower_system(struct emitter *e, const struct region_op *op);
bool lower_atomic(struct emitter *e, const struct region_op *op);
bool lower_fp(struct emitter *e, const struct region_op *op);
bool lower_fp_state(struct emitter *e, const struct region_op *op);
// Host address of RAX into RAX; RCX is the TLB entry's offset afterwards, RDX is lost. Any misalignment
// misses, which takes the step (lower_atomic.c).
void look_up_aligned(struct emitter *e, unsigned size, bool store);

void lower_status_stub(struct emitter *e, const struct region_op *op);
void lower_mem_stub(struct emitter *e, const struct ir_insn *in, enum stub_kind kind);
void choose_streams(struct emitter *e); // which of the vCPU's the region's slots are
void x86_stream_thunks(struct jit_cache *cache, struct x86_asm *a);

// detours.c: where a slot could not be filled, the code up to the last access by it is there once more,
// out of line and without the slot. So those accesses need not look whether it is empty.
void plan_detours(struct emitter *e);
void note_detour(struct emitter *e,
                 bool before); // around each operation: what a detour has to know
void emit_detour(struct emitter *e, const struct stub *s, size_t trampoline);
void load_f(struct emitter *e, unsigned n, enum ir_type type, struct x86_operand from);
void store_f(struct emitter *e, unsigned n, enum ir_type type, struct x86_operand to);
// sites.c: calls RAX, odd in FP code. RCX is lost.
void emit_computed_call(struct emitter *e);
void emit_site_stub(struct emitter *e, const struct stub *s);
// Where the code for RAX, odd in FP code, is to be found; leaves if there is none. RCX is lost.
struct x86_operand x86_find_in_table(struct x86_asm *a, const struct jit_cache *cache, bool fp);
// Goes on at RAX, odd in FP code, by the jump table. RCX is lost.
void emit_table_jump(struct x86_asm *a, const struct jit_cache *cache, bool fp);
void x86_make_trap_thunks(struct x86_asm *a, struct jit_cache *cache);
enum exit_kind {
    EXIT_INSIDE,  // registers are where the region keeps them
    EXIT_OUTSIDE, // they are already where they are between regions
    EXIT_RETURN,  // the same, but the context need not be the region's
};
// A link to pc. `from`: the jump to it, its distance aligned.
void emit_exit(struct emitter *e, size_t from, gva_t pc, enum exit_kind kind);

// fp_lazy.c, fp_boxes.c: what FP leaves for later, and what has to be told to it.
void fp_plan(struct emitter *e);                   // before the region's code
void fp_piece(struct emitter *e, unsigned op);     // a piece begins here; nothing is pending
void fp_settle(struct emitter *e);                 // before a piece ends, and before a step in line
void fp_settle_one(struct emitter *e, unsigned n); // before f[n]'s bits are looked at
void fp_stepped(struct emitter *e, const struct region_op *op); // after a step in line
void fp_note(const struct emitter *e, struct stub *s);          // a stub's share of what is pending
void fp_settle_noted(struct emitter *e, const struct stub *s);  // in the stub; RCX is lost
void fp_settle_fma(struct emitter *e, const struct stub *s);

#endif
