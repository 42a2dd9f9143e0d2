// SPDX-License-Identifier: Apache-2.0
// The hypervisor's last words: cause, registers, and where it came from.
#include <stdarg.h>

#include "lib/format.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/riscv64/hart.h"
#include "metal/riscv64/paging.h"
#include "metal/riscv64/sbi.h"

#define FRAMES_MAX 24

struct symbol {
    uint32_t offset; // from the image's start
    uint32_t name;   // from the table's
};

const char register_names[32][5] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                    "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                    "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                    "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

extern const struct symbol symbol_table[], symbol_table_end[];
extern char image_start[], image_text_end[], image_end[];

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char line[160];
    va_list args;

    va_start(args, format);
    hull_vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    console_emergency(&machine.console, line);
}

static bool is_text(uint64_t address)
{
    return address >= (uintptr_t)image_start && address < (uintptr_t)image_text_end;
}

static void say_address(unsigned index, uint64_t address)
{
    const struct symbol *found = NULL;

    if (is_text(address))
        for (const struct symbol *s = symbol_table; s < symbol_table_end; s++)
            if (s->offset <= address - (uintptr_t)image_start)
                found = s;
    if (found)
        say("  #%-2u %016llx %s+0x%llx\n", index, (unsigned long long)address,
            (const char *)symbol_table + found->name,
            (unsigned long long)(address - (uintptr_t)image_start - found->offset));
    else
        say("  #%-2u %016llx\n", index, (unsigned long long)address);
}

// What jal ra, jalr ra or c.jalr left: the word before is a call. Old frames may show through.
static bool is_return_address(uint64_t address)
{
    uint16_t last, before;

    if (!is_text(address) || !is_text(address - 4) || address % 2)
        return false;
    last = *(const uint16_t *)(address - 2);
    before = *(const uint16_t *)(address - 4);
    return (before & 0xfff) == 0x0ef || (before & 0xfff) == 0x0e7 || (last & 0xf07f) == 0x9002;
}

// Without frame pointers, which would make every exit dearer: looks for return addresses on the stack.
static void say_backtrace(uint64_t pc, uint64_t sp)
{
    unsigned found = 1;

    say_address(0, pc);
    if (sp % 8 || sp < STACKS_BASE)
        return;
    for (uint64_t at = sp; found < FRAMES_MAX && at - sp < THREAD_STACK_SIZE; at += 8) {
        if (at % HULL_PAGE_SIZE == 0 && !paging_is_mapped(at)) // the guard page above
            return;
        if (is_return_address(*(const uint64_t *)at))
            say_address(found++, *(const uint64_t *)at);
    }
}

// A panic while the others still run must not mix with their output.
static void begin(void)
{
    machine.panicked = true;
    for (unsigned i = 0; i < machine.hart_count; i++)
        if (machine.harts[i] != this_hart())
            arch_ipi(machine.harts[i]);
    say("\n");
}

static void __attribute__((noreturn)) end(void)
{
    if (machine.panic_resets) {
        say("hull-metal: resetting\n");
        fw_reboot();
    }
    say("hull-metal: halted\n");
    arch_halt();
}

void panic_trap(const struct trap_frame *frame)
{
    begin();
    say("hull-metal: hart %llu: panic: a fault in the hypervisor: scause %llx stval %llx\n",
        (unsigned long long)this_hart()->hartid, (unsigned long long)frame->scause,
        (unsigned long long)frame->stval);
    say("  sepc %016llx sstatus %016llx\n", (unsigned long long)frame->sepc,
        (unsigned long long)frame->sstatus);
    for (unsigned i = 0; i < 32; i += 2)
        say("  %-4s %016llx  %-4s %016llx\n", register_names[i], (unsigned long long)frame->x[i],
            register_names[i + 1], (unsigned long long)frame->x[i + 1]);
    say_backtrace(frame->sepc, frame->x[2]);
    end();
}
