// SPDX-License-Identifier: Apache-2.0
// What must not be remembered too long: translations after sfence.vma, ASIDs, code that was rewritten,
// code whose mapping changed.
#include "csr.h"
#include "pt.h"

static struct pt pt, other;
static uint32_t *first, *second;

#define VA 0x3f12345000ul

// li a0, n; ret
static void write_function(uint32_t *at, unsigned n)
{
    at[0] = 0x00000513u | n << 20;
    at[1] = 0x00008067;
}

static void begin(void)
{
    pt_init(&pt, 3);
    first = rt_page();
    second = rt_page();
    write_function(first, 1);
    write_function(second, 2);
    pt_map(&pt, VA, (uint64_t)first, 0, PTE_LEAF);
    csr_write(satp, pt_satp(&pt, 1));
    pt_flush();
    rt_fence_i();
}

static void end(void)
{
    csr_write(satp, 0);
    pt_flush();
}

static uint64_t call(uint64_t va)
{
    return ((uint64_t(*)(void))va)();
}

static uint64_t load(uint64_t va)
{
    return rd32(va);
}

static uint64_t call_many(uint64_t va)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < 1000; i++)
        sum += ((uint64_t(*)(void))va)();
    return sum;
}

#define IN_S(fn, arg) rt_run_in(PRIV_S, fn, arg, 0)

// Data and code at one address, moved to another page, by every form of sfence.vma.
static void moved(void)
{
    begin();
    for (unsigned form = 0; form < 6; form++) {
        uint32_t *to = form & 1 ? first : second;

        EQ(IN_S(call_many, VA), form & 1 ? 2000 : 1000);
        EQ(IN_S(load, VA), (form & 1 ? second : first)[0]);
        pt_map(&pt, VA, (uint64_t)to, 0, PTE_LEAF);
        switch (form) {
        case 0: __asm__ volatile("sfence.vma" ::: "memory"); break;
        case 1: __asm__ volatile("sfence.vma %0, zero" ::"r"(VA) : "memory"); break;
        case 2: __asm__ volatile("sfence.vma zero, %0" ::"r"(1) : "memory"); break;
        case 3: __asm__ volatile("sfence.vma %0, %1" ::"r"(VA), "r"(1) : "memory"); break;
        case 4: // sfence.w.inval; sinval.vma; sfence.inval.ir
            __asm__ volatile(
                ".word 0x18000073\n.insn r 0x73, 0, 0x0b, x0, %0, x0\n.word 0x18100073" ::"r"(VA)
                : "memory");
            break;
        case 5: // another address in the page
            __asm__ volatile("sfence.vma %0, zero" ::"r"(VA + 0xffc) : "memory");
            break;
        }
        EQ(IN_S(load, VA), to[0]);
        EQ(IN_S(call_many, VA), to == first ? 1000 : 2000);
    }
    end();
}

static uint64_t try_call(uint64_t arg)
{
    return rt_try_exec(arg).cause;
}

static uint64_t try_store(uint64_t arg)
{
    return rt_try_store(arg + 64, 8, 0).cause;
}

static void permissions_cut(void)
{
    begin();
    EQ(IN_S(call_many, VA), 1000);
    EQ(IN_S(try_store, VA), NO_TRAP);
    pt_map(&pt, VA, (uint64_t)first, 0, PTE_LEAF & ~(PTE_X | PTE_W));
    __asm__ volatile("sfence.vma %0, zero" ::"r"(VA) : "memory");
    EQ(IN_S(try_call, VA), CAUSE_FETCH_PAGE);
    EQ(IN_S(try_store, VA), CAUSE_STORE_PAGE);
    EQ(IN_S(load, VA), first[0]);
    pt_map(&pt, VA, 0, 0, 0);
    __asm__ volatile("sfence.vma" ::: "memory");
    EQ(IN_S(try_call, VA), CAUSE_FETCH_PAGE);
    end();
}

// A page within a superpage that becomes small pages, flushed by one address of it.
static void superpage_split(void)
{
    uint64_t va = 0x3e00000000ul, pa = (uint64_t)first & ~0x1ffffful;
    uint64_t at = va + ((uint64_t)first - pa);

    begin();
    pt_map(&pt, va, pa, 1, PTE_LEAF);
    pt_flush();
    EQ(IN_S(load, at), first[0]);
    EQ(IN_S(call, at), 1);
    EQ(IN_S(load, va), *(uint32_t *)pa);
    *pt_entry(&pt, va, 1) = 0;
    pt_map(&pt, at, (uint64_t)second, 0, PTE_LEAF);
    __asm__ volatile("sfence.vma %0, zero" ::"r"(va) : "memory"); // anywhere in the superpage
    EQ(IN_S(load, at), second[0]);
    EQ(IN_S(call, at), 2);
    end();
}

// Two address spaces; switching between them needs no fence when their ASIDs differ.
static void address_spaces(void)
{
    begin();
    pt_init(&other, 3);
    pt_map(&other, VA, (uint64_t)second, 0, PTE_LEAF);
    for (unsigned i = 0; i < 8; i++) {
        csr_write(satp, pt_satp(i & 1 ? &other : &pt, i & 1 ? 2 : 1));
        if ((csr_read(satp) >> 44 & 0xffff) == 0)
            pt_flush(); // no ASIDs here
        EQ(IN_S(call, VA), i & 1 ? 2 : 1);
        EQ(IN_S(load, VA), (i & 1 ? second : first)[0]);
    }
    // Same ASID, other tables: the fence with that ASID is enough.
    csr_write(satp, pt_satp(&pt, 3));
    __asm__ volatile("sfence.vma zero, %0" ::"r"(3) : "memory");
    EQ(IN_S(call, VA), 1);
    csr_write(satp, pt_satp(&other, 3));
    __asm__ volatile("sfence.vma zero, %0" ::"r"(3) : "memory");
    EQ(IN_S(call, VA), 2);
    // Paging off and on again.
    csr_write(satp, 0);
    EQ(IN_S(load, (uint64_t)first), first[0]);
    csr_write(satp, pt_satp(&other, 3));
    EQ(IN_S(call, VA), 2);
    end();
}

// Stores to code are seen after fence.i, in M mode and through an alias.
static void rewritten(void)
{
    begin();
    for (unsigned i = 0; i < 100; i++) {
        write_function(first, i);
        rt_fence_i();
        EQ(call((uint64_t)first), i);
        write_function(first, i + 100);
        rt_fence_i();
        EQ(IN_S(call, VA), i + 100);
    }
    end();
}

// Code that changes an instruction ahead of itself, in the same block, with a fence.i between.
static void rewrites_itself(void)
{
    uint64_t result = 0;

    for (unsigned i = 0; i < 20; i++) {
        uint32_t insn = 0x00000513u | (100 + i) << 20; // li a0, 100 + i

        __asm__ volatile(".option push\n.option norvc\n"
                         "la t0, 1f\n sw %1, (t0)\n fence.i\n"
                         "1: li a0, 7\n .option pop\n mv %0, a0"
                         : "=r"(result)
                         : "r"(insn)
                         : "t0", "a0", "memory");
        EQ(result, 100 + i);
    }
}

// An instruction of four bytes whose second half is rewritten, on the next page.
static void rewritten_across_pages(void)
{
    uint16_t *code;

    rt_page();
    code = (uint16_t *)((uint8_t *)rt_pages(2) + PAGE) - 1;
    for (unsigned i = 0; i < 50; i++) {
        code[0] = 0x0513;
        code[1] = (uint16_t)(i << 4); // li a0, i
        code[2] = 0x8082;
        rt_fence_i();
        EQ(call((uint64_t)code), i);
    }
}

// A sfence.vma in M mode between accesses with MPRV concerns those too.
static void fence_with_mprv(void)
{
    uint64_t value;

    begin();
    csr_clear(mstatus, STATUS_MPP);
    csr_set(mstatus, STATUS_MPP_S | STATUS_MPRV);
    value = rd32(VA);
    csr_clear(mstatus, STATUS_MPRV);
    EQ(value, first[0]);
    pt_map(&pt, VA, (uint64_t)second, 0, PTE_LEAF);
    pt_flush();
    csr_set(mstatus, STATUS_MPRV);
    value = rd32(VA);
    csr_clear(mstatus, STATUS_MPRV);
    EQ(value, second[0]);
    end();
}

// SUM and MXR act at once.
static uint64_t toggle(uint64_t arg)
{
    uint64_t bad = 0;

    for (unsigned i = 0; i < 100; i++) {
        csr_set(sstatus, STATUS_SUM);
        bad += rt_try_load(VA, 8, NULL).cause != NO_TRAP;
        csr_clear(sstatus, STATUS_SUM);
        bad += rt_try_load(VA, 8, NULL).cause != CAUSE_LOAD_PAGE;
        csr_set(sstatus, STATUS_MXR);
        bad += rt_try_load(VA + PAGE, 8, NULL).cause != NO_TRAP;
        csr_clear(sstatus, STATUS_MXR);
        bad += rt_try_load(VA + PAGE, 8, NULL).cause != CAUSE_LOAD_PAGE;
    }
    return bad;
}

static void sum_and_mxr_toggle(void)
{
    begin();
    pt_map(&pt, VA, (uint64_t)first, 0, PTE_LEAF | PTE_U);
    pt_map(&pt, VA + PAGE, (uint64_t)first, 0, PTE_V | PTE_X | PTE_A);
    pt_flush();
    EQ(IN_S(toggle, 0), 0);
    end();
}

const struct rt_case rt_cases[] = {
    {"moved", moved},
    {"permissions-cut", permissions_cut},
    {"superpage-split", superpage_split},
    {"address-spaces", address_spaces},
    {"rewritten", rewritten},
    {"rewrites-itself", rewrites_itself},
    {"rewritten-across-pages", rewritten_across_pages},
    {"fence-with-mprv", fence_with_mprv},
    {"sum-and-mxr", sum_and_mxr_toggle},
    {0},
};
