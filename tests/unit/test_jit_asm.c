// SPDX-License-Identifier: Apache-2.0
// The emitter of x86-64 code: every form that the JIT's back end uses, with all registers, addresses and
// sizes of displacements, against what objdump makes of the bytes.
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/jit/host_x86_64/asm.h"

#define CODE_SIZE (4u << 20)
#define LINE 96

static const char *const names[4][16] = {
    {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
     "r13b", "r14b", "r15b"},
    {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w",
     "r14w", "r15w"},
    {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d",
     "r13d", "r14d", "r15d"},
    {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
     "r14", "r15"},
};

// What a form's operands are: general registers of 1, 2, 4 or 8 bytes, xmm registers, nothing.
enum kind { B, W, D, Q, X, NONE };

// One form. `reg` is the kind of the register operand, NONE when it is the opcode's extension;
// `rm` that of the other operand as a register. With `reversed` the register comes last.
struct form {
    const char *name;
    unsigned opcode;
    unsigned char reg, rm;
    unsigned char extension;
    bool reversed;    // r/m is the destination: "name rm, reg"
    const char *size; // of a memory operand; NULL: no memory operand
    const char *tail; // ", 0x5" of an immediate byte, or ""
};

#define BYTE "BYTE PTR "
#define WORD "WORD PTR "
#define DWORD "DWORD PTR "
#define QWORD "QWORD PTR "
#define XMMWORD "XMMWORD PTR "

static const struct form forms[] = {
    {"mov", 0x89 | X_W, Q, Q, 0, true, QWORD, ""},
    {"mov", 0x8b | X_W, Q, Q, 0, false, QWORD, ""},
    {"mov", 0x89, D, D, 0, true, DWORD, ""},
    {"mov", 0x8b, D, D, 0, false, DWORD, ""},
    {"mov", 0x89 | X_66, W, W, 0, true, WORD, ""},
    {"mov", 0x88 | X_BYTE, B, B, 0, true, BYTE, ""},
    {"movsxd", 0x63 | X_W, Q, D, 0, false, DWORD, ""},
    {"movsx", 0xbe | X_0F | X_W | X_BYTE, Q, B, 0, false, BYTE, ""},
    {"movsx", 0xbf | X_0F | X_W, Q, W, 0, false, WORD, ""},
    {"movzx", 0xb6 | X_0F | X_BYTE, D, B, 0, false, BYTE, ""},
    {"movzx", 0xb7 | X_0F, D, W, 0, false, WORD, ""},
    {"xor", 0x31, D, D, 0, true, DWORD, ""},
    {"add", 0x03 | X_W, Q, Q, 0, false, QWORD, ""},
    {"or", 0x0b | X_W, Q, Q, 0, false, QWORD, ""},
    {"and", 0x23, D, D, 0, false, DWORD, ""},
    {"sub", 0x2b | X_W, Q, Q, 0, false, QWORD, ""},
    {"xor", 0x33 | X_W, Q, Q, 0, false, QWORD, ""},
    {"cmp", 0x3b | X_W, Q, Q, 0, false, QWORD, ""},
    {"and", 0x21 | X_W, Q, Q, 0, true, QWORD, ""},
    {"or", 0x09, D, D, 0, true, DWORD, ""},
    {"test", 0x85 | X_W, Q, Q, 0, true, QWORD, ""},
    {"imul", 0xaf | X_0F | X_W, Q, Q, 0, false, QWORD, ""},
    {"imul", 0xaf | X_0F, D, D, 0, false, DWORD, ""},
    {"not", 0xf7 | X_W, NONE, Q, 2, false, QWORD, ""},
    {"mul", 0xf7 | X_W, NONE, Q, 4, false, QWORD, ""},
    {"imul", 0xf7 | X_W, NONE, Q, 5, false, QWORD, ""},
    {"div", 0xf7, NONE, D, 6, false, DWORD, ""},
    {"idiv", 0xf7 | X_W, NONE, Q, 7, false, QWORD, ""},
    {"jmp", 0xff, NONE, Q, 4, false, QWORD, ""},
    {"call", 0xff, NONE, Q, 2, false, QWORD, ""},
    {"rol", 0xc1 | X_W, NONE, Q, 0, false, QWORD, ",0x5"},
    {"ror", 0xc1, NONE, D, 1, false, DWORD, ",0x5"},
    {"shl", 0xc1 | X_W, NONE, Q, 4, false, QWORD, ",0x5"},
    {"shr", 0xc1, NONE, D, 5, false, DWORD, ",0x5"},
    {"sar", 0xc1 | X_W, NONE, Q, 7, false, QWORD, ",0x5"},
    {"bts", 0xba | X_0F | X_W, NONE, Q, 5, false, QWORD, ",0x5"},
    {"btr", 0xba | X_0F | X_W, NONE, Q, 6, false, QWORD, ",0x5"},
    {"btc", 0xba | X_0F | X_W, NONE, Q, 7, false, QWORD, ",0x5"},
    {"shl", 0xd3 | X_W, NONE, Q, 4, false, QWORD, ",cl"},
    {"sar", 0xd3, NONE, D, 7, false, DWORD, ",cl"},
    {"cmovg", 0x4f | X_0F | X_W, Q, Q, 0, false, QWORD, ""},
    {"cmovb", 0x42 | X_0F | X_W, Q, Q, 0, false, QWORD, ""},
    {"xchg", 0x87 | X_W, Q, Q, 0, true, QWORD, ""},
    {"lock xadd", 0xc1 | X_0F | X_W, Q, Q, 0, true, QWORD, ""},
    {"lock cmpxchg", 0xb1 | X_0F, D, D, 0, true, DWORD, ""},
    {"lock or", 0x09 | X_W, Q, Q, 0, true, QWORD, ""},
    {"lzcnt", 0xbd | X_0F | X_F3 | X_W, Q, Q, 0, false, QWORD, ""},
    {"tzcnt", 0xbc | X_0F | X_F3, D, D, 0, false, DWORD, ""},
    {"popcnt", 0xb8 | X_0F | X_F3 | X_W, Q, Q, 0, false, QWORD, ""},
    {"movq", 0x6e | X_0F | X_66 | X_W, X, Q, 0, false, NULL, ""},
    {"movq", 0x7e | X_0F | X_66 | X_W, X, Q, 0, true, NULL, ""},
    {"movq", 0x7e | X_0F | X_F3, X, X, 0, false, QWORD, ""},
    {"movd", 0x6e | X_0F | X_66, X, D, 0, false, DWORD, ""},
    {"movd", 0x7e | X_0F | X_66, X, D, 0, true, DWORD, ""},
    {"movaps", 0x28 | X_0F, X, X, 0, false, XMMWORD, ""},
    {"movups", 0x11 | X_0F, X, X, 0, true, XMMWORD, ""},
    {"addsd", 0x58 | X_0F | X_F2, X, X, 0, false, QWORD, ""},
    {"addss", 0x58 | X_0F | X_F3, X, X, 0, false, DWORD, ""},
    {"sqrtsd", 0x51 | X_0F | X_F2, X, X, 0, false, QWORD, ""},
    {"ucomisd", 0x2e | X_0F | X_66, X, X, 0, false, QWORD, ""},
    {"comiss", 0x2f | X_0F, X, X, 0, false, DWORD, ""},
    {"cvtsd2ss", 0x5a | X_0F | X_F2, X, X, 0, false, QWORD, ""},
    {"cvttsd2si", 0x2c | X_0F | X_F2 | X_W, Q, X, 0, false, QWORD, ""},
    {"cvtsd2si", 0x2d | X_0F | X_F2, D, X, 0, false, QWORD, ""},
    {"cvtsi2sd", 0x2a | X_0F | X_F2 | X_W, X, Q, 0, false, QWORD, ""},
    {"pcmpeqd", 0x76 | X_0F | X_66, X, X, 0, false, XMMWORD, ""},
    {"punpckldq", 0x62 | X_0F | X_66, X, X, 0, false, XMMWORD, ""},
    {"xorps", 0x57 | X_0F, X, X, 0, false, XMMWORD, ""},
    {"orps", 0x56 | X_0F, X, X, 0, false, XMMWORD, ""},
    {"andnps", 0x55 | X_0F, X, X, 0, false, XMMWORD, ""},
    {"minss", 0x5d | X_0F | X_F3, X, X, 0, false, DWORD, ""},
    {"roundsd", 0x0b | X_0F3A | X_66, X, X, 0, false, QWORD, ",0x5"},
    {"roundss", 0x0a | X_0F3A | X_66, X, X, 0, false, DWORD, ",0x5"},
    {"bt", 0xba | X_0F, NONE, D, 4, false, DWORD, ",0x5"},
    {"movsx", 0xbf | X_0F | X_W, Q, W, 0, false, WORD, ""},
};

struct rig {
    struct x86_asm a;
    char (*want)[LINE];
    size_t count, room;
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    rig->a = (struct x86_asm){.base = malloc(CODE_SIZE), .size = CODE_SIZE};
    rig->room = 200000;
    rig->want = malloc(rig->room * LINE);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    free(rig->a.base);
    free(rig->want);
    free(rig);
    return 0;
}

static void expect(struct rig *rig, const char *format, ...)
{
    va_list args;

    assert_true(rig->count < rig->room);
    va_start(args, format);
    vsnprintf(rig->want[rig->count++], LINE, format, args);
    va_end(args);
}

static const char *name_of(char *buffer, unsigned kind, unsigned reg)
{
    if (kind != X)
        return names[kind][reg];
    sprintf(buffer, "xmm%u", reg);
    return buffer;
}

// As objdump writes it: [rax+rcx*1-0x80]; no displacement of zero but where the encoding has one.
static void memory_text(char *buffer, const char *size, struct x86_operand m)
{
    unsigned base = m.reg & 7;
    int n = sprintf(buffer, "%s[%s", size, names[Q][m.reg]);

    if (m.index != RSP)
        n += sprintf(buffer + n, "+%s*1", names[Q][m.index]);
    if (m.disp || base == RBP)
        n += sprintf(buffer + n, "%c0x%x", m.disp < 0 ? '-' : '+',
                     m.disp < 0 ? 0u - (unsigned)m.disp : (unsigned)m.disp);
    strcpy(buffer + n, "]");
}

// Disassembles what was emitted and compares it line by line, blanks aside.
static void compare(struct rig *rig)
{
    char path[] = "/tmp/hull-asm-XXXXXX", command[256], line[256];
    int fd = mkstemp(path);
    size_t n = 0;
    FILE *pipe;

    assert_true(fd >= 0);
    assert_false(rig->a.full);
    assert_int_equal(write(fd, rig->a.base, rig->a.used), (ssize_t)rig->a.used);
    close(fd);
    snprintf(command, sizeof(command),
             "objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn %s", path);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    while (fgets(line, sizeof(line), pipe)) {
        char *text = strstr(line, ":\t"), *to;

        if (!text)
            continue;
        to = text += 2;
        for (const char *from = text; *from; from++)
            if (*from != '\n' && !(*from == ' ' && (from[1] == ' ' || from[1] == '\n')))
                *to++ = *from;
        *to = 0;
        if (!strncmp(text, "rex ", 4)) // a prefix that a byte register would need, without one
            text += 4;
        assert_true(n < rig->count);
        assert_string_equal(text, rig->want[n]);
        n++;
    }
    assert_int_equal(pclose(pipe), 0);
    unlink(path);
    assert_int_equal(n, rig->count);
}

static void emit(struct rig *rig, const struct form *f, unsigned reg, struct x86_operand rm)
{
    char text[LINE], buffer[8], rm_buffer[8];
    const char *name = f->name;

    if (!strncmp(name, "lock ", 5))
        x86_byte(&rig->a, 0xf0);
    x86_op(&rig->a, f->opcode, f->reg == NONE ? f->extension : reg, rm);
    if (!strcmp(f->tail, ",0x5"))
        x86_byte(&rig->a, 5);
    if (rm.memory)
        memory_text(text, f->size, rm);
    else
        strcpy(text, name_of(rm_buffer, f->rm, rm.reg));
    if (f->reg == NONE)
        expect(rig, "%s %s%s", name, text, f->tail);
    else if (f->reversed)
        expect(rig, "%s %s,%s%s", name, text, name_of(buffer, f->reg, reg), f->tail);
    else
        expect(rig, "%s %s,%s%s", name, name_of(buffer, f->reg, reg), text, f->tail);
}

static void test_registers(void **state)
{
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        const struct form *f = &forms[i];

        // xchg of the accumulator with itself is nop, and lock wants memory.
        if (!strncmp(f->name, "lock", 4))
            continue;
        for (unsigned reg = 0; reg < (f->reg == NONE ? 1 : 16); reg++)
            for (unsigned rm = 0; rm < 16; rm++)
                emit(rig, f, reg, x86_r(rm));
    }
    compare(rig);
}

static const int32_t displacements[] = {0, 1, 127, 128, -1, -128, -129, 0x12345678, INT32_MIN};

static void test_memory(void **state)
{
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        for (unsigned base = 0; forms[i].size && base < 16; base++)
            for (unsigned d = 0; d < sizeof(displacements) / 4; d++)
                emit(rig, &forms[i], (base * 7 + d) & 15, x86_m(base, displacements[d]));
    compare(rig);
}

// [base + index + displacement] with all pairs; no index is 4, which R12 is but for its prefix.
static void test_indexed_memory(void **state)
{
    static const struct form used[] = {
        {"mov", 0x8b | X_W, Q, Q, 0, false, QWORD, ""},
        {"add", 0x03 | X_W, Q, Q, 0, false, QWORD, ""},
        {"mov", 0x88 | X_BYTE, B, B, 0, true, BYTE, ""},
        {"jmp", 0xff, NONE, Q, 4, false, QWORD, ""},
    };
    struct rig *rig = *state;

    for (unsigned i = 0; i < sizeof(used) / sizeof(*used); i++)
        for (unsigned base = 0; base < 16; base++)
            for (unsigned index = 0; index < 16; index++)
                for (unsigned d = 0; index != RSP && d < sizeof(displacements) / 4; d++)
                    emit(rig, &used[i], (base + index) & 15, x86_mi(base, index, displacements[d]));
    compare(rig);
}

static void test_lea(void **state)
{
    const struct form lea = {"lea", 0x8d | X_W, Q, Q, 0, false, "", ""};
    struct rig *rig = *state;

    for (unsigned base = 0; base < 16; base++)
        for (unsigned d = 0; d < sizeof(displacements) / 4; d++)
            for (unsigned reg = 0; reg < 16; reg++)
                emit(rig, &lea, reg, x86_m(base, displacements[d]));
    compare(rig);
}

static void test_vex(void **state)
{
    static const struct {
        const char *name;
        unsigned opcode;
        bool shift, is_double;
    } used[] = {
        {"shlx", 0xf7 | X_0F38 | X_66 | X_W, true, true},
        {"shrx", 0xf7 | X_0F38 | X_F2, true, false},
        {"sarx", 0xf7 | X_0F38 | X_F3 | X_W, true, true},
        {"vfmadd213sd", 0xa9 | X_0F38 | X_66 | X_W, false, true},
        {"vfmsub213ss", 0xab | X_0F38 | X_66, false, false},
        {"vfnmadd213sd", 0xad | X_0F38 | X_66 | X_W, false, true},
        {"vfnmsub213ss", 0xaf | X_0F38 | X_66, false, false},
        {"vfmadd231sd", 0xb9 | X_0F38 | X_66 | X_W, false, true},
        {"vaddsd", 0x58 | X_0F | X_F2, false, true},
        {"vdivss", 0x5e | X_0F | X_F3, false, false},
    };
    struct rig *rig = *state;
    char text[LINE];

    for (unsigned i = 0; i < sizeof(used) / sizeof(*used); i++)
        for (unsigned reg = 0; reg < 16; reg++)
            for (unsigned v = 0; v < 16; v++)
                for (unsigned rm = 0; rm < 16; rm++) {
                    const char *const *r = names[used[i].is_double ? Q : D];

                    x86_vex(&rig->a, used[i].opcode, reg, v, x86_r(rm));
                    if (used[i].shift)
                        expect(rig, "%s %s,%s,%s", used[i].name, r[reg], r[rm], r[v]);
                    else
                        expect(rig, "%s xmm%u,xmm%u,xmm%u", used[i].name, reg, v, rm);
                    if (used[i].shift)
                        continue;
                    x86_vex(&rig->a, used[i].opcode, reg, v, x86_m(rm, displacements[v % 9]));
                    memory_text(text, used[i].is_double ? QWORD : DWORD,
                                x86_m(rm, displacements[v % 9]));
                    expect(rig, "%s xmm%u,xmm%u,%s", used[i].name, reg, v, text);
                }
    compare(rig);
}

static void test_immediates(void **state)
{
    static const char *const alu[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
    static const int32_t values[] = {1, 127, -128, 128, -129, 0x7fffffff, INT32_MIN};
    static const uint64_t constants[] = {1,
                                         0xffffffff,
                                         0x100000000,
                                         (uint64_t)-1,
                                         (uint64_t)INT32_MIN,
                                         (uint64_t)INT32_MIN - 1,
                                         0x8000000000000000};
    struct rig *rig = *state;
    char text[LINE];

    for (unsigned op = 0; op < 8; op++)
        for (unsigned reg = 0; reg < 16; reg++)
            for (unsigned i = 0; i < 7; i++) {
                // The encoding for the accumulator alone is another one; objdump names both alike.
                x86_alu_imm(&rig->a, op, true, x86_r(reg), values[i]);
                expect(rig, "%s %s,0x%lx", alu[op], names[Q][reg], (long)values[i]);
                x86_alu_imm(&rig->a, op, false, x86_m(reg, -8), values[i]);
                memory_text(text, DWORD, x86_m(reg, -8));
                expect(rig, "%s %s,0x%x", alu[op], text, (unsigned)values[i]);
            }
    for (unsigned reg = 0; reg < 16; reg++) {
        x86_mov_imm(&rig->a, reg, 0);
        expect(rig, "xor %s,%s", names[D][reg], names[D][reg]);
        for (unsigned i = 0; i < 7; i++) {
            bool narrow = constants[i] == (uint32_t)constants[i];
            bool full = !narrow && (int64_t)constants[i] != (int32_t)constants[i];

            x86_mov_imm(&rig->a, reg, constants[i]);
            expect(rig, "%s %s,0x%lx", full ? "movabs" : "mov", names[narrow ? D : Q][reg],
                   constants[i]);
        }
    }
    compare(rig);
}

static void test_jumps_and_flags(void **state)
{
    static const char *const cc[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                     "s", "ns", "p", "np", "l", "ge", "le", "g"};
    struct rig *rig = *state;

    for (unsigned i = 0; i < 16; i++) {
        size_t at = x86_jcc(&rig->a, i);

        x86_patch(&rig->a, at, 0x10 * i);
        expect(rig, "j%s 0x%x", cc[i], 0x10 * i);
        for (unsigned reg = 0; reg < 16; reg++) {
            x86_op(&rig->a, 0x90 | i | X_0F | X_BYTE, 0, x86_r(reg));
            expect(rig, "set%s %s", cc[i], names[B][reg]);
        }
        at = x86_jmp(&rig->a);
        x86_patch_here(&rig->a, at);
        expect(rig, "jmp 0x%zx", rig->a.used);
        at = x86_call(&rig->a);
        x86_patch(&rig->a, at, 0x123456);
        expect(rig, "call 0x123456");
    }
    compare(rig);
}

static void test_nothing_is_written_behind_the_end(void **state)
{
    uint8_t bytes[16] = {0};
    struct x86_asm a = {.base = bytes, .size = 8};

    (void)state;
    x86_mov_imm(&a, RAX, 0x1122334455667788);
    assert_true(a.full);
    for (unsigned i = 8; i < 16; i++)
        assert_int_equal(bytes[i], 0);
    x86_patch(&a, 6, 0); // would reach behind the end
    for (unsigned i = 8; i < 16; i++)
        assert_int_equal(bytes[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_registers),
        TEST(test_memory),
        TEST(test_indexed_memory),
        TEST(test_lea),
        TEST(test_vex),
        TEST(test_immediates),
        TEST(test_jumps_and_flags),
        cmocka_unit_test(test_nothing_is_written_behind_the_end),
    };

    return cmocka_run_group_tests_name("jit_asm", tests, NULL, NULL);
}
