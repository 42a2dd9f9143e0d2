// SPDX-License-Identifier: Apache-2.0
// AIA for the guest programs: CSRs by number (binutils of old do not know them), indirect registers, the
// pages of the IMSICs, the APLIC's registers.
#ifndef RT_AIA_H
#define RT_AIA_H

#include "csr.h"

#define miselect 0x350
#define mireg 0x351
#define mtopei 0x35c
#define mtopi 0xfb0
#define mvien 0x308
#define mvip 0x309
#define siselect 0x150
#define sireg 0x151
#define stopei 0x15c
#define stopi 0xdb0
#define hvien 0x608
#define hvictl 0x609
#define hviprio1 0x646
#define hviprio2 0x647
#define vsiselect 0x250
#define vsireg 0x251
#define vstopei 0x25c
#define vstopi 0xeb0

#define EIDELIVERY 0x70
#define EITHRESHOLD 0x72
#define EIP(word) (0x80 + 2 * (word))
#define EIE(word) (0xc0 + 2 * (word))
#define IPRIO(k) (0x30 + (k))
#define TOP(identity) ((uint64_t)(identity) << 16 | (identity))
#define TOPI(iid, priority) ((uint64_t)(iid) << 16 | (priority))

#define ireg_read(level, select)           \
    ({                                     \
        csr_write(level##iselect, select); \
        csr_read(level##ireg);             \
    })
#define ireg_write(level, select, value)   \
    do {                                   \
        csr_write(level##iselect, select); \
        csr_write(level##ireg, value);     \
    } while (0)

// With four pages for each hart's supervisor and guest files: three guests.
#define IMSIC_M(hart) (0x24000000ul + 0x1000 * (hart))
#define IMSIC_S(hart, guest) (0x28000000ul + 0x4000 * (hart) + 0x1000 * (guest))

#define APLIC_M 0xc000000ul
#define APLIC_S 0xd000000ul
#define APLIC_SOURCES 96
#define APLIC_IE 0x100
#define APLIC_SOURCECFG(n) (4 * (n))
#define APLIC_DELEGATE BIT(10) // in sourcecfg, and the modes
#define APLIC_DETACHED 1
#define APLIC_LEVEL1 6
#define APLIC_SETIP 0x1c00
#define APLIC_SETIPNUM 0x1cdc
#define APLIC_IN_CLRIP 0x1d00
#define APLIC_SETIENUM 0x1edc
#define APLIC_CLRIENUM 0x1fdc
#define APLIC_GENMSI 0x3000
#define APLIC_TARGET(n) (0x3000 + 4 * (n))
#define APLIC_IDC(hart) (0x4000 + 32 * (hart))

// A file without pending identities, with a word's worth of them enabled everywhere, and without delivery.
#define file_clear(level, enabled)               \
    do {                                         \
        for (unsigned i_ = 0; i_ < 4; i_++) {    \
            ireg_write(level, EIE(i_), enabled); \
            ireg_write(level, EIP(i_), 0);       \
        }                                        \
        ireg_write(level, EITHRESHOLD, 0);       \
        ireg_write(level, EIDELIVERY, 0);        \
    } while (0)

// Both domains with all sources inactive, and enabled.
static inline void aplic_clear(void)
{
    for (unsigned n = 1; n < APLIC_SOURCES; n++) {
        wr32(APLIC_S + APLIC_SOURCECFG(n), 0);
        wr32(APLIC_M + APLIC_SOURCECFG(n), 0);
    }
    wr32(APLIC_M, APLIC_IE);
    wr32(APLIC_S, APLIC_IE);
}

static inline void aplic_source(uintptr_t domain, unsigned n, unsigned mode, unsigned target)
{
    wr32(domain + APLIC_SOURCECFG(n), mode);
    wr32(domain + APLIC_TARGET(n), target);
    wr32(domain + APLIC_SETIENUM, n);
}

// An MSI is on its way for a while, even to the hart itself.
#define SOON(condition)                           \
    do {                                          \
        uint64_t end_ = rt_time() + 1000 * RT_MS; \
        while (!(condition) && rt_time() < end_)  \
            ;                                     \
        CHECK(condition);                         \
    } while (0)

#endif
