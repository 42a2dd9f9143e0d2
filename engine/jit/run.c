// SPDX-License-Identifier: Apache-2.0
// The JIT's run loop: enters translated code, interprets what is cold, and translates what is not
// cold any more.
#include "engine/jit/jit.h"

#include <stdio.h>
#include <stdlib.h>

#include <hull/vm.h>

#include "engine/interp/interp.h"
#include "engine/jit/translator.h"
#include "guest/riscv/counters.h"
#include "guest/riscv/csr.h"

// A block that was interpreted as often as this is translated. HULL_JIT_HOT overrides it: with 0
// everything is translated at once, as tests of the translator want it.
#define HOT 32

// Translated code looks up after this many instructions at the latest: it has no other way to notice
// interrupts and kicks.
#define BUDGET 20000

static unsigned current_flavor(const struct cpu *cpu)
{
    unsigned flavor = (unsigned)(cpu->tlb - cpu->tlbs[0]) / TLB_ENTRIES;

    if ((cpu->hart.s.mstatus & MSTATUS_FS) == MSTATUS_FS_DIRTY && cpu->hart.s.frm <= 3)
        flavor |= FLAVOR_FP;
    return flavor;
}

static struct jump_entry *jump_slot(struct jit *jit, gva_t pc)
{
    return &jit->jumps[(pc >> 1) & (JIT_JUMPS - 1)];
}

static bool touches_fcsr(const struct region_op *op)
{
    return op->id >= INSN_CSRRW && op->id <= INSN_CSRRCI && op->op.imm <= CSR_FCSR;
}

bool jit_step(struct jit *jit, struct region *region, unsigned index)
{
    struct cpu *cpu = &jit->cpu;
    struct region_op *op = &region->ops[index];
    struct block *b = (struct block *)jit->step;
    bool fp_csr, went_on;

    jit->steps[op->id]++;

    // The budget has paid for the whole piece; so far everything before this one is done, and the
    // single step counts itself.
    cpu->hart.instret = jit->budget_start - (uint64_t)jit->budget - (op->left - 1u);
    b->pc = region->pc + op->offset;
    b->source = region->source + op->offset;
    b->bytes = op->length;
    b->count = 1;
    b->ops[0] = op->op;
    cpu->block = b;
    fp_csr = touches_fcsr(op) && region->flavor & FLAVOR_FP;
    if (fp_csr)
        jit_host_fp_suspend(jit);
    went_on = b->ops[0].fn(cpu, b->ops);
    if (fp_csr) {
        jit_host_fp_resume(jit);
        // A mode that the host does not have: this code is not made for it.
        if (went_on && cpu->hart.s.frm > 3) {
            cpu->hart.s.pc = b->pc + b->bytes;
            went_on = false;
        }
    }
    if (!went_on) {
        jit->budget = (int64_t)(jit->budget_start - cpu->hart.instret);
        return false;
    }
    // A counter now overflows earlier; or somebody waits while this hart steps (and yields) in a loop.
    if (cpu->hart.counter_limit < jit->budget_start ||
        atomic_load_explicit(cpu->attention, memory_order_relaxed)) {
        jit->budget = (int64_t)(jit->budget_start - cpu->hart.instret);
        cpu->hart.s.pc = b->pc + b->bytes;
        return false;
    }
    return true;
}

static void enter(struct jit *jit, struct region *r)
{
    struct cpu *cpu = &jit->cpu;
    uint64_t room = cpu->hart.counter_limit - cpu->hart.instret;
    uint64_t stop = cpu->stop_at - cpu->hart.instret;

    // Any region's first piece has room, so that something happens.
    if (stop <= REGION_INSNS_MAX)
        stop = REGION_INSNS_MAX + 1;
    if (stop < room)
        room = stop;
    jit->budget = room < BUDGET ? (int64_t)room : BUDGET;
    jit->budget_start = cpu->hart.instret + (uint64_t)jit->budget;
    jit->entries++;
    jit_host_enter(jit, r->entry, r->flavor & FLAVOR_FP);
    cpu->hart.instret = jit->budget_start - (uint64_t)jit->budget;
}

// How often the code there was interpreted. Blocks come and go, so they can't hold it; addresses that
// share one are translated a little early.
static uint8_t *heat_of(struct jit *jit, gva_t pc, gpa_t gpa)
{
    return &jit->heat[((gpa >> 1) ^ (pc >> 12) * 0x9e37) & (JIT_HEATS - 1)];
}

// The region at hart.s.pc, or a block to interpret in *cold, or neither: the fetch trapped.
static struct region *find(struct jit *jit, struct block **cold)
{
    struct cpu *cpu = &jit->cpu;
    gva_t pc = cpu->hart.s.pc;
    const uint8_t *source;
    bool short_of_room;
    struct region *r = NULL;
    gpa_t gpa;

    *cold = NULL;
    source = interp_fetch_locate(cpu, pc, &gpa);
    if (!source)
        return NULL;
    // Shortly before a counter's overflow a piece might be too long.
    short_of_room = cpu->hart.counter_limit - cpu->hart.instret <= REGION_INSNS_MAX;
    if (!cpu->narrow_fetch && !short_of_room)
        r = jit_region_look_up(jit, pc, gpa);
    if (r)
        return r;
    *cold = interp_block_find(cpu);
    if (!*cold || cpu->narrow_fetch || short_of_room || *heat_of(jit, pc, gpa) < jit->hot)
        return NULL;
    *heat_of(jit, pc, gpa) = 0;
    return jit_region_make(jit, pc, gpa, source);
}

static void interpret(struct jit *jit, struct block *b)
{
    struct cpu *cpu = &jit->cpu;
    uint8_t *heat = heat_of(jit, b->pc, b->gpa);

    b->context = 0; // or blocks would go on to each other, and none grow hot
    if (*heat < UINT8_MAX)
        ++*heat;
    jit->cold_blocks++;
    interp_block_run(cpu, b);
    cpu->link = NULL;
}

static void run_next(struct jit *jit)
{
    struct jit_link *link = jit->link;
    uint64_t flushes = jit->flushes;
    struct block *cold;
    struct region *r;

    jit->link = NULL;
    r = find(jit, &cold);
    if (r) {
        struct jump_entry *e = jump_slot(jit, r->pc);

        *r->context = jit_region_context(jit, r);
        *e = (struct jump_entry){.pc = r->pc, .context = *r->context, .code = r->entry};
        // A link stays within one flavor: an entry that finds another context leaves with its own
        // flavor's registers.
        if (link && flushes == jit->flushes && link->flavor == r->flavor)
            jit_host_patch(jit, link, r);
        enter(jit, r);
    } else if (cold) {
        interpret(jit, cold);
    }
}

static void run_regions(struct jit *jit)
{
    struct cpu *cpu = &jit->cpu;

    while (!cpu->exit_wanted &&
           !atomic_load_explicit(&cpu->hart.vcpu->attention, memory_order_relaxed)) {
        if (cpu->hart.instret >= cpu->hart.counter_limit)
            riscv_counters_expire(&cpu->hart);
        if (cpu->hart.instret >= cpu->stop_at) {
            cpu->exit_wanted = true;
            cpu->exit_reason = VCPU_EXIT_LIMIT;
            break;
        }
        if (cpu->hart.changed) {
            interp_apply_changes(cpu);
            jit->link = NULL;
        }
        cpu->flavor = current_flavor(cpu);
        interp_context_select(cpu);
        run_next(jit);
    }
    jit->link = NULL;
}

static void jit_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct jit *jit = vcpu->engine_data;

    interp_complete_sbi(&jit->cpu, exit);
    for (;;) {
        if (!hull_vcpu_enter_guest(vcpu)) {
            if (interp_serve_attention(&jit->cpu)) {
                exit->reason = VCPU_EXIT_ATTENTION;
                return;
            }
            continue;
        }
        run_regions(jit);
        hull_vcpu_leave_guest(vcpu);
        if (jit->cpu.exit_wanted) {
            interp_fill_exit(&jit->cpu, exit);
            return;
        }
    }
}

static int jit_vcpu_create(struct vcpu *vcpu)
{
    const struct hull_env *env = &vcpu->vm->env;
    unsigned vcpus = vcpu->vm->vcpu_count;
    size_t code_size = (20u << 20) / (vcpus < 4 ? vcpus : 4);
    struct jit *jit;
    int rc;

    if (!jit_host_supported())
        return -HULL_ENOTSUP;
    if (getenv("HULL_JIT_CACHE")) // KiB: tests make it overflow
        code_size = (size_t)atoi(getenv("HULL_JIT_CACHE")) << 10;
    jit = hull_alloc(env, sizeof(*jit));
    if (!jit)
        return -HULL_ENOMEM;
    rc = interp_cpu_init(&jit->cpu, vcpu, 512u << 10);
    if (rc)
        goto free_jit;
    rc = jit_code_create(jit, code_size, code_size);
    if (rc)
        goto fini_cpu;
    if (getenv("HULL_JIT_HOT"))
        jit->hot = (unsigned)atoi(getenv("HULL_JIT_HOT"));
    else
        jit->hot = HOT;
    jit_host_make_thunks(jit);
    jit->code_start = jit->code_used;
    vcpu->engine_data = jit;
    return 0;

fini_cpu:
    interp_cpu_fini(&jit->cpu);
free_jit:
    hull_free(env, jit, sizeof(*jit));
    return rc;
}

// With HULL_JIT_STATS: what kept translated code from going on.
static void print_statistics(const struct jit *jit)
{
    fprintf(stderr,
            "jit: %llu instructions translated, %llu flushes, %llu entries, %llu cold blocks\n",
            (unsigned long long)jit->translated, (unsigned long long)jit->flushes,
            (unsigned long long)jit->entries, (unsigned long long)jit->cold_blocks);
    for (unsigned id = 0; id < INSN_COUNT; id++)
        if (jit->steps[id] > 1000)
            fprintf(stderr, "jit: %12llu steps of %s\n", (unsigned long long)jit->steps[id],
                    riscv_insn_info[id].name);
}

static void jit_vcpu_destroy(struct vcpu *vcpu)
{
    struct jit *jit = vcpu->engine_data;

    if (!jit)
        return;
    if (getenv("HULL_JIT_STATS"))
        print_statistics(jit);
    jit_code_destroy(jit);
    interp_cpu_fini(&jit->cpu);
    hull_free(&vcpu->vm->env, jit, sizeof(*jit));
    vcpu->engine_data = NULL;
}

static void jit_get_state(struct vcpu *vcpu, struct hart_state *state)
{
    interp_engine.get_state(vcpu, state);
}

static void jit_set_state(struct vcpu *vcpu, const struct hart_state *state)
{
    struct jit *jit = vcpu->engine_data;

    interp_engine.set_state(vcpu, state);
    jit->link = NULL;
}

static bool jit_wakeup_pending(struct vcpu *vcpu)
{
    return interp_engine.wakeup_pending(vcpu);
}

static void jit_set_timer(struct vcpu *vcpu, uint64_t ticks)
{
    interp_engine.set_timer(vcpu, ticks);
}

static void jit_raise_ssip(struct vcpu *vcpu)
{
    interp_engine.raise_ssip(vcpu);
}

static uint64_t jit_instret(const struct vcpu *vcpu)
{
    return interp_engine.instret(vcpu);
}

static void jit_set_limit(struct vcpu *vcpu, uint64_t instret)
{
    struct jit *jit = vcpu->engine_data;
    uint64_t next = jit->cpu.hart.instret + 1;

    jit->cpu.stop_at = instret < next ? next : instret;
}

const struct engine_ops jit_engine = {
    .name = "jit",
    .vcpu_create = jit_vcpu_create,
    .vcpu_destroy = jit_vcpu_destroy,
    .run = jit_run,
    .get_state = jit_get_state,
    .set_state = jit_set_state,
    .wakeup_pending = jit_wakeup_pending,
    .set_timer = jit_set_timer,
    .raise_ssip = jit_raise_ssip,
    .instret = jit_instret,
    .set_limit = jit_set_limit,
};
