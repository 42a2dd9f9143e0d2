// SPDX-License-Identifier: Apache-2.0
// From an instruction word to its fields. insn.def is the one table: the interpreter, translators, the
// disassembler and trap-and-emulate are generated from it.
#ifndef HULL_RISCV_DECODE_H
#define HULL_RISCV_DECODE_H

#include "guest/riscv/isa.h"

// How operands lie in the word. The comment gives what decode fills and how it is printed.
enum insn_format {
    FMT_R,        // rd, rs1, rs2
    FMT_R2,       // rd, rs1 (rs2 is part of the opcode)
    FMT_I,        // rd, rs1, imm
    FMT_LOAD,     // rd, imm(rs1)
    FMT_STORE,    // rs2, imm(rs1)
    FMT_BRANCH,   // rs1, rs2, pc + imm
    FMT_U,        // rd, imm (already shifted)
    FMT_J,        // rd, pc + imm
    FMT_SHIFT,    // rd, rs1, imm (6 bits)
    FMT_SHIFTW,   // rd, rs1, imm (5 bits)
    FMT_FENCE,    // imm = fm, pred, succ (12 bits)
    FMT_NONE,     // nothing
    FMT_CSR,      // rd, imm = csr, rs1
    FMT_CSRI,     // rd, imm = csr, rs1 = uimm
    FMT_SFENCE,   // rs1, rs2
    FMT_HLV,      // rd, (rs1)
    FMT_HSV,      // rs2, (rs1)
    FMT_LR,       // rd, (rs1), aq rl in rm
    FMT_AMO,      // rd, rs2, (rs1), aq rl in rm
    FMT_CBO,      // (rs1)
    FMT_PREFETCH, // imm(rs1)
    FMT_FR4,      // rd, rs1, rs2, rs3, rm (all FP registers)
    FMT_FR_RM,    // rd, rs1, rs2, rm
    FMT_FR2_RM,   // rd, rs1, rm
    FMT_FLI,      // rd, imm = table index (from the rs1 field)
};

enum insn_id {
    INSN_ILLEGAL,
#define INSN(id, name, mask, match, format, ext, regs) INSN_##id,
#include "guest/riscv/insn.def"
#undef INSN
    INSN_COUNT
};

// Requirements in insn.def that are no single extension.
enum insn_requirement {
    EXT_ZBB_OR_ZBKB = EXT_COUNT,
    EXT_ZFA_AND_D,
    EXT_ZFA_AND_ZFH,
    EXT_SVINVAL_AND_H,
};

// Which operands are FP registers, for printing and for FS checks.
enum insn_regs { RD_F = 1, RS1_F = 2, RS2_F = 4, RS3_F = 8, USES_F = 16 };

struct insn {
    uint16_t id;    // enum insn_id
    uint8_t length; // bytes: 2 or 4
    uint8_t rd, rs1, rs2, rs3;
    uint8_t rm; // FP rounding mode field; AMO: aq = 2, rl = 1
    int32_t imm;
    uint32_t raw; // as fetched (16 bits for compressed)
};

struct insn_info {
    const char *name; // mnemonic
    uint32_t mask, match;
    uint8_t format; // enum insn_format
    uint8_t ext;    // enum riscv_extension or insn_requirement
    uint8_t regs;   // enum insn_regs
};

extern const struct insn_info riscv_insn_info[INSN_COUNT];

#define RISCV_DECODE_BUCKETS 512

// An index over insn.def for one ISA; filled once, read-only after.
struct riscv_decoder {
    struct riscv_isa isa;
    uint16_t start[RISCV_DECODE_BUCKETS + 1]; // into ids
    uint16_t ids[2048];
};

void riscv_decoder_init(struct riscv_decoder *decoder, const struct riscv_isa *isa);

// Decodes the instruction whose first 16 bits are raw & 0xffff (all 32 are used unless it is
// compressed). Reserved, unknown and disabled encodings give id INSN_ILLEGAL, with length and raw
// filled. Does not look at mstatus.FS, privilege or frm.
void riscv_decode(const struct riscv_decoder *decoder, uint32_t raw, struct insn *insn);

// A compressed instruction's 32-bit equivalent, or 0 when it is reserved or illegal.
uint32_t riscv_expand_compressed(uint16_t raw, const struct riscv_isa *isa);

static inline unsigned riscv_insn_length(uint32_t raw)
{
    return (raw & 3) == 3 ? 4 : 2;
}

// Prints "addi a0,a0,1" as binutils would; pc is the instruction's address, for branch targets.
// Returns the length that it needs, as hull_snprintf.
int riscv_disassemble(const struct insn *insn, uint64_t pc, char *buf, size_t size);
// "a0", "fs1".
const char *riscv_register_name(unsigned n, bool fp);

#endif
