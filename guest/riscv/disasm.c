// SPDX-License-Identifier: Apache-2.0
// Instructions as text, in binutils' notation, for traces and messages. Operands are printed by a
// pattern for each format, special cases under the names of alias.def.
#include "guest/riscv/decode.h"

#include <stdarg.h>

#include <hull/types.h>

#include "lib/format.h"

// Patterns: d s t r = rd, rs1, rs2, rs3; j = imm decimal, x = imm hexadecimal, u = upper immediate,
// a = pc + imm, o = imm(rs1), p = (rs1), E = CSR, Z = rs1's number, P Q = what a fence orders,
// m = rounding mode, l = constant of fli; everything else stands for itself.
static const char *const operands_of[] = {
    [FMT_R] = "d,s,t",      [FMT_R2] = "d,s",       [FMT_I] = "d,s,j",    [FMT_LOAD] = "d,o",
    [FMT_STORE] = "t,o",    [FMT_BRANCH] = "s,t,a", [FMT_U] = "d,u",      [FMT_J] = "d,a",
    [FMT_SHIFT] = "d,s,x",  [FMT_SHIFTW] = "d,s,x", [FMT_FENCE] = "P,Q",  [FMT_NONE] = "",
    [FMT_CSR] = "d,E,s",    [FMT_CSRI] = "d,E,Z",   [FMT_SFENCE] = "s,t", [FMT_LR] = "d,p",
    [FMT_AMO] = "d,t,p",    [FMT_CBO] = "p",        [FMT_PREFETCH] = "o", [FMT_FR4] = "d,s,t,rm",
    [FMT_FR_RM] = "d,s,tm", [FMT_FR2_RM] = "d,sm",  [FMT_FLI] = "d,l",    [FMT_HLV] = "d,p",
    [FMT_HSV] = "t,p",
};

static const char *const x_names[32] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                        "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                        "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                        "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

static const char *const f_names[32] = {"ft0", "ft1", "ft2",  "ft3",  "ft4", "ft5", "ft6",  "ft7",
                                        "fs0", "fs1", "fa0",  "fa1",  "fa2", "fa3", "fa4",  "fa5",
                                        "fa6", "fa7", "fs2",  "fs3",  "fs4", "fs5", "fs6",  "fs7",
                                        "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};

const char *riscv_register_name(unsigned n, bool fp)
{
    return fp ? f_names[n & 31] : x_names[n & 31];
}

static const char *const fli_constants[32] = {
    "-0x1p+0", "min",      "0x1p-16",  "0x1p-15",  "0x1p-8",  "0x1p-7",   "0x1p-4",   "0x1p-3",
    "0x1p-2",  "0x1.4p-2", "0x1.8p-2", "0x1.cp-2", "0x1p-1",  "0x1.4p-1", "0x1.8p-1", "0x1.cp-1",
    "0x1p+0",  "0x1.4p+0", "0x1.8p+0", "0x1.cp+0", "0x1p+1",  "0x1.4p+1", "0x1.8p+1", "0x1p+2",
    "0x1p+3",  "0x1p+4",   "0x1p+7",   "0x1p+8",   "0x1p+15", "0x1p+16",  "inf",      "nan"};

static const char *const rm_names[8] = {"rne", "rtz", "rdn", "rup", "rmm", "5", "6", "dyn"};
#define RM_RNE 0
#define RM_DYN 7

#define ANY INT32_MIN
#define SAME 32
#define C 33

static const struct alias {
    uint16_t id;
    int32_t rd, rs1, rs2, imm;
    const char *name, *operands;
} aliases[] = {
#define ALIAS(id, rd, rs1, rs2, imm, name, operands) {INSN_##id, rd, rs1, rs2, imm, name, operands},
#include "guest/riscv/alias.def"
#undef ALIAS
};

static const struct {
    uint16_t first, last;
    const char *name;
} csr_names[] = {
#define CSR(first, last, name, check, read, write) {first, last, #name},
#define CSR_FIELD(number, name, mask) {number, number, #name},
#define CSR_H_FIELD CSR_FIELD
#include "guest/riscv/csr.def"
#undef CSR
#undef CSR_FIELD
#undef CSR_H_FIELD
};

struct text {
    char *buf;
    size_t size;
    size_t length; // of the whole text, also where it was cut
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
    size_t left = text->size > text->length ? text->size - text->length : 0;
    va_list args;

    va_start(args, format);
    text->length +=
        (size_t)hull_vsnprintf(left ? text->buf + text->length : NULL, left, format, args);
    va_end(args);
}

static void put_register(struct text *text, unsigned number, bool fp)
{
    put(text, "%s", (fp ? f_names : x_names)[number & 31]);
}

// A range's registers are numbered from where its number ends in 0: hpmcounter3 is 0xc03.
static void put_csr(struct text *text, unsigned csr)
{
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(csr_names); i++) {
        if (csr < csr_names[i].first || csr > csr_names[i].last)
            continue;
        put(text, "%s", csr_names[i].name);
        if (csr_names[i].first != csr_names[i].last)
            put(text, "%u", csr - (csr_names[i].first & ~0xfu));
        return;
    }
    put(text, "0x%x", csr);
}

static void put_fence_set(struct text *text, unsigned set)
{
    if (set == 0)
        put(text, "unknown");
    for (unsigned i = 0; i < 4; i++)
        if (set & 8u >> i)
            put(text, "%c", "iorw"[i]);
}

// Conversions that are exact take a rounding mode that changes nothing: rne is their default.
static bool rounding_is_exact(const struct insn *insn)
{
    switch (insn->id) {
    case INSN_FCVT_D_S:
    case INSN_FCVT_D_W:
    case INSN_FCVT_D_WU:
    case INSN_FCVT_S_H:
    case INSN_FCVT_D_H: return true;
    default: return false;
    }
}

static void put_rounding(struct text *text, const struct insn *insn)
{
    if (insn->rm != (rounding_is_exact(insn) ? RM_RNE : RM_DYN))
        put(text, ",%s", rm_names[insn->rm & 7]);
}

static void put_operand(struct text *text, const struct insn *insn, uint64_t pc, char what)
{
    unsigned regs = riscv_insn_info[insn->id].regs;

    switch (what) {
    case 'd': put_register(text, insn->rd, regs & RD_F); break;
    case 's': put_register(text, insn->rs1, regs & RS1_F); break;
    case 't': put_register(text, insn->rs2, regs & RS2_F); break;
    case 'r': put_register(text, insn->rs3, regs & RS3_F); break;
    case 'j': put(text, "%d", insn->imm); break;
    case 'x': put(text, "0x%x", (unsigned)insn->imm); break;
    case 'u': put(text, "0x%x", (unsigned)insn->imm >> 12); break;
    case 'a': put(text, "0x%llx", (unsigned long long)(pc + (uint64_t)(int64_t)insn->imm)); break;
    case 'o': put(text, "%d(%s)", insn->imm, x_names[insn->rs1 & 31]); break;
    case 'p': put(text, "(%s)", x_names[insn->rs1 & 31]); break;
    case 'E': put_csr(text, (unsigned)insn->imm & 0xfff); break;
    case 'Z': put(text, "%u", insn->rs1); break;
    case 'P': put_fence_set(text, (unsigned)insn->imm >> 4 & 15); break;
    case 'Q': put_fence_set(text, (unsigned)insn->imm & 15); break;
    case 'm': put_rounding(text, insn); break;
    case 'l': put(text, "%s", fli_constants[insn->imm & 31]); break;
    default: put(text, "%c", what);
    }
}

static bool alias_fits(const struct alias *alias, const struct insn *insn)
{
    if (alias->id != insn->id || (alias->imm != ANY && alias->imm != insn->imm))
        return false;
    if ((alias->rd != ANY && alias->rd != insn->rd) ||
        (alias->rs1 != ANY && alias->rs1 != insn->rs1))
        return false;
    if (alias->rs2 == SAME)
        return insn->rs2 == insn->rs1;
    if (alias->rs2 == C)
        return insn->length == 2;
    return alias->rs2 == ANY || alias->rs2 == insn->rs2;
}

static const char *ordering_suffix(const struct insn *insn)
{
    static const char *const suffixes[4] = {"", ".rl", ".aq", ".aqrl"};
    unsigned format = riscv_insn_info[insn->id].format;

    return format == FMT_LR || format == FMT_AMO ? suffixes[insn->rm & 3] : "";
}

int riscv_disassemble(const struct insn *insn, uint64_t pc, char *buf, size_t size)
{
    const struct insn_info *info = &riscv_insn_info[insn->id < INSN_COUNT ? insn->id : 0];
    const char *name = info->name, *operands = operands_of[info->format];
    struct text text = {.buf = buf, .size = size};

    if (info == riscv_insn_info) {
        put(&text, insn->length == 2 ? ".2byte 0x%x" : ".4byte 0x%x", (unsigned)insn->raw);
        return (int)text.length;
    }
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(aliases); i++) {
        if (alias_fits(&aliases[i], insn)) {
            name = aliases[i].name;
            operands = aliases[i].operands;
            break;
        }
    }
    put(&text, "%s%s%s", name, ordering_suffix(insn), *operands ? " " : "");
    for (; *operands; operands++)
        put_operand(&text, insn, pc, *operands);
    return (int)text.length;
}
