// SPDX-License-Identifier: Apache-2.0
// The RISC-V virtual board: QEMU's `virt` memory map, made of the core's devices from a VM spec.
#ifndef HULL_RISCV_BOARD_H
#define HULL_RISCV_BOARD_H

#include <hull/backend.h>
#include <hull/spec.h>
#include <hull/vm.h>

#include "guest/riscv/decode.h"
#include "guest/riscv/isa.h"

#define BOARD_ROM_BASE 0x1000ull // the reset vector, with firmware
#define BOARD_FINISHER_BASE 0x00100000ull
#define BOARD_FINISHER_SIZE 0x1000ull
#define BOARD_RTC_BASE 0x00101000ull
#define BOARD_RTC_SIZE 0x1000ull
#define BOARD_ACLINT_BASE 0x02000000ull
#define BOARD_ACLINT_SIZE 0x10000ull
#define BOARD_PLIC_BASE 0x0c000000ull
#define BOARD_PLIC_SIZE 0x600000ull
#define BOARD_APLIC_M_BASE 0x0c000000ull // with firmware
#define BOARD_APLIC_S_BASE 0x0d000000ull
#define BOARD_APLIC_SIZE 0x8000ull
#define BOARD_IMSIC_M_BASE 0x24000000ull // a page for each hart, with firmware
#define BOARD_IMSIC_S_BASE 0x28000000ull // riscv_board_imsic_stride() for each hart
#define BOARD_UART_BASE 0x10000000ull
#define BOARD_UART_SIZE 0x100ull
#define BOARD_VIRTIO_BASE 0x10001000ull
#define BOARD_VIRTIO_STRIDE 0x1000ull
#define BOARD_VIRTIO_SLOTS 8
#define BOARD_RAM_BASE 0x80000000ull // unless the VM's memory is one to one

#define BOARD_IRQ_VIRTIO 1 // to 8
#define BOARD_IRQ_UART 10
#define BOARD_IRQ_RTC 11
#define BOARD_IRQ_SOURCES 96 // of the PLIC, with the 0 that there is not; the APLIC has one more

// The guest's images, in host memory, whole, already decompressed; the caller keeps them alive for
// as long as the VM can reset. NULL data: none.
struct board_image {
    const void *data;
    uint64_t size;
    const char *name; // for messages
};

struct board_images {
    struct board_image kernel, initrd, firmware;
};

// What each configured device talks to, in the order of the spec.
struct board_backends {
    struct char_backend uart;    // write == NULL: output is dropped
    struct char_backend console; // virtio-console
    struct blk_backend *disks[HULL_SPEC_DISKS_MAX];
    struct net_backend *nets[HULL_SPEC_NETS_MAX];
};

struct riscv_board {
    struct vm *vm;
    const struct vm_spec *spec;
    struct riscv_isa isa;
    struct riscv_decoder decoder; // of engines that decode: made with the first hart's state
    bool decoder_made;
    struct board_images images;
    struct device *finisher, *rtc, *aclint, *uart;
    struct device *plic;    // NULL: there is an APLIC
    struct device *aplic;   // the root domain: the machine's with firmware, else the supervisor's
    struct device *aplic_s; // the supervisor's domain
    struct device *imsic, *imsic_m;            // NULL: no MSIs; no firmware
    struct device *virtio[BOARD_VIRTIO_SLOTS]; // transports, NULL: an empty slot
    struct device *disks[HULL_SPEC_DISKS_MAX],
        *nets[HULL_SPEC_NETS_MAX]; // virtio devices' transports
    struct device *console, *rng, *balloon;
    struct device *power_button; // in the last slot, NULL when the spec's devices take it
    struct riscv_sbi *sbi;       // NULL with firmware
    void *rom;                   // the page at BOARD_ROM_BASE, with firmware
    _Atomic uint32_t resets;     // how often the harts' states were replaced by a reset
    uint64_t entry; // where harts start: hart 0 with Hull's SBI, all of them with firmware
    uint64_t fdt_addr, dynamic_info_addr;
    uint64_t tohost, fromhost; // guest addresses of the ELF's HTIF symbols, 0: none
    struct hull_lock htif_lock;
    bool htif_done;    // the program has said how it ended
    char message[256]; // what was wrong, after an error
};

static inline gpa_t riscv_board_ram_base(const struct vm_spec *spec)
{
    return spec->metal.memory_address ? spec->metal.memory_address : BOARD_RAM_BASE;
}

// Bytes from one hart's supervisor interrupt file to the next one's.
uint64_t riscv_board_imsic_stride(const struct riscv_isa *isa);

// What the spec's harts have, before the engine takes away what it cannot do.
struct riscv_isa riscv_board_isa(const struct vm_spec *spec);

// The wire into the board's interrupt controller, whichever it is.
struct irq_wire riscv_board_wire(struct riscv_board *board, unsigned source);
// As hull_plic_on_complete().
void riscv_board_on_complete(struct riscv_board *board, unsigned word, uint32_t mask,
                             void (*done)(void *ctx, unsigned source), void *ctx);

// Devices in the virtio slots: disks from slot 0 on, then networks (but NET_NONE), rng, balloon,
// console, each in the spec's order; the power button in the last one, when it is free. The order is
// part of the board: guests name disks by it.

// Builds the board in a VM that has its RAM and backends, loads images and makes the device tree;
// vCPUs stand at their reset state. On error says why in board->message; hull_vm_fini() cleans up.
// 0, -HULL_ENOMEM, -HULL_EFORMAT (an image), -HULL_ENOSPC (does not fit into memory).
HULL_MUST_CHECK int riscv_board_create(struct riscv_board *board, struct vm *vm,
                                       const struct vm_spec *spec,
                                       const struct board_images *images,
                                       const struct board_backends *backends);
void riscv_board_destroy(struct riscv_board *board); // after the last run, before hull_vm_fini

// Power-on state again: devices, RAM images, harts. All vCPUs are parked.
HULL_MUST_CHECK int riscv_board_reset(struct riscv_board *board);

// Moves a VM to another engine, with everything as it is: registers, timers, pending interrupts, SBI
// calls under way. All vCPUs are parked. 0, or the engine's error (-HULL_ENOMEM, -HULL_ENOTSUP): then
// the old one stays.
HULL_MUST_CHECK int riscv_board_set_engine(struct riscv_board *board,
                                           const struct engine_ops *engine);

// The body of a vCPU's thread: runs until the VM ends.
void riscv_vcpu_loop(struct vcpu *vcpu);

// The device tree for `spec` into buf (as a blob); its size, or -HULL_ENOSPC. Needs no VM: `hull
// dtb` uses it too. initrd range and RAM contents are as board->… would have them; pass 0, 0
// for no initrd. `rng_seed`: 32 random bytes for the guest, or NULL.
#define BOARD_RNG_SEED_SIZE 32
#define BOARD_FDT_MAX (512u << 10) // room for any spec's tree
HULL_MUST_CHECK int riscv_board_fdt(const struct vm_spec *spec, const struct riscv_isa *isa,
                                    gpa_t initrd_start, uint64_t initrd_size,
                                    const uint8_t *rng_seed, void *buf, size_t size);

// Output for callers that can't wait for hull_uart_tx_ready(): waits until the console has taken all
// of it, but not for long. False: something was lost.
bool riscv_console_write(struct riscv_board *board, const void *bytes, size_t length);

// Watches `tohost` (HTIF), if the images have it. Part of board_create and board_reset.
void riscv_htif_reset(struct riscv_board *board);

#endif
