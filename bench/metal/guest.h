// SPDX-License-Identifier: Apache-2.0
// What small guests of hull-metal share: calls, registers, and a console.
#ifndef BENCH_METAL_GUEST_H
#define BENCH_METAL_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define csr_get(name)                                                    \
    ({                                                                   \
        uint64_t value_;                                                 \
        __asm__ volatile("csrr %0, " #name : "=r"(value_) : : "memory"); \
        value_;                                                          \
    })
#define csr_put(name, value) \
    __asm__ volatile("csrw " #name ", %0" : : "rK"((uint64_t)(value)) : "memory")
#define csr_on(name, value) \
    __asm__ volatile("csrs " #name ", %0" : : "rK"((uint64_t)(value)) : "memory")
#define csr_off(name, value) \
    __asm__ volatile("csrc " #name ", %0" : : "rK"((uint64_t)(value)) : "memory")

struct sbi_result {
    int64_t error;
    uint64_t value;
};

static inline struct sbi_result sbi(uint64_t eid, uint64_t fid, uint64_t arg0, uint64_t arg1,
                                    uint64_t arg2)
{
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register uint64_t a2 __asm__("a2") = arg2;
    register uint64_t a6 __asm__("a6") = fid;
    register uint64_t a7 __asm__("a7") = eid;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(int64_t)a0, a1};
}

#define SBI_BASE 0x10
#define SBI_TIME 0x54494d45
#define SBI_IPI 0x735049
#define SBI_HSM 0x48534d
#define SBI_SRST 0x53525354
#define SBI_DBCN 0x4442434e

extern char _start[];

// The VM's other harts, at _start, but no more than `most` in all. How many there are.
static inline uint64_t start_harts(uint64_t most)
{
    uint64_t harts = 1;

    while (harts < most && !sbi(SBI_HSM, 2, harts, 0, 0).error)
        harts++;
    for (uint64_t i = 1; i < harts; i++)
        sbi(SBI_HSM, 0, i, (uint64_t)(uintptr_t)_start, 0);
    return harts;
}

static inline void put_text(const char *text)
{
    size_t length = 0;

    while (text[length])
        length++;
    while (length) {
        struct sbi_result ret = sbi(SBI_DBCN, 0, length, (uint64_t)(uintptr_t)text, 0);

        if (ret.error) { // firmware without DBCN
            sbi(1, 0, (uint8_t)*text, 0, 0);
            ret.value = 1;
        }
        text += ret.value;
        length -= ret.value;
    }
}

static inline void put_number(uint64_t number)
{
    char text[24];
    unsigned at = sizeof(text) - 1;

    text[at] = 0;
    do
        text[--at] = (char)('0' + number % 10);
    while (number /= 10);
    put_text(text + at);
}

static inline void power_off(void)
{
    sbi(SBI_SRST, 0, 0, 0, 0);
    for (;;)
        ;
}

void guest_main(uint64_t hartid);

#endif
