// SPDX-License-Identifier: Apache-2.0
// Which engines there are, and changing from one to another under a running guest.
#include <stdlib.h>
#include <string.h>

#include "engine/interp/interp.h"
#include "engine/jit/jit.h"
#include "host/run/hosted_vm.h"

// Between two changes of HULL_ENGINE_RANDOM.
#define RANDOM_MAX_NS (30 * 1000000ull)

const struct engine_ops *hull_hosted_engine(enum engine_wish wish)
{
    bool jit = wish == ENGINE_JIT || (wish == ENGINE_AUTO && jit_supported());

    return jit ? &jit_engine : &interp_engine;
}

const struct engine_ops *hull_hosted_engine_named(const char *name)
{
    static const struct engine_ops *const engines[] = {&interp_engine, &jit_engine};

    for (size_t i = 0; i < HULL_ARRAY_SIZE(engines); i++)
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}

int hull_hosted_set_engine(struct hosted_vm *h, const struct engine_ops *engine)
{
    int err;

    if (engine == h->vm.engine)
        return 0;
    if (!h->paused)
        hull_vm_pause(&h->vm);
    err = riscv_board_set_engine(&h->board, engine);
    if (!err)
        h->engine.changes++;
    if (!h->paused)
        hull_vm_resume(&h->vm);
    return err;
}

// Often soon, at times later.
static void random_arm(struct hosted_vm *h)
{
    uint64_t r = h->engine.rng = h->engine.rng * 6364136223846793005u + 1442695040888963407u;

    hull_timers_arm(&h->host.timers, &h->engine.timer,
                    hull_clock_monotonic_ns() + (r >> 40) % (RANDOM_MAX_NS >> (r >> 32 & 7)));
}

static void random_fire(void *ctx)
{
    struct hosted_vm *h = ctx;
    bool interp = h->vm.engine == &interp_engine;

    if (!h->paused && hull_hosted_set_engine(h, interp ? &jit_engine : &interp_engine) != 0)
        hull_log(&h->host.env, HULL_LOG_ERROR, "run", "the engine can't be changed");
    random_arm(h);
}

void hull_hosted_engine_start(struct hosted_vm *h)
{
    const char *seed = getenv("HULL_ENGINE_RANDOM");

    if (!seed)
        return;
    h->engine.random = true;
    h->engine.rng = strtoull(seed, NULL, 0);
    h->engine.timer = (struct hull_timer){.fire = random_fire, .ctx = h};
    hull_timers_timer_init(&h->engine.timer);
    random_arm(h);
}

void hull_hosted_engine_stop(struct hosted_vm *h)
{
    if (h->engine.random)
        hull_timers_timer_destroy(&h->host.timers, &h->engine.timer);
}
