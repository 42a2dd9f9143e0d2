// SPDX-License-Identifier: Apache-2.0
// What translated code remembers of pages, against the interpreter: loops that walk over page borders, groups
// of accesses that lie in two pages, faults in the middle of either with exact state, pages that are
// remapped, devices and watched stores where memory was, and random loops of all that.
#include "tests/unit/jit_rig.h"

#define RESULT(rig, n) ((rig)->m[JIT].state.x[n])
#define TABLES (CODE + 0x20000)
#define WINDOW (CODE + 0x30000) // virtual: four pages, far apart and in reverse
#define WINDOW_PA (CODE + 0x40000)
#define PTE_RW 0xc7ull // V R W A D
#define PTE_READ 0xc3ull
#define PTE_CODE 0xcfull
#define PTE_CODE_READ 0xcbull

static uint64_t pte(uint64_t pa, uint64_t flags)
{
    return pa >> 12 << 10 | flags;
}

static uint64_t page_of(unsigned page)
{
    return WINDOW_PA + 0x8000 - page * 0x2000;
}

// RAM where it is (guarded: of that only the program, which can't be written), and the window; 0 for a
// page: nothing is there.
static void map_all(struct rig *rig, const uint64_t flags[4], bool guarded)
{
    uint64_t table[512] = {[2] = pte(TABLES + 0x1000, 1)};

    put(rig, TABLES, table, sizeof(table));
    memset(table, 0, sizeof(table));
    table[0] = pte(TABLES + 0x2000, 1);
    put(rig, TABLES + 0x1000, table, sizeof(table));
    for (unsigned i = 0; i < 512; i++)
        if (!guarded || !i)
            table[i] = pte(CODE + ((uint64_t)i << 12), guarded ? PTE_CODE_READ : PTE_CODE);
    for (unsigned i = 0; i < 4; i++)
        table[0x30 + i] = flags[i] ? pte(page_of(i), flags[i]) : 0;
    put(rig, TABLES + 0x2000, table, sizeof(table));
    SET(rig, satp, 8ull << 60 | TABLES >> 12);
}

static void map(struct rig *rig, const uint64_t flags[4])
{
    map_all(rig, flags, false);
}

static void fill_window(struct rig *rig)
{
    uint64_t words[512];

    for (unsigned page = 0; page < 4; page++) {
        for (unsigned i = 0; i < 512; i++)
            words[i] = (page * 512 + i) * 0x9e3779b97f4a7c15;
        put(rig, page_of(page), words, sizeof(words));
    }
}

static const uint64_t all_writable[4] = {PTE_RW, PTE_RW, PTE_RW, PTE_RW};

// From any alignment, upward and downward, over all borders.
static void test_loops_over_page_borders(void **state)
{
    struct rig *rig = *state;

    map(rig, all_writable);
    PROGRAM(rig, 0x00053603, // 1: ld a2, 0(a0)
            0x00c686b3,      // add a3, a3, a2
            0x00852703,      // lw a4, 8(a0)
            0x00d53023,      // sd a3, 0(a0)
            0x00e6c6b3,      // xor a3, a3, a4
            0xfed50fa3,      // sb a3, -1(a0)
            0x00f50533,      // add a0, a0, a5
            0xfff58593,      // addi a1, a1, -1
            0xfe0590e3,      // bnez a1, 1b
            ECALL);
    for (int step = -24; step <= 24; step += 3) {
        fill_window(rig);
        SET(rig, pc, CODE);
        SET(rig, x[10], WINDOW + 0x2000 + (unsigned)(step & 7));
        SET(rig, x[11], 300);
        SET(rig, x[15], (uint64_t)step);
        run(rig);
        assert_int_equal(RESULT(rig, 11), 0);
    }
    // By constant steps, which the translator sees; longer than the budget.
    PROGRAM(rig, 0x00753603, // 1: ld a2, 7(a0)
            0x00c686b3,      // add a3, a3, a2
            0x00d53423,      // sd a3, 8(a0)
            0x00350513,      // addi a0, a0, 3
            0x00b51463,      // bne a0, a1, 2f
            0x00078513,      // mv a0, a5
            0xfff70713,      // 2: addi a4, a4, -1
            0xfe0712e3,      // bnez a4, 1b
            ECALL);
    fill_window(rig);
    SET(rig, pc, CODE);
    SET(rig, x[10], WINDOW);
    SET(rig, x[15], WINDOW);
    SET(rig, x[11], WINDOW + 3 * 1000);
    SET(rig, x[14], 10000);
    run(rig);
    assert_int_equal(RESULT(rig, 14), 0);
}

#define GROUP                             \
    0x00053583,     /* ld a1, 0(a0) */    \
        0x00b606bb, /* addw a3, a2, a1 */ \
        0x00d52c23, /* sw a3, 24(a0) */   \
        0x02154703, /* lbu a4, 33(a0) */  \
        0x00e687bb, /* addw a5, a3, a4 */ \
        0xfef53823, /* sd a5, -16(a0) */  \
        0x02f53023, /* sd a5, 32(a0) */   \
        0x00f585bb, /* addw a1, a1, a5 */ \
        ECALL

// A structure at every place around a border, where the next page is there, is not, or is read-only.
static void test_structures_at_page_borders(void **state)
{
    static const uint64_t next[] = {PTE_RW, 0, PTE_READ};
    struct rig *rig = *state;
    unsigned faults = 0;

    PROGRAM(rig, GROUP);
    for (unsigned n = 0; n < 3; n++) {
        const uint64_t flags[4] = {PTE_RW, next[n], PTE_RW, PTE_RW};

        map(rig, flags);
        for (unsigned offset = 0xfc0; offset < 0x1040; offset++) {
            fill_window(rig);
            SET(rig, pc, CODE);
            SET(rig, scause, NO_TRAP);
            SET(rig, x[10], WINDOW + offset);
            SET(rig, x[12], 0x7ffffff0);
            SET(rig, x[13], 0x123456789abcdef);
            run(rig);
            faults += rig->m[JIT].state.scause != NO_TRAP;
        }
    }
    assert_in_range(faults, 128, 256);
}

// The page behind an address changes between two looks at it, with sfence.vma in between: also inside a
// loop whose accesses remember it.
static void test_pages_that_are_remapped(void **state)
{
    struct rig *rig = *state;

    map(rig, all_writable);
    fill_window(rig);
    PROGRAM(rig, 0x00053603, // 1: ld a2, 0(a0)
            0x00c686b3,      // add a3, a3, a2
            0x00d53023,      // sd a3, 0(a0)
            0x0005b703,      // ld a4, 0(a1)
            0x0085b783,      // ld a5, 8(a1)
            0x00f5b023,      // sd a5, 0(a1)
            0x00e5b423,      // sd a4, 8(a1)
            0x12050073,      // sfence.vma a0
            0x00853603,      // ld a2, 8(a0)
            0x00c6c6b3,      // xor a3, a3, a2
            0x00d53823,      // sd a3, 16(a0)
            0xfff80813,      // addi a6, a6, -1
            0xfc0818e3,      // bnez a6, 1b
            ECALL);
    SET(rig, x[10], WINDOW);
    SET(rig, x[11], TABLES + 0x2000 + 0x30 * 8);
    SET(rig, x[16], 51);
    run(rig);
    assert_int_equal(RESULT(rig, 16), 0);
    // Both pages were written to.
    assert_true(*(uint64_t *)(void *)(rig->m[JIT].ram + (page_of(0) - CODE)) != 0);
    assert_true(*(uint64_t *)(void *)(rig->m[JIT].ram + (page_of(1) - CODE)) !=
                512 * 0x9e3779b97f4a7c15);
}

// The same loop again, after its page has become another one while the loop was not running.
static void test_loops_that_come_back(void **state)
{
    struct rig *rig = *state;
    uint64_t sum = 0;

    map(rig, all_writable);
    fill_window(rig);
    PROGRAM(rig, 0x02000593, // 1: li a1, 32
            0x00050613,      // mv a2, a0
            0x034000ef,      // jal 2f
            0x00f73023,      // sd a5, 0(a4)
            0x12000073,      // sfence.vma
            0xfff80813,      // addi a6, a6, -1
            0xfe0814e3,      // bnez a6, 1b
            ECALL);
    {
        static const uint32_t loop[] = {0x00063883,  // 2: ld a7, 0(a2)
                                        0x011686b3,  // add a3, a3, a7
                                        0x00860613,  // addi a2, a2, 8
                                        0xfff58593,  // addi a1, a1, -1
                                        0xfe0598e3,  // bnez a1, 2b
                                        0x00008067}; // ret

        put(rig, CODE + 0x3c, loop, sizeof(loop));
    }
    SET(rig, x[10], WINDOW);
    SET(rig, x[13], 0);
    SET(rig, x[14], TABLES + 0x2000 + 0x30 * 8);
    SET(rig, x[15], pte(page_of(1), PTE_RW));
    SET(rig, x[16], 2);
    run(rig);
    for (uint64_t i = 0; i < 32; i++)
        sum += (i + 512 + i) * 0x9e3779b97f4a7c15;
    assert_true(RESULT(rig, 13) == sum);
}

// A function's stack becomes another page after each two calls, of which the second one remembers it, with
// an sfence.vma of the address, in code that has nothing to do with the function's.
static void test_stacks_that_are_remapped(void **state)
{
    static const uint32_t function[] = {0xff010113,  // 2: addi sp, sp, -16
                                        0x00e13423,  // sd a4, 8(sp)
                                        0x00d13023,  // sd a3, 0(sp)
                                        0x00813603,  // ld a2, 8(sp)
                                        0x00c686b3,  // add a3, a3, a2
                                        0x00013603,  // ld a2, 0(sp)
                                        0x01010113,  // addi sp, sp, 16
                                        0x00008067}; // ret
    struct rig *rig = *state;

    map(rig, all_writable);
    fill_window(rig);
    PROGRAM(rig, 0x00050113, // 1: mv sp, a0
            0x038000ef,      // jal 2f
            0x034000ef,      // jal 2f
            0x0005b783,      // ld a5, 0(a1)
            0x0085b803,      // ld a6, 8(a1)
            0x0105b023,      // sd a6, 0(a1)
            0x00f5b423,      // sd a5, 8(a1)
            0x12050073,      // sfence.vma a0
            0xfff70713,      // addi a4, a4, -1
            0xfc071ee3,      // bnez a4, 1b
            ECALL);
    put(rig, CODE + 0x3c, function, sizeof(function));
    SET(rig, x[10], WINDOW + 0x100);
    SET(rig, x[11], TABLES + 0x2000 + 0x30 * 8);
    SET(rig, x[13], 0);
    SET(rig, x[14], 9);
    run(rig);
    for (unsigned page = 0; page < 2; page++) {
        const uint8_t *ram = rig->m[JIT].ram + (page_of(page) - CODE);

        assert_int_equal(*(const uint64_t *)(const void *)(ram + 0xf8), page ? 2 : 1);
    }
    assert_int_equal(RESULT(rig, 13), 9 * 10);
}

// One access that jumps about in two pages, or in a bit more: apart in memory, side by side there, and the
// first one becomes another page now and then.
static void test_accesses_that_jump_about(void **state)
{
    static const uint16_t ids[] = {INSN_LBU, INSN_LH, INSN_LW, INSN_LD, INSN_SB, INSN_SH, INSN_SD};
    static const uint64_t bases[] = {WINDOW, WINDOW + 0x800, WINDOW_PA, WINDOW_PA + 0xffc};
    struct rig *rig = *state;

    for (unsigned n = 0; n < 4 * sizeof(ids) / sizeof(ids[0]); n++) {
        const struct insn_info *info = &riscv_insn_info[ids[n / 4]];
        uint32_t access = info->match | 15 << 15 | (info->format == FMT_STORE ? 13 << 20 : 12 << 7);

        map(rig, all_writable);
        fill_window(rig);
        PROGRAM(rig, 0x0c800593, // 2: li a1, 200
                0x02e686b3,      // 1: mul a3, a3, a4
                0x06168693,      // addi a3, a3, 97
                0x0216d793,      // srli a5, a3, 33
                0x0107f7b3,      // and a5, a5, a6
                0x00a787b3,      // add a5, a5, a0
                0x00000013,      // the access, by a5
                0x00c888b3,      // add a7, a7, a2
                0xfff58593,      // addi a1, a1, -1
                0xfe0590e3,      // bnez a1, 1b
                0x00093283,      // ld t0, 0(s2)
                0x01093303,      // ld t1, 16(s2)
                0x00693023,      // sd t1, 0(s2)
                0x00593823,      // sd t0, 16(s2)
                0x12000073,      // sfence.vma
                0xfff98993,      // addi s3, s3, -1
                0xfc0990e3,      // bnez s3, 2b
                ECALL);
        put(rig, CODE + 24, &access, sizeof(access));
        SET(rig, pc, CODE);
        SET(rig, x[10], bases[n % 4]);
        SET(rig, x[12], 0);
        SET(rig, x[13], n);
        SET(rig, x[14], 0x5851f42d4c957f2d);
        SET(rig, x[16], 0x1fff);
        SET(rig, x[18], TABLES + 0x2000 + 0x30 * 8);
        SET(rig, x[19], 9);
        run(rig);
        assert_int_equal(RESULT(rig, 19), 0);
    }
}

// By turns memory and a device behind the same instructions.
static void test_devices_in_loops(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00052603, // 1: lw a2, 0(a0)
            0x00c686b3,      // add a3, a3, a2
            0x00d52223,      // sw a3, 4(a0)
            0x00d53c23,      // sd a3, 24(a0)
            0x00f54533,      // xor a0, a0, a5
            0xfff58593,      // addi a1, a1, -1
            0xfe0594e3,      // bnez a1, 1b
            ECALL);
    SET(rig, x[10], DEVICE);
    SET(rig, x[15], DEVICE ^ DATA);
    SET(rig, x[11], 30);
    run(rig);
    assert_true(rig->m[JIT].device_sum != 0);
    assert_true(*(uint32_t *)(void *)(rig->m[JIT].ram + (DATA - CODE) + 4) != 0);
}

static void note_store(void *ctx, gpa_t gpa)
{
    struct machine *m = ctx;

    m->watched += 1 + (unsigned)(gpa & 0xfff);
}

// A watched range in the middle of a page that a loop walks through, and groups touch.
static void test_watched_stores_in_loops(void **state)
{
    struct rig *rig = *state;

    for (unsigned i = 0; i < ENGINES; i++)
        rig->m[i].vm.memory.watch = (struct mem_watch){
            .base = DATA + 0x1100, .size = 64, .written = note_store, .ctx = &rig->m[i]};
    PROGRAM(rig, 0x00b53023, // 1: sd a1, 0(a0)
            0x00053603,      // ld a2, 0(a0)
            0x00b52823,      // sw a1, 16(a0)
            0x00850513,      // addi a0, a0, 8
            0xfff58593,      // addi a1, a1, -1
            0xfe0596e3,      // bnez a1, 1b
            ECALL);
    SET(rig, x[10], DATA + 0xf00);
    SET(rig, x[11], 200);
    run(rig);
    assert_true(rig->m[JIT].watched >= 8 * 2);
}

// ---- Random loops ----

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

        word(p, riscv_insn_info[id].match | value(p) << 20 | base(p) << 15 |
                    ((uint32_t)offset & 31) << 7 | ((uint32_t)offset >> 5) << 25);
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
    unsigned at = p->count, offset;
    uint32_t raw = riscv_insn_info[ids[below(p, 4)]].match | value(p) << 15 | value(p) << 20;

    word(p, raw);
    some_items(p, 1 + below(p, 3), depth + 1);
    offset = (p->count - at) * 4;
    p->words[at] = raw | (offset & 30) << 7 | (offset >> 5 & 63) << 25;
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
    word(p, riscv_insn_info[ids[below(p, 6)]].match | a << 15 | b << 20 | (count + 1) * 4 << 7);
    for (unsigned i = 0; i < count; i++)
        word(p, cheap(p, rd, i && below(p, 4) ? rd : value(p)));
}

static void item_loop(struct program *p, unsigned depth)
{
    unsigned counter = 5 + depth, start, offset;

    word(p, 0x13 | counter << 7 | immediate(1 + (int)below(p, depth ? 6 : 40)));
    start = p->count;
    some_items(p, 2 + below(p, 10), depth + 1);
    word(p, 0x13 | counter << 7 | counter << 15 | immediate(-1));
    offset = (start - p->count) * 4;
    word(p, 0x1063 | counter << 15 | (offset & 30) << 7 | (offset >> 11 & 1) << 7 |
                (offset >> 5 & 63) << 25 | (offset >> 12 & 1) << 31);
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
        map_all(rig, round % 3 ? all_writable : flags, true); // programs go astray
        fill_window(rig);
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
        TEST(test_loops_over_page_borders),
        TEST(test_structures_at_page_borders),
        TEST(test_pages_that_are_remapped),
        TEST(test_loops_that_come_back),
        TEST(test_stacks_that_are_remapped),
        TEST(test_accesses_that_jump_about),
        TEST(test_devices_in_loops),
        TEST(test_watched_stores_in_loops),
        TEST(test_random_loops),
    };

    return cmocka_run_group_tests_name("jit_memory", tests, NULL, NULL);
}
