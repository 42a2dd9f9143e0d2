// SPDX-License-Identifier: Apache-2.0
// A VM without an engine, for tests of devices.
#include "tests/unit/fake_vm.h"

#include "tests/unit/unit.h"

static int no_vcpu(struct vcpu *vcpu)
{
    (void)vcpu;
    return 0;
}

static void no_vcpu_either(struct vcpu *vcpu)
{
    (void)vcpu;
}

static const struct engine_ops no_engine = {
    .name = "none",
    .vcpu_create = no_vcpu,
    .vcpu_destroy = no_vcpu_either,
};

static void note_request(void *ctx, enum vm_request what, int code)
{
    struct fake_vm *f = ctx;

    f->requests++;
    f->last_request = what;
    f->last_code = code;
}

void fake_vm_init(struct fake_vm *f, unsigned vcpus)
{
    const struct vm_owner owner = {.request = note_request, .ctx = f};

    memset(f, 0, sizeof(*f));
    fake_env_init(&f->fake);
    f->fake.now_ns = 5000; // ticks 0 to 49 have passed before the VM was there
    assert_int_equal(hull_vm_init(&f->vm, &f->fake.env, &owner, &no_engine, vcpus), 0);
}

void fake_vm_fini(struct fake_vm *f)
{
    hull_vm_fini(&f->vm);
    assert_int_equal(f->fake.locks_held, 0);
    assert_int_equal(f->fake.allocated, 0);
    assert_null(f->fake.timers);
}

bool fake_vm_line(const struct fake_vm *f, unsigned vcpu, unsigned line)
{
    return atomic_load(&f->vm.vcpus[vcpu].irq_lines) >> line & 1;
}
