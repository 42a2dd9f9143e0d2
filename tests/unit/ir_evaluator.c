// SPDX-License-Identifier: Apache-2.0
// See ir_evaluator.h. The meaning of each operation stands here once more, independently of the middle and
// of the back end.
#include "tests/unit/ir_evaluator.h"

#include <string.h>

// That a run can write, a power of two: it ends where it could be left next when half of it is used, and what
// a region writes till then is less than the other half.
#define MEMORY_BYTES 2048

struct written {
    uint64_t address;
    bool used;
    uint8_t value;
};

struct evaluation {
    const struct ir *ir;
    const struct region *region;
    struct ir_run *run;
    uint64_t seed, garbage;
    uint64_t x[33];
    uint32_t loose;
    unsigned visits; // of guest instructions
    bool coarse;
    unsigned detour_end; // up to there inline code is left out, and else what is for detours
    uint64_t misses;     // chooses who does
    uint64_t digest;     // of what was written
    unsigned written;    // bytes
    struct {
        bool open, for_write, sole;
        uint64_t low, size;
    } slots[IR_SLOTS];
    struct written memory[MEMORY_BYTES];
};

uint64_t ir_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t ir_random_value(uint64_t *state)
{
    static const uint64_t edges[] = {0,          1,          2,          ~0ull,       1ull << 63,
                                     0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, ~0ull >> 1,
                                     0xfff,      0x1000,     64,         32};
    uint64_t r = ir_random(state);

    switch (ir_random(state) % 6) {
    case 0: return edges[r % (sizeof(edges) / sizeof(edges[0]))];
    case 1: return (uint64_t)(int64_t)(int32_t)r;
    case 2: return (uint32_t)r;
    case 3: return r % 8192 - 4096;
    case 4: return r & ((1ull << r % 64) - 1);
    default: return r;
    }
}

static uint64_t mixed(uint64_t a, uint64_t b)
{
    uint64_t state = a * 0xd6e8feb86659fd93 ^ b;

    return ir_random(&state);
}

static struct written *find_byte(struct evaluation *e, uint64_t address)
{
    unsigned i = (unsigned)mixed(address, 1) & (MEMORY_BYTES - 1);

    while (e->memory[i].used && e->memory[i].address != address)
        i = (i + 1) & (MEMORY_BYTES - 1);
    return &e->memory[i];
}

static uint64_t load(struct evaluation *e, uint64_t address, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        const struct written *w = find_byte(e, address + i);
        uint64_t byte = w->used ? w->value : mixed(address + i, e->seed) & 0xff;

        value |= byte << 8 * i;
    }
    return value;
}

static void store(struct evaluation *e, uint64_t address, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        struct written *w = find_byte(e, address + i);

        if (w->used)
            e->digest -= mixed(address + i, w->value + 2);
        else
            e->written++;
        *w = (struct written){address + i, true, (uint8_t)(value >> 8 * i)};
        e->digest += mixed(address + i, w->value + 2);
    }
}

static uint64_t extended(uint64_t v, unsigned type)
{
    switch (type) {
    case IR_I32: return (uint64_t)(int32_t)v;
    case IR_I16: return (uint64_t)(int16_t)v;
    case IR_I8: return (uint64_t)(int8_t)v;
    case IR_U32: return (uint32_t)v;
    case IR_U16: return (uint16_t)v;
    case IR_U8: return (uint8_t)v;
    default: return v;
    }
}

static uint64_t divided(const struct ir_insn *in, uint64_t a, uint64_t b)
{
    bool word = in->type == IR_I32, is_signed = in->code == IR_DIV || in->code == IR_REM;
    bool remainder = in->code == IR_REM || in->code == IR_REMU;

    if (word) {
        a = is_signed ? extended(a, IR_I32) : (uint32_t)a;
        b = is_signed ? extended(b, IR_I32) : (uint32_t)b;
    }
    if (!b)
        return remainder ? a : ~0ull;
    if (!is_signed)
        return remainder ? a % b : a / b;
    if (b == ~0ull)
        return remainder ? 0 : 0 - a;
    return (uint64_t)(remainder ? (int64_t)a % (int64_t)b : (int64_t)a / (int64_t)b);
}

static uint64_t multiplied(unsigned code, uint64_t a, uint64_t b)
{
    switch (code) {
    case IR_MUL: return a * b;
    case IR_MULH: return (uint64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
    case IR_MULHSU: return (uint64_t)((__int128)(int64_t)a * (__int128)b >> 64);
    default: return (uint64_t)((unsigned __int128)a * b >> 64);
    }
}

static uint64_t carryless(unsigned code, uint64_t a, uint64_t b)
{
    unsigned from = code == IR_CLMUL ? 0 : code == IR_CLMULH ? 64 : 63;
    uint64_t bits = 0;

    for (unsigned i = from; i < from + 64; i++)
        for (unsigned k = 0; k < 64 && k <= i; k++)
            if (i - k < 64)
                bits ^= (a >> k & b >> (i - k) & 1) << (i - from);
    return bits;
}

static uint64_t counted(unsigned code, uint64_t a, unsigned width)
{
    unsigned n = 0;

    if (code == IR_POPCOUNT) {
        for (unsigned i = 0; i < width; i++)
            n += a >> i & 1;
        return n;
    }
    while (n < width && !(a >> (code == IR_CLZ ? width - 1 - n : n) & 1))
        n++;
    return n;
}

static uint64_t bytes(unsigned code, uint64_t a)
{
    uint64_t result = 0;

    for (unsigned i = 0; i < 64; i += 8) {
        if (code == IR_BYTESWAP)
            result |= (a >> i & 0xff) << (56 - i);
        else if (a >> i & 0xff)
            result |= 0xffull << i;
    }
    return result;
}

static uint64_t shifted(unsigned code, uint64_t a, unsigned count, bool word)
{
    unsigned width = word ? 32 : 64;
    uint64_t low = word ? (uint32_t)a : a;

    count &= width - 1;
    switch (code) {
    case IR_SHL: return a << count;
    case IR_SHR: return low >> count;
    case IR_SAR: return (uint64_t)((word ? (int32_t)a : (int64_t)a) >> count);
    case IR_ROR: count = (width - count) & (width - 1); break;
    default: break;
    }
    return low << count | low >> ((width - count) & (width - 1));
}

static uint64_t single_bit(unsigned code, uint64_t a, unsigned bit)
{
    switch (code) {
    case IR_BIT_SET: return a | 1ull << bit;
    case IR_BIT_CLEAR: return a & ~(1ull << bit);
    case IR_BIT_FLIP: return a ^ 1ull << bit;
    default: return a >> bit & 1;
    }
}

static uint64_t computed(const struct ir_insn *in, uint64_t a, uint64_t b)
{
    bool word = in->type == IR_I32;

    switch (in->code) {
    case IR_CONST: return (uint64_t)in->imm;
    case IR_MOVE: return a;
    case IR_EXTEND: return extended(a, in->type);
    case IR_ADD: return a + b;
    case IR_SUB: return a - b;
    case IR_AND: return a & b;
    case IR_OR: return a | b;
    case IR_XOR: return a ^ b;
    case IR_ANDN: return a & ~b;
    case IR_ORN: return a | ~b;
    case IR_XNOR: return ~(a ^ b);
    case IR_SHADD: return (extended(a, in->type) << in->imm) + b;
    case IR_SLT: return (int64_t)a < (int64_t)b;
    case IR_SLTU: return a < b;
    case IR_MIN: return (int64_t)a < (int64_t)b ? a : b;
    case IR_MAX: return (int64_t)a < (int64_t)b ? b : a;
    case IR_MINU: return a < b ? a : b;
    case IR_MAXU: return a < b ? b : a;
    case IR_ZERO_EQ: return b ? a : 0;
    case IR_ZERO_NE: return b ? 0 : a;
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCOUNT: return counted(in->code, a, word ? 32 : 64);
    case IR_BYTESWAP:
    case IR_BYTEMASK: return bytes(in->code, a);
    default: break;
    }
    if (in->code >= IR_SHL && in->code <= IR_ROR)
        return shifted(in->code, a, (unsigned)b, word);
    if (in->code >= IR_BIT_SET && in->code <= IR_BIT_GET)
        return single_bit(in->code, a, (unsigned)b & 63);
    if (in->code >= IR_CLMUL && in->code <= IR_CLMULR)
        return carryless(in->code, a, b);
    if (in->code >= IR_DIV && in->code <= IR_REMU)
        return divided(in, a, b);
    return multiplied(in->code, a, b);
}

// NULL: as many as are wanted have been.
static struct ir_event *happen(struct evaluation *e, enum ir_event_kind kind, unsigned op)
{
    struct ir_event *event = &e->run->events[e->run->count];

    if (e->run->count == IR_EVENTS || e->written > MEMORY_BYTES / 2)
        return NULL;
    e->run->count++;
    memset(event, 0, sizeof(*event)); // padding, too
    event->kind = (uint8_t)kind;
    event->op = (uint16_t)op;
    memcpy(event->x, e->x, sizeof(event->x));
    if (e->coarse)
        event->memory = e->digest;
    return event;
}

static void set(struct evaluation *e, const struct ir_insn *in, uint64_t value)
{
    e->loose &= ~(1ull << in->d);
    if (in->loose) {
        if (in->code != IR_LOAD) // it may be on a detour, but is not here
            value = (uint32_t)value | ir_random(&e->garbage) << 32;
        e->loose |= 1u << in->d;
    }
    e->x[in->d] = value;
}

static const char *check_slot(struct evaluation *e, const struct ir_insn *in, uint64_t address)
{
    unsigned size = ir_type_size(in->type);

    if (in->access == IR_LOOK_UP)
        return NULL;
    if (in->access != IR_FOLLOW) {
        e->slots[in->slot].open = true;
        e->slots[in->slot].for_write = in->for_write;
        e->slots[in->slot].sole = in->sole;
        e->slots[in->slot].low = address + (uint64_t)(int64_t)in->low;
        e->slots[in->slot].size = (uint64_t)(in->high - in->low);
    } else if (!e->slots[in->slot].open || e->slots[in->slot].sole) {
        return "follows a slot that nothing opened";
    }
    if (address - e->slots[in->slot].low > e->slots[in->slot].size - size ||
        e->slots[in->slot].size < size)
        return "a slot does not hold this address";
    if (ir_is_store(in) && !e->slots[in->slot].for_write)
        return "a slot is not for stores";
    return NULL;
}

// Where it would leave, the loose registers are made right first.
static struct ir_event *happen_access(struct evaluation *e, const struct ir_insn *in)
{
    struct ir_event *event = happen(e, EVENT_ACCESS, in->op);

    for (unsigned i = 0; event && i < 32; i++)
        if (e->loose >> i & 1)
            event->x[i] = extended(event->x[i], IR_I32);
    return event;
}

static uint64_t swapped(const struct ir_insn *in, uint64_t value)
{
    return in->swapped ? bytes(IR_BYTESWAP, value) >> (64 - 8 * ir_type_size(in->type)) : value;
}

// What it stores or finds.
static uint64_t transfer(struct evaluation *e, const struct ir_insn *in, uint64_t address)
{
    unsigned size = ir_type_size(in->type);
    uint64_t value, mask = size >= 8 ? ~0ull : (1ull << 8 * size) - 1;

    if (!ir_is_store(in)) {
        value = load(e, address, size);
        if (in->code == IR_LOAD && !ir_is_probe(in))
            set(e, in, extended(swapped(in, value), in->type));
        return value;
    }
    value = (in->code == IR_STORE ? e->x[in->b] : mixed(in->b, e->seed)) & mask;
    store(e, address, size > 8 ? 8 : size, swapped(in, value));
    if (size == 16)
        store(e, address + 8, 8, value);
    return value;
}

static bool access(struct evaluation *e, const struct ir_insn *in)
{
    uint64_t address = e->x[in->a] + (uint64_t)in->imm, value;
    bool leaves = in->access != IR_FOLLOW || !e->coarse;
    struct ir_event *event = leaves ? happen_access(e, in) : NULL;

    if (leaves && !event)
        return false;
    if (in->access != IR_LOOK_UP && !e->run->wrong)
        e->run->wrong = check_slot(e, in, address);
    value = transfer(e, in, address);
    if (event && !e->coarse) {
        event->address = address;
        event->size = (uint8_t)ir_type_size(in->type);
        event->value = value;
    }
    return true;
}

// Every slot is forgotten where translations may change: a CSR may have been written.
static void forget_slots(struct evaluation *e, const struct ir_insn *in)
{
    unsigned format = riscv_insn_info[e->region->ops[in->op].id].format;

    if (format == FMT_CSR || format == FMT_CSRI)
        for (unsigned i = 0; i < IR_SLOTS; i++)
            e->slots[i].open = false;
}

static bool guest(struct evaluation *e, const struct ir_insn *in)
{
    struct ir_event *event = happen(e, EVENT_STEP, in->op);
    uint64_t result = mixed(e->x[in->a], e->x[in->b]) ^ mixed(++e->visits, in->op);

    if (!event)
        return false;
    forget_slots(e, in);
    set(e, in, result);
    if (in->d < 32)
        event->x[in->d] = e->x[in->d];
    return true;
}

static bool is_taken(const struct ir_insn *in, uint64_t a, uint64_t b)
{
    switch (in->type) {
    case IR_EQ: return a == b;
    case IR_NE: return a != b;
    case IR_LT: return (int64_t)a < (int64_t)b;
    case IR_GE: return (int64_t)a >= (int64_t)b;
    case IR_LTU: return a < b;
    default: return a >= b;
    }
}

static void leave(struct evaluation *e, unsigned op, uint64_t pc)
{
    struct ir_event *event = happen(e, EVENT_EXIT, op);

    if (event)
        event->address = pc;
}

// To the byte offset: the index of the operation there, or its end.
static unsigned go_to(struct evaluation *e, const struct ir_insn *in)
{
    int op = jit_region_find_op(e->region, in->imm);

    for (unsigned i = 0; op >= 0 && i < e->ir->count; i++)
        if (e->ir->insns[i].code == IR_PIECE && e->ir->insns[i].op == op)
            return i;
    if (op >= 0)
        e->run->wrong = "a jump to where no piece begins";
    leave(e, in->op, e->region->pc + (uint64_t)in->imm);
    return e->ir->count + 1;
}

static unsigned jump(struct evaluation *e, const struct ir_insn *in, unsigned i)
{
    const struct region_op *rop = &e->region->ops[in->op];
    struct ir_event *event;
    uint64_t target;

    e->detour_end = 0;
    switch (in->code) {
    case IR_BRANCH:
        event = happen(e, EVENT_BRANCH, in->op);
        if (!event)
            return e->ir->count + 1;
        event->value = is_taken(in, e->x[in->a], e->x[in->b]);
        return event->value ? go_to(e, in) : i + 1;
    case IR_JUMP: return go_to(e, in);
    default:
        target = (e->x[in->a] + (uint64_t)in->imm) & ~1ull;
        if (in->d != IR_NO_REG)
            e->x[in->d] = e->region->pc + rop->offset + rop->length;
        leave(e, in->op, target);
        return e->ir->count + 1;
    }
}

static bool pure(struct evaluation *e, const struct ir_insn *in)
{
    unsigned has = ir_properties((enum ir_code)in->code);
    uint64_t a = has & IR_HAS_A ? e->x[in->a] : 0, b = in->imm_b ? (uint64_t)in->imm : e->x[in->b];
    uint64_t value = computed(in, a, b);
    struct ir_event *event;

    set(e, in, in->type == IR_I32 && in->code != IR_EXTEND ? extended(value, IR_I32) : value);
    // A division by x0 is none.
    if (!(has & IR_IS_OUT) || (in->code >= IR_DIV && in->code <= IR_REMU && in->b == 0))
        return true;
    event = happen(e, EVENT_STEP, in->op);
    return event;
}

static bool piece(struct evaluation *e, const struct ir_insn *in)
{
    struct ir_event *event = happen(e, EVENT_PIECE, in->op);

    if (event)
        event->value = (uint64_t)in->imm;
    return event;
}

// The last operation that hangs on the slot that i opens, on one detour.
static unsigned last_behind(const struct evaluation *e, unsigned i)
{
    const struct ir_insn *opener = &e->ir->insns[i];
    unsigned last = i;

    for (unsigned n = i + 1; n < e->ir->count; n++) {
        const struct ir_insn *in = &e->ir->insns[n];
        bool hangs = in->path != IR_ALWAYS || (ir_is_access(in) && in->access == IR_FOLLOW);

        if (ir_ends_detour(in, e->region) || in->op - opener->op >= IR_DETOUR_MAX ||
            (ir_opens(in) && in->slot == opener->slot && in->path != IR_DETOUR))
            break;
        if (hangs && in->slot == opener->slot)
            last = n;
    }
    return last;
}

// What opens a slot misses, or not: then the code up to the last that follows is the one for detours, and so on if
// another such range overlaps with it.
static void choose_path(struct evaluation *e, unsigned i)
{
    const struct ir_insn *in = &e->ir->insns[i];
    unsigned first = i;

    if (!ir_opens(in) || in->sole || in->path == IR_DETOUR || ir_random(&e->misses) % 4)
        return;
    while (first && !ir_ends_detour(&e->ir->insns[first - 1], e->region))
        first--;
    e->detour_end = i;
    for (unsigned n = first; n <= e->detour_end; n++) {
        const struct ir_insn *other = &e->ir->insns[n];

        if (ir_opens(other) && !other->sole && other->path != IR_DETOUR) {
            unsigned last = last_behind(e, n);

            if (last > e->detour_end && last >= i)
                e->detour_end = last;
        }
    }
    e->detour_end++;
}

// The next operation's index; count: it fell off the end; more: it is over.
static unsigned one(struct evaluation *e, unsigned i)
{
    const struct ir_insn *in = &e->ir->insns[i];
    bool goes_on = true;

    if (e->coarse && i >= e->detour_end)
        choose_path(e, i);
    if (in->path == (e->coarse && i >= e->detour_end ? IR_DETOUR : IR_INLINE))
        return i + 1;
    if (in->code == IR_BRANCH || in->code == IR_JUMP || in->code == IR_JUMP_TO)
        return jump(e, in, i);
    if (ir_is_access(in))
        goes_on = access(e, in);
    else if (in->code == IR_GUEST)
        goes_on = guest(e, in);
    else if (in->code == IR_PIECE)
        goes_on = piece(e, in);
    else if (in->code != IR_NOP)
        goes_on = pure(e, in);
    return goes_on ? i + 1 : e->ir->count + 1;
}

static void evaluate(struct ir_run *run, const struct ir *ir, const struct region *region,
                     uint64_t seed, bool coarse)
{
    static struct evaluation e; // large
    uint64_t state = seed;
    unsigned i = 0;

    memset(&e, 0, sizeof(e));
    e.ir = ir;
    e.region = region;
    e.run = run;
    e.seed = seed;
    e.coarse = coarse;
    e.misses = seed + 2;
    e.garbage = seed + 1;
    for (unsigned n = 1; n < 32; n++)
        e.x[n] = ir_random_value(&state);
    run->count = 0;
    run->wrong = NULL;
    while (i < ir->count)
        i = one(&e, i);
    if (i == ir->count)
        leave(&e, region->count - 1u, region->pc + region->bytes);
}

void ir_evaluate(struct ir_run *run, const struct ir *ir, const struct region *region,
                 uint64_t seed)
{
    evaluate(run, ir, region, seed, false);
}

void ir_evaluate_widened(struct ir_run *run, const struct ir *ir, const struct region *region,
                         uint64_t seed)
{
    evaluate(run, ir, region, seed, true);
}

int ir_runs_differ(const struct ir_run *a, const struct ir_run *b)
{
    for (unsigned i = 0; i < a->count && i < b->count; i++)
        if (memcmp(&a->events[i], &b->events[i], sizeof(a->events[i])))
            return (int)i;
    return a->count == b->count ? -1 : (int)(a->count < b->count ? a->count : b->count);
}
