// SPDX-License-Identifier: Apache-2.0
// The decoder over insn.def: an index from opcode and function field to the few instructions that
// share them, then mask and match.
#include "guest/riscv/decode.h"

#include <hull/types.h>

const struct insn_info riscv_insn_info[INSN_COUNT] = {
    [INSN_ILLEGAL] = {"illegal", 0, 0, FMT_NONE, EXT_I, 0},
#define INSN(id, name, mask, match, format, ext, regs) \
    [INSN_##id] = {name, mask, match, format, ext, regs},
#include "guest/riscv/insn.def"
#undef INSN
};

#define OPCODE_OP_FP 0x14

// OP-FP is told apart by funct7, everything else by funct3.
static unsigned bucket_of(uint32_t raw)
{
    unsigned opcode = raw >> 2 & 31;

    return opcode == OPCODE_OP_FP ? 256 + (raw >> 25) : opcode << 3 | (raw >> 12 & 7);
}

static bool requirement_met(const struct riscv_isa *isa, unsigned ext)
{
    switch (ext) {
    case EXT_ZBB_OR_ZBKB: return riscv_isa_has(isa, EXT_ZBB) || riscv_isa_has(isa, EXT_ZBKB);
    case EXT_ZFA_AND_D: return riscv_isa_has(isa, EXT_ZFA) && riscv_isa_has(isa, EXT_D);
    case EXT_ZFA_AND_ZFH: return riscv_isa_has(isa, EXT_ZFA) && riscv_isa_has(isa, EXT_ZFH);
    case EXT_SVINVAL_AND_H: return riscv_isa_has(isa, EXT_SVINVAL) && riscv_isa_has(isa, EXT_H);
    default: return riscv_isa_has(isa, ext) || (ext == EXT_ZFHMIN && riscv_isa_has(isa, EXT_ZFH));
    }
}

// Instructions of one opcode, which is all that a bucket can hold.
struct same_opcode {
    unsigned opcode, count;
    uint16_t ids[INSN_COUNT];
};

static unsigned opcode_of(unsigned bucket)
{
    return bucket >= 256 ? OPCODE_OP_FP : bucket >> 3;
}

static void list_opcode(struct same_opcode *list, const struct riscv_isa *isa, unsigned opcode)
{
    list->opcode = opcode;
    list->count = 0;
    for (unsigned id = 1; id < INSN_COUNT; id++)
        if ((riscv_insn_info[id].match >> 2 & 31) == opcode &&
            requirement_met(isa, riscv_insn_info[id].ext))
            list->ids[list->count++] = (uint16_t)id;
}

static bool belongs(const struct insn_info *info, unsigned bucket)
{
    if (bucket >= 256)
        return info->match >> 25 == bucket - 256;
    if (bucket >> 3 == OPCODE_OP_FP)
        return false;
    // Compares only those bits of funct3 that are part of the opcode.
    return ((info->match ^ bucket << 12) & info->mask & 0x7000) == 0;
}

// True when `a`'s encodings are some of `b`'s.
static bool refines(const struct insn_info *a, const struct insn_info *b)
{
    return (a->mask & b->mask) == b->mask && (a->match & b->mask) == b->match;
}

// Lists a bucket's instructions from ids[n] on, refinements before what they refine.
static unsigned fill_bucket(struct riscv_decoder *d, const struct same_opcode *list,
                            unsigned bucket, unsigned n)
{
    unsigned first = n;

    for (unsigned k = 0; k < list->count; k++) {
        unsigned id = list->ids[k], at = first;
        const struct insn_info *info = &riscv_insn_info[id];

        if (!belongs(info, bucket) || n == HULL_ARRAY_SIZE(d->ids))
            continue;
        while (at < n && !refines(info, &riscv_insn_info[d->ids[at]]))
            at++;
        for (unsigned i = n++; i > at; i--)
            d->ids[i] = d->ids[i - 1];
        d->ids[at] = (uint16_t)id;
    }
    return n;
}

void riscv_decoder_init(struct riscv_decoder *decoder, const struct riscv_isa *isa)
{
    struct same_opcode list;
    unsigned n = 0;

    decoder->isa = *isa;
    list_opcode(&list, isa, 0);
    for (unsigned bucket = 0; bucket < RISCV_DECODE_BUCKETS; bucket++) {
        if (opcode_of(bucket) != list.opcode)
            list_opcode(&list, isa, opcode_of(bucket));
        decoder->start[bucket] = (uint16_t)n;
        n = fill_bucket(decoder, &list, bucket, n);
    }
    decoder->start[RISCV_DECODE_BUCKETS] = (uint16_t)n;
}

static int32_t sign_extend(uint32_t value, unsigned bits)
{
    return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

static int32_t imm_i(uint32_t raw)
{
    return (int32_t)raw >> 20;
}

static int32_t imm_s(uint32_t raw)
{
    return sign_extend((raw >> 25) << 5 | (raw >> 7 & 31), 12);
}

static int32_t imm_b(uint32_t raw)
{
    return sign_extend((raw >> 31) << 12 | (raw >> 7 & 1) << 11 | (raw >> 25 & 63) << 5 |
                           (raw >> 8 & 15) << 1,
                       13);
}

static int32_t imm_j(uint32_t raw)
{
    return sign_extend((raw >> 31) << 20 | (raw >> 12 & 255) << 12 | (raw >> 20 & 1) << 11 |
                           (raw >> 21 & 1023) << 1,
                       21);
}

static int32_t immediate(uint32_t raw, enum insn_format format)
{
    switch (format) {
    case FMT_I:
    case FMT_LOAD: return imm_i(raw);
    case FMT_STORE: return imm_s(raw);
    case FMT_PREFETCH: return imm_s(raw & ~(31u << 7));
    case FMT_BRANCH: return imm_b(raw);
    case FMT_U: return (int32_t)(raw & 0xfffff000);
    case FMT_J: return imm_j(raw);
    case FMT_SHIFT: return raw >> 20 & 63;
    case FMT_SHIFTW: return raw >> 20 & 31;
    case FMT_FENCE:
    case FMT_CSR:
    case FMT_CSRI: return (int32_t)(raw >> 20);
    case FMT_FLI: return raw >> 15 & 31;
    default: return 0;
    }
}

static void fill_operands(struct insn *insn, uint32_t word)
{
    enum insn_format format = riscv_insn_info[insn->id].format;

    insn->rd = word >> 7 & 31;
    insn->rs1 = word >> 15 & 31;
    insn->rs2 = word >> 20 & 31;
    insn->rs3 = (uint8_t)(word >> 27);
    insn->rm = format == FMT_AMO || format == FMT_LR ? word >> 25 & 3 : word >> 12 & 7;
    insn->imm = immediate(word, format);
}

// amocas.q takes even register pairs only; rounding modes 5 and 6 are reserved.
static bool operands_reserved(const struct insn *insn)
{
    enum insn_format format = riscv_insn_info[insn->id].format;

    if (insn->id == INSN_AMOCAS_Q)
        return (insn->rd | insn->rs2) & 1;
    if (format == FMT_FR4 || format == FMT_FR_RM || format == FMT_FR2_RM)
        return insn->rm == 5 || insn->rm == 6;
    return false;
}

void riscv_decode(const struct riscv_decoder *decoder, uint32_t raw, struct insn *insn)
{
    uint32_t word = raw;

    *insn = (struct insn){.id = INSN_ILLEGAL, .length = (uint8_t)riscv_insn_length(raw)};
    if (insn->length == 2) {
        raw &= 0xffff;
        word = riscv_expand_compressed((uint16_t)raw, &decoder->isa);
    }
    insn->raw = raw;
    if ((word & 3) != 3) // an expansion that failed; 48-bit and longer encodings match nothing
        return;
    for (unsigned i = decoder->start[bucket_of(word)]; i < decoder->start[bucket_of(word) + 1];
         i++) {
        const struct insn_info *info = &riscv_insn_info[decoder->ids[i]];

        if ((word & info->mask) == info->match) {
            insn->id = decoder->ids[i];
            fill_operands(insn, word);
            if (operands_reserved(insn))
                insn->id = INSN_ILLEGAL;
            return;
        }
    }
}
