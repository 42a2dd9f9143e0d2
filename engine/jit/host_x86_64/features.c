// SPDX-License-Identifier: Apache-2.0
// What the host's CPU has beyond x86-64's base.
#include <cpuid.h>
#include <stdlib.h>

#include "engine/jit/host_x86_64/target.h"

// AVX's state must be the operating system's affair, too, before VEX encodings may be used.
static bool os_keeps_ymm(unsigned ecx)
{
    unsigned low, high;

    if (!(ecx & bit_OSXSAVE))
        return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

// HULL_JIT_HOST_FEATURES, a mask of enum x86_feature, takes some away: tests run what older hosts get.
static uint32_t wanted(void)
{
    const char *mask = getenv("HULL_JIT_HOST_FEATURES");

    return mask ? (uint32_t)strtol(mask, NULL, 0) : UINT32_MAX;
}

uint32_t x86_features(void)
{
    unsigned eax, ebx, ecx = 0, edx;
    uint32_t has = 0;
    bool vex;

    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        vex = ecx & bit_AVX && os_keeps_ymm(ecx);
        has |= ecx & bit_POPCNT ? HAS_POPCNT : 0;
        has |= ecx & bit_SSE4_1 ? HAS_SSE41 : 0;
        has |= ecx & bit_PCLMUL ? HAS_PCLMUL : 0;
        has |= vex ? HAS_AVX : 0;
        has |= vex && ecx & bit_FMA ? HAS_FMA : 0;
        has |= vex && ecx & bit_F16C ? HAS_F16C : 0;
    }
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        has |= ebx & bit_BMI ? HAS_BMI1 : 0;
        has |= ebx & bit_BMI2 ? HAS_BMI2 : 0;
    }
    if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx))
        has |= ecx & 1 << 5 ? HAS_LZCNT : 0;
    return has & wanted();
}
