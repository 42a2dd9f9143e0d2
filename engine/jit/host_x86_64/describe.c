// SPDX-License-Identifier: Apache-2.0
// For readers of machine code: what the back end's conventions mean by it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/jit/host_x86_64/target.h"

const char *const jit_host_objdump = "-m i386:x86-64 -M intel";

const char *const jit_host_conventions =
    "rbx r12 r13 rdi rsi r8 to r11 r14 hold sp s0 s1 a0 a1 a2 to a5 a6, in loops perhaps others; r15 the "
    "budget.";

static const struct {
    int32_t at;
    size_t size;
    const char *name;
} fields[] = {
#define NAMED(member, name)                                       \
    {                                                             \
        FIELD(member), sizeof(((struct jit *)NULL)->member), name \
    }
    NAMED(cpu.hart.s.pc, "pc"),
    NAMED(cpu.hart.s.f, "an FP register"),
    NAMED(cpu.tlbs, "TLB"),
    NAMED(cpu.context, "context"),
    NAMED(cpu.global_context, "context"),
    NAMED(opened, "slot"),
    NAMED(streams, "stream"),
    NAMED(stream_limits, "stream"),
    NAMED(jumps, "jump table"),
    {FIELD(valid), INT32_MAX, "validity of a page"},
};

void jit_host_describe(const char *text, char *buf, size_t size)
{
    const char *at = strstr(text, "[rbp");
    long n;

    *buf = '\0';
    if (!at)
        return;
    at += 4;
    if (at[0] == '+' && at[1] == 'r') // an index
        at += 1 + strcspn(at + 1, "+-]");
    n = strtol(at, NULL, 16);
    if (n >= X_DISP(0) && n <= X_DISP(31) && n % 8 == 0) {
        snprintf(buf, size, "%s", riscv_register_name((unsigned)(n - X_DISP(0)) / 8, false));
        return;
    }
    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (n >= fields[i].at && (size_t)(n - fields[i].at) < fields[i].size) {
            snprintf(buf, size, "%s", fields[i].name);
            return;
        }
    }
}
