// SPDX-License-Identifier: Apache-2.0
// Random instructions. The table of the decoder says how they are put together; what QEMU 7.2 does not
// have, or what isn't the same on both sides (CSRs, traps), is left out.
#include "tests/diff/gen.h"

#include "guest/riscv/decode.h"

struct source {
    uint32_t mask, match;
    uint8_t format, regs;
};

enum { CLASS_INTEGER, CLASS_FP, CLASS_LOAD, CLASS_STORE, CLASS_BRANCH, CLASS_AMO, CLASSES };

static struct source sources[CLASSES][256];
static unsigned source_count[CLASSES];

#define GP 3
#define TP 4
#define SP 2
#define OP_ADDI 0x13u
#define OP_ADD 0x33u
#define OP_ANDI 0x7013u
#define OP_BNE 0x1063u
#define LR_W 0x1000202fu
#define SC_W 0x1800202fu

// Known faults of QEMU 7.2:
//   ctzw    counts into the upper half where the lower one is zero, instead of answering 32
static bool supported(unsigned id, unsigned ext)
{
    if (id == INSN_CTZW)
        return false;
    switch (ext) {
    case EXT_ZICOND:
    case EXT_ZACAS:
    case EXT_ZAWRS:
    case EXT_ZFA:
    case EXT_ZFA_AND_D:
    case EXT_ZFA_AND_ZFH:
    case EXT_ZICBOM:
    case EXT_ZICBOZ:
    case EXT_SVINVAL:
    case EXT_ZICSR: return false;
    default: return id != INSN_FENCE_I;
    }
}

static int class_of(unsigned id, unsigned format, unsigned regs)
{
    switch (format) {
    case FMT_LOAD: return CLASS_LOAD;
    case FMT_STORE: return CLASS_STORE;
    case FMT_BRANCH: return CLASS_BRANCH;
    case FMT_AMO: return id == INSN_SC_W || id == INSN_SC_D ? -1 : CLASS_AMO;
    case FMT_I: return id == INSN_JALR ? -1 : CLASS_INTEGER;
    case FMT_R:
    case FMT_R2:
    case FMT_U:
    case FMT_SHIFT:
    case FMT_SHIFTW:
    case FMT_FENCE:
    case FMT_PREFETCH:
    case FMT_FR4:
    case FMT_FR_RM:
    case FMT_FR2_RM: return regs & USES_F ? CLASS_FP : CLASS_INTEGER;
    default: return -1;
    }
}

void gen_prepare(void)
{
    static const struct {
        uint32_t mask, match;
        uint16_t id, ext;
        uint8_t format, regs;
    } all[] = {
#define INSN(id, name, mask, match, format, ext, regs) {mask, match, INSN_##id, ext, format, regs},
#include "guest/riscv/insn.def"
#undef INSN
    };

    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int class = class_of(all[i].id, all[i].format, all[i].regs);

        if (class >= 0 && supported(all[i].id, all[i].ext))
            sources[class][source_count[class]++] =
                (struct source){all[i].mask, all[i].match, all[i].format, all[i].regs};
    }
}

void gen_half(struct gen *gen, uint16_t insn)
{
    if (gen->size + 2 > gen->room)
        return;
    gen->image[gen->size++] = (uint8_t)insn;
    gen->image[gen->size++] = (uint8_t)(insn >> 8);
}

void gen_word(struct gen *gen, uint32_t insn)
{
    gen_half(gen, (uint16_t)insn);
    gen_half(gen, (uint16_t)(insn >> 16));
}

static void patch_word(struct gen *gen, size_t at, uint32_t insn)
{
    for (unsigned i = 0; i < 4; i++)
        gen->image[at + i] = (uint8_t)(insn >> 8 * i);
}

static const struct source *pick(struct gen *gen, unsigned class)
{
    return &sources[class][gen_below(gen, source_count[class])];
}

static bool writable(const struct gen *gen, unsigned reg)
{
    return reg != GP && reg != TP && !(gen->reserved >> reg & 1);
}

static unsigned dest(struct gen *gen)
{
    for (;;) {
        unsigned reg = gen_below(gen, 32);

        if (writable(gen, reg))
            return reg;
    }
}

// A register that is not x0, as a temporary.
static unsigned temporary(struct gen *gen)
{
    for (;;) {
        unsigned reg = dest(gen);

        if (reg)
            return reg;
    }
}

static unsigned any(struct gen *gen)
{
    return gen_below(gen, 32);
}

static uint32_t imm_i(unsigned imm)
{
    return (uint32_t)imm << 20;
}

static uint32_t imm_s(unsigned imm)
{
    return (imm & 31) << 7 | (uint32_t)(imm >> 5 & 127) << 25;
}

static uint32_t imm_b(unsigned imm)
{
    return (uint32_t)(imm >> 12 & 1) << 31 | (imm >> 5 & 63) << 25 | (imm >> 1 & 15) << 8 |
           (imm >> 11 & 1) << 7;
}

static uint32_t imm_j(unsigned imm)
{
    return (uint32_t)(imm >> 20 & 1) << 31 | (imm >> 1 & 1023) << 21 | (imm >> 11 & 1) << 20 |
           (imm >> 12 & 255) << 12;
}

// Every bit outside of the mask is random; then the fields that must not be are set.
static uint32_t plain_instruction(struct gen *gen, const struct source *source)
{
    static const uint8_t rounding[] = {0, 1, 2, 3, 4, 7, 7, 7};
    uint32_t insn = (uint32_t)gen_random(gen);
    unsigned rd = source->regs & RD_F ? any(gen) : dest(gen);

    insn = (insn & ~(31u << 7)) | rd << 7;
    if (source->format == FMT_FR4 || source->format == FMT_FR_RM || source->format == FMT_FR2_RM)
        insn = (insn & ~0x7000u) | (uint32_t)rounding[gen_below(gen, 8)] << 12;
    return (insn & ~source->mask) | source->match;
}

static void item_integer(struct gen *gen)
{
    gen_word(gen, plain_instruction(gen, pick(gen, CLASS_INTEGER)));
}

// The format of an FP instruction's operands.
static enum operand_class operand_class(uint32_t insn)
{
    static const uint8_t classes[] = {OPERAND_S, OPERAND_D, OPERAND_H, OPERAND_BAD};

    if ((insn & 0x7f) == 0x53 && insn >> 27 == 0x08) // from one format to another
        return classes[insn >> 20 & 3];
    return classes[insn >> 25 & 3];
}

static void load_operand(struct gen *gen, unsigned reg, enum operand_class class)
{
    int offset = (int)(gen_below(gen, AREA_HALF / 32) * 32 + class * 8) - AREA_HALF;

    gen_word(gen, 0x3007 | reg << 7 | GP << 15 | imm_i((unsigned)offset & 0xfff)); // fld
}

// With operands that are left from before, or with fresh ones of the right format, and the flags
// that this instruction raises.
static void item_fp(struct gen *gen)
{
    const struct source *source = pick(gen, CLASS_FP);
    uint32_t insn = plain_instruction(gen, source);
    unsigned rs1 = insn >> 15 & 31, rs2 = insn >> 20 & 31, rs3 = insn >> 27;
    enum operand_class class = operand_class(insn);
    bool fresh = gen_below(gen, 4);

    if (fresh) {
        if (source->regs & RS1_F)
            load_operand(gen, rs1, class);
        if (source->regs & RS2_F && gen_below(gen, 4))
            load_operand(gen, rs2, class);
        if (source->regs & RS3_F && gen_below(gen, 4))
            load_operand(gen, rs3, class);
        gen_word(gen, 0x00105073); // csrrwi x0, fflags, 0
    }
    gen_word(gen, insn);
    if (fresh && gen_random(gen) & 1)
        gen_word(gen, 0x00102073 | dest(gen) << 7); // csrr rd, fflags
}

static void emit_load(struct gen *gen, unsigned base, int offset)
{
    const struct source *source = pick(gen, CLASS_LOAD);
    unsigned rd = source->regs & RD_F ? any(gen) : dest(gen);

    gen_word(gen, source->match | rd << 7 | base << 15 | imm_i((unsigned)offset & 0xfff));
}

static void emit_store(struct gen *gen, unsigned base, int offset)
{
    gen_word(gen, pick(gen, CLASS_STORE)->match | any(gen) << 20 | base << 15 |
                      imm_s((unsigned)offset & 0xfff));
}

// From anywhere in the area, at any alignment; stores only to its upper half.
static void item_memory(struct gen *gen)
{
    int offset = (int)gen_below(gen, 2 * AREA_HALF - 8) - AREA_HALF;

    if (gen_below(gen, 3))
        offset &= ~7;
    if (gen_below(gen, 3))
        emit_load(gen, GP, offset);
    else
        emit_store(gen, GP, (int)gen_below(gen, AREA_HALF - 8));
}

// temporary = gp + something computed, aligned for atomics.
static unsigned address(struct gen *gen)
{
    unsigned reg = temporary(gen);

    gen_word(gen, OP_ANDI | reg << 7 | any(gen) << 15 | imm_i(0x3f8));
    gen_word(gen, OP_ADD | reg << 7 | reg << 15 | GP << 20);
    return reg;
}

static void item_computed(struct gen *gen)
{
    unsigned reg = address(gen);

    if (gen_random(gen) & 1)
        emit_load(gen, reg, (int)gen_below(gen, 1000));
    else
        emit_store(gen, reg, (int)gen_below(gen, 1000));
}

static void item_amo(struct gen *gen)
{
    unsigned reg = address(gen);
    uint32_t insn = pick(gen, CLASS_AMO)->match | (uint32_t)gen_below(gen, 4) << 25;

    gen_word(gen, insn | dest(gen) << 7 | reg << 15 | any(gen) << 20);
}

// lr, sometimes something in between, sc. What is in between may change the address's register, so it is
// computed anew: then sc may have to fail, and the same on both sides.
static void item_lr_sc(struct gen *gen)
{
    unsigned reg = address(gen), width = gen_below(gen, 2) << 12, again = temporary(gen);

    gen_word(gen, (LR_W + width) | dest(gen) << 7 | reg << 15);
    if (gen_below(gen, 4) == 0)
        gen_word(gen, OP_ADDI | dest(gen) << 7 | any(gen) << 15 | imm_i(gen_below(gen, 4096)));
    gen_word(gen, OP_ANDI | again << 7 | reg << 15 | imm_i(0x3f8));
    gen_word(gen, OP_ADD | again << 7 | again << 15 | GP << 20);
    gen_word(gen, (SC_W + width) | dest(gen) << 7 | again << 15 | any(gen) << 20);
}

static bool compressed_usable(const struct gen *gen, unsigned c)
{
    unsigned rd = c >> 7 & 31, narrow = 8 + (c >> 7 & 7);

    switch ((c & 3) << 3 | c >> 13) {
    case 000: return (c >> 5 & 255) && writable(gen, 8 + (c >> 2 & 7)); // c.addi4spn
    case 010:
    case 012: return writable(gen, rd);
    case 011: return rd && writable(gen, rd);
    case 013: return (c & 0x107c) && writable(gen, rd);
    case 014: return writable(gen, narrow) && ((c >> 10 & 3) != 3 || (c & 0x1040) != 0x1040);
    case 020: return writable(gen, rd);
    case 024: return (c >> 2 & 31) && writable(gen, rd);
    default: return false;
    }
}

static void item_compressed(struct gen *gen)
{
    uint16_t c;

    do
        c = (uint16_t)gen_random(gen);
    while (!compressed_usable(gen, c));
    gen_half(gen, c);
}

static void item_compressed_memory(struct gen *gen)
{
    static const uint8_t kinds[] = {2, 3, 1, 6, 7, 5}; // lw ld fld sw sd fsd
    unsigned kind = kinds[gen_below(gen, 6)], base = 8 + gen_below(gen, 8), rd;
    uint16_t c = (uint16_t)(gen_random(gen) & 0x1ffc);

    if (gen_random(gen) & 1) { // by sp
        if (!writable(gen, SP))
            return;
        gen_word(gen, OP_ADDI | SP << 7 | GP << 15 | imm_i(gen_below(gen, 1000)));
        rd = kind == 1 ? any(gen) : temporary(gen);
        if (kind < 4)
            c = (uint16_t)((c & ~(31u << 7)) | rd << 7);
        gen_half(gen, (uint16_t)(kind << 13 | c | 2));
        return;
    }
    if (!writable(gen, base))
        return;
    gen_word(gen, OP_ADDI | base << 7 | GP << 15 | imm_i(gen_below(gen, 1000)));
    c = (uint16_t)((c & ~(7u << 7)) | (base - 8) << 7);
    if (kind == 2 || kind == 3)
        while (!writable(gen, 8 + (c >> 2 & 7)))
            c = (uint16_t)((c & ~(7u << 2)) | gen_below(gen, 8) << 2);
    gen_half(gen, (uint16_t)(kind << 13 | c));
}

static void items_inside(struct gen *gen, unsigned most)
{
    gen->depth++;
    for (unsigned n = 1 + gen_below(gen, most); n; n--)
        gen_item(gen);
    gen->depth--;
}

// A branch over some items.
static void item_branch(struct gen *gen)
{
    size_t at = gen->size;
    unsigned rs1 = any(gen), rs2 = gen_below(gen, 4) ? any(gen) : rs1;
    uint32_t insn = pick(gen, CLASS_BRANCH)->match | rs1 << 15 | rs2 << 20;

    gen_word(gen, insn);
    items_inside(gen, 3);
    if (gen->size < gen->room)
        patch_word(gen, at, insn | imm_b((unsigned)(gen->size - at)));
}

static void item_loop(struct gen *gen)
{
    unsigned counter = temporary(gen);
    size_t start;

    gen_word(gen, OP_ADDI | counter << 7 | imm_i(1 + gen_below(gen, 6)));
    start = gen->size;
    gen->reserved |= 1u << counter;
    items_inside(gen, 6);
    gen->reserved &= ~(1u << counter);
    gen_word(gen, OP_ADDI | counter << 7 | counter << 15 | imm_i(0xfff));
    gen_word(gen, OP_BNE | counter << 15 | imm_b((unsigned)(start - gen->size)));
}

// A register with gp + offset that nothing else writes until it is given back.
static unsigned pointer(struct gen *gen, int offset)
{
    unsigned reg = temporary(gen);

    gen_word(gen, OP_ADDI | reg << 7 | GP << 15 | imm_i((unsigned)offset & 0xfff));
    gen->reserved |= 1u << reg;
    return reg;
}

static void step(struct gen *gen, unsigned reg)
{
    static const uint8_t steps[] = {8, 8, 4, 1, 3};

    gen_word(gen, OP_ADDI | reg << 7 | reg << 15 | imm_i(steps[gen_below(gen, sizeof(steps))]));
}

// Two pointers that walk, one of them over the page border at gp: loads behind both, stores behind the other.
// With other items in between, so that most registers are in use.
static void item_walk(struct gen *gen)
{
    unsigned from = pointer(gen, -(int)gen_below(gen, 160)),
             to = pointer(gen, (int)gen_below(gen, 200));
    unsigned counter = pointer(gen, 0);
    size_t start;

    gen_word(gen, OP_ADDI | counter << 7 | imm_i(2 + gen_below(gen, 24)));
    start = gen->size;
    for (unsigned n = 1 + gen_below(gen, 4); n; n--) {
        emit_load(gen, from, (int)gen_below(gen, 64) - 32);
        if (gen_random(gen) & 1)
            emit_load(gen, to, (int)gen_below(gen, 64));
        items_inside(gen, 2);
        emit_store(gen, to, (int)gen_below(gen, 64));
    }
    step(gen, from);
    if (gen_random(gen) & 1)
        emit_load(gen, from, (int)gen_below(gen, 64) - 32);
    step(gen, to);
    gen_word(gen, OP_ADDI | counter << 7 | counter << 15 | imm_i(0xfff));
    gen_word(gen, OP_BNE | counter << 15 | imm_b((unsigned)(start - gen->size)));
    gen->reserved &= ~(1u << from | 1u << to | 1u << counter);
}

// Byte by byte, around the page border at gp, or behind a register that is written on the way.
static void item_bytes(struct gen *gen)
{
    uint8_t regs[4];
    unsigned base = GP;
    int offset = (int)gen_below(gen, 16) - 8;

    for (unsigned i = 0; i < 4; i++)
        regs[i] = (uint8_t)temporary(gen);
    if (gen_below(gen, 3) == 0 && regs[0] != regs[3] && regs[1] != regs[3] && regs[2] != regs[3]) {
        base = regs[3];
        gen_word(gen, OP_ADDI | base << 7 | GP << 15 | imm_i((unsigned)offset & 0xfff));
    }
    switch (gen_below(gen, 3)) {
    case 0: gen_bytes_in(gen, regs, base, base == GP ? offset : 0); break;
    case 1: gen_bytes_out(gen, regs, any(gen), GP, (int)gen_below(gen, 200)); break;
    default: gen_filled(gen, any(gen), GP, (int)gen_below(gen, 200)); break;
    }
}

// jal, jalr, c.j and c.jalr to what follows after a word that would be an illegal instruction.
static void item_jump(struct gen *gen)
{
    unsigned reg = temporary(gen), link = dest(gen);

    switch (gen_below(gen, 4)) {
    case 0:
        gen_word(gen, 0x6f | link << 7 | 8u << 20);
        gen_word(gen, 0);
        break;
    case 1:
        gen_word(gen, 0x17 | reg << 7); // auipc
        gen_word(gen, 0x67 | link << 7 | reg << 15 | imm_i(12 + gen_below(gen, 2)));
        gen_word(gen, 0);
        break;
    case 2:
        gen_half(gen, 0xa011); // c.j 4
        gen_half(gen, 0);
        break;
    default:
        if (!writable(gen, 1) || reg == 1)
            return;
        gen_word(gen, 0x17 | reg << 7);
        gen_word(gen, OP_ADDI | reg << 7 | reg << 15 | imm_i(14));
        gen_half(gen, (uint16_t)(0x9002 | reg << 7)); // c.jalr
        gen_word(gen, 0);
    }
}

// An unconditional jump to be patched, direct or computed; it leads to the end of what was written since.
static size_t jump_ahead(struct gen *gen, unsigned reg)
{
    if (gen_random(gen) & 1) {
        gen_word(gen, 0x17 | reg << 7); // auipc
        gen_word(gen, 0x67 | reg << 15);
    } else {
        gen_word(gen, 0x6f);
    }
    return gen->size;
}

static void patch_jump(struct gen *gen, size_t behind, unsigned reg)
{
    unsigned distance = (unsigned)(gen->size - behind);

    if (gen->size >= gen->room)
        return;
    if (gen->image[behind - 4] == 0x6f) {
        patch_word(gen, behind - 4, 0x6f | imm_j(distance + 4));
    } else {
        patch_word(gen, behind - 8, 0x17 | reg << 7 | ((distance + 8 + 0x800) & 0xfffff000));
        patch_word(gen, behind - 4, 0x67 | reg << 15 | imm_i((distance + 8) & 0xfff));
    }
}

// A function, and calls of it: one register links them all.
static void item_call(struct gen *gen)
{
    unsigned link = gen_below(gen, 4) ? 1 + 4 * gen_below(gen, 2) : temporary(gen),
             reg = temporary(gen);
    uint32_t was = gen->reserved;
    size_t over, function;

    if (!writable(gen, link) || link == reg)
        return;
    over = jump_ahead(gen, reg);
    function = gen->size;
    gen->reserved |= 1u << link;
    items_inside(gen, 3);
    gen_word(gen, 0x67 | link << 15);
    patch_jump(gen, over, reg);
    for (unsigned n = 1 + gen_below(gen, 2); n; n--) {
        gen_word(gen, 0x6f | link << 7 | imm_j((unsigned)(function - gen->size)));
        items_inside(gen, 2);
    }
    gen->reserved = was;
}

// A loop that is entered in its middle, and calls now and then.
static void item_entered_loop(struct gen *gen)
{
    unsigned counter = pointer(gen, 0), reg = temporary(gen);
    size_t behind, start;

    gen_word(gen, OP_ADDI | counter << 7 | imm_i(1 + gen_below(gen, 6)));
    behind = jump_ahead(gen, reg);
    start = gen->size;
    items_inside(gen, 3);
    patch_jump(gen, behind, reg);
    items_inside(gen, 3);
    gen->depth++;
    if (gen_random(gen) & 1)
        item_call(gen);
    gen->depth--;
    gen_word(gen, OP_ADDI | counter << 7 | counter << 15 | imm_i(0xfff));
    gen_word(gen, OP_BNE | counter << 15 | imm_b((unsigned)(start - gen->size)));
    gen->reserved &= ~(1u << counter);
}

// The rounding mode stays one of the five.
static void item_csr(struct gen *gen)
{
    uint32_t rd = dest(gen) << 7;

    switch (gen_below(gen, 7)) {
    case 0:
    case 1: gen_word(gen, 0x00205073 | rd | gen_below(gen, 5) << 15); break; // csrrwi frm
    case 2: gen_word(gen, 0x00101073 | rd | any(gen) << 15); break;          // csrrw fflags
    case 3: gen_word(gen, 0x00102073 | rd | any(gen) << 15); break;          // csrrs fflags
    case 4: gen_word(gen, 0x00103073 | rd | any(gen) << 15); break;          // csrrc fflags
    case 5: gen_word(gen, 0x00302073 | rd); break;                           // frcsr
    default: gen_word(gen, 0x00307073 | rd | any(gen) << 15); break;         // csrrci fcsr
    }
}

static void item_inner(struct gen *gen, unsigned kind)
{
    static void (*const items[][2])(struct gen *) = {
        {item_branch, item_branch}, {item_branch, item_call},       {item_walk, item_walk},
        {item_loop, item_loop},     {item_entered_loop, item_loop},
    };

    items[kind][gen_random(gen) & 1](gen);
}

void gen_item(struct gen *gen)
{
    unsigned n = gen_below(gen, 100);

    if (n < 25)
        item_integer(gen);
    else if (n < 28)
        item_bytes(gen);
    else if (n < 58)
        item_fp(gen);
    else if (n < 74)
        item_memory(gen);
    else if (n < 77)
        item_computed(gen);
    else if (n < 79)
        item_amo(gen);
    else if (n < 80)
        item_lr_sc(gen);
    else if (n < 88)
        item_compressed(gen);
    else if (n < 91)
        item_compressed_memory(gen);
    else if (n < 93)
        item_csr(gen);
    else if (n < 95)
        item_jump(gen);
    else if (gen->depth < 2)
        item_inner(gen, n - 95);
    else
        item_integer(gen);
}
