// SPDX-License-Identifier: Apache-2.0
// Carry-less products (Zbc), by PCLMULQDQ. Kernels make checksums of file systems and networks of them.
#include "engine/jit/host_x86_64/target.h"

#define PRODUCT 0 // xmm
#define FACTOR 1
#define MOVQ_TO_XMM (0x6e | X_0F | X_66 | X_W)
#define MOVQ_FROM_XMM (0x7e | X_0F | X_66 | X_W)

static void upper_half(struct emitter *e, unsigned reg)
{
    x86_op(&e->a, 0x16 | X_0F3A | X_66 | X_W, PRODUCT, x86_r(reg)); // pextrq
    x86_byte(&e->a, 1);
}

bool lower_clmul(struct emitter *e, const struct ir_insn *in)
{
    unsigned d = define_x(e, in->d, RCX);

    if (!(e->has & HAS_PCLMUL) || !(e->has & HAS_SSE41))
        return false;
    x86_op(&e->a, MOVQ_TO_XMM, PRODUCT, guest_x(e, in->a));
    x86_op(&e->a, MOVQ_TO_XMM, FACTOR, guest_x(e, in->b));
    x86_op(&e->a, 0x44 | X_0F3A | X_66, PRODUCT, x86_r(FACTOR)); // pclmulqdq, of the lower halves
    x86_byte(&e->a, 0);
    if (in->code == IR_CLMUL) {
        x86_op(&e->a, MOVQ_FROM_XMM, PRODUCT, x86_r(d));
    } else if (in->code == IR_CLMULH) {
        upper_half(e, d);
    } else { // CLMULR: bits 126 to 63
        x86_op(&e->a, MOVQ_FROM_XMM, PRODUCT, x86_r(RAX));
        upper_half(e, d);
        x86_op(&e->a, 0xa4 | X_0F | X_W, RAX, x86_r(d)); // shld d, rax, 1
        x86_byte(&e->a, 1);
    }
    finish_x(e, in->d, d);
    return true;
}
