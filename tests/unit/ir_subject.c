// SPDX-License-Identifier: Apache-2.0
// See ir_subject.h.
#include "tests/unit/ir_subject.h"

#include <stdlib.h>
#include <string.h>

int subject_set_up(void **state)
{
    struct riscv_isa isa = riscv_isa_default();
    struct subject *s;

    if (!jit_host_supported())
        skip();
    s = calloc(1, sizeof(*s));
    riscv_decoder_init(&s->decoder, &isa);
    *state = s;
    return 0;
}

int subject_tear_down(void **state)
{
    free(*state);
    return 0;
}

static void print_ir(const struct subject *s, const struct ir *ir, const char *title)
{
    char text[160];

    print_message("%s:\n", title);
    for (unsigned i = 0; i < ir->count; i++) {
        ir_print(&ir->insns[i], &s->draft.region, text, sizeof(text));
        print_message("  %4x  %s\n", s->draft.ops[ir->insns[i].op].offset, text);
    }
}

void subject_print(const struct subject *s)
{
    char text[96];
    struct insn insn;

    for (unsigned i = 0; i < s->draft.region.count; i++) {
        const struct region_op *op = &s->draft.ops[i];
        uint32_t raw = 0;

        memcpy(&raw, s->draft.copy + op->offset, op->length);
        riscv_decode(&s->decoder, raw, &insn);
        riscv_disassemble(&insn, s->draft.region.pc + op->offset, text, sizeof(text));
        print_message("  %4x  %08x  %s\n", op->offset, raw, text);
    }
    print_ir(s, &s->made, "made");
    print_ir(s, &s->shared, "with shared look-ups");
    print_ir(s, &s->widened, "widened");
}

bool subject_prepare(struct subject *s, uint64_t pc, unsigned flavor, const void *code, size_t size)
{
    const struct region *r = &s->draft.region;

    if (!jit_region_draft(&s->draft, &s->decoder, pc, flavor, code, (unsigned)size, NULL))
        return false;
    ir_make(&s->made, r);
    s->optimized = s->made;
    ir_optimize(&s->optimized, r);
    s->shared = s->optimized;
    ir_share_accesses(&s->shared, r);
    s->widened = s->shared;
    ir_widen(&s->widened, r);
    return true;
}

void subject_well_formed(struct subject *s)
{
    const struct ir *forms[] = {&s->made, &s->optimized, &s->shared, &s->widened};

    for (unsigned i = 0; i < 4; i++) {
        const char *wrong = ir_verify(forms[i], &s->draft.region);

        if (wrong) {
            subject_print(s);
            fail_msg("form %u: %s", i, wrong);
        }
    }
}

// Fails if the two runs are not the same.
static void compare_runs(struct subject *s, const struct ir_run *x, const struct ir_run *y,
                         const char *what, uint64_t seed)
{
    int differs = ir_runs_differ(x, y);

    if (!y->wrong && differs < 0)
        return;
    subject_print(s);
    if (differs >= 0) {
        const struct ir_event *a = &x->events[differs], *b = &y->events[differs];

        print_message(
            "event %d: at op %u or %u, kind %u or %u, %llx or %llx, memory %llx or %llx\n", differs,
            a->op, b->op, a->kind, b->kind, (unsigned long long)a->address,
            (unsigned long long)b->address, (unsigned long long)a->memory,
            (unsigned long long)b->memory);
        for (unsigned n = 0; n < 32; n++)
            if (a->x[n] != b->x[n])
                print_message("%s: %llx or %llx\n", riscv_register_name(n, false),
                              (unsigned long long)a->x[n], (unsigned long long)b->x[n]);
    }
    fail_msg("%s, seed 0x%llx: %s", what, (unsigned long long)seed,
             y->wrong ? y->wrong : "does something else");
}

void subject_same_behaviour(struct subject *s, uint64_t seed)
{
    static const char *const names[] = {"made", "optimized", "shared", "widened, on detours"};
    const struct ir *forms[] = {&s->made, &s->optimized, &s->shared, &s->widened};

    for (unsigned i = 0; i < 4; i++) {
        ir_evaluate(&s->runs[i], forms[i], &s->draft.region, seed);
        compare_runs(s, &s->runs[0], &s->runs[i], names[i], seed);
    }
    if (!memcmp(&s->shared, &s->widened, offsetof(struct ir, insns)) &&
        !memcmp(s->shared.insns, s->widened.insns, s->shared.count * sizeof(s->shared.insns[0])))
        return;
    ir_evaluate_widened(&s->runs[0], &s->shared, &s->draft.region, seed);
    ir_evaluate_widened(&s->runs[1], &s->widened, &s->draft.region, seed);
    compare_runs(s, &s->runs[0], &s->runs[1], "widened", seed);
}
