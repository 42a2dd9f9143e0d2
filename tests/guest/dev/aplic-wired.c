// SPDX-License-Identifier: Apache-2.0
// The APLIC without IMSICs: harts claim from it, by priority, at both levels; harts have no CSRs of AIA.
// run: hull=--interrupts hull=aplic qemu-arg=-M qemu-arg=virt,aia=aplic
#include "aia.h"
#include "irq.h"

#define TO(hart, priority) ((hart) << 18 | (priority))
#define IDELIVERY 0x00
#define IFORCE 0x04
#define ITHRESHOLD 0x08
#define TOPI_REG 0x18
#define CLAIMI 0x1c

static void setup(void)
{
    irq_lower();
    aplic_clear();
    for (unsigned i = 0; i < 2; i++) {
        wr32((i ? APLIC_M : APLIC_S) + APLIC_IDC(0) + IDELIVERY, 1);
        wr32((i ? APLIC_M : APLIC_S) + APLIC_IDC(0) + IFORCE, 0);
        wr32((i ? APLIC_M : APLIC_S) + APLIC_IDC(0) + ITHRESHOLD, 0);
    }
}

static void claims(void)
{
    setup();
    EQ(rd32(APLIC_M), 0x80000100);
    aplic_source(APLIC_M, UART_IRQ, APLIC_LEVEL1, TO(0, 3));
    aplic_source(APLIC_M, 20, APLIC_DETACHED, TO(0, 2));
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    irq_raise();
    SOON(csr_read(mip) & BIT(IRQ_MEI));
    EQ(rd32(APLIC_M + APLIC_IDC(0) + TOPI_REG), TOPI(UART_IRQ, 3));
    wr32(APLIC_M + APLIC_SETIPNUM, 20);
    EQ(rd32(APLIC_M + APLIC_IDC(0) + CLAIMI), TOPI(20, 2));
    EQ(rd32(APLIC_M + APLIC_IDC(0) + CLAIMI), TOPI(UART_IRQ, 3));
    EQ(csr_read(mip) & BIT(IRQ_MEI), BIT(IRQ_MEI)); // as long as the wire is high
    if (!rt_on_qemu()) {                            // where a pending bit outlives its wire
        irq_lower();
        EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
        EQ(rd32(APLIC_M + APLIC_IDC(0) + CLAIMI), 0);
    }
    setup();
}

static void thresholds(void)
{
    setup();
    aplic_source(APLIC_M, 20, APLIC_DETACHED, TO(0, 2));
    wr32(APLIC_M + APLIC_SETIPNUM, 20);
    EQ(csr_read(mip) & BIT(IRQ_MEI), BIT(IRQ_MEI));
    wr32(APLIC_M + APLIC_IDC(0) + ITHRESHOLD, 2);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    EQ(rd32(APLIC_M + APLIC_IDC(0) + TOPI_REG), 0);
    wr32(APLIC_M + APLIC_IDC(0) + ITHRESHOLD, 3);
    EQ(csr_read(mip) & BIT(IRQ_MEI), BIT(IRQ_MEI));
    wr32(APLIC_M + APLIC_IDC(0) + IDELIVERY, 0);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    setup();
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    wr32(APLIC_M + APLIC_IDC(0) + IFORCE, 1);
    EQ(csr_read(mip) & BIT(IRQ_MEI), BIT(IRQ_MEI));
    EQ(rd32(APLIC_M + APLIC_IDC(0) + CLAIMI), 0);
    if (!rt_on_qemu()) // which lowers its wire later
        EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
}

static void delegated(void)
{
    setup();
    wr32(APLIC_M + APLIC_SOURCECFG(UART_IRQ), APLIC_DELEGATE);
    aplic_source(APLIC_S, UART_IRQ, APLIC_LEVEL1, TO(0, 1));
    irq_raise();
    SOON(csr_read(mip) & BIT(IRQ_SEI));
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    EQ(rd32(APLIC_S + APLIC_IDC(0) + CLAIMI), TOPI(UART_IRQ, 1));
    setup();
    EQ(csr_read(mip) & BIT(IRQ_SEI), 0);
}

static void no_csrs(void)
{
    EQ(TRY("csrr t5, 0x350\n\tlui t5, 0x54525", ).cause, CAUSE_ILLEGAL);
    EQ(TRY("csrr t5, 0x35c\n\tlui t5, 0x54525", ).cause, CAUSE_ILLEGAL);
    EQ(TRY("csrr t5, 0xdb0\n\tlui t5, 0x54525", ).cause, CAUSE_ILLEGAL);
    EQ(csr_probe(0x607, -1ul), 0);
}

const struct rt_case rt_cases[] = {
    {"claims", claims},
    {"thresholds", thresholds},
    {"delegated", delegated},
    {"no-csrs", no_csrs},
    {0},
};
