// SPDX-License-Identifier: Apache-2.0
// The runtime of the guest programs: a table of cases, checks, traps that are expected, functions in
// other modes, other harts, and the console. Everything runs without a library, in M or S mode.
#ifndef RT_H
#define RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asm.h"

// ---- Cases: each program defines rt_cases, ended by a NULL name ----
struct rt_case {
    const char *name;
    void (*run)(void);
};

extern const struct rt_case rt_cases[];
extern const void *rt_fdt; // what the program was handed as its device tree

// True under QEMU, which lacks some extensions and some of what the specification asks for.
bool rt_on_qemu(void);

// Leaves the case where QEMU 7.2 is known to differ, and says why.
#define NOT_ON_QEMU(reason)  \
    do {                     \
        if (rt_on_qemu()) {  \
            rt_skip(reason); \
            return;          \
        }                    \
    } while (0)
void rt_skip(const char *reason);

void rt_printf(const char *format, ...); // %s %c %d %u %x %lx %lu %%
void rt_exit(int code) __attribute__((noreturn));

// ---- Checks: a failure is printed and counted, the case goes on ----
void rt_check_failed(const char *file, int line, const char *what, uint64_t got, uint64_t want);
bool rt_check_counts(void); // counts a failure; true: not so many yet, print it

#define CHECK(condition)                                           \
    do {                                                           \
        if (!(condition))                                          \
            rt_check_failed(__FILE__, __LINE__, #condition, 0, 1); \
    } while (0)

#define EQ(got, want)                                               \
    do {                                                            \
        uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);  \
        if (got_ != want_)                                          \
            rt_check_failed(__FILE__, __LINE__, #got, got_, want_); \
    } while (0)

// ---- Traps ----
struct rt_frame {
    uint64_t x[32];
    uint64_t epc, status, cause, tval;
    uint64_t mode; // 3: handled in M mode, 1: in (H)S mode, 2: in VS mode
};

// Called for every trap that nothing else expects; true: handled.
extern bool (*rt_trap_hook)(struct rt_frame *frame);

struct rt_outcome {
    uint64_t cause, tval;
};

#define NO_TRAP ((uint64_t)RT_TRY_LUI << 12)

// The last expected trap of this hart, with what it was.
struct rt_last {
    uint64_t epc, status, mode, count;
    uint64_t tval2, tinst; // mtval2 and mtinst, or htval and htinst
    uint64_t hs;           // hstatus, when handled in HS mode
};
extern struct rt_last rt_last[RT_HARTS];

// Runs an instruction that may trap. t5 and t6 are taken; operands as for asm.
#define RT_SAME(...) __VA_ARGS__ // keeps clang-format from seeing Objective-C
#define TRY_ASM(code, outputs, ...)                                 \
    ({                                                              \
        uint64_t cause_, tval_;                                     \
        __asm__ volatile("la t6, 99f\n\tlui t5, 0x54525\n\t" code   \
                         "\n99: mv %0, t5\n\tmv %1, t6\n\tli t5, 0" \
                         : "=&r"(cause_), "=&r"(tval_)outputs       \
                         : RT_SAME(__VA_ARGS__)                     \
                         : "memory", "ra", "t5", "t6");             \
        (struct rt_outcome){cause_, tval_};                         \
    })
#define RT_COMMA_OUT(out) , "+&r"(out)
#define TRY(code, ...) TRY_ASM(code, , __VA_ARGS__)
#define TRY_OUT(code, out, ...) TRY_ASM(code, RT_COMMA_OUT(out), __VA_ARGS__)

#define TRAPS(outcome, want_cause, want_tval) \
    do {                                      \
        struct rt_outcome o_ = (outcome);     \
        EQ(o_.cause, want_cause);             \
        EQ(o_.tval, want_tval);               \
    } while (0)
#define NO_TRAPS(outcome)                 \
    do {                                  \
        struct rt_outcome n_ = (outcome); \
        EQ(n_.cause, NO_TRAP);            \
    } while (0)

// Accesses that may fault. size: 1, 2, 4, 8.
struct rt_outcome rt_try_load(uintptr_t addr, unsigned size, uint64_t *value);
struct rt_outcome rt_try_store(uintptr_t addr, unsigned size, uint64_t value);
struct rt_outcome rt_try_exec(uintptr_t addr); // calls it
uint32_t rt_insn_at(uintptr_t addr);           // 2 or 4 bytes, as mtval has them

// One of them, for rt_run_in() and hyp_run(): rt_access() takes a struct rt_request.
enum access { LOAD, STORE, FETCH };
struct rt_request {
    enum access access;
    uint64_t va;
    struct rt_outcome outcome;
};
uint64_t rt_access(uint64_t request);

// ---- Modes ----
#define PRIV_U 0
#define PRIV_S 1
#define PRIV_M 3
// Calls fn(arg) in `mode`, at its address plus `offset` (an alias mapping), with the stack there too.
uint64_t rt_run_in(unsigned mode, uint64_t (*fn)(uint64_t), uint64_t arg, uint64_t offset);

// body##_in_s is a case that has the case `body` run in S mode.
#define IN_S_MODE(body)                              \
    static uint64_t body##_body(uint64_t arg)        \
    {                                                \
        body();                                      \
        return arg;                                  \
    }                                                \
    static void body##_in_s(void)                    \
    {                                                \
        EQ(rt_run_in(PRIV_S, body##_body, 7, 0), 7); \
    }

// ---- Harts ----
unsigned rt_hart(void);
bool rt_need(unsigned harts); // waits until so many run; false: they don't come
void rt_start(unsigned hart, void (*fn)(uint64_t), uint64_t arg);
void rt_join(unsigned hart); // waits until it is done

// ---- Memory ----
#define PAGE 4096ul
void *rt_page(void);      // a zeroed page; all are given back after each case
void *rt_pages(unsigned); // several in a row
void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t rt_strlen(const char *s);

static inline void rt_fence_i(void)
{
    __asm__ volatile("fence.i" ::: "memory");
}

static inline void rt_fence(void)
{
    __asm__ volatile("fence iorw, iorw" ::: "memory");
}

// ---- Time: 10 MHz ----
uint64_t rt_time(void);
void rt_wait(uint64_t ticks);
#define RT_MS 10000ul

// ---- Devices ----
static inline uint32_t rd32(uintptr_t a)
{
    return *(volatile uint32_t *)a;
}

static inline void wr32(uintptr_t a, uint32_t v)
{
    *(volatile uint32_t *)a = v;
}

static inline uint64_t rd64(uintptr_t a)
{
    return *(volatile uint64_t *)a;
}

static inline void wr64(uintptr_t a, uint64_t v)
{
    *(volatile uint64_t *)a = v;
}

static inline uint8_t rd8(uintptr_t a)
{
    return *(volatile uint8_t *)a;
}

static inline void wr8(uintptr_t a, uint8_t v)
{
    *(volatile uint8_t *)a = v;
}

#define FINISHER 0x100000ul
#define RTC 0x101000ul
#define ACLINT 0x2000000ul
#define MSIP(hart) (ACLINT + 4 * (hart))
#define MTIMECMP(hart) (ACLINT + 0x4000 + 8 * (hart))
#define MTIME (ACLINT + 0xbff8)
#define PLIC 0xc000000ul
#define UART 0x10000000ul
#define VIRTIO(slot) (0x10001000ul + 0x1000 * (slot))
#define RAM 0x80000000ul

#endif
