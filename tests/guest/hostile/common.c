// SPDX-License-Identifier: Apache-2.0
// The hostile guest's numbers, its traps, and the repair of what it needs itself.
#include "hostile.h"

extern char rt_image_end[], rt_leave[];
extern uint64_t rt_return_sp[RT_HARTS];

struct hostile_count hostile_counts[RT_HARTS];
volatile bool hostile_user[RT_HARTS];
static uint64_t state[RT_HARTS];

void hostile_seed(uint64_t seed)
{
    state[rt_hart()] = seed * 0x9e3779b97f4a7c15 + 1;
}

uint64_t rnd(void)
{
    uint64_t *s = &state[rt_hart()], x = *s += 0x9e3779b97f4a7c15;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

uint64_t rnd_below(uint64_t limit)
{
    return rnd() % limit;
}

static uint64_t any_number(void)
{
    static const uint64_t devices[16] = {
        0,         RTC,        ACLINT,    PLIC,      UART,       VIRTIO(0),
        VIRTIO(7), 0x30000000, VIRTIO(1), VIRTIO(2), // and an APLIC and IMSICs, where they are
        0xd000000, 0xd001000,  0xd003000, 0xd004000, 0x28000000, 0x28008000};
    uint64_t r = rnd();

    switch (r >> 60) {
    case 0: return rnd();
    case 1: return rnd() & 0xffffffff;
    case 2: return RAM_END + (r & 31) - 16;
    case 3: return (1ul << (r & 63)) + (r >> 6 & 15) - 8;
    case 4:
    case 5: return devices[r & 15] + (r >> 4 & 0xfff);
    case 6: return PLIC + (r & 0x3ffffff);
    case 7: return -(r & 0xffff);
    case 8: return r & 0xfff;
    case 9: return RAM - 1 - (r & 31);
    case 10: return rnd() >> (r & 63);
    default: return WASTE + r % WASTE_SIZE;
    }
}

// With room for the largest access before and behind it. The finisher's page ends or resets the VM.
static bool is_own(uint64_t address)
{
    address &= (1ul << 56) - 1; // what a device or a page table may make of it
    return (address >= RAM - 64 && address < (uint64_t)rt_image_end + 4096) ||
           (address + 64 >= FINISHER && address < FINISHER + 4096);
}

uint64_t wild(void)
{
    uint64_t number = any_number();

    return is_own(number) ? WASTE + number % WASTE_SIZE : number;
}

uint64_t wild_outside(void)
{
    for (;;) {
        uint64_t number = wild();

        if (number + 64 < RAM || number >= 1ul << 40)
            return number;
    }
}

void hostile_count(struct rt_outcome outcome)
{
    struct hostile_count *count = &hostile_counts[rt_hart()];

    count->tries++;
    count->traps += outcome.cause != NO_TRAP;
}

// Interrupts are silenced one by one as they come; hostile_repair() lets them come again.
static void on_interrupt(uint64_t cause)
{
    if (cause == (CAUSE_INTERRUPT | IRQ_STI))
        SBI1(SBI_TIME, 0, -1ul);
    else if (cause == (CAUSE_INTERRUPT | IRQ_SSI))
        csr_clear(sip, BIT(IRQ_SSI));
    else
        csr_clear(sie, BIT(cause & 63));
}

bool hostile_trap(struct rt_frame *f)
{
    unsigned hart = rt_hart();

    if (f->cause & CAUSE_INTERRUPT)
        on_interrupt(f->cause);
    if (!hostile_user[hart])
        return f->cause & CAUSE_INTERRUPT;
    if (f->status & STATUS_SPP) // from S mode all the same
        return f->cause & CAUSE_INTERRUPT;
    hostile_counts[hart].traps++;
    hostile_user[hart] = false;
    f->status |= STATUS_SPP;
    f->epc = (uint64_t)rt_leave;
    f->x[2] = rt_return_sp[hart];
    return true;
}

void hostile_repair(void)
{
    wr8(UART + 3, 0x03); // 8n1, no divisor latch
    wr8(UART + 1, 0);
    wr8(UART + 2, 0);
    wr8(UART + 4, 0);
    SBI1(SBI_TIME, 0, -1ul);
    csr_write(sie, BIT(IRQ_SSI) | BIT(IRQ_STI));
    csr_clear(sip, BIT(IRQ_SSI));
}
