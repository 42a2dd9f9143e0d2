// SPDX-License-Identifier: Apache-2.0
// Operations of the IR as text, for people: "a0 = add.i32 a1, 5", "store.i8 [a0 + 4], a1". A type is
// named where it is not 64 bits.
#include <stdarg.h>
#include <stdio.h>

#include "engine/jit/ir.h"
#include "engine/jit/translator.h"

struct text {
    char *buf;
    size_t size;
    int used; // may be more than there is room for
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    size_t at = (size_t)t->used < t->size ? (size_t)t->used : t->size;
    va_list args;

    va_start(args, format);
    t->used += vsnprintf(t->buf + at, t->size - at, format, args);
    va_end(args);
}

static const char *x_name(unsigned n)
{
    return n == IR_NO_REG ? "none" : riscv_register_name(n, false);
}

static void add_constant(struct text *t, int64_t v)
{
    if (v > -4096 && v < 4096)
        add(t, "%lld", (long long)v);
    else
        add(t, "0x%llx", (unsigned long long)v);
}

static void add_address(struct text *t, const struct ir_insn *in)
{
    add(t, "[");
    if (in->a)
        add(t, "%s", x_name(in->a));
    if (in->a && in->imm)
        add(t, in->imm < 0 ? " - " : " + ");
    if (in->imm || !in->a)
        add_constant(t, in->a && in->imm < 0 ? -in->imm : in->imm);
    add(t, "]");
}

// How its page is found: behind a comma, as it is no operand.
static void add_access(struct text *t, const struct ir_insn *in)
{
    static const char *const names[] = {NULL, "opens", "stream", "by"};

    if (in->access == IR_LOOK_UP)
        return;
    add(t, ", %s slot %u", names[in->access], in->slot);
    if (in->access != IR_FOLLOW)
        add(t, " %+d..%+d%s", in->low, in->high, in->for_write ? " for stores" : "");
}

static void add_memory(struct text *t, const struct ir_insn *in)
{
    bool fp = in->code == IR_FLOAD || in->code == IR_FSTORE;

    if (ir_is_store(in)) {
        add(t, "%s.%s ", ir_name(in->code), ir_type_name(in->type));
        add_address(t, in);
        add(t, ", %s", riscv_register_name(in->b, fp));
    } else {
        add(t, "%s = %s.%s ", fp ? riscv_register_name(in->d, true) : x_name(in->d),
            ir_name(in->code), ir_type_name(in->type));
        add_address(t, in);
    }
    if (in->swapped)
        add(t, ", swapped");
    add_access(t, in);
}

static void add_target(struct text *t, const struct ir_insn *in, const struct region *r)
{
    add(t, "%s0x%llx", jit_region_find_op(r, in->imm) < 0 ? "out to " : "",
        (unsigned long long)(r->pc + (uint64_t)in->imm));
}

static void add_jump(struct text *t, const struct ir_insn *in, const struct region *r)
{
    static const char *const conditions[] = {"==", "!=", "<", ">=", "<u", ">=u"};

    if (in->code == IR_BRANCH) {
        add(t, "branch %s %s %s, ", x_name(in->a), conditions[in->type], x_name(in->b));
        add_target(t, in, r);
    } else if (in->code == IR_JUMP) {
        add(t, "jump ");
        add_target(t, in, r);
    } else {
        if (in->d != IR_NO_REG)
            add(t, "%s = ", x_name(in->d));
        add(t, "jump.to %s", x_name(in->a));
        if (in->imm)
            add(t, " %+lld", (long long)in->imm);
    }
}

static void add_pure(struct text *t, const struct ir_insn *in)
{
    unsigned has = ir_properties((enum ir_code)in->code);

    add(t, "%s = %s", x_name(in->d), ir_name((enum ir_code)in->code));
    if (in->type != IR_I64)
        add(t, ".%s", ir_type_name((enum ir_type)in->type));
    add(t, " ");
    if (has & IR_HAS_A)
        add(t, "%s", x_name(in->a));
    if (in->code == IR_SHADD)
        add(t, " << %lld", (long long)in->imm);
    if (in->code == IR_CONST)
        add_constant(t, in->imm);
    if (has & IR_HAS_B)
        add(t, ", ");
    if (in->imm_b)
        add_constant(t, in->imm);
    else if (has & IR_HAS_B)
        add(t, "%s", x_name(in->b));
    if (in->loose)
        add(t, ", loose");
}

int ir_print(const struct ir_insn *in, const struct region *region, char *buf, size_t size)
{
    struct text t = {buf, size, 0};

    if (ir_is_access(in))
        add_memory(&t, in);
    else if (in->code == IR_BRANCH || in->code == IR_JUMP || in->code == IR_JUMP_TO)
        add_jump(&t, in, region);
    else if (in->code == IR_PIECE)
        add(&t, "piece of %lld", (long long)in->imm);
    else if (in->code == IR_GUEST)
        add(&t, "guest %s", riscv_insn_info[region->ops[in->op].id].name);
    else if (in->code == IR_NOP)
        add(&t, "nop");
    else
        add_pure(&t, in);
    if (in->path != IR_ALWAYS)
        add(&t, in->path == IR_INLINE ? ", widened" : ", on detours");
    return t.used;
}
