// SPDX-License-Identifier: Apache-2.0
// One hart of a VM with a little RAM and no engine, for tests of guest/riscv.
#ifndef TESTS_RISCV_FIXTURE_H
#define TESTS_RISCV_FIXTURE_H

#include "guest/riscv/csr.h"
#include "tests/unit/fake_env.h"

#define FIXTURE_RAM 0x80000000ull
#define FIXTURE_RAM_SIZE 0x100000ull

struct riscv_fixture {
    struct fake_env fake;
    struct vm vm;
    struct riscv_isa isa;
    struct hart hart;
    uint8_t *ram;
};

// Call the two around each test. `sbi` as in struct hart; the ISA is everything.
void riscv_fixture_init(struct riscv_fixture *f, bool sbi);
void riscv_fixture_fini(struct riscv_fixture *f);

// One csrr, or one csrw, with its instruction counted as an engine does; failing the test where
// it is illegal.
uint64_t fixture_csrr(struct riscv_fixture *f, unsigned csr);
void fixture_csrw(struct riscv_fixture *f, unsigned csr, uint64_t value);
uint64_t fixture_modify(struct riscv_fixture *f, unsigned csr, enum riscv_csr_op op,
                        uint64_t operand);
// Whether an instruction may read, or write, the register now.
bool fixture_readable(struct riscv_fixture *f, unsigned csr);
bool fixture_writable(struct riscv_fixture *f, unsigned csr);

void fixture_poke(struct riscv_fixture *f, gpa_t gpa, uint64_t value);
uint64_t fixture_peek(struct riscv_fixture *f, gpa_t gpa);

#endif
