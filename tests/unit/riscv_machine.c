// SPDX-License-Identifier: Apache-2.0
// The board for unit tests: see riscv_machine.h.
#include "tests/unit/riscv_machine.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

static struct machine *machine_of(const struct vcpu *vcpu)
{
    return hull_container_of(vcpu->vm, struct machine, vm);
}

static int engine_create(struct vcpu *vcpu)
{
    vcpu->engine_data = &machine_of(vcpu)->vcpus[vcpu->index];
    return 0;
}

static void engine_destroy(struct vcpu *vcpu)
{
    vcpu->engine_data = NULL;
}

static void engine_get_state(struct vcpu *vcpu, struct hart_state *state)
{
    *state = ((struct machine_vcpu *)vcpu->engine_data)->state;
}

static void engine_set_state(struct vcpu *vcpu, const struct hart_state *state)
{
    struct machine_vcpu *v = vcpu->engine_data;

    v->state = *state;
    v->state_sets++;
}

static bool engine_wakeup_pending(struct vcpu *vcpu)
{
    return ((struct machine_vcpu *)vcpu->engine_data)->wakeup;
}

static void engine_set_timer(struct vcpu *vcpu, uint64_t ticks)
{
    ((struct machine_vcpu *)vcpu->engine_data)->timer = ticks;
}

static void engine_raise_ssip(struct vcpu *vcpu)
{
    ((struct machine_vcpu *)vcpu->engine_data)->ssips++;
}

static uint64_t engine_instret(const struct vcpu *vcpu)
{
    (void)vcpu;
    return 0;
}

static const struct engine_ops note_engine = {
    .name = "note",
    .vcpu_create = engine_create,
    .vcpu_destroy = engine_destroy,
    .get_state = engine_get_state,
    .set_state = engine_set_state,
    .wakeup_pending = engine_wakeup_pending,
    .set_timer = engine_set_timer,
    .raise_ssip = engine_raise_ssip,
    .instret = engine_instret,
};

static uint64_t engine_stolen_ns(const struct vcpu *vcpu)
{
    return ((struct machine_vcpu *)vcpu->engine_data)->stolen;
}

void machine_tells_stolen(struct machine *m)
{
    static struct engine_ops telling;

    telling = note_engine;
    telling.stolen_ns = engine_stolen_ns;
    m->vm.engine = &telling;
}

static void note_request(void *ctx, enum vm_request what, int code)
{
    struct machine *m = ctx;

    m->request = what;
    m->request_code = code;
}

static size_t take_output(void *ctx, const void *buf, size_t len)
{
    struct machine *m = ctx;

    if (len > m->output_room)
        len = m->output_room;
    if (len > sizeof(m->output) - 1 - m->output_length)
        len = sizeof(m->output) - 1 - m->output_length;
    memcpy(m->output + m->output_length, buf, len);
    m->output_length += len;
    m->output_room -= len;
    return len;
}

void machine_init(struct machine *m, unsigned cpus)
{
    struct vm_owner owner = {.request = note_request, .ctx = m};

    memset(m, 0, sizeof(*m));
    fake_env_init(&m->fake);
    m->request = -1;
    m->output_room = SIZE_MAX;
    m->backends.uart = (struct char_backend){.write = take_output, .ctx = m};
    hull_spec_defaults(&m->spec);
    m->spec.cpus = cpus;
    m->spec.memory = MACHINE_RAM_SIZE;
    m->spec.net_count = 0;
    m->spec.rng = m->spec.balloon = false;
    assert_int_equal(hull_vm_init(&m->vm, &m->fake.env, &owner, &note_engine, cpus), 0);
    assert_int_equal(posix_memalign((void **)&m->ram, HULL_PAGE_SIZE, MACHINE_RAM_SIZE), 0);
    memset(m->ram, 0, MACHINE_RAM_SIZE);
    assert_int_equal(hull_memory_add(&m->vm.memory, BOARD_RAM_BASE, MACHINE_RAM_SIZE, m->ram), 0);
}

int machine_board(struct machine *m)
{
    return riscv_board_create(&m->board, &m->vm, &m->spec, &m->images, &m->backends);
}

void machine_fini(struct machine *m)
{
    riscv_board_destroy(&m->board);
    hull_vm_fini(&m->vm);
    free(m->ram);
    assert_true(fake_env_clean(&m->fake));
}

void machine_boot(struct machine *m, unsigned cpus, bool firmware)
{
    static const uint32_t spin = 0x0000006f; // j .
    struct board_image image = {.data = &spin, .size = sizeof(spin), .name = "spin"};

    machine_init(m, cpus);
    if (firmware) {
        m->spec.boot.firmware = "spin";
        m->images.firmware = image;
    } else {
        m->spec.boot.kernel = "spin";
        m->images.kernel = image;
    }
    assert_int_equal(machine_board(m), 0);
}

void *machine_at(struct machine *m, gpa_t gpa)
{
    return m->ram + (gpa - BOARD_RAM_BASE);
}
