// SPDX-License-Identifier: Apache-2.0
// What handlers are written with.
#ifndef HULL_ENGINE_INTERP_HANDLER_H
#define HULL_ENGINE_INTERP_HANDLER_H

#include "engine/interp/cpu.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#if defined(__has_attribute)
#if __has_attribute(musttail)
#define HULL_TAIL __attribute__((musttail))
#endif
#endif
#ifndef HULL_TAIL
#define HULL_TAIL
#endif

// INTERP_LOOP: handlers return the next op to the loop in run.c instead of calling it.
#if !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INTERP_LOOP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
#define INTERP_LOOP 1
#endif
#endif

// INTERP_STEP: the handlers are compiled once more, as steps.c explains.
#ifdef INTERP_STEP
#undef INTERP_LOOP
#define INTERP_LOOP 1
#define HANDLER(id) step_##id
#define OP(id) static const struct op *step_##id(struct cpu *cpu, const struct op *op)
#else
#define HANDLER(id) op_##id
#define OP(id) const struct op *op_##id(struct cpu *cpu, const struct op *op)
#endif

#ifdef INTERP_LOOP
#define GO(next)       \
    do {               \
        (void)cpu;     \
        return (next); \
    } while (0)
#else
#define GO(next)                            \
    do {                                    \
        const struct op *go_ = (next);      \
        HULL_TAIL return go_->fn(cpu, go_); \
    } while (0)
#endif

#define NEXT GO(op + 1)

#define X(n) cpu->x[n]
#define RD cpu->x[op->rd]
#define RS1 cpu->x[op->rs1]
#define RS2 cpu->x[op->rs2]
#define IMM ((int64_t)op->imm)

#ifdef INTERP_STEP

#define FOLLOW(which, target)      \
    do {                           \
        cpu->hart.s.pc = (target); \
        return NULL;               \
    } while (0)
#define FOLLOW_INDIRECT(target) FOLLOW(taken, target)

#else

// Enters `b`, which has been checked for the current context: counts its instructions, and gives
// way first when somebody asks for attention or a counter overflows.
#define ENTER(b)                                                                    \
    do {                                                                            \
        struct block *enter_ = (b);                                                 \
        if (unlikely(atomic_load_explicit(cpu->attention, memory_order_relaxed)) || \
            unlikely(cpu->hart.instret >= cpu->hart.counter_limit)) {               \
            cpu->hart.s.pc = enter_->pc;                                            \
            return NULL;                                                            \
        }                                                                           \
        cpu->block = enter_;                                                        \
        cpu->hart.instret += enter_->count;                                         \
        GO(enter_->ops);                                                            \
    } while (0)

// Goes on at `target` through a link of this block.
#define FOLLOW(which, target)                                    \
    do {                                                         \
        struct op_links *links_ = (struct op_links *)(op + 1);   \
        struct block *follow_ = links_->which;                   \
        if (likely(follow_ && follow_->context == cpu->context)) \
            ENTER(follow_);                                      \
        cpu->link = &links_->which;                              \
        cpu->hart.s.pc = (target);                               \
        return NULL;                                             \
    } while (0)

// Goes on at an address that was computed.
#define FOLLOW_INDIRECT(target)                                                       \
    do {                                                                              \
        struct block *jump_ = cpu->jumps[jump_index(target)];                         \
        if (likely(jump_ && jump_->pc == (target) && jump_->context == cpu->context)) \
            ENTER(jump_);                                                             \
        cpu->hart.s.pc = (target);                                                    \
        return NULL;                                                                  \
    } while (0)

#endif

#endif
