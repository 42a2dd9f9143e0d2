// SPDX-License-Identifier: Apache-2.0
// A VM that changes its engine: what moves, in which order, and that a failure leaves all as it was.
#include <stdlib.h>

#include "tests/unit/riscv_machine.h"
#include "tests/unit/unit.h"

#define CPUS 4

struct other { // a vCPU of the engine that is changed to
    struct hart_state state;
    unsigned sets;
};

static int failing = -1; // which vCPU can't be made
static unsigned live;

static int other_create(struct vcpu *vcpu)
{
    if ((int)vcpu->index == failing)
        return -HULL_ENOTSUP;
    vcpu->engine_data = calloc(1, sizeof(struct other));
    assert_non_null(vcpu->engine_data);
    live++;
    return 0;
}

static void other_destroy(struct vcpu *vcpu)
{
    free(vcpu->engine_data);
    vcpu->engine_data = NULL;
    live--;
}

static void other_get_state(struct vcpu *vcpu, struct hart_state *state)
{
    *state = ((struct other *)vcpu->engine_data)->state;
}

static void other_set_state(struct vcpu *vcpu, const struct hart_state *state)
{
    struct other *o = vcpu->engine_data;

    o->state = *state;
    o->sets++;
}

static bool other_wakeup_pending(struct vcpu *vcpu)
{
    ((struct other *)vcpu->engine_data)->state.mip |= 2; // as an engine that was told SSIP
    return true;
}

static uint64_t other_instret(const struct vcpu *vcpu)
{
    (void)vcpu;
    return 1000;
}

static const struct engine_ops other_engine = {
    .name = "other",
    .vcpu_create = other_create,
    .vcpu_destroy = other_destroy,
    .get_state = other_get_state,
    .set_state = other_set_state,
    .wakeup_pending = other_wakeup_pending,
    .instret = other_instret,
};

static void states_move_there_and_back(void **state)
{
    const struct engine_ops *first;
    struct machine m;

    (void)state;
    failing = -1;
    machine_boot(&m, CPUS, false);
    first = m.vm.engine;
    for (unsigned i = 0; i < CPUS; i++)
        m.vcpus[i].state.x[5] = 100 + i;
    assert_int_equal(riscv_board_set_engine(&m.board, &other_engine), 0);
    assert_ptr_equal(m.vm.engine, &other_engine);
    for (unsigned i = 0; i < CPUS; i++) {
        struct other *o = m.vm.vcpus[i].engine_data;

        assert_int_equal(o->state.x[5], 100 + i);
        assert_int_equal(o->sets, 1);
        o->state.x[6] = 200 + i;
    }
    assert_int_equal(riscv_board_set_engine(&m.board, first), 0);
    assert_int_equal(live, 0);
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(m.vcpus[i].state.x[6], 200 + i);
        assert_int_equal(m.vcpus[i].state.mip, 2); // taken in before the state was read
        assert_int_equal(hull_vcpu_instret(&m.vm.vcpus[i]), 1000);
    }
    machine_fini(&m);
}

static void a_failure_leaves_the_old_engine(void **state)
{
    const struct engine_ops *first;
    struct machine m;

    (void)state;
    machine_boot(&m, CPUS, false);
    first = m.vm.engine;
    for (failing = 0; failing < CPUS; failing++) {
        assert_int_equal(riscv_board_set_engine(&m.board, &other_engine), -HULL_ENOTSUP);
        assert_int_equal(live, 0);
        assert_ptr_equal(m.vm.engine, first);
        for (unsigned i = 0; i < CPUS; i++)
            assert_ptr_equal(m.vm.vcpus[i].engine_data, &m.vcpus[i]);
    }
    machine_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_move_there_and_back),
        cmocka_unit_test(a_failure_leaves_the_old_engine),
    };

    return cmocka_run_group_tests_name("riscv_engine", tests, NULL, NULL);
}
