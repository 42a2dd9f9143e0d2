// SPDX-License-Identifier: Apache-2.0
// Numbers that code reads and writes byte by byte, and memory that it fills, at every place around a page's end: the
// next page is there, is not, or can't be written. Each access is one of its own: where one faults, those before
// it have happened, those behind it have not, and registers tell so.
#include "csr.h"
#include "pt.h"

#define VA 0x3f12345000ul
#define AROUND 80 // bytes on either side that are looked at

static uint8_t *memory; // two pages that lie apart: what VA and the page behind it are
static uint64_t next_flags;
static struct pt pt;

static uint8_t *byte_at(uint64_t va)
{
    uint64_t offset = va - VA;

    return memory + (offset < PAGE ? offset : offset + PAGE);
}

static void fill(void)
{
    for (uint64_t i = 0; i < 2 * AROUND; i++)
        *byte_at(VA + PAGE - AROUND + i) = (uint8_t)(i * 37 + 129);
}

static bool allowed(uint64_t va, uint64_t want)
{
    return va < VA + PAGE || next_flags & want;
}

#define MARK 0x1122334455667788ul

// Bytes 3, 1, 0, 2 of a number, in this order; r: their registers, and then what is put together.
static struct rt_outcome read_little(uint64_t va, uint64_t r[4])
{
    return TRY_ASM("lbu %2, 3(%6)\n lbu %3, 1(%6)\n lbu %4, 0(%6)\n lbu %5, 2(%6)\n"
                   "slli %2, %2, 24\n slli %3, %3, 8\n slli %5, %5, 16\n"
                   "or %4, %4, %3\n or %5, %5, %4\n or %2, %2, %5\n sext.w %2, %2",
                   RT_SAME(, "+&r"(r[0]), "+&r"(r[1]), "+&r"(r[2]), "+&r"(r[3])), "r"(va));
}

static struct rt_outcome read_big(uint64_t va, uint64_t r[4])
{
    return TRY_ASM("lbu %2, 3(%6)\n lbu %3, 1(%6)\n lbu %4, 0(%6)\n lbu %5, 2(%6)\n"
                   "slliw %4, %4, 24\n slli %3, %3, 16\n slli %5, %5, 8\n"
                   "or %4, %4, %3\n or %5, %5, %4\n or %2, %2, %5",
                   RT_SAME(, "+&r"(r[0]), "+&r"(r[1]), "+&r"(r[2]), "+&r"(r[3])), "r"(va));
}

static void check_read(uint64_t va, bool big)
{
    static const uint8_t order[4] = {3, 1, 0, 2};
    uint64_t r[4] = {MARK, MARK, MARK, MARK}, b[4];
    struct rt_outcome o = big ? read_big(va, r) : read_little(va, r);

    for (unsigned i = 0; i < 4; i++)
        b[i] = *byte_at(va + i);
    for (unsigned i = 0; i < 4; i++) {
        if (allowed(va + order[i], PTE_R))
            continue;
        TRAPS(o, CAUSE_LOAD_PAGE, va + order[i]);
        for (unsigned k = 0; k < 4; k++)
            EQ(r[k], k < i ? b[order[k]] : MARK);
        return;
    }
    NO_TRAPS(o);
    if (big) {
        EQ(r[0], (int32_t)(b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]));
        EQ(r[1], b[1] << 16);
        EQ(r[2], (uint64_t)(int32_t)(b[0] << 24) | b[1] << 16);
    } else {
        EQ(r[0], (int32_t)(b[3] << 24 | b[2] << 16 | b[1] << 8 | b[0]));
        EQ(r[1], b[1] << 8);
        EQ(r[2], b[1] << 8 | b[0]);
        EQ(r[3], b[2] << 16 | b[1] << 8 | b[0]);
    }
}

static struct rt_outcome write_little(uint64_t va, uint64_t v)
{
    uint64_t t = 0;

    return TRY_ASM(
        "srliw %2, %3, 8\n sb %2, 1(%4)\n sb %3, 0(%4)\n srliw %2, %3, 24\n sb %2, 3(%4)\n"
        "srliw %2, %3, 16\n sb %2, 2(%4)",
        RT_SAME(, "+&r"(t)), "r"(v), "r"(va));
}

static struct rt_outcome write_big(uint64_t va, uint64_t v)
{
    uint64_t t = 0;

    return TRY_ASM(
        "srliw %2, %3, 16\n sb %2, 1(%4)\n srliw %2, %3, 24\n sb %2, 0(%4)\n sb %3, 3(%4)\n"
        "srliw %2, %3, 8\n sb %2, 2(%4)",
        RT_SAME(, "+&r"(t)), "r"(v), "r"(va));
}

static void check_bytes(uint64_t va, const uint8_t *want, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        EQ(*byte_at(va + i), want[i]);
}

static void check_written(uint64_t va, bool big)
{
    static const uint8_t order[4] = {1, 0, 3, 2};
    uint64_t v = 0xa1b2c3d4 + va, fault = 0;
    uint8_t want[8];

    fill();
    for (unsigned i = 0; i < 8; i++)
        want[i] = *byte_at(va - 2 + i);
    for (unsigned i = 0; i < 4 && !fault; i++) {
        if (allowed(va + order[i], PTE_W))
            want[2 + order[i]] = (uint8_t)(v >> 8 * (big ? 3 - order[i] : order[i]));
        else
            fault = va + order[i];
    }
    if (fault)
        TRAPS(big ? write_big(va, v) : write_little(va, v), CAUSE_STORE_PAGE, fault);
    else
        NO_TRAPS(big ? write_big(va, v) : write_little(va, v));
    check_bytes(va - 2, want, 8);
}

// Doublewords at any address: one that lies in both pages is not written at all if it can't be as a whole.
static void check_filled(uint64_t va)
{
    uint64_t v = 0x8899aabbccddeeff * va;
    struct rt_outcome o;
    unsigned done = 0;
    uint8_t want[64];

    fill();
    for (unsigned i = 0; i < 64; i++)
        want[i] = *byte_at(va - 8 + i);
    while (done < 6 && allowed(va + 8 * done + 7, PTE_W))
        done++;
    for (unsigned i = 0; i < 8 * done; i++)
        want[8 + i] = (uint8_t)(v >> 8 * (i % 8));
    o = TRY(
        "sd %2, 0(%3)\n sd %2, 8(%3)\n sd %2, 16(%3)\n sd %2, 24(%3)\n sd %2, 32(%3)\n sd %2, 40(%3)",
        "r"(v), "r"(va));
    if (done == 6) {
        NO_TRAPS(o);
    } else {
        EQ(o.cause, CAUSE_STORE_PAGE);
        CHECK(o.tval == va + 8 * done ||
              o.tval == VA + PAGE); // where it begins, or what is not there
        if (va % 8)
            return; // of the one in both pages, the first one's bytes may be written
    }
    check_bytes(va - 8, want, 64);
}

static uint64_t check_all(uint64_t unused)
{
    for (uint64_t va = VA + PAGE - 60; va < VA + PAGE + 8; va++) {
        check_filled(va);
        check_written(va, false);
        check_written(va, true);
        fill();
        check_read(va, false);
        check_read(va, true);
    }
    return unused;
}

static void with_next(uint64_t flags)
{
    memory = rt_pages(3);
    next_flags = flags;
    pt_init(&pt, 3);
    csr_write(satp, pt_satp(&pt, 0));
    pt_map(&pt, VA, (uint64_t)memory, 0, PTE_V | PTE_R | PTE_W | PTE_AD);
    pt_map(&pt, VA + PAGE, (uint64_t)memory + 2 * PAGE, 0, flags);
    pt_flush();
    for (unsigned i = 0; i < 20; i++) // often enough to be translated
        rt_run_in(PRIV_S, check_all, 0, 0);
    csr_write(satp, 0);
    pt_flush();
}

static void next_is_there(void)
{
    with_next(PTE_V | PTE_R | PTE_W | PTE_AD);
}

static void next_is_not_there(void)
{
    with_next(0);
}

static void next_can_be_read(void)
{
    with_next(PTE_V | PTE_R | PTE_A);
}

const struct rt_case rt_cases[] = {
    {"next-page-is-there", next_is_there},
    {"next-page-is-not-there", next_is_not_there},
    {"next-page-can-be-read", next_can_be_read},
    {0},
};
