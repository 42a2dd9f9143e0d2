// SPDX-License-Identifier: Apache-2.0
// An APLIC's sources: from a wire to a pending bit, and from there to an MSI or a hart's wire.
// Specification: RISC-V AIA 1.0, chapter "Advanced Platform-Level Interrupt Controller", above all
// "Precise effects on interrupt-pending bits".
#include <hull/msi.h>

#include "core/dev/aplic.h"
#include "lib/bits.h"

#define LINE_SEIP 9
#define LINE_MEIP 11

static struct aplic *root_of(struct aplic *a)
{
    while (a->parent)
        a = a->parent;
    return a;
}

static bool delegated(const struct aplic *a, unsigned source)
{
    return a->sourcecfg[source] & SOURCECFG_D;
}

static bool exists(const struct aplic *a, uint32_t source)
{
    return source && source <= a->sources && (!a->parent || delegated(a->parent, source));
}

bool aplic_active(const struct aplic *a, unsigned source)
{
    return a->sourcecfg[source] != SM_INACTIVE && !delegated(a, source);
}

static unsigned mode_of(const struct aplic *a, unsigned source)
{
    return aplic_active(a, source) ? a->sourcecfg[source] & SOURCECFG_SM : SM_INACTIVE;
}

static bool is_level(unsigned mode)
{
    return mode == SM_LEVEL1 || mode == SM_LEVEL0;
}

// Modes that follow the wire are inverted when they are odd.
static bool rectify(unsigned mode, bool wire)
{
    return mode >= SM_EDGE1 && wire != (mode & 1);
}

bool aplic_rectified(const struct aplic *a, unsigned source)
{
    const struct aplic *root = a;

    if (aplic_test(a->backed, source))
        return mode_of(a, source) >= SM_EDGE1 && a->backing->input(a->backing_ctx, source);
    while (root->parent)
        root = root->parent;
    return rectify(mode_of(a, source), aplic_test(root->wires, source));
}

void aplic_send(struct aplic *a, uint32_t target, bool guest_allowed)
{
    uint32_t hart = target >> TARGET_HART_SHIFT;
    uint32_t guest = guest_allowed ? (target & TARGET_GUEST) >> TARGET_GUEST_SHIFT : 0;

    if (hart < a->vm->vcpu_count && guest <= a->guests)
        hull_msi_send(&a->vm->vcpus[hart], a->machine ? HULL_MSI_FILE_M : HULL_MSI_FILE_S + guest,
                      target & TARGET_EIID);
}

uint32_t aplic_pending(const struct aplic *a, unsigned word)
{
    uint32_t pending = a->pending[word];

    for (uint32_t bits = a->backed[word]; bits; bits &= bits - 1) {
        unsigned bit = hull_ctz32(bits);

        pending |= (uint32_t)a->backing->pending(a->backing_ctx, word * 32 + bit) << bit;
    }
    return pending;
}

// The enabled pending source of the highest priority for the hart: identity << 16 | priority, or 0.
uint32_t aplic_top(const struct aplic *a, unsigned hart)
{
    unsigned threshold = a->idc[hart].threshold ? a->idc[hart].threshold : TARGET_IPRIO + 1;
    uint32_t best = 0;

    for (unsigned word = 0; word < a->words; word++) {
        for (uint32_t bits = a->pending[word] & a->enable[word]; bits; bits &= bits - 1) {
            unsigned source = word * 32 + hull_ctz32(bits);
            uint32_t target = a->target[source];

            if (target >> TARGET_HART_SHIFT == hart && (target & TARGET_IPRIO) < threshold) {
                threshold = target & TARGET_IPRIO;
                best = source << 16 | threshold;
            }
        }
    }
    return best;
}

void aplic_update_hart(struct aplic *a, unsigned hart)
{
    struct aplic_idc *idc = &a->idc[hart];
    bool level = !a->msi && a->enabled && idc->delivery && (idc->force || aplic_top(a, hart));

    if (level == idc->level)
        return;
    idc->level = level;
    hull_vcpu_set_irq(&a->vm->vcpus[hart], a->machine ? LINE_MEIP : LINE_SEIP, level);
}

static void configure_backing(struct aplic *a, unsigned source)
{
    const struct aplic_route route = {
        .mode = mode_of(a, source),
        .vcpu = a->target[source] >> TARGET_HART_SHIFT,
        .identity = a->target[source] & TARGET_EIID,
        .enabled = a->enabled && aplic_test(a->enable, source),
    };

    a->backing->configure(a->backing_ctx, source, &route);
}

// After something about a source changed.
static void deliver(struct aplic *a, unsigned source)
{
    uint32_t hart = a->target[source] >> TARGET_HART_SHIFT;

    if (aplic_test(a->backed, source)) {
        configure_backing(a, source);
    } else if (!a->msi) {
        if (hart < a->vm->vcpu_count)
            aplic_update_hart(a, hart);
    } else if (a->enabled && aplic_test(a->pending, source) && aplic_test(a->enable, source)) {
        aplic_assign(a->pending, source, false);
        aplic_send(a, a->target[source], !a->machine);
    }
}

void aplic_deliver_all(struct aplic *a)
{
    for (unsigned hart = 0; !a->msi && hart < a->vm->vcpu_count; hart++)
        aplic_update_hart(a, hart);
    for (unsigned word = 0; a->msi && word < a->words; word++) {
        uint32_t ready = a->enabled ? a->pending[word] & a->enable[word] : 0;

        for (uint32_t bits = ready | a->backed[word]; bits; bits &= bits - 1)
            deliver(a, word * 32 + hull_ctz32(bits));
    }
}

// The rectified input went from `was` to `now`.
static void input_changed(struct aplic *a, unsigned source, bool was, bool now)
{
    if (was == now)
        return;
    if (now)
        aplic_assign(a->pending, source, true);
    else if (is_level(mode_of(a, source)))
        aplic_assign(a->pending, source, false);
    deliver(a, source);
}

static void wire_changed(struct aplic *root, unsigned source, bool level)
{
    struct aplic *a = root;
    bool was;

    while (a->child && delegated(a, source))
        a = a->child;
    was = aplic_rectified(a, source);
    aplic_assign(root->wires, source, level);
    input_changed(a, source, was, aplic_rectified(a, source));
}

// The handler has done with a source whose wire nobody lowers.
static void complete_latched(struct aplic *a, unsigned source)
{
    struct aplic *root = root_of(a);

    if (!aplic_test(root->latched, source) || !aplic_test(root->wires, source))
        return;
    wire_changed(root, source, false);
    root->done(root->done_ctx, source);
}

static void deactivate(struct aplic *a, unsigned source)
{
    aplic_assign(a->pending, source, false);
    aplic_assign(a->enable, source, false);
    deliver(a, source); // to the old target, where the wire falls
    a->target[source] = 0;
}

void aplic_configure(struct aplic *a, unsigned source, uint32_t value)
{
    bool was_active = aplic_active(a, source), was_delegated = delegated(a, source);

    if (!exists(a, source))
        return;
    if (value & SOURCECFG_D) {
        value = a->child ? SOURCECFG_D : SM_INACTIVE; // there is one child, 0
    } else {
        value &= SOURCECFG_SM;
        if (value == 2 || value == 3) // reserved
            value = SM_INACTIVE;
    }
    a->sourcecfg[source] = (uint16_t)value;
    if (was_delegated && !delegated(a, source)) {
        a->child->sourcecfg[source] = SM_INACTIVE;
        deactivate(a->child, source);
    }
    if (!aplic_active(a, source)) {
        deactivate(a, source);
        return;
    }
    if (!was_active)
        a->target[source] = a->msi ? 0 : 1; // priority 0 is none
    if (is_level(value) && !aplic_test(a->backed, source))
        aplic_assign(a->pending, source, aplic_rectified(a, source));
    deliver(a, source);
}

// Priorities are never 0; a guest index needs the supervisor's files.
void aplic_retarget(struct aplic *a, unsigned source, uint32_t value)
{
    uint32_t old = a->target[source], hart = ~0u << TARGET_HART_SHIFT;

    if (!aplic_active(a, source))
        return;
    if (a->msi)
        value &= hart | TARGET_EIID | (a->machine || !a->guests ? 0 : TARGET_GUEST);
    else
        value = (value & hart) | (value & TARGET_IPRIO ? value & TARGET_IPRIO : 1);
    a->target[source] = value;
    if (!a->msi && old >> TARGET_HART_SHIFT < a->vm->vcpu_count)
        aplic_update_hart(a, old >> TARGET_HART_SHIFT);
    deliver(a, source);
}

void aplic_set_pending(struct aplic *a, uint32_t source)
{
    if (!exists(a, source) || !aplic_active(a, source))
        return;
    if (is_level(mode_of(a, source)) && (!a->msi || !aplic_rectified(a, source)))
        return;
    if (aplic_test(a->backed, source)) {
        a->backing->set_pending(a->backing_ctx, source, true);
        return;
    }
    aplic_assign(a->pending, source, true);
    deliver(a, source);
}

void aplic_clear_pending(struct aplic *a, uint32_t source)
{
    if (!exists(a, source) || (!a->msi && is_level(mode_of(a, source))))
        return;
    if (aplic_test(a->backed, source)) {
        a->backing->set_pending(a->backing_ctx, source, false);
        return;
    }
    aplic_assign(a->pending, source, false);
    deliver(a, source);
}

void aplic_set_enable(struct aplic *a, uint32_t source, bool value)
{
    if (!exists(a, source) || !aplic_active(a, source))
        return;
    aplic_assign(a->enable, source, value);
    deliver(a, source);
}

// Levels stay pending: they are what the wire is.
uint32_t aplic_claim(struct aplic *a, unsigned hart)
{
    uint32_t top = aplic_top(a, hart);
    unsigned source = top >> 16;

    if (!top)
        a->idc[hart].force = false;
    else if (is_level(mode_of(a, source)))
        complete_latched(a, source);
    else
        aplic_assign(a->pending, source, false);
    aplic_update_hart(a, hart);
    return top;
}

// Called with the source device's lock held: the APLIC's comes after every other device's.
static void wire_set(void *ctx, unsigned source, bool level)
{
    struct aplic *root = ctx;

    if (!source || source > root->sources)
        return;
    hull_device_lock(&root->dev);
    wire_changed(root, source, level);
    hull_device_unlock(&root->dev);
}

struct irq_wire hull_aplic_wire(struct device *root, unsigned source)
{
    return (struct irq_wire){
        .set = wire_set, .ctx = hull_container_of(root, struct aplic, dev), .line = source};
}

void hull_aplic_on_complete(struct device *root, unsigned word, uint32_t mask,
                            void (*done)(void *ctx, unsigned source), void *ctx)
{
    struct aplic *a = hull_container_of(root, struct aplic, dev);

    a->latched[word] = mask;
    a->done = done;
    a->done_ctx = ctx;
}

void hull_aplic_back(struct device *domain, unsigned source, const struct aplic_backing *backing,
                     void *ctx)
{
    struct aplic *a = hull_container_of(domain, struct aplic, dev);

    a->backing = backing;
    a->backing_ctx = ctx;
    aplic_assign(a->backed, source, true);
    deliver(a, source);
}
