// SPDX-License-Identifier: Apache-2.0
// The translator's IR of whatever a region may consist of, random code and real code: it is well-formed behind
// every pass, and what the middle makes of it shows the same registers and memory, wherever the guest could
// be left, as what it was made of.
#include "tests/unit/ir_subject.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/encoding.h"

#define PC 0x80000000ull
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
    if (!subject_prepare(s, pc, (unsigned)(ir_random(rng) % 8), code, size))
        return;
    subject_well_formed(s);
    for (unsigned i = 0; i < 3; i++)
        subject_same_behaviour(s, ir_random(rng));
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
        if (subject_prepare(s, some_pc(&rng), round % 8, words, sizeof(words)))
            subject_well_formed(s);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject_set_up, subject_tear_down)
        TEST(test_random_code_keeps_its_meaning),
        TEST(test_random_words_are_well_formed),
        TEST(test_real_code_keeps_its_meaning),
    };

    return cmocka_run_group_tests_name("jit_ir_random", tests, NULL, NULL);
}
