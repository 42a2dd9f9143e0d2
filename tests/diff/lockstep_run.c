// SPDX-License-Identifier: Apache-2.0
// Both machines by turns, the comparison, and what happens between: disk, input, clock, wires.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/dev/devices.h"
#include "engine/interp/interp.h"
#include "engine/jit/jit.h"
#include "guest/riscv/sbi.h"
#include "tests/diff/lockstep.h"

static const struct engine_ops *const engines[SIDES] = {
    [SIDE_JIT] = &jit_engine, [SIDE_INTERP] = &interp_engine};

// What the guest's result must not depend on, although engines leave their code for it: when another
// thread asks a vCPU to look at its interrupts.
static void *kick(void *ctx)
{
    struct lockstep *l = ctx;
    struct vm *vm = &l->twins[SIDE_JIT].vm;
    uint64_t rng = l->config->seed;

    while (!atomic_load(&l->kicker_ends)) {
        uint64_t spin = lockstep_random(&rng) % 4000;

        while (spin--)
            __asm__ volatile("");
        hull_vcpu_kick(&vm->vcpus[rng % vm->vcpu_count], VCPU_ATTN_IRQ);
    }
    return NULL;
}

bool lockstep_start(struct lockstep *l, const struct lockstep_config *config)
{
    memset(l, 0, sizeof(*l));
    l->config = config;
    l->rng = config->seed;
    for (unsigned i = 0; i < SIDES; i++)
        if (!twin_create(&l->twins[i], config, engines[i]))
            return false;
    return !config->kicks || pthread_create(&l->kicker, NULL, kick, l) == 0;
}

void lockstep_stop(struct lockstep *l)
{
    if (l->config->kicks) {
        atomic_store(&l->kicker_ends, true);
        pthread_join(l->kicker, NULL);
    }
    for (unsigned i = 0; i < SIDES; i++)
        twin_destroy(&l->twins[i], l->config);
}

static uint64_t below(struct lockstep *l, uint64_t limit)
{
    return lockstep_random(&l->rng) % limit;
}

// Comparing.

// clang-format off
#define FIELD(name) {#name, offsetof(struct hart_state, name)}

static const struct {
    const char *name;
    size_t offset;
} fields[] = {
    FIELD(pc), FIELD(mhartid), FIELD(mstatus), FIELD(medeleg), FIELD(mideleg), FIELD(mie),
    FIELD(mtvec), FIELD(mcounteren), FIELD(mscratch), FIELD(mepc), FIELD(mcause), FIELD(mtval),
    FIELD(menvcfg), FIELD(mseccfg), FIELD(mip), FIELD(stvec), FIELD(sscratch), FIELD(sepc),
    FIELD(scause), FIELD(stval), FIELD(satp), FIELD(senvcfg), FIELD(stimecmp),
    FIELD(scountinhibit), FIELD(mcycle), FIELD(minstret), FIELD(reservation_addr),
    FIELD(reservation_value), FIELD(scounteren), FIELD(mcountinhibit), FIELD(mtval2),
    FIELD(mtinst), FIELD(hstatus), FIELD(hedeleg), FIELD(hideleg), FIELD(hvip), FIELD(hgeie),
    FIELD(hcounteren), FIELD(htimedelta), FIELD(henvcfg), FIELD(htval), FIELD(htinst),
    FIELD(hgatp), FIELD(vsstatus), FIELD(vstvec), FIELD(vsscratch), FIELD(vsepc), FIELD(vscause),
    FIELD(vstval), FIELD(vsatp), FIELD(vstimecmp),
};
// clang-format on

static bool differs(struct lockstep *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool differs(struct lockstep *l, const char *format, ...)
{
    size_t used = strlen(l->why);
    va_list args;

    va_start(args, format);
    vsnprintf(l->why + used, sizeof(l->why) - used, format, args);
    va_end(args);
    return false;
}

static bool value_equal(struct lockstep *l, const char *name, uint64_t jit, uint64_t interp)
{
    if (jit == interp)
        return true;
    return differs(l, "  %-17s jit %016" PRIx64 "  interp %016" PRIx64 "\n", name, jit, interp);
}

static bool states_equal(struct lockstep *l, const struct hart_state *a, const struct hart_state *b)
{
    bool equal = true;
    char name[16];

    if (memcmp(a, b, sizeof(*a)) == 0)
        return true;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(fields); i++) {
        uint64_t x, y;

        memcpy(&x, (const char *)a + fields[i].offset, 8);
        memcpy(&y, (const char *)b + fields[i].offset, 8);
        equal &= value_equal(l, fields[i].name, x, y);
    }
    equal &= value_equal(l, "priv", a->priv, b->priv);
    equal &= value_equal(l, "virt", a->virt, b->virt);
    equal &= value_equal(l, "fflags", a->fflags, b->fflags);
    equal &= value_equal(l, "frm", a->frm, b->frm);
    for (unsigned i = 0; i < 64; i++) {
        snprintf(name, sizeof(name), "%c%u", i < 32 ? 'x' : 'f', i % 32);
        equal &=
            value_equal(l, name, i < 32 ? a->x[i] : a->f[i - 32], i < 32 ? b->x[i] : b->f[i - 32]);
    }
    if (equal)
        equal = differs(l, "  a performance counter or PMP register\n");
    return equal;
}

static bool exits_equal(struct lockstep *l, const struct vcpu_exit *a, const struct vcpu_exit *b)
{
    bool equal = value_equal(l, "exit", a->reason, b->reason);

    for (unsigned i = 0; equal && a->reason == VCPU_EXIT_SBI && i < 8; i++)
        equal = value_equal(l, "SBI argument", a->sbi.args[i], b->sbi.args[i]);
    return equal;
}

// What --stats says has to be true on both.
static bool counts_equal(struct lockstep *l)
{
    struct vcpu_counts a, b;
    bool equal;

    hull_vcpu_count(&l->twins[SIDE_JIT].vm.vcpus[l->hart], &a);
    hull_vcpu_count(&l->twins[SIDE_INTERP].vm.vcpus[l->hart], &b);
    equal = value_equal(l, "instret", a.instret, b.instret);
    equal &= value_equal(l, "exceptions", a.exceptions, b.exceptions);
    equal &= value_equal(l, "interrupts", a.interrupts, b.interrupts);
    return equal & value_equal(l, "device accesses", a.device_accesses, b.device_accesses);
}

bool lockstep_compare(struct lockstep *l)
{
    struct twin *jit = &l->twins[SIDE_JIT], *interp = &l->twins[SIDE_INTERP];
    struct hart_state a, b;
    bool equal;

    l->why[0] = '\0';
    jit->vm.engine->get_state(&jit->vm.vcpus[l->hart], &a);
    interp->vm.engine->get_state(&interp->vm.vcpus[l->hart], &b);
    equal = counts_equal(l);
    equal &= states_equal(l, &a, &b);
    equal &= exits_equal(l, &jit->exits[l->hart], &interp->exits[l->hart]);
    equal &= value_equal(l, "request", (uint64_t)jit->request, (uint64_t)interp->request);
    equal &= value_equal(l, "code", (uint64_t)jit->request_code, (uint64_t)interp->request_code);
    equal &= value_equal(l, "disk requests", jit->disk.waiting, interp->disk.waiting);
    for (unsigned i = 0; i < jit->vm.vcpu_count; i++) {
        equal &= value_equal(l, "rising wires", jit->rising[i], interp->rising[i]);
        equal &= value_equal(l, "wires", atomic_load(&jit->vm.vcpus[i].irq_lines),
                             atomic_load(&interp->vm.vcpus[i].irq_lines));
    }
    equal &= value_equal(l, "bytes written", jit->output_length, interp->output_length);
    if (l->watch_page &&
        memcmp(hull_memory_ptr(&jit->vm.memory, l->watch_page, HULL_PAGE_SIZE),
               hull_memory_ptr(&interp->vm.memory, l->watch_page, HULL_PAGE_SIZE), HULL_PAGE_SIZE))
        equal = differs(l, "  memory in page %" PRIx64 "\n", l->watch_page);
    return equal;
}

static bool page_differs(struct lockstep *l, gpa_t page, const uint8_t *a, const uint8_t *b)
{
    unsigned at = 0;
    uint64_t x, y;

    while (a[at] == b[at])
        at++;
    at &= ~7u;
    memcpy(&x, a + at, 8);
    memcpy(&y, b + at, 8);
    l->why_page = page;
    return differs(l, "  memory %-10" PRIx64 " jit %016" PRIx64 "  interp %016" PRIx64 "\n",
                   page + at, x, y);
}

bool lockstep_compare_memory(struct lockstep *l)
{
    const struct twin *jit = &l->twins[SIDE_JIT], *interp = &l->twins[SIDE_INTERP];

    l->why[0] = '\0';
    for (uint64_t at = 0; at < l->config->spec.memory; at += HULL_PAGE_SIZE)
        if (memcmp(jit->ram + at, interp->ram + at, HULL_PAGE_SIZE) != 0)
            return page_differs(l, BOARD_RAM_BASE + at, jit->ram + at, interp->ram + at);
    if (memcmp(jit->output, interp->output, jit->output_length) != 0)
        return differs(l, "  what was written to the console\n");
    return true;
}

// Running.

// Steps of all lengths, many of them short, most instructions in long ones.
static uint64_t step_length(struct lockstep *l)
{
    uint64_t max = l->config->step_max;

    switch (below(l, 8)) {
    case 0: return 1 + below(l, 16);
    case 1:
    case 2: return 1 + below(l, max / 64 + 1);
    case 3:
    case 4: return 1 + below(l, max / 8 + 1);
    default: return 1 + below(l, max);
    }
}

// wfi ends when an interrupt is pending, and now and then for no reason.
static bool hart_runs(struct lockstep *l, unsigned hart)
{
    bool runs[SIDES], early = below(l, 16) == 0;

    for (unsigned i = 0; i < SIDES; i++) {
        struct twin *twin = &l->twins[i];

        runs[i] = twin_hart_on(twin, hart);
        if (runs[i] && l->asleep[hart])
            runs[i] = twin->vm.engine->wakeup_pending(&twin->vm.vcpus[hart]) || early;
    }
    if (runs[SIDE_JIT] != runs[SIDE_INTERP])
        differs(l, "  hart %u is asleep on one side\n", hart);
    return runs[SIDE_JIT];
}

// The first machine goes on with the other engine, as its user may want at any moment.
static bool change_engine(struct lockstep *l)
{
    struct twin *twin = &l->twins[SIDE_JIT];
    const struct engine_ops *other = engines[twin->vm.engine == engines[SIDE_JIT]];

    if (!l->config->change_every || below(l, l->config->change_every))
        return true;
    l->changes++;
    return riscv_board_set_engine(&twin->board, other) == 0 ||
           differs(l, "  the engine can't be changed\n");
}

bool lockstep_choose(struct lockstep *l, uint64_t *limit)
{
    unsigned cpus = l->config->spec.cpus, hart = (unsigned)below(l, cpus), tried = 0;

    if (!change_engine(l))
        return false;
    while (tried < cpus && !hart_runs(l, hart)) {
        hart = (hart + 1) % cpus;
        tried++;
    }
    l->hart = hart;
    l->from = twin_instret(&l->twins[SIDE_JIT], hart);
    *limit = l->from + step_length(l);
    if (tried == cpus)
        return false;
    l->asleep[hart] = false;
    return true;
}

// The JIT leads. It may have stopped behind a trap, which is no instruction: the interpreter stops
// before it, and takes it then.
enum lockstep_end lockstep_advance(struct lockstep *l, uint64_t limit)
{
    struct twin *jit = &l->twins[SIDE_JIT], *interp = &l->twins[SIDE_INTERP];
    enum vcpu_exit_reason reason = twin_run(jit, l->hart, limit);
    uint64_t there = twin_instret(jit, l->hart);

    twin_run(interp, l->hart, there);
    for (int more = 4;; more--) {
        if (lockstep_compare(l))
            return LOCKSTEP_GOES_ON;
        if (reason != VCPU_EXIT_LIMIT || twin_instret(interp, l->hart) != there || !more)
            return LOCKSTEP_DIFFERS;
        char why[sizeof(l->why)];

        memcpy(why, l->why, sizeof(why));
        twin_run(interp, l->hart, there);
        if (twin_instret(interp, l->hart) != there) {
            memcpy(l->why, why, sizeof(why));
            return LOCKSTEP_DIFFERS;
        }
    }
}

static void handle_exits(struct lockstep *l)
{
    for (unsigned i = 0; i < SIDES; i++) {
        struct twin *twin = &l->twins[i];
        struct vcpu_exit *exit = &twin->exits[l->hart];

        if (exit->reason == VCPU_EXIT_SBI)
            riscv_sbi_call(twin->board.sbi, &twin->vm.vcpus[l->hart], exit);
        else if (exit->reason == VCPU_EXIT_WFI)
            l->asleep[l->hart] = true;
    }
}

static bool output_has(struct lockstep *l, const char *text)
{
    struct twin *twin = &l->twins[SIDE_INTERP];
    const char *found =
        memmem(twin->output + l->seen, twin->output_length - l->seen, text, strlen(text));

    if (found)
        l->seen = (size_t)(found - twin->output) + strlen(text);
    return found;
}

// True: there is more to type, now.
static bool type_input(struct lockstep *l)
{
    const struct lockstep_input *input = &l->config->inputs[l->next_input];
    size_t left, taken[SIDES];

    if (l->next_input == l->config->input_count || (!l->typed && !output_has(l, input->expect)))
        return false;
    left = strlen(input->type) + 1 - (l->typed ? l->typed : 1);
    for (unsigned i = 0; i < SIDES; i++)
        taken[i] = hull_uart_receive(l->twins[i].board.uart,
                                     input->type + (l->typed ? l->typed - 1 : 0), left);
    if (taken[SIDE_JIT] != taken[SIDE_INTERP])
        differs(l, "  the UART takes other input\n");
    l->typed = (l->typed ? l->typed : 1) + (unsigned)taken[SIDE_JIT];
    if (taken[SIDE_JIT] == left) {
        l->next_input++;
        l->typed = 0;
    }
    return true;
}

static void advance_clock(struct lockstep *l, uint64_t ns)
{
    for (unsigned i = 0; i < SIDES; i++)
        fake_env_advance(&l->twins[i].fake, ns);
}

static void finish_disk_requests(struct lockstep *l, bool all)
{
    while (l->twins[SIDE_JIT].disk.first && (all || below(l, 3) == 0))
        for (unsigned i = 0; i < SIDES; i++)
            twin_finish_disk_request(&l->twins[i]);
}

static void raise_wires(struct lockstep *l)
{
    for (unsigned i = 0; i < SIDES; i++)
        twin_raise_wires(&l->twins[i]);
}

static enum lockstep_end ended(struct lockstep *l)
{
    if (l->twins[SIDE_JIT].request >= 0)
        return LOCKSTEP_DONE;
    if (l->next_input == l->config->input_count && l->config->until &&
        output_has(l, l->config->until)) {
        l->until_seen = true;
        return LOCKSTEP_DONE;
    }
    return l->total >= l->config->instructions ? LOCKSTEP_DONE : LOCKSTEP_GOES_ON;
}

// Every hart waits: for the disk, for input, or for the next timer.
static enum lockstep_end idle(struct lockstep *l)
{
    uint64_t now = l->twins[SIDE_JIT].fake.now_ns, next;
    bool disk = l->twins[SIDE_JIT].disk.first != NULL;

    finish_disk_requests(l, true);
    if (!type_input(l) && !disk) {
        next = twin_next_deadline(&l->twins[SIDE_JIT]);
        if (next != twin_next_deadline(&l->twins[SIDE_INTERP])) {
            differs(l, "  the next timer\n");
            return LOCKSTEP_DIFFERS;
        }
        if (next == HULL_TIME_NEVER)
            return LOCKSTEP_STUCK;
        advance_clock(l, next > now ? next - now : 0);
    }
    raise_wires(l);
    return ended(l);
}

static void show_output(const struct lockstep *l, size_t before)
{
    const struct twin *twin = &l->twins[SIDE_INTERP];

    if (!l->config->show)
        return;
    fwrite(twin->output + before, 1, twin->output_length - before, stdout);
    fflush(stdout);
}

enum lockstep_end lockstep_step(struct lockstep *l)
{
    size_t written = l->twins[SIDE_INTERP].output_length;
    uint64_t limit, count;
    bool runs;

    l->point++;
    l->why[0] = '\0';
    runs = lockstep_choose(l, &limit);
    if (l->why[0])
        return LOCKSTEP_DIFFERS;
    if (!runs)
        return idle(l);
    if (lockstep_advance(l, limit) == LOCKSTEP_DIFFERS)
        return LOCKSTEP_DIFFERS;
    count = twin_instret(&l->twins[SIDE_JIT], l->hart) - l->from;
    l->total += count;
    handle_exits(l);
    show_output(l, written);
    finish_disk_requests(l, false);
    type_input(l);
    advance_clock(l, count * 10 * below(l, 3));
    raise_wires(l);
    if (l->why[0])
        return LOCKSTEP_DIFFERS;
    if (l->config->memory_every && l->point % l->config->memory_every == 0 &&
        !lockstep_compare_memory(l))
        return LOCKSTEP_DIFFERS;
    return ended(l);
}
