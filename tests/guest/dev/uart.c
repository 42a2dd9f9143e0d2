// SPDX-License-Identifier: Apache-2.0
// The UART from inside: registers, loopback, FIFOs, interrupts by way of the PLIC, and input.
// run: input=xyz
#include "csr.h"

#define RBR 0
#define IER 1
#define IIR 2
#define FCR 2
#define LCR 3
#define MCR 4
#define LSR 5
#define MSR 6
#define SCR 7
#define IRQ 10

static uint8_t get(unsigned r)
{
    return rd8(UART + r);
}

static void put(unsigned r, uint8_t v)
{
    wr8(UART + r, v);
}

static void scratch_and_divisor(void)
{
    uint8_t lcr = get(LCR);

    for (unsigned v = 0; v < 256; v += 17) {
        put(SCR, (uint8_t)v);
        EQ(get(SCR), v);
    }
    put(LCR, 0x83);
    put(0, 0x34);
    put(1, 0x12);
    EQ(get(0), 0x34);
    EQ(get(1), 0x12);
    put(0, 1);
    put(1, 0);
    put(LCR, 0x03);
    EQ(get(LCR), 0x03);
    put(IER, 0);
    EQ(get(IER), 0);
    put(IER, 0xff);
    EQ(get(IER), 0x0f);
    put(IER, 0);
    put(LCR, lcr);
}

static void input_arrives(void)
{
    static const char want[] = "xyz";
    uint64_t end = rt_time() + 5000 * RT_MS;

    NOT_ON_QEMU("it drops what comes before the FIFOs are on");
    put(LCR, 0x03);
    put(FCR, 0x01); // FIFOs on, without clearing
    for (unsigned i = 0; i < 3; i++) {
        while (!(get(LSR) & 1) && rt_time() < end)
            ;
        EQ(get(LSR) & 1, 1);
        EQ(get(RBR), want[i]);
    }
    EQ(get(LSR) & 1, 0);
}

// Bytes written come back, and nothing goes out.
static void loopback(void)
{
    put(FCR, 0x07);
    put(MCR, 0x10);
    for (unsigned i = 0; i < 8; i++) {
        put(RBR, (uint8_t)(0xa0 + i));
        while (!(get(LSR) & 1))
            ;
        EQ(get(RBR), 0xa0 + i);
    }
    // The modem's outputs are its inputs: DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD.
    put(MCR, 0x10 | 1);
    EQ(get(MSR) >> 4, 2);
    put(MCR, 0x10 | 2);
    EQ(get(MSR) >> 4, 1);
    put(MCR, 0x10 | 4);
    EQ(get(MSR) >> 4, 4);
    put(MCR, 0x10 | 8);
    EQ(get(MSR) >> 4, 8);
    put(MCR, 0x08);
}

static void fifo(void)
{
    NOT_ON_QEMU("it drops what comes too fast");
    put(FCR, 0x07);
    put(MCR, 0x10);
    for (unsigned i = 0; i < 20; i++)
        put(RBR, (uint8_t)i);
    EQ(get(LSR) & 3, 3); // data, and an overrun
    EQ(get(LSR) & 2, 0); // which reading clears
    for (unsigned i = 0; i < 16; i++)
        EQ(get(RBR), i);
    EQ(get(LSR) & 1, 0);
    put(RBR, 1);
    put(FCR, 0x03); // clears the receiver's
    EQ(get(LSR) & 1, 0);
    put(MCR, 0x08);
}

static void interrupts(void)
{
    uint64_t end = rt_time() + 1000 * RT_MS;

    put(FCR, 0x07);
    put(MCR, 0x08);
    wr32(PLIC + 4 * IRQ, 7);
    wr32(PLIC + 0x2000, 1u << IRQ);
    wr32(PLIC + 0x200000, 0);
    EQ(get(IIR) & 0x0f, 1); // none
    while (!(get(LSR) & 0x20))
        ;
    put(IER, 2); // the transmitter is empty
    while (!(csr_read(mip) & BIT(IRQ_MEI)) && rt_time() < end)
        ;
    EQ(csr_read(mip) & BIT(IRQ_MEI), BIT(IRQ_MEI));
    EQ(rd32(PLIC + 0x200004), IRQ);
    EQ(get(IIR) & 0x0f, 2);
    EQ(get(IIR) & 0x0f, 1); // reading it took it back
    wr32(PLIC + 0x200004, IRQ);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    put(IER, 0);
    put(MCR, 0x18);
    put(RBR, 'a');
    while (!(get(LSR) & 1))
        ;
    put(IER, 1); // received data
    EQ(get(IIR) & 0x0f & ~8, 4);
    EQ(rd32(PLIC + 0x200004), IRQ);
    EQ(get(RBR), 'a');
    EQ(get(IIR) & 0x0f, 1);
    wr32(PLIC + 0x200004, IRQ);
    put(IER, 0);
    put(MCR, 0x08);
    wr32(PLIC + 0x2000, 0);
    wr32(PLIC + 4 * IRQ, 0);
}

const struct rt_case rt_cases[] = {
    {"input", input_arrives}, {"registers", scratch_and_divisor}, {"loopback", loopback},
    {"fifo", fifo},           {"interrupts", interrupts},         {0},
};
