// SPDX-License-Identifier: Apache-2.0
// The JIT engine: RISC-V translated to the host's machine code, for whole systems.
#ifndef HULL_ENGINE_JIT_JIT_H
#define HULL_ENGINE_JIT_JIT_H

#include <stdbool.h>

#include <hull/engine.h>

// Whether there is a back end for this host.
bool jit_supported(void);

// vcpu_create answers -HULL_ENOTSUP on hosts that there is no back end for.
extern const struct engine_ops jit_engine;

#endif
