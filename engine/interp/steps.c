// SPDX-License-Identifier: Apache-2.0
// The interpreter's handlers as single steps: the same sources compiled once more, so that each
// returns after its one instruction. Translated code calls them for what it does not do itself.
#define INTERP_STEP 1

#include "engine/interp/cpu.h"

#define INSN(id, name, mask, match, format, ext, regs) \
    static const struct op *step_##id(struct cpu *cpu, const struct op *op);
#include "guest/riscv/insn.def"
#undef INSN
static const struct op *step_ILLEGAL(struct cpu *cpu, const struct op *op);

#include "engine/interp/exec_atomic.c"
#include "engine/interp/exec_fp.c"
#include "engine/interp/exec_int.c"
#include "engine/interp/exec_jump.c"
#include "engine/interp/exec_mem.c"
#include "engine/interp/exec_system.c"

const op_fn interp_steps[INSN_COUNT] = {
    [INSN_ILLEGAL] = step_ILLEGAL,
#define INSN(id, name, mask, match, format, ext, regs) [INSN_##id] = step_##id,
#include "guest/riscv/insn.def"
#undef INSN
};
