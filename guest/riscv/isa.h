// SPDX-License-Identifier: Apache-2.0
// Which extensions a hart has. The names, their order in the ISA string, and the bits are one list.
#ifndef HULL_RISCV_ISA_H
#define HULL_RISCV_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// X(NAME, "string"): single letters first, then Z, S as the specification orders an ISA string.
#define RISCV_EXTENSIONS(X)         \
    X(I, "i")                       \
    X(M, "m")                       \
    X(A, "a")                       \
    X(F, "f")                       \
    X(D, "d")                       \
    X(C, "c")                       \
    X(H, "h")                       \
    X(ZIC64B, "zic64b")             \
    X(ZICBOM, "zicbom")             \
    X(ZICBOP, "zicbop")             \
    X(ZICBOZ, "zicboz")             \
    X(ZICCAMOA, "ziccamoa")         \
    X(ZICCIF, "ziccif")             \
    X(ZICCLSM, "zicclsm")           \
    X(ZICCRSE, "ziccrse")           \
    X(ZICNTR, "zicntr")             \
    X(ZICOND, "zicond")             \
    X(ZICSR, "zicsr")               \
    X(ZIFENCEI, "zifencei")         \
    X(ZIHINTNTL, "zihintntl")       \
    X(ZIHINTPAUSE, "zihintpause")   \
    X(ZIHPM, "zihpm")               \
    X(ZA64RS, "za64rs")             \
    X(ZACAS, "zacas")               \
    X(ZAWRS, "zawrs")               \
    X(ZFA, "zfa")                   \
    X(ZFH, "zfh")                   \
    X(ZFHMIN, "zfhmin")             \
    X(ZCA, "zca")                   \
    X(ZCB, "zcb")                   \
    X(ZCD, "zcd")                   \
    X(ZBA, "zba")                   \
    X(ZBB, "zbb")                   \
    X(ZBC, "zbc")                   \
    X(ZBKB, "zbkb")                 \
    X(ZBKX, "zbkx")                 \
    X(ZBS, "zbs")                   \
    X(ZKT, "zkt")                   \
    X(SHCOUNTERENW, "shcounterenw") \
    X(SHGATPA, "shgatpa")           \
    X(SHTVALA, "shtvala")           \
    X(SHVSATPA, "shvsatpa")         \
    X(SHVSTVALA, "shvstvala")       \
    X(SHVSTVECD, "shvstvecd")       \
    X(SMAIA, "smaia")               \
    X(SSAIA, "ssaia")               \
    X(SSCCPTR, "ssccptr")           \
    X(SSCOFPMF, "sscofpmf")         \
    X(SSCOUNTERENW, "sscounterenw") \
    X(SSTC, "sstc")                 \
    X(SSTVALA, "sstvala")           \
    X(SSTVECD, "sstvecd")           \
    X(SSU64XL, "ssu64xl")           \
    X(SVADE, "svade")               \
    X(SVADU, "svadu")               \
    X(SVBARE, "svbare")             \
    X(SVINVAL, "svinval")           \
    X(SVNAPOT, "svnapot")           \
    X(SVPBMT, "svpbmt")

enum riscv_extension {
#define X(name, string) EXT_##name,
    RISCV_EXTENSIONS(X)
#undef X
        EXT_COUNT
};

// Sv modes that satp accepts, by the deepest; hgatp accepts their x4 forms.
struct riscv_isa {
    uint64_t extensions; // bit per enum riscv_extension
    uint8_t sv_levels;   // 0 (no satp modes), 3 (Sv39), 4 (Sv48) or 5 (Sv57)
    uint8_t geilen;      // guest external interrupts, 0 to 63: the bits of hgeip from bit 1 on
};

// What is only there with the hypervisor extension, and that itself.
#define RISCV_H_EXTENSIONS                                                                  \
    (1ull << EXT_H | 1ull << EXT_SHCOUNTERENW | 1ull << EXT_SHGATPA | 1ull << EXT_SHTVALA | \
     1ull << EXT_SHVSATPA | 1ull << EXT_SHVSTVALA | 1ull << EXT_SHVSTVECD)

// The harts' side of AIA with IMSICs, which comes with the board's.
#define RISCV_AIA_EXTENSIONS (1ull << EXT_SMAIA | 1ull << EXT_SSAIA)

static inline bool riscv_isa_has(const struct riscv_isa *isa, enum riscv_extension ext)
{
    return isa->extensions >> ext & 1;
}

// Everything that Hull implements on every board: RVA22S64 with H and more, Sv57; no AIA and no guest
// external interrupts, which need IMSICs.
struct riscv_isa riscv_isa_default(void);

// "rv64imafdc_zic64b_…" into buf; the length without the NUL, or -HULL_ENOSPC.
int riscv_isa_string(const struct riscv_isa *isa, char *buf, size_t size);

// The name of an extension ("zba"); NULL when out of range. For riscv,isa-extensions.
const char *riscv_extension_name(enum riscv_extension ext);

#endif
