// SPDX-License-Identifier: Apache-2.0
// AIA as a guest of S mode sees it: its hart's interrupt file, the pages of all of them, and the APLIC's domain.
#ifndef BENCH_METAL_AIA_H
#define BENCH_METAL_AIA_H

#include "bench/metal/guest.h"

#define IMSIC 0x28000000ull
#define APLIC 0x0d000000ull
#define EIDELIVERY 0x70
#define EITHRESHOLD 0x72
#define EIP0 0x80
#define EIE0 0xc0
#define SIE_SEIE 0x200

// By number: assemblers differ in which names they know.
#define SISELECT 0x150
#define SIREG 0x151
#define STOPEI 0x15c
#define STOPI 0xdb0

#define csr_number_(name) #name
#define csr_number(name) csr_number_(name)
#define aia_get(csr)                                                            \
    ({                                                                          \
        uint64_t value_;                                                        \
        __asm__ volatile("csrr %0, " csr_number(csr) : "=r"(value_)::"memory"); \
        value_;                                                                 \
    })
#define aia_swap(csr, value)                                 \
    ({                                                       \
        uint64_t value_;                                     \
        __asm__ volatile("csrrw %0, " csr_number(csr) ", %1" \
                         : "=r"(value_)                      \
                         : "r"((uint64_t)(value))            \
                         : "memory");                        \
        value_;                                              \
    })
#define aia_on(csr, value) \
    __asm__ volatile("csrs " csr_number(csr) ", %0" ::"r"((uint64_t)(value)) : "memory")

static inline uint64_t file_get(uint64_t select)
{
    aia_swap(SISELECT, select);
    return aia_get(SIREG);
}

static inline void file_put(uint64_t select, uint64_t value)
{
    aia_swap(SISELECT, select);
    aia_swap(SIREG, value);
}

static inline void file_on(uint64_t select, uint64_t bits)
{
    aia_swap(SISELECT, select);
    aia_on(SIREG, bits);
}

static inline uint32_t file_claim(void) // 0: nothing
{
    uint32_t identity = (uint32_t)(aia_swap(STOPEI, 0) >> 16);

    __asm__ volatile("fence" ::: "memory"); // what was written before it was sent
    return identity;
}

static inline void message(uint64_t hart, uint32_t identity)
{
    __asm__ volatile("fence w, o" ::: "memory");
    *(volatile uint32_t *)(IMSIC + hart * 0x1000) = identity;
}

static inline volatile uint32_t *aplic(uint64_t offset)
{
    return (volatile uint32_t *)(APLIC + offset);
}

#endif
