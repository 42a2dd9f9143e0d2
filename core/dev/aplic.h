// SPDX-License-Identifier: Apache-2.0
// An APLIC's interrupt domain, between its registers (aplic.c) and its sources (aplic_source.c). The
// domains of one APLIC share the root's lock, which guards all that is here.
#ifndef HULL_CORE_DEV_APLIC_H
#define HULL_CORE_DEV_APLIC_H

#include "core/dev/devices.h"

#define APLIC_SOURCES_MAX 1023
#define APLIC_WORDS (APLIC_SOURCES_MAX / 32 + 1)

// sourcecfg: D, or the source mode.
#define SOURCECFG_D (1u << 10)
#define SOURCECFG_SM 7u
enum { SM_INACTIVE = 0, SM_DETACHED = 1, SM_EDGE1 = 4, SM_EDGE0, SM_LEVEL1, SM_LEVEL0 };

#define TARGET_HART_SHIFT 18
#define TARGET_GUEST_SHIFT 12
#define TARGET_GUEST (0x3fu << TARGET_GUEST_SHIFT)
#define TARGET_EIID 0x7ffu
#define TARGET_IPRIO 0xffu

// A hart's interrupt delivery control, without MSIs.
struct aplic_idc {
    bool delivery, force;
    uint8_t threshold;
    bool level; // what the hart's wire was set to
};

struct aplic {
    struct device dev;
    struct vm *vm;
    struct aplic *parent, *child; // NULL: the root, a leaf
    unsigned sources, words, guests;
    size_t alloc_size;
    bool machine, msi;
    bool enabled; // domaincfg.IE
    uint32_t genmsi;
    uint16_t sourcecfg[APLIC_SOURCES_MAX + 1];
    uint32_t target[APLIC_SOURCES_MAX + 1];
    uint32_t pending[APLIC_WORDS], enable[APLIC_WORDS];

    // The root's.
    uint32_t wires[APLIC_WORDS];   // levels
    uint32_t latched[APLIC_WORDS]; // sources that fall when the handler has done with them
    void (*done)(void *ctx, unsigned source);
    void *done_ctx;

    uint32_t backed[APLIC_WORDS]; // sources that have a real APLIC's behind them
    const struct aplic_backing *backing;
    void *backing_ctx;

    struct aplic_idc idc[];
};

static inline bool aplic_test(const uint32_t *words, unsigned source)
{
    return words[source / 32] >> source % 32 & 1;
}

static inline void aplic_assign(uint32_t *words, unsigned source, bool value)
{
    uint32_t bit = (uint32_t)1 << source % 32;

    words[source / 32] = value ? words[source / 32] | bit : words[source / 32] & ~bit;
}

// Whether the domain has the source, neither delegated nor inactive.
bool aplic_active(const struct aplic *a, unsigned source);
bool aplic_rectified(const struct aplic *a, unsigned source); // its input, as the mode reads it

uint32_t aplic_pending(const struct aplic *a, unsigned word); // of 32 sources

// Registers' effects on one source; numbers that are no source's are ignored.
void aplic_configure(struct aplic *a, unsigned source, uint32_t value); // sourcecfg
void aplic_retarget(struct aplic *a, unsigned source, uint32_t value);  // target
void aplic_set_pending(struct aplic *a, uint32_t source);               // setip, setipnum
void aplic_clear_pending(struct aplic *a, uint32_t source);             // in_clrip, clripnum
void aplic_set_enable(struct aplic *a, uint32_t source, bool value);    // setie, clrie and the like

// Sends what is ready to be sent, or sets the harts' wires, after the domain's IE or much else changed.
void aplic_deliver_all(struct aplic *a);
void aplic_send(struct aplic *a, uint32_t target, bool guest_allowed); // an MSI

uint32_t aplic_top(const struct aplic *a, unsigned hart);
uint32_t aplic_claim(struct aplic *a, unsigned hart);
void aplic_update_hart(struct aplic *a, unsigned hart);

#endif
