// SPDX-License-Identifier: Apache-2.0
// See jit_rig.h.
#include "tests/unit/jit_rig.h"

static void request(void *ctx, enum vm_request what, int code)
{
    (void)ctx;
    (void)what;
    (void)code;
}

// A register that counts what is written, each access twice as much as the one before.
static int device_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct machine *m = (struct machine *)((char *)dev - offsetof(struct machine, device));

    *value = m->device_sum + offset + size;
    return 0;
}

static int device_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct machine *m = (struct machine *)((char *)dev - offsetof(struct machine, device));

    m->device_sum = m->device_sum * 2 + value + offset + size;
    return 0;
}

static void device_destroy(struct device *dev)
{
    hull_device_fini(dev);
}

static const struct device_ops device_ops = {
    .name = "counter", .read = device_read, .write = device_write, .destroy = device_destroy};

static void machine_up(struct machine *m, const struct engine_ops *engine)
{
    const struct vm_owner owner = {.request = request, .ctx = m};

    fake_env_init(&m->fake);
    m->ram = aligned_alloc(4096, RAM_SIZE);
    memset(m->ram, 0, RAM_SIZE);
    assert_int_equal(hull_vm_init(&m->vm, &m->fake.env, &owner, engine, 1), 0);
    assert_int_equal(hull_memory_add(&m->vm.memory, CODE, RAM_SIZE, m->ram), 0);
    hull_device_init(&m->device, &device_ops, &m->fake.env);
    assert_int_equal(hull_bus_add(&m->vm.bus, &m->device, DEVICE, 4096), 0);
    m->board.vm = &m->vm;
    m->board.isa = riscv_isa_default();
    m->board.sbi = &m->sbi;
    riscv_decoder_init(&m->board.decoder, &m->board.isa);
    m->vm.board = &m->board;
    riscv_hart_reset(&m->state, &m->board.isa, true, 0, CODE, 0);
    m->state.mstatus |= MSTATUS_FS_DIRTY;
    // A trap that a program does not expect ends it.
    m->state.stvec = CODE + 0x800;
    m->state.scause = NO_TRAP;
    memcpy(m->ram + 0x800, &(uint32_t){ECALL}, 4);
}

int set_up(void **state)
{
    struct rig *rig;

#ifndef __x86_64__
    skip();
#endif
    rig = calloc(1, sizeof(*rig));
    setenv("HULL_JIT_HOT", "0", 1); // everything is translated at once
    setenv("HULL_JIT_VERIFY", "1", 1);
    machine_up(&rig->m[INTERP], &interp_engine);
    machine_up(&rig->m[JIT], &jit_engine);
    *state = rig;
    return 0;
}

int tear_down(void **state)
{
    struct rig *rig = *state;

    for (unsigned i = 0; i < ENGINES; i++) {
        hull_vm_fini(&rig->m[i].vm);
        assert_int_equal(rig->m[i].fake.allocated, 0);
        free(rig->m[i].ram);
    }
    free(rig);
    return 0;
}

void put(struct rig *rig, uint64_t at, const void *bytes, size_t size)
{
    for (unsigned i = 0; i < ENGINES; i++)
        memcpy(rig->m[i].ram + (at - CODE), bytes, size);
}

uint64_t instret(const struct machine *m)
{
    return m->vm.engine->instret(&m->vm.vcpus[0]);
}

void run_one(struct machine *m)
{
    struct vcpu *vcpu = &m->vm.vcpus[0];

    m->vm.engine->set_state(vcpu, &m->state);
    memset(&m->exit, 0, sizeof(m->exit));
    m->exit.sbi.skip_ret = true; // the ecall of the run before is forgotten
    m->vm.engine->run(vcpu, &m->exit);
    assert_int_equal(m->exit.reason, VCPU_EXIT_SBI);
    m->vm.engine->get_state(vcpu, &m->state);
}

void compare(struct rig *rig)
{
    const struct hart_state *a = &rig->m[INTERP].state, *b = &rig->m[JIT].state;

    for (unsigned i = 0; i < 32; i++) {
        if (a->x[i] != b->x[i])
            print_error("x%u:\n", i);
        assert_true(a->x[i] == b->x[i]);
        if (a->f[i] != b->f[i])
            print_error("f%u:\n", i);
        assert_true(a->f[i] == b->f[i]);
    }
    assert_memory_equal(a, b, sizeof(*a));
    assert_memory_equal(rig->m[INTERP].ram, rig->m[JIT].ram, RAM_SIZE);
    assert_true(instret(&rig->m[INTERP]) == instret(&rig->m[JIT]));
    assert_true(rig->m[INTERP].device_sum == rig->m[JIT].device_sum);
    assert_int_equal(rig->m[INTERP].watched, rig->m[JIT].watched);
}

// Runs both until an ecall. Both states are what came out then.
void run(struct rig *rig)
{
    for (unsigned i = 0; i < ENGINES; i++)
        run_one(&rig->m[i]);
    compare(rig);
}
