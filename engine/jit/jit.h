// SPDX-License-Identifier: Apache-2.0
// The JIT engine: RISC-V translated to the host's machine code, for whole systems.
#ifndef HULL_ENGINE_JIT_JIT_H
#define HULL_ENGINE_JIT_JIT_H

#include <hull/engine.h>

// vcpu_create answers -HULL_ENOTSUP on hosts that there is no back end for.
extern const struct engine_ops jit_engine;

#endif
