// SPDX-License-Identifier: Apache-2.0
// One hart of a VM with a little RAM.
#include "tests/unit/unit.h"

#include "tests/unit/riscv_fixture.h"

void riscv_fixture_init(struct riscv_fixture *f, bool sbi)
{
    memset(f, 0, sizeof(*f));
    fake_env_init(&f->fake);
    f->isa = riscv_isa_default();
    f->vm.env = f->fake.env;
    f->vm.env.timebase_hz = HULL_TIMEBASE_HZ; // as hull_vm_init() would
    f->vm.vcpu_count = 1;
    f->vm.vcpus[0].vm = &f->vm;
    f->ram = hull_alloc(&f->vm.env, FIXTURE_RAM_SIZE);
    assert_non_null(f->ram);
    assert_int_equal(hull_memory_add(&f->vm.memory, FIXTURE_RAM, FIXTURE_RAM_SIZE, f->ram), 0);
    riscv_hart_init(&f->hart, &f->vm.vcpus[0], &f->isa, sbi);
    f->hart.changed = 0;
}

void riscv_fixture_fini(struct riscv_fixture *f)
{
    riscv_hart_fini(&f->hart);
    assert_null(f->fake.timers);
    hull_free(&f->vm.env, f->ram, FIXTURE_RAM_SIZE);
    assert_int_equal(f->fake.allocated, 0);
}

uint64_t fixture_csrr(struct riscv_fixture *f, unsigned csr)
{
    uint64_t value = 0;

    assert_int_equal(riscv_csr_read(&f->hart, csr, false, &value), 0);
    f->hart.instret++;
    return value;
}

void fixture_csrw(struct riscv_fixture *f, unsigned csr, uint64_t value)
{
    assert_int_equal(riscv_csr_write(&f->hart, csr, value), 0);
    f->hart.instret++;
}

uint64_t fixture_modify(struct riscv_fixture *f, unsigned csr, enum riscv_csr_op op,
                        uint64_t operand)
{
    uint64_t old = 0;

    assert_int_equal(riscv_csr_modify(&f->hart, csr, op, operand, &old), 0);
    f->hart.instret++;
    return old;
}

bool fixture_readable(struct riscv_fixture *f, unsigned csr)
{
    uint64_t value;

    return !riscv_csr_read(&f->hart, csr, false, &value);
}

bool fixture_writable(struct riscv_fixture *f, unsigned csr)
{
    uint64_t value;
    struct hart saved = f->hart;
    bool ok =
        !riscv_csr_read(&f->hart, csr, true, &value) && !riscv_csr_write(&f->hart, csr, value);

    f->hart = saved;
    return ok;
}

void fixture_poke(struct riscv_fixture *f, gpa_t gpa, uint64_t value)
{
    assert_int_equal(hull_memory_write(&f->vm.memory, gpa, &value, sizeof(value)), 0);
}

uint64_t fixture_peek(struct riscv_fixture *f, gpa_t gpa)
{
    uint64_t value = 0;

    assert_int_equal(hull_memory_read(&f->vm.memory, gpa, &value, sizeof(value)), 0);
    return value;
}
