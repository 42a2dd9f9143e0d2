// SPDX-License-Identifier: Apache-2.0
// The interpreter engine: portable, and the reference that everything else is checked against.
#ifndef HULL_ENGINE_INTERP_INTERP_H
#define HULL_ENGINE_INTERP_INTERP_H

#include <hull/engine.h>

extern const struct engine_ops interp_engine;

#endif
