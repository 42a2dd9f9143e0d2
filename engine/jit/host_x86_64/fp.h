// SPDX-License-Identifier: Apache-2.0
// What the parts that translate FP share, and what the emitter has to tell them.
#ifndef HULL_ENGINE_JIT_X86_FP_H
#define HULL_ENGINE_JIT_X86_FP_H

#include "engine/jit/host_x86_64/target.h"

// A format: the prefixes of its scalar and packed instructions, VEX.W of its FMA.
struct fp_format {
    unsigned scalar, packed, w;
    bool is_double;
};

extern const struct fp_format fp_single, fp_double;

// Constants in struct jit, of 16 bytes.
enum fp_constant {
    FPC_BOX,                // a boxed single's upper half
    FPC_SIGN,               // 2: single, double
    FPC_ABS = FPC_SIGN + 2, // everything but the sign
    FPC_NAN = FPC_ABS + 2,  // the canonical one
    FPC_2_63 = FPC_NAN + 2,
    FPC_COUNT = FPC_2_63 + 2
};
_Static_assert(FPC_COUNT == JIT_FP_CONSTANTS, "their place in struct jit");

static inline struct x86_operand fp_constant(unsigned which)
{
    return x86_m(RBP, FIELD(fp_constants) + 16 * (int32_t)which);
}

static inline unsigned fp_bit(unsigned n)
{
    return 1u << n;
}

// The xmm register that holds f[n]: its own, or `scratch` after a load.
unsigned use_f(struct emitter *e, unsigned n, unsigned scratch);
// The one that f[n]'s new value is to be made in; xmm0 for one that lives in memory.
static inline unsigned define_f(const struct emitter *e, unsigned n)
{
    return e->xmm[n] == IN_MEMORY ? 0 : e->xmm[n];
}
void copy_f(struct emitter *e, unsigned to, unsigned from); // none when equal
void load_xmm(struct emitter *e, unsigned to, unsigned n);  // to = f[n]
void gpr_from_f(struct emitter *e, unsigned gpr, unsigned n);

// Ends an operation that made f[n] in define_f(). Final: the guest may see it as it is.
void finish_final(struct emitter *e, unsigned n, bool boxed);
// The result of arithmetic on the registers `sources`: a NaN may be another than the canonical one.
void finish_nan(struct emitter *e, const struct fp_format *f, unsigned n, uint32_t sources);

// fp_lazy.c: NaNs that are not canonical yet, and boxes.
bool fp_pending(const struct emitter *e, unsigned n);
// f[n] has a new value.
void fp_define(struct emitter *e, unsigned n, bool boxed);
// The registers have new values, about which nothing is known.
void fp_forget(struct emitter *e, uint32_t registers);
// The registers `known` are no NaNs, as a comparison has told.
void fp_no_nans(struct emitter *e, uint32_t known);
// A stub that makes canonical what is pending and the host's registers `xmm`, when the jump at `from`
// is taken, and comes back behind it. RCX is lost.
struct stub *fp_settle_stub(struct emitter *e, const struct fp_format *f, enum stub_kind kind,
                            size_t from, unsigned xmm);
// Leaves for a stub of that kind if f[n], just made in `xmm`, is a NaN.
void fp_check_result(struct emitter *e, const struct fp_format *f, enum stub_kind kind,
                     unsigned xmm);
// fp_boxes.c: steps unless f[n] is boxed, if the format asks for that.
void fp_require(struct emitter *e, const struct fp_format *f, unsigned n);

// Each answers false when it does not translate the instruction.
bool lower_fcsr(struct emitter *e, const struct region_op *op);
bool lower_fcvt(struct emitter *e, const struct region_op *op);
bool lower_fhalf(struct emitter *e, const struct region_op *op);
// Whether the rounding mode can be had: a static one is compared with the dynamic one.
bool fp_mode(struct emitter *e, const struct op *op);

// Conversions of an operand that is at hand, in the host's register or memory; false: not translated.
bool fp_to_signed(struct emitter *e, const struct op *op, const struct fp_format *f,
                  struct x86_operand s, bool w);
bool fp_to_unsigned(struct emitter *e, const struct op *op, const struct fp_format *f, unsigned xmm,
                    bool w);
// xmm d = x[n]
void fp_from_integer(struct emitter *e, const struct fp_format *f, unsigned d, unsigned n, bool w,
                     bool is_unsigned);
void fp_from_u64(struct emitter *e, const struct fp_format *f, unsigned d, unsigned n);

void load_half(struct emitter *e, unsigned n, struct x86_operand from);
void store_half(struct emitter *e, unsigned n, struct x86_operand to);

// Before the first region is made.
void x86_fp_init(struct jit *jit);
void x86_fp_thunks(struct jit_cache *cache, struct x86_asm *a);
// MXCSR for the guest's rounding mode, without flags.
uint32_t x86_fp_mxcsr(const struct jit *jit);
// fflags for MXCSR's.
uint8_t x86_fp_flags(const struct jit *jit, uint32_t mxcsr);

// From code without FP to code with it, and back: fcsr, in MXCSR. RAX is kept.
void x86_fp_registers(struct x86_asm *a, bool load); // those in memory and the host's
void x86_fp_on(struct x86_asm *a);
void x86_fp_off(struct x86_asm *a);

#endif
