// SPDX-License-Identifier: Apache-2.0
// Physical memory protection: address modes, permissions, priority, partial matches, locks, and that
// page walks are bound by it.
#include "csr.h"
#include "pt.h"

#define OFF 0x00
#define TOR 0x08
#define NA4 0x10
#define NAPOT 0x18
#define L 0x80
#define R 1
#define W 2
#define X 4
#define RWX 7

static uint8_t *area; // 64 KiB, aligned

static uint64_t napot(uintptr_t base, uint64_t size)
{
    return base >> 2 | ((size >> 3) - 1);
}

// Entries 0 to 5 are the case's, 15 lets all through: entry 0 of the runtime goes there.
static void begin(void)
{
    area = rt_pages(32);
    area = (uint8_t *)(((uintptr_t)area + 0xffff) & ~0xfffful);
    csr_write(pmpaddr15, -1ul);
    csr_write(pmpcfg2, (uint64_t)(NAPOT | RWX) << 56);
    csr_write(pmpcfg0, 0);
    for (unsigned i = 0; i < 0x10000; i += 2)
        *(uint16_t *)(area + i) = 0x8082;
    rt_fence_i();
}

static void end(void)
{
    csr_write(pmpaddr0, -1ul);
    csr_write(pmpcfg0, NAPOT | RWX);
    csr_write(pmpcfg2, 0);
    pt_flush();
}

static uint64_t load(uint64_t at)
{
    return rt_try_load(at & ~15ul, 1u << (at & 3), NULL).cause;
}

static uint64_t store(uint64_t at)
{
    return rt_try_store(at & ~15ul, 1u << (at & 3), 0x80828082).cause;
}

static uint64_t fetch(uint64_t at)
{
    return rt_try_exec(at).cause;
}

static void expect(uintptr_t at, unsigned perms, int line)
{
    uint64_t l = rt_run_in(PRIV_S, load, at | 2, 0), s = rt_run_in(PRIV_S, store, at | 2, 0);
    uint64_t x = rt_run_in(PRIV_S, fetch, at, 0);
    uint64_t ul = rt_run_in(PRIV_U, load, at | 2, 0);

    if (l != (perms & R ? NO_TRAP : CAUSE_LOAD_ACCESS) || ul != l ||
        s != (perms & W ? NO_TRAP : CAUSE_STORE_ACCESS) ||
        x != (perms & X ? NO_TRAP : CAUSE_FETCH_ACCESS)) {
        rt_printf("# line %d, offset %lx, permissions %x: load %lx %lx store %lx fetch %lx\n", line,
                  at - (uintptr_t)area, perms, l, ul, s, x);
        rt_check_failed(__FILE__, line, "permissions", 0, perms);
    }
}
#define PERMS(offset, perms) expect((uintptr_t)area + (offset), perms, __LINE__)

static void permissions(void)
{
    begin();
    csr_write(pmpaddr0, napot((uintptr_t)area, PAGE));
    for (unsigned perms = 0; perms < 8; perms++) {
        if ((perms & (R | W)) == W) // reserved
            continue;
        csr_write(pmpcfg0, NAPOT | perms);
        pt_flush();
        PERMS(0, perms);
        PERMS(PAGE - 16, perms);
        PERMS(PAGE, RWX);
        // M mode is not bound by it.
        NO_TRAPS(rt_try_load((uintptr_t)area, 8, NULL));
        NO_TRAPS(rt_try_store((uintptr_t)area, 8, 0x80828082));
        NO_TRAPS(rt_try_exec((uintptr_t)area));
    }
    end();
}

static void sizes(void)
{
    begin();
    for (uint64_t size = 16; size <= 0x8000; size *= 2) {
        csr_write(pmpaddr0, napot((uintptr_t)area + size, size));
        csr_write(pmpcfg0, NAPOT | R);
        pt_flush();
        PERMS(size - 16, RWX);
        PERMS(size, R);
        PERMS(2 * size - 16, R);
        PERMS(2 * size, RWX);
    }
    end();
}

// QEMU 7.2 does not notice that the range of the entry above has changed with a pmpaddr.
static void rewrite_on_qemu(uint64_t cfg)
{
    if (!rt_on_qemu())
        return;
    csr_write(pmpcfg0, 0);
    csr_write(pmpcfg0, cfg);
}

static void top_of_range(void)
{
    begin();
    csr_write(pmpaddr0, (uintptr_t)area >> 2);
    csr_write(pmpaddr1, ((uintptr_t)area + 0x1230) >> 2);
    csr_write(pmpcfg0, (uint64_t)(TOR | R | X) << 8); // from pmpaddr0, though entry 0 is off
    pt_flush();
    PERMS(0, R | X);
    PERMS(0x1220, R | X);
    PERMS(0x1230, RWX);
    // An empty range, and one that is the wrong way round, match nothing.
    csr_write(pmpaddr0, ((uintptr_t)area + 0x1230) >> 2);
    rewrite_on_qemu((uint64_t)(TOR | R | X) << 8);
    pt_flush();
    PERMS(0, RWX);
    PERMS(0x1220, RWX);
    csr_write(pmpaddr0, ((uintptr_t)area + 0x2000) >> 2);
    rewrite_on_qemu((uint64_t)(TOR | R | X) << 8);
    pt_flush();
    PERMS(0x1240, RWX);
    // Entry 0's range begins at zero.
    csr_write(pmpaddr0, ((uintptr_t)area + 0x100) >> 2);
    csr_write(pmpaddr1, ((uintptr_t)area) >> 2);
    csr_write(pmpcfg0, TOR | RWX);
    pt_flush();
    PERMS(0xf0, RWX);
    end();
}

static uint64_t load_exact(uint64_t at)
{
    return rt_try_load(at, 4, NULL).cause;
}

static uint64_t load_double(uint64_t at)
{
    return rt_try_load(at, 8, NULL).cause;
}

static void four_bytes(void)
{
    begin();
    NOT_ON_QEMU("it checks whole pages once");
    csr_write(pmpaddr0, ((uintptr_t)area + 0x108) >> 2);
    csr_write(pmpcfg0, NA4);
    pt_flush();
    EQ(rt_run_in(PRIV_S, load_exact, (uintptr_t)area + 0x104, 0), NO_TRAP);
    EQ(rt_run_in(PRIV_S, load_exact, (uintptr_t)area + 0x108, 0), CAUSE_LOAD_ACCESS);
    EQ(rt_run_in(PRIV_S, load_exact, (uintptr_t)area + 0x10c, 0), NO_TRAP);
    // An access that an entry matches in part only fails, even with permissions everywhere.
    csr_write(pmpcfg0, NA4 | RWX);
    pt_flush();
    EQ(rt_run_in(PRIV_S, load_exact, (uintptr_t)area + 0x108, 0), NO_TRAP);
    EQ(rt_run_in(PRIV_S, load_double, (uintptr_t)area + 0x108, 0), CAUSE_LOAD_ACCESS);
    EQ(rt_run_in(PRIV_S, load_exact, (uintptr_t)area + 0x106, 0), CAUSE_LOAD_ACCESS);
    end();
}

// The lowest entry that matches decides.
static void priority(void)
{
    begin();
    csr_write(pmpaddr0, napot((uintptr_t)area + 0x1000, 0x100));
    csr_write(pmpaddr1, napot((uintptr_t)area + 0x1000, 0x1000));
    csr_write(pmpaddr2, napot((uintptr_t)area, 0x4000));
    csr_write(pmpcfg0, (NAPOT | R) | (NAPOT | R | W) << 8 | (NAPOT | RWX) << 16);
    pt_flush();
    PERMS(0x1000, R);
    PERMS(0x10f0, R);
    PERMS(0x1100, R | W);
    PERMS(0x1ff0, R | W);
    PERMS(0x2000, RWX);
    PERMS(0xff0, RWX);
    end();
}

// Nothing matches: M mode may, others may not.
static void no_match(void)
{
    begin();
    // Everything but the area's second page, by three ranges.
    csr_write(pmpaddr0, ((uintptr_t)area + PAGE) >> 2);
    csr_write(pmpaddr1, ((uintptr_t)area + 2 * PAGE) >> 2);
    csr_write(pmpaddr2, -1ul);
    csr_write(pmpcfg0, (TOR | RWX) | OFF << 8 | (uint64_t)(TOR | RWX) << 16);
    csr_write(pmpcfg2, 0);
    pt_flush();
    PERMS(0, RWX);
    PERMS(PAGE, 0);
    PERMS(2 * PAGE, RWX);
    NO_TRAPS(rt_try_load((uintptr_t)area + PAGE, 8, NULL));
    end();
}

// A page walk reads its tables as S mode.
static void tables(void)
{
    struct pt pt;
    uint64_t va = 0x3f12345000;

    begin();
    pt_init(&pt, 3);
    pt_map(&pt, va, (uintptr_t)area, 0, PTE_LEAF);
    csr_write(pmpaddr0, napot((uintptr_t)pt_entry(&pt, va, 0) & ~(PAGE - 1), PAGE));
    csr_write(pmpcfg0, NAPOT | X);
    csr_write(satp, pt_satp(&pt, 0));
    pt_flush();
    EQ(rt_run_in(PRIV_S, load, va | 2, 0), CAUSE_LOAD_ACCESS);
    EQ(rt_run_in(PRIV_S, store, va | 2, 0), CAUSE_STORE_ACCESS);
    EQ(rt_run_in(PRIV_S, fetch, va, 0), CAUSE_FETCH_ACCESS);
    csr_write(pmpcfg0, NAPOT | R);
    pt_flush();
    EQ(rt_run_in(PRIV_S, load, va | 2, 0), NO_TRAP);
    if (!rt_on_qemu()) { // setting A and D needs to write them
        csr_set(menvcfg, MENVCFG_ADUE);
        pt_map(&pt, va, (uintptr_t)area, 0, PTE_LEAF & ~PTE_AD);
        pt_flush();
        EQ(rt_run_in(PRIV_S, load, va | 2, 0), CAUSE_LOAD_ACCESS);
        csr_clear(menvcfg, MENVCFG_ADUE);
    }
    csr_write(satp, 0);
    end();
}

static void with_mprv(void)
{
    struct rt_outcome o;
    uint64_t value = 0;

    begin();
    csr_write(pmpaddr0, napot((uintptr_t)area, PAGE));
    csr_write(pmpcfg0, NAPOT);
    pt_flush();
    csr_clear(mstatus, STATUS_MPP);
    o = TRY_OUT("csrs mstatus, %4\n ld %2, (%3)", value, "r"(area), "r"(STATUS_MPRV));
    csr_clear(mstatus, STATUS_MPRV);
    EQ(o.cause, CAUSE_LOAD_ACCESS);
    EQ(o.tval, area);
    end();
}

static void fields(void)
{
    begin();
    NOT_ON_QEMU("it keeps reserved bits");
    csr_write(pmpaddr0, -1ul);
    EQ(csr_read(pmpaddr0), (1ul << 54) - 1);
    csr_write(pmpcfg0, 0x60); // reserved bits
    EQ(csr_read(pmpcfg0) & 0x60, 0);
    csr_write(pmpcfg0, NAPOT | W); // reserved combination
    CHECK((csr_read(pmpcfg0) & (R | W)) != W);
    EQ(TRY("csrr zero, 0x3a1", ).cause, CAUSE_ILLEGAL); // odd ones are RV32's
    EQ(TRY("csrr zero, 0x3a3", ).cause, CAUSE_ILLEGAL);
    end();
}

// The last case, as locks hold until reset: entries 4 and 5.
static void locks(void)
{
    uint64_t addr;

    begin();
    csr_write(pmpaddr3, (uintptr_t)(area + 0x4000) >> 2);
    csr_write(pmpaddr4, (uintptr_t)(area + 0x5000) >> 2);
    csr_write(pmpcfg0, (uint64_t)(L | TOR | R) << 32);
    pt_flush();
    // M mode is bound now.
    NO_TRAPS(rt_try_load((uintptr_t)area + 0x4000, 8, NULL));
    TRAPS(rt_try_store((uintptr_t)area + 0x4000, 8, 0), CAUSE_STORE_ACCESS, area + 0x4000);
    TRAPS(rt_try_exec((uintptr_t)area + 0x4ffe), CAUSE_FETCH_ACCESS, area + 0x4ffe);
    NO_TRAPS(rt_try_store((uintptr_t)area + 0x5000, 8, 0x80828082));
    NO_TRAPS(rt_try_store((uintptr_t)area + 0x3ff8, 8, 0x80828082));
    // Neither it nor its addresses change, the lower bound's included.
    csr_write(pmpcfg0, 0);
    EQ(csr_read(pmpcfg0), (uint64_t)(L | TOR | R) << 32);
    addr = csr_read(pmpaddr4);
    csr_write(pmpaddr4, 0);
    EQ(csr_read(pmpaddr4), addr);
    addr = csr_read(pmpaddr3);
    csr_write(pmpaddr3, 0);
    EQ(csr_read(pmpaddr3), addr);
    // Its neighbours do.
    csr_write(pmpaddr5, 0x1234);
    EQ(csr_read(pmpaddr5), 0x1234);
    csr_write(pmpaddr2, 0x1234);
    EQ(csr_read(pmpaddr2), 0x1234);
    end();
}

static uint64_t zeroed(uint64_t at)
{
    struct rt_outcome o = TRY(".insn i 0x0f, 2, x0, %2, 4", "r"(at)); // cbo.zero

    return o.cause == NO_TRAP ? 0 : o.cause == CAUSE_STORE_ACCESS ? o.tval : 1;
}

// A block is zeroed as a whole or not at all; the fault is where the instruction pointed.
static void blocks(void)
{
    uintptr_t block;

    NOT_ON_QEMU("7.2 has no cbo.zero");
    begin();
    block = (uintptr_t)area + 0x2040;
    csr_write(menvcfg, 0x80);
    csr_write(pmpaddr0, (block + 60) >> 2);
    csr_write(pmpcfg0, NA4 | R);
    pt_flush();
    EQ(rt_run_in(PRIV_S, zeroed, block + 5, 0), block + 5);
    EQ(rd32(block), 0x80828082);
    EQ(rt_run_in(PRIV_S, zeroed, block + 64, 0), 0);
    EQ(rd32(block + 124), 0);
    EQ(rt_run_in(PRIV_S, zeroed, block - 1, 0), 0);
    EQ(rd32(block), 0x80828082);
    csr_write(menvcfg, 0);
    end();
}

const struct rt_case rt_cases[] = {
    {"permissions", permissions},
    {"sizes", sizes},
    {"tor", top_of_range},
    {"na4", four_bytes},
    {"priority", priority},
    {"no-match", no_match},
    {"tables", tables},
    {"mprv", with_mprv},
    {"fields", fields},
    {"blocks", blocks},
    {"locks", locks}, // the last: nothing undoes them
    {0},
};
