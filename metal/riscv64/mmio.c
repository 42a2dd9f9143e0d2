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

// hstatus.SPVP is still as the trap left it: nothing of ours changes it.
uint32_t hext_fetch(const struct hext *x)
{
    gva_t pc = x->regs.sepc;
    int64_t raw = pc & 3 ? guest_fetch_half(pc) : guest_fetch_word(pc), high;

    if (raw < 0)
        return 0;
    if ((raw & 3) != 3)
        return (uint16_t)raw;
    if (!(pc & 3))
        return (uint32_t)raw;
    high = guest_fetch_half(pc + 2);
    return high < 0 ? 0 : (uint32_t)raw | (uint32_t)high << 16;
}

// c.lw, c.ld, c.sw and c.sd are what compilers make of accesses to devices. Only the register and the size matter here,
// which have the same places in both forms.
static uint32_t expand(const struct hext *x, uint32_t raw)
{
    const struct riscv_board *board = x->vcpu->vm->board;
    uint32_t funct3 = raw >> 13 & 3, reg = 8 | (raw >> 2 & 7);

    if (!(raw & 3) && (funct3 & 2))
        return funct3 << 12 | (raw >> 15 & 1 ? OPCODE_STORE | reg << 20 : OPCODE_LOAD | reg << 7);
    return riscv_expand_compressed((uint16_t)raw, &board->isa);
}

// The instruction in its long form, and the length that it has in memory; 0: fetch failed.
static uint32_t instruction(const struct hext *x, unsigned *length)
{
    uint32_t raw = (uint32_t)x->regs.htinst;

    if (raw & 1) { // transformed: bit 1 clear says that it was compressed
        *length = raw & 2 ? 4 : 2;
        return raw | 2;
    }
    raw = hext_fetch(x);
    *length = (raw & 3) == 3 ? 4 : 2;
    return *length == 4 ? raw : expand(x, raw);
}

// Most accesses are to the device of the one before.
static struct device *device_at(struct hext *x, gpa_t gpa, unsigned size)
{
    struct device *dev = x->device;

    if (dev && gpa - dev->base < dev->size && dev->size - (gpa - dev->base) >= size)
        return dev;
    dev = hull_bus_find(&x->vcpu->vm->bus, gpa, size);
    if (dev)
        x->device = dev;
    return dev;
}

// The low bytes, extended as a load of that funct3 does.
static uint64_t extend(uint64_t value, unsigned funct3)
{
    unsigned unused = 64 - (8u << (funct3 & 3));

    value <<= unused;
    return funct3 & 4 ? value >> unused : (uint64_t)((int64_t)value >> unused);
}

unsigned hext_mmio(struct hext *x, gpa_t gpa)
{
    bool store = x->regs.scause == HW_CAUSE_GUEST_STORE_FAULT;
    unsigned length, reg = 0;
    int error = -HULL_EFAULT;

    if (!is_walk(x->regs.htinst)) {
        uint32_t insn = instruction(x, &length);
        unsigned funct3 = insn >> 12 & 7, size = 1u << (funct3 & 3);
        struct device *dev = device_at(x, gpa, size);

        if (!insn)
            return 0; // whatever is wrong with the fetch, the guest meets it itself
        if (dev && store && (insn & 0x7f) == OPCODE_STORE && funct3 < 4) {
            error = hull_device_write(dev, gpa - dev->base, size,
                                      extend(x->regs.x[insn >> 20 & 31], funct3 | 4));
        } else if (dev && !store && (insn & 0x7f) == OPCODE_LOAD && funct3 != 7) {
            error = hull_device_read(dev, gpa - dev->base, size, &x->regs.loaded);
            if (!error) {
                x->regs.loaded = extend(x->regs.loaded, funct3);
                reg = insn >> 7 & 31;
            }
        }
    }
    if (error)
        hext_inject(x, store ? CAUSE_STORE_ACCESS : CAUSE_LOAD_ACCESS, x->regs.stval);
    else
        x->regs.sepc += length;
    return reg;
}
