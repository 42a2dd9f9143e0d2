// SPDX-License-Identifier: Apache-2.0
// What the comparison with QEMU 7.2 can't cover: Zfa, Zcb, and some instructions that it has wrong.
// run: qemu=no
#include "csr.h"

#define FP(code) ".option push\n.option arch, +d, +zfh\n" code "\n.option pop"

static uint64_t rng = 88172645463325252ul;

static uint64_t random(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}

static void fp_on(void)
{
    csr_set(mstatus, STATUS_FS_INITIAL);
    csr_write(0x003, 0);
}

// fli.fmt f0, n by its encoding.
#define FLI(fmt, n) (0xf0100053u | (uint32_t)(fmt) << 25 | (uint32_t)(n) << 15)

static uint64_t run_to_bits(uint32_t insn)
{
    static uint32_t code[3] __attribute__((aligned(16)));
    uint64_t (*fn)(void) = (uint64_t(*)(void))code;

    code[0] = insn;
    code[1] = 0xe2000553; // fmv.x.d a0, f0
    code[2] = 0x00008067;
    rt_fence_i();
    return fn();
}

static void immediates(void)
{
    static const uint32_t single[32] = {
        0xbf800000, 0x00800000, 0x37800000, 0x38000000, 0x3b800000, 0x3c000000, 0x3d800000,
        0x3e000000, 0x3e800000, 0x3ea00000, 0x3ec00000, 0x3ee00000, 0x3f000000, 0x3f200000,
        0x3f400000, 0x3f600000, 0x3f800000, 0x3fa00000, 0x3fc00000, 0x3fe00000, 0x40000000,
        0x40200000, 0x40400000, 0x40800000, 0x41000000, 0x41800000, 0x43000000, 0x43800000,
        0x47000000, 0x47800000, 0x7f800000, 0x7fc00000};
    static const uint16_t half[32] = {
        0xbc00, 0x0400, 0x0100, 0x0200, 0x1c00, 0x2000, 0x2c00, 0x3000, 0x3400, 0x3500, 0x3600,
        0x3700, 0x3800, 0x3900, 0x3a00, 0x3b00, 0x3c00, 0x3d00, 0x3e00, 0x3f00, 0x4000, 0x4100,
        0x4200, 0x4400, 0x4800, 0x4c00, 0x5800, 0x5c00, 0x7800, 0x7c00, 0x7c00, 0x7e00};

    fp_on();
    for (unsigned n = 0; n < 32; n++) {
        uint64_t expected = single[n], sign = expected >> 31, exponent = expected >> 23 & 255;

        EQ(run_to_bits(FLI(0, n)), expected | 0xffffffff00000000);
        EQ(run_to_bits(FLI(2, n)), half[n] | 0xffffffffffff0000);
        if (n == 1)
            expected = 0x0010000000000000; // the smallest normal number
        else if (exponent == 255)
            expected = 0x7ff0000000000000 | (expected & 0x7fffff) << 29;
        else
            expected = sign << 63 | (exponent + 896) << 52 | (expected & 0x7fffff) << 29;
        EQ(run_to_bits(FLI(1, n)), expected);
    }
    EQ(csr_read(0x001), 0);
}

#define OP_D(name, word)                                                                         \
    static uint64_t name(uint64_t a, uint64_t b)                                                 \
    {                                                                                            \
        uint64_t r;                                                                              \
        __asm__ volatile(FP("fmv.d.x f1, %1\n fmv.d.x f2, %2\n .word " word "\n fmv.x.d %0, f0") \
                         : "=r"(r)                                                               \
                         : "r"(a), "r"(b));                                                      \
        return r;                                                                                \
    }
#define OP_X(name, word)                                                     \
    static uint64_t name(uint64_t a, uint64_t b)                             \
    {                                                                        \
        register uint64_t a0 __asm__("a0") = a, a1 __asm__("a1") = b;        \
        __asm__ volatile(FP("fmv.d.x f1, a0\n fmv.d.x f2, a1\n .word " word) \
                         : "+r"(a0)                                          \
                         : "r"(a1));                                         \
        return a0;                                                           \
    }
OP_D(fminm_d, "0x2a20a053")
OP_D(fmaxm_d, "0x2a20b053")
OP_D(fround_dyn, "0x4240f053")
OP_D(froundnx_dyn, "0x4250f053")
OP_D(cvt_back, "0xc220f553\n fcvt.d.l f0, a0") // fcvt.l.d a0, f1, dyn
OP_X(fleq_d, "0xa220c553")
OP_X(fltq_d, "0xa220d553")
OP_X(fcvtmod, "0xc2809553")

#define ONE 0x3ff0000000000000ul
#define QNAN 0x7ff8000000000000ul
#define SNAN 0x7ff0000000000001ul
#define INF 0x7ff0000000000000ul
#define NEG 0x8000000000000000ul
#define NV 0x10
#define NX 1

#define FLAGGED(expression, result, flags) \
    do {                                   \
        csr_write(0x001, 0);               \
        EQ(expression, result);            \
        EQ(csr_read(0x001), flags);        \
    } while (0)

static void minimum_and_maximum(void)
{
    fp_on();
    FLAGGED(fminm_d(ONE, QNAN), QNAN, 0); // any NaN gives NaN
    FLAGGED(fmaxm_d(QNAN | 5, ONE), QNAN, 0);
    FLAGGED(fminm_d(SNAN, ONE), QNAN, NV);
    FLAGGED(fminm_d(0, NEG), NEG, 0);
    FLAGGED(fmaxm_d(NEG, 0), 0, 0);
    FLAGGED(fminm_d(ONE, INF), ONE, 0);
    FLAGGED(fmaxm_d(ONE, INF), INF, 0);
}

static void quiet_comparisons(void)
{
    fp_on();
    FLAGGED(fleq_d(ONE, QNAN), 0, 0);
    FLAGGED(fltq_d(ONE, QNAN), 0, 0);
    FLAGGED(fleq_d(ONE, SNAN), 0, NV);
    FLAGGED(fltq_d(SNAN, QNAN), 0, NV);
    FLAGGED(fleq_d(ONE, ONE), 1, 0);
    FLAGGED(fltq_d(ONE, ONE), 0, 0);
    FLAGGED(fleq_d(NEG, 0), 1, 0);
    FLAGGED(fltq_d(NEG, 0), 0, 0);
    FLAGGED(fltq_d(ONE, INF), 1, 0);
}

// Against a conversion to an integer and back, in each mode; the sign of a zero is the operand's.
static void rounding(void)
{
    fp_on();
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t x = (random() & (NEG | ((1ul << 52) - 1))) | (1023 - 5 + random() % 58) << 52,
                 want;

        if (i % 3 == 0)
            x &= ~0ul << random() % 53; // ties and integers
        csr_write(0x003, (i % 5) << 5);
        want = cvt_back(x, 0) | (x & NEG);
        csr_write(0x001, 0);
        EQ(fround_dyn(x, 0), want);
        EQ(csr_read(0x001), 0);
        EQ(froundnx_dyn(x, 0), want);
        EQ(csr_read(0x001), want == x ? 0 : NX);
    }
    csr_write(0x003, 0);
    FLAGGED(fround_dyn(SNAN, 0), QNAN, NV);
    FLAGGED(fround_dyn(QNAN | 7, 0), QNAN, 0);
    FLAGGED(froundnx_dyn(INF | NEG, 0), INF | NEG, 0);
    FLAGGED(fround_dyn(NEG, 0), NEG, 0);
    FLAGGED(fround_dyn(0x43e0000000000001, 0), 0x43e0000000000001, 0);
    FLAGGED(froundnx_dyn(1, 0), 0, NX); // subnormal
    FLAGGED(fround_dyn(NEG | 1, 0), NEG, 0);
}

static void modular_conversion(void)
{
    fp_on();
    FLAGGED(fcvtmod(ONE, 0), 1, 0);
    FLAGGED(fcvtmod(0x3ff8000000000000, 0), 1, NX);                  // 1.5
    FLAGGED(fcvtmod(0xbff8000000000000, 0), -1ul, NX);               // -1.5
    FLAGGED(fcvtmod(0x41f0000000000000, 0), 0, NV);                  // 2^32
    FLAGGED(fcvtmod(0x41e0000000000000, 0), 0xffffffff80000000, NV); // 2^31
    FLAGGED(fcvtmod(0xc1e0000000000000, 0), 0xffffffff80000000, 0);  // -2^31
    FLAGGED(fcvtmod(0x41efffffffe00000, 0), -1ul, NV);               // 2^32 - 1
    FLAGGED(fcvtmod(0x4340000000000001, 0), 2, NV);                  // 2^53 + 2
    FLAGGED(fcvtmod(0x7fe0000000000000, 0), 0, NV);
    FLAGGED(fcvtmod(INF, 0), 0, NV);
    FLAGGED(fcvtmod(QNAN, 0), 0, NV);
    FLAGGED(fcvtmod(SNAN, 0), 0, NV);
}

// Zcb: each against what it abbreviates.
#define ZCB(name, half)                             \
    static uint64_t name(uint64_t v)                \
    {                                               \
        register uint64_t a0 __asm__("a0") = v;     \
        __asm__ volatile(".half " half : "+r"(a0)); \
        return a0;                                  \
    }
ZCB(c_zext_b, "0x9d61")
ZCB(c_sext_b, "0x9d65")
ZCB(c_zext_h, "0x9d69")
ZCB(c_sext_h, "0x9d6d")
ZCB(c_zext_w, "0x9d71")
ZCB(c_not, "0x9d75")

static void compressed_unary(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t v = random();

        EQ(c_zext_b(v), v & 0xff);
        EQ(c_sext_b(v), (int8_t)v);
        EQ(c_zext_h(v), v & 0xffff);
        EQ(c_sext_h(v), (int16_t)v);
        EQ(c_zext_w(v), v & 0xffffffff);
        EQ(c_not(v), ~v);
    }
}

static void compressed_memory(void)
{
    static uint8_t bytes[8] __attribute__((aligned(8))) = {0x81, 0x92, 0xa3, 0xb4};
    register uint64_t a0 __asm__("a0"), a1 __asm__("a1");

#define LOAD(half)                                                       \
    ({                                                                   \
        a0 = (uint64_t)bytes;                                            \
        __asm__ volatile(".half " half : "=r"(a1) : "r"(a0) : "memory"); \
        a1;                                                              \
    })
    EQ(LOAD("0x810c"), 0x81);               // c.lbu a1, 0(a0)
    EQ(LOAD("0x814c"), 0x92);               // 1
    EQ(LOAD("0x812c"), 0xa3);               // 2
    EQ(LOAD("0x816c"), 0xb4);               // 3
    EQ(LOAD("0x850c"), 0x9281);             // c.lhu
    EQ(LOAD("0x852c"), 0xb4a3);             // 2
    EQ(LOAD("0x854c"), 0xffffffffffff9281); // c.lh
    EQ(LOAD("0x856c"), 0xffffffffffffb4a3); // 2
#define STORE(half, value)                                             \
    do {                                                               \
        a0 = (uint64_t)bytes;                                          \
        a1 = value;                                                    \
        __asm__ volatile(".half " half ::"r"(a0), "r"(a1) : "memory"); \
    } while (0)
    STORE("0x890c", 0x11); // c.sb
    STORE("0x894c", 0x22);
    STORE("0x892c", 0x33);
    STORE("0x896c", 0x44);
    EQ(rd32((uintptr_t)bytes), 0x44332211);
    STORE("0x8d0c", 0x6655); // c.sh
    STORE("0x8d2c", 0x8877);
    EQ(rd32((uintptr_t)bytes), 0x88776655);
    a0 = 7;
    a1 = 6;
    __asm__ volatile(".half 0x9d4d" : "+r"(a0) : "r"(a1)); // c.mul a0, a1
    EQ(a0, 42);
}

static void count_trailing_zeroes(void)
{
    uint64_t r;

    for (unsigned i = 0; i < 64; i++) {
        __asm__(".insn i 0x1b, 1, %0, %1, 0x601" : "=r"(r) : "r"(1ul << i)); // ctzw
        EQ(r, i < 32 ? i : 32);
        __asm__(".insn i 0x1b, 1, %0, %1, 0x600" : "=r"(r) : "r"(1ul << i)); // clzw
        EQ(r, i < 32 ? 31 - i : 32);
        __asm__(".insn i 0x13, 1, %0, %1, 0x601" : "=r"(r) : "r"(1ul << i)); // ctz
        EQ(r, i);
        __asm__(".insn i 0x13, 1, %0, %1, 0x600" : "=r"(r) : "r"(1ul << i)); // clz
        EQ(r, 63 - i);
    }
    __asm__(".insn i 0x13, 1, %0, zero, 0x600" : "=r"(r));
    EQ(r, 64);
    __asm__(".insn i 0x13, 1, %0, zero, 0x601" : "=r"(r));
    EQ(r, 64);
}

const struct rt_case rt_cases[] = {
    {"fli", immediates},
    {"fminm-fmaxm", minimum_and_maximum},
    {"fleq-fltq", quiet_comparisons},
    {"fround", rounding},
    {"fcvtmod", modular_conversion},
    {"zcb", compressed_unary},
    {"zcb-memory", compressed_memory},
    {"clz-ctz", count_trailing_zeroes},
    {0},
};
