// SPDX-License-Identifier: Apache-2.0
// Random loops over four pages of which some can't be written or are not there, against the interpreter:
// translated code remembers pages from round to round, and any access may be the one that traps.
#include "tests/unit/encoding.h"
#include "tests/unit/jit_window.h"

struct program {
    uint64_t rng;
    uint32_t words[400];
    unsigned count;
};

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static unsigned below(struct program *p, unsigned limit)
{
    return (unsigned)(splitmix(&p->rng) % limit);
}

static void word(struct program *p, uint32_t raw)
{
    p->words[p->count++] = raw;
}

// 18 registers for values, more than any host has to spare; bases are sp and s2 to s5, counters t0 and t1.
static unsigned value(struct program *p)
{
    static const uint8_t regs[] = {7,  8,  9,  10, 11, 12, 13, 14, 15,
                                   16, 17, 22, 23, 24, 25, 28, 29, 30};

    return regs[below(p, sizeof(regs))];
}

static unsigned base(struct program *p)
{
    static const uint8_t regs[] = {2, 18, 19, 20, 21};

    return regs[below(p, sizeof(regs))];
}

static uint32_t immediate(int imm)
{
    return (uint32_t)imm << 20;
}

static void item_access(struct program *p)
{
    static const uint32_t loads[] = {INSN_LB,  INSN_LH,  INSN_LW,  INSN_LD,  INSN_LD,
                                     INSN_LBU, INSN_LHU, INSN_LWU, INSN_FLD, INSN_FLW};
    static const uint32_t stores[] = {INSN_SB, INSN_SH, INSN_SW, INSN_SD, INSN_SD, INSN_FSD};
    int offset = (int)below(p, 128) - 32;

    if (below(p, 2))
        offset &= ~7;
    if (below(p, 5) < 3) {
        unsigned id = loads[below(p, sizeof(loads) / 4)];

        word(p, riscv_insn_info[id].match | value(p) << 7 | base(p) << 15 | immediate(offset));
    } else {
        unsigned id = stores[below(p, sizeof(stores) / 4)];

        word(p, riscv_insn_info[id].match | value(p) << 20 | base(p) << 15 | store_offset(offset));
    }
}

static void item_arithmetic(struct program *p)
{
    static const uint16_t ids[] = {INSN_ADD,  INSN_ADDW,      INSN_XOR,    INSN_SUBW, INSN_SLLW,
                                   INSN_MULW, INSN_AND,       INSN_SH2ADD, INSN_OR,   INSN_SRLW,
                                   INSN_MUL,  INSN_SH1ADD_UW, INSN_DIVW,   INSN_REMU, INSN_ADDW};
    unsigned id = ids[below(p, sizeof(ids) / 2)];

    word(p, riscv_insn_info[id].match | value(p) << 7 | value(p) << 15 | value(p) << 20);
}

static void item_fp(struct program *p)
{
    static const uint16_t ids[] = {INSN_FADD_D,   INSN_FMUL_D, INSN_FSUB_D, INSN_FMADD_D,
                                   INSN_FSGNJX_D, INSN_FDIV_D, INSN_FADD_S};
    unsigned id = ids[below(p, sizeof(ids) / 2)];
    const struct insn_info *info = &riscv_insn_info[id];
    uint32_t raw = info->match | value(p) << 7 | value(p) << 15 | value(p) << 20;

    if (info->format == FMT_FR4)
        raw |= value(p) << 27;
    if (!(info->mask & 0x7000))
        raw |= 7u << 12;
    word(p, raw);
}

// Small steps, seldom large ones; a base that is another one's.
static void item_move(struct program *p)
{
    static const int8_t steps[] = {8, 8, 4, 1, 3, 16, -8, -4, -24, 24};
    unsigned reg = base(p);

    if (below(p, 24) == 0)
        word(p, 0x13 | reg << 7 | base(p) << 15);
    else
        word(p, 0x13 | reg << 7 | reg << 15 |
                    immediate(below(p, 16) ? steps[below(p, sizeof(steps))]
                                           : (int)below(p, 1400) - 700));
}

static void item_rare(struct program *p)
{
    switch (below(p, 4)) {
    case 0: word(p, 0x12000073); break;                 // sfence.vma
    case 1: word(p, 0x14002073 | value(p) << 7); break; // csrr sscratch
    case 2: word(p, 0x0ff0000f); break;                 // fence
    default:                                            // amoadd.w
        word(p, 0x0000202f | value(p) << 7 | base(p) << 15 | value(p) << 20);
    }
}

static void some_items(struct program *p, unsigned count, unsigned depth);

static void item_branch(struct program *p, unsigned depth)
{
    static const uint16_t ids[] = {INSN_BEQ, INSN_BNE, INSN_BLT, INSN_BGEU};
    unsigned at = p->count;
    uint32_t raw = riscv_insn_info[ids[below(p, 4)]].match | value(p) << 15 | value(p) << 20;

    word(p, raw);
    some_items(p, 1 + below(p, 3), depth + 1);
    p->words[at] = raw | branch_offset((int)(p->count - at) * 4);
}

static uint32_t cheap(struct program *p, unsigned rd, unsigned rs)
{
    static const uint16_t binary[] = {INSN_ADD, INSN_SUB,  INSN_XOR,  INSN_AND,    INSN_OR,
                                      INSN_SLT, INSN_SLTU, INSN_ADDW, INSN_SH2ADD, INSN_SUBW};
    static const uint16_t by_constant[] = {INSN_ADDI, INSN_ANDI, INSN_XORI, INSN_SLTIU, INSN_ADDIW};
    static const uint16_t shifts[] = {INSN_SLLI, INSN_SRLI, INSN_SRAI};
    uint32_t registers = rd << 7 | rs << 15;

    switch (below(p, 5)) {
    case 0: return riscv_insn_info[binary[below(p, 10)]].match | registers | value(p) << 20;
    case 1:
        return riscv_insn_info[by_constant[below(p, 5)]].match | registers |
               immediate((int)below(p, 4096) - 2048);
    case 2: return riscv_insn_info[shifts[below(p, 3)]].match | registers | below(p, 64) << 20;
    case 3: return 0x13 | registers;                                // mv
    default: return 0x13 | rd << 7 | immediate((int)below(p, 256)); // li
    }
}

// Over a few operations on one register, which the condition may look at, too.
static void item_skip(struct program *p)
{
    static const uint16_t ids[] = {INSN_BEQ, INSN_BNE, INSN_BLT, INSN_BGE, INSN_BLTU, INSN_BGEU};
    unsigned rd = value(p), count = 1 + below(p, 3);
    unsigned a = below(p, 3) ? value(p) : rd, b = below(p, 3) ? value(p) : below(p, 2) ? 0 : rd;

    if (below(p, 2))
        word(p, cheap(p, a, value(p)));
    word(p, riscv_insn_info[ids[below(p, 6)]].match | a << 15 | b << 20 |
                branch_offset((int)(count + 1) * 4));
    for (unsigned i = 0; i < count; i++)
        word(p, cheap(p, rd, i && below(p, 4) ? rd : value(p)));
}

static void item_loop(struct program *p, unsigned depth)
{
    unsigned counter = 5 + depth, start;

    word(p, 0x13 | counter << 7 | immediate(1 + (int)below(p, depth ? 6 : 40)));
    start = p->count;
    some_items(p, 2 + below(p, 10), depth + 1);
    word(p, 0x13 | counter << 7 | counter << 15 | immediate(-1));
    word(p, 0x1063 | counter << 15 | branch_offset(((int)start - (int)p->count) * 4));
}

static void some_items(struct program *p, unsigned count, unsigned depth)
{
    while (count--) {
        unsigned kind = below(p, 100);

        if (kind < 46)
            item_access(p);
        else if (kind < 61)
            item_arithmetic(p);
        else if (kind < 66)
            item_skip(p);
        else if (kind < 75)
            item_fp(p);
        else if (kind < 86)
            item_move(p);
        else if (kind < 88)
            item_rare(p);
        else if (kind < 95 && depth < 3)
            item_branch(p, depth);
        else if (depth < 2)
            item_loop(p, depth);
        else
            item_access(p);
    }
}

static uint64_t first_seed(void)
{
    const char *wish = getenv("HULL_TEST_SEED");

    return wish ? strtoull(wish, NULL, 0) : 7;
}

static void set_registers(struct rig *rig, struct program *p)
{
    SET(rig, pc, CODE);
    SET(rig, scause, NO_TRAP);
    SET(rig, fflags, 0);
    for (unsigned n = 2; n < 32; n++) {
        uint64_t x = splitmix(&p->rng), f = splitmix(&p->rng);

        if (n == 2 || (n >= 18 && n < 22)) // around the borders, also before and behind all
            x = WINDOW + (x & 3) * 0x1000 + 0x1000 - 100 + (x >> 8) % 200;
        else if (x & 1)
            x = (uint64_t)(int64_t)(int32_t)(x >> 8);
        SET(rig, x[n], x);
        SET(rig, f[n], f);
    }
}

// Every trap ends a program: what is compared then is the state in the middle of a loop.
static void test_random_loops(void **state)
{
    struct rig *rig = *state;
    unsigned whole = 0, faults = 0;

    for (unsigned round = 0; round < 2000; round++) {
        struct program p = {.rng = first_seed() * 0x100000000 + round};
        uint64_t flags[4];

        for (unsigned i = 0; i < 4; i++)
            flags[i] = below(&p, 8) ? PTE_RW : below(&p, 2) ? PTE_READ : 0;
        window_map(rig, round % 3 ? window_writable : flags, true); // programs go astray
        window_fill(rig);
        while (p.count < 60)
            item_loop(&p, 0);
        word(&p, ECALL);
        assert_true(p.count < 400);
        put(rig, CODE, p.words, p.count * 4);
        for (unsigned i = 0; i < 3; i++) {
            set_registers(rig, &p);
            if (getenv("HULL_TEST_VERBOSE"))
                print_message("seed 0x%llx, round %u\n", (unsigned long long)first_seed(), round);
            run(rig);
            if (rig->m[JIT].state.scause == NO_TRAP)
                whole++;
            else
                faults++;
        }
    }
    assert_true(whole > 1000 && faults > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_random_loops),
    };

    return cmocka_run_group_tests_name("jit_loops", tests, NULL, NULL);
}
