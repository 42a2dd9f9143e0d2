// SPDX-License-Identifier: Apache-2.0
// APLIC: sources with a real APLIC's behind them, which has their configuration and their pending bits.
#include "tests/unit/aplic_rig.h"

// What stands behind source BACKED: what it was told last, and what it answers.
#define BACKED 45

static struct {
    struct aplic_route route;
    unsigned configured;
    bool pending, input;
} real;

static void real_configure(void *ctx, unsigned number, const struct aplic_route *route)
{
    assert_ptr_equal(ctx, &real);
    assert_int_equal(number, BACKED);
    real.route = *route;
    real.configured++;
}

static void real_set_pending(void *ctx, unsigned number, bool pending)
{
    assert_ptr_equal(ctx, &real);
    assert_int_equal(number, BACKED);
    real.pending = pending;
}

static bool real_pending(void *ctx, unsigned number)
{
    (void)ctx;
    return number == BACKED && real.pending;
}

static bool real_input(void *ctx, unsigned number)
{
    (void)ctx;
    return number == BACKED && real.input;
}

static void back(void)
{
    static const struct aplic_backing backing = {
        .configure = real_configure,
        .set_pending = real_set_pending,
        .pending = real_pending,
        .input = real_input,
    };

    memset(&real, 0, sizeof(real));
    hull_aplic_back(root, BACKED, &backing, &real);
}

static void is_routed(unsigned mode, unsigned vcpu, uint32_t identity, bool enabled)
{
    assert_int_equal(real.route.mode, mode);
    assert_int_equal(real.route.vcpu, vcpu);
    assert_int_equal(real.route.identity, identity);
    assert_int_equal(real.route.enabled, enabled);
}

static void a_backed_source_is_configured_elsewhere(void **state)
{
    (void)state;
    back();
    is_routed(0, 0, 0, false);
    set(S + SOURCECFG(BACKED), EDGE1);
    is_routed(EDGE1, 0, 0, false);
    set(S + TARGET(BACKED), TO(1, 0, 7));
    is_routed(EDGE1, 1, 7, false);
    set(S + SETIENUM, BACKED);
    is_routed(EDGE1, 1, 7, false); // the domain is off
    set(S + DOMAINCFG, IE);
    is_routed(EDGE1, 1, 7, true);
    set(S + TARGET(BACKED), TO(0x3fff, 0, 0x7ff));
    is_routed(EDGE1, 0x3fff, 0x7ff, true);
    set(S + CLRIE(1), 1u << BACKED % 32);
    assert_false(real.route.enabled);
    set(S + SETIE(1), 1u << BACKED % 32);
    assert_true(real.route.enabled);
    set(S + DOMAINCFG, 0);
    assert_false(real.route.enabled);
    set(S + DOMAINCFG, IE);
    set(S + SOURCECFG(BACKED), 0);
    assert_int_equal(real.route.mode, 0);
    assert_false(real.route.enabled);
    real.configured = 0;
    source(S, 13, LEVEL1, TO(0, 0, 13));  // other sources are what they were
    assert_int_equal(real.configured, 1); // by the domain's IE, which is everybody's
    wire(13, true);
    assert_true(came(0, 0, 13));
    source(S, BACKED, LEVEL0, TO(0, 0, 9));
    is_routed(LEVEL0, 0, 9, true);
    hull_bus_reset(&fvm.vm.bus);
    assert_int_equal(real.route.mode, 0);
    assert_false(real.route.enabled);
    assert_true(nothing_came());
}

static void a_backed_source_is_pending_elsewhere(void **state)
{
    uint32_t bit = 1u << BACKED % 32;

    (void)state;
    back();
    set(S + SETIPNUM, BACKED); // it is inactive
    assert_false(real.pending);
    source(S, BACKED, EDGE1, TO(0, 0, 9));
    assert_int_equal(get(S + SETIP(1)), 0);
    set(S + SETIPNUM_LE, BACKED);
    assert_int_equal(get(S + SETIP(1)), bit); // it is there that it goes to be sent
    assert_true(nothing_came());
    set(S + CLRIPNUM, BACKED);
    assert_false(real.pending);
    set(S + SETIP(1), bit);
    assert_true(real.pending);
    set(S + IN_CLRIP(1), bit);
    assert_false(real.pending);
    real.input = true;
    assert_int_equal(get(S + IN_CLRIP(1)), bit);
    set(S + SOURCECFG(BACKED), LEVEL1);
    set(S + SETIPNUM_LE, BACKED);
    assert_true(real.pending);
    real.pending = real.input = false;
    set(S + SETIPNUM_LE, BACKED); // the level is not there any more
    assert_false(real.pending);
    real.input = true;
    set(S + SOURCECFG(BACKED), DETACHED);
    assert_int_equal(get(S + IN_CLRIP(1)), 0);
    assert_true(nothing_came());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f, setup) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(a_backed_source_is_configured_elsewhere, with_msis),
        TEST(a_backed_source_is_pending_elsewhere, with_msis),
    };

    return cmocka_run_group_tests_name("core/dev/aplic_backing", tests, NULL, NULL);
}
