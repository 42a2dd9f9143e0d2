// SPDX-License-Identifier: Apache-2.0
// Misaligned accesses, sign extension, cache-block operations, and the prefetch hints.
#include "csr.h"
#include "pt.h"

static uint8_t area[256] __attribute__((aligned(64)));

static void fill(void)
{
    for (unsigned i = 0; i < sizeof(area); i++)
        area[i] = (uint8_t)(i * 37 + 129);
}

static uint64_t bytes_at(const uint8_t *p, unsigned size)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

#define LOADER(name, insn)                                                \
    static uint64_t name(const void *p)                                   \
    {                                                                     \
        uint64_t v;                                                       \
        __asm__ volatile(insn " %0, (%1)" : "=r"(v) : "r"(p) : "memory"); \
        return v;                                                         \
    }
#define STORER(name, insn)                                              \
    static void name(void *p, uint64_t v)                               \
    {                                                                   \
        __asm__ volatile(insn " %0, (%1)" ::"r"(v), "r"(p) : "memory"); \
    }

LOADER(lb, "lb")
LOADER(lbu, "lbu")
LOADER(lh, "lh")
LOADER(lhu, "lhu")
LOADER(lw, "lw")
LOADER(lwu, "lwu")
LOADER(ld, "ld")
STORER(sb, "sb")
STORER(sh, "sh")
STORER(sw, "sw")
STORER(sd, "sd")

static void check_loads(const uint8_t *p)
{
    EQ(lb(p), (int8_t)p[0]);
    EQ(lbu(p), p[0]);
    EQ(lh(p), (int16_t)bytes_at(p, 2));
    EQ(lhu(p), bytes_at(p, 2));
    EQ(lw(p), (int32_t)bytes_at(p, 4));
    EQ(lwu(p), bytes_at(p, 4));
    EQ(ld(p), bytes_at(p, 8));
}

static void check_stores(uint8_t *p)
{
    static void (*const store[])(void *, uint64_t) = {sb, sh, sw, sd};

    for (unsigned i = 0; i < 4; i++) {
        uint64_t before = bytes_at(p - 1, 1), v = 0x8899aabbccddeeff;
        unsigned size = 1u << i;

        p[size] = 0x5a;
        store[i](p, v);
        EQ(bytes_at(p, size), i == 3 ? v : v & ((1ul << 8 * size) - 1));
        EQ(p[-1], before);
        EQ(p[size], 0x5a);
    }
}

static void misaligned(void)
{
    fill();
    for (unsigned i = 64; i < 80; i++)
        check_loads(area + i);
    for (unsigned i = 64; i < 80; i++)
        check_stores(area + i);
}

static void misaligned_across_pages(void)
{
    uint8_t *pages = rt_pages(2);

    for (unsigned i = 0; i < 64; i++)
        pages[PAGE - 32 + i] = (uint8_t)(i * 73);
    for (unsigned i = 0; i < 16; i++)
        check_loads(pages + PAGE - 8 + i);
    for (unsigned i = 0; i < 16; i++)
        check_stores(pages + PAGE - 8 + i);
}

static void misaligned_fp(void)
{
    uint8_t *pages = rt_pages(2);
    uint64_t out[4] = {0}, *at;

    csr_set(mstatus, STATUS_FS_INITIAL);
    for (unsigned i = 0; i < 64; i++)
        pages[PAGE - 32 + i] = (uint8_t)(i * 73);
    for (unsigned i = 0; i < 12; i++) {
        uint8_t *p = pages + PAGE - 8 + i;

        at = out;
        __asm__ volatile(".option push\n.option arch, +d, +zfh\n"
                         "fld f0, (%0)\n fsd f0, 0(%1)\n flw f1, (%0)\n fsd f1, 8(%1)\n"
                         "flh f2, (%0)\n fsd f2, 16(%1)\n.option pop" ::"r"(p),
                         "r"(at)
                         : "memory");
        EQ(out[0], bytes_at(p, 8));
        EQ(out[1], bytes_at(p, 4) | 0xffffffff00000000);
        EQ(out[2], bytes_at(p, 2) | 0xffffffffffff0000);
        __asm__ volatile(".option push\n.option arch, +d, +zfh\n"
                         "fsd f0, 1(%0)\n fsw f1, -5(%0)\n fsh f2, -7(%0)\n.option pop" ::"r"(p)
                         : "memory");
        EQ(bytes_at(p + 1, 8), out[0]);
        EQ(bytes_at(p - 5, 4), out[1] & 0xffffffff);
        EQ(bytes_at(p - 7, 2), out[2] & 0xffff);
    }
    csr_clear(mstatus, STATUS_FS);
}

#define CBO(name, number)                                         \
    static struct rt_outcome name(uintptr_t at)                   \
    {                                                             \
        return TRY(".insn i 0x0f, 2, x0, %2, " #number, "r"(at)); \
    }
CBO(cbo_inval, 0)
CBO(cbo_clean, 1)
CBO(cbo_flush, 2)
CBO(cbo_zero, 4)

static void cache_blocks(void)
{
    NOT_ON_QEMU("7.2 has none");
    fill();
    NO_TRAPS(cbo_zero((uintptr_t)area + 64 + 17)); // any address of the block
    for (unsigned i = 0; i < sizeof(area); i++)
        EQ(area[i], i / 64 == 1 ? 0 : (uint8_t)(i * 37 + 129));
    fill();
    NO_TRAPS(cbo_inval((uintptr_t)area + 3));
    NO_TRAPS(cbo_clean((uintptr_t)area + 3));
    NO_TRAPS(cbo_flush((uintptr_t)area + 3));
    for (unsigned i = 0; i < sizeof(area); i++)
        EQ(area[i], (uint8_t)(i * 37 + 129));
    TRAPS(cbo_zero(0x40), CAUSE_STORE_ACCESS, 0x40);
    TRAPS(cbo_zero(0x47), CAUSE_STORE_ACCESS, 0x47);
    TRAPS(cbo_clean(0x44), CAUSE_STORE_ACCESS, 0x44);
    TRAPS(cbo_inval(0x44), CAUSE_STORE_ACCESS, 0x44);
}

static uint64_t zero_fault_at(uint64_t at)
{
    return cbo_zero(at).tval;
}

static uint64_t try_inval(uint64_t at)
{
    return cbo_inval(at).cause;
}

static uint64_t try_clean(uint64_t at)
{
    return cbo_clean(at).cause;
}

static uint64_t try_flush(uint64_t at)
{
    return cbo_flush(at).cause;
}

static uint64_t try_zero(uint64_t at)
{
    return cbo_zero(at).cause;
}

static void cache_block_enables(void)
{
    static uint64_t (*const op[])(uint64_t) = {try_inval, try_clean, try_flush, try_zero};
    static const uint64_t bits[] = {ENVCFG_CBIE_INVAL, ENVCFG_CBCFE, ENVCFG_CBCFE, ENVCFG_CBZE};

    NOT_ON_QEMU("7.2 has none");
    for (unsigned i = 0; i < 4; i++)
        for (unsigned m = 0; m < 2; m++)
            for (unsigned s = 0; s < 2; s++) {
                csr_write(menvcfg, m ? bits[i] : 0);
                csr_write(senvcfg, s ? bits[i] : 0);
                EQ(rt_run_in(PRIV_S, op[i], (uint64_t)area, 0), m ? NO_TRAP : CAUSE_ILLEGAL);
                EQ(rt_run_in(PRIV_U, op[i], (uint64_t)area, 0), m && s ? NO_TRAP : CAUSE_ILLEGAL);
                EQ(op[i]((uint64_t)area), NO_TRAP);
            }
    csr_write(menvcfg, 0);
    csr_write(senvcfg, 0);
}

// Faults of cache-block operations are a store's, at any permission that would do.
static void cache_block_permissions(void)
{
    struct pt pt;
    uint64_t va = 0x3f12345000, page;

    NOT_ON_QEMU("7.2 has none");
    pt_init(&pt, 3);
    page = (uint64_t)rt_page();
    csr_write(menvcfg, ENVCFG_CBIE_INVAL | ENVCFG_CBCFE | ENVCFG_CBZE);
    csr_write(satp, pt_satp(&pt, 0));
    pt_map(&pt, va, page, 0, PTE_V | PTE_R | PTE_A);
    pt_flush();
    EQ(rt_run_in(PRIV_S, try_clean, va, 0), NO_TRAP); // reading is enough
    EQ(rt_run_in(PRIV_S, try_flush, va, 0), NO_TRAP);
    EQ(rt_run_in(PRIV_S, try_inval, va, 0), NO_TRAP);
    EQ(rt_run_in(PRIV_S, try_zero, va, 0), CAUSE_STORE_PAGE);
    pt_map(&pt, va, page, 0, PTE_V | PTE_X | PTE_A);
    pt_flush();
    EQ(rt_run_in(PRIV_S, try_zero, va, 0), CAUSE_STORE_PAGE);
    pt_map(&pt, va, 0, 0, 0);
    pt_flush();
    EQ(rt_run_in(PRIV_S, try_clean, va, 0), CAUSE_STORE_PAGE);
    EQ(rt_run_in(PRIV_S, try_inval, va + 5, 0), CAUSE_STORE_PAGE);
    EQ(rt_run_in(PRIV_S, try_zero, va + 77, 0), CAUSE_STORE_PAGE);
    EQ(rt_run_in(PRIV_S, zero_fault_at, va + 77, 0), va + 77); // what rs1 said, not the block
    csr_write(satp, 0);
    csr_write(menvcfg, 0);
    pt_flush();
}

// Hints never trap, whatever the address.
static void prefetches(void)
{
    for (uintptr_t at = 0; at < 3; at++) {
        NO_TRAPS(TRY(".insn s 0x13, 6, x0, 32(%2)\n", "r"(at)));        // prefetch.i
        NO_TRAPS(TRY(".insn s 0x13, 6, x1, 32(%2)\n", "r"(-at)));       // prefetch.r
        NO_TRAPS(TRY(".insn s 0x13, 6, x3, -64(%2)\n", "r"(at << 62))); // prefetch.w
        NO_TRAPS(TRY(
            ".word 0x0100000f\n .word 0x00200033\n .word 0x00300033\n c.nop\n .half 0x0005", )); // pause, ntl
    }
}

const struct rt_case rt_cases[] = {
    {"misaligned", misaligned},
    {"misaligned-across-pages", misaligned_across_pages},
    {"misaligned-fp", misaligned_fp},
    {"cache-blocks", cache_blocks},
    {"cache-block-enables", cache_block_enables},
    {"cache-block-permissions", cache_block_permissions},
    {"prefetches", prefetches},
    {0},
};
