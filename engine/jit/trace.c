// SPDX-License-Identifier: Apache-2.0
// The hottest regions as text. Everything but the machine code is made again from the guest's bytes, which
// is what the translation was made from, too. Machine code is read by binutils' objdump, if it is there.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/jit/watched.h"

#define LINES_MAX 4096

struct host_line {
    uint32_t at; // from the code's start
    char text[88];
};

struct listing {
    const struct jit_watch *watch;
    const struct watched *w;
    FILE *to;
    struct region_draft draft;
    struct ir ir;
    struct host_line *lines; // NULL: bytes only
    unsigned line_count, line;
};

// ---- Machine code ----

static const uint8_t *code_of(const struct watched *w)
{
    return w->code ? w->code : w->kept;
}

static bool write_code(const struct watched *w, char *path)
{
    int fd = mkstemp(path);
    ssize_t written;

    if (fd < 0)
        return false;
    written = write(fd, code_of(w), w->code_size);
    close(fd);
    return written == (ssize_t)w->code_size;
}

static void read_lines(struct listing *l, FILE *from, uint64_t base)
{
    char text[256];
    int at = 0;

    while (l->line_count < LINES_MAX && fgets(text, sizeof(text), from)) {
        struct host_line *line = &l->lines[l->line_count];
        unsigned long long address;

        at = 0;
        if (sscanf(text, " %llx:%n", &address, &at) != 1 || !at || text[at] != '\t' ||
            address < base)
            continue;
        line->at = (uint32_t)(address - base);
        snprintf(line->text, sizeof(line->text), "%s", text + at + strspn(text + at, " \t"));
        line->text[strcspn(line->text, "\n")] = '\0';
        for (size_t end = strlen(line->text); end && line->text[end - 1] == ' '; end--)
            line->text[end - 1] = '\0';
        l->line_count++;
    }
}

// At its own addresses, so that jumps out of it can be named.
static void disassemble(struct listing *l)
{
    char path[] = "/tmp/hull-trace-XXXXXX", command[256];
    FILE *from;

    if (!jit_host_objdump || !code_of(l->w))
        return;
    l->lines = malloc(LINES_MAX * sizeof(l->lines[0]));
    if (!l->lines)
        return;
    if (write_code(l->w, path)) {
        snprintf(command, sizeof(command),
                 "objdump -D -b binary %s --no-show-raw-insn --adjust-vma=0x%llx %s 2>/dev/null",
                 jit_host_objdump, (unsigned long long)(uintptr_t)l->w->code, path);
        from = popen(command, "re");
        if (from) {
            read_lines(l, from, (uint64_t)(uintptr_t)l->w->code);
            pclose(from);
        }
    }
    unlink(path);
    if (l->line_count)
        return;
    free(l->lines);
    l->lines = NULL;
}

static void print_bytes(const struct listing *l, uint32_t from, uint32_t to)
{
    const uint8_t *code = code_of(l->w);

    if (!code)
        return;
    for (uint32_t at = from; at < to; at++) {
        if ((at - from) % 24 == 0)
            fprintf(l->to, "%s%34s%5x ", at == from ? "" : "\n", "", at);
        fprintf(l->to, " %02x", code[at]);
    }
    if (to > from)
        fprintf(l->to, "\n");
}

// Where a jump leads: a thunk's name, or the distance from the code's start.
static void describe(const struct listing *l, const char *text, char *buf, size_t size)
{
    const char *number = strstr(text, " 0x"), *thunk;
    const uint8_t *target;

    jit_host_describe(text, buf, size);
    if ((text[0] != 'j' && strncmp(text, "call", 4) != 0) || !number)
        return;
    target = (const uint8_t *)(uintptr_t)strtoull(number, NULL, 16);
    thunk = watched_thunk(l->watch, target);
    if (thunk)
        snprintf(buf, size, "%s", thunk);
    else if ((uintptr_t)target - (uintptr_t)l->w->code < l->w->code_size)
        snprintf(buf, size, "to %zx", (size_t)((uintptr_t)target - (uintptr_t)l->w->code));
}

static void print_code(struct listing *l, uint32_t from, uint32_t to)
{
    if (!l->lines) {
        print_bytes(l, from, to);
        return;
    }
    while (l->line < l->line_count && l->lines[l->line].at < from)
        l->line++;
    for (; l->line < l->line_count && l->lines[l->line].at < to; l->line++) {
        const struct host_line *line = &l->lines[l->line];
        char name[48];

        describe(l, line->text, name, sizeof(name));
        fprintf(l->to, "%34s%5x  %-*s%s%s\n", "", line->at, *name ? 36 : 0, line->text,
                *name ? "  # " : "", name);
    }
}

// ---- Guest code and the IR ----

static void print_instruction(const struct listing *l, unsigned index)
{
    const struct region_op *op = &l->draft.ops[index];
    const struct watched *w = l->w;
    struct insn insn;
    uint32_t raw = 0;
    char text[96];

    memcpy(&raw, l->draft.copy + op->offset, op->length);
    riscv_decode(l->watch->decoder, raw, &insn);
    riscv_disassemble(&insn, w->pc + op->offset, text, sizeof(text));
    if (op->leader)
        for (unsigned i = 0; i < w->piece_count; i++)
            if (w->pieces[i].op == index)
                fprintf(l->to, "%14llu", (unsigned long long)w->pieces[i].count);
    fprintf(l->to, "%*s%016llx  %s\n", op->leader ? 2 : 16, "",
            (unsigned long long)(w->pc + op->offset), text);
}

// Each instruction, then what became of it: operations, then machine code.
static void print_listing(struct listing *l)
{
    unsigned next = 0;
    char text[160];

    print_code(l, 0, l->w->at[0]);
    for (unsigned op = 0; op < l->draft.region.count; op++) {
        print_instruction(l, op);
        for (; next < l->ir.count && l->ir.insns[next].op == op; next++) {
            ir_print(&l->ir.insns[next], &l->draft.region, text, sizeof(text));
            fprintf(l->to, "%26s%s\n", "", text);
            print_code(l, l->w->at[next], l->w->at[next + 1]);
        }
    }
    fprintf(l->to, "%26sout of line\n", "");
    print_code(l, l->w->at[next], (uint32_t)l->w->code_size);
}

static bool nothing_is_known(void *ctx, gva_t pc)
{
    (void)ctx;
    (void)pc;
    return false;
}

static bool was_entry(void *ctx, gva_t pc)
{
    const struct watched *w = ctx;

    for (unsigned i = 0; i < w->entry_count; i++)
        if (w->pc + w->entries[i] == pc)
            return true;
    return false;
}

static bool remake(struct listing *l)
{
    const struct watched *w = l->w;
    struct region_guide guide = {nothing_is_known, was_entry, w->entries[w->entry_count - 1],
                                 (void *)(uintptr_t)w};

    if (!jit_region_draft(&l->draft, l->watch->decoder, w->pc, w->flavor, w->copy, w->bytes,
                          &guide) ||
        l->draft.region.count != w->ops)
        return false;
    l->draft.region.priv = w->priv;
    ir_translate(&l->ir, &l->draft.region, false);
    return l->ir.count == w->ir_count;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_region(const struct jit_watch *watch, const struct watched *w, unsigned number,
                         uint64_t total, FILE *to)
{
    struct listing *l = calloc(1, sizeof(*l));
    uint64_t heat = watched_heat(w);
    char name[256];

    if (!l)
        return;
    *l = (struct listing){.watch = watch, .w = w, .to = to};
    watched_name(watch, w->pc, w->priv, name, sizeof(name));
    fprintf(to, "\n#%u  %.2f%%  %s  at 0x%llx\n", number, percent(heat, total), name,
            (unsigned long long)w->pc);
    fprintf(to,
            "%llu instructions executed; %u here in %u bytes, %zu bytes of machine code "
            "(%.1f to 1), translated %u time%s%s\n",
            (unsigned long long)heat, w->ops, w->bytes, w->code_size,
            (double)w->code_size / w->bytes, w->translations, w->translations == 1 ? "" : "s",
            w->flavor & FLAVOR_FP ? ", with floating point" : "");
    if (!code_of(w))
        fprintf(to, "Its machine code is gone.\n");
    if (remake(l)) {
        disassemble(l);
        print_listing(l);
    }
    free(l->lines);
    free(l);
}

static void print_totals(const struct jit_watch *watch, uint64_t *total, FILE *to)
{
    uint64_t executed = 0, code = 0, bytes = 0, instructions = 0;

    *total = 0;
    for (unsigned i = 0; i < WATCH_HASH; i++) {
        for (const struct watched *w = watch->hash[i]; w; w = w->hash_next) {
            *total += watched_heat(w);
            instructions += w->ops;
            bytes += w->bytes;
            code += w->code_size;
        }
    }
    for (unsigned i = 0; i < watch->vm->vcpu_count; i++)
        executed += watch->vm->engine->instret(&watch->vm->vcpus[i]);
    fprintf(to,
            "%u regions: %llu instructions in %llu bytes, %llu bytes of machine code (%.1f to 1)\n",
            watch->count, (unsigned long long)instructions, (unsigned long long)bytes,
            (unsigned long long)code, bytes ? (double)code / (double)bytes : 0);
    fprintf(to, "%llu instructions executed, %.2f%% of them in translated code\n",
            (unsigned long long)executed, percent(*total, executed));
    fprintf(to,
            "Left: how often a piece was executed. Below each instruction: what the translator\n"
            "made of it, and its machine code, by the distance from the code's start.\n%s\n",
            jit_host_conventions);
}

void jit_watch_print(struct jit_watch *watch, FILE *to)
{
    const struct hull_env *env = &watch->vm->env;
    struct watched **hottest;
    uint64_t total;
    unsigned count;
    size_t size;

    hull_lock(env, &watch->lock);
    print_totals(watch, &total, to);
    hottest = watched_hottest(watch, watch->options.regions, &count, &size);
    for (unsigned i = 0; i < count && watched_heat(hottest[i]); i++)
        print_region(watch, hottest[i], i + 1, total, to);
    if (hottest)
        hull_free(env, hottest, size);
    hull_unlock(env, &watch->lock);
}
