// SPDX-License-Identifier: Apache-2.0
// RISC-V PLIC 1.0.0, as SiFive lays it out. Each source has a gateway for a level-triggered wire: an
// asserted wire becomes one request, and no further one before the handler has completed it.
#include "core/dev/devices.h"
#include "lib/bits.h"
#include "lib/mem.h"

#define PRIORITY_MAX 7 // a mask as well: three bits, WARL
#define SOURCES_MAX 1024
#define WORDS_MAX (SOURCES_MAX / 32)

#define PENDING_BASE 0x1000ull
#define PENDING_END 0x1080ull
#define ENABLE_BASE 0x2000ull
#define ENABLE_STRIDE 0x80ull
#define CONTEXT_BASE 0x200000ull
#define CONTEXT_STRIDE 0x1000ull
#define CONTEXT_THRESHOLD 0
#define CONTEXT_CLAIM 4

#define LINE_SEIP 9
#define LINE_MEIP 11

struct plic_context {
    uint32_t enable[WORDS_MAX];
    uint8_t threshold;
    bool level; // what the hart's wire was set to
};

struct plic {
    struct device dev;
    struct vm *vm;
    unsigned sources, words, contexts;
    size_t alloc_size;
    uint8_t priority[SOURCES_MAX];
    uint32_t wires[WORDS_MAX];   // levels of the wires
    uint32_t pending[WORDS_MAX]; // requests that nobody has claimed yet
    uint32_t claimed[WORDS_MAX]; // requests under way: the gateway is shut
    uint32_t latched[WORDS_MAX]; // sources that fall when completed
    void (*done)(void *ctx, unsigned source);
    void *done_ctx;
    struct plic_context context[];
};

static struct plic *plic_of(struct device *dev)
{
    return hull_container_of(dev, struct plic, dev);
}

static bool test(const uint32_t *words, unsigned source)
{
    return words[source / 32] >> source % 32 & 1;
}

static void assign(uint32_t *words, unsigned source, bool value)
{
    uint32_t bit = (uint32_t)1 << source % 32;

    words[source / 32] = value ? words[source / 32] | bit : words[source / 32] & ~bit;
}

// The enabled pending source of the highest priority above `threshold`, the lowest number among
// equals; 0: none. Priority 0 never interrupts.
static unsigned best_source(const struct plic *p, const struct plic_context *c, unsigned threshold)
{
    unsigned best = 0;
    unsigned best_priority = threshold;

    for (unsigned word = 0; word < p->words; word++) {
        for (uint32_t bits = p->pending[word] & c->enable[word]; bits; bits &= bits - 1) {
            unsigned source = word * 32 + hull_ctz32(bits);

            if (p->priority[source] > best_priority) {
                best = source;
                best_priority = p->priority[source];
            }
        }
    }
    return best;
}

static void update_context(struct plic *p, unsigned index)
{
    struct plic_context *c = &p->context[index];
    bool level = best_source(p, c, c->threshold) != 0;

    if (level == c->level)
        return;
    c->level = level;
    hull_vcpu_set_irq(&p->vm->vcpus[index / 2], index & 1 ? LINE_SEIP : LINE_MEIP, level);
}

static void update_all(struct plic *p)
{
    for (unsigned i = 0; i < p->contexts; i++)
        update_context(p, i);
}

// A wire changed or a request was completed: an open gateway turns a high wire into a request. Once
// made, the request stays although the wire falls (PLIC specification, "Interrupt Gateways").
static void gateway(struct plic *p, unsigned source)
{
    if (!test(p->wires, source) || test(p->claimed, source) || test(p->pending, source))
        return;
    assign(p->pending, source, true);
    update_all(p);
}

// The threshold masks the notification, not the claim.
static uint32_t claim(struct plic *p, struct plic_context *c)
{
    unsigned source = best_source(p, c, 0);

    if (source) {
        assign(p->pending, source, false);
        assign(p->claimed, source, true);
        update_all(p);
    }
    return source;
}

static void complete(struct plic *p, struct plic_context *c, uint64_t number)
{
    unsigned source = (unsigned)number;

    if (number == 0 || number >= p->sources || !test(c->enable, source))
        return;
    if (test(p->claimed, source) && test(p->latched, source)) {
        assign(p->wires, source, false);
        p->done(p->done_ctx, source);
    }
    assign(p->claimed, source, false);
    gateway(p, source);
}

static uint32_t context_read(struct plic *p, uint64_t offset)
{
    uint64_t index = offset / CONTEXT_STRIDE;

    if (index >= p->contexts)
        return 0;
    switch (offset % CONTEXT_STRIDE) {
    case CONTEXT_THRESHOLD: return p->context[index].threshold;
    case CONTEXT_CLAIM: return claim(p, &p->context[index]);
    default: return 0;
    }
}

static void context_write(struct plic *p, uint64_t offset, uint32_t value)
{
    uint64_t index = offset / CONTEXT_STRIDE;

    if (index >= p->contexts)
        return;
    if (offset % CONTEXT_STRIDE == CONTEXT_CLAIM) {
        complete(p, &p->context[index], value);
    } else if (offset % CONTEXT_STRIDE == CONTEXT_THRESHOLD) {
        p->context[index].threshold = value & PRIORITY_MAX;
        update_context(p, index);
    }
}

// The enable word that `offset` (from ENABLE_BASE) names, or NULL. *valid: bits of real sources.
static uint32_t *enable_word(struct plic *p, uint64_t offset, uint64_t *index, uint32_t *valid)
{
    uint64_t word = offset % ENABLE_STRIDE / 4;
    unsigned left;

    *index = offset / ENABLE_STRIDE;
    if (*index >= p->contexts || word >= p->words)
        return NULL;
    left = p->sources - word * 32;
    *valid = left >= 32 ? UINT32_MAX : ((uint32_t)1 << left) - 1;
    if (word == 0)
        *valid &= ~(uint32_t)1; // there is no source 0
    return &p->context[*index].enable[word];
}

static int plic_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct plic *p = plic_of(dev);
    uint64_t index;
    uint32_t valid, *word;

    if (size != 4 || (offset & 3))
        return -HULL_EFAULT;
    *value = 0;
    if (offset < PENDING_BASE) {
        if (offset / 4 < p->sources)
            *value = p->priority[offset / 4];
    } else if (offset < PENDING_END) {
        if ((offset - PENDING_BASE) / 4 < p->words)
            *value = p->pending[(offset - PENDING_BASE) / 4];
    } else if (offset >= CONTEXT_BASE) {
        *value = context_read(p, offset - CONTEXT_BASE);
    } else if (offset >= ENABLE_BASE) {
        word = enable_word(p, offset - ENABLE_BASE, &index, &valid);
        if (word)
            *value = *word;
    }
    return 0;
}

static int plic_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct plic *p = plic_of(dev);
    uint64_t index;
    uint32_t valid, *word;

    if (size != 4 || (offset & 3))
        return -HULL_EFAULT;
    if (offset < PENDING_BASE) {
        if (offset && offset / 4 < p->sources) {
            p->priority[offset / 4] = value & PRIORITY_MAX;
            update_all(p);
        }
    } else if (offset >= CONTEXT_BASE) {
        context_write(p, offset - CONTEXT_BASE, (uint32_t)value);
    } else if (offset >= ENABLE_BASE) {
        word = enable_word(p, offset - ENABLE_BASE, &index, &valid);
        if (word) {
            *word = (uint32_t)value & valid;
            update_context(p, index);
        }
    }
    return 0; // the pending bits are read-only
}

// The wires keep their levels: each source resets its own, and leaves no request behind.
static void plic_reset(struct device *dev)
{
    struct plic *p = plic_of(dev);

    memset(p->priority, 0, sizeof(p->priority));
    memset(p->claimed, 0, sizeof(p->claimed));
    memset(p->pending, 0, sizeof(p->pending));
    for (unsigned i = 0; i < p->contexts; i++) {
        memset(p->context[i].enable, 0, sizeof(p->context[i].enable));
        p->context[i].threshold = 0;
        update_context(p, i);
    }
}

static void plic_destroy(struct device *dev)
{
    struct plic *p = plic_of(dev);
    const struct hull_env *env = dev->env;

    hull_device_fini(dev);
    hull_free(env, p, p->alloc_size);
}

static const struct device_ops plic_ops = {
    .name = "plic",
    .read = plic_read,
    .write = plic_write,
    .reset = plic_reset,
    .destroy = plic_destroy,
};

struct device *hull_plic_create(struct vm *vm, unsigned sources)
{
    unsigned contexts = 2 * vm->vcpu_count;
    size_t size = sizeof(struct plic) + contexts * sizeof(struct plic_context);
    struct plic *p = hull_alloc(&vm->env, size);

    if (!p)
        return NULL;
    hull_device_init(&p->dev, &plic_ops, &vm->env);
    p->vm = vm;
    p->sources = sources < SOURCES_MAX ? sources : SOURCES_MAX;
    p->words = (p->sources + 31) / 32;
    p->contexts = contexts;
    p->alloc_size = size;
    return &p->dev;
}

// Called with the source device's lock held: the PLIC's comes after every other device's.
static void wire_set(void *ctx, unsigned source, bool level)
{
    struct plic *p = ctx;

    if (source == 0 || source >= p->sources)
        return;
    hull_device_lock(&p->dev);
    assign(p->wires, source, level);
    gateway(p, source);
    hull_device_unlock(&p->dev);
}

void hull_plic_on_complete(struct device *plic, unsigned word, uint32_t mask,
                           void (*done)(void *ctx, unsigned source), void *ctx)
{
    struct plic *p = plic_of(plic);

    p->latched[word] = mask;
    p->done = done;
    p->done_ctx = ctx;
}

struct irq_wire hull_plic_wire(struct device *plic, unsigned source)
{
    return (struct irq_wire){.set = wire_set, .ctx = plic_of(plic), .line = source};
}
