// SPDX-License-Identifier: Apache-2.0
// All 4096 CSR numbers by all six instructions, with anything as a value. What can be written is put back
// by the very next instruction.
#include "hostile.h"

#include "pt.h"

#define CSR_SATP 0x180

static uint32_t code[RT_HARTS][16] __attribute__((aligned(64)));

// csrrX a0, csr, a1 (or the immediate 11), by funct3.
static uint32_t csr_insn(unsigned funct3, unsigned csr)
{
    return csr << 20 | 11u << 15 | funct3 << 12 | 10u << 7 | 0x73;
}

static struct rt_outcome run(uint32_t *insns, uint64_t *result, uint64_t value, uint64_t old)
{
    register uint64_t a0 __asm__("a0") = (uint64_t)insns, a1 __asm__("a1") = value,
                         a2 __asm__("a2") = old;
    struct rt_outcome o = TRY_OUT("jalr a0", a0, "r"(a1), "r"(a2));

    if (result)
        *result = a0;
    return o;
}

// A root of garbage would take the next instruction away: the program must not do that to itself.
static uint64_t value_for(unsigned csr)
{
    uint64_t value = rnd() & 1 ? rnd() : wild();
    uint64_t mode = value >> 60;

    if (csr == CSR_SATP && mode >= 8 && mode <= 10)
        value &= ~(8ul << 60);
    return value;
}

static void try_csr(unsigned csr, unsigned funct3)
{
    uint32_t *insns = code[rt_hart()];
    uint64_t old = 0;
    struct rt_outcome o;

    insns[0] = csr_insn(2, csr) & ~(31u << 15); // csrrs a0, csr, x0
    insns[1] = 0x00008067;                      // ret
    rt_fence_i();
    o = run(insns, &old, 0, 0);
    hostile_count(o);
    CHECK(o.cause == NO_TRAP || o.cause == CAUSE_ILLEGAL || o.cause == 22);
    insns[0] = csr_insn(funct3, csr);
    insns[1] = csr << 20 | 12u << 15 | 1u << 12 | 0x73; // csrrw x0, csr, a2
    insns[2] = 0x00008067;
    rt_fence_i();
    o = run(insns, NULL, value_for(csr), old);
    hostile_count(o);
    CHECK(o.cause == NO_TRAP || o.cause == CAUSE_ILLEGAL || o.cause == 22);
}

// funct3: 1 to 3 with a register, 5 to 7 with an immediate.
void hostile_csrs(unsigned round)
{
    static const uint8_t kinds[] = {1, 5, 2, 6, 3, 7};

    csr_clear(sstatus, STATUS_SIE);
    for (unsigned csr = 0; csr < 4096; csr++)
        try_csr(csr, kinds[(csr + round) % 6]);
    pt_flush();
    hostile_repair();
}
