// SPDX-License-Identifier: Apache-2.0
// The APLIC with IMSICs: sources of both domains, delegation, MSIs to files of all levels, levels that are
// asked for again, the registers' widths.
// run: hull=--interrupts hull=aia hull=--guest-files hull=3 qemu-arg=-M qemu-arg=virt,aia=aplic-imsic,aia-guests=3
#include "aia.h"
#include "irq.h"

#define TO(hart, guest, eiid) ((hart) << 18 | (guest) << 12 | (eiid))

// QEMU's APLIC wants to be told where the IMSICs are; ours knows and has these registers locked.
static void setup(void)
{
    irq_lower();
    wr32(APLIC_M + 0x1bc0, IMSIC_M(0) >> 12);
    wr32(APLIC_M + 0x1bc4, 0);
    wr32(APLIC_M + 0x1bc8, IMSIC_S(0, 0) >> 12);
    wr32(APLIC_M + 0x1bcc, 2u << 20);
    aplic_clear();
    file_clear(m, -1ul);
    file_clear(s, -1ul);
}

static void machine_source(void)
{
    setup();
    EQ(rd32(APLIC_M), 0x80000104);
    aplic_source(APLIC_M, UART_IRQ, APLIC_LEVEL1, TO(0, 0, 33));
    EQ(csr_read(mtopei), 0);
    irq_raise();
    SOON(csr_read(mtopei) == TOP(33));
    EQ(csr_swap(mtopei, 0), TOP(33));
    EQ(csr_read(mtopei), 0); // the wire is high, but it was sent
    wr32(APLIC_M + APLIC_SETIPNUM, UART_IRQ);
    SOON(csr_read(mtopei) == TOP(33)); // asked for again
    csr_write(mtopei, 0);
    irq_lower();
    wr32(APLIC_M + APLIC_SETIPNUM, UART_IRQ);
    rt_wait(RT_MS);
    if (!rt_on_qemu()) // which sends it all the same
        EQ(csr_read(mtopei), 0);
    csr_write(mtopei, 0);
    EQ(rd32(APLIC_M + APLIC_SETIP), 0);
    irq_raise();
    SOON(csr_read(mtopei) == TOP(33));
    EQ(rd32(APLIC_M + APLIC_IN_CLRIP), BIT(UART_IRQ));
    irq_lower();
}

static void delegated_source(void)
{
    setup();
    wr32(APLIC_M + APLIC_SOURCECFG(UART_IRQ), APLIC_DELEGATE);
    EQ(rd32(APLIC_M + APLIC_SOURCECFG(UART_IRQ)), APLIC_DELEGATE);
    aplic_source(APLIC_S, UART_IRQ, APLIC_LEVEL1, TO(0, 0, 77));
    irq_raise();
    SOON(csr_read(stopei) == TOP(77));
    EQ(csr_read(mtopei), 0);
    csr_write(stopei, 0);
    irq_lower();
    // To a guest's file.
    wr32(APLIC_S + APLIC_TARGET(UART_IRQ), TO(0, 3, 78));
    csr_write(0x600, 3ul << 12);
    ireg_write(vs, EIE(1), -1ul);
    irq_raise();
    SOON(csr_read(vstopei) == TOP(78));
    csr_write(vstopei, 0);
    csr_write(0x600, 0);
    EQ(csr_read(stopei), 0);
    irq_lower();
}

static void not_delegated(void)
{
    NOT_ON_QEMU("a domain configures sources there that are not its own");
    setup();
    wr32(APLIC_S + APLIC_SOURCECFG(UART_IRQ), APLIC_LEVEL1);
    EQ(rd32(APLIC_S + APLIC_SOURCECFG(UART_IRQ)), 0);
    wr32(APLIC_M + APLIC_SOURCECFG(UART_IRQ), APLIC_DELEGATE);
    aplic_source(APLIC_S, UART_IRQ, APLIC_DETACHED, TO(0, 0, 5));
    EQ(rd32(APLIC_S + APLIC_TARGET(UART_IRQ)), 5);
    wr32(APLIC_M + APLIC_SOURCECFG(UART_IRQ), APLIC_DETACHED);
    EQ(rd32(APLIC_S + APLIC_SOURCECFG(UART_IRQ)), 0);
    EQ(rd32(APLIC_S + APLIC_TARGET(UART_IRQ)), 0);
    EQ(rd32(APLIC_M + 0x1bc4), 0x80000000); // where MSIs go is fixed
}

static void generated(void)
{
    setup();
    wr32(APLIC_M + APLIC_GENMSI, TO(0, 0, 200));
    SOON(csr_read(mtopei) == TOP(200));
    wr32(APLIC_S + APLIC_GENMSI, TO(0, 0, 201));
    SOON(csr_read(stopei) == TOP(201));
    EQ(rd32(APLIC_S + APLIC_GENMSI), TO(0, 0, 201));
    csr_write(mtopei, 0);
    csr_write(stopei, 0);
}

static void widths(void)
{
    NOT_ON_QEMU("it answers at more widths");
    static const uintptr_t bases[] = {APLIC_M, APLIC_S, IMSIC_M(0), IMSIC_S(0, 1)};
    uint64_t value;

    for (unsigned i = 0; i < 4; i++) {
        EQ(rt_try_load(bases[i], 4, &value).cause, NO_TRAP);
        EQ(rt_try_load(bases[i], 8, &value).cause, CAUSE_LOAD_ACCESS);
        EQ(rt_try_load(bases[i] + 2, 2, &value).cause, CAUSE_LOAD_ACCESS);
        EQ(rt_try_store(bases[i] + 4, 8, 0).cause, CAUSE_STORE_ACCESS);
        EQ(rt_try_store(bases[i], 1, 0).cause, CAUSE_STORE_ACCESS);
        EQ(rt_try_load(bases[i] + 0xffc, 4, &value).cause, NO_TRAP);
    }
    EQ(rt_try_load(IMSIC_M(1), 4, &value).cause, CAUSE_LOAD_ACCESS); // there is one hart
    EQ(rt_try_store(IMSIC_S(1, 0), 4, 1).cause, CAUSE_STORE_ACCESS);
    EQ(rt_try_load(APLIC_M + 0x8000, 4, &value).cause, CAUSE_LOAD_ACCESS);
}

const struct rt_case rt_cases[] = {
    {"machine", machine_source},
    {"delegated", delegated_source},
    {"not-delegated", not_delegated},
    {"generated", generated},
    {"widths", widths},
    {0},
};
