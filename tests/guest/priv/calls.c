// SPDX-License-Identifier: Apache-2.0
// Calls and returns that a stack of predicted return addresses gets wrong: deeper than any such stack,
// returns to somewhere else, past several callers, by coroutines, into the middle of code, and into code that
// has changed or that means something else since the call.
#include "csr.h"
#include "pt.h"

#define ROUNDS 300
#define VA 0x3f00000000ul

// Each level adds 1 before and 2 behind the call.
uint64_t descend(uint64_t levels);
__asm__(".globl descend\n"
        "descend: beqz a0, 1f\n"
        " addi sp, sp, -16\n sd ra, 0(sp)\n addi a0, a0, -1\n call descend\n"
        " ld ra, 0(sp)\n addi sp, sp, 16\n addi a0, a0, 3\n"
        "1: ret\n");

static void deeply(void)
{
    static const unsigned depths[] = {1, 2, 15, 16, 17, 100, 1000, 3000};

    for (unsigned i = 0; i < sizeof(depths) / sizeof(depths[0]); i++)
        for (unsigned n = 0; n < 4; n++)
            EQ(descend(depths[i]), 3 * depths[i]);
}

// Far deeper than memory of the stack allows: return addresses are one and the same, a counter says
// how many are left.
uint64_t descend_far(uint64_t levels);
__asm__(".globl descend_far\n"
        "descend_far: mv t1, ra\n mv t2, a0\n li a0, 0\n"
        "1: jal ra, 2f\n"
        " addi a0, a0, 1\n addi t2, t2, -1\n la ra, 1b + 4\n bnez t2, 3f\n mv ra, t1\n"
        "3: ret\n"
        "2: addi t3, t3, 1\n addi a1, a0, 0\n bgtu t2, t3, 1b\n ret\n");

static void far(void)
{
    uint64_t result;

    for (unsigned n = 1; n < 100000; n = n * 3 + 1) {
        __asm__ volatile("li t3, 0\n mv a0, %1\n call descend_far\n mv %0, a0"
                         : "=r"(result)
                         : "r"((uint64_t)n)
                         : "ra", "a0", "a1", "t1", "t2", "t3", "memory");
        EQ(result, n);
    }
}

// Every call returns behind its caller's caller, or to another place.
static void elsewhere(void)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t result = i;

        __asm__ volatile("mv t1, %0\n"
                         " jal ra, 1f\n addi t1, t1, 1000\n j 9f\n" // both return here
                         "1: mv t2, ra\n jal ra, 2f\n addi t1, t1, 2000\n j 9f\n"
                         "2: addi t1, t1, 1\n andi t3, t1, 1\n beqz t3, 3f\n mv ra, t2\n"
                         "3: addi t1, t1, 4\n ret\n"
                         "9: mv %0, t1"
                         : "+r"(result)::"ra", "t1", "t2", "t3");
        EQ(result, i + 5 + (i & 1 ? 2000 : 1000));
    }
}

// Two pieces of code that call each other by jalr ra, (ra), and by t0.
static void coroutines(void)
{
    uint64_t a = 0, b = 0;

    __asm__ volatile("li t1, %c2\n la ra, 5f\n"
                     "1: addi %0, %0, 1\n jalr ra, (ra)\n addi %0, %0, 2\n jalr ra, (ra)\n"
                     " addi t1, t1, -1\n bnez t1, 1b\n j 9f\n"
                     "5: addi %1, %1, 3\n jalr ra, (ra)\n addi %1, %1, 4\n jalr ra, (ra)\n j 5b\n"
                     "9:"
                     : "+r"(a), "+r"(b)
                     : "i"(ROUNDS)
                     : "ra", "t1");
    EQ(a, 3 * ROUNDS);
    EQ(b, 7 * ROUNDS);
    a = b = 0;
    __asm__ volatile("li t1, %c2\n"
                     "1: jal t0, 5f\n addi %0, %0, 1\n jal ra, 6f\n addi %0, %0, 2\n"
                     " addi t1, t1, -1\n bnez t1, 1b\n j 9f\n"
                     "5: addi %1, %1, 1\n jr t0\n"
                     "6: addi %1, %1, 2\n mv t2, ra\n jal t0, 5b\n jr t2\n"
                     "9:"
                     : "+r"(a), "+r"(b)
                     : "i"(ROUNDS)
                     : "ra", "t0", "t1", "t2");
    EQ(a, 3 * ROUNDS);
    EQ(b, 4 * ROUNDS);
}

// A callee that returns past the callers that wait for it, from a depth that changes.
static void past(void)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t result = 0;

        __asm__ volatile("mv t1, %1\n mv t4, sp\n jal ra, 1f\n j 9f\n"
                         "1: mv t2, ra\n"
                         "2: beqz t1, 3f\n addi t1, t1, -1\n addi %0, %0, 1\n jal ra, 2b\n"
                         " addi %0, %0, 100\n"
                         "3: mv ra, t2\n ret\n"
                         "9:"
                         : "+r"(result)
                         : "r"(i % 40)
                         : "ra", "t1", "t2", "t4");
        EQ(result, i % 40);
    }
}

// ---- Code that changes between the call and the return ----

// The assembly below uses these.
uint32_t *volatile code;
volatile uint64_t next_value;
uint64_t *volatile entry_used;
volatile uint64_t entries[2];

static struct pt pt;

// code: calls `changer`, then returns what is loaded behind the call.
static void write_caller(uint32_t *at, unsigned value)
{
    at[0] = 0x00008293;                // mv t0, ra
    at[1] = 0x000500e7;                // jalr ra, (a0)
    at[2] = 0x00000513u | value << 20; // li a0, value
    at[3] = 0x00028067;                // jr t0: a return, to where t0 says
}

// Clobbers no t0.
void change_code(void);
__asm__(".globl change_code\n"
        "change_code: la t1, code\n ld t1, 0(t1)\n la t2, next_value\n lw t2, 0(t2)\n"
        " slli t2, t2, 20\n addi t2, t2, 0x513\n sw t2, 8(t1)\n fence.i\n ret\n"
        ".globl change_nothing\n"
        "change_nothing: ret\n");
void change_nothing(void);

static uint64_t call_code(uint64_t at, void (*callee)(void))
{
    return ((uint64_t(*)(void (*)(void)))at)(callee);
}

static void changed(void)
{
    code = rt_page();
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_caller(code, i);
        rt_fence_i();
        EQ(call_code((uint64_t)code, change_nothing), i);
        next_value = i + 1000;
        EQ(call_code((uint64_t)code, change_code), i + 1000);
        EQ(call_code((uint64_t)code, change_nothing), i + 1000);
    }
}

// The caller's page is another one when the callee returns: S mode, through one virtual address.
void remap_caller(void);
__asm__(".globl remap_caller\n"
        "remap_caller: la t1, entry_used\n ld t1, 0(t1)\n la t2, entries\n ld t2, 8(t2)\n"
        " sd t2, 0(t1)\n li t1, 0x3f00000000\n sfence.vma t1, zero\n ret\n");

static uint64_t call_mapped(uint64_t callee)
{
    return call_code(VA, (void (*)(void))callee);
}

static void remapped(void)
{
    uint32_t *first = rt_page(), *second = rt_page();

    write_caller(first, 1);
    write_caller(second, 2);
    rt_fence_i();
    pt_init(&pt, 3);
    pt_map(&pt, VA, (uint64_t)second, 0, PTE_LEAF);
    entry_used = pt_entry(&pt, VA, 0);
    entries[1] = *entry_used;
    pt_map(&pt, VA, (uint64_t)first, 0, PTE_LEAF);
    entries[0] = *entry_used;
    csr_write(satp, pt_satp(&pt, 9));
    for (unsigned i = 0; i < ROUNDS; i++) {
        *entry_used = entries[0];
        pt_flush();
        EQ(rt_run_in(PRIV_S, call_mapped, (uint64_t)change_nothing, 0), 1);
        EQ(rt_run_in(PRIV_S, call_mapped, (uint64_t)remap_caller, 0), 2);
        EQ(rt_run_in(PRIV_S, call_mapped, (uint64_t)change_nothing, 0), 2);
    }
    csr_write(satp, 0);
    pt_flush();
}

// A callee that every other time takes from its caller the right to load from user pages.
static uint64_t *user_page;
static unsigned faults;

static bool on_fault(struct rt_frame *f)
{
    if (f->cause != 13)
        return false;
    faults++;
    f->epc += 4;
    return true;
}

static uint64_t load_with_and_without(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++)
        __asm__ volatile("li t1, 1 << 18\n li t2, 0\n"
                         " jal ra, 1f\n"
                         ".option push\n.option norvc\n"
                         " ld t2, 0(%1)\n" // allowed
                         " jal ra, 2f\n"
                         " ld t2, 8(%1)\n" // not allowed when i is odd
                         ".option pop\n"
                         " j 9f\n"
                         "1: csrs sstatus, t1\n ret\n"
                         "2: andi t3, %2, 1\n beqz t3, 3f\n csrc sstatus, t1\n3: ret\n"
                         "9: add %0, %0, t2"
                         : "+r"(sum)
                         : "r"(VA), "r"(i)
                         : "ra", "t1", "t2", "t3", "memory");
    return sum;
}

static void access_taken(void)
{
    user_page = rt_page();
    user_page[0] = 3;
    user_page[1] = 1000;
    pt_init(&pt, 3);
    pt_map(&pt, VA, (uint64_t)user_page, 0, PTE_LEAF | PTE_U);
    csr_write(satp, pt_satp(&pt, 11));
    pt_flush();
    rt_trap_hook = on_fault;
    faults = 0;
    EQ(rt_run_in(PRIV_S, load_with_and_without, ROUNDS, 0), (3 + 1000) * ROUNDS / 2);
    EQ(faults, ROUNDS / 2);
    rt_trap_hook = NULL;
    csr_write(satp, 0);
    pt_flush();
}

const struct rt_case rt_cases[] = {
    {"deeply", deeply},
    {"far", far},
    {"elsewhere", elsewhere},
    {"coroutines", coroutines},
    {"past", past},
    {"changed", changed},
    {"remapped", remapped},
    {"access-taken", access_taken},
    {0},
};
