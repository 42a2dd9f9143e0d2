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
    print_ir(s, &s->shared, "in the end");
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
    return true;
}

void subject_well_formed(struct subject *s)
{
    const struct ir *forms[] = {&s->made, &s->optimized, &s->shared};

    for (unsigned i = 0; i < 3; i++) {
        const char *wrong = ir_verify(forms[i], &s->draft.region);

        if (wrong) {
            subject_print(s);
            fail_msg("form %u: %s", i, wrong);
        }
    }
}

void subject_same_behaviour(struct subject *s, uint64_t seed)
{
    const struct ir *forms[] = {&s->made, &s->optimized, &s->shared};

    for (unsigned i = 0; i < 3; i++) {
        ir_evaluate(&s->runs[i], forms[i], &s->draft.region, seed);
        int differs = ir_runs_differ(&s->runs[0], &s->runs[i]);

        if (!s->runs[i].wrong && differs < 0)
            continue;
        subject_print(s);
        if (differs >= 0) {
            const struct ir_event *a = &s->runs[0].events[differs];
            const struct ir_event *b = &s->runs[i].events[differs];

            print_message("event %d: at op %u or %u, kind %u or %u, %llx or %llx\n", differs, a->op,
                          b->op, a->kind, b->kind, (unsigned long long)a->address,
                          (unsigned long long)b->address);
            for (unsigned n = 0; n < 32; n++)
                if (a->x[n] != b->x[n])
                    print_message("%s: %llx or %llx\n", riscv_register_name(n, false),
                                  (unsigned long long)a->x[n], (unsigned long long)b->x[n]);
        }
        fail_msg("form %u, seed 0x%llx: %s", i, (unsigned long long)seed,
                 s->runs[i].wrong ? s->runs[i].wrong : "does something else");
    }
}
