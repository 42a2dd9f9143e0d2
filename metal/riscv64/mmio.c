// SPDX-License-Identifier: Apache-2.0
// Guests' accesses to devices. The hart says what the instruction was (htinst); otherwise it is fetched with
// the guest's own eyes. Only plain integer loads and stores reach devices, as on most real buses.
#include <hull/vm.h>

#include "guest/riscv/decode.h"
#include "guest/riscv/trap.h"
#include "metal/common/vm.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/hext.h"

#define OPCODE_LOAD 0x03
#define OPCODE_STORE 0x23

// Pseudoinstructions: the guest's own page walk met the fault.
static bool is_walk(uint64_t htinst)
{
    return htinst == 0x2000 || htinst == 0x2020 || htinst == 0x3000 || htinst == 0x3020;
}

uint32_t hext_fetch(const struct hext *x)
{
    int64_t low, high = 0;

    csr_write(HW_HSTATUS,
              x->regs.hstatus | (x->regs.sstatus & HW_SSTATUS_SPP ? HW_HSTATUS_SPVP : 0));
    low = guest_fetch_half(x->regs.sepc);
    if (low >= 0 && (low & 3) == 3)
        high = guest_fetch_half(x->regs.sepc + 2);
    return low < 0 || high < 0 ? 0 : (uint32_t)low | (uint32_t)high << 16;
}

// The instruction in its long form, and the length that it has in memory; 0: fetch failed.
static uint32_t instruction(const struct hext *x, unsigned *length)
{
    const struct riscv_board *board = x->vcpu->vm->board;
    uint32_t raw = (uint32_t)x->regs.htinst;

    if (raw & 1) { // transformed: bit 1 clear says that it was compressed
        *length = raw & 2 ? 4 : 2;
        return raw | 2;
    }
    raw = hext_fetch(x);
    *length = riscv_insn_length(raw);
    return *length == 4 ? raw : riscv_expand_compressed((uint16_t)raw, &board->isa);
}

static uint64_t extend(uint64_t value, unsigned funct3)
{
    switch (funct3) {
    case 0: return (uint64_t)(int8_t)value;
    case 1: return (uint64_t)(int16_t)value;
    case 2: return (uint64_t)(int32_t)value;
    case 4: return (uint8_t)value;
    case 5: return (uint16_t)value;
    case 6: return (uint32_t)value;
    default: return value;
    }
}

void hext_mmio(struct hext *x, gpa_t gpa)
{
    struct bus *bus = &x->vcpu->vm->bus;
    bool store = x->regs.scause == HW_CAUSE_GUEST_STORE_FAULT;
    unsigned fault = store ? CAUSE_STORE_ACCESS : CAUSE_LOAD_ACCESS, length;
    uint32_t insn;
    int error = -HULL_EFAULT;

    if (is_walk(x->regs.htinst)) {
        hext_inject(x, fault, x->regs.stval);
        return;
    }
    insn = instruction(x, &length);
    if (!insn)
        return; // whatever is wrong with the fetch, the guest meets it itself
    unsigned funct3 = insn >> 12 & 7, size = 1u << (funct3 & 3);

    if (store && (insn & 0x7f) == OPCODE_STORE && funct3 < 4) {
        uint64_t value = x->regs.x[insn >> 20 & 31];

        error =
            hull_bus_write(bus, gpa, size, size == 8 ? value : value & ((1ull << 8 * size) - 1));
    } else if (!store && (insn & 0x7f) == OPCODE_LOAD && funct3 != 7) {
        uint64_t value;

        error = hull_bus_read(bus, gpa, size, &value);
        if (!error && (insn >> 7 & 31))
            x->regs.x[insn >> 7 & 31] = extend(value, funct3);
    }
    if (error)
        hext_inject(x, fault, x->regs.stval);
    else
        x->regs.sepc += length;
}
