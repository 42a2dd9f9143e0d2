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
#include "lib/mem.h"

// A block that was interpreted as often as this is translated. HULL_JIT_HOT overrides it: with 0
// everything is translated at once, as tests of the translator want it.
#define HOT 200

// Where translated code is there already and can be entered, it is, after so many.
#define TEPID 8

// Translated code looks up after this many instructions at the latest: it has no other way to notice
// interrupts and kicks.
#define BUDGET 20000

static unsigned current_flavor(const struct cpu *cpu)
{
    unsigned mode = (unsigned)(cpu->tlb - cpu->tlbs[0]) / TLB_ENTRIES;
    unsigned flavor = (mode & FLAVOR_TLB) | (mode & TLB_V ? FLAVOR_VIRT : 0);

    if (riscv_fp_dirty(&cpu->hart.s) && cpu->hart.s.frm <= 3)
        flavor |= FLAVOR_FP;
    return flavor;
}

static unsigned jump_slot(gva_t pc)
{
    return (pc >> 1) & (JIT_JUMPS - 1);
}

static bool touches_fcsr(const struct region_op *op)
{
    return op->id >= INSN_CSRRW && op->id <= INSN_CSRRCI && op->op.imm <= CSR_FCSR;
}

// A region keeps no decoded instructions, as few of them are ever stepped.
static const struct region_op *find_stepped(struct jit *jit, const struct region *r,
                                            uint16_t offset)
{
    struct jit_stepped *s =
        &jit->stepped[((uintptr_t)r / sizeof(*r) * 64 + offset / 2u) & (JIT_STEPPED - 1)];
    struct insn insn;
    uint32_t raw = 0;

    if (s->region == r && s->op.offset == offset)
        return &s->op;
    memcpy(&raw, r->copy + offset, 2);
    if (riscv_insn_length(raw) == 4)
        memcpy(&raw, r->copy + offset, 4);
    riscv_decode(jit->cpu.decoder, raw, &insn);
    *s = (struct jit_stepped){.region = r,
                              .op = {.id = insn.id, .offset = offset, .length = insn.length}};
    interp_make_op(&s->op.op, &insn, 0, interp_steps);
    return &s->op;
}

bool jit_step(struct jit *jit, struct region *region, unsigned where)
{
    struct cpu *cpu = &jit->cpu;
    struct block *b = (struct block *)jit->step;
    const struct region_op *op;
    bool fp_csr, went_on;

    jit_cache_acquire(jit->cache);
    op = find_stepped(jit, region, (uint16_t)where);
    jit->steps[op->id]++;

    // The budget has paid for the whole piece; so far everything before this one is done, and the
    // single step counts itself.
    cpu->hart.instret = jit->budget_start - (uint64_t)jit->budget - ((where >> 16) - 1u);
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
    jit_streams_follow(jit);
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

static void enter(struct jit *jit, const struct region_entry *e)
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
    cpu->trap_slow =
        cpu->hart.counters_filtered || !(cpu->hart.sbi || cpu->hart.s.medeleg >> CAUSE_ECALL_U & 1);
    jit->entries++;
    jit_streams_follow(jit);
    jit_host_enter(jit, jit->cache->code_rx + e->code, e->page->flavor & FLAVOR_FP);
    jit_cache_acquire(jit->cache);
    cpu->hart.instret = jit->budget_start - (uint64_t)jit->budget;
}

// Shortly before a counter's overflow a piece might be too long.
static bool short_of_room(const struct cpu *cpu)
{
    return cpu->hart.counter_limit - cpu->hart.instret <= REGION_INSNS_MAX;
}

// The entry that an indirect jump to hart.s.pc would find, too. Mostly there is none, and the key says so
// without a look at the entry, which is seldom in the host's cache.
static struct region_entry *find_known(const struct jit *jit)
{
    gva_t pc = jit->cpu.hart.s.pc;
    unsigned i = jump_slot(pc);
    struct region_entry *e = (jit->jumps[i].key & ~1ull) == pc ? jit->targets[i] : NULL;

    return e && jit_page_valid(jit, e->page) ? e : NULL;
}

// Where nothing is entered yet: translates what is hot.
static struct region_entry *make(struct jit *jit, gva_t pc, gpa_t gpa, const uint8_t *source)
{
    uint8_t *heat = jit_heat(jit, pc, gpa);
    struct region_entry *e = NULL;

    if (*heat >= jit->hot)
        e = jit_region_make(jit, pc, gpa, source);
    else if (*heat == TEPID)
        e = jit_region_enter(jit, pc, gpa);
    if (e)
        *heat = 0;
    return e;
}

// The entry at hart.s.pc, or a block to interpret in *cold, or neither: the fetch trapped.
static struct region_entry *find(struct jit *jit, struct block **cold)
{
    struct cpu *cpu = &jit->cpu;
    gva_t pc = cpu->hart.s.pc;
    const uint8_t *source;
    bool interpret = jit->interpret;
    struct region_entry *e = NULL;
    bool may_enter;
    gpa_t gpa;

    *cold = NULL;
    jit->interpret = false;
    source = interp_fetch_locate(cpu, pc, &gpa);
    if (!source)
        return NULL;
    may_enter = !cpu->narrow_fetch && !short_of_room(cpu) && !interpret;
    if (may_enter && jit_region_possible(jit->cache, pc, gpa))
        e = jit_entry_find(jit, pc, gpa);
    if (e)
        return e;
    *cold = interp_block_find(cpu);
    return *cold && may_enter ? make(jit, pc, gpa, source) : NULL;
}

// The block at hart.s.pc if it has been interpreted in this context, and is not hot yet. Once there is a
// region, remember() sees to it that it is not found here.
static struct block *find_cold(struct jit *jit)
{
    struct cpu *cpu = &jit->cpu;
    gva_t pc = cpu->hart.s.pc;
    struct block *b = cpu->jumps[jump_index(pc)];
    unsigned heat;

    if (!b || b->pc != pc || b->cold != cpu->context)
        return NULL;
    heat = *jit_heat(jit, pc, b->gpa);
    return heat < jit->hot && heat != TEPID ? b : NULL;
}

// `region`: there may be one, which only this time can't be entered.
static void interpret(struct jit *jit, struct block *b, bool region)
{
    struct cpu *cpu = &jit->cpu;
    uint8_t *heat = jit_heat(jit, b->pc, b->gpa);

    b->cold = region ? 0 : cpu->context;
    b->context = 0; // or blocks would go on to each other, and none grow hot
    if (*heat < UINT8_MAX)
        ++*heat;
    jit->cold_blocks++;
    interp_block_run(cpu, b);
    cpu->link = NULL;
}

static void remember(struct jit *jit, struct region_entry *e)
{
    struct block *b = jit->cpu.jumps[jump_index(e->pc)];
    unsigned i = jump_slot(e->pc);

    if (b && b->pc == e->pc)
        b->cold = 0;
    jit->jumps[i] = (struct jump_entry){.key = e->pc | !!(e->page->flavor & FLAVOR_FP),
                                        .code = jit->cache->code_rx + e->checked};
    jit->targets[i] = e;
}

// Inside a page nothing need be checked. An entry that refuses leaves with its own flavor's
// registers, so a link does not lead from code without FP to code with it.
static void connect(struct jit *jit, struct jit_link *link, const struct region_entry *e)
{
    const struct hull_env *env = &jit->cache->vm->env;
    const uint8_t *entry = NULL;

    if (link->page == e->page && !link->check)
        entry = jit->cache->code_rx + e->code;
    else if (!((link->page->flavor ^ e->page->flavor) & FLAVOR_FP))
        entry = jit->cache->code_rx + e->checked;
    if (link->site) {
        hull_lock(env, &jit->cache->lock);
        jit_host_settle(jit->cache, hull_container_of(link, struct jit_site, link), e->pc, entry);
        hull_unlock(env, &jit->cache->lock);
    } else if (entry) {
        jit_host_patch(jit->cache, link, entry);
    }
}

static void run_next(struct jit *jit)
{
    struct jit_link *link = jit->link;
    bool forced = jit->interpret || short_of_room(&jit->cpu);
    struct block *cold = forced ? NULL : find_cold(jit);
    struct region_entry *e = cold || forced ? NULL : find_known(jit);

    jit->link = NULL;
    if (!e && !cold) {
        e = find(jit, &cold);
        jit->found++;
        if (e)
            remember(jit, e);
    }
    if (e) {
        if (link)
            connect(jit, link, e);
        enter(jit, e);
    } else if (cold) {
        interpret(jit, cold, forced);
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
        jit_cache_follow(jit);
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

bool jit_supported(void)
{
    return jit_host_supported();
}

static int jit_vcpu_create(struct vcpu *vcpu)
{
    const char *hot = getenv("HULL_JIT_HOT");
    struct jit_cache *cache;
    struct jit *jit;

    if (!jit_host_supported())
        return -HULL_ENOTSUP;
    cache = jit_cache_join(vcpu->vm);
    if (!cache)
        return -HULL_ENOMEM;
    jit = hull_alloc(&vcpu->vm->env, jit_vcpu_size(cache));
    if (!jit || interp_cpu_init(&jit->cpu, vcpu, 2u << 20))
        goto failed;
    jit->cache = cache;
    jit->generation = UINT64_MAX; // has yet to fill its tables
    jit_host_vcpu_init(jit);
    jit->hot = hot ? (unsigned)strtoul(hot, NULL, 10) : HOT;
    vcpu->engine_data = jit;
    return 0;

failed:
    hull_free(&vcpu->vm->env, jit, jit_vcpu_size(cache));
    if (jit_cache_part(cache))
        jit_cache_destroy(cache);
    return -HULL_ENOMEM;
}

// With HULL_JIT_STATS: what kept translated code from going on.
static void print_vcpu_statistics(const struct vcpu *vcpu)
{
    const struct jit *jit = vcpu->engine_data;

    fprintf(stderr, "jit: vCPU %u: %llu entries, %llu looked up, %llu cold blocks\n", vcpu->index,
            (unsigned long long)jit->entries, (unsigned long long)jit->found,
            (unsigned long long)jit->cold_blocks);
    for (unsigned id = 0; id < INSN_COUNT; id++)
        if (jit->steps[id] > 1000)
            fprintf(stderr, "jit: %12llu steps of %s\n", (unsigned long long)jit->steps[id],
                    riscv_insn_info[id].name);
}

static void print_cache_statistics(const struct jit_cache *cache)
{
    fprintf(stderr,
            "jit: %llu instructions translated, %llu flushes, %llu pages changed; now %u pages, "
            "%zu KiB of code, %zu KiB about it\n"
            "jit: %llu regions with %llu entries, and %llu that were added\n",
            (unsigned long long)cache->translated, (unsigned long long)cache->flushes,
            (unsigned long long)cache->changed_pages, cache->page_count, cache->code_used >> 10,
            cache->meta_used >> 10, (unsigned long long)cache->regions_made,
            (unsigned long long)cache->entries_made, (unsigned long long)cache->entries_added);
}

static void jit_vcpu_destroy(struct vcpu *vcpu)
{
    bool statistics = getenv("HULL_JIT_STATS");
    struct jit *jit = vcpu->engine_data;
    struct jit_cache *cache;

    if (!jit)
        return;
    cache = jit->cache;
    if (statistics)
        print_vcpu_statistics(vcpu);
    interp_cpu_fini(&jit->cpu);
    hull_free(&vcpu->vm->env, jit, jit_vcpu_size(cache));
    vcpu->engine_data = NULL;
    if (!jit_cache_part(cache))
        return;
    if (statistics)
        print_cache_statistics(cache);
    jit_cache_destroy(cache);
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

#define READ(field) ((unsigned long long)__atomic_load_n(&(field), __ATOMIC_RELAXED))

// Single steps, and which instructions they were mostly.
static void report_steps(const struct jit *jit, char *text, size_t size)
{
    unsigned long long all = 0, n, previous = UINT64_MAX;
    int used;

    for (unsigned id = 0; id < INSN_COUNT; id++)
        all += READ(jit->steps[id]);
    used = snprintf(text, size, "%llu single steps", all);
    for (unsigned best = 0; best < 3; best++) {
        unsigned most = 0;

        n = 0;
        for (unsigned id = 0; id < INSN_COUNT; id++)
            if (READ(jit->steps[id]) > n && READ(jit->steps[id]) < previous)
                n = READ(jit->steps[most = id]);
        if (!n || used < 0 || (size_t)used >= size)
            return;
        used += snprintf(text + used, size - (size_t)used, "%s %s %llu", best ? "," : ":",
                         riscv_insn_info[most].name, n);
        previous = n;
    }
}

static void jit_report(const struct vm *vm, void (*print)(void *ctx, const char *line), void *ctx)
{
    const struct jit_cache *cache = ((struct jit *)vm->vcpus[0].engine_data)->cache;
    char text[256], steps[128];

    snprintf(text, sizeof(text),
             "jit    %llu regions of %llu instructions translated, %llu flushes, %llu pages with "
             "other code\n",
             READ(cache->regions_made), (unsigned long long)atomic_load(&cache->translated),
             READ(cache->flushes), READ(cache->changed_pages));
    print(ctx, text);
    snprintf(text, sizeof(text),
             "       now %llu KiB of code and %llu KiB about it, in %u pages of the guest\n",
             READ(cache->code_used) >> 10, READ(cache->meta_used) >> 10,
             (unsigned)READ(cache->page_count));
    print(ctx, text);
    for (unsigned i = 0; i < vm->vcpu_count; i++) {
        const struct jit *jit = vm->vcpus[i].engine_data;

        report_steps(jit, steps, sizeof(steps));
        snprintf(text, sizeof(text),
                 "       cpu%u: %llu entries into code, %llu blocks interpreted, %s\n", i,
                 READ(jit->entries), READ(jit->cold_blocks), steps);
        print(ctx, text);
    }
}

static void jit_count(const struct vcpu *vcpu, struct vcpu_counts *counts)
{
    interp_engine.count(vcpu, counts);
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
    .count = jit_count,
    .report = jit_report,
    .set_limit = jit_set_limit,
};
