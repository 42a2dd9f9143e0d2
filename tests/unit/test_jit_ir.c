// SPDX-License-Identifier: Apache-2.0
// The translator's IR. Whatever a region consists of, the IR is well-formed behind every pass, and what the
// middle makes of it shows the same registers and memory, wherever the guest could be left, as what it was
// made of. And the middle does what it is there for: each fold and each fusion where it is right, and not
// where it is not.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ir_evaluator.h"

#define PC 0x80000000ull

struct subject {
    struct riscv_decoder decoder;
    struct region_draft draft;
    struct ir made, optimized, shared;
    struct ir_run runs[3];
};

static int set_up(void **state)
{
    struct riscv_isa isa = riscv_isa_default();
    struct subject *s;

    if (!jit_host_supported())
        skip();
    s = calloc(1, sizeof(*s));
    riscv_decoder_init(&s->decoder, &isa);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void print_ir(const struct subject *s, const struct ir *ir, const char *title)
{
    char text[160];

    print_message("%s:\n", title);
    for (unsigned i = 0; i < ir->count; i++) {
        ir_print(&ir->insns[i], &s->draft.region, text, sizeof(text));
        print_message("  %4x  %s\n", s->draft.ops[ir->insns[i].op].offset, text);
    }
}

static void print_subject(const struct subject *s)
{
    char text[96];
    struct insn insn;

    for (unsigned i = 0; i < s->draft.region.count; i++) {
        const struct region_op *op = &s->draft.ops[i];
        uint32_t raw = 0;

        memcpy(&raw, s->draft.copy + op->offset, op->length);
        riscv_decode(&s->decoder, raw, &insn);
        riscv_disassemble(&insn, s->draft.region.pc + op->offset, text, sizeof(text));
        print_message("  %4x  %08x  %s\n", op->offset, raw, text);
    }
    print_ir(s, &s->made, "made");
    print_ir(s, &s->shared, "in the end");
}

// The three forms of what stands there. False: nothing that can be translated.
static bool prepare(struct subject *s, uint64_t pc, unsigned flavor, const void *code, size_t size)
{
    const struct region *r = &s->draft.region;

    if (!jit_region_draft(&s->draft, &s->decoder, pc, flavor, code, (unsigned)size, NULL))
        return false;
    ir_make(&s->made, r);
    s->optimized = s->made;
    ir_optimize(&s->optimized, r);
    s->shared = s->optimized;
    ir_share_accesses(&s->shared, r);
    return true;
}

static void well_formed(struct subject *s)
{
    const struct ir *forms[] = {&s->made, &s->optimized, &s->shared};

    for (unsigned i = 0; i < 3; i++) {
        const char *wrong = ir_verify(forms[i], &s->draft.region);

        if (wrong) {
            print_subject(s);
            fail_msg("form %u: %s", i, wrong);
        }
    }
}

static void same_behaviour(struct subject *s, uint64_t seed)
{
    const struct ir *forms[] = {&s->made, &s->optimized, &s->shared};

    for (unsigned i = 0; i < 3; i++) {
        ir_evaluate(&s->runs[i], forms[i], &s->draft.region, seed);
        int differs = ir_runs_differ(&s->runs[0], &s->runs[i]);

        if (!s->runs[i].wrong && differs < 0)
            continue;
        print_subject(s);
        if (differs >= 0) {
            const struct ir_event *a = &s->runs[0].events[differs];
            const struct ir_event *b = &s->runs[i].events[differs];

            print_message("event %d: at op %u or %u, kind %u or %u, %llx or %llx\n", differs, a->op,
                          b->op, a->kind, b->kind, (unsigned long long)a->address,
                          (unsigned long long)b->address);
            for (unsigned n = 0; n < 32; n++)
                if (a->x[n] != b->x[n])
                    print_message("%s: %llx or %llx\n", riscv_register_name(n, false),
                                  (unsigned long long)a->x[n], (unsigned long long)b->x[n]);
        }
        fail_msg("form %u, seed 0x%llx: %s", i, (unsigned long long)seed,
                 s->runs[i].wrong ? s->runs[i].wrong : "does something else");
    }
}

// ---- Random code ----

#define WORDS 100

// Few registers, so that results are used; those that compressed instructions have, sp and x0.
static unsigned some_register(uint64_t *rng)
{
    static const uint8_t few[] = {0, 1, 2, 8, 9, 10, 11, 12, 10, 11, 12, 13};

    return few[ir_random(rng) % sizeof(few)];
}

static unsigned some_count(uint64_t *rng)
{
    static const uint8_t counts[] = {0,  1,  2,  3,  8,  16, 24, 29, 30, 31,
                                     32, 33, 34, 40, 48, 56, 60, 61, 62, 63};

    return counts[ir_random(rng) % sizeof(counts)];
}

static uint32_t branch_offset(int offset)
{
    uint32_t imm = (uint32_t)offset;

    return (imm >> 12 & 1) << 31 | (imm >> 5 & 63) << 25 | (imm >> 1 & 15) << 8 |
           (imm >> 11 & 1) << 7;
}

static uint32_t jump_offset(int offset)
{
    uint32_t imm = (uint32_t)offset;

    return (imm >> 20 & 1) << 31 | (imm >> 1 & 1023) << 21 | (imm >> 11 & 1) << 20 |
           (imm & 0xff000);
}

static int near(uint64_t *rng)
{
    return (int)(ir_random(rng) % 60) * 2 - 60;
}

// Registers that make it likely to go on with what the instruction before has made, in place or not.
static uint32_t some_registers(uint64_t *rng, uint32_t before)
{
    unsigned d = before >> 7 & 31, a = some_register(rng), b = some_register(rng);
    uint64_t r = ir_random(rng);

    if (r % 2)
        a = d;
    if (r >> 8 & 1)
        b = before >> 15 & 31;
    d = r >> 16 & 1 ? a : r >> 17 & 1 ? b : some_register(rng);
    return r >> 18 & 1 ? d << 7 | a << 15 | b << 20 : d << 7 | b << 15 | a << 20;
}

// An encoding of that instruction with operands that are likely to meet others.
static uint32_t encode(uint64_t *rng, unsigned id, uint32_t before)
{
    const struct insn_info *info = &riscv_insn_info[id];
    uint32_t word = (uint32_t)ir_random(rng);

    word &= ~(31u << 7 | 31u << 15 | 31u << 20);
    word |= some_registers(rng, before);
    if (info->format == FMT_SHIFT || info->format == FMT_SHIFTW)
        word = (word & ~(63u << 20)) | some_count(rng) << 20;
    else if (info->format == FMT_BRANCH)
        word = (word & ~(127u << 25 | 31u << 7)) | branch_offset(near(rng));
    else if (info->format == FMT_J)
        word = (word & 0xfff) | jump_offset(near(rng));
    else if (info->format == FMT_U && ir_random(rng) % 2)
        word = (word & 0xfff) | (uint32_t)(int32_t)(int8_t)word << 12;
    else if ((info->format == FMT_I || info->format == FMT_LOAD) && ir_random(rng) % 2)
        word = (word & 0xfffff) | (uint32_t)(ir_random(rng) % 64) << 20;
    else if (info->format == FMT_STORE && ir_random(rng) % 2)
        word &= ~(127u << 25);
    return (word & ~info->mask) | info->match;
}

static unsigned some_id(uint64_t *rng)
{
    // What the middle knows most of.
    static const uint16_t favourites[] = {
        INSN_ADDI, INSN_ADDI, INSN_ADDIW, INSN_LUI,   INSN_AUIPC,   INSN_SLLI,   INSN_SLLI,
        INSN_SRLI, INSN_SRAI, INSN_SLLIW, INSN_SRLIW, INSN_ADD,     INSN_ADD,    INSN_OR,
        INSN_XOR,  INSN_ANDI, INSN_SUB,   INSN_ADDW,  INSN_SLLI_UW, INSN_ADD_UW, INSN_SEXT_H,
        INSN_LD,   INSN_LW,   INSN_SD,    INSN_SW,    INSN_LBU,     INSN_SB,     INSN_BNE,
        INSN_BEQ,  INSN_AND,  INSN_SUBW,
    };

    if (ir_random(rng) % 4)
        return favourites[ir_random(rng) % (sizeof(favourites) / sizeof(favourites[0]))];
    return 1 + (unsigned)(ir_random(rng) % (INSN_COUNT - 1));
}

// One valid instruction, of 2 or 4 bytes.
static uint32_t some_instruction(const struct subject *s, uint64_t *rng, uint32_t before)
{
    struct insn insn;
    uint32_t raw;

    do {
        raw = ir_random(rng) % 5 ? encode(rng, some_id(rng), before)
                                 : (uint32_t)ir_random(rng) % 0xffff;
        riscv_decode(&s->decoder, raw, &insn);
    } while (insn.id == INSN_ILLEGAL);
    return raw;
}

static size_t some_code(const struct subject *s, uint64_t *rng, uint8_t *code)
{
    uint32_t raw = 0;
    size_t size = 0;

    for (unsigned i = 0; i < WORDS; i++) {
        raw = some_instruction(s, rng, raw);
        unsigned length = riscv_insn_length(raw);

        memcpy(code + size, &raw, length);
        size += length;
    }
    return size;
}

// Also at both ends of the address space.
static uint64_t some_pc(uint64_t *rng)
{
    static const uint64_t pcs[] = {PC, 0, 0xfffffffffffff000, 0x7ffffffffffff000, 0x3f12345000};
    uint64_t r = ir_random(rng);

    return pcs[r % 5] + (r >> 32) % 0x800 * 2;
}

static void try_code(struct subject *s, uint64_t *rng, uint64_t pc, const uint8_t *code,
                     size_t size)
{
    if (!prepare(s, pc, (unsigned)(ir_random(rng) % 8), code, size))
        return;
    well_formed(s);
    for (unsigned i = 0; i < 3; i++)
        same_behaviour(s, ir_random(rng));
}

static uint64_t first_seed(void)
{
    const char *wish = getenv("HULL_TEST_SEED");

    return wish ? strtoull(wish, NULL, 0) : 20;
}

static void test_random_code_keeps_its_meaning(void **state)
{
    struct subject *s = *state;
    uint8_t code[WORDS * 4];

    for (unsigned round = 0; round < 20000; round++) {
        uint64_t rng = first_seed() * 0x100000000 + round;
        uint64_t pc = some_pc(&rng);
        size_t size = some_code(s, &rng, code);

        try_code(s, &rng, pc, code, size);
    }
}

// Every word is some code, mostly none that goes on.
static void test_random_words_are_well_formed(void **state)
{
    struct subject *s = *state;
    uint64_t rng = first_seed();

    for (unsigned round = 0; round < 100000; round++) {
        uint64_t words[8];

        for (unsigned i = 0; i < 8; i++)
            words[i] = ir_random(&rng) | (ir_random(&rng) & 0x0000000300000003);
        if (prepare(s, some_pc(&rng), round % 8, words, sizeof(words)))
            well_formed(s);
    }
}

// ---- Real code, where there is some ----

// Pieces of a file as if all of it were code; what is none does no harm.
static bool try_file(struct subject *s, const char *path)
{
    uint64_t rng = first_seed();
    FILE *f = fopen(path, "rb");
    uint8_t page[4096];
    long size;

    if (!f)
        return false;
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    for (unsigned round = 0; round < 300 && size > 4096; round++) {
        long at = (long)(ir_random(&rng) % (uint64_t)(size / 4096)) * 4096;
        unsigned offset = 0;

        fseek(f, at, SEEK_SET);
        if (fread(page, sizeof(page), 1, f) != 1)
            continue;
        while (offset < sizeof(page)) {
            uint64_t pc = 0xffffffff80000000 + (uint64_t)at + offset;

            s->draft.region.bytes = 0;
            try_code(s, &rng, pc, page + offset, sizeof(page) - offset);
            offset += s->draft.region.bytes ? s->draft.region.bytes : 2;
        }
    }
    fclose(f);
    return true;
}

static void test_real_code_keeps_its_meaning(void **state)
{
    const char *cache = getenv("HULL_CACHE"), *home = getenv("HOME");
    char kernel[512];
    bool any;

    snprintf(kernel, sizeof(kernel), "%s%s/images/mini/vmlinux",
             cache  ? cache
             : home ? home
                    : "",
             cache ? "" : "/.cache/hull");
    any = try_file(*state, kernel);
    any |= try_file(*state, "/usr/riscv64-linux-gnu/lib/libc.so.6");
    any |= try_file(*state, "/usr/riscv64-linux-gnu/lib/libm.so.6");
    if (!any)
        skip();
}

// ---- What the middle makes of what ----

enum { ZERO = 0, RA = 1, SP = 2, T0 = 5, A0 = 10, A1, A2, A3, A4, A5 };

static uint32_t rrr(unsigned id, unsigned d, unsigned a, unsigned b)
{
    return riscv_insn_info[id].match | d << 7 | a << 15 | b << 20;
}

static uint32_t rri(unsigned id, unsigned d, unsigned a, int imm)
{
    return riscv_insn_info[id].match | d << 7 | a << 15 | (uint32_t)imm << 20;
}

static uint32_t ru(unsigned id, unsigned d, uint32_t upper)
{
    return riscv_insn_info[id].match | d << 7 | upper << 12;
}

static uint32_t store(unsigned id, unsigned b, unsigned a, int imm)
{
    return riscv_insn_info[id].match | b << 20 | a << 15 | ((uint32_t)imm & 31) << 7 |
           ((uint32_t)imm >> 5) << 25;
}

static uint32_t branch(unsigned id, unsigned a, unsigned b, int offset)
{
    return riscv_insn_info[id].match | a << 15 | b << 20 | branch_offset(offset);
}

#define LI(d, imm) rri(INSN_ADDI, d, ZERO, imm)
#define MV(d, a) rri(INSN_ADDI, d, a, 0)
#define NOTHING rri(INSN_ADDI, ZERO, ZERO, 0)

// Every operation in the end, "; " between two, without the pieces.
static void shows(struct subject *s, const char *want, const uint32_t *words, unsigned count)
{
    char text[2048] = "";
    size_t used = 0;

    assert_true(prepare(s, PC, FLAVOR_FP, words, count * sizeof(*words)));
    assert_int_equal(s->draft.region.count, count);
    well_formed(s);
    for (uint64_t seed = 0; seed < 40; seed++)
        same_behaviour(s, seed);
    for (unsigned i = 0; i < s->shared.count; i++) {
        if (s->shared.insns[i].code == IR_PIECE)
            continue;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", used ? "; " : "");
        used += (size_t)ir_print(&s->shared.insns[i], &s->draft.region, text + used,
                                 sizeof(text) - used);
        assert_true(used < sizeof(text));
    }
    if (strcmp(text, want))
        print_subject(s);
    assert_string_equal(text, want);
}

#define SHOWS(s, want, ...) \
    shows(s, want, (uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / 4)

static void test_constants(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = const 0x12345678", ru(INSN_LUI, A0, 0x12345), rri(INSN_ADDI, A0, A0, 0x678));
    SHOWS(s, "a0 = const 0x7fffffff", ru(INSN_LUI, A0, 0x80000), rri(INSN_ADDIW, A0, A0, -1));
    SHOWS(s, "a0 = const 0x7ffff010; a1 = const 0x7ffff014", ru(INSN_AUIPC, A0, 0xfffff),
          rri(INSN_ADDI, A0, A0, 16), rri(INSN_ADDI, A1, A0, 4));
    SHOWS(s, "a1 = const 0x8000000000000000; a0 = sub a2, a1", LI(A1, 1),
          rri(INSN_SLLI, A1, A1, 63), rrr(INSN_SUB, A0, A2, A1));
    SHOWS(s, "a1 = const 5; a0 = add a2, -5", LI(A1, 5), rrr(INSN_SUB, A0, A2, A1));
    SHOWS(s, "a1 = const 40; a0 = shl.i32 a2, 8", LI(A1, 40), rrr(INSN_SLLW, A0, A2, A1));
    SHOWS(s, "a0 = move a1; a2 = extend.u8 a1; a3 = extend.i32 a1", MV(A0, A1),
          rri(INSN_ANDI, A2, A1, 255), rri(INSN_ADDIW, A3, A1, 0));
    // Behind the target of a jump nothing is known.
    SHOWS(s, "a0 = const 5; a1 = add a0, 1; branch a1 != a2, 0x80000004", LI(A0, 5),
          rri(INSN_ADDI, A1, A0, 1), branch(INSN_BNE, A1, A2, -4));
    // A branch that leads past it changes nothing.
    SHOWS(s, "a0 = const 5; branch a1 != a2, out to 0x8000000c; a1 = const 6", LI(A0, 5),
          branch(INSN_BNE, A1, A2, 8), rri(INSN_ADDI, A1, A0, 1));
}

static void test_division_by_x0(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = const -1; a1 = const -1", rrr(INSN_DIV, A0, A2, ZERO),
          rrr(INSN_DIVUW, A1, A2, ZERO));
    SHOWS(s, "a0 = move a2; a1 = extend.i32 a2", rrr(INSN_REMU, A0, A2, ZERO),
          rrr(INSN_REMW, A1, A2, ZERO));
}

static void test_shifts_left_and_right(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = extend.u32 a0", rri(INSN_SLLI, A0, A0, 32), rri(INSN_SRLI, A0, A0, 32));
    SHOWS(s, "a1 = extend.i16 a0", rri(INSN_SLLI, A1, A0, 48), rri(INSN_SRAI, A1, A1, 48));
    SHOWS(s, "a1 = extend.u8 a0", rri(INSN_SLLI, A1, A0, 56), rri(INSN_SRLI, A1, A1, 56));
    SHOWS(s, "a1 = shadd.u32 a0 << 3, zero", rri(INSN_SLLI, A1, A0, 32),
          rri(INSN_SRLI, A1, A1, 29));
    SHOWS(s, "a1 = shl a0, 32; a2 = extend.u32 a0", rri(INSN_SLLI, A1, A0, 32),
          rri(INSN_SRLI, A2, A1, 32));
    // Not: other counts, what is overwritten in between, what something looked at.
    SHOWS(s, "a0 = shl a0, 33; a0 = shr a0, 33", rri(INSN_SLLI, A0, A0, 33),
          rri(INSN_SRLI, A0, A0, 33));
    SHOWS(s, "a0 = shl a0, 56; a0 = shr a0, 48", rri(INSN_SLLI, A0, A0, 56),
          rri(INSN_SRLI, A0, A0, 48));
    SHOWS(s, "a1 = shl a0, 32; a0 = add a0, 1; a1 = shr a1, 32", rri(INSN_SLLI, A1, A0, 32),
          rri(INSN_ADDI, A0, A0, 1), rri(INSN_SRLI, A1, A1, 32));
    SHOWS(s, "a0 = shl a0, 32; a2 = move a0; a0 = shr a0, 32", rri(INSN_SLLI, A0, A0, 32),
          MV(A2, A0), rri(INSN_SRLI, A0, A0, 32));
    SHOWS(s, "a0 = shl a0, 32; a2 = load.i64 [a1]; a0 = shr a0, 32", rri(INSN_SLLI, A0, A0, 32),
          rri(INSN_LD, A2, A1, 0), rri(INSN_SRLI, A0, A0, 32));
    SHOWS(s, "a0 = shl a0, 32; a2 = shr a0, 32", rri(INSN_SLLI, A0, A0, 32),
          rri(INSN_SRLI, A2, A0, 32));
    SHOWS(s, "a0 = shl.i32 a0, 8, loose; a0 = sar.i32 a0, 8", rri(INSN_SLLIW, A0, A0, 8),
          rri(INSN_SRAIW, A0, A0, 8));
}

static void test_shifts_and_additions(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a5 = shadd a1 << 3, a2", rri(INSN_SLLI, A5, A1, 3), rrr(INSN_ADD, A5, A5, A2));
    SHOWS(s, "a1 = shadd a1 << 2, a2", rri(INSN_SLLI, A1, A1, 2), rrr(INSN_ADD, A1, A2, A1));
    SHOWS(s, "a1 = shadd.u32 a1 << 2, a2", rri(INSN_SLLI, A1, A1, 32), rri(INSN_SRLI, A1, A1, 30),
          rrr(INSN_ADD, A1, A2, A1));
    SHOWS(s, "a5 = shl a1, 4; a5 = add a5, a2", rri(INSN_SLLI, A5, A1, 4),
          rrr(INSN_ADD, A5, A5, A2));
    SHOWS(s, "a5 = shl a1, 2; a5 = add a5, a5", rri(INSN_SLLI, A5, A1, 2),
          rrr(INSN_ADD, A5, A5, A5));
    SHOWS(s, "a1 = shl a1, 2; a5 = add a1, a2", rri(INSN_SLLI, A1, A1, 2),
          rrr(INSN_ADD, A5, A1, A2));
    SHOWS(s, "a1 = shl a1, 2; a1 = add.i32 a1, a2", rri(INSN_SLLI, A1, A1, 2),
          rrr(INSN_ADDW, A1, A1, A2));
}

static void test_rotations(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a4 = shl.i32 a0, 7; a0 = ror.i32 a0, 25", rri(INSN_SLLIW, A4, A0, 7),
          rri(INSN_SRLIW, A0, A0, 25), rrr(INSN_OR, A0, A0, A4));
    SHOWS(s, "a4 = shr a0, 13; a5 = ror a0, 13", rri(INSN_SRLI, A4, A0, 13),
          rri(INSN_SLLI, A5, A0, 51), rrr(INSN_XOR, A5, A4, A5));
    SHOWS(s, "a4 = shl a0, 7; a0 = shr a0, 56; a0 = or a0, a4", rri(INSN_SLLI, A4, A0, 7),
          rri(INSN_SRLI, A0, A0, 56), rrr(INSN_OR, A0, A0, A4));
    SHOWS(s, "a4 = shl a0, 7; a0 = shr a1, 57; a0 = or a0, a4", rri(INSN_SLLI, A4, A0, 7),
          rri(INSN_SRLI, A0, A1, 57), rrr(INSN_OR, A0, A0, A4));
    SHOWS(s, "a4 = shl a0, 7; a0 = load.i64 [a1]; a5 = shr a0, 57; a0 = or a4, a5",
          rri(INSN_SLLI, A4, A0, 7), rri(INSN_LD, A0, A1, 0), rri(INSN_SRLI, A5, A0, 57),
          rrr(INSN_OR, A0, A4, A5));
}

static void test_dead_results(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = const 2", LI(A0, 1), LI(A0, 2));
    SHOWS(s, "a1 = const 4; a0 = const 2", LI(A0, 1), rri(INSN_ADDI, A1, A0, 3), LI(A0, 2));
    // Where the guest may be left every register counts.
    SHOWS(s, "a0 = const 1; a1 = load.i64 [a2]; a0 = const 2", LI(A0, 1), rri(INSN_LD, A1, A2, 0),
          LI(A0, 2));
    SHOWS(s, "a0 = const 1; a1 = div a2, a3; a0 = const 2", LI(A0, 1), rrr(INSN_DIV, A1, A2, A3),
          LI(A0, 2));
    SHOWS(s, "a0 = const 1; a1 = clz a2; a0 = const 2", LI(A0, 1), rri(INSN_CLZ, A1, A2, 0x600),
          LI(A0, 2));
    SHOWS(s, "a0 = const 1; guest fence; a0 = const 2", LI(A0, 1), rri(INSN_FENCE, 0, 0, 0xff),
          LI(A0, 2));
    SHOWS(s, "a0 = const 1; branch a1 == a2, out to 0x80000010; a0 = const 2", LI(A0, 1),
          branch(INSN_BEQ, A1, A2, 12), LI(A0, 2));
}

static void test_jumps_to_known_places(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "t0 = const 0x80001000; jump out to 0x80001010", ru(INSN_AUIPC, T0, 1),
          rri(INSN_JALR, ZERO, T0, 17));
    SHOWS(s, "ra = const 0x80000008; jump out to 0x80001010", ru(INSN_AUIPC, RA, 1),
          rri(INSN_JALR, RA, RA, 16));
    SHOWS(s, "t0 = const 0x80000000; jump.to t0 +4", ru(INSN_AUIPC, T0, 0),
          rri(INSN_JALR, ZERO, T0, 4));
    SHOWS(s, "a0 = jump.to a0 -2", rri(INSN_JALR, A0, A0, -2));
    // The link register is not the one that names the place, or was looked at.
    SHOWS(s, "t0 = const 0x80001000; ra = jump.to t0 +16", ru(INSN_AUIPC, T0, 1),
          rri(INSN_JALR, RA, T0, 16));
    SHOWS(s, "ra = const 0x80001000; a0 = add a1, ra; ra = jump.to ra +16", ru(INSN_AUIPC, RA, 1),
          rrr(INSN_ADD, A0, A1, RA), rri(INSN_JALR, RA, RA, 16));
}

static void test_words(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = add.i32 a1, a2", rrr(INSN_ADDW, A0, A1, A2), rri(INSN_ADDIW, A0, A0, 0));
    SHOWS(s, "a0 = load.i32 [a1]; a2 = move a0", rri(INSN_LW, A0, A1, 0),
          rri(INSN_ADDIW, A2, A0, 0));
    SHOWS(s, "a0 = load.u32 [a1]; a0 = extend.i32 a0", rri(INSN_LWU, A0, A1, 0),
          rri(INSN_ADDIW, A0, A0, 0));
    SHOWS(s, "a0 = add a1, a2; a0 = extend.i32 a0", rrr(INSN_ADD, A0, A1, A2),
          rri(INSN_ADDIW, A0, A0, 0));
    SHOWS(s, "a0 = extend.u32 a1; a2 = extend.i32 a0", rri(INSN_SLLI, A0, A1, 32),
          rri(INSN_SRLI, A0, A0, 32), rri(INSN_ADDIW, A2, A0, 0));
    // Upper halves that nothing looks at.
    SHOWS(s, "a0 = add.i32 a1, a2, loose; a0 = add.i32 a0, a3", rrr(INSN_ADDW, A0, A1, A2),
          rrr(INSN_ADDW, A0, A0, A3));
    SHOWS(s, "a0 = add.i32 a1, a2; a3 = add a0, a0; a0 = const 1", rrr(INSN_ADDW, A0, A1, A2),
          rrr(INSN_ADD, A3, A0, A0), LI(A0, 1));
    SHOWS(s, "a0 = add.i32 a1, a2; a0 = load.i64 [a0]", rrr(INSN_ADDW, A0, A1, A2),
          rri(INSN_LD, A0, A0, 0));
}

static void test_pages_that_are_shared(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = load.i64 [a2 + 8], opens slot 0 -8..+8; a1 = load.i32 [a2], by slot 0",
          rri(INSN_LD, A0, A2, 8), rri(INSN_LW, A1, A2, 0));
    SHOWS(s,
          "a0 = load.i64 [a2 + 8], opens slot 0 -12..+8 for stores; a2 = add a2, -16; "
          "store.i8 [a2 + 12], a0, by slot 0",
          rri(INSN_LD, A0, A2, 8), rri(INSN_ADDI, A2, A2, -16), store(INSN_SB, A0, A2, 12));
    // The stack's page is remembered, and it is the same one behind a place that is jumped to.
    SHOWS(s,
          "store.i64 [sp], a0, stream slot 0 +0..+24 for stores; branch a0 == zero, 0x8000000c; "
          "a1 = load.i64 [sp + 16], by slot 0; sp = add sp, 16; "
          "a2 = load.i64 [sp], stream slot 0 +0..+8 for stores",
          store(INSN_SD, A0, SP, 0), branch(INSN_BEQ, A0, ZERO, 8), rri(INSN_LD, A1, SP, 16),
          rri(INSN_ADDI, SP, SP, 16), rri(INSN_LD, A2, SP, 0));
    // A constant address in a loop is looked up in one place of the TLB.
    SHOWS(s, "a0 = load.i64 [8]; branch a0 == zero, 0x80000000", rri(INSN_LD, A0, ZERO, 8),
          branch(INSN_BEQ, A0, ZERO, -4));
    SHOWS(s,
          "fa0 = fload.f64 [a1], opens slot 0 +0..+16 for stores; fstore.f32 [a1 + 12], fa0, by "
          "slot 0",
          rri(INSN_FLD, A0, A1, 0), store(INSN_FSW, A0, A1, 12));
    // Not: behind another register, the same one with another value, too far away, another width of it.
    SHOWS(s, "a0 = load.i64 [a1]; a0 = load.i64 [a2]", rri(INSN_LD, A0, A1, 0),
          rri(INSN_LD, A0, A2, 0));
    SHOWS(s, "a1 = load.i64 [a1]; a0 = load.i64 [a1]", rri(INSN_LD, A1, A1, 0),
          rri(INSN_LD, A0, A1, 0));
    SHOWS(s, "a0 = load.i64 [a1]; a0 = load.i64 [a1 + 1020]", rri(INSN_LD, A0, A1, 0),
          rri(INSN_LD, A0, A1, 1020));
    SHOWS(s, "a0 = load.i64 [a1]; a1 = add.i32 a1, 8; a0 = load.i64 [a1]", rri(INSN_LD, A0, A1, 0),
          rri(INSN_ADDIW, A1, A1, 8), rri(INSN_LD, A0, A1, 0));
    // What may change translations lies in between: csrrw satp; what can't, does not matter.
    SHOWS(s, "a0 = load.i64 [a1]; guest csrrw; a0 = load.i64 [a1]", rri(INSN_LD, A0, A1, 0),
          rri(INSN_CSRRW, ZERO, A2, 0x180), rri(INSN_LD, A0, A1, 0));
    SHOWS(s, "a0 = load.i64 [a1], opens slot 0 +0..+8; guest fence; a0 = load.i64 [a1], by slot 0",
          rri(INSN_LD, A0, A1, 0), rri(INSN_FENCE, 0, 0, 0xff), rri(INSN_LD, A0, A1, 0));
    // A place that is jumped to.
    SHOWS(s,
          "a0 = load.i64 [a1]; a0 = load.i64 [a1], stream slot 0 +0..+8; "
          "branch a0 != a2, 0x80000004",
          rri(INSN_LD, A0, A1, 0), rri(INSN_LD, A0, A1, 0), branch(INSN_BNE, A0, A2, -4));
}

static void test_pages_at_the_ends_of_the_address_space(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = load.i64 [-8], opens slot 0 +0..+16; a1 = load.i64 [0], by slot 0",
          rri(INSN_LD, A0, ZERO, -8), rri(INSN_LD, A1, ZERO, 0));
    SHOWS(s,
          "a2 = const 2047; a0 = load.i64 [2047], opens slot 0 +0..+16; "
          "a1 = load.i64 [2055], by slot 0",
          LI(A2, 0x7ff), rri(INSN_LD, A0, A2, 0), rri(INSN_LD, A1, A2, 8));
    // 2^63 - 1 and 2^63
    SHOWS(s, "a2 = const 0x7fffffffffffffff; a0 = load.i8 [a2]; a1 = load.i8 [a2 + 1]", LI(A2, -1),
          rri(INSN_SRLI, A2, A2, 1), rri(INSN_LB, A0, A2, 0), rri(INSN_LB, A1, A2, 1));
}

static void test_pages_in_loops(void **state)
{
    struct subject *s = *state;

    SHOWS(s,
          "a0 = load.i64 [a1], stream slot 0 +0..+16; a3 = load.i64 [a1 + 8], by slot 0; "
          "a1 = add a1, 16; branch a1 != a2, 0x80000000",
          rri(INSN_LD, A0, A1, 0), rri(INSN_LD, A3, A1, 8), rri(INSN_ADDI, A1, A1, 16),
          branch(INSN_BNE, A1, A2, -12));
    // No steps that are known: it may give up when it runs.
    SHOWS(s, "a1 = load.i64 [a1], stream slot 0 +0..+8; branch a1 != zero, 0x80000000",
          rri(INSN_LD, A1, A1, 0), branch(INSN_BNE, A1, ZERO, -4));
    // Behind a place where jumps meet, the same register goes on with the same slot, as a stream.
    SHOWS(s,
          "a0 = load.i64 [a1], stream slot 0 +0..+8; branch a0 == zero, 0x8000000c; "
          "a1 = add a1, 8; a3 = load.i64 [a1], stream slot 0 +0..+8; branch a1 != a2, 0x80000000",
          rri(INSN_LD, A0, A1, 0), branch(INSN_BEQ, A0, ZERO, 8), rri(INSN_ADDI, A1, A1, 8),
          rri(INSN_LD, A3, A1, 0), branch(INSN_BNE, A1, A2, -16));
    // In the same run it must not.
    SHOWS(s,
          "a0 = load.i64 [a1], stream slot 0 +0..+8; a1 = add a1, a0; "
          "a3 = load.i64 [a1], stream slot 1 +0..+8; branch a1 != a2, 0x80000000",
          rri(INSN_LD, A0, A1, 0), rrr(INSN_ADD, A1, A1, A0), rri(INSN_LD, A3, A1, 0),
          branch(INSN_BNE, A1, A2, -12));
    // A border in the loop: nothing lasts from round to round.
    SHOWS(s, "a0 = load.i64 [a1]; guest csrrw; a1 = add a1, 8; branch a1 != a2, 0x80000000",
          rri(INSN_LD, A0, A1, 0), rri(INSN_CSRRW, ZERO, A2, 0x180), rri(INSN_ADDI, A1, A1, 8),
          branch(INSN_BNE, A1, A2, -12));
}

// What a broken pass could make: each is refused, with its reason.
static void test_what_is_wrong_is_found(void **state)
{
    struct subject *s = *state;
    const uint32_t words[] = {
        rri(INSN_LD, A0, A1, 0),    rri(INSN_LD, A2, A1, 8),       rrr(INSN_DIV, A3, A0, A2),
        rrr(INSN_ADDW, A0, A0, A3), branch(INSN_BNE, A0, A2, -12), rri(INSN_ADDI, A0, A0, 1),
    };
    struct ir good;
    enum { PIECE, OPEN, PIECE_2, STREAM, DIV, ADDW, BRANCH, PIECE_3, ADDI };

#define WRONG(reason, change)                                                 \
    do {                                                                      \
        struct ir_insn *in = s->shared.insns;                                 \
        s->shared = good;                                                     \
        (void)in;                                                             \
        change;                                                               \
        assert_non_null(ir_verify(&s->shared, &s->draft.region));             \
        assert_string_equal(ir_verify(&s->shared, &s->draft.region), reason); \
    } while (0)

    assert_true(prepare(s, PC, 0, words, sizeof(words)));
    well_formed(s);
    good = s->shared;
    assert_int_equal(good.insns[STREAM].access, IR_STREAM);
    WRONG("does not begin with a piece", in[PIECE].code = IR_NOP);
    WRONG("instructions out of order", in[DIV].op = 0);
    WRONG("instructions out of order", in[ADDI].op = 6);
    WRONG("no such operation", in[ADDI].code = IR_COUNT);
    WRONG("a piece is missing", in[PIECE_2].code = IR_NOP);
    WRONG("a piece that is none", in[PIECE_3].imm = 2);
    WRONG("a piece that is none", in[DIV].code = IR_PIECE);
    WRONG("no such d", in[ADDI].d = 33);
    WRONG("a pure operation without a result", in[ADDI].d = IR_NO_REG);
    WRONG("no such a", in[ADDI].a = 32);
    WRONG("no such b", in[ADDW].b = 32);
    WRONG("a constant that does not fit", in[ADDI].imm = 1ll << 31);
    WRONG("a shift by more than there are bits", (in[ADDI].code = IR_SHL, in[ADDI].imm = 64));
    WRONG("wrong type", in[ADDI].type = IR_I16);
    WRONG("wrong type", in[OPEN].type = IR_F64);
    WRONG("extends from no smaller type", (in[ADDI].code = IR_EXTEND, in[ADDI].imm_b = false));
    WRONG("no such condition", in[BRANCH].type = 6);
    WRONG("other operands than the guest's", in[DIV].b = A3);
    WRONG("an access of another register than the guest's", in[OPEN].d = A4);
    WRONG("no such slot", in[STREAM].slot = 1);
    WRONG("follows a slot that nothing opened", in[STREAM].access = IR_FOLLOW);
    WRONG("a slot's range without its own access", in[STREAM].high = 4);
    WRONG("a slot's range without its own access", in[STREAM].low = 8);
    WRONG("a slot's range that does not fit", (in[STREAM].imm = INT32_MIN, in[STREAM].low = -8));
    WRONG("a stream that is not announced", s->shared.streams = 0);
    WRONG("a range that is longer than its slot's", in[STREAM].high++);
    WRONG("a jump to where none is expected", in[BRANCH].imm = 20);
    WRONG("a jump back to where the budget is not looked at", s->draft.ops[1].back = 0);
    s->draft.ops[1].back = 1;
    WRONG("a loose register where the guest may be left",
          (in[ADDW].loose = true, in[ADDW].word = true));
    WRONG("a loose result of what can't have one", in[ADDI].loose = true);
    WRONG("too long", s->shared.slots = IR_SLOTS + 1);
#undef WRONG
}

static void test_text_that_does_not_fit_is_cut(void **state)
{
    struct subject *s = *state;
    const uint32_t words[] = {rri(INSN_LD, A0, A1, -16)};
    char text[64] = "";

    assert_true(prepare(s, PC, 0, words, sizeof(words)));
    assert_int_equal(ir_print(&s->made.insns[1], &s->draft.region, text, 9), 23);
    assert_string_equal(text, "a0 = loa");
    assert_int_equal(ir_print(&s->made.insns[1], &s->draft.region, text, sizeof(text)), 23);
    assert_string_equal(text, "a0 = load.i64 [a1 - 16]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_random_code_keeps_its_meaning),
        TEST(test_random_words_are_well_formed),
        TEST(test_real_code_keeps_its_meaning),
        TEST(test_constants),
        TEST(test_division_by_x0),
        TEST(test_shifts_left_and_right),
        TEST(test_shifts_and_additions),
        TEST(test_rotations),
        TEST(test_dead_results),
        TEST(test_jumps_to_known_places),
        TEST(test_words),
        TEST(test_pages_that_are_shared),
        TEST(test_pages_at_the_ends_of_the_address_space),
        TEST(test_pages_in_loops),
        TEST(test_what_is_wrong_is_found),
        TEST(test_text_that_does_not_fit_is_cut),
    };

    return cmocka_run_group_tests_name("jit_ir", tests, NULL, NULL);
}
