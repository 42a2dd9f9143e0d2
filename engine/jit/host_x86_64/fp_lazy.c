// SPDX-License-Identifier: Apache-2.0
// What is not done at once. The host's NaNs carry payloads, the guest's results are the canonical NaN. The
// difference shows only where the bits are looked at, so a result may stay *pending* in its register: if
// it is a NaN, it still has to be made the canonical one. That is done where somebody may look: before
// stores, moves and signs of it, at the end of a piece, and in every stub that steps.
//
// Arithmetic on a NaN gives a NaN. So when a result is found to be none, the pending operands that it was
// made from are none: `implied` keeps which. One comparison tells of two registers.
#include <string.h>

#include "engine/jit/host_x86_64/fp.h"

#define NONE 32

bool fp_pending(const struct emitter *e, unsigned n)
{
    return (e->lazy.pending[0] | e->lazy.pending[1]) >> n & 1;
}

void fp_forget(struct emitter *e, uint32_t registers)
{
    e->lazy.pending[0] &= ~registers;
    e->lazy.pending[1] &= ~registers;
    e->lazy.halves &= ~registers;
    for (unsigned n = 0; n < 32; n++)
        e->lazy.implied[n] = registers >> n & 1 ? 0 : e->lazy.implied[n] & ~registers;
}

// The registers and all that they imply.
static uint32_t closure(const struct emitter *e, uint32_t registers)
{
    uint32_t all = registers;

    for (unsigned n = 0; n < 32; n++)
        if (registers >> n & 1)
            all |= e->lazy.implied[n];
    return all & (e->lazy.pending[0] | e->lazy.pending[1] | registers);
}

void fp_no_nans(struct emitter *e, uint32_t known)
{
    fp_forget(e, closure(e, known));
}

void fp_define(struct emitter *e, unsigned n, bool boxed)
{
    fp_forget(e, fp_bit(n));
    e->lazy.boxed = (e->lazy.boxed & ~fp_bit(n)) | (uint32_t)boxed << n;
}

static void write_back(struct emitter *e, unsigned n)
{
    if (e->xmm[n] == IN_MEMORY)
        x86_op(&e->a, 0xd6 | X_0F | X_66, 0, guest_f(e, n)); // movq
}

void finish_final(struct emitter *e, unsigned n, bool boxed)
{
    write_back(e, n);
    fp_define(e, n, boxed);
}

void finish_nan(struct emitter *e, const struct fp_format *f, unsigned n, uint32_t sources)
{
    uint32_t pending = sources & (e->lazy.pending[0] | e->lazy.pending[1]);
    uint32_t implied = closure(e, pending) & ~fp_bit(n);

    if (e->xmm[n] == IN_MEMORY) {
        fp_check_result(e, f, STUB_SETTLE, 0);
        fp_forget(e, implied);
        finish_final(e, n, !f->is_double);
        return;
    }
    fp_define(e, n, !f->is_double);
    e->lazy.pending[f->is_double] |= fp_bit(n);
    e->lazy.implied[n] = implied;
}

static uint16_t host_mask(const struct emitter *e, uint32_t registers)
{
    uint16_t mask = 0;

    for (; registers; registers &= registers - 1)
        mask |= (uint16_t)(1u << e->xmm[__builtin_ctz(registers)]);
    return mask;
}

void fp_note(const struct emitter *e, struct stub *s)
{
    if (e->replayed) { // code out of line, which has been here before
        memcpy(s->nans, e->replayed->nans, sizeof(s->nans));
        return;
    }
    s->nans[0] = host_mask(e, e->lazy.pending[0]);
    s->nans[1] = host_mask(e, e->lazy.pending[1]);
}

struct stub *fp_settle_stub(struct emitter *e, const struct fp_format *f, enum stub_kind kind,
                            size_t from, unsigned xmm)
{
    struct stub *s = add_stub(e, kind, from);

    if (s)
        s->nans[f->is_double] |= (uint16_t)xmm;
    return s;
}

// A pending register of the format that no other one implies, `but` aside.
static unsigned find_root(const struct emitter *e, unsigned format, uint32_t but)
{
    uint32_t implied = but;

    if (!e->lazy.pending[format])
        return NONE;
    for (unsigned n = 0; n < 32; n++)
        implied |= e->lazy.implied[n];
    for (unsigned n = 0; n < 32; n++)
        if (e->lazy.pending[format] >> n & ~implied >> n & 1)
            return n;
    return NONE;
}

void fp_check_result(struct emitter *e, const struct fp_format *f, enum stub_kind kind,
                     unsigned xmm)
{
    unsigned other = find_root(e, f->is_double, 0);

    x86_op(&e->a, 0x2e | X_0F | f->packed, xmm, x86_r(other == NONE ? xmm : e->xmm[other]));
    fp_settle_stub(e, f, kind, x86_jcc(&e->a, CC_P), 1u << xmm);
    if (other != NONE)
        fp_no_nans(e, fp_bit(other));
}

// Compares f[n] and another pending register.
static void check(struct emitter *e, const struct fp_format *f, unsigned n)
{
    uint32_t covered = closure(e, fp_bit(n));
    unsigned other = find_root(e, f->is_double, covered);

    x86_op(&e->a, 0x2e | X_0F | f->packed, e->xmm[n], x86_r(e->xmm[other == NONE ? n : other]));
    fp_settle_stub(e, f, STUB_SETTLE, x86_jcc(&e->a, CC_P), 0);
    fp_no_nans(e, fp_bit(n) | (other == NONE ? 0 : fp_bit(other)));
}

void fp_settle_one(struct emitter *e, unsigned n)
{
    if (fp_pending(e, n))
        check(e, e->lazy.pending[1] >> n & 1 ? &fp_double : &fp_single, n);
}

void fp_settle(struct emitter *e)
{
    for (;;) {
        unsigned d = find_root(e, 1, 0), s = find_root(e, 0, 0);

        if (d != NONE)
            check(e, &fp_double, d);
        else if (s != NONE)
            check(e, &fp_single, s);
        else
            return;
    }
}

// In a stub: what it has noted becomes canonical. RCX is lost.
void fp_settle_noted(struct emitter *e, const struct stub *s)
{
    if (!s->nans[0] && !s->nans[1])
        return;
    x86_byte(&e->a, 0xb9); // mov ecx
    x86_u32(&e->a, s->nans[1] | (uint32_t)s->nans[0] << 16);
    x86_patch(&e->a, x86_call(&e->a),
              (size_t)(e->jit->cache->thunk_canonical - e->jit->cache->code_rx));
}

// One that was overwritten is in xmm0.
static void load_factor(struct emitter *e, unsigned to, const struct op *op, unsigned n)
{
    if (n == op->rd && e->xmm[n] != IN_MEMORY)
        copy_f(e, to, 0);
    else
        load_xmm(e, to, n);
}

// A fused multiply-add that gave a NaN: infinity times zero plus a quiet NaN is invalid for the guest, and
// not for the host. So the flag comes from the product alone.
void fp_settle_fma(struct emitter *e, const struct stub *s)
{
    const struct region_op *rop = &e->region->ops[s->op];
    bool is_double = rop->id >= INSN_FMADD_D && rop->id <= INSN_FNMADD_D;

    load_factor(e, 1, &rop->op, rop->op.rs1);
    load_factor(e, 2, &rop->op, rop->op.rs2);
    x86_patch(&e->a, x86_call(&e->a),
              (size_t)(e->jit->cache->thunk_fma_nan[is_double] - e->jit->cache->code_rx));
}

static void canonicalise(struct x86_asm *a, const struct fp_format *f, unsigned xmm, unsigned bit)
{
    size_t other, number;

    x86_op(a, 0xba | X_0F, 4, x86_r(RCX)); // bt
    x86_byte(a, (uint8_t)bit);
    other = x86_jcc(a, CC_AE);
    x86_op(a, 0x2e | X_0F | f->packed, xmm, x86_r(xmm)); // ucomis
    number = x86_jcc(a, CC_NP);
    x86_op(a, 0x7e | X_0F | X_F3, xmm, fp_constant(FPC_NAN + f->is_double)); // movq
    x86_patch_here(a, other);
    x86_patch_here(a, number);
}

// xmm1 * xmm2 raises invalid; its other flags are forgotten.
static void make_fma_nan(struct x86_asm *a, const struct fp_format *f)
{
    struct x86_operand mxcsr = x86_m(RBP, FIELD(mxcsr)), scratch = x86_m(RBP, FIELD(mxcsr_scratch));

    x86_op(a, 0xae | X_0F, 3, mxcsr); // stmxcsr
    x86_op(a, 0x59 | X_0F | f->scalar, 1, x86_r(2));
    x86_op(a, 0xae | X_0F, 3, scratch);
    x86_op(a, 0x8b, RCX, scratch);
    x86_alu_imm(a, ALU_AND, false, x86_r(RCX), 1);
    x86_op(a, ALU_OR * 8 + 1, RCX, mxcsr);
    x86_op(a, 0xae | X_0F, 2, mxcsr); // ldmxcsr
    x86_byte(a, 0xc3);
}

void x86_fp_thunks(struct jit_cache *cache, struct x86_asm *a)
{
    cache->thunk_canonical = cache->code_rx + a->used;
    for (unsigned bit = 0; bit < 32; bit += 4) { // few are set
        size_t none;

        x86_op(a, 0xf7, 0, x86_r(RCX)); // test
        x86_u32(a, 0xfu << bit);
        none = x86_jcc(a, CC_E);
        for (unsigned i = bit; i < bit + 4; i++)
            canonicalise(a, i < 16 ? &fp_double : &fp_single, i & 15, i);
        x86_patch_here(a, none);
    }
    x86_byte(a, 0xc3);
    cache->thunk_fma_nan[0] = cache->code_rx + a->used;
    make_fma_nan(a, &fp_single);
    cache->thunk_fma_nan[1] = cache->code_rx + a->used;
    make_fma_nan(a, &fp_double);
}
