// SPDX-License-Identifier: Apache-2.0
// Two guests that share memory: the first is a manager, the second hangs in its first life and is restarted by
// its watchdog. What they find is printed as cases.
#include <hull/hypercall.h>

#include "bench/metal/guest.h"

#define SHARED ((volatile uint64_t *)0x60000000ull)    // both write
#define READ_ONLY ((volatile uint64_t *)0x60200000ull) // the first writes, the second only reads
#define DOORBELL ((volatile uint32_t *)0x5ff00000ull)  // ID, RING, PENDING
#define PLIC 0x0c000000ull
#define DOORBELL_SOURCE 40
#define SBI_STA 0x535441
#define DENIED (-4)
#define INVALID_PARAM (-3)
#define INVALID_ADDRESS (-5)

enum word { MAGIC, ANSWER, LIFE, DONE };

static volatile uint64_t faults;
static char space[512];

__attribute__((interrupt("supervisor"), aligned(4))) static void trap_handler(void)
{
    faults = csr_get(scause);
    csr_put(sepc, csr_get(sepc) + ((*(uint16_t *)csr_get(sepc) & 3) == 3 ? 4 : 2));
}

static char *copy_text(char *to, const char *text)
{
    while (*text)
        *to++ = *text++;
    *to = 0;
    return to;
}

// One call a line: the other guest's lines come in between.
static void try(const char *name, bool held)
{
    char line[100];

    copy_text(copy_text(copy_text(line, held ? "ok " : "not ok "), name), "\n");
    put_text(line);
}

static volatile uint32_t *plic(uint64_t offset)
{
    return (volatile uint32_t *)(PLIC + offset);
}

static void doorbell_enable(void)
{
    *plic(4 * DOORBELL_SOURCE) = 1;
    *plic(0x2000 + 0x80 + DOORBELL_SOURCE / 32 * 4) = 1u << DOORBELL_SOURCE % 32;
    *plic(0x201000) = 0;
}

// Waits for the bell's interrupt at the PLIC; gives who rang.
static uint32_t doorbell_wait(void)
{
    uint32_t source, who;

    while (!(source = *plic(0x201004)))
        ;
    who = DOORBELL[2];
    DOORBELL[2] = who;
    *plic(0x201004) = source;
    return source == DOORBELL_SOURCE ? who : 0;
}

static bool state_becomes(uint64_t vm, uint32_t state)
{
    struct hull_vm_info info;

    for (unsigned i = 0; i < 1000000; i++)
        if (!sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_INFO, vm, (uint64_t)(uintptr_t)&info,
                 sizeof(info))
                 .error &&
            info.state == state)
            return true;
    return false;
}

// The hypervisor may look after the first or after both.
static bool last_word_counts(uint64_t vm)
{
    for (unsigned i = 0; i < 20; i++) {
        uint64_t until = csr_get(time) + 50000;

        sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_ASK, vm, HULL_VM_PAUSE, 0);
        sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_ASK, vm, HULL_VM_RESUME, 0);
        while (csr_get(time) < until)
            ;
        if (!state_becomes(vm, 1))
            return false;
    }
    return true;
}

static void manage(void)
{
    struct hull_vm_info *info = (struct hull_vm_info *)space;
    struct hull_machine_info *machine = (struct hull_machine_info *)space;
    uint64_t at = (uint64_t)(uintptr_t)space;

    try("manager: two VMs", sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_COUNT, 0, 0, 0).value == 2);
    try("manager: no VM 3",
        sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_INFO, 3, at, 512).error == INVALID_PARAM);
    try("manager: an address that is none",
        sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_INFO, 2, 8, 512).error == INVALID_ADDRESS);
    try("manager: VM 2", !sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_INFO, 2, at, 512).error &&
                             info->name[0] == 'b' && !info->name[1] && info->state == 1 &&
                             info->starts >= 1);
    sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_ASK, 2, HULL_VM_PAUSE, 0);
    try("manager: pauses it", state_becomes(2, 2));
    sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_ASK, 2, HULL_VM_RESUME, 0);
    try("manager: has it go on", state_becomes(2, 1));
    try("manager: has it pause and go on", last_word_counts(2));
    try("manager: nothing else to ask",
        sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_ASK, 2, 99, 0).error == INVALID_PARAM);
    try("manager: the machine", !sbi(HULL_CALL_EXTENSION, HULL_CALL_MACHINE, at, 512, 0).error &&
                                    machine->vms == 2 && machine->memory_free < machine->memory);
}

static struct {
    volatile uint32_t sequence, flags;
    volatile uint64_t steal;
    uint8_t rest[48];
} stolen __attribute__((aligned(64)));

// Steal time (SBI STA): the time before the first instruction counts already.
static void account(void)
{
    uint64_t at = (uint64_t)(uintptr_t)&stolen;

    try("steal time: it is there", sbi(SBI_BASE, 3, SBI_STA, 0, 0).value == 1);
    try("steal time: bad places", sbi(SBI_STA, 0, at + 8, 0, 0).error == INVALID_PARAM &&
                                      sbi(SBI_STA, 0, 0x40, 0, 0).error == INVALID_ADDRESS &&
                                      sbi(SBI_STA, 0, at, 0, 1).error == INVALID_PARAM);
    try("steal time: told", !sbi(SBI_STA, 0, at, 0, 0).error && stolen.sequence &&
                                stolen.sequence % 2 == 0 && stolen.steal > 0);
}

static void first(void)
{
    READ_ONLY[0] = 77;
    SHARED[MAGIC] = 4711;
    for (unsigned i = 0; i < 1000 && SHARED[ANSWER] != 4712; i++) {
        uint64_t until = csr_get(time) + 100000;

        DOORBELL[1] = 2; // it may not have come up yet
        while (csr_get(time) < until)
            ;
    }
    try("a: b has answered in the shared memory", SHARED[ANSWER] == 4712);
    try("a: b has rung", doorbell_wait() == 1u << 2);
    manage();
    account();
    SHARED[DONE] = 1;
    put_text("a: done\n");
    for (;;)
        __asm__ volatile("wfi");
}

static void second(void)
{
    if (SHARED[LIFE]++) {
        try("b: restarted by its watchdog", SHARED[LIFE] == 2);
        put_text("b: done\n");
        for (;;) {
            sbi(HULL_CALL_EXTENSION, HULL_CALL_WATCHDOG, 0, 0, 0);
            sbi(SBI_TIME, 0, csr_get(time) + 1000000, 0, 0);
            __asm__ volatile("wfi");
        }
    }
    doorbell_wait();
    try("b: what a has written", SHARED[MAGIC] == 4711 && READ_ONLY[0] == 77);
    faults = 0;
    READ_ONLY[0] = 78;
    try("b: what it may only read", faults == 7 && READ_ONLY[0] == 77);
    try("b: is no manager", sbi(HULL_CALL_EXTENSION, HULL_CALL_VM_COUNT, 0, 0, 0).error == DENIED);
    SHARED[ANSWER] = 4712;
    DOORBELL[1] = 1;
    while (!SHARED[DONE])
        sbi(HULL_CALL_EXTENSION, HULL_CALL_WATCHDOG, 0, 0, 0);
    for (;;)
        ; // hangs
}

void guest_main(uint64_t hartid)
{
    struct sbi_result self = sbi(HULL_CALL_EXTENSION, HULL_CALL_SELF, 0, 0, 0);

    (void)hartid;
    csr_put(stvec, (uint64_t)(uintptr_t)trap_handler);
    csr_on(sie, 0x22);
    doorbell_enable();
    try("there is the extension",
        sbi(SBI_BASE, 3, HULL_CALL_EXTENSION, 0, 0).value == 1 && !self.error);
    try("the doorbell says who I am", DOORBELL[0] == (uint32_t)self.value);
    if (self.value >> 32)
        first();
    second();
}
