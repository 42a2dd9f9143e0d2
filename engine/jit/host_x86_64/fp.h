// SPDX-License-Identifier: Apache-2.0
// What the parts that translate FP share.
#ifndef HULL_ENGINE_JIT_X86_FP_H
#define HULL_ENGINE_JIT_X86_FP_H

#include "engine/jit/host_x86_64/target.h"

bool lower_fcsr(struct emitter *e, const struct region_op *op);

// Before the first region is made.
void x86_fp_init(struct jit *jit);
// MXCSR for the guest's rounding mode, without flags.
uint32_t x86_fp_mxcsr(const struct jit *jit);
// fflags for MXCSR's.
uint8_t x86_fp_flags(const struct jit *jit, uint32_t mxcsr);

#endif
