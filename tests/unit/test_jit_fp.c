// SPDX-License-Identifier: Apache-2.0
// FP in translated code against the interpreter: random programs of FP instructions, FP CSRs, loads, stores
// and branches, on operands that like NaNs, infinities, subnormals and bad boxes, in every rounding mode.
// Runs as the host is and with masks of what it has (HULL_JIT_HOST_FEATURES).
#include "tests/unit/jit_rig.h"

#include "guest/riscv/decode.h"
#include "tests/unit/encoding.h"
#include "tests/unit/fp_vectors.h"

#define LENGTH_MAX 40
#define ROUNDS 3    // of each program's loop
#define REGISTERS 8 // that programs use
#define DATA_SIZE 4096

// Some that the back end keeps in host registers, and some that it may not.
static const uint8_t fp_registers[REGISTERS] = {10, 11, 15, 0, 8, 9, 20, 31};
static const uint8_t int_registers[REGISTERS] = {11, 12, 13, 8, 9, 17, 20, 31};

enum { BASE = 10, COUNT = 5, BAD = 18 }; // x registers: of DATA, of the rounds left, of no memory

struct program {
    uint32_t words[LENGTH_MAX + 8];
    unsigned length;
};

static struct fp_vectors vectors;

static unsigned below(unsigned n)
{
    return (unsigned)(fp_random(&vectors) % n);
}

static unsigned fp_register(void)
{
    return fp_registers[below(REGISTERS)];
}

static unsigned int_register(void)
{
    return int_registers[below(REGISTERS)];
}

// Mostly the dynamic mode; seldom a reserved one, which ends the program.
static unsigned rounding(void)
{
    unsigned r = below(64);

    if (r < 40)
        return 7;
    return r == 63 ? 5 + below(2) : r % 5;
}

// Programs like one format, so that numbers live long in them: what one format made is a NaN to the others.
enum format { SINGLE, DOUBLE, HALF, ANY, FORMATS };

static bool liked(const struct insn_info *info, enum format format)
{
    unsigned fmt = info->match >> 25 & 3;

    if (info->format == FMT_LOAD || info->format == FMT_STORE)
        fmt = info->match >> 12 & 1 ? (info->match >> 12 & 2 ? DOUBLE : HALF) : SINGLE;
    return format == ANY || fmt == format || below(16) == 0;
}

// Every instruction that uses FP registers, with operands filled in.
static uint32_t fp_instruction(enum format format)
{
    for (;;) {
        const struct insn_info *info = &riscv_insn_info[1 + below(INSN_COUNT - 1)];
        unsigned rd = info->regs & RD_F ? fp_register() : below(16) ? int_register() : 0;
        unsigned rs1 = info->regs & RS1_F ? fp_register() : int_register();
        uint32_t operands = rd << 7 | rs1 << 15 | fp_register() << 20 | fp_register() << 27;

        if (!(info->regs & USES_F) || (info->match & 3) != 3 || !liked(info, format))
            continue;
        if (info->format == FMT_LOAD)
            operands = rd << 7 | BASE << 15 | (below(64) * 4 + !below(8) * below(4)) << 20;
        else if (info->format == FMT_STORE)
            operands = BASE << 15 | fp_register() << 20 | below(8) << 25 | below(8) << 9;
        else if (info->format == FMT_FLI)
            operands = rd << 7 | below(32) << 15;
        else if (info->format == FMT_FR4 || info->format == FMT_FR_RM || info->format == FMT_FR2_RM)
            operands |= rounding() << 12;
        return info->match | (operands & ~info->mask);
    }
}

// csrrw, csrrs, csrrc and their immediate forms, of fflags, frm and fcsr.
static uint32_t csr_instruction(void)
{
    unsigned what = 1 + below(3), csr = 1 + below(3), operand = below(3) ? int_register() : 0;
    unsigned rd = below(3) ? int_register() : 0;

    if (below(3) == 0) {
        what += 4;
        operand = csr == 2 && below(8) ? below(4) : below(32);
    } else if (below(3) == 0) {
        operand = 5; // a small number
    }
    return 0x73 | rd << 7 | what << 12 | operand << 15 | csr << 20;
}

// frflags, one or two comparisons, fsflags of the same register or another.
static unsigned quiet_comparison(uint32_t *words)
{
    unsigned flags = int_register(), length = 2 + below(2), at = 0;

    words[at++] = 0x00102073 | flags << 7;
    while (at < length)
        words[at++] = 0xa0000053 | below(2) << 25 | below(3) << 12 | int_register() << 7 |
                      fp_register() << 15 | fp_register() << 20;
    words[at++] = 0x00101073 | (below(8) ? flags : int_register()) << 15;
    return at;
}

static uint32_t branch(int offset)
{
    return 0x63 | below(2) << 12 | int_register() << 15 | int_register() << 20 |
           branch_offset(offset);
}

static void generate(struct program *p, enum format format)
{
    unsigned length = 4 + below(LENGTH_MAX - 4), csrs = below(3), branches = below(3);

    for (unsigned i = 0; i < length; i++) {
        unsigned choice = below(32);

        if (choice < csrs * 2)
            p->words[i] = csr_instruction();
        else if (choice == 31 && i + 4 <= length)
            i += quiet_comparison(p->words + i) - 1;
        else if (choice < csrs * 3 + branches * 3 && i + 2 < length)
            p->words[i] = branch(4 * (1 + (int)below(length - i - 1)));
        else
            p->words[i] = fp_instruction(format);
    }
    if (below(8) == 0) // a load that traps: what is in the registers then?
        p->words[below(length)] = 0x00003007 | fp_register() << 7 | BAD << 15; // fld
    p->words[length] = 0xfff28293;                                             // addi t0, t0, -1
    p->words[length + 1] = 0x00029063 | branch_offset(-(int)(4 * length + 4)); // bnez t0, the start
    p->words[length + 2] = ECALL;
    p->length = length + 3;
}

static uint64_t fp_value(enum format format)
{
    uint64_t nan = fp_random(&vectors) & 0x8007ffffffffffff;

    if (format == ANY || below(16) == 0)
        format = (enum format)below(FORMATS);
    switch (format) {
    case SINGLE:
        if (below(8))
            return 0xffffffff00000000 | fp_random_operand(&vectors, &ref_f32);
        return 0xffffffff7f800000 | (nan >> 32 & 0x80000000) | (fp_random(&vectors) & 0x7fffff);
    case HALF: return 0xffffffffffff0000 | fp_random_operand(&vectors, &ref_f16);
    case DOUBLE:
        return below(8) ? fp_random_operand(&vectors, &ref_f64)
                        : 0x7ff0000000000000 | nan | fp_random(&vectors) >> 12;
    default: return below(2) ? fp_random(&vectors) : fp_random_operand(&vectors, &ref_f32);
    }
}

static void make_state(struct rig *rig, enum format format)
{
    uint8_t data[DATA_SIZE];

    for (unsigned i = 0; i < 32; i++)
        SET(rig, f[i], 0);
    for (unsigned i = 0; i < REGISTERS; i++) {
        uint64_t f = fp_value(format), x = fp_random_int(&vectors);

        SET(rig, f[fp_registers[i]], f);
        SET(rig, x[int_registers[i]], x);
    }
    for (unsigned i = 0; i < 64; i++) {
        uint64_t value = fp_value(format);

        memcpy(data + 8 * i, &value, 8);
    }
    put(rig, DATA, data, 512);
    SET(rig, x[BASE], DATA);
    SET(rig, x[COUNT], ROUNDS);
    SET(rig, x[BAD], 0x123456789000);
    SET(rig, pc, CODE);
    SET(rig, scause, NO_TRAP);
}

static void print_program(const struct rig *rig, const struct program *p,
                          const struct hart_state *start)
{
    for (unsigned i = 0; i < p->length; i++) {
        struct insn insn;
        char text[80];

        riscv_decode(&rig->m[0].board.decoder, p->words[i], &insn);
        riscv_disassemble(&insn, CODE + 4 * i, text, sizeof(text));
        print_error("%3u: %08x %s\n", i, p->words[i], text);
    }
    print_error("frm %u, fflags %#x\n", start->frm, start->fflags);
    for (unsigned i = 0; i < REGISTERS; i++)
        print_error("f%-2u %016llx  x%-2u %016llx\n", fp_registers[i],
                    (unsigned long long)start->f[fp_registers[i]], int_registers[i],
                    (unsigned long long)start->x[int_registers[i]]);
    for (unsigned i = 0; i < 32; i++) {
        const struct hart_state *a = &rig->m[INTERP].state, *b = &rig->m[JIT].state;

        if (a->f[i] != b->f[i])
            print_error("f%u: interpreter %016llx, translated %016llx\n", i,
                        (unsigned long long)a->f[i], (unsigned long long)b->f[i]);
        if (a->x[i] != b->x[i])
            print_error("x%u: interpreter %016llx, translated %016llx\n", i,
                        (unsigned long long)a->x[i], (unsigned long long)b->x[i]);
    }
    print_error("fcsr: interpreter %x.%02x, translated %x.%02x\n", rig->m[INTERP].state.frm,
                rig->m[INTERP].state.fflags, rig->m[JIT].state.frm, rig->m[JIT].state.fflags);
}

static void run_program(struct rig *rig, const struct program *p)
{
    struct hart_state start = rig->m[INTERP].state;

    for (unsigned i = 0; i < ENGINES; i++)
        run_one(&rig->m[i]);
    if (memcmp(&rig->m[INTERP].state, &rig->m[JIT].state, sizeof(start)) ||
        memcmp(rig->m[INTERP].ram + (DATA - CODE), rig->m[JIT].ram + (DATA - CODE), DATA_SIZE)) {
        print_program(rig, p, &start);
        fail_msg("other results");
    }
}

static void random_programs(void **state, const char *name, const char *features)
{
    struct rig *rig;
    unsigned trapped = 0, all = 0;

    setenv("HULL_JIT_HOST_FEATURES", features, 1);
    assert_int_equal(set_up(state), 0);
    rig = *state;
    fp_vectors_begin(&vectors, name, 1500);
    for (; all < 400 || fp_vectors_more(&vectors); all++) {
        enum format format = (enum format)(all % FORMATS);
        struct program p;

        generate(&p, format);
        put(rig, CODE, p.words, p.length * 4);
        make_state(rig, format);
        for (unsigned i = 0; i < 3; i++) {
            unsigned frm = below(16) ? below(4) : 4 + below(4), fflags = below(32);

            SET(rig, frm, (uint8_t)frm);
            SET(rig, fflags, (uint8_t)fflags);
            SET(rig, mstatus, rig->m[JIT].state.mstatus | MSTATUS_FS_DIRTY);
            run_program(rig, &p);
            trapped += rig->m[JIT].state.scause != NO_TRAP;
            make_state(rig, format);
        }
    }
    assert_true(trapped < all); // of 3 * all
    tear_down(state);
    unsetenv("HULL_JIT_HOST_FEATURES");
}

static void test_random_programs(void **state)
{
    random_programs(state, "all", "-1");
}

static void test_random_programs_on_the_oldest_host(void **state)
{
    random_programs(state, "none", "0");
}

static void test_random_programs_without_avx(void **state)
{
    random_programs(state, "sse", "0x3f"); // the bits up to HAS_SSE41, FMA's form being of its own
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_random_programs_on_the_oldest_host),
        cmocka_unit_test(test_random_programs_without_avx),
    };

    fp_vectors_start(&vectors);
    return cmocka_run_group_tests_name("jit_fp", tests, NULL, NULL);
}
