// SPDX-License-Identifier: Apache-2.0
// Where two machines part: the run is repeated up to the step that differs, which is then taken in
// pieces as small as the JIT can stop, with every instruction of the interpreter's noted.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/interp/cpu.h"
#include "guest/riscv/mmu.h"
#include "tests/diff/lockstep.h"

#define TRACE_SIZE 200u

struct trace {
    struct {
        gva_t pc;
        uint32_t raw;
        uint8_t priv;
    } lines[TRACE_SIZE];
    uint64_t count;
};

static bool fetch16(struct cpu *cpu, gva_t va, uint16_t *half)
{
    struct mmu_result r;

    return riscv_mmu_translate(&cpu->hart, va, 2, MMU_FETCH, riscv_mmu_fetch_mode(&cpu->hart),
                               &r) == 0 &&
           hull_memory_read(cpu->memory, r.gpa, half, 2) == 0;
}

static void note(struct trace *trace, const struct twin *twin, unsigned hart)
{
    struct cpu *cpu = twin->vm.vcpus[hart].engine_data;
    gva_t pc = cpu->hart.s.pc;
    uint16_t low = 0, high = 0;

    if (fetch16(cpu, pc, &low) && riscv_insn_length(low) == 4)
        fetch16(cpu, pc + 2, &high);
    trace->lines[trace->count % TRACE_SIZE].pc = pc;
    trace->lines[trace->count % TRACE_SIZE].raw = low | (uint32_t)high << 16;
    trace->lines[trace->count % TRACE_SIZE].priv = cpu->hart.s.priv;
    trace->count++;
}

static void print_trace(const struct trace *trace, const struct riscv_decoder *decoder)
{
    uint64_t first = trace->count > TRACE_SIZE ? trace->count - TRACE_SIZE : 0;
    struct insn insn;
    char text[80];

    fprintf(stderr, "the last %u of %" PRIu64 " instructions of that piece, by the interpreter:\n",
            (unsigned)(trace->count - first), trace->count);
    for (uint64_t i = first; i < trace->count; i++) {
        gva_t pc = trace->lines[i % TRACE_SIZE].pc;
        uint32_t raw = trace->lines[i % TRACE_SIZE].raw;

        riscv_decode(decoder, raw, &insn);
        riscv_disassemble(&insn, pc, text, sizeof(text));
        fprintf(stderr, "  %c %016" PRIx64 "  %0*" PRIx32 "%*s  %s\n",
                "USHM"[trace->lines[i % TRACE_SIZE].priv & 3], pc, insn.length * 2, raw,
                8 - insn.length * 2, "", text);
    }
}

static struct lockstep *start_again(const struct lockstep *failed)
{
    struct lockstep *l = calloc(1, sizeof(*l));
    struct lockstep_config *config = malloc(sizeof(*config));

    if (!l || !config)
        abort();
    *config = *failed->config;
    config->show = false;
    config->memory_every = 0;
    if (!lockstep_start(l, config))
        abort();
    return l;
}

static bool writes(const struct insn *insn, unsigned reg)
{
    const struct insn_info *info = &riscv_insn_info[insn->id];
    bool has_rd = info->format != FMT_STORE && info->format != FMT_BRANCH &&
                  info->format != FMT_FENCE && info->format != FMT_NONE;

    return has_rd && insn->id != INSN_ILLEGAL && insn->rd + (info->regs & RD_F ? 32u : 0u) == reg &&
           reg;
}

// The instruction that wrote a register that differs is where to look first.
static void print_writers(const struct lockstep *l, const struct trace *trace)
{
    struct hart_state s[SIDES];

    for (unsigned i = 0; i < SIDES; i++)
        l->twins[i].vm.engine->get_state((struct vcpu *)&l->twins[i].vm.vcpus[l->hart], &s[i]);
    for (unsigned reg = 1; reg < 64; reg++) {
        uint64_t oldest = trace->count > TRACE_SIZE ? trace->count - TRACE_SIZE : 0;

        if (reg < 32 ? s[0].x[reg] == s[1].x[reg] : s[0].f[reg - 32] == s[1].f[reg - 32])
            continue;
        for (uint64_t i = trace->count; i-- > oldest;) {
            struct insn insn;

            riscv_decode(&l->twins[SIDE_INTERP].board.decoder, trace->lines[i % TRACE_SIZE].raw,
                         &insn);
            if (!writes(&insn, reg))
                continue;
            fprintf(stderr, "%c%u was last written at %016" PRIx64 "\n", reg < 32 ? 'x' : 'f',
                    reg % 32, trace->lines[i % TRACE_SIZE].pc);
            break;
        }
    }
}

// A new run, up to before the step that failed, and that step's choices made.
static struct lockstep *repeat(const struct lockstep *failed, uint64_t *limit)
{
    struct lockstep *l = start_again(failed);

    l->watch_page = failed->watch_page;
    while (l->point + 1 < failed->point)
        if (lockstep_step(l) != LOCKSTEP_GOES_ON)
            break;
    if (l->point + 1 == failed->point) {
        l->point++;
        if (!lockstep_choose(l, limit))
            l->why[0] = '\0';
    }
    return l;
}

static void repeat_end(struct lockstep *l)
{
    const struct lockstep_config *config = l->config;

    lockstep_stop(l);
    free((void *)config);
    free(l);
}

// The interpreter goes from where it is to where the JIT has stopped, one by one. False: it differs.
static bool follow(struct lockstep *l, enum vcpu_exit_reason reason, struct trace *trace)
{
    struct twin *interp = &l->twins[SIDE_INTERP];
    uint64_t there = twin_instret(&l->twins[SIDE_JIT], l->hart), before;

    trace->count = 0;
    while ((before = twin_instret(interp, l->hart)) < there) {
        note(trace, interp, l->hart);
        if (twin_run(interp, l->hart, before) != VCPU_EXIT_LIMIT)
            break;
    }
    for (int more = 4; !lockstep_compare(l); more--) {
        char why[sizeof(l->why)];

        memcpy(why, l->why, sizeof(why));
        if (reason != VCPU_EXIT_LIMIT || twin_instret(interp, l->hart) != there || !more)
            return false;
        twin_run(interp, l->hart, there);
        if (twin_instret(interp, l->hart) != there) {
            memcpy(l->why, why, sizeof(why));
            return false;
        }
    }
    return true;
}

static void print_difference(const struct lockstep *l, const struct trace *trace)
{
    fprintf(stderr, "hart %u, its instruction %" PRIu64 "; what differs then:\n%s", l->hart,
            twin_instret(&l->twins[SIDE_JIT], l->hart), l->why);
    print_writers(l, trace);
    print_trace(trace, &l->twins[SIDE_INTERP].board.decoder);
}

// The JIT in the smallest pieces. False: so it makes no difference.
static bool find_small(const struct lockstep *failed)
{
    struct trace trace = {0};
    uint64_t limit = 0;
    struct lockstep *l = repeat(failed, &limit);
    enum vcpu_exit_reason reason = VCPU_EXIT_LIMIT;
    bool found = l->why[0];

    if (found)
        fprintf(stderr, "again, but earlier, at point %" PRIu64 ":\n", l->point);
    while (!found && reason == VCPU_EXIT_LIMIT &&
           twin_instret(&l->twins[SIDE_JIT], l->hart) < limit) {
        reason = twin_run(&l->twins[SIDE_JIT], l->hart, 0);
        found = !follow(l, reason, &trace);
    }
    if (found)
        print_difference(l, &trace);
    repeat_end(l);
    return found;
}

static bool differs_within(const struct lockstep *failed, uint64_t length, bool print)
{
    struct trace trace = {0};
    uint64_t limit;
    struct lockstep *l = repeat(failed, &limit);
    bool found = !follow(l, twin_run(&l->twins[SIDE_JIT], l->hart, l->from + length), &trace);

    if (found && print)
        print_difference(l, &trace);
    repeat_end(l);
    return found;
}

// Only regions that go on into each other differ: the shortest run of them that does.
static void find_length(const struct lockstep *failed)
{
    uint64_t low = 0, high = twin_instret(&failed->twins[SIDE_JIT], failed->hart) - failed->from;

    if (!differs_within(failed, high, false)) {
        fprintf(stderr, "it does not happen again\n");
        return;
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (differs_within(failed, middle, false))
            high = middle;
        else
            low = middle;
    }
    fprintf(stderr, "regions have to follow each other for it\n");
    differs_within(failed, high, true);
}

// When memory was found to differ: once more, with that page compared at each point, to know which.
static struct lockstep *find_point(const struct lockstep *failed)
{
    struct lockstep *l = start_again(failed);

    l->watch_page = failed->why_page;
    while (l->point < failed->point + 1)
        if (lockstep_step(l) != LOCKSTEP_GOES_ON)
            break;
    return l;
}

static void find_instruction(const struct lockstep *failed)
{
    if (!find_small(failed))
        find_length(failed);
}

void lockstep_find(const struct lockstep *failed)
{
    struct lockstep *l;

    if (!failed->why_page) {
        find_instruction(failed);
        return;
    }
    l = find_point(failed);
    if (l->why[0])
        find_instruction(l);
    else
        fprintf(stderr, "it does not happen again\n");
    repeat_end(l);
}
