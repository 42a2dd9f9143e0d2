// SPDX-License-Identifier: Apache-2.0
// Which guest registers a region keeps in the host's. Between regions it is always the same ones, so that
// links need no shuffling. A region with a loop may take others for its stay: what its loops use most
// moves in at the entry, and out again at the exits.
#include <string.h>

#include "engine/jit/host_x86_64/target.h"

// Moving a register in and out costs four accesses to memory; this many uses, of which those in a loop
// count more, are worth it.
#define WORTH 6
#define LOOP_WEIGHT 8
#define WEIGHT_MAX 512

struct uses {
    uint32_t x[33], f[32];
};

// How often an operation runs, by the loops around it.
static void find_weights(const struct ir *ir, const struct region *r, uint16_t *weight, bool *loops)
{
    for (unsigned op = 0; op < r->count; op++)
        weight[op] = 1;
    *loops = false;
    for (unsigned i = 0; i < ir->count; i++) {
        const struct ir_insn *in = &ir->insns[i];
        int target = ir_jump_target(in, r);

        if (target < 0 || (unsigned)target > in->op)
            continue;
        *loops = true;
        for (unsigned op = (unsigned)target; op <= in->op; op++)
            if (weight[op] < WEIGHT_MAX)
                weight[op] = (uint16_t)(weight[op] * LOOP_WEIGHT);
    }
}

static void count_guest_fp(struct uses *u, const struct region_op *rop, unsigned weight)
{
    unsigned regs = riscv_insn_info[rop->id].regs;

    if (regs & RD_F)
        u->f[rop->op.rd] += weight;
    if (regs & RS1_F)
        u->f[rop->op.rs1] += weight;
    if (regs & RS2_F)
        u->f[rop->op.rs2] += weight;
    if (regs & RS3_F)
        u->f[rop->op.imm >> 8 & 31] += weight;
}

static void count_uses(struct uses *u, const struct ir *ir, const struct region *r,
                       const uint16_t *weight)
{
    memset(u, 0, sizeof(*u));
    for (unsigned i = 0; i < ir->count; i++) {
        const struct ir_insn *in = &ir->insns[i];
        unsigned has = ir_properties((enum ir_code)in->code), w = weight[in->op];

        if (in->path == IR_DETOUR)
            continue;
        if (has & IR_HAS_D)
            u->x[in->d] += w;
        if (has & IR_HAS_A)
            u->x[in->a] += w;
        if (has & IR_HAS_B && !in->imm_b)
            u->x[in->b] += w;
        if (in->code == IR_FLOAD)
            u->f[in->d] += w;
        if (in->code == IR_FSTORE)
            u->f[in->b] += w;
        if (in->code == IR_GUEST)
            count_guest_fp(u, &r->ops[in->op], w);
    }
    u->x[0] = u->x[IR_NO_REG] = 0;
}

// What an exchange costs: it is done at the entry and undone at the exits, and so around each call that comes
// back into the region.
static uint32_t cost_of(const struct region *r, const uint16_t *weight)
{
    uint32_t cost = WORTH;

    for (unsigned op = 1; op < r->count; op++)
        if (r->ops[op].entry)
            cost += WORTH * weight[op - 1];
    return cost;
}

// Gives host registers of the least used to the most used that have none. True: something changed.
static bool exchange(uint8_t *map, const uint32_t *uses, unsigned count, uint32_t cost)
{
    bool changed = false;

    for (;;) {
        unsigned most = count, least = count;

        for (unsigned n = 0; n < count; n++) {
            if (map[n] == IN_MEMORY && uses[n] && (most == count || uses[n] > uses[most]))
                most = n;
            if (map[n] != IN_MEMORY && (least == count || uses[n] < uses[least]))
                least = n;
        }
        if (most == count || least == count || uses[most] < uses[least] + cost)
            return changed;
        map[most] = map[least];
        map[least] = IN_MEMORY;
        changed = true;
    }
}

void choose_registers(struct register_map *map, const struct ir *ir, const struct region *region)
{
    uint16_t weight[REGION_INSNS_MAX];
    struct uses uses;
    uint32_t cost;
    bool loops;

    memcpy(map->gpr, x86_gpr, sizeof(map->gpr));
    memcpy(map->xmm, x86_xmm, sizeof(map->xmm));
    find_weights(ir, region, weight, &loops);
    map->changed = false;
    if (!loops)
        return;
    count_uses(&uses, ir, region, weight);
    cost = cost_of(region, weight);
    map->changed = exchange(map->gpr, uses.x, 32, cost);
    if (region->flavor & FLAVOR_FP)
        map->changed |= exchange(map->xmm, uses.f, 32, cost);
}

static void move_x(struct emitter *e, unsigned n, unsigned reg, bool load)
{
    x86_op(&e->a, (load ? 0x8b : 0x89) | X_W, reg, x86_m(RBP, X_DISP(n)));
}

static void move_f(struct emitter *e, unsigned n, unsigned reg, bool load)
{
    x86_op(&e->a, load ? 0x7e | X_0F | X_F3 : 0xd6 | X_0F | X_66, reg, x86_m(RBP, F_DISP(n)));
}

// From one map to another, where they differ.
static void change_map(struct emitter *e, bool enter)
{
    for (unsigned n = 1; n < 32; n++)
        if (x86_gpr[n] != e->map.gpr[n] && (enter ? x86_gpr[n] : e->map.gpr[n]) != IN_MEMORY)
            move_x(e, n, enter ? x86_gpr[n] : e->map.gpr[n], false);
    for (unsigned n = 1; n < 32; n++)
        if (x86_gpr[n] != e->map.gpr[n] && (enter ? e->map.gpr[n] : x86_gpr[n]) != IN_MEMORY)
            move_x(e, n, enter ? e->map.gpr[n] : x86_gpr[n], true);
    for (unsigned n = 0; n < 32; n++)
        if (x86_xmm[n] != e->map.xmm[n] && (enter ? x86_xmm[n] : e->map.xmm[n]) != IN_MEMORY)
            move_f(e, n, enter ? x86_xmm[n] : e->map.xmm[n], false);
    for (unsigned n = 0; n < 32; n++)
        if (x86_xmm[n] != e->map.xmm[n] && (enter ? e->map.xmm[n] : x86_xmm[n]) != IN_MEMORY)
            move_f(e, n, enter ? e->map.xmm[n] : x86_xmm[n], true);
}

void enter_map(struct emitter *e)
{
    if (e->map.changed)
        change_map(e, true);
}

void leave_map(struct emitter *e)
{
    if (e->map.changed)
        change_map(e, false);
}

void save_map(struct emitter *e, bool load)
{
    for (unsigned n = 1; n < 32; n++)
        if (e->map.gpr[n] != IN_MEMORY)
            move_x(e, n, e->map.gpr[n], load);
    for (unsigned n = 0; n < 32; n++)
        if (e->fp && e->map.xmm[n] != IN_MEMORY)
            move_f(e, n, e->map.xmm[n], load);
}
