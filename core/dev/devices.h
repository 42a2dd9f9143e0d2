// SPDX-License-Identifier: Apache-2.0
// Constructors of the board's devices other than virtio. Each returns a device ready for
// hull_bus_add(), or NULL when there is no memory.
#ifndef HULL_CORE_DEV_DEVICES_H
#define HULL_CORE_DEV_DEVICES_H

#include <hull/backend.h>
#include <hull/device.h>
#include <hull/vm.h>

// ns16550a, registers one byte apart. Input: hull_uart_receive() returns how much it took.
struct device *hull_uart_create(const struct hull_env *env, struct irq_wire irq,
                                struct char_backend backend);
size_t hull_uart_receive(struct device *dev, const void *buf, size_t len);
void hull_uart_tx_ready(struct device *dev); // the backend can take output again
// For SBI DBCN and legacy console: output past the registers, input out of the receive FIFO.
size_t hull_uart_console_write(struct device *dev, const void *buf, size_t len);
size_t hull_uart_console_read(struct device *dev, void *buf, size_t len);

// SiFive PLIC 1.0.0: `sources` interrupt sources (1 to sources - 1), contexts in the order M and S of
// hart 0, M and S of hart 1, …; drives lines 11 (MEIP) and 9 (SEIP) of the vCPUs.
struct device *hull_plic_create(struct vm *vm, unsigned sources);
struct irq_wire hull_plic_wire(struct device *plic, unsigned source);
// For a wire whose level nobody follows (a physical interrupt): it falls when a handler has completed the
// source, and `done` is called, the PLIC's lock held, to look whether it rises again. One function for
// all such sources; 32 of them each at `word` * 32 on, by the bits of `mask`.
void hull_plic_on_complete(struct device *plic, unsigned word, uint32_t mask,
                           void (*done)(void *ctx, unsigned source), void *ctx);

// An interrupt domain of an APLIC (RISC-V AIA 1.0), 32 KiB: sources 1 to `sources`; at machine level it
// may have one child at supervisor level, to which it can delegate sources. With `msi` it sends MSIs by
// hull_msi_send(), to the machine's files or to the supervisor's and its `guests` guest files; else it
// drives lines 11 (MEIP) or 9 (SEIP) of the vCPUs. The wires are the root's.
struct aplic_config {
    unsigned sources, guests;
    bool machine, msi;
    struct device *parent; // NULL: the root
};
struct device *hull_aplic_create(struct vm *vm, const struct aplic_config *config);
struct irq_wire hull_aplic_wire(struct device *root, unsigned source);
// As hull_plic_on_complete(), for a domain without MSIs.
void hull_aplic_on_complete(struct device *root, unsigned word, uint32_t mask,
                            void (*done)(void *ctx, unsigned source), void *ctx);

// What stands behind a source whose wire is none of ours: a real APLIC has its pending bit, and sends its
// MSIs. The domain is one with MSIs, alone; its lock is held.
struct aplic_route {
    unsigned mode;     // as sourcecfg spells it; 0: inactive
    unsigned vcpu;     // to which MSIs go, any number
    uint32_t identity; // and as what, any number
    bool enabled;      // what is pending is to be sent
};
struct aplic_backing {
    // Its configuration, after each change of it: the same again changes nothing.
    void (*configure)(void *ctx, unsigned source, const struct aplic_route *route);
    void (*set_pending)(void *ctx, unsigned source, bool pending); // if that can be, in its mode
    bool (*pending)(void *ctx, unsigned source);
    bool (*input)(void *ctx, unsigned source); // the wire, as the mode reads it
};
void hull_aplic_back(struct device *domain, unsigned source, const struct aplic_backing *backing,
                     void *ctx);

// The IMSICs of all vCPUs: pages to which MSIs are written. The supervisor's: for each vCPU as many as
// hold the supervisor's file and the guests', rounded up to a power of two; it makes vcpu->msis. The
// machine's: one page for each vCPU.
struct device *hull_imsic_create(struct vm *vm, unsigned guests);
struct device *hull_imsic_machine_create(struct vm *vm);
unsigned hull_imsic_page_bits(unsigned guests); // log2 of the supervisor's pages for a vCPU

// ACLINT: MSWI at 0x0, MTIMER at 0x4000 (mtimecmp) and 0xbff8 (mtime), as the SiFive CLINT; drives lines
// 3 (MSIP) and 7 (MTIP).
struct device *hull_aclint_create(struct vm *vm);

// Goldfish RTC with alarm.
struct device *hull_rtc_create(const struct hull_env *env, struct irq_wire irq);

// sifive_test finisher: 0x5555 power-off, 0x3333 + code << 16 failure, 0x7777 reset.
struct device *hull_finisher_create(struct vm *vm);

#endif
