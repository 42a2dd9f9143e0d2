// SPDX-License-Identifier: Apache-2.0
// lib/fp against the host's FPU: results by SSE, FMA3 and AVX512-FP16 under MXCSR's rounding modes,
// exceptions by its sticky bits. x86 detects tininess after rounding, as RISC-V does. Elsewhere, and
// for what this CPU lacks, test_fp.c has to do.
#include "tests/unit/unit.h"

#include "tests/unit/fp_operations.h"

#include <stdio.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static void mxcsr_start(enum fp_rm rm)
{
    static const unsigned modes[] = {0, 3, 1, 2}; // RNE, RTZ, RDN, RUP
    _mm_setcsr(0x1f80 | modes[rm] << 13);
}

static uint8_t mxcsr_flags(void)
{
    unsigned csr = _mm_getcsr();
    _mm_setcsr(0x1f80);
    return (uint8_t)((csr & 1 ? FP_NV : 0) | (csr & 4 ? FP_DZ : 0) | (csr & 8 ? FP_OF : 0) |
                     (csr & 16 ? FP_UF : 0) | (csr & 32 ? FP_NX : 0));
}

// Assembly, so that no compiler moves or folds what depends on MXCSR.
#define HOST_OP(NAME, INSN, MOVE, REG)                                                             \
    static uint64_t NAME(uint64_t a, uint64_t b, uint64_t c)                                       \
    {                                                                                              \
        uint64_t result = 0;                                                                       \
        __asm__ volatile(MOVE " %" REG "1, %%xmm0\n\t" MOVE " %" REG "2, %%xmm1\n\t" MOVE " %" REG \
                              "3, %%xmm2\n\t" INSN "\n\t" MOVE " %%xmm0, %" REG "0"                \
                         : "+r"(result)                                                            \
                         : "r"(a), "r"(b), "r"(c)                                                  \
                         : "xmm0", "xmm1", "xmm2");                                                \
        return result;                                                                             \
    }

#define HOST_OP_F64(NAME, INSN) HOST_OP(f64_##NAME, INSN, "movq", "q")
#define HOST_OP_F32(NAME, INSN) HOST_OP(f32_##NAME, INSN, "movd", "k")
#define HOST_OP_F16(NAME, INSN) HOST_OP(f16_##NAME, INSN, "vmovw", "k")

HOST_OP_F64(add, "addsd %%xmm1, %%xmm0")
HOST_OP_F64(sub, "subsd %%xmm1, %%xmm0")
HOST_OP_F64(mul, "mulsd %%xmm1, %%xmm0")
HOST_OP_F64(div, "divsd %%xmm1, %%xmm0")
HOST_OP_F64(sqrt, "sqrtsd %%xmm0, %%xmm0")
HOST_OP_F64(fma, "vfmadd213sd %%xmm2, %%xmm1, %%xmm0")
HOST_OP_F64(round, "roundsd $12, %%xmm0, %%xmm0")
HOST_OP_F64(roundnx, "roundsd $4, %%xmm0, %%xmm0")
HOST_OP_F64(to_f32, "cvtsd2ss %%xmm0, %%xmm0")
HOST_OP_F32(add, "addss %%xmm1, %%xmm0")
HOST_OP_F32(sub, "subss %%xmm1, %%xmm0")
HOST_OP_F32(mul, "mulss %%xmm1, %%xmm0")
HOST_OP_F32(div, "divss %%xmm1, %%xmm0")
HOST_OP_F32(sqrt, "sqrtss %%xmm0, %%xmm0")
HOST_OP_F32(fma, "vfmadd213ss %%xmm2, %%xmm1, %%xmm0")
HOST_OP_F32(round, "roundss $12, %%xmm0, %%xmm0")
HOST_OP_F32(roundnx, "roundss $4, %%xmm0, %%xmm0")
HOST_OP(f32_to_f64, "cvtss2sd %%xmm0, %%xmm0", "movq", "q")
HOST_OP_F16(add, "vaddsh %%xmm1, %%xmm0, %%xmm0")
HOST_OP_F16(sub, "vsubsh %%xmm1, %%xmm0, %%xmm0")
HOST_OP_F16(mul, "vmulsh %%xmm1, %%xmm0, %%xmm0")
HOST_OP_F16(div, "vdivsh %%xmm1, %%xmm0, %%xmm0")
HOST_OP_F16(sqrt, "vsqrtsh %%xmm0, %%xmm0, %%xmm0")
HOST_OP_F16(fma, "vfmadd213sh %%xmm2, %%xmm1, %%xmm0")

// Between general registers and the FPU. Out of range, x86 gives its "indefinite" integer.
#define HOST_TO_INT(NAME, INSN, MOVE, TO, FROM)                                  \
    static uint64_t NAME(uint64_t a, uint64_t b, uint64_t c)                     \
    {                                                                            \
        uint64_t result = 0;                                                     \
        (void)b, (void)c;                                                        \
        __asm__ volatile(MOVE " %" FROM "1, %%xmm0\n\t" INSN " %%xmm0, %" TO "0" \
                         : "+r"(result)                                          \
                         : "r"(a)                                                \
                         : "xmm0");                                              \
        return result;                                                           \
    }
HOST_TO_INT(f64_to_i32, "cvtsd2si", "movq", "k", "q")
HOST_TO_INT(f64_to_i64, "cvtsd2si", "movq", "q", "q")
HOST_TO_INT(f32_to_i32, "cvtss2si", "movd", "k", "k")
HOST_TO_INT(f32_to_i64, "cvtss2si", "movd", "q", "k")

#define HOST_FROM_INT(NAME, INSN, MOVE, TO, FROM)                                \
    static uint64_t NAME(uint64_t a, uint64_t b, uint64_t c)                     \
    {                                                                            \
        uint64_t result = 0;                                                     \
        (void)b, (void)c;                                                        \
        __asm__ volatile(INSN " %" FROM "1, %%xmm0\n\t" MOVE " %%xmm0, %" TO "0" \
                         : "+r"(result)                                          \
                         : "r"(a)                                                \
                         : "xmm0");                                              \
        return result;                                                           \
    }
HOST_FROM_INT(f64_from_i32, "cvtsi2sdl", "movq", "q", "k")
HOST_FROM_INT(f64_from_i64, "cvtsi2sdq", "movq", "q", "q")
HOST_FROM_INT(f32_from_i32, "cvtsi2ssl", "movd", "k", "k")
HOST_FROM_INT(f32_from_i64, "cvtsi2ssq", "movd", "k", "q")

struct host_case {
    int subject; // index of fp_subjects
    enum fp_op op;
    uint64_t (*run)(uint64_t a, uint64_t b, uint64_t c);
};

static const struct host_case basic_cases[] = {
    {2, FP_OP_ADD, f64_add},           {2, FP_OP_SUB, f64_sub},
    {2, FP_OP_MUL, f64_mul},           {2, FP_OP_DIV, f64_div},
    {2, FP_OP_SQRT, f64_sqrt},         {2, FP_OP_TO_F32, f64_to_f32},
    {1, FP_OP_ADD, f32_add},           {1, FP_OP_SUB, f32_sub},
    {1, FP_OP_MUL, f32_mul},           {1, FP_OP_DIV, f32_div},
    {1, FP_OP_SQRT, f32_sqrt},         {1, FP_OP_TO_F64, f32_to_f64},
    {2, FP_OP_TO_I32, f64_to_i32},     {2, FP_OP_TO_I64, f64_to_i64},
    {1, FP_OP_TO_I32, f32_to_i32},     {1, FP_OP_TO_I64, f32_to_i64},
    {2, FP_OP_FROM_I32, f64_from_i32}, {2, FP_OP_FROM_I64, f64_from_i64},
    {1, FP_OP_FROM_I32, f32_from_i32}, {1, FP_OP_FROM_I64, f32_from_i64},
};
static const struct host_case rounding_cases[] = {
    {2, FP_OP_ROUND, f64_round},
    {2, FP_OP_ROUNDNX, f64_roundnx},
    {1, FP_OP_ROUND, f32_round},
    {1, FP_OP_ROUNDNX, f32_roundnx},
};
static const struct host_case fma_cases[] = {{2, FP_OP_FMA, f64_fma}, {1, FP_OP_FMA, f32_fma}};
static const struct host_case half_cases[] = {
    {0, FP_OP_ADD, f16_add}, {0, FP_OP_SUB, f16_sub},   {0, FP_OP_MUL, f16_mul},
    {0, FP_OP_DIV, f16_div}, {0, FP_OP_SQRT, f16_sqrt}, {0, FP_OP_FMA, f16_fma},
};

// Where RISC-V asks for something else than what x86 returned.
static uint64_t to_riscv(const struct host_case *h, uint64_t a, uint64_t result, uint8_t flags)
{
    const struct ref_format *f = fp_subjects[h->subject].format;
    if (h->op == FP_OP_TO_I32 || h->op == FP_OP_TO_I64) {
        bool negative = !ref_is_nan(f, a) && a >> (f->exp_bits + f->frac_bits);
        uint64_t max = h->op == FP_OP_TO_I32 ? INT32_MAX : INT64_MAX;
        if (flags & FP_NV)
            return negative ? ~max : max;
        return h->op == FP_OP_TO_I32 ? (uint64_t)(int64_t)(int32_t)result : result;
    }
    if (h->op == FP_OP_TO_F32)
        f = &ref_f32;
    if (h->op == FP_OP_TO_F64)
        f = &ref_f64;
    uint64_t mask = (UINT64_C(2) << (f->exp_bits + f->frac_bits)) - 1;
    result &= mask; // roundss and its like leave other bits alone
    return ref_is_nan(f, result) ? ref_nan(f) : result;
}

static bool is_zero_times_inf(const struct ref_format *f, uint64_t a, uint64_t b)
{
    uint64_t sign = UINT64_C(1) << (f->exp_bits + f->frac_bits);
    uint64_t inf = sign - (UINT64_C(1) << f->frac_bits), x = a & ~sign, y = b & ~sign;
    return (x == 0 && y == inf) || (x == inf && y == 0);
}

static void drive(struct fp_vectors *v, const struct host_case *h, unsigned milliseconds)
{
    const struct fp_subject *s = &fp_subjects[h->subject];
    bool from_int = h->op >= FP_OP_FROM_I32 && h->op <= FP_OP_FROM_U64;
    fp_vectors_begin(v, s->operations[h->op].name, milliseconds);
    while (fp_vectors_more(v)) {
        uint64_t x[3] = {fp_random_operand(v, s->format), 0, 0};
        if (from_int)
            x[0] = fp_random_int(v);
        else
            fp_random_partners(v, s->format, x[0], &x[1], &x[2]);
        for (enum fp_rm rm = FP_RNE; rm <= FP_RUP; rm++) {
            mxcsr_start(rm);
            uint64_t result = h->run(x[0], x[1], x[2]);
            uint8_t flags = mxcsr_flags();
            if (h->op == FP_OP_FMA && is_zero_times_inf(s->format, x[0], x[1]))
                flags |= FP_NV; // x86 is silent when a quiet NaN is added to that
            fp_check(s, h->op, x, rm, to_riscv(h, x[0], result, flags), flags);
        }
    }
    printf("%s: %lu operands\n", s->operations[h->op].name, v->done);
}

static void drive_all(void **state, const struct host_case *cases, size_t count, bool supported,
                      const char *feature)
{
    if (!supported) {
        printf("this CPU has no %s\n", feature);
        skip();
    }
    for (size_t i = 0; i < count; i++)
        drive(*state, &cases[i], 60);
}

#define DRIVE_ALL(CASES, SUPPORTED, FEATURE) \
    drive_all(state, CASES, sizeof(CASES) / sizeof((CASES)[0]), SUPPORTED, FEATURE)

static void agrees_with_sse2(void **state)
{
    DRIVE_ALL(basic_cases, true, "SSE2");
}

static void rounds_as_sse4_does(void **state)
{
    DRIVE_ALL(rounding_cases, __builtin_cpu_supports("sse4.1"), "SSE4.1");
}

static void fuses_as_fma3_does(void **state)
{
    DRIVE_ALL(fma_cases, __builtin_cpu_supports("fma"), "FMA3");
}

static bool has_avx512_fp16(void)
{
    unsigned eax, ebx, ecx, edx;
    // The compiler's own check covers that the operating system keeps the wide registers.
    return __builtin_cpu_supports("avx512f") && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) &&
           (edx >> 23 & 1);
}

static void halves_agree_with_avx512(void **state)
{
    DRIVE_ALL(half_cases, has_avx512_fp16(), "AVX512-FP16");
}

static int start(void **state)
{
    static struct fp_vectors vectors;
    fp_vectors_start(&vectors);
    *state = &vectors;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_sse2),
        cmocka_unit_test(rounds_as_sse4_does),
        cmocka_unit_test(fuses_as_fma3_does),
        cmocka_unit_test(halves_agree_with_avx512),
    };
    return cmocka_run_group_tests_name("lib/fp and the host's FPU", tests, start, NULL);
}

#else

int main(void)
{
    printf("no comparison with this host's FPU is written yet\n");
    return 0;
}

#endif
