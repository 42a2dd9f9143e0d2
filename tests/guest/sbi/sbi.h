// SPDX-License-Identifier: Apache-2.0
// SBI calls and the numbers of SBI 2.0.
#ifndef TEST_SBI_H
#define TEST_SBI_H

#include "csr.h"

struct sbi_ret {
    int64_t error;
    uint64_t value;
};

#define SBI_BASE 0x10
#define SBI_TIME 0x54494d45
#define SBI_IPI 0x735049
#define SBI_RFENCE 0x52464e43
#define SBI_HSM 0x48534d
#define SBI_SRST 0x53525354
#define SBI_DBCN 0x4442434e
#define SBI_SUSP 0x53555350
#define SBI_PMU 0x504d55

#define SBI_OK 0
#define SBI_FAILED -1
#define SBI_NOT_SUPPORTED -2
#define SBI_INVALID_PARAM -3
#define SBI_DENIED -4
#define SBI_INVALID_ADDRESS -5
#define SBI_ALREADY_AVAILABLE -6
#define SBI_ALREADY_STARTED -7
#define SBI_ALREADY_STOPPED -8
#define SBI_NO_SHMEM -9

// With a check that everything but a0 and a1 is kept.
static inline struct sbi_ret sbi(uint64_t ext, uint64_t fid, uint64_t arg0, uint64_t arg1,
                                 uint64_t arg2, uint64_t arg3)
{
    register uint64_t a0 __asm__("a0") = arg0, a1 __asm__("a1") = arg1;
    register uint64_t a2 __asm__("a2") = arg2, a3 __asm__("a3") = arg3;
    register uint64_t a4 __asm__("a4") = 0, a5 __asm__("a5") = 0;
    register uint64_t a6 __asm__("a6") = fid, a7 __asm__("a7") = ext;
    struct sbi_ret ret;
    bool kept;

    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a6), "+r"(a7), "+r"(a4),
                       "+r"(a5)
                     :
                     : "memory");
    ret = (struct sbi_ret){(int64_t)a0, a1};
    kept = a2 == arg2 && a3 == arg3 && a6 == fid && a7 == ext;
    CHECK(kept);
    return ret;
}

#define SBI(ext, fid) sbi(ext, fid, 0, 0, 0, 0)
#define SBI1(ext, fid, a) sbi(ext, fid, a, 0, 0, 0)
#define SBI2(ext, fid, a, b) sbi(ext, fid, a, b, 0, 0)
#define SBI3(ext, fid, a, b, c) sbi(ext, fid, a, b, c, 0)

#define HART_STARTED 0
#define HART_STOPPED 1
#define HART_SUSPENDED 4

void rt_sbi_entry(void);

#endif
