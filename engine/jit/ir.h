// SPDX-License-Identifier: Apache-2.0
// The translator's intermediate representation: a region as a list of typed operations on the guest's
// registers. The front (front.c) makes it from decoded instructions, the middle (optimize.c, access.c)
// rewrites it, the back end turns it into machine code. ir.def lists the operations.
//
// Registers are the guest's own: x0 to x31 and 32, where results go that nobody wants. It is not an SSA
// form: at every operation with the property OUT the guest may be left with its registers as they
// then are, so they need names anyway; what SSA would tell, the passes find out within a straight run.
#ifndef HULL_ENGINE_JIT_IR_H
#define HULL_ENGINE_JIT_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ir_code {
#define IR(code, name, properties) IR_##code,
#include "engine/jit/ir.def"
#undef IR
    IR_COUNT
};

enum ir_property {
    IR_HAS_D = 1 << 0,
    IR_HAS_A = 1 << 1,
    IR_HAS_B = 1 << 2,
    IR_IS_PURE = 1 << 3,
    IR_IS_OUT = 1 << 4,
    IR_HAS_WORD = 1 << 5,
};

enum ir_type {
    IR_I64,
    IR_I32,
    IR_I16,
    IR_I8,
    IR_U32,
    IR_U16,
    IR_U8,
    IR_F64,
    IR_F32,
    IR_F16,
    IR_V128, // stores: b's 64 bits twice
    IR_TYPES
};
// Conditions of IR_BRANCH, in place of a type.
enum ir_condition { IR_EQ, IR_NE, IR_LT, IR_GE, IR_LTU, IR_GEU };

#define IR_NO_REG 32 // a result that nobody wants

// How a load or store finds its page (access.c).
enum ir_access {
    IR_LOOK_UP, // in the TLB
    IR_OPEN,    // in the TLB, for itself and those that follow with the same slot
    IR_STREAM,  // as IR_OPEN, but the slot remembers the page from one round of a loop to the next
    IR_FOLLOW,  // the slot knows, unless it is empty
};

// Where the guest can't be left, accesses may be done in other pieces than the guest's (widen.c): where the slot
// that they go by is filled. Where it is not, each is done by itself, and what depends on them.
enum ir_path {
    IR_ALWAYS,
    IR_INLINE, // while the slot is filled, in place of several that are IR_DETOUR
    IR_DETOUR, // while it is not
};

struct ir_insn {
    uint8_t code;    // enum ir_code
    uint8_t type;    // enum ir_type or ir_condition
    uint8_t d, a, b; // registers
    bool imm_b;      // b is the constant `imm`
    uint8_t access;  // enum ir_access
    uint8_t
        slot; // of enum ir_access other than IR_LOOK_UP, and of enum ir_path other than IR_ALWAYS
    uint8_t path;      // enum ir_path
    bool swapped;      // IR_INLINE accesses: the bytes of memory are in the reverse order
    bool for_write;    // the page is looked up for stores
    bool sole;         // IR_STREAM that nothing follows
    bool word;         // the result is a sign-extended word
    bool loose;        // nothing but an exit looks at its upper half: it may be anything till then.
                       // A load that is IR_INLINE: on detours it may be
    uint16_t op;       // index of the guest's instruction
    int16_t low, high; // IR_OPEN, IR_STREAM: bytes [imm + low, imm + high) behind a are accessed
    int64_t imm;
};

#define IR_INSNS_MAX 304 // a region's 100 instructions; each may be a jal that begins a piece
#define IR_SLOTS 16
#define IR_DETOUR_MAX \
    80 // instructions, from who opens a slot to the last who need not look whether it is filled

struct ir {
    unsigned count, slots;   // slots in use
    uint32_t streams;        // slots used by IR_STREAM: empty at the region's entry
    uint16_t span[IR_SLOTS]; // of streams: the longest range that is looked up for them, bytes
    struct ir_insn insns[IR_INSNS_MAX];
};

struct region;

// front.c: the region's instructions. Registers of code that can't be reached are kept right as well.
void ir_make(struct ir *ir, const struct region *region);
// optimize.c: constants, extensions, fused pairs, dead results.
void ir_optimize(struct ir *ir, const struct region *region);
// access.c: shares look-ups of pages among loads and stores.
void ir_share_accesses(struct ir *ir, const struct region *region);
// widen.c: accesses to neighbouring bytes become one where they go by one slot.
void ir_widen(struct ir *ir, const struct region *region);

// ir.c
unsigned ir_properties(enum ir_code code);
const char *ir_name(enum ir_code code);
const char *ir_type_name(enum ir_type type);
unsigned ir_type_size(enum ir_type type); // bytes
static inline bool ir_is_access(const struct ir_insn *in)
{
    return in->code >= IR_LOAD && in->code <= IR_FSTORE;
}
static inline bool ir_is_store(const struct ir_insn *in)
{
    return in->code == IR_STORE || in->code == IR_FSTORE;
}
static inline bool ir_opens(const struct ir_insn *in)
{
    return ir_is_access(in) && (in->access == IR_OPEN || in->access == IR_STREAM);
}
// IR_INLINE: looks up, and accesses nothing.
static inline bool ir_is_probe(const struct ir_insn *in)
{
    return in->path == IR_INLINE && in->code == IR_LOAD && in->d == IR_NO_REG;
}
// Code that is twice there (detours.c) ends before it: what is opened before that may be empty behind it.
bool ir_ends_detour(const struct ir_insn *in, const struct region *region);
// The op that a branch or jump inside the region leads to; -1: it leaves, or is none.
int ir_jump_target(const struct ir_insn *in, const struct region *region);
// NULL, or what is wrong with it: every operation's operands and type, the order of instructions, pieces
// and jumps between them, slots opened before they are followed, what the interpreter may have to do.
const char *ir_verify(const struct ir *ir, const struct region *region);
// All of the above. With `verify` the answer is ir_verify()'s behind the pass where it is not NULL.
const char *ir_translate(struct ir *ir, const struct region *region, bool verify);
// ir_print.c: one operation as text, "a0 = add.i32 a1, 5"; the length that it needs, as snprintf().
int ir_print(const struct ir_insn *in, const struct region *region, char *buf, size_t size);

#endif
